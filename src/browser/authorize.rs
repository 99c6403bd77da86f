//! Performs authorizations, one after the other: fetches, keeps, asks the user. What is done, and in which order, is
//! `protocol::oauth`'s to say.

use super::{
    body, clock,
    fetch::Transport,
    js::{self, AuthorizationHost, Plain, Response, Thrown, type_error},
};
use crate::protocol::{
    Authorized, Challenge, Error, Input, ReadAs,
    oauth::{Chance, Fetch, Flow, Need, Reply, Settings, Step, Trouble, text::base64url},
};
use js_sys::{Array, Uint8Array, Uint32Array};
use std::cell::RefCell;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortController, AbortSignal};

/// Milliseconds for one answer.
const FETCH_MS: u32 = 30_000;
/// Metadata and tokens are small.
const BODY_BYTES: u64 = 1 << 20;

/// The tokens of one user with one server.
pub struct Authorizer {
    settings: Settings,
    host: AuthorizationHost,
    token: RefCell<Option<String>>,
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
        Self { settings, host: host.unchecked_into(), token: RefCell::default() }
    }

    /// For the header of a request to the MCP endpoint, and nothing else.
    pub(super) fn token(&self) -> Option<String> {
        self.token.borrow().clone()
    }

    /// Gets a token. `asked` is called before the user is.
    pub(super) async fn authorize(
        &self,
        transport: &Transport,
        challenge: Option<Challenge>,
        ask: bool,
        asked: impl Fn(),
    ) -> Authorized<JsValue> {
        let need = |token| match challenge {
            Some(challenge) => Ok(Need::Refused { challenge, token, ask }),
            None => self.returned().map(|returned| Need::Stored { returned }),
        };
        self.run(transport, need, ask, asked).await.unwrap_or_else(|cause| {
            let trouble = Trouble::new("failed", "The authorization could not be carried out here: see `cause`.");
            Authorized::Failed(Box::new(trouble.into_error().with_cause(Some(cause))))
        })
    }

    /// Forgets the tokens, here and at the authorization server.
    ///
    /// # Errors
    /// What the host's storage threw.
    pub async fn sign_out(&self, transport: &Transport) -> Thrown<()> {
        self.run(transport, |_| Ok(Need::SignOut), false, || {}).await.map(drop)
    }

    async fn run(
        &self,
        transport: &Transport,
        need: impl FnOnce(Option<String>) -> Thrown<Need>,
        ask: bool,
        asked: impl Fn(),
    ) -> Thrown<Authorized<JsValue>> {
        let under_way = UnderWay(AbortController::new()?);
        let signal = under_way.0.signal();
        js::settled(&self.host.lock(&signal)?).await?;
        // Another tab may have been here while this one waited.
        let kept = js::settled(&self.host.load()?).await?.as_string();
        let need = need(self.token())?;
        let chance = if ask { chance().await? } else { no_chance() };
        let mut flow = Flow::new(self.settings.clone(), chance, kept.as_deref(), need, clock::now().unix_ms);
        let mut cause = None;
        loop {
            match flow.poll_step() {
                Some(Step::Fetch(fetch)) => {
                    let reply = self.fetch(transport, fetch, &signal).await.unwrap_or(Reply::Failed);
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
                    self.token.replace(token);
                    return Ok(Authorized::Granted { refresh_at_unix_ms });
                }
                Some(Step::NeedsUser) => return Ok(Authorized::NeedsUser),
                Some(Step::Failed(trouble)) => {
                    let error: Error<JsValue> = trouble.into_error();
                    return Ok(Authorized::Failed(Box::new(error.with_cause(cause))));
                }
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

    async fn fetch(&self, transport: &Transport, fetch: Fetch, signal: &AbortSignal) -> Thrown<Reply> {
        let headers = fetch.headers.iter().fold(Plain::new(), |all, (name, value)| all.with(name, value.as_str()));
        let signals = Array::of2(signal, &js::abort_after(FETCH_MS)?);
        let init: JsValue = Plain::new()
            .with("method", fetch.method)
            .with("headers", headers)
            .with_some("body", fetch.body)
            .with("credentials", "omit")
            .with("cache", "no-store")
            // What is posted is secret.
            .with("redirect", if fetch.method == "GET" { "follow" } else { "error" })
            .with("signal", js::abort_with_any(&signals)?)
            .into();
        let response: Response = transport.call(&fetch.url, &init).await?.unchecked_into();
        let status = response.status()?.as_f64().unwrap_or_default() as u16;
        let text = RefCell::new(None);
        body::read(response, ReadAs::Text { max: BODY_BYTES }, |input| {
            if let Input::Text(whole) = input {
                text.replace(Some(whole));
            }
            true
        })
        .await;
        let body = text.take().ok_or_else(|| type_error("The body broke off."))?;
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
    let verifier = base64url(verifier);
    let digest = js::digest("SHA-256", &Uint8Array::from(verifier.as_bytes()))?;
    let challenge = base64url(&Uint8Array::new(&js::settled(&digest).await?).to_vec());
    Ok(Chance { verifier, challenge, state: base64url(state) })
}

/// Where the user is not asked, nothing is left to chance.
fn no_chance() -> Chance {
    Chance { verifier: String::new(), challenge: String::new(), state: String::new() }
}
