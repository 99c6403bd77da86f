//! The classifier, rule by rule. The rules generalise: no row of the survey is named here.

use crate::signals::refusal;
use mcp_evergreen::protocol::Outcome;
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::http::Method;
use mcp_evergreen::protocol::verdict::{Asked, Refusal, Verdict, asks_for_session, classify, says_already_initialized};
use serde_json::json;

const POST: Asked =
    Asked { era: mcp_evergreen::protocol::era::Era::Legacy, method: Method::Post, with_session: true, late: false };
const GET: Asked = Asked { method: Method::Get, ..POST };
const DELETE: Asked = Asked { method: Method::Delete, ..POST };
const UNKNOWN: Verdict = Verdict::UnknownOutcome { session_gone: false };

/// What servers say of a session that they do not find.
const LOST: [&str; 8] = [
    "Session not found",
    "Unknown session",
    "Invalid session ID",
    "Your session has expired",
    "No valid session ID provided",
    "Mcp-Session-Id header is required",
    "Session abc does not exist",
    "Server not initialized",
];
/// What they say of everything else.
const OTHER: [&str; 6] = [
    "Resource not found: demo://nope",
    "Tool nope not found",
    "Only one SSE stream is allowed per session",
    "session already exists",
    "session user mismatch",
    "Unsupported protocol version",
];

fn text(status: u16, body: &str) -> Refusal {
    Refusal::from_text(status, None, body, Some(7))
}

fn challenged(status: u16, body: &str, challenge: &str) -> Refusal {
    Refusal::from_text(status, Some(challenge.to_owned()), body, Some(7))
}

/// A JSON-RPC error; `own`: with the request's id.
fn rpc(status: u16, code: i64, message: &str, own: bool) -> Refusal {
    let id = if own { json!(7) } else { json!(null) };
    let body = json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}).to_string();
    refusal(status, "application/json", &body, 7).expect("a refusal")
}

#[test]
fn a_404_or_410_to_a_post_with_a_session_is_an_eviction_whatever_it_says() {
    for status in [404, 410] {
        for body in LOST.iter().chain(&OTHER).chain(&["", "<html>404</html>", "{\"error\":"]) {
            assert_eq!(classify(&POST, &text(status, body)), Verdict::Evicted, "{status} {body}");
        }
    }
}

#[test]
fn a_404_under_the_requests_own_id_is_a_suspicion() {
    assert_eq!(classify(&POST, &rpc(404, -32601, "Method not found", true)), Verdict::Suspect);
    assert_eq!(classify(&POST, &rpc(404, -32601, "Method not found", false)), Verdict::Suspect);
    assert_eq!(classify(&POST, &rpc(404, -32601, "Session not found", true)), Verdict::Suspect);
    assert_eq!(classify(&POST, &rpc(404, -32601, "Session terminated", true)), Verdict::Suspect);
    for status in [404, 410] {
        for words in LOST.iter().chain(&OTHER) {
            assert_eq!(classify(&POST, &rpc(status, -32602, words, true)), Verdict::Suspect, "{words}");
            assert_eq!(classify(&POST, &rpc(status, -32602, words, false)), Verdict::Evicted, "{words}");
        }
    }
}

#[test]
fn a_400_is_an_eviction_where_its_words_are_about_the_session() {
    for words in LOST {
        // What else the session is called may be the name of another thing.
        let named = words == "Session abc does not exist";
        let verdict = if named { Verdict::Suspect } else { Verdict::Evicted };
        assert_eq!(classify(&POST, &text(400, words)), verdict, "{words}");
        assert_eq!(classify(&POST, &rpc(400, -32000, words, false)), verdict, "{words}");
        assert_eq!(classify(&POST, &rpc(400, -32000, words, true)), Verdict::Suspect, "{words}");
    }
    assert_eq!(classify(&POST, &text(400, "Session has been terminated")), Verdict::Evicted);
    for words in OTHER {
        assert_eq!(classify(&POST, &text(400, words)), Verdict::Suspect, "{words}");
    }
    for words in ["no such argument", "Resource not found: demo://nope"] {
        assert_eq!(classify(&POST, &rpc(400, -32602, words, true)), Verdict::NotEviction, "{words}");
    }
}

