//! The host of a session in a Rust program.

use super::{
    command::read,
    environment::Environment,
    feed::Feeds,
    handlers::{Handlers, Question, Refusal},
    kept::Keeper,
    notification::{Notification, notification},
    tasks::{PendingTask, Tasks},
};
use crate::browser::{
    authorize::Authorizer,
    driver::Driver,
    exchange::Transport,
    host::{self, Host, Wanted},
    js::Thrown,
    options::{Event, Listener, Status},
    table::Table,
    task::{self, Task},
};
use crate::protocol::{Authorized, CallId, Code, QuestionId, TaskHandle, json_rpc::ErrorObject, status::Phase};
use serde_json::Value;
use std::{
    any::Any,
    cell::{Cell, OnceCell, RefCell},
    collections::BTreeSet,
    rc::Rc,
};
use wasm_bindgen::JsValue;

/// Questions by URL whose end is of interest: no more are remembered.
const MOST_AWAITED: usize = 1_000;
/// A call was refused, since the user has to go to an address first (2025-11-25, Elicitation, URL Mode).
const URL_ELICITATION_REQUIRED: i64 = -32042;

/// Called with the task that a call became.
pub(super) type OnTask = Rc<dyn Fn(TaskHandle)>;

/// What is known of a call that is under way.
pub(super) struct About {
    pub method: String,
    /// Of the tool or prompt; the URI of a resource.
    pub name: Option<String>,
    pub on_task: Option<OnTask>,
}

/// The host of a Rust program.
pub(super) struct Program {
    pub url: String,
    pub on_event: Option<Listener>,
    pub handlers: Handlers,
    pub authorizer: Option<Rc<Authorizer>>,
    #[cfg(feature = "extras")]
    pub sign_in: Option<super::sign_in::SignIn>,
    /// Where the session is kept for a later page life.
    pub keeper: Option<Keeper>,
    /// What JavaScript calls as long as the session has anything under way.
    ears: Vec<Box<dyn Any>>,
    pub tasks: Tasks,
    pub driver: OnceCell<Driver>,
    pub events: Feeds<Event>,
    pub unasked: Feeds<Notification>,
    pub calls: Table<CallId, Rc<About>>,
    /// Ends with the session.
    authorizing: RefCell<Option<Task>>,
    /// Answers that are being made. The core counts them, those to questions that were withdrawn as well.
    answering: Rc<Table<QuestionId, Task>>,
    /// Questions by URL that were asked, and are not told to be over.
    awaited: RefCell<BTreeSet<String>>,
    listening: Cell<bool>,
}

impl Program {
    pub fn new(url: String) -> Self {
        Self {
            url,
            on_event: None,
            handlers: Handlers::default(),
            authorizer: None,
            #[cfg(feature = "extras")]
            sign_in: None,
            keeper: None,
            ears: Vec::new(),
            tasks: Tasks::default(),
            driver: OnceCell::new(),
            events: Feeds::default(),
            unasked: Feeds::default(),
            calls: Table::default(),
            authorizing: RefCell::default(),
            answering: Rc::default(),
            awaited: RefCell::default(),
            listening: Cell::new(false),
        }
    }

    /// Takes what belongs to how its requests go.
    pub fn live_in(&mut self, environment: Environment) -> Transport {
        (self.authorizer, self.ears) = (environment.authorizer, environment.ears);
        #[cfg(feature = "extras")]
        {
            self.sign_in = environment.sign_in;
        }
        environment.transport
    }

    /// Begins to hear of this session. Let go of when it has closed.
    pub fn drive(&self, driver: &Driver) {
        let _ = self.driver.set(driver.clone());
        for method in self.handlers.methods() {
            driver.set_handled(method.clone());
        }
        #[cfg(feature = "extras")]
        if let Some(sign_in) = &self.sign_in {
            sign_in.begin();
        }
        self.listen();
    }

    /// Forgets the user's tokens.
    pub async fn sign_out(&self) -> Thrown<()> {
        let Some(authorizer) = &self.authorizer else { return Ok(()) };
        #[cfg(feature = "extras")]
        if let Some(sign_in) = &self.sign_in {
            sign_in.forget();
        }
        let forgotten = authorizer.sign_out().await;
        #[cfg(feature = "extras")]
        if let Some(sign_in) = &self.sign_in {
            sign_in.signed_out();
        }
        forgotten
    }

    /// Tells the core whether somebody waits for what the server says unasked.
    pub fn listen(&self) {
        let listening = !self.handlers.is_empty() || self.unasked.are_read();
        if listening != self.listening.replace(listening)
            && let Some(driver) = self.driver.get()
        {
            driver.set_listening(listening);
        }
    }

    /// An error may name questions by URL, which the user is to be asked.
    pub fn await_those_of(&self, error: &crate::Error) {
        if error.rpc_code != Some(URL_ELICITATION_REQUIRED) {
            return;
        }
        let data: Value = error.data.as_ref().and_then(|data| read(data).ok()).unwrap_or_default();
        for elicitation in data["elicitations"].as_array().into_iter().flatten() {
            self.await_end(elicitation["elicitationId"].as_str());
        }
    }

