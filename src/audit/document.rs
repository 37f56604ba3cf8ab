//! The rules that a single document can break.

use alloc::collections::BTreeSet;
use alloc::format;

use super::finding::Report;
use super::path::Endpoint;
use super::rule::Rule;
use super::settings::Settings;
use crate::document::{ReportedStatus, TaskDocument};
use crate::format::RequiredPart;
use crate::status::TaskStatus;

/// Checks everything that one document shows on its own.
pub(super) fn check_document(
    document: &TaskDocument,
    is_submission: bool,
    settings: &Settings,
    report: &mut Report,
) {
    check_required(document, settings, report);
    check_status(document, report);
    check_own_links(document, is_submission, settings, report);
    check_all_links(document, report);
}

/// Checks the parts that the format requires, except for the link to the task itself.
fn check_required(document: &TaskDocument, settings: &Settings, report: &mut Report) {
    let id = document.task_id();
    let requires = |part| settings.format.required().contains(&part);
    if requires(RequiredPart::Uuid)
        && let Err(error) = document.id()
    {
        report.add(Rule::TaskId, format!("{error}"));
    }
    if requires(RequiredPart::CommandType) && document.command_type().is_none() {
        report.add(Rule::Document, format!("task {id} has no commandType"));
    }
    if requires(RequiredPart::Timestamp) && document.timestamp().is_none() {
        report.add(Rule::Document, format!("task {id} has no timestamp"));
    }
}

/// Checks that the status is known, and that the result and the error fit it.
fn check_status(document: &TaskDocument, report: &mut Report) {
    let id = document.task_id();
    let response = document.response();
    let has_error = response.is_some_and(|response| response.error().is_some());
    let has_result = response.is_some_and(|response| {
        let ids = response.resource_id().or(response.additional_resource_id());
        ids.is_some() || response.resource().is_some()
    });
    let status = match document.status() {
        ReportedStatus::Known(status) => *status,
        // Only a format that knows cancellation reads a status as this one.
        ReportedStatus::Cancelled(_) => return,
        ReportedStatus::Unknown(unknown) => {
            report
                .add(Rule::UnknownStatus, format!("task {id} has the unknown status {unknown:?}"));
            return;
        }
    };
    match status {
        TaskStatus::ProcessingCompleted if has_error => {
            report.add(Rule::MisplacedError, format!("task {id} completed with an error"));
        }
        TaskStatus::ProcessingError if !has_error => {
            report.add(Rule::MissingError, format!("task {id} failed without an error"));
        }
        status if !status.is_terminal() => {
            for (part, is_there) in [
                ("a result", has_result),
                ("an error", has_error),
                ("a link to a resource", document.link("resource").is_some()),
            ] {
                if is_there {
                    report.add(Rule::EarlyResult, format!("task {id} is {status}, but has {part}"));
                }
            }
        }
        _ => {}
    }
}

/// Checks the links to the task itself.
fn check_own_links(
    document: &TaskDocument,
    is_submission: bool,
    settings: &Settings,
    report: &mut Report,
) {
    let id = document.task_id();
    let own = ["self", "task"].map(|rel| document.link(rel));
    let is_required = settings.format.required().contains(&RequiredPart::SelfLink);
    if is_required && own.iter().flatten().count() == 0 {
        let expected = if is_submission { "task" } else { "self" };
        report.add(Rule::Link, format!("task {id} has no link {expected:?}"));
    }
    for link in own.into_iter().flatten() {
        let Some(href) = link.href() else { continue };
        let path = href.split(['?', '#']).next().unwrap_or_default();
        let leads_to_task = match settings.tasks_path.endpoint(path) {
            Some(Endpoint::Task(last)) => last.eq_ignore_ascii_case(id),
            _ => false,
        };
        if !leads_to_task {
            let rel = link.rel().unwrap_or_default();
            let what = format!("the link {rel:?} of task {id} leads to {href:?}, not to the task");
            report.add(Rule::Link, what);
        }
    }
}

/// Checks that each link has a relation of its own and an address, and that all are in one shape.
fn check_all_links(document: &TaskDocument, report: &mut Report) {
    let id = document.task_id();
    let mut relations = BTreeSet::new();
    for link in document.links() {
        let rel = link.rel().unwrap_or_default();
        if link.rel().is_none() {
            report.add(Rule::Link, format!("a link of task {id} has no relation"));
        } else if !relations.insert(rel) {
            report.add(Rule::Link, format!("task {id} has the link {rel:?} twice"));
        }
        match link.href() {
            None => {
                report.add(Rule::Link, format!("the link {rel:?} of task {id} has no address"));
            }
            Some(href) if !is_address(href) => {
                let what =
                    format!("the link {rel:?} of task {id} has an invalid address, {href:?}");
                report.add(Rule::Link, what);
            }
            Some(_) => {}
        }
    }
    if document.has_both_link_shapes() {
        report.add(Rule::Link, format!("task {id} has links in both shapes, _links and links"));
    }
}

/// Returns whether a link's address is absolute or begins with a slash, and has only permitted
/// characters.
fn is_address(href: &str) -> bool {
    let rest = ["https://", "http://", "/"].iter().find_map(|begin| href.strip_prefix(begin));
    let is_permitted = |c: u8| c.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&c);
    rest.is_some_and(|rest| !rest.is_empty()) && href.bytes().all(is_permitted)
}
