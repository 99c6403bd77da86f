//! The library as Rust programs use it, against a server that is a function.

use super::fakes::{Log, sleep};
use js_sys::{Array, Function, Object, Reflect};
use mcp_evergreen::{
    CallOptions, Code, Config, ElicitationAnswer, EraChoice, Event, Handlers, Handshake, Notification, Options,
    Outcome, Progress, Refusal, Resource, Root, SamplingAnswer, Session, Store, Tool, connect,
};
use serde_json::{Value, json};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use wasm_bindgen_test::wasm_bindgen_test as test;

#[wasm_bindgen(module = "/tests/browser/library.js")]
extern "C" {
    #[wasm_bindgen(js_name = libraryServer)]
    fn library_server(control: &Object) -> Function;
}

/// A server in the place of the page's `fetch`, until it is dropped.
struct Server {
    control: Object,
    _place: Place,
}

/// A function in the place of one of the page's, until it is dropped.
pub struct Place(&'static str, JsValue);

pub fn in_place_of(name: &'static str, function: &Function) -> Place {
    let global = js_sys::global();
    let own = Reflect::get(&global, &name.into()).expect("a function");
    Reflect::set(&global, &name.into(), function).expect("it can be replaced");
    Place(name, own)
}

impl Drop for Place {
    fn drop(&mut self) {
        Reflect::set(&js_sys::global(), &self.0.into(), &self.1).expect("it can be replaced");
    }
}

impl Server {
    fn start() -> Self {
        let control = Object::new();
        let place = in_place_of("fetch", &library_server(&control));
        Self { control, _place: place }
    }

    fn property(&self, name: &str) -> JsValue {
        Reflect::get(&self.control, &name.into()).expect("a plain object")
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let lines: Array = self.property(name).unchecked_into();
        lines.iter().filter_map(|line| line.as_string()).collect()
    }

    fn call(&self, name: &str, argument: &JsValue) -> JsValue {
        self.property(name).unchecked_into::<Function>().call1(&JsValue::NULL, argument).expect("it does not throw")
    }

    fn evict(&self) {
        self.call("evict", &JsValue::UNDEFINED);
    }

    fn say(&self, message: &Value) {
        self.call("say", &js_sys::JSON::parse(&message.to_string()).expect("JSON"));
    }

    async fn listens(&self, listens: bool) {
        for _ in 0..500 {
            if self.call("listens", &JsValue::UNDEFINED).as_bool() == Some(listens) {
                return;
            }
            sleep(10.0).await;
        }
        panic!("the standing stream is not so: {:?}", self.lines("log"));
    }

    async fn session(&self, handlers: Handlers) -> Session {
        let config = Config { era: EraChoice::Legacy, ..Config::default() };
        connect("/mcp", Options { config, handlers, ..Options::default() }).await.expect("a session")
    }
}

fn asked(method: &str, params: &Value) -> Value {
    json!({ "method": method, "params": params })
}

#[test]
async fn a_handler_answers_and_its_capability_is_declared() {
    let server = Server::start();
    let handlers = Handlers::new()
        .on_elicitation(|request| async move {
            let (method, tool) = request.question.call.expect("on the stream of a call");
            assert_eq!((&*method, tool.as_deref()), ("tools/call", Some("ask")));
            assert_eq!((&*request.question.server, request.question.generation), ("library", 1));
            Ok(ElicitationAnswer::Accept(json!({ "name": request.message })))
        })
        .on_sampling(|request| async move {
            match request.max_tokens {
                0..=100 => Ok(SamplingAnswer::text("model", "yes")),
                _ => Err(Refusal::rejected()),
            }
        })
        .on_roots(|_| async { Ok(vec![Root::new("file:///otters")]) });
    let session = server.session(handlers).await;
    assert_eq!(server.lines("sent"), [r#"{"elicitation":{},"roots":{},"sampling":{}}"#]);
    let schema = json!({ "type": "object", "properties": { "name": {}, "town": { "default": "Bergen" } } });
    let question = asked("elicitation/create", &json!({ "message": "Who?", "requestedSchema": schema }));
    let result = session.call_tool("ask", question).await.expect("an answer");
    assert_eq!(result["answered"], json!({ "action": "accept", "content": { "name": "Who?", "town": "Bergen" } }));
    let sample = |most: u32| asked("sampling/createMessage", &json!({ "messages": [], "maxTokens": most }));
    let result = session.call_tool("ask", sample(100)).await.expect("an answer");
    assert_eq!(result["answered"]["content"]["text"], "yes");
    let result = session.call_tool("ask", sample(101)).await.expect("an answer");
    assert_eq!(result["answered"], json!({ "code": -1, "message": "User rejected the request" }));
    let result = session.call_tool("ask", asked("roots/list", &Value::Null)).await.expect("an answer");
    assert_eq!(result["answered"], json!({ "roots": [{ "uri": "file:///otters" }] }));
    let result = session.call_tool("ask", asked("sampling/createMessage", &json!({}))).await.expect("an answer");
    assert_eq!(result["answered"]["code"], -32602);
    session.close().await.expect("an end");
}

#[test]
async fn a_question_that_is_taken_back_drops_its_answer() {
    struct Dialog(Rc<Cell<bool>>);
    impl Drop for Dialog {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let server = Server::start();
    let is_down = Rc::new(Cell::new(false));
    let told = Rc::clone(&is_down);
    let handlers = Handlers::new().on_elicitation(move |_| {
        let dialog = Dialog(Rc::clone(&told));
        async move {
            let _dialog = dialog;
            std::future::pending().await
        }
    });
    let session = server.session(handlers).await;
    let mut question = asked("elicitation/create", &json!({ "message": "?", "requestedSchema": {} }));
    question["withdraw"] = true.into();
    let result = session.call_tool("ask", question).await.expect("an answer");
    assert_eq!((&result["answered"], is_down.get()), (&"withdrawn".into(), true));
    session.close().await.expect("an end");
}

#[test]
async fn a_capability_without_a_handler_is_an_error() {
    let handshake =
        Handshake::Own { client_info: r#"{"name":"a","version":"1"}"#.into(), capabilities: r#"{"roots":{}}"#.into() };
    let config = Config { handshake, ..Config::default() };
    let error = connect("/mcp", Options { config, ..Options::default() }).await.err().expect("an error");
    assert_eq!(
        (error.code, error.outcome, error.message.contains("roots")),
        (Code::InvalidOption, Outcome::NotExecuted, true)
    );
}

#[test]
async fn lists_are_typed_and_go_on_over_all_pages() {
    let server = Server::start();
    let session = server.session(Handlers::new()).await;
    let events = Log::default();
    let (log, mut heard) = (events.clone(), session.events());
    spawn_local(async move {
        while let Some(event) = heard.next().await {
            if let Event::Warning { kind, .. } = event {
                log.push(kind);
            }
        }
        log.push("over");
    });
    let page = session.list_tools(None).await.expect("a page");
    assert_eq!((page.items[0].name.as_str(), page.items.len(), page.next_cursor.as_deref()), ("a", 1, Some("s1-2")));
    assert_eq!(page.items[0].more["icons"], json!([]));
    let tools = session.tools().all().await.expect("all");
    assert_eq!(tools.iter().map(Tool::display_name).collect::<Vec<_>>(), ["a", "Bee"]);
    let resources: Vec<Resource> = session.resources().all().await.expect("all");
    assert_eq!((resources.len(), &resources[0].more["size"]), (1, &json!(3)));
    assert_eq!(
        (session.instructions().as_deref(), &session.server_info()["name"]),
        (Some("Be kind."), &json!("library"))
    );
    assert_eq!(session.capabilities()["resources"], json!({ "subscribe": true }));
    session.close().await.expect("an end");
    events.wait("over").await;
    assert_eq!(events.take(), ["invalid_item", "invalid_item", "invalid_item", "over"]);
}

#[test]
async fn a_list_whose_session_is_evicted_between_two_pages_is_told_once() {
    let server = Server::start();
    let session = server.session(Handlers::new()).await;
    let mut tools = session.tools();
    assert_eq!(tools.next().await.expect("one").expect("a tool").name, "a");
    server.evict();
    assert_eq!(tools.next().await.expect("another").expect("a tool").name, "b");
    assert!(tools.next().await.is_none());
    assert_eq!(session.status().generation, 2);
    session.close().await.expect("an end");
}

#[test]
async fn what_the_server_says_unasked_is_heard_while_somebody_listens() {
    let server = Server::start();
    let session = server.session(Handlers::new()).await;
    sleep(50.0).await;
    assert!(!server.lines("log").contains(&"GET→stream".into()), "nobody listens");
    let mut notifications = session.notifications();
    server.listens(true).await;
    server.say(&json!({ "method": "notifications/message", "params": { "level": "info", "data": { "a": 1 } } }));
    server
        .say(&json!({ "method": "notifications/elicitation/complete", "params": { "elicitationId": "of nobody's" } }));
    server.say(&json!({ "method": "notifications/tools/list_changed" }));
    server.say(&json!({ "method": "notifications/x", "params": { "b": 2 } }));
    let log = Notification::Log { level: "info".into(), logger: None, data: json!({ "a": 1 }) };
    let other = Notification::Other { method: "notifications/x".into(), params: json!({ "b": 2 }) };
    for expected in [log, Notification::ToolsChanged(None), other] {
        assert_eq!(notifications.next().await, Some(expected));
    }
    drop(notifications);
    server.listens(false).await;
    session.close().await.expect("an end");
    assert_eq!(session.notifications().next().await, None);
}

#[test]
async fn a_subscription_outlives_its_session() {
    let server = Server::start();
    let session = server.session(Handlers::new()).await;
    let mut notifications = session.notifications();
    session.subscribe_resource("file:///a").await.expect("subscribed");
    server.listens(true).await;
    server.say(&json!({ "method": "notifications/resources/updated", "params": { "uri": "file:///a" } }));
    let updated = |stale| Some(Notification::ResourceUpdated { uri: "file:///a".into(), stale });
    assert_eq!(notifications.next().await, updated(false));
    server.evict();
    session.call_tool("echo", json!({})).await.expect("healed");
    assert_eq!(notifications.next().await, updated(true));
    let log = server.lines("log");
    assert_eq!(log.iter().filter(|line| *line == "resources/subscribe→200").count(), 2, "{log:?}");
    assert_eq!(server.lines("ran"), ["echo"]);
    session.unsubscribe_resource("file:///a").await.expect("unsubscribed");
    session.close().await.expect("an end");
}

#[test]
async fn progress_is_heard_and_a_session_is_made_anew_on_demand() {
    let server = Server::start();
    let session = server.session(Handlers::new()).await;
    let steps = Log::default();
    let log = steps.clone();
    let hear = move |Progress { progress, total, .. }: Progress| log.push(format!("{progress} of {total:?}"));
    let options = CallOptions { timeout_ms: Some(5_000), ..CallOptions::default() };
    let call = session.prepare_tool("steps", json!({})).options(options).on_progress(hear);
    let result: Value = call.send().await.expect("a result");
    assert_eq!(
        (result["content"].clone(), steps.take()),
        (json!([]), vec!["1 of Some(2.0)".to_owned(), "2 of Some(2.0)".to_owned()])
    );
    let status = session.reconnect().await.expect("another session");
    assert_eq!(
        (status.generation, session.call_tool("echo", ()).await.expect("a result")["session"].as_str()),
        (2, Some("s2"))
    );
    session.sign_out().await.expect("an end");
    let error = session.ping().await.expect_err("closed");
    assert_eq!((error.code, error.outcome), (Code::Closed, Outcome::NotExecuted));
}

#[test]
async fn what_a_program_is_told_names_no_session() {
    let server = Server::start();
    let log = Log::default();
    let heard = log.clone();
    let config = Config { era: EraChoice::Legacy, persists: true, ..Config::default() };
    let on_event = Rc::new(move |event: &Event| heard.push(format!("{event:?}")));
    let session =
        connect("/mcp", Options { config, on_event: Some(on_event), ..Options::default() }).await.expect("one");
    session.close().await.expect("an end");
    assert!(!log.take().iter().any(|line| line.contains("s1")), "the id of the session");
    drop(server);
}

/// A store whose contents outlive what is kept in it.
#[derive(Clone, Default)]
struct Shelf(Rc<RefCell<BTreeMap<String, String>>>);

impl Store for Shelf {
    fn get(&self, key: &str) -> Option<String> {
        self.0.borrow().get(key).cloned()
    }
    fn set(&self, key: &str, value: &str) {
        self.0.borrow_mut().insert(key.into(), value.into());
    }
    fn remove(&self, key: &str) {
        self.0.borrow_mut().remove(key);
    }
}

impl Shelf {
    fn record(&self) -> Option<String> {
        let all = self.0.borrow();
        all.iter().find(|(key, _)| key.starts_with("mcp-evergreen:session:")).map(|(_, record)| record.clone())
    }

    async fn session(&self, identity: &str) -> Session {
        let config = Config { era: EraChoice::Legacy, ..Config::default() };
        let (persist, identity) = (Some(Rc::new(self.clone()) as Rc<dyn Store>), Some(identity.into()));
        connect("/mcp", Options { config, persist, identity, ..Options::default() }).await.expect("a session")
    }
}

/// As the page is told that it ends.
fn leave() {
    let event = web_sys::PageTransitionEvent::new("pagehide").expect("an event");
    web_sys::window().expect("a page").dispatch_event(&event).expect("heard");
}

#[test]
async fn a_session_outlives_its_page_where_it_is_kept() {
    let (server, shelf) = (Server::start(), Shelf::default());
    let first = shelf.session("ada").await;
    first.call_tool("echo", json!({})).await.expect("a result");
    assert_eq!(shelf.record(), None, "it lives");
    leave();
    let record = shelf.record().expect("kept");
    assert!(record.contains("s1") && record.contains(r#""tasks":[]"#), "{record}");
    first.leave().await.expect("an end");
    let sent = server.lines("log").len();
    // Of somebody else it takes up nothing.
    let other = shelf.session("bob").await;
    other.close().await.expect("an end");
    assert!(server.lines("log")[sent..].contains(&"initialize→200".into()));
    shelf.0.borrow_mut().retain(|key, _| key.contains("ada"));
    server.call("live", &"s1".into());
    let sent = server.lines("log").len();
    let second = shelf.session("ada").await;
    assert_eq!(second.call_tool("echo", json!({})).await.expect("a result")["session"], "s1");
    assert_eq!(server.lines("log")[sent..], ["tools/call→200"], "no handshake");
    assert_eq!((shelf.record(), second.pending_tasks()), (None, vec![]));
    second.close().await.expect("an end");
    // A duplicated tab has a copy of the record: it makes a session of its own.
    let key = format!(r#"mcp-evergreen:session:["{}/mcp","ada"]"#, web_sys::window().expect("a page").origin());
    shelf.set(&key, &record);
    let sent = server.lines("log").len();
    let third = shelf.session("ada").await;
    assert_eq!(server.lines("log")[sent], "initialize→200");
    third.close().await.expect("an end");
}

#[test]
async fn a_kept_session_is_not_shared() {
    let shelf: Rc<dyn Store> = Rc::new(Shelf::default());
    let options = Options { persist: Some(shelf), share: Some("chat".into()), ..Options::default() };
    let error = connect("/mcp", options).await.err().expect("an error");
    assert_eq!((error.code, error.outcome), (Code::InvalidOption, Outcome::NotExecuted));
}
