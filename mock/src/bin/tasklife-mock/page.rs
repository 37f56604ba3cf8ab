//! The page at `/`, which shows the tasks as they move.
//!
//! Its script fetches the page again every second. Without scripts, the browser reloads it.

use std::cmp::Reverse;
use std::fmt::{self, Display, Write as _};
use std::num::NonZeroUsize;

use serde_json::Value;
use tasklife::{AccountId, ListQuery, Progress, Task, TaskStatus, TaskStore, Timestamp};
use tasklife_mock::{Exchange, MockApi};

/// The content of the page at one instant.
pub(crate) struct Page<'a> {
    base: &'a str,
    speed: f64,
    now: Timestamp,
    /// The accounts, how many of their tasks were listed, and whether there are more.
    accounts: Vec<(AccountId, usize, bool)>,
    /// The latest tasks, latest update first.
    tasks: Vec<Task>,
    /// How many tasks the store has.
    total: usize,
    /// The latest requests, oldest first.
    requests: Vec<Exchange>,
    /// Whether the viewer may control the mock.
    may_control: bool,
}

impl<'a> Page<'a> {
    /// How many requests the page shows.
    pub(crate) const REQUESTS: u64 = 20;
    const TASKS: NonZeroUsize = NonZeroUsize::new(100).unwrap();
    const ACCOUNTS: usize = 50;

    /// Creates the page. The API must have been advanced to `now`.
    pub(crate) fn new(
        api: &MockApi,
        base: &'a str,
        speed: f64,
        requests: Vec<Exchange>,
        may_control: bool,
        now: Timestamp,
    ) -> Self {
        let (mut accounts, mut tasks) = (Vec::new(), Vec::new());
        for account in api.accounts() {
            // This cannot fail, because the store is in memory and the query has no cursor.
            let Ok(page) = api.store().list(&account, &ListQuery::new(Self::TASKS), now) else {
                continue;
            };
            accounts.push((account, page.tasks().len(), page.next().is_some()));
            tasks.extend(page.into_tasks());
            tasks.sort_by_key(|task| Reverse(task.updated_at()));
            tasks.truncate(Self::TASKS.get());
        }
        Self { base, speed, now, accounts, tasks, total: api.store().len(), requests, may_control }
    }

