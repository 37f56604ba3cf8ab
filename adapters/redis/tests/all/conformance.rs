//! The whole conformance suite on one server and on a cluster, with calls that alternate between
//! two connections.

use std::sync::LazyLock;

use tasklife::StoreConfig;
use tasklife_redis::{Redis, RedisStore};

use crate::support::{AlternatingStore, Connect, RedisCluster, RedisServer, block_on, fresh_pair};

/// Two handles of a store, each with a connection of its own, as two processes have them.
fn both(connections: &[Redis; 2], config: StoreConfig) -> AlternatingStore<RedisStore> {
    let (one, other) = fresh_pair(&connections[0], &connections[1], config);
    AlternatingStore::new(one, other)
}

fn on_one_server(config: StoreConfig) -> AlternatingStore<RedisStore> {
    static SERVER: LazyLock<(RedisServer, [Redis; 2])> = LazyLock::new(|| {
        let server = RedisServer::start(&[]);
        let connections = [server.redis(), server.redis()];
        (server, connections)
    });
    both(&SERVER.1, config)
}

tasklife::conformance! {
    mod one_server;
    store = on_one_server;
    block_on = block_on;
    cases = 80;
}

fn on_a_cluster(config: StoreConfig) -> AlternatingStore<RedisStore> {
    static CLUSTER: LazyLock<(RedisCluster, [Redis; 2])> = LazyLock::new(|| {
        let cluster = RedisCluster::start(&[]);
        let connections = [cluster.redis(), cluster.redis()];
        (cluster, connections)
    });
    both(&CLUSTER.1, config)
}

tasklife::conformance! {
    mod a_cluster;
    store = on_a_cluster;
    block_on = block_on;
    cases = 30;
}

#[test]
fn a_full_account_reports_a_submission_behind_the_horizon_as_expired() {
    use tasklife::testing::*;

    let history = History::new()
        .with_retention_nanos(10_000_000_000)
        .with_max_open(0)
        .sweep(10_000_000_000, 100)
        .submit(-1_000_000_000, 0, 1, Request::NoInput);
    one_server::replay(&history);
}

/// The expired task holds the only place in the lane, as a caller whose clock is behind still sees
/// it.
#[test]
fn replacing_an_expired_task_frees_its_lane_for_clocks_that_are_behind() {
    use tasklife::testing::*;

    const SECOND: i64 = 1_000_000_000;
    for replacement in [Request::Initialized, Request::NoInput] {
        let history = History::new()
            .with_retention_nanos(10 * SECOND)
            .with_max_in_progress(1)
            .submit(0, 0, 1, Request::NoInput)
            .claim(0)
            .submit(5 * SECOND, 0, 2, Request::NoInput)
            .claim(5 * SECOND)
            .submit(10 * SECOND, 0, 1, replacement)
            .claim(7 * SECOND)
            .claim(11 * SECOND);
        one_server::replay(&history);
        a_cluster::replay(&history);
    }
}

/// The task that a full store drops is in the lane of another account, or of the submitting one.
#[test]
fn a_task_dropped_to_make_room_frees_its_lane() {
    use tasklife::testing::*;

    const SECOND: i64 = 1_000_000_000;
    for account in [0, 1] {
        let history = History::new()
            .with_retention_nanos(10 * SECOND)
            .with_max_in_progress(1)
            .with_max_tasks(2)
            .submit(0, 0, 1, Request::NoInput)
            .claim(0)
            .submit(5 * SECOND, 0, 2, Request::NoInput)
            .claim(5 * SECOND)
            .submit(10 * SECOND, account, 3, Request::Initialized)
            .claim(7 * SECOND)
            .list_all(7 * SECOND, 0, 10, Filter::default())
            .sweep(7 * SECOND, 10);
        one_server::replay(&history);
        a_cluster::replay(&history);
    }
}

/// The accounts are on several nodes.
#[test]
fn a_full_store_drops_the_task_that_expired_first_of_all_accounts() {
    use tasklife::testing::*;

    const SECOND: i64 = 1_000_000_000;
    let mut history = History::new().with_retention_nanos(10 * SECOND).with_max_tasks(6);
    for (account, at) in [(0, 3), (1, 1), (2, 4), (3, 2), (4, 5), (0, 6)] {
        let id = u16::try_from(at).unwrap();
        history = history.submit(at * SECOND, account, id, Request::NoInput);
    }
    // A submission with a clock far ahead makes the store drop one task. A limited sweep drops
    // another.
    history = history.submit(100 * SECOND, 0, 10, Request::NoInput).sweep(13 * SECOND, 1);
    for (at, id) in [(7, 11), (13, 12), (14, 13), (7, 14), (100, 15)] {
        history = history.submit(at * SECOND, 1, id, Request::NoInput);
        for account in 0..5 {
            history = history.list_all(7 * SECOND, account, 10, Filter::default());
        }
    }
    let history = history.sweep(16 * SECOND, 100);
    one_server::replay(&history);
    a_cluster::replay(&history);
}

/// A sweep drops what fills the store while a submission looks for expired tasks. Then neither the
/// store nor the account is full.
#[test]
fn a_submission_uses_the_room_that_a_concurrent_sweep_makes() {
    use tasklife::testing::*;

    const SECOND: i64 = 1_000_000_000;
    for turns in 0..16 {
        let history = History::new()
            .with_retention_nanos(10 * SECOND)
            .with_max_tasks(1)
            .submit(0, 0, 2, Request::NoInput)
            .thread(History::new().sweep(11 * SECOND, 100));
        let expired =
            history.clone().thread(History::new().submit(11 * SECOND, 0, 1, Request::NoInput));
        let behind = history.with_max_open(1).thread(History::new().submit(
            2 * SECOND,
            0,
            1,
            Request::NoInput,
        ));
        for history in [expired, behind] {
            let history = history.interleaved(vec![turns % 2; usize::from(turns)]);
            one_server::replay(&history);
            a_cluster::replay(&history);
        }
    }
}

#[test]
fn a_task_is_given_up_after_its_attempts() {
    use tasklife::testing::*;

    const SECOND: i64 = 1_000_000_000;
    let mut history = History::new()
        .with_max_in_progress(1)
        .with_takeover_after_nanos(1_000_000_000)
        .with_max_attempts(2)
        .submit(0, 0, 1, Request::NoInput)
        .submit(0, 0, 2, Request::NoInput)
        .submit(0, 1, 1, Request::NoInput);
    for second in 0..12 {
        history = history.claim(second * SECOND).get(second * SECOND, 0, 1);
    }
    one_server::replay(&history);
    a_cluster::replay(&history);
}
