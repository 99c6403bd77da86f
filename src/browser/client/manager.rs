//! Many sessions, each by the name that the program gave its server, and their tools as one list.

use super::{
    Session,
    command::invalid,
    connect,
    managed::{ManagedTool, ManagedTools, Server},
};
use crate::browser::{
    options::{Error, Options},
    task::Slot,
};
use crate::protocol::{
    Code, Outcome,
    status::Phase,
    tool_names::{SERVER_IN_WORDS, can_be_of, is_server_name},
};
use serde::Serialize;
use serde_json::Value;
use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    rc::Rc,
    task::Poll,
};

/// Characters of a name that an error tells.
const MOST_TOLD: usize = 64;

/// Sessions with many servers for one agent loop: opened and closed by name, and their tools as one list under names that the
/// APIs of models take. Clones are handles of the same manager; dropping them ends nothing, [`SessionManager::close_all`] does.
///
/// ```no_run
/// use mcp_evergreen::{Options, SessionManager};
/// use serde_json::json;
///
/// # async fn run() -> Result<(), Box<mcp_evergreen::Error>> {
/// let manager = SessionManager::new();
/// manager.open("files", "https://files.example/mcp", Options::default()).await?;
/// manager.open("mail", "https://mail.example/mcp", Options::default()).await?;
/// for tool in manager.tools().await.tools {
///     println!("{}: {:?}", tool.name, tool.tool.description);
/// }
/// let result = manager.call_tool("files__search", json!({ "q": "otters" })).await?;
/// manager.close_all().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct SessionManager(Rc<RefCell<Vec<Rc<Server>>>>);

/// A server that still connects: nobody's any more where the caller gives up.
struct Opening<'a> {
    manager: &'a SessionManager,
    server: Rc<Server>,
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        if self.server.session.get().is_none() {
            self.manager.0.borrow_mut().retain(|server| !Rc::ptr_eq(server, &self.server));
        }
    }
}

impl SessionManager {
    /// Of no server yet.
    ///
    /// ```no_run
    /// use mcp_evergreen::SessionManager;
    ///
    /// let manager = SessionManager::new();
    /// assert!(manager.names().is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Connects to a server as [`connect`] does, and calls it `name`: 1 to 63 of the characters `A-Z a-z 0-9 _ . -` that begin
    /// with a letter or digit, do not end with `_` and hold no `__`. The name is taken at once, until the server is closed or
    /// could not be opened. Dropping the future gives the session and the name up.
    ///
    /// ```no_run
    /// use mcp_evergreen::{Options, SessionManager};
    ///
    /// # async fn run(manager: SessionManager) -> Result<(), Box<mcp_evergreen::Error>> {
    /// let session = manager.open("files", "https://files.example/mcp", Options::default()).await?;
    /// println!("{:?}", session.server_info());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`connect`]; [`Code::InvalidOption`] where the name is none, or in use; [`Code::Closed`] where it was closed meanwhile.
    pub async fn open(&self, name: &str, url: &str, options: Options) -> Result<Session, Box<Error>> {
        if !is_server_name(name) {
            return Err(invalid(format!("The name of a server is {SERVER_IN_WORDS}.")));
        }
        if self.servers().iter().any(|server| server.name == name) {
            let text = format!(
                "A server is open, or being opened, by the name \"{name}\": close it first, or take another name."
            );
            return Err(invalid(text));
        }
        let server = Rc::new(Server::named(name));
        self.0.borrow_mut().push(Rc::clone(&server));
        let opening = Opening { manager: self, server };
        let session = unless_stopped(&opening.server.stop, connect(url, options)).await?;
        let _ = opening.server.session.set(session.clone());
        Ok(session)
    }

