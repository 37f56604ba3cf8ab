//! The auditor: watches what a server answers, and reports each breach of the contract.

mod path;
mod reading;
mod rule;
mod task;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::document::{ListDocument, TaskDocument};
use crate::format::{Format, ListParameters, RedisCloud};
use crate::id::TaskId;
use crate::retention::Retention;
use crate::time::{Now, Rfc3339};

use path::TasksPath;
use reading::Answer;
use task::TrackedTask;

pub use path::TasksPathError;
pub use reading::Reading;
pub use rule::{Finding, Rule};

/// Watches what a server answers, as a client sees it, and reports each breach of the contract.
///
/// It is fed [`Reading`]s in the order in which the client had them, from any server of the API:
/// one's own, a mock, the live service. It keeps what it needs to know of each task, and no more.
/// The [`Rule`]s say what it looks for. It makes no requests and reads no clock.
///
/// Clients may read as often or as seldom as they like: statuses that a reading skips are no breach.
/// Nor is a task that can't be read yet just after its submission, which the live API permits
/// itself. A task can only be missed where it is known since when it was there: when it was seen as
/// `initialized` or `received`, or first seen after a complete list without it.
///
/// What can't be told is no breach either: a document without its timestamp breaks [`Rule::Document`],
/// and says nothing of order, of age, or of a change after the end.
///
/// # What it looks at
///
/// A reading is audited that tells of tasks: it has a document about one, or a list of them, or the
/// answer 404 to a read of one. [`audited`](Self::audited) counts those, and
/// [`readings`](Self::readings) all: where it audited none, that it found nothing says nothing.
/// Where tasks are is a matter of [the path](Self::with_tasks_path).
///
/// | request | answer | |
/// |---|---|---|
/// | `GET` of the tasks' path, or of one task, in any spelling | 200 to 299 | audited; what can't be read is a finding, and so is no body |
/// | the same, of one task | 404 | audited: the task is not there |
/// | the same | any other status | passed over: no rule forbids a server to fail, or to refuse a client |
/// | `HEAD` | 404 of one task, or a body | as for `GET`; else passed over |
/// | any other, such as a submission | 200 to 299, with a `taskId` | audited |
/// | any other | any other | passed over |
/// | not known | 200 to 299, or not known | audited |
///
/// ```
/// use tasklife::{Retention, audit::{Auditor, Reading, Rule}};
///
/// let read = |json: &str| serde_json::from_str::<Reading>(json);
/// let mut auditor = Auditor::new(Retention::default());
/// let task = r#""taskId": "36d4b04d-72d4-4404-8600-a223120a553e", "commandType": "x",
///     "_links": {"self": {"href": "/tasks/36d4b04d-72d4-4404-8600-a223120a553e"}}"#;
/// let done = read(&format!(r#"{{"at": "2019-08-08T06:50:00Z", "body": {{{task},
///     "status": "processing-completed", "timestamp": "2019-08-08T06:49:15Z"}}}}"#))?;
/// assert_eq!(auditor.observe(&done), []);
///
/// let undone = read(&format!(r#"{{"at": "2019-08-08T06:51:00Z", "body": {{{task},
///     "status": "received", "timestamp": "2019-08-08T06:50:30Z"}}}}"#))?;
/// let findings = auditor.observe(&undone);
/// assert_eq!(findings[0].rule(), Rule::AfterEnd);
/// assert_eq!((auditor.audited(), auditor.readings()), (2, 2));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Auditor {
    settings: Settings,
    readings: usize,
    audited: usize,
    accounts: BTreeMap<String, Account>,
}

/// What the server says of itself.
#[derive(Clone, Debug)]
struct Settings {
    retention: Retention,
    tasks: TasksPath,
    format: Arc<dyn Format>,
    parameters: ListParameters,
}

/// What is known of an account.
#[derive(Clone, Debug, Default)]
struct Account {
    tasks: BTreeMap<String, TrackedTask>,
    /// When a complete list was read last.
    listed_at: Option<Now>,
}

impl Auditor {
    /// An auditor of a server that keeps tasks for so long, and has them at `/tasks`.
    #[must_use]
    pub fn new(retention: Retention) -> Self {
        let settings = Settings {
            retention,
            tasks: TasksPath::default(),
            format: Arc::new(RedisCloud),
            parameters: RedisCloud.list_parameters(),
        };
        Self { settings, readings: 0, audited: 0, accounts: BTreeMap::new() }
    }

