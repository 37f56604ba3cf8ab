//! The tasks of all measurements.
//!
//! They are like those of the reference, with typical names, a resource id as result, and a route.
//! They are used in an order that a cache cannot predict.

use chrono::TimeDelta;
use tasklife::{
    AccountId, CommandType, Completion, Links, Progress, StoreConfig, Submission, TaskError,
    TaskEvent, TaskId, Timestamp,
};
use uuid::Uuid;

const COMMANDS: [CommandType; 4] = [
    CommandType::from_static("subscriptionCreateRequest"),
    CommandType::from_static("databaseCreateRequest"),
    CommandType::from_static("databaseUpdateRequest"),
    CommandType::from_static("subscriptionDeleteRequest"),
];

/// One task in this many has failed. Filters use this status.
pub const RARE: usize = 1_000;

/// Returns the configuration of all measurements: no limit on tasks, and no takeover, which no
/// rival has.
#[must_use]
pub fn config() -> StoreConfig {
    StoreConfig::default().with_max_tasks(usize::MAX).without_takeover()
}

/// Tasks by number, spread over accounts.
#[derive(Debug)]
pub struct Workload {
    accounts: Vec<AccountId>,
    begin: Timestamp,
    today: Timestamp,
}

/// The state of a task in a filled store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Running,
    Completed,
    Failed,
}

impl Workload {
    pub fn new(accounts: usize) -> Self {
        let name = |number| format!("acct-{number:07}").parse();
        let begin: Timestamp = "2019-08-08T06:49:15.929Z".parse().expect("an instant");
        Self {
            accounts: (0..accounts).map(name).collect::<Result<_, _>>().expect("plain names"),
            begin,
            today: begin + TimeDelta::days(1),
        }
    }

    pub fn account(&self, task: usize) -> &AccountId {
        &self.accounts[task % self.accounts.len()]
    }

    pub fn id(&self, task: usize) -> TaskId {
        let high = scramble(task as u64);
        TaskId::from(Uuid::from_u64_pair(high, scramble(high)))
    }

    pub fn command(&self, task: usize) -> CommandType {
        COMMANDS[task / RARE % COMMANDS.len()].clone()
    }

    pub fn submission(&self, task: usize) -> Submission {
        Submission::new(self.account(task).clone(), self.id(task), self.command(task))
    }

    /// Returns when a task is submitted. One task is submitted each millisecond.
    pub fn submitted_at(&self, task: usize) -> Timestamp {
        self.begin + TimeDelta::milliseconds(i64::try_from(task).unwrap_or(i64::MAX))
    }

    /// Returns the `now` of most calls, a day after the first submission and before any expiry.
    pub fn today(&self) -> Timestamp {
        self.today
    }

    /// Returns an instant at which all tasks have expired.
    pub fn all_expired_at(&self) -> Timestamp {
        self.begin + TimeDelta::days(400)
    }

    pub fn stage(&self, task: usize) -> Stage {
        if task % RARE == 7 {
            Stage::Failed
        } else if task.is_multiple_of(2) {
            Stage::Completed
        } else {
            Stage::Running
        }
    }

    /// Returns the tasks in the order in which they are started and ended, which differs from the
    /// order of submission.
    pub fn order(tasks: usize) -> impl Iterator<Item = usize> {
        /// A prime that divides no power of ten.
        const STRIDE: usize = 7_368_787;
        (0..tasks).map(move |turn| turn * STRIDE % tasks)
    }

    /// Returns the event that ends a task, unless it stays in progress.
    pub fn end(&self, task: usize) -> Option<TaskEvent> {
        match self.stage(task) {
            Stage::Running => None,
            Stage::Completed => Some(TaskEvent::complete(Completion::of(self.resource(task)))),
            Stage::Failed => Some(TaskEvent::fail(
                TaskError::new("SUBSCRIPTION_NOT_FOUND", "Subscription was not found.")
                    .with_status("404 NOT_FOUND"),
            )),
        }
    }

    /// Returns the id of the resource that a task created.
    pub fn resource(&self, task: usize) -> i64 {
        70_000 + i64::try_from(task).unwrap_or(i64::MAX)
    }

    /// Returns a report, which moves a running task to the top of its list.
    pub fn report(&self) -> TaskEvent {
        TaskEvent::report_of(Progress::of(1, 2))
    }

    /// Returns a running task close to a number.
    pub fn running(&self, near: usize) -> usize {
        let odd = near | 1;
        if self.stage(odd) == Stage::Running { odd } else { odd ^ 2 }
    }
}

/// Returns the links of a typical server, with a route for each command type.
pub fn links() -> Links {
    let links = Links::new("https://api.redislabs.com/v1").expect("an address");
    COMMANDS.into_iter().fold(links, |links, command| {
        links
            .with_route(command, "/subscriptions/{resourceId}", "getSubscriptionInformation")
            .expect("a route")
    })
}

/// Returns pseudo-random numbers below `bound`, the same for each seed.
pub fn scattered(bound: usize, seed: u64) -> impl Iterator<Item = usize> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let wide = u128::from(scramble(state)) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    })
}

/// `SplitMix64`'s finalizer: a bijection without a visible pattern.
const fn scramble(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
