//! Requests by way of a host's `mcp-evergreen/proxy`. Which request goes which way is `proxied.js`'s to say, which the npm
//! package has as well.

use super::{
    command::{invalid, pairs},
    environment::Warner,
};
use crate::browser::{
    js::{Thrown, property},
    options::Error,
};
use js_sys::{Array, Function, Object, Promise};
use std::{fmt, future::Future, pin::Pin, rc::Rc};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

#[wasm_bindgen(module = "/pkg-template/proxy_option.js")]
extern "C" {
    #[wasm_bindgen(js_name = readProxy, catch)]
    fn read_proxy(name: &str, given: &JsValue) -> Thrown<JsValue>;
    #[wasm_bindgen(catch)]
    fn proxied(given: &Object) -> Thrown<JsValue>;
}

/// What that file imports goes along because it is named here.
mod along {
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen(module = "/pkg-template/proxied.js")]
    extern "C" {
        type Ways;
    }
    #[wasm_bindgen(module = "/pkg-template/proxy_wire.js")]
    extern "C" {
        #[wasm_bindgen(js_name = isNeeded)]
        fn is_needed(name: &str) -> bool;
    }
    #[wasm_bindgen(module = "/pkg-template/abortable.js")]
    extern "C" {
        fn abortable(promise: &JsValue, signal: &JsValue) -> JsValue;
    }
    #[wasm_bindgen(module = "/pkg-template/checks.js")]
    extern "C" {
        fn wrong(name: &str, expected: &str, value: &JsValue) -> JsValue;
    }
}

type Fields = Vec<(String, String)>;
type Warn = dyn Fn(String, String);
type ReadFields = dyn Fn() -> Pin<Box<dyn Future<Output = Fields>>>;

/// A proxy of the host's, for servers that send a page no CORS headers: the handler of the npm package's
/// `mcp-evergreen/proxy` answers at its URL. It gets `evergreen-target` with each request, and marks whose word its answer is
/// (`docs/proxy.md` in that package).
///
/// A handshake whose answer the page sees nothing of (Fetch, section 4.10: a failed CORS check is a `TypeError`) goes by the
/// proxy as well, and so does the session from then on; which way an endpoint took is remembered for an hour. Nothing that may
/// have run is sent the other way.
///
/// Errors are those of [`connect`](crate::connect); [`Code::Proxy`](crate::Code) where the proxy refuses in its own name, or
/// what answers at its address is none, and `diagnosis` says which.
///
/// ```no_run
/// use mcp_evergreen::{Options, Proxy, connect};
///
/// # async fn run() -> Result<(), Box<mcp_evergreen::Error>> {
/// let proxy = Proxy::new("/mcp-proxy").header("x-csrf", "of-the-page");
/// let session = connect("https://no-cors.example/mcp", Options { proxy: Some(proxy), ..Options::default() }).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Proxy {
    url: String,
    when: &'static str,
    oauth: bool,
    fields: Fields,
    read: Option<Rc<ReadFields>>,
}

impl fmt::Debug for Proxy {
    /// Without its header fields, which may be a credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, when, oauth, .. } = self;
        f.debug_struct("Proxy").field("url", url).field("when", when).field("oauth", oauth).finish_non_exhaustive()
    }
}

