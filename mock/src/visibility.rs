//! New tasks that cannot be read yet.

use std::collections::BTreeMap;

use tasklife::{
    AccountId, ListError, ListQuery, MemoryStore, Page, Revision, Task, TaskId, TaskStore,
    Timestamp,
};

use crate::pace::Pace;

/// The tasks of an account that cannot be read yet, and those that became readable.
pub(crate) struct Visibility {
    hidden: BTreeMap<TaskId, Hidden>,
    /// The tasks that became readable, each with the latest revision that a list could show before.
    revealed: BTreeMap<TaskId, Revision>,
    /// At this number of hidden tasks, expired ones are pruned.
    prune_at: usize,
}

/// A task that cannot be read yet.
struct Hidden {
    since: Timestamp,
    /// How often a client tried to read it.
    tries: u32,
}

impl Default for Visibility {
    fn default() -> Self {
        Self { hidden: BTreeMap::new(), revealed: BTreeMap::new(), prune_at: Self::FEW }
    }
}

impl Visibility {
    /// Below this number of tasks, nothing is pruned.
    const FEW: usize = 1_000;

    /// Hides a new task, if there is a lag.
    pub(crate) fn add(&mut self, store: &MemoryStore, lag: Pace, task: &Task, now: Timestamp) {
        if matches!(lag, Pace::Immediate | Pace::Reads(0)) {
            return;
        }
        if self.hidden.len() >= self.prune_at {
            let account = task.account();
            self.hidden.retain(|id, _| matches!(store.get(account, *id, now), Ok(Some(_))));
            self.prune_at = Self::FEW.max(self.hidden.len() * 2);
        }
        self.hidden.insert(task.id(), Hidden { since: task.submitted_at(), tries: 0 });
    }

    /// Returns whether a read finds nothing, and counts it as a try. Otherwise the task is readable
    /// from now on. `seen` is the latest revision that lists could have shown before.
    pub(crate) fn hides_from_read(
        &mut self,
        lag: Pace,
        id: TaskId,
        counts: bool,
        now: Timestamp,
        seen: Revision,
    ) -> bool {
        let Some(hidden) = self.hidden.get_mut(&id) else { return false };
        if hidden.lasts(lag, now) {
            hidden.tries = hidden.tries.saturating_add(u32::from(counts));
            return true;
        }
        self.hidden.remove(&id);
        self.revealed.insert(id, seen);
        false
    }

    /// Reveals the tasks whose lag is over. `seen` is the latest revision that lists could have
    /// shown before.
    pub(crate) fn reveal_due(&mut self, lag: Pace, now: Timestamp, seen: Revision) {
        let revealed = &mut self.revealed;
        self.hidden.retain(|id, hidden| {
            let lasts = hidden.lasts(lag, now);
            if !lasts {
                revealed.insert(*id, seen);
            }
            lasts
        });
    }

    /// Returns a page of the list, without hidden tasks. A task that was hidden at the revision of
    /// `changedSince` counts as changed since then.
    pub(crate) fn list(
        &mut self,
        store: &MemoryStore,
        account: &AccountId,
        query: &ListQuery,
        now: Timestamp,
    ) -> Result<Page, ListError> {
        let revealed = self.revealed_since(store, account, query, now);
        if self.hidden.is_empty() && revealed.is_empty() {
            return store.list(account, query, now);
        }
        let mut more = query.clone();
        if let Some(earliest) = revealed.values().min() {
            let before = Revision::try_from(earliest.get().saturating_sub(1)).unwrap_or_default();
            let position = query.position(account)?;
            more = ListQuery::new(query.limit()).changed_since(before);
            more = query.statuses().fold(more, ListQuery::with_status);
            if let Some(position) = position {
                let cursor = more.cursor(account, position);
                more = more.after(cursor);
            }
        }
        let is_shown = |task: &Task| {
            let is_asked_for = query.matches(task) || revealed.contains_key(&task.id());
            is_asked_for && !self.hidden.contains_key(&task.id())
        };
        let (mut shown, mut revision) = (Vec::new(), None);
        loop {
            let page = store.list(account, &more, now)?;
            let revision = *revision.get_or_insert(page.revision());
            let next = page.next();
            shown.extend(page.into_tasks().into_iter().filter(is_shown));
            let limit = query.limit().get();
            if shown.len() > limit || next.is_none() {
                let follows = shown.len() > limit;
                shown.truncate(limit);
                let last = shown.last().filter(|_| follows);
                let next = last.map(|last| query.cursor(account, last.revision()));
                return Ok(Page::new(shown, next, revision));
            }
            more = match next {
                Some(cursor) => more.after(cursor),
                None => more,
            };
        }
    }

    /// Returns the tasks with an older revision than `changedSince` that became readable after it.
    fn revealed_since(
        &mut self,
        store: &MemoryStore,
        account: &AccountId,
        query: &ListQuery,
        now: Timestamp,
    ) -> BTreeMap<TaskId, Revision> {
        let Some(since) = query.since() else { return BTreeMap::new() };
        let mut found = BTreeMap::new();
        // Forget tasks that have changed since, and those that are gone.
        self.revealed.retain(|id, latest| {
            let Ok(Some(task)) = store.get(account, *id, now) else { return false };
            if task.revision() <= since && since <= *latest {
                found.insert(*id, task.revision());
            }
            task.revision() <= *latest
        });
        found
    }
}

impl Hidden {
    fn lasts(&self, lag: Pace, now: Timestamp) -> bool {
        match lag {
            Pace::Reads(first) => self.tries < first,
            lag => lag.due(self.since).is_none_or(|due| now < due),
        }
    }
}
