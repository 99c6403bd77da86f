//! The handle of a session: commands in. What comes of them is the drain loop's business.

use super::{
    clock,
    drain::Inner,
    exchange::Transport,
    host::{Caller, Host},
};
use crate::protocol::{
    Authorized, CallId, CallOptions, Config, Now, Origin, Params, QuestionId, Session, Status, TaskHandle, json_rpc,
};
use std::rc::Rc;
use wasm_bindgen::JsValue;

/// A handle to a running session.
#[derive(Clone)]
pub struct Driver(Rc<Inner>);

impl Driver {
    /// A session that has not said anything yet: `connect` starts it. `group` names the tabs that share it.
    #[must_use]
    pub fn open(transport: Transport, config: Config, group: Option<String>, host: Rc<dyn Host>) -> Self {
        Self(Inner::open(transport, config, group, host))
    }

    /// Starts the handshake.
    pub fn connect(&self, caller: Caller) -> CallId {
        self.command(caller, Session::connect)
    }

    /// Sends a request.
    pub fn call(&self, method: String, params: Params, options: CallOptions, caller: Caller) -> CallId {
        self.command(caller, |session, now| session.call(method, params, options, now))
    }

    /// Waits for a task that an earlier call became.
    pub fn resume_task(&self, task: TaskHandle, options: CallOptions, caller: Caller) -> CallId {
        self.command(caller, |session, now| session.resume_task(task, options, now))
    }

    /// Sends a notification.
    pub fn notify(&self, method: String, params: Params, caller: Caller) -> CallId {
        self.command(caller, |session, now| session.notify(method, params, now))
    }

    /// Proves that the session lives.
    pub fn verify(&self, caller: Caller) -> CallId {
        self.command(caller, Session::verify)
    }

    /// Makes a new session.
    pub fn reconnect(&self, caller: Caller) -> CallId {
        self.command(caller, Session::reconnect)
    }

    /// The user wants to sign in, or may be asked to.
    pub fn sign_in(&self, caller: Caller) -> CallId {
        self.command(caller, Session::sign_in)
    }

    /// Ends the session.
    pub fn close(&self, terminate: bool, caller: Caller) -> CallId {
        self.command(caller, |session, now| session.close(terminate, now))
    }

    /// Gives a command up: its caller hears nothing more.
    pub fn cancel(&self, call: CallId) {
        drop(self.0.callers.take(call));
        let now = clock::now();
        // Why is the host's business, not the server's.
        self.0.session.borrow_mut().cancel(call, None, now);
        self.0.schedule();
    }

    /// Takes up a session that was made elsewhere. Says whether the id can be one.
    pub fn adopt(&self, id: &str, version: &str, initialize: Option<Params>) -> bool {
        let now = clock::now();
        let taken = self.0.session.borrow_mut().adopt(id, version, initialize, now);
        self.0.schedule();
        taken
    }

    /// Takes up the session that an earlier page life left. Says whether it can be read and is not too old.
    pub fn take_up(&self, record: &str) -> bool {
        let now = clock::now();
        let taken = self.0.session.borrow_mut().take_up_record(record, now);
        self.0.schedule();
        taken
    }

    /// The session as a text by which another driver can take it up, if there is one to go on with.
    #[must_use]
    pub fn record(&self) -> Option<String> {
        self.0.session.borrow().record(clock::now())
    }

    /// A later page life has taken up the session.
    pub fn taken_over(&self) {
        let now = clock::now();
        self.0.session.borrow_mut().handle_taken_over(now);
        self.0.schedule();
    }

    /// A driver that crashed had this session before, and told nothing since: `ms` ago.
    pub fn succeeds(&self, ms: u64) {
        let now = clock::now();
        self.0.session.borrow_mut().handle_succession(ms, now);
        self.0.schedule();
    }

    /// The session's id, for a host that stores it.
    #[must_use]
    pub fn session_id(&self) -> Option<String> {
        self.0.session.borrow().session_id().map(str::to_owned)
    }

    /// Answers a question with a JSON text, or with a JSON-RPC error.
    pub fn answer(&self, question: QuestionId, answer: Result<String, json_rpc::ErrorObject>) {
        let now = clock::now();
        self.0.session.borrow_mut().answer(question, answer, now);
        self.0.schedule();
    }

    /// From now on the host answers requests with this method.
    pub fn set_handled(&self, method: String) {
        self.0.session.borrow_mut().set_handled(method);
    }

    /// Whether somebody listens for what the server says unasked.
    pub fn set_listening(&self, listening: bool) {
        let now = clock::now();
        self.0.session.borrow_mut().set_listening(listening, now);
        self.0.schedule();
    }

    /// The user is about to be asked to authorize. Says whether somebody still waits for that.
    #[must_use]
    pub fn user_asked(&self) -> bool {
        let now = clock::now();
        let wanted = self.0.session.borrow_mut().handle_user_asked(now);
        self.0.schedule();
        wanted
    }

    /// How an authorization ended, and the token that there is now.
    pub fn authorized(&self, (token, origin): (Option<String>, Origin), authorized: Authorized<JsValue>) {
        if let Authorized::Granted { same, .. } = authorized {
            self.0.session.borrow_mut().handle_origin(origin);
            self.0.session.borrow_mut().handle_token(token.as_deref(), same);
            self.0.transport.set_token(token);
        }
        let now = clock::now();
        self.0.session.borrow_mut().handle_authorized(authorized, now);
        self.0.schedule();
    }

    /// Another session has given up the grant that this one's token is of.
    pub fn signed_out(&self) {
        self.0.session.borrow_mut().handle_token(None, false);
        self.0.transport.set_token(None);
        self.0.schedule();
    }

    /// A user has signed in to the same in another session or tab.
    pub fn signed_in_elsewhere(&self) {
        self.0.session.borrow_mut().handle_signed_in_elsewhere();
        self.0.schedule();
    }

    /// A snapshot.
    #[must_use]
    pub fn status(&self) -> Status<JsValue> {
        self.0.session.borrow().status()
    }

    fn command(&self, caller: Caller, run: impl FnOnce(&mut Session<JsValue>, Now) -> CallId) -> CallId {
        let now = clock::now();
        let call = run(&mut self.0.session.borrow_mut(), now);
        self.0.callers.put(call, caller);
        self.0.schedule();
        call
    }
}
