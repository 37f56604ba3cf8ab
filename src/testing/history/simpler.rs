//! Simpler variants of a history, for shrinking one that fails.

use alloc::vec::Vec;

use super::{Call, ExpectedRevision, Filter, History, Limits, Request};
use crate::retention::CountedFrom;

/// The largest history, in calls, for which leaving out each pair of calls is tried.
const MAX_CALLS_FOR_PAIRS: usize = 16;

impl History {
    /// Returns simpler variants of the history, the most drastic ones first.
    ///
    /// They leave out a run of calls, one call, two calls, a call of a thread, or a number of the
    /// schedule; they remove or lower a limit; they simplify one call; or they make one call at the
    /// time of the call before.
    pub(in crate::testing) fn simpler(&self) -> impl Iterator<Item = Self> {
        let len = self.steps.len();
        let with = |change: &dyn Fn(&mut Self)| {
            let mut simpler = self.clone();
            change(&mut simpler);
            simpler
        };
        let sizes = core::iter::successors(Some(len / 2), |size| Some(size / 2));
        let sizes = sizes.take_while(|size| *size > 1);
        let runs =
            sizes.flat_map(move |size| (0..len).step_by(size).map(move |begin| (begin, size)));
        let without_run = runs.map(move |(begin, size)| {
            with(&|history| {
                history.steps.drain(begin..len.min(begin + size));
            })
        });
        let without_call = (0..len).map(move |at| {
            with(&|history| {
                history.steps.remove(at);
            })
        });
        let pairs = (0..len).filter(move |_| len <= MAX_CALLS_FOR_PAIRS);
        let pairs = pairs.flat_map(|second| (0..second).map(move |first| (first, second)));
        let without_pair = pairs.map(move |(first, second)| {
            with(&|history| {
                history.steps.remove(second);
                history.steps.remove(first);
            })
        });
        let threads = self.threads.iter().enumerate();
        let thread_calls =
            threads.flat_map(|(thread, steps)| (0..steps.len()).map(move |at| (thread, at)));
        let without_thread_call = thread_calls.map(move |(thread, at)| {
            with(&|history| {
                history.threads[thread].remove(at);
                history.threads.retain(|steps| !steps.is_empty());
            })
        });
        let schedule_len = self.schedule.as_ref().map_or(0, Vec::len);
        let shorter_schedules = (0..schedule_len).map(move |at| {
            with(&|history| {
                history.schedule.as_mut().map(|schedule| schedule.remove(at));
            })
        });
        let simpler_limits = self.limits.simpler();
        let simpler_limits =
            simpler_limits.map(move |limits| with(&|history| history.limits = limits));
        let simpler_calls = (0..len).filter_map(move |at| {
            let call = self.steps[at].call.simplest()?;
            Some(with(&|history| history.steps[at].call = call.clone()))
        });
        let moved_in_time = (0..len).filter_map(move |at| {
            let before = at.checked_sub(1).map_or(0, |before| self.steps[before].at);
            (self.steps[at].at != before).then(|| with(&|history| history.steps[at].at = before))
        });
        without_run
            .chain(without_call)
            .chain(without_pair)
            .chain(without_thread_call)
            .chain(shorter_schedules)
            .chain(simpler_limits)
            .chain(simpler_calls)
            .chain(moved_in_time)
    }
}

impl Limits {
    fn simpler(self) -> impl Iterator<Item = Self> {
        let Self { max_tasks, max_open, max_in_progress, .. } = self;
        let lower = |limit: Option<usize>| limit.map(|limit| limit.saturating_sub(1));
        let fewer_in_progress = max_in_progress.map(|tasks| tasks.saturating_sub(1).max(1));
        let simpler = [
            Self { counted_from: CountedFrom::Submission, ..self },
            Self { max_tasks: None, ..self },
            Self { max_open: None, ..self },
            Self { max_in_progress: None, ..self },
            Self { takeover_after_nanos: None, ..self },
            Self { max_attempts: None, ..self },
            Self { max_output: None, ..self },
            Self { drops_input_at_end: false, ..self },
            Self { max_tasks: lower(max_tasks), ..self },
            Self { max_open: lower(max_open), ..self },
            Self { max_in_progress: fewer_in_progress, ..self },
        ];
        simpler.into_iter().filter(move |simpler| *simpler != self)
    }
}

impl Call {
    /// Returns the call with its simplest arguments, unless it has them already.
    fn simplest(&self) -> Option<Self> {
        let mut call = self.clone();
        match &mut call {
            Self::Submit { request, .. } => *request = Request::NoInput,
            Self::Apply { expected, .. } => *expected = ExpectedRevision::Any,
            Self::List { limit, filter, .. } | Self::ListAll { limit, filter, .. } => {
                (*limit, *filter) = (1, Filter::default());
            }
            Self::NextPage { limit, .. } | Self::Sweep { limit } => *limit = 1,
            Self::Claim(_) | Self::Get { .. } => {}
        }
        (call != *self).then_some(call)
    }
}
