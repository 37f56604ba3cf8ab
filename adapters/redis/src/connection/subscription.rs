//! A subscription, on a connection of its own.

use redis::aio::PubSub;
use redis::{ConnectionInfo, RedisError};
use tokio::time::timeout;

use super::Redis;
use super::endpoint::Endpoint;

impl Redis {
    /// Subscribes to a channel: on the server, or on any node of a cluster, as nodes forward what
    /// is published to each other.
    pub(crate) async fn subscribe(&self, channel: &str) -> Result<PubSub, RedisError> {
        let nodes = match &self.endpoint {
            Endpoint::Server(address) => std::slice::from_ref(address),
            Endpoint::Cluster(nodes) => nodes.as_slice(),
            Endpoint::Sentinel(sentinels) => {
                let (primary, _) = self.find_primary(sentinels).await?;
                return self.subscribe_at(&primary, channel).await;
            }
        };
        // A random start spreads the processes over the nodes.
        let begin = self.random() % nodes.len().max(1) as u64;
        let (before, from) = nodes.split_at(usize::try_from(begin).unwrap_or_default());
        let mut last = None;
        for node in from.iter().chain(before) {
            match self.subscribe_at(node, channel).await {
                Ok(subscription) => return Ok(subscription),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(timed_out))
    }

    async fn subscribe_at(
        &self,
        node: &ConnectionInfo,
        channel: &str,
    ) -> Result<PubSub, RedisError> {
        let client = self.client(node)?;
        let subscribing = async {
            let mut subscription = client.get_async_pubsub().await?;
            subscription.subscribe(channel).await?;
            Ok(subscription)
        };
        timeout(self.timeout, subscribing).await.unwrap_or_else(|_| Err(timed_out()))
    }
}

fn timed_out() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}
