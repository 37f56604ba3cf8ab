//! What the programs that are measured share: the workload, the clock, the rows that they print.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tokio::runtime::Runtime;
use tokio::task::JoinSet;

pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The input of a task: JSON of 200 bytes.
pub const INPUT: &str = r#"{"name":"My example subscription","memoryStorage":"ram","cloudProviders":[{"provider":"AWS","regions":[{"region":"us-east-1","networking":{"deploymentCIDR":"10.0.0.0/24"}}]}],"note":"a task to do it"}"#;
const _: () = assert!(INPUT.len() == 200);

/// How many callers there are, where there are many.
pub const MANY: usize = 64;

/// What a program is asked to do: `PART FILE DURABILITY SECONDS TASKS EACH`.
#[derive(Clone, Debug)]
pub struct Order {
    pub part: String,
    pub file: PathBuf,
    /// Whether what is acknowledged is on the disk (`synchronous` is `FULL`, not `NORMAL`).
    pub full: bool,
    /// How long each row is measured.
    pub seconds: f64,
    /// How many tasks the file has before anything is measured.
    pub tasks: u64,
    /// How many of them an account has.
    pub each: u64,
}

impl Order {
    /// Reads it from the command line.
    ///
    /// # Errors
    /// Where it is another one.
    pub fn from_arguments() -> Outcome<Self> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let [part, file, durability, seconds, tasks, each] = &arguments[..] else {
            return Err("expected PART FILE full|normal SECONDS TASKS EACH".into());
        };
        Ok(Self {
            part: part.clone(),
            file: file.into(),
            full: durability == "full",
            seconds: seconds.parse()?,
            tasks: tasks.parse()?,
            each: each.parse()?,
        })
    }

    #[must_use]
    pub fn accounts(&self) -> u64 {
        (self.tasks / self.each).max(1)
    }

    /// The account of a task.
    #[must_use]
    pub fn account(&self, task: u64) -> u64 {
        task % self.accounts()
    }

    /// One of the tasks that were there at the beginning, as if by chance.
    #[must_use]
    pub fn any(&self, call: u64) -> u64 {
        mix(call) % self.tasks
    }

    /// How many tasks a sweep drops.
    #[must_use]
    pub fn swept(&self) -> u64 {
        (self.tasks / 2).min(10_000)
    }

    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock { seconds: self.seconds, next: AtomicU64::new(0) }
    }

    /// Numbers of tasks that were never there.
    #[must_use]
    pub fn new_tasks(&self) -> u64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let nanos = since.map_or(0, |since| since.as_nanos());
        self.tasks + u64::try_from(nanos).unwrap_or(0)
    }
}

/// The name of an account.
#[must_use]
pub fn name(account: u64) -> String {
    format!("account-{account}")
}

/// The id of a task: 16 bytes as if by chance.
#[must_use]
pub fn id(task: u64) -> [u8; 16] {
    let [high, low] = [mix(task), mix(task ^ u64::MAX)];
    (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
}

/// Splitmix64.
const fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Gives out the numbers of calls, and says when a row has been measured for long enough.
#[derive(Debug)]
pub struct Clock {
    seconds: f64,
    next: AtomicU64,
}

impl Clock {
    /// The number of the next call.
    pub fn next(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Calls from threads, each with a state of its own, until the time is over or there is nothing left to do
    /// (`Ok(false)`). Prints the row.
    ///
    /// # Errors
    /// The first of a call.
    pub fn threads<S>(
        &self,
        row: &Row<'_>,
        threads: usize,
        state: impl Fn() -> Outcome<S> + Sync,
        call: impl Fn(&mut S, u64) -> Outcome<bool> + Sync,
    ) -> Outcome<()> {
        let (begin, is_over) = (Instant::now(), AtomicBool::new(false));
        let made = AtomicU64::new(0);
        let work = || -> Outcome<()> {
            let mut state = state()?;
            while !is_over.load(Ordering::Relaxed) && self.runs(begin) {
                if !call(&mut state, self.next())? {
                    is_over.store(true, Ordering::Relaxed);
                    break;
                }
                made.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().map_err(|_| "a call panicked")?)
        })?;
        row.rate(made.into_inner(), begin.elapsed());
        Ok(())
    }

    /// Calls from futures, as [`threads`](Self::threads).
    ///
    /// # Errors
    /// The first of a call.
    pub fn futures<F>(
        self,
        row: &Row<'_>,
        runtime: &Runtime,
        futures: usize,
        call: impl Fn(u64) -> F + Clone + Send + 'static,
    ) -> Outcome<()>
    where
        F: Future<Output = Outcome<bool>> + Send,
    {
        let clock = Arc::new(self);
        let begin = Instant::now();
        let made = runtime.block_on(async {
            let mut callers = JoinSet::new();
            for _ in 0..futures {
                let (clock, call) = (clock.clone(), call.clone());
                callers.spawn(async move {
                    let mut made = 0;
                    while clock.runs(begin) && call(clock.next()).await? {
                        made += 1;
                    }
                    Outcome::Ok(made)
                });
            }
            let mut made = 0;
            while let Some(caller) = callers.join_next().await {
                made += caller??;
            }
            Outcome::Ok(made)
        })?;
        row.rate(made, begin.elapsed());
        Ok(())
    }

    fn runs(&self, begin: Instant) -> bool {
        begin.elapsed().as_secs_f64() < self.seconds
    }
}

/// What is printed of a measurement: a line of JSON.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pub program: &'a str,
    pub call: &'a str,
    pub callers: &'a str,
}

impl Row<'_> {
    /// Calls a second.
    #[expect(clippy::cast_precision_loss, reason = "figures are rounded")]
    pub fn rate(&self, calls: u64, took: Duration) {
        self.value(calls as f64 / took.as_secs_f64());
    }

    pub fn value(&self, value: f64) {
        let Self { program, call, callers } = self;
        println!(
            r#"{{"program":"{program}","call":"{call}","callers":"{callers}","value":{value}}}"#
        );
    }

    /// What a task takes on the disk, once the file is closed.
    ///
    /// # Errors
    /// Where it isn't there.
    #[expect(clippy::cast_precision_loss, reason = "figures are rounded")]
    pub fn bytes(&self, file: &Path, tasks: u64) -> Outcome<()> {
        let mut bytes = std::fs::metadata(file)?.len();
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        bytes += std::fs::metadata(log).map_or(0, |log| log.len());
        self.value(bytes as f64 / tasks as f64);
        Ok(())
    }
}