/// The words of servers that are in no list.
#[test]
fn a_refusal_that_nothing_explains_is_a_suspicion_whatever_its_words() {
    for status in [400, 402, 405, 406, 409, 412, 415, 418, 422, 426, 440] {
        for words in ["", "no MCP session for backend x", "the first message from the client must be initialize", "huh"]
        {
            let verdict = classify(&POST, &text(status, words));
            assert!(matches!(verdict, Verdict::Suspect | Verdict::Evicted), "{status} {words}: {verdict:?}");
        }
        assert_eq!(classify(&POST, &rpc(status, -32000, "the session is locked", true)), Verdict::Suspect, "{status}");
        assert_eq!(classify(&POST, &rpc(status, -32000, "bad argument", true)), Verdict::NotEviction, "{status}");
    }
    assert_eq!(classify(&POST, &rpc(200, -32600, "Invalid Request", false)), Verdict::Suspect);
    for status in [500, 502, 504] {
        assert_eq!(classify(&POST, &rpc(status, -32000, "the session is locked", true)), Verdict::Suspect, "{status}");
        assert_eq!(classify(&POST, &rpc(status, -32000, "upstream: 409", true)), Verdict::NotEviction, "{status}");
    }
}

#[test]
fn session_words_in_a_200_401_403_422_or_any_other_refusal_are_a_suspicion() {
    for status in [200, 401, 403, 406, 409, 412, 422, 440] {
        for own in [true, false] {
            for words in LOST {
                assert_eq!(classify(&POST, &rpc(status, -32600, words, own)), Verdict::Suspect, "{status} {words}");
            }
        }
        for words in ["Resource not found: demo://nope", "Tool nope not found", "Unsupported protocol version"] {
            let verdict = if matches!(status, 401 | 403) { Verdict::Suspect } else { Verdict::NotEviction };
            assert_eq!(classify(&POST, &rpc(status, -32600, words, true)), verdict, "{status} {words}");
        }
    }
}

#[test]
fn a_401_or_403_is_a_suspicion_once_no_token_helps() {
    assert_eq!(classify(&POST, &text(401, "Session not found")), Verdict::Suspect);
    assert_eq!(classify(&POST, &text(401, "The access token's session has expired")), Verdict::Suspect);
    assert_eq!(classify(&POST, &text(403, "no")), Verdict::Suspect);
    assert_eq!(classify(&POST, &challenged(401, "Session not found", "Bearer realm=\"mcp\"")), Verdict::Suspect);
    let invalid = "Bearer error=\"invalid_token\"";
    assert_eq!(classify(&POST, &challenged(401, "Session not found", invalid)), Verdict::Suspect);
    assert_eq!(classify(&GET, &text(401, "Session not found")), Verdict::Suspect);
    assert_eq!(classify(&GET, &text(401, "The access token's session has expired")), Verdict::NotEviction);
    assert_eq!(classify(&GET, &challenged(401, "Session not found", invalid)), Verdict::NotEviction);
}

#[test]
fn among_5xx_words_of_lookup_are_a_suspicion_and_words_of_ending_an_unknown_outcome() {
    for status in [500, 502, 503, 504, 521] {
        assert_eq!(classify(&POST, &text(status, "Session not found")), Verdict::Suspect, "{status}");
        assert_eq!(classify(&POST, &text(status, "Session terminated before completed")), UNKNOWN, "{status}");
        let plain = if status == 503 { Verdict::Transient } else { UNKNOWN };
        assert_eq!(classify(&POST, &text(status, "Internal error")), plain, "{status}");
        assert_eq!(classify(&POST, &text(status, "")), plain, "{status}");
    }
}

#[test]
fn a_busy_server_keeps_its_sessions() {
    for asked in [POST, GET, DELETE, Asked { with_session: false, ..POST }] {
        assert_eq!(classify(&asked, &text(429, "slow down")), Verdict::Transient);
        assert_eq!(classify(&asked, &text(503, "Server is shutting down")), Verdict::Transient);
    }
}

