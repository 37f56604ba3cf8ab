//! A TCP proxy that loses or delays a write or its answer.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// What happens to the next write of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Loss {
    /// The request is lost, and the connection is closed.
    OfRequest = 1,
    /// The request arrives, but the connection is closed before the answer.
    OfAnswer,
    /// The request arrives, but the answer is lost, and the connection stays open.
    Silence,
    /// The request arrives late, and nothing is lost.
    Delay,
}

/// A proxy in front of a server.
#[derive(Debug)]
pub struct Proxy {
    /// The port on which it listens.
    pub port: u16,
    next: Arc<AtomicU32>,
    lost: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
}

impl Proxy {
    /// The delay of [`Loss::Delay`].
    pub const DELAY: Duration = Duration::from_millis(300);

    /// Starts a proxy in front of a server on this machine.
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let proxy = Self { port, next: Arc::default(), lost: Arc::default(), open: Arc::default() };
        let (next, lost, open) = (proxy.next.clone(), proxy.lost.clone(), proxy.open.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                let (next, lost, open) = (next.clone(), lost.clone(), open.clone());
                let mute = Arc::new(AtomicBool::new(false));
                let (from_server, to_client, muted) =
                    (server.try_clone().unwrap(), client.try_clone().unwrap(), mute.clone());
                thread::spawn(move || answers(from_server, to_client, &muted));
                thread::spawn(move || {
                    open.fetch_add(1, Ordering::SeqCst);
                    requests(client, server, &next, &lost, &mute);
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        proxy
    }

    /// Applies `loss` to the next write of a task.
    pub fn lose(&self, loss: Loss) {
        self.next.store(loss as u32, Ordering::SeqCst);
    }

    /// Returns the number of writes whose request or answer was lost.
    pub fn lost(&self) -> usize {
        self.lost.load(Ordering::SeqCst)
    }

    /// Returns the number of open connections.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

fn answers(mut from: TcpStream, mut to: TcpStream, mute: &AtomicBool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if !mute.load(Ordering::SeqCst) && to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

fn requests(
    mut from: TcpStream,
    mut to: TcpStream,
    next: &AtomicU32,
    lost: &AtomicUsize,
    mute: &AtomicBool,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let request = &buffer[..length];
        // Only a request that writes a task contains a record.
        let is_write = request.windows(14).any(|part| part == b"\"command_type\"");
        let fate = if is_write { next.swap(0, Ordering::SeqCst) } else { 0 };
        if fate == Loss::Delay as u32 {
            thread::sleep(Proxy::DELAY);
        } else if fate != 0 {
            lost.fetch_add(1, Ordering::SeqCst);
            mute.store(true, Ordering::SeqCst);
        }
        if fate == Loss::OfRequest as u32 || to.write_all(request).is_err() {
            break;
        }
        if fate == Loss::OfAnswer as u32 {
            thread::sleep(Duration::from_millis(50));
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
