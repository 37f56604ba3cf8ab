//! What a client asked and what it was answered.

use std::collections::VecDeque;

use http::Method;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use tasklife::{AccountId, Now, TaskId};

/// A request and its answer.
///
/// As JSON it is a line that the auditor reads: `at`, `account`, `request` (method and path),
/// `status` and `body`; besides, there are `number`, `taskId`, and `requestBody` as a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Its place among all exchanges of the API, in the order in which they happened, from 1.
    pub number: u64,
    /// The `now` with which the request came.
    pub at: Now,
    /// Whose keys came with it, where they were known.
    pub account: Option<AccountId>,
    /// The method.
    pub method: Method,
    /// The path, and the query where there is one.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// The task that the request made, or asked for by its id.
    pub task_id: Option<TaskId>,
    /// The body of the request; what is no UTF-8 is replaced, what was too large left out.
    pub request_body: String,
    /// The body of the answer; empty where there was none, or one of more than 64 MiB.
    pub body: String,
}

/// An exchange on the wire.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    number: u64,
    at: Now,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<AccountId>,
    request: String,
    status: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task_id: Option<TaskId>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    request_body: std::borrow::Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<std::boxed::Box<RawValue>>,
}

impl Serialize for Exchange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Line {
            number: self.number,
            at: self.at,
            account: self.account.clone(),
            request: self.request(),
            status: self.status,
            task_id: self.task_id,
            request_body: self.request_body.as_str().into(),
            body: RawValue::from_string(self.body.clone()).ok(),
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
            request_body: line.request_body.into_owned(),
            body: line.body.map(|body| body.get().to_string()).unwrap_or_default(),
        })
    }
}

impl Exchange {
    /// Method and path, as the auditor wants them.
    fn request(&self) -> String {
        std::format!("{} {}", self.method, self.path)
    }

    /// How much memory its texts take.
    fn size(&self) -> usize {
        self.path.len() + self.request_body.len() + self.body.len()
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

/// The last exchanges, within bounds.
#[derive(Default)]
pub(crate) struct Journal {
    exchanges: VecDeque<Exchange>,
    size: usize,
    /// How many there were ever.
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
        self.size += exchange.size();
        self.exchanges.push_back(exchange);
        while self.exchanges.len() > Self::MAX_EXCHANGES || self.size > Self::MAX_SIZE {
            let Some(oldest) = self.exchanges.pop_front() else { break };
            self.size -= oldest.size();
        }
    }

    /// Those that are there with a number above this one.
    pub(crate) fn since(&self, number: u64) -> Vec<Exchange> {
        let behind = self.exchanges.partition_point(|exchange| exchange.number <= number);
        self.exchanges.range(behind..).cloned().collect()
    }
}
