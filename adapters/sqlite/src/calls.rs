//! The calls of a store. Each runs in a transaction that has begun: it reads, lets the kit decide,
//! and writes.

use tasklife::kit::{Call, PlannedClaim, SubmitDecision};
use tasklife::{
    AccountClock, AccountId, ApplyError, BackendError, Change, Claimed, ListError, ListQuery, Page,
    Revision, Scope, StoreConfig, Submission, SubmitError, Submitted, Swept, Target, TaskEvent,
    Timestamp,
};

use crate::fault::{CallError, Fault};
use crate::tables::{AccountRow, Ready, Tables};

pub(crate) fn submit(
    tables: Tables<'_>,
    config: &StoreConfig,
    submission: Submission,
    now: Timestamp,
) -> Result<Submitted, CallError<SubmitError>> {
    let before = tables.store()?;
    let mut store = before;
    let call = Call::new(config, store.horizon, now);
    let mut account = tables.account(submission.account())?;
    let found = match &account {
        Some(account) => tables.task(account, submission.id())?,
        None => None,
    };
    let proposal = match call.check_submit(&submission, found.as_ref())? {
        SubmitDecision::New(proposal) => proposal,
        SubmitDecision::Existing(task) => return Ok(Submitted::Existing(task)),
    };
    let mut room = None;
    if call.is_full_for(&proposal, store.tasks) {
        let first = tables.expires_first()?;
        let horizon = call.make_room(first.map(|first| first.expires_at))?;
        room = first.zip(Some(horizon));
    }
    if call.needs_open_count() {
        let open = match &account {
            Some(account) => tables.count_open(account, call.effective_now(), config.max_open())?,
            None => 0,
        };
        call.check_open(open)?;
    }

    if let Some((first, horizon)) = room {
        tables.drop_tasks(&[first], &mut store)?;
        store.horizon = horizon;
        // If that was the last task of the account, the account is forgotten now.
        account = tables.account(submission.account())?;
    }
    let mut account = match account {
        Some(account) => account,
        None => tables.add_account(submission.account(), &mut store)?,
    };
    let task = call.accept(&proposal, submission, clock(&account, now));
    store.tasks += usize::from(!proposal.replaces_expired());
    tables.insert_task(&account, &task)?;
    account.clock.advance_to(&task);
    tables.write_account(&account, &call)?;
    if store != before {
        tables.write_store(&store)?;
    }
    Ok(Submitted::New(task))
}

pub(crate) fn apply(
    tables: Tables<'_>,
    config: &StoreConfig,
    target: Target<'_>,
    event: TaskEvent,
    now: Timestamp,
) -> Result<Change, CallError<ApplyError>> {
    let call = Call::new(config, tables.store()?.horizon, now);
    let kind = event.kind();
    let mut account = tables.account(target.account())?.ok_or(ApplyError::NotFound)?;
    let task = call.permit(target, &event, tables.task(&account, target.id())?)?;
    if let Some(width) = config.max_in_progress().filter(|_| call.needs_lane(kind)) {
        let width = width.get() as usize;
        call.check_lane(tables.count_in_progress(&account, call.effective_now(), width)?)?;
    }
    let change = call.apply(task, event, clock(&account, now)).map_err(ApplyError::from)?;
    write(tables, &mut account, &change, &call)?;
    Ok(change)
}

/// The outcome of one transaction of a call.
pub(crate) enum Step<X> {
    /// The call is complete.
    Done(X),
    /// The call needs another transaction, after those of waiting calls.
    Again,
}

/// The largest number of accounts that one transaction parks.
const PARKING_BATCH: usize = 500;

