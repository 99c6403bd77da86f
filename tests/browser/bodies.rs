//! `browser::exchange`: what a body holds, its bounds, and what becomes of the rest of it.

use super::fakes::{Body, Log, Sent, bytes, foreign, late, line, nested, once, post, sleep, transport, without_body};
use js_sys::Array;
use mcp_evergreen::{
    browser::exchange::Exchanges,
    protocol::{ExchangeId, Input, Purpose, ReadAs},
};
use std::{cell::Cell, rc::Rc};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test as test;

const JSON: ReadAs = ReadAs::Json { max: 1000 };
const EVENTS: ReadAs = ReadAs::Events { max: 1000 };

async fn told(response: JsValue, how: ReadAs) -> Vec<String> {
    let log = Log::default();
    let written = log.clone();
    let sent = reading(response, how, move |input| {
        written.push(line(&input));
        true
    });
    sent.await.end().await;
    log.take()
}

async fn reading(response: JsValue, how: ReadAs, tell: impl Fn(Input<JsValue>) -> bool + 'static) -> Sent {
    let sent = Sent::with(&transport(&once(&response, &Array::new())), tell);
    assert!(matches!(sent.head().await, Input::Head(_)));
    sent.read(how);
    sent
}

async fn whole(text: &[u8], how: ReadAs) -> Vec<String> {
    told(Body::of([text]).response(), how).await
}

