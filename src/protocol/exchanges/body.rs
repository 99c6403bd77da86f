//! What a body holds that was read as text, or that did not parse: an answer in another framing, or a broken one.

use crate::protocol::bounds;
use crate::protocol::codec::json_rpc::Message;
use crate::protocol::exchanges::exchange::Exchange;
use crate::protocol::exchanges::wording::{LOGIN_PAGE, broken_answer, is_login_page, unusable};
use crate::protocol::{Error, Payload, Purpose, sse};

/// The message in a text that answers this exchange's request, as servers frame it: JSON, a batch, or an event stream.
pub(in crate::protocol) fn answer_in<P: Payload>(exchange: &Exchange, text: &str) -> Option<P> {
    let is_own = |value: &P| is_answer(exchange, value);
    let of_value = |value: P| match value.count() {
        Some(_) => bounds::each(&value).take(bounds::BATCH).find(is_own),
        None => Some(value).filter(is_own),
    };
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with(['{', '[']) {
        return P::parse(text).and_then(of_value);
    }
    let mut answer = None;
    let mut parser = sse::Parser::new(usize::MAX);
    let mut hear = |event: sse::Event| {
        if answer.is_none() && event.is_message() {
            answer = P::parse(&event.data).and_then(of_value);
        }
    };
    // It has no bound that it could exceed.
    let _ = parser.push(text.as_bytes(), &mut hear);
    parser.rest().into_iter().for_each(hear);
    answer
}

/// Whether a message, or one of a batch, is the response to this exchange's request.
pub(in crate::protocol) fn is_answer<P: Payload>(exchange: &Exchange, value: &P) -> bool {
    if value.count().is_some() {
        return bounds::each(value).take(bounds::BATCH).any(|value| is_answer(exchange, &value));
    }
    match Message::read(value) {
        Message::Result { id, .. } | Message::Error { id, .. } => exchange.is_answered_by(id.as_ref()),
        Message::Request { .. } | Message::Notification { .. } | Message::Other { .. } => false,
    }
}

/// What a text is that answers nothing.
pub(in crate::protocol) fn no_answer<P>(exchange: &Exchange, text: &str) -> Box<Error<P>> {
    if is_broken_answer(exchange, text) {
        return broken_answer(exchange);
    }
    let error = unusable(exchange, Some(text.len() as u64));
    if error.diagnosis.is_some() && is_login_page(text) { error.with_diagnosis(LOGIN_PAGE) } else { error }
}

/// Whether a text that is no JSON was meant to be the answer to this call: some servers write `NaN`, or break off. It
/// begins as a response does. A notification is none, and neither are such signs of life as some servers send.
pub(in crate::protocol) fn is_broken_answer(exchange: &Exchange, begins: &str) -> bool {
    let begins = begins.trim_start_matches('\u{feff}').trim_start();
    let payload = begins.find("\"result\"").or_else(|| begins.find("\"error\""));
    let head = &begins[..payload.unwrap_or(begins.len())];
    let responds = payload.is_some() || exchange.request_id.is_some_and(|id| begins.contains(&id.to_string()));
    let is_call = matches!(exchange.purpose, Purpose::Call(_));
    is_call && begins.starts_with(['{', '[']) && responds && !head.contains("\"method\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{CallId, Now};
    use serde_json::{Value, json};

    fn exchange() -> Box<Exchange> {
        Exchange::outgoing::<Value>(Purpose::Call(CallId(1)), None, Now::default()).with_message("tools/call", Some(7))
    }

    #[test]
    fn an_answer_is_found_in_any_framing() {
        let own = json!({"jsonrpc": "2.0", "id": 7, "result": {}});
        let texts = [
            "\u{feff} {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n",
            "[{\"jsonrpc\":\"2.0\",\"method\":\"x\"},{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}]",
            "event: message\r\ndata: {\"jsonrpc\":\"2.0\",\r\ndata: \"id\":7,\"result\":{}}\r\n\r\n",
            ": hello\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":6,\"result\":1}\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}",
        ];
        for text in texts {
            assert_eq!(answer_in::<Value>(&exchange(), text), Some(own.clone()), "{text}");
        }
        for text in ["", "words", "data: words\n\n", r#"{"id":8,"result":{}}"#, r#"{"id":7}"#] {
            assert_eq!(answer_in::<Value>(&exchange(), text), None, "{text}");
        }
    }

    #[test]
    fn a_broken_answer_is_told_from_a_sign_of_life() {
        for text in [r#"{"jsonrpc":"2.0","id":7,"result":{"x":NaN}}"#, r#"{"result":{"method":"x"},"id""#, "[{\"id\":7"]
        {
            assert!(is_broken_answer(&exchange(), text), "{text}");
        }
        for text in ["ping", "[DONE]", "", "{", r#"{"method":"notifications/progress","params":{"#] {
            assert!(!is_broken_answer(&exchange(), text), "{text}");
        }
    }
}