    /// Sets where the server has its tasks, such as `/api/jobs`; `/tasks` by default.
    ///
    /// The list is at each path that ends in this one, and a task at each that has its id after
    /// that. What a path has before it is the base address: `/tasks` is met by `/tasks`,
    /// `/v1/tasks/` and `https://api.example.com/v1/tasks?limit=5`, and not by `/v1/Tasks` or
    /// `/my-tasks`. Slashes at the end and doubled ones, the scheme and the host of a URL, the query
    /// and the fragment don't matter, and percent-encoded characters are as good as plain ones. The
    /// same holds for the links in documents, which lead to a task only there.
    ///
    /// # Errors
    /// Where it does not begin with a slash, or has an empty segment, a step such as `..`, white
    /// space, a query or a fragment.
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
        self.settings.tasks = TasksPath::parse(path)?;
        Ok(self)
    }

    /// Sets the format of what the server answers; [`RedisCloud`] unless set. Rules about what a document
    /// has, such as links, hold where the format [requires](Format::required) it.
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

    /// How many readings it took in.
    #[must_use]
    pub const fn readings(&self) -> usize {
        self.readings
    }

    /// How many readings it audited: those that [tell of tasks](Self#what-it-looks-at), and can be
    /// read. Never more than [`readings`](Self::readings).
    #[must_use]
    pub const fn audited(&self) -> usize {
        self.audited
    }

    /// Takes in the next reading, and returns what it breaches.
    pub fn observe(&mut self, reading: &Reading) -> Vec<Finding> {
        self.readings += 1;
        let mut report = Report { reading: self.readings, findings: Vec::new() };
        let answer = reading.answer(&self.settings);
        let name = reading.account.clone().unwrap_or_default();
        let account = self.accounts.entry(name).or_default();
        self.audited += 1;
        match answer {
            Answer::Task { document, submission, asked } => {
                if let Some(asked) = asked.filter(|asked| key(asked) != key(document.task_id())) {
                    let got = document.task_id();
                    let what = format!("a read of task {asked} is answered with task {got}");
                    report.add(Rule::TaskId, what);
                }
                account.read(&document, submission, reading.at, &self.settings, &mut report);
            }
            Answer::List { tasks, complete } => {
                account.read_list(&tasks, complete, reading.at, &self.settings, &mut report);
            }
            Answer::NotFound(id) => {
                account.not_found(&key(&id), reading.at, self.settings.retention, &mut report);
            }
            Answer::Unreadable(rule, what) => {
                self.audited -= 1;
                report.add(rule, what);
            }
            Answer::Other => self.audited -= 1,
        }
        report.findings
    }
}

/// A task's id as accounts know it: of a UUID, the case does not matter.
fn key(id: &str) -> String {
    id.parse().map_or_else(|_| id.into(), |id: TaskId| id.to_string())
}

impl Account {
    fn read(
        &mut self,
        document: &TaskDocument,
        submission: bool,
        at: Now,
        settings: &Settings,
        report: &mut Report,
    ) {
        rule::check_document(document, submission, settings, report);
        let id = key(document.task_id());
        let known = self.tasks.remove(&id);
        // After its retention, an id may be used for another task.
        let known = known.filter(|known| !known.is_replaced_by(document, at, settings.retention));
        let tracked = match known {
            Some(known) => known.update(document, report),
            None => TrackedTask::first_seen(document, at, self.listed_at),
        };
        self.tasks.insert(id, tracked.readable_if(!submission));
    }

    fn read_list(
        &mut self,
        list: &ListDocument,
        complete: bool,
        at: Now,
        settings: &Settings,
        report: &mut Report,
    ) {
        let mut listed = BTreeSet::new();
        for document in list.tasks() {
            let id = document.task_id();
            if !listed.insert(key(id)) {
                report.add(Rule::ListDuplicate, format!("task {id} is listed twice"));
            }
            self.read(document, false, at, settings, report);
            let known = self.tasks.get(&key(id));
            if let Some(end) = known.and_then(|known| known.expired_by(at, settings.retention)) {
                let end = Rfc3339(end);
                report
                    .add(Rule::TooOld, format!("task {id} is listed after {end}, when it expired"));
            }
        }
        // Those without a timestamp may stand anywhere.
        let dated: Vec<_> = list
            .tasks()
            .iter()
            .filter_map(|task| Some((task.task_id(), task.timestamp()?)))
            .collect();
        for pair in dated.windows(2) {
            if let [(above, above_at), (below, below_at)] = *pair
                && above_at < below_at
            {
                let (above_at, below_at) = (Rfc3339(above_at), Rfc3339(below_at));
                let what = format!("task {above} of {above_at} stands above {below} of {below_at}");
                report.add(Rule::ListOrder, what);
            }
        }
        if complete {
            let missing: Vec<String> =
                self.tasks.keys().filter(|id| !listed.contains(*id)).cloned().collect();
            for id in missing {
                self.not_found(&id, at, settings.retention, report);
            }
            self.listed_at = Some(at);
        }
    }

    /// A task was not found where it would be.
    fn not_found(&mut self, id: &str, at: Now, retention: Retention, report: &mut Report) {
        let Some(known) = self.tasks.get_mut(id) else { return };
        if let Some(end) = known.missed(at, retention) {
            let what = format!("task {id} is gone before {}, when it expires", Rfc3339(end));
            report.add(Rule::Vanished, what);
        }
    }
}

/// The findings of one reading.
struct Report {
    reading: usize,
    findings: Vec<Finding>,
}

impl Report {
    fn add(&mut self, rule: Rule, what: String) {
        self.findings.push(Finding::new(self.reading, rule, what));
    }
}
