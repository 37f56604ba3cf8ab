//! Whose turn it is: each account that waits is served before another is served twice.

use alloc::format;
use alloc::vec::Vec;

use super::Checker;
use crate::id::AccountId;
use crate::testing::law::Law;
use crate::time::Now;

impl Checker {
    /// A claim over all accounts served this one: none may have waited since its last turn.
    pub(super) fn check_round_robin(&mut self, account: &AccountId, now: Now) {
        self.claims += 1;
        let last = self.seen.get(account).and_then(|seen| seen.served);
        if let Some(last) = last {
            let overlooked = self.seen.iter().find(|(other, seen)| {
                *other != account
                    && seen.waiting_since.is_some_and(|since| since < last)
                    && self.model.claimable(other, now).is_some()
            });
            if let Some((other, _)) = overlooked {
                let what = format!("claim: {account} is served twice while {other} waits");
                self.breach(Law::Methods, what);
            }
        }
        let seen = self.seen.entry(account.clone()).or_default();
        seen.served = Some(self.claims);
        seen.waiting_since = None;
    }

    /// Who has nothing to hand out by now, before the call, waits no more: what it had may have expired since the
    /// last call, and what the call brings is a new beginning.
    pub(super) fn end_waiting(&mut self, now: Now) {
        for (account, seen) in &mut self.seen {
            if seen.waiting_since.is_some() && self.model.claimable(account, now).is_none() {
                seen.waiting_since = None;
            }
        }
    }

    pub(super) fn update_waiting(&mut self, now: Now) {
        let accounts: Vec<AccountId> = self.model.accounts().cloned().collect();
        for account in accounts {
            let has_something = self.model.claimable(&account, now).is_some();
            let seen = self.seen.entry(account).or_default();
            let since = seen.waiting_since.unwrap_or(self.claims);
            seen.waiting_since = has_something.then_some(since);
        }
    }
}
