//! The library for Rust programs in the browser: thin over the driver.

use super::{
    authorize::Authorizer,
    driver::Driver,
    exchange::Transport,
    host::{Caller, Host, Question, Settled, Wanted},
    js,
    options::{Credentials, Error, Event, Listener, Options, Status},
    task::{self, Slot, Task},
};
use crate::protocol::{Authorized, CallId, CallOptions, Code, Outcome, Params, Payload, QuestionId};
use js_sys::{Array, Object};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, error::Category, json};
use std::{
    cell::{OnceCell, RefCell},
    rc::Rc,
};
use wasm_bindgen::JsValue;
use web_sys::{Url, Window};

/// A session that outlives its evictions. Clones are handles of the same session; dropping them ends nothing,
/// [`Session::close`] does.
///
/// ```no_run
/// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
/// let handle = session.clone();
/// drop(session);
/// // The session lives.
/// handle.list_tools(None).await?;
/// handle.close().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Session {
    driver: Driver,
}

/// Connects to the MCP server at `url`, which may be relative to the page. Dropping the future gives the session up.
///
/// ```no_run
/// use mcp_evergreen::{Error, Options, connect};
///
/// # async fn run() -> Result<(), Box<Error>> {
/// let session = connect("/mcp", Options::default()).await?;
/// println!("{:?}", session.status().protocol_version);
/// # Ok(())
/// # }
/// ```
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
        via: None,
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
    /// ```no_run
    /// use mcp_evergreen::CallOptions;
    /// use serde::Deserialize;
    /// use serde_json::{Value, json};
    ///
    /// #[derive(Deserialize)]
    /// struct Read {
    ///     contents: Vec<Value>,
    /// }
    ///
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// let options = CallOptions { timeout_ms: Some(5_000), ..CallOptions::default() };
    /// let read: Read = session.request("resources/read", json!({ "uri": "file:///otters" }), options).await?;
    /// println!("{} parts", read.contents.len());
    /// # Ok(())
    /// # }
    /// ```
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
    /// ```no_run
    /// use serde_json::json;
    ///
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// let result = session.call_tool("search", json!({ "q": "otters" })).await?;
    /// if result["isError"] == true {
    ///     println!("the tool failed: {}", result["content"][0]["text"]);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Session::request`]. A tool's own failure is no error: see `isError` in the result.
    pub async fn call_tool(&self, name: &str, arguments: impl Serialize) -> Result<Value, Box<Error>> {
        let arguments = serde_json::to_value(arguments).map_err(unserializable)?;
        self.request("tools/call", json!({ "name": name, "arguments": arguments }), CallOptions::default()).await
    }

    /// One page of the server's tools.
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// let mut cursor = None;
    /// loop {
    ///     let page = session.list_tools(cursor.as_deref()).await?;
    ///     for tool in page["tools"].as_array().into_iter().flatten() {
    ///         println!("{}", tool["name"]);
    ///     }
    ///     cursor = page["nextCursor"].as_str().map(str::to_owned);
    ///     if cursor.is_none() {
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Session::request`].
    pub async fn list_tools(&self, cursor: Option<&str>) -> Result<Value, Box<Error>> {
        let params = cursor.map(|cursor| json!({ "cursor": cursor }));
        self.request("tools/list", params, CallOptions::default()).await
    }

    /// Sends a notification.
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// session.notify("notifications/roots/list_changed", ()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the server did not accept it.
    pub async fn notify(&self, method: &str, params: impl Serialize) -> Result<(), Box<Error>> {
        let params = self::params(&params)?;
        command(&self.driver, |caller| self.driver.notify(method.into(), params, caller)).await.map(drop)
    }

    /// A snapshot of the state.
    ///
    /// ```no_run
    /// # fn show(session: mcp_evergreen::Session) {
    /// println!("{:?}", session.status().phase);
    /// # }
    /// ```
    #[must_use]
    pub fn status(&self) -> Status {
        self.driver.status()
    }

    /// Proves by a round trip that the session lives, and heals it if not.
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// // The device was taken out of a pocket.
    /// let status = session.verify().await?;
    /// println!("session {}", status.generation);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When it cannot be healed.
    pub async fn verify(&self) -> Result<Status, Box<Error>> {
        command(&self.driver, |caller| self.driver.verify(caller)).await?;
        Ok(self.status())
    }

    /// Signs the user in, whatever [`Config::ask`](crate::Config) says: to be called in a click. The host of the
    /// [`Authorizer`] may open a window in that click itself, and lead it on in its `open`.
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// let status = session.authorize().await?;
    /// println!("{:?}", status.phase);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the user has not signed in.
    pub async fn authorize(&self) -> Result<Status, Box<Error>> {
        command(&self.driver, |caller| self.driver.sign_in(caller)).await?;
        Ok(self.status())
    }

    /// Ends the session, here and on the server. What is open settles with an error.
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// session.close().await?;
    /// assert!(session.list_tools(None).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
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

    fn give_up_authorization(&self) {
        drop(self.authorizing.take());
        if let Some(driver) = self.driver.get() {
            driver.authorized(<_>::default(), Authorized::NeedsUser);
        }
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
