//! Performs authorizations, one after the other: fetches, keeps, asks the user. What is done, and in which order, is
//! `protocol::oauth`'s to say. The npm package has this in a WebAssembly module of its own, loaded where it is needed.

#[cfg(feature = "extras")]
mod by_proxy;

use super::{
    clock, exchange,
    host::Wanted,
    js::{self, AuthorizationHost, Thrown, type_error},
    task::Slot,
};
use crate::protocol::{
    Authorized, Error, Origin,
    oauth::{Chance, Fetch, Flow, Need, Reply, Settings, Spends, Step, Trouble},
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use js_sys::{Array, Function};
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, AbortSignal};

/// Milliseconds for one answer.
const FETCH_MS: u32 = 30_000;
/// Metadata and tokens are small.
const BODY_BYTES: u64 = 1 << 20;

/// Gets the tokens of one user with one server. Who drops one of its futures gives the authorization up: nothing more is
/// begun. But what spends a code or a refresh token is finished, under the lock, and what was granted is kept: the next
/// refresh with a token that was used is taken for a theft (RFC 9700, section 4.14.2).
///
/// ```no_run
/// use mcp_evergreen::{AuthSettings, Authorizer, Options};
/// use std::rc::Rc;
/// use wasm_bindgen::JsValue;
///
/// /// `host` is an object with the methods of the npm package's `authorization.js`.
/// fn options(settings: AuthSettings, host: JsValue) -> Options {
///     Options { authorizer: Some(Rc::new(Authorizer::new(settings, host))), ..Options::default() }
/// }
/// ```
pub struct Authorizer(Rc<Parts>);

struct Parts {
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
        /// Where it comes from.
        origin: Origin,
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
    pub fn into_fact(self) -> ((Option<String>, Origin), Authorized<JsValue>) {
        match self {
            Self::Token { token, refresh_at_unix_ms, same, origin } => {
                ((token, origin), Authorized::Granted { refresh_at_unix_ms, same })
            }
            Self::NeedsUser => (<_>::default(), Authorized::NeedsUser),
            Self::Failed(trouble, cause) => {
                let error: Error<JsValue> = trouble.into_error();
                (<_>::default(), Authorized::Failed(Box::new(error.with_cause(cause))))
            }
        }
    }
}

/// Something under way: its signal is aborted with it.
struct UnderWay(AbortController);

