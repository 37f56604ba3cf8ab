//! What is done to an API while it runs, and what it tells.

use std::sync::{Arc, PoisonError, RwLockWriteGuard};

use serde_json::Value;
use tasklife::{
    AccountId, ApplyError, CommandType, MemoryStore, Now, Scope, Task, TaskId, TaskStore,
    clamp_time,
};

use crate::api::{MockApi, State};
use crate::error::MockError;
use crate::journal::Exchange;
use crate::script::Script;
use crate::scripts::{Condition, Scripts};

impl MockApi {
    /// Sets the script of the tasks that have none of their own: for all accounts, or for
    /// [one](Script::for_account). An account's scripts come before those of all, and of these, those of a
    /// command type before this.
    ///
    /// # Errors
    /// Where the script can't be: a [report](Script::reporting) of more than 100 percent, more than 101 reports, a
    /// [fault](crate::Fault) with a status that is not one of 400 to 599, with a share that is not one of 0 to 1, or
    /// on a read or submission with the number 0.
    pub fn on_any(&self, script: Script) -> Result<(), MockError> {
        self.set(None, None, script)
    }

    /// Sets the script of a command type, for tasks that are submitted from now on. The latest that
    /// fits is the one, of this and of [`on_if`](Self::on_if).
    ///
    /// # Errors
    /// Where no operation has this [command type](Self::command_types): the script would be for nothing,
    /// and a typo would let a test pass. And as [`on_any`](Self::on_any).
    pub fn on(&self, command: CommandType, script: Script) -> Result<(), MockError> {
        self.set(Some(command), None, script)
    }

    /// Sets the script of a command type for requests whose body meets a condition; `null` stands
    /// for no body.
    ///
    /// # Errors
    /// As [`on`](Self::on).
    pub fn on_if(
        &self,
        command: CommandType,
        when: impl Fn(&Value) -> bool + Send + Sync + 'static,
        script: Script,
    ) -> Result<(), MockError> {
        self.set(Some(command), Some(Arc::new(when)), script)
    }

    /// Whether a script can be set, for a command type or for any, without setting it.
    ///
    /// # Errors
    /// As [`on`](Self::on).
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

    /// Removes all scripts, or those that are [for](Script::for_account) one account. Tasks that are there go on
    /// as theirs says.
    pub fn clear_scripts(&self, scope: Scope<'_>) {
        self.scripts().clear(scope);
    }

    /// Empties the journal, or removes an account's exchanges from it. Numbers go on.
    pub fn clear_journal(&self, scope: Scope<'_>) {
        self.state().journal.clear(scope);
    }

    /// Makes all be as it was at the start, or all of an account: its tasks and their ids, what it has made, its
    /// [rate limit](Self::with_rate_limit), the numbers of its submissions, and its exchanges in the journal. All
    /// accounts that were [opened](Self::with_open_accounts) are closed, and exchanges counted from 1; for
    /// one account, its key stays known. Scripts [stay](Self::clear_scripts).
    ///
    /// After a reset of all, [`store`](Self::store) is another one, and the clock of the caller may go back; an `Arc`
    /// of it from before has the old tasks. After that of one account the clock goes on, as for the others.
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
        // Still between two requests.
        self.scripts().forget(scope);
    }

    /// Completes a task by hand, whatever its script says: it goes through all that comes before, at once, and
    /// ends as its operation does. The task ends in an error only where that can't be done, such as where what it was
    /// to change is gone. One that was submitted [by hand](Self::store) ends without a resource.
    ///
    /// To let it fail, or report, an event is applied in the [store](Self::store).
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
    /// Where there is no such task ([`ApplyError::NotFound`]), it has ended ([`ApplyError::Transition`]), or the lane
    /// of its account is full ([`ApplyError::LaneBusy`]).
    pub fn complete(&self, account: &AccountId, id: TaskId, now: Now) -> Result<Task, ApplyError> {
        let mut guard = self.state();
        let state = &mut *guard;
        let now = clamp_time(now);
        // An account may have been heard of in the store alone.
        if !matches!(state.store.get(account, id, now), Ok(Some(_))) {
            return Err(ApplyError::NotFound);
        }
        let account = state.accounts.entry(account, &self.routes);
        account.complete(self.context(&state.store), id, now)
    }

    /// Puts a resource into an account as [`with_existing`](Self::with_existing) does, while the API runs:
    /// until it is [reset](Self::reset).
    ///
    /// An account that was not heard of is from then on.
    ///
    /// # Errors
    /// As there.
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

    /// Takes every step that is due by `now`, in all accounts: for those who look into the
    /// [store](Self::store) without a request.
    pub fn advance(&self, now: Now) {
        let mut guard = self.state();
        let state = &mut *guard;
        for account in &mut state.accounts.all {
            account.advance(self.context(&state.store), now);
        }
    }

    /// The tasks. What is done to them by hand is noticed at the next call: a script goes on from the
    /// latest update of a task whose status has changed. A task that was submitted by hand has none,
    /// and moves by hand. One that was [removed](MemoryStore::remove) is gone, and its script with it.
    ///
    /// It is this one until all is [reset](Self::reset).
    #[must_use]
    pub fn store(&self) -> Arc<MemoryStore> {
        self.state().store.clone()
    }

    /// The accounts, in the order of their numbers.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountId> {
        self.state().accounts.all.iter().map(|account| account.id().clone()).collect()
    }

    /// The last requests and answers, oldest first: up to
    /// [`MAX_EXCHANGES`](Self::MAX_EXCHANGES).
    #[must_use]
    pub fn journal(&self) -> Vec<Exchange> {
        self.journal_since(0)
    }

    /// The requests and answers after the one with this [number](Exchange::number), as far as the
    /// journal still holds them: for those who write it down while it grows. After a [reset](Self::reset) of all,
    /// numbers begin at 1 again.
    #[must_use]
    pub fn journal_since(&self, number: u64) -> Vec<Exchange> {
        self.state().journal.since(number)
    }

    fn scripts(&self) -> RwLockWriteGuard<'_, Scripts> {
        self.scripts.write().unwrap_or_else(PoisonError::into_inner)
    }
}
