//! The store that `--store` names.

use std::error::Error;
use std::sync::Arc;

use tasklife::{AsyncTaskStore, Notifies, StoreConfig};
#[cfg(feature = "postgres")]
use tasklife_postgres::PostgresStore;
#[cfg(feature = "redis")]
use tasklife_redis::{Redis, RedisStore};
#[cfg(feature = "sqlite")]
use tasklife_sqlite::SqliteStore;

/// A store that wakes waiting workers.
pub(crate) trait Store: AsyncTaskStore + Notifies {}

impl<S: AsyncTaskStore + Notifies> Store for S {}

/// Opens the store at an address. Several servers may share it.
#[cfg_attr(
    not(any(feature = "postgres", feature = "redis", feature = "sqlite")),
    expect(unused_variables, reason = "no feature adds a store that takes a configuration")
)]
#[cfg_attr(
    not(feature = "postgres"),
    expect(clippy::unused_async, reason = "only PostgreSQL is connected to here")
)]
pub(crate) async fn open(
    address: &str,
    config: StoreConfig,
) -> Result<Arc<dyn Store>, Box<dyn Error>> {
    match address.split_once(':') {
        #[cfg(feature = "sqlite")]
        Some(("sqlite", file)) if !file.is_empty() && !file.starts_with("//") => {
            Ok(Arc::new(SqliteStore::open(file, config)?))
        }
        #[cfg(feature = "redis")]
        Some(("redis" | "rediss", _)) => {
            Ok(Arc::new(RedisStore::new(Redis::server(address)?, config)))
        }
        #[cfg(feature = "postgres")]
        Some(("postgres" | "postgresql", _)) => {
            Ok(Arc::new(PostgresStore::connect(address, config).await?))
        }
        _ => Err(unknown(address).into()),
    }
}

/// Explains which addresses this build of the server takes.
fn unknown(address: &str) -> String {
    let forms = [
        cfg!(feature = "sqlite").then_some("sqlite:FILE"),
        cfg!(feature = "redis").then_some("redis://ADDRESS:PORT"),
        cfg!(feature = "postgres").then_some("postgres://USER@HOST/DATABASE"),
    ];
    let forms: Vec<_> = forms.into_iter().flatten().collect();
    let forms = if forms.is_empty() { "no store".into() } else { forms.join(" or ") };
    // Only the scheme is repeated: the rest may contain a password.
    let scheme = address.split_once(':').map_or("no scheme", |(scheme, _)| scheme);
    format!("expected {forms}, got {scheme}: other stores are features of this server")
}