#[test]
fn another_era_is_told_by_its_code() {
    let (handshake, modern) = (Asked { with_session: false, ..POST }, Asked { era: Era::Modern, ..POST });
    let lost = Verdict::UnknownOutcome { session_gone: false };
    for (status, own, verdict, in_modern) in [
        (400, true, Verdict::OtherEra, Verdict::OtherEra),
        (400, false, Verdict::OtherEra, Verdict::OtherEra),
        // With another status it may be a handler's own word, or a gateway's on what stands behind it.
        (200, true, Verdict::Suspect, Verdict::Suspect),
        (403, true, Verdict::Suspect, Verdict::Suspect),
        (404, true, Verdict::Suspect, Verdict::Suspect),
        (422, true, Verdict::Suspect, Verdict::Suspect),
        (422, false, Verdict::Suspect, Verdict::Suspect),
        (429, true, Verdict::Transient, Verdict::Transient),
        (500, true, Verdict::Suspect, Verdict::Suspect),
        (502, false, lost, lost),
        (503, true, Verdict::Transient, Verdict::Transient),
    ] {
        let refusal = rpc(status, -32022, "Unsupported protocol version", own);
        assert_eq!(classify(&POST, &refusal), verdict, "{status} {own}");
        assert_eq!(classify(&modern, &refusal), in_modern, "{status} {own}");
        // To a handshake it can be nothing else.
        assert_eq!(classify(&handshake, &refusal), Verdict::OtherEra, "{status} {own}");
    }
    // A legacy request lacks the header fields that a server of the modern era wants; a handler may say so too.
    assert_eq!(classify(&POST, &rpc(400, -32020, "Header mismatch", true)), Verdict::Suspect);
    assert_eq!(classify(&POST, &rpc(200, -32020, "Header mismatch", true)), Verdict::NotEviction);
    assert_eq!(classify(&modern, &rpc(400, -32020, "Header mismatch", true)), Verdict::NotEviction);
}

#[test]
fn a_refusal_of_a_get_is_never_more_than_a_hint() {
    for (status, body, verdict) in [
        (404, "", Verdict::Suspect),
        (410, "gone", Verdict::Suspect),
        (400, "Invalid session ID", Verdict::Suspect),
        (400, "", Verdict::Suspect),
        (400, "failed to replay events", Verdict::NotEviction),
        (400, "Session terminated", Verdict::Suspect),
        (405, "Session not found", Verdict::NotEviction),
        (409, "Session not found", Verdict::NotEviction),
        (403, "Session not found", Verdict::Suspect),
        (403, "no", Verdict::NotEviction),
        (500, "", Verdict::Transient),
        (500, "Session not found", Verdict::Suspect),
    ] {
        assert_eq!(classify(&GET, &text(status, body)), verdict, "{status} {body}");
    }
}

#[test]
fn what_cannot_be_ended_because_it_is_gone_is_ended() {
    for (status, body, verdict) in [
        (404, "", Verdict::Evicted),
        (410, "", Verdict::Evicted),
        (400, "Invalid session ID", Verdict::Evicted),
        (400, "Session terminated", Verdict::Evicted),
        (400, "no", Verdict::NotEviction),
        (405, "Session not found", Verdict::NotEviction),
        (500, "Session not found", Verdict::Transient),
    ] {
        assert_eq!(classify(&DELETE, &text(status, body)), verdict, "{status} {body}");
    }
}

#[test]
fn without_a_session_id_nothing_is_an_eviction() {
    for method in [Method::Post, Method::Get, Method::Delete] {
        let asked = Asked { era: mcp_evergreen::protocol::era::Era::Legacy, method, with_session: false, late: false };
        for status in 200..600 {
            for words in LOST.iter().chain(&OTHER) {
                for own in [true, false] {
                    for code in [-32601, -32600, -32001, 0] {
                        let verdict = classify(&asked, &rpc(status, code, words, own));
                        assert!(
                            !matches!(verdict, Verdict::Evicted | Verdict::Suspect),
                            "{status} {words}: {verdict:?}"
                        );
                    }
                }
            }
        }
    }
    let asked = Asked { with_session: false, ..POST };
    assert_eq!(classify(&asked, &text(503, "Session not found")), Verdict::Transient);
    assert_eq!(classify(&asked, &text(500, "Session not found")), UNKNOWN);
    assert_eq!(classify(&asked, &text(404, "Session not found")), Verdict::NotEviction);
}

#[test]
fn neither_code_nor_id_nor_type_of_the_content_changes_the_verdict() {
    let codes = [-32601, -32600, -32001, -32000, -32603, -32002, -30001, 0, 32600];
    let ids = [json!(null), json!("server-error"), json!(""), json!("07"), json!(8)];
    let types = ["application/json", "text/plain", "", "text/html; charset=utf-8"];
    for status in [400, 401, 403, 404, 410, 422, 500, 503] {
        for words in LOST {
            let mut verdicts = Vec::new();
            // 404 with -32601 is a rule of its own.
            for code in codes.iter().filter(|code| status != 404 && status != 410 || **code != -32601) {
                for id in &ids {
                    for content_type in types {
                        let body = json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": words}});
                        let refusal = refusal(status, content_type, &body.to_string(), 7).expect("a refusal");
                        verdicts.push(classify(&POST, &refusal));
                    }
                }
            }
            assert!(verdicts.windows(2).all(|pair| pair[0] == pair[1]), "{status} {words}");
        }
    }
}