pub(crate) fn claim(
    tables: Tables<'_>,
    config: &StoreConfig,
    scope: Scope<'_>,
    now: Timestamp,
) -> Result<Step<Option<Claimed>>, CallError<BackendError>> {
    let mut store = tables.store()?;
    let call = Call::new(config, store.horizon, now);
    if let Scope::Account(name) = scope {
        let Some(mut account) = tables.account(name)? else { return Ok(Step::Done(None)) };
        return match tables.next(&account, &call)? {
            Ok(planned) => Ok(Step::Done(Some(hand_out(tables, &mut account, planned, &call)?))),
            Err(_) => Ok(Step::Done(None)),
        };
    }
    tables.make_due_accounts_ready(&call)?;
    let (mut parked, mut after_ticket, mut first_fault) = (0, i64::MIN, None);
    while let Some(Ready { ticket, name, account }) = tables.next_ready(after_ticket)? {
        let next = account.and_then(|account| Ok((tables.next(&account, &call)?, account)));
        match next {
            Ok((Ok(planned), mut account)) => {
                account.ticket = store.next_ticket();
                tables.write_store(&store)?;
                return Ok(Step::Done(Some(hand_out(tables, &mut account, planned, &call)?)));
            }
            Ok((Err(until), account)) => {
                tables.write_queue_entry(&account, Some(until))?;
                parked += 1;
                if parked == PARKING_BATCH {
                    return Ok(Step::Again);
                }
            }
            // Other accounts come first. The error is returned only if none of them has anything.
            Err(fault) if fault.is_unreadable_row() => {
                after_ticket = ticket;
                let fault = Fault::OfAccount { account: name, source: Box::new(fault) };
                first_fault.get_or_insert(fault);
            }
            Err(fault) => return Err(fault.into()),
        }
    }
    match first_fault {
        Some(fault) => Err(CallError::Refused(fault.into())),
        None => Ok(Step::Done(None)),
    }
}

/// Starts a task or takes it over, and writes it.
fn hand_out(
    tables: Tables<'_>,
    account: &mut AccountRow,
    planned: PlannedClaim,
    call: &Call<'_>,
) -> Result<Claimed, CallError<BackendError>> {
    let claimed = call
        .claim(planned, clock(account, call.now()))
        .map_err(|_| Fault::Damaged("a record in the status of its row"))?;
    write(tables, account, claimed.change(), call)?;
    Ok(claimed)
}

/// Writes the task of a change, and the account with its new clock and place in the queue.
fn write(
    tables: Tables<'_>,
    account: &mut AccountRow,
    change: &Change,
    call: &Call<'_>,
) -> Result<(), Fault> {
    tables.update_task(account, change.task())?;
    account.clock.advance_to(change.task());
    tables.write_account(account, call)
}

/// Returns an account's clock for an event at `now`.
///
/// Revisions keep up with time: one that was lost in a power cut, or because an older copy of the
/// file was restored, is never given to something else.
fn clock(account: &AccountRow, now: Timestamp) -> AccountClock {
    let AccountRow { clock, .. } = account;
    AccountClock::new(clock.revision().max(Revision::unreached_by(now)), clock.updated_at())
}

pub(crate) fn list(
    tables: Tables<'_>,
    config: &StoreConfig,
    name: &AccountId,
    query: &ListQuery,
    now: Timestamp,
) -> Result<Page, CallError<ListError>> {
    let position = query.position(name).map_err(ListError::from)?;
    let store = tables.store()?;
    let call = Call::new(config, store.horizon, now);
    let Some(account) = tables.account(name)? else {
        return Ok(call.page(name, query, Vec::new(), store.floor));
    };
    let tasks = tables.list(&account, query, position, call.effective_now())?;
    Ok(call.page(name, query, tasks, account.clock.revision()))
}

/// Moves the horizon, and drops up to `limit` due tasks.
pub(crate) fn sweep(
    tables: Tables<'_>,
    config: &StoreConfig,
    limit: usize,
    now: Timestamp,
) -> Result<Swept, CallError<BackendError>> {
    let before = tables.store()?;
    let mut store = before;
    store.horizon = Call::new(config, before.horizon, now).horizon_after_sweep();
    let due = tables.expiring(store.horizon, limit.saturating_add(1))?;
    let (dropped, more) = due.split_at(due.len().min(limit));
    tables.drop_tasks(dropped, &mut store)?;
    if store != before {
        tables.write_store(&store)?;
    }
    Ok(Swept { dropped: dropped.len(), more: !more.is_empty() })
}
