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
        /// It was got here in exchange for the one before: the user is the same.
        same_grant: bool,
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
    pub fn into_fact(self) -> (Option<String>, bool, Authorized<JsValue>) {
        match self {
            Self::Token { token, refresh_at_unix_ms, same_grant } => {
                (token, same_grant, Authorized::Granted { refresh_at_unix_ms })
            }
            Self::NeedsUser => (None, false, Authorized::NeedsUser),
            Self::Failed(trouble, cause) => {
                let error: Error<JsValue> = trouble.into_error();
                (None, false, Authorized::Failed(Box::new(error.with_cause(cause))))
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

    /// Gets a token. `asked` is called before the user is.
    pub async fn authorize(&self, wanted: Wanted, asked: impl Fn()) -> Obtained {
        let ask = wanted.ask;
        self.run(Some(wanted), ask, &asked).await.unwrap_or_else(Obtained::nothing)
    }

    /// Forgets the tokens, here and at the authorization server.
    ///
    /// # Errors
    /// What the host's storage threw.
    pub async fn sign_out(&self) -> Thrown<()> {
        self.run(None, false, &|| {}).await.map(drop)
    }

    async fn run(&self, wanted: Option<Wanted>, ask: bool, asked: &dyn Fn()) -> Thrown<Obtained> {
        let under_way = UnderWay(AbortController::new()?);
        let signal = under_way.0.signal();
        js::settled(&self.host.lock(&signal)?).await?;
        // Another tab may have been here while this one waited.
        let kept = js::settled(&self.host.load()?).await?.as_string();
        let need = match wanted {
            None => Need::SignOut,
            Some(Wanted { token, challenge: Some(challenge), ask }) => Need::Refused { challenge, token, ask },
            Some(_) => Need::Stored { returned: self.returned()? },
        };
        let chance = if ask { chance().await? } else { no_chance() };
        let mut flow = Flow::new(self.settings.clone(), chance, kept.as_deref(), need, clock::now().unix_ms);
        let mut cause = None;
        loop {
            match flow.poll_step() {
                Some(Step::Fetch(fetch)) => {
                    let reply = self.fetch(fetch, &signal).await.unwrap_or(Reply::Failed);
                    flow.handle_reply(reply, clock::now().unix_ms);
                }
                Some(Step::Keep(text)) => drop(js::settled(&self.host.keep(&text)?).await?),
                Some(Step::Open { url, state, pending }) => {
                    asked();
                    let returned = async { js::settled(&self.host.open(&url, &state, &pending, &signal)?).await };
                    match returned.await.and_then(|url| url.as_string().ok_or_else(|| type_error("open gave no URL.")))
                    {
                        Ok(url) => flow.handle_returned(Ok(&url)),
                        Err(thrown) => {
                            flow.handle_returned(Err(not_returned(&thrown)));
                            cause = Some(thrown);
                        }
                    }
                }
                Some(Step::Granted { token, refresh_at_unix_ms }) => {
                    return Ok(Obtained::Token { token, refresh_at_unix_ms, same_grant: flow.has_refreshed() });
                }
                Some(Step::NeedsUser) => return Ok(Obtained::NeedsUser),
                Some(Step::Failed(trouble)) => return Ok(Obtained::Failed(trouble, cause)),
                None => return Err(type_error("The authorization came to no end.")),
            }
        }
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
        let (status, body) = exchange::answer(self.fetch.as_ref(), &fetch.url, request, limits, signal).await?;
        Ok(Reply::Answer { status, body })
    }
}

/// Why the user did not come back: a provider says so by the name of what it throws.
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

/// Where the user is not asked, nothing is left to chance.
fn no_chance() -> Chance {
    Chance { verifier: String::new(), challenge: String::new(), state: String::new() }
}
