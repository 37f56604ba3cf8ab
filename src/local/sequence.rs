//! The tasks of one account and status, by revision.
//!
//! Revisions only grow, so that a task which changes leaves its place and goes to the end: nothing
//! is ever inserted between others. A sequence is therefore made of runs of entries, written one
//! after the other. Each task knows its [`Place`], so that it leaves without being searched for;
//! and the runs are in an ordered set by their first revision, to seek in.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::ordered::Ordered;
use super::slab::Slab;
use crate::clock::Revision;

/// How many entries a run has at the most.
const LONGEST: usize = 128;

/// How many entries two runs have at the most, to be joined when one of them has become sparse.
const JOINED: usize = LONGEST * 3 / 4;

/// For how many entries a run has room at the least, to be called sparse: with less it is not worth
/// it. So much room is not given back either, as it will be of use again.
const WORTH: usize = 16;

/// The runs of all sequences of a store.
#[derive(Clone, Debug)]
pub(super) struct Runs(Slab<Run>);

/// Some entries of a sequence, by revision, the lowest first.
#[derive(Clone, Debug)]
struct Run {
    account: u32,
    entries: Vec<Mark>,
    /// The first entry that is not gone.
    begin: u8,
    /// How many entries are not gone.
    live: u8,
}

/// An entry of a run: a task's slot, and how far its revision is from the run's first.
#[derive(Clone, Copy, Debug)]
struct Mark {
    offset: u32,
    slot: u32,
}

impl Mark {
    /// The slot of an entry whose task has left. A slab never gives it out.
    const GONE: u32 = u32::MAX;

    fn is_gone(self) -> bool {
        self.slot == Self::GONE
    }
}

/// Where a task is in its sequence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    run: u32,
    at: u8,
}

/// A task in a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) revision: u64,
    pub(super) slot: u32,
}

/// The tasks of one account and status. Without any it takes no more than a word.
#[derive(Clone, Debug, Default)]
pub(super) struct Sequence(Option<Box<Ordered<Part>>>);

/// A run of a sequence, and the revision of its first entry, in halves that need no padding. None
/// of its entries is below that, and all of the run before are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    high: u32,
    low: u32,
    run: u32,
}

impl Part {
    fn new(first: u64, run: u32) -> Self {
        let half = |number: u64| u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        Self { high: half(first >> 32), low: half(first), run }
    }

    fn first(self) -> u64 {
        u64::from(self.high) << 32 | u64::from(self.low)
    }

    /// The offset of a revision in this run, where it is not too far.
    fn offset(self, revision: u64) -> Option<u32> {
        revision.checked_sub(self.first()).and_then(|offset| u32::try_from(offset).ok())
    }
}

impl Runs {
    pub(super) const fn new() -> Self {
        Self(Slab::new())
    }

    /// Whose task is in a place.
    pub(super) fn account(&self, place: Place) -> u32 {
        self.0[place.run].account
    }

    /// An empty run: one that was left empty, if there is one.
    fn begin(&mut self, account: u32, left: Option<u32>) -> u32 {
        left.unwrap_or_else(|| {
            self.0.insert(Run { account, entries: Vec::new(), begin: 0, live: 0 })
        })
    }

    /// Drops a run that was left empty.
    pub(super) fn drop_left(&mut self, left: Option<u32>) {
        if let Some(run) = left {
            self.0.remove(run);
        }
    }

    /// The entries of a run from the first one that is not gone on.
    fn entries(&self, part: Part) -> &[Mark] {
        let run = &self.0[part.run];
        &run.entries[usize::from(run.begin)..]
    }

    fn live(&self, part: Part) -> usize {
        self.0[part.run].live.into()
    }

    /// Whether two runs, of which one comes after the other, can be joined.
    fn fit(&self, earlier: Part, later: Part) -> bool {
        let last = self.entries(later).last().map_or(0, |entry| entry.offset);
        let is_near = earlier.offset(later.first()).and_then(|shift| shift.checked_add(last));
        is_near.is_some() && self.live(earlier) + self.live(later) <= JOINED
    }