#[test]
fn nothing_in_a_result_ever_proves_an_eviction() {
    for words in LOST {
        let result = json!({"content": [{"type": "text", "text": words}], "error": words, "message": words});
        let body = json!({"jsonrpc": "2.0", "id": 7, "result": result}).to_string();
        assert_eq!(refusal(200, "application/json", &body, 7), None);
        assert_eq!(refusal(200, "text/event-stream", &format!("data: {body}\n\n"), 7), None);
        for status in [400, 401, 403, 422] {
            for cut in [body.len(), body.len() - 1, body.len() / 2] {
                assert_eq!(classify(&POST, &text(status, &body[..cut])), Verdict::Suspect, "{status} {cut}");
            }
        }
    }
}

#[test]
fn the_words_are_looked_for_where_a_refusal_has_them() {
    let words = "Session not found";
    for body in [
        json!({"error": words}),
        json!({"error": {"message": words}}),
        json!({"error": {"message": "Bad Request", "data": {"message": words}}}),
        json!({"message": words}),
        json!({"detail": words}),
        json!({"jsonRpcError": {"message": words}}),
        json!(words),
    ] {
        assert_eq!(classify(&POST, &text(400, &body.to_string())), Verdict::Evicted, "{body}");
        let event = format!("event: message\ndata: {body}\n\n");
        assert_eq!(classify(&POST, &text(400, &event)), Verdict::Evicted, "{body}");
    }
    for body in [json!({"stack": words}), json!({"data": {"message": words}}), json!({"errors": [words]})] {
        assert_eq!(classify(&POST, &text(400, &body.to_string())), Verdict::Suspect, "{body}");
    }
    assert_eq!(classify(&POST, &text(400, "\u{feff}{\"error\":\"Session not found\"}")), Verdict::Evicted);
}

#[test]
fn the_words_must_be_said_of_the_session() {
    let far = format!("{} session. {} not found", "a".repeat(10), "b".repeat(100));
    assert_eq!(classify(&POST, &text(500, &far)), UNKNOWN);
    let far = format!("not found {} session", "b".repeat(100));
    assert_eq!(classify(&POST, &text(500, &far)), UNKNOWN);
    let near = format!("not found {} session", "b".repeat(40));
    assert_eq!(classify(&POST, &text(500, &near)), Verdict::Suspect);
    let near = format!("session {} not found", "b".repeat(40));
    assert_eq!(classify(&POST, &text(500, &near)), Verdict::Suspect);
    // Cut between characters, whatever they are.
    for pad in 0..8 {
        let wide = format!("{}{}Session not found{}", "x".repeat(pad), "€".repeat(30), "€".repeat(30));
        assert_eq!(classify(&POST, &text(500, &wide)), Verdict::Suspect);
    }
}

#[test]
fn a_long_body_is_judged_by_its_beginning() {
    let trace = "at Frame.run (app.js:1)\n".repeat(500_000);
    assert_eq!(classify(&POST, &text(400, &format!("Session not found\n{trace}"))), Verdict::Evicted);
    assert_eq!(classify(&POST, &text(400, &format!("{trace}Session not found"))), Verdict::Suspect);
}

#[test]
fn what_comes_late_may_have_run() {
    let late = Asked { late: true, ..POST };
    assert_eq!(classify(&late, &text(404, "")), Verdict::UnknownOutcome { session_gone: true });
    assert_eq!(classify(&late, &text(400, "Session not found")), Verdict::UnknownOutcome { session_gone: true });
    assert_eq!(classify(&late, &text(400, "no")), Verdict::Suspect);
}

