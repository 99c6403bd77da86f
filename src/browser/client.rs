//! The library for Rust programs in the browser: thin over the driver.

use super::{
    authorize::Authorizer,
    driver::Driver,
    exchange::Transport,
    host::{Caller, Host, Question, Settled, Wanted},
    js,
    task::{self, Slot, Task},
};
use crate::protocol::{self, CallId, CallOptions, Code, Config, Outcome, Params, Payload, QuestionId};
use js_sys::{Array, Object};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, error::Category, json};
use std::{
    cell::{OnceCell, RefCell},
    fmt,
    rc::Rc,
};
use wasm_bindgen::JsValue;
use web_sys::{Url, Window};

/// Why a command failed.
pub type Error = protocol::Error<JsValue>;
/// A snapshot of a session.
pub type Status = protocol::Status<JsValue>;
/// What happens to a session.
pub type Event = protocol::Event<JsValue>;
/// Hears what happens.
pub type Listener = Rc<dyn Fn(&Event)>;

/// What a session may be told.
#[derive(Clone, Default)]
pub struct Options {
    /// The handshake, time-outs, recovery and bounds.
    pub config: Config,
    /// Header fields of the host's, such as `authorization`. They go to the MCP endpoint only.
    pub headers: Vec<(String, String)>,
    /// Whether cookies go along. Default: no.
    pub credentials: Credentials,
    /// Gets tokens where the server wants them. Default: the caller gets the 401.
    pub authorizer: Option<Rc<Authorizer>>,
    /// Tabs of one origin that name the same key, and connect to the same URL as the same client, share one session and
    /// one listening stream. Default: a session of its own.
    pub share: Option<String>,
    /// Hears everything that happens, from the first moment on.
    pub on_event: Option<Listener>,
}

/// Fetch's `credentials`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Credentials {
    /// Never.
    #[default]
    Omit,
    /// To the page's own origin.
    SameOrigin,
    /// Always. The server must then name the page's origin in its CORS headers.
    Include,
}

/// A session that outlives its evictions. Clones are handles of the same session; dropping them ends nothing,
/// [`Session::close`] does.
#[derive(Clone)]
pub struct Session {
    driver: Driver,
}

/// Connects to the MCP server at `url`, which may be relative to the page. Dropping the future gives the session up.
///
/// # Errors
/// When the URL is not http(s), the server cannot be reached, or it refuses.
pub async fn connect(url: &str, options: Options) -> Result<Session, Box<Error>> {
    let Options { mut config, headers, credentials, authorizer, share, on_event } = options;
    config.authorizes = authorizer.is_some();
    let transport = Transport {
        url: absolute(url)?,
        fetch: None,
        headers: Object::from_entries(&pairs(&headers)).unwrap_or_default().into(),
        credentials: match credentials {
            Credentials::Omit => "omit",
            Credentials::SameOrigin => "same-origin",
            Credentials::Include => "include",
        }
        .into(),
        token: RefCell::default(),
    };
    // Tabs that differ in one of these do not meet.
    let alike = |key| json!([key, transport.url, format!("{:?} {:?}", config.handshake, config.era)]).to_string();
    let group = share.map(alike);
    let program = Rc::new(Program { on_event, authorizer, driver: OnceCell::new(), authorizing: RefCell::default() });
    let driver = Driver::open(transport, config, group, Rc::clone(&program) as Rc<dyn Host>);
    // Let go of when the session has closed.
    let _ = program.driver.set(driver.clone());
    let guard = Abandoned(Some(driver.clone()));
    command(&driver, |caller| driver.connect(caller)).await?;
    guard.keep();
    Ok(Session { driver })
}

impl Session {
    /// Sends a request, and reads its result. Dropping the future cancels the request.
    ///
    /// # Errors
    /// See [`Error`]: its `outcome` says whether the server ran it.
    pub async fn request<T: DeserializeOwned>(
        &self,
        method: &str,
        params: impl Serialize,
        options: CallOptions,
    ) -> Result<T, Box<Error>> {
        let params = self::params(&params)?;
        let result = command(&self.driver, |caller| self.driver.call(method.into(), params, options, caller)).await?;
        read(&result).map_err(|why| {
            let message = format!("The result of {method} cannot be read as what was asked for: {why}.");
            Box::new(Error::new(Code::Protocol, Outcome::Executed, message))
        })
    }

    /// Calls a tool.
    ///
    /// # Errors
    /// As [`Session::request`]. A tool's own failure is no error: see `isError` in the result.
    pub async fn call_tool(&self, name: &str, arguments: impl Serialize) -> Result<Value, Box<Error>> {
        let arguments = serde_json::to_value(arguments).map_err(unserializable)?;
        self.request("tools/call", json!({ "name": name, "arguments": arguments }), CallOptions::default()).await
    }

    /// One page of the server's tools.
    ///
    /// # Errors
    /// As [`Session::request`].
    pub async fn list_tools(&self, cursor: Option<&str>) -> Result<Value, Box<Error>> {
        let params = cursor.map(|cursor| json!({ "cursor": cursor }));
        self.request("tools/list", params, CallOptions::default()).await
    }

