//! The resources of an account: what its tasks have made, and where each stands.

use std::collections::{BTreeMap, BTreeSet};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::pace::Pace;
use crate::route::{Kind, Routes};
use tasklife::{Now, ProvisioningStatus, ResourceId};

/// Where a resource is found: its kind, and the ids on its path, its own last.
pub(crate) type ResourceKey = (usize, Vec<ResourceId>);

/// All resources of an account.
pub(crate) struct Resources {
    all: BTreeMap<ResourceKey, Resource>,
    /// When each of those that are being deleted is gone.
    deleting: BTreeSet<(Now, ResourceKey)>,
    /// The ids of all of them, whatever their kind, and how many have each.
    taken: BTreeMap<ResourceId, usize>,
    next: i32,
}

struct Resource {
    fields: Map<String, Value>,
    status: ProvisioningStatus,
    next_status: Option<NextStatus>,
}

/// What a resource's status is followed by, and when.
struct NextStatus {
    since: Now,
    pace: Pace,
    reads: u32,
    to: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Status(ProvisioningStatus),
    Gone,
}

/// How the provisioning that begins with the end of a task goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Provisioning {
    pub(crate) since: Now,
    pub(crate) pace: Pace,
    pub(crate) fails: bool,
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            all: BTreeMap::new(),
            deleting: BTreeSet::new(),
            taken: BTreeMap::new(),
            next: Self::FIRST,
        }
    }
}

impl Resources {
    /// How many there can be.
    pub(crate) const MAX: usize = 1_000_000;

    /// The first id that is given to a resource: that of the documented subscription.
    const FIRST: i32 = 77_899;

    /// Whether there is room for another.
    pub(crate) fn have_room(&mut self, routes: &Routes, now: Now) -> bool {
        while let Some((due, _)) = self.deleting.first()
            && *due <= now
            && let Some((_, key)) = self.deleting.pop_first()
        {
            self.is_there(routes, &key, now);
        }
        self.room() > 0
    }

    /// How many more there can be.
    pub(crate) fn room(&self) -> usize {
        Self::MAX.saturating_sub(self.all.len())
    }

    /// The next free 32-bit id. There is always one: there are fewer resources.
    pub(crate) fn next_id(&mut self) -> ResourceId {
        loop {
            let id = ResourceId::from(self.next);
            self.next = self.next.checked_add(1).unwrap_or(1);
            if !self.taken.contains_key(&id) {
                return id;
            }
        }
    }

    /// Brings all resources on the way to a key to where they stand `now`, and says whether the
    /// one there is still there.
    pub(crate) fn is_there(&mut self, routes: &Routes, key: &ResourceKey, now: Now) -> bool {
        let (kind, ids) = key;
        let with_parent = match routes.kind(*kind).parent {
            Some(parent) => {
                let depth = routes.kind(parent).depth;
                self.is_there(routes, &(parent, ids[..=depth].to_vec()), now)
            }
            None => true,
        };
        let Some(resource) = self.all.get(key) else { return false };
        if resource.status_at(now).is_none() {
            self.remove(routes, key);
            return false;
        }
        with_parent
    }

    /// The outermost resource on the way to a key that is not there `now`.
    pub(crate) fn missing(
        &mut self,
        routes: &Routes,
        key: &ResourceKey,
        now: Now,
    ) -> Option<ResourceKey> {
        let (kind, ids) = key;
        if let Some(parent) = routes.kind(*kind).parent {
            let depth = routes.kind(parent).depth;
            let missing = self.missing(routes, &(parent, ids[..=depth].to_vec()), now);
            if missing.is_some() {
                return missing;
            }
        }
        (!self.is_there(routes, key, now)).then(|| key.clone())
    }

    /// Counts a read of a resource that is there, and says whether it is there still.
    pub(crate) fn read(&mut self, routes: &Routes, key: &ResourceKey, now: Now) -> bool {
        if let Some(next) = self.all.get_mut(key).and_then(|resource| resource.next_status.as_mut())
        {
            next.reads = next.reads.saturating_add(1);
        }
        self.is_there(routes, key, now)
    }

    /// A resource that is ready for use.
    pub(crate) fn put(&mut self, key: ResourceKey, fields: Map<String, Value>) {
        let id = key.1.last().cloned();
        let resource = Resource { fields, status: ProvisioningStatus::Active, next_status: None };
        if self.all.insert(key, resource).is_none() {
            *id.map_or(&mut 0, |id| self.taken.entry(id).or_default()) += 1;
        }
    }

    /// A resource that is being made.
    pub(crate) fn create(
        &mut self,
        key: &ResourceKey,
        fields: Map<String, Value>,
        provisioning: Provisioning,
    ) {
        self.put(key.clone(), fields);
        self.begin(key, ProvisioningStatus::Pending, provisioning);
    }

