//! Who commands a session, and who hears of it.

use crate::protocol::{CallId, Challenge, Error, Event, QuestionId, Status};
use std::rc::Rc;
use wasm_bindgen::JsValue;

/// How a command ends.
pub type Settled = Result<JsValue, Box<Error<JsValue>>>;

/// Who made a command, and wants to hear of it. Nothing of it is called before the command's method has returned.
pub struct Caller {
    /// Called once, unless the command is cancelled.
    pub settle: Box<dyn FnOnce(Settled)>,
    /// Called with the `params` of each progress notification.
    pub progress: Option<Rc<dyn Fn(JsValue)>>,
}

/// A request of the server's.
pub struct Question {
    /// Names it.
    pub id: QuestionId,
    /// Its method.
    pub method: String,
    /// Its `params`.
    pub params: Option<JsValue>,
    /// The call on whose stream it came.
    pub call: Option<CallId>,
    /// The generation of the session that asks.
    pub generation: u32,
}

/// An authorization that the session needs.
pub struct Wanted {
    /// The token that there is.
    pub token: Option<String>,
    /// How the server refused it; `None`: what is stored.
    pub challenge: Option<Challenge>,
    /// The user may be asked.
    pub ask: bool,
}

/// Who is told what happens to the session. Every method may command the driver.
pub trait Host {
    /// Something in the status changed.
    fn status_changed(&self, status: Status<JsValue>);
    /// Something happened; never [`Event::StateChange`].
    fn event(&self, event: Event<JsValue>);
    /// The server asks.
    fn ask(&self, question: Question);
    /// The question is moot.
    fn withdraw(&self, question: QuestionId);
    /// A token is wanted: the driver is told how that ended, unless the session closes first.
    fn authorize(&self, wanted: Wanted);
    /// Nobody waits any more for the authorization that the user is asked for: it is ended, and the driver told.
    fn give_up_authorization(&self);
}
