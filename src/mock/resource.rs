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
    /// The ids of all of them, whatever their kind, and how many have each.
    taken: BTreeMap<ResourceId, usize>,
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
            taken: BTreeMap::new(),
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
            if !self.taken.contains_key(&id) {
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
        let Some(resource) = self.all.get(place) else { return false };
        if resource.status_at(now).is_none() {
            self.remove(routes, place);
            return false;
        }
        with_parent
    }

    /// The outermost resource on the way to a place that is not there `now`.
    pub(super) fn missing(&mut self, routes: &Routes, place: &Place, now: Now) -> Option<Place> {
        let (kind, ids) = place;
        if let Some(parent) = routes.kind(*kind).parent {
            let depth = routes.kind(parent).depth;
            let missing = self.missing(routes, &(parent, ids[..=depth].to_vec()), now);
            if missing.is_some() {
                return missing;
            }
        }
        (!self.is_there(routes, place, now)).then(|| place.clone())
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
        let id = place.1.last().cloned();
        let resource = Resource { fields, status: ProvisioningStatus::Active, move_on: None };
        if self.all.insert(place, resource).is_none() {
            *id.map_or(&mut 0, |id| self.taken.entry(id).or_default()) += 1;
        }
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
        let Some(resource) = self.all.get_mut(place) else { return };
        resource.fields.extend(fields);
        self.begin(place, ProvisioningStatus::Pending, provisioning);
    }

    /// A resource that is being taken down.
    pub(super) fn delete(&mut self, place: &Place, provisioning: Provisioning) {
        self.begin(place, ProvisioningStatus::Deleting, provisioning);
    }

    fn begin(&mut self, place: &Place, status: ProvisioningStatus, provisioning: Provisioning) {
        let Some(resource) = self.all.get_mut(place) else { return };
        // What is being deleted is on its way, whatever else is asked of it.
        if resource.status == ProvisioningStatus::Deleting
            && resource.move_on.as_ref().is_some_and(|next| next.to == Then::Vanish)
        {
            return;
        }
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
            let places: Vec<Place> =
                self.below(child, ids).map(|(place, _)| place.clone()).collect();
            for place in &places {
                self.remove(routes, place);
            }
        }
        let was = self.all.remove(place);
        if let (Some(_), Some(id)) = (was, ids.last())
            && let Some(count) = self.taken.get_mut(id)
        {
            *count -= 1;
            if *count == 0 {
                self.taken.remove(id);
            }
        }
    }

    /// How a resource that is there describes itself.
    pub(super) fn description(&self, routes: &Routes, place: &Place, now: Now) -> Option<String> {
        let kind = routes.kind(place.0);
        let id = place.1.last()?;
        let status = self.all.get(place)?.status_at(now)?;
        let counts = routes
            .children(place.0)
            .map(|(child, kind)| (number_of(kind), self.standing(child, &place.1, now).count()));
        let fields = &self.all.get(place)?.fields;
        let described = Described { kind, id, fields, status, counts: counts.collect() };
        serde_json::to_string(&described).ok()
    }

    /// How all resources of a kind describe themselves, lowest id first: those that belong to the
    /// resource with these ids, from `offset` on, at most `limit` of them.
    pub(super) fn descriptions(
        &self,
        routes: &Routes,
        (kind, before): &Place,
        (offset, limit): (usize, usize),
        now: Now,
    ) -> Vec<String> {
        let page = self.standing(*kind, before, now).skip(offset).take(limit);
        page.filter_map(|place| self.description(routes, place, now)).collect()
    }

    /// The places of a kind below these ids at which something still is.
    fn standing<'a>(
        &'a self,
        kind: usize,
        before: &'a [ResourceId],
        now: Now,
    ) -> impl Iterator<Item = &'a Place> {
        self.below(kind, before)
            .filter(move |(_, resource)| resource.status_at(now).is_some())
            .map(|(place, _)| place)
    }

    fn below<'a>(
        &'a self,
        kind: usize,
        before: &'a [ResourceId],
    ) -> impl Iterator<Item = (&'a Place, &'a Resource)> {
        let from = (kind, before.to_vec());
        let below = self.all.range(from..);
        below.take_while(move |((of, ids), _)| *of == kind && ids.starts_with(before))
    }
}

impl Resource {
    /// Where the resource stands `now`, unless it is gone.
    fn status_at(&self, now: Now) -> Option<ProvisioningStatus> {
        match &self.move_on {
            Some(next) if next.is_due(now) => match next.to {
                Then::Become(status) => Some(status),
                Then::Vanish => None,
            },
            _ => Some(self.status),
        }
    }
}

impl Move {
    fn is_due(&self, now: Now) -> bool {
        self.pace.is_met_by(self.reads) || self.pace.due(self.since).is_some_and(|due| due <= now)
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
    fields: &'a Map<String, Value>,
    status: ProvisioningStatus,
    counts: Vec<(String, usize)>,
}

impl Serialize for Described<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(&self.kind.id_field, self.id)?;
        for (name, value) in self.fields {
            if **name != *self.kind.id_field && self.counts.iter().all(|(known, _)| known != name) {
                map.serialize_entry(name, value)?;
            }
        }
        map.serialize_entry("status", &self.status)?;
        for (name, count) in &self.counts {
            map.serialize_entry(name, count)?;
        }
        map.end()
    }
}
