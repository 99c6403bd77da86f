//! Calls out to the facade. It does not throw; what is thrown all the same goes nowhere.

use super::view;
use crate::{
    browser::host::{Host, Question, Wanted},
    protocol::{Event, QuestionId, Status},
};
use std::cell::Cell;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// `{event(name, detail), notification(method, params, call), ask(question, method, params, call, generation), withdraw(question),
    /// authorize(token, status, challenge, ask), giveUpAuthorization()}`
    type HostObject;
    #[wasm_bindgen(method, catch)]
    fn event(this: &HostObject, name: &str, detail: &JsValue) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn notification(this: &HostObject, method: &str, params: &JsValue, call: Option<f64>) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn ask(
        this: &HostObject,
        question: f64,
        method: &str,
        params: &JsValue,
        call: Option<f64>,
        generation: u32,
    ) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn withdraw(this: &HostObject, question: f64) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn authorize(
        this: &HostObject,
        token: Option<String>,
        status: Option<u16>,
        challenge: Option<String>,
        ask: bool,
    ) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = giveUpAuthorization)]
    fn give_up_authorization(this: &HostObject) -> Result<(), JsValue>;
}

/// The facade's half of a session.
pub(super) struct Facade {
    host: HostObject,
    /// Whether anybody hears what goes over the wire. That is said of each exchange twice, and an object for each would
    /// be a good part of what a call costs.
    pub traced: Cell<bool>,
}

impl Facade {
    pub(super) fn new(host: JsValue) -> Self {
        Self { host: host.unchecked_into(), traced: Cell::new(false) }
    }
}

impl Host for Facade {
    fn status_changed(&self, status: Status<JsValue>) {
        let _ = self.host.event("statechange", &view::status(status));
    }

    fn event(&self, event: Event<JsValue>) {
        if matches!(event, Event::Wire(_)) && !self.traced.get() {
            return;
        }
        if let Event::Notification { method, params, call } = event {
            let _ = self.host.notification(&method, &params.unwrap_or_default(), call.map(super::session::id));
        } else if let Some((name, detail)) = view::event(event) {
            let _ = self.host.event(name, &detail);
        }
    }

    fn ask(&self, question: Question) {
        let Question { id, method, params, call, generation } = question;
        let params = params.unwrap_or_default();
        let _ = self.host.ask(id.0 as f64, &method, &params, call.map(super::session::id), generation);
    }

    fn withdraw(&self, question: QuestionId) {
        let _ = self.host.withdraw(question.0 as f64);
    }

    fn authorize(&self, Wanted { token, challenge, ask }: Wanted) {
        let (status, challenge) =
            challenge.map_or((None, None), |challenge| (Some(challenge.status), challenge.www_authenticate));
        let _ = self.host.authorize(token, status, challenge, ask);
    }

    fn give_up_authorization(&self) {
        let _ = self.host.give_up_authorization();
    }
}