    /// The session with the server of this name, where it is open.
    ///
    /// ```no_run
    /// use serde_json::{Value, json};
    ///
    /// # async fn run(manager: mcp_evergreen::SessionManager) -> Result<(), Box<mcp_evergreen::Error>> {
    /// if let Some(session) = manager.session("files") {
    ///     // All that a call by the manager cannot say.
    ///     let call = session.prepare_tool("index", json!({}));
    ///     let result: Value = call.on_progress(|progress| println!("{}", progress.progress)).send().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn session(&self, name: &str) -> Option<Session> {
        self.servers().into_iter().find(|server| server.name == name)?.session.get().cloned()
    }

    /// Of the servers that are open, in the order in which they were opened. Those that still connect are not among them, nor
    /// those whose session was closed.
    ///
    /// ```no_run
    /// # fn show(manager: mcp_evergreen::SessionManager) {
    /// println!("{}", manager.names().join(", "));
    /// # }
    /// ```
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.ready().iter().map(|(server, _)| server.name.clone()).collect()
    }

    /// Ends the session with this server, or its making. The name is free at once; where it is nobody's, nothing is to be done.
    ///
    /// ```no_run
    /// # async fn run(manager: mcp_evergreen::SessionManager) -> Result<(), Box<mcp_evergreen::Error>> {
    /// manager.close("files").await?;
    /// assert!(manager.session("files").is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Session::close`].
    pub async fn close(&self, name: &str) -> Result<(), Box<Error>> {
        let server = {
            let mut servers = self.0.borrow_mut();
            let at = servers.iter().position(|server| server.name == name);
            at.map(|at| servers.remove(at))
        };
        match server {
            Some(server) => server.close().await,
            None => Ok(()),
        }
    }

    /// Ends all sessions at once, and whatever still connects. Others can be opened afterwards.
    ///
    /// ```no_run
    /// # async fn run(manager: mcp_evergreen::SessionManager) {
    /// manager.close_all().await;
    /// assert!(manager.names().is_empty());
    /// # }
    /// ```
    pub async fn close_all(&self) {
        let servers = self.0.take();
        // A session that could not be ended on its server is closed all the same.
        drop(all(servers.iter().map(|server| server.close())).await);
    }

    /// All tools of all servers that are open, asked at once and over all pages. What one server's list fails with hides no
    /// other's. Of two tools of one server with one name the later one counts.
    ///
    /// ```no_run
    /// # async fn run(manager: mcp_evergreen::SessionManager) {
    /// for tool in manager.tools().await.tools {
    ///     println!("{} of {}: {}", tool.name, tool.server, tool.tool.display_name());
    /// }
    /// # }
    /// ```
    pub async fn tools(&self) -> ManagedTools {
        let (mut tools, mut failed) = (Vec::new(), Vec::new());
        for (server, listed) in self.list(|_| true).await {
            match listed {
                Ok(listed) => tools.extend(listed),
                Err(error) => failed.push((server.name.clone(), error)),
            }
        }
        ManagedTools { tools, failed }
    }

    /// Calls a tool by the name that [`SessionManager::tools`] gives it. Where no list has told that name yet, the servers that
    /// may have it are asked for theirs first: a name that a model has heard in an earlier life of the page is good as well.
    ///
    /// ```no_run
    /// use mcp_evergreen::Code;
    /// use serde_json::json;
    ///
    /// # async fn run(manager: mcp_evergreen::SessionManager) -> Result<(), Box<mcp_evergreen::Error>> {
    /// match manager.call_tool("files__search", json!({ "q": "otters" })).await {
    ///     Ok(result) => println!("{}", result["content"]),
    ///     Err(error) if error.code == Code::UnknownTool => println!("tell the model: {error}"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Session::call_tool`]; [`Code::UnknownTool`] where no server has it. Where one that may have it could not list its
    /// tools, that error's code, and the call was not sent.
    pub async fn call_tool(&self, name: &str, arguments: impl Serialize) -> Result<Value, Box<Error>> {
        let (session, tool) = match self.known(name) {
            Some(found) => found,
            None => self.seek(name).await?,
        };
        session.call_tool(&tool, arguments).await
    }

    /// Whose tool it is, and what the server calls it.
    fn known(&self, name: &str) -> Option<(Session, String)> {
        let tool = |server: &Server| server.names.borrow().get(name).cloned();
        self.ready().into_iter().find_map(|(server, session)| Some((session, tool(&server)?)))
    }

    async fn seek(&self, name: &str) -> Result<(Session, String), Box<Error>> {
        let listed = self.list(|server| can_be_of(&server.name, name)).await;
        if let Some(found) = self.known(name) {
            return Ok(found);
        }
        let failed = listed.into_iter().find_map(|(server, listed)| Some((server, listed.err()?)));
        Err(match failed {
            Some((server, error)) => unlisted(name, &server.name, *error),
            None => unknown(name, &self.names()),
        })
    }

    /// What these servers say; of those that are closed by now nothing.
    async fn list(&self, wanted: impl Fn(&Server) -> bool) -> Vec<(Rc<Server>, Result<Vec<ManagedTool>, Box<Error>>)> {
        let asked = self.ready().into_iter().filter(|(server, _)| wanted(server));
        let listed = all(asked.map(|(server, session)| async move {
            let listed = server.list(&session).await;
            (server, listed)
        }))
        .await;
        let open = self.servers();
        listed.into_iter().filter(|(server, _)| open.iter().any(|other| Rc::ptr_eq(other, server))).collect()
    }

    fn ready(&self) -> Vec<(Rc<Server>, Session)> {
        let with_session = |server: Rc<Server>| Some((Rc::clone(&server), server.session.get()?.clone()));
        self.servers().into_iter().filter_map(with_session).collect()
    }

    /// Those that are open or being opened. A session may be closed by another handle of it.
    fn servers(&self) -> Vec<Rc<Server>> {
        let is_open =
            |server: &Rc<Server>| server.session.get().is_none_or(|session| session.status().phase != Phase::Closed);
        let mut servers = self.0.borrow_mut();
        servers.retain(is_open);
        servers.clone()
    }
}

