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
    ($slot:literal: $($NAME:ident = $($file:literal)/+, $flags:literal;)+) => { $(
        pub(crate) static $NAME: Script = {
            const SOURCE: &str = concat!(
                "#!lua ", $flags, "\n",
                include_str!(concat!("lua/", $slot, ".lua")),
                $(include_str!(concat!("lua/", $file, ".lua")),)+
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
    GET = "get", "flags=no-writes";
    READ_FOR_UPDATE = "read_for_update", "flags=no-writes";
    READ_FOR_CLAIM = "read_work" / "read_for_claim", "flags=no-writes";
    LIST = "list", "flags=no-writes";
    EARLIEST_EXPIRY = "earliest_expiry", "flags=no-writes";
    COMMIT = "commit", "";
    MARK_PARKED = "mark_parked", "flags=allow-oom";
    SWEEP = "sweep", "flags=allow-oom";
    FENCE = "fence", "flags=allow-oom";
    EXPIRE_ACCOUNT = "expire_account", "flags=allow-oom";
    REPAIR = "repair", "flags=allow-oom";
}
scripts! { "slot":
    RAISE_SLOT = "raise_slot", "flags=allow-oom";
}
scripts! { "registry":
    GLOBALS = "globals", "flags=no-writes";
    REGISTER = "register", "";
    NEXT_READY = "turn" / "next_ready", "flags=allow-oom";
    NEXT_WORK = "turn" / "account_in_turn" / "account" / "read_work" / "next_work", "flags=allow-oom";
    PARK = "park", "flags=allow-oom";
    RAISE_HORIZON = "raise_horizon", "flags=allow-oom";
    SLOTS_HEARD = "slots_heard", "flags=allow-oom";
    EXPIRING = "expiring", "flags=no-writes";
    DUE = "due", "flags=no-writes";
    RECORD_SWEEP = "record_sweep", "flags=allow-oom";
    RAISE_FLOOR = "raise_floor", "flags=allow-oom";
    RESERVE = "reserve", "";
    COUNT = "count", "flags=allow-oom";
    STALE_RESERVATIONS = "stale_reservations", "flags=no-writes";
    REPLICATION_IDS = "replication_ids", "flags=allow-oom";
    REREGISTER = "reregister", "flags=allow-oom";
}
