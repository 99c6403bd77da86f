//! Whole sessions through the driver and the library, against a server that is a function.

use super::fakes::{Log, Scribe, json, server, sleep, transport};
use js_sys::{Array, Function, Object, Reflect};
use mcp_evergreen::{
    CallOptions, Code, Config, Options,
    browser::{
        driver::Driver,
        host::{Caller, Host},
    },
    protocol::{CallId, Params, config::EraChoice, status::Phase},
};
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test as test;

fn legacy() -> Config {
    Config { era: EraChoice::Legacy, ..Config::default() }
}

struct Bench {
    driver: Driver,
    host: Rc<Scribe>,
    /// What the server saw.
    wire: Array,
    control: Object,
    settled: Log,
}

impl Bench {
    fn new() -> Self {
        let (wire, control, host) = (Array::new(), Object::new(), Rc::<Scribe>::default());
        let fetch = server(&wire, &control);
        let driver = Driver::open(transport(&fetch), legacy(), None, Rc::clone(&host) as Rc<dyn Host>);
        Self { driver, host, wire, control, settled: Log::default() }
    }

    async fn connected() -> Self {
        let bench = Self::new();
        bench.driver.connect(caller(&bench.settled, "connect"));
        bench.settled.wait("connect ok").await;
        assert_eq!(bench.wire(), ["initialize→200", "notifications/initialized→202"]);
        bench.settled.take();
        bench.host.log.take();
        bench
    }

    fn call(&self, name: &str) -> CallId {
        call(&self.driver, &self.settled, name)
    }

    fn next(&self, answer: &str) {
        Reflect::set(&self.control, &"next".into(), &answer.into()).expect("a plain object");
    }

    fn evict(&self) {
        let evict: Function = Reflect::get(&self.control, &"evict".into()).expect("it").unchecked_into();
        evict.call0(&JsValue::NULL).expect("nothing to go wrong");
    }

    fn wire(&self) -> Vec<String> {
        let lines = self.wire.iter().filter_map(|line| line.as_string()).collect();
        self.wire.set_length(0);
        lines
    }
}

fn caller(log: &Log, name: &str) -> Caller {
    let (settled, progress) = ((log.clone(), name.to_owned()), (log.clone(), name.to_owned()));
    Caller {
        settle: Box::new(move |result| {
            let (log, name) = settled;
            log.push(match result {
                Ok(value) => format!("{name} ok {}", json(&value)),
                Err(error) => format!("{name} {} {}", error.code.as_str(), error.outcome.as_str()),
            });
        }),
        progress: Some(Rc::new(move |_| progress.0.push(format!("{} progress", progress.1)))),
    }
}

