//! The resources of an account.

mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};
use tasklife::{MIN_TIME, ProvisioningStatus, ResourceId, Timestamp};

use crate::kind::Origin;
use crate::route::{RouteFault, Routes};

pub(crate) use status::Provisioning;
use status::{NextStatus, Outcome, Resource};

/// The key of a resource: the index of its kind, and the ids on its path.
pub(crate) type ResourceKey = (usize, Vec<ResourceId>);

/// All resources of an account.
pub(crate) struct Resources {
    all: BTreeMap<ResourceKey, Resource>,
    /// When each resource that is being deleted is gone.
    deleting: BTreeSet<(Timestamp, ResourceKey)>,
    /// The ids in use, of every kind, and how many resources have each.
    taken: BTreeMap<ResourceId, usize>,
    /// The deleted resources that came from outside the API.
    gone: BTreeSet<ResourceKey>,
    next: i32,
    /// Whether a resource was added whose times are not set yet.
    has_undated: bool,
    /// The time of the account's first request.
    first: Option<Timestamp>,
}

/// The times of an added resource until the account's next request.
const UNDATED: [Timestamp; 2] = [MIN_TIME; 2];

/// A resource at an instant.
pub(crate) struct State {
    /// The fields of the requests that made and changed it.
    pub(crate) fields: Arc<Map<String, Value>>,
    /// When it was made, and when it was last changed.
    pub(crate) times: [Timestamp; 2],
    pub(crate) status: ProvisioningStatus,
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            all: BTreeMap::new(),
            deleting: BTreeSet::new(),
            taken: BTreeMap::new(),
            gone: BTreeSet::new(),
            next: Self::FIRST,
            has_undated: false,
            first: None,
        }
    }
}

impl Resources {
    /// The most resources.
    pub(crate) const MAX: usize = 1_000_000;

    /// The first id of a resource: the one in the documentation.
    const FIRST: i32 = 77_899;

    /// Returns whether there is room for `count` more.
    pub(crate) fn have_room(&mut self, routes: &Routes, count: usize, now: Timestamp) -> bool {
        while let Some((due, _)) = self.deleting.first()
            && *due <= now
            && let Some((_, key)) = self.deleting.pop_first()
        {
            self.is_there(routes, &key, now);
        }
        self.room() >= count
    }

    /// Returns how many more resources fit.
    pub(crate) fn room(&self) -> usize {
        Self::MAX.saturating_sub(self.all.len())
    }

    /// Returns the next free 32-bit id. There is always one, because `MAX` is smaller.
    pub(crate) fn next_id(&mut self) -> ResourceId {
        loop {
            let id = ResourceId::from(self.next);
            self.next = self.next.checked_add(1).unwrap_or(1);
            if !self.taken.contains_key(&id) {
                return id;
            }
        }
    }

    /// Returns whether a resource exists `now`. Removes it, or what it belongs to, if it is gone.
    pub(crate) fn is_there(&mut self, routes: &Routes, key: &ResourceKey, now: Timestamp) -> bool {
        let with_parent = match parent_of(routes, key) {
            Some(parent) => self.is_there(routes, &parent, now),
            None => true,
        };
        let Some(resource) = self.all.get(key) else {
            let from_outside = routes.kind(key.0).origin == Origin::Outside;
            return with_parent && from_outside && !self.gone.contains(key);
        };
        if resource.status_at(now).is_none() {
            self.remove(routes, key);
            return false;
        }
        with_parent
    }

    /// Returns the outermost resource on the path of a key that does not exist `now`.
    pub(crate) fn missing(
        &mut self,
        routes: &Routes,
        key: &ResourceKey,
        now: Timestamp,
    ) -> Option<ResourceKey> {
        if let Some(parent) = parent_of(routes, key)
            && let Some(missing) = self.missing(routes, &parent, now)
        {
            return Some(missing);
        }
        (!self.is_there(routes, key, now)).then(|| key.clone())
    }

    /// Counts a read of a resource, and returns whether it still exists.
    pub(crate) fn read(&mut self, routes: &Routes, key: &ResourceKey, now: Timestamp) -> bool {
        if let Some(next) = self.all.get_mut(key).and_then(|resource| resource.next_status.as_mut())
        {
            next.reads = next.reads.saturating_add(1);
        }
        self.is_there(routes, key, now)
    }

    /// Sets the times of the resources that were added since the last request.
    pub(crate) fn date(&mut self, now: Timestamp) {
        self.first.get_or_insert(now);
        if std::mem::take(&mut self.has_undated) {
            for resource in self.all.values_mut().filter(|it| it.times == UNDATED) {
                resource.times = [now; 2];
            }
        }
    }

