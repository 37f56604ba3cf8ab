//! An answer whose connection ends in the middle of its body.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::Response;
use axum::http::header::CONTENT_LENGTH;
use http_body::Frame;
use tokio::time::{Sleep, sleep};

/// A body that is shorter than its `Content-Length`, so that the connection can't go on after it.
pub(crate) struct CutShort {
    rest: Option<Bytes>,
    /// What is there is sent before the connection ends.
    sent: Pin<Box<Sleep>>,
}

impl CutShort {
    /// How long what is there may take to be written to the socket.
    const SENT: Duration = Duration::from_millis(20);

    /// An answer of which there is a part, and is said to be more.
    pub(crate) fn of(response: Response<String>) -> Response<Body> {
        let (mut head, body) = response.into_parts();
        head.headers.insert(CONTENT_LENGTH, (body.len() + 1).into());
        let body = Self { rest: Some(body.into()), sent: Box::pin(sleep(Self::SENT)) };
        Response::from_parts(head, Body::new(body))
    }
}

impl HttpBody for CutShort {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(rest) = self.rest.take() {
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        ready!(self.sent.as_mut().poll(context));
        Poll::Ready(Some(Err(std::io::Error::other("cut short"))))
    }
}
