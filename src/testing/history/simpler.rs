//! Histories that are simpler than one: what a failing history is shortened by.

use alloc::vec::Vec;

use super::{Call, Filter, Guard, History, Limits, Request};
use crate::retention::CountedFrom;

/// Of so many calls at most it is tried to leave out each two.
const FEW_CALLS: usize = 16;

impl History {
    /// Histories that are simpler: many calls fewer, one or two fewer, a shorter schedule, a limit fewer or
    /// lower, a plainer call, a call at the time of the one before.
    pub(in crate::testing) fn simpler(&self) -> impl Iterator<Item = Self> {
        let len = self.steps.len();
        let with = |change: &dyn Fn(&mut Self)| {
            let mut simpler = self.clone();
            change(&mut simpler);
            simpler
        };
        let sizes = core::iter::successors(Some(len / 2), |size| Some(size / 2));
        let chunks = sizes.take_while(|size| *size > 1);
        let chunks =
            chunks.flat_map(move |size| (0..len).step_by(size).map(move |begin| (begin, size)));
        let much_fewer_calls = chunks.map(move |(begin, size)| {
            with(&|history| {
                history.steps.drain(begin..len.min(begin + size));
            })
        });
        let fewer_calls = (0..len).map(move |at| {
            with(&|history| {
                history.steps.remove(at);
            })
        });
        // Of many calls, the pairs are too many.
        let pairs = (0..len).filter(move |_| len <= FEW_CALLS);
        let pairs = pairs.flat_map(|second| (0..second).map(move |first| (first, second)));
        let two_calls_fewer = pairs.map(move |(first, second)| {
            with(&|history| {
                history.steps.remove(second);
                history.steps.remove(first);
            })
        });
        let in_threads = self.threads.iter().enumerate();
        let places =
            in_threads.flat_map(|(thread, steps)| (0..steps.len()).map(move |at| (thread, at)));
        let fewer_in_threads = places.map(move |(thread, at)| {
            with(&|history| {
                history.threads[thread].remove(at);
                history.threads.retain(|steps| !steps.is_empty());
            })
        });
        let turns = self.schedule.as_ref().map_or(0, Vec::len);
        let shorter_schedules = (0..turns).map(move |at| {
            with(&|history| {
                history.schedule.as_mut().map(|turns| turns.remove(at));
            })
        });
        let limits = self.limits.simpler();
        let fewer_limits = limits.map(move |limits| with(&|history| history.limits = limits));
        let plainer = (0..len).filter_map(move |at| {
            let call = self.steps[at].call.plainer()?;
            Some(with(&|history| history.steps[at].call = call.clone()))
        });
        let earlier = (0..len).filter_map(move |at| {
            let before = at.checked_sub(1).map_or(0, |before| self.steps[before].at);
            (self.steps[at].at != before).then(|| with(&|history| history.steps[at].at = before))
        });
        much_fewer_calls
            .chain(fewer_calls)
            .chain(two_calls_fewer)
            .chain(fewer_in_threads)
            .chain(shorter_schedules)
            .chain(fewer_limits)
            .chain(plainer)
            .chain(earlier)
    }
}

impl Limits {
    fn simpler(self) -> impl Iterator<Item = Self> {
        let Self { max_tasks, max_open, max_in_progress, .. } = self;
        let lower = |limit: Option<usize>| limit.map(|limit| limit.saturating_sub(1));
        let narrower = max_in_progress.map(|width| width.saturating_sub(1).max(1));
        let simpler = [
            Self { counted_from: CountedFrom::Submission, ..self },
            Self { max_tasks: None, ..self },
            Self { max_open: None, ..self },
            Self { max_in_progress: None, ..self },
            Self { takeover_nanos: None, ..self },
            Self { max_attempts: None, ..self },
            Self { max_output: None, ..self },
            Self { input_until_end: false, ..self },
            Self { max_tasks: lower(max_tasks), ..self },
            Self { max_open: lower(max_open), ..self },
            Self { max_in_progress: narrower, ..self },
        ];
        simpler.into_iter().filter(move |simpler| *simpler != self)
    }
}

impl Call {
    /// The call with the plainest request, guard, limit and filter, where it has others.
    fn plainer(&self) -> Option<Self> {
        let mut call = self.clone();
        match &mut call {
            Self::Submit { request, .. } => *request = Request::Plain,
            Self::Apply { guard, .. } => *guard = Guard::Latest,
            Self::List { limit, filter, .. } | Self::ListAll { limit, filter, .. } => {
                (*limit, *filter) = (1, Filter::default());
            }
            Self::Walk { limit, .. } | Self::Sweep { limit } => *limit = 1,
            Self::Claim(_) | Self::Get { .. } => {}
        }
        (call != *self).then_some(call)
    }
}
