//! Random interleavings of workers, takeovers, an administrator, expiries and lost answers. After
//! each call, the laws of the lease are checked against what is known to have happened.

use core::num::NonZeroU32;
use core::time::Duration;
use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use tasklife::{
    Claimed, Completion, LeaseError, MemoryStore, Progress, Retention, Scope, StoreConfig, Target,
    Task, TaskError, TaskEvent, TaskStore, Timestamp,
};

use super::flaky::{Fault, Flaky, Kind, Worker};
use crate::support::{account, id, second, submission};

#[derive(Clone, Debug)]
enum Step {
    Submit(u128),
    Claim,
    /// A call by a worker, counted back from the latest of all that ever had a lease, with its
    /// faults.
    Call(usize, Event, Vec<Fault>),
    /// A write at the latest revision by someone who doesn't hold the task.
    Write(u128, Event),
    Sweep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Heartbeat,
    Report(u8),
    Words(u8),
    Complete(u8),
    Fail(u8),
}

impl From<Event> for TaskEvent {
    fn from(event: Event) -> Self {
        match event {
            Event::Heartbeat => Self::report(),
            Event::Report(step) => Self::report_of(Progress::of(step.into(), 4)),
            Event::Words(words) => Self::report().with_description(format!("Words {words}.")),
            Event::Complete(id) => Self::complete(Completion::of(u32::from(id))),
            Event::Fail(code) => Self::fail(TaskError::new(format!("CODE_{code}"), "It failed.")),
        }
    }
}

/// Few different events, so that several workers ask for the same.
fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => Just(Event::Heartbeat),
        1 => (0..4_u8).prop_map(Event::Report),
        1 => (0..2_u8).prop_map(Event::Words),
        4 => Just(Event::Complete(0)),
        1 => Just(Event::Complete(1)),
        1 => (0..2_u8).prop_map(Event::Fail),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    // Mostly the latest worker.
    let worker = prop_oneof![2 => Just(0), 1 => 0..4_usize];
    let fault =
        prop_oneof![Just(Fault::NotApplied), Just(Fault::LostBefore), Just(Fault::LostAfter)];
    prop_oneof![
        2 => (1..3_u128).prop_map(Step::Submit),
        4 => Just(Step::Claim),
        10 => (worker, event(), vec(fault, 0..3)).prop_map(|(worker, event, faults)| {
            Step::Call(worker, event, faults)
        }),
        2 => (1..3_u128, event()).prop_map(|(id, event)| Step::Write(id, event)),
        1 => Just(Step::Sweep),
    ]
}

/// Steps, each with how many seconds pass before it, and by how many its clock is off.
fn history() -> impl Strategy<Value = Vec<(Step, i64, i64)>> {
    let passes = prop_oneof![4 => Just(0), 4 => 0..5_i64, 2 => 11..14_i64, 1 => 55..65_i64];
    vec((step(), passes, prop_oneof![4 => Just(0), 1 => -4..5_i64]), 1..60)
}

fn config() -> StoreConfig {
    StoreConfig::default()
        .with_takeover_after(Duration::from_secs(10))
        .with_max_attempts(NonZeroU32::MIN.saturating_add(2))
        .with_retention(Retention::since_submission(Duration::from_mins(1)))
}

/// A task: its id, and the number of tasks so far under this id.
type Name = (u128, u32);

#[derive(Default)]
struct Truth {
    /// The latest task under an id.
    latest: BTreeMap<u128, u32>,
    /// Which worker claimed a task last.
    holder: BTreeMap<Name, usize>,
    /// Which worker ended a task, and how.
    ended: BTreeMap<Name, (usize, Event)>,
    /// Which worker learned that it had ended the task.
    told: BTreeMap<Name, usize>,
}

struct Hand<'a> {
    worker: Worker<'a>,
    name: Name,
    /// Whether the answer to an end by this worker was lost.
    is_in_doubt: bool,
    /// What the worker learned when it lost or ended its task.
    is_over: Option<String>,
}

fn kind_of(error: &LeaseError) -> String {
    match error {
        LeaseError::TakenOver { .. } => "taken over".into(),
        LeaseError::Ended { .. } => "ended".into(),
        LeaseError::Gone { .. } => "gone".into(),
        LeaseError::Refused(refusal) => format!("refused: {refusal}"),
        LeaseError::Backend(error) => format!("unreachable, unknown: {}", error.is_unknown()),
        other => format!("{other}"),
    }
}

