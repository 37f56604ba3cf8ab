//! Checks the turns between accounts: while an account has something to claim, no other account has
//! two turns.

use alloc::format;
use alloc::vec::Vec;

use super::Checker;
use crate::id::AccountId;
use crate::testing::law::Law;
use crate::time::Timestamp;

impl Checker {
    /// Checks that no other account had something to claim ever since this account's last turn.
    /// Call this when a claim over all accounts has returned a task of `account`.
    pub(super) fn check_round_robin(&mut self, account: &AccountId, now: Timestamp) {
        self.claims += 1;
        let last_turn = self.records.get(account).and_then(|record| record.last_turn);
        if let Some(last_turn) = last_turn {
            let passed_over = self.records.iter().find(|(other, record)| {
                *other != account
                    && record.claimable_since.is_some_and(|since| since < last_turn)
                    && self.model.claimable(other, now).is_some()
            });
            if let Some((other, _)) = passed_over {
                let description = format!("claim: expected a turn of {other}; got {account} twice");
                self.report(Law::Methods, description);
            }
        }
        let record = self.records.entry(account.clone()).or_default();
        record.last_turn = Some(self.claims);
        record.claimable_since = None;
    }

    /// Resets each account that has nothing to claim at the `now` of the next call, because its
    /// tasks have expired since the last call.
    ///
    /// If the call then brings new work, the account's wait begins with it.
    pub(super) fn reset_unclaimable(&mut self, now: Timestamp) {
        for (account, record) in &mut self.records {
            if record.claimable_since.is_some() && self.model.claimable(account, now).is_none() {
                record.claimable_since = None;
            }
        }
    }

    /// Updates for each account since when it has something to claim.
    pub(super) fn update_claimable(&mut self, now: Timestamp) {
        let accounts: Vec<AccountId> = self.model.accounts().cloned().collect();
        for account in accounts {
            let is_claimable = self.model.claimable(&account, now).is_some();
            let record = self.records.entry(account).or_default();
            let since = record.claimable_since.unwrap_or(self.claims);
            record.claimable_since = is_claimable.then_some(since);
        }
    }
}
