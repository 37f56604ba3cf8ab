//! How a test controls the mock while it runs, and reads its state.

use std::sync::{Arc, PoisonError, RwLockWriteGuard};

use serde_json::Value;
use tasklife::{
    AccountId, ApplyError, CommandType, MemoryStore, Scope, Task, TaskId, TaskStore, Timestamp,
    clamp_time,
};

use crate::api::{MockApi, State};
use crate::error::MockError;
use crate::journal::Exchange;
use crate::script::Script;
use crate::scripts::{Condition, Scripts};

impl MockApi {
    /// Sets the script for tasks of every command type: for all accounts, or for
    /// [one](Script::for_account).
    ///
    /// Of several scripts that match a request, those for its account come first. Among these,
    /// scripts for the command type come before this one.
    ///
    /// # Errors
    ///
    /// Returns an error if the script has
    ///
    /// - a [report](Script::reporting) over 100 percent, or more than 101 reports,
    /// - a [fault](crate::Fault) with a status outside 400 to 599, a share outside 0 to 1, or the
    ///   read or submission number 0.
    pub fn on_any(&self, script: Script) -> Result<(), MockError> {
        self.set(None, None, script)
    }

    /// Sets the script for a command type. It applies to tasks that are submitted from now on. If
    /// several scripts set by this and by [`on_if`](Self::on_if) match, the latest one applies.
    ///
    /// # Errors
    ///
    /// Returns an error if no operation has this [command type](Self::command_types), which catches
    /// typos, and in the cases of [`on_any`](Self::on_any).
    pub fn on(&self, command: CommandType, script: Script) -> Result<(), MockError> {
        self.set(Some(command), None, script)
    }

    /// Sets the script for a command type, for requests whose body satisfies a condition. The body
    /// is `null` if there is none.
    ///
    /// # Errors
    ///
    /// Returns an error in the cases of [`on`](Self::on).
    pub fn on_if(
        &self,
        command: CommandType,
        when: impl Fn(&Value) -> bool + Send + Sync + 'static,
        script: Script,
    ) -> Result<(), MockError> {
        self.set(Some(command), Some(Arc::new(when)), script)
    }

    /// Checks a script for a command type, or for any, without setting it.
    ///
    /// # Errors
    ///
    /// Returns an error in the cases of [`on`](Self::on).
    pub fn check_script(
        &self,
        command: Option<&CommandType>,
        script: &Script,
    ) -> Result<(), MockError> {
        if let Some(command) = command {
            self.check_command(command)?;
        }
        Ok(script.check()?)
    }

    fn set(
        &self,
        command: Option<CommandType>,
        when: Option<Condition>,
        script: Script,
    ) -> Result<(), MockError> {
        self.check_script(command.as_ref(), &script)?;
        self.scripts().add(command, when, script);
        Ok(())
    }

    /// Removes all scripts, or those [for](Script::for_account) one account. Tasks that exist keep
    /// their script.
    pub fn clear_scripts(&self, scope: Scope<'_>) {
        self.scripts().clear(scope);
    }

    /// Removes all exchanges, or those of one account, from the journal. Numbering continues.
    pub fn clear_journal(&self, scope: Scope<'_>) {
        self.state().journal.clear(scope);
    }

    /// Returns the mock, or one account, to its initial state. [Scripts](Self::clear_scripts) stay.
    ///
    /// A reset of everything removes all tasks, their ids, the resources that requests made, and
    /// the journal. It closes the accounts that were [opened](Self::with_open_accounts), and
    /// restarts the [rate limits](Self::with_rate_limit), the numbers of submissions and the
    /// numbers of exchanges. Afterwards [`store`](Self::store) returns another store; an `Arc` of
    /// the previous one still has the old tasks. The caller's clock may start earlier than before.
    ///
    /// A reset of one account removes its tasks, resources and exchanges, and restarts its rate
    /// limit and the numbers of its submissions. Its key stays known, and numbers of exchanges and
    /// the clock continue.
    pub fn reset(&self, scope: Scope<'_>) {
        let mut guard = self.state();
        let state = &mut *guard;
        match scope {
            Scope::Any => {
                let keys = std::mem::take(&mut state.keys).at_start();
                *state = State { resets: state.resets + 1, keys, ..State::new(self.config) };
                for initial in &self.initial_accounts {
                    state.accounts.add_initial(initial, &self.routes);
                }
            }
            Scope::Account(id) => {
                state.store.remove_account(id);
                if state.accounts.renew(id, &self.routes) {
                    for initial in self.initial_accounts.iter().filter(|(known, _)| known == id) {
                        state.accounts.add_initial(initial, &self.routes);
                    }
                }
                state.journal.clear(scope);
            }
        }
        // The lock is still held, so no request comes between.
        self.scripts().forget(scope);
    }

