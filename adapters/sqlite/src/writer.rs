//! The thread that writes: calls that wait for it are committed together.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use oneshot::Sender as Reply;
use rusqlite::{Connection, ErrorCode};
use tasklife::{BackendError, Notifier};

use crate::database::execute;
use crate::fault::{Fault, Shared, Stop};
use crate::tables::Tables;
use crate::thread::Thread;

/// How many calls are committed together at the most: so many wait for each other.
const TOGETHER: usize = 128;

/// After what time it is tried again whether another process has ended its transaction.
const NEXT_TRY: Duration = Duration::from_micros(500);

/// The way to the thread that writes. When it is dropped, the thread ends and closes its connection.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Dropped before the thread, which ends when the last job is done.
    jobs: Sender<Box<dyn Job>>,
    _thread: Thread,
}

impl Writer {
    /// Starts the thread. It rings the notifier for what was committed and may have made work.
    pub(crate) fn start(
        connection: Connection,
        patience: Duration,
        notifier: Notifier,
    ) -> io::Result<Self> {
        let (jobs, waiting) = channel();
        let thread = Thread::start("tasklife-sqlite", move || {
            run(&connection, patience, &waiting, &notifier);
        })?;
        Ok(Self { jobs, _thread: thread })
    }

    /// Has a call made in a transaction. Its answer comes once that is committed; then the notifier rings, where it
    /// may have made work.
    pub(crate) fn call<X, E>(
        &self,
        work: impl FnOnce(Tables<'_>) -> Result<X, Stop<E>> + Send + 'static,
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

/// A call on its way.
trait Job: Send {
    /// Makes the call, in a transaction that others share.
    fn run(&mut self, tables: Tables<'_>) -> Result<(), Fault>;

    /// Tells the caller what came of it, once that is certain. Gives whether it may have made work.
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
    F: FnOnce(Tables<'_>) -> Result<X, Stop<E>> + Send,
    X: Send,
    E: From<BackendError> + Send,
{
    fn run(&mut self, tables: Tables<'_>) -> Result<(), Fault> {
        let Some(work) = self.work.take() else { return Ok(()) };
        self.answer = Some(match work(tables) {
            Ok(answer) => Ok(answer),
            Err(Stop::Refused(refusal)) => Err(refusal),
            Err(Stop::Failed(fault)) => return Err(fault),
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
        // Nobody waits for it where the future was dropped.
        let _ = reply.send(answer);
        made_work
    }
}

fn run(
    connection: &Connection,
    patience: Duration,
    waiting: &Receiver<Box<dyn Job>>,
    notifier: &Notifier,
) {
    while let Ok(first) = waiting.recv() {
        if let Err(fault) = begin(connection, patience) {
            let fault = Shared::from(Fault::from(fault));
            // Those that have waited, and none that is sent once the first has heard of it.
            let waited: Vec<_> = std::iter::once(first).chain(waiting.try_iter()).collect();
            for job in waited {
                finish(job, Err(BackendError::not_applied(fault.clone())));
            }
            continue;
        }
        let together = std::iter::once(first).chain(waiting.try_iter()).take(TOGETHER);
        if commit(connection, together) {
            let _ = catch_unwind(AssertUnwindSafe(|| notifier.notify()));
        }
    }
}

/// Begins a transaction that writes, once no other process does. SQLite's own waiting sleeps for ever longer, so that
/// it misses the moments between the transactions of a process that always has one.
fn begin(connection: &Connection, patience: Duration) -> rusqlite::Result<()> {
    let begin = Instant::now();
    loop {
        match execute(connection, "BEGIN IMMEDIATE") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && begin.elapsed() < patience =>
            {
                thread::sleep(NEXT_TRY);
            }
            answer => return answer,
        }
    }
}

/// Tells a caller what came of its call. What is woken by that is foreign: where it panics, the others are told all
/// the same.
fn finish(job: Box<dyn Job>, committed: Result<(), BackendError>) -> bool {
    catch_unwind(AssertUnwindSafe(|| job.finish(committed))).unwrap_or(true)
}

/// Makes calls in the transaction that has begun, and ends it. One that fails leaves the others alone, unless
/// the engine takes back the whole transaction with it. Gives whether they may have made work.
fn commit(connection: &Connection, together: impl Iterator<Item = Box<dyn Job>>) -> bool {
    let mut done: Vec<Box<dyn Job>> = Vec::new();
    let mut end = Ok(());
    for mut job in together {
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
                    end = Err(Fault::TakenBack(fault));
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
