//! Properties of the classifier, over many refusals made of what servers say.

use mcp_evergreen::protocol::http::Method;
use mcp_evergreen::protocol::json_rpc::Message;
use mcp_evergreen::protocol::verdict::{Asked, Refusal, Verdict, asks_for_session, classify, says_already_initialized};
use serde_json::{Value, json};

const OWN: u64 = 7;

fn post(status: u16, body: &str) -> Verdict {
    let asked =
        Asked { era: mcp_evergreen::protocol::era::Era::Legacy, method: Method::Post, with_session: true, late: false };
    classify(&asked, &Refusal::from_text(status, None, body, Some(OWN)))
}

fn error(id: &Value, code: i64, message: &str) -> String {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}).to_string()
}

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
        Asked {
            era: mcp_evergreen::protocol::era::Era::Legacy,
            method,
            with_session: self.0.bool(),
            late: self.0.bool(),
        }
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
        for id in [json!("server-error"), json!(""), json!(OWN + 1)] {
            assert_eq!(judge(&id), strange, "{status} {words:?} {id}");
        }
        // The request's own id makes proof a suspicion, and what would be a suspicion or nobody's answer an answer.
        let own = judge(&json!(OWN));
        let softer = matches!(own, Verdict::Suspect | Verdict::NotEviction);
        assert_eq!(judge(&json!(OWN.to_string())), own, "as text");
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
    assert_eq!(post(400, &("x".repeat(ten) + " session not found")), Verdict::Suspect);
    assert_eq!(post(400, &("session not found\n".to_owned() + &"é".repeat(ten / 2))), Verdict::Evicted);
    assert_eq!(post(400, &"[".repeat(ten)), Verdict::Suspect);
    let nested = format!("{{\"error\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(post(400, &nested), Verdict::Suspect);
}
