//! The classifier: one test for each of its rules, and properties over many refusals.

use super::signals::refusal;
use mcp_evergreen::protocol::http::Method;
use mcp_evergreen::protocol::json_rpc::Message;
use mcp_evergreen::protocol::verdict::{Asked, Refusal, Verdict, asks_for_session, classify, says_already_initialized};
use serde_json::{Value, json};

const OWN: u64 = 7;
const UNKNOWN: Verdict = Verdict::UnknownOutcome { session_gone: false };

fn asked(method: Method) -> Asked {
    Asked { method, with_session: true, late: false }
}

fn of(method: Method, status: u16, body: &str) -> Verdict {
    refusal(status, "application/json", body, OWN)
        .map_or(Verdict::NotEviction, |refusal| classify(&asked(method), &refusal))
}

fn post(status: u16, body: &str) -> Verdict {
    of(Method::Post, status, body)
}

fn error(id: &Value, code: i64, message: &str) -> String {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}).to_string()
}

#[test]
fn post_404_and_410_with_the_id_are_an_eviction() {
    for status in [404, 410] {
        for body in ["", "<h1>Not Found</h1>", "gone fishing", &error(&Value::Null, -32001, "Session not found")] {
            assert_eq!(post(status, body), Verdict::Evicted, "{status} {body}");
        }
    }
}

#[test]
fn post_404_method_not_found_with_its_own_id_is_an_answer() {
    assert_eq!(post(404, &error(&json!(OWN), -32601, "no such method")), Verdict::NotEviction);
}

#[test]
fn post_404_method_not_found_with_session_words_or_a_strange_id_is_a_suspicion() {
    assert_eq!(post(404, &error(&json!(OWN), -32601, "session not found")), Verdict::Suspect);
    assert_eq!(post(404, &error(&json!(OWN + 1), -32601, "no such method")), Verdict::Suspect);
    assert_eq!(post(404, &error(&Value::Null, -32601, "no such method")), Verdict::Suspect);
}

#[test]
fn post_400_with_session_words_is_an_eviction_unless_it_answers_this_request() {
    assert_eq!(post(400, "Bad Request: No valid session ID provided"), Verdict::Evicted);
    assert_eq!(post(400, &error(&json!("server-error"), -32600, "Session expired")), Verdict::Evicted);
    assert_eq!(post(400, &error(&json!(OWN), -32600, "Invalid session ID: 83c6")), Verdict::Suspect);
    assert_eq!(post(400, &error(&Value::Null, -32700, "Parse error")), Verdict::NotEviction);
}

