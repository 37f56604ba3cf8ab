//! Hostile answers.

use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;
use tasklife::poll::{Backoff, PollError, RequestLimit, Step};

use super::{ID, OTHER, answer, document, poller, started};
use crate::support::second;

#[derive(Clone, Debug)]
struct Hostile {
    status: u16,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

fn header() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let name = prop::sample::select(vec![
        "retry-after",
        "retry-after-ms",
        "x-ms-retry-after-ms",
        "date",
        "location",
        "operation-location",
        "azure-asyncoperation",
        "etag",
        "x-rate-limit-remaining",
        "ratelimit-remaining",
        "content-type",
    ]);
    let value = prop_oneof![
        prop::collection::vec(prop_oneof![0x20..0x7f_u8, 0x80..=0xff_u8], 0..40),
        any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        "[0-9]{1,40}(\\.[0-9]{0,12})?".prop_map(String::into_bytes),
        "(Mon|Fri), [0-3][0-9] (Jan|Dec) [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT"
            .prop_map(String::into_bytes),
        "(https?:)?(//)?[a-z@:./\\\\#?%0-9]{0,30}".prop_map(String::into_bytes),
    ];
    (name, value)
}

fn hostile() -> impl Strategy<Value = Hostile> {
    let status = prop_oneof![
        100..=999_u16,
        Just(200),
        prop::sample::select(vec![202, 204, 301, 304, 404, 410, 429, 503]),
    ];
    let status_name = prop::sample::select(vec![
        "received",
        "processing-in-progress",
        "processing-completed",
        "processing-error",
        "done",
        "COMPLETED",
        "",
    ]);
    let id = prop::sample::select(vec![ID, OTHER, "", "7"]);
    let whole =
        (id, status_name).prop_map(|(id, status)| document(status).replace(ID, id).into_bytes());
    let cut = (whole.clone(), any::<prop::sample::Index>()).prop_map(|(mut body, at)| {
        body.truncate(at.index(body.len()));
        body
    });
    let body = prop_oneof![
        2 => whole,
        1 => cut,
        1 => prop::collection::vec(any::<u8>(), 0..60),
        1 => "[\\[\\]{}:,\"0-9a-z]{0,60}".prop_map(String::into_bytes),
        1 => (0..300_usize).prop_map(|depth| "[".repeat(depth).into_bytes()),
    ];
    (status, prop::collection::vec(header(), 0..4), body)
        .prop_map(|(status, headers, body)| Hostile { status, headers, body })
}

impl Hostile {
    fn response(&self) -> http::Response<Vec<u8>> {
        let mut response = http::Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(*name, &value[..]);
        }
        response.body(self.body.clone()).unwrap()
    }

    /// How the task has ended, if the answer shows it in an undamaged document.
    fn shows(&self) -> Option<bool> {
        let is_read = (200..300).contains(&self.status);
        let ended = [("processing-completed", true), ("processing-error", false)];
        let found = ended.iter().find(|(status, _)| *self.body == *document(status).as_bytes());
        found.map(|(_, is_ok)| *is_ok).filter(|_| is_read)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn p2_the_outcome_is_an_end_exactly_if_an_answer_shows_it(answers in prop::collection::vec(hostile(), 1..40)) {
        let mut task = started(&poller(), &[]);
        let (mut now, mut answers) = (second(0), answers.iter());
        let mut shown = None;
        let end = loop {
            match task.next(now) {
                Step::Wait(until) => now = until,
                Step::Send(request) => {
                    prop_assert_eq!(shown, None, "expected no request after the end");
                    prop_assert_eq!(request.uri().scheme_str(), Some("https"));
                    let authority = request.uri().authority().unwrap().as_str().to_ascii_lowercase();
                    prop_assert!(["api.example.com", "api.example.com:443", "api.example.com:"].contains(&&*authority));
                    let Some(answer) = answers.next() else { return Ok(()) };
                    task.answered(&answer.response(), now);
                    shown = answer.shows();
                }
                Step::Done(outcome) => break outcome,
            }
        };
        match end {
            Ok(ended) => {
                prop_assert_eq!(shown, Some(true));
                prop_assert_eq!(ended.task().id(), Some(ID));
            }
            Err(PollError::Failed(_)) => prop_assert_eq!(shown, Some(false)),
            Err(error) => {
                prop_assert_eq!(shown, None);
                prop_assert!(error.to_string().contains(ID));
            }
        }
    }

    #[test]
    fn an_accepting_answer_leads_only_to_allowed_hosts(accepted in hostile()) {
        let Ok(mut task) = poller().started_by(&accepted.response(), second(0)) else { return Ok(()) };
        let mut now = second(0);
        for _ in 0..3 {
            match task.next(now) {
                Step::Wait(until) => now = until,
                Step::Send(request) => prop_assert!(request.uri().host().unwrap().eq_ignore_ascii_case("api.example.com")),
                Step::Done(outcome) => prop_assert_eq!(Some(outcome.is_ok()), accepted_end(&accepted)),
            }
        }
    }

    #[test]
    fn no_setting_makes_the_poller_panic(
        times in prop::array::uniform8(prop_oneof![
            2 => (0..100_000_u64).prop_map(Duration::from_millis),
            1 => any::<Duration>(),
            1 => Just(Duration::MAX),
            1 => Just(Duration::ZERO),
        ]),
        numbers in any::<(f64, f64, u64, u32, u32)>(),
        answers in prop::collection::vec(hostile(), 1..10),
    ) {
        let (factor, jitter, seed, reads, failures) = numbers;
        let requests = NonZeroU32::new(reads).unwrap_or(NonZeroU32::MIN);
        let backoff = Backoff::new(times[0], times[1]).with_factor(factor).with_jitter(jitter, seed);
        prop_assert!(backoff.shortest() <= backoff.first() && backoff.first() <= backoff.max());
        let poller = poller()
            .with_backoff(backoff)
            .with_least_wait(times[2])
            .with_longest_wait(times[3])
            .with_request_limit(RequestLimit::new(requests, times[4]))
            .with_not_found_window(times[5], reads)
            .with_max_failures(failures)
            .with_time_limit(times[6])
            .with_processing_limit(times[7]);
        let mut task = started(&poller, &[]);
        let mut now = second(0);
        for answer in answers {
            match task.next(now) {
                Step::Wait(until) => {
                    prop_assert!(until > now || now == tasklife::MAX_TIME);
                    now = until;
                }
                Step::Send(_) => task.answered(&answer.response(), now),
                Step::Done(_) => return Ok(()),
            }
        }
    }

    #[test]
    fn no_address_makes_the_poller_panic(text in "\\PC{0,60}", base in "(https?://)?[a-z.:0-9]{0,9}/?[a-z/.]{0,9}") {
        let _ = poller().following(&text, second(0));
        if let Ok(poller) = tasklife::poll::Poller::new(&base) {
            let _ = poller.following(&text, second(0));
            let _ = poller.started_by(&answer(202, &[], &document("received")), second(0));
        }
        let _ = poller().with_allowed_origin(&text);
        let _ = poller().with_tasks_path(&text);
    }
}

/// Whether the task has completed by the accepting answer, which may be about any task.
fn accepted_end(accepted: &Hostile) -> Option<bool> {
    let text = String::from_utf8_lossy(&accepted.body);
    text.contains("\"processing-completed\"")
        .then_some(true)
        .or_else(|| text.contains("\"processing-error\"").then_some(false))
}
