//! The configuration of a history's store, as plain numbers.

use core::num::NonZeroU32;
use core::time::Duration;

use super::History;
use crate::retention::{CountedFrom, Retention};
use crate::store::StoreConfig;

/// The limits and periods of a history's store.
///
/// `None` is the default of [`StoreConfig`] for the retention, the output and `max_in_progress`, no
/// limit for the other numbers, and no takeover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::testing) struct Limits {
    pub(in crate::testing) retention_nanos: Option<i64>,
    pub(in crate::testing) counted_from: CountedFrom,
    pub(in crate::testing) max_tasks: Option<usize>,
    pub(in crate::testing) max_open: Option<usize>,
    pub(in crate::testing) max_in_progress: Option<u32>,
    pub(in crate::testing) takeover_after_nanos: Option<u64>,
    pub(in crate::testing) max_attempts: Option<u32>,
    pub(in crate::testing) max_output: Option<usize>,
    pub(in crate::testing) drops_input_at_end: bool,
}

impl Limits {
    pub(super) fn config(self) -> StoreConfig {
        let non_zero = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let max_attempts = non_zero(self.max_attempts.unwrap_or(u32::MAX));
        let mut config = StoreConfig::default()
            .with_retention(self.retention())
            .with_max_input(History::MAX_INPUT)
            .with_max_tasks(self.max_tasks.unwrap_or(usize::MAX))
            .with_max_open(self.max_open.unwrap_or(usize::MAX))
            .with_max_attempts(max_attempts)
            .without_takeover();
        if let Some(per_account) = self.max_in_progress {
            config = config.with_max_in_progress(non_zero(per_account));
        }
        if let Some(bytes) = self.max_output {
            config = config.with_max_output(bytes);
        }
        if let Some(nanos) = self.takeover_after_nanos {
            config = config.with_takeover_after(Duration::from_nanos(nanos));
        }
        config
    }

    fn retention(self) -> Retention {
        let period = match self.retention_nanos {
            Some(nanos) => Duration::from_nanos(nanos.max(0).unsigned_abs()),
            None => Retention::default().period(),
        };
        let retention = Retention::new(period, self.counted_from);
        if self.drops_input_at_end { retention.without_input_after_end() } else { retention }
    }
}
