//! The measured programs, and the tables of their results.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// A measured program.
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

/// The key of a row, which sorts rows as they are printed: the call's position, the number of
/// callers, `synchronous_commit`, and the call.
type Key = (usize, usize, Reverse<&'static str>, &'static str);

/// The values of a table: one of each round, for each row and program.
#[derive(Debug, Default)]
pub struct Table {
    values: BTreeMap<Key, HashMap<Program, Vec<f64>>>,
    /// The calls, in the order in which they were added.
    order: Vec<&'static str>,
}

impl Table {
    pub fn add(
        &mut self,
        program: Program,
        call: &'static str,
        callers: usize,
        commits: &'static str,
        value: f64,
    ) {
        let position = self.order.iter().position(|known| *known == call).unwrap_or_else(|| {
            self.order.push(call);
            self.order.len() - 1
        });
        let row = self.values.entry((position, callers, Reverse(commits), call)).or_default();
        row.entry(program).or_default().push(value);
        eprintln!("{} | {call} | {callers} | {commits} | {value:.1}", program.name());
    }

    /// Prints the medians, and the ratios of ours to the others: the median and the range of all
    /// rounds.
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
                        let ratios = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs);
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

/// Formats the median and the range of ratios.
fn spread(ratios: &[f64]) -> String {
    let low = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let high = ratios.iter().copied().fold(0.0, f64::max);
    format!("{:.2} ({low:.2} to {high:.2})", median(ratios.to_vec()))
}

/// Formats a value with thousands separators, or with one decimal below 100.
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
