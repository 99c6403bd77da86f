//! A session manager for the Model Context Protocol (MCP) over Streamable HTTP: when the server has evicted the session,
//! the caller does not notice. The session is made anew and the refused call is sent once more.
//!
//! # The map
//! Layers in one direction: `bindings → browser → protocol`. Nothing points back.
//!
//! | where | what |
//! |---|---|
//! | `protocol` | the core: pure, told facts and asked what to do; compiled and tested natively |
//! | `protocol::session` | commands in, facts in, outputs out; below it, what a room's word means for others |
//! | `protocol::effect`, `session::heed` | what follows when a session is lost, in doubt or checked, in one written order |
//! | `protocol::lifecycle` | the one state, every transition, and what is remembered beyond them |
//! | `protocol::calls` | every command from made to settled: where it is, whether it may have run |
//! | `protocol::policy` | pure functions: what a refusal says, proves and means; whether a call is sent again, and whether that does harm; how long is waited; which era a server speaks |
//! | `protocol::codec` | HTTP, server-sent events, JSON-RPC: bytes and texts to types, and back |
//! | `protocol::era` | what differs between the protocol's two eras |
//! | `protocol::session::send` | what goes out, as its era wants it |
//! | `protocol::session::receive`, `session::answer`, `session::refused` | what an exchange brings, and what follows for its call |
//! | `protocol::exchanges` | every HTTP exchange; whether a refusal came in time to be the gate's; where a broken stream is taken up |
//! | `protocol::session::repair`, `session::liveness` | whether the session lives; what follows when it is reached again |
//! | `protocol::session::negotiate`, `session::establish`, `session::initialized` | which era is spoken; how a session is made, and what follows when it is in place |
//! | `protocol::session::hedge`, `session::failure`, `session::redirect`, `session::proxied` | how long a handshake is waited for; what if it fails; another address; what a proxy says in its own name |
//! | `protocol::listening` | how the standing stream stands, and what it is about |
//! | `protocol::session::stream`, `session::listen`, `session::subscribe`, `session::notified` | broken streams resumed; the standing stream of either era; what is told on any |
//! | `protocol::questions`, `session::questions`, `session::input` | what the server asks: of the host, or as input that a call needs; what it may ask |
//! | `protocol::session::task` | calls that become tasks |
//! | `protocol::identity`, `session::identity`, `session::foreign` | who is signed in; what is told nowhere; requests with other credentials than their session's |
//! | `protocol::bounds` | how much a server may send |
//! | `protocol::desired`, `session::desired`, `session::restoration`, `session::tools`, `session::cache` | what the app wants held, and what is put back after a loss; the tools it knows; results that stay fresh |
//! | `protocol::authorization`, `session::authorization`, `oauth` | what is known of the token, and what waits for the next one; how one is got |
//! | `protocol::client`, `session::host_client` | what the client says of itself; a host's own Client: its handshake, and what it relies on |
//! | `protocol::tabs`, `session::tabs`, `session::shared_session`, `session::hearing`, `session::offers` | tabs that share a session: who leads, which session is newer, who hears what, whose a question is |
//! | `protocol::page`, `record`, `session::page`, `session::record` | the page: hidden, asleep, offline, leaving; what survives it |
//! | `protocol::session::timers`, `session::cancel`, `session::clock`, `session::close` | what is due; time-outs and cancellation; calls whose user is asked; the end |
//! | `protocol::status`, `session::snapshot`, `error`, `purpose` | what the host is told: status, events, errors; why a request is sent |
//! | `protocol::payload`, `params`, `time`, `config` | the values that pass through; the two clocks, and what is due when; the options |
//! | `protocol::paging` | lists that come in pages, as one: for the library in Rust |
//! | `protocol::tool_names` (feature `manager`) | the names of all servers' tools for a model: those of `manager_names.js`, for the library in Rust |
//! | `planted` | bugs that the model must find, in a build of its own: `planted!("name")` is `false` in any other |
//! | `browser` (wasm32) | performs what `protocol` asks for: timers, tabs, and `fetch`, whose steps are taken in `exchange.js`; and, in `browser::client`, the library's API for Rust |
//! | `bindings` (wasm32, features `js`, `js-auth`) | the exports for the npm package's facade, `pkg-template/` |
//!
//! `docs/architecture.md` walks a call through an eviction, file by file.
//!
//! A server's *gate* is whatever refuses a request before anything of it runs: it knows the sessions, and answers at once.
//! What it refused did not run. A *handler* runs it.
//!
//! # What always holds
//! - Every command settles exactly once, or is cancelled.
//! - At most one handshake (and one hedge of it) and one authorization is under way. The first exchange whose refusal concerns the current
//!   session starts it; calls that were refused, or are made meanwhile, wait for it.
//! - A call that may have run is not sent again by us, unless it is safe to repeat.
//! - A call is sent again at most once after each kind of repair, and sent three times at most. A round of input and a
//!   request about a task are requests of their own: their sends count from none.
//! - Nothing but DELETE is sent under a session that is known to be gone, and a session that lives is not given up:
//!   what only sounds like an eviction is settled by a ping. Taken at their word are 404 and 410 to a POST, unless under the
//!   request's own id or with the code -32601, and 400 in the plain words of a lost session.
//! - No id, answer or question crosses from one session to another.
//! - After `close`, in this order: the other tabs are told; questions are withdrawn; what is open settles; exchanges are
//!   aborted; the host is told; the DELETE goes out, and its answer settles `close`; then silence. An `initialize` that is
//!   under way goes on for five seconds, so that its session can be ended too.
//!
//! # In Rust
//! For programs that live in a page or a worker (Leptos, Yew, Dioxus …). Everything here exists for `wasm32-unknown-unknown` only.
#![cfg_attr(target_arch = "wasm32", doc = "```no_run")]
#![cfg_attr(not(target_arch = "wasm32"), doc = "```ignore")]
//! use mcp_evergreen::{Error, Options, connect};
//! use serde_json::json;
//!
//! # async fn run() -> Result<(), Box<Error>> {
//! let session = connect("https://example.com/mcp", Options::default()).await?;
//! // The server may restart here: the call is refused, the session made anew, and the call sent once more.
//! let result = session.call_tool("search", json!({ "q": "otters" })).await?;
//! println!("{}", result["content"][0]["text"]);
//! session.close().await
//! # }
//! ```

