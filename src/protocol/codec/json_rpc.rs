//! JSON-RPC 2.0 messages, as MCP uses them (2025-11-25, basic, Messages).

use crate::protocol::bounds::TEXT;
use crate::protocol::codec::json;
pub(in crate::protocol) use crate::protocol::codec::json::quote;
use crate::protocol::{Field, Params, Payload};
use std::fmt::Write;

/// The server does not speak this protocol version; `data.supported` names those that it does.
pub(crate) const UNSUPPORTED_PROTOCOL_VERSION: i64 = -32022;
/// Header fields and body disagree.
pub(crate) const HEADER_MISMATCH: i64 = -32020;
/// The server needs a capability that the client does not declare.
pub(crate) const MISSING_CLIENT_CAPABILITY: i64 = -32021;
/// Request ids start at a random base, so that they differ between pages, and stay exact in JavaScript.
pub(in crate::protocol) const REQUEST_ID_BASE: std::ops::Range<u64> = 1 << 40..1 << 52;

/// The id of a request: MCP allows strings and integers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Id {
    /// An integer.
    Integer(i64),
    /// A string.
    Text(String),
    /// As JSON text, what has no exact copy otherwise: a fraction, or a string that is not one of Unicode's.
    Exact(String),
}

impl Id {
    /// The id in a field. Most are integers, our own always.
    pub(in crate::protocol) fn of<P: Payload>(object: &P, field: Field) -> Option<Self> {
        object.number(field).and_then(integer).or_else(|| Self::read(&object.field(field)?))
    }

    pub(in crate::protocol) fn read<P: Payload>(value: &P) -> Option<Self> {
        if let Some(text) = value.as_string() {
            // What is not Unicode's was replaced by this, and what is too long was cut.
            let is_exact = text.len() < TEXT as usize && !text.contains(char::REPLACEMENT_CHARACTER);
            return if is_exact { Some(Self::Text(text)) } else { value.to_json_within(TEXT).map(Self::Exact) };
        }
        let number = value.as_number().filter(|number| is_exact(*number))?;
        integer(number).or_else(|| value.to_json().map(Self::Exact))
    }

    pub(in crate::protocol) fn to_json(&self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::Text(text) => quote(text),
            Self::Exact(json) => json.clone(),
        }
    }
}

/// Beyond this, what was parsed is not what the server wrote.
fn is_exact(number: f64) -> bool {
    number.abs() < 9_007_199_254_740_992.0
}

fn integer(number: f64) -> Option<Id> {
    #[expect(clippy::cast_possible_truncation, reason = "integral and within ±2^53, checked here")]
    (is_exact(number) && number.fract() == 0.0).then_some(Id::Integer(number as i64))
}

/// A message of the server's.
#[derive(Clone, Debug)]
pub enum Message<P> {
    /// A response that succeeded.
    Result {
        /// The request's.
        id: Option<Id>,
        /// `result`
        result: P,
    },
    /// A response that failed.
    Error {
        /// The request's, or whatever the server put there.
        id: Option<Id>,
        /// `error`
        error: RpcError<P>,
    },
    /// A request.
    Request {
        /// To be answered under this id.
        id: Id,
        /// `method`
        method: String,
        /// `params`
        params: Option<P>,
    },
    /// A notification.
    Notification {
        /// `method`
        method: String,
        /// `params`
        params: Option<P>,
    },
    /// Neither. `words` is what a refusal would say: `error`, `message` and `detail`, where they are strings.
    Other {
        /// Lines.
        words: String,
    },
}

/// The `error` of a response.
#[derive(Clone, Debug)]
pub struct RpcError<P> {
    /// `code`; 0 where the server gave none.
    pub code: i64,
    /// `message`
    pub message: String,
    /// `data`
    pub data: Option<P>,
}

