//! The journal file, and the log lines of requests.

use std::fmt::{self, Display, Write as _};
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use chrono::SecondsFormat;
use tasklife_mock::Exchange;

/// A file to which a line is appended for each request. Lines are not buffered, so none is lost if
/// the program is killed.
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens the file, or creates it.
    ///
    /// # Errors
    ///
    /// Returns a message with the path if the file cannot be opened.
    pub(crate) fn open(path: PathBuf) -> Result<Self, String> {
        match File::options().create(true).append(true).open(&path) {
            Ok(file) => Ok(Self { path, file }),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }

    /// Appends an exchange.
    ///
    /// # Errors
    ///
    /// Returns a message with the path if the file cannot be written. The caller must then stop
    /// using the journal, because a journal with a gap misleads its reader.
    pub(crate) fn append(&mut self, exchange: &Exchange) -> Result<(), String> {
        let written =
            serde_json::to_string(exchange).map_err(io::Error::from).and_then(|mut line| {
                line.push('\n');
                self.file.write_all(line.as_bytes())
            });
        written.map_err(|error| format!("{}: {error}; the journal ends here", self.path.display()))
    }
}

/// An exchange as a line of text: the time, account, request, status, task and faults.
pub(crate) struct TextLine<'a>(pub(crate) &'a Exchange);

impl Display for TextLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Exchange { at, account, method, path, status, task_id, faults, .. } = self.0;
        write!(f, "{} ", at.to_rfc3339_opts(SecondsFormat::Millis, true))?;
        match account {
            Some(account) => write!(f, "{account}")?,
            None => f.write_str("-")?,
        }
        write!(f, " {method} ")?;
        for character in path.chars() {
            // A terminal would interpret it.
            if character.is_control() {
                write!(f, "{}", character.escape_unicode())?;
            } else {
                f.write_char(character)?;
            }
        }
        write!(f, " {status}")?;
        if let Some(id) = task_id {
            write!(f, " {id}")?;
        }
        for fault in faults {
            let name = serde_json::to_value(fault).unwrap_or_default();
            write!(f, " {}", name.as_str().unwrap_or_default())?;
        }
        Ok(())
    }
}

/// An exchange as a JSON object, without bodies.
pub(crate) struct JsonLine<'a>(pub(crate) &'a Exchange);

impl Display for JsonLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut exchange = self.0.clone();
        (exchange.body, exchange.request_body) = (String::new(), String::new());
        f.write_str(&serde_json::to_string(&exchange).unwrap_or_default())
    }
}
