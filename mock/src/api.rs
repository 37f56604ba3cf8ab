//! The API that is asked.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use http::{Method, StatusCode};
use serde_json::{Map, Value};
use tasklife::{AccountId, CommandType, LinkError, Links, MemoryStore, Replies, StoreConfig};

use crate::account::Context;
use crate::accounts::{Accounts, InitialAccount};
use crate::error::{MockError, Reason};
use crate::journal::Journal;
use crate::keys::{Authentication, Keys};
use crate::operation::Operation;
use crate::pace::Pace;
use crate::path::Template;
use crate::rate::RateLimit;
use crate::resource::{ResourceKey, Resources};
use crate::route::{RouteFault, Routes};
use crate::scripts::Scripts;
use crate::text::Excerpt;

/// A whole API, request in, response out: its tasks move by themselves, as their scripts say.
///
/// Before each call every step of the caller's tasks that is due by then is taken, in the order of
/// time and at its own time: a task that is read an hour later has passed its statuses when its
/// timetable says. The same calls with the same times give the same answers, byte for byte, task
/// ids included: an id comes from the account, the command type, the request and how often the same
/// was asked for, so that clients in parallel get the same ids in every run.
///
/// | request, below the base address | answer |
/// |---|---|
/// | `GET /tasks`, `GET /tasks/{taskId}` | as [`Replies`] |
/// | an [operation](Self::with_operation) | a new task, or with an `Idempotency-Key` the one that it stands for |
/// | `GET` of a [resource](Self::with_resource) | its id, what was asked for, and its status |
/// | `GET` of all resources of a kind | `{"accountId", "subscriptions": […]}`; what belongs to another resource, within it. With `offset` and `limit`, that part |
/// | a resource that is not there, or what belongs to one | 404, which names it |
/// | a body that is no JSON object, where there is one to be | 400 |
/// | a body beyond [`max_input`](StoreConfig::max_input) | 413 |
/// | an operation that makes more resources than the account has room for, of [`MAX_RESOURCES`](Self::MAX_RESOURCES) | 429 |
/// | keys that are unknown, anywhere below the base address | 401 |
/// | a `Host` that is malformed, or comes twice | 400 |
/// | no `Host`, where links [follow](tasklife::Origin::Host) it | 400 |
/// | one too many, where there is a [limit](Self::with_rate_limit) | 429 with `Retry-After` |
/// | what a [fault](crate::Fault) is on | as the fault says |
///
/// An operation that is a `POST` to where resources are listed makes one; a `PUT` or `PATCH` of a
/// resource changes it; a `DELETE` deletes it; each once its task has completed. Any other only has
/// a task, whose result names the innermost resource on its path; that of a `GET` contains it. A
/// resource that is being made or changed is `pending` and then `active`; one that is being deleted is
/// `deleting` and then gone, with all that belongs to it. It shows the texts, numbers and flags of
/// the requests that it was made and changed by, but no password. A list in the request under the
/// name of what belongs to it, such as `databases`, makes all of those along with it. A request with
/// `"dryRun": true` has a task and makes nothing. Where no `GET` reads one by itself, the end of a task that
/// asks for it, or a list, counts as a [read](Pace::Reads) of all that it shows.
///
/// What a [description](Self::from_openapi) says is another matter, and so is what [Redis
/// Cloud](Self::redis_cloud) shows: each says so.
///
/// While a new task [can't be read](Self::with_visibility_lag), lists with `changedSince` don't pass over it:
/// once it can be, it has changed since whatever could be known before.
///
/// A task's [input](tasklife::Task::input) is the request, as a JSON object: `request` with its method and
/// path, and `body` with its body, `null` where it has none. So a request that is repeated under its
/// `Idempotency-Key` is known for what it is, however its JSON is spelled.
///
/// A `HEAD` is answered as the `GET` would be, but for the body; where that has a task, it is submitted,
/// as the answer says where it is.
///
/// It is shared between threads as it is. [`handle`](Self::handle) holds one lock for a call.
pub struct MockApi {
    pub(crate) replies: Replies,
    /// The path of the base address, below which requests come.
    pub(crate) base: String,
    pub(crate) routes: Routes,
    pub(crate) max_body: usize,
    pub(crate) config: StoreConfig,
    /// Whether a body has to fit its schema.
    pub(crate) checks_bodies: bool,
    pub(crate) keys: Authentication,
    pub(crate) lag: Pace,
    pub(crate) rate_limit: Option<RateLimit>,
    /// The accounts and resources that are there from the start.
    pub(crate) initial_accounts: Vec<InitialAccount>,
    pub(crate) scripts: RwLock<Scripts>,
    pub(crate) state: Mutex<State>,
}

