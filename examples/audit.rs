//! Audits the responses of a server: reads one JSON object per line, and prints a line for each
//! finding.
//!
//! A line is `{"at": "<RFC 3339>", "body": <the response>}`. It may also have `account`, `request`
//! (such as `"GET /v1/tasks"`) and `status`. At the end, the program writes to standard error how
//! many readings it audited: those about tasks.
//!
//! Exit codes:
//!
//! - 0: at least one reading was audited, and there were no findings
//! - 1: there were findings
//! - 2: nothing was audited, or the input can't be read

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tasklife::Retention;
use tasklife::audit::{Auditor, Reading, Rule};
use tasklife::format::BuiltIn;

/// Audits the responses of a server of the task API, as its client saw them.
#[derive(Parser)]
struct Options {
    /// The file to read, one JSON object per line; standard input if it is `-` or missing
    file: Option<PathBuf>,
    /// Print findings as JSON, one per line
    #[arg(long)]
    json: bool,
    /// The number of days for which the server keeps a task
    #[arg(long, value_name = "DAYS", default_value_t = Retention::DAYS, value_parser = clap::value_parser!(u32).range(1..=3_000_000))]
    retention: u32,
    /// The path of the list of tasks on the server, or the end of that path
    #[arg(long, value_name = "PATH", default_value = "/tasks")]
    tasks_path: String,
    /// The format of the responses: redis-cloud, google, azure or azure-resource-manager
    #[arg(long, value_name = "FORMAT", default_value_t)]
    format: BuiltIn,
    /// A rule whose violations are ignored; can be repeated
    #[arg(long, value_name = "RULE")]
    allow: Vec<Rule>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let days = Duration::from_hours(24 * u64::from(options.retention));
    let retention = Retention::since_submission(days);
    let (found, summary) = match Auditor::new(retention).with_tasks_path(&options.tasks_path) {
        Ok(auditor) => {
            // The domain only affects written documents, and the auditor writes none.
            let mut auditor = auditor.with_format(options.format.format(""));
            let found = audit(&options, &mut auditor);
            let (audited, readings) = (auditor.audited(), auditor.readings());
            let summary = format!("audited {audited} of {readings} readings\n");
            (found.map(|found| (found, audited)), summary)
        }
        Err(error) => (Err(format!("--tasks-path: {error}")), String::new()),
    };
    let (message, code) = match found {
        Ok((0, 0)) => (summary, 2),
        Ok((0, _)) => (summary, 0),
        Ok(_) => (summary, 1),
        Err(error) => (format!("{error}\n{summary}"), 2),
    };
    // It doesn't matter if standard error is closed.
    let _ = io::stderr().write_all(message.as_bytes());
    ExitCode::from(code)
}

/// Returns the number of findings, or why the input can't be read.
fn audit(options: &Options, auditor: &mut Auditor) -> Result<usize, String> {
    if Rule::ALL.iter().all(|rule| options.allow.contains(rule)) {
        return Err("expected a rule that may not be broken, got all of them as --allow".to_owned());
    }
    let input: Box<dyn BufRead> = match &options.file {
        Some(file) if file.as_os_str() != "-" => {
            let opened = File::open(file);
            Box::new(BufReader::new(opened.map_err(|e| format!("{}: {e}", file.display()))?))
        }
        _ => Box::new(io::stdin().lock()),
    };
    let mut out = io::stdout().lock();
    let mut count = 0;
    for (line, text) in (1_usize..).zip(input.lines()) {
        let text = text.map_err(|e| format!("line {line}: {e}"))?;
        if text.trim().is_empty() {
            continue;
        }
        let reading: Reading =
            serde_json::from_str(&text).map_err(|e| format!("line {line}: no reading: {e}"))?;
        for finding in auditor.observe(&reading) {
            if options.allow.contains(&finding.rule()) {
                continue;
            }
            count += 1;
            let printed = if options.json {
                let (rule, what, source) = (finding.rule(), finding.what(), finding.source());
                let finding = serde_json::json!({ "line": line, "rule": rule, "what": what, "source": source });
                writeln!(out, "{finding}")
            } else {
                writeln!(out, "line {line}: {finding}")
            };
            printed.map_err(|e| format!("standard output: {e}"))?;
        }
    }
    Ok(count)
}
