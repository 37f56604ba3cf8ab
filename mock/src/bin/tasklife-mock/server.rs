//! The HTTP server: the API, the page and control, and the log of requests.

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
use crate::journal::{Journal, JsonLine, TextLine};
use crate::options::{CorsOrigin, LogFormat};
use crate::page::Page;
use crate::printer::Printer;

/// The state that all requests share.
pub(crate) struct Server {
    pub(crate) api: MockApi,
    pub(crate) clock: Clock,
    pub(crate) control: Control,
    max_body: usize,
    log_format: Option<LogFormat>,
    pub(crate) printer: Printer,
    log: Mutex<Log>,
}

/// The log of requests.
///
/// The API handles a request while the log is locked. The journal is therefore in the order of the
/// clock's times, and control operations run between two requests.
pub(crate) struct Log {
    journal: Option<Journal>,
    /// How many requests there were since the start or the last reset.
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
        log_format: Option<LogFormat>,
    ) -> Self {
        let printer = Printer::start();
        Self {
            api,
            clock,
            control,
            max_body,
            log_format,
            printer,
            log: Mutex::new(Log { journal, count: 0 }),
        }
    }

    /// Creates the router: the page is at `/`, control below `/_mock`, and the API everywhere else.
    pub(crate) fn into_router(self: Arc<Self>, origins: &[CorsOrigin]) -> Router {
        let api = Router::new().fallback(answer).with_state(self.clone());
        let api = if origins.is_empty() { api } else { api.layer(cors::layer(origins)) };
        Router::new()
            .route("/", get(page).fallback_service(api.clone()))
            .route("/_mock", any(control))
            .route("/_mock/", any(control))
            .route("/_mock/{*path}", any(control))
            .with_state(self)
            .fallback_service(api)
    }

    fn handle(&self, request: &Request<Vec<u8>>) -> Response<String> {
        let mut log = self.log();
        let response = self.api.handle(request, self.clock.now());
        let before = log.count;
        log.count += 1;
        if self.log_format.is_none() && log.journal.is_none() {
            return response;
        }
        let exchange = self.api.journal_since(before).pop();
        let appended = exchange.as_ref().map(|exchange| log.append(exchange));
        drop(log);
        if let Some(Err(message)) = appended {
            self.printer.print(message);
        }
        let line = exchange.and_then(|exchange| match self.log_format? {
            LogFormat::Text => Some(TextLine(&exchange).to_string()),
            LogFormat::Json => Some(JsonLine(&exchange).to_string()),
        });
        if let Some(line) = line {
            self.printer.print(line);
        }
        response
    }

    /// Returns the page. It shows the API's address as the browser reached the page.
    fn page(&self, request: &Request) -> Result<String, Box<Response<String>>> {
        let now = self.clock.now();
        let base = self.api.base_of(request, now)?;
        if let Err(message) = self.control.host(request.headers()) {
            return Err(Box::new(forbidden(message)));
        }
        let log = self.log();
        let now = self.clock.now();
        self.api.advance(now);
        let requests = self.api.journal_since(log.count.saturating_sub(Page::REQUESTS));
        drop(log);
        let may_control = self.control.refusal(request.headers()).is_none();
        Ok(Page::new(&self.api, &base, self.clock.speed(), requests, may_control, now).to_string())
    }

    /// Locks the log. Its state is valid even after a panic, so poisoning is ignored.
    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    /// Appends an exchange to the journal. The journal ends with the first error.
    fn append(&mut self, exchange: &Exchange) -> Result<(), String> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let appended = journal.append(exchange);
        if appended.is_err() {
            self.journal = None;
        }
        appended
    }
}

async fn answer(State(server): Shared, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = read(body, server.max_body).await else {
        // The partial body may look like a whole one, so it is not handled.
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut response = server.handle(&Request::from_parts(head, body));
    let transport_fault: TransportFault = response.extensions_mut().remove().unwrap_or_default();
    if !transport_fault.delay.is_zero() {
        tokio::time::sleep(transport_fault.delay).await;
    }
    if transport_fault.is_cut_short { CutShort::of(response) } else { response.map(Body::from) }
}

/// Reads a body. If it is longer than the limit, only a part that is also longer is read.
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
        // Only the page's own style and script may run, so text from clients can do no harm.
        (
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'",
        ),
    ];
    Ok((headers, server.page(&request).map_err(|refusal| *refusal)?))
}

async fn control(State(server): Shared, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    match read(body, Control::MAX_BODY).await {
        Ok(body) => server.answer_control(&head, &body).map(Body::from),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}
