//! How the account of a request is identified.

use alloc::sync::Arc;
use core::fmt;

use http::request::Parts;

use crate::id::AccountId;

/// A function that identifies the account of a request from its head.
#[derive(Clone)]
pub(super) struct AccountOf(Arc<Find>);

type Find = dyn Fn(&Parts) -> Option<AccountId> + Send + Sync;

impl AccountOf {
    pub(super) fn new(find: impl Fn(&Parts) -> Option<AccountId> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }

    pub(super) fn find(&self, request: &Parts) -> Option<AccountId> {
        (self.0)(request)
    }
}

impl fmt::Debug for AccountOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountOf(..)")
    }
}
