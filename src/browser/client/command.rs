//! Commands as futures, and what goes into them.

use crate::browser::{
    driver::Driver,
    host::{Caller, Settled},
    js,
    options::Error,
    task::Slot,
};
use crate::protocol::{CallId, Code, Outcome, Params, Payload};
use js_sys::Array;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, error::Category};
use std::rc::Rc;
use wasm_bindgen::JsValue;
use web_sys::{Url, Window};

/// Waits for a command; cancels it where nobody waits any more.
pub(super) async fn command(driver: &Driver, start: impl FnOnce(Caller) -> CallId) -> Settled {
    progressing(driver, None, start).await
}

/// The same, with what hears of progress.
pub(super) async fn progressing(
    driver: &Driver,
    progress: Option<Rc<dyn Fn(JsValue)>>,
    start: impl FnOnce(Caller) -> CallId,
) -> Settled {
    struct Cancel<'a>(&'a Driver, Option<CallId>);
    impl Drop for Cancel<'_> {
        fn drop(&mut self) {
            if let Some(call) = self.1.take() {
                self.0.cancel(call);
            }
        }
    }
    let slot = Rc::<Slot<Settled>>::default();
    let settled = Rc::clone(&slot);
    let caller = Caller { settle: Box::new(move |result| settled.put(result)), progress };
    let mut guard = Cancel(driver, Some(start(caller)));
    let result = slot.get().await;
    guard.1 = None;
    result
}

/// Closes a session that never came to be.
pub(super) struct Abandoned(pub Option<Driver>);

impl Abandoned {
    pub fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        if let Some(driver) = self.0.take() {
            driver.close(true, Caller { settle: Box::new(drop), progress: None });
        }
    }
}

/// A typed copy. Its depth is bounded: where the value is too deep, the engine throws or serde_json refuses.
///
/// # Errors
/// Says what does not fit, without quoting the value.
#[doc(hidden)]
pub fn read<T: DeserializeOwned>(value: &JsValue) -> Result<T, &'static str> {
    let text = value.to_json().ok_or("it has no JSON text, or too long or too deep a one")?;
    // A serde_json error may quote the value it choked on: only its kind is passed on.
    serde_json::from_str(&text).map_err(|error| match error.classify() {
        Category::Data => "it has another shape",
        Category::Io | Category::Syntax | Category::Eof => "it is nested too deeply",
    })
}

/// The result of a command, as what was asked for.
pub(super) fn result<T: DeserializeOwned>(method: &str, value: &JsValue) -> Result<T, Box<Error>> {
    read(value).map_err(|why| {
        let message = format!("The result of {method} cannot be read as what was asked for: {why}.");
        Box::new(Error::new(Code::Protocol, Outcome::Executed, message))
    })
}

pub(super) fn pairs(fields: &[(String, String)]) -> Array {
    fields.iter().map(|(name, value)| Array::of2(&name.into(), &value.into())).collect()
}

pub(super) fn params(params: &impl Serialize) -> Result<Params, Box<Error>> {
    match serde_json::to_value(params).map_err(unserializable)? {
        Value::Null => Ok(Params::default()),
        params @ Value::Object(_) => {
            Params::read(&params.to_string()).ok_or_else(|| invalid("The params are nested too deeply.".into()))
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(invalid("The params of a request must be an object.".into()))
        }
    }
}

/// As it is asked: absolute, without a fragment.
pub(super) fn absolute(url: &str) -> Result<String, Box<Error>> {
    let page = js::global(Window::location);
    // Node has no location: it is `undefined`, which has no `href`.
    let parsed = page.href().map_or_else(|_| Url::new(url), |base| Url::new_with_base(url, &base));
    match parsed {
        Ok(url) if matches!(url.protocol().as_str(), "http:" | "https:") => {
            url.set_hash("");
            Ok(url.href())
        }
        Ok(_) | Err(_) => Err(invalid("The URL of an MCP server begins with http:// or https://.".into())),
    }
}

pub(super) fn unserializable(error: serde_json::Error) -> Box<Error> {
    invalid(format!("The params cannot be written as JSON: {error}."))
}

pub(super) fn invalid(message: String) -> Box<Error> {
    Box::new(Error::new(Code::InvalidOption, Outcome::NotExecuted, message))
}