#[test]
fn post_401_about_credentials_is_no_eviction_and_with_session_words_a_suspicion() {
    assert_eq!(post(401, "Unauthorized: Session not found"), Verdict::Suspect);
    assert_eq!(post(401, r#"{"error":"invalid_token","error_description":"session expired"}"#), Verdict::NotEviction);
    let challenged = |challenge: &str| {
        let refusal = Refusal::from_text(401, Some(challenge.to_owned()), "Session expired", Some(OWN));
        classify(&asked(Method::Post), &refusal)
    };
    assert_eq!(challenged(r#"Bearer error="invalid_token""#), Verdict::NotEviction);
    assert_eq!(challenged("Bearer"), Verdict::Suspect);
    assert_eq!(post(401, ""), Verdict::NotEviction);
}

#[test]
fn post_200_403_and_422_with_session_words_are_a_suspicion() {
    for status in [200, 403, 422] {
        assert_eq!(post(status, &error(&json!(OWN), -32001, "session not found")), Verdict::Suspect, "{status}");
        assert_eq!(
            post(status, &error(&json!(OWN), -32002, "Resource not found: a")),
            Verdict::NotEviction,
            "{status}"
        );
    }
}

#[test]
fn post_429_is_transient_whatever_it_says() {
    assert_eq!(post(429, "session not found"), Verdict::Transient);
}

#[test]
fn post_5xx_with_words_of_lookup_is_a_suspicion() {
    for status in [500, 502, 503, 504] {
        assert_eq!(post(status, "Session not found"), Verdict::Suspect, "{status}");
    }
}

#[test]
fn post_503_is_transient_unless_the_session_was_ended() {
    assert_eq!(post(503, "Server is shutting down"), Verdict::Transient);
    assert_eq!(post(503, ""), Verdict::Transient);
    assert_eq!(post(503, "session terminated"), UNKNOWN);
}

#[test]
fn post_5xx_leaves_the_outcome_unknown() {
    for (status, body) in [(500, ""), (502, "<h1>Bad Gateway</h1>"), (504, ""), (500, "Session terminated")] {
        assert_eq!(post(status, body), UNKNOWN, "{status} {body}");
    }
}

#[test]
fn unsupported_protocol_version_is_another_era() {
    for status in [200, 400, 404] {
        assert_eq!(post(status, &error(&json!(OWN), -32022, "Session not found")), Verdict::OtherEra, "{status}");
    }
}

#[test]
fn an_eviction_that_comes_late_leaves_the_outcome_unknown() {
    let refusal = Refusal::from_text(404, None, "Session not found", Some(OWN));
    let late = Asked { late: true, ..asked(Method::Post) };
    assert_eq!(classify(&late, &refusal), Verdict::UnknownOutcome { session_gone: true });
    assert!(classify(&late, &refusal).session_gone());
}

#[test]
fn get_is_never_more_than_a_hint() {
    let get = |status, body: &str| of(Method::Get, status, body);
    for (status, body) in [(404, ""), (410, ""), (400, ""), (400, "Invalid or missing session ID"), (500, "no session")]
    {
        assert_eq!(get(status, body), Verdict::Suspect, "{status} {body}");
    }
    for (status, body) in
        [(405, ""), (409, "only one stream per session, no session"), (400, "failed to replay events")]
    {
        assert_eq!(get(status, body), Verdict::NotEviction, "{status} {body}");
    }
    for status in [429, 500, 503] {
        assert_eq!(get(status, ""), Verdict::Transient, "{status}");
    }
}

#[test]
fn what_delete_cannot_find_is_ended() {
    let delete = |status, body: &str| of(Method::Delete, status, body);
    assert_eq!(delete(404, ""), Verdict::Evicted);
    assert_eq!(delete(400, "Invalid session ID"), Verdict::Evicted);
    assert_eq!(delete(405, ""), Verdict::NotEviction);
    assert_eq!(delete(503, ""), Verdict::Transient);
}

#[test]
fn words_count_where_a_refusal_has_them() {
    let places = [
        json!({"error": "Session not found"}),
        json!({"error": {"code": 0, "message": "Session not found"}}),
        json!({"error": {"code": 0, "message": "no", "data": {"message": "Session not found"}}}),
        json!({"message": "Session not found"}),
        json!({"detail": "Session not found"}),
        json!({"jsonRpcError": {"message": "Session not found"}}),
        json!("Session not found"),
    ];
    for place in places {
        assert_eq!(post(400, &place.to_string()), Verdict::Evicted, "{place}");
    }
    assert_eq!(post(400, "event: message\ndata: {\"error\":\"Session not found\"}\n\n"), Verdict::Evicted);
    for other in
        [json!({"result": {"text": "Session not found"}}), json!({"error": {"code": 0, "data": "session not found"}})]
    {
        assert_eq!(post(400, &other.to_string()), Verdict::NotEviction, "{other}");
    }
}

#[test]
fn a_word_must_stand_near_the_session() {
    assert_eq!(post(400, &format!("session {} not found", "x".repeat(200))), Verdict::NotEviction);
    assert_eq!(post(400, "the sessions that you asked for were not found"), Verdict::Evicted);
}

#[test]
fn a_server_without_the_session_asks_for_one() {
    let asks = |status, words: &str| asks_for_session(&Refusal::from_text(status, None, words, None));
    assert!(asks(400, "Bad Request: Mcp-Session-Id header is required"));
    assert!(!asks(500, "Mcp-Session-Id header is required"));
    assert!(!asks(400, "Parse error"));
    let already = |status, words: &str| says_already_initialized(&Refusal::from_text(status, None, words, None));
    assert!(already(400, "Invalid Request: Server already initialized"));
    assert!(!already(500, "Server already initialized"));
}

// Properties, over refusals made of what servers say.

const WORDS: &[&str] = &[
    "Session not found",
    "session",
    "not found",
    "Session terminated",
    "session is closing",
    "unknown",
    "expired",
    "Bad Request: No valid session ID provided",
    "invalid_token",
    "access token",
    "Server not initialized",
    "",
    "Forbidden",
    "before the request completed",
    "Method not found",
    "\u{fffd}",
    "ſession",
    "İ",
    "sess\u{200b}ion",
    "{",
    "\"result\"",
    "data: ",
    "\n",
    "\0",
];
const STATUSES: &[u16] =
    &[0, 100, 200, 202, 204, 301, 400, 401, 403, 404, 405, 408, 409, 410, 418, 422, 429, 500, 501, 502, 503, 504, 599];
const CODES: &[i64] = &[0, -32001, -32000, -32600, -32601, -32603, -32002, -32700, 32600, i64::MIN, i64::MAX];

struct Dice(fastrand::Rng);

impl Dice {
    fn of<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.0.usize(0..values.len())]
    }

    fn words(&mut self) -> String {
        (0..self.0.usize(0..4)).map(|_| *self.of(WORDS)).collect::<Vec<_>>().join(" ")
    }

    fn id(&mut self) -> Value {
        [json!(OWN), Value::Null, json!("server-error"), json!(""), json!(OWN + 1), json!(OWN.to_string())]
            [self.0.usize(0..6)]
        .clone()
    }

    fn asked(&mut self) -> Asked {
        let method = *self.of(&[Method::Post, Method::Get, Method::Delete]);
        Asked { method, with_session: self.0.bool(), late: self.0.bool() }
    }
}

fn often(mut property: impl FnMut(&mut Dice)) {
    for seed in 0..20_000 {
        property(&mut Dice(fastrand::Rng::with_seed(seed)));
    }
}

#[test]
fn nothing_in_a_result_ever_makes_an_eviction() {
    often(|dice| {
        let words = dice.words();
        let body =
            json!({"jsonrpc": "2.0", "id": dice.id(), "result": {"content": [{"text": words}], "message": words}});
        // A 2xx result is no refusal at all.
        assert!(Refusal::from_message(200, &Message::read(&body), Some(OWN)).is_none());
        let refusal = Refusal::from_text(400, None, &body.to_string(), Some(OWN));
        assert_eq!(refusal.words, "");
        // Cut off, too.
        let text = body.to_string();
        let cut = (0..text.len()).rev().find(|at| text.is_char_boundary(*at) && *at < text.len() - 1).unwrap_or(0);
        assert_eq!(Refusal::from_text(400, None, &text[..cut], Some(OWN)).words, "", "{}", &text[..cut]);
    });
}

#[test]
fn without_a_session_id_nothing_is_an_eviction() {
    often(|dice| {
        let (status, words, id, code) = (*dice.of(STATUSES), dice.words(), dice.id(), *dice.of(CODES));
        let body = if dice.0.bool() { words } else { error(&id, code, &words) };
        let asked = Asked { with_session: false, ..dice.asked() };
        let verdict = classify(&asked, &Refusal::from_text(status, None, &body, Some(OWN)));
        assert!(!verdict.session_gone() && verdict != Verdict::Suspect, "{status} {body}: {verdict:?}");
    });
}

#[test]
fn the_code_the_id_and_the_content_type_change_nothing_but_what_the_rules_name() {
    often(|dice| {
        let (status, words) = (*dice.of(STATUSES), dice.words());
        let asked = dice.asked();
        let codes: Vec<i64> = CODES.iter().copied().filter(|code| *code != -32601).collect();
        let mut judge = |id: &Value| {
            let refusal = Refusal::from_text(status, None, &error(id, *dice.of(&codes), &words), Some(OWN));
            classify(&asked, &refusal)
        };
        let strange = judge(&Value::Null);
        for id in [json!("server-error"), json!(""), json!(OWN + 1), json!(OWN.to_string())] {
            assert_eq!(judge(&id), strange, "{status} {words:?} {id}");
        }
        // The request's own id makes a 400 a suspicion.
        let own = judge(&json!(OWN));
        let softer = status == 400 && own == Verdict::Suspect && asked.method == Method::Post;
        assert!(own == strange || softer, "{status} {words:?}: {own:?} and {strange:?}");
    });
}

#[test]
fn no_input_panics_and_a_body_of_10_mb_is_judged_by_its_beginning() {
    often(|dice| {
        let text = dice.words() + &dice.words();
        let refusal = Refusal::from_text(*dice.of(STATUSES), Some(dice.words()), &text, dice.0.bool().then_some(OWN));
        let _ = (classify(&dice.asked(), &refusal), asks_for_session(&refusal), says_already_initialized(&refusal));
    });
    let ten = 10 << 20;
    assert_eq!(post(400, &("x".repeat(ten) + " session not found")), Verdict::NotEviction);
    assert_eq!(post(400, &("session not found ".to_owned() + &"é".repeat(ten / 2))), Verdict::Evicted);
    assert_eq!(post(400, &"[".repeat(ten)), Verdict::NotEviction);
    let nested = format!("{{\"error\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(post(400, &nested), Verdict::NotEviction);
}
