//! Compares the answers of two stores to the same calls.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde_json::Value;
use tasklife::{
    AccountId, ApplyError, AsyncTaskStore, Claimed, CommandType, Completion, ListQuery, Scope,
    StoreConfig, Submission, SubmitError, Submitted, Target, Task, TaskError, TaskEvent, TaskId,
    TaskRecord, TaskStatus, Timestamp, uuid::Uuid,
};

/// A function that runs a future to completion.
pub type BlockOn<'a> = &'a dyn Fn(Pin<Box<dyn Future<Output = String> + Send + '_>>) -> String;

/// Returns a configuration in which every limit is low enough to matter.
#[must_use]
pub fn tight_limits() -> StoreConfig {
    StoreConfig::default()
        .with_retention(tasklife::Retention::since_submission(Duration::from_mins(1)))
        .with_max_tasks(12)
        .with_max_open(4)
        .with_max_in_progress(std::num::NonZeroU32::MIN.saturating_add(1))
        .with_takeover_after(Duration::from_secs(10))
        .with_max_attempts(std::num::NonZeroU32::MIN.saturating_add(1))
        .with_max_input(8)
}

/// Makes the same random calls to two stores. Panics at the first call that they answer
/// differently.
///
/// The clock also steps back. Revisions and the turns of accounts may differ. So revisions are not
/// compared, and every claim is of one account.
pub fn same_answers(
    stores: [&dyn AsyncTaskStore; 2],
    block_on: BlockOn<'_>,
    seed: u64,
    calls: u32,
) {
    let mut random = Random(seed);
    let mut known: [HashMap<(AccountId, TaskId), Task>; 2] = Default::default();
    let mut seconds = 0;
    let mut calls_made = Vec::new();
    for number in 0..calls {
        seconds = (seconds + random.below(5)).saturating_sub(random.below(3));
        // Each call has its own instant. Otherwise, a store could choose which of two tasks expires
        // first.
        let now = Timestamp::UNIX_EPOCH
            + chrono::TimeDelta::seconds(seconds.cast_signed())
            + chrono::TimeDelta::nanoseconds(i64::from(number));
        let call = Call::random(&mut random);
        calls_made.push(format!("{now}: {call:?}"));
        let mut answers = Vec::new();
        for (store, known) in stores.into_iter().zip(&mut known) {
            answers.push(block_on(Box::pin(call.make(store, known, now))));
        }
        assert_eq!(answers[0], answers[1], "seed {seed}, after\n{}", calls_made.join("\n"));
    }
}

#[derive(Clone, Debug)]
enum Call {
    Submit { account: AccountId, id: TaskId, input: &'static str, initialized: bool },
    Apply { account: AccountId, id: TaskId, event: TaskEvent, exactly: bool },
    Claim { account: AccountId },
    Get { account: AccountId, id: TaskId },
    List { account: AccountId, query: ListQuery },
    Sweep { limit: usize },
}

impl Call {
    fn random(random: &mut Random) -> Self {
        let account: AccountId = ["a", "b", "c"][random.index(3)].parse().expect("a name");
        let id = TaskId::from(Uuid::from_u128(u128::from(random.below(5))));
        match random.below(20) {
            0..=6 => {
                let input = ["", "{\"a\":1}", "{\"a\": 1}", "too long for it"][random.index(4)];
                Self::Submit { account, id, input, initialized: random.below(4) == 0 }
            }
            7..=11 => {
                let event = match random.below(5) {
                    0 => TaskEvent::receive(),
                    1 => TaskEvent::start(),
                    2 => TaskEvent::report(),
                    3 => TaskEvent::complete(Completion::of(7)),
                    _ => TaskEvent::fail(TaskError::new("NOT_CREATED", "It failed.")),
                };
                Self::Apply { account, id, event, exactly: random.below(2) == 0 }
            }
            12..=14 => Self::Claim { account },
            15 => Self::Get { account, id },
            16..=18 => {
                let mut query = ListQuery::default();
                if random.below(3) == 0 {
                    query = query.with_status(TaskStatus::ALL[random.index(5)]);
                }
                Self::List { account, query }
            }
            _ => Self::Sweep { limit: if random.below(2) == 0 { 0 } else { 1_000 } },
        }
    }

    async fn make(
        &self,
        store: &dyn AsyncTaskStore,
        known: &mut HashMap<(AccountId, TaskId), Task>,
        now: Timestamp,
    ) -> String {
        let mut remember = |task: &Task| {
            known.insert((task.account().clone(), task.id()), task.clone());
            text(task)
        };
        match self {
            Self::Submit { account, id, input, initialized } => {
                let create = CommandType::from_static("subscriptionCreateRequest");
                let mut submission =
                    Submission::new(account.clone(), *id, create).with_input(input.as_bytes());
                if *initialized {
                    submission = submission.initialized();
                }
                match store.submit(submission, now).await {
                    Ok(Submitted::New(task)) => format!("new {}", remember(&task)),
                    Ok(Submitted::Existing(task)) => format!("existing {}", remember(&task)),
                    Err(SubmitError::Backend(error)) => panic!("{error:?}"),
                    Err(refusal) => refusal.to_string(),
                }
            }
            Self::Apply { account, id, event, exactly } => {
                let seen = known.get(&(account.clone(), *id)).filter(|_| *exactly).cloned();
                let target = seen.as_ref().map_or(Target::latest(account, *id), Target::exactly);
                match store.apply(target, event.clone(), now).await {
                    Ok(change) => format!("{} to {}", change.from(), text(change.task())),
                    Err(ApplyError::Stale { current }) => format!("stale: {}", text(&current)),
                    Err(ApplyError::Backend(error)) => panic!("{error:?}"),
                    Err(refusal) => refusal.to_string(),
                }
            }
            Self::Claim { account } => {
                let claimed = store.claim(Scope::Account(account), now).await;
                match claimed.unwrap_or_else(|error| panic!("{error:?}")) {
                    Some(Claimed::Work(change)) => format!("work on {}", remember(change.task())),
                    Some(Claimed::GivenUp(change)) => format!("gave up {}", text(change.task())),
                    None => "nothing".into(),
                }
            }
            Self::Get { account, id } => {
                let read = store.get(account, *id, now).await;
                read.unwrap_or_else(|error| panic!("{error:?}"))
                    .as_ref()
                    .map(text)
                    .unwrap_or_default()
            }
            Self::List { account, query } => {
                let page = store.list(account, query, now).await;
                let page = page.unwrap_or_else(|error| panic!("{error:?}"));
                page.tasks().iter().map(text).collect::<Vec<_>>().join(", ")
            }
            Self::Sweep { limit } => {
                let swept = store.sweep(*limit, now).await;
                format!("{:?}", swept.unwrap_or_else(|error| panic!("{error:?}")))
            }
        }
    }
}

/// Returns everything about a task but its revision.
fn text(task: &Task) -> String {
    let mut record = serde_json::to_value(TaskRecord::from(task)).expect("a record in JSON");
    if let Value::Object(fields) = &mut record {
        fields.remove("revision");
    }
    record.to_string()
}

/// The random number generator `SplitMix64`.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn index(&mut self, length: u64) -> usize {
        usize::try_from(self.below(length)).unwrap_or_default()
    }
}
