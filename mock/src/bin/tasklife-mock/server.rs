//! The API at a socket: requests one at a time, and what is logged of them.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::response::{IntoResponse, Result};
use axum::routing::{any, get};
use tasklife_mock::{Exchange, MockApi, TransportFault};

use crate::clock::Clock;
use crate::control::{Control, forbidden};
use crate::cors;
use crate::cut::CutShort;
use crate::journal::{Journal, JsonLine, Line};
use crate::options::{CorsOrigin, LogFormat};
use crate::page::Page;
use crate::printer::Printer;

/// What the requests share.
pub(crate) struct Server {
    pub(crate) api: MockApi,
    pub(crate) clock: Clock,
    pub(crate) control: Control,
    max_body: usize,
    logs: Option<LogFormat>,
    pub(crate) printer: Printer,
    log: Mutex<Log>,
}

/// What is told of requests. One request has it at a time, so that the times of the clock are in the order
/// of the journal, and who steers comes between two of them.
pub(crate) struct Log {
    journal: Option<Journal>,
    /// How many requests there were since all began.
    pub(crate) count: u64,
}

type Shared = State<Arc<Server>>;

impl Server {
    pub(crate) fn new(
        api: MockApi,
        max_body: usize,
        clock: Clock,
        control: Control,
        journal: Option<Journal>,
        logs: Option<LogFormat>,
    ) -> Self {
        let printer = Printer::start();
        Self {
            api,
            clock,
            control,
            max_body,
            logs,
            printer,
            log: Mutex::new(Log { journal, count: 0 }),
        }
    }

    /// All paths: that of the page, those by which it is steered, and the API's for everything else.
    pub(crate) fn into_router(self: Arc<Self>, origins: &[CorsOrigin]) -> Router {
        let api = Router::new().fallback(answer).with_state(self.clone());
        let api = if origins.is_empty() { api } else { api.layer(cors::layer(origins)) };
        Router::new()
            .route("/", get(page).fallback_service(api.clone()))
            .route("/_mock", any(steer))
            .route("/_mock/", any(steer))
            .route("/_mock/{*path}", any(steer))
            .with_state(self)
            .fallback_service(api)
    }

    fn handle(&self, request: &Request<Vec<u8>>) -> Response<String> {
        let mut log = self.log();
        let response = self.api.handle(request, self.clock.now());
        let before = log.count;
        log.count += 1;
        if self.logs.is_none() && log.journal.is_none() {
            return response;
        }
        let exchange = self.api.journal_since(before).pop();
        let added = exchange.as_ref().map(|exchange| log.append(exchange));
        drop(log);
        if let Some(Err(fault)) = added {
            self.printer.print(fault);
        }
        match (self.logs, exchange) {
            (Some(LogFormat::Text), Some(it)) => self.printer.print(Line(&it).to_string()),
            (Some(LogFormat::Json), Some(it)) => self.printer.print(JsonLine(&it).to_string()),
            _ => {}
        }
        response
    }

    /// The page, for a browser that finds the API where it found the page.
    fn page(&self, request: &Request) -> Result<String, Box<Response<String>>> {
        let now = self.clock.now();
        let base = self.api.base_of(request, now)?;
        if let Err(foreign) = self.control.host(request.headers()) {
            return Err(Box::new(forbidden(foreign)));
        }
        let log = self.log();
        let now = self.clock.now();
        self.api.advance(now);
        let requests = self.api.journal_since(log.count.saturating_sub(Page::REQUESTS));
        drop(log);
        let is_steered = self.control.refusal(request.headers()).is_none();
        Ok(Page::new(&self.api, &base, self.clock.speed(), requests, is_steered, now).to_string())
    }

    /// No request leaves anything half done.
    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn append(&mut self, exchange: &Exchange) -> Result<(), String> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let added = journal.add(exchange);
        if added.is_err() {
            self.journal = None;
        }
        added
    }
}

async fn answer(State(server): Shared, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = read(body, server.max_body).await else {
        // What of it came may look like the whole, and is not.
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut response = server.handle(&Request::from_parts(head, body));
    let transport_fault: TransportFault = response.extensions_mut().remove().unwrap_or_default();
    if !transport_fault.delay.is_zero() {
        tokio::time::sleep(transport_fault.delay).await;
    }
    if transport_fault.is_cut_short { CutShort::of(response) } else { response.map(Body::from) }
}

/// A body, or as much of it as shows that it is longer than the limit.
async fn read(mut body: Body, limit: usize) -> Result<Vec<u8>, axum::Error> {
    let mut read = Vec::new();
    while read.len() <= limit
        && let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await
    {
        if let Ok(data) = frame?.into_data() {
            read.extend_from_slice(&data);
        }
    }
    Ok(read)
}

async fn page(State(server): Shared, request: Request) -> Result<impl IntoResponse> {
    let headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        // Nothing but its own style and script: whatever clients send can't do anything.
        (
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'",
        ),
    ];
    Ok((headers, server.page(&request).map_err(|refused| *refused)?))
}

/// What somebody does who steers.
async fn steer(State(server): Shared, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    match read(body, Control::MAX_BODY).await {
        Ok(body) => server.steer(&head, &body).map(Body::from),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}
