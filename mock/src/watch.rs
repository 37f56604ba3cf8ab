//! The tasks with whose answers something goes wrong, and those that are gone after their end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tasklife::{MemoryStore, Now, Task, TaskId, TaskStore};

use crate::fault::{Counted, Faults};
use crate::pace::Pace;
use crate::scripts::SetScript;

/// What is kept of such tasks for as long as they are there, when their script has long done its work.
pub(crate) struct Watch {
    tasks: BTreeMap<TaskId, Watched>,
    /// When those are gone that have ended.
    due: BTreeSet<(Now, TaskId)>,
    /// How many make it worth to look for those that have expired.
    prune_at: usize,
}

struct Watched {
    script: Arc<SetScript>,
    /// How often it was read.
    reads: u32,
    has_ended: bool,
    /// When it is gone, once it has ended.
    due: Option<Now>,
    /// How often its end was shown.
    shown: u32,
}

impl Default for Watch {
    fn default() -> Self {
        Self { tasks: BTreeMap::new(), due: BTreeSet::new(), prune_at: Self::FEW }
    }
}

impl Watch {
    /// So many are not worth a look.
    const FEW: usize = 1_000;

    /// Watches a task that is new, where its script asks for it.
    pub(crate) fn add(
        &mut self,
        store: &MemoryStore,
        task: &Task,
        script: &Arc<SetScript>,
        now: Now,
    ) {
        // One that was there before under the same id is no more.
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

    /// Counts a read of a task: what goes wrong with it.
    pub(crate) fn count_read(&mut self, task: &Task) -> Faults {
        let Some(watched) = self.tasks.get_mut(&task.id()) else { return Faults::default() };
        watched.reads = watched.reads.saturating_add(1);
        let (id, faults) = (task.id().to_string(), watched.script.faults(Counted::Reads));
        Faults::select(faults, task.account(), &id, watched.reads)
    }

    /// Takes note of the end of a task.
    pub(crate) fn end(&mut self, id: TaskId, at: Now) {
        let Some(watched) = self.tasks.get_mut(&id) else { return };
        watched.has_ended = true;
        watched.due = watched.script.script.gone.due(at);
        self.due.extend(watched.due.map(|due| (due, id)));
    }

    /// Takes note that a task was shown. Whether it is gone from now on.
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

    /// Those that are gone by now.
    pub(crate) fn gone_by(&mut self, now: Now) -> Vec<TaskId> {
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
