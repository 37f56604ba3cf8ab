//! The number of tasks in a limited store, and the places that are reserved in it.

use tasklife::{AccountId, BackendError};

use super::Registry;
use crate::error::Damaged;
use crate::script;

/// The answer to a request for a place in a limited store.
#[derive(Debug)]
pub(crate) enum Reservation {
    /// The store is full. The text changes whenever the number of tasks does.
    Full(String),
    /// Other submissions have reserved the last places.
    Busy,
    /// A place is reserved under this token.
    Reserved(String),
}

impl Registry<'_> {
    /// Reserves a place in a store with room for `max_tasks` tasks.
    pub(crate) async fn reserve(
        &self,
        account: &AccountId,
        max_tasks: usize,
    ) -> Result<Reservation, BackendError> {
        let answer: String =
            self.query(&script::RESERVE, &[account.as_str(), &max_tasks.to_string()]).await?;
        if answer == "busy" {
            return Ok(Reservation::Busy);
        }
        Ok(match answer.strip_prefix("full ") {
            Some(changes) => Reservation::Full(changes.into()),
            None => Reservation::Reserved(answer),
        })
    }

    /// Reserves a place if one is free; returns its token.
    pub(crate) async fn try_reserve(
        &self,
        account: &AccountId,
        max_tasks: usize,
    ) -> Result<Option<String>, BackendError> {
        Ok(match self.reserve(account, max_tasks).await? {
            Reservation::Reserved(token) => Some(token),
            Reservation::Full(_) | Reservation::Busy => None,
        })
    }

    /// Releases a reservation.
    pub(crate) async fn release(
        &self,
        token: &str,
        account: &AccountId,
    ) -> Result<(), BackendError> {
        let _: Vec<String> = self.query(&script::COUNT, &[token, account.as_str(), "", ""]).await?;
        Ok(())
    }

    /// Records the number of tasks that an account has at a revision, and releases a reservation
    /// unless the token is empty.
    ///
    /// Returns the floor if the account may have been forgotten since: read the number again.
    pub(crate) async fn count(
        &self,
        token: &str,
        account: &AccountId,
        tasks: usize,
        revision: &str,
    ) -> Result<Option<String>, BackendError> {
        let args = [token, account.as_str(), &tasks.to_string(), revision];
        let answer: Vec<String> = self.query(&script::COUNT, &args).await?;
        Ok(answer.into_iter().nth(1))
    }

    /// Returns the floor, and the token and account of each reservation that is older than
    /// `seconds`.
    pub(crate) async fn stale_reservations(
        &self,
        seconds: u64,
    ) -> Result<(String, Vec<(String, AccountId)>), BackendError> {
        let (floor, found): (String, Vec<(String, Vec<u8>)>) =
            self.query(&script::STALE_RESERVATIONS, &[&seconds.to_string()]).await?;
        let parse =
            |(token, name): (_, Vec<u8>)| Ok((token, self.parse_account("reservations", &name)?));
        Ok((floor, found.into_iter().map(parse).collect::<Result<_, Damaged>>()?))
    }
}
