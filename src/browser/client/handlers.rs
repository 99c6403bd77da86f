//! Who answers what the server asks.

use super::questions::{ElicitationAnswer, ElicitationRequest, Root, SamplingAnswer, SamplingRequest};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fmt, future::Future, pin::Pin, rc::Rc};

const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;
const INTERNAL_ERROR: i64 = -32603;
/// (2025-11-25, Sampling, Error Handling.)
const USER_REJECTED: i64 = -1;

type Answering = Pin<Box<dyn Future<Output = Result<Value, Refusal>>>>;
type Handler = Rc<dyn Fn(Question) -> Answering>;

/// A request of the server's. The user must be shown which server asks (2025-11-25, Elicitation, Security Considerations).
///
/// ```no_run
/// use mcp_evergreen::{Handlers, Question, Refusal};
/// use serde_json::json;
///
/// let handlers = Handlers::new().on("x/weather", |question: Question| async move {
///     println!("{} asks for {}", question.server, question.params["town"]);
///     Ok::<_, Refusal>(json!({ "weather": "fine" }))
/// });
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Question {
    /// `sampling/createMessage`, `elicitation/create`, `roots/list`, or any other.
    pub method: String,
    /// Its `params`; `null` where there are none.
    pub params: Value,
    /// What the server calls itself; its address, where it has no name.
    pub server: String,
    /// The server's address.
    pub url: String,
    /// The method of the call on whose stream it came, and the tool, prompt or resource that the call names. `None` where it
    /// came on no call's.
    pub call: Option<(String, Option<String>)>,
    /// The generation of the session that asks ([`Status`](crate::Status)).
    pub generation: u32,
}

/// What the server is told in place of an answer: an error of JSON-RPC's. It is told nothing else.
///
/// ```no_run
/// use mcp_evergreen::Refusal;
///
/// let refusal = Refusal::new(-32602, "There is no such file.");
/// assert_eq!(Refusal::rejected().code, -1);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// A code of JSON-RPC's.
    pub code: i64,
    /// One sentence. It goes to the server: no path, name or address of the host's.
    pub message: String,
    /// Whatever the code has beside.
    pub data: Option<Value>,
}

impl Refusal {
    /// With this code and this sentence.
    #[must_use]
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The user does not want it (-1; 2025-11-25, Sampling, Error Handling).
    #[must_use]
    pub fn rejected() -> Self {
        Self::new(USER_REJECTED, "User rejected the request")
    }

