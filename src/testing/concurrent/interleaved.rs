//! Calls at the same time on one thread, in an order that can be repeated.

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
use crate::testing::runner::Observations;

/// Makes the calls of all threads on this one. Where several can go on, the schedule says which does until
/// it has to wait again; after its end, they do so in turn.
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
            Thread { calls: Box::pin(calls), alarm: Arc::default(), ended: None }
        })
        .collect();
    let mut turn = 0;
    poll_fn(move |context| {
        for thread in &threads {
            thread.alarm.pass_on_to(context.waker());
        }
        let ready: Vec<usize> = (0..threads.len()).filter(|at| threads[*at].can_go_on()).collect();
        if !ready.is_empty() {
            let number = schedule.get(turn).map_or(turn, |number| usize::from(*number));
            threads[ready[number % ready.len()]].go_on();
            turn += 1;
            // Another poll, rather than another round here: an executor may count on getting its turn.
            context.waker().wake_by_ref();
        }
        if threads.iter().any(|thread| thread.ended.is_none()) {
            return Poll::Pending;
        }
        Poll::Ready(threads.iter_mut().filter_map(|thread| thread.ended.take()).collect())
    })
    .await
}

/// Calls that are made one after the other.
struct Thread<F> {
    calls: Pin<Box<F>>,
    alarm: Arc<Alarm>,
    ended: Option<Vec<TimedCall>>,
}

impl<F: Future<Output = Vec<TimedCall>>> Thread<F> {
    fn can_go_on(&self) -> bool {
        self.ended.is_none() && self.alarm.rings.load(Ordering::SeqCst)
    }

    fn go_on(&mut self) {
        self.alarm.rings.store(false, Ordering::SeqCst);
        let waker = Waker::from(self.alarm.clone());
        if let Poll::Ready(calls) = self.calls.as_mut().poll(&mut Context::from_waker(&waker)) {
            self.ended = Some(calls);
        }
    }
}

/// Rings when what a thread waits for has happened.
struct Alarm {
    rings: AtomicBool,
    /// Who is to be woken besides.
    executor: Mutex<Option<Waker>>,
}

impl Default for Alarm {
    /// At first, every thread can go on.
    fn default() -> Self {
        Self { rings: AtomicBool::new(true), executor: Mutex::default() }
    }
}

impl Alarm {
    fn pass_on_to(&self, waker: &Waker) {
        *self.executor.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.rings.store(true, Ordering::SeqCst);
        let executor = self.executor.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(executor) = executor {
            executor.wake();
        }
    }
}
