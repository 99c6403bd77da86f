//! What is imported from JavaScript. The types are structural: nothing is checked by `instanceof`, what may throw is
//! caught, and what a host or a page may have changed arrives as a `JsValue`.

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortSignal;

/// What a call into JavaScript gives or throws.
pub type Thrown<T> = Result<T, JsValue>;

#[wasm_bindgen]
extern "C" {
    /// The global object, as far as it is needed.
    pub type Global;
    #[wasm_bindgen(method, getter, catch)]
    pub(super) fn location(this: &Global) -> Thrown<JsValue>;

    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = digest, catch)]
    pub(super) fn digest(algorithm: &str, bytes: &js_sys::Uint8Array) -> Thrown<JsValue>;

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
    #[wasm_bindgen(method, catch)]
    pub(super) fn keep(this: &AuthorizationHost, text: &str) -> Thrown<JsValue>;
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

    #[wasm_bindgen(js_name = setTimeout, catch)]
    pub(super) fn set_timeout(run: &Function, ms: i32) -> Thrown<JsValue>;
    #[wasm_bindgen(js_name = queueMicrotask)]
    pub(super) fn queue_microtask(run: &Closure<dyn FnMut()>);
    #[wasm_bindgen(js_name = clearTimeout, catch)]
    pub(super) fn clear_timeout(id: &JsValue) -> Thrown<()>;
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    pub(super) fn performance_now() -> f64;
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues, catch)]
    pub(super) fn random_values(into: &js_sys::Uint32Array) -> Thrown<JsValue>;

    /// Throws where a promise of the host's own make does.
    #[wasm_bindgen(js_namespace = Promise, js_name = resolve, catch)]
    fn promise_of(value: &JsValue) -> Thrown<Promise>;

    /// `JSON.parse` of a string that never leaves the engine.
    #[wasm_bindgen(js_namespace = JSON, js_name = parse, catch)]
    pub(super) fn parse_json(text: &JsValue) -> Thrown<JsValue>;

    /// A URL.
    #[wasm_bindgen(js_name = URL)]
    pub(super) type Url;
    #[wasm_bindgen(constructor, js_class = "URL", catch)]
    pub(super) fn parse(url: &str, base: &JsValue) -> Thrown<Url>;
    #[wasm_bindgen(method, getter)]
    pub(super) fn href(this: &Url) -> String;
    #[wasm_bindgen(method, getter)]
    pub(super) fn protocol(this: &Url) -> String;
}

/// Waits for a promise, or for what is none, as `await` does.
pub(super) async fn settled(value: &JsValue) -> Thrown<JsValue> {
    JsFuture::from(promise_of(value)?).await
}

/// A plain object under construction.
pub(crate) struct Plain(js_sys::Object);

impl Plain {
    /// `{}`
    pub(crate) fn new() -> Self {
        Self(js_sys::Object::new())
    }

    /// With one more field.
    pub(crate) fn with(self, key: &str, value: impl Into<JsValue>) -> Self {
        // Cannot fail: the object is our own, and extensible.
        let _ = js_sys::Reflect::set(&self.0, &key.into(), &value.into());
        self
    }

    /// With one more field, where there is a value for it.
    #[cfg(any(feature = "js", feature = "js-auth"))]
    pub(crate) fn with_some(self, key: &str, value: Option<impl Into<JsValue>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }
}

impl From<Plain> for JsValue {
    fn from(plain: Plain) -> Self {
        plain.0.into()
    }
}

/// A `TypeError`.
pub(crate) fn type_error(message: &str) -> JsValue {
    js_sys::TypeError::new(message).into()
}
