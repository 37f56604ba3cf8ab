//! Stores of thousands of tasks, compared with a list that is sorted anew each time. The store's
//! indexes are split, merged, compacted and freed many times.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use chrono::TimeDelta;
use proptest::prelude::{ProptestConfig, any, proptest};
use tasklife::{
    Completion, ListQuery, LocalStore, Retention, Scope, Snapshot, StoreConfig, Target, Task,
    TaskError, TaskEvent, TaskId, TaskStatus, Timestamp,
};

use crate::support::{account, id, second, submission};

const ACCOUNTS: [&str; 3] = ["acme", "umbrella", "initech"];

/// How long a task is kept, in steps of one second.
const LIFE: i64 = 4_000;

/// A store, and the tasks that should be in it.
struct Pair {
    store: LocalStore,
    tasks: BTreeMap<(usize, TaskId), Task>,
    dice: u64,
    now: i64,
    submitted: u128,
}

impl Pair {
    fn new(config: StoreConfig, seed: u64) -> Self {
        let retention = Retention::since_submission(Duration::from_secs(LIFE.unsigned_abs()));
        let store = LocalStore::new(config.with_retention(retention).without_takeover());
        Self { store, tasks: BTreeMap::new(), dice: seed | 1, now: 0, submitted: 0 }
    }

    /// A number below a bound, from a xorshift generator.
    fn roll(&mut self, bound: usize) -> usize {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        usize::try_from(self.dice % bound as u64).unwrap()
    }

    fn now(&self) -> Timestamp {
        second(self.now)
    }

    fn submit(&mut self) {
        self.submitted += 1;
        let of = self.roll(ACCOUNTS.len());
        let new = submission(ACCOUNTS[of], self.submitted);
        let task = self.store.submit(new, self.now()).unwrap().into_task();
        self.tasks.insert((of, task.id()), task);
    }

    /// Applies an event to a random task.
    fn change(&mut self) {
        let any = id(1 + self.roll(usize::try_from(self.submitted.max(1)).unwrap()) as u128);
        let of = self.roll(ACCOUNTS.len());
        let event = match self.roll(4) {
            0 => TaskEvent::start(),
            1 => TaskEvent::report(),
            2 => TaskEvent::complete(Completion::of(7)),
            _ => TaskEvent::fail(TaskError::new("NO", "No.")),
        };
        let Some(task) = self.tasks.get(&(of, any)) else { return };
        let permitted = task.status().after(event.kind()).is_some();
        let change = self.store.apply(Target::exactly(task), event, self.now());
        assert_eq!(change.is_ok(), permitted && task.is_visible_at(self.now()));
        if let Ok(change) = change {
            self.tasks.insert((of, any), change.into_task());
        }
    }

    fn claim(&mut self) {
        if let Some(claimed) = self.store.claim(Scope::Any, self.now()).unwrap() {
            let task = claimed.into_work().expect("no silence is so long");
            let of = ACCOUNTS.iter().position(|name| *name == task.account().as_str()).unwrap();
            let oldest = self
                .tasks
                .iter()
                .filter(|((account, _), task)| {
                    *account == of
                        && task.status() == TaskStatus::Received
                        && task.is_visible_at(self.now())
                })
                .min_by_key(|(_, task)| task.revision());
            assert_eq!(oldest.map(|((_, id), _)| *id), Some(task.id()));
            self.tasks.insert((of, task.id()), task);
        }
    }

    fn sweep(&mut self, limit: usize) {
        let now = self.now();
        let due = self.tasks.values().filter(|task| !task.is_visible_at(now)).count();
        let swept = self.store.sweep(limit, now).unwrap();
        assert_eq!((swept.dropped, swept.more), (due.min(limit), due > limit));
        // Tasks that have been due longest went first, in any order if due at the same instant.
        let mut left: Vec<_> = self.tasks.keys().copied().collect();
        left.sort_by_key(|key| (self.tasks[key].expires_at(), *key));
        for key in left.into_iter().take(swept.dropped) {
            self.tasks.remove(&key);
        }
        assert_eq!(self.store.len(), self.tasks.len());
    }

    /// The tasks that a query should return.
    fn expected(&self, of: usize, query: &ListQuery) -> Vec<Task> {
        let own = self.tasks.range((of, id(0))..=(of, id(u128::MAX))).map(|(_, task)| task);
        let asked = own.filter(|task| task.is_visible_at(self.now()) && query.matches(task));
        let mut tasks: Vec<_> = asked.cloned().collect();
        tasks.sort_by_key(|task| std::cmp::Reverse(task.revision()));
        tasks
    }

