//! What was found, as Markdown: the whole, and the part that the README quotes.

use std::fmt::Write;
use std::process::Command;

use crate::row::{Finding, Findings, Race, Verdict, count, time};

/// Between these lines the README quotes the report.
const BEGIN: &str = "<!-- measured: written by benches/peers -->\n";
const END: &str = "<!-- end of measured -->";

/// What the report's words mean.
const WORDS: &str = "\
## Words

- *tasklife* is `MemoryStore`, which threads share: accounts spread over 64 shards. *One lock* is what one
  could build from the same parts: a `LocalStore` behind the `RwLock` of `parking_lot`.
- A measured ratio is the median of all rounds, with the middle half of them in brackets. It misses its
  budget where three rounds in four do. What is counted is exact.
- The *floor* of an operation is a structure written by hand for it alone: a hash table for `get`;
  linked lists that never change for `list`; hash tables of tasks and accounts, a slab and linked lists
  for `submit`, `apply` and `sweep`; plain fields for `Task::apply`; for JSON, bytes put together by a
  function that knows the document (*by hand*). A floor keeps no law and no limit, and gives nothing back. Where ours is
  faster than one, its layout suits caches or compiler better. A small store lies in the caches, where it
  shows more what laws and limits take.
- *a2a-protocol-server* is the task store in memory of the crate of that name, the one whose purpose
  is nearest. The others are what people build: a hash map that is sorted when it is listed, `moka` with
  a time to live, and `rusqlite` in memory with an index for each order. A hash map keeps no order: a
  write to it is as fast as ours or faster, and each list sorts everything. SQLite in memory goes
  through its whole cache of pages whenever a write ends.
- *Deriving, with links built eagerly* is serde's derive on owned strings that are made for each
  answer; *redis-cloud* is the task type of the crate of that name, filled the same way.
- *A rare status* is one that one task in 1,000 has.
- *Its own bytes* are those of the task in a `Vec` beside others, and of what it points to. What so
  many tasks and accounts *may take* is 64 bytes beyond a task's own, and 256 for an account.
- *Instructions* are counted by callgrind.

## Why some floors are out of reach

`apply` takes 2.5 to 2.9 times the floor's instructions, `submit` 1.8 to 4 times. In a large store, where both
wait for memory, that is less of the time. None of it is waste that we know of; each part keeps a promise:

- A page goes on after any revision, also that of a task which has moved or gone since. So the order is
  an index that can be searched, of each status by itself. The floor's list can be followed, but nothing
  in it can be found: a cursor is a pointer that dangles when its task moves.
- A worker asks for the next task, of an account or of all in turn, and for those of silent workers. So
  each write says whether its account has something to hand out, and when a clock changes that.
- Tasks expire in any order, as clocks differ and a retention may count from the last event. So expiry is
  an ordered index as well. The floor's is a list that is right for one clock alone.
- Threads share the store. So there is a lock, and the shard announces to claims and sweeps of all
  accounts what it has come to. The floor is for one thread.
- What expired is given back a little at a time, and nothing grows by copying everything at once. The
  floor never shrinks, and doubles when it is full (not while it is measured).

*JSON* is written through serde, as a document is also written by any other serializer, and its links,
titles and shapes are the user's. The function by hand knows them all beforehand.

*Memory after 9 in 10 have expired* is more than allowed in stores of few tasks, since each of 64 shards
keeps a chunk for tasks, one for accounts, and the beginnings of its tables: with an account for each task,
that is up to 18 KB beyond what is allowed, 1.2 MB in all.
";

/// What it all ran on.
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

/// Everything.
pub fn whole(findings: &Findings, machine: &str, plots: bool) -> String {
    let mut text = String::from("# Measured\n\n");
    let _ = writeln!(
        text,
        "Written by `cargo run --release -p tasklife-peers`, on {machine}.\n\
         Ratios are within one run: medians of several rounds, in each of which all take turns (ours\n\
         and the floor five times, the others once). Stores are filled and asked in random order.\n"
    );
    text += WORDS;
    text += "\n## Budgets\n\n";
    text += &budgets(&findings.budgets);
    if plots {
        text += "\n## Time over number of tasks\n\n![plots](times.svg)\n";
    }
    text += "\n## Times\n\n";
    text += &times(&findings.races);
    for (title, lines) in &findings.notes {
        let _ = writeln!(text, "\n## {title}\n\n{}", lines.join("\n"));
    }
    text
}

pub fn budgets(findings: &[Finding]) -> String {
    let mut text = "| what | at | budget | measured | |\n|---|---|---|---|---|\n".to_owned();
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

fn times(races: &[Race]) -> String {
    let mut text = "| operation | tasks | median time of a call |\n|---|---|---|\n".to_owned();
    for Race { operation, tasks, timings } in races {
        let each =
            timings.iter().map(|timing| format!("{} {}", timing.name, time(timing.median())));
        let each = each.collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "| {operation} | {} | {each} |", count(*tasks));
    }
    text
}

/// The times of ours and the rivals at one size, side by side.
pub fn key_table(races: &[Race], tasks: usize) -> String {
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
    let races = races.iter().filter(|race| race.tasks == tasks && race.of("floor").is_some());
    for race in races {
        let cells =
            columns.map(|name| race.of(name).map_or_else(String::new, |t| time(t.median())));
        let _ = writeln!(text, "| {} | {} |", race.operation, cells.join(" | "));
    }
    text
}

/// A README with its quotation renewed, if it has the lines between which it belongs.
pub fn quoted_in(readme: &str, findings: &Findings, tasks: usize, machine: &str) -> Option<String> {
    let (before, rest) = readme.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    let count = |verdict| findings.budgets.iter().filter(|f| f.verdict == verdict).count();
    let quotation = format!(
        "\n{}\n![Time of a call over the number of tasks, for this crate and the others]\
         (benches/peers/results/times.svg)\n\n\
         Median time of a call, on {machine}.\n\
         [The report](benches/peers/results/report.md) has all measurements. Of its budgets, {} are met and {} are\n\
         missed; it explains each miss.\n\n",
        key_table(&findings.races, tasks),
        count(Verdict::Met),
        count(Verdict::Missed),
    );
    Some([before, BEGIN, &quotation, END, after].concat())
}
