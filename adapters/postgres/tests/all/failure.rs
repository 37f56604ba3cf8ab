//! What is certain after a failure: "nothing was applied" or "unknown".

use std::time::Duration;

use tasklife::{
    ApplyError, AsyncTaskStore, BackendError, Completion, ListQuery, Scope, StoreConfig,
    SubmitError, Submitted, Target, TaskEvent, TaskStatus,
};
use tasklife_postgres::{PostgresOptions, PostgresStore};
use tasklife_test_support::{Loss, Proxy};

use crate::support::{PostgresServer, SERVER, Schema, account, block_on, id, second, submission};

const LOSSES: [Loss; 3] = [Loss::OfRequest, Loss::OfAnswer, Loss::Silence];

/// Connects to a store through a port.
fn connect_to(port: u16, retry_time: Duration, schema: &str, config: StoreConfig) -> PostgresStore {
    let options = PostgresOptions::new()
        .with_schema(schema)
        .unwrap()
        .with_timeout(Duration::from_secs(2))
        .with_retry_time(retry_time);
    let address = format!("postgres://tasklife@127.0.0.1:{port}/tasklife");
    block_on(options.connect(&address, config)).unwrap()
}

fn backend_error<T: std::fmt::Debug>(result: Result<T, SubmitError>) -> BackendError {
    match result {
        Err(SubmitError::Backend(error)) => error,
        other => panic!("expected the backend to fail, got {other:?}"),
    }
}

#[test]
fn without_a_server_nothing_is_applied() {
    let mut server = PostgresServer::start(&[]);
    let store =
        connect_to(server.port, Duration::from_millis(50), "tasklife", StoreConfig::default());
    block_on(async {
        let acme = account("acme");
        let task = store.submit(submission("acme", 1), second(0)).await.unwrap().into_task();
        server.kill();
        // Only the first call after the kill may have been on its way.
        let _ = store.get(&acme, id(1), second(0)).await;
        let error = backend_error(store.submit(submission("acme", 2), second(0)).await);
        assert!(!error.is_unknown(), "{error:?}");
        match store.apply(Target::exactly(&task), TaskEvent::start(), second(0)).await {
            Err(ApplyError::Backend(error)) => assert!(!error.is_unknown(), "{error:?}"),
            other => panic!("expected the backend to fail, got {other:?}"),
        }
        assert!(!store.claim(Scope::Any, second(0)).await.unwrap_err().is_unknown());
        assert!(!store.sweep(1, second(0)).await.unwrap_err().is_unknown());
        server.restart();
        assert_eq!(store.get(&acme, id(1), second(0)).await.unwrap(), Some(task));
        store.submit(submission("acme", 2), second(0)).await.unwrap();
    });
}

#[test]
fn a_lost_write_is_unknown_and_its_retry_is_safe() {
    let proxy = Proxy::to(SERVER.port);
    for loss in LOSSES {
        let schema = Schema::new();
        let store = connect_to(proxy.port, Duration::ZERO, &schema.0, StoreConfig::default());
        block_on(async {
            proxy.lose(loss);
            let error = backend_error(store.submit(submission("acme", 1), second(0)).await);
            assert!(error.is_unknown(), "{loss:?}");

            let again = store.submit(submission("acme", 1), second(0)).await.unwrap();
            let is_known = matches!(again, Submitted::Existing(_));
            assert_eq!(is_known, loss != Loss::OfRequest, "{loss:?}: {again:?}");
            let task = again.into_task();
            assert_eq!(task.status(), TaskStatus::Received);

            proxy.lose(loss);
            let failed = store.apply(Target::exactly(&task), TaskEvent::start(), second(1)).await;
            assert!(matches!(failed, Err(ApplyError::Backend(error)) if error.is_unknown()));
            // Exactly: applied once, whether by the first call or by the second.
            let again = store.apply(Target::exactly(&task), TaskEvent::start(), second(1)).await;
            let task = match again {
                Ok(change) => change.into_task(),
                Err(ApplyError::Stale { current }) => current,
                Err(other) => panic!("{loss:?}: {other}"),
            };
            assert_eq!((task.status(), task.attempts()), (TaskStatus::ProcessingInProgress, 1));
        });
    }
    assert_eq!(proxy.lost(), 2 * LOSSES.len());
}

