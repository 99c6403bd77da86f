//! What a server may say, right and wrong.

use super::bytes::{Bytes, WORDS};
use mcp_evergreen::protocol::http::Head;
use serde_json::{Value, json};

/// An `InitializeResult` of a server that can do everything.
pub fn handshake(version: &str, server: u8) -> Value {
    json!({
        "protocolVersion": version,
        "serverInfo": {"name": "server", "version": server.to_string()},
        "capabilities": {
            "tools": {}, "resources": {"subscribe": true}, "prompts": {}, "completions": {}, "logging": {},
        },
    })
}

pub fn tools(changed: u8, next: Option<&str>) -> Value {
    json!({
        "tools": [{"name": "a", "description": changed, "annotations": {"readOnlyHint": true}}, {"name": "b"}],
        "nextCursor": next,
    })
}

pub fn result(id: u64, result: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

pub fn head(bytes: &mut Bytes<'_>, fresh_session: &mut impl FnMut() -> String) -> Head {
    let statuses = [200, 202, 404, 400, 401, 403, 405, 409, 410, 429, 500, 502, 503, 204, 304, 0];
    let types =
        ["application/json", "text/event-stream", "text/plain", "", "Application/JSON; charset=utf-8", "text/html"];
    let status = bytes.of(&statuses);
    let content_type = Some(bytes.of(&types).to_owned()).filter(|kind| !kind.is_empty());
    let session_id = match bytes.byte() % 8 {
        0..4 => None,
        4..7 => Some(fresh_session()),
        _ => Some(bytes.of(&["", "with space", "ümlaut", "\u{7f}"]).to_owned()),
    };
    let retry_after = bytes.of(&[None, None, Some("1"), Some("0"), Some("-1"), Some("99999999999999999999")]);
    let www_authenticate = bytes.of(&[None, Some("Bearer error=\"invalid_token\"")]).map(str::to_owned);
    Head { status, content_type, session_id, retry_after: retry_after.map(str::to_owned), www_authenticate }
}

/// One message. `id` is the request's own, `session` the session's.
pub fn message(bytes: &mut Bytes<'_>, id: u64, session: &str) -> Value {
    match bytes.byte() % 16 {
        0 => result(id, &json!({})),
        1 => {
            let version = bytes.of(&["2025-11-25", "2025-03-26", "2024-11-05", "1999-01-01", ""]);
            result(id, &handshake(version, bytes.byte()))
        }
        2 => {
            let next = bytes.of(&[None, None, Some(""), Some("next")]);
            result(id, &tools(bytes.byte() % 4, next))
        }
        3 => json!({"jsonrpc": "2.0", "id": id, "error": error(bytes, session)}),
        4 => json!({"jsonrpc": "2.0", "id": null, "error": error(bytes, session)}),
        5 => result(bytes.of(&[0, 1, u64::MAX, id.wrapping_add(1), id.wrapping_sub(1)]), &json!({"other": true})),
        6 | 7 => {
            let asked = bytes.of(&["ping", "elicitation/create", "sampling/createMessage", "roots/list", "no/such"]);
            let mode = bytes.of(&[None, Some("url"), Some("form"), Some("else")]);
            json!({"jsonrpc": "2.0", "id": request_id(bytes), "method": asked, "params": {"mode": mode}})
        }
        8 => json!({"method": "notifications/progress", "params": {"progressToken": id, "progress": bytes.byte()}}),
        9 => json!({"method": "notifications/cancelled", "params": {"requestId": request_id(bytes)}}),
        10 => {
            let kinds = ["tools/list_changed", "message", "resources/updated", "progress", "cancelled"];
            json!({"method": format!("notifications/{}", bytes.of(&kinds))})
        }
        11 => (0..bytes.below(4)).map(|_| message(bytes, id, session)).collect(),
        12 => json!({"error": bytes.of(WORDS)}),
        13 => json!({"message": bytes.of(WORDS), "detail": format!("session {session}")}),
        _ => bytes.json(id, 4),
    }
}

fn error(bytes: &mut Bytes<'_>, session: &str) -> Value {
    let code = bytes.of(&[-32001, -32000, -32600, -32601, -32602, -32603, -32022, -32042, 0]);
    let words = bytes.of(WORDS);
    let message = if bytes.flag() { format!("{words}: {session}") } else { words.to_owned() };
    json!({"code": code, "message": message, "data": bytes.json(0, 2)})
}

fn request_id(bytes: &mut Bytes<'_>) -> Value {
    bytes.of(&[json!(0), json!(1), json!("a"), json!("1"), json!(0.0), json!(-1)].each_ref()).clone()
}

/// A body that is read as text.
pub fn text(bytes: &mut Bytes<'_>, id: u64, session: &str) -> String {
    match bytes.byte() % 4 {
        0 => message(bytes, id, session).to_string(),
        1 => format!("event: message\ndata: {}\n\n", message(bytes, id, session)),
        2 => format!("{} {session}", bytes.of(WORDS)),
        _ => bytes.text(),
    }
}
