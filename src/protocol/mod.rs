//! The pure core: no I/O, no clock, no entropy but the seed that it is given, no JavaScript, no `async`.
//!
//! [`Session`] is told facts (`handle_*`) and asked what to do (`poll_*`); it never does anything itself. The drive
//! loop of whoever owns it:
//!
//! ```text
//! session.handle_input(exchange, input, now)      // or a command: call, notify, close …; or handle_timeout
//! while let Some(output) = session.poll_output()  // until None, after every call above
//!     perform(output)
//! set_timer(session.poll_timeout())               // handle_timeout(now) once it is due
//! ```
//!
//! An exchange is one HTTP request and its response. After [`Output::Send`] the driver reports, in this order:
//! [`Input::Head`]; then, once [`Output::Read`] has said how, what the body holds; then [`Input::End`]. At any point
//! [`Input::Failed`] ends the exchange instead. After [`Output::Abort`] nothing more is reported; what is reported
//! all the same is ignored.

#![warn(clippy::too_many_lines)]

mod authorization;
mod bounds;
mod calls;
mod client;
mod codec;
pub mod config;
mod desired;
mod effect;
pub mod era;
pub mod error;
mod exchanges;
mod hash;
mod identity;
mod lifecycle;
mod listening;
pub mod oauth;
mod page;
pub mod paging;
mod params;
mod payload;
mod policy;
mod purpose;
mod questions;
mod record;
mod session;
pub mod status;
mod tabs;
pub mod time;
#[cfg(feature = "manager")]
pub mod tool_names;

pub use authorization::{Authorized, Challenge, Origin};
#[cfg(target_arch = "wasm32")]
pub(crate) use bounds::TEXT;
pub use calls::{CallOptions, TaskHandle};
pub use client::Resume;
pub use codec::{http, json, json_rpc, sse};
pub use config::Config;
pub use desired::ToolChanges;
pub use error::{Code, Error, Outcome};
pub use page::PageChange;
pub use params::Params;
pub use payload::{Field, Payload};
pub use policy::verdict;
pub use purpose::Purpose;
pub use session::Session;
pub use status::{Event, Status};
pub use tabs::Role;
pub use time::Now;

use http::{Head, Request};

/// Names one HTTP request and its response, for the life of a [`Session`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExchangeId(pub u64);

/// Names one command that settles: a call, a notification, `connect`, `verify`, `close`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// Names one request of the server's that the host is asked to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QuestionId(pub u64);

/// A fact about one exchange.
#[derive(Clone, Debug)]
pub enum Input<P> {
    /// The header fields that the host adds, before the request is sent, where they are others than the driver knew
    /// when it got the request, or [`Output::Send`] asks for them: a JSON array of names in lower case and values,
    /// `[["authorization","Bearer …"]]`. Where an [`Output::Abort`] follows, the request is not sent.
    Fields(String),
    /// Status and headers have arrived.
    Head(Head),
    /// A whole JSON body, parsed. An array is a batch (2025-03-26).
    Message(P),
    /// One event of a stream. `message` is the parsed `data`; `None` where `data` is empty, or
    /// where it is no JSON (then an [`Input::Malformed`] went before).
    Event {
        /// `id:`, where the event has one.
        id: Option<String>,
        /// `retry:` in milliseconds, where the event has one.
        retry_ms: Option<u64>,
        /// The parsed `data`.
        message: Option<P>,
    },
    /// The parsed `data` of an event whose blank line has not come: the stream has ended, or has been silent for a
    /// second. It may come again as [`Input::Event`].
    Unfinished(P),
    /// A body as text, cut at the bound, invalid UTF-8 replaced.
    Text(String),
    /// The body is not what it was to be read as. For a JSON body this ends the exchange; in a stream, reading goes on
    /// after [`Malformed::Event`] and ends after the others.
    Malformed(Malformed),
    /// The server answered with 307 or 308 within the origin. The driver sends the request there, unless an
    /// [`Output::Abort`] follows.
    Following {
        /// 307 or 308.
        status: u16,
    },
    /// The host's `fetch` has followed a redirect: what comes next may answer another request than was sent.
    Followed,
    /// The server answered with a redirect, which the driver did not follow. This ends the exchange.
    Redirected(Redirect),
    /// As [`Input::Failed`], where the platform is no page, which would not be told why.
    Unreached {
        /// What the platform names.
        why: Unreached,
        /// Proven: no connection came to be, and nothing was sent before on this exchange.
        unsent: bool,
        /// What it threw.
        cause: Option<P>,
    },
    /// Nothing was sent: the host's own header fields could not be had. This ends the exchange.
    Unsent {
        /// What the host's function threw.
        cause: Option<P>,
    },
    /// Nothing was sent: the token, or the proof that goes with it (RFC 9449), could not be had. This ends the exchange.
    Unproven {
        /// What whoever has the token, or the key, threw.
        cause: Option<P>,
    },
    /// Nothing was sent: whoever keeps the tokens has another one by now than this was to go with, or none. This ends the
    /// exchange.
    Outdated,
    /// A proxy of the host's answered in its own name, or could not be reached: `refused <reason>` (nothing was sent on),
    /// `failed <reason>` (it may have been), `unreached`, or `foreign` where what answers is no proxy that the driver
    /// knows. This ends the exchange.
    Proxied {
        /// In those words.
        said: String,
        /// Of that answer; 0 where there was none.
        status: u16,
    },
    /// The body has ended.
    End,
    /// No head arrived, or the body broke off. `cause` is what the platform threw.
    Failed {
        /// What the platform threw.
        cause: Option<P>,
    },
}