    /// Rewrites a run without what is gone, and appends the entries of the next one where they are
    /// to be joined.
    fn rewrite(&mut self, part: Part, next: Option<Part>, mut moved: impl FnMut(u32, Place)) {
        let mut entries = core::mem::take(&mut self.0[part.run].entries);
        entries.retain(|entry| !entry.is_gone());
        if let Some(next) = next {
            let shift = part.offset(next.first()).unwrap_or_default();
            let later = self.entries(next).iter().filter(|entry| !entry.is_gone());
            entries.extend(later.map(|e| Mark { offset: e.offset + shift, slot: e.slot }));
            self.0.remove(next.run);
        }
        entries.shrink_to(WORTH);
        for (at, entry) in entries.iter().enumerate() {
            moved(entry.slot, Place { run: part.run, at: byte(at) });
        }
        let run = &mut self.0[part.run];
        (run.begin, run.live, run.entries) = (0, byte(entries.len()), entries);
    }
}

/// A number that is at most [`LONGEST`].
fn byte(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

impl Run {
    fn is_full(&self) -> bool {
        self.entries.len() >= LONGEST
    }

    fn push(&mut self, entry: Mark) -> u8 {
        let at = self.entries.len();
        if at == self.entries.capacity() {
            self.entries.reserve_exact(at.clamp(1, LONGEST - at));
        }
        self.entries.push(entry);
        self.live += 1;
        byte(at)
    }

    /// Marks an entry as gone, and says whether few enough are left for the run to be rewritten.
    fn remove(&mut self, at: u8) -> bool {
        let place = usize::from(at);
        self.entries[place].slot = Mark::GONE;
        self.live -= 1;
        if self.live == 0 {
            (self.entries, self.begin) = (Vec::new(), 0);
            return true;
        }
        if at == self.begin {
            while self.entries[usize::from(self.begin)].is_gone() {
                self.begin += 1;
            }
        } else if place + 1 == self.entries.len() {
            while self.entries.last().is_some_and(|last| last.is_gone()) {
                self.entries.pop();
            }
        }
        let room = self.entries.capacity();
        room >= WORTH && usize::from(self.live) * 3 <= room
    }
}

impl Sequence {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Adds a task, whose revision is above all others'. A run that was left empty by another
    /// sequence of the same account is made use of, or dropped.
    pub(super) fn append(
        &mut self,
        runs: &mut Runs,
        (account, left): (u32, Option<u32>),
        revision: Revision,
        slot: u32,
    ) -> Place {
        let (parts, revision) = (self.0.get_or_insert_default(), revision.get());
        if let Some(last) = parts.last()
            && let Some(offset) = last.offset(revision)
            && let run = &mut runs.0[last.run]
            && !run.is_full()
        {
            let place = Place { run: last.run, at: run.push(Mark { offset, slot }) };
            runs.drop_left(left);
            return place;
        }
        let run = runs.begin(account, left);
        parts.insert(Part::new(revision, run));
        Place { run, at: runs.0[run].push(Mark { offset: 0, slot }) }
    }

    /// Takes a task out, and tells which others have got another place thereby. Returns the run
    /// that it has left empty, if it has, to be dropped or to be made use of.
    pub(super) fn remove(
        &mut self,
        runs: &mut Runs,
        place: Place,
        revision: Revision,
        moved: impl FnMut(u32, Place),
    ) -> Option<u32> {
        if runs.0[place.run].remove(place.at) {
            self.tidy(runs, place, revision.get(), moved)
        } else {
            None
        }
    }

    /// Takes out the run of a revision if it is empty, and else rewrites it, joined with one beside
    /// it where both fit into one.
    fn tidy(
        &mut self,
        runs: &mut Runs,
        place: Place,
        revision: u64,
        moved: impl FnMut(u32, Place),
    ) -> Option<u32> {
        let parts = self.0.as_mut()?;
        let part = *parts.until(|part| part.first() <= revision).last()?;
        debug_assert_eq!(part.run, place.run, "the run of a place is that of its revision");
        if runs.live(part) == 0 {
            parts.remove(part);
            if parts.is_empty() {
                self.0 = None;
            }
            return Some(part.run);
        }
        let after = parts.from(|other| *other <= part).first().copied();
        let before = parts.until(|other| *other < part).last().copied();
        if let Some(after) = after.filter(|after| runs.fit(part, *after)) {
            runs.rewrite(part, Some(after), moved);
            parts.remove(after);
        } else if let Some(before) = before.filter(|before| runs.fit(*before, part)) {
            runs.rewrite(before, Some(part), moved);
            parts.remove(part);
        } else {
            runs.rewrite(part, None, moved);
        }
        None
    }

    /// By revision, the lowest first.
    pub(super) fn ascending<'a>(&'a self, runs: &'a Runs) -> impl Iterator<Item = Entry> {
        let parts = self.0.iter().flat_map(|parts| parts.ascending());
        parts.flat_map(|part| {
            let entries = runs.entries(part).iter().filter(|entry| !entry.is_gone());
            entries.map(move |entry| Entry::new(part.first(), *entry))
        })
    }

    /// By revision, the highest first, of those below `end`, or all.
    #[inline]
    pub(super) fn descending<'a>(
        &'a self,
        runs: &'a Runs,
        end: Option<Revision>,
    ) -> Option<Descending<'a>> {
        let parts = self.0.as_deref()?;
        let Some(end) = end.map(Revision::get) else {
            let part = parts.last()?;
            return Some(Descending { runs, parts, part, entries: runs.entries(part) });
        };
        let part = *parts.until(|part| part.first() < end).last()?;
        let entries = runs.entries(part);
        let is_below = |entry: &Mark| Entry::new(part.first(), *entry).revision < end;
        let entries = &entries[..entries.partition_point(is_below)];
        let mut descending = Descending { runs, parts, part, entries };
        descending.settle();
        Some(descending)
    }
}