/// Runs a history, and returns all answers.
fn run(
    kind: Kind,
    store: &Flaky,
    history: &[(Step, i64, i64)],
) -> Result<Vec<String>, TestCaseError> {
    let (mut truth, mut hands, mut answers) = (Truth::default(), Vec::new(), Vec::new());
    let mut seconds = 0;
    for (step, passed, skew) in history {
        seconds += passed;
        let now = second(seconds + skew);
        match step {
            Step::Submit(number) => {
                let submitted = store.memory.submit(submission("acme", *number), now);
                if let Ok(tasklife::Submitted::New(_)) = submitted {
                    *truth.latest.entry(*number).or_default() += 1;
                }
            }
            Step::Claim => {
                let Some(claimed) = store.memory.claim(Scope::Any, now).unwrap() else { continue };
                let number = claimed.change().task().id().as_uuid().as_u128();
                let name = (number, truth.latest[&number]);
                let is_given_up = matches!(claimed, Claimed::GivenUp(_));
                let worker = Worker::of(kind, store, claimed);
                prop_assert_eq!(worker.is_none(), is_given_up);
                if let Some(worker) = worker {
                    truth.holder.insert(name, hands.len());
                    hands.push(Hand { worker, name, is_in_doubt: false, is_over: None });
                }
            }
            Step::Call(which, event, faults) => {
                let Some(number) = hands.len().checked_sub(1 + which) else { continue };
                answers.push(call(
                    &mut truth,
                    &mut hands[number],
                    number,
                    store,
                    (*event, faults),
                    now,
                )?);
            }
            Step::Write(number, event) => {
                let acme = account("acme");
                let _ =
                    store.memory.apply(Target::latest(&acme, id(*number)), (*event).into(), now);
            }
            Step::Sweep => {
                store.memory.sweep(1, now).unwrap();
            }
        }
    }
    Ok(answers)
}

/// Makes a worker's call and checks it against the laws.
fn call(
    truth: &mut Truth,
    hand: &mut Hand<'_>,
    number: usize,
    store: &Flaky,
    (event, faults): (Event, &[Fault]),
    now: Timestamp,
) -> Result<String, TestCaseError> {
    let read = || store.memory.get(&account("acme"), id(hand.name.0), now).unwrap();
    // The task of this lease, if it still exists.
    let is_latest = truth.latest[&hand.name.0] == hand.name.1;
    let before = read().filter(|_| is_latest);
    let is_running = |task: &Task| task.outcome().is_none();
    let holds = truth.holder[&hand.name] == number && before.as_ref().is_some_and(is_running);
    let asked = store.asked();
    store.fail_with(faults.iter().copied());
    let answer = hand.worker.apply(event.into(), now);
    let (applied, after) = (store.take_applied(), read().filter(|_| is_latest));
    let asked_for = TaskEvent::from(event);
    let is_end = asked_for.outcome().is_some();
    let said = match &answer {
        Ok(change) => format!("{:?}", change.event()),
        Err(error) => kind_of(error),
    };

    if let Some(before) = &hand.is_over {
        prop_assert_eq!((&said, store.asked()), (before, asked), "L3: what is lost stays lost");
        return Ok(said);
    }
    prop_assert!(holds || applied.is_empty(), "L1: a lease writes only to what it holds");
    prop_assert!(applied.len() <= 1);
    if holds && is_end && !applied.is_empty() {
        truth.ended.insert(hand.name, (number, event));
    }
    let own_end = truth.ended.get(&hand.name).filter(|(worker, _)| *worker == number);
    match &answer {
        Ok(change) => {
            prop_assert_eq!(Some(change.task()), after.as_ref());
            prop_assert_eq!(hand.worker.task(), change.task());
            if is_end {
                prop_assert_eq!(change.task().outcome(), asked_for.outcome(), "L2");
                let by_another =
                    truth.ended.get(&hand.name).is_some_and(|(worker, _)| *worker != number);
                prop_assert!(!by_another, "L2: another worker ended it");
                let may_be_own = own_end.is_some() || hand.is_in_doubt;
                prop_assert!(may_be_own, "L2: somebody else ended it");
                prop_assert_eq!(truth.told.insert(hand.name, number), None, "L2: told twice");
                hand.is_over = Some("ended".into());
            } else {
                prop_assert_eq!(applied.len(), 1, "a report that was accepted was made");
            }
        }
        Err(error) if error.is_lost() => {
            prop_assert!(!holds, "L6: lost, though it is held");
            let expected = match &after {
                None => "gone",
                Some(task) if !is_running(task) => "ended",
                Some(_) => "taken over",
            };
            prop_assert_eq!(&said, expected);
            let is_same = own_end.is_some_and(|(_, end)| *end == event);
            prop_assert!(after.is_none() || !is_same, "L4: it was this call that has ended it");
            hand.is_over = Some(said.clone());
        }
        Err(LeaseError::Backend(error)) => {
            prop_assert!(!faults.is_empty());
            hand.is_in_doubt |= is_end && error.is_unknown();
        }
        Err(other) => prop_assert!(false, "{other}"),
    }
    if faults.is_empty() {
        prop_assert_eq!(answer.is_ok(), holds || answer.is_ok() && is_end, "L4, L5: {:?}", answer);
    }
    prop_assert_eq!(hand.worker.is_held(), hand.is_over.is_none());
    Ok(said)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn the_laws_hold_in_every_history_and_both_kinds_answer_the_same(history in history()) {
        let runs = [Kind::Blocking, Kind::Asynchronous].map(|kind| {
            let store = Flaky::from(MemoryStore::new(config()));
            run(kind, &store, &history).map(|answers| (answers, store.memory.snapshot()))
        });
        let [one, other] = runs;
        prop_assert_eq!(one?, other?);
    }
}
