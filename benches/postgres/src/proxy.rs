//! A proxy between a client and the server that counts round trips.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};

use crate::outcome::Outcome;

#[derive(Debug)]
pub struct Proxy {
    pub port: u16,
    pub counts: Arc<Counts>,
}

/// The numbers of messages that clients have sent.
#[derive(Debug, Default)]
pub struct Counts {
    /// Messages after which a client waits for an answer: `Sync` and `Query`.
    trips: AtomicU64,
    /// Notifications to other processes.
    hints: AtomicU64,
}

impl Counts {
    pub fn take(&self) -> [u64; 2] {
        [&self.trips, &self.hints].map(|count| count.swap(0, Ordering::Relaxed))
    }
}

impl Proxy {
    pub async fn start(server: u16) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let counts = Arc::new(Counts::default());
        let shared = counts.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server, shared.clone()));
            }
        });
        Ok(Self { port, counts })
    }
}

async fn pass(client: TcpStream, server: u16, counts: Arc<Counts>) -> Outcome<()> {
    let server = TcpStream::connect(("127.0.0.1", server)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut client_in, mut client_out) = client.into_split();
    let (mut server_in, mut server_out) = server.into_split();
    tokio::spawn(async move { copy(&mut server_in, &mut client_out).await });
    let (mut bytes, mut started) = (Vec::new(), false);
    loop {
        let begin = bytes.len();
        if client_in.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
        server_out.write_all(&bytes[begin..]).await?;
        while let Some((tag, length)) = message(&bytes, started) {
            match tag {
                // The server refuses a request for encryption (8 bytes), and the startup message
                // follows.
                None => started = length != 8,
                Some(b'Q' | b'S') => {
                    counts.trips.fetch_add(1, Ordering::Relaxed);
                }
                Some(b'P') if bytes[..length].windows(9).any(|text| text == b"pg_notify") => {
                    counts.hints.fetch_add(1, Ordering::Relaxed);
                }
                Some(_) => {}
            }
            bytes.drain(..length);
        }
    }
}

/// Returns the type and the length of the first message. The startup message has no type.
fn message(bytes: &[u8], started: bool) -> Option<(Option<u8>, usize)> {
    let (tag, rest) = if started {
        let (tag, rest) = bytes.split_first()?;
        (Some(*tag), rest)
    } else {
        (None, bytes)
    };
    let length = u32::from_be_bytes(*rest.first_chunk()?) as usize + usize::from(started);
    (bytes.len() >= length).then_some((tag, length))
}
