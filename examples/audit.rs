//! Audits what a server answered. Reads one JSON object per line, and prints a line per finding.
//!
//! An input line is `{"at": "<RFC 3339>", "body": <the answer>}`. It may also have `account`,
//! `request` (such as `"GET /v1/tasks"`) and `status`.
//!
//! It audits each answer that is about tasks: a document of one task, a list of tasks, or a 404 in
//! place of a task. An answer that can't be read is a finding. Requests for anything else and errors
//! of the server are skipped. At the end, standard error says how many answers were audited:
//! `audited 3 of 5 readings`.
//!
//! The exit code is:
//!
//! - 0 if it audited readings and found nothing,
//! - 1 if it found something,
//! - 2 if it audited nothing, or if the input can't be read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tasklife::Retention;
use tasklife::audit::{Auditor, Reading, Rule};
use tasklife::format::BuiltIn;

/// Audits what a server of the task API answered, as its client saw it.
#[derive(Parser)]
struct Options {
    /// The file to read, with one JSON object per line; standard input if it is `-` or missing
    file: Option<PathBuf>,
    /// Print findings as JSON, one per line
    #[arg(long)]
    json: bool,
    /// How many days the server keeps a task
    #[arg(long, value_name = "DAYS", default_value_t = Retention::DAYS, value_parser = clap::value_parser!(u32).range(1..=3_000_000))]
    retention: u32,
    /// The path of the tasks on the server: the end of the path of the list
    #[arg(long, value_name = "PATH", default_value = "/tasks")]
    tasks_path: String,
    /// The format of the answers: redis-cloud, google, azure or azure-resource-manager
    #[arg(long, value_name = "FORMAT", default_value_t)]
    format: BuiltIn,
    /// A rule to ignore; can be given more than once
    #[arg(long, value_name = "RULE")]
    allow: Vec<Rule>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let days = Duration::from_hours(24 * u64::from(options.retention));
    let retention = Retention::since_submission(days);
    let (found, summary) = match Auditor::new(retention).with_tasks_path(&options.tasks_path) {
        Ok(auditor) => {
            // The domain matters only for writing.
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
    // A closed standard error must not change the exit code.
    let _ = io::stderr().write_all(message.as_bytes());
    ExitCode::from(code)
}

/// Returns the number of findings, or the reason why the input can't be read.
fn audit(options: &Options, auditor: &mut Auditor) -> Result<usize, String> {
    if Rule::ALL.iter().all(|rule| options.allow.contains(rule)) {
        return Err("expected a rule that is not ignored, got all of them as --allow".to_owned());
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
        let reading: Reading = serde_json::from_str(&text)
            .map_err(|e| format!("line {line}: expected a reading: {e}"))?;
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
