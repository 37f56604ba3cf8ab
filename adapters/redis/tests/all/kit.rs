//! The scripts in Redis answer as a store that decides everything with `tasklife::kit`: what is
//! visible, counted, listed, claimed and swept.

use tasklife::InProcess;
use tasklife_test_support::{same_answers, tight_limits};

use crate::support::{Connect, RedisServer, block_on, fresh_pair};

#[path = "../../../../examples/own_store.rs"]
#[allow(unreachable_pub, reason = "an example is a crate of its own")]
mod example;

#[test]
fn scripts_decide_as_the_kit_does() {
    let server = RedisServer::start(&[]);
    let connections = [server.redis(), server.redis()];
    for seed in 0..40 {
        let kit = InProcess(example::OwnStore::new(tight_limits()));
        let (redis, _) = fresh_pair(&connections[0], &connections[1], tight_limits());
        same_answers([&kit, &redis], &|future| block_on(future), seed, 200);
    }
}
