//! Log lines on stderr. Requests never wait for them to be read.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

/// A handle to a thread that prints lines in order.
pub(crate) struct Printer(SyncSender<Message>);

enum Message {
    Print(String),
    /// Replies when all lines before it have been printed.
    Flush(Sender<()>),
}

impl Printer {
    /// How many lines can wait to be printed. Lines beyond these are dropped.
    const CAPACITY: usize = 10_000;

    pub(crate) fn start() -> Self {
        let (sender, messages) = sync_channel(Self::CAPACITY);
        thread::spawn(move || print(&messages));
        Self(sender)
    }

    pub(crate) fn print(&self, line: String) {
        let _ = self.0.try_send(Message::Print(line));
    }

    /// Waits until all lines have been printed, for at most one second.
    pub(crate) fn flush(&self) {
        let (done, flushed) = channel();
        if self.0.try_send(Message::Flush(done)).is_ok() {
            let _ = flushed.recv_timeout(Duration::from_secs(1));
        }
    }
}

fn print(messages: &Receiver<Message>) {
    for message in messages {
        match message {
            Message::Print(line) => drop(writeln!(io::stderr(), "{line}")),
            Message::Flush(done) => drop(done.send(())),
        }
    }
}
