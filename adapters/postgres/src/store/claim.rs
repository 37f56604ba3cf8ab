//! Claims.

use std::collections::HashSet;

use tasklife::kit::{Call, ClaimCandidates, Lane, Parked};
use tasklife::{AccountId, BackendError, Claimed, EventKind, TaskStatus, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::PostgresStore;
use super::account::{AccountRow, StoreRow};
use super::write::{Outcome, Write};
use crate::fault::Fault;
use crate::rows::{column, encode_instant, read_instant, read_task_in};

/// An account and what it has to claim, as they were read.
struct ReadForClaim {
    store: StoreRow,
    account: AccountRow,
    candidates: ClaimCandidates,
}

impl ReadForClaim {
    fn read(row: &Row) -> Result<Option<Self>, Fault> {
        let store = StoreRow::read(row)?;
        let Some(account) = AccountRow::read(row)? else { return Ok(None) };
        let in_progress = TaskStatus::ProcessingInProgress;
        let full_until = read_instant(row, "full_until")?;
        let candidates = ClaimCandidates {
            in_progress: read_task_in(row, "in_progress_id", "in_progress", in_progress)?,
            received: read_task_in(row, "received_id", "received", TaskStatus::Received)?,
            lane: full_until.map_or(Lane::Room, |until| Lane::FullUntil(Some(until))),
            hidden_until: read_instant(row, "hidden_until")?,
        };
        Ok(Some(Self { store, account, candidates }))
    }
}

/// The outcome of a claim of one account.
enum AccountClaim {
    Claimed(Box<Claimed>),
    /// The account, as it was read, has nothing to claim; it may be parked.
    Nothing(AccountRow, Parked),
    /// Another call has written to the account since it was read.
    Changed,
}

impl PostgresStore {
    /// Claims a task of one account.
    pub(super) async fn claim_of(
        &self,
        name: &AccountId,
        now: Timestamp,
    ) -> Result<Option<Claimed>, BackendError> {
        let _guard = self.lock(name).await?;
        loop {
            let sql = &self.shared.statements.read_for_claim;
            let row = self.read_for_claim(sql, (&name.as_str(), Type::TEXT), now).await?;
            let Some(read) = ReadForClaim::read(&row)? else { return Ok(None) };
            match self.claim_from(read, now).await? {
                AccountClaim::Claimed(claimed) => return Ok(Some(*claimed)),
                AccountClaim::Nothing(..) => return Ok(None),
                AccountClaim::Changed => {}
            }
        }
    }

    /// Claims a task of any account, round-robin.
    ///
    /// It parks each account that has nothing to claim, until a write or an instant may change
    /// that. Accounts with an unreadable task are skipped: their error is returned only if no other
    /// account has anything.
    pub(super) async fn claim_any(&self, now: Timestamp) -> Result<Option<Claimed>, BackendError> {
        let mut unreadable_accounts = HashSet::new();
        let mut first_fault = None;
        loop {
            let at = encode_instant(now);
            let (takes_over, lane) = self.claim_parameters();
            let values =
                [(&at as _, Type::BYTEA), (&takes_over as _, Type::BOOL), (&lane as _, Type::INT8)];
            let rows =
                self.shared.database.query(&self.shared.statements.claim_turn, &values).await?;
            let mut row = rows.into_iter().next().ok_or(Fault::Damaged("a row of an account"))?;
            let (key, name): (Option<i64>, Option<String>) =
                (column(&row, "key")?, column(&row, "name")?);
            let (Some(key), Some(name)) = (key, name) else { break };
            loop {
                let claim = match ReadForClaim::read(&row) {
                    Ok(Some(read)) => self.claim_from(read, now).await?,
                    Ok(None) => break,
                    Err(fault) if fault.is_unreadable_row() => {
                        first_fault.get_or_insert(Fault::OfAccount {
                            account: name,
                            source: fault.into(),
                        });
                        // Its turn has come round again, so every other account was asked.
                        if !unreadable_accounts.insert(key) {
                            return first_fault.map_or(Ok(None), |fault| Err(fault.into()));
                        }
                        break;
                    }
                    Err(fault) => return Err(fault.into()),
                };
                match claim {
                    AccountClaim::Claimed(claimed) => return Ok(Some(*claimed)),
                    AccountClaim::Nothing(account, parked)
                        if self.park(&account, &parked).await? =>
                    {
                        break;
                    }
                    AccountClaim::Nothing(..) | AccountClaim::Changed => {
                        let sql = &self.shared.statements.read_again_for_claim;
                        row = self.read_for_claim(sql, (&key, Type::INT8), now).await?;
                    }
                }
            }
        }
        first_fault.map_or(Ok(None), |fault| Err(fault.into()))
    }

    /// Returns whether tasks are taken over, and the width of a lane.
    fn claim_parameters(&self) -> (bool, Option<i64>) {
        let lane = self.config().max_in_progress().map(|width| i64::from(width.get()));
        (self.config().takeover_after().is_some(), lane)
    }

    /// Reads an account, given by its name or key as `sql` requires, and what it has to claim.
    async fn read_for_claim(
        &self,
        sql: &str,
        account: crate::database::Value<'_>,
        now: Timestamp,
    ) -> Result<Row, Fault> {
        let at = encode_instant(now);
        let (takes_over, lane) = self.claim_parameters();
        let values = [
            account,
            (&at as _, Type::BYTEA),
            (&takes_over as _, Type::BOOL),
            (&lane as _, Type::INT8),
        ];
        let rows = self.shared.database.query(sql, &values).await?;
        rows.into_iter().next().ok_or(Fault::Damaged("a row of an account"))
    }

    /// Claims a task of an account, provided that it is still as it was read.
    async fn claim_from(
        &self,
        read: ReadForClaim,
        now: Timestamp,
    ) -> Result<AccountClaim, BackendError> {
        let ReadForClaim { store, account, candidates } = read;
        let call = Call::new(self.config(), store.horizon, now);
        let planned = match call.next_claim(candidates) {
            Ok(planned) => planned,
            Err(parked) => return Ok(AccountClaim::Nothing(account, parked)),
        };
        let expired_at = planned.task().expires_at();
        let claimed = call.claim(planned, account.clock(now)).map_err(BackendError::not_applied)?;
        let change = claimed.change();
        let write = Write {
            store: &store,
            account: Some(&account),
            task: change.task(),
            is_new: false,
            makes_ready: change.event() != EventKind::Report
                || change.task().expires_at() < expired_at,
            share: account.share,
            new_horizon: None,
        };
        match self.write(&write).await? {
            Outcome::Done => {
                self.notify_if(change.may_make_work());
                Ok(AccountClaim::Claimed(Box::new(claimed)))
            }
            Outcome::Changed | Outcome::NoRoom => Ok(AccountClaim::Changed),
        }
    }

    /// Parks an account, and returns whether it was still as it was read.
    async fn park(&self, account: &AccountRow, parked: &Parked) -> Result<bool, BackendError> {
        let Parked { wake_after, wake_at, wake_before } = parked;
        let [wake_after, wake_at, wake_before] =
            [wake_after, wake_at, wake_before].map(|at| at.map(encode_instant));
        let values = [
            (&account.key as _, Type::INT8),
            (&account.version as _, Type::INT8),
            (&wake_after as _, Type::BYTEA),
            (&wake_at as _, Type::BYTEA),
            (&wake_before as _, Type::BYTEA),
        ];
        let rows = self.shared.database.query(&self.shared.statements.park, &values).await?;
        let row = rows.first().ok_or(Fault::Damaged("an answer to a park"))?;
        Ok(row.try_get(0).map_err(Fault::Database)?)
    }
}
