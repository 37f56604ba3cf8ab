//! The resources of an account: what its requests have made, and where each stands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};
use tasklife::{MIN_TIME, Now, ProvisioningStatus, ResourceId};

use crate::kind::Origin;
use crate::pace::Pace;
use crate::route::{RouteFault, Routes};

/// Where a resource is found: its kind, and the ids on its path, its own last.
pub(crate) type ResourceKey = (usize, Vec<ResourceId>);

/// All resources of an account.
pub(crate) struct Resources {
    all: BTreeMap<ResourceKey, Resource>,
    /// When each of those that are being deleted is gone.
    deleting: BTreeSet<(Now, ResourceKey)>,
    /// The ids of all of them, whatever their kind, and how many have each.
    taken: BTreeMap<ResourceId, usize>,
    /// Those from outside of the API that were deleted.
    gone: BTreeSet<ResourceKey>,
    next: i32,
    /// Whether something was put there whose times are to be said.
    has_undated: bool,
    /// When the account was looked at first.
    first: Option<Now>,
}

/// The times of what was put there, until the account is looked at.
const UNDATED: [Now; 2] = [MIN_TIME; 2];

/// What is known of a resource that is there.
pub(crate) struct State {
    /// What was kept of the requests that made and changed it.
    pub(crate) fields: Arc<Map<String, Value>>,
    /// When it was made, and when it was last changed.
    pub(crate) times: [Now; 2],
    pub(crate) status: ProvisioningStatus,
}

struct Resource {
    fields: Arc<Map<String, Value>>,
    /// When it was made, and when it was last changed.
    times: [Now; 2],
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
            gone: BTreeSet::new(),
            next: Self::FIRST,
            has_undated: false,
            first: None,
        }
    }
}

impl Resources {
    /// How many there can be.
    pub(crate) const MAX: usize = 1_000_000;

    /// The first id that is given to a resource: that of the documented subscription.
    const FIRST: i32 = 77_899;

    /// Whether there is room for so many more.
    pub(crate) fn have_room(&mut self, routes: &Routes, count: usize, now: Now) -> bool {
        while let Some((due, _)) = self.deleting.first()
            && *due <= now
            && let Some((_, key)) = self.deleting.pop_first()
        {
            self.is_there(routes, &key, now);
        }
        self.room() >= count
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

    /// The outermost resource on the way to a key that is not there `now`.
    pub(crate) fn missing(
        &mut self,
        routes: &Routes,
        key: &ResourceKey,
        now: Now,
    ) -> Option<ResourceKey> {
        if let Some(parent) = parent_of(routes, key)
            && let Some(missing) = self.missing(routes, &parent, now)
        {
            return Some(missing);
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

    /// Dates what was put there since the last time.
    pub(crate) fn date(&mut self, now: Now) {
        self.first.get_or_insert(now);
        if std::mem::take(&mut self.has_undated) {
            for resource in self.all.values_mut().filter(|it| it.times == UNDATED) {
                resource.times = [now; 2];
            }
        }
    }

    /// Whether something can be put at a place: there is room, and what it belongs to.
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

    /// Whether it is there because it was asked for.
    fn is_from_outside(&self, routes: &Routes, key: &ResourceKey) -> bool {
        routes.kind(key.0).origin == Origin::Outside && !self.gone.contains(key)
    }

    /// A resource that is ready for use, in place of the one that is there. When it was made, is said when the
    /// account is next looked at.
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

    /// A resource that is being made.
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

    /// A resource that is being changed.
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

    /// Whether something was made or put at a key, wherever it stands.
    pub(crate) fn holds(&self, key: &ResourceKey) -> bool {
        self.all.contains_key(key)
    }

    /// What is known of a resource. One from outside of the API that nobody has changed has nothing.
    pub(crate) fn state(&self, routes: &Routes, key: &ResourceKey, now: Now) -> Option<State> {
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

    /// Removes a resource, and what belongs to it.
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

    /// The places of a kind below these ids at which something still is.
    pub(crate) fn standing<'a>(
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

/// What a resource belongs to.
fn parent_of(routes: &Routes, (kind, ids): &ResourceKey) -> Option<ResourceKey> {
    let parent = routes.kind(*kind).parent?;
    Some((parent, ids.get(..routes.kind(parent).ids)?.to_vec()))
}
