//! What the scripts decide in Redis (what is visible, counted, listed, handed out and swept) is what the kit
//! decides.

use tasklife::InProcess;
use tasklife_test_support::{narrow, same_answers};

use crate::support::{Connect, RedisServer, block_on, fresh_pair};

#[path = "../../../../examples/own_store.rs"]
#[allow(unreachable_pub, reason = "an example is a crate of its own")]
mod example;

#[test]
fn scripts_decide_as_the_kit_does() {
    let server = RedisServer::start(&[]);
    let ways = [server.redis(), server.redis()];
    for seed in 0..40 {
        let kit = InProcess(example::OwnStore::new(narrow()));
        let (redis, _) = fresh_pair(&ways[0], &ways[1], narrow());
        same_answers([&kit, &redis], &|future| block_on(future), seed, 200);
    }
}
