//! The user's login, as a Rust program has it ready-made.

use super::{
    fakes::sleep,
    library::{Place, in_place_of},
};
use js_sys::{Array, Function, Object, Reflect};
use mcp_evergreen::{
    Ask, Auth, AuthSettings, Authorizer, Code, Config, EraChoice, Options, Outcome, Session, WebStorage, connect,
};
use serde_json::json;
use std::{cell::Cell, future::Future, rc::Rc};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use wasm_bindgen_test::wasm_bindgen_test as test;

#[wasm_bindgen(module = "/tests/browser/library.js")]
extern "C" {
    #[wasm_bindgen(js_name = libraryServer)]
    fn library_server(control: &Object) -> Function;
}

#[wasm_bindgen(module = "/tests/browser/sign_in.js")]
extern "C" {
    #[wasm_bindgen(js_name = guardedServer)]
    fn guarded_server(control: &Object, guarded: &Function) -> Function;
}

/// An authorization server, a server behind it, and a user with windows.
struct World {
    control: Object,
    _places: [Place; 2],
}

impl World {
    fn new() -> Self {
        let control = Object::new();
        let fetch = guarded_server(&control, &library_server(&Object::new()));
        let open: Function = Reflect::get(&control, &"open".into()).expect("a plain object").unchecked_into();
        let places = [in_place_of("fetch", &fetch), in_place_of("open", &open)];
        Self { control, _places: places }
    }

    fn get(&self, name: &str) -> JsValue {
        Reflect::get(&self.control, &name.into()).expect("a plain object")
    }

    fn set(&self, name: &str, value: impl Into<JsValue>) {
        Reflect::set(&self.control, &name.into(), &value.into()).expect("a plain object");
    }

    /// What was asked of the authorization server since the last look.
    fn log(&self) -> Vec<String> {
        let log: Array = self.get("log").unchecked_into();
        let lines = log.iter().filter_map(|line| line.as_string()).collect();
        log.set_length(0);
        lines
    }

    fn call(&self, name: &str) {
        self.get(name).unchecked_into::<Function>().call0(&JsValue::NULL).expect("it does not throw");
    }
}

/// What comes of it, once it has.
fn in_background<F: Future<Output = bool> + 'static>(
    session: &Session,
    run: impl FnOnce(Session) -> F,
) -> Rc<Cell<Option<bool>>> {
    let slot = Rc::<Cell<_>>::default();
    let (told, running) = (Rc::clone(&slot), run(session.clone()));
    spawn_local(async move { told.set(Some(running.await)) });
    slot
}

async fn until(is: impl Fn() -> bool) {
    for _ in 0..500 {
        if is() {
            return;
        }
        sleep(10.0).await;
    }
    panic!("it never came to that");
}

fn guarded(auth: Auth, ask: Ask) -> Options {
    let config = Config { era: EraChoice::Legacy, ask, ..Config::default() };
    Options { config, auth: Some(auth), ..Options::default() }
}

fn resource() -> String {
    let global = js_sys::global();
    let location = Reflect::get(&global, &"location".into()).expect("a page");
    let origin = Reflect::get(&location, &"origin".into()).expect("a page").as_string().expect("an origin");
    format!("authorize the-page {origin}/guarded")
}

#[test]
async fn the_user_signs_in_in_a_window_and_a_token_that_is_refused_is_mended() {
    let world = World::new();
    let auth = Auth::popup("/callback.html").client_metadata(&json!({ "client_name": "Otters" }));
    let session = connect("/guarded", guarded(auth.clone(), Ask::Auto)).await.expect("a session");
    assert_eq!(world.log(), ["register Otters", &*resource(), "token code-1"]);
    session.call_tool("otters", json!({})).await.expect("a result");
    world.call("expire");
    // Who signs in anew may be somebody else: the session is not theirs.
    let result = session.call_tool("otters", json!({})).await.expect("mended");
    assert_eq!(result["session"], "s2");
    assert_eq!(world.log(), [&*resource(), "token code-2"]);
    // The same is another session's: its user is asked for nothing.
    let other = connect("/guarded", guarded(auth, Ask::Auto)).await.expect("a session");
    assert_eq!(world.log(), [""; 0]);
    other.close().await.expect("an end");
    session.sign_out().await.expect("signed out");
    assert_eq!(world.log(), ["revoke token-2"]);
}