impl<P: Payload> Message<P> {
    /// Reads the envelope of one message.
    pub fn read(value: &P) -> Self {
        if let Some(method) = value.text(Field::Method) {
            let named = value.field(Field::Id);
            let params = value.field(Field::Params);
            return match named.as_ref().and_then(Id::read) {
                Some(id) => Self::Request { id, method, params },
                None if named.is_none_or(|id| is_null(&id)) => Self::Notification { method, params },
                // It cannot be answered, and is no notification.
                None => Self::Other { words: String::new() },
            };
        }
        let id = Id::of(value, Field::Id);
        if let Some(error) = value.field(Field::Error) {
            if error.is_object() {
                return Self::Error { id, error: RpcError::read(&error) };
            }
            // Some servers name the error in a string.
            if let (Some(message), true) = (error.as_string(), id.is_some()) {
                return Self::Error { id, error: RpcError { code: 0, message, data: None } };
            }
        }
        if let Some(result) = value.field(Field::Result) {
            return Self::Result { id, result };
        }
        let words = [Field::Error, Field::Message, Field::Detail];
        Self::Other { words: words.iter().filter_map(|name| value.text(*name)).collect::<Vec<_>>().join("\n") }
    }
}

pub(in crate::protocol) fn is_null<P: Payload>(value: &P) -> bool {
    !value.is_truthy() && value.as_number().is_none() && value.as_bool().is_none() && value.as_string().is_none()
}

/// Doubles tell integers up to this apart.
const MAX_SAFE: u64 = (1 << 53) - 1;

impl<P: Payload> RpcError<P> {
    pub(in crate::protocol) fn read(error: &P) -> Self {
        let code = error.field(Field::Code);
        // "The error code MUST be an integer": what is none, or none that JavaScript can tell from the next, is no code.
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and a float-to-integer cast saturates")]
        let whole = |number: f64| (number.fract() == 0.0).then_some(number as i64);
        let number = code.as_ref().and_then(P::as_number).and_then(whole);
        // Some servers write it as text.
        let code = number.or_else(|| code?.as_string()?.parse().ok());
        let code = code.filter(|code| code.unsigned_abs() <= MAX_SAFE).unwrap_or_default();
        let message = error.text(Field::Message).unwrap_or_default();
        Self { code, message, data: error.field(Field::Data) }
    }

    /// What a refusal says: `message`, and `data.message`.
    pub fn words(&self) -> String {
        let detail = self.data.as_ref().and_then(|data| data.text(Field::Message));
        match detail {
            Some(detail) => format!("{}\n{detail}", self.message),
            None => self.message.clone(),
        }
    }
}

/// A request. `progress` asks for progress under the request's own id; `stamp` is more of `_meta`, without braces.
pub(in crate::protocol) fn request(id: u64, method: &str, params: &Params, progress: bool, stamp: &str) -> String {
    if !progress {
        return message(Some(id), method, params, stamp);
    }
    // No name may stand twice.
    let meta = params.meta.as_deref().map(|meta| json::without(meta, &["progressToken"]));
    let token = format!("\"progressToken\":{id}");
    message(Some(id), method, &Params { meta, ..params.clone() }, &join(&token, stamp))
}

/// A notification.
pub(in crate::protocol) fn notification(method: &str, params: &Params, stamp: &str) -> String {
    message(None, method, params, stamp)
}

