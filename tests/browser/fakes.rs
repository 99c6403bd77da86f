//! What the tests stand on: JavaScript's half, and a log of what was told.

use js_sys::{Array, Function, Object, Promise, Uint8Array};
use mcp_evergreen::{
    browser::{
        exchange::{Exchange, Exchanges, Transport},
        host::{Host, Question, Wanted},
        task::Slot,
    },
    protocol::{
        CallId, Event, ExchangeId, Input, Malformed, Purpose, QuestionId, ReadAs, Status,
        http::{Method, Request},
        status::WireStep,
    },
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(module = "/tests/browser/fakes.js")]
extern "C" {
    #[wasm_bindgen(js_name = sleep)]
    fn sleep_promise(ms: f64) -> Promise;
    pub fn never() -> Promise;
    pub fn nested(depth: u32) -> String;
    pub fn bytes(text: &str) -> Uint8Array;
    #[wasm_bindgen(js_name = response)]
    fn response_of(chunks: &Array, end: &JsValue, seen: &Array, init: &JsValue) -> JsValue;
    pub fn foreign(text: &str) -> JsValue;
    #[wasm_bindgen(js_name = withoutBody)]
    pub fn without_body() -> JsValue;
    pub fn late(response: &JsValue, ms: f64) -> Function;
    pub fn once(response: &JsValue, calls: &Array) -> Function;
    pub fn server(log: &Array, control: &Object) -> Function;
}

pub async fn sleep(ms: f64) {
    JsFuture::from(sleep_promise(ms)).await.expect("a timer");
}

/// Lines, in the order in which things happened.
#[derive(Clone, Default)]
pub struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub fn push(&self, line: impl Into<String>) {
        self.0.borrow_mut().push(line.into());
    }

    /// What was logged since the last look.
    pub fn take(&self) -> Vec<String> {
        self.0.take()
    }

    /// Waits for a line that begins so, for at most ten seconds.
    pub async fn wait(&self, line: &str) {
        for _ in 0..1_000 {
            if self.0.borrow().iter().any(|logged| logged.starts_with(line)) {
                return;
            }
            sleep(10.0).await;
        }
        panic!("{line} never came, but {:?}", self.take());
    }
}

/// One line for one fact.
pub fn line(input: &Input<JsValue>) -> String {
    match input {
        Input::Fields(fields) => format!("fields {fields}"),
        Input::Head(head) => format!("head {}", head.status),
        Input::Message(value) => format!("message {}", json(value)),
        Input::Event { id, retry_ms, message } => {
            let message = message.as_ref().map_or("-".into(), json);
            let id = id.as_ref().map(|id| format!(" id={id}")).unwrap_or_default();
            let retry = retry_ms.map(|ms| format!(" retry={ms}")).unwrap_or_default();
            format!("event {message}{id}{retry}")
        }
        Input::Unfinished(value) => format!("unfinished {}", json(value)),
        Input::Text(text) => format!("text {text}"),
        Input::Malformed(Malformed::Event { begins }) => format!("no JSON: {begins}"),
        Input::Malformed(Malformed::Json { bytes }) => format!("no JSON in {bytes}"),
        Input::Malformed(Malformed::Utf8) => "no UTF-8".into(),
        Input::Malformed(Malformed::TooLarge { limit }) => format!("more than {limit}"),
        Input::Redirected(redirect) => if redirect.elsewhere { "redirected elsewhere" } else { "redirected" }.into(),
        Input::Following { status } => format!("following {status}"),
        Input::Followed => "followed".into(),
        Input::Unsent { cause } => format!("unsent: {}", message(cause.as_ref().expect("a cause"))),
        Input::Unproven { cause } => format!("unproven: {}", message(cause.as_ref().expect("a cause"))),
        Input::Outdated => "outdated".into(),
        Input::Proxied { said, status } => format!("proxied: {said} {status}"),
        Input::End => "end".into(),
        Input::Failed { cause } => format!("failed: {}", message(cause.as_ref().expect("a cause"))),
        Input::Unreached { why, unsent, .. } => format!("unreached: {why:?}, unsent: {unsent}"),
    }
}

pub fn json(value: &JsValue) -> String {
    js_sys::JSON::stringify(value).map_or("too deep".into(), String::from)
}

pub fn message(error: &JsValue) -> String {
    error.dyn_ref::<js_sys::Error>().expect("an Error").message().into()
}

/// A body in the making.
pub struct Body {
    chunks: Array,
    end: JsValue,
    pub seen: Array,
}

