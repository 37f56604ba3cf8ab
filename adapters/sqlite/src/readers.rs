//! The connections that read, and the threads on which futures make blocking calls.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rusqlite::Connection;

use crate::database::{Location, execute};
use crate::fault::{CallError, Fault};
use crate::tables::Tables;

type Job = Box<dyn FnOnce() + Send>;

/// The number of threads in the pool.
const THREADS: usize = 4;

/// The largest number of idle connections that are kept.
const MAX_IDLE: usize = 16;

/// The connections that read. Each concurrent read has its own.
#[derive(Debug)]
pub(crate) struct Readers {
    location: Location,
    idle: Mutex<VecDeque<Connection>>,
}

impl Readers {
    pub(crate) const fn new(location: Location) -> Self {
        Self { location, idle: Mutex::new(VecDeque::new()) }
    }

    /// Reads the file at one moment: commits in the meantime are not seen.
    pub(crate) fn read<X, E>(
        &self,
        work: impl FnOnce(Tables<'_>) -> Result<X, CallError<E>>,
    ) -> Result<X, CallError<E>> {
        let idle = lock(&self.idle).pop_front();
        let connection = match idle {
            Some(connection) => connection,
            None => self.location.open_reader()?,
        };
        execute(&connection, "BEGIN").map_err(Fault::from)?;
        let read = work(Tables::new(&connection));
        execute(&connection, "COMMIT").map_err(Fault::from)?;
        let mut idle = lock(&self.idle);
        if idle.len() < MAX_IDLE {
            idle.push_front(connection);
        }
        read
    }
}

/// A pool of threads on which futures make blocking calls.
pub(crate) struct BlockingPool(Sender<Job>);

impl BlockingPool {
    /// Starts the threads. They end when the pool is dropped.
    pub(crate) fn start() -> std::io::Result<Self> {
        let (jobs, waiting) = channel::<Job>();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..THREADS {
            let waiting = waiting.clone();
            thread::Builder::new().name("tasklife-sqlite-reader".into()).spawn(move || {
                while let Some(job) = next(&waiting) {
                    // The waker is foreign code and may panic.
                    let _ = catch_unwind(AssertUnwindSafe(job));
                }
            })?;
        }
        Ok(Self(jobs))
    }

    /// Runs `work` on one of the threads.
    pub(crate) fn run<X: Send + 'static>(
        &self,
        work: impl FnOnce() -> X + Send + 'static,
    ) -> oneshot::Receiver<X> {
        let (reply, answer) = oneshot::channel();
        // If no thread is left, the receiver reports that no answer will come.
        let _ = self.0.send(Box::new(move || {
            let _ = reply.send(work());
        }));
        answer
    }
}

fn next(waiting: &Mutex<Receiver<Job>>) -> Option<Job> {
    lock(waiting).recv().ok()
}

fn lock<X>(mutex: &Mutex<X>) -> MutexGuard<'_, X> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for BlockingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingPool").finish_non_exhaustive()
    }
}
