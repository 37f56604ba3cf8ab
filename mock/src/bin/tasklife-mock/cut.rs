//! Responses whose connection ends in the middle of the body.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::Response;
use axum::http::header::CONTENT_LENGTH;
use http_body::Frame;
use tokio::time::{Sleep, sleep};

/// A body that is shorter than its `Content-Length`, so that the connection cannot be reused.
pub(crate) struct CutShort {
    rest: Option<Bytes>,
    /// Elapses after `rest` has been written to the socket.
    written: Pin<Box<Sleep>>,
}

impl CutShort {
    /// The time allowed for writing the partial body to the socket before the connection ends.
    const WRITE_TIME: Duration = Duration::from_millis(20);

    /// Turns a response with a partial body into one whose `Content-Length` promises more.
    pub(crate) fn of(response: Response<String>) -> Response<Body> {
        let (mut head, body) = response.into_parts();
        head.headers.insert(CONTENT_LENGTH, (body.len() + 1).into());
        let body = Self { rest: Some(body.into()), written: Box::pin(sleep(Self::WRITE_TIME)) };
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
        ready!(self.written.as_mut().poll(context));
        Poll::Ready(Some(Err(std::io::Error::other("cut short"))))
    }
}
