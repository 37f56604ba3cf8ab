//! What the query of somebody who steers asks for.

use std::num::NonZeroUsize;

use axum::extract::Query;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tasklife::{AccountId, TaskId, TaskStatus};
use tasklife_mock::Exchange;

use super::RequestContext;
use crate::control::Refusal;

impl RequestContext<'_> {
    pub(super) fn query<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let query = Query::try_from_uri(self.uri);
        query.map(|Query(query)| query).map_err(|fault| {
            let text = fault.body_text();
            let fault = text.rsplit_once("query string: ").map_or(&*text, |(_, fault)| fault);
            Refusal::bad_request(format!("expected a query as described: {fault}"))
        })
    }
}

/// Nothing at all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Whose things.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Of {
    pub(super) account: Option<AccountId>,
}

/// Which exchanges.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Exchanges {
    account: Option<AccountId>,
    method: Option<String>,
    /// The path, or where it begins.
    path: Option<String>,
    status: Option<u16>,
    task: Option<TaskId>,
    pub(super) since: u64,
    /// The last so many.
    limit: Option<usize>,
}

impl Exchanges {
    /// Those of these that are asked for.
    pub(super) fn of(&self, all: Vec<Exchange>) -> Vec<Exchange> {
        let mut found: Vec<Exchange> = all.into_iter().filter(|it| self.is_met_by(it)).collect();
        let limit = self.limit.unwrap_or(usize::MAX);
        found.drain(..found.len().saturating_sub(limit));
        found
    }

    fn is_met_by(&self, exchange: &Exchange) -> bool {
        self.account.as_ref().is_none_or(|account| exchange.account.as_ref() == Some(account))
            && self
                .method
                .as_ref()
                .is_none_or(|it| exchange.method.as_str().eq_ignore_ascii_case(it))
            && self.path.as_ref().is_none_or(|path| is_below(&exchange.path, path))
            && self.status.is_none_or(|status| exchange.status == status)
            && self.task.is_none_or(|task| exchange.task_id == Some(task))
    }
}

/// Whether a path is another, or goes on from it.
fn is_below(path: &str, other: &str) -> bool {
    let other = other.strip_suffix('/').unwrap_or(other);
    path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

/// Which tasks.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tasks {
    pub(super) account: Option<AccountId>,
    pub(super) status: Option<TaskStatus>,
    pub(super) limit: Option<NonZeroUsize>,
}
