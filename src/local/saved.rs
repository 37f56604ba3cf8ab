//! Snapshots and logs of a store, and its restoration from them.

use super::LocalStore;
use crate::shard::{Shard, Snapshot, SnapshotError};
use crate::store::StoreConfig;
use crate::task::TaskRecord;
use crate::time::Timestamp;

impl LocalStore {
    /// Returns the store's whole content.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&[&self.shard], self.shard.horizon(), self.last_ticket)
    }

    /// Restores a store from a snapshot. The snapshot is checked completely.
    ///
    /// `now` is the time of the restoration. It must be later than every earlier `now` of the saved
    /// store, and of any other store restored from the same snapshot, by at least 125 ns for each
    /// event of an account. Then the revisions go on [above all earlier
    /// ones](crate::Revision::unreached_by). If a clock went back, and the snapshot already has
    /// revisions above that point, they go on a multiple of 2⁴⁸ further, above those of the snapshot.
    ///
    /// A task in progress has lost its worker if the worker ran in the same process. The task is
    /// taken over after the usual [silence](StoreConfig::with_takeover_after). The takeover counts as
    /// one of its [attempts](StoreConfig::with_max_attempts).
    ///
    /// # Errors
    ///
    /// Returns [`SnapshotError`] if no store made this snapshot: it has another version, a task's
    /// record is invalid, two accounts or two tasks of an account have the same name, a task
    /// belongs to another account, or revisions, times or tickets contradict each other.
    pub fn restore(
        config: StoreConfig,
        snapshot: Snapshot,
        now: Timestamp,
    ) -> Result<Self, SnapshotError> {
        let mut restored = snapshot.restore(config, now, 1, |_| 0)?;
        let shard = restored.shards.pop().unwrap_or_else(|| Shard::new(config));
        Ok(Self { shard, last_ticket: restored.last_ticket })
    }

    /// Restores a store from a log, after a crash.
    ///
    /// Your program writes a [`TaskRecord`] to the log after each call that changed a task: a
    /// submission that returned [`Submitted::New`](crate::Submitted::New), an event, or a claim
    /// that returned `Some`.
    ///
    /// ```
    /// use tasklife::*;
    ///
    /// let (mut store, mut log) = (LocalStore::default(), String::new());
    /// let mut write = |task: &Task| -> serde_json::Result<()> {
    ///     log += &serde_json::to_string(&TaskRecord::from(task))?; // your program writes a file
    ///     Ok(log.push('\n'))
    /// };
    /// # let (account, id): (AccountId, TaskId) = ("acme".parse()?, uuid::Uuid::nil().into());
    /// # const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");
    /// # let now = "2026-01-01T00:00:00Z".parse()?;
    /// if let Submitted::New(task) = store.submit(Submission::new(account.clone(), id, CREATE), now)? {
    ///     write(&task)?;
    /// }
    /// if let Some(claimed) = store.claim(Scope::Any, now)? {
    ///     write(claimed.change().task())?;
    /// }
    ///
    /// let records: Vec<TaskRecord> = log.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    /// let restored = LocalStore::from_records(*store.config(), records, now)?;
    /// assert_eq!(restored.get(&account, id, now)?, store.get(&account, id, now)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Which records count
    ///
    /// For each task (an account and an id), the record with the highest revision counts. Records
    /// may come in any order and more than once. So a log may go on after a restart, and you may
    /// remove records that no longer count. The records that count take as much memory as their
    /// tasks do in a store. Each of the others takes 32 bytes while the store is made.
    ///
    /// Tasks that have expired at `now` are left out, as after a [`sweep`](Self::sweep) at `now`,
    /// and `now` becomes the horizon. A log doesn't record the horizon. If it was later because
    /// another clock was ahead, tasks that it hid become visible again. A log doesn't record the
    /// accounts' turns either: they follow the order in which accounts first appear in the log.
    /// Limits may be exceeded at first.
    ///
    /// # Lost records
    ///
    /// The process may have died before it wrote a change to the log. Revisions go on as after
    /// [`restore`](Self::restore), so a worker or client that saw such a change gets an error or
    /// another revision.
    ///
    /// A client that asks for the [changes since](crate::ListQuery::changed_since) a page that it
    /// read before the crash misses nothing, provided that each account's records are in order in
    /// the log, and that each crash lost only the last of them. The client may also get tasks that
    /// have not changed: it gets all tasks of the account if the page's revision is not in the log,
    /// because the crash lost the record or because you removed it.
    ///
    /// # Errors
    ///
    /// Returns [`SnapshotError`] if these records are not from the log of a store: two different
    /// records have the same account and revision. It also does so if, among the records that count
    /// and are not expired, one is invalid, one task was updated before another of its account with
    /// a lower revision, or a revision is above 2⁶².
    pub fn from_records(
        config: StoreConfig,
        records: impl IntoIterator<Item = TaskRecord>,
        now: Timestamp,
    ) -> Result<Self, SnapshotError> {
        Self::restore(config, Snapshot::of_records(records, now)?, now)
    }
}
