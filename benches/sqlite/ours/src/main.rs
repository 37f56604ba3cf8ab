//! The benchmark of `tasklife-sqlite`, with threads that call `TaskStore` and futures of
//! `AsyncTaskStore`.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use harness::{Clock, INPUT, MANY, Order, Outcome, Row, id, name};
use tasklife::chrono::TimeDelta;
use tasklife::uuid::Uuid;
use tasklife::{
    AccountId, AsyncTaskStore, Claimed, CommandType, Completion, ListQuery, Timestamp, Scope,
    StoreConfig, Submission, Target, Task, TaskEvent, TaskId, TaskStore,
};
use tasklife_sqlite::{Durability, SqliteOptions, SqliteStore};
use tokio::runtime::Runtime;

const CREATE: CommandType = CommandType::from_static("subscriptionCreateRequest");

fn main() -> Outcome<()> {
    let order = Order::from_arguments()?;
    let subject = Subject { runtime: Runtime::new()?, order: order.clone(), store: open(&order)? };
    match order.part.as_str() {
        "fill" => subject.fill(false)?,
        "fill-idle" => subject.fill(true)?,
        "open" => return subject.reopen(),
        "read" => subject.read()?,
        "write" => subject.write()?,
        "claim" => subject.claim("claim", true)?,
        "claim-nothing" => subject.claim("claim of nothing", false)?,
        "sweep" => subject.sweep()?,
        part => subject.just(part)?,
    }
    Ok(())
}

fn open(order: &Order) -> Outcome<SqliteStore> {
    let durability = if order.full { Durability::Disk } else { Durability::System };
    let config = StoreConfig::default().with_max_tasks(usize::MAX);
    Ok(SqliteOptions::new().with_durability(durability).open(&order.file, config)?)
}

struct Subject {
    runtime: Runtime,
    order: Order,
    store: SqliteStore,
}

/// Returns when a task of the initial file is submitted. Ten tasks are submitted each second.
fn then(task: u64) -> Timestamp {
    let begin = Timestamp::UNIX_EPOCH + TimeDelta::days(20_000);
    begin + TimeDelta::milliseconds(task.cast_signed() * 100)
}

fn account(number: u64) -> AccountId {
    name(number).parse().expect("a name of an account")
}

fn task_id(task: u64) -> TaskId {
    TaskId::from(Uuid::from_bytes(id(task)))
}

fn submission(order: &Order, task: u64) -> Submission {
    Submission::new(account(order.account(task)), task_id(task), CREATE)
        .with_input(INPUT.as_bytes())
}

fn end() -> TaskEvent {
    TaskEvent::complete(Completion::of(77_899))
}

fn claimed(claimed: Option<Claimed>) -> Outcome<Task> {
    Ok(claimed.and_then(Claimed::into_work).ok_or("expected a task, got none")?)
}

const fn row<'a>(call: &'a str, callers: &'a str) -> Row<'a> {
    Row { program: "ours", call, callers }
}

impl Subject {
    /// Fills the file with tasks, all received, or all in progress if `idle` is set.
    fn fill(&self, idle: bool) -> Outcome<()> {
        let Self { order, store, runtime } = self;
        let tasks = order.tasks;
        // The program `bare` relies on the order in which accounts are added.
        let in_order = order.accounts().min(1_000);
        for task in 0..in_order {
            TaskStore::submit(store, submission(order, task), then(task))?;
        }
        runtime.block_on(async {
            let next = Arc::new(AtomicU64::new(in_order));
            let mut callers = tokio::task::JoinSet::new();
            for _ in 0..2 * MANY {
                let (store, order, next) = (store.clone(), order.clone(), next.clone());
                callers.spawn(async move {
                    loop {
                        let task = next.fetch_add(1, Ordering::Relaxed);
                        if task >= tasks {
                            return Outcome::Ok(());
                        }
                        let submission = submission(&order, task);
                        AsyncTaskStore::submit(&store, submission, then(task)).await?;
                        if idle {
                            AsyncTaskStore::claim(&store, Scope::Any, then(tasks)).await?;
                        }
                    }
                });
            }
            while let Some(caller) = callers.join_next().await {
                caller??;
            }
            Outcome::Ok(())
        })?;
        while idle && TaskStore::claim(store, Scope::Any, then(tasks))?.is_some() {}
        Ok(())
    }

    /// Measures the bytes per task on disk, and the time to open the file.
    fn reopen(self) -> Outcome<()> {
        let Self { order, store, .. } = self;
        drop(store);
        row("bytes a task", "").bytes(&order.file, order.tasks)?;
        let begin = Instant::now();
        let store = open(&order)?;
        row("open, in ms", "").value(begin.elapsed().as_secs_f64() * 1e3);
        let begin = Instant::now();
        TaskStore::get(&store, &account(0), task_id(0), then(0))?;
        row("first get, in ms", "").value(begin.elapsed().as_secs_f64() * 1e3);
        Ok(())
    }

