//! The laws of the poller, for any script, format and clock.

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::TimeDelta;
use http::{Method, StatusCode};
use proptest::prelude::*;
use tasklife::poll::{Backoff, PollError, RequestLimit, Step, TaskPoller};
use tasklife::{StoreConfig, TaskDocument, TaskError, TaskStatus, TaskStore, Timestamp};
use tasklife_mock::{Conduct, EarlyRequest, Exchange, Fault, MockApi, Pace, Script};

use super::{formats, send, speaking, submit};
use crate::api::laws::{faults, pace};
use crate::api::{CREATE, acme, api, second};

/// A random API, and how it is polled.
#[derive(Clone, Debug)]
struct Setting {
    format: usize,
    initialized: Option<Pace>,
    received: Pace,
    in_progress: Pace,
    reports: Vec<u8>,
    fails: bool,
    gone: Pace,
    lag: Pace,
    lane: Option<NonZeroU32>,
    faults: Vec<Fault>,
    /// The server's limit of requests in 20 s, which the poller knows.
    limit: Option<NonZeroU32>,
    least: Duration,
    backoff: Backoff,
    tasks: usize,
    /// The requests that get no answer.
    lost: Vec<bool>,
    /// How much later than asked the caller polls, and how far its clock jumps before, in milliseconds.
    steps: Vec<(u32, i64)>,
}

const PERIOD: Duration = Duration::from_secs(20);
const TIME_LIMIT: Duration = Duration::from_secs(400);

fn settings(jumps: bool) -> impl Strategy<Value = Setting> {
    let some = |most| (2..most).prop_map(|number| NonZeroU32::new(number).unwrap());
    let script = (
        prop::option::weighted(0.2, pace(true)),
        pace(true),
        pace(true),
        prop::collection::vec(0..=100_u8, 0..3),
        any::<bool>(),
        prop_oneof![4 => Just(Pace::Never), 1 => pace(true)],
        prop_oneof![3 => Just(Pace::Immediate), 1 => pace(true)],
    );
    let server =
        (prop::option::of(some(4_u32)), faults(), prop::option::weighted(0.4, some(9_u32)));
    let jump = if jumps {
        prop_oneof![
            4 => Just(0_i64),
            1 => -100_000..100_000_i64,
            1 => (any::<i64>()).prop_map(|far| far / 10_000_000),
        ]
        .boxed()
    } else {
        Just(0_i64).boxed()
    };
    let delay = prop_oneof![2 => Just(0_u32), 1 => 0..5_000_u32];
    let client = (
        0..5_000_u64,
        (1..3_000_u64, 1..20_000_u64, 0.0..4.0, 0.0..1.0, any::<u64>()),
        1..4_usize,
        prop::collection::vec(prop::bool::weighted(0.1), 1..20),
        prop::collection::vec((delay, jump), 1..40),
    );
    (0..formats().len(), script, server, client).prop_map(|(format, script, server, client)| {
        let (initialized, received, in_progress, reports, fails, gone, lag) = script;
        let (lane, faults, limit) = server;
        let (least, (first, max, factor, jitter, seed), tasks, lost, steps) = client;
        let backoff = Backoff::new(Duration::from_millis(first), Duration::from_millis(max));
        let backoff = backoff.with_factor(factor).with_jitter(jitter, seed);
        let least = Duration::from_millis(least);
        let limit = limit.map(|limit| limit.max(NonZeroU32::new(4).unwrap()));
        Setting {
            format,
            initialized,
            received,
            in_progress,
            reports,
            fails,
            gone,
            lag,
            lane,
            faults,
            limit,
            least,
            backoff,
            tasks,
            lost,
            steps,
        }
    })
}

/// A task, its requests by the poller's clock, and its end.
struct Followed {
    poller: TaskPoller,
    asked: Vec<u128>,
    end: Option<(Result<(), PollError>, u128)>,
}

struct Session {
    api: MockApi,
    followed: Vec<Followed>,
}

impl Setting {
    fn api(&self) -> MockApi {
        let config = StoreConfig::default();
        let config = self.lane.map_or(config, |width| config.with_max_in_progress(width));
        let mut api = api().with_config(config).with_visibility_lag(self.lag);
        if let Some(requests) = self.limit {
            api = api.with_rate_limit(tasklife_mock::RateLimit::new(requests, PERIOD));
        }
        let mut script = Script::in_steps(self.received, self.in_progress)
            .reporting(self.reports.iter().copied())
            .gone_after(self.gone);
        script = self.faults.iter().cloned().fold(script, Script::with_fault);
        if let Some(pace) = self.initialized {
            script = script.initialized(pace);
        }
        if self.fails {
            script = script.failing(TaskError::new("NO", "No."));
        }
        api.on(CREATE, script).unwrap();
        api
    }

