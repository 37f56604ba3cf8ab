//! The auditor itself.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::account::{Account, key};
use super::finding::{Finding, Report};
use super::path::{TasksPath, TasksPathError};
use super::reading::{Answer, Reading};
use super::rule::Rule;
use super::settings::Settings;
use crate::format::Format;
#[cfg(doc)]
use crate::format::RedisCloud;
use crate::retention::Retention;

/// Checks the answers of a server, as a client sees them, and reports each breach of a [`Rule`].
///
/// Pass it [`Reading`]s in the order in which the client received the answers. They can come from
/// any server of the task API: your own, a mock, or the live service. The auditor keeps only as much
/// of each task as later checks need. It sends no requests and reads no clock.
///
/// ```
/// use tasklife::{Retention, audit::{Auditor, Reading, Rule}};
///
/// let read = |json: &str| serde_json::from_str::<Reading>(json);
/// let mut auditor = Auditor::new(Retention::default());
/// let task = r#""taskId": "36d4b04d-72d4-4404-8600-a223120a553e", "commandType": "x",
///     "_links": {"self": {"href": "/tasks/36d4b04d-72d4-4404-8600-a223120a553e"}}"#;
/// let completed = read(&format!(r#"{{"at": "2019-08-08T06:50:00Z", "body": {{{task},
///     "status": "processing-completed", "timestamp": "2019-08-08T06:49:15Z"}}}}"#))?;
/// assert_eq!(auditor.observe(&completed), []);
///
/// let received = read(&format!(r#"{{"at": "2019-08-08T06:51:00Z", "body": {{{task},
///     "status": "received", "timestamp": "2019-08-08T06:50:30Z"}}}}"#))?;
/// let findings = auditor.observe(&received);
/// assert_eq!(findings[0].rule(), Rule::AfterEnd);
/// assert_eq!((auditor.audited(), auditor.readings()), (2, 2));
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # What is no breach
///
/// - **Skipped statuses.** A client may read as often or as seldom as it likes.
/// - **404 right after the submission.** In the live API, a moment passes until a task can be read.
///   So a 404 counts only after a read has found the task.
/// - **404 for a task of unknown age.** The task may have expired. The auditor knows the age only
///   if it saw the task as `initialized` or `received`, or if it first saw the task after a complete
///   list without it.
/// - **What can't be checked without a timestamp.** A document without one breaks
///   [`Rule::Document`]. It is not checked for order, age, or a change after the end.
///
/// # Which readings are audited
///
/// The auditor looks at readings about tasks: a document about one, a list of them, or a 404 for
/// one. [`audited`](Self::audited) counts these, and [`readings`](Self::readings) counts all. If
/// `audited` is 0, the absence of findings proves nothing. Set the path of the tasks with
/// [`with_tasks_path`](Self::with_tasks_path).
///
/// | request | status | result |
/// |---|---|---|
/// | `GET` of the list, or of one task | 200 to 299 | audited; a body that is missing or can't be read is a finding |
/// | `GET` of one task | 404 | audited: the task is not there |
/// | `GET` of the list, or of one task | any other | ignored: no rule forbids a server to fail or to refuse a client |
/// | `HEAD` | 404 for one task, or any with a body | as for `GET` |
/// | `HEAD` | any other | ignored |
/// | any other, such as a submission | 200 to 299, with a `taskId` | audited |
/// | any other | any other | ignored |
/// | unknown | 200 to 299, or unknown | audited |
#[derive(Clone, Debug)]
pub struct Auditor {
    settings: Settings,
    readings: usize,
    audited: usize,
    accounts: BTreeMap<String, Account>,
}

impl Auditor {
    /// Creates an auditor of a server that has its tasks at `/tasks` and keeps each for this long.
    #[must_use]
    pub fn new(retention: Retention) -> Self {
        Self {
            settings: Settings::new(retention),
            readings: 0,
            audited: 0,
            accounts: BTreeMap::new(),
        }
    }

