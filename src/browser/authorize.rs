//! Performs authorizations, one after the other: fetches, keeps, asks the user. What is done, and in which order, is
//! `protocol::oauth`'s to say. The npm package has this in a WebAssembly module of its own, which is loaded where it is
//! needed.

use super::{
    clock, exchange,
    host::Wanted,
    js::{self, AuthorizationHost, Thrown, type_error},
};
use crate::protocol::{
    Authorized, Error, base64,
    oauth::{Chance, Fetch, Flow, Need, Reply, Settings, Step, Trouble},
};
use js_sys::{Array, Function, Uint8Array, Uint32Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortController, AbortSignal};

/// Milliseconds for one answer.
const FETCH_MS: u32 = 30_000;
/// Metadata and tokens are small.
const BODY_BYTES: u64 = 1 << 20;

/// Gets the tokens of one user with one server.
pub struct Authorizer {
    settings: Settings,
    host: AuthorizationHost,
    fetch: Option<Function>,
}

/// What came of an authorization.
pub enum Obtained {
    /// What there is now.
    Token {
        /// Or none: the server is to say what it wants.
        token: Option<String>,
        /// When it is to be refreshed, in milliseconds since the epoch.
        refresh_at_unix_ms: Option<u64>,
        /// It is of the same grant as the token before.
        same: bool,
    },
    /// The user would have to be asked.
    NeedsUser,
    /// There is none, and why; with what was thrown.
    Failed(Trouble, Option<JsValue>),
}

impl Obtained {
    /// It could not be carried out.
    #[must_use]
    pub fn nothing(cause: JsValue) -> Self {
        let text = "The authorization could not be carried out here: see `cause`.";
        Self::Failed(Trouble::new("failed", text), Some(cause))
    }

    /// As the session is told.
    #[must_use]
    pub fn into_fact(self) -> (Option<String>, Authorized<JsValue>) {
        match self {
            Self::Token { token, refresh_at_unix_ms, same } => {
                (token, Authorized::Granted { refresh_at_unix_ms, same })
            }
            Self::NeedsUser => (None, Authorized::NeedsUser),
            Self::Failed(trouble, cause) => {
                let error: Error<JsValue> = trouble.into_error();
                (None, Authorized::Failed(Box::new(error.with_cause(cause))))
            }
        }
    }
}

/// One authorization under way: ends with it whatever it has under way.
struct UnderWay(AbortController);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Authorizer {
    /// `host` is an object with the methods of the facade's `authorization.js`.
    #[must_use]
    pub fn new(settings: Settings, host: JsValue) -> Self {
        Self { settings, host: host.unchecked_into(), fetch: None }
    }

    /// With a `fetch` of the host's.
    #[must_use]
    pub fn with_fetch(self, fetch: Option<Function>) -> Self {
        Self { fetch, ..self }
    }

    /// Gets a token. `asked` is called before the user is, and says whether somebody still waits for that.
    pub async fn authorize(&self, wanted: Wanted, asked: impl Fn() -> bool) -> Obtained {
        let token = wanted.token;
        let need = match wanted.challenge {
            Some(challenge) => Ok(Need::Refused { challenge, ask: wanted.ask }),
            None => self.returned().map(|returned| Need::Stored { returned, finish: false }),
        };
        match need {
            Ok(need) => self.run(need, token, &asked).await.unwrap_or_else(Obtained::nothing),
            Err(cause) => Obtained::nothing(cause),
        }
    }

    /// Takes what the user came back with: nothing but the tokens for that will do.
    pub async fn finish(&self) -> Obtained {
        let need = self.returned().map(|returned| Need::Stored { returned, finish: true });
        match need {
            Ok(need) => self.run(need, None, &|| false).await.unwrap_or_else(Obtained::nothing),
            Err(cause) => Obtained::nothing(cause),
        }
    }

    /// Forgets the tokens, here and at the authorization server.
    ///
    /// # Errors
    /// What the host's storage threw.
    pub async fn sign_out(&self) -> Thrown<()> {
        self.run(Need::SignOut, None, &|| false).await.map(drop)
    }