impl UnderWay {
    fn new() -> Thrown<Self> {
        Ok(Self(AbortController::new()?))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Authorizer {
    /// `host` is an object with the methods of the facade's `authorization.js`.
    #[must_use]
    pub fn new(settings: Settings, host: JsValue) -> Self {
        Self(Rc::new(Parts { settings, host: host.unchecked_into(), fetch: None }))
    }

    /// With a `fetch` of the host's.
    #[must_use]
    pub fn with_fetch(mut self, fetch: Option<Function>) -> Self {
        if let Some(parts) = Rc::get_mut(&mut self.0) {
            parts.fetch = fetch;
        }
        self
    }

    /// Gets a token. `asked` is called before the user is, and says whether somebody still waits for that.
    pub async fn authorize(&self, wanted: Wanted, asked: impl Fn() -> bool + 'static) -> Obtained {
        let token = wanted.token;
        let begun = match wanted.challenge {
            Some(challenge) => Ok(Begun::new(Need::Refused { challenge, ask: wanted.ask })),
            None => self.0.returned(false),
        };
        self.obtain(begun, token, asked).await
    }

    /// Takes what the user came back with: nothing but the tokens for that will do.
    pub async fn finish(&self) -> Obtained {
        self.obtain(self.0.returned(true), None, || false).await
    }

    /// Forgets the tokens, here and at the authorization server.
    ///
    /// # Errors
    /// What the host's storage threw.
    pub async fn sign_out(&self) -> Thrown<()> {
        self.carry_out(Begun::new(Need::SignOut), None, || false).await.map(drop)
    }

    async fn obtain(
        &self,
        begun: Thrown<Begun>,
        token: Option<String>,
        asked: impl Fn() -> bool + 'static,
    ) -> Obtained {
        match begun {
            Ok(begun) => self.carry_out(begun, token, asked).await.unwrap_or_else(Obtained::nothing),
            Err(cause) => Obtained::nothing(cause),
        }
    }

    /// It goes on by itself, as far as it has to.
    async fn carry_out(
        &self,
        begun: Begun,
        token: Option<String>,
        asked: impl Fn() -> bool + 'static,
    ) -> Thrown<Obtained> {
        let wanted = UnderWay::new()?;
        let (parts, signal, slot) = (Rc::clone(&self.0), wanted.0.signal(), Rc::new(Slot::default()));
        let result = Rc::clone(&slot);
        spawn_local(async move { result.put(parts.run(begun, token, &asked, &signal).await) });
        slot.get().await
    }
}

/// What an authorization begins with.
struct Begun {
    need: Need,
    /// Lives as long as what the user came back with is being taken.
    _returned: Option<UnderWay>,
}

impl Begun {
    fn new(need: Need) -> Self {
        Self { need, _returned: None }
    }
}

impl Parts {
    /// `signal` is aborted where nobody waits any more.
    async fn run(
        &self,
        begun: Begun,
        token: Option<String>,
        asked: &dyn Fn() -> bool,
        signal: &AbortSignal,
    ) -> Thrown<Obtained> {
        let need = &begun.need;
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
        let mut turn = Some(self.turn().await?);
        // Another tab may have been here while this one waited.
        let bound = js::settled(&self.host.bound()?).await?.as_string();
        let mut flow = begin(self.kept().await?, bound);
        let mut cause = None;
        let mut learned = Vec::new();
        loop {
            let step = flow.poll_step().ok_or_else(|| type_error("The authorization came to no end."))?;
            match step {
                // Nobody hears it.
                Step::Bind { .. } | Step::Grant { .. } | Step::Draw | Step::Open { .. } if signal.aborted() => {
                    return Ok(Obtained::NeedsUser);
                }
                Step::Fetch(fetch) if signal.aborted() && fetch.spends != Some(Spends::Code) => {
                    return Ok(Obtained::NeedsUser);
                }
                Step::Fetch(fetch) if fetch.keeps => {
                    let now = clock::now().unix_ms;
                    let known = self.host.known(&fetch.url).ok().and_then(|known| known.as_string());
                    let url = fetch.url.clone();
                    let reply = match known.and_then(|known| Reply::kept(&known, now)) {
                        Some(reply) => reply,
                        None => {
                            let reply = self.fetch(fetch, signal).await.unwrap_or_else(|thrown| lost(&thrown));
                            let _ = self.host.learn(&url, reply.to_keep(now).as_deref());
                            reply
                        }
                    };
                    learned.push(url);
                    flow.handle_reply(&reply, clock::now().unix_ms);
                }
                Step::Fetch(fetch) => {
                    let whole = UnderWay::new()?;
                    let until = if fetch.spends.is_some() { whole.0.signal() } else { signal.clone() };
                    let reply = self.fetch(fetch, &until).await.unwrap_or_else(|thrown| lost(&thrown));
                    flow.handle_reply(&reply, clock::now().unix_ms);
                }
                Step::Keep(text) => drop(js::settled(&self.host.keep(&text)?).await?),
                Step::Load => flow.handle_kept(self.kept().await?.as_deref(), clock::now().unix_ms),
                Step::Bind { issuer } => {
                    let bound = js::settled(&self.host.bind(&issuer)?).await?.as_string();
                    flow.handle_bound(&bound.ok_or_else(|| type_error("bind gave no issuer."))?);
                }
                Step::Name { said } => {
                    let resource = js::settled(&self.host.name(said.as_deref())?).await?.as_string();
                    flow.handle_resource(resource.as_deref());
                }
                Step::Grant { issuer, resource, scope } => {
                    let form = self.host.grant(&issuer, resource.as_deref(), scope.as_deref())?;
                    let form = js::settled(&form).await?.as_string();
                    flow.handle_grant(&form.ok_or_else(|| type_error("grant gave no form."))?);
                }
                Step::Draw => flow.handle_chance(chance().await?),
                Step::Open { .. } if !asked() => return Ok(Obtained::NeedsUser),
                Step::Open { url, state, pending } => {
                    // Others need not wait for the user.
                    drop(turn.take());
                    let returned = self.open(&url, &state, &pending, signal).await;
                    // That the user has not come back is nobody's fault then.
                    if returned.is_err() && signal.aborted() {
                        return Ok(Obtained::NeedsUser);
                    }
                    turn = Some(self.turn().await?);
                    let back = returned.as_deref().map_err(|thrown| self.not_returned(thrown));
                    flow.handle_returned(back, self.kept().await?.as_deref(), clock::now().unix_ms);
                    cause = returned.err();
                }
                over @ (Step::Granted { .. } | Step::NeedsUser | Step::Failed(_)) => {
                    drop(turn.take());
                    // What led nowhere is looked at anew.
                    if matches!(&over, Step::Failed(trouble) if !trouble.is_users()) {
                        learned.iter().for_each(|url| drop(self.host.learn(url, None)));
                    }
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
        let turn = UnderWay::new()?;
        js::settled(&self.host.lock(&turn.0.signal())?).await?;
        Ok(turn)
    }

    async fn open(&self, url: &str, state: &str, pending: &str, signal: &AbortSignal) -> Thrown<String> {
        let back = js::settled(&self.host.open(url, state, pending, signal)?).await?;
        back.as_string().ok_or_else(|| type_error("open gave no URL."))
    }

    /// With what the user came back with, if that is so.
    fn returned(&self, finish: bool) -> Thrown<Begun> {
        let taking = UnderWay::new()?;
        let returned = self.host.returned(&taking.0.signal())?;
        if !Array::is_array(&returned) {
            return Ok(Begun::new(Need::Stored { returned: None, finish }));
        }
        let returned: &Array = returned.unchecked_ref();
        let returned = returned.get(0).as_string().zip(returned.get(1).as_string());
        Ok(Begun { need: Need::Stored { returned, finish }, _returned: Some(taking) })
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
        Step::Granted { token, origin, refresh_at_unix_ms, same } => {
            Some(Obtained::Token { token, refresh_at_unix_ms, same, origin })
        }
        Step::NeedsUser => Some(Obtained::NeedsUser),
        Step::Failed(trouble) => Some(Obtained::Failed(trouble, cause)),
        Step::Fetch(_)
        | Step::Keep(_)
        | Step::Load
        | Step::Bind { .. }
        | Step::Name { .. }
        | Step::Grant { .. }
        | Step::Draw
        | Step::Open { .. } => None,
    }
}

/// A proxy says by what is thrown why there is no answer.
fn lost(thrown: &JsValue) -> Reply {
    let said = js_sys::Reflect::get(thrown, &"proxied".into()).ok().and_then(|said| said.as_string());
    said.map_or(Reply::Failed, |said| Reply::proxied(&said))
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
        Some("InvalidStateError") => Trouble::new(
            "cut_off",
            "The authorization server cut the window off (Cross-Origin-Opener-Policy), so that nobody can tell whether it is still \
             open; and the user is back in this page without an answer.",
        ),
        Some("SecurityError") => Trouble::new(
            "embedded",
            "The authorization server cut the window off (Cross-Origin-Opener-Policy), and this page is embedded in another \
             site's: the answer cannot reach it. Let the user open this page by itself, and sign in there.",
        ),
        Some("OperationError") => Trouble::new(
            "asked_elsewhere",
            "Another session of this page asked the user for the same authorization, and got none.",
        ),
        Some("ConstraintError") => Trouble::new(
            "redirect_loop",
            "The page was sent to the authorization server for this again and again, and came back without what it needs. \
             Where the provider has a `storage`, what was granted outlives the page.",
        ),
        Some("TimeoutError") => Trouble::new("timeout", "The user did not come back from authorizing in time."),
        _ => Trouble::new("not_returned", "The user could not be asked to authorize: see `cause`."),
    }
}

async fn chance() -> Thrown<Chance> {
    let bytes = js::random_bytes(64)?;
    let (verifier, state) = bytes.split_at(32);
    let verifier = BASE64_URL_SAFE_NO_PAD.encode(verifier);
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(&js::sha256(&verifier).await?);
    Ok(Chance { verifier, challenge, state: BASE64_URL_SAFE_NO_PAD.encode(state) })
}
