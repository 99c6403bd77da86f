//! The library for Rust programs in the browser: thin over the driver.

mod asking;
#[cfg(feature = "extras")]
mod auth;
mod call;
mod command;
mod environment;
mod feed;
mod handlers;
mod items;
mod kept;
#[cfg(feature = "manager")]
mod managed;
#[cfg(feature = "manager")]
mod manager;
mod notification;
mod pages;
mod program;
#[cfg(feature = "extras")]
mod proxy;
mod questions;
#[cfg(feature = "extras")]
mod sign_in;
mod tasks;

#[cfg(feature = "extras")]
pub use auth::{Auth, complete_authorization};
pub use call::{Progress, Request};
pub use command::read;
pub use feed::{Events, Notifications};
pub use handlers::{Handlers, Question, Refusal};
pub use items::{Listed, Page, Prompt, Resource, ResourceTemplate, Tool};
pub use kept::{Store, WebStorage};
#[cfg(feature = "manager")]
pub use managed::{ManagedTool, ManagedTools};
#[cfg(feature = "manager")]
pub use manager::SessionManager;
pub use notification::Notification;
pub use pages::Pages;
#[cfg(feature = "extras")]
pub use proxy::Proxy;
pub use questions::{ElicitationAnswer, ElicitationRequest, Root, SamplingAnswer, SamplingRequest};
pub use tasks::PendingTask;

use super::{
    driver::Driver,
    host::Host,
    options::{Error, Options, Status},
};
use crate::protocol::{CallOptions, config::Handshake};
use command::{Abandoned, absolute, command, invalid};
use environment::{Environment, Warner};
use kept::Keeper;
use program::{Program, storage_failed};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::rc::Rc;

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
    program: Rc<Program>,
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
/// When the URL is not http(s), an option is wrong, the server cannot be reached, or it refuses.
pub async fn connect(url: &str, options: Options) -> Result<Session, Box<Error>> {
    let url = absolute(url)?;
    let warner = Warner::default();
    let environment = Environment::of(&options, url.clone(), &warner)?;
    let Options { mut config, handlers, identity, persist, share, on_event, .. } = options;
    if persist.is_some() && share.is_some() {
        let text = "`share` cannot go with `persist`: a shared session lives as long as one of its tabs. Choose one.";
        return Err(invalid(text.into()));
    }
    config.authorizes = environment.authorizer.is_some();
    config.handshake = declared(config.handshake, &handlers)?;
    (config.persists, config.identified) = (persist.is_some(), identity.is_some());
    let keeper = persist.map(|store| Keeper::new(store, &url, identity.as_deref(), config.binding()));
    let kept = keeper.as_ref().and_then(Keeper::claim);
    config.known_legacy |= keeper.as_ref().is_some_and(Keeper::knows_legacy);
    let group = share.map(|key| config.group(&key, &url, identity.as_deref()));
    let mut program = Program::new(url);
    (program.on_event, program.handlers, program.keeper) = (on_event, handlers, keeper);
    let transport = program.live_in(environment);
    let program = Rc::new(program);
    warner.of(&program);
    let driver = Driver::open(transport, config, group, Rc::clone(&program) as Rc<dyn Host>);
    program.drive(&driver);
    let guard = Abandoned(Some(driver.clone()));
    if let Some(kept) = kept {
        program.tasks.find_in_store(kept.tasks);
        if !driver.take_up(&kept.session) {
            program.tasks.find_in_store(Vec::new());
        }
    }
    command(&driver, |caller| driver.connect(caller)).await?;
    guard.keep();
    Ok(Session { driver, program })
}

/// What the client says of itself, with what its handlers promise.
fn declared(handshake: Handshake, handlers: &Handlers) -> Result<Handshake, Box<Error>> {
    let Handshake::Own { client_info, capabilities } = handshake else { return Ok(handshake) };
    let capabilities = serde_json::from_str(&capabilities)
        .map_err(|error| invalid(format!("The capabilities are no JSON object: {error}.")))?;
    let capabilities = Value::Object(handlers.declare(capabilities).map_err(invalid)?).to_string();
    Ok(Handshake::Own { client_info, capabilities })
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
        self.prepare(method, params).options(options).send().await
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
        self.prepare_tool(name, arguments).send().await
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
        let params = command::params(&params)?;
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

    /// Makes a new session, even if this one seems well: what it held is put back, and what waits goes on under it.
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// let status = session.reconnect().await?;
    /// println!("session {}", status.generation);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When none can be made.
    pub async fn reconnect(&self) -> Result<Status, Box<Error>> {
        command(&self.driver, |caller| self.driver.reconnect(caller)).await?;
        Ok(self.status())
    }

    /// Everything that happens from now on.
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) {
    /// let mut events = session.events();
    /// while let Some(event) = events.next().await {
    ///     println!("{event:?}");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn events(&self) -> Events {
        Events(self.program.events.open())
    }

    /// What the server says unasked from now on; while somebody holds it, the server's own stream is open.
    ///
    /// ```no_run
    /// use mcp_evergreen::Notification;
    ///
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// let mut notifications = session.notifications();
    /// session.subscribe_resource("file:///otters").await?;
    /// while let Some(notification) = notifications.next().await {
    ///     if let Notification::ResourceUpdated { uri, .. } = notification {
    ///         println!("{}", session.read_resource(&uri).await?["contents"]);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn notifications(&self) -> Notifications {
        Notifications::of(&self.program)
    }

    /// Signs the user in, whatever [`Config::ask`](crate::Config) says: to be called in a click. The window of an
    /// `Auth::popup` opens when this is polled first, and is led on when the servers have answered; the host of an
    /// [`Authorizer`](crate::Authorizer) may open one in that click itself.
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
        #[cfg(feature = "extras")]
        let _prepared = self.program.sign_in.as_ref().and_then(sign_in::SignIn::prepare);
        command(&self.driver, |caller| self.driver.sign_in(caller)).await?;
        Ok(self.status())
    }

    /// Where the user signs in, for a link (`target="_blank"`) beside the button that calls [`Session::authorize`]: while
    /// [`Status::waiting_for`](crate::Status) is `sign-in` and the address is known. It comes with a change of the state.
    ///
    /// ```no_run
    /// # fn show(session: &mcp_evergreen::Session, href: &mut String) {
    /// // Of the page's link: empty, it is not shown.
    /// *href = session.sign_in_url().unwrap_or_default();
    /// # }
    /// ```
    #[cfg(feature = "extras")]
    #[must_use]
    pub fn sign_in_url(&self) -> Option<String> {
        self.program.sign_in.as_ref()?.url(&self.status())
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

    /// Ends the session here, and leaves it on the server, which forgets it in its own time: for a session that another takes
    /// up. What is open settles with an error.
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// session.leave().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Session::close`].
    pub async fn leave(&self) -> Result<(), Box<Error>> {
        command(&self.driver, |caller| self.driver.close(false, caller)).await.map(drop)
    }

    /// Ends the session, here and on the server; then forgets the user's tokens, here and at the authorization server (RFC
    /// 7009). Without `auth` or an [`Authorizer`](crate::Authorizer) it is [`Session::close`].
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// session.sign_out().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Code::Auth`](crate::Code) with what the storage of the tokens threw.
    pub async fn sign_out(&self) -> Result<(), Box<Error>> {
        // What ends the session on the server still needs the token.
        self.close().await?;
        if self.program.authorizer.is_some() {
            self.program.sign_out().await.map_err(storage_failed)?;
            self.driver.signed_out();
        }
        Ok(())
    }

    /// How many sessions this one has had.
    fn generation(&self) -> u32 {
        self.status().generation
    }
}
