//! The resources of an account: what its tasks have made, and where each stands.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::MockApi;
use super::pace::Pace;
use super::route::{Kind, Routes};
use crate::outcome::ResourceId;
use crate::provisioning::ProvisioningStatus;
use crate::time::Now;

/// Where a resource is found: its kind, and the ids on its path, its own last.
pub(super) type Place = (usize, Vec<ResourceId>);

/// All resources of an account.
pub(super) struct Resources {
    all: BTreeMap<Place, Resource>,
    /// When those vanish by themselves that are being deleted.
    vanishing: BTreeSet<(Now, Place)>,
    /// The ids of all of them, whatever their kind.
    taken: BTreeSet<ResourceId>,
    next: i32,
}

struct Resource {
    fields: Map<String, Value>,
    status: ProvisioningStatus,
    move_on: Option<Move>,
}

/// What a resource's status is followed by, and when.
struct Move {
    since: Now,
    pace: Pace,
    reads: u32,
    to: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Become(ProvisioningStatus),
    Vanish,
}

/// How the provisioning that begins with the end of a task goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Provisioning {
    pub(super) since: Now,
    pub(super) pace: Pace,
    pub(super) fails: bool,
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            all: BTreeMap::new(),
            vanishing: BTreeSet::new(),
            taken: BTreeSet::new(),
            next: Self::FIRST,
        }
    }
}

impl Resources {
    /// The first id that is given to a resource: that of the documented subscription.
    const FIRST: i32 = 77_899;

    /// Whether there is room for another.
    pub(super) fn have_room(&mut self, routes: &Routes, now: Now) -> bool {
        while let Some((due, _)) = self.vanishing.first()
            && *due <= now
            && let Some((_, place)) = self.vanishing.pop_first()
        {
            self.is_there(routes, &place, now);
        }
        self.room() > 0
    }

    /// How many more there can be.
    pub(super) fn room(&self) -> usize {
        MockApi::MAX_RESOURCES.saturating_sub(self.all.len())
    }

    /// The next free 32-bit id. There is always one: there are fewer resources.
    pub(super) fn next_id(&mut self) -> ResourceId {
        loop {
            let id = ResourceId::from(self.next);
            self.next = self.next.checked_add(1).unwrap_or(1);
            if !self.taken.contains(&id) {
                return id;
            }
        }
    }

    /// Brings all resources on the way to a place to where they stand `now`, and says whether the
    /// one there is still there.
    pub(super) fn is_there(&mut self, routes: &Routes, place: &Place, now: Now) -> bool {
        let (kind, ids) = place;
        let with_parent = match routes.kind(*kind).parent {
            Some(parent) => {
                let depth = routes.kind(parent).depth;
                self.is_there(routes, &(parent, ids[..=depth].to_vec()), now)
            }
            None => true,
        };
        let Some(resource) = self.all.get_mut(place) else { return false };
        if resource.settle(now) == Then::Vanish {
            self.remove(routes, place);
            return false;
        }
        with_parent
    }

    /// Counts a read of a resource that is there, and says whether it is there still.
    pub(super) fn read(&mut self, routes: &Routes, place: &Place, now: Now) -> bool {
        if let Some(next) = self.all.get_mut(place).and_then(|resource| resource.move_on.as_mut()) {
            next.reads = next.reads.saturating_add(1);
        }
        self.is_there(routes, place, now)
    }

    /// A resource that is ready for use.
    pub(super) fn put(&mut self, place: Place, fields: Map<String, Value>) {
        self.taken.extend(place.1.last().cloned());
        let resource = Resource { fields, status: ProvisioningStatus::Active, move_on: None };
        self.all.insert(place, resource);
    }

    /// A resource that is being made.
    pub(super) fn create(
        &mut self,
        place: &Place,
        fields: Map<String, Value>,
        provisioning: Provisioning,
    ) {
        self.put(place.clone(), fields);
        self.begin(place, ProvisioningStatus::Pending, provisioning);
    }

    /// A resource that is being changed.
    pub(super) fn change(
        &mut self,
        place: &Place,
        fields: Map<String, Value>,
        provisioning: Provisioning,
    ) {
        if let Some(resource) = self.all.get_mut(place) {
            resource.fields.extend(fields);
        }
        self.begin(place, ProvisioningStatus::Pending, provisioning);
    }

    /// A resource that is being taken down.
    pub(super) fn delete(&mut self, place: &Place, provisioning: Provisioning) {
        self.begin(place, ProvisioningStatus::Deleting, provisioning);
    }