    /// Checks whether a resource can be added: whether there is room, and what it belongs to
    /// exists.
    pub(crate) fn check_place(&self, routes: &Routes, key: &ResourceKey) -> Result<(), RouteFault> {
        if self.room() == 0 && !self.holds(key) {
            return Err(RouteFault::NoRoom(Self::MAX));
        }
        let mut parent = parent_of(routes, key);
        while let Some(key) = parent {
            if !self.holds(&key) && !self.is_from_outside(routes, &key) {
                return Err(RouteFault::Orphan);
            }
            parent = parent_of(routes, &key);
        }
        Ok(())
    }

    /// Returns whether it exists only because it comes from outside the API.
    fn is_from_outside(&self, routes: &Routes, key: &ResourceKey) -> bool {
        routes.kind(key.0).origin == Origin::Outside && !self.gone.contains(key)
    }

    /// Adds an active resource, or replaces it. Its times are set at the account's next request.
    pub(crate) fn put(&mut self, key: ResourceKey, fields: Arc<Map<String, Value>>) {
        self.has_undated = true;
        self.insert(key, fields);
    }

    fn insert(&mut self, key: ResourceKey, fields: Arc<Map<String, Value>>) {
        self.gone.remove(&key);
        let id = key.1.last().cloned();
        let resource = Resource {
            fields,
            times: UNDATED,
            status: ProvisioningStatus::Active,
            next_status: None,
        };
        if self.all.insert(key, resource).is_none() {
            *id.map_or(&mut 0, |id| self.taken.entry(id).or_default()) += 1;
        }
    }

    /// Starts making a resource.
    pub(crate) fn create(
        &mut self,
        key: &ResourceKey,
        fields: Arc<Map<String, Value>>,
        provisioning: Provisioning,
    ) {
        self.insert(key.clone(), fields);
        if let Some(resource) = self.all.get_mut(key) {
            resource.times = [provisioning.since; 2];
        }
        self.begin(key, ProvisioningStatus::Pending, provisioning);
    }

    /// Starts changing a resource.
    pub(crate) fn change(
        &mut self,
        key: &ResourceKey,
        change: fn(&mut Map<String, Value>, Map<String, Value>),
        fields: Map<String, Value>,
        provisioning: Provisioning,
    ) {
        let Some(resource) = self.all.get_mut(key) else { return };
        change(Arc::make_mut(&mut resource.fields), fields);
        resource.times[1] = provisioning.since;
        self.begin(key, ProvisioningStatus::Pending, provisioning);
    }

    /// Starts deleting a resource.
    pub(crate) fn delete(&mut self, key: &ResourceKey, provisioning: Provisioning) {
        self.begin(key, ProvisioningStatus::Deleting, provisioning);
    }

    fn begin(&mut self, key: &ResourceKey, status: ProvisioningStatus, provisioning: Provisioning) {
        let Some(resource) = self.all.get_mut(key) else { return };
        // A deletion cannot be undone.
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

    /// Returns whether a resource was made or added under a key, whatever its status.
    pub(crate) fn holds(&self, key: &ResourceKey) -> bool {
        self.all.contains_key(key)
    }

    /// Returns a resource at an instant. A resource from outside the API that was never changed has
    /// no fields.
    pub(crate) fn state(
        &self,
        routes: &Routes,
        key: &ResourceKey,
        now: Timestamp,
    ) -> Option<State> {
        if let Some(resource) = self.all.get(key) {
            let status = resource.status_at(now)?;
            return Some(State { fields: resource.fields.clone(), times: resource.times, status });
        }
        self.is_from_outside(routes, key).then(|| State {
            fields: Arc::default(),
            times: [self.first.unwrap_or(now); 2],
            status: ProvisioningStatus::Active,
        })
    }

    /// Removes a resource and everything that belongs to it.
    pub(crate) fn remove(&mut self, routes: &Routes, key: &ResourceKey) {
        let (kind, ids) = key;
        for (child, _) in routes.children(*kind) {
            let keys: Vec<ResourceKey> =
                self.below(child, ids).map(|(key, _)| key.clone()).collect();
            for key in &keys {
                self.remove(routes, key);
            }
        }
        let was = self.all.remove(key);
        if routes.kind(*kind).origin == Origin::Outside {
            self.gone.insert(key.clone());
        }
        if let (Some(_), Some(id)) = (was, ids.last())
            && let Some(count) = self.taken.get_mut(id)
        {
            *count -= 1;
            if *count == 0 {
                self.taken.remove(id);
            }
        }
    }

    /// Returns the keys of the resources of a kind below these ids that exist `now`.
    pub(crate) fn standing<'a>(
        &'a self,
        kind: usize,
        before: &'a [ResourceId],
        now: Timestamp,
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

/// Returns the key of the resource to which another belongs.
fn parent_of(routes: &Routes, (kind, ids): &ResourceKey) -> Option<ResourceKey> {
    let parent = routes.kind(*kind).parent?;
    Some((parent, ids.get(..routes.kind(parent).ids)?.to_vec()))
}
