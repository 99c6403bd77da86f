//! Makes plain objects of errors.

use crate::{
    browser::js::Plain,
    protocol::{Error, error::Diagnosis},
};
use wasm_bindgen::JsValue;

/// An error, for the facade to make an `McpError` of.
pub(super) fn error(error: Error<JsValue>) -> JsValue {
    let help = error.help();
    let data = error.data.or_else(|| error.excerpt.map(|excerpt| Plain::new().with("excerpt", excerpt).into()));
    Plain::new()
        .with("code", error.code.as_str())
        .with("outcome", error.outcome.as_str())
        .with("message", error.message)
        .with("retryable", error.retryable)
        .with_some("rpcCode", error.rpc_code.map(|code| code as f64))
        .with_some("httpStatus", error.http_status)
        .with_some("diagnosis", error.diagnosis.map(|it| diagnosis(it).with_some("help", help)))
        .with_some("data", data)
        .with_some("cause", error.cause)
        .into()
}

pub(super) fn diagnosis(diagnosis: Diagnosis) -> Plain {
    Plain::new().with("kind", diagnosis.kind).with_some("header", diagnosis.header).with("hint", diagnosis.hint)
}
