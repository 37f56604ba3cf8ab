//! Every format, and custom paths.

use http::{Request, Response};
use tasklife::format::{
    AzureOperation, AzureResourceManager, Format, GoogleOperation, ListParameters, RedisCloud,
};
use tasklife::{Replies, TaskError, TaskStatus};
use tasklife_mock::{MockApi, Pace, Script};

use super::{CREATE, Client, acme, api, second};

/// An API for each format, with its tasks at `/operations`.
fn apis() -> [(MockApi, Box<dyn Format>); 4] {
    let with = |set: fn(Replies) -> Replies, format: Box<dyn Format>| {
        let api = api().with_links(|links| links.with_tasks_path("/operations")).unwrap();
        (api.with_replies(set), format)
    };
    [
        with(|r| r.with_format(RedisCloud), Box::new(RedisCloud)),
        with(
            |r| r.with_format(GoogleOperation::new("example.com")),
            Box::new(GoogleOperation::new("example.com")),
        ),
        with(|r| r.with_format(AzureOperation), Box::new(AzureOperation)),
        with(|r| r.with_format(AzureResourceManager), Box::new(AzureResourceManager)),
    ]
}

/// The path at which a client of the format polls its submission.
fn path_of(accepted: &Response<String>, format: &dyn Format) -> String {
    let header = |name: &str| Some(accepted.headers().get(name)?.to_str().ok()?.into());
    let href = format.read_accepted(&header, accepted.body().as_bytes()).unwrap().href.unwrap();
    match href.strip_prefix("https://api.example.com") {
        Some(path) => path.to_owned(),
        None => format!("/v1/{href}"),
    }
}