#[test]
async fn a_session_whose_token_is_refused_waits_for_the_click_that_calls_authorize() {
    let world = World::new();
    // Signed in by one that asks at once, with the storage of the tab.
    let auth = Auth::popup("/callback.html").storage(WebStorage::session());
    connect("/guarded", guarded(auth.clone(), Ask::Auto)).await.expect("a session").leave().await.expect("an end");
    world.log();
    let session = connect("/guarded", guarded(auth, Ask::Click)).await.expect("a session, without a question");
    assert_eq!(world.log(), [""; 0]);
    world.call("expire");
    world.set("holds", true);
    let called = in_background(&session, |session| async move { session.call_tool("otters", json!({})).await.is_ok() });
    until(|| session.status().waiting_for.is_some_and(|waiting| waiting.why == "sign-in")).await;
    assert_eq!((session.sign_in_url(), world.log()), (None, vec![]));
    assert_eq!(world.get("opened").as_f64(), Some(1.0), "no window but that of the first login");
    let clicked = in_background(&session, |session| async move { session.authorize().await.is_ok() });
    until(|| session.sign_in_url().is_some_and(|url| url.starts_with("https://login.test/authorize?"))).await;
    assert_eq!((called.get(), clicked.get()), (None, None));
    world.call("agree");
    until(|| called.get().is_some() && clicked.get().is_some()).await;
    assert_eq!((called.get(), clicked.get(), session.sign_in_url()), (Some(true), Some(true), None));
    assert_eq!(world.log().last().map(String::as_str), Some("token code-2"));
    session.sign_out().await.expect("signed out");
    assert_eq!(world.log(), ["revoke token-2"]);
}

#[test]
async fn a_window_that_the_browser_blocks_is_an_error_that_says_what_to_do() {
    let world = World::new();
    world.set("blocks", true);
    let error = connect("/guarded", guarded(Auth::popup("/callback.html"), Ask::Auto)).await.err().expect("an error");
    assert_eq!(error.code, Code::Auth);
    assert_eq!(error.diagnosis.as_ref().map(|diagnosis| diagnosis.kind), Some("popup_blocked"));
}

#[test]
async fn what_cannot_be_is_said_before_anything_is_sent() {
    let world = World::new();
    let elsewhere = Auth::popup("https://elsewhere.test/callback.html");
    let error = connect("/guarded", guarded(elsewhere, Ask::Auto)).await.err().expect("an error");
    assert_eq!((error.code, error.outcome), (Code::InvalidOption, Outcome::NotExecuted));
    assert!(error.message.starts_with("redirectUrl: expected"), "{error}");
    let settings = AuthSettings {
        endpoint: "/guarded".into(),
        redirect_url: "/callback.html".into(),
        client_id: None,
        resource: None,
        client_secret: None,
        client_is_renewable: false,
        issuer: None,
        bound: None,
        client_metadata: None,
        unattended: false,
        names_resource: false,
        trust: None,
    };
    let authorizer = Some(Rc::new(Authorizer::new(settings, JsValue::NULL)));
    let options = Options { authorizer, ..guarded(Auth::popup("/callback.html"), Ask::Auto) };
    let error = connect("/guarded", options).await.err().expect("an error");
    assert!(error.message.contains("`authorizer`"), "{error}");
    assert_eq!(world.log(), [""; 0]);
    assert!(!mcp_evergreen::complete_authorization(), "nobody has come back to this page");
}
