//! Connections that read, beside the one that writes, and the threads on which futures read.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rusqlite::Connection;

use crate::database::{Location, execute};
use crate::fault::{Fault, Stop};
use crate::tables::Tables;

type Job = Box<dyn FnOnce() + Send>;

/// How many threads read for futures.
const THREADS: usize = 4;

/// How many connections are kept for the next ones to read.
const KEPT: usize = 16;

/// Connections that read, as many as are in use at a time.
#[derive(Debug)]
pub(crate) struct Readers {
    location: Location,
    idle: Mutex<VecDeque<Connection>>,
}

impl Readers {
    pub(crate) const fn new(location: Location) -> Self {
        Self { location, idle: Mutex::new(VecDeque::new()) }
    }

    /// Reads at one moment: what is committed meanwhile is not seen.
    pub(crate) fn read<X, E>(
        &self,
        work: impl FnOnce(Tables<'_>) -> Result<X, Stop<E>>,
    ) -> Result<X, Stop<E>> {
        let known = lock(&self.idle).pop_front();
        let connection = match known {
            Some(connection) => connection,
            None => self.location.open_reader()?,
        };
        execute(&connection, "BEGIN").map_err(Fault::from)?;
        let read = work(Tables::new(&connection));
        execute(&connection, "COMMIT").map_err(Fault::from)?;
        let mut idle = lock(&self.idle);
        if idle.len() < KEPT {
            idle.push_front(connection);
        }
        read
    }
}

/// Threads on which futures wait for what blocks.
pub(crate) struct Threads(Sender<Job>);

impl Threads {
    /// Starts them. They end when this is dropped.
    pub(crate) fn start() -> std::io::Result<Self> {
        let (jobs, waiting) = channel::<Job>();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..THREADS {
            let waiting = waiting.clone();
            thread::Builder::new().name("tasklife-sqlite-reader".into()).spawn(move || {
                while let Some(job) = next(&waiting) {
                    // What it wakes is foreign, and may panic.
                    let _ = catch_unwind(AssertUnwindSafe(job));
                }
            })?;
        }
        Ok(Self(jobs))
    }

    /// Has something done on one of them.
    pub(crate) fn run<X: Send + 'static>(
        &self,
        work: impl FnOnce() -> X + Send + 'static,
    ) -> oneshot::Receiver<X> {
        let (reply, answer) = oneshot::channel();
        // Where none of them is left, the answer is that there will be none.
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

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads").finish_non_exhaustive()
    }
}
