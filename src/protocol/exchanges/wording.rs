//! The errors that a caller gets for what a server said, in words that hold no secret.

use crate::protocol::codec::http::Method;
use crate::protocol::codec::json_rpc::RpcError;
use crate::protocol::exchanges::exchange::Exchange;
use crate::protocol::identity::secrets::Confidential;
use crate::protocol::policy::verdict::Refusal;
use crate::protocol::questions::without_unsafe;
use crate::protocol::{Code, Error, Outcome, Payload, Unreached, error::Diagnosis};

/// Characters of a server's message that stand in an error of ours. A host's own Client gets the message whole.
pub(in crate::protocol) const EXCERPT: usize = 200;

/// What came was no answer of an MCP server's.
pub(in crate::protocol) fn unusable<P>(exchange: &Exchange, bytes: Option<u64>) -> Box<Error<P>> {
    let (status, kind) = match &exchange.head {
        Some(head) => (head.status, head.media_type()),
        None => (0, String::new()),
    };
    // The media type is the server's word: only a known one is repeated.
    let kind = match kind.as_str() {
        "" => "no Content-Type",
        known @ ("application/json" | "text/html" | "text/plain" | "text/event-stream" | "application/xml") => known,
        _ => "another Content-Type",
    };
    let what = match bytes {
        Some(0) => "an empty body".to_owned(),
        Some(bytes) => format!("{bytes} bytes that are no JSON-RPC message"),
        None => "JSON that is no JSON-RPC message".to_owned(),
    };
    let message = format!("The server answered with HTTP {status}, {kind} and {what}.");
    let error = Error::boxed(Code::NotMcp, Outcome::Unknown, message).with_status(status);
    if kind == "text/html" { error.with_diagnosis(WEB_PAGE) } else { error }
}

/// What came is a web page, with a form in it that asks who the user is.
pub(in crate::protocol) fn is_login_page(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["type=\"password\"", "type='password'", "type=password", "sign in", "sign-in", "log in", "login", "signin"]
        .iter()
        .any(|sign| text.contains(sign))
}

const WEB_PAGE: Diagnosis = Diagnosis {
    kind: "web_page",
    header: None,
    hint: "A web page answers at this address, and no MCP server: the path is wrong, or something before the server \
           answers in its place.",
};
pub(in crate::protocol) const LOGIN_PAGE: Diagnosis = Diagnosis {
    kind: "login_page",
    header: None,
    hint: "A page where the user signs in answers in the place of the MCP server: let the user sign in there first, send \
           the credentials that it wants (`headers`, or `credentials: \"include\"` for cookies), or let what is before the \
           server leave its endpoint alone.",
};

/// What was meant to be the answer is no JSON.
pub(in crate::protocol) fn broken_answer<P>(exchange: &Exchange) -> Box<Error<P>> {
    let message = "The server answered this request with what is no JSON: it may hold NaN, or was cut off. The call may have \
                   run.";
    Error::boxed(Code::Protocol, Outcome::Unknown, message).with_status(exchange.status())
}

/// It failed below HTTP. `told`: outside of a page, what the platform says of it, and whether that proves that nothing was sent.
pub(in crate::protocol) fn broken_off<P>(
    exchange: &Exchange,
    told: Option<(Unreached, bool)>,
    cause: Option<P>,
) -> Box<Error<P>> {
    let (message, diagnosis) = match (&exchange.head, told) {
        (Some(_), _) => ("The connection broke before the answer was complete: the call may have run.", None),
        (None, Some((Unreached::Refused, _))) => (REFUSED.hint, Some(REFUSED)),
        (None, Some((Unreached::NoSuchName, _))) => (NO_SUCH_NAME.hint, Some(NO_SUCH_NAME)),
        (None, Some((Unreached::NotTrusted, _))) => (NOT_TRUSTED, None),
        (None, Some((Unreached::Unknown, _))) => ("The request failed below HTTP: see `cause`.", None),
        (None, None) => (HIDDEN, None),
    };
    // A request that would have resumed a stream says nothing of the call.
    let is_unsent =
        exchange.head.is_none() && exchange.method() == Method::Post && told.is_some_and(|(_, unsent)| unsent);
    let outcome = if is_unsent { Outcome::NotExecuted } else { Outcome::Unknown };
    let mut error = Error::boxed(Code::Network, outcome, message).retryable();
    error.diagnosis = diagnosis;
    error.cause = cause;
    error
}

const HIDDEN: &str = "The request failed below HTTP: the server is down, this device is offline, or the answer lacks CORS \
                      headers (Access-Control-Allow-Origin), which a page cannot tell apart.";
const NOT_TRUSTED: &str = "No secure connection came to be: the server's certificate is not one that is trusted here, or it \
                           does not speak https: at this port. See `cause`.";
const REFUSED: Diagnosis = Diagnosis {
    kind: "unreachable",
    header: None,
    hint: "The connection was refused: nothing listens at this address. The server is down, or the host or port is wrong.",
};
const NO_SUCH_NAME: Diagnosis = Diagnosis {
    kind: "unreachable",
    header: None,
    hint: "The server's name was not found: it is wrong, or this device is offline.",
};

/// The error that the caller gets where a refusal is the answer.
pub(in crate::protocol) fn refusal_error<P: Payload>(
    confidential: &Confidential,
    refusal: &Refusal,
    error: Option<RpcError<P>>,
    exchange: &Exchange,
    bound: usize,
) -> Box<Error<P>> {
    let code = refusal.code();
    let status = refusal.status;
    let outcome = if exchange.era.may_be_anothers(refusal) { Outcome::Unknown } else { refusal.outcome(exchange.late) };
    let retryable = matches!(status, 429 | 500..);
    let Some(rpc) = error else {
        let message = match status {
            401 => "The server refused the request with HTTP 401: credentials are missing or not accepted.".to_owned(),
            403 => {
                "The server refused the request with HTTP 403: this page's origin or this user is not allowed, or the \
                    session is another user's."
                    .to_owned()
            }
            429 | 503 => format!("The server is busy: HTTP {status}."),
            _ => format!("The server refused the request with HTTP {status}."),
        };
        let excerpt =
            (!refusal.words.is_empty()).then(|| confidential.redact(&refusal.words, &exchange.traffic(), EXCERPT));
        let mut error = Error::boxed(code, outcome, message).with_status(status);
        error.excerpt = excerpt;
        error.retryable = retryable;
        return error;
    };
    let message = confidential.redact(&rpc.message, &exchange.traffic(), bound);
    let mut error = Error::boxed(code, outcome, message).with_status(status);
    error.rpc_code = Some(rpc.code);
    error.data = rpc
        .data
        .map(|data| without_unsafe(rpc.code, data))
        .and_then(|data| confidential.redact_data(data, &exchange.traffic()));
    error.retryable = retryable;
    error
}
