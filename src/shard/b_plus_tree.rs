//! A B+ tree: an ordered set whose values are in its leaves.
//!
//! Unlike `alloc::collections::BTreeSet`, it finds the n-th value, lends the values of a leaf as a
//! slice, and removes the first values of a leaf at once. It also takes less memory: it is small
//! when it has few values, values that are inserted in order fill its leaves completely, and nodes
//! are merged and shrunk after removals. No operation copies more than part of one node.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

/// The largest number of values in a leaf.
const LEAF: usize = 64;

/// The largest number of children of an inner node.
const FAN_OUT: usize = 64;

#[derive(Clone, Debug)]
pub(super) struct BPlusTree<T>(Node<T>);

#[derive(Clone, Debug)]
enum Node<T> {
    /// Values in ascending order. Only a root can be empty.
    Leaf(Vec<T>),
    Inner(Box<Inner<T>>),
}

#[derive(Clone, Debug)]
struct Inner<T> {
    children: Vec<Child<T>>,
    len: usize,
}

#[derive(Clone, Debug)]
struct Child<T> {
    /// No value in this child is below it, and all values before this child are. Unused in the
    /// first child.
    separator: T,
    node: Node<T>,
}

impl<T> Default for BPlusTree<T> {
    fn default() -> Self {
        Self(Node::Leaf(Vec::new()))
    }
}

impl<T: Copy + Ord> BPlusTree<T> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a value that is not in the tree yet.
    pub(super) fn insert(&mut self, value: T) {
        if let Some(right) = self.0.insert(value, true) {
            let left = mem::replace(&mut self.0, Node::Leaf(Vec::new()));
            let len = left.len() + right.node.len();
            let children = Vec::from([Child { separator: right.separator, node: left }, right]);
            self.0 = Node::Inner(Box::new(Inner { children, len }));
        }
    }

    pub(super) fn remove(&mut self, value: T) {
        self.0.remove(value);
        self.collapse();
    }

    /// Removes the first `count` values, which must not be more than [`from`](Self::from) returns
    /// for the beginning.
    pub(super) fn remove_first(&mut self, count: usize) {
        self.0.remove_first(count);
        self.collapse();
    }

    /// Replaces a root that has a single child by that child.
    fn collapse(&mut self) {
        while let Node::Inner(inner) = &mut self.0
            && inner.children.len() == 1
            && let Some(only) = inner.children.pop()
        {
            self.0 = only.node;
        }
    }

    pub(super) fn first(&self) -> Option<T> {
        let mut node = &self.0;
        loop {
            match node {
                Node::Leaf(values) => return values.first().copied(),
                Node::Inner(inner) => node = &inner.children.first()?.node,
            }
        }
    }

    pub(super) fn last(&self) -> Option<T> {
        let mut node = &self.0;
        loop {
            match node {
                Node::Leaf(values) => return values.last().copied(),
                Node::Inner(inner) => node = &inner.children.last()?.node,
            }
        }
    }

    /// Returns the value with `place` others before it.
    pub(super) fn nth(&self, mut place: usize) -> Option<T> {
        let mut node = &self.0;
        loop {
            match node {
                Node::Leaf(values) => return values.get(place).copied(),
                Node::Inner(inner) => {
                    let child = inner.children.iter().find(|child| {
                        let here = place < child.node.len();
                        place -= if here { 0 } else { child.node.len() };
                        here
                    });
                    node = &child?.node;
                }
            }
        }
    }

    /// Returns the last few values that are `below`, in ascending order: those that are in one
    /// leaf. It is empty only if no value is `below`. All values that are `below` must come before
    /// the others.
    pub(super) fn until(&self, below: impl Fn(&T) -> bool) -> &[T] {
        self.0.until(&below)
    }

    /// Returns the first few values that are not `below`, likewise from one leaf.
    pub(super) fn from(&self, below: impl Fn(&T) -> bool) -> &[T] {
        self.0.from(&below)
    }

    /// Iterates over all values in ascending order.
    pub(super) fn ascending(&self) -> impl Iterator<Item = T> {
        let mut part = self.from(|_| false).iter();
        core::iter::from_fn(move || {
            let value = *part.next()?;
            if part.len() == 0 {
                part = self.from(|other| *other <= value).iter();
            }
            Some(value)
        })
    }
}

impl<T: Copy + Ord> Node<T> {
    fn len(&self) -> usize {
        match self {
            Self::Leaf(values) => values.len(),
            Self::Inner(inner) => inner.len,
        }
    }

    /// Adds a value. If the node becomes too large, returns its second half. If values arrive in
    /// order, the last node instead stays full, and the new node gets only the value.
    fn insert(&mut self, value: T, is_last: bool) -> Option<Child<T>> {
        match self {
            Self::Leaf(values) => insert_into_leaf(values, value, is_last),
            Self::Inner(inner) => inner.insert(value, is_last),
        }
    }

    fn remove(&mut self, value: T) -> bool {
        match self {
            Self::Leaf(values) => match values.binary_search(&value) {
                Ok(place) => {
                    values.remove(place);
                    shrink(values);
                    true
                }
                Err(_) => false,
            },
            Self::Inner(inner) => inner.remove(value),
        }
    }

