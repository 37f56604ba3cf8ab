//! The settings of an API: accounts, authentication, operations, resources and limits.

use std::sync::{Arc, PoisonError};

use http::{Method, StatusCode};
use serde_json::{Map, Value};
use tasklife::{AccountId, CommandType, LinkError, Links, Replies, StoreConfig};

use super::{MockApi, new_store};
use crate::accounts::InitialAccount;
use crate::error::MockError;
use crate::keys::Authentication;
use crate::operation::Operation;
use crate::pace::Pace;
use crate::path::Template;
use crate::rate::RateLimit;
use crate::resource::ResourceKey;
use crate::route::RouteFault;

impl MockApi {
    /// Sets the configuration of the store. It replaces the whole previous configuration, including
    /// the number of tasks.
    ///
    /// Call this before any task is submitted: it replaces the store with an empty one.
    #[must_use]
    pub fn with_config(mut self, config: StoreConfig) -> Self {
        self.max_body = config.max_input();
        self.config = config;
        self.state_mut().store = Arc::new(new_store(config));
        self
    }

    /// Changes the links of the answers, and what else [`Links`] decides in documents: the path of
    /// tasks, the shape of links, titles, descriptions, and for each command type the
    /// [route](Links::with_route) to its resource.
    ///
    /// If you set another [base address](Links::with_base), links lead there, which is useful
    /// behind a proxy. Requests are still expected below the path of the first base address. The
    /// host of links is the one of the base address, unless the [origin](tasklife::Origin) says
    /// otherwise.
    ///
    /// ```
    /// use tasklife_mock::MockApi;
    ///
    /// let api = MockApi::redis_cloud("/api")?.with_links(|links| links.with_tasks_path("/jobs"))?;
    /// # Ok::<(), tasklife_mock::MockError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the error of `change`. Also returns an error if an operation or a resource already
    /// has the path of tasks.
    pub fn with_links(
        mut self,
        change: impl FnOnce(Links) -> Result<Links, LinkError>,
    ) -> Result<Self, MockError> {
        let links = change(self.replies.links().clone())?;
        let path = links.tasks_path();
        self.routes.set_tasks(path).map_err(|fault| fault.of(path))?;
        Ok(Self { replies: self.replies.with_links(links), ..self })
    }

    /// Changes how requests are read and answered: the format, the form of errors, the parameters
    /// of lists, the bounds of `Retry-After`, the host of links, and which account a request
    /// belongs to.
    ///
    /// - If `change` sets [`Replies::with_account_of`], that function decides the account, and the
    ///   mock ignores its keys.
    /// - Changes to links are discarded. Use [`with_links`](Self::with_links) for these.
    /// - No answer is [held](Replies::hold_until).
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

    /// Adds an account with a key and its secret. If the account exists, adds another key to it.
    #[must_use]
    pub fn with_account(mut self, key: &str, secret: &str, account: AccountId) -> Self {
        self.add_initial((account.clone(), None));
        self.state_mut().keys.add(key, secret, account);
        self
    }

    /// Lets unknown keys open accounts. Each of the first `most` keys opens an account that is
    /// named after the key. The first secret that a client sends with such a key becomes its
    /// secret.
    ///
    /// A key cannot open an account that already has a key.
    #[must_use]
    pub fn with_open_accounts(mut self, most: usize) -> Self {
        self.state_mut().keys.open(most);
        self
    }

    /// Sets how requests authenticate. The default is the headers `x-api-key` and
    /// `x-api-secret-key`.
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
    pub fn with_authentication(mut self, authentication: Authentication) -> Self {
        self.state_mut().keys.set_place(authentication.clone());
        Self { authentication, ..self }
    }

    /// Validates the bodies of requests against the schemas of the description from which the API
    /// was [made](Self::from_openapi). A body that does not match gets a 400 that says what was
    /// expected, and where. By default, any JSON object is accepted.
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

    /// Adds an operation: a request that is answered with a task.
    ///
    /// The path is below the base address, with a placeholder such as `{databaseId}` for each id.
    /// [`MockApi`](Self#resources) describes what an operation does to resources.
    ///
    /// # Errors
    ///
    /// Returns an error if `path` is malformed, or if the API already has this method at this path.
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

    /// Sets the status with which an operation is accepted. The default is 202.
    ///
    /// # Errors
    ///
    /// Returns an error if no operation has this command type.
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

    /// Adds a kind of resources.
    ///
    /// `path` is where a resource is found, such as
    /// `/subscriptions/{subscriptionId}/databases/{databaseId}`. `id_field` is the field that holds
    /// its id, such as `databaseId`. If resources of this kind belong to others, add the kind of
    /// those first.
    ///
    /// # Errors
    ///
    /// Returns an error if `path` is malformed or does not end with a name and a placeholder, if
    /// the API already has a `GET` of the resource or of its list, or if the kind to which these
    /// resources belong has not been added.
    pub fn with_resource(mut self, path: &str, id_field: &str) -> Result<Self, MockError> {
        self.routes.add_resource(path, id_field).map_err(|fault| fault.of(path))?;
        Ok(self)
    }

    /// Adds a resource to an account from the start, in the status `active`.
    ///
    /// `path` is below the base address, such as `/subscriptions/77899`. `fields` are those of a
    /// request that would have made the resource. An existing resource is replaced. The resource is
    /// as old as the account's first request.
    ///
    /// # Errors
    ///
    /// Returns an error if no kind of resources has this path, if the resource would belong to one
    /// that does not exist, or if the account already has [`MAX_RESOURCES`](Self::MAX_RESOURCES).
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

    /// Returns the key of the resource at a path, and those of its fields that are kept.
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

    /// Adds an account or a resource that exists from the start, and again after each reset.
    fn add_initial(&mut self, initial: InitialAccount) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.accounts.add_initial(&initial, &self.routes);
        self.initial_accounts.push(initial);
    }

    /// Returns whether the API has a kind of resources at a path below the base address, such as
    /// `/subscriptions/77899`. The resource itself need not exist.
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

    /// Hides each new task for a while: reads of it get a 404, and lists leave it out. The live API
    /// also returns an id a moment before its task can be read.
    ///
    /// With [`Pace::Reads(n)`](Pace::Reads), the first `n` `GET`s of the task get a 404.
    #[must_use]
    pub fn with_visibility_lag(mut self, lag: Pace) -> Self {
        self.lag = lag;
        self
    }

    /// Limits the number of requests that an account may make in a period. By default there is no
    /// limit.
    #[must_use]
    pub fn with_rate_limit(self, limit: RateLimit) -> Self {
        Self { rate_limit: Some(limit), ..self }
    }
}
