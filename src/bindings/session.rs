//! The exports of the package's first module: sessions.

use super::{
    error,
    host::Facade,
    obtained,
    options::{self, Environment},
    values, view,
};
use crate::{
    browser::{
        driver::Driver,
        host::{Caller, Host, Settled},
        js::type_error,
    },
    protocol::{CallId, Params, QuestionId, TaskHandle, json_rpc},
};
use js_sys::Function;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// One session.
#[wasm_bindgen]
pub struct Core {
    driver: Driver,
    facade: Rc<Facade>,
}

/// Makes a session that has not said anything yet; `connect` starts it. `environment`: see
/// [`options::environment`]; `config`: see [`options::config`].
///
/// # Errors
/// A `TypeError` where the facade hands over what it should not.
#[wasm_bindgen]
pub fn open(url: &JsValue, environment: &JsValue, config: &JsValue, host: JsValue) -> Result<Core, JsValue> {
    let url = url.as_string().ok_or_else(|| type_error("url: expected a string"))?;
    let Environment { transport, share, identity, handled } = options::environment(url, environment)?;
    let config = options::config(config)?;
    let facade = Rc::new(Facade::new(host));
    let group = share.map(|key| config.group(&key, &transport.url, identity.as_deref()));
    let driver = Driver::open(transport, config, group, Rc::clone(&facade) as Rc<dyn Host>);
    for method in handled {
        driver.set_handled(method);
    }
    Ok(Core { driver, facade })
}

/// What is stored beside a session of this `config`: under another binding it is not taken up.
///
/// # Errors
/// As [`open`].
#[wasm_bindgen]
pub fn binding(config: &JsValue) -> Result<String, JsValue> {
    Ok(options::config(config)?.binding())
}

#[wasm_bindgen]
impl Core {
    /// Starts the handshake. Once per session.
    pub fn connect(&self, resolve: JsValue, reject: JsValue) -> f64 {
        id(self.driver.connect(caller(resolve, reject, None)))
    }

    /// Sends a request.
    ///
    /// # Errors
    /// As [`open`].
    #[expect(clippy::too_many_arguments, reason = "an object would have to be built and taken apart for each call")]
    pub fn call(
        &self,
        method: &JsValue,
        text: &JsValue,
        meta: &JsValue,
        name: &JsValue,
        options: &JsValue,
        resolve: JsValue,
        reject: JsValue,
        onprogress: JsValue,
        more: &JsValue,
    ) -> Result<f64, JsValue> {
        let progress = onprogress.dyn_into().ok();
        let options = options::call(options, progress.is_some())?;
        let mut params = params(text, meta);
        params.name = name.as_string();
        if more.is_object() {
            options::more(more, &mut params)?;
        }
        Ok(id(self.driver.call(string(method), params, options, caller(resolve, reject, progress))))
    }

    /// Waits for a task that an earlier call became.
    ///
    /// # Errors
    /// As [`open`].
    #[wasm_bindgen(js_name = resumeTask)]
    pub fn resume_task(
        &self,
        task: &JsValue,
        created_at: &JsValue,
        options: &JsValue,
        resolve: JsValue,
        reject: JsValue,
    ) -> Result<f64, JsValue> {
        let options = options::call(options, false)?;
        let task = TaskHandle { id: string(task), created_at: created_at.as_string() };
        Ok(id(self.driver.resume_task(task, options, caller(resolve, reject, None))))
    }

    /// Sends a notification.
    pub fn notify(&self, method: &JsValue, text: &JsValue, meta: &JsValue, resolve: JsValue, reject: JsValue) -> f64 {
        let params = params(text, meta);
        id(self.driver.notify(string(method), params, caller(resolve, reject, None)))
    }

    /// Proves that the session lives.
    pub fn verify(&self, resolve: JsValue, reject: JsValue) -> f64 {
        id(self.driver.verify(caller(resolve, reject, None)))
    }

    /// Makes a new session.
    pub fn reconnect(&self, resolve: JsValue, reject: JsValue) -> f64 {
        id(self.driver.reconnect(caller(resolve, reject, None)))
    }

    /// The user wants to sign in, or may be asked to.
    #[wasm_bindgen(js_name = signIn)]
    pub fn sign_in(&self, resolve: JsValue, reject: JsValue) -> f64 {
        id(self.driver.sign_in(caller(resolve, reject, None)))
    }

    /// Ends the session.
    pub fn close(&self, terminate: &JsValue, resolve: JsValue, reject: JsValue) -> f64 {
        id(self.driver.close(terminate.is_truthy(), caller(resolve, reject, None)))
    }

    /// Gives a command up: neither `resolve` nor `reject` is called any more.
    pub fn cancel(&self, call: &JsValue) {
        if let Some(call) = number(call) {
            self.driver.cancel(CallId(call));
        }
    }