#[macro_use]
mod planted;

#[doc(hidden)]
pub mod protocol;

#[cfg(all(target_arch = "wasm32", any(feature = "js", feature = "js-auth")))]
mod bindings;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod browser;

#[cfg(target_arch = "wasm32")]
pub use browser::authorize::Authorizer;
#[cfg(all(target_arch = "wasm32", feature = "extras"))]
pub use browser::client::{Auth, Proxy, complete_authorization};
#[cfg(target_arch = "wasm32")]
pub use browser::client::{
    ElicitationAnswer, ElicitationRequest, Events, Handlers, Listed, Notification, Notifications, Page, Pages,
    PendingTask, Progress, Prompt, Question, Refusal, Request, Resource, ResourceTemplate, Root, SamplingAnswer,
    SamplingRequest, Session, Store, Tool, WebStorage, connect,
};
#[cfg(all(target_arch = "wasm32", feature = "manager"))]
pub use browser::client::{ManagedTool, ManagedTools, SessionManager};
#[cfg(target_arch = "wasm32")]
pub use browser::options::{Credentials, Error, Event, Listener, Options, Status};
pub use protocol::{
    CallOptions, Code, Config, Outcome, Purpose, Role, TaskHandle, ToolChanges,
    config::{Ask, EraChoice, Handshake, Listen, Mode, Offline, Recovery, Unreachable},
    era::Era,
    error::Diagnosis,
    oauth::{Settings as AuthSettings, Trust as AuthTrust},
    status::{Changes, LastRecovery, Phase, WaitingFor, Wire, WireStep},
    verdict::Verdict,
};

/// The example of the crate's page compiles.
#[cfg(all(doctest, target_arch = "wasm32"))]
#[doc = include_str!("../docs/crate.md")]
struct CratePage;
