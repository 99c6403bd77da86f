//! The platform, by `web-sys`; and what is still imported by hand. Nothing is checked by `instanceof`, what may throw is
//! caught, and what a host or a page may have changed arrives as a `JsValue`.
//!
//! By hand are: `JSON.parse` of a string that never leaves the engine, for which `js-sys` would copy it into the module's
//! memory and back; what `payload.rs` asks of a message, one step across the boundary for each question; Web Locks in `tabs.rs`, which
//! `web-sys` has only with a `--cfg` that a library cannot ask of those who use it; and the objects and functions of this
//! crate's own JavaScript, through which all that concerns `fetch` goes: a host or a page may have put another in its
//! place, which may throw or answer with anything.

use js_sys::{Array, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Crypto, Performance, Window};

/// What a call into JavaScript gives or throws.
pub type Thrown<T> = Result<T, JsValue>;

#[wasm_bindgen]
extern "C" {
    /// Keeps what an authorization leaves, and asks the user. Whatever is under way ends with the signal.
    pub(super) type AuthorizationHost;
    /// A promise of the text that was kept last, if there is one.
    #[wasm_bindgen(method, catch)]
    pub(super) fn load(this: &AuthorizationHost) -> Thrown<JsValue>;
    /// A promise of the issuer that the pre-registered client is bound to, if it is.
    #[wasm_bindgen(method, catch)]
    pub(super) fn bound(this: &AuthorizationHost) -> Thrown<JsValue>;
    /// The same, after it was bound to this one where it was to none.
    #[wasm_bindgen(method, catch)]
    pub(super) fn bind(this: &AuthorizationHost, issuer: &str) -> Thrown<JsValue>;
    /// A promise of what the server is called in requests for tokens, or of `undefined`: it is not named.
    #[wasm_bindgen(method, catch)]
    pub(super) fn name(this: &AuthorizationHost, said: Option<&str>) -> Thrown<JsValue>;
    /// A promise of what is exchanged for a token, as a form.
    #[wasm_bindgen(method, catch)]
    pub(super) fn grant(
        this: &AuthorizationHost,
        issuer: &str,
        resource: Option<&str>,
        scope: Option<&str>,
    ) -> Thrown<JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(super) fn keep(this: &AuthorizationHost, text: &str) -> Thrown<JsValue>;
    /// The text that was learned at this address.
    #[wasm_bindgen(method, catch)]
    pub(super) fn known(this: &AuthorizationHost, url: &str) -> Thrown<JsValue>;
    /// Keeps it, or forgets it.
    #[wasm_bindgen(method, catch)]
    pub(super) fn learn(this: &AuthorizationHost, url: &str, text: Option<&str>) -> Thrown<()>;
    /// A promise that settles once no other authorization of this user with this server is under way anywhere; none
    /// begins until the signal is aborted.
    #[wasm_bindgen(method, catch)]
    pub(super) fn lock(this: &AuthorizationHost, signal: &AbortSignal) -> Thrown<JsValue>;
    /// `[pending, url]`, where the user has come back to this page. The signal is aborted once that was taken.
    #[wasm_bindgen(method, catch)]
    pub(super) fn returned(this: &AuthorizationHost, signal: &AbortSignal) -> Thrown<JsValue>;
    /// Whether `open` throws because the user is away, and comes back to somebody else.
    #[wasm_bindgen(method, getter)]
    pub(super) fn leaves(this: &AuthorizationHost) -> bool;
    /// A promise of the URL that the user came back with.
    #[wasm_bindgen(method, catch)]
    pub(super) fn open(
        this: &AuthorizationHost,
        url: &str,
        state: &str,
        pending: &str,
        signal: &AbortSignal,
    ) -> Thrown<JsValue>;

    /// `JSON.parse` of a string that never leaves the engine.
    #[wasm_bindgen(js_namespace = JSON, js_name = parse, catch)]
    pub(super) fn parse_json(text: &JsValue) -> Thrown<JsValue>;
}

thread_local! {
    /// The global object. A worker and Node have no `Window`, and by the same names what is asked of it here.
    static GLOBAL: Window = js_sys::global().unchecked_into();
    /// Asked for the time at every fact.
    static PERFORMANCE: Option<Performance> = global(Window::performance);
}

/// Asks something of the global object.
pub(super) fn global<T>(ask: impl FnOnce(&Window) -> T) -> T {
    GLOBAL.with(ask)
}

/// A property that not every platform has: `undefined` where it is none, or that cannot be had.
pub(super) fn property(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &name.into()).unwrap_or_default()
}

/// Milliseconds of a clock that is never set.
pub(super) fn monotonic_ms() -> f64 {
    PERFORMANCE.with(|clock| clock.as_ref().map_or_else(js_sys::Date::now, Performance::now))
}

/// Bytes that nobody can guess.
pub(super) fn random_bytes(count: u32) -> Thrown<Vec<u8>> {
    let bytes = Uint8Array::new_with_length(count);
    crypto()?.get_random_values_with_js_u8_array(&bytes)?;
    Ok(bytes.to_vec())
}

pub(super) async fn sha256(text: &str) -> Thrown<Vec<u8>> {
    let bytes = Uint8Array::from(text.as_bytes());
    let digest = crypto()?.subtle().digest_with_str_and_js_u8_array("SHA-256", &bytes)?;
    Ok(Uint8Array::new(&JsFuture::from(digest).await?).to_vec())
}

/// In a page that is no secure context there is no `subtle`, and elsewhere there may be no `crypto`.
fn crypto() -> Thrown<Crypto> {
    global(Window::crypto)
}

/// Waits for a promise, or for what is none, as `await` does.
pub(super) async fn settled(value: &JsValue) -> Thrown<JsValue> {
    // Unlike `Promise.resolve`, it rejects where a promise of the host's own make throws.
    JsFuture::from(Promise::race(&Array::of1(value))).await
}

/// A `TypeError`.
pub(crate) fn type_error(message: &str) -> JsValue {
    js_sys::TypeError::new(message).into()
}
