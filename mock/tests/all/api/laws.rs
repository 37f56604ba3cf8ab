//! Properties that hold for any sequence of requests.

use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;
use tasklife::{CommandType, Scope, StoreConfig, TaskError};
use tasklife_mock::{Fault, MockApi, Pace, RateLimit, Script, TransportFault};

use super::{Client, acme, api, listed, request, second};

/// A request, and how long the client then waits.
#[derive(Clone, Debug)]
enum ClientCall {
    Create { name: u8 },
    Operate { method: &'static str, nth: usize },
    Database { nth: usize },
    Poll { nth: usize },
    Read { nth: usize },
    List { limit: usize },
}

fn calls() -> impl Strategy<Value = Vec<(ClientCall, u32)>> {
    let call = prop_oneof![
        3 => (0..4_u8).prop_map(|name| ClientCall::Create { name }),
        2 => (prop_oneof![Just("PUT"), Just("DELETE")], 0..6_usize)
            .prop_map(|(method, nth)| ClientCall::Operate { method, nth }),
        2 => (0..6_usize).prop_map(|nth| ClientCall::Database { nth }),
        4 => (0..8_usize).prop_map(|nth| ClientCall::Poll { nth }),
        2 => (0..6_usize).prop_map(|nth| ClientCall::Read { nth }),
        2 => (1..5_usize).prop_map(|limit| ClientCall::List { limit }),
    ];
    let wait = prop_oneof![3 => 0..3_000_u32, 1 => 0..20_000_u32, 1 => Just(500_000_000)];
    prop::collection::vec((call, wait), 1..40)
}

pub(crate) fn pace(by_reads: bool) -> BoxedStrategy<Pace> {
    let time = (0..12_000_u64).prop_map(|millis| Pace::After(Duration::from_millis(millis)));
    let reads = if by_reads {
        (0..4_u32).prop_map(Pace::Reads).boxed()
    } else {
        Just(Pace::Immediate).boxed()
    };
    prop_oneof![4 => time, 2 => reads, 1 => Just(Pace::Immediate), 1 => Just(Pace::Never)].boxed()
}

/// The settings of an API.
#[derive(Clone, Debug)]
struct Setting {
    scripts: Vec<Steps>,
    lag: Pace,
    lane: Option<NonZeroU32>,
    limit: Option<NonZeroU32>,
}

#[derive(Clone, Debug)]
struct Steps {
    initialized: Option<Pace>,
    received: Pace,
    in_progress: Pace,
    resource: Pace,
    resource_fails: bool,
    fails_for_some: bool,
    reports: Vec<u8>,
    gone: Pace,
    faults: Vec<Fault>,
}

pub(crate) fn faults() -> impl Strategy<Value = Vec<Fault>> {
    let what = prop_oneof![
        (400..600_u16).prop_map(Fault::status),
        Just(Fault::cut_short()),
        Just(Fault::not_json()),
        (0..9_u64).prop_map(|seconds| Fault::delay(Duration::from_secs(seconds))),
    ];
    let fault = (what, 0..4, 1..5_u32, 0.0..=1.0).prop_map(|(fault, on, number, share)| match on {
        0 => fault.on_reads(number..number + 2),
        1 => fault.on_submission(number),
        2 => fault.on_share_of_reads(share, 7).with_retry_after(Duration::from_secs(3)),
        _ => fault.on_share_of_submissions(share, 7),
    });
    prop::collection::vec(fault, 0..3)
}

const COMMANDS: [&str; 4] = [
    "subscriptionCreateRequest",
    "subscriptionUpdateRequest",
    "subscriptionDeleteRequest",
    "databaseCreateRequest",
];

/// With `spoiled`, scripts have faults, and tasks disappear before they expire.
fn settings(by_reads: bool, spoiled: bool) -> impl Strategy<Value = Setting> {
    let pace = move || pace(by_reads);
    let initialized = prop::option::weighted(0.2, pace());
    let reports = prop::collection::vec(0..=100_u8, 0..4);
    let spoils = if spoiled {
        (prop_oneof![Just(Pace::Never), pace()], faults()).boxed()
    } else {
        Just((Pace::Never, Vec::new())).boxed()
    };
    let paces = (initialized, pace(), pace(), pace());
    let steps = (paces, any::<bool>(), any::<bool>(), reports, spoils).prop_map(
        |(paces, resource_fails, fails_for_some, reports, (gone, faults))| {
            let (initialized, received, in_progress, resource) = paces;
            Steps {
                initialized,
                received,
                in_progress,
                resource,
                resource_fails,
                fails_for_some,
                reports,
                gone,
                faults,
            }
        },
    );
    let lag = prop_oneof![3 => Just(Pace::Immediate), 1 => pace()];
    let some = |most| (1..most).prop_map(|number| NonZeroU32::new(number).unwrap());
    let lane = prop::option::of(some(3_u32));
    let limit = prop::option::weighted(0.2, some(10_u32));
    let limit = limit.prop_map(move |limit| limit.filter(|_| spoiled));
    (prop::collection::vec(steps, COMMANDS.len()), lag, lane, limit)
        .prop_map(|(scripts, lag, lane, limit)| Setting { scripts, lag, lane, limit })
}

impl Setting {
    fn api(&self) -> MockApi {
        let config = StoreConfig::default();
        let config = self.lane.map_or(config, |width| config.with_max_in_progress(width));
        let mut api = api().with_config(config).with_visibility_lag(self.lag);
        if let Some(requests) = self.limit {
            api = api.with_rate_limit(RateLimit::new(requests, Duration::from_secs(20)));
        }
        for (command, steps) in
            COMMANDS.map(CommandType::from_static).into_iter().zip(&self.scripts)
        {
            let mut script = Script::in_steps(steps.received, steps.in_progress)
                .resource(steps.resource)
                .reporting(steps.reports.iter().copied())
                .gone_after(steps.gone);
            script = steps.faults.iter().cloned().fold(script, Script::with_fault);
            if let Some(pace) = steps.initialized {
                script = script.initialized(pace);
            }
            if steps.resource_fails {
                script = script.resource_failing();
            }
            api.on(command.clone(), script.clone()).unwrap();
            if steps.fails_for_some {
                let failing = script.failing(TaskError::new("NO", "No."));
                api.on_if(command, |body| body["name"] == 1, failing).unwrap();
            }
        }
        api
    }
}

/// Makes all calls, and returns the answers. Before each, it passes the previous and the current time
/// to `meanwhile`.
fn session(
    api: &MockApi,
    calls: &[(ClientCall, u32)],
    meanwhile: impl Fn(f64, f64),
) -> Vec<String> {
    let (mut now, mut tasks, mut answers) = (0.0, Vec::new(), Vec::new());
    for (call, wait) in calls {
        let nth = |nth: &usize| 77_899 + nth;
        let (method, path, body) = match call {
            ClientCall::Create { name } => {
                ("POST", "/v1/subscriptions".into(), format!(r#"{{"name":{name}}}"#))
            }
            ClientCall::Operate { method, nth: at } => {
                (*method, format!("/v1/subscriptions/{}", nth(at)), "{}".into())
            }
            ClientCall::Database { nth: at } => {
                ("POST", format!("/v1/subscriptions/{}/databases", nth(at)), "{}".into())
            }
            ClientCall::Poll { nth } => {
                let unknown = || "/v1/tasks/7".to_owned();
                (
                    "GET",
                    tasks.iter().rev().nth(*nth).cloned().unwrap_or_else(unknown),
                    String::new(),
                )
            }
            ClientCall::Read { nth: at } => {
                ("GET", format!("/v1/subscriptions/{}", nth(at)), String::new())
            }
            ClientCall::List { limit } => {
                ("GET", format!("/v1/tasks?limit={limit}"), String::new())
            }
        };
        let response = api.handle(&request(method, &path, &body), second(now));
        if let Some(location) = response.headers().get("location") {
            tasks.push(
                location.to_str().unwrap().trim_start_matches("https://api.example.com").to_owned(),
            );
        }
        answers.push(format!(
            "{:?} {:?} {:?} {}",
            response.status(),
            response.headers(),
            response.extensions().get::<TransportFault>(),
            response.body()
        ));
        let then = now + f64::from(*wait) / 1e3;
        meanwhile(now, then);
        now = then;
    }
    answers
}

proptest! {
    #[test]
    fn the_same_calls_at_the_same_times_have_the_same_answers(setting in settings(true, true), calls in calls()) {
        let one = session(&setting.api(), &calls, |_, _| {});
        let again = setting.api();
        prop_assert_eq!(&session(&again, &calls, |_, _| {}), &one);
        again.reset(Scope::Any);
        prop_assert_eq!(session(&again, &calls, |_, _| {}), one);
    }

    #[test]
    fn advancing_in_between_makes_no_difference(setting in settings(true, true), calls in calls(), parts in 1..5_u32) {
        let plain = session(&setting.api(), &calls, |_, _| {});
        let watched = setting.api();
        let with_looks = session(&watched, &calls, |from, to| {
            for part in 0..=parts {
                watched.advance(second(from + (to - from) * f64::from(part) / f64::from(parts)));
            }
        });
        prop_assert_eq!(with_looks, plain);
    }

    #[cfg(feature = "audit")]
    #[test]
    fn the_auditor_finds_nothing(setting in settings(true, false), calls in calls()) {
        let api = setting.api();
        session(&api, &calls, |_, _| {});
        let mut auditor = tasklife::audit::Auditor::new(tasklife::Retention::default());
        for exchange in api.journal() {
            let findings = auditor.observe(&(&exchange).into());
            prop_assert!(findings.is_empty(), "{:?} {:?}", findings, exchange);
        }
    }

    #[test]
    fn pages_have_each_readable_task_once(setting in settings(false, false), calls in calls(), limit in 1..4_usize) {
        let api = setting.api();
        session(&api, &calls, |_, _| {});
        let all = listed(&api.get("/v1/tasks", 600_000.0));
        let (mut pages, mut path) = (Vec::new(), format!("/v1/tasks?limit={limit}"));
        loop {
            let page = api.get(&path, 600_000.0);
            let tasks = listed(&page);
            prop_assert!(tasks.len() <= limit);
            // A page that a link announces is not empty.
            prop_assert!(pages.is_empty() || !tasks.is_empty());
            pages.extend(tasks);
            let Some(next) = page.headers().get("link") else { break };
            let next = next.to_str().unwrap().split_once('>').unwrap().0.to_owned();
            path = next.trim_start_matches("<https://api.example.com").to_owned();
        }
        prop_assert_eq!(&pages, &all);
        // The list has exactly the tasks that a read finds.
        let reads = |path: &String| api.call("HEAD", path, "", 600_000.0).status() == 200;
        prop_assert!(all.iter().all(reads));
        let known = api.journal().into_iter().filter(|x| x.account == Some(acme())).filter_map(|x| x.task_id);
        let known: std::collections::BTreeSet<String> = known.map(|id| format!("/v1/tasks/{id}")).collect();
        prop_assert_eq!(known.iter().filter(|path| reads(path)).count(), all.len());
    }
}
