//! Sessions by way of a proxy of the host's.

use super::library::in_place_of;
use js_sys::{Array, Function, Object, Reflect};
use mcp_evergreen::{Code, Config, EraChoice, Options, Outcome, Proxy, connect};
use serde_json::json;
use std::cell::Cell;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test as test;

#[wasm_bindgen(module = "/tests/browser/library.js")]
extern "C" {
    #[wasm_bindgen(js_name = libraryServer)]
    fn library_server(control: &Object) -> Function;
    #[wasm_bindgen(js_name = behindProxy)]
    fn behind_proxy(control: &Object, server: &Function) -> Function;
}

fn world() -> (Object, impl Drop) {
    let control = Object::new();
    let fetch = behind_proxy(&control, &library_server(&control));
    (control, in_place_of("fetch", &fetch))
}

fn went(control: &Object) -> Vec<String> {
    let went: Array = Reflect::get(control, &"went".into()).expect("a plain object").unchecked_into();
    let lines = went.iter().filter_map(|line| line.as_string()).collect();
    went.set_length(0);
    lines
}

fn set(control: &Object, name: &str, value: impl Into<JsValue>) {
    Reflect::set(control, &name.into(), &value.into()).expect("a plain object");
}

fn by(proxy: Proxy) -> Options {
    let config = Config { era: EraChoice::Legacy, ..Config::default() };
    Options { config, proxy: Some(proxy), ..Options::default() }
}

#[test]
async fn a_server_that_hides_its_answers_is_reached_by_the_proxy_and_healed_through_it() {
    let (control, _world) = world();
    let url = "https://hidden.test/mcp";
    let asked = Cell::new(0);
    let proxy = Proxy::new("/proxy/1").headers(move || {
        asked.set(asked.get() + 1);
        let field = ("x-csrf".to_owned(), asked.get().to_string());
        async move { vec![field] }
    });
    let session = connect(url, by(proxy)).await.expect("a session");
    // The page saw nothing of it: what decides the way runs nothing, and is asked once more by the other.
    let handshake = ["direct initialize", "proxy initialize https://hidden.test/mcp 1"];
    assert_eq!(went(&control)[..2], handshake);
    let evict: Function = Reflect::get(&control, &"evict".into()).expect("a plain object").unchecked_into();
    evict.call0(&JsValue::NULL).expect("it does not throw");
    let result = session.call_tool("otters", json!({})).await.expect("healed");
    assert_eq!(result["session"], "s2");
    let went = went(&control);
    assert!(went.iter().all(|line| line.starts_with("proxy ")), "{went:?}");
    assert_eq!(went.iter().filter(|line| line.contains("initialize https")).count(), 1, "{went:?}");
    session.close().await.expect("an end");
}

#[test]
async fn a_server_that_can_be_read_is_asked_directly_unless_the_proxy_is_for_all() {
    let (control, _world) = world();
    set(&control, "isOpen", true);
    let session = connect("https://open.test/mcp", by(Proxy::new("/proxy/2"))).await.expect("a session");
    session.call_tool("otters", json!({})).await.expect("a result");
    session.close().await.expect("an end");
    let direct = went(&control);
    assert!(direct.iter().all(|line| line.starts_with("direct ")), "{direct:?}");
    let always = Proxy::new("/proxy/3").always().header("x-csrf", "of-the-page");
    let session = connect("https://open.test/mcp", by(always)).await.expect("a session");
    session.close().await.expect("an end");
    let by_proxy = went(&control);
    assert_eq!(by_proxy[0], "proxy initialize https://open.test/mcp of-the-page");
    assert!(by_proxy.iter().all(|line| line.starts_with("proxy ")), "{by_proxy:?}");
}

#[test]
async fn what_the_proxy_says_in_its_own_name_is_no_answer_of_the_servers() {
    let (control, _world) = world();
    set(&control, "says", "refused not_listed");
    let error = connect("https://hidden.test/other", by(Proxy::new("/proxy/4"))).await.err().expect("an error");
    assert_eq!((error.code, error.outcome, error.http_status), (Code::Proxy, Outcome::NotExecuted, Some(403)));
    let diagnosis = error.diagnosis.as_ref().expect("a diagnosis");
    assert_eq!(diagnosis.kind, "proxy_refused");
    assert!(error.message.contains("`targets`"), "{error}");
}

#[test]
async fn a_proxy_that_is_none_says_which_option_is_wrong() {
    for url in ["ftp://proxy.test/", "https://user:pass@proxy.test/", "http://"] {
        let error = connect("https://hidden.test/mcp", by(Proxy::new(url))).await.err().expect("an error");
        assert_eq!((error.code, error.outcome), (Code::InvalidOption, Outcome::NotExecuted), "{url}");
        assert!(error.message.starts_with("proxy.url: expected") && !error.message.contains("pass@"), "{error}");
    }
    let named = format!("{:?}", Proxy::new("/proxy").header("x-key", "secret"));
    assert!(named.contains("/proxy") && !named.contains("secret"), "{named}");
}
