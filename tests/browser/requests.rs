//! `browser::exchange`: what goes out, and the head of what comes back.

use super::fakes::{Body, Log, Sent, json, line, message, once, post, sleep, transport, without_body};
use js_sys::{Array, Function, Object, Reflect};
use mcp_evergreen::{
    browser::{
        exchange::{Exchanges, Transport},
        task::Slot,
    },
    protocol::{ExchangeId, Input, Purpose, Reach, http::Head},
};
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test as test;

async fn send(transport: &Transport) -> Result<Head, JsValue> {
    match Sent::with(transport, |_| false).head().await {
        Input::Head(head) => Ok(head),
        Input::Redirected(redirect) => {
            let text = if redirect.elsewhere { "redirected elsewhere" } else { "redirected" };
            Err(js_sys::Error::new(text).into())
        }
        Input::Unsent { cause }
        | Input::Unproven { cause }
        | Input::Failed { cause }
        | Input::Unreached { cause, .. } => Err(cause.expect("a cause")),
        Input::Proxied { said, status } => Err(JsValue::from_str(&format!("{said} {status}"))),
        other @ (Input::Fields(_)
        | Input::Following { .. }
        | Input::Followed
        | Input::Outdated
        | Input::Message(_)
        | Input::Event { .. }
        | Input::Unfinished(_)
        | Input::Text(_)
        | Input::Malformed(_)
        | Input::End) => {
            panic!("{other:?} before a head")
        }
    }
}

fn answering(response: &JsValue) -> (Transport, Array) {
    let calls = Array::new();
    (transport(&once(response, &calls)), calls)
}

fn field(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &name.into()).expect("an object")
}

fn script(text: &str) -> JsValue {
    Function::new_no_args(text).call0(&JsValue::NULL).expect("a script of the test's own")
}

#[test]
async fn the_request_says_what_it_must() {
    let (transport, calls) = answering(&script("return new Response(null, { status: 202 })"));
    assert_eq!(send(&transport).await.map(|head| head.status), Ok(202));
    let call = calls.get(0);
    assert!(field(&call, "signal").is_instance_of::<web_sys::AbortSignal>());
    assert!(field(&call, "keepalive").is_falsy());
    let names = ["url", "method", "body", "credentials", "cache", "redirect", "headers"];
    let said: Vec<_> = names.iter().map(|name| json(&field(&call, name))).collect();
    let headers = r#"{"accept":"application/json","mcp-session-id":"s1"}"#;
    let quoted = ["\"https://mcp.test/mcp\"", "\"POST\"", "\"{}\"", "\"omit\"", "\"default\"", "\"manual\""];
    assert_eq!(said, [&quoted[..], &[headers]].concat());
}

#[test]
async fn the_head_is_read_by_name() {
    let (transport, _) = answering(&script(
        "return new Response('', { status: 401, headers: { 'Content-Type': 'text/plain', 'Mcp-Session-Id': 'x', \
         'Retry-After': '3', 'WWW-Authenticate': 'Bearer' } })",
    ));
    let head = Head {
        status: 401,
        content_type: Some("text/plain".into()),
        session_id: Some("x".into()),
        retry_after: Some("3".into()),
        www_authenticate: Some("Bearer".into()),
    };
    assert_eq!(send(&transport).await, Ok(head));
}

#[test]
async fn the_hosts_headers_go_along_but_change_nothing_of_the_protocols() {
    for headers in [
        "return { Authorization: 'Bearer x', 'MCP-Session-Id': 'mine' }",
        "return () => ({ Authorization: 'Bearer x', 'MCP-Session-Id': 'mine' })",
        "return async () => new Headers({ Authorization: 'Bearer x', 'MCP-Session-Id': 'mine' })",
    ] {
        let (mut transport, calls) = answering(&script("return new Response()"));
        transport.headers = script(headers);
        send(&transport).await.expect("an answer");
        let expected = r#"{"accept":"application/json","authorization":"Bearer x","mcp-session-id":"s1"}"#;
        assert_eq!(json(&field(&calls.get(0), "headers")), expected, "{headers}");
    }
}

