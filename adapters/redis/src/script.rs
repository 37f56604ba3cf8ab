//! The scripts: each reads or writes within one slot, in one step.
//!
//! They know order, counts and instants, and compare revisions; of what an event does to a task they
//! know nothing.

use std::sync::LazyLock;

/// A script, and its hash, by which a server runs it that has seen it before.
pub(crate) struct Script {
    pub(crate) source: &'static str,
    hash: LazyLock<String>,
}

impl Script {
    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }
}

macro_rules! scripts {
    ($slot:literal: $($(#[$doc:meta])* $NAME:ident = $file:literal $flags:literal;)+) => { $(
        $(#[$doc])*
        pub(crate) static $NAME: Script = {
            const SOURCE: &str = concat!(
                "#!lua ", $flags, "\n",
                include_str!(concat!("lua/", $slot, ".lua")),
                include_str!(concat!("lua/", $file, ".lua")),
            );
            Script {
                source: SOURCE,
                hash: LazyLock::new(|| redis::Script::new(SOURCE).get_hash().to_owned()),
            }
        };
    )+ };
}

// Without a flag, a script is refused as a whole where it could not write: on a replica, or where
// memory is short. Those that make room are let in.
scripts! { "account":
    GET = "get" "flags=no-writes";
    LOOK = "look" "flags=no-writes";
    OFFER = "offer" "flags=no-writes";
    LIST = "list" "flags=no-writes";
    EARLIEST = "earliest" "flags=no-writes";
    COMMIT = "commit" "";
    DOZE = "doze" "flags=allow-oom";
    DRAIN = "drain" "flags=allow-oom";
    LIFT = "lift" "flags=allow-oom";
    RETIRE = "retire" "flags=allow-oom";
    MEND = "mend" "flags=allow-oom";
}
scripts! { "registry":
    KNOWN = "known" "flags=no-writes";
    REGISTER = "register" "";
    PEEK = "peek" "flags=allow-oom";
    SLEEP = "sleep" "flags=allow-oom";
    RAISE = "raise" "flags=allow-oom";
    EXPIRING = "expiring" "flags=no-writes";
    DUE = "due" "flags=no-writes";
    SETTLE = "settle" "flags=allow-oom";
    FORGET = "forget" "flags=allow-oom";
    RESERVE = "reserve" "";
    COUNT = "count" "flags=allow-oom";
    RESERVED = "reserved" "flags=no-writes";
    EPOCH = "epoch" "flags=allow-oom";
    MENDED = "mended" "flags=allow-oom";
}
