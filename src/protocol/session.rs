//! The session: commands in, facts in, outputs out.

use super::{
    CallId, CallOptions, Config, Deadline, ExchangeId, Input, Now, Output, Params, Payload, QuestionId, Status,
};

/// One session with one server, through as many evictions as it takes.
pub struct Session<P> {
    _p: std::marker::PhantomData<P>,
}

impl<P: Payload> Session<P> {
    /// `seed` is for jitter and ids only; it must differ between pages.
    #[must_use]
    pub fn new(_config: Config, _seed: u64, _now: Now) -> Self {
        todo!()
    }

    /// Starts the handshake; settles with the `InitializeResult` when the session is ready. Once per session.
    pub fn connect(&mut self, _now: Now) -> CallId {
        todo!()
    }

    /// Sends a request; settles with its `result`.
    pub fn call(&mut self, _method: String, _params: Params, _options: CallOptions, _now: Now) -> CallId {
        todo!()
    }

    /// Sends a notification; settles with `{}` once the server has accepted it.
    pub fn notify(&mut self, _method: String, _params: Params, _now: Now) -> CallId {
        todo!()
    }

    /// Gives a command up: it is not settled any more, and the server is told where it may be running.
    pub fn cancel(&mut self, _call: CallId, _reason: Option<String>, _now: Now) {
        todo!()
    }

    /// Proves by a round trip that the session lives, and heals it if not; settles with `{}`.
    pub fn verify(&mut self, _now: Now) -> CallId {
        todo!()
    }

    /// A new session, even where this one seems well; settles with `{}` when it is ready.
    pub fn reconnect(&mut self, _now: Now) -> CallId {
        todo!()
    }

    /// Ends the session: all that is open settles with an error; with `terminate`, DELETE is sent. Settles with `{}`
    /// when the server has answered or after five seconds.
    pub fn close(&mut self, _terminate: bool, _now: Now) -> CallId {
        todo!()
    }

    /// From now on requests of the server's with this method are asked of the host; others get -32601.
    pub fn set_handled(&mut self, _method: String) {
        todo!()
    }

    /// Answers a question: a `result` as JSON text, or a JSON-RPC error. Dropped where the session that asked is gone.
    pub fn answer(&mut self, _question: QuestionId, _answer: Result<String, (i64, String)>, _now: Now) {
        todo!()
    }

    /// Takes a fact about an exchange.
    pub fn handle_input(&mut self, _exchange: ExchangeId, _input: Input<P>, _now: Now) {
        todo!()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, _now: Now) {
        todo!()
    }

    /// What to do next; `None` when there is nothing.
    pub fn poll_output(&mut self) -> Option<Output<P>> {
        todo!()
    }

    /// When `handle_timeout` is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        todo!()
    }

    /// A snapshot of the state.
    #[must_use]
    pub fn status(&self) -> Status<P> {
        todo!()
    }
}
