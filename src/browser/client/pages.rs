//! Lists, page by page and as one.

use super::{
    Session,
    items::{Listed, Page, Prompt, Resource, ResourceTemplate, Tool},
};
use crate::browser::options::{Error, Event};
use crate::protocol::{
    CallOptions, Code, Outcome,
    paging::{Paging, Then},
};
use futures_core::Stream;
use serde_json::{Map, Value, json};
use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, ready},
};

/// As many pages does a list have at most.
const MOST_PAGES: usize = 64;

type Asking = Pin<Box<dyn Future<Output = Result<Map<String, Value>, Box<Error>>>>>;

/// All items of a list of the server's: a [`Stream`] that asks for the next page when the one before is used up, or
/// [`Pages::all`] of them at once. A list ends after 64 pages with [`Code::TooLarge`](crate::Code), and where its cursor leads
/// nowhere with an [`Event::Warning`](crate::Event) of the kind `bad_cursor`. Cursors are the session's: where the server
/// evicts it between two pages, the list is begun anew, once, and what was given already is left out. It ends after an error.
///
/// ```no_run
/// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
/// let mut tools = session.tools();
/// while let Some(tool) = tools.next().await {
///     println!("{}", tool?.display_name());
/// }
/// # Ok(())
/// # }
/// ```
pub struct Pages<T> {
    session: Session,
    paging: Paging,
    ready: VecDeque<T>,
    asking: Option<Asking>,
    over: bool,
}

impl<T> Unpin for Pages<T> {}

impl<T: Listed> Pages<T> {
    /// The next item; `None` after the last.
    pub async fn next(&mut self) -> Option<Result<T, Box<Error>>> {
        poll_fn(|context| self.poll(context)).await
    }

    /// All that are left.
    ///
    /// # Errors
    /// As [`Session::request`]; what there was before is lost with it.
    pub async fn all(mut self) -> Result<Vec<T>, Box<Error>> {
        let mut all = Vec::new();
        while let Some(item) = self.next().await {
            all.push(item?);
        }
        Ok(all)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<T, Box<Error>>>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            if self.over {
                return Poll::Ready(None);
            }
            if self.asking.is_none() {
                let Some(cursor) = self.paging.ask(self.session.generation()) else {
                    return self.fails(too_many(T::FIELD));
                };
                self.asking = Some(Box::pin(ask(self.session.clone(), T::METHOD, cursor.map(str::to_owned))));
            }
            let Some(asking) = &mut self.asking else { continue };
            let answer = ready!(asking.as_mut().poll(context));
            self.asking = None;
            let then = match answer {
                Ok(page) => self.take(page),
                Err(error) => match self.paging.refused(error.rpc_code, self.session.generation()) {
                    Then::Fails => return self.fails(error),
                    then @ (Then::More | Then::Ends | Then::BreaksOff(_)) => then,
                },
            };
            self.over = then != Then::More;
            if let Then::BreaksOff(hint) = then {
                self.session.warn("bad_cursor", hint);
            }
        }
    }

    fn take(&mut self, mut page: Map<String, Value>) -> Then {
        let items = items(page.remove(T::FIELD));
        let next = page.remove("nextCursor").unwrap_or_default();
        let version = self.session.status().protocol_version;
        let key = |item: &Value| item[T::KEY].as_str().map(str::to_owned);
        let (news, then) = self.paging.page(items, &next, version, key);
        self.ready = fitting(&self.session, news).into();
        then
    }

    fn fails(&mut self, error: Box<Error>) -> Poll<Option<Result<T, Box<Error>>>> {
        self.over = true;
        Poll::Ready(Some(Err(error)))
    }
}

impl<T: Listed> Stream for Pages<T> {
    type Item = Result<T, Box<Error>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(context)
    }
}

impl Session {
    /// One page of the server's tools.
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// let page = session.list_tools(None).await?;
    /// println!("{} tools, and {:?}", page.items.len(), page.next_cursor);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Session::request`].
    pub async fn list_tools(&self, cursor: Option<&str>) -> Result<Page<Tool>, Box<Error>> {
        self.list(cursor).await
    }

    /// One page of anything that comes in lists.
    ///
    /// ```no_run
    /// use mcp_evergreen::Prompt;
    ///
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// let prompts = session.list::<Prompt>(None).await?.items;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Session::request`].
    pub async fn list<T: Listed>(&self, cursor: Option<&str>) -> Result<Page<T>, Box<Error>> {
        let mut page = ask(self.clone(), T::METHOD, cursor.map(str::to_owned)).await?;
        let items = fitting(self, items(page.remove(T::FIELD)));
        let next_cursor = page.get("nextCursor").and_then(Value::as_str).map(str::to_owned);
        Ok(Page { items, next_cursor })
    }

    /// All tools.
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// let tools = session.tools().all().await?;
    /// println!("{} tools", tools.len());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn tools(&self) -> Pages<Tool> {
        self.pages()
    }

    /// All resources.
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// let resources = session.resources().all().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn resources(&self) -> Pages<Resource> {
        self.pages()
    }

    /// All templates of resources.
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// let templates = session.resource_templates().all().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn resource_templates(&self) -> Pages<ResourceTemplate> {
        self.pages()
    }

    /// All prompts.
    ///
    /// ```no_run
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// let prompts = session.prompts().all().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn prompts(&self) -> Pages<Prompt> {
        self.pages()
    }

    fn pages<T>(&self) -> Pages<T> {
        let (paging, ready) = (Paging::new(MOST_PAGES), VecDeque::new());
        Pages { session: self.clone(), paging, ready, asking: None, over: false }
    }

    /// Somebody should mend this.
    pub(super) fn warn(&self, kind: &'static str, hint: &'static str) {
        self.program.tell(&Event::Warning { kind, header: None, hint });
    }
}

async fn ask(session: Session, method: &'static str, cursor: Option<String>) -> Result<Map<String, Value>, Box<Error>> {
    let params = cursor.map(|cursor| json!({ "cursor": cursor }));
    session.request(method, params, CallOptions::default()).await
}

fn items(list: Option<Value>) -> Vec<Value> {
    if let Some(Value::Array(items)) = list { items } else { Vec::new() }
}

fn fitting<T: Listed>(session: &Session, items: Vec<Value>) -> Vec<T> {
    let all = items.len();
    let fitting: Vec<T> = items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect();
    if fitting.len() < all {
        let hint = "The server lists something that is not as the specification has it; it was left out. The server's author has to mend it.";
        session.warn("invalid_item", hint);
    }
    fitting
}

fn too_many(field: &str) -> Box<Error> {
    let message = format!("The server's list of {field} has more than {MOST_PAGES} pages.");
    Box::new(Error::new(Code::TooLarge, Outcome::Executed, message))
}