#[test]
async fn a_header_function_is_told_what_for() {
    let (mut transport, _) = answering(&script("return new Response()"));
    transport.headers = script("return (ctx) => { globalThis.told = ctx }");
    send(&transport).await.expect("an answer");
    let told = json(&field(&js_sys::global(), "told"));
    assert_eq!(told, r#"{"purpose":"call","method":"POST","url":"https://mcp.test/mcp"}"#);
}

#[test]
async fn what_the_hosts_functions_throw_is_the_cause() {
    let (mut transport, calls) = answering(&script("return new Response()"));
    for headers in
        ["return () => { throw new Error('no token') }", "return async () => { throw new Error('no token') }"]
    {
        transport.headers = script(headers);
        assert_eq!(message(&send(&transport).await.expect_err("it throws")), "no token");
    }
    transport.headers = script("return () => ({ 'not a name': '' })");
    assert!(send(&transport).await.is_err());
    assert_eq!(calls.length(), 0);
    let thrown = js_sys::Error::new("offline");
    let (transport, _) = answering(&thrown);
    assert!(Object::is(&send(&transport).await.expect_err("it rejects"), &thrown));
}

#[test]
async fn what_a_proxy_says_in_its_own_name_is_told_as_that() {
    let thrown = js_sys::Error::new("the proxy");
    let set = |name: &str, value: JsValue| Reflect::set(&thrown, &name.into(), &value).expect("an object");
    set("proxied", "refused not_listed".into());
    set("status", 403.into());
    let (transport, _) = answering(&thrown);
    let told = send(&transport).await.expect_err("it rejects");
    assert_eq!(told.as_string().as_deref(), Some("refused not_listed 403"));
}

#[test]
async fn what_is_given_up_at_once_is_not_sent() {
    let (transport, calls) = answering(&script("return new Response()"));
    drop(Sent::with(&transport, |_| true));
    let sent = Sent::with(&transport, |_| true);
    sent.head().await;
    assert_eq!(calls.length(), 1);
}

#[test]
async fn a_redirect_is_followed_a_few_times_within_the_origin_and_says_so() {
    for (response, said) in [
        ("return { type: 'opaqueredirect', status: 0, headers: new Headers() }", "redirected"),
        ("return new Response(null, { status: 307, headers: { location: '/mcp/' } })", "redirected"),
        (
            "return new Response(null, { status: 308, headers: { location: 'https://elsewhere.test/mcp' } })",
            "redirected elsewhere",
        ),
        ("return new Response(null, { status: 302, headers: { location: '/mcp/' } })", "redirected"),
        (
            "return { redirected: true, status: 200, headers: new Headers() }",
            "The host's fetch followed a redirect, which it was asked not to.",
        ),
    ] {
        let (transport, _) = answering(&script(response));
        assert_eq!(message(&send(&transport).await.expect_err("a redirect")), said);
    }
}

#[test]
async fn what_is_no_response_is_an_error() {
    for response in
        ["return null", "return 7", "return {}", "return { status: 200 }", "return { status: 'ok', headers: {} }"]
    {
        let (transport, _) = answering(&script(response));
        assert!(send(&transport).await.is_err(), "{response}");
    }
}

#[test]
async fn a_response_of_another_make_will_do() {
    let (transport, _) =
        answering(&script("return { status: 200, headers: new Map([['content-type', 'text/plain']]) }"));
    assert_eq!(send(&transport).await.map(|head| head.content_type), Ok(Some("text/plain".into())));
}

#[test]
async fn without_a_fetch_of_the_hosts_the_platforms_is_used() {
    let calls = Array::new();
    let platform = Platform::with(once(&Body::of([]).response(), &calls));
    let sent = send(&platform.transport("https://mcp.test/mcp")).await;
    assert_eq!((sent.map(|head| head.status), calls.length()), (Ok(200), 1));
    assert!(field(&calls.get(0), "self").unchecked_ref::<JsValue>().is_undefined());
}

/// The platform's `fetch`, replaced for a while.
struct Platform {
    own: JsValue,
    fake: Function,
}

impl Platform {
    fn with(fake: Function) -> Self {
        let own = field(&js_sys::global(), "fetch");
        Reflect::set(&js_sys::global(), &"fetch".into(), &fake).expect("fetch can be replaced");
        Self { own, fake }
    }

    fn transport(&self, url: &str) -> Transport {
        Transport { url: url.into(), fetch: None, ..transport(&self.fake) }
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        Reflect::set(&js_sys::global(), &"fetch".into(), &self.own).expect("fetch can be replaced");
    }
}

async fn reach(transport: &Transport) -> Reach {
    let slot = Rc::<Slot<Reach>>::default();
    let told = Rc::clone(&slot);
    let exchanges = Exchanges::new(transport, |_, _| false, |_| {});
    exchanges.reach(move |reach| told.put(reach));
    slot.get().await
}

#[test]
async fn the_hosts_fields_are_told_before_the_request_where_they_are_others() {
    let log = Log::default();
    let calls = Array::new();
    let transport = transport(&once(&without_body(), &calls));
    let own = Object::new();
    Reflect::set(&own, &"X-Key".into(), &"1".into()).expect("an object takes it");
    let transport = Transport { headers: own.clone().into(), ..transport };
    let (facts, asked) = (log.clone(), log.clone());
    let exchanges = Exchanges::new(
        &transport,
        move |_, input| {
            if matches!(input, Input::Fields(_)) {
                facts.push(line(&input));
            }
            true
        },
        move |fields| asked.push(format!("identified {}", fields.unwrap_or("-"))),
    );
    let send = |id| exchanges.send(ExchangeId(id), Purpose::Listen, &post(), None, false).expect("a request");
    let _first = send(1);
    sleep(5.0).await;
    let _second = send(2);
    sleep(5.0).await;
    assert_eq!(log.take(), [r#"fields [["x-key","1"]]"#]);
    exchanges.identify();
    sleep(5.0).await;
    assert_eq!(log.take(), ["identified -"]);
    Reflect::set(&own, &"X-Key".into(), &"2".into()).expect("an object takes it");
    exchanges.identify();
    sleep(5.0).await;
    assert_eq!(log.take(), [r#"identified [["x-key","2"]]"#]);
    // One that was aborted before they were known has told nothing: the next one does.
    Reflect::set(&own, &"X-Key".into(), &"3".into()).expect("an object takes it");
    drop(send(3));
    sleep(5.0).await;
    assert_eq!(log.take(), [] as [&str; 0]);
    let _fourth = send(4);
    sleep(5.0).await;
    assert_eq!(log.take(), [r#"fields [["x-key","3"]]"#]);
    let _fifth = exchanges.send(ExchangeId(5), Purpose::Listen, &post(), None, true).expect("a request");
    sleep(5.0).await;
    assert_eq!(log.take(), [r#"fields [["x-key","3"]]"#], "they are the same, and asked for");
}

#[test]
async fn a_probe_tells_silence_from_what_cors_hides_and_carries_nothing() {
    let calls = Array::new();
    let opaque = Platform::with(once(&script("return { type: 'opaque', status: 0 }"), &calls));
    let elsewhere = opaque.transport("https://mcp.test/mcp");
    assert_eq!(reach(&elsewhere).await, Reach::Answers);
    let call = calls.get(0);
    let names = ["method", "mode", "credentials", "headers", "body"];
    let said: Vec<_> = names.iter().map(|name| field(&call, name).as_string()).collect();
    assert_eq!(said, [Some("HEAD".into()), Some("no-cors".into()), Some("omit".into()), None, None]);
    assert!(field(&call, "signal").is_instance_of::<web_sys::AbortSignal>());
    let here = field(&field(&js_sys::global(), "location"), "origin").as_string().expect("a page");
    assert_eq!(reach(&opaque.transport(&here)).await, Reach::Unknown, "there is no CORS at home");
    drop(opaque);
    let silent = Platform::with(once(&js_sys::Error::new("refused"), &calls));
    assert_eq!(reach(&silent.transport("https://mcp.test/mcp")).await, Reach::Silent);
    assert_eq!(reach(&transport(&silent.fake)).await, Reach::Unknown, "a host's fetch may do anything");
}
