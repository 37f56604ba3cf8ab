//! The tasks that everything is measured with: as in the reference, with ordinary names, a result
//! that has a resource id, and a route; in an order that a cache can't foresee.

use chrono::TimeDelta;
use tasklife::{
    AccountId, CommandType, Completion, Links, Now, Progress, StoreConfig, Submission, TaskError,
    TaskEvent, TaskId,
};
use uuid::Uuid;

const COMMANDS: [CommandType; 4] = [
    CommandType::from_static("subscriptionCreateRequest"),
    CommandType::from_static("databaseCreateRequest"),
    CommandType::from_static("databaseUpdateRequest"),
    CommandType::from_static("subscriptionDeleteRequest"),
];

/// One task in so many has failed: the status to filter by.
pub const RARE: usize = 1_000;

/// The configuration of what is measured: as many tasks as there are, and no take-over, which none of
/// the others has.
#[must_use]
pub fn config() -> StoreConfig {
    StoreConfig::default().with_max_tasks(usize::MAX).without_takeover()
}

/// Tasks by number, spread over accounts.
#[derive(Debug)]
pub struct Workload {
    accounts: Vec<AccountId>,
    begin: Now,
    today: Now,
}

/// Where a task of the workload stands once a store is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Running,
    Completed,
    Failed,
}

impl Workload {
    pub fn new(accounts: usize) -> Self {
        let name = |number| format!("acct-{number:07}").parse();
        let begin: Now = "2019-08-08T06:49:15.929Z".parse().expect("an instant");
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

    /// When a task is submitted: one each millisecond.
    pub fn submitted_at(&self, task: usize) -> Now {
        self.begin + TimeDelta::milliseconds(i64::try_from(task).unwrap_or(i64::MAX))
    }

    /// A day after the first submission: the first tasks have more than a week to live.
    pub fn today(&self) -> Now {
        self.today
    }

    /// When all tasks have expired.
    pub fn doomsday(&self) -> Now {
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

    /// The tasks in the order in which they are started and ended: not that of their submission.
    pub fn order(tasks: usize) -> impl Iterator<Item = usize> {
        /// A prime that divides no power of ten.
        const STRIDE: usize = 7_368_787;
        (0..tasks).map(move |turn| turn * STRIDE % tasks)
    }

    /// The event that ends a task, where it has ended.
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

    /// The resource that a task made.
    pub fn resource(&self, task: usize) -> i64 {
        70_000 + i64::try_from(task).unwrap_or(i64::MAX)
    }

    /// The report that moves a running task to the top of its list.
    pub fn report(&self) -> TaskEvent {
        TaskEvent::report_of(Progress::of(1, 2))
    }

    /// A running task near a number.
    pub fn running(&self, near: usize) -> usize {
        let odd = near | 1;
        if self.stage(odd) == Stage::Running { odd } else { odd ^ 2 }
    }
}

/// Links as a server has them, with a route for each command.
pub fn links() -> Links {
    let links = Links::new("https://api.redislabs.com/v1").expect("an address");
    COMMANDS.into_iter().fold(links, |links, command| {
        links
            .with_route(command, "/subscriptions/{resourceId}", "getSubscriptionInformation")
            .expect("a route")
    })
}

/// Numbers below `bound`, in an order without a pattern, the same each time.
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
