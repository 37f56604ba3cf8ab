//! The accounts of an API.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use tasklife::AccountId;

use crate::account::Account;
use crate::resource::ResourceKey;
use crate::route::{RouteFault, Routes};

/// An account that exists from the start, and a resource in it.
pub(crate) type InitialAccount = (AccountId, Option<(ResourceKey, Arc<Map<String, Value>>)>);

/// The known accounts, in the order of their numbers.
#[derive(Default)]
pub(crate) struct Accounts {
    numbers: BTreeMap<AccountId, usize>,
    pub(crate) all: Vec<Account>,
}

impl Accounts {
    /// Returns an account. A new one is created with the resources that every account starts with.
    pub(crate) fn entry(&mut self, id: &AccountId, routes: &Routes) -> &mut Account {
        let next = self.all.len();
        let at = *self.numbers.entry(id.clone()).or_insert(next);
        if at == next {
            self.all.push(Self::new_account(id, at + 1, routes));
        }
        &mut self.all[at]
    }

    /// Checks whether a resource can be added to an account, which need not exist.
    pub(crate) fn check_place(
        &self,
        id: &AccountId,
        key: &ResourceKey,
        routes: &Routes,
    ) -> Result<(), RouteFault> {
        match self.numbers.get(id) {
            Some(at) => self.all[*at].resources.check_place(routes, key),
            None => Self::new_account(id, 0, routes).resources.check_place(routes, key),
        }
    }

    /// Adds an account, and the resource in it.
    pub(crate) fn add_initial(&mut self, (id, resource): &InitialAccount, routes: &Routes) {
        let account = self.entry(id, routes);
        if let Some((key, fields)) = resource {
            account.resources.put(key.clone(), fields.clone());
        }
    }

    /// Replaces an account with a new one. Returns whether it existed.
    pub(crate) fn renew(&mut self, id: &AccountId, routes: &Routes) -> bool {
        let known = self.numbers.get(id).copied();
        if let Some(at) = known {
            self.all[at] = Self::new_account(id, at + 1, routes);
        }
        known.is_some()
    }

    fn new_account(id: &AccountId, number: usize, routes: &Routes) -> Account {
        let mut account = Account::new(id.clone(), number);
        for (key, fields) in routes.initial_resources() {
            account.resources.put(key.clone(), fields.clone());
        }
        account
    }
}
