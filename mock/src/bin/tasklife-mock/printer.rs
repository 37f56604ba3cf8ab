//! Lines for whoever watches: nobody waits until they are read.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

/// Prints lines, one after the other, beside all else.
pub(crate) struct Printer(SyncSender<Order>);

enum Order {
    Print(String),
    /// To say when all lines before have been printed.
    Tell(Sender<()>),
}

impl Printer {
    /// How many lines may wait to be read; of those that come then, none is printed.
    const WAITING: usize = 10_000;

    pub(crate) fn start() -> Self {
        let (sender, orders) = sync_channel(Self::WAITING);
        thread::spawn(move || print(&orders));
        Self(sender)
    }

    pub(crate) fn print(&self, line: String) {
        let _ = self.0.try_send(Order::Print(line));
    }

    /// Waits until all has been printed, but not for long: perhaps nobody reads it.
    pub(crate) fn finish(&self) {
        let (done, told) = channel();
        if self.0.try_send(Order::Tell(done)).is_ok() {
            let _ = told.recv_timeout(Duration::from_secs(1));
        }
    }
}

fn print(orders: &Receiver<Order>) {
    for order in orders {
        match order {
            Order::Print(line) => drop(writeln!(io::stderr(), "{line}")),
            Order::Tell(done) => drop(done.send(())),
        }
    }
}