    async fn run(&self, need: Need, token: Option<String>, asked: &dyn Fn() -> bool) -> Thrown<Obtained> {
        let begin = |kept: Option<String>, bound: Option<String>| {
            let now = clock::now().unix_ms;
            let settings = Settings { bound, ..self.settings.clone() };
            Flow::new(settings, kept.as_deref(), token.as_deref(), need.clone(), now)
        };
        // What is good as it is needs no turn; but what somebody is about to keep is forgotten, too.
        if !matches!(need, Need::SignOut) {
            let first = begin(self.kept().await?, None).poll_step();
            if let Some(obtained) = first.and_then(|step| obtained(step, None)) {
                return Ok(obtained);
            }
        }
        let under_way = UnderWay(AbortController::new()?);
        let mut turn = Some(self.turn().await?);
        // Another tab may have been here while this one waited.
        let bound = js::settled(&self.host.bound()?).await?.as_string();
        let mut flow = begin(self.kept().await?, bound);
        let mut cause = None;
        loop {
            let step = flow.poll_step().ok_or_else(|| type_error("The authorization came to no end."))?;
            match step {
                Step::Fetch(fetch) => {
                    let reply = self.fetch(fetch, &under_way.0.signal()).await.unwrap_or(Reply::Failed);
                    flow.handle_reply(&reply, clock::now().unix_ms);
                }
                Step::Keep(text) => drop(js::settled(&self.host.keep(&text)?).await?),
                Step::Load => flow.handle_kept(self.kept().await?.as_deref(), clock::now().unix_ms),
                Step::Bind { issuer } => {
                    let bound = js::settled(&self.host.bind(&issuer)?).await?.as_string();
                    flow.handle_bound(&bound.ok_or_else(|| type_error("bind gave no issuer."))?);
                }
                Step::Draw => flow.handle_chance(chance().await?),
                Step::Open { .. } if !asked() => return Ok(Obtained::NeedsUser),
                Step::Open { url, state, pending } => {
                    // Others need not wait for the user.
                    drop(turn.take());
                    let returned = self.open(&url, &state, &pending, &under_way.0.signal()).await;
                    turn = Some(self.turn().await?);
                    let back = returned.as_deref().map_err(|thrown| self.not_returned(thrown));
                    flow.handle_returned(back, self.kept().await?.as_deref(), clock::now().unix_ms);
                    cause = returned.err();
                }
                over @ (Step::Granted { .. } | Step::NeedsUser | Step::Failed(_)) => {
                    drop(turn.take());
                    return obtained(over, cause).ok_or(JsValue::UNDEFINED);
                }
            }
        }
    }

    /// What is kept.
    async fn kept(&self) -> Thrown<Option<String>> {
        Ok(js::settled(&self.host.load()?).await?.as_string())
    }

    /// Held while nobody else may refresh, register or write.
    async fn turn(&self) -> Thrown<UnderWay> {
        let turn = UnderWay(AbortController::new()?);
        js::settled(&self.host.lock(&turn.0.signal())?).await?;
        Ok(turn)
    }

    async fn open(&self, url: &str, state: &str, pending: &str, signal: &AbortSignal) -> Thrown<String> {
        let back = js::settled(&self.host.open(url, state, pending, signal)?).await?;
        back.as_string().ok_or_else(|| type_error("open gave no URL."))
    }

    fn returned(&self) -> Thrown<Option<(String, String)>> {
        let returned = self.host.returned()?;
        if !Array::is_array(&returned) {
            return Ok(None);
        }
        let returned: &Array = returned.unchecked_ref();
        Ok(returned.get(0).as_string().zip(returned.get(1).as_string()))
    }

    async fn fetch(&self, fetch: Fetch, signal: &AbortSignal) -> Thrown<Reply> {
        let headers: Vec<_> = fetch.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let request = (fetch.method, &*headers, fetch.body.as_deref());
        let limits = (FETCH_MS, BODY_BYTES);
        Ok(match exchange::answer(self.fetch.as_ref(), &fetch.url, request, limits, signal).await? {
            (0, _) => Reply::Hidden,
            (status, body) => Reply::Answer { status, body },
        })
    }

    /// Why the user did not come back: a provider says so by the name of what it throws.
    fn not_returned(&self, thrown: &JsValue) -> Trouble {
        match self.host.leaves() {
            true => {
                Trouble::new("sent_away", "The user was sent to the authorization server, and comes back another way.")
            }
            false => not_returned(thrown),
        }
    }
}

/// How an authorization ended; `None` where it goes on.
fn obtained(step: Step, cause: Option<JsValue>) -> Option<Obtained> {
    match step {
        Step::Granted { token, refresh_at_unix_ms, same } => Some(Obtained::Token { token, refresh_at_unix_ms, same }),
        Step::NeedsUser => Some(Obtained::NeedsUser),
        Step::Failed(trouble) => Some(Obtained::Failed(trouble, cause)),
        Step::Fetch(_) | Step::Keep(_) | Step::Load | Step::Bind { .. } | Step::Draw | Step::Open { .. } => None,
    }
}

/// By the name of what was thrown.
fn not_returned(thrown: &JsValue) -> Trouble {
    let name = js_sys::Reflect::get(thrown, &"name".into()).ok().and_then(|name| name.as_string());
    match name.as_deref() {
        Some("NotAllowedError") => Trouble::new(
            "popup_blocked",
            "The browser blocked the window in which the user was to authorize: windows open only just after a click. \
             Let the user click, and call again from there.",
        ),
        Some("AbortError") => {
            Trouble::new("closed", "The window in which the user was to authorize was closed before that was done.")
        }
        Some("OperationError") => Trouble::new(
            "asked_elsewhere",
            "Another session of this page asked the user for the same authorization, and got none.",
        ),
        Some("TimeoutError") => Trouble::new("timeout", "The user did not come back from authorizing in time."),
        _ => Trouble::new("not_returned", "The user could not be asked to authorize: see `cause`."),
    }
}

async fn chance() -> Thrown<Chance> {
    let random = Uint32Array::new_with_length(16);
    js::random_values(&random)?;
    let bytes: Vec<u8> = random.to_vec().into_iter().flat_map(u32::to_le_bytes).collect();
    let (verifier, state) = bytes.split_at(32);
    let verifier = base64::for_urls(verifier);
    let digest = js::digest("SHA-256", &Uint8Array::from(verifier.as_bytes()))?;
    let challenge = base64::for_urls(&Uint8Array::new(&js::settled(&digest).await?).to_vec());
    Ok(Chance { verifier, challenge, state: base64::for_urls(state) })
}