async fn unless_stopped(
    stop: &Slot<()>,
    connecting: impl Future<Output = Result<Session, Box<Error>>>,
) -> Result<Session, Box<Error>> {
    let (mut stopped, mut connecting) = (pin!(stop.get()), pin!(connecting));
    poll_fn(|context| {
        if stopped.as_mut().poll(context).is_ready() {
            let text = "The server was closed before its session was made.";
            return Poll::Ready(Err(Error::boxed(Code::Closed, Outcome::NotExecuted, text)));
        }
        connecting.as_mut().poll(context)
    })
    .await
}

/// Waits for all of them, side by side.
async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    enum Each<F: Future> {
        Waits(Pin<Box<F>>),
        Is(F::Output),
    }
    let mut each: Vec<Each<F>> = futures.map(|future| Each::Waits(Box::pin(future))).collect();
    poll_fn(|context| {
        let mut waits = false;
        for one in &mut each {
            if let Each::Waits(future) = one {
                match future.as_mut().poll(context) {
                    Poll::Ready(output) => *one = Each::Is(output),
                    Poll::Pending => waits = true,
                }
            }
        }
        if waits { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    let output = |one| if let Each::Is(output) = one { Some(output) } else { None };
    each.into_iter().filter_map(output).collect()
}

fn told(name: &str) -> String {
    let begin: String = name.chars().take(MOST_TOLD).collect();
    Value::from(begin).to_string()
}

fn unknown(name: &str, open: &[String]) -> Box<Error> {
    let name = told(name);
    let open = if open.is_empty() {
        "None is open: open one first.".to_owned()
    } else {
        format!("Open: {}.", open.join(", "))
    };
    let text = format!(
        "No server that is open has a tool named {name}; nothing was sent. {open} Names of tools are those that `tools` of the manager gives."
    );
    Error::boxed(Code::UnknownTool, Outcome::NotExecuted, text)
}

/// A server that may have it, and why it did not tell its tools.
fn unlisted(name: &str, server: &str, error: Error) -> Box<Error> {
    let (name, why) = (told(name), &error.message);
    let message =
        format!("{name} may be a tool of \"{server}\", whose tools could not be had: {why} The tool was not called.");
    Box::new(Error { message, outcome: Outcome::NotExecuted, ..error })
}
