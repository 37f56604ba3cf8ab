//! Measures `tasklife` against its rivals and floors, and reports which budgets are met.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tasklife_peers::row::{self, Extent, Findings, Verdict};
use tasklife_peers::{count, plot, report};

/// Measures everything with up to a million tasks, writes a report and plots, and quotes them in
/// the README. Exits with 1 if a budget is missed.
#[derive(Debug, Parser)]
struct Options {
    /// Measure up to 100,000 tasks, in a few minutes. The report is written beside the program.
    #[arg(long)]
    quick: bool,
    /// Run only these measurements.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Measure only tasklife and the floors.
    #[arg(long)]
    no_rivals: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Make the calls that are counted under valgrind.
    #[command(hide = true)]
    Count { tasks: usize, accounts: usize },
}

type Row = (&'static str, fn(Extent, &mut Findings));

const ROWS: [Row; 9] = [
    ("update", row::update::measure),
    ("json", row::json::measure),
    ("threads", row::threads::measure),
    ("claims", row::claims::measure),
    ("memory", row::memory::measure),
    ("store", row::store::measure),
    ("expiry", row::expiry::measure),
    ("pauses", row::pauses::measure),
    ("accounts", row::accounts::measure),
];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let options = Options::parse();
    if let Some(Command::Count { tasks, accounts }) = options.command {
        count::run(tasks, accounts);
        return Ok(ExitCode::SUCCESS);
    }
    let most = if options.quick { 100_000 } else { 1_000_000 };
    let extent = Extent { most, rounds: 7, rivals: !options.no_rivals };
    let mut findings = Findings::default();
    let is_requested =
        |name: &str| options.only.is_empty() || options.only.iter().any(|o| o == name);
    for (name, measure) in ROWS {
        if is_requested(name) {
            measure(extent, &mut findings);
        }
    }

    let whole = !options.quick && !options.no_rivals && options.only.is_empty();
    let folder = if whole { package().join("results") } else { scratch()? };
    std::fs::create_dir_all(&folder)?;
    let machine = report::machine();
    let plots = findings.comparisons.iter().any(|comparison| comparison.operation == "get");
    if plots {
        plot::draw(&findings.comparisons, &folder.join("times.svg"))?;
    }
    if !findings.scalings.is_empty() {
        plot::draw_threads(&findings.scalings, &folder.join("threads.svg"))?;
    }
    std::fs::write(folder.join("report.md"), report::whole(&findings, &machine, plots))?;
    if whole {
        let readme = package().join("../../README.md");
        let text = std::fs::read_to_string(&readme)?;
        match report::quoted_in(&text, &findings, most, &machine) {
            Some(renewed) => std::fs::write(&readme, renewed)?,
            None => {
                eprintln!("expected the README to have the lines around the quotation, got none");
            }
        }
    }
    println!("{}", report::budgets(&findings.budgets));
    println!("the report is {}", folder.join("report.md").display());
    let missed = findings.budgets.iter().any(|finding| finding.verdict == Verdict::Missed);
    Ok(if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the folder beside the program for a report that is not kept.
fn scratch() -> Result<PathBuf, std::io::Error> {
    Ok(std::env::current_exe()?.with_file_name("peers-report"))
}