    /// Checks the result of every read.
    fn check(&mut self) {
        for (of, name) in ACCOUNTS.into_iter().enumerate() {
            let size = NonZeroUsize::new(1 + self.roll(150)).unwrap();
            let all = ListQuery::new(size);
            let filtered = TaskStatus::ALL.map(|status| all.clone().with_status(status));
            for query in [all].into_iter().chain(filtered) {
                let expected = self.expected(of, &query);
                let (mut paged, mut next) = (Vec::new(), query.clone());
                loop {
                    let page = self.store.list(&account(name), &next, self.now()).unwrap();
                    paged.extend_from_slice(page.tasks());
                    assert!(paged.len() <= expected.len(), "each task comes once");
                    let Some(cursor) = page.next() else { break };
                    assert_eq!(page.tasks().len(), size.get());
                    next = query.clone().after(cursor);
                }
                assert_eq!(paged, expected);
                let Some(middle) = expected.get(expected.len() / 2) else { continue };
                let since = query.clone().with_limit(NonZeroUsize::MAX);
                let since = since.changed_since(middle.revision());
                let page = self.store.list(&account(name), &since, self.now()).unwrap();
                assert_eq!(page.tasks(), &expected[..expected.len() / 2]);
            }
        }
        for ((of, id), task) in &self.tasks {
            let found = self.store.get(&account(ACCOUNTS[*of]), *id, self.now()).unwrap();
            assert_eq!(found.as_ref(), Some(task).filter(|task| task.is_visible_at(self.now())));
            let other = account(ACCOUNTS[(of + 1) % ACCOUNTS.len()]);
            assert_eq!(self.store.get(&other, *id, self.now()).unwrap(), None);
        }
    }
}

proptest! {
    // A seed has no simpler one.
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 0, ..Default::default() })]

    #[test]
    fn a_large_store_answers_as_a_sorted_list(seed in any::<u64>(), lanes in any::<bool>()) {
        let wide = NonZeroU32::new(1_000_000).unwrap();
        let config = StoreConfig::default();
        let config = if lanes { config.with_max_in_progress(wide) } else { config };
        let mut pair = Pair::new(config, seed);
        // The store grows to thousands of tasks, stays at that size, and empties.
        for step in 0..12_000 {
            pair.now += 1;
            match pair.roll(8) {
                0..3 if step < 9_000 => pair.submit(),
                3 => pair.claim(),
                4 => pair.sweep(3),
                _ => pair.change(),
            }
            if step % 2_000 == 1_999 {
                pair.check();
            }
        }
        pair.sweep(500);
        pair.check();
        pair.now += LIFE;
        pair.sweep(usize::MAX);
        assert!(pair.store.is_empty());
        pair.submit();
        pair.check();
    }
}

#[test]
fn revisions_far_apart_are_listed_and_found() {
    let mut pair = Pair::new(StoreConfig::default(), 1);
    let config = *pair.store.config();
    for round in 0..6 {
        for _ in 0..40 {
            pair.submit();
            pair.change();
        }
        // The account's next revision is more than 32 bits away, or two away.
        if round % 3 > 0 {
            let saved: Snapshot = pair.store.snapshot();
            pair.store = LocalStore::restore(config, saved, pair.now()).unwrap();
        }
        pair.check();
    }
    for _ in 0..2_000 {
        pair.change();
    }
    pair.check();
}

/// Thousands of tasks come and go: the indexes grow and shrink, and lose no task.
#[test]
fn a_store_that_grows_and_shrinks_finds_each_task() {
    const MOST: i64 = 20_000;
    let (mut store, acme) = (LocalStore::new(StoreConfig::default()), account("acme"));
    let find = |store: &LocalStore, number: i64, now| {
        store.get(&acme, id(number.unsigned_abs().into()), now).unwrap()
    };
    for (round, most, least) in [(0, MOST, 3_000), (1, MOST, 900), (2, 2_000, 0)] {
        // By the next round, all tasks have expired, in another order than that of their ids.
        let submitted = |number| second(round * 2_000_000 + number * 7_919 % MOST);
        let expires = |number| submitted(number) + TimeDelta::days(10);
        for number in 0..most {
            let new = submission("acme", number.unsigned_abs().into());
            store.submit(new, submitted(number)).unwrap();
        }
        for step in 1.. {
            let now = second(round * 2_000_000 + step * MOST / 20) + TimeDelta::days(10);
            store.sweep(usize::MAX, now).unwrap();
            for number in 0..most {
                let found = find(&store, number, now);
                assert_eq!(found.is_some(), expires(number) > now, "{number} of {most}");
            }
            if store.len() <= least {
                break;
            }
        }
    }
    assert!(store.is_empty());
}
