//! What a session in a Rust program is told, and what it tells.

#[cfg(feature = "extras")]
use super::client::{Auth, Proxy};
use super::{
    authorize::Authorizer,
    client::{Handlers, Store},
};
use crate::protocol::{self, Config};
use std::{fmt, rc::Rc};
use wasm_bindgen::JsValue;

/// Why a command failed.
///
/// ```no_run
/// use mcp_evergreen::Outcome;
/// use serde_json::json;
///
/// # async fn run(session: mcp_evergreen::Session) {
/// if let Err(error) = session.call_tool("pay", json!({ "sum": 12 })).await {
///     match error.outcome {
///         Outcome::NotExecuted => println!("nothing was paid, call again: {error}"),
///         Outcome::Executed => println!("the server says no: {error}"),
///         Outcome::Unknown => println!("look before you call again: {error}"),
///     }
/// }
/// # }
/// ```
pub type Error = protocol::Error<JsValue>;

/// A snapshot of a session.
///
/// ```no_run
/// use mcp_evergreen::Status;
///
/// fn light(status: &Status) -> String {
///     format!("{:?}, session {}, {} recoveries", status.phase, status.generation, status.recoveries)
/// }
/// ```
pub type Status = protocol::Status<JsValue>;

/// What happens to a session.
///
/// ```no_run
/// use mcp_evergreen::Event;
///
/// fn log(event: &Event) {
///     match event {
///         Event::Recovering { reason, .. } => println!("lost: {reason}"),
///         Event::Recovered { generation, .. } => println!("healed: session {generation}"),
///         Event::Warning { kind, hint, .. } => println!("{kind}: {hint}"),
///         _ => {}
///     }
/// }
/// ```
pub type Event = protocol::Event<JsValue>;

/// Hears what happens.
///
/// ```no_run
/// use mcp_evergreen::{Event, Listener};
/// use std::{cell::Cell, rc::Rc};
///
/// let healed = Rc::new(Cell::new(0));
/// let counter = Rc::clone(&healed);
/// let listener: Listener = Rc::new(move |event: &Event| {
///     if let Event::Recovered { .. } = event {
///         counter.set(counter.get() + 1);
///     }
/// });
/// ```
pub type Listener = Rc<dyn Fn(&Event)>;

/// What a session may be told.
///
/// ```no_run
/// use mcp_evergreen::{Config, Options};
/// use std::rc::Rc;
///
/// let options = Options {
///     config: Config { timeout_ms: 20_000, ..Config::default() },
///     headers: vec![("authorization".into(), "Bearer of-the-user".into())],
///     share: Some("chat".into()),
///     on_event: Some(Rc::new(|event| println!("{event:?}"))),
///     ..Options::default()
/// };
/// ```
#[derive(Clone, Default)]
pub struct Options {
    /// The handshake, time-outs, recovery and bounds.
    pub config: Config,
    /// Header fields of the host's, such as `authorization`. They go to the MCP endpoint only.
    pub headers: Vec<(String, String)>,
    /// A proxy of the host's, for servers that send a page no CORS headers. Default: none.
    #[cfg(feature = "extras")]
    pub proxy: Option<Proxy>,
    /// Whether cookies go along. Default: no.
    pub credentials: Credentials,
    /// Who answers what the server asks. Where there are any, the server's own stream is open.
    pub handlers: Handlers,
    /// How the user signs in where the server wants that. Default: the caller gets the 401.
    #[cfg(feature = "extras")]
    pub auth: Option<Auth>,
    /// Gets tokens where the server wants them, in a way of the host's own. Not with `auth`.
    pub authorizer: Option<Rc<Authorizer>>,
    /// Whoever is signed in: it keys what is kept and shared. Default: nobody says.
    pub identity: Option<String>,
    /// Keeps the session for the next life of the page, and has the one that an earlier life left: one session per server and
    /// `identity`, as long as it is of the same client, and for a day. Not with `share`. Default: a reload makes a new session.
    pub persist: Option<Rc<dyn Store>>,
    /// Tabs of one origin that name the same key, and connect to the same URL as the same client, share one session and
    /// one listening stream. Default: a session of its own.
    pub share: Option<String>,
    /// Hears everything that happens, from the first moment on.
    pub on_event: Option<Listener>,
}

/// Fetch's `credentials`.
///
/// ```no_run
/// use mcp_evergreen::{Credentials, Options};
///
/// let options = Options { credentials: Credentials::SameOrigin, ..Options::default() };
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Credentials {
    /// Never.
    #[default]
    Omit,
    /// To the page's own origin.
    SameOrigin,
    /// Always. The server must then name the page's origin in its CORS headers.
    Include,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
