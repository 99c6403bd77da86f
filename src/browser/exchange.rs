//! Exchanges with the server through `fetch`: the host's, or the platform's in a window, a worker or Node.
//!
//! `exchange.js` does the work. A JSON text never enters the module's memory: the engine decodes and parses it. The bytes
//! of event streams pass through here.

use super::{
    events::{self, Stream, Streams},
    js,
};
use crate::protocol::{
    ExchangeId, Input, Malformed, Purpose, Reach, ReadAs, Redirect, Unreached,
    http::{Head, Request},
    json::quote,
};
use js_sys::{Array, Function, Object, Reflect, Uint8Array};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};
use wasm_bindgen::prelude::*;
use web_sys::{AbortController, AbortSignal};

/// Milliseconds. A probe does not hold its connection for longer. The core does not wait for so long.
const PROBE_MS: u32 = 10_000;

type OnHead = dyn Fn(f64, u16, Option<String>, Option<String>, Option<String>, Option<String>);
type OnFact = dyn Fn(f64, usize, JsValue, f64) -> bool;
type OnIdentified = dyn Fn(Option<String>);

#[wasm_bindgen(module = "/src/browser/exchange.js")]
extern "C" {
    #[wasm_bindgen(js_name = Exchanges)]
    type JsExchanges;
    #[wasm_bindgen(constructor, js_class = "Exchanges")]
    fn new(
        url: &str,
        credentials: &str,
        headers: &JsValue,
        fetch: Option<&Function>,
        told: &Object,
        facts: &Object,
    ) -> JsExchanges;
    #[wasm_bindgen(method, catch)]
    fn send(this: &JsExchanges, id: f64, request: &str, body: Option<&str>) -> js::Thrown<JsExchange>;

    #[wasm_bindgen(method, js_name = otherSlash)]
    fn other_slash(this: &JsExchanges);
    #[wasm_bindgen(method)]
    fn identify(this: &JsExchanges);

    #[wasm_bindgen(extends = AbortController)]
    type JsExchange;
    #[wasm_bindgen(method, js_name = readJson)]
    fn read_json(this: &JsExchange, max: f64);
    #[wasm_bindgen(method, js_name = readEvents)]
    fn read_events(this: &JsExchange, max: f64);
    #[wasm_bindgen(method, js_name = readText)]
    fn read_text(this: &JsExchange, max: f64);
    #[wasm_bindgen(method)]
    fn discard(this: &JsExchange);

    /// Runs a function in a microtask.
    pub(super) fn soon(run: &JsValue);

    #[wasm_bindgen(catch)]
    async fn ask(
        fetch: Option<&Function>,
        url: &str,
        request: &str,
        body: Option<&str>,
        ms: u32,
        max: f64,
        signal: &AbortSignal,
    ) -> js::Thrown<JsValue>;
}

#[wasm_bindgen(module = "/src/browser/reach.js")]
extern "C" {
    fn reach(url: &str, own: bool, ms: u32, told: &JsValue);
}

/// How requests reach the server.
pub struct Transport {
    /// The MCP endpoint, absolute.
    pub url: String,
    /// The host's `fetch`; the platform's where there is none.
    pub fetch: Option<Function>,
    /// The host's header fields: `undefined`, an object, or a function that is called for each request,
    /// `(ctx: {purpose, method, url}) => object | Promise<object>`.
    pub headers: JsValue,
    /// `omit`, `same-origin` or `include`.
    pub credentials: String,
    /// Where `fetch` sends them in place of `url`, if it goes through a proxy.
    pub via: Option<String>,
    /// Goes along, to the MCP endpoint and nowhere else.
    pub token: RefCell<Option<String>>,
}

impl Transport {
    /// What connections are made to.
    pub(super) fn address(&self) -> &str {
        self.via.as_deref().unwrap_or(&self.url)
    }

    pub(super) fn token(&self) -> Option<String> {
        self.token.borrow().clone()
    }

    pub(super) fn set_token(&self, token: Option<String>) {
        self.token.replace(token);
    }
}

/// Hears of an exchange what the core wants to know, and says whether there is to be more of it.
pub(super) type Tell = dyn Fn(ExchangeId, Input<JsValue>) -> bool;

/// All exchanges of a session.
pub struct Exchanges {
    js: JsExchanges,
    /// The address, and whether the host has a `fetch` of its own.
    to: (String, bool),
    streams: Rc<Streams>,
    /// What JavaScript calls.
    _ears: (Closure<OnHead>, Closure<OnFact>, Closure<OnIdentified>),
}

