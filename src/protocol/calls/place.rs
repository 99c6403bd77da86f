//! Where a call is, and what it waits for.

use crate::protocol::ExchangeId;
use crate::protocol::error::Error;
use crate::protocol::exchanges::Cursor;
use crate::protocol::policy::verdict::Form;

/// Where a call is: the only place where that is written.
#[derive(Debug)]
pub(crate) enum Place<P> {
    /// Nothing holds it: it is about to be sent, or time passes first.
    Here,
    /// In a queue, with others that wait for the same.
    Queued(Queue),
    /// On the wire.
    Sent(ExchangeId),
    /// A ping is to tell what becomes of it.
    InQuestion(Doubt<P>),
    /// Its event stream broke, and is going to be resumed.
    Broken(Broken),
    /// The server waits for input that the host was asked for.
    Asking,
    /// Waits for the server to acknowledge what it is to tell.
    Subscribing,
    /// Waits for a page of the tool list, to be sent again with the header fields that the server wants.
    Relisting { list: ExchangeId, pages: u32 },
}

/// What calls wait for in a queue. They leave it in the order in which they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Queue {
    /// A session.
    Session,
    /// Others to end: too many requests are under way.
    Turn,
    /// The header fields that the host adds, before they are answered from the cache.
    Fields,
    /// A session of their user's.
    Owner,
    /// The network.
    Network,
    /// A token.
    Token,
    /// The comparison of the tools after a recovery.
    Comparison,
    /// The head of the standing stream.
    Stream,
}

/// Why a call waits for a ping.
#[derive(Debug)]
pub(crate) enum Doubt<P> {
    /// It was refused; `error` is the answer, if the refusal was not the session's.
    Refused {
        error: Box<Error<P>>,
        /// If the session is gone, this was its gate's refusal; where a handler may have made it, if a ping is refused in
        /// the same form.
        at_gate: bool,
        form: Option<Form>,
        /// It names a reason of its own.
        explained: bool,
    },
    /// The connection broke; the call is safe to repeat.
    Lost,
    /// That is all the caller wants to know.
    Asked,
}

/// A stream of a call that waits to be resumed.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub cursor: Cursor,
    pub generation: u32,
    /// The id of the request that the stream answers.
    pub request_id: Option<u64>,
}
