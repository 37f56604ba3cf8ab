//! The scripts that were set, and which one applies to a request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tasklife::{AccountId, CommandType, Scope};

use crate::fault::{Counted, Fault, Faults};
use crate::pace::Pace;
use crate::script::Script;

/// The scripts of an API. Scripts for the account come before those for every account. Among these,
/// scripts for the command type come before those for any. The latest that matches applies.
pub(crate) struct Scripts {
    entries: Vec<Entry>,
    /// Applies if no other script matches.
    default: Arc<SetScript>,
}

pub(crate) type Condition = Arc<dyn Fn(&Value) -> bool + Send + Sync>;

#[derive(Clone)]
struct Entry {
    /// `None` for every command type.
    command: Option<CommandType>,
    /// `None` for every body.
    when: Option<Condition>,
    script: Arc<SetScript>,
}

/// A script, and what was counted since it was set.
pub(crate) struct SetScript {
    pub(crate) script: Script,
    /// The number of submissions of each account.
    submissions: Mutex<BTreeMap<AccountId, u32>>,
}

impl SetScript {
    fn new(script: Script) -> Arc<Self> {
        Arc::new(Self { script, submissions: Mutex::default() })
    }

    /// Returns the faults in reads, or in submissions.
    pub(crate) fn faults(&self, counted: Counted) -> impl Iterator<Item = &Fault> {
        self.script.faults.iter().filter(move |fault| fault.counts(counted))
    }

    /// Counts a submission, and returns its faults.
    pub(crate) fn count_submission(&self, account: &AccountId, command: &CommandType) -> Faults {
        if self.faults(Counted::Submissions).next().is_none() {
            return Faults::default();
        }
        let mut submissions = self.submissions.lock().unwrap_or_else(PoisonError::into_inner);
        let number = submissions.entry(account.clone()).or_insert(0);
        *number = number.saturating_add(1);
        Faults::select(self.faults(Counted::Submissions), account, command.as_str(), *number)
    }

    fn forget(&self, account: &AccountId) {
        self.submissions.lock().unwrap_or_else(PoisonError::into_inner).remove(account);
    }
}

impl Scripts {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), default: SetScript::new(Script::new(Pace::Immediate)) }
    }

    pub(crate) fn add(
        &mut self,
        command: Option<CommandType>,
        when: Option<Condition>,
        script: Script,
    ) {
        if when.is_none() {
            // It matches everything that these match.
            self.entries.retain(|known| {
                known.command != command || known.script.script.account != script.account
            });
        }
        self.entries.push(Entry { command, when, script: SetScript::new(script) });
    }

    /// Removes all scripts, or those for one account.
    pub(crate) fn clear(&mut self, scope: Scope<'_>) {
        match scope {
            Scope::Account(account) => {
                self.entries.retain(|known| known.script.script.account.as_ref() != Some(account));
            }
            Scope::Any => *self = Self::new(),
        }
    }

    /// Resets the numbers of submissions.
    pub(crate) fn forget(&self, scope: Scope<'_>) {
        for Entry { script, .. } in &self.entries {
            match scope {
                Scope::Account(account) => script.forget(account),
                Scope::Any => {
                    script.submissions.lock().unwrap_or_else(PoisonError::into_inner).clear();
                }
            }
        }
    }

    /// Returns the scripts that may apply to a request, in order of precedence. Conditions are user
    /// code, so they must not run while the scripts are locked.
    pub(crate) fn candidates(&self, account: &AccountId, command: &CommandType) -> Candidates {
        let mut entries = Vec::new();
        for account in [Some(account), None] {
            for command in [Some(command), None] {
                let is_at = |known: &&Entry| {
                    known.script.script.account.as_ref() == account
                        && known.command.as_ref() == command
                };
                entries.extend(self.entries.iter().rev().filter(is_at).cloned());
            }
        }
        Candidates { entries, default: self.default.clone() }
    }
}

pub(crate) struct Candidates {
    entries: Vec<Entry>,
    default: Arc<SetScript>,
}

impl Candidates {
    pub(crate) fn fitting(self, body: &Value) -> Arc<SetScript> {
        let fits = |known: &Entry| known.when.as_ref().is_none_or(|when| when(body));
        self.entries.into_iter().find(fits).map_or(self.default, |known| known.script)
    }
}
