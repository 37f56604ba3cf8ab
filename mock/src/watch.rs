//! Tasks with faulty reads, and tasks that disappear after their end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tasklife::{MemoryStore, Task, TaskId, TaskStore, Timestamp};

use crate::fault::{Counted, Faults};
use crate::pace::Pace;
use crate::scripts::SetScript;

/// The tasks whose script still matters after they have ended.
pub(crate) struct Watch {
    tasks: BTreeMap<TaskId, Watched>,
    /// When ended tasks disappear.
    due: BTreeSet<(Timestamp, TaskId)>,
    /// At this number of tasks, expired ones are pruned.
    prune_at: usize,
}

struct Watched {
    script: Arc<SetScript>,
    /// How often the task was read.
    reads: u32,
    has_ended: bool,
    /// When it disappears, once it has ended.
    due: Option<Timestamp>,
    /// How often its end was shown.
    shown: u32,
}

impl Default for Watch {
    fn default() -> Self {
        Self { tasks: BTreeMap::new(), due: BTreeSet::new(), prune_at: Self::FEW }
    }
}

impl Watch {
    /// Below this number of tasks, nothing is pruned.
    const FEW: usize = 1_000;

    /// Watches a new task, if its script needs it.
    pub(crate) fn add(
        &mut self,
        store: &MemoryStore,
        task: &Task,
        script: &Arc<SetScript>,
        now: Timestamp,
    ) {
        // A previous task with the same id is over.
        self.forget(task.id());
        if script.script.gone == Pace::Never && script.faults(Counted::Reads).next().is_none() {
            return;
        }
        if self.tasks.len() >= self.prune_at {
            let account = task.account();
            let is_there = |id: &TaskId| matches!(store.get(account, *id, now), Ok(Some(_)));
            self.tasks.retain(|id, _| is_there(id));
            self.due.retain(|(_, id)| is_there(id));
            self.prune_at = Self::FEW.max(self.tasks.len() * 2);
        }
        let script = script.clone();
        let watched = Watched { script, reads: 0, has_ended: false, due: None, shown: 0 };
        self.tasks.insert(task.id(), watched);
    }

    /// Counts a read of a task, and returns its faults.
    pub(crate) fn count_read(&mut self, task: &Task) -> Faults {
        let Some(watched) = self.tasks.get_mut(&task.id()) else { return Faults::default() };
        watched.reads = watched.reads.saturating_add(1);
        let (id, faults) = (task.id().to_string(), watched.script.faults(Counted::Reads));
        Faults::select(faults, task.account(), &id, watched.reads)
    }

    /// Records the end of a task.
    pub(crate) fn end(&mut self, id: TaskId, at: Timestamp) {
        let Some(watched) = self.tasks.get_mut(&id) else { return };
        watched.has_ended = true;
        watched.due = watched.script.script.gone.due(at);
        self.due.extend(watched.due.map(|due| (due, id)));
    }

    /// Records that a task was shown. Returns whether it disappears now.
    pub(crate) fn show(&mut self, id: TaskId) -> bool {
        let Some(watched) = self.tasks.get_mut(&id).filter(|watched| watched.has_ended) else {
            return false;
        };
        watched.shown = watched.shown.saturating_add(1);
        let is_gone = watched.script.script.gone.is_met_by(watched.shown);
        if is_gone {
            self.forget(id);
        }
        is_gone
    }

    fn forget(&mut self, id: TaskId) {
        if let Some(Watched { due: Some(due), .. }) = self.tasks.remove(&id) {
            self.due.remove(&(due, id));
        }
    }

    /// Removes and returns the tasks that disappear by `now`.
    pub(crate) fn gone_by(&mut self, now: Timestamp) -> Vec<TaskId> {
        let mut gone = Vec::new();
        while let Some(&(due, id)) = self.due.first()
            && due <= now
        {
            self.due.pop_first();
            self.tasks.remove(&id);
            gone.push(id);
        }
        gone
    }
}
