//! Pages of an account's list.

use alloc::vec::Vec;

use super::{BATCH, Shard};
use crate::id::AccountId;
use crate::store::{ListError, ListQuery, Page};
use crate::task::Task;
use crate::time::Timestamp;

/// The largest number of a page's tasks for which memory is allocated ahead.
const MAX_PREALLOCATED: usize = 128;

impl Shard {
    /// See [`TaskStore::list`](crate::TaskStore::list).
    pub(crate) fn list(
        &self,
        account: &AccountId,
        query: &ListQuery,
        now: Timestamp,
    ) -> Result<Page, ListError> {
        let position = query.position(account)?;
        let effective_now = self.effective_now(now);
        let Some(key) = self.find_account(self.hash_account(account), account) else {
            return Ok(Page::new(Vec::new(), None, self.floor));
        };
        let known = &self.accounts[key];
        let mut matching = known.matching(&self.blocks, query, position, &self.restorations);
        let limit = query.limit().get();
        let (mut tasks, mut next) = (Vec::new(), None);
        let mut batch = [0; BATCH];
        while next.is_none() {
            // One more than fits on the page, to know whether more follow.
            let wanted = BATCH.min((limit - tasks.len()).saturating_add(1));
            let taken = matching.take(&mut batch[..wanted]);
            let visible = self.visible(&mut batch[..taken], effective_now);
            if tasks.is_empty() {
                let is_all = taken < wanted;
                tasks.reserve_exact(if is_all {
                    visible.len()
                } else {
                    limit.min(MAX_PREALLOCATED)
                });
            }
            let (page, more) = visible.split_at(visible.len().min(limit - tasks.len()));
            tasks.extend(page.iter().map(|slot| self.tasks[*slot].task.clone()));
            if !more.is_empty() {
                next = tasks.last().map(|last: &Task| query.cursor(account, last.revision()));
            }
            if taken < wanted {
                break;
            }
        }
        Ok(Page::new(tasks, next, known.clock.revision()))
    }

    /// Moves the slots of visible tasks to the front, in their order, and returns them.
    fn visible<'a>(&self, slots: &'a mut [u32], effective_now: Timestamp) -> &'a [u32] {
        let mut visible = 0;
        for at in 0..slots.len() {
            let slot = slots[at];
            slots[visible] = slot;
            visible += usize::from(self.tasks[slot].task.is_visible_at(effective_now));
        }
        &slots[..visible]
    }
}