impl Exchanges {
    /// Nothing is told of an exchange before `send` has returned, nor after [`Exchange`] was dropped, [`Input::End`] or
    /// [`Input::Failed`].
    pub fn new(
        transport: &Transport,
        tell: impl Fn(ExchangeId, Input<JsValue>) -> bool + 'static,
        tell_fields: impl Fn(Option<&str>) + 'static,
    ) -> Self {
        let tell = Rc::new(tell);
        let streams = Rc::<Streams>::default();
        let tell_head = Rc::clone(&tell);
        let onhead = move |id, status, content_type, session_id, retry_after, www_authenticate| {
            let head = Head { status, content_type, session_id, retry_after, www_authenticate };
            tell_head(exchange(id), Input::Head(head));
        };
        let head: Closure<OnHead> = Closure::new(onhead);
        let identified: Closure<OnIdentified> =
            Closure::new(move |fields: Option<String>| tell_fields(fields.as_deref()));
        let heard = Rc::clone(&streams);
        let fact: Closure<OnFact> = Closure::new(move |id, at: usize, value, bytes: f64| {
            let id = exchange(id);
            let Some((_, fact)) = FACTS.get(at) else { return false };
            match fact(value, bytes as u64) {
                Fact::Input(input) => tell(id, input),
                Fact::Last(input) => tell(id, input) && tell(id, Input::End),
                Fact::Chunk(chunk) => events::hear(&heard, id, &chunk, &*tell),
                Fact::Paused => events::look(&heard, id, &*tell),
            }
        });
        let told = object([("head", head.as_ref()), ("fact", fact.as_ref()), ("identified", identified.as_ref())]);
        let Transport { url, fetch, headers, credentials, .. } = transport;
        let js = PLACES.with(|places| JsExchanges::new(url, credentials, headers, fetch.as_ref(), &told, places));
        let to = (url.clone(), fetch.is_some());
        Self { js, to, streams, _ears: (head, fact, identified) }
    }

    /// Tells later which header fields the host would add to a call: a JSON text of names and values, or nothing where
    /// they are those that were told last, or cannot be had.
    pub fn identify(&self) {
        self.js.identify();
    }

    /// Tells later whether anything answers at the endpoint: a request whose answer need not be readable tells a server
    /// that is down from one whose answers CORS hides.
    pub fn reach(&self, tell: impl FnOnce(Reach) + 'static) {
        let told = Closure::once_into_js(move |found: JsValue| {
            tell(match found.as_string().as_deref() {
                Some("answers") => Reach::Answers,
                Some("silent") => Reach::Silent,
                Some("offline") => Reach::Offline,
                Some("mixed") => Reach::Mixed,
                Some("local") => Reach::Local,
                _ => Reach::Unknown,
            });
        });
        let (url, own) = &self.to;
        reach(url, *own, PROBE_MS, &told);
    }

    /// From now on the address ends with a slash where it did not, and the other way round.
    pub fn other_slash(&self) {
        self.js.other_slash();
    }

    /// Sends a request with the token and the host's own fields; `identify`: these are told before, whatever they are.
    ///
    /// # Errors
    /// What the platform threw: nothing was sent, and nothing will be told.
    pub fn send(
        &self,
        id: ExchangeId,
        purpose: Purpose,
        request: &Request,
        token: Option<&str>,
        identify: bool,
    ) -> js::Thrown<Exchange> {
        let mut fields: Vec<_> = request.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let bearer = token.map(|token| ["Bearer ", token].concat());
        fields.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        let text = request_text(purpose.as_str(), request.method.as_str(), &fields, identify);
        // Ids count up from one: a double holds them all.
        let js = self.js.send(id.0 as f64, &text, request.body.as_deref())?;
        Ok(Exchange { id, js, streams: Rc::clone(&self.streams), over: Cell::new(false) })
    }
}

/// An exchange under way: aborted on drop, unless it is over.
pub struct Exchange {
    id: ExchangeId,
    js: JsExchange,
    streams: Rc<Streams>,
    /// Its body was read to the end.
    pub over: Cell<bool>,
}