#[test]
fn no_input_panics() {
    let mut rng = fastrand::Rng::with_seed(7);
    let pieces = [
        "session",
        "not found",
        "{",
        "}",
        "\"error\":",
        "data:",
        "\n",
        "€",
        "\u{0}",
        "result",
        "[",
        "7",
        ":",
        "\"",
        " ",
    ];
    for _ in 0..20_000 {
        let body: String = (0..rng.usize(0..40)).map(|_| pieces[rng.usize(..pieces.len())]).collect();
        let method = [Method::Post, Method::Get, Method::Delete][rng.usize(..3)];
        let asked = Asked {
            era: mcp_evergreen::protocol::era::Era::Legacy,
            method,
            with_session: rng.bool(),
            late: rng.bool(),
        };
        let verdict = classify(&asked, &text(rng.u16(100..600), &body));
        assert!(asked.with_session || !matches!(verdict, Verdict::Evicted | Verdict::Suspect));
    }
    let deep = "[".repeat(100_000);
    assert_eq!(classify(&POST, &text(400, &deep)), Verdict::Suspect);
}

#[test]
fn a_session_that_was_never_sent_is_asked_for() {
    assert!(asks_for_session(&text(400, "Bad Request: No valid session ID provided")));
    assert!(asks_for_session(&text(404, "Missing session ID")));
    assert!(!asks_for_session(&text(400, "no")));
    assert!(!asks_for_session(&text(200, "No valid session ID provided")));
    assert!(!asks_for_session(&text(500, "No valid session ID provided")));
}

#[test]
fn a_single_session_server_says_that_it_is_taken() {
    assert!(says_already_initialized(&text(400, "Invalid Request: Server already initialized")));
    assert!(!says_already_initialized(&text(500, "Server already initialized")));
    assert!(!says_already_initialized(&text(400, "Server not initialized")));
}

/// What a refusal itself proves of the call: (status, words, under its own id), in time and late.
#[test]
fn not_executed_is_a_proof_and_executed_the_servers_own_answer() {
    use Outcome::{Executed, NotExecuted, Unknown};
    for (status, words, own, in_time, late) in [
        (200, "Tool nope not found", true, Executed, Executed),
        (200, "Invalid Request", false, Unknown, Unknown),
        (200, "Session not found", true, Unknown, Unknown),
        (400, "Tool nope not found", true, Executed, Executed),
        (422, "bad arguments", true, Executed, Executed),
        (429, "too many", true, Executed, Executed),
        (429, "too many", false, NotExecuted, Unknown),
        (400, "no such argument", false, NotExecuted, Unknown),
        (400, "session 7 is busy", false, Unknown, Unknown),
        (409, "conflict", false, Unknown, Unknown),
        (401, "no", false, NotExecuted, Unknown),
        (401, "no", true, Unknown, Unknown),
        (403, "no", true, Unknown, Unknown),
        (401, "Session not found", false, Unknown, Unknown),
        (403, "no", false, NotExecuted, Unknown),
        (403, "the session is another user's", false, Unknown, Unknown),
        (404, "Unknown tool", true, Unknown, Unknown),
        (408, "", false, Unknown, Unknown),
        (499, "", false, Unknown, Unknown),
        (500, "boom", true, Unknown, Unknown),
        (503, "busy", false, Unknown, Unknown),
    ] {
        let refusal = rpc(status, -32602, words, own);
        assert_eq!((refusal.outcome(false), refusal.outcome(true)), (in_time, late), "{status} {words} {own}");
    }
    assert_eq!(rpc(200, -32001, "Request timed out", true).outcome(false), Unknown);
    assert_eq!(rpc(400, -32022, "Unsupported protocol version", true).outcome(false), NotExecuted);
    assert_eq!(text(200, "nothing").outcome(false), Unknown);
}

/// A hosting platform answers so where it is the *response* of a call that ran which is too large.
#[test]
fn a_body_that_is_too_large_may_be_that_of_the_answer() {
    for body in ["", "Request Entity Too Large\n\nFUNCTION_PAYLOAD_TOO_LARGE", "<html>413</html>"] {
        assert_eq!(text(413, body).outcome(false), Outcome::Unknown, "{body}");
    }
    assert_eq!(rpc(413, -32000, "Payload too large", false).outcome(false), Outcome::Unknown);
}

#[test]
fn what_the_request_is_refused_for_is_a_proof_in_time_alone() {
    for status in [400, 401, 403, 405, 406, 415, 417, 429] {
        let refusal = text(status, "no");
        assert_eq!(
            (refusal.outcome(false), refusal.outcome(true)),
            (Outcome::NotExecuted, Outcome::Unknown),
            "{status}"
        );
    }
}
