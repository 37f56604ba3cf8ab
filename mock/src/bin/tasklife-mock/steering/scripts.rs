//! Scripts that are put in the place of others.

use std::sync::{MutexGuard, PoisonError};

use serde_json::{Value, json};
use tasklife::{AccountId, Scope};

use super::{Answer, RequestContext};
use crate::config::{ScriptConfig, moving_at};
use crate::control::{Control, Refusal};
use crate::server::Server;

impl Control {
    pub(super) fn scripts(&self) -> MutexGuard<'_, Vec<ScriptConfig>> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The scripts of the start, of all or of an account.
    pub(super) fn scripts_at_start(&self, scope: Scope<'_>) -> Vec<ScriptConfig> {
        self.at_start.iter().filter(|script| is_of(script, scope)).cloned().collect()
    }
}

impl Server {
    pub(super) fn shown_scripts(&self, account: Option<&AccountId>) -> Value {
        let scope = account.map_or(Scope::Any, Scope::Account);
        let scripts = self.control.scripts();
        let scripts: Vec<_> = scripts.iter().filter(|script| is_of(script, scope)).collect();
        json!(scripts)
    }

    pub(super) fn put_scripts(
        &self,
        account: Option<&AccountId>,
        asked: &RequestContext<'_>,
    ) -> Answer {
        let mut scripts: Vec<ScriptConfig> = asked.list()?;
        if let Some(account) = account {
            for (at, script) in scripts.iter_mut().enumerate() {
                let named = script.for_account(account);
                named.map_err(|fault| Refusal::bad_request(format!("[{at}]: {fault}")))?;
            }
        }
        self.replace_scripts(account.map_or(Scope::Any, Scope::Account), scripts)?;
        Ok(Some(self.shown_scripts(account)))
    }

    /// Sets scripts in the place of all, or of those of an account. Where one can't be, all are as before.
    pub(super) fn replace_scripts(
        &self,
        scope: Scope<'_>,
        scripts: Vec<ScriptConfig>,
    ) -> Result<(), Refusal> {
        let (api, advance) = (&self.api, self.control.advance);
        for (at, script) in scripts.iter().enumerate() {
            let checked = script.check(api, advance);
            checked.map_err(|fault| Refusal::bad_request(format!("[{at}]: {fault}")))?;
        }
        // From here on nothing is refused.
        api.clear_scripts(scope);
        if scope == Scope::Any {
            let _ = api.on_any(moving_at(advance));
        }
        for script in &scripts {
            let _ = script.set(api, advance);
        }
        let mut known = self.control.scripts();
        known.retain(|script| !is_of(script, scope));
        known.extend(scripts);
        Ok(())
    }
}

fn is_of(script: &ScriptConfig, scope: Scope<'_>) -> bool {
    match scope {
        Scope::Any => true,
        Scope::Account(account) => script.account() == Some(account),
    }
}