    /// Sets the path of the tasks, such as `/api/jobs`; the default is `/tasks`.
    ///
    /// The list is at every path that ends in this one. A task is at the same path, followed by its
    /// id. Whatever comes before is the server's base address:
    ///
    /// - `/tasks` matches `/tasks`, `/v1/tasks/` and `https://api.example.com/v1/tasks?limit=5`.
    /// - `/tasks` does not match `/v1/Tasks` or `/my-tasks`.
    ///
    /// The comparison ignores trailing and doubled slashes, the scheme and host of a URL, the query
    /// and the fragment. Percent-encoded characters equal plain ones. The same holds for the links
    /// in documents, which lead to a task only at this path.
    ///
    /// # Errors
    ///
    /// Returns [`TasksPathError`] if the path does not begin with a slash, or if it contains an
    /// empty segment, `.`, `..`, white space, a control character, a query or a fragment.
    ///
    /// # Examples
    ///
    /// ```
    /// use tasklife::{Retention, audit::{Auditor, Reading}};
    ///
    /// let empty = r#"{"at": "2019-08-08T06:50:00Z", "request": "GET /api/jobs", "body": {}}"#;
    /// let empty = serde_json::from_str::<Reading>(empty)?;
    /// let mut auditor = Auditor::new(Retention::default());
    /// auditor.observe(&empty);
    /// assert_eq!(auditor.audited(), 0);
    ///
    /// let mut auditor = Auditor::new(Retention::default()).with_tasks_path("/api/jobs")?;
    /// auditor.observe(&empty);
    /// assert_eq!(auditor.audited(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_tasks_path(mut self, path: &str) -> Result<Self, TasksPathError> {
        self.settings.tasks_path = TasksPath::parse(path)?;
        Ok(self)
    }

    /// Sets the format of the answers; the default is [`RedisCloud`].
    ///
    /// Rules about the parts of a document, such as links, apply only to the parts that the format
    /// [requires](Format::required).
    ///
    /// ```
    /// use tasklife::{Retention, audit::{Auditor, Reading, Rule}, format::AzureOperation};
    ///
    /// let mut auditor = Auditor::new(Retention::default())
    ///     .with_tasks_path("/operations")?
    ///     .with_format(AzureOperation);
    /// for (status, expected) in [("Succeeded", vec![]), ("Running", vec![Rule::AfterEnd])] {
    ///     let reading = format!(r#"{{"at": "2026-01-01T00:00:00Z",
    ///         "request": "GET /operations/7", "body": {{"id": "7", "status": "{status}"}}}}"#);
    ///     let findings = auditor.observe(&serde_json::from_str::<Reading>(&reading)?);
    ///     assert_eq!(findings.iter().map(|f| f.rule()).collect::<Vec<_>>(), expected);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_format(mut self, format: impl Format + 'static) -> Self {
        self.settings.parameters = format.list_parameters();
        self.settings.format = Arc::new(format);
        self
    }

    /// Returns how many readings the auditor has observed.
    #[must_use]
    pub const fn readings(&self) -> usize {
        self.readings
    }

    /// Returns how many readings the auditor has audited: those that are
    /// [about tasks](Self#which-readings-are-audited) and can be read. This is never more than
    /// [`readings`](Self::readings).
    #[must_use]
    pub const fn audited(&self) -> usize {
        self.audited
    }

    /// Observes the next reading, and returns the breaches in it.
    pub fn observe(&mut self, reading: &Reading) -> Vec<Finding> {
        self.readings += 1;
        let mut report = Report::new(self.readings);
        let answer = reading.answer(&self.settings);
        let name = reading.account.clone().unwrap_or_default();
        let account = self.accounts.entry(name).or_default();
        match answer {
            Answer::Task { document, is_submission, requested_id } => {
                self.audited += 1;
                let got = document.task_id();
                if let Some(expected) = requested_id.filter(|expected| key(expected) != key(got)) {
                    report.add(Rule::TaskId, format!("expected task {expected}, got task {got}"));
                }
                account.read(&document, is_submission, reading.at, &self.settings, &mut report);
            }
            Answer::List { tasks, is_complete } => {
                self.audited += 1;
                account.read_list(&tasks, is_complete, reading.at, &self.settings, &mut report);
            }
            Answer::NotFound(id) => {
                self.audited += 1;
                account.not_found(&key(&id), reading.at, self.settings.retention, &mut report);
            }
            Answer::Unreadable(rule, what) => report.add(rule, what),
            Answer::NotAboutTasks => {}
        }
        report.into_findings()
    }
}