impl Body {
    pub fn of<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self { chunks: chunks.into_iter().map(Uint8Array::from).collect(), end: "close".into(), seen: Array::new() }
    }

    pub fn chunks(chunks: Array) -> Self {
        Self { chunks, end: "close".into(), seen: Array::new() }
    }

    /// It breaks off with this, or stays `open`.
    pub fn then(mut self, end: impl Into<JsValue>) -> Self {
        self.end = end.into();
        self
    }

    pub fn response(&self) -> JsValue {
        response_of(&self.chunks, &self.end, &self.seen, &Object::new())
    }

    pub fn was_cancelled(&self) -> bool {
        self.seen.length() > 0
    }
}

pub fn transport(fetch: &Function) -> Transport {
    Transport {
        url: "https://mcp.test/mcp".into(),
        fetch: Some(fetch.clone()),
        headers: JsValue::UNDEFINED,
        credentials: "omit".into(),
        via: None,
        token: RefCell::default(),
    }
}

pub fn post() -> Request {
    Request {
        method: Method::Post,
        headers: vec![("accept".into(), "application/json".into()), ("mcp-session-id".into(), "s1".into())],
        body: Some("{}".into()),
        rpc_method: Some("tools/call".into()),
    }
}

/// One exchange, and what is told of it.
pub struct Sent {
    exchange: Exchange,
    first: Rc<Slot<Input<JsValue>>>,
    last: Rc<Slot<()>>,
    all: Exchanges,
}

impl Sent {
    /// `tell` hears all but what is told first of the answer, which `head` gives; and says whether there is to be more.
    pub fn with(transport: &Transport, tell: impl Fn(Input<JsValue>) -> bool + 'static) -> Self {
        let (first, last) = (Rc::<Slot<_>>::default(), Rc::<Slot<()>>::default());
        let (begun, ended) = (Cell::new(Some(Rc::clone(&first))), Rc::clone(&last));
        let hear = move |_, input| {
            if matches!(input, Input::Fields(_) | Input::Following { .. }) {
                return true;
            }
            if let Some(begun) = begun.take() {
                begun.put(input);
                return true;
            }
            let is_last = matches!(input, Input::End | Input::Failed { .. } | Input::Unreached { .. });
            let more = tell(input);
            if is_last || !more {
                ended.put(());
            }
            more
        };
        let all = Exchanges::new(transport, hear, |_| {});
        let token = transport.token.borrow();
        let exchange =
            all.send(ExchangeId(1), Purpose::Call(CallId(1)), &post(), token.as_deref(), false).expect("a request");
        Self { exchange, first, last, all }
    }

    pub async fn head(&self) -> Input<JsValue> {
        self.first.get().await
    }

    pub fn read(&self, how: ReadAs) {
        self.exchange.read(how);
    }

    /// Gives the exchange up, with others still to come.
    pub fn give_up(self) -> Exchanges {
        self.all
    }

    /// Until it is over.
    pub async fn end(&self) {
        self.last.get().await;
        self.exchange.over.set(true);
        // What is not wanted of the body is given back then.
        sleep(0.0).await;
    }
}

/// A host that writes down what it is told.
#[derive(Default)]
pub struct Scribe {
    pub log: Log,
    /// Done at the next change of state.
    pub then: RefCell<Option<Box<dyn FnOnce()>>>,
}

impl Host for Scribe {
    fn status_changed(&self, status: Status<JsValue>) {
        self.log.push(status.phase.as_str());
        let then = self.then.take();
        if let Some(then) = then {
            then();
        }
    }

    fn event(&self, event: Event<JsValue>) {
        match event {
            Event::Wire(wire) => {
                if let WireStep::Aborted { .. } = wire.step {
                    self.log.push("aborted");
                }
            }
            Event::StateChange => self.log.push("never"),
            Event::Recovering { .. } => self.log.push("lost"),
            Event::Recovered { .. } => self.log.push("recovered"),
            Event::Notification { method, .. } => self.log.push(method),
            Event::EraLearned { .. } => {}
            Event::EventId { event_id, .. } => self.log.push(event_id),
            Event::Task { .. } => self.log.push("task"),
            Event::Stale { .. } => self.log.push("stale"),
            Event::ListChanged { list, .. } => self.log.push(list),
            Event::ResourceStale { uri } => self.log.push(uri),
            Event::ForClient { method, .. } => self.log.push(method),
            Event::InvalidTool { name, .. } => self.log.push(name),
            Event::Warning { kind, .. } => self.log.push(kind),
            Event::Keep { .. } => self.log.push("keep"),
            Event::TakenUp => self.log.push("taken up"),
            Event::Reclaim => self.log.push("reclaim"),
            Event::Close { .. } => self.log.push("close"),
        }
    }

    fn ask(&self, question: Question) {
        self.log.push(question.method);
    }

    fn withdraw(&self, _: QuestionId) {
        self.log.push("withdrawn");
    }

    fn authorize(&self, _: Wanted) {}
    fn give_up_authorization(&self) {}
}