    /// Measures a call with 1 and 64 callers, as threads and as futures.
    fn rows<F>(
        &self,
        call: &str,
        blocking: impl Fn(&SqliteStore, &Order, u64) -> Outcome<bool> + Sync,
        future: impl Fn(SqliteStore, Arc<Order>, u64) -> F + Clone + Send + 'static,
    ) -> Outcome<()>
    where
        F: Future<Output = Outcome<bool>> + Send + 'static,
    {
        let Self { order, store, runtime } = self;
        let (first, shared) = (order.new_tasks(), Arc::new(order.clone()));
        for (callers, threads) in [("1", 1), ("64", MANY)] {
            let make = |(): &mut (), number| blocking(store, order, first + number);
            order.clock().threads(&row(call, callers), threads, || Ok(()), make)?;
        }
        for (callers, futures) in [("1 future", 1), ("64 futures", MANY)] {
            let (store, shared, future) = (store.clone(), shared.clone(), future.clone());
            let first = order.new_tasks();
            let make = move |number| future(store.clone(), shared.clone(), first + number);
            let clock: Clock = order.clock();
            clock.futures(&row(call, callers), runtime, futures, make)?;
        }
        Ok(())
    }

    fn read(&self) -> Outcome<()> {
        self.rows(
            "get",
            |store, order, number| {
                let task = order.any(number);
                let account = account(order.account(task));
                let found = TaskStore::get(store, &account, task_id(task), then(order.tasks))?;
                assert!(found.is_some());
                Ok(true)
            },
            |store, order, number| async move {
                let task = order.any(number);
                let account = account(order.account(task));
                let found = AsyncTaskStore::get(&store, &account, task_id(task), then(order.tasks));
                assert!(found.await?.is_some());
                Ok(true)
            },
        )?;
        let query = ListQuery::new(NonZeroUsize::MIN.saturating_add(99));
        let same = query.clone();
        self.rows(
            "list of 100",
            move |store, order, number| {
                let account = account(order.account(order.any(number)));
                let page = TaskStore::list(store, &account, &query, then(order.tasks))?;
                assert_eq!(page.tasks().len(), 100);
                Ok(true)
            },
            move |store, order, number| {
                let query = same.clone();
                async move {
                    let account = account(order.account(order.any(number)));
                    let page = AsyncTaskStore::list(&store, &account, &query, then(order.tasks));
                    assert_eq!(page.await?.tasks().len(), 100);
                    Ok(true)
                }
            },
        )
    }

    fn write(&self) -> Outcome<()> {
        self.rows(
            "submit",
            |store, order, task| {
                TaskStore::submit(store, submission(order, task), then(order.tasks))?;
                Ok(true)
            },
            |store, order, task| async move {
                let submission = submission(&order, task);
                AsyncTaskStore::submit(&store, submission, then(order.tasks)).await?;
                Ok(true)
            },
        )?;
        // Submit a task, claim the next one in turn, and complete that one.
        self.rows(
            "life",
            |store, order, task| {
                let now = then(order.tasks);
                TaskStore::submit(store, submission(order, task), now)?;
                let task = claimed(TaskStore::claim(store, Scope::Any, now)?)?;
                TaskStore::apply(store, Target::exactly(&task), end(), now)?;
                Ok(true)
            },
            |store, order, task| async move {
                let now = then(order.tasks);
                AsyncTaskStore::submit(&store, submission(&order, task), now).await?;
                let task = claimed(AsyncTaskStore::claim(&store, Scope::Any, now).await?)?;
                AsyncTaskStore::apply(&store, Target::exactly(&task), end(), now).await?;
                Ok(true)
            },
        )
    }

    fn claim(&self, call: &str, finds: bool) -> Outcome<()> {
        self.rows(
            call,
            move |store, order, _| {
                let claimed = TaskStore::claim(store, Scope::Any, then(order.tasks))?;
                assert!(finds || claimed.is_none());
                Ok(claimed.is_some() == finds)
            },
            move |store, order, _| async move {
                let claimed = AsyncTaskStore::claim(&store, Scope::Any, then(order.tasks)).await?;
                Ok(claimed.is_some() == finds)
            },
        )
    }

    /// Sweeps the tasks that expire first.
    fn sweep(&self) -> Outcome<()> {
        let Self { order, store, .. } = self;
        let limit = usize::try_from(order.swept())?;
        let begin = Instant::now();
        let swept = TaskStore::sweep(store, limit, then(order.tasks) + TimeDelta::days(20))?;
        row("sweep, of a task", "1").rate(swept.dropped as u64, begin.elapsed());
        Ok(())
    }

    /// Makes calls of one kind, to be counted. The argument SECONDS is the number of calls.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of calls"
    )]
    fn just(&self, call: &str) -> Outcome<()> {
        let Self { order, store, .. } = self;
        let now = then(order.tasks);
        let first = order.new_tasks();
        let calls: u64 = order.seconds as u64;
        for number in 0..calls {
            let task = order.any(number);
            match call {
                "just-submit" => {
                    TaskStore::submit(store, submission(order, first + number), now)?;
                }
                "just-claim" => {
                    TaskStore::claim(store, Scope::Any, now)?;
                }
                "just-apply" => {
                    let task = claimed(TaskStore::claim(store, Scope::Any, now)?)?;
                    TaskStore::apply(store, Target::exactly(&task), end(), now)?;
                }
                "just-get" => {
                    let account = account(order.account(task));
                    TaskStore::get(store, &account, task_id(task), now)?;
                }
                "just-list" => {
                    let account = account(order.account(task));
                    TaskStore::list(store, &account, &ListQuery::default(), now)?;
                }
                _ => return Err(format!("expected a known PART, got {call}").into()),
            }
        }
        Ok(())
    }
}