    /// It could not be answered, and why is the host's business (-32603).
    #[must_use]
    pub fn failed() -> Self {
        Self::new(INTERNAL_ERROR, "The handler failed")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

/// Who answers what the server asks, by method. A capability that the methods need (`sampling`, `elicitation`, `roots`) is
/// declared by them; what else belongs to it (`elicitation: { url: {} }`, `sampling: { tools: {} }`) is an option of
/// [`Handshake::Own`](crate::Handshake).
///
/// An answer is a future. When the session that asked is lost, or the server takes its question back, the future is dropped:
/// a dialog that it shows is taken down in a `Drop`. The clock of the call that asks stands still meanwhile.
///
/// ```no_run
/// use mcp_evergreen::{ElicitationAnswer, Handlers, Options, Refusal, Root, SamplingAnswer};
/// use serde_json::json;
///
/// let handlers = Handlers::new()
///     .on_elicitation(|request| async move {
///         println!("{} wants to know: {}", request.question.server, request.message);
///         Ok(ElicitationAnswer::Accept(json!({ "name": "Ada" })))
///     })
///     .on_sampling(|request| async move {
///         if request.max_tokens > 10_000 {
///             return Err(Refusal::rejected());
///         }
///         Ok(SamplingAnswer::text("my-model", "Otters hold hands."))
///     })
///     .on_roots(|_| async { Ok(vec![Root::new("file:///home/ada/otters")]) });
/// let options = Options { handlers, ..Options::default() };
/// ```
#[derive(Clone, Default)]
pub struct Handlers(BTreeMap<String, Handler>);

impl Handlers {
    /// Nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers requests with this method. What cannot be written as JSON is told as [`Refusal::failed`].
    #[must_use]
    pub fn on<F, A>(mut self, method: impl Into<String>, handler: impl Fn(Question) -> F + 'static) -> Self
    where
        F: Future<Output = Result<A, Refusal>> + 'static,
        A: Serialize,
    {
        let handler: Handler = Rc::new(move |question| {
            let answer = handler(question);
            Box::pin(async move { serde_json::to_value(answer.await?).map_err(|_| Refusal::failed()) })
        });
        self.0.insert(method.into(), handler);
        self
    }

    /// Asks a model for the server (2025-11-25, Sampling). The user should see what is asked, and what is answered.
    #[must_use]
    pub fn on_sampling<F>(self, handler: impl Fn(SamplingRequest) -> F + 'static) -> Self
    where
        F: Future<Output = Result<SamplingAnswer, Refusal>> + 'static,
    {
        self.typed("sampling/createMessage", handler)
    }

    /// Asks the user for the server (2025-11-25, Elicitation). What the content lacks of the form's defaults is added to it.
    #[must_use]
    pub fn on_elicitation<F>(self, handler: impl Fn(ElicitationRequest) -> F + 'static) -> Self
    where
        F: Future<Output = Result<ElicitationAnswer, Refusal>> + 'static,
    {
        self.typed("elicitation/create", move |request: ElicitationRequest| {
            let schema = request.requested_schema.clone();
            let answer = handler(request);
            async move { answer.await.map(|answer| answer.with_defaults(schema.as_ref())) }
        })
    }

    /// Names the folders that the server may work in (2025-11-25, Roots). When they are others, say so with
    /// `notifications/roots/list_changed`.
    #[must_use]
    pub fn on_roots<F>(self, handler: impl Fn(Question) -> F + 'static) -> Self
    where
        F: Future<Output = Result<Vec<Root>, Refusal>> + 'static,
    {
        self.on("roots/list", move |question| {
            let roots = handler(question);
            async move { roots.await.map(|roots| json!({ "roots": roots })) }
        })
    }

    /// A request of another shape is refused (-32602).
    fn typed<Q, F, A>(self, method: &str, handler: impl Fn(Q) -> F + 'static) -> Self
    where
        Q: DeserializeOwned + Asked,
        F: Future<Output = Result<A, Refusal>> + 'static,
        A: Serialize,
    {
        self.on(method, move |question: Question| {
            let request = serde_json::from_value::<Q>(question.params.clone()).ok();
            let answer = request.map(|request| handler(request.of(question)));
            async move {
                match answer {
                    Some(answer) => answer.await,
                    None => Err(Refusal::new(INVALID_PARAMS, "The params are not as the specification has them")),
                }
            }
        })
    }

    pub(super) fn methods(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The answer is on its way once it is awaited.
    pub(super) fn answer(&self, question: Question) -> Result<Answering, Refusal> {
        let handler = self.0.get(&question.method);
        let handler = handler.ok_or_else(|| Refusal::new(METHOD_NOT_FOUND, "There is no handler for this method"))?;
        Ok(handler(question))
    }

    /// What is declared, with what the handlers promise.
    ///
    /// # Errors
    /// The capability that is declared, and has no handler.
    pub(super) fn declare(&self, mut capabilities: Map<String, Value>) -> Result<Map<String, Value>, String> {
        for (method, capability) in PROMISES {
            match (self.0.contains_key(method), capabilities.contains_key(capability)) {
                (true, false) => drop(capabilities.insert(capability.into(), json!({}))),
                (false, true) => {
                    return Err(format!(
                        "The capability {capability} is declared, and there is no handler for {method}."
                    ));
                }
                (true, true) | (false, false) => {}
            }
        }
        Ok(capabilities)
    }
}

/// Which capability a method needs that only a client can promise.
const PROMISES: [(&str, &str); 3] =
    [("sampling/createMessage", "sampling"), ("elicitation/create", "elicitation"), ("roots/list", "roots")];

/// A request that knows who asks.
pub(super) trait Asked {
    fn of(self, question: Question) -> Self;
}
