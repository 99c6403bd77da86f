//! A request that is being put together.

use super::{
    Session,
    command::{params, progressing, read, result, unserializable},
    program::{About, OnTask, Program},
    tasks::PendingTask,
};
use crate::browser::{
    driver::Driver,
    host::{Caller, Settled},
    options::Error,
};
use crate::protocol::{CallId, CallOptions, TaskHandle};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{cell::Cell, rc::Rc};
use wasm_bindgen::JsValue;

/// How far a call is (2025-11-25, Progress).
///
/// ```no_run
/// use mcp_evergreen::Progress;
///
/// fn show(progress: &Progress) -> String {
///     match progress.total {
///         Some(total) => format!("{} of {total}", progress.progress),
///         None => progress.message.clone().unwrap_or_default(),
///     }
/// }
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// It grows, in no unit that were known.
    pub progress: f64,
    /// Where it ends, where that is known.
    #[serde(default)]
    pub total: Option<f64>,
    /// For people.
    #[serde(default)]
    pub message: Option<String>,
}

/// A request that is being put together: see [`Session::prepare`] and [`Session::prepare_tool`]. Dropping the future of
/// [`Request::send`] cancels it.
///
/// ```no_run
/// use mcp_evergreen::CallOptions;
/// use serde_json::{Value, json};
///
/// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
/// let result: Value = session
///     .prepare_tool("dig", json!({ "depth": 12 }))
///     .options(CallOptions { reset_timeout_on_progress: true, ..CallOptions::default() })
///     .on_progress(|progress| println!("{} of {:?}", progress.progress, progress.total))
///     .send()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is sent before `send`"]
pub struct Request {
    session: Session,
    method: String,
    params: Result<Value, Box<Error>>,
    options: CallOptions,
    progress: Option<Rc<dyn Fn(JsValue)>>,
    on_task: Option<OnTask>,
}

impl Request {
    /// In place of the session's own.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Asks for progress, and hears of it.
    pub fn on_progress(mut self, hear: impl Fn(Progress) + 'static) -> Self {
        self.progress = Some(Rc::new(move |params| {
            if let Ok(progress) = read(&params) {
                hear(progress);
            }
        }));
        self
    }

    /// Hears of it where the server makes a task of the call (2026-07-28, `io.modelcontextprotocol/tasks`; 2025-11-25, Tasks):
    /// [`Session::resume_task`] finds that again, from another page as well. The call itself ends with the task.
    pub fn on_task(mut self, hear: impl Fn(TaskHandle) + 'static) -> Self {
        self.on_task = Some(Rc::new(hear));
        self
    }

    /// Sends it, and reads its result.
    ///
    /// # Errors
    /// As [`Session::request`].
    pub async fn send<T: DeserializeOwned>(self) -> Result<T, Box<Error>> {
        let Self { session, method, params: given, mut options, progress, on_task } = self;
        let params = params(&given?)?;
        options.progress |= progress.is_some();
        let name = params.name.clone().or_else(|| params.uri.clone());
        let about = About { method: method.clone(), name, on_task };
        let sent = method.clone();
        let value = session.run(about, progress, |driver, caller| driver.call(sent, params, options, caller)).await?;
        result(&method, &value)
    }
}

impl Session {
    /// A request with this method and these params, to be sent with more than [`Session::request`] takes.
    ///
    /// ```no_run
    /// use serde_json::{Value, json};
    ///
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// let request = session.prepare("x/index", json!({ "path": "/" }));
    /// let result: Value = request.on_progress(|progress| println!("{}", progress.progress)).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn prepare(&self, method: impl Into<String>, params: impl Serialize) -> Request {
        Request {
            session: self.clone(),
            method: method.into(),
            params: serde_json::to_value(params).map_err(unserializable),
            options: CallOptions::default(),
            progress: None,
            on_task: None,
        }
    }

    /// The call of a tool, to be sent with more than [`Session::call_tool`] takes.
    ///
    /// ```no_run
    /// use serde_json::{Value, json};
    ///
    /// # async fn run(session: mcp_evergreen::Session) -> Result<(), Box<mcp_evergreen::Error>> {
    /// let call = session.prepare_tool("render", json!({}));
    /// let result: Value = call.on_task(|task| println!("{} goes on without this page", task.id)).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn prepare_tool(&self, name: &str, arguments: impl Serialize) -> Request {
        let arguments = serde_json::to_value(arguments).map_err(unserializable);
        let params = arguments.map(|arguments| json!({ "name": name, "arguments": arguments }));
        Request { params, ..self.prepare("tools/call", ()) }
    }

    /// Waits for a task that an earlier call became, here or in another page, as the call did. A server counts its tasks anew
    /// after a restart: a handle without `created_at` takes whatever task has its id.
    ///
    /// ```no_run
    /// use mcp_evergreen::{CallOptions, TaskHandle};
    ///
    /// # async fn run(session: mcp_evergreen::Session, kept: TaskHandle) -> Result<(), Box<mcp_evergreen::Error>> {
    /// let result = session.resume_task(kept, CallOptions::default()).await?;
    /// println!("{}", result["content"][0]["text"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Session::request`]: a task that the server does not have ends with [`Outcome::Unknown`](crate::Outcome).
    pub async fn resume_task(&self, task: impl Into<TaskHandle>, options: CallOptions) -> Result<Value, Box<Error>> {
        let task = self.program.tasks.find(task.into());
        let pending = PendingTask::of(task.clone(), None);
        let about = About { method: "tools/call".into(), name: None, on_task: None };
        let value = self
            .run(about, None, |driver, caller| {
                let call = driver.resume_task(task, options, caller);
                self.program.tasks.run(call, pending);
                call
            })
            .await?;
        result("tasks/result", &value)
    }

    /// Waits for a call, of which it is known meanwhile what it is.
    async fn run(
        &self,
        about: About,
        progress: Option<Rc<dyn Fn(JsValue)>>,
        start: impl FnOnce(&Driver, Caller) -> CallId,
    ) -> Settled {
        let known = Known(&self.program, Cell::new(None));
        let result = progressing(&self.driver, progress, |caller| {
            let call = start(&self.driver, caller);
            self.program.calls.put(call, Rc::new(about));
            known.1.set(Some(call));
            call
        })
        .await;
        if let Err(error) = &result {
            self.program.await_those_of(error);
        }
        result
    }
}

/// A call of which it is known what it is, as long as somebody waits for it.
struct Known<'a>(&'a Program, Cell<Option<CallId>>);

impl Drop for Known<'_> {
    fn drop(&mut self) {
        if let Some(call) = self.1.get() {
            self.0.tasks.end(call);
            drop(self.0.calls.take(call));
        }
    }
}
