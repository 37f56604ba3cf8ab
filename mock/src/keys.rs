//! Who calls: the keys of the accounts.

use std::collections::BTreeMap;

use crate::rejection::Rejection;
use http::StatusCode;
use http::header::HeaderMap;
use tasklife::AccountId;

/// The keys that are known, and whether others are taken.
#[derive(Default)]
pub(crate) struct Keys {
    known: BTreeMap<String, (String, AccountId)>,
    /// How many keys that were not known may open an account, and how many have.
    most: usize,
    opened: usize,
}

impl Keys {
    pub(crate) fn add(&mut self, key: &str, secret: &str, account: AccountId) {
        self.known.insert(key.into(), (secret.into(), account));
    }

    pub(crate) fn open(&mut self, most: usize) {
        self.most = most;
    }

    /// The account whose keys the headers have.
    ///
    /// Where no account can be opened, a key that is unknown and one whose secret is another look
    /// alike.
    pub(crate) fn account(&mut self, headers: &HeaderMap) -> Result<AccountId, Rejection> {
        let [key, secret] = ["x-api-key", "x-api-secret-key"].map(|name| {
            let text = headers.get(name).and_then(|value| value.to_str().ok());
            text.filter(|text| !text.is_empty())
                .ok_or_else(|| unauthorized(format!("expected the header {name}, in ASCII text")))
        });
        let (key, secret) = (key?, secret?);
        if let Some((known, account)) = self.known.get(key) {
            let fits = known == secret;
            return fits.then(|| account.clone()).ok_or_else(unknown);
        }
        if self.most == 0 {
            return Err(unknown());
        }
        if self.opened >= self.most {
            let known = self.known.len();
            let message = format!("expected one of the {known} keys that are known or came first");
            return Err(unauthorized(message));
        }
        let account: AccountId = key.parse().map_err(|_| {
            let most = "expected an x-api-key of 1 to 255 characters, and neither `.` nor `..`";
            unauthorized(most.into())
        })?;
        // One that has keys is not opened by its name.
        if self.known.values().any(|(_, known)| *known == account) {
            return Err(unknown());
        }
        self.add(key, secret, account.clone());
        self.opened += 1;
        Ok(account)
    }
}

fn unknown() -> Rejection {
    unauthorized(String::from(
        "expected a known x-api-key, and the x-api-secret-key that goes with it",
    ))
}

fn unauthorized(message: String) -> Rejection {
    Rejection::new(StatusCode::UNAUTHORIZED, message)
}