impl Entry {
    fn new(first: u64, entry: Mark) -> Self {
        Self { revision: first + u64::from(entry.offset), slot: entry.slot }
    }
}

/// Entries by revision, the highest first.
#[derive(Debug)]
pub(super) struct Descending<'a> {
    runs: &'a Runs,
    parts: &'a Ordered<Part>,
    part: Part,
    /// Those of the part that are to come, in ascending order: none only at the end.
    entries: &'a [Mark],
}

impl Descending<'_> {
    /// No entry that is to come has a higher revision: 0 at the end.
    pub(super) fn highest(&self) -> u64 {
        self.entries.last().map_or(0, |last| Entry::new(self.part.first(), *last).revision)
    }

    /// Takes the slots of the next entries above a revision, as many as there is room for, and
    /// says how many there were.
    pub(super) fn take_above(&mut self, revision: u64, slots: &mut [u32]) -> usize {
        let mut taken = 0;
        while let Some((last, before)) = self.entries.split_last() {
            if !last.is_gone() {
                let is_above = Entry::new(self.part.first(), *last).revision > revision;
                let Some(room) = slots.get_mut(taken).filter(|_| is_above) else { break };
                *room = last.slot;
                taken += 1;
            }
            self.entries = before;
            self.settle();
        }
        taken
    }

    /// Goes on to the run before, where nothing of this one is to come.
    fn settle(&mut self) {
        while self.entries.is_empty()
            && self.parts.first() != Some(self.part)
            && let Some(before) = self.parts.until(|other| *other < self.part).last()
        {
            (self.part, self.entries) = (*before, self.runs.entries(*before));
        }
    }
}
