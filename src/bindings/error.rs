//! Errors, for the facade to make an `McpError` of.

use super::values::{Raw, plain};
use crate::protocol::{self, error};
use serde::Serialize;
use wasm_bindgen::JsValue;

/// The fields of an `McpError`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct McpError {
    code: &'static str,
    outcome: &'static str,
    message: String,
    retryable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rpc_code: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnosis: Option<Diagnosis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Raw>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Raw>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_answer: Option<bool>,
}

/// What somebody can mend.
#[derive(Serialize)]
pub(super) struct Diagnosis {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<&'static str>,
    hint: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

/// `data`, where what came was no JSON-RPC.
#[derive(Serialize)]
struct Excerpt {
    excerpt: String,
}

/// An error as a plain object.
pub(super) fn error(error: protocol::Error<JsValue>) -> JsValue {
    plain(&McpError::from(error))
}

impl Diagnosis {
    pub(super) fn new(kind: &'static str, header: Option<&'static str>, hint: &'static str) -> Self {
        Self { kind, header, hint, help: None }
    }
}

impl From<protocol::Error<JsValue>> for McpError {
    fn from(error: protocol::Error<JsValue>) -> Self {
        let help = error.help();
        let diagnosed =
            |error::Diagnosis { kind, header, hint }| Diagnosis { help, ..Diagnosis::new(kind, header, hint) };
        let excerpt = error.excerpt.map(|excerpt| plain(&Excerpt { excerpt }));
        Self {
            code: error.code.as_str(),
            outcome: error.outcome.as_str(),
            message: error.message,
            retryable: error.retryable,
            rpc_code: error.rpc_code.map(|code| code as f64),
            http_status: error.http_status,
            diagnosis: error.diagnosis.map(diagnosed),
            data: error.data.or(excerpt).map(Raw),
            cause: error.cause.map(Raw),
            is_answer: error.is_answer.then_some(true),
        }
    }
}
