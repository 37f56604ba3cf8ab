//! Authentication: which account a request belongs to.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::rejection::Rejection;
use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use tasklife::AccountId;

/// How a request authenticates: where it has the key of its account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authentication {
    /// The headers `x-api-key` and `x-api-secret-key`.
    #[default]
    RedisCloud,
    /// A header with the key, and another header with its secret.
    HeaderWithSecret(HeaderName, HeaderName),
    /// A header with the key. The secrets of [accounts](crate::MockApi::with_account) are ignored.
    Header(HeaderName),
    /// HTTP basic authentication: `Authorization: Basic …` (RFC 7617). The user name is the key,
    /// and the password is the secret.
    Basic,
    /// A bearer token: `Authorization: Bearer TOKEN`. The token is the key, and secrets are
    /// ignored.
    Bearer,
    /// No authentication: every request belongs to this account.
    None(AccountId),
}

impl Authentication {
    /// Returns a key and a secret, each in a header.
    pub(crate) fn of_headers(key: HeaderName, secret: HeaderName) -> Self {
        if key == API_KEY && secret == API_SECRET {
            return Self::RedisCloud;
        }
        Self::HeaderWithSecret(key, secret)
    }

    /// Returns the headers that identify the account.
    pub(crate) fn headers(&self) -> Vec<HeaderName> {
        match self {
            Self::RedisCloud => vec![API_KEY, API_SECRET],
            Self::HeaderWithSecret(key, secret) => vec![key.clone(), secret.clone()],
            Self::Header(key) => vec![key.clone()],
            Self::Basic | Self::Bearer => vec![AUTHORIZATION],
            Self::None(_) => Vec::new(),
        }
    }

    /// What messages call the key.
    fn key(&self) -> String {
        match self {
            Self::RedisCloud => "x-api-key".into(),
            Self::HeaderWithSecret(key, _) | Self::Header(key) => key.to_string(),
            Self::Basic => "user name".into(),
            Self::Bearer | Self::None(_) => "token".into(),
        }
    }

    /// Returns the `WWW-Authenticate` of a 401.
    pub(crate) fn challenge(&self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Bearer => "Bearer",
            Self::Basic => "Basic realm=\"mock\"",
            _ => "ApiKey",
        })
    }
}

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const API_SECRET: HeaderName = HeaderName::from_static("x-api-secret-key");

/// The known keys, and how many more may open an account.
#[derive(Default)]
pub(crate) struct Keys {
    place: Authentication,
    known: BTreeMap<String, (String, AccountId)>,
    /// The most unknown keys that may open an account.
    most: usize,
    opened: BTreeSet<String>,
}

impl Keys {
    pub(crate) fn add(&mut self, key: &str, secret: &str, account: AccountId) {
        self.known.insert(key.into(), (secret.into(), account));
    }

    pub(crate) fn set_place(&mut self, place: Authentication) {
        self.place = place;
    }

    pub(crate) fn open(&mut self, most: usize) {
        self.most = most;
    }

    /// Returns the keys without those that opened an account.
    pub(crate) fn at_start(mut self) -> Self {
        for key in std::mem::take(&mut self.opened) {
            self.known.remove(&key);
        }
        self
    }

    /// Returns the account of a request.
    ///
    /// If no account can be opened, the answer does not reveal whether the key is unknown or its
    /// secret is wrong.
    pub(crate) fn account(&mut self, headers: &HeaderMap) -> Result<AccountId, Rejection> {
        let header = |name: &HeaderName| {
            let text = headers.get(name).and_then(|value| value.to_str().ok());
            text.filter(|text| !text.is_empty())
                .ok_or_else(|| unauthorized(format!("expected the header {name}, in ASCII text")))
        };
        let pair;
        let (key, secret) = match &self.place {
            Authentication::None(account) => return Ok(account.clone()),
            Authentication::RedisCloud => (header(&API_KEY)?, Some(header(&API_SECRET)?)),
            Authentication::HeaderWithSecret(key, secret) => (header(key)?, Some(header(secret)?)),
            Authentication::Header(key) => (header(key)?, None),
            Authentication::Basic => {
                pair = name_and_password(header(&AUTHORIZATION)?)?;
                (&*pair.0, Some(&*pair.1))
            }
            Authentication::Bearer => (bearer_token(header(&AUTHORIZATION)?)?, None),
        };
        let unknown = || unknown(&self.place);
        if let Some((known, account)) = self.known.get(key) {
            let fits = secret.is_none_or(|secret| known == secret);
            return fits.then(|| account.clone()).ok_or_else(unknown);
        }
        if self.most == 0 {
            return Err(unknown());
        }
        if self.opened.len() >= self.most {
            let known = self.known.len();
            let message =
                format!("expected one of the {known} known keys: no more accounts can be opened");
            return Err(unauthorized(message));
        }
        let account: AccountId = key.parse().map_err(|_| {
            let key = self.place.key();
            unauthorized(format!(
                "expected a value of 1 to 255 characters as {key}, other than `.` and `..`"
            ))
        })?;
        // An account that has a key cannot be opened by its name.
        if self.known.values().any(|(_, known)| *known == account) {
            return Err(unknown());
        }
        self.add(key, secret.unwrap_or_default(), account.clone());
        self.opened.insert(key.into());
        Ok(account)
    }
}

/// Returns the user name and password of basic authentication.
fn name_and_password(text: &str) -> Result<(String, String), Rejection> {
    let (scheme, encoded) = text.split_once(' ').unwrap_or((text, ""));
    let decoded = STANDARD.decode(encoded.trim()).ok().and_then(|it| String::from_utf8(it).ok());
    let pair = decoded.as_deref().and_then(|decoded| decoded.split_once(':'));
    let pair = pair.filter(|(name, _)| scheme.eq_ignore_ascii_case("basic") && !name.is_empty());
    pair.map(|(name, password)| (name.to_owned(), password.to_owned())).ok_or_else(|| {
        unauthorized(
            "expected the header authorization with `Basic`, a user name and a password".into(),
        )
    })
}

fn bearer_token(text: &str) -> Result<&str, Rejection> {
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    let token = token.trim();
    let fits = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty();
    fits.then_some(token).ok_or_else(|| {
        unauthorized("expected the header authorization with `Bearer` and a token".into())
    })
}

fn unknown(place: &Authentication) -> Rejection {
    let key = place.key();
    unauthorized(match place {
        Authentication::RedisCloud => {
            "expected a known x-api-key, and the x-api-secret-key that goes with it".into()
        }
        Authentication::Basic => "expected a known user name and its password".into(),
        Authentication::HeaderWithSecret(_, secret) => {
            format!("expected a known {key}, and the {secret} that goes with it")
        }
        _ => format!("expected a known {key}"),
    })
}

fn unauthorized(message: String) -> Rejection {
    Rejection::new(StatusCode::UNAUTHORIZED, message)
}
