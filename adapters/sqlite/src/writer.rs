//! The thread that writes. It commits waiting calls together.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use oneshot::Sender as Reply;
use rusqlite::{Connection, ErrorCode};
use tasklife::{BackendError, Notifier};

use crate::database::execute;
use crate::fault::{CallError, Fault, Shared};
use crate::tables::Tables;
use crate::thread::Thread;

/// The largest number of calls that are committed together.
const MAX_GROUP: usize = 128;

/// The pause between two tries to begin a transaction while another process writes.
const RETRY_PAUSE: Duration = Duration::from_micros(500);

/// The handle of the thread that writes. When it is dropped, the thread completes the pending
/// calls, ends and closes its connection.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Dropped before the thread, which then ends after the last job.
    jobs: Sender<Box<dyn Job>>,
    _thread: Thread,
}

impl Writer {
    /// Starts the thread. It wakes waiting workers after a commit that may have made work.
    pub(crate) fn start(
        connection: Connection,
        busy_timeout: Duration,
        notifier: Notifier,
    ) -> io::Result<Self> {
        let (jobs, waiting) = channel();
        let thread = Thread::start("tasklife-sqlite", move || {
            run(&connection, busy_timeout, &waiting, &notifier);
        })?;
        Ok(Self { jobs, _thread: thread })
    }

    /// Runs a call in a transaction, and answers once the transaction has ended.
    ///
    /// If the answer `may_make_work`, this then wakes waiting workers.
    pub(crate) fn call<X, E>(
        &self,
        work: impl FnOnce(Tables<'_>) -> Result<X, CallError<E>> + Send + 'static,
        may_make_work: fn(&X) -> bool,
    ) -> oneshot::Receiver<Result<X, E>>
    where
        X: Send + 'static,
        E: From<BackendError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Call { work: Some(work), may_make_work, answer: None, reply };
        if let Err(unsent) = self.jobs.send(Box::new(job)) {
            unsent.0.finish(Err(BackendError::not_applied(Fault::ThreadEnded)));
        }
        answer
    }
}

/// A call that waits for the thread or its commit.
trait Job: Send {
    /// Runs the call in a transaction that it may share with other calls.
    fn run(&mut self, tables: Tables<'_>) -> Result<(), Fault>;

    /// Answers the caller once the transaction has ended. Returns whether the call may have made
    /// work.
    fn finish(self: Box<Self>, committed: Result<(), BackendError>) -> bool;
}

struct Call<F, X, E> {
    work: Option<F>,
    may_make_work: fn(&X) -> bool,
    answer: Option<Result<X, E>>,
    reply: Reply<Result<X, E>>,
}

impl<F, X, E> Job for Call<F, X, E>
where
    F: FnOnce(Tables<'_>) -> Result<X, CallError<E>> + Send,
    X: Send,
    E: From<BackendError> + Send,
{
    fn run(&mut self, tables: Tables<'_>) -> Result<(), Fault> {
        let Some(work) = self.work.take() else { return Ok(()) };
        self.answer = Some(match work(tables) {
            Ok(answer) => Ok(answer),
            Err(CallError::Refused(refusal)) => Err(refusal),
            Err(CallError::Failed(fault)) => return Err(fault),
        });
        Ok(())
    }

    fn finish(self: Box<Self>, committed: Result<(), BackendError>) -> bool {
        let Self { answer, reply, may_make_work, .. } = *self;
        let answer = match (committed, answer) {
            (Ok(()), Some(answer)) => answer,
            (Ok(()), None) => Err(BackendError::not_applied(Fault::ThreadEnded).into()),
            (Err(error), _) => Err(error.into()),
        };
        let made_work = answer.as_ref().is_ok_and(may_make_work);
        // Sending fails if the caller dropped the future.
        let _ = reply.send(answer);
        made_work
    }
}

fn run(
    connection: &Connection,
    busy_timeout: Duration,
    waiting: &Receiver<Box<dyn Job>>,
    notifier: &Notifier,
) {
    while let Ok(first) = waiting.recv() {
        if let Err(fault) = begin(connection, busy_timeout) {
            let fault = Shared::from(Fault::from(fault));
            // Fail the calls that have waited, but none that is sent after the first has its
            // answer.
            let waited: Vec<_> = std::iter::once(first).chain(waiting.try_iter()).collect();
            for job in waited {
                finish(job, Err(BackendError::not_applied(fault.clone())));
            }
            continue;
        }
        let group = std::iter::once(first).chain(waiting.try_iter()).take(MAX_GROUP);
        if commit(connection, group) {
            let _ = catch_unwind(AssertUnwindSafe(|| notifier.notify()));
        }
    }
}

/// Begins a transaction that writes, once no other process writes.
///
/// SQLite's own wait sleeps longer each time. It would miss the short gaps between the transactions
/// of a process that writes all the time.
fn begin(connection: &Connection, busy_timeout: Duration) -> rusqlite::Result<()> {
    let begin = Instant::now();
    loop {
        match execute(connection, "BEGIN IMMEDIATE") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && begin.elapsed() < busy_timeout =>
            {
                thread::sleep(RETRY_PAUSE);
            }
            answer => return answer,
        }
    }
}

/// Answers the caller of a job. If the waker panics, which is foreign code, the other callers still
/// get their answers.
fn finish(job: Box<dyn Job>, committed: Result<(), BackendError>) -> bool {
    catch_unwind(AssertUnwindSafe(|| job.finish(committed))).unwrap_or(true)
}

/// Runs calls in the transaction that has begun, and ends it. Returns whether they may have made
/// work.
///
/// A call that fails does not affect the others, unless SQLite rolls back the whole transaction.
fn commit(connection: &Connection, group: impl Iterator<Item = Box<dyn Job>>) -> bool {
    let mut done: Vec<Box<dyn Job>> = Vec::new();
    let mut end = Ok(());
    for mut job in group {
        let made = execute(connection, "SAVEPOINT call")
            .map_err(Fault::from)
            .and_then(|()| job.run(Tables::new(connection)));
        let undone = if connection.is_autocommit() {
            Ok(())
        } else if made.is_ok() {
            execute(connection, "RELEASE call")
        } else {
            connection.execute_batch("ROLLBACK TO call; RELEASE call")
        };
        match (made, undone) {
            (Ok(()), Ok(())) => done.push(job),
            (Ok(()), Err(fault)) => {
                end = Err(Fault::from(fault));
                done.push(job);
                break;
            }
            (Err(fault), undone) => {
                let fault = Shared::from(fault);
                finish(job, Err(BackendError::not_applied(fault.clone())));
                if connection.is_autocommit() || undone.is_err() {
                    end = Err(Fault::RolledBack(fault));
                    break;
                }
            }
        }
    }
    let end = end.and_then(|()| execute(connection, "COMMIT").map_err(Fault::from));
    if end.is_err() && !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    let end = end.map_err(|fault| (fault.leaves_unknown(), Shared::from(fault)));
    let mut made_work = false;
    for job in done {
        let committed = end.clone().map_err(|(is_unknown, fault)| {
            if is_unknown { BackendError::unknown(fault) } else { BackendError::not_applied(fault) }
        });
        made_work |= finish(job, committed);
    }
    made_work
}