    fn remove_first(&mut self, count: usize) {
        match self {
            // More values will be removed from the front, so shrinking isn't worth it.
            Self::Leaf(values) => drop(values.drain(..count.min(values.len()))),
            Self::Inner(inner) => {
                inner.children[0].node.remove_first(count);
                inner.len -= count;
                inner.rebalance(0);
            }
        }
    }

    fn until(&self, below: &impl Fn(&T) -> bool) -> &[T] {
        match self {
            Self::Leaf(values) => &values[..values.partition_point(below)],
            Self::Inner(inner) => {
                let begin = inner.child_of(below);
                let before = inner.children[..=begin].iter().rev();
                before
                    .map(|child| child.node.until(below))
                    .find(|part| !part.is_empty())
                    .unwrap_or(&[])
            }
        }
    }

    fn from(&self, below: &impl Fn(&T) -> bool) -> &[T] {
        match self {
            Self::Leaf(values) => &values[values.partition_point(below)..],
            Self::Inner(inner) => {
                let begin = inner.child_of(below);
                let after = inner.children[begin..].iter();
                after
                    .map(|child| child.node.from(below))
                    .find(|part| !part.is_empty())
                    .unwrap_or(&[])
            }
        }
    }

    /// Returns whether a node that values were removed from may be merged with a neighbour.
    fn can_merge_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Leaf(own), Self::Leaf(other)) => own.len() + other.len() <= LEAF * 7 / 8,
            (Self::Inner(own), Self::Inner(other)) => {
                own.children.len() + other.children.len() <= FAN_OUT * 3 / 4
            }
            _ => false,
        }
    }

    /// Appends the node that comes after this one.
    fn append(&mut self, next: Child<T>) {
        match (self, next.node) {
            (Self::Leaf(own), Self::Leaf(mut other)) => {
                own.reserve_exact(other.len());
                own.append(&mut other);
            }
            (Self::Inner(own), Self::Inner(mut other)) => {
                own.len += other.len;
                if let Some(first) = other.children.first_mut() {
                    first.separator = next.separator;
                }
                own.children.append(&mut other.children);
            }
            // All leaves are at the same depth.
            _ => {}
        }
    }
}

fn insert_into_leaf<T: Copy + Ord>(
    values: &mut Vec<T>,
    value: T,
    is_last: bool,
) -> Option<Child<T>> {
    let place = match values.last() {
        Some(last) if *last < value => values.len(),
        _ => values.partition_point(|other| *other < value),
    };
    if values.len() < LEAF {
        if values.len() == values.capacity() {
            values.reserve_exact(values.len().clamp(1, LEAF - values.len()));
        }
        values.insert(place, value);
        return None;
    }
    if is_last && place == values.len() {
        let mut next = Vec::with_capacity(LEAF);
        next.push(value);
        return Some(Child { separator: value, node: Node::Leaf(next) });
    }
    let mut next = values.split_off(LEAF / 2);
    match place.checked_sub(LEAF / 2) {
        Some(place) => next.insert(place, value),
        None => values.insert(place, value),
    }
    Some(Child { separator: next[0], node: Node::Leaf(next) })
}

/// Frees capacity if there is far more than needed.
fn shrink<T>(values: &mut Vec<T>) {
    let is_worth_it = values.is_empty() || values.capacity() > 4;
    if is_worth_it && values.len() * 2 <= values.capacity() {
        values.shrink_to(values.len() * 5 / 4 + 1);
    }
}

impl<T: Copy + Ord> Inner<T> {
    /// Returns the last child that can have a value that is `below`.
    fn child_of(&self, below: &impl Fn(&T) -> bool) -> usize {
        self.children[1..].partition_point(|child| below(&child.separator))
    }

    fn insert(&mut self, value: T, is_last: bool) -> Option<Child<T>> {
        self.len += 1;
        let at = match self.children.last() {
            Some(last) if last.separator <= value => self.children.len() - 1,
            _ => self.child_of(&|separator| *separator <= value),
        };
        let is_last = is_last && at + 1 == self.children.len();
        let new = self.children[at].node.insert(value, is_last)?;
        self.children.insert(at + 1, new);
        if self.children.len() <= FAN_OUT {
            return None;
        }
        let next = self.children.split_off(if is_last { FAN_OUT } else { FAN_OUT / 2 });
        let len = next.iter().map(|child| child.node.len()).sum();
        self.len -= len;
        let separator = next[0].separator;
        Some(Child { separator, node: Node::Inner(Box::new(Self { children: next, len })) })
    }

    fn remove(&mut self, value: T) -> bool {
        let at = self.child_of(&|separator| *separator <= value);
        if !self.children[at].node.remove(value) {
            return false;
        }
        self.len -= 1;
        self.rebalance(at);
        true
    }

    /// After a removal from a child, drops the child if it is empty, or merges it with a neighbour.
    fn rebalance(&mut self, at: usize) {
        if self.children[at].node.len() == 0 {
            self.children.remove(at);
        } else if !self.merge(at) && at > 0 {
            self.merge(at - 1);
        }
        shrink(&mut self.children);
    }

    /// Merges a child with the next one, if both fit into one node. Returns whether they did.
    fn merge(&mut self, at: usize) -> bool {
        let fits = match &self.children[at..] {
            [this, next, ..] => this.node.can_merge_with(&next.node),
            _ => false,
        };
        if fits {
            let next = self.children.remove(at + 1);
            self.children[at].node.append(next);
        }
        fits
    }
}