#[test]
async fn json_may_be_split_anywhere() {
    let text = r#"{"a":"ö€😀"}"#.as_bytes();
    for at in 0..=text.len() {
        let body = Body::of([&text[..at], &text[at..]]);
        assert_eq!(told(body.response(), JSON).await, [r#"message {"a":"ö€😀"}"#, "end"], "split at {at}");
    }
    let body = Body::of(text.chunks(1));
    assert_eq!(told(body.response(), JSON).await, [r#"message {"a":"ö€😀"}"#, "end"]);
}

#[test]
async fn json_may_begin_with_a_byte_order_mark() {
    assert_eq!(whole(b"\xef\xbb\xbf1", JSON).await, ["message 1", "end"]);
}

#[test]
async fn an_empty_body_is_an_empty_text() {
    assert_eq!(whole(b"", JSON).await, ["text ", "end"]);
    assert_eq!(told(without_body(), JSON).await, ["text ", "end"]);
}

#[test]
async fn a_body_is_what_it_begins_as() {
    for how in [JSON, EVENTS] {
        assert_eq!(whole(b" \n{\"a\":1}\n", how).await, [r#"message {"a":1}"#, "end"]);
        assert_eq!(whole(b"[1]", how).await, ["message [1]", "end"]);
        assert_eq!(whole(b"\xef\xbb\xbfevent: message\ndata: 1\n\n", how).await, ["event 1", "end"]);
        let text = b"data: {\"a\":1}\n\n";
        for at in 0..=text.len() {
            let body = Body::of([&text[..at], &text[at..]]);
            assert_eq!(told(body.response(), how).await, [r#"event {"a":1}"#, "end"], "split at {at}");
        }
    }
    assert_eq!(whole(b"error: 5", JSON).await, ["text error: 5", "end"]);
    assert_eq!(whole(b"{\"a\":1}\n{\"b\":2}\n", JSON).await, [r#"message [{"a":1},{"b":2}]"#, "end"]);
}

#[test]
async fn an_event_without_its_blank_line_is_looked_at_after_a_second() {
    let body = Body::of([&b"data: 1\n\ndata: {\"a\":1}\n"[..]]).then("open");
    let log = Log::default();
    let written = log.clone();
    let sent = reading(body.response(), EVENTS, move |input| {
        written.push(line(&input));
        true
    });
    let sent = sent.await;
    log.wait("unfinished").await;
    assert_eq!(log.take(), ["event 1", r#"unfinished {"a":1}"#]);
    let _others = sent.give_up();
}

#[test]
async fn json_that_is_cut_off_is_no_json() {
    assert_eq!(whole(br#"{"a":"#, JSON).await, [r#"text {"a":"#, "end"]);
    assert_eq!(whole(b"<html>", JSON).await, ["text <html>", "end"]);
    let long = [&b"["[..], &[b' '; 70_000]].concat();
    assert_eq!(whole(&long, ReadAs::Json { max: 1 << 20 }).await, ["no JSON in 70001", "end"]);
}

#[test]
async fn json_is_bounded_to_the_byte_and_the_rest_is_cancelled() {
    let body = Body::of([&b"[1,"[..], b"2]"]).then("open");
    assert_eq!(told(body.response(), ReadAs::Json { max: 4 }).await, ["more than 4", "end"]);
    assert!(body.was_cancelled());
    assert_eq!(whole(b"[1,2]", ReadAs::Json { max: 5 }).await, ["message [1,2]", "end"]);
}

#[test]
async fn what_is_not_utf8_is_said_to_be_so() {
    let body = Body::of([&b"\"\xff\""[..]]).then("open");
    assert_eq!(told(body.response(), JSON).await, ["no UTF-8", "end"]);
    assert!(body.was_cancelled());
    assert_eq!(whole(b"\"\xe2\x82", JSON).await, ["no UTF-8", "end"]);
}

#[test]
async fn json_nested_very_deep_is_a_message_like_any_other() {
    let text = nested(5_000);
    let told = whole(text.as_bytes(), ReadAs::Json { max: 10_000 }).await;
    // Firefox reads it, but could not write it again.
    assert!(told[0] == format!("message {text}") || told[0] == "message too deep", "no message: {}", told[0].len());
    assert_eq!((told.len(), &told[1]), (2, &"end".into()));
    // What an engine makes of this is its own business, but it ends.
    let told = whole(nested(2_000_000).as_bytes(), ReadAs::Json { max: 4_000_000 }).await;
    assert_eq!((told.len(), &told[1]), (2, &"end".into()));
}

#[test]
async fn a_body_that_breaks_off_has_failed_with_the_cause() {
    for how in [JSON, EVENTS, ReadAs::Text { max: 10 }] {
        let body = Body::of([&b"{"[..]]).then(js_sys::Error::new("cut"));
        assert_eq!(told(body.response(), how).await, ["failed: cut"]);
    }
}

#[test]
async fn events_may_be_split_anywhere() {
    let text = "id: 1\nretry: 20\ndata\n\nevent: message\ndata: {\"a\":\ndata: \"ö\"}\n\ndata: 2\n\ndata: 3".as_bytes();
    let expected = ["event - retry=20", "event - id=1", r#"event {"a":"ö"}"#, "event 2", "unfinished 3", "end"];
    for at in 0..=text.len() {
        assert_eq!(told(Body::of([&text[..at], &text[at..]]).response(), EVENTS).await, expected, "split at {at}");
    }
    assert_eq!(told(Body::of(text.chunks(1)).response(), EVENTS).await, expected);
}

#[test]
async fn events_that_come_together_are_told_apart() {
    let long = "€".repeat(30_000);
    let texts = ["\"ö😀\"", "1", &format!("\"{long}\""), "\"\u{feff}é\"", "[2]"];
    let events = texts.map(|text| format!("data: {text}\n\nevent: other\ndata: {text}\n\n")).concat();
    let expected: Vec<_> =
        texts.iter().flat_map(|text| [format!("event {text}"), "event -".into()]).chain(["end".into()]).collect();
    assert_eq!(whole(events.as_bytes(), ReadAs::Events { max: 1 << 20 }).await, expected);
}

#[test]
async fn an_event_that_is_no_json_is_told_and_left_out() {
    let text = b"data: {\n\ndata: 1\n\n";
    assert_eq!(whole(text, EVENTS).await, ["no JSON: {", "event -", "event 1", "end"]);
}

#[test]
async fn events_of_other_types_are_not_parsed() {
    assert_eq!(whole(b"event: ping\nid: 3\ndata: {\n\ndata: 1\n\n", EVENTS).await, ["event - id=3", "event 1", "end"]);
}

#[test]
async fn an_event_beyond_the_bound_ends_the_stream() {
    let long = format!("data: 1\n\ndata: {}", "x".repeat(100));
    let body = Body::of([long.as_bytes()]).then("open");
    assert_eq!(told(body.response(), ReadAs::Events { max: 50 }).await, ["event 1", "more than 50", "end"]);
    assert!(body.was_cancelled());
}

#[test]
async fn a_chunk_may_be_larger_than_the_window() {
    let text = format!("data: \"{}\"\n\ndata: 2\n\n", "x".repeat(200_000));
    let told = whole(text.as_bytes(), ReadAs::Events { max: 1 << 20 }).await;
    assert_eq!((told[0].len(), &told[1..]), (200_008, &["event 2".to_owned(), "end".to_owned()][..]));
}

#[test]
async fn nothing_is_read_once_nobody_listens() {
    let body = Body::of([&b"data: 1\n\ndata: 2\n\n"[..]]).then("open");
    let count = Rc::new(Cell::new(0));
    let seen = Rc::clone(&count);
    let sent = reading(body.response(), EVENTS, move |_| {
        seen.set(seen.get() + 1);
        false
    });
    sent.await.end().await;
    sleep(10.0).await;
    assert_eq!((count.get(), body.was_cancelled()), (1, true));
}

#[test]
async fn a_text_is_cut_at_the_bound_and_the_rest_is_cancelled() {
    let body = Body::of([&b"ab\xff"[..], b"cdef"]).then("open");
    assert_eq!(told(body.response(), ReadAs::Text { max: 5 }).await, ["text ab\u{fffd}cd", "end"]);
    assert!(body.was_cancelled());
    assert_eq!(whole(b"short", ReadAs::Text { max: 50 }).await, ["text short", "end"]);
}

#[test]
async fn a_body_that_is_not_wanted_is_cancelled() {
    let body = Body::of([]).then("open");
    assert_eq!(told(body.response(), ReadAs::Discard).await, ["end"]);
    assert!(body.was_cancelled());
}

#[test]
async fn an_exchange_that_is_given_up_cancels_its_body_and_tells_nothing_more() {
    let body = Body::of([]).then("open");
    let told = Rc::new(Cell::new(false));
    let heard = Rc::clone(&told);
    let sent = reading(body.response(), JSON, move |_| heard.replace(true)).await;
    sleep(10.0).await;
    assert!(!body.was_cancelled());
    let _others = sent.give_up();
    sleep(10.0).await;
    assert_eq!((told.get(), body.was_cancelled()), (false, true));
}

#[test]
async fn an_answer_that_nobody_waits_for_any_more_is_given_back_untold() {
    let body = Body::of([&b"[1]"[..]]).then("open");
    let told = Rc::new(Cell::new(false));
    let heard = Rc::clone(&told);
    let transport = transport(&late(&body.response(), 20.0));
    let exchanges =
        Exchanges::new(&transport, move |_, input| matches!(input, Input::Fields(_)) || heard.replace(true), |_| {});
    let exchange = exchanges.send(ExchangeId(1), Purpose::Listen, &post(), None, false).expect("a request");
    sleep(5.0).await;
    drop(exchange);
    sleep(40.0).await;
    assert_eq!((told.get(), body.was_cancelled()), (false, true));
}

#[test]
async fn a_response_without_streams_is_read_all_at_once() {
    assert_eq!(told(foreign("[1]"), JSON).await, ["message [1]", "end"]);
    assert_eq!(told(foreign("[1]"), ReadAs::Json { max: 2 }).await, ["more than 2", "end"]);
    assert_eq!(told(foreign("data: 1\n\n"), EVENTS).await, ["event 1", "end"]);
    assert_eq!(told(foreign("words"), ReadAs::Text { max: 3 }).await, ["text wor", "end"]);
}

#[test]
async fn chunks_may_be_any_view_of_bytes_but_nothing_else() {
    let view = js_sys::DataView::new(&bytes("x[7]").buffer(), 1, 3);
    assert_eq!(told(Body::chunks(Array::of1(&view)).response(), JSON).await, ["message [7]", "end"]);
    for odd in ["[7]".into(), JsValue::NULL, 7.into()] {
        let body = Body::chunks(Array::of1(&odd)).then("open");
        let failed = "failed: The body of the Response gave a chunk that is no Uint8Array.";
        assert_eq!(told(body.response(), JSON).await, [failed]);
        assert!(body.was_cancelled());
    }
}
