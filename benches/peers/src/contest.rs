//! Contestants, measured in turn in each of several rounds, so that what disturbs the machine
//! disturbs them alike.

use std::time::{Duration, Instant};

/// How long a contestant's turn takes in each round, about.
const TURN: Duration = Duration::from_millis(20);

/// How many calls a turn has at the most.
const MOST: usize = 20_000;

/// How many of the contestants, ours and the floor, are measured more closely, and how often each
/// of them has its turn in a round. The others are slower by so much that one turn tells enough.
const CLOSE: usize = 2;
pub const TURNS: usize = 5;

/// The present instant: the one place that reads a clock.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub fn instant() -> Instant {
    Instant::now()
}

/// The times of one contestant, in nanoseconds a call.
#[derive(Clone, Debug)]
pub struct Timing {
    pub name: &'static str,
    /// The turns of each round.
    rounds: Vec<Vec<f64>>,
}

impl Timing {
    pub fn median(&self) -> f64 {
        median(self.rounds.concat())
    }

    /// Of a call, over rounds.
    pub fn each_round(&self) -> Spread {
        Spread::of(self.rounds.iter().map(|turns| median(turns.clone())).collect())
    }

    /// How many times slower this is than the other: over rounds, of the ratio within the round, of the
    /// medians of its turns.
    pub fn ratio_to(&self, other: &Self) -> Spread {
        let within =
            |(own, other): (&Vec<f64>, &Vec<f64>)| median(own.clone()) / median(other.clone());
        Spread::of(self.rounds.iter().zip(&other.rounds).map(within).collect())
    }
}

/// Where the middle half of some numbers lies.
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

    /// In another unit.
    #[must_use]
    pub fn scaled(self, by: f64) -> Self {
        Self { low: self.low * by, median: self.median * by, high: self.high * by }
    }
}

/// A number that was counted, and would be the same again.
impl From<f64> for Spread {
    fn from(number: f64) -> Self {
        Self { low: number, median: number, high: number }
    }
}

pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

/// One who takes part: told to make so many calls, it makes them and says how long they took.
pub struct Contestant<'a> {
    name: &'static str,
    turn: Box<dyn FnMut(usize) -> Duration + 'a>,
}

impl std::fmt::Debug for Contestant<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl<'a> Contestant<'a> {
    /// One who prepares by itself, and takes the time by itself.
    pub fn new(name: &'static str, turn: impl FnMut(usize) -> Duration + 'a) -> Self {
        Self { name, turn: Box::new(turn) }
    }

    /// One that makes the same call again and again.
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

/// Measures contestants, ours and the floor first: each has its turns in each round, of at most so
/// many calls.
pub fn contest(rounds: usize, most: usize, contestants: &mut [Contestant<'_>]) -> Vec<Timing> {
    let most = most.clamp(1, MOST);
    let calls: Vec<usize> = contestants.iter_mut().map(|one| calls_a_turn(one, most)).collect();
    let mut timings: Vec<_> = contestants
        .iter()
        .map(|one| Timing { name: one.name, rounds: Vec::with_capacity(rounds) })
        .collect();
    for _ in 0..rounds {
        for timing in &mut timings {
            timing.rounds.push(Vec::with_capacity(TURNS));
        }
        for turn in 0..TURNS {
            let takes_part = if turn == 0 { contestants.len() } else { CLOSE };
            let all = contestants.iter_mut().zip(&calls).zip(&mut timings);
            for ((one, calls), timing) in all.take(takes_part) {
                let took = (one.turn)(*calls).as_nanos() as f64 / *calls as f64;
                timing.rounds.last_mut().expect("one was begun").push(took);
            }
        }
    }
    timings
}

/// How many calls fit into a turn: found by turns that become longer, since the first calls are cold.
fn calls_a_turn(contestant: &mut Contestant<'_>, most: usize) -> usize {
    let mut calls = most.min(2);
    for _ in 0..3 {
        let took = (contestant.turn)(calls).max(Duration::from_nanos(1));
        let fit = TURN.as_nanos() * calls as u128 / took.as_nanos();
        calls = usize::try_from(fit).unwrap_or(most).clamp(1, most.min(calls * 100));
    }
    calls
}
