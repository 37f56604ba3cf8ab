//! The JSON of one task and of a page of 100.

use std::hint::black_box;

use redis_cloud::types::{Link, ProcessorResponse, TaskStateUpdate, TasksStateUpdate};
use serde::Serialize;
use tasklife::{Completion, Page, Task, TaskStatus};

use super::{Comparison, Extent, Finding, Findings};
use crate::count::page_of_documents;
use crate::floor;
use crate::timing::{Candidate, measure_in_turns};
use crate::workload::links;

const BASE: &str = "https://api.redislabs.com/v1";

pub fn measure(extent: Extent, findings: &mut Findings) {
    let (page, links) = (page_of_documents(), links());
    check(&page);
    let most = [("JSON, one task", 20_000, 1), ("JSON, page of 100", 1_000, 100)];
    for (operation, most, tasks) in most {
        let (mut out, mut by_hand) = (Vec::with_capacity(1 << 17), Vec::with_capacity(1 << 17));
        let (mut eager, mut peer) = (Vec::with_capacity(1 << 17), Vec::with_capacity(1 << 17));
        let one = |turn: &mut usize| {
            *turn += 1;
            &page.tasks()[*turn % 100]
        };
        let mut turns = [0; 4];
        let [first, second, third, fourth] = &mut turns;
        let timings = measure_in_turns(
            extent.rounds * 3,
            most,
            &mut [
                Candidate::calling("tasklife", || {
                    out.clear();
                    match tasks {
                        1 => links.polled(one(first)).write_to(&mut out),
                        _ => links.list(&page).write_to(&mut out),
                    }
                    black_box(&out);
                }),
                Candidate::calling("floor", || {
                    by_hand.clear();
                    match tasks {
                        1 => floor::write_task(one(second), &mut by_hand),
                        _ => floor::write_page(page.tasks(), &mut by_hand),
                    }
                    black_box(&by_hand);
                }),
                Candidate::calling("serde derive, eager links", || {
                    eager.clear();
                    let written = match tasks {
                        1 => serde_json::to_writer(&mut eager, &Owned::of(one(third))),
                        _ => serde_json::to_writer(&mut eager, &OwnedList::of(&page)),
                    };
                    black_box((&eager, written)).1.expect("plain values");
                }),
                Candidate::calling("redis-cloud", || {
                    peer.clear();
                    let written = match tasks {
                        1 => serde_json::to_writer(&mut peer, &update(one(fourth))),
                        _ => serde_json::to_writer(&mut peer, &updates(&page)),
                    };
                    black_box((&peer, written)).1.expect("plain values");
                }),
            ],
        );
        let comparison = Comparison { operation, tasks, timings };
        let at = "–".to_owned();
        let what = format!("{operation}: time / floor");
        let ratio = comparison.ratio("tasklife", "floor");
        findings.budgets.push(Finding::at_most(&what, at.clone(), 1.3, "×", ratio));
        let what = format!("{operation}: time of serde derive, eager links / tasklife");
        let ratio = comparison.ratio("serde derive, eager links", "tasklife");
        findings.budgets.push(Finding::at_least(&what, at, 3.0, "×", ratio));
        findings.comparisons.push(comparison);
    }
}

/// Checks that all candidates write the same bytes, except redis-cloud, whose type differs.
fn check(page: &Page) {
    let links = links();
    let (mut ours, mut by_hand) = (Vec::new(), Vec::new());
    links.list(page).write_to(&mut ours);
    floor::write_page(page.tasks(), &mut by_hand);
    let eager = serde_json::to_vec(&OwnedList::of(page)).expect("plain values");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(text(&ours), text(&by_hand));
    assert_eq!(text(&ours), text(&eager));
}

/// A simple document: owned strings, and links that are built with it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Owned {
    task_id: String,
    command_type: String,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<u8>,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<OwnedResponse>,
    #[serde(rename = "_links")]
    links: OwnedLinks,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OwnedResponse {
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<OwnedError>,
}

#[derive(Serialize)]
struct OwnedError {
    r#type: String,
    status: String,
    description: String,
}

#[derive(Serialize)]
struct OwnedLinks {
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<OwnedLink>,
    #[serde(rename = "self")]
    itself: OwnedLink,
}

#[derive(Serialize)]
struct OwnedLink {
    href: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    r#type: String,
}

#[derive(Serialize)]
struct OwnedList {
    tasks: Vec<Owned>,
}

fn resource(task: &Task) -> Option<i64> {
    match task.outcome()?.ok().and_then(Completion::resource_id)? {
        tasklife::ResourceId::Number(number) => Some(*number),
        tasklife::ResourceId::Text(_) => None,
    }
}

fn timestamp(task: &Task) -> String {
    task.updated_at().to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

impl Owned {
    fn of(task: &Task) -> Self {
        let link = |href, title: Option<&str>| OwnedLink {
            href,
            title: title.map(str::to_owned),
            r#type: "GET".to_owned(),
        };
        let resource = resource(task);
        Self {
            task_id: task.id().to_string(),
            command_type: task.command_type().to_string(),
            status: task.status().to_string(),
            description: task.description().map(str::to_owned),
            progress: task.progress().map(tasklife::Progress::percent),
            timestamp: timestamp(task),
            response: task.outcome().map(|outcome| OwnedResponse {
                resource_id: resource,
                error: outcome.err().map(|error| OwnedError {
                    r#type: error.code().to_owned(),
                    status: error.status().to_owned(),
                    description: error.description().to_owned(),
                }),
            }),
            links: OwnedLinks {
                resource: resource.map(|number| {
                    let title = Some("getSubscriptionInformation");
                    link(format!("{BASE}/subscriptions/{number}"), title)
                }),
                itself: link(format!("{BASE}/tasks/{}", task.id()), None),
            },
        }
    }
}

impl OwnedList {
    fn of(page: &Page) -> Self {
        Self { tasks: page.tasks().iter().map(Owned::of).collect() }
    }
}

/// Returns the task type of the crate `redis-cloud`, which has links as an array.
fn update(task: &Task) -> TaskStateUpdate {
    use redis_cloud::types::TaskStatus as Status;
    let resource = resource(task);
    let link = |rel: &str, href: String| Link {
        rel: rel.to_owned(),
        href,
        method: Some("GET".to_owned()),
        r#type: None,
    };
    let mut links = vec![link("self", format!("{BASE}/tasks/{}", task.id()))];
    links.extend(resource.map(|id| link("resource", format!("{BASE}/subscriptions/{id}"))));
    TaskStateUpdate {
        task_id: Some(task.id().to_string()),
        command_type: Some(task.command_type().to_string()),
        status: Some(match task.status() {
            TaskStatus::Initialized => Status::Initialized,
            TaskStatus::Received => Status::Received,
            TaskStatus::ProcessingInProgress => Status::ProcessingInProgress,
            TaskStatus::ProcessingCompleted => Status::ProcessingCompleted,
            TaskStatus::ProcessingError => Status::ProcessingError,
        }),
        description: task.description().map(str::to_owned),
        timestamp: Some(timestamp(task)),
        progress: task.progress().map(|progress| progress.percent().into()),
        response: task.outcome().map(|outcome| ProcessorResponse {
            resource_id: resource.and_then(|number| i32::try_from(number).ok()),
            additional_resource_id: None,
            resource: None,
            error: outcome.err().map(|error| error.code().into()),
            additional_info: None,
        }),
        links: Some(links),
    }
}

fn updates(page: &Page) -> TasksStateUpdate {
    TasksStateUpdate { tasks: page.tasks().iter().map(update).collect() }
}
