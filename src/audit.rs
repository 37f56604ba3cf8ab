//! The auditor: watches what a server answers, and reports each breach of the contract.

mod reading;
mod rule;
mod task;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::document::{ListDocument, TaskDocument};
use crate::retention::Retention;
use crate::time::{Now, Rfc3339};

use reading::Answer;
use task::Watched;

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
/// What can't be told is no breach either: a document without its timestamp breaks [`Rule::Document`],
/// and says nothing of order, of age, or of a change after the end.
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
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Auditor {
    retention: Retention,
    readings: usize,
    accounts: BTreeMap<String, Account>,
}

/// What is known of an account.
#[derive(Clone, Debug, Default)]
struct Account {
    tasks: BTreeMap<String, Watched>,
    /// When a complete list was read last.
    listed_at: Option<Now>,
}

impl Auditor {
    /// An auditor of a server that keeps tasks for so long.
    #[must_use]
    pub fn new(retention: Retention) -> Self {
        Self { retention, readings: 0, accounts: BTreeMap::new() }
    }

    /// Takes in the next reading, and returns what it breaches.
    pub fn observe(&mut self, reading: &Reading) -> Vec<Finding> {
        self.readings += 1;
        let mut report = Report { reading: self.readings, findings: Vec::new() };
        let name = reading.account.clone().unwrap_or_default();
        let account = self.accounts.entry(name).or_default();
        match reading.answer() {
            Answer::Task(Ok(document)) => {
                account.read(&document, reading, self.retention, &mut report);
            }
            Answer::List { tasks: Ok(list), complete } => {
                account.read_list(&list, complete, reading, self.retention, &mut report);
            }
            Answer::Task(Err((rule, why))) | Answer::List { tasks: Err((rule, why)), .. } => {
                report.add(rule, why);
            }
            Answer::NotFound(id) => account.miss(&id, reading.at, self.retention, &mut report),
            Answer::Other => {}
        }
        report.findings
    }
}

impl Account {
    fn read(
        &mut self,
        document: &TaskDocument,
        reading: &Reading,
        retention: Retention,
        report: &mut Report,
    ) {
        rule::check_document(document, reading.is_submission(), report);
        let known = self.tasks.remove(document.task_id());
        // After its retention, an id may be used for another task.
        let known =
            known.filter(|known| !known.is_followed_by_another(document, reading.at, retention));
        let watched = match known {
            Some(known) => known.and_then_seen(document, report),
            None => Watched::first_seen(document, reading.at, self.listed_at),
        };
        let watched = watched.readable_if(!reading.is_submission());
        self.tasks.insert(document.task_id().into(), watched);
    }

    fn read_list(
        &mut self,
        list: &ListDocument,
        complete: bool,
        reading: &Reading,
        retention: Retention,
        report: &mut Report,
    ) {
        let mut listed = BTreeSet::new();
        for document in list.tasks() {
            if !listed.insert(document.task_id()) {
                report.add(
                    Rule::ListDuplicate,
                    format!("task {} is listed twice", document.task_id()),
                );
            }
            self.read(document, reading, retention, report);
            let known = self.tasks.get(document.task_id());
            if let Some(end) = known.and_then(|known| known.expired_by(reading.at, retention)) {
                let (id, end) = (document.task_id(), Rfc3339(end));
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
                self.tasks.keys().filter(|id| !listed.contains(id.as_str())).cloned().collect();
            for id in missing {
                self.miss(&id, reading.at, retention, report);
            }
            self.listed_at = Some(reading.at);
        }
    }

    /// A task was not found where it would be.
    fn miss(&mut self, id: &str, at: Now, retention: Retention, report: &mut Report) {
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
