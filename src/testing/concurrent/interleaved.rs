//! Interleaves the threads of a history on one OS thread, in a deterministic order.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll};
use std::sync::{Mutex, PoisonError};
use std::task::{Wake, Waker};

use super::{Caller, TimedCall};
use crate::store::AsyncTaskStore;
use crate::testing::history::History;
use crate::testing::observations::Observations;

/// Runs all threads of a history as one future. At each step, the schedule chooses one of the
/// threads that are ready, and it runs until it is pending. After the last number of the schedule,
/// the threads take turns.
pub(super) async fn interleaved<S: AsyncTaskStore>(
    history: &History,
    schedule: &[u8],
    caller: &Caller<'_, S>,
    observed: &Observations,
) -> Vec<Vec<TimedCall>> {
    let mut threads: Vec<_> = history
        .threads
        .iter()
        .map(|steps| {
            let mut observed = observed.clone();
            let calls = async move { caller.call_all(steps, &mut observed).await };
            Thread { calls: Box::pin(calls), wakeup: Arc::default(), finished: None }
        })
        .collect();
    let mut step = 0;
    poll_fn(move |context| {
        for thread in &threads {
            thread.wakeup.forward_to(context.waker());
        }
        let ready: Vec<usize> = (0..threads.len()).filter(|at| threads[*at].is_ready()).collect();
        if !ready.is_empty() {
            let number = schedule.get(step).map_or(step, |number| usize::from(*number));
            threads[ready[number % ready.len()]].poll();
            step += 1;
            // Return after each step instead of looping, so that the executor can run other work.
            context.waker().wake_by_ref();
        }
        if threads.iter().any(|thread| thread.finished.is_none()) {
            return Poll::Pending;
        }
        Poll::Ready(threads.iter_mut().filter_map(|thread| thread.finished.take()).collect())
    })
    .await
}

/// A thread of a history: calls that are made one after the other.
struct Thread<F> {
    calls: Pin<Box<F>>,
    wakeup: Arc<Wakeup>,
    /// The calls, once the thread has ended.
    finished: Option<Vec<TimedCall>>,
}

impl<F: Future<Output = Vec<TimedCall>>> Thread<F> {
    fn is_ready(&self) -> bool {
        self.finished.is_none() && self.wakeup.is_woken.load(Ordering::SeqCst)
    }

    fn poll(&mut self) {
        self.wakeup.is_woken.store(false, Ordering::SeqCst);
        let waker = Waker::from(self.wakeup.clone());
        if let Poll::Ready(calls) = self.calls.as_mut().poll(&mut Context::from_waker(&waker)) {
            self.finished = Some(calls);
        }
    }
}

/// Records that a thread was woken, and wakes the executor.
struct Wakeup {
    is_woken: AtomicBool,
    executor: Mutex<Option<Waker>>,
}

impl Default for Wakeup {
    /// At first, every thread is ready.
    fn default() -> Self {
        Self { is_woken: AtomicBool::new(true), executor: Mutex::default() }
    }
}

impl Wakeup {
    fn forward_to(&self, waker: &Waker) {
        *self.executor.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }
}

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Ordering::SeqCst);
        let executor = self.executor.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(executor) = executor {
            executor.wake();
        }
    }
}