#[test]
fn a_client_follows_a_task_in_every_format() {
    for (api, format) in apis() {
        api.on_any(Script::new(Pace::Reads(2))).unwrap();
        let error = TaskError::new("SUBSCRIPTION_NOT_CREATED", "There is no capacity left.");
        let failing = Script::new(Pace::Reads(2)).failing(error);
        api.on_if(CREATE, |body| body["name"] == "broken", failing).unwrap();
        for (body, expected) in [
            (r#"{"name": "whole"}"#, TaskStatus::ProcessingCompleted),
            (r#"{"name": "broken"}"#, TaskStatus::ProcessingError),
        ] {
            let accepted = api.call("POST", "/v1/subscriptions", body, 0.0);
            let path = path_of(&accepted, &*format);
            let mut seen = Vec::new();
            for _ in 0..3 {
                let read = api.get(&path, 1.0);
                let task = format.read_task(read.body().as_bytes()).unwrap();
                seen.push(task.status().known().unwrap());
                if task.status().is_terminal() {
                    let error = task.response().and_then(|response| response.error());
                    let code = error.and_then(|error| error.code());
                    let failed = expected == TaskStatus::ProcessingError;
                    assert_eq!(code, failed.then_some("SUBSCRIPTION_NOT_CREATED"), "{format:?}");
                }
            }
            assert_eq!(seen[1..], [expected; 2], "{format:?}");
            assert!(!seen[0].is_terminal(), "{format:?}");
        }
        let list = format.read_list(api.get("/v1/operations", 1.0).body().as_bytes()).unwrap();
        assert_eq!(list.tasks().len(), 2);
        let unknown = api.get("/v1/tasks", 1.0);
        assert_eq!(unknown.status(), 404, "tasks are elsewhere");
        let refusal = format.read_refusal(unknown.body().as_bytes()).unwrap();
        assert!(refusal.message.unwrap().contains("such as /operations"), "{format:?}");
    }
}

#[cfg(feature = "audit")]
#[test]
fn the_auditor_finds_violations_in_every_format_and_nothing_else() {
    use tasklife::Retention;
    use tasklife::audit::{Auditor, Reading, Rule};

    for (api, format) in apis() {
        let mut auditor =
            Auditor::new(Retention::default()).with_tasks_path("/operations").unwrap();
        auditor = match &*format!("{format:?}") {
            "RedisCloud" => auditor.with_format(RedisCloud),
            "AzureOperation" => auditor.with_format(AzureOperation),
            "AzureResourceManager" => auditor.with_format(AzureResourceManager),
            _ => auditor.with_format(GoogleOperation::new("example.com")),
        };
        api.on_any(Script::new(Pace::Reads(2))).unwrap();
        let accepted = api.call("POST", "/v1/subscriptions", "{}", 0.0);
        let path = path_of(&accepted, &*format);
        for at in 1..5 {
            api.get(&path, f64::from(at));
            api.get("/v1/operations", f64::from(at));
            api.get("/v1/subscriptions", f64::from(at));
            api.get(&format!("{path}/result"), f64::from(at));
        }
        let mut audited = 0;
        for exchange in api.journal() {
            assert_eq!(auditor.observe(&Reading::from(&exchange)), [], "{format:?}: {exchange:?}");
            audited = auditor.audited();
        }
        assert!(audited >= 8, "{format:?}: {audited}");
        // The first document is returned again, after the end.
        let first = api.journal().into_iter().find(|exchange| exchange.path == path).unwrap();
        let findings = auditor.observe(&Reading::from(&first));
        assert!(findings.iter().any(|found| found.rule() == Rule::AfterEnd), "{findings:?}");
    }
}

#[test]
fn the_path_of_tasks_must_be_unused() {
    for path in ["/subscriptions", "/fixed", "/fixed/subscriptions"] {
        let error = api().with_links(|links| links.with_tasks_path(path)).unwrap_err().to_string();
        assert!(error.contains("an unused path for GET") && error.contains(path), "{error}");
    }
    let api = api().with_links(|links| links.with_tasks_path("/fixed-jobs/all")).unwrap();
    let task = api.submit("/v1/subscriptions", "{}", 0.0);
    assert_eq!(api.get("/v1/fixed-jobs/all", 0.0).status(), 200);
    let id = task.rsplit('/').next().unwrap();
    assert_eq!(api.get(&format!("/v1/fixed-jobs/all/{id}"), 0.0).status(), 200);
    let taken = api.with_operation(http::Method::GET, "/fixed-jobs/all", CREATE);
    assert!(taken.is_err());
}

#[test]
fn a_custom_function_can_identify_the_account() {
    let api = api().with_replies(|replies| {
        let (headers, challenge) =
            ([http::header::AUTHORIZATION], http::HeaderValue::from_static("Bearer"));
        replies.with_account_of(headers, challenge, |head| {
            head.headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")?.parse().ok()
        })
    });
    let read = |name: &str, value: &str| {
        let request = Request::get("/v1/tasks").header(name, value).body("").unwrap();
        api.handle(&request, second(0.0))
    };
    assert_eq!(read("authorization", "Bearer acme").status(), 200);
    let unknown = read("x-api-key", "key");
    assert_eq!(
        (unknown.status().as_u16(), &unknown.headers()["www-authenticate"]),
        (401, &http::HeaderValue::from_static("Bearer"))
    );
    assert_eq!(api.accounts(), [acme()]);
}

#[test]
fn with_replies_discards_changes_of_links() {
    let api = api().with_replies(|replies| {
        let most = std::num::NonZeroUsize::new(5).unwrap();
        let parameters = ListParameters::default().with_limit("n", most);
        let elsewhere = tasklife::Links::new("/elsewhere").unwrap();
        replies.with_problem_details().with_list_parameters(parameters).with_links(elsewhere)
    });
    let refused = api.get("/v1/tasks?n=6", 0.0);
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    assert!(api.submit("/v1/subscriptions", "{}", 0.0).starts_with("/v1/tasks/"));
}

/// Regression test: many APIs accept a job at the path where they list jobs.
#[test]
fn tasks_can_be_submitted_where_they_are_listed() {
    use http::Method;
    use tasklife::{CommandType, Links, StoreConfig};

    let links = Links::new("/v1").unwrap().with_tasks_path("/jobs").unwrap();
    let command = |name: &'static str| CommandType::from_static(name);
    let api = MockApi::new(links, StoreConfig::default()).with_account("key", "secret", acme());
    let api = api
        .with_operation(Method::POST, "/jobs", command("start"))
        .and_then(|api| api.with_operation(Method::POST, "/jobs/{jobId}/cancel", command("cancel")))
        .and_then(|api| api.with_operation(Method::DELETE, "/jobs/{jobId}", command("delete")))
        .and_then(|api| api.with_operation(Method::POST, "/jobs:purge", command("purge")))
        .unwrap();
    let accepted = api.call("POST", "/v1/jobs", "{}", 0.0);
    let job = accepted.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(api.get(&job, 0.0).status(), 200);
    assert_eq!(api.get("/v1/jobs", 0.0).status(), 200);
    for (method, path) in [
        ("POST", format!("{job}/cancel")),
        ("DELETE", job.clone()),
        ("POST", "/v1/jobs:purge".to_owned()),
    ] {
        assert_eq!(api.call(method, &path, "", 0.0).status(), 202, "{method} {path}");
    }
    let other = api.call("PUT", &job, "{}", 0.0);
    assert_eq!(other.headers()["allow"], "DELETE, GET, HEAD");
    for path in ["/jobs", "/jobs/{jobId}", "/jobs/{jobId}/result"] {
        let again = MockApi::new(
            Links::new("/v1").unwrap().with_tasks_path("/jobs").unwrap(),
            StoreConfig::default(),
        );
        let error = again.with_operation(Method::GET, path, command("read")).unwrap_err();
        assert!(error.to_string().contains("unused path for GET"), "{error}");
    }
}

/// Regression test: a client of Azure read a resource after deleting it.
#[test]
fn a_deletion_is_followed_only_to_its_status_monitor() {
    let api = api().with_replies(|replies| replies.with_format(AzureOperation));
    let api = api.with_existing(&acme(), "/subscriptions/7", &serde_json::json!({})).unwrap();
    for (method, leads_somewhere) in [("PUT", true), ("DELETE", false)] {
        let accepted = api.call(method, "/v1/subscriptions/7", "{}", 0.0);
        let path = path_of(&accepted, &AzureOperation);
        let read = AzureOperation.read_task(api.get(&path, 1.0).body().as_bytes()).unwrap();
        assert_eq!(read.status().known(), Some(TaskStatus::ProcessingCompleted));
        assert_eq!(read.link("resource").is_some(), leads_somewhere, "{method}");
    }
}
