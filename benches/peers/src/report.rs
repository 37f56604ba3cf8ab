//! The report in Markdown, and the part of it that the README quotes.

use crate::label::{count, time};
use std::fmt::Write;
use std::process::Command;

use crate::row::{Comparison, Finding, Findings, Verdict};

/// The lines between which the README quotes the report.
const BEGIN: &str = "<!-- measured: written by benches/peers -->\n";
const END: &str = "<!-- end of measured -->";

/// The terms of the report.
const TERMS: &str = "\
## Terms

- *tasklife* is `MemoryStore`, which distributes accounts over 64 shards. *One lock* is a
  `LocalStore` behind the `RwLock` of `parking_lot`, which you could build from the same parts.
- A ratio is the median of all rounds. The range in brackets is the middle half of the rounds. A
  ratio misses its budget only if three rounds in four do. Counts are exact.
- The *floor* of an operation is a hand-written structure for that operation alone. It obeys no law
  and no limit, and never releases memory. If tasklife is faster than a floor, its layout suits the
  caches or the compiler better. A small store fits into the caches, so the cost of laws and limits
  shows more.
  - `get`: a hash table
  - `list`: linked lists that never change
  - `submit`, `apply` and `sweep`: hash tables of tasks and accounts, a slab and linked lists
  - `Task::apply`: plain fields
  - JSON: a function that writes this document byte by byte
- *a2a-protocol-server* is the in-memory task store of that crate. Its purpose is the closest to
  that of tasklife. The others are what people build themselves: a hash map that is sorted for each
  list, `moka` with a time to live, and in-memory `rusqlite` with an index for each order. A hash
  map keeps no order. A write to it is as fast as in tasklife or faster, but each list sorts
  everything. SQLite in memory goes through its whole page cache at the end of each write.
- *serde derive, eager links* is a derived `Serialize` on owned strings that are created for each
  reply. *redis-cloud* is the task type of that crate, filled in the same way.
- *A rare status* is the status of one task in 1,000.
- *Task* bytes are those of a task in a `Vec`, and of what it points to. *Overhead* is what a store
  takes beyond that. The *allowance* is 64 bytes per task and 256 bytes per account.
- *Instructions* are counted by callgrind.

## Why some floors are out of reach

`apply` takes 2.5 to 2.9 times the instructions of the floor, and `submit` 1.8 to 4 times. In a
large store both wait for memory, so the ratio of the times is lower. Each of the additional parts
serves a purpose:

- A page continues after any revision, even if its task has moved or is gone. So the order is a
  searchable index, one for each status. The floor's list can be followed but not searched: a cursor
  is a pointer, which dangles when its task moves.
- A worker claims the next task of an account or of all accounts in turn, or takes over a task. So
  each write updates whether its account has something to claim, and at which instant that changes.
- Tasks expire in any order, because clocks differ and the retention may be counted from the latest
  update. So expiry is an ordered index too. The floor's is a list, which is correct for one clock
  only.
- Threads share the store. So there is a lock, and each shard publishes its state for claims and
  sweeps over all accounts. The floor is for one thread.
- Memory of expired tasks is released step by step, and nothing grows by copying everything at once.
  The floor never shrinks, and doubles when it is full (not during the measurement).

*JSON* is written through serde, because any other serializer can write a document too. Links,
titles and shapes are chosen by the user. The hand-written function knows them all in advance.

*Overhead after 9 in 10 tasks have expired* exceeds the allowance in small stores. Each of 64 shards
keeps a chunk for tasks, one for accounts, and the beginnings of its tables. With one account per
task, that is up to 18 KB per shard beyond the allowance, or 1.2 MB in all.
";

/// Describes the machine of the measurement.
pub fn machine() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    let rustc = rustc.as_deref().map_or("an unknown compiler", str::trim);
    let os = std::env::consts::OS;
    let arch = std::env::consts::ARCH;
    format!("{model} ({cores} cores), {arch} {os}, {rustc}")
}

/// Writes the whole report.
pub fn whole(findings: &Findings, machine: &str, plots: bool) -> String {
    let mut text = String::from("# Measured\n\n");
    let _ = writeln!(
        text,
        "Written by `cargo run --release -p tasklife-peers`, on {machine}.\n\
         Each ratio compares measurements of the same run. In each of several rounds, all\n\
         candidates take turns: tasklife and the floor five times, the others once. Stores are\n\
         filled and read in random order.\n"
    );
    text += TERMS;
    text += "\n## Budgets\n\n";
    text += &budgets(&findings.budgets);
    if plots {
        text += "\n## Time by number of tasks\n\n![plots](times.svg)\n";
    }
    text += "\n## Times\n\n";
    text += &times(&findings.comparisons);
    for (title, lines) in &findings.notes {
        let _ = writeln!(text, "\n## {title}\n\n{}", lines.join("\n"));
    }
    text
}

pub fn budgets(findings: &[Finding]) -> String {
    let mut text = "| measurement | at | budget | result | |\n|---|---|---|---|---|\n".to_owned();
    for Finding { what, at, budget, got, verdict } in findings {
        let verdict = match verdict {
            Verdict::Met => "met",
            Verdict::Missed => "**missed**",
            Verdict::NotMeasured => "not measured",
            Verdict::Stated => "",
        };
        let _ = writeln!(text, "| {what} | {at} | {budget} | {got} | {verdict} |");
    }
    text
}

fn times(comparisons: &[Comparison]) -> String {
    let mut text = "| operation | tasks | median time of a call |\n|---|---|---|\n".to_owned();
    for Comparison { operation, tasks, timings } in comparisons {
        let each =
            timings.iter().map(|timing| format!("{} {}", timing.name, time(timing.median())));
        let each = each.collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "| {operation} | {} | {each} |", count(*tasks));
    }
    text
}

/// Returns a table with the times of all candidates at one size.
pub fn key_table(comparisons: &[Comparison], tasks: usize) -> String {
    let columns = [
        "tasklife",
        "floor",
        "a2a-protocol-server",
        "map sorted on listing",
        "moka",
        "SQLite in memory",
    ];
    let mut text = format!("| {} tasks | {} |\n", count(tasks), columns.join(" | "));
    let _ = writeln!(text, "|---|{}", "---|".repeat(columns.len()));
    let comparisons = comparisons
        .iter()
        .filter(|comparison| comparison.tasks == tasks && comparison.of("floor").is_some());
    for comparison in comparisons {
        let cells =
            columns.map(|name| comparison.of(name).map_or_else(String::new, |t| time(t.median())));
        let _ = writeln!(text, "| {} | {} |", comparison.operation, cells.join(" | "));
    }
    text
}

/// Returns the README with a new quotation, or `None` if it lacks the lines around it.
pub fn quoted_in(readme: &str, findings: &Findings, tasks: usize, machine: &str) -> Option<String> {
    let (before, rest) = readme.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    let count_of = |verdict| findings.budgets.iter().filter(|f| f.verdict == verdict).count();
    let (met, missed) = (count_of(Verdict::Met), count_of(Verdict::Missed));
    let quotation = format!(
        "\n{}\n![Time of a call over the number of tasks, for this crate and the others]\
         (benches/peers/results/times.svg)\n\n\
         Median time of a call, on {machine}.\n\
         [The report](benches/peers/results/report.md) compares all measurements with {} budgets, of which {missed} are\n\
         missed, and explains each miss.\n\n",
        key_table(&findings.comparisons, tasks),
        met + missed,
    );
    Some([before, BEGIN, &quotation, END, after].concat())
}
