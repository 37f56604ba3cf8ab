//! Sending commands and scripts, with retries.

use std::time::{Duration, Instant};

use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::SingleNodeRoutingInfo;
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, ServerErrorKind, Value};
use tasklife::BackendError;

use super::Redis;
use super::connect::Connection;
use super::failure::Failure;
use crate::script::Script;

/// The answer to a script.
pub(crate) struct Reply<T> {
    pub(crate) answer: T,
    /// Whether the script was sent more than once, so that an earlier send may have been applied.
    pub(crate) resent: bool,
}

/// A command that failed for good, after all retries.
pub(super) struct Abandoned {
    pub(super) error: RedisError,
    /// Whether the server may have received the command.
    pub(super) may_have_arrived: bool,
}

impl Redis {
    /// Runs a script that changes nothing that callers see. An error says that nothing was applied.
    pub(crate) async fn query<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        args: &[&[u8]],
    ) -> Result<T, BackendError> {
        let reply = self.run_script(script, keys, args).await;
        reply
            .map(|reply| reply.answer)
            .map_err(|abandoned| BackendError::not_applied(abandoned.error))
    }

    /// Runs a script that recognizes a repetition of the same write. An error says whether the
    /// write may have been applied.
    pub(crate) async fn execute<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        args: &[&[u8]],
    ) -> Result<Reply<T>, BackendError> {
        self.run_script(script, keys, args).await.map_err(|abandoned| {
            if abandoned.may_have_arrived {
                BackendError::unknown(abandoned.error)
            } else {
                BackendError::not_applied(abandoned.error)
            }
        })
    }

    async fn run_script<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        args: &[&[u8]],
    ) -> Result<Reply<T>, Abandoned> {
        self.with_retries(|| self.evaluate(script, keys, args)).await
    }

    /// Sends a command until it is answered or the retry time ends.
    pub(super) async fn with_retries<
        T: FromRedisValue,
        F: Future<Output = Result<Value, Failure>>,
    >(
        &self,
        send: impl Fn() -> F,
    ) -> Result<Reply<T>, Abandoned> {
        let begin = Instant::now();
        let mut pause = Duration::from_millis(2);
        let mut resent = false;
        loop {
            let failure = match send().await {
                Ok(value) => {
                    let answer = redis::from_redis_value(value).map_err(|error| Abandoned {
                        error: RedisError::from(error),
                        may_have_arrived: true,
                    })?;
                    return Ok(Reply { answer, resent });
                }
                Err(failure) => failure,
            };
            resent |= !failure.had_no_effect;
            if !failure.is_temporary() || begin.elapsed() + pause > self.retry_time {
                return Err(Abandoned { error: failure.error, may_have_arrived: resent });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }

    /// Runs a script by its hash, or by its source on a server that doesn't know the hash.
    async fn evaluate(
        &self,
        script: &Script,
        keys: &[String],
        args: &[&[u8]],
    ) -> Result<Value, Failure> {
        let by_hash = script_command("EVALSHA", script.hash(), keys, args);
        match self.send(by_hash).await {
            Err(failure) if failure.is(ServerErrorKind::NoScript) => {
                self.send(script_command("EVAL", script.source, keys, args)).await
            }
            other => other,
        }
    }

    /// Sends a command once.
    pub(super) async fn send(&self, command: Cmd) -> Result<Value, Failure> {
        let (generation, connection) = self.connection().await?;
        let reply = match connection {
            Connection::Server(mut server) => command.query_async(&mut server).await,
            Connection::Cluster(mut cluster) => match command.query_async(&mut cluster).await {
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::Ask) => {
                    follow_ask_redirect(&mut cluster, &command, error).await
                }
                other => other,
            },
        };
        reply.map_err(|error| self.record_failure(error, generation))
    }
}

fn script_command(name: &str, script: &str, keys: &[String], args: &[&[u8]]) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(script).arg(keys.len()).arg(keys);
    for arg in args {
        command.arg(arg);
    }
    command
}

/// Sends a command to the node that a slot is moving to.
async fn follow_ask_redirect(
    cluster: &mut ClusterConnection,
    command: &Cmd,
    error: RedisError,
) -> Result<Value, RedisError> {
    let target = error.redirect_node().and_then(|(address, _)| {
        let (host, port) = address.rsplit_once(':')?;
        Some((host.to_owned(), port.parse().ok()?))
    });
    let Some((host, port)) = target else { return Err(error) };
    let mut both = redis::pipe();
    both.cmd("ASKING").ignore().add_command(command.clone());
    let to = SingleNodeRoutingInfo::ByAddress { host, port };
    let mut answers = cluster.route_pipeline(both, 0, 2, to).await?;
    answers.pop().unwrap_or(Value::Nil).extract_error()
}
