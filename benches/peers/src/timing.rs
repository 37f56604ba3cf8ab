//! Measures several candidates in turn, in each of several rounds, so that a disturbance of the
//! machine affects them all.

use std::time::{Duration, Instant};

/// The approximate duration of a turn.
const TURN: Duration = Duration::from_millis(20);

/// The maximum number of calls in a turn.
const MAX_CALLS: usize = 20_000;

/// The number of candidates with several turns in each round: tasklife and the floor. The others
/// are so much slower that one turn is enough.
const CLOSE: usize = 2;

/// The number of turns in each round for these candidates.
pub const TURNS: usize = 5;

/// Returns the present instant. Nothing else reads a clock.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub fn instant() -> Instant {
    Instant::now()
}

/// The times of one candidate, in nanoseconds per call.
#[derive(Clone, Debug)]
pub struct Timing {
    pub name: &'static str,
    /// The times of the turns in each round.
    rounds: Vec<Vec<f64>>,
}

impl Timing {
    pub fn median(&self) -> f64 {
        median(self.rounds.concat())
    }

    /// Returns the time of a call over the rounds.
    pub fn each_round(&self) -> Spread {
        Spread::of(self.rounds.iter().map(|turns| median(turns.clone())).collect())
    }

    /// Returns how many times slower this is than `other`, over the rounds. The ratio of a round is
    /// that of the medians of its turns.
    pub fn ratio_to(&self, other: &Self) -> Spread {
        let within =
            |(own, other): (&Vec<f64>, &Vec<f64>)| median(own.clone()) / median(other.clone());
        Spread::of(self.rounds.iter().zip(&other.rounds).map(within).collect())
    }
}

/// The median and the middle half of some numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

impl Spread {
    pub const NONE: Self = Self { low: f64::NAN, median: f64::NAN, high: f64::NAN };

    fn of(mut numbers: Vec<f64>) -> Self {
        numbers.sort_unstable_by(f64::total_cmp);
        let last = numbers.len().saturating_sub(1);
        let at = |place: usize| numbers.get(place).copied().unwrap_or(f64::NAN);
        Self { low: at(last / 4), median: median(numbers.clone()), high: at(last - last / 4) }
    }

    /// Converts to another unit.
    #[must_use]
    pub fn scaled(self, by: f64) -> Self {
        Self { low: self.low * by, median: self.median * by, high: self.high * by }
    }
}

/// An exact number.
impl From<f64> for Spread {
    fn from(number: f64) -> Self {
        Self { low: number, median: number, high: number }
    }
}

pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A candidate: a function that makes a number of calls and returns how long they took.
pub struct Candidate<'a> {
    name: &'static str,
    turn: Box<dyn FnMut(usize) -> Duration + 'a>,
}

impl std::fmt::Debug for Candidate<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl<'a> Candidate<'a> {
    /// Creates a candidate that prepares and times its calls itself.
    pub fn new(name: &'static str, turn: impl FnMut(usize) -> Duration + 'a) -> Self {
        Self { name, turn: Box::new(turn) }
    }

    /// Creates a candidate that repeats a call.
    pub fn calling(name: &'static str, mut call: impl FnMut() + 'a) -> Self {
        Self::new(name, move |calls| {
            timed(|| {
                for _ in 0..calls {
                    call();
                }
            })
        })
    }
}

pub fn timed(work: impl FnOnce()) -> Duration {
    let begin = instant();
    work();
    begin.elapsed()
}

/// Measures candidates. Tasklife and the floor have to come first. A turn has at most `most` calls.
pub fn measure_in_turns(
    rounds: usize,
    most: usize,
    candidates: &mut [Candidate<'_>],
) -> Vec<Timing> {
    let most = most.clamp(1, MAX_CALLS);
    let calls: Vec<usize> = candidates.iter_mut().map(|one| calls_per_turn(one, most)).collect();
    let mut timings: Vec<_> = candidates
        .iter()
        .map(|one| Timing { name: one.name, rounds: Vec::with_capacity(rounds) })
        .collect();
    for _ in 0..rounds {
        for timing in &mut timings {
            timing.rounds.push(Vec::with_capacity(TURNS));
        }
        for turn in 0..TURNS {
            let takes_part = if turn == 0 { candidates.len() } else { CLOSE };
            let all = candidates.iter_mut().zip(&calls).zip(&mut timings);
            for ((one, calls), timing) in all.take(takes_part) {
                let took = (one.turn)(*calls).as_nanos() as f64 / *calls as f64;
                timing.rounds.last_mut().expect("the current round").push(took);
            }
        }
    }
    timings
}

/// Estimates how many calls fit into a turn, with turns that become longer, because the first calls
/// are cold.
fn calls_per_turn(candidate: &mut Candidate<'_>, most: usize) -> usize {
    let mut calls = most.min(2);
    for _ in 0..3 {
        let took = (candidate.turn)(calls).max(Duration::from_nanos(1));
        let fit = TURN.as_nanos() * calls as u128 / took.as_nanos();
        calls = usize::try_from(fit).unwrap_or(most).clamp(1, most.min(calls * 100));
    }
    calls
}