    fn begin(&mut self, place: &Place, status: ProvisioningStatus, provisioning: Provisioning) {
        let Some(resource) = self.all.get_mut(place) else { return };
        let Provisioning { since, pace, fails } = provisioning;
        let to = match status {
            _ if fails => Then::Become(ProvisioningStatus::Error),
            ProvisioningStatus::Deleting => Then::Vanish,
            _ => Then::Become(ProvisioningStatus::Active),
        };
        if to == Then::Vanish
            && let Some(due) = pace.due(since)
        {
            self.vanishing.insert((due, place.clone()));
        }
        resource.status = status;
        resource.move_on = Some(Move { since, pace, reads: 0, to });
    }

    /// Removes a resource, and what belongs to it.
    fn remove(&mut self, routes: &Routes, place: &Place) {
        let (kind, ids) = place;
        for (child, _) in routes.children(*kind) {
            for place in self.places(child, ids) {
                self.remove(routes, &place);
            }
        }
        self.all.remove(place);
        if let Some(id) = ids.last() {
            self.taken.remove(id);
        }
    }

    /// The places of a kind below these ids, there or not.
    fn places(&self, kind: usize, before: &[ResourceId]) -> Vec<Place> {
        let from = (kind, before.to_vec());
        let below = self.all.range(from..).map(|(place, _)| place);
        below.take_while(|place| place.0 == kind && place.1.starts_with(before)).cloned().collect()
    }

    /// How a resource that is there describes itself.
    pub(super) fn description(
        &mut self,
        routes: &Routes,
        place: &Place,
        now: Now,
    ) -> Option<String> {
        let kind = routes.kind(place.0);
        let id = place.1.last()?;
        let counts = routes.children(place.0).map(|(child, kind)| {
            let mut children = self.places(child, &place.1);
            children.retain(|place| self.is_there(routes, place, now));
            (number_of(kind), children.len())
        });
        let counts: Vec<_> = counts.collect();
        let resource = self.all.get(place)?;
        let described = Described { kind, id, resource, counts };
        serde_json::to_string(&described).ok()
    }

    /// How all resources of a kind describe themselves, lowest id first: those that belong to the
    /// resource with these ids, from `offset` on, at most `limit` of them.
    pub(super) fn descriptions(
        &mut self,
        routes: &Routes,
        (kind, before): &Place,
        (offset, limit): (usize, usize),
        now: Now,
    ) -> Vec<String> {
        let mut places = self.places(*kind, before);
        places.retain(|place| self.is_there(routes, place, now));
        let page = places.iter().skip(offset).take(limit);
        page.filter_map(|place| self.description(routes, place, now)).collect()
    }
}

impl Resource {
    /// Brings the resource to where it stands `now`.
    fn settle(&mut self, now: Now) -> Then {
        let due = |next: &Move| {
            next.pace.is_met_by(next.reads)
                || next.pace.due(next.since).is_some_and(|due| due <= now)
        };
        if let Some(next) = self.move_on.take_if(|next| due(next)) {
            match next.to {
                Then::Become(status) => self.status = status,
                Then::Vanish => return Then::Vanish,
            }
        }
        Then::Become(self.status)
    }
}

/// The fields of a request that its resource shows: texts, numbers and flags, but no password.
/// Objects and lists look differently in the API's requests and in its answers.
pub(super) fn shown(body: &Value) -> Map<String, Value> {
    let fields = body.as_object().into_iter().flatten();
    let plain = fields.filter(|(name, value)| {
        let hidden = ["dryRun", "status"].contains(&name.as_str())
            || name.to_ascii_lowercase().ends_with("password");
        !hidden && (value.is_string() || value.is_number() || value.is_boolean())
    });
    plain.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The field with how many there are of a kind, such as `numberOfDatabases`.
pub(super) fn number_of(kind: &Kind) -> String {
    let mut letters = kind.plural.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    format!("numberOf{}{}", first.map(String::from).unwrap_or_default(), letters.as_str())
}

/// A resource in the words of its kind: its id, what was asked for, its status, and how many of
/// each kind belong to it.
struct Described<'a> {
    kind: &'a Kind,
    id: &'a ResourceId,
    resource: &'a Resource,
    counts: Vec<(String, usize)>,
}

impl Serialize for Described<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(&self.kind.id_field, self.id)?;
        for (name, value) in &self.resource.fields {
            if **name != *self.kind.id_field && self.counts.iter().all(|(known, _)| known != name) {
                map.serialize_entry(name, value)?;
            }
        }
        map.serialize_entry("status", &self.resource.status)?;
        for (name, count) in &self.counts {
            map.serialize_entry(name, count)?;
        }
        map.end()
    }
}