impl Exchange {
    /// Reads the body of the answer whose head was told.
    pub fn read(&self, how: ReadAs) {
        if let ReadAs::Json { max } | ReadAs::Events { max } = how {
            self.streams.put(self.id, RefCell::new(Stream::new(max)));
        }
        match how {
            ReadAs::Json { max } => self.js.read_json(max as f64),
            ReadAs::Events { max } => self.js.read_events(max as f64),
            ReadAs::Text { max } => self.js.read_text(max as f64),
            ReadAs::Discard => self.js.discard(),
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.streams.take(self.id);
        if !self.over.get() {
            self.js.abort();
        }
    }
}

/// `[status, text]` of what answers one request within `ms`; of the text the first `max` bytes. No cookies go along. A
/// status of 0: something answers, and CORS hides it from the page.
///
/// # Errors
/// What was thrown, by the platform or by the host's `fetch`.
pub(super) async fn answer(
    fetch: Option<&Function>,
    url: &str,
    (method, headers, body): (&str, &[(&str, &str)], Option<&str>),
    (ms, max): (u32, u64),
    signal: &AbortSignal,
) -> js::Thrown<(u16, String)> {
    let text = request_text("", method, headers, false);
    let answer: Array = ask(fetch, url, &text, body, ms, max as f64, signal).await?.unchecked_into();
    Ok((answer.get(0).as_f64().unwrap_or_default() as u16, answer.get(1).as_string().unwrap_or_default()))
}

/// One text: to JavaScript it goes sooner than each field of it.
fn request_text(purpose: &str, method: &str, headers: &[(&str, &str)], identify: bool) -> String {
    let headers: Vec<_> = headers.iter().map(|(name, value)| [&*quote(name), ":", &*quote(value)].concat()).collect();
    let headers = headers.join(",");
    let identify = if identify { r#"","identify":true,"headers":{"# } else { r#"","headers":{"# };
    [r#"{"purpose":""#, purpose, r#"","method":""#, method, identify, &headers, "}}"].concat()
}

fn exchange(id: f64) -> ExchangeId {
    ExchangeId(id as u64)
}

/// A new object of our own takes any field.
fn object<'a>(fields: impl IntoIterator<Item = (&'a str, &'a JsValue)>) -> Object {
    let object = Object::new();
    fields.into_iter().for_each(|(name, value)| drop(Reflect::set(&object, &name.into(), value)));
    object
}

enum Fact {
    Input(Input<JsValue>),
    /// What a whole body says.
    Last(Input<JsValue>),
    Chunk(Uint8Array),
    Paused,
}

/// What a fact of JavaScript's is here: of a value, and of a number that is mostly one of bytes.
type ToFact = fn(JsValue, u64) -> Fact;

thread_local! {
    /// Where a fact stands in [`FACTS`], by its name: one object for all sessions.
    static PLACES: Object = {
        let places: Vec<_> = FACTS.iter().enumerate().map(|(at, (name, _))| (*name, JsValue::from(at))).collect();
        object(places.iter().map(|(name, at)| (*name, at)))
    };
}

/// By the names that `exchange.js` has for them. Each session has one function for all of them.
const FACTS: [(&str, ToFact); 17] = [
    ("message", |value, _| Fact::Last(Input::Message(value))),
    ("text", |value, _| Fact::Last(Input::Text(value.as_string().unwrap_or_default()))),
    ("chunk", |value, _| Fact::Chunk(value.unchecked_into())),
    ("paused", |_, _| Fact::Paused),
    ("noJson", |_, bytes| Fact::Last(Input::Malformed(Malformed::Json { bytes }))),
    ("noUtf8", |_, _| Fact::Last(Input::Malformed(Malformed::Utf8))),
    ("tooLarge", |_, limit| Fact::Last(Input::Malformed(Malformed::TooLarge { limit }))),
    ("fields", |value, _| Fact::Input(Input::Fields(value.as_string().unwrap_or_default()))),
    ("following", |_, status| Fact::Input(Input::Following { status: status as u16 })),
    ("followed", |_, _| Fact::Input(Input::Followed)),
    ("redirected", |elsewhere, status| {
        let status = u16::try_from(status).ok().filter(|status| *status > 0);
        Fact::Input(Input::Redirected(Redirect { elsewhere: elsewhere.is_truthy(), status }))
    }),
    ("unsent", |cause, _| Fact::Input(Input::Unsent { cause: Some(cause) })),
    ("unproven", |cause, _| Fact::Input(Input::Unproven { cause: Some(cause) })),
    ("outdated", |_, _| Fact::Input(Input::Outdated)),
    ("proxied", |said, status| {
        let said = said.as_string().unwrap_or_default();
        Fact::Input(Input::Proxied { said, status: status as u16 })
    }),
    ("failed", |cause, told| {
        let cause = Some(cause);
        let why = match told & 7 {
            0 => return Fact::Input(Input::Failed { cause }),
            1 => Unreached::Refused,
            2 => Unreached::NoSuchName,
            3 => Unreached::NotTrusted,
            _ => Unreached::Unknown,
        };
        Fact::Input(Input::Unreached { why, unsent: told & 8 != 0, cause })
    }),
    ("end", |_, _| Fact::Input(Input::End)),
];
