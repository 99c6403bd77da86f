//! Values of JavaScript's, as ours, and the other way round. What is read here was made by the facade or by this crate's
//! other module: `serde-wasm-bindgen` follows a value as deep as it goes, so none of a server's is among it but as [`Raw`].

use crate::browser::js::{Thrown, type_error};
use js_sys::Function;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_wasm_bindgen::{Deserializer, Serializer};
use wasm_bindgen::{JsCast, JsValue};

/// What is handed on as it is, whatever it is: nobody looks into it. It survives no `flatten`, and no enum with a tag.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Raw(#[serde(with = "serde_wasm_bindgen::preserve")] pub JsValue);

impl Raw {
    /// A function, where it is one.
    pub(super) fn into_function(self) -> Option<Function> {
        self.0.dyn_into().ok()
    }
}

/// A plain object.
pub(super) fn plain(value: &impl Serialize) -> JsValue {
    // Fails of integers beyond 2^53 alone, which are written as doubles.
    value.serialize(&Serializer::json_compatible()).unwrap_or_default()
}

/// Reads what the facade or the other module has made of its own accord.
///
/// # Errors
/// A `TypeError` that says what is missing or does not fit, and does not quote it: it may be a secret.
pub(super) fn read<T: DeserializeOwned>(value: &JsValue) -> Thrown<T> {
    serde_wasm_bindgen::from_value(value.clone()).map_err(|error| misfit("", &error))
}

/// Reads the options of a session or an authorization.
///
/// # Errors
/// As [`read`], by the path of what does not fit. To know that costs a good deal of code for each type.
pub(super) fn read_options<T: DeserializeOwned>(value: &JsValue) -> Thrown<T> {
    serde_path_to_error::deserialize(Deserializer::from(value.clone())).map_err(|error| {
        match &*error.path().to_string() {
            // The whole.
            "." => misfit("", error.inner()),
            path => misfit(&[path, ": "].concat(), error.inner()),
        }
    })
}

fn misfit(path: &str, error: &serde_wasm_bindgen::Error) -> JsValue {
    let text = error.to_string();
    let text = text.strip_prefix("Error: ").unwrap_or(&text);
    // What was found stands before that.
    let expected = text.rfind(EXPECTED).map_or(text, |at| &text[at + 2..]);
    type_error(&[path, expected].concat())
}

const EXPECTED: &str = ", expected ";

/// Calls a function of the facade's. It does not throw; what is thrown all the same goes nowhere.
pub(super) fn call(function: &JsValue, argument: &JsValue) {
    if let Some(function) = function.dyn_ref::<Function>() {
        let _ = function.call1(&JsValue::UNDEFINED, argument);
    }
}