    fn write_tasks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<section><h2>Tasks <small>")?;
        match self.total {
            all if all == self.tasks.len() => write!(f, "{all}")?,
            all => write!(f, "the latest {} of {all}", self.tasks.len())?,
        }
        f.write_str("</small></h2>")?;
        if self.tasks.is_empty() {
            let base = Escaped(self.base);
            return write!(
                f,
                "<pre># No tasks yet. Create one:\n\
                 curl {base}/subscriptions -d '{{\"name\": \"test\"}}' \\\n    \
                 -H 'x-api-key: key' -H 'x-api-secret-key: secret'</pre></section>"
            );
        }
        f.write_str(
            "<div><table><thead><tr><th>Status<th>Command<th>Account<th>Updated<th>Outcome<th>Task\
             <tbody>",
        )?;
        for task in &self.tasks {
            self.write_task(f, task)?;
        }
        f.write_str("</table></div></section>")
    }

    fn write_task(&self, f: &mut fmt::Formatter<'_>, task: &Task) -> fmt::Result {
        let input: Value = serde_json::from_slice(task.input()).unwrap_or_default();
        let request = input["request"].as_str().unwrap_or_default();
        let (class, percent) = match task.status() {
            TaskStatus::Initialized => ("wait", 5),
            TaskStatus::Received => ("wait", 20),
            TaskStatus::ProcessingInProgress => ("work", 60),
            TaskStatus::ProcessingCompleted => ("done", 100),
            TaskStatus::ProcessingError => ("fail", 100),
        };
        let progress = task.progress().map(|progress| format!(" {progress}&nbsp;%"));
        let percent = task.progress().map_or(percent, Progress::percent);
        write!(
            f,
            "<tr><td class=\"{class} whole\"><span class=status>{}</span>{}\
             <progress max=100 value={percent}></progress>\
             <td class=wide>{}<small>{}</small><td class=whole>{}\
             <td class=whole>{}<small>{}</small><td class=wide>",
            task.status(),
            progress.unwrap_or_default(),
            Escaped(task.command_type().as_str()),
            Escaped(request),
            Escaped(task.account().as_str()),
            TimeOfDay(task.updated_at()),
            Ago { now: self.now, then: task.updated_at() },
        )?;
        self.write_outcome(f, task)?;
        write!(f, "<td class=whole><code>{}</code>", task.id())
    }

    /// Writes the outcome of a task or, if the viewer may control the mock, buttons to end it.
    fn write_outcome(&self, f: &mut fmt::Formatter<'_>, task: &Task) -> fmt::Result {
        match task.outcome() {
            Some(Ok(completion)) => {
                if let Some(id) = completion.resource_id() {
                    write!(f, "<code>{}</code>", Escaped(&id.to_string()))?;
                }
                if let Some(id) = completion.additional_resource_id() {
                    write!(f, "<small>in {}</small>", Escaped(&id.to_string()))?;
                }
                Ok(())
            }
            Some(Err(error)) => write!(
                f,
                "<code class=fail>{}</code><small>{}</small>",
                Escaped(error.code()),
                Escaped(error.description()),
            ),
            None if self.may_control => [("complete", "Complete"), ("fail", "Fail")]
                .into_iter()
                .try_for_each(|(event, label)| {
                    let id = task.id();
                    write!(f, "<button data-task={id} data-event={event}>{label}</button>")
                }),
            None => Ok(()),
        }
    }

    fn write_requests(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.requests.is_empty() {
            return Ok(());
        }
        f.write_str(
            "<section><h2>Latest requests</h2><div><table>\
             <thead><tr><th>Time<th>Account<th>Request<th>Status<th>Task<tbody>",
        )?;
        for request in self.requests.iter().rev() {
            let class = match request.status {
                ..400 => "done",
                400..500 => "wait",
                _ => "fail",
            };
            let account = request.account.as_ref().map_or("", AccountId::as_str);
            write!(
                f,
                "<tr><td class=whole>{}<td>{}<td class=wide><code>{} {}</code>\
                 <td class=\"{class} status\">{}<td class=whole><code>",
                TimeOfDay(request.at),
                Escaped(account),
                Escaped(request.method.as_str()),
                Escaped(&request.path),
                request.status,
            )?;
            if let Some(task) = request.task_id {
                write!(f, "{task}")?;
            }
            f.write_str("</code>")?;
        }
        f.write_str("</table></div></section>")
    }

    fn write_accounts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.accounts.is_empty() {
            return Ok(());
        }
        let count = self.accounts.len();
        write!(f, "<section><h2>Accounts <small>{count}</small></h2><div class=chips>")?;
        for (account, tasks, more) in self.accounts.iter().take(Self::ACCOUNTS) {
            let (name, more) = (Escaped(account.as_str()), if *more { "+" } else { "" });
            write!(f, "<span>{name} <small class=faint>{tasks}{more}</small></span>")?;
        }
        if count > Self::ACCOUNTS {
            write!(f, "<span class=faint>{} more</span>", count - Self::ACCOUNTS)?;
        }
        f.write_str("</div></section>")
    }
}

impl Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<!DOCTYPE html><html lang=en><meta charset=utf-8>\
             <meta name=viewport content=\"width=device-width\">\
             <noscript><meta http-equiv=refresh content=1></noscript><title>tasklife-mock</title>\
             <style>{}</style><script src=/_mock/page.js defer></script>\
             <body><main><header><h1>tasklife-mock</h1><code>{}</code>\
             <span class=faint>{} {} UTC",
            include_str!("page.css"),
            Escaped(self.base),
            self.now.format("%Y-%m-%d"),
            TimeOfDay(self.now),
        )?;
        if (self.speed - 1.0).abs() > f64::EPSILON {
            match self.speed {
                0.0 => f.write_str(", clock stopped")?,
                speed => write!(f, ", at {speed} times real time")?,
            }
        }
        f.write_str("</span></header>")?;
        self.write_tasks(f)?;
        self.write_requests(f)?;
        self.write_accounts(f)?;
        f.write_str("</main></body></html>\n")
    }
}

/// Untrusted text, escaped for HTML.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

struct TimeOfDay(Timestamp);

impl Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<time>{}</time>", self.0.format("%H:%M:%S"))
    }
}

/// The time from `then` to `now`, in the largest unit that fits.
struct Ago {
    now: Timestamp,
    then: Timestamp,
}

impl Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.now.signed_duration_since(self.then).num_seconds();
        match seconds {
            ..60 => write!(f, "{} s ago", seconds.max(0)),
            60..3_600 => write!(f, "{} min ago", seconds / 60),
            3_600..86_400 => write!(f, "{} h ago", seconds / 3_600),
            86_400.. => write!(f, "{} d ago", seconds / 86_400),
        }
    }
}