    /// Sends a notification.
    ///
    /// # Errors
    /// When the server did not accept it.
    pub async fn notify(&self, method: &str, params: impl Serialize) -> Result<(), Box<Error>> {
        let params = self::params(&params)?;
        command(&self.driver, |caller| self.driver.notify(method.into(), params, caller)).await.map(drop)
    }

    /// A snapshot of the state.
    #[must_use]
    pub fn status(&self) -> Status {
        self.driver.status()
    }

    /// Proves by a round trip that the session lives, and heals it if not.
    ///
    /// # Errors
    /// When it cannot be healed.
    pub async fn verify(&self) -> Result<Status, Box<Error>> {
        command(&self.driver, |caller| self.driver.verify(caller)).await?;
        Ok(self.status())
    }

    /// Ends the session, here and on the server. What is open settles with an error.
    ///
    /// # Errors
    /// None that matters: the session is closed in any case.
    pub async fn close(&self) -> Result<(), Box<Error>> {
        command(&self.driver, |caller| self.driver.close(true, caller)).await.map(drop)
    }
}

/// Waits for a command; cancels it where nobody waits any more.
async fn command(driver: &Driver, start: impl FnOnce(Caller) -> CallId) -> Settled {
    struct Cancel<'a>(&'a Driver, Option<CallId>);
    impl Drop for Cancel<'_> {
        fn drop(&mut self) {
            if let Some(call) = self.1.take() {
                self.0.cancel(call);
            }
        }
    }
    let slot = Rc::<Slot<Settled>>::default();
    let settled = Rc::clone(&slot);
    let caller = Caller { settle: Box::new(move |result| settled.put(result)), progress: None };
    let mut guard = Cancel(driver, Some(start(caller)));
    let result = slot.get().await;
    guard.1 = None;
    result
}

/// Closes a session that never came to be.
struct Abandoned(Option<Driver>);

impl Abandoned {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        if let Some(driver) = self.0.take() {
            driver.close(true, Caller { settle: Box::new(drop), progress: None });
        }
    }
}

/// The host of a Rust program.
struct Program {
    on_event: Option<Listener>,
    authorizer: Option<Rc<Authorizer>>,
    driver: OnceCell<Driver>,
    /// Ends with the session.
    authorizing: RefCell<Option<Task>>,
}

impl Host for Program {
    fn status_changed(&self, _: Status) {
        self.event(Event::StateChange);
    }

    fn event(&self, event: Event) {
        if let Event::Close { .. } = event {
            drop(self.authorizing.take());
        }
        if let Some(on_event) = &self.on_event {
            on_event(&event);
        }
    }

    // No method is ever set as handled: the core answers the server by itself.
    fn ask(&self, _: Question) {}
    fn withdraw(&self, _: QuestionId) {}

    fn authorize(&self, wanted: Wanted) {
        let (Some(authorizer), Some(driver)) = (self.authorizer.clone(), self.driver.get().cloned()) else { return };
        let task = task::spawn(async move {
            let asking = driver.clone();
            let obtained = authorizer.authorize(wanted, move || asking.user_asked()).await;
            let (token, authorized) = obtained.into_fact();
            driver.authorized(token, authorized);
        });
        let before = self.authorizing.replace(Some(task));
        drop(before);
    }
}

/// A typed copy. Its depth is bounded: where the value is too deep, the engine throws or serde_json refuses.
///
/// # Errors
/// Says what does not fit, without quoting the value.
#[doc(hidden)]
pub fn read<T: DeserializeOwned>(value: &JsValue) -> Result<T, &'static str> {
    let text = value.to_json().ok_or("it has no JSON text, or too long or too deep a one")?;
    // A serde_json error may quote the value it choked on: only its kind is passed on.
    serde_json::from_str(&text).map_err(|error| match error.classify() {
        Category::Data => "it has another shape",
        Category::Io | Category::Syntax | Category::Eof => "it is nested too deeply",
    })
}

fn pairs(fields: &[(String, String)]) -> Array {
    fields.iter().map(|(name, value)| Array::of2(&name.into(), &value.into())).collect()
}

fn params(params: &impl Serialize) -> Result<Params, Box<Error>> {
    match serde_json::to_value(params).map_err(unserializable)? {
        Value::Null => Ok(Params::default()),
        params @ Value::Object(_) => {
            Params::read(&params.to_string()).ok_or_else(|| invalid("The params are nested too deeply.".into()))
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(invalid("The params of a request must be an object.".into()))
        }
    }
}

fn absolute(url: &str) -> Result<String, Box<Error>> {
    let page = js::global(Window::location);
    // Node has no location: it is `undefined`, which has no `href`.
    let parsed = page.href().map_or_else(|_| Url::new(url), |base| Url::new_with_base(url, &base));
    match parsed {
        Ok(url) if matches!(url.protocol().as_str(), "http:" | "https:") => Ok(url.href()),
        Ok(_) | Err(_) => Err(invalid("The URL of an MCP server begins with http:// or https://.".into())),
    }
}

fn unserializable(error: serde_json::Error) -> Box<Error> {
    invalid(format!("The params cannot be written as JSON: {error}."))
}

fn invalid(message: String) -> Box<Error> {
    Box::new(Error::new(Code::InvalidOption, Outcome::NotExecuted, message))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