    /// A resource that is being changed.
    pub(crate) fn change(
        &mut self,
        key: &ResourceKey,
        fields: Map<String, Value>,
        provisioning: Provisioning,
    ) {
        let Some(resource) = self.all.get_mut(key) else { return };
        resource.fields.extend(fields);
        self.begin(key, ProvisioningStatus::Pending, provisioning);
    }

    /// A resource that is being taken down.
    pub(crate) fn delete(&mut self, key: &ResourceKey, provisioning: Provisioning) {
        self.begin(key, ProvisioningStatus::Deleting, provisioning);
    }

    fn begin(&mut self, key: &ResourceKey, status: ProvisioningStatus, provisioning: Provisioning) {
        let Some(resource) = self.all.get_mut(key) else { return };
        // What is being deleted is on its way, whatever else is asked of it.
        if resource.status == ProvisioningStatus::Deleting
            && resource.next_status.as_ref().is_some_and(|next| next.to == Outcome::Gone)
        {
            return;
        }
        let Provisioning { since, pace, fails } = provisioning;
        let to = match status {
            _ if fails => Outcome::Status(ProvisioningStatus::Error),
            ProvisioningStatus::Deleting => Outcome::Gone,
            _ => Outcome::Status(ProvisioningStatus::Active),
        };
        if to == Outcome::Gone
            && let Some(due) = pace.due(since)
        {
            self.deleting.insert((due, key.clone()));
        }
        resource.status = status;
        resource.next_status = Some(NextStatus { since, pace, reads: 0, to });
    }

    /// Removes a resource, and what belongs to it.
    fn remove(&mut self, routes: &Routes, key: &ResourceKey) {
        let (kind, ids) = key;
        for (child, _) in routes.children(*kind) {
            let keys: Vec<ResourceKey> =
                self.below(child, ids).map(|(key, _)| key.clone()).collect();
            for key in &keys {
                self.remove(routes, key);
            }
        }
        let was = self.all.remove(key);
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
    pub(crate) fn description(
        &self,
        routes: &Routes,
        key: &ResourceKey,
        now: Now,
    ) -> Option<String> {
        let kind = routes.kind(key.0);
        let id = key.1.last()?;
        let status = self.all.get(key)?.status_at(now)?;
        let counts = routes
            .children(key.0)
            .map(|(child, kind)| (number_of(kind), self.standing(child, &key.1, now).count()));
        let fields = &self.all.get(key)?.fields;
        let described = Described { kind, id, fields, status, counts: counts.collect() };
        serde_json::to_string(&described).ok()
    }

    /// How all resources of a kind describe themselves, lowest id first: those that belong to the
    /// resource with these ids, from `offset` on, at most `limit` of them.
    pub(crate) fn descriptions(
        &self,
        routes: &Routes,
        (kind, before): &ResourceKey,
        (offset, limit): (usize, usize),
        now: Now,
    ) -> Vec<String> {
        let page = self.standing(*kind, before, now).skip(offset).take(limit);
        page.filter_map(|key| self.description(routes, key, now)).collect()
    }

    /// The places of a kind below these ids at which something still is.
    fn standing<'a>(
        &'a self,
        kind: usize,
        before: &'a [ResourceId],
        now: Now,
    ) -> impl Iterator<Item = &'a ResourceKey> {
        self.below(kind, before)
            .filter(move |(_, resource)| resource.status_at(now).is_some())
            .map(|(key, _)| key)
    }

    fn below<'a>(
        &'a self,
        kind: usize,
        before: &'a [ResourceId],
    ) -> impl Iterator<Item = (&'a ResourceKey, &'a Resource)> {
        let from = (kind, before.to_vec());
        let below = self.all.range(from..);
        below.take_while(move |((of, ids), _)| *of == kind && ids.starts_with(before))
    }
}

impl Resource {
    /// Where the resource stands `now`, unless it is gone.
    fn status_at(&self, now: Now) -> Option<ProvisioningStatus> {
        match &self.next_status {
            Some(next) if next.is_due(now) => match next.to {
                Outcome::Status(status) => Some(status),
                Outcome::Gone => None,
            },
            _ => Some(self.status),
        }
    }
}

impl NextStatus {
    fn is_due(&self, now: Now) -> bool {
        self.pace.is_met_by(self.reads) || self.pace.due(self.since).is_some_and(|due| due <= now)
    }
}

/// The fields of a request that its resource shows: texts, numbers and flags, but no password.
/// Objects and lists look differently in the API's requests and in its answers.
pub(crate) fn visible_fields(body: &Value) -> Map<String, Value> {
    let fields = body.as_object().into_iter().flatten();
    let plain = fields.filter(|(name, value)| {
        let hidden = ["dryRun", "status"].contains(&name.as_str())
            || name.to_ascii_lowercase().ends_with("password");
        !hidden && (value.is_string() || value.is_number() || value.is_boolean())
    });
    plain.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The field with how many there are of a kind, such as `numberOfDatabases`.
pub(crate) fn number_of(kind: &Kind) -> String {
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
