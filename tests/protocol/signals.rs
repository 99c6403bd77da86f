//! How 41 servers, 12 gateways and 26 hosted servers say that a session is gone: each row of `tests/signals.json`.

use mcp_evergreen::protocol::http::Method;
use mcp_evergreen::protocol::json_rpc::Message;
use mcp_evergreen::protocol::sse;
use mcp_evergreen::protocol::verdict::{Asked, Refusal, Verdict, classify};
use serde_json::Value;

#[derive(serde::Deserialize)]
struct Row {
    verdict: String,
    source: String,
    request: String,
    sid_sent: u8,
    status: u16,
    content_type: Option<String>,
    body: String,
    note: String,
}

/// The id of the request that each row answers.
fn own_id(row: &Row) -> u64 {
    // Rows that echo the request's id have 7 or 3 there.
    if row.body.contains("\"id\": 3") { 3 } else { 7 }
}

/// As the core reads it: a 2xx body by its type, anything else as text. `None`: it is no refusal.
pub fn refusal(status: u16, content_type: &str, body: &str, wire_id: u64) -> Option<Refusal> {
    if !(200..300).contains(&status) {
        return Some(Refusal::from_text(status, None, body, Some(wire_id)));
    }
    let mut message = None;
    if content_type.starts_with("text/event-stream") {
        let parsed = sse::Parser::new(1 << 20).push(body.as_bytes(), |event| {
            if event.is_message() {
                message = serde_json::from_str::<Value>(&event.data).ok();
            }
        });
        assert!(parsed.is_ok());
    } else {
        message = serde_json::from_str(body).ok();
    }
    Refusal::from_message(status, &Message::read(&message?), Some(wire_id))
}

#[test]
fn every_row_of_the_survey_is_judged_right() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("../signals.json")).expect("rows");
    assert_eq!(rows.len(), 71);
    let mut wrong = Vec::new();
    let mut suspects = Vec::new();
    for row in &rows {
        let method = match row.request.as_str() {
            "GET" => Method::Get,
            _ => Method::Post,
        };
        let asked = Asked {
            era: mcp_evergreen::protocol::era::Era::Legacy,
            method,
            with_session: row.sid_sent == 1,
            late: false,
        };
        let content_type = row.content_type.as_deref().unwrap_or_default();
        let verdict = match refusal(row.status, content_type, &row.body, own_id(row)) {
            Some(refusal) => classify(&asked, &refusal),
            // A stream that ended without an answer.
            None if row.body.is_empty() || row.note.contains("priming") => {
                Verdict::UnknownOutcome { session_gone: false }
            }
            None => Verdict::NotEviction,
        };
        let judged = match verdict {
            // A suspicion is settled by a ping; the row tells how.
            Verdict::Suspect if row.verdict == "evicted" => {
                suspects.push(row.source.as_str());
                "evicted"
            }
            Verdict::Suspect => "not_eviction",
            verdict => verdict.as_str(),
        };
        if judged != row.verdict {
            wrong.push(format!("{} ({}): {} instead of {}", row.source, row.status, judged, row.verdict));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    // What costs a ping: every other eviction is plain.
    assert_eq!(
        suspects,
        [
            "ts-examples GET",
            "rmcp<=0.16",
            "csharp 2.x",
            "java GET",
            "php-mcp/server",
            "anubis",
            "mcp-proxy<=6.7.16 auth",
            "context-forge rpc",
            "toolhive",
            "zilla",
            "remnote",
            "gortex",
            "keryx",
            "go-sdk no sid",
            "rmcp no sid",
        ]
    );
}
