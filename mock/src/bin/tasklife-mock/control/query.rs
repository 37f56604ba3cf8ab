//! The queries of the operations.

use std::num::NonZeroUsize;

use axum::extract::Query;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tasklife::{AccountId, Scope, TaskId, TaskStatus};
use tasklife_mock::Exchange;

use super::Refusal;
use super::request::ControlRequest;

impl ControlRequest<'_> {
    pub(super) fn query<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let query = Query::try_from_uri(self.uri);
        query.map(|Query(query)| query).map_err(|rejection| {
            // Without axum's own words, which say that a query string could not be read.
            let text = rejection.body_text();
            let error = text.rsplit_once("query string: ").map_or(&*text, |(_, error)| error);
            Refusal::bad_request(format!("expected a query as described: {error}"))
        })
    }
}

/// A query without parameters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EmptyQuery {}

/// A query that may name an account.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AccountQuery {
    pub(super) account: Option<AccountId>,
}

impl AccountQuery {
    pub(super) fn scope(&self) -> Scope<'_> {
        self.account.as_ref().map_or(Scope::Any, Scope::Account)
    }
}

/// A query that selects exchanges of the journal.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct JournalQuery {
    account: Option<AccountId>,
    method: Option<String>,
    /// This path and all paths below it.
    path: Option<String>,
    status: Option<u16>,
    task: Option<TaskId>,
    pub(super) since: u64,
    /// At most this many exchanges: the latest ones.
    limit: Option<usize>,
}

impl JournalQuery {
    /// Returns the exchanges that the query selects.
    pub(super) fn select(&self, exchanges: Vec<Exchange>) -> Vec<Exchange> {
        let mut selected: Vec<Exchange> =
            exchanges.into_iter().filter(|exchange| self.matches(exchange)).collect();
        let limit = self.limit.unwrap_or(usize::MAX);
        selected.drain(..selected.len().saturating_sub(limit));
        selected
    }

    fn matches(&self, exchange: &Exchange) -> bool {
        self.account.as_ref().is_none_or(|account| exchange.account.as_ref() == Some(account))
            && self
                .method
                .as_ref()
                .is_none_or(|method| exchange.method.as_str().eq_ignore_ascii_case(method))
            && self.path.as_ref().is_none_or(|path| is_at_or_below(&exchange.path, path))
            && self.status.is_none_or(|status| exchange.status == status)
            && self.task.is_none_or(|task| exchange.task_id == Some(task))
    }
}

fn is_at_or_below(path: &str, base: &str) -> bool {
    let base = base.strip_suffix('/').unwrap_or(base);
    path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

/// A query that selects tasks.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TasksQuery {
    pub(super) account: Option<AccountId>,
    pub(super) status: Option<TaskStatus>,
    pub(super) limit: Option<NonZeroUsize>,
}
