//! Plain values of JavaScript's, as ours.

use js_sys::Function;
use wasm_bindgen::{JsCast, JsValue};

/// A string, where it is one.
pub(super) fn text(value: &JsValue) -> Option<String> {
    value.as_string()
}

/// A count, a size or milliseconds. The cast saturates: Infinity becomes as much as can be.
pub(super) fn number(value: &JsValue) -> Option<u64> {
    value.as_f64().filter(|number| *number >= 0.0).map(|number| number as u64)
}

/// Calls a function of the facade's. It does not throw; what is thrown all the same goes nowhere.
pub(super) fn call(function: &JsValue, argument: &JsValue) {
    if let Some(function) = function.dyn_ref::<Function>() {
        let _ = function.call1(&JsValue::UNDEFINED, argument);
    }
}
