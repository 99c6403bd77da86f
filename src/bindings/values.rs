//! Values of ours as JavaScript's. `serde-wasm-bindgen` follows a value as deep as it goes: none of a server's is among
//! what it writes or reads, but as [`Raw`].

use js_sys::Function;
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::{JsCast, JsValue};

/// What is handed on as it is, whatever it is: nobody looks into it. It survives no `flatten`, and no enum with a tag.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub(super) struct Raw(#[serde(with = "serde_wasm_bindgen::preserve")] pub JsValue);

/// A plain object.
pub(super) fn plain(value: &impl Serialize) -> JsValue {
    // Fails of integers beyond 2^53 alone, which are written as doubles.
    value.serialize(&Serializer::json_compatible()).unwrap_or_default()
}

/// Calls a function of the facade's. It does not throw; what is thrown all the same goes nowhere.
pub(super) fn call(function: &JsValue, argument: &JsValue) {
    let _ = function.unchecked_ref::<Function>().call1(&JsValue::UNDEFINED, argument);
}