    fn await_end(&self, id: Option<&str>) {
        let mut awaited = self.awaited.borrow_mut();
        if let Some(id) = id
            && awaited.len() < MOST_AWAITED
        {
            awaited.insert(id.to_owned());
        }
    }

    /// Tells all who hear it.
    pub fn tell(&self, event: &Event) {
        // Of a store alone, and the session's id is in it.
        if let Event::Keep { .. } | Event::TakenUp | Event::Reclaim = event {
            return;
        }
        if let Some(on_event) = &self.on_event {
            on_event(event);
        }
        self.events.push(event);
        if let Some(unasked) = notification(event, |id| self.awaited.borrow_mut().remove(id)) {
            self.unasked.push(&unasked);
        }
    }

    fn for_keeper(&self, event: &Event) {
        let Some(keeper) = &self.keeper else { return };
        if let Event::Keep { record } = event {
            keeper.keep(record.clone(), self.tasks.kept());
        } else if let Event::TakenUp = event {
            self.tasks.take_found();
        } else if let Event::EraLearned { legacy_until_unix_ms } = event {
            keeper.keep_era(*legacy_until_unix_ms);
        } else if let Event::Close { .. } = event {
            keeper.end();
        } else if let (Event::Reclaim, Some(driver)) = (event, self.driver.get())
            && !keeper.reclaim()
        {
            driver.taken_over();
        }
    }

    fn question(&self, asked: &host::Question) -> Option<Question> {
        let params = match &asked.params {
            Some(params) => read(params).ok()?,
            None => Value::Null,
        };
        let about = asked.call.and_then(|call| self.calls.with(call, Rc::clone));
        let status = self.driver.get().map(Driver::status);
        let info: Option<Value> = status.and_then(|status| status.server_info).and_then(|info| read(&info).ok());
        let name = info.as_ref().and_then(|info| info["name"].as_str()).unwrap_or(&self.url).to_owned();
        Some(Question {
            method: asked.method.clone(),
            params,
            server: name,
            url: self.url.clone(),
            call: about.map(|about| (about.method.clone(), about.name.clone())),
            generation: asked.generation,
        })
    }
}

impl Host for Program {
    fn status_changed(&self, status: Status) {
        if status.phase == Phase::Ready {
            // What was not taken up by now is not.
            self.tasks.find_in_store(Vec::new());
        }
        #[cfg(feature = "extras")]
        if let Some(sign_in) = &self.sign_in {
            sign_in.status_changed(&status);
        }
        self.tell(&Event::StateChange);
    }

    fn event(&self, event: Event) {
        self.for_keeper(&event);
        if let Event::Task { call, task } = &event
            && let Some(about) = self.calls.with(*call, Rc::clone)
            && let Ok(Told { task_id: id, created_at }) = read(task)
        {
            let task = TaskHandle { id, created_at: created_at.filter(|at| !at.is_empty()) };
            self.tasks.run(*call, PendingTask::of(task.clone(), about.name.clone()));
            if let Some(on_task) = &about.on_task {
                on_task(task);
            }
        }
        let is_over = matches!(event, Event::Close { .. });
        if is_over {
            drop(self.authorizing.take());
            #[cfg(feature = "extras")]
            if let Some(sign_in) = &self.sign_in {
                sign_in.end();
            }
        }
        self.tell(&event);
        if is_over {
            self.events.end();
            self.unasked.end();
        }
    }

    fn ask(&self, asked: host::Question) {
        let (Some(driver), id) = (self.driver.get().cloned(), asked.id) else { return };
        let answer = match self.question(&asked) {
            Some(question) => {
                if question.method == "elicitation/create" {
                    self.await_end(question.params["elicitationId"].as_str());
                }
                self.handlers.answer(question)
            }
            None => Err(Refusal::new(-32602, "The params are nested too deeply")),
        };
        match answer {
            Ok(answer) => {
                let answering = Rc::clone(&self.answering);
                let task = task::spawn(async move {
                    let answer = text_of(answer.await);
                    if answering.take(id).is_some() {
                        driver.answer(id, answer);
                    }
                });
                self.answering.put(id, task);
            }
            Err(refusal) => driver.answer(id, Err(error(refusal))),
        }
    }

    fn withdraw(&self, question: QuestionId) {
        let Some(task) = self.answering.take(question) else { return };
        drop(task);
        if let Some(driver) = self.driver.get() {
            driver.answer(question, Err(error(Refusal::failed())));
        }
    }

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

/// What a task is known by. A time that is no text is none that could be compared later.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    task_id: String,
    #[serde(default)]
    created_at: Option<String>,
}

fn text_of(answer: Result<Value, Refusal>) -> Result<String, ErrorObject> {
    answer.map(|answer| answer.to_string()).map_err(error)
}

fn error(Refusal { code, message, data }: Refusal) -> ErrorObject {
    ErrorObject { code, message, data: data.map(|data| data.to_string()) }
}

/// The error of an authorization's storage.
pub(super) fn storage_failed(cause: JsValue) -> Box<crate::Error> {
    let text = "The tokens could not be forgotten: the storage failed (see `cause`).";
    Box::new(crate::Error::new(Code::Auth, crate::Outcome::Unknown, text).with_cause(Some(cause)))
}