/// What calls change.
pub(crate) struct State {
    /// How often all resets anew.
    pub(crate) resets: u64,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) keys: Keys,
    pub(crate) accounts: Accounts,
    pub(crate) journal: Journal,
}

impl State {
    pub(crate) fn new(config: StoreConfig) -> Self {
        Self {
            resets: 0,
            store: Arc::new(store(config)),
            keys: Keys::default(),
            accounts: Accounts::default(),
            journal: Journal::default(),
        }
    }
}

impl MockApi {
    /// How many resources an account can have before it can't make more.
    pub const MAX_RESOURCES: usize = Resources::MAX;

    /// How many exchanges the [journal](Self::journal) holds; with less where their texts are
    /// more than 64 MiB.
    pub const MAX_EXCHANGES: usize = Journal::MAX_EXCHANGES;

    /// An API without accounts, operations and resources, whose tasks end [at once](Pace::Immediate).
    ///
    /// The configuration bounds the tasks, and the bodies of requests by its
    /// [`max_input`](StoreConfig::max_input). Nobody needs to sweep: what has expired makes room
    /// for what comes.
    #[must_use]
    pub fn new(links: Links, config: StoreConfig) -> Self {
        Self {
            base: path_of(links.base()).to_owned(),
            routes: Routes::new(links.tasks_path()),
            replies: Replies::new(links),
            max_body: config.max_input(),
            checks_bodies: false,
            keys: Authentication::default(),
            config,
            lag: Pace::Immediate,
            rate_limit: None,
            initial_accounts: Vec::new(),
            scripts: RwLock::new(Scripts::new()),
            state: Mutex::new(State::new(config)),
        }
    }

    /// Sets the configuration of the store, in place of all of the one before, its number of tasks too.
    /// Called before tasks are there: the store begins anew.
    #[must_use]
    pub fn with_config(mut self, config: StoreConfig) -> Self {
        self.max_body = config.max_input();
        self.config = config;
        self.state_mut().store = Arc::new(store(config));
        self
    }

    /// Changes the links of the answers, with all that documents say: the path of tasks, the shape of
    /// links, titles, sentences, and for each command type the [route](Links::with_route) to what it makes.
    /// Another [base address](Links::with_base) is where links lead, for clients
    /// that come by way of a proxy; requests come at the paths below the first one, as before. Its host is
    /// that of the links unless the [origin](tasklife::Origin) says another.
    ///
    /// ```
    /// use tasklife_mock::MockApi;
    ///
    /// let api = MockApi::redis_cloud("/api")?.with_links(|links| links.with_tasks("/jobs"))?;
    /// # Ok::<(), tasklife_mock::MockError>(())
    /// ```
    ///
    /// # Errors
    /// That of the change; or where the path of tasks is that of an operation or a resource.
    pub fn with_links(
        mut self,
        change: impl FnOnce(Links) -> Result<Links, LinkError>,
    ) -> Result<Self, MockError> {
        let links = change(self.replies.links().clone())?;
        let path = links.tasks_path();
        self.routes.set_tasks(path).map_err(|fault| fault.of(path))?;
        Ok(Self { replies: self.replies.with_links(links), ..self })
    }