fn message(id: Option<u64>, method: &str, params: &Params, extra_meta: &str) -> String {
    let mut text = String::from(r#"{"jsonrpc":"2.0","#);
    if let Some(id) = id {
        // Writing to a String cannot fail.
        let _ = write!(text, "\"id\":{id},");
    }
    text += "\"method\":";
    text += &quote(method);
    let meta = match (params.meta.as_deref(), extra_meta) {
        (None, "") => None,
        (meta, extra) => Some(merge(meta.unwrap_or("{}"), extra)),
    };
    if params.text.is_some() || meta.is_some() {
        let member = meta.map(|meta| format!("\"_meta\":{meta}")).unwrap_or_default();
        text += ",\"params\":";
        text += &merge(params.text.as_deref().unwrap_or("{}"), &member);
    }
    text.push('}');
    text
}

/// A request of ours under another id; a progress token that was the old id stays.
pub(in crate::protocol) fn renumber(body: &str, old: u64, new: u64) -> String {
    body.replacen(&format!("\"id\":{old},"), &format!("\"id\":{new},"), 1)
}

/// A JSON object's text with more members.
pub(in crate::protocol) fn merge(object: &str, members: &str) -> String {
    if members.is_empty() {
        return object.to_owned();
    }
    let inner = object.trim();
    let inner = inner.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or_default().trim();
    format!("{{{}}}", join(inner, members))
}

/// One member of a JSON object, whose value is JSON text.
pub(in crate::protocol) fn member(name: &str, value: &str) -> String {
    [&quote(name), ":", value].concat()
}

/// Members of a JSON object, one after the other.
pub(in crate::protocol) fn join(members: &str, more: &str) -> String {
    let comma = if members.is_empty() || more.is_empty() { "" } else { "," };
    format!("{members}{comma}{more}")
}

/// Why a request of the server's has no result: the error object of its refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorObject {
    /// JSON-RPC 2.0, section 5.1.
    pub code: i64,
    /// A sentence.
    pub message: String,
    /// More, as JSON text.
    pub data: Option<String>,
}

impl From<(i64, &str)> for ErrorObject {
    fn from((code, message): (i64, &str)) -> Self {
        Self { code, message: message.to_owned(), data: None }
    }
}

/// A response to a request of the server's: a `result` as JSON text, or an error.
pub(in crate::protocol) fn response(id: &Id, answer: &Result<String, ErrorObject>) -> String {
    let id = id.to_json();
    match answer {
        Ok(result) => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#),
        Err(ErrorObject { code, message, data }) => {
            let data = data.as_ref().map(|data| format!(r#","data":{data}"#)).unwrap_or_default();
            format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{}{data}}}}}"#, quote(message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: Option<&str>, meta: Option<&str>) -> Params {
        Params { text: text.map(str::to_owned), meta: meta.map(str::to_owned), ..Params::default() }
    }

    #[test]
    fn a_request_carries_params_and_meta_verbatim() {
        assert_eq!(
            request(7, "tools/call", &params(Some(r#"{"name":"x"}"#), Some(r#"{"a":1}"#)), true, ""),
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x","_meta":{"a":1,"progressToken":7}}}"#
        );
        assert_eq!(request(7, "ping", &params(None, None), false, ""), r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#);
        assert_eq!(
            request(7, "a", &params(Some("{ }"), None), true, ""),
            r#"{"jsonrpc":"2.0","id":7,"method":"a","params":{"_meta":{"progressToken":7}}}"#
        );
        assert_eq!(
            request(7, "a", &params(None, Some("{}")), true, r#""x":1"#),
            r#"{"jsonrpc":"2.0","id":7,"method":"a","params":{"_meta":{"progressToken":7,"x":1}}}"#
        );
    }

    #[test]
    fn a_notification_has_no_id() {
        assert_eq!(
            notification("notifications/x", &params(Some(r#"{"a":"\"}"}"#), None), ""),
            r#"{"jsonrpc":"2.0","method":"notifications/x","params":{"a":"\"}"}}"#
        );
    }

    #[test]
    fn an_answer_keeps_the_type_of_the_id() {
        assert_eq!(response(&Id::Integer(0), &Ok("{}".into())), r#"{"jsonrpc":"2.0","id":0,"result":{}}"#);
        assert_eq!(
            response(&Id::Text("a\"".into()), &Err((-32601, "no").into())),
            r#"{"jsonrpc":"2.0","id":"a\"","error":{"code":-32601,"message":"no"}}"#
        );
        let refusal = ErrorObject { code: 1, message: "no".into(), data: Some(r#"{"a":1}"#.into()) };
        assert_eq!(
            response(&Id::Integer(0), &Err(refusal)),
            r#"{"jsonrpc":"2.0","id":0,"error":{"code":1,"message":"no","data":{"a":1}}}"#
        );
    }
}