#[test]
fn retries_find_out_whether_a_lost_write_was_applied() {
    let proxy = Proxy::to(SERVER.port);
    for loss in LOSSES {
        let schema = Schema::new();
        let config = StoreConfig::default().with_max_tasks(1);
        let store = connect_to(proxy.port, Duration::from_secs(10), &schema.0, config);
        block_on(async {
            proxy.lose(loss);
            let new = store.submit(submission("acme", 1), second(0)).await.unwrap();
            assert!(matches!(new, Submitted::New(_)), "{loss:?}");
            proxy.lose(loss);
            let started = store.claim(Scope::Any, second(1)).await.unwrap().unwrap();
            let started = started.into_work().unwrap();
            assert_eq!(started.attempts(), 1, "{loss:?}");
            proxy.lose(loss);
            let end = TaskEvent::complete(Completion::of(7));
            let target = Target::exactly(&started);
            let ended = store.apply(target, end, second(2)).await.unwrap().into_task();
            let page = store.list(ended.account(), &ListQuery::default(), second(3)).await.unwrap();
            assert_eq!(page.tasks(), [ended], "{loss:?}");
        });
    }
    assert_eq!(proxy.lost(), 3 * LOSSES.len());
}

/// Another process writes while the first does not know whether its own write arrived.
#[test]
fn a_lost_write_is_not_confused_with_another_one() {
    let proxy = Proxy::to(SERVER.port);
    for loss in LOSSES {
        let schema = Schema::new();
        let retry_time = Duration::from_secs(10);
        let first = connect_to(proxy.port, retry_time, &schema.0, StoreConfig::default());
        let second_store = connect_to(SERVER.port, retry_time, &schema.0, StoreConfig::default());
        block_on(async {
            let task = first.submit(submission("acme", 1), second(0)).await.unwrap().into_task();
            proxy.lose(loss);
            let race = async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let event = TaskEvent::start().with_description("the second");
                second_store.apply(Target::exactly(&task), event, second(2)).await
            };
            let event = TaskEvent::start().with_description("the first");
            let target = Target::exactly(&task);
            let (one, other) = tokio::join!(first.apply(target, event, second(1)), race);
            assert_ne!(one.is_ok(), other.is_ok(), "{loss:?}: {one:?}, {other:?}");
            let found = first.get(task.account(), task.id(), second(3)).await.unwrap().unwrap();
            let winner = if one.is_ok() { "the first" } else { "the second" };
            assert_eq!((found.description(), found.attempts()), (Some(winner), 1), "{loss:?}");
        });
    }
}

/// The write never arrived, and sweeps move the horizon meanwhile. The store decides again, and
/// does not take the write for a forgotten one.
#[test]
fn a_lost_write_to_a_new_account_is_decided_again() {
    let proxy = Proxy::to(SERVER.port);
    let (schema, retry_time) = (Schema::new(), Duration::from_secs(20));
    let first = connect_to(proxy.port, retry_time, &schema.0, StoreConfig::default());
    let other = connect_to(SERVER.port, retry_time, &schema.0, StoreConfig::default());
    block_on(async {
        for round in 0..3_u64 {
            proxy.lose(Loss::OfRequest);
            let name = format!("account {round}");
            let sweeps = async {
                for sweep in 0..60 {
                    let now = second(i64::try_from(60 * round + sweep).unwrap());
                    other.sweep(1, now).await.unwrap();
                }
            };
            let lost = first.submit(submission(&name, 1), second(1_000));
            let (lost, ()) = tokio::join!(lost, sweeps);
            assert!(matches!(lost.unwrap(), Submitted::New(_)));
        }
    });
    assert_eq!(proxy.lost(), 3);
}

