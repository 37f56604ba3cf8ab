//! Handing out tasks to workers.

use std::collections::HashSet;

use tasklife::kit::{Call, ClaimCandidates, Lane, Parked};
use tasklife::{AccountId, BackendError, Claimed, EventKind, Now, TaskStatus};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::PostgresStore;
use super::account::{AccountRow, StoreRow};
use super::write::{Outcome, Write};
use crate::fault::Fault;
use crate::rows::{column, instant, read_instant, read_task_in};

/// What an account has to hand out, as it was read.
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

/// What came of asking an account for a task.
enum Asked {
    HandedOut(Box<Claimed>),
    /// It has nothing, as it was read, for so long.
    Nothing(AccountRow, Parked),
    /// It was written to since.
    Changed,
}

impl PostgresStore {
    pub(super) async fn claim_of(
        &self,
        name: &AccountId,
        now: Now,
    ) -> Result<Option<Claimed>, BackendError> {
        let _guard = self.lock(name).await?;
        loop {
            let sql = &self.shared.statements.read_for_claim;
            let row = self.read_for_claim(sql, (&name.as_str(), Type::TEXT), now).await?;
            let Some(read) = ReadForClaim::read(&row)? else { return Ok(None) };
            match self.ask(read, now).await? {
                Asked::HandedOut(claimed) => return Ok(Some(*claimed)),
                Asked::Nothing(..) => return Ok(None),
                Asked::Changed => {}
            }
        }
    }

    /// Asks one account after the other, round-robin. One that has nothing is parked, until something is written to it
    /// that may change that, or a clock does.
    pub(super) async fn claim_any(&self, now: Now) -> Result<Option<Claimed>, BackendError> {
        let mut passed = HashSet::new();
        let mut unreadable = None;
        loop {
            let at = instant(now);
            let (takes_over, lane) = self.asks();
            let values =
                [(&at as _, Type::BYTEA), (&takes_over as _, Type::BOOL), (&lane as _, Type::INT8)];
            let rows =
                self.shared.database.query(&self.shared.statements.claim_turn, &values).await?;
            let mut row = rows.into_iter().next().ok_or(Fault::Damaged("a row of an account"))?;
            let (key, name): (Option<i64>, Option<String>) =
                (column(&row, "key")?, column(&row, "name")?);
            let (Some(key), Some(name)) = (key, name) else { break };
            loop {
                let asked = match ReadForClaim::read(&row) {
                    Ok(Some(read)) => self.ask(read, now).await?,
                    Ok(None) => break,
                    // It stands in no other's way. It is told of once there is nothing else.
                    Err(fault) if fault.is_of_a_row() => {
                        unreadable.get_or_insert(Fault::OfAccount {
                            account: name,
                            source: fault.into(),
                        });
                        if !passed.insert(key) {
                            return unreadable.map_or(Ok(None), |fault| Err(fault.into()));
                        }
                        break;
                    }
                    Err(fault) => return Err(fault.into()),
                };
                match asked {
                    Asked::HandedOut(claimed) => return Ok(Some(*claimed)),
                    Asked::Nothing(account, parked) if self.park(&account, &parked).await? => break,
                    Asked::Nothing(..) | Asked::Changed => {
                        let sql = &self.shared.statements.read_again_for_claim;
                        row = self.read_for_claim(sql, (&key, Type::INT8), now).await?;
                    }
                }
            }
        }
        unreadable.map_or(Ok(None), |fault| Err(fault.into()))
    }

    /// Whether tasks are taken over, and the width of a lane.
    fn asks(&self) -> (bool, Option<i64>) {
        let lane = self.config().max_in_progress().map(|width| i64::from(width.get()));
        (self.config().takeover_after().is_some(), lane)
    }

    async fn read_for_claim(
        &self,
        sql: &str,
        account: crate::database::Value<'_>,
        now: Now,
    ) -> Result<Row, Fault> {
        let at = instant(now);
        let (takes_over, lane) = self.asks();
        let values = [
            account,
            (&at as _, Type::BYTEA),
            (&takes_over as _, Type::BOOL),
            (&lane as _, Type::INT8),
        ];
        let rows = self.shared.database.query(sql, &values).await?;
        rows.into_iter().next().ok_or(Fault::Damaged("a row of an account"))
    }

    async fn ask(&self, read: ReadForClaim, now: Now) -> Result<Asked, BackendError> {
        let ReadForClaim { store, account, candidates } = read;
        let call = Call::new(self.config(), store.horizon, now);
        let planned = match call.next_claim(candidates) {
            Ok(planned) => planned,
            Err(parked) => return Ok(Asked::Nothing(account, parked)),
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
                self.tell_if(change.may_make_work());
                Ok(Asked::HandedOut(Box::new(claimed)))
            }
            Outcome::Changed | Outcome::NoRoom => Ok(Asked::Changed),
        }
    }

    /// Parks an account, unless it was written to since.
    async fn park(&self, account: &AccountRow, parked: &Parked) -> Result<bool, BackendError> {
        let Parked { wake_after, wake_at, wake_before } = parked;
        let [wake_after, wake_at, wake_before] =
            [wake_after, wake_at, wake_before].map(|at| at.map(instant));
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