fn call(driver: &Driver, log: &Log, name: &str) -> CallId {
    let params = Params { text: Some(format!(r#"{{"name":"{name}"}}"#)), name: Some(name.into()), ..Params::default() };
    let options = CallOptions { progress: true, ..CallOptions::default() };
    driver.call("tools/call".into(), params, options, caller(log, name))
}

/// For calls that want nothing of the protocol but an answer.
fn plain(driver: &Driver, log: &Log, name: &str) -> CallId {
    let params = Params { text: Some("{}".into()), ..Params::default() };
    driver.call(name.into(), params, CallOptions::default(), caller(log, name))
}

#[test]
async fn an_evicted_session_heals_under_a_call() {
    let bench = Bench::connected().await;
    plain(&bench.driver, &bench.settled, "first");
    bench.settled.wait("first ok").await;
    assert_eq!(bench.wire(), ["first→200"]);
    bench.evict();
    plain(&bench.driver, &bench.settled, "second");
    bench.settled.wait("second ok").await;
    let healed = ["second→404", "initialize→200", "notifications/initialized→202", "second→200"];
    assert_eq!(bench.wire(), healed);
    assert_eq!(bench.settled.take()[1], r#"second ok {"session":"s2","got":{}}"#);
    assert_eq!(bench.host.log.take(), ["lost", "recovering", "ready", "recovered"]);
    assert_eq!(bench.driver.status().generation, 2);
}

#[test]
async fn calls_in_flight_share_one_handshake() {
    let bench = Bench::connected().await;
    bench.evict();
    for n in 0..10 {
        plain(&bench.driver, &bench.settled, &format!("call{n}"));
    }
    for n in 0..10 {
        bench.settled.wait(&format!("call{n} ok")).await;
    }
    let wire = bench.wire();
    assert_eq!(wire.iter().filter(|line| line.starts_with("initialize")).count(), 1, "{wire:?}");
    assert_eq!(wire.iter().filter(|line| line.starts_with("call")).count(), 20, "{wire:?}");
}

#[test]
async fn a_streamed_answer_brings_progress_and_notifications_first() {
    let bench = Bench::connected().await;
    bench.next("stream");
    bench.call("slow");
    bench.settled.wait("slow ok").await;
    assert_eq!(bench.settled.take(), ["slow progress", r#"slow ok {"session":"s1"}"#]);
    assert_eq!(bench.host.log.take(), ["notifications/message"]);
}

#[test]
async fn a_redirected_call_may_have_run() {
    let bench = Bench::connected().await;
    bench.next("redirect");
    bench.call("moved");
    bench.settled.wait("moved http unknown").await;
}

#[test]
async fn nothing_comes_of_a_command_before_its_method_returns() {
    let bench = Bench::connected().await;
    bench.driver.close(false, caller(&bench.settled, "close"));
    bench.call("late");
    assert!(bench.settled.take().is_empty() && bench.host.log.take().is_empty());
    bench.settled.wait("late closed not_executed").await;
}

#[test]
async fn a_cancelled_call_is_aborted_and_never_settles() {
    let bench = Bench::connected().await;
    bench.next("silence");
    let call = bench.call("slow");
    sleep(20.0).await;
    assert_eq!(bench.wire(), ["tools/call→…"]);
    bench.driver.cancel(call);
    sleep(20.0).await;
    let wire = bench.wire();
    assert!(wire.contains(&"tools/call aborted".into()), "{wire:?}");
    assert!(wire.contains(&"notifications/cancelled→202".into()), "{wire:?}");
    assert!(bench.settled.take().is_empty());
    bench.driver.close(false, caller(&bench.settled, "close"));
    bench.settled.wait("close ok").await;
    assert_eq!(Rc::strong_count(&bench.host), 1, "the host is let go");
}

#[test]
async fn callbacks_may_command_the_driver() {
    let bench = Bench::connected().await;
    let (driver, log) = (bench.driver.clone(), bench.settled.clone());
    let settle = Box::new(move |_| {
        plain(&driver, &log, "inner");
        assert_eq!(driver.status().phase, Phase::Ready);
    });
    let params = Params { text: Some("{}".into()), ..Params::default() };
    bench.driver.call("outer".into(), params, CallOptions::default(), Caller { settle, progress: None });
    bench.settled.wait("inner ok").await;
    let (driver, log) = (bench.driver.clone(), bench.settled.clone());
    bench.host.then.replace(Some(Box::new(move || {
        let call = plain(&driver, &log, "cancelled");
        driver.cancel(call);
        plain(&driver, &log, "kept");
    })));
    bench.driver.reconnect(caller(&bench.settled, "reconnect"));
    bench.settled.wait("kept ok").await;
    bench.settled.wait("reconnect ok").await;
    assert!(!bench.settled.take().iter().any(|line| line.starts_with("cancelled")));
}

#[test]
async fn close_says_goodbye_and_lets_go_of_everything() {
    let bench = Bench::connected().await;
    bench.next("silence");
    bench.call("open");
    sleep(10.0).await;
    bench.driver.close(true, caller(&bench.settled, "close"));
    bench.settled.wait("close ok").await;
    assert_eq!(bench.settled.take(), ["open closed unknown", "close ok {}"]);
    assert_eq!(bench.wire(), ["tools/call→…", "tools/call aborted", "DELETE→200"]);
    assert_eq!(Rc::strong_count(&bench.host), 1, "the host is let go");
    bench.call("late");
    bench.settled.wait("late closed not_executed").await;
}

#[test]
async fn dropping_the_handle_ends_nothing() {
    let Bench { driver, host, wire, control: _control, settled } = Bench::connected().await;
    plain(&driver, &settled, "call");
    drop(driver);
    settled.wait("call ok").await;
    assert_eq!((json(&wire), Rc::strong_count(&host)), (r#"["call→200"]"#.into(), 2));
}

#[test]
async fn the_library_connects_calls_and_cancels() {
    let (wire, control) = (Array::new(), Object::new());
    let global = js_sys::global();
    let own = Reflect::get(&global, &"fetch".into()).expect("fetch");
    Reflect::set(&global, &"fetch".into(), &server(&wire, &control)).expect("fetch can be replaced");
    let session = mcp_evergreen::connect("/mcp", Options::default()).await.expect("a session");
    let result = session.call_tool("echo", serde_json::json!({ "text": "x" })).await.expect("a result");
    assert_eq!(result["got"]["arguments"]["text"], "x");
    let read = session.request::<u32>("tools/list", (), CallOptions::default()).await;
    assert_eq!(read.map_err(|error| error.code), Err(Code::Protocol));
    Reflect::set(&control, &"next".into(), &"silence".into()).expect("a plain object");
    let mut call = Box::pin(session.list_tools(None));
    std::future::poll_fn(|context| {
        assert!(call.as_mut().poll(context).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    sleep(20.0).await;
    drop(call);
    sleep(20.0).await;
    let lines = json(&wire);
    assert!(lines.contains("tools/list aborted") && lines.contains("notifications/cancelled→202"), "{lines}");
    session.close().await.expect("a goodbye");
    Reflect::set(&global, &"fetch".into(), &own).expect("fetch can be replaced");
    let wire: Vec<_> = wire.iter().filter_map(|line| line.as_string()).collect();
    assert_eq!(wire.last().map(String::as_str), Some("DELETE→200"));
    assert_eq!(session.status().phase, Phase::Closed);
}

#[test]
async fn the_library_refuses_other_urls() {
    let error = mcp_evergreen::connect("ftp://host/", Options::default()).await.err().expect("an error");
    assert_eq!((error.code, error.to_string().contains("http")), (Code::InvalidOption, true));
}
