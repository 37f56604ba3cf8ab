//! A thread that is joined when its handle is dropped.

use std::io;
use std::thread::{self, Builder, JoinHandle};

/// A running thread. Dropping this waits until the thread ends; signal it to end before that.
#[derive(Debug)]
pub(crate) struct Thread(Option<JoinHandle<()>>);

impl Thread {
    pub(crate) fn start(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        Ok(Self(Some(Builder::new().name(name.into()).spawn(run)?)))
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // The thread itself may drop the store, when it wakes a future that holds the last clone.
        // It can't join itself, and ends afterwards.
        let other = self.0.take().filter(|own| own.thread().id() != thread::current().id());
        if let Some(other) = other {
            let _ = other.join();
        }
    }
}