#[test]
fn a_lost_write_is_unknown_after_eight_other_writes_to_the_account() {
    let proxy = Proxy::to(SERVER.port);
    let (schema, retry_time) = (Schema::new(), Duration::from_secs(10));
    let options =
        PostgresOptions::new().with_schema(&schema.0).unwrap().with_retry_time(retry_time);
    let address = format!("postgres://tasklife@127.0.0.1:{}/tasklife", proxy.port);
    // The other writes happen within this time.
    let options = options.with_timeout(Duration::from_secs(4));
    let first = block_on(options.connect(&address, StoreConfig::default())).unwrap();
    let other = connect_to(SERVER.port, retry_time, &schema.0, StoreConfig::default());
    block_on(async {
        let task = first.submit(submission("acme", 1), second(0)).await.unwrap().into_task();
        proxy.lose(Loss::Silence);
        let target = Target::exactly(&task);
        let lost = first.apply(target, TaskEvent::start(), second(1));
        let busy = async {
            let name = account("acme");
            loop {
                let found = other.get(&name, id(1), second(1)).await.unwrap().unwrap();
                if found.status() == TaskStatus::ProcessingInProgress {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            for number in 2..10 {
                other.submit(submission("acme", number), second(1)).await.unwrap();
            }
        };
        let (lost, ()) = tokio::join!(lost, busy);
        assert!(matches!(lost, Err(ApplyError::Backend(error)) if error.is_unknown()));
    });
}

#[test]
fn a_transaction_that_was_rolled_back_is_retried() {
    let schema = Schema::new();
    let store = connect_to(SERVER.port, Duration::from_secs(5), &schema.0, StoreConfig::default());
    block_on(async {
        let name = &schema.0;
        for state in ["deadlock_detected", "serialization_failure", "lock_not_available"] {
            let fault = format!(
                "CREATE SEQUENCE {name}.attempts;
                 CREATE FUNCTION {name}.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     IF nextval('{name}.attempts') < 4 THEN RAISE 'no' USING ERRCODE = '{state}'; END IF;
                     RETURN NEW;
                 END $$;
                 CREATE TRIGGER fails BEFORE INSERT ON {name}.tasks FOR EACH ROW EXECUTE FUNCTION {name}.fail()"
            );
            crate::support::run(&fault).await;
            let new = store.submit(submission(state, 1), second(0)).await.unwrap();
            assert!(matches!(new, Submitted::New(_)));
            let end = format!("DROP FUNCTION {name}.fail CASCADE; DROP SEQUENCE {name}.attempts");
            crate::support::run(&end).await;
        }
        // A full disk is not retried, and nothing was applied.
        let full = format!(
            "CREATE FUNCTION {name}.fail() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE 'no' USING ERRCODE = 'disk_full'; END $$;
             CREATE TRIGGER fails BEFORE INSERT ON {name}.tasks FOR EACH ROW EXECUTE FUNCTION {name}.fail()"
        );
        crate::support::run(&full).await;
        let error = backend_error(store.submit(submission("acme", 9), second(0)).await);
        assert!(!error.is_unknown());
        assert_eq!(error.to_string(), "the store's backend failed, and nothing was applied");
        let cause = std::error::Error::source(&error).unwrap();
        assert_eq!(cause.to_string(), "expected room on the database's disk, got none");
        crate::support::run(&format!("DROP FUNCTION {name}.fail CASCADE")).await;
    });
}

#[test]
fn writes_to_a_standby_are_retried_until_it_is_promoted() {
    let server = PostgresServer::start(&[]);
    let store =
        connect_to(server.port, Duration::from_millis(50), "tasklife", StoreConfig::default());
    let patient =
        connect_to(server.port, Duration::from_secs(10), "tasklife", StoreConfig::default());
    // This setting does not affect existing connections.
    let set_read_only = |read_only: &str| {
        let sql =
            format!("ALTER DATABASE tasklife SET default_transaction_read_only = {read_only}");
        server.psql_in("postgres", &sql);
    };
    set_read_only("on");
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tasklife'";
    server.psql_in("postgres", end);
    block_on(async {
        let error = backend_error(store.submit(submission("acme", 1), second(0)).await);
        assert!(!error.is_unknown());
        let promoted = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            set_read_only("off");
        };
        let waiting = patient.submit(submission("acme", 1), second(0));
        let (submitted, ()) = tokio::join!(waiting, promoted);
        submitted.unwrap();
    });
}