    /// Takes up a session that was made elsewhere; `initialize` is the JSON text of the params that it was made with.
    pub fn adopt(&self, id: &JsValue, version: &JsValue, initialize: &JsValue) -> bool {
        let initialize = initialize.as_string().map(|text| Params { text: Some(text), ..Params::default() });
        self.driver.adopt(&string(id), &string(version), initialize)
    }

    /// Takes up the session that an earlier page life left.
    #[wasm_bindgen(js_name = takeUp)]
    pub fn take_up(&self, record: &JsValue) -> bool {
        self.driver.take_up(&string(record))
    }

    /// The session as a text by which another core can take it up; `undefined` where there is none.
    #[must_use]
    pub fn record(&self) -> Option<String> {
        self.driver.record()
    }

    /// A later page life has taken up the session.
    #[wasm_bindgen(js_name = takenOver)]
    pub fn taken_over(&self) {
        self.driver.taken_over();
    }

    /// A core that crashed had this session before, and told nothing since: `ms` ago.
    pub fn succeeds(&self, ms: &JsValue) {
        self.driver.succeeds(number(ms).unwrap_or_default());
    }

    /// The session's id, for a host that stores it.
    #[wasm_bindgen(js_name = sessionId)]
    #[must_use]
    pub fn session_id(&self) -> Option<String> {
        self.driver.session_id()
    }

    /// Answers a question of the server's with a JSON text.
    pub fn answer(&self, question: &JsValue, text: &JsValue) {
        if let Some(question) = number(question) {
            self.driver.answer(QuestionId(question), Ok(string(text)));
        }
    }

    /// Answers a question of the server's with an error; `data` is a JSON text.
    pub fn refuse(&self, question: &JsValue, code: &JsValue, message: &JsValue, data: &JsValue) {
        if let Some(question) = number(question) {
            let code = code.as_f64().unwrap_or(-32603.0) as i64;
            let refusal = json_rpc::ErrorObject { code, message: string(message), data: data.as_string() };
            self.driver.answer(QuestionId(question), Err(refusal));
        }
    }

    /// From now on the host answers requests with this method.
    #[wasm_bindgen(js_name = setHandled)]
    pub fn set_handled(&self, method: &JsValue) {
        self.driver.set_handled(string(method));
    }

    /// Whether somebody listens for what the server says unasked.
    #[wasm_bindgen(js_name = setListening)]
    pub fn set_listening(&self, listening: &JsValue) {
        self.driver.set_listening(listening.is_truthy());
    }

    /// Whether somebody listens for what goes over the wire.
    #[wasm_bindgen(js_name = setTraced)]
    pub fn set_traced(&self, traced: &JsValue) {
        self.facade.traced.set(traced.is_truthy());
    }

    /// The user is about to be asked to authorize. Says whether somebody still waits for that.
    #[must_use]
    #[wasm_bindgen(js_name = userAsked)]
    pub fn user_asked(&self) -> bool {
        self.driver.user_asked()
    }

    /// How an authorization ended: what the second module gave; or `{thrown}`, where it gave nothing.
    ///
    /// # Errors
    /// As [`open`].
    pub fn authorized(&self, result: &JsValue) -> Result<(), JsValue> {
        let (token, authorized) = obtained::read(result)?.into_fact();
        self.driver.authorized(token, authorized);
        Ok(())
    }

    /// Another session has given up the grant that this one's token is of.
    #[wasm_bindgen(js_name = signedOut)]
    pub fn signed_out(&self) {
        self.driver.signed_out();
    }

    /// A user has signed in to the same in another session or tab.
    #[wasm_bindgen(js_name = signedInElsewhere)]
    pub fn signed_in_elsewhere(&self) {
        self.driver.signed_in_elsewhere();
    }

    /// A snapshot.
    #[must_use]
    pub fn status(&self) -> JsValue {
        view::status(self.driver.status())
    }
}

/// The params of a request or a notification.
fn params(text: &JsValue, meta: &JsValue) -> Params {
    Params { text: text.as_string(), meta: meta.as_string(), ..Params::default() }
}

fn caller(resolve: JsValue, reject: JsValue, onprogress: Option<Function>) -> Caller {
    let progress = onprogress
        .map(|onprogress| -> Rc<dyn Fn(JsValue)> { Rc::new(move |params| values::call(&onprogress, &params)) });
    let settle = Box::new(move |result: Settled| match result {
        Ok(value) => values::call(&resolve, &value),
        Err(error) => values::call(&reject, &error::error(*error)),
    });
    Caller { settle, progress }
}

/// Ids count up from one: a double holds them all.
pub(super) fn id(call: CallId) -> f64 {
    call.0 as f64
}

/// A string; empty where it is none.
fn string(value: &JsValue) -> String {
    value.as_string().unwrap_or_default()
}

/// The number of a call or question.
fn number(value: &JsValue) -> Option<u64> {
    value.as_f64().filter(|number| *number >= 0.0).map(|number| number as u64)
}
