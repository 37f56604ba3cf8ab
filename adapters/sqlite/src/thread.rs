//! A thread of the store's own.

use std::io;
use std::thread::{self, Builder, JoinHandle};

/// A thread. Whoever drops this waits until it has ended, which it must have been told to.
#[derive(Debug)]
pub(crate) struct Thread(Option<JoinHandle<()>>);

impl Thread {
    pub(crate) fn start(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        Ok(Self(Some(Builder::new().name(name.into()).spawn(run)?)))
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // A thread that wakes a future may be the one that drops it, and the store with it: it can't wait for
        // itself, and ends after that.
        let other = self.0.take().filter(|own| own.thread().id() != thread::current().id());
        if let Some(other) = other {
            let _ = other.join();
        }
    }
}