    /// Changes how requests are read and answered: the format, the form of errors, the parameters of
    /// lists, the bounds of `Retry-After`, to which host links lead, and whose a request is: where
    /// [that](Replies::with_account_of) is set, keys are not looked at. What it does to links is undone:
    /// [they](Self::with_links) are changed by themselves. No answer is [held](Replies::hold_until).
    ///
    /// ```
    /// use tasklife_mock::MockApi;
    /// use tasklife_mock::tasklife::Origin;
    /// use tasklife_mock::tasklife::format::AzureOperation;
    ///
    /// let api = MockApi::redis_cloud("http://0.0.0.0:8080/v1")?.with_open_accounts(1);
    /// let api = api.with_replies(|replies| {
    ///     replies.with_origin(Origin::Host).with_format(AzureOperation)
    /// });
    /// let request = http::Request::post("/v1/subscriptions").header("host", "mock:8080");
    /// let request = request.header("x-api-key", "key").header("x-api-secret-key", "secret").body("{}")?;
    /// let response = api.handle(&request, tasklife::MIN_TIME);
    /// let monitor = response.headers()["operation-location"].to_str()?;
    /// assert!(monitor.starts_with("http://mock:8080/v1/tasks/"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_replies(self, change: impl FnOnce(Replies) -> Replies) -> Self {
        let links = self.replies.links().clone();
        Self { replies: change(self.replies).with_links(links), ..self }
    }

    /// Adds an account, and a key with its secret; or to an account that is there another key.
    #[must_use]
    pub fn with_account(mut self, key: &str, secret: &str, account: AccountId) -> Self {
        self.add_initial((account.clone(), None));
        self.state_mut().keys.add(key, secret, account);
        self
    }

    /// Lets a key that is not known open an account of its name, up to so many times, unless that
    /// has keys already. Its secret is the one that came first with it.
    #[must_use]
    pub fn with_open_accounts(mut self, most: usize) -> Self {
        self.state_mut().keys.open(most);
        self
    }

    /// Sets where requests have the key of their account; in the headers `x-api-key` and
    /// `x-api-secret-key`, unless set.
    ///
    /// ```
    /// use tasklife_mock::{Authentication, MockApi};
    ///
    /// let api = MockApi::redis_cloud("/v1")?.with_authentication(Authentication::None("acme".parse()?));
    /// let request = http::Request::get("/v1/tasks").body("")?;
    /// assert_eq!(api.handle(&request, tasklife_mock::tasklife::MIN_TIME).status(), 200);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_authentication(mut self, keys: Authentication) -> Self {
        self.state_mut().keys.set_place(keys.clone());
        Self { keys, ..self }
    }

    /// Holds the bodies of requests against the schemas of the description from which the API was
    /// [made](Self::from_openapi): one that doesn't fit is answered with 400, which says what was expected
    /// and where. Without this any JSON object will do.
    ///
    /// ```
    /// use tasklife_mock::{Authentication, MockApi};
    ///
    /// let api = MockApi::redis_cloud("/v1")?.with_authentication(Authentication::None("acme".parse()?));
    /// let api = api.with_checked_bodies();
    /// let request = http::Request::post("/v1/subscriptions").body(r#"{"name": 7}"#)?;
    /// assert_eq!(api.handle(&request, tasklife_mock::tasklife::MIN_TIME).status(), 400);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_checked_bodies(self) -> Self {
        Self { checks_bodies: true, ..self }
    }

    /// Adds an operation: a request that is answered with a task. The path is below the base
    /// address, with a placeholder such as `{databaseId}` for each id. What it does to resources is
    /// said [above](Self).
    ///
    /// # Errors
    /// Where the path is none, or taken for this method.
    pub fn with_operation(
        mut self,
        method: Method,
        path: &str,
        command: CommandType,
    ) -> Result<Self, MockError> {
        let template = Template::parse(path).map_err(|fault| RouteFault::from(fault).of(path))?;
        let operation = Operation::with_task(method, template, command);
        self.routes.add(operation).map_err(|fault| fault.of(path))?;
        Ok(self)
    }

    /// Sets the status of the reply that accepts an operation; 202 unless set.
    ///
    /// # Errors
    /// Where no operation that was added has this command type.
    #[expect(clippy::needless_pass_by_value, reason = "as the other settings")]
    pub fn with_accepted(
        mut self,
        command: CommandType,
        status: StatusCode,
    ) -> Result<Self, MockError> {
        self.check_command(&command)?;
        self.routes.set_accepted(&command, status);
        Ok(self)
    }

    /// Adds a kind of resources: where each is found, such as
    /// `/subscriptions/{subscriptionId}/databases/{databaseId}`, and the field in which it names its
    /// id, such as `databaseId`. What it belongs to must have been added before.
    ///
    /// # Errors
    /// Where the path is none, does not end with a name and a placeholder, is taken for `GET`, or
    /// what it belongs to is not there.
    pub fn with_resource(mut self, path: &str, id_field: &str) -> Result<Self, MockError> {
        self.routes.add_resource(path, id_field).map_err(|fault| fault.of(path))?;
        Ok(self)
    }

    /// Puts a resource that is `active` into an account, at a path below the base address such as
    /// `/subscriptions/77899`, with the fields of a request that would have made it. One that is
    /// there is replaced. It is as old as the account's first request.
    ///
    /// # Errors
    /// Where the path is that of no kind of resources, or of one that belongs to what is not there; or where the
    /// account has [as many](Self::MAX_RESOURCES) as it can have.
    pub fn with_existing(
        mut self,
        account: &AccountId,
        path: &str,
        fields: &Value,
    ) -> Result<Self, MockError> {
        let (key, kept) = self.resource(path, fields)?;
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.accounts.check_place(account, &key, &self.routes).map_err(|fault| fault.of(path))?;
        self.add_initial((account.clone(), Some((key, kept))));
        Ok(self)
    }

    /// What is at a path, and what is kept of its fields.
    pub(crate) fn resource(
        &self,
        path: &str,
        fields: &Value,
    ) -> Result<(ResourceKey, Arc<Map<String, Value>>), MockError> {
        let key = self.routes.resource_at(path);
        let key = key.ok_or_else(|| RouteFault::NoResource.of(path))?;
        let kept = self.routes.kind(key.0).kept(fields);
        Ok((key, Arc::new(kept)))
    }

    /// Lets something be there from the start.
    fn add_initial(&mut self, initial: InitialAccount) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.accounts.add_initial(&initial, &self.routes);
        self.initial_accounts.push(initial);
    }

    /// Whether a kind of resources is found at a path below the base address such as `/subscriptions/77899`,
    /// whether or not there is one with that id.
    ///
    /// ```
    /// let api = tasklife_mock::MockApi::redis_cloud("/v1")?;
    /// assert!(api.has_resource("/subscriptions/77899"));
    /// assert!(!api.has_resource("/subscriptions"));
    /// # Ok::<(), tasklife_mock::MockError>(())
    /// ```
    #[must_use]
    pub fn has_resource(&self, path: &str) -> bool {
        self.routes.resource_at(path).is_some()
    }

    /// Lets a new task be unknown for a while: 404 where it is asked for, and missing from lists.
    /// The live API hands out an id a moment before its task can be read.
    ///
    /// With [`Pace::Reads`] the first so many `GET`s of the task are answered with 404.
    #[must_use]
    pub fn with_visibility_lag(mut self, lag: Pace) -> Self {
        self.lag = lag;
        self
    }

    /// Sets how many requests an account may make in a time; unless set, as many as it likes.
    #[must_use]
    pub fn with_rate_limit(self, limit: RateLimit) -> Self {
        Self { rate_limit: Some(limit), ..self }
    }

    /// The command types of the operations, each once, in the order in which they were added: those
    /// that a script can be for.
    #[must_use]
    pub fn command_types(&self) -> Vec<CommandType> {
        self.routes.command_types()
    }

    pub(crate) fn check_command(&self, command: &CommandType) -> Result<(), MockError> {
        let known = self.command_types();
        if known.contains(command) {
            return Ok(());
        }
        let mut near: Vec<&str> = known.iter().map(CommandType::as_str).collect();
        near.sort_by_key(|name| std::cmp::Reverse(likeness(name, command.as_str())));
        near.truncate(5);
        let got = Excerpt::of(command.as_str());
        let (near, count) = (near.join(", "), known.len());
        Err(Reason::Command { near, count, got }.into())
    }

    pub(crate) fn context<'a>(&'a self, store: &'a MemoryStore) -> Context<'a> {
        Context { store, routes: &self.routes, lag: self.lag }
    }

    /// No call leaves a change half made, so that a poisoned lock guards sound content.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&mut self) -> &mut State {
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much two names have in common: where they begin, and where they end.
fn likeness(one: &str, other: &str) -> usize {
    let same = |(one, other): &(u8, u8)| one == other;
    let front = one.bytes().zip(other.bytes()).take_while(same).count();
    front + one.bytes().rev().zip(other.bytes().rev()).take_while(same).count()
}

/// The path of a base address.
fn path_of(base: &str) -> &str {
    let rest = base.split_once("://").map_or(base, |(_, rest)| rest);
    rest.find('/').map_or("", |at| &rest[at..])
}

/// A store that takes requests whose body is within the bounds, with their first line.
fn store(config: StoreConfig) -> MemoryStore {
    /// More than the longest first line: the `http` crate limits an address to 65,534 bytes.
    const LINE: usize = 1 << 17;
    MemoryStore::new(config.with_max_input(config.max_input().saturating_add(LINE)))
}

impl fmt::Debug for MockApi {
    /// Without what clients sent: there are secrets in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockApi")
            .field("links", self.replies.links())
            .field("lag", &self.lag)
            .field("tasks", &self.store().len())
            .finish_non_exhaustive()
    }
}
