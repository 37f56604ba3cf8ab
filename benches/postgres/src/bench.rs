//! The clock, the rows, and the tables that they are printed as.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The input of a task: JSON of 200 bytes.
pub const INPUT: &str = r#"{"name":"My example subscription","memoryStorage":"ram","cloudProviders":[{"provider":"AWS","regions":[{"region":"us-east-1","networking":{"deploymentCIDR":"10.0.0.0/24"}}]}],"note":"a task to do it"}"#;
const _: () = assert!(INPUT.len() == 200);

/// How many callers there are, where there are many.
pub const MANY: usize = 64;

/// How many connections each program has, but for one on which it listens.
pub const CONNECTIONS: u32 = 10;

/// Which program, of what is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Program {
    Ours,
    Bare,
    Graphile,
    Apalis,
}

impl Program {
    pub const ALL: [Self; 4] = [Self::Ours, Self::Bare, Self::Graphile, Self::Apalis];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Bare => "bare",
            Self::Graphile => "graphile_worker",
            Self::Apalis => "apalis-postgres",
        }
    }
}

/// What is measured, in the order in which it is printed.
type Key = (usize, usize, Reverse<&'static str>, &'static str);

/// The values of a table: for each row and program one of each round.
#[derive(Debug, Default)]
pub struct Rows {
    values: BTreeMap<Key, HashMap<Program, Vec<f64>>>,
    order: Vec<&'static str>,
}

impl Rows {
    pub fn add(
        &mut self,
        program: Program,
        call: &'static str,
        callers: usize,
        commits: &'static str,
        value: f64,
    ) {
        let place = self.order.iter().position(|one| *one == call).unwrap_or_else(|| {
            self.order.push(call);
            self.order.len() - 1
        });
        let row = self.values.entry((place, callers, Reverse(commits), call)).or_default();
        row.entry(program).or_default().push(value);
        eprintln!("{} | {call} | {callers} | {commits} | {value:.1}", program.name());
    }

    /// The medians, and ours as a part of the others': of each round, the median and the range.
    pub fn print(&self, title: &str) {
        let has = |program: &Program| self.values.values().any(|row| row.contains_key(program));
        let programs: Vec<Program> = Program::ALL.into_iter().filter(has).collect();
        let others = &programs[1..];
        println!("\n{title}\n");
        print!("| call | callers | `synchronous_commit` |");
        programs.iter().for_each(|program| print!(" {} |", program.name()));
        others.iter().for_each(|other| print!(" ours / {} |", other.name()));
        println!("\n|{}", "---|".repeat(3 + programs.len() + others.len()));
        for ((_, callers, Reverse(commits), call), row) in &self.values {
            print!("| {call} | {callers} | {commits} |");
            for program in &programs {
                match row.get(program) {
                    Some(values) => print!(" {} |", show(median(values.clone()))),
                    None => print!(" |"),
                }
            }
            for other in others {
                let pairs = row.get(&Program::Ours).zip(row.get(other));
                match pairs {
                    Some((ours, theirs)) => {
                        let ratios = ours.iter().zip(theirs).map(|(one, other)| one / other);
                        print!(" {} |", spread(&ratios.collect::<Vec<_>>()));
                    }
                    None => print!(" |"),
                }
            }
            println!();
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

fn spread(ratios: &[f64]) -> String {
    let low = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let high = ratios.iter().copied().fold(0.0, f64::max);
    format!("{:.2} ({low:.2} to {high:.2})", median(ratios.to_vec()))
}

fn show(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let split = digits.len() % 3;
    let (head, tail) = digits.split_at(split);
    let groups = tail.as_bytes().chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
    let parts: Vec<String> =
        [head.to_owned()].into_iter().filter(|head| !head.is_empty()).chain(groups).collect();
    parts.join(",")
}

/// How often so many callers make a call in a second. They stop before where a call finds nothing to do (`Ok(false)`).
#[expect(clippy::cast_precision_loss, reason = "figures are rounded")]
pub async fn rate<F>(
    seconds: f64,
    callers: usize,
    call: impl Fn(u64) -> F + Clone + Send + 'static,
) -> Outcome<f64>
where
    F: Future<Output = Outcome<bool>> + Send,
{
    let next = Arc::new(AtomicU64::new(0));
    let begin = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..callers {
        let (next, call) = (next.clone(), call.clone());
        running.spawn(async move {
            let mut made = 0_u64;
            while begin.elapsed().as_secs_f64() < seconds
                && call(next.fetch_add(1, Ordering::Relaxed)).await?
            {
                made += 1;
            }
            Outcome::Ok(made)
        });
    }
    let all = async {
        let mut made = 0;
        while let Some(caller) = running.join_next().await {
            made += caller??;
        }
        Outcome::Ok(made)
    };
    let made = tokio::time::timeout(Duration::from_secs(30), all).await??;
    Ok(made as f64 / begin.elapsed().as_secs_f64())
}

/// Splitmix64, for what is chosen as if by chance.
pub const fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number that was never there.
pub fn new_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