    /// Starts all tasks, and polls each to its end, on one clock.
    fn run(&self) -> Session {
        let (api, mut poller) = speaking(self.api(), self.format);
        poller = poller
            .with_least_wait(self.least)
            .with_backoff(self.backoff)
            .with_time_limit(TIME_LIMIT);
        let limit = self.limit.map(|requests| RequestLimit::new(requests, PERIOD));
        if let Some(limit) = &limit {
            poller = poller.with_request_limit(limit.clone());
        }
        let mut now = second(0.0);
        let mut forward = 0_u128;
        let mut followed = Vec::new();
        for number in 0..self.tasks {
            if let Some(limit) = &limit {
                limit.take(now).unwrap();
            }
            let accepted = submit(&api, &format!(r#"{{"name": "{number}"}}"#), now);
            // A spoiled answer may have no task.
            let Ok(poller) = poller.started_by(&accepted, now) else { continue };
            followed.push(Followed { poller, asked: Vec::new(), end: None });
        }
        let mut steps = self.steps.iter().cycle();
        let mut lost = self.lost.iter().cycle();
        for round in 0..200_000 {
            let mut next: Option<Timestamp> = None;
            for task in &mut followed {
                if task.end.is_some() {
                    continue;
                }
                match task.poller.next(now) {
                    Step::Wait(until) => {
                        assert!(until > now, "{until}");
                        next = Some(next.map_or(until, |next| next.min(until)));
                        continue;
                    }
                    Step::Send(request) => {
                        task.asked.push(forward);
                        let response = send(&api, request, now);
                        if *lost.next().unwrap() {
                            task.poller.unanswered(now);
                        } else {
                            task.poller.answered(&response, now);
                        }
                    }
                    Step::Done(outcome) => task.end = Some((outcome.map(drop), forward)),
                }
                next = Some(now);
            }
            let Some(next) = next else { return Session { api, followed } };
            let (late, jump) = steps.next().unwrap();
            // A clock that is always set back would stand still.
            let jump = if round < 500 { *jump } else { 0 };
            let late = if next > now {
                TimeDelta::milliseconds((*late).into())
            } else {
                TimeDelta::zero()
            };
            let later = (next + late).checked_add_signed(TimeDelta::milliseconds(jump));
            // The mock's clock ends with the year 9999, so stay well before it.
            let later =
                later.filter(|later| (1_970..9_000).contains(&chrono::Datelike::year(later)));
            let later = later.unwrap_or(next);
            forward += later.signed_duration_since(now).to_std().unwrap_or_default().as_nanos();
            now = later;
        }
        panic!("expected an end: {self:?}");
    }

    /// The longest time until the next read of a task.
    fn longest_wait(&self) -> Duration {
        // The longest `Retry-After` is 30 s by default. Add a minute if the rate limit is used up and unknown,
        // and a turn for each other task.
        let of_limit = if self.limit.is_some() {
            PERIOD * u32::try_from(self.tasks + 2).unwrap()
        } else {
            Duration::ZERO
        };
        self.least.max(self.backoff.max()).max(Duration::from_secs(30)) + of_limit
    }
}

/// The reads of a task.
fn reads(journal: &[Exchange], task: &TaskPoller) -> Vec<Exchange> {
    let path = task.task().address().unwrap().path().to_owned();
    journal
        .iter()
        .filter(|exchange| exchange.method == "GET" && exchange.path == path)
        .cloned()
        .collect()
}

/// The task in an answer.
fn shown(setting: &Setting, exchange: &Exchange) -> Option<TaskDocument> {
    let format = &formats()[setting.format];
    let is_read = (200..300).contains(&exchange.status);
    format.read_task(exchange.body.as_bytes()).ok().filter(|_| is_read)
}

fn check(setting: &Setting, session: &Session) {
    let journal = session.api.journal();
    for task in &session.followed {
        let Some(address) = task.poller.task().address() else {
            // The accepting answer showed the end.
            assert!(task.asked.is_empty());
            continue;
        };
        let id = address.path().rsplit('/').next().unwrap();
        let reads = reads(&journal, &task.poller);
        assert_eq!(reads.len(), task.asked.len());
        let (end, ended_at) = task.end.as_ref().unwrap();

        // P2, and the first half of P3: the first answer that arrives and shows the end is the last one.
        let first = reads.iter().position(|read| {
            shown(setting, read).is_some_and(|document| document.status().is_terminal())
        });
        let is_end = matches!(end, Ok(()) | Err(PollError::Failed(_)));
        if is_end && !reads.is_empty() {
            let last = shown(setting, reads.last().unwrap()).expect("the last shows the end");
            let failed = last.status().known() == Some(TaskStatus::ProcessingError);
            assert!(last.status().is_terminal());
            assert_eq!(end.is_err(), failed);
            assert_eq!(failed, setting.fails);
            let (store, now) = (session.api.store(), reads.last().unwrap().at);
            if let Some(task) = store.get(&acme(), id.parse().unwrap(), now).unwrap() {
                assert_eq!(Some(task.status()), last.status().known());
            }
        }
        if setting.lost.iter().all(|lost| !lost) {
            assert_eq!(first.is_some(), is_end && !reads.is_empty(), "{end:?}");
            assert!(
                first.is_none_or(|first| first + 1 == reads.len()),
                "expected no read after the end"
            );
        }
        match end {
            Ok(()) | Err(PollError::Failed(_)) => {}
            Err(error) => {
                let last = reads.last().map(|read| StatusCode::from_u16(read.status).unwrap());
                match error {
                    PollError::TimedOut(_) => assert!(*ended_at >= TIME_LIMIT.as_nanos()),
                    PollError::Gone(_) => assert!(matches!(last.unwrap().as_u16(), 404 | 410)),
                    PollError::ReadFailed(task) => {
                        assert!(last.unwrap().is_client_error() || reads.len() > 20, "{task:?}");
                    }
                    _ => panic!("expected no {error}"),
                }
                assert!(error.to_string().contains(id), "{error}");
            }
        }

        // P1 and P4, for the caller's own waits.
        let shortest = setting.least.max(setting.backoff.shortest()).as_nanos();
        let begin = std::iter::once(&0).chain(&task.asked);
        for (before, after) in begin.zip(&task.asked) {
            // The last read, at the deadline, does not wait for the backoff.
            let is_last = *after >= TIME_LIMIT.as_nanos();
            let shortest = if is_last { setting.least.as_nanos() } else { shortest };
            assert!(after - before + 1 >= shortest, "{} ns, not {shortest}", after - before);
        }
    }
    // P4: the requests of all tasks together.
    if let Some(limit) = setting.limit {
        let mut all: Vec<u128> =
            session.followed.iter().flat_map(|task| task.asked.iter().copied()).collect();
        all.sort_unstable();
        let most = usize::try_from(limit.get()).unwrap();
        for stretch in all.windows(most + 1) {
            assert!(stretch[most] - stretch[0] >= PERIOD.as_nanos(), "{stretch:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn p1_to_p4_hold_on_a_steady_clock(setting in settings(false)) {
        let session = setting.run();
        check(&setting, &session);
        // From the view of the server.
        let journal = session.api.journal();
        let conduct = Conduct::of(&journal);
        // The client cannot know what a lost answer asked for.
        if setting.lost.iter().all(|lost| !lost) {
            // The test itself submits, and does not wait between two submissions.
            let is_submission = |number| {
                journal.iter().any(|it| it.number == number && it.method == Method::POST)
            };
            let too_early = conduct.too_early.iter().filter(|early| !is_submission(early.number));
            prop_assert_eq!(too_early.collect::<Vec<_>>(), Vec::<&EarlyRequest>::new());
            prop_assert!(conduct.polls.values().all(|polls| polls.after_end == 0));
        }
        if setting.limit.is_some() {
            prop_assert!(journal.iter().all(|exchange| !exchange.is_rate_limited));
        }
        // P3: the time until the next read is bounded.
        let longest = setting.longest_wait() + Duration::from_secs(5);
        for task in &session.followed {
            for (before, after) in task.asked.iter().zip(task.asked.iter().skip(1)) {
                prop_assert!(after - before <= longest.as_nanos(), "{} ns", after - before);
            }
        }
    }

    #[test]
    fn p1_to_p4_hold_on_a_jumping_clock(setting in settings(true)) {
        let session = setting.run();
        check(&setting, &session);
    }
}