/// A redirect, as far as the driver can see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redirect {
    /// It leads to another origin.
    pub elsewhere: bool,
    /// Its status. A browser shows none.
    pub status: Option<u16>,
}

/// Why a body could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// No JSON: `bytes` of it were read.
    Json {
        /// Length of the text that did not parse.
        bytes: u64,
    },
    /// The data of an event is no JSON.
    Event {
        /// Its first characters ([`sse::beginning`]).
        begins: String,
    },
    /// Not UTF-8.
    Utf8,
    /// Longer than `limit` bytes.
    TooLarge {
        /// The bound that was passed.
        limit: u64,
    },
}

/// How the body of an exchange is to be read. Many servers name another Content-Type than they send: what begins as JSON
/// is read as [`ReadAs::Json`], and what begins with a field of an event stream as [`ReadAs::Events`], whichever of the
/// two was said; what is neither and was to be JSON, as [`ReadAs::Text`] of at most 64 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadAs {
    /// One JSON text of at most `max` bytes, or one to a line: [`Input::Message`], [`Input::Text`] or
    /// [`Input::Malformed`], then [`Input::End`].
    Json {
        /// Bytes.
        max: u64,
    },
    /// Server-sent events of at most `max` bytes each: [`Input::Event`]s, then [`Input::End`].
    Events {
        /// Bytes.
        max: u64,
    },
    /// The first `max` bytes as text: [`Input::Text`], then [`Input::End`]; the rest is cancelled.
    Text {
        /// Bytes.
        max: u64,
    },
    /// Cancelled unread; [`Input::End`] follows.
    Discard,
}

/// What the driver is to do.
#[derive(Clone, Debug)]
pub enum Output<P> {
    /// Send this request. The driver adds the host's own headers.
    Send {
        /// The name of the new exchange.
        exchange: ExchangeId,
        /// Why it is sent, for header functions and telemetry.
        purpose: Purpose,
        /// What to send.
        request: Request,
        /// Tell [`Input::Fields`] of it in any case: with those that were told last it would be another user's than its
        /// session.
        identify: bool,
    },
    /// Read the body of this exchange so.
    Read {
        /// The exchange whose head was reported.
        exchange: ExchangeId,
        /// How.
        how: ReadAs,
    },
    /// Abort this exchange: nothing of it is wanted any more.
    Abort {
        /// The exchange.
        exchange: ExchangeId,
    },
    /// The command has ended. Each command settles exactly once.
    Settle {
        /// The command.
        call: CallId,
        /// Its result: the JSON-RPC `result`, or `{}` where there is none.
        result: Result<P, Box<Error<P>>>,
    },
    /// Progress of a call that asked for it: the `params` of `notifications/progress`.
    Progress {
        /// The call.
        call: CallId,
        /// `{progressToken, progress, total?, message?}`
        params: P,
    },
    /// The server asks; the host answers with [`Session::answer`].
    Ask {
        /// Names the question.
        question: QuestionId,
        /// `sampling/createMessage`, `elicitation/create`, `roots/list` …
        method: String,
        /// Its `params`, where it has any.
        params: Option<P>,
        /// The call on whose stream the question came.
        call: Option<CallId>,
        /// The generation of the session that asks.
        generation: u32,
    },
    /// The session that asked is gone, or the server cancelled the question: an answer goes nowhere. It is given all the
    /// same, once what was begun for the question has ended.
    Withdraw {
        /// The question.
        question: QuestionId,
    },
    /// Find out which header fields the host would add to a call now, and tell [`Session::handle_identified`].
    Identify,
    /// Take no part any more among the tabs that share a session.
    Leave,
    /// Find out whether anything answers at the endpoint, by a request whose answer need not be readable, and tell
    /// [`Session::handle_probe`].
    Probe,
    /// From now on the endpoint is the same address with the other final slash: with one where it had none, and the other
    /// way round.
    OtherSlash,
    /// Tell every other tab that shares the session, in order: [`Session::handle_peer`] there.
    Tell {
        /// What is told.
        text: String,
        /// What goes with it as it is.
        payload: Option<P>,
    },
    /// Take the lead of the tabs that share the session, whoever has it: the leader does not answer.
    Steal,
    /// Get a token, and tell [`Session::handle_authorized`]; before that [`Session::handle_user_asked`], where the user
    /// has to be asked. One at a time. It is moot once the session has closed.
    Authorize {
        /// What the server refused; `None`: nothing yet. What is stored is to be loaded, or refreshed before it expires.
        challenge: Option<Challenge>,
        /// Whether the user may be asked: somebody waits for it.
        ask: bool,
    },
    /// Nobody waits for the authorization that the user is asked for: end it, and tell [`Session::handle_authorized`].
    GiveUpAuthorization,
    /// Tell the host's listeners.
    Emit(Event<P>),
}

/// Why a request failed below HTTP, as far as a platform names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreached {
    /// Nothing listens there.
    Refused,
    /// DNS has no address for the name, or cannot be asked.
    NoSuchName,
    /// TLS failed.
    NotTrusted,
    /// Something else, or it does not say.
    Unknown,
}

/// Whether anything answers at the endpoint, as far as the driver can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Something answers: what hides the answers is CORS.
    Answers,
    /// Nothing does.
    Silent,
    /// The device is offline.
    Offline,
    /// The page came over HTTPS, and the address is one of plain HTTP.
    Mixed,
    /// The address is one of the local network, which the browser does not let this page reach.
    Local,
    /// CORS does not apply here, or there is no way to tell.
    Unknown,
}

/// When [`Session::handle_timeout`] is to be called next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// Milliseconds on the monotonic clock.
    pub at: u64,
    /// What is due then.
    pub why: &'static str,
}