impl Proxy {
    /// At this URL: absolute, or relative to the page; http(s), and without a user name. [`connect`](crate::connect) says where
    /// it is none ([`Code::InvalidOption`](crate::Code)).
    ///
    /// ```no_run
    /// use mcp_evergreen::Proxy;
    ///
    /// let proxy = Proxy::new("https://app.example/mcp-proxy");
    /// ```
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), when: "cors", oauth: false, fields: Fields::new(), read: None }
    }

    /// All requests go by it, also to servers that the page could ask itself.
    ///
    /// ```no_run
    /// use mcp_evergreen::Proxy;
    ///
    /// let proxy = Proxy::new("/mcp-proxy").always();
    /// ```
    #[must_use]
    pub fn always(mut self) -> Self {
        self.when = "always";
        self
    }

    /// What is posted to authorization servers goes by it, too: it then sees codes and tokens. Default: their metadata only.
    ///
    /// ```no_run
    /// use mcp_evergreen::Proxy;
    ///
    /// let proxy = Proxy::new("/mcp-proxy").oauth();
    /// ```
    #[must_use]
    pub fn oauth(mut self) -> Self {
        self.oauth = true;
        self
    }

    /// A header field for the proxy itself, such as its credential; not one that MCP has (`authorization`, `mcp-…`), which
    /// are the server's: with such a one, requests fail.
    ///
    /// ```no_run
    /// use mcp_evergreen::Proxy;
    ///
    /// let proxy = Proxy::new("/mcp-proxy").header("x-csrf", "of-the-page");
    /// ```
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// The same, asked for at each request that goes by the proxy.
    ///
    /// ```no_run
    /// use mcp_evergreen::Proxy;
    ///
    /// # async fn fresh() -> String { String::new() }
    /// let proxy = Proxy::new("/mcp-proxy").headers(|| async { vec![("x-csrf".into(), fresh().await)] });
    /// ```
    #[must_use]
    pub fn headers<F>(mut self, read: impl Fn() -> F + 'static) -> Self
    where
        F: Future<Output = Vec<(String, String)>> + 'static,
    {
        self.read = Some(Rc::new(move || Box::pin(read())));
        self
    }
}

/// Each in the place of a `fetch`.
pub(super) struct Ways {
    pub mcp: Function,
    pub oauth: Function,
    /// Of the proxy, absolute.
    pub url: String,
    /// What JavaScript calls.
    _ears: (Closure<dyn Fn() -> Promise>, Closure<Warn>),
}

impl Ways {
    /// `send` and `send_oauth`: the host's own, where it has any.
    ///
    /// # Errors
    /// When the proxy's URL is none.
    pub fn open(
        proxy: Proxy,
        endpoint: &str,
        (send, send_oauth): (Option<&Function>, Option<&Function>),
        warner: Warner,
    ) -> Result<Self, Box<Error>> {
        let Proxy { url, when, oauth, fields, read } = proxy;
        let headers: Closure<dyn Fn() -> Promise> = Closure::new(move || {
            let (mut all, read) = (fields.clone(), read.clone());
            future_to_promise(async move {
                if let Some(read) = read {
                    all.extend(read().await);
                }
                Object::from_entries(&pairs(&all)).map(JsValue::from)
            })
        });
        let warn: Closure<Warn> = Closure::new(move |kind: String, hint: String| {
            warner.warn(&kind, &hint);
        });
        let asked =
            [("url", &url.into()), ("when", &when.into()), ("oauth", &oauth.into()), ("headers", headers.as_ref())];
        let read = read_proxy("proxy", &object(&asked)).map_err(refused)?;
        let own = |given: Option<&Function>| given.map_or(JsValue::UNDEFINED, JsValue::from);
        let parts = object(&[
            ("proxy", &read),
            ("endpoint", &endpoint.into()),
            ("send", &own(send)),
            ("sendOauth", &own(send_oauth)),
            ("warn", warn.as_ref()),
        ]);
        let ways = proxied(&parts).map_err(refused)?;
        Ok(Self {
            mcp: property(&ways, "mcp").unchecked_into(),
            oauth: property(&ways, "oauth").unchecked_into(),
            url: property(&read, "url").as_string().unwrap_or_default(),
            _ears: (headers, warn),
        })
    }
}

/// A plain one.
pub(super) fn object(members: &[(&str, &JsValue)]) -> Object {
    let entries: Array = members.iter().map(|(name, value)| Array::of2(&(*name).into(), value)).collect();
    Object::from_entries(&entries).unwrap_or_default()
}

/// What was thrown says which option is wrong.
pub(super) fn refused(thrown: JsValue) -> Box<Error> {
    let text = property(&thrown, "message").as_string();
    invalid(text.unwrap_or_else(|| "An option is wrong.".to_owned()))
}
