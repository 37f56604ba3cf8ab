//! The journal: requests and their answers.

use std::borrow::Cow;
use std::collections::VecDeque;

use http::Method;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use tasklife::{AccountId, Scope, TaskId, TaskStatus, Timestamp};

use crate::fault::FaultKind;

/// A request and its answer, as the [journal](crate::MockApi::journal) keeps them.
///
/// Of the request headers, it has only those that [`Conduct`](crate::Conduct) needs. It never has a
/// header that identifies the account.
///
/// In JSON, it is a line that the auditor of `tasklife` reads. It has `at`, `account`, `request`
/// (the method and path), `status` and `body`. The other fields have the same names as here, in
/// camel case, and are left out if they are empty. If the body of the answer is not JSON, because
/// of a [fault](Self::faults), it is in `textBody` as a string.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exchange {
    /// The number of the exchange, in the order in which they happened, from 1.
    pub number: u64,
    /// The `now` of the request.
    pub at: Timestamp,
    /// The account of the request, if its keys are known.
    pub account: Option<AccountId>,
    /// The method of the request.
    pub method: Method,
    /// The path of the request, with its query.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// The task that the request created, or read by its id.
    pub task_id: Option<TaskId>,
    /// The status of the task in the answer, if there is one and no fault spoiled it.
    pub task_status: Option<TaskStatus>,
    /// The faults of the answer that a [script](crate::Script::with_fault) asked for.
    pub faults: Vec<FaultKind>,
    /// The `Retry-After` of the answer, in seconds.
    pub retry_after: Option<u64>,
    /// Whether the request was over the [rate limit](crate::MockApi::with_rate_limit) of its
    /// account.
    pub is_rate_limited: bool,
    /// The `Idempotency-Key` of the request, or the header that the format has instead.
    pub idempotency_key: Option<String>,
    /// The `If-None-Match` of the request.
    pub if_none_match: Option<String>,
    /// The `User-Agent` of the request.
    pub user_agent: Option<String>,
    /// The body of the request. Bytes that are not UTF-8 are replaced. The body is left out if it
    /// was over the limit, or if the strings of the exchange exceed 64 MiB.
    pub request_body: String,
    /// The body of the answer. It is empty if there was none, or if the strings of the exchange
    /// exceed 64 MiB.
    pub body: String,
}

/// An exchange in JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    number: u64,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<AccountId>,
    request: String,
    status: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task_id: Option<TaskId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task_status: Option<TaskStatus>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    faults: Vec<FaultKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    #[serde(default, skip_serializing_if = "is_false")]
    is_rate_limited: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    if_none_match: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_agent: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    request_body: Cow<'a, str>,
    /// `Some` even if it is `null`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    body: Option<Box<RawValue>>,
    /// The body if it is not JSON.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    text_body: Cow<'a, str>,
}

fn some<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::deserialize(from).map(Some)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Serialize for Exchange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let body = RawValue::from_string(self.body.clone()).ok();
        let text_body = if body.is_some() { "" } else { &*self.body };
        Line {
            number: self.number,
            at: self.at,
            account: self.account.clone(),
            request: self.request(),
            status: self.status,
            task_id: self.task_id,
            task_status: self.task_status,
            faults: self.faults.clone(),
            retry_after: self.retry_after,
            is_rate_limited: self.is_rate_limited,
            idempotency_key: self.idempotency_key.as_deref().map(Cow::Borrowed),
            if_none_match: self.if_none_match.as_deref().map(Cow::Borrowed),
            user_agent: self.user_agent.as_deref().map(Cow::Borrowed),
            request_body: self.request_body.as_str().into(),
            body,
            text_body: text_body.into(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Exchange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = Line::deserialize(deserializer)?;
        let expected = || D::Error::custom("expected `request` to be a method and a path");
        let (method, path) = line.request.split_once(' ').ok_or_else(expected)?;
        Ok(Self {
            number: line.number,
            at: line.at,
            account: line.account,
            method: method.parse().map_err(|_| expected())?,
            path: path.into(),
            status: line.status,
            task_id: line.task_id,
            task_status: line.task_status,
            faults: line.faults,
            retry_after: line.retry_after,
            is_rate_limited: line.is_rate_limited,
            idempotency_key: line.idempotency_key.map(Cow::into_owned),
            if_none_match: line.if_none_match.map(Cow::into_owned),
            user_agent: line.user_agent.map(Cow::into_owned),
            request_body: line.request_body.into_owned(),
            body: match line.body {
                Some(body) => body.get().to_owned(),
                None => line.text_body.into_owned(),
            },
        })
    }
}

impl Exchange {
    /// Returns the method and path, as the auditor reads them.
    fn request(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Returns the size of the exchange's strings in bytes.
    fn size(&self) -> usize {
        let headers = [&self.idempotency_key, &self.if_none_match, &self.user_agent];
        let headers: usize = headers.into_iter().flatten().map(String::len).sum();
        self.path.len() + self.request_body.len() + self.body.len() + headers
    }
}

#[cfg(feature = "audit")]
impl From<&Exchange> for tasklife::audit::Reading {
    fn from(exchange: &Exchange) -> Self {
        Self {
            at: exchange.at,
            account: exchange.account.as_ref().map(ToString::to_string),
            request: Some(exchange.request()),
            status: Some(exchange.status),
            body: RawValue::from_string(exchange.body.clone()).ok(),
        }
    }
}

/// The latest exchanges, limited in number and size.
#[derive(Default)]
pub(crate) struct Journal {
    exchanges: VecDeque<Exchange>,
    size: usize,
    /// The number of the latest exchange.
    count: u64,
}

impl Journal {
    pub(crate) const MAX_EXCHANGES: usize = 10_000;
    pub(crate) const MAX_SIZE: usize = 64 << 20;

    /// Adds an exchange, and gives it its number.
    pub(crate) fn add(&mut self, mut exchange: Exchange) {
        self.count += 1;
        exchange.number = self.count;
        if exchange.size() > Self::MAX_SIZE {
            exchange.body = String::new();
        }
        if exchange.size() > Self::MAX_SIZE {
            exchange.request_body = String::new();
        }
        self.size += exchange.size();
        self.exchanges.push_back(exchange);
        while self.exchanges.len() > Self::MAX_EXCHANGES || self.size > Self::MAX_SIZE {
            let Some(oldest) = self.exchanges.pop_front() else { break };
            self.size -= oldest.size();
        }
    }

    /// Removes all exchanges, or those of an account. Numbering continues.
    pub(crate) fn clear(&mut self, scope: Scope<'_>) {
        self.exchanges.retain(|exchange| match scope {
            Scope::Any => false,
            Scope::Account(account) => exchange.account.as_ref() != Some(account),
        });
        self.size = self.exchanges.iter().map(Exchange::size).sum();
    }

    /// Returns the exchanges with a number above this one.
    pub(crate) fn since(&self, number: u64) -> Vec<Exchange> {
        let behind = self.exchanges.partition_point(|exchange| exchange.number <= number);
        self.exchanges.range(behind..).cloned().collect()
    }
}
