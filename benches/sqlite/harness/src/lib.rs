//! The workload, the clock and the output that all measured programs share.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tokio::runtime::Runtime;
use tokio::task::JoinSet;

pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The input of a task: 200 bytes of JSON.
pub const INPUT: &str = r#"{"name":"My example subscription","memoryStorage":"ram","cloudProviders":[{"provider":"AWS","regions":[{"region":"us-east-1","networking":{"deploymentCIDR":"10.0.0.0/24"}}]}],"note":"a task to do it"}"#;
const _: () = assert!(INPUT.len() == 200);

/// The larger number of callers.
pub const MANY: usize = 64;

/// The arguments of a program: `PART FILE DURABILITY SECONDS TASKS EACH`.
#[derive(Clone, Debug)]
pub struct Order {
    pub part: String,
    pub file: PathBuf,
    /// Whether acknowledged writes are on disk (`synchronous` is `FULL` rather than `NORMAL`).
    pub full: bool,
    /// The duration of each measurement.
    pub seconds: f64,
    /// The number of tasks in the file before the measurement.
    pub tasks: u64,
    /// The number of tasks per account.
    pub each: u64,
}

impl Order {
    /// Parses the command line.
    ///
    /// # Errors
    ///
    /// Returns an error if arguments are missing or malformed.
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

    /// Returns the account of a task.
    #[must_use]
    pub fn account(&self, task: u64) -> u64 {
        task % self.accounts()
    }

    /// Returns a pseudo-random task of those in the file before the measurement.
    #[must_use]
    pub fn any(&self, call: u64) -> u64 {
        mix(call) % self.tasks
    }

    /// Returns the number of tasks that a sweep drops.
    #[must_use]
    pub fn swept(&self) -> u64 {
        (self.tasks / 2).min(10_000)
    }

    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock { seconds: self.seconds, next: AtomicU64::new(0) }
    }

    /// Returns the first of a range of task numbers that the file does not contain.
    #[must_use]
    pub fn new_tasks(&self) -> u64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let nanos = since.map_or(0, |since| since.as_nanos());
        self.tasks + u64::try_from(nanos).unwrap_or(0)
    }
}

/// Returns the name of an account.
#[must_use]
pub fn name(account: u64) -> String {
    format!("account-{account}")
}

/// Returns the id of a task: 16 pseudo-random bytes.
#[must_use]
pub fn id(task: u64) -> [u8; 16] {
    let [high, low] = [mix(task), mix(task ^ u64::MAX)];
    (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
}

/// The finalizer of `SplitMix64`.
const fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Numbers the calls of a measurement, and ends it after its duration.
#[derive(Debug)]
pub struct Clock {
    seconds: f64,
    next: AtomicU64,
}

impl Clock {
    /// Returns the number of the next call.
    pub fn next(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes calls from threads until the time is over or a call returns `Ok(false)`, and prints
    /// the rate. Each thread has its own state.
    ///
    /// # Errors
    ///
    /// Returns the first error of a call.
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

    /// Makes calls from futures, like [`threads`](Self::threads).
    ///
    /// # Errors
    ///
    /// Returns the first error of a call.
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

/// A measurement. It is printed as a line of JSON.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pub program: &'a str,
    pub call: &'a str,
    pub callers: &'a str,
}

impl Row<'_> {
    /// Prints the calls per second.
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

    /// Prints the bytes per task on disk. The file has to be closed.
    ///
    /// # Errors
    ///
    /// Returns an I/O error if the file does not exist.
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
