//! The envelope, and what a refusal means.

use super::bytes::Bytes;
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::http::Method;
use mcp_evergreen::protocol::json_rpc::Message;
use mcp_evergreen::protocol::verdict::{Asked, Refusal, Verdict, asks_for_session, classify, says_already_initialized};
use serde_json::{Value, json};

const STATUSES: &[u16] = &[200, 404, 400, 202, 401, 403, 405, 409, 410, 422, 429, 500, 502, 503, 504, 0, 65535];
const CHALLENGES: &[&str] = &["", "Bearer", "Bearer error=\"invalid_token\"", "\u{212a}İ session"];

/// Any body under any status: nothing panics, nothing that a `result` says is a refusal, and who sent no session id is
/// not told that the session is gone.
pub fn json_rpc(data: &[u8]) {
    let mut bytes = Bytes(data);
    let asked = Asked {
        era: Era::Legacy,
        method: bytes.of(&[Method::Post, Method::Get, Method::Delete]),
        with_session: bytes.flag(),
        late: bytes.flag(),
    };
    let status = bytes.of(STATUSES);
    let challenge = Some(bytes.of(CHALLENGES).to_owned()).filter(|challenge| !challenge.is_empty());
    let wire_id = bytes.of(&[Some(7), None, Some(1 << 52), Some(u64::MAX)]);
    let id = wire_id.unwrap_or_default();
    let from_text = |text: &str| Refusal::from_text(status, challenge.clone(), text, wire_id);
    match bytes.byte() % 3 {
        0 => judge(asked, &from_text(&String::from_utf8_lossy(bytes.rest()))),
        1 => {
            let value = bytes.json(id, 4);
            judge(asked, &from_text(&value.to_string()));
            message(asked, status, &value, wire_id);
        }
        _ => {
            let style = bytes.byte();
            let cut = bytes.byte();
            let value = json!({"jsonrpc": "2.0", "id": id, "result": bytes.json(id, 4)});
            assert!(Refusal::from_message(status, &Message::read(&value), wire_id).is_none(), "{value} refuses");
            let refusal = from_text(&result_text(&value, style, cut));
            assert_eq!(refusal.words, "", "a result's words are taken for a refusal's");
            assert_eq!(refusal.rpc_code, None);
            judge(asked, &refusal);
        }
    }
}

/// A response as a server may write it, and as a proxy or a bound may cut it.
fn result_text(value: &Value, style: u8, cut: u8) -> String {
    let text = if style & 1 == 0 { value.to_string() } else { serde_json::to_string_pretty(value).unwrap_or_default() };
    // Never before the word `result`: what is left then holds nothing of it.
    let from = text.find("\"result\"").unwrap_or_default() + "\"result\"".len();
    let mut to = if style & 2 == 0 { text.len() } else { text.len().min(from + usize::from(cut)) };
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    let text = &text[..to];
    match style >> 2 & 3 {
        0 => text.to_owned(),
        1 => format!("\u{feff}\n {text}"),
        2 => format!("event: message\nid: 1\ndata: {}\n\n", text.replace('\n', "\ndata: ")),
        _ => format!("event: message\r\ndata:{}\r\n\r\n", text.replace('\n', "\r\ndata:")),
    }
}

fn message(asked: Asked, status: u16, value: &Value, wire_id: Option<u64>) {
    let message = Message::read(value);
    let refusal = Refusal::from_message(status, &message, wire_id);
    match &message {
        Message::Error { error, .. } => drop(error.words()),
        Message::Other { .. } => {}
        Message::Result { .. } | Message::Request { .. } | Message::Notification { .. } => assert_eq!(refusal, None),
    }
    if let Some(refusal) = refusal {
        judge(asked, &refusal);
    }
}

fn judge(asked: Asked, refusal: &Refusal) {
    let verdict = classify(&asked, refusal);
    let gone = verdict.session_gone();
    assert!(asked.with_session || !gone && verdict != Verdict::Suspect, "{verdict:?}, and no session id was sent");
    assert!(!asked.late || verdict != Verdict::Evicted, "it came late, and is taken for the gate's");
    // "A GET's refusal is never more than a hint."
    assert!(asked.method != Method::Get || !gone, "a GET's refusal ends the session: {refusal:?}");
    assert_eq!(classify(&asked, refusal), verdict);
    let _ = (asks_for_session(refusal), says_already_initialized(refusal), refusal.code(), refusal.outcome(false));
}
