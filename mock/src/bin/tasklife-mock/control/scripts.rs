//! The operations on scripts.

use std::sync::{MutexGuard, PoisonError};

use serde_json::{Value, json};
use tasklife::Scope;

use super::query::AccountQuery;
use super::request::{Answer, ControlRequest};
use super::{Control, Refusal};
use crate::config::{ScriptConfig, script_at_pace};
use crate::server::Server;

impl Control {
    fn scripts(&self) -> MutexGuard<'_, Vec<ScriptConfig>> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the scripts of the file and the options: all of them, or those for one account.
    pub(super) fn initial_scripts(&self, scope: Scope<'_>) -> Vec<ScriptConfig> {
        self.initial_scripts.iter().filter(|script| is_in_scope(script, scope)).cloned().collect()
    }
}

impl Server {
    pub(super) fn scripts_json(&self, scope: Scope<'_>) -> Value {
        let scripts = self.control.scripts();
        let scripts: Vec<_> = scripts.iter().filter(|script| is_in_scope(script, scope)).collect();
        json!(scripts)
    }

    pub(super) fn put_scripts(&self, request: &ControlRequest<'_>) -> Answer {
        let query: AccountQuery = request.query()?;
        let mut scripts: Vec<ScriptConfig> = request.list()?;
        if let Some(account) = &query.account {
            for (at, script) in scripts.iter_mut().enumerate() {
                let restricted = script.restrict_to(account);
                restricted.map_err(|error| Refusal::bad_request(format!("[{at}]: {error}")))?;
            }
        }
        self.replace_scripts(query.scope(), scripts)?;
        Ok(Some(self.scripts_json(query.scope())))
    }

    /// Replaces all scripts, or those for one account. If one of the new scripts is refused,
    /// nothing changes.
    pub(super) fn replace_scripts(
        &self,
        scope: Scope<'_>,
        scripts: Vec<ScriptConfig>,
    ) -> Result<(), Refusal> {
        let (api, advance) = (&self.api, self.control.advance);
        for (at, script) in scripts.iter().enumerate() {
            let checked = script.check(api, advance);
            checked.map_err(|error| Refusal::bad_request(format!("[{at}]: {error}")))?;
        }
        // All scripts have been checked, so setting them cannot fail.
        api.clear_scripts(scope);
        if scope == Scope::Any {
            let _ = api.on_any(script_at_pace(advance));
        }
        for script in &scripts {
            let _ = script.set(api, advance);
        }
        let mut current = self.control.scripts();
        current.retain(|script| !is_in_scope(script, scope));
        current.extend(scripts);
        Ok(())
    }
}

fn is_in_scope(script: &ScriptConfig, scope: Scope<'_>) -> bool {
    match scope {
        Scope::Any => true,
        Scope::Account(account) => script.account() == Some(account),
    }
}
