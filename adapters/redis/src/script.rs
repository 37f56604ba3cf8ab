//! The Lua scripts. Each reads or writes keys of one slot, in one step.
//!
//! Scripts keep order, counts and instants, and compare revisions. What an event does to a task is
//! decided in Rust.

use std::sync::LazyLock;

/// A script, and the hash under which a server that has seen it runs it again.
pub(crate) struct Script {
    pub(crate) source: &'static str,
    hash: LazyLock<String>,
}

impl Script {
    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }
}

/// Encodes a flag as an argument of a script.
pub(crate) fn flag(is_set: bool) -> &'static str {
    if is_set { "1" } else { "" }
}

/// Declares scripts. The source of each is its flags, the definitions in the file named first (they
/// name the script's keys), and then its own files, all from `lua/`.
macro_rules! scripts {
    ($definitions:literal: $($NAME:ident = $($file:literal)/+, $flags:literal;)+) => { $(
        pub(crate) static $NAME: Script = {
            const SOURCE: &str = concat!(
                "#!lua ", $flags, "\n",
                include_str!(concat!("lua/", $definitions, ".lua")),
                $(include_str!(concat!("lua/", $file, ".lua")),)+
            );
            Script {
                source: SOURCE,
                hash: LazyLock::new(|| redis::Script::new(SOURCE).get_hash().to_owned()),
            }
        };
    )+ };
}

// The server refuses a script without flags as a whole on a replica and when memory is short. Only
// the scripts that add tasks or registrations have no flags. The others may run when memory is
// short (`allow-oom`), so that a sweep can free some.
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
    NEXT_TURN = "take_turn" / "next_turn", "flags=allow-oom";
    NEXT_TURN_WITH_WORK = "take_turn" / "account_in_turn" / "account" / "read_work"
        / "next_turn_with_work", "flags=allow-oom";
    PARK = "park", "flags=allow-oom";
    RAISE_HORIZON = "raise_horizon", "flags=allow-oom";
    RECORD_RAISED_SLOTS = "record_raised_slots", "flags=allow-oom";
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