    /// Completes a task now, whatever its script says. The task passes through the statuses before
    /// its end, and completes as its operation does.
    ///
    /// The task fails only if the operation cannot be carried out, for example because the resource
    /// that it would change is gone. A task that you submitted in the [store](Self::store)
    /// completes without a resource.
    ///
    /// To fail a task, or to report progress, apply an event in the [store](Self::store).
    ///
    /// ```
    /// use tasklife_mock::{Authentication, MockApi, Pace, Script, http, tasklife};
    ///
    /// let api = MockApi::redis_cloud("/v1")?.with_authentication(Authentication::None("acme".parse()?));
    /// api.on_any(Script::new(Pace::Never))?;
    /// let now = tasklife::MIN_TIME;
    /// api.handle(&http::Request::post("/v1/subscriptions").body("{}")?, now);
    /// let id = api.journal()[0].task_id.expect("a task");
    /// let task = api.complete(&"acme".parse()?, id, now)?;
    /// assert_eq!(task.status(), tasklife::TaskStatus::ProcessingCompleted);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - Returns [`ApplyError::NotFound`] if there is no such task.
    /// - Returns [`ApplyError::Transition`] if it has ended.
    /// - Returns [`ApplyError::LaneFull`] if the lane of its account is full.
    pub fn complete(
        &self,
        account: &AccountId,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Task, ApplyError> {
        let mut guard = self.state();
        let state = &mut *guard;
        let now = clamp_time(now);
        // Do not create an account for a task that does not exist.
        if !matches!(state.store.get(account, id, now), Ok(Some(_))) {
            return Err(ApplyError::NotFound);
        }
        let account = state.accounts.entry(account, &self.routes);
        account.complete(self.context(&state.store), id, now)
    }

    /// Adds a resource to an account while the mock runs, as [`with_existing`](Self::with_existing)
    /// does from the start. It is removed by a [reset](Self::reset). If the account is new, it is
    /// created.
    ///
    /// # Errors
    ///
    /// Returns an error in the cases of [`with_existing`](Self::with_existing).
    pub fn put_existing(
        &self,
        account: &AccountId,
        path: &str,
        fields: &Value,
    ) -> Result<(), MockError> {
        let (key, fields) = self.resource(path, fields)?;
        let mut state = self.state();
        state.accounts.check_place(account, &key, &self.routes).map_err(|fault| fault.of(path))?;
        state.accounts.entry(account, &self.routes).resources.put(key, fields);
        Ok(())
    }

    /// Applies every step that is due by `now`, in all accounts. Call this before you read the
    /// [store](Self::store) without a request.
    pub fn advance(&self, now: Timestamp) {
        let mut guard = self.state();
        let state = &mut *guard;
        for account in &mut state.accounts.all {
            account.advance(self.context(&state.store), now);
        }
    }

    /// Returns the store of the tasks.
    ///
    /// You can apply events and submit tasks in it. The mock notices the changes with its next
    /// call:
    ///
    /// - If you changed a task's status, its script goes on from the task's latest update.
    /// - A task that you submitted has no script. Only you can move it.
    /// - If you [removed](MemoryStore::remove) a task, its script ends.
    ///
    /// The mock uses this store until everything is [reset](Self::reset).
    #[must_use]
    pub fn store(&self) -> Arc<MemoryStore> {
        self.state().store.clone()
    }

    /// Returns the accounts, in the order of their numbers.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountId> {
        self.state().accounts.all.iter().map(|account| account.id().clone()).collect()
    }

    /// Returns the latest requests and answers, oldest first: at most
    /// [`MAX_EXCHANGES`](Self::MAX_EXCHANGES).
    #[must_use]
    pub fn journal(&self) -> Vec<Exchange> {
        self.journal_since(0)
    }

    /// Returns the requests and answers after the one with this [number](Exchange::number), as far
    /// as the journal still has them. Use this to save the journal while it grows. After a
    /// [reset](Self::reset) of everything, numbers start at 1 again.
    #[must_use]
    pub fn journal_since(&self, number: u64) -> Vec<Exchange> {
        self.state().journal.since(number)
    }

    fn scripts(&self) -> RwLockWriteGuard<'_, Scripts> {
        self.scripts.write().unwrap_or_else(PoisonError::into_inner)
    }
}
