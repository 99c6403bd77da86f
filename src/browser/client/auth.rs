//! Ready-made ways to have the user sign in. What the page does for that is `auth.js`'s and `authorization.js`'s, which the npm
//! package has as well.

use super::{
    WebStorage,
    environment::Warner,
    proxy::{object, refused},
    sign_in::SignIn,
};
use crate::{
    browser::{
        authorize::Authorizer,
        js::{Thrown, property},
        options::Error,
    },
    protocol::{
        config::Ask,
        json::Members,
        oauth::{Settings, Trust},
    },
};
use js_sys::Object;
use std::{cell::OnceCell, fmt, rc::Rc};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/pkg-template/auth.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn popup(options: &Object) -> Thrown<JsValue>;
    #[wasm_bindgen(catch)]
    fn redirect(options: &Object) -> Thrown<JsValue>;
    #[wasm_bindgen(js_name = completeAuthorization, catch)]
    fn complete() -> Thrown<bool>;
}

#[wasm_bindgen(module = "/pkg-template/authorization.js")]
extern "C" {
    #[wasm_bindgen(js_name = readAuth, catch)]
    fn read_auth(auth: &Object, url: &str, whose: &Object) -> Thrown<JsValue>;
}

/// What these files import goes along because it is named here.
mod along {
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen(module = "/pkg-template/notes.js")]
    extern "C" {
        #[wasm_bindgen(js_name = forgetResponse)]
        fn forget_response();
    }
    #[wasm_bindgen(module = "/pkg-template/in_time.js")]
    extern "C" {
        #[wasm_bindgen(js_name = inTime)]
        fn in_time(promise: &JsValue, ms: f64, what: &str) -> JsValue;
    }
    #[wasm_bindgen(module = "/pkg-template/written.js")]
    extern "C" {
        fn written(name: &str) -> JsValue;
    }
}

/// How the user signs in where a server wants that (MCP 2025-11-25, Authorization: OAuth 2.1 with PKCE, RFC 7636): in a window
/// of its own, or by leaving the page. `redirect_url` is a page of this page's own origin that calls
/// [`complete_authorization`]. Clones are the same: sessions that have one ask the user once, also at the same time.
///
/// Without [`Auth::client_id`] the page registers itself where the authorization server takes that (RFC 7591). When the user is
/// asked is [`Config::ask`](crate::Config)'s to say: with [`Ask::Click`](crate::Ask) calls wait until
/// [`Session::authorize`](crate::Session::authorize) is called in a click, since browsers open windows only then.
///
/// A login that fails is [`Code::Auth`](crate::Code), with `diagnosis.kind` such as `popup_blocked`, `closed`, `cut_off` or
/// `timeout`; a `redirect_url` of another origin is [`Code::InvalidOption`](crate::Code).
///
/// ```no_run
/// use mcp_evergreen::{Ask, Auth, Config, Options, WebStorage, connect};
///
/// # async fn run() -> Result<(), Box<mcp_evergreen::Error>> {
/// let auth = Auth::popup("/callback.html").storage(WebStorage::local());
/// let config = Config { ask: Ask::Click, ..Config::default() };
/// let session = connect("https://example.com/mcp", Options { config, auth: Some(auth), ..Options::default() }).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Auth {
    navigates: bool,
    given: Vec<(&'static str, JsValue)>,
    client: Client,
    resource: Option<String>,
    trust: Option<Trust>,
    /// Made when it is needed first. What it keeps in memory is all clones'.
    provider: Rc<OnceCell<JsValue>>,
}

#[derive(Clone, Default)]
struct Client {
    id: Option<String>,
    secret: Option<String>,
    issuer: Option<String>,
}

impl fmt::Debug for Auth {
    /// Without the client's secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("navigates", &self.navigates)
            .field("client_id", &self.client.id)
            .finish_non_exhaustive()
    }
}

impl Auth {
    /// In a window of its own, which the page at `redirect_url` (absolute, or relative to this page) answers from. The window has
    /// no opener: what is shown there can neither reach this page nor navigate it.
    ///
    /// ```no_run
    /// use mcp_evergreen::{Auth, Options};
    ///
    /// let options = Options { auth: Some(Auth::popup("/callback.html")), ..Options::default() };
    /// ```
    #[must_use]
    pub fn popup(redirect_url: impl Into<String>) -> Self {
        Self::new(false, redirect_url.into())
    }

    /// The page itself goes to the authorization server and comes back; the next [`connect`](crate::connect) with the same
    /// options finishes what was begun. Until then what is needed for that stands in `sessionStorage`.
    ///
    /// ```no_run
    /// use mcp_evergreen::{Auth, Options};
    ///
    /// let options = Options { auth: Some(Auth::redirect("/callback.html")), ..Options::default() };
    /// ```
    #[must_use]
    pub fn redirect(redirect_url: impl Into<String>) -> Self {
        Self::new(true, redirect_url.into())
    }

    fn new(navigates: bool, redirect_url: String) -> Self {
        Self {
            navigates,
            given: vec![("redirectUrl", redirect_url.into())],
            client: Client::default(),
            resource: None,
            trust: None,
            provider: Rc::default(),
        }
    }

    /// A client that is registered already; or, as an https: URL with a path, that of the client's metadata document.
    ///
    /// ```no_run
    /// use mcp_evergreen::Auth;
    ///
    /// let auth = Auth::popup("/callback.html").client_id("https://app.example.com/client.json");
    /// ```
    #[must_use]
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        self.client.id = Some(id.into());
        let id = self.client.id.clone();
        self.with("clientId", id)
    }

    /// Of such a client. What stands in a page is no secret.
    ///
    /// ```no_run
    /// use mcp_evergreen::Auth;
    ///
    /// let auth = Auth::popup("/callback.html").client_id("page").client_secret("known-to-all");
    /// ```
    #[must_use]
    pub fn client_secret(mut self, secret: impl Into<String>) -> Self {
        self.client.secret = Some(secret.into());
        self
    }

    /// The authorization server that such a client belongs to. Default: the one where it is used first.
    ///
    /// ```no_run
    /// use mcp_evergreen::Auth;
    ///
    /// let auth = Auth::popup("/callback.html").client_id("page").issuer("https://login.example.com");
    /// ```
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.client.issuer = Some(issuer.into());
        self
    }

    /// What is registered where the page registers itself: an object of RFC 7591, section 2, such as `client_name`.
    ///
    /// ```no_run
    /// use mcp_evergreen::Auth;
    /// use serde_json::json;
    ///
    /// let auth = Auth::popup("/callback.html").client_metadata(&json!({ "client_name": "Otters" }));
    /// ```
    #[must_use]
    pub fn client_metadata(self, metadata: &serde_json::Value) -> Self {
        let object = js_sys::JSON::parse(&metadata.to_string()).unwrap_or_default();
        self.with("clientMetadata", Some(object))
    }

    /// Where tokens and registrations outlive the page: `localStorage` for all tabs, `sessionStorage` for one. Default: they
    /// last as long as the page.
    ///
    /// ```no_run
    /// use mcp_evergreen::{Auth, WebStorage};
    ///
    /// let auth = Auth::popup("/callback.html").storage(WebStorage::local());
    /// ```
    #[must_use]
    pub fn storage(self, storage: Option<WebStorage>) -> Self {
        self.with("storage", storage.map(WebStorage::into_js))
    }

    /// Milliseconds that the user has, from 1 to 2 147 483 647. Default: 300 000 in a window; 60 000 to leave the page.
    ///
    /// ```no_run
    /// use mcp_evergreen::Auth;
    ///
    /// let auth = Auth::popup("/callback.html").timeout_ms(600_000);
    /// ```
    #[must_use]
    pub fn timeout_ms(self, ms: u32) -> Self {
        self.with("timeout", Some(f64::from(ms.clamp(1, i32::MAX as u32))))
    }

    /// How large the window is, in CSS pixels. Default 520 × 720.
    ///
    /// ```no_run
    /// use mcp_evergreen::Auth;
    ///
    /// let auth = Auth::popup("/callback.html").size(600, 800);
    /// ```
    #[must_use]
    pub fn size(self, width: u32, height: u32) -> Self {
        self.with("width", Some(width)).with("height", Some(height))
    }

    /// What the server is called in requests for tokens (RFC 8707), where its own address is not known, as behind a proxy.
    /// Default: its URL.
    ///
    /// ```no_run
    /// use mcp_evergreen::Auth;
    ///
    /// let auth = Auth::popup("/callback.html").resource("https://example.com/mcp");
    /// ```
    #[must_use]
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self
    }

    /// What the host vouches for of its own authorization server.
    ///
    /// ```no_run
    /// use mcp_evergreen::{Auth, AuthTrust};
    ///
    /// let trust = AuthTrust { issuer: "https://login.example.com".into(), ..AuthTrust::default() };
    /// let auth = Auth::popup("/callback.html").trust(trust);
    /// ```
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = Some(trust);
        self
    }

    fn with(mut self, name: &'static str, value: Option<impl Into<JsValue>>) -> Self {
        self.given.retain(|(other, _)| *other != name);
        self.given.extend(value.map(|value| (name, value.into())));
        // Who is another keeps other things.
        self.provider = Rc::default();
        self
    }

    fn provider(&self) -> Thrown<JsValue> {
        if let Some(made) = self.provider.get() {
            return Ok(made.clone());
        }
        let given: Vec<_> = self.given.iter().map(|(name, value)| (*name, value)).collect();
        let make = if self.navigates { redirect } else { popup };
        let made = make(&object(&given))?;
        Ok(self.provider.get_or_init(|| made).clone())
    }

    /// For the server at `url`.
    pub(super) fn open(
        &self,
        url: &str,
        ask: Ask,
        identity: Option<&str>,
        warner: &Warner,
    ) -> Result<(Authorizer, SignIn), Box<Error>> {
        let provider = self.provider().map_err(refused)?;
        let text = |text: Option<&str>| text.map_or(JsValue::UNDEFINED, JsValue::from);
        let ask = match ask {
            Ask::Auto => "auto",
            Ask::Click => "click",
            Ask::Never => "never",
        };
        let auth = object(&[("provider", &provider), ("ask", &ask.into())]);
        let whose = object(&[("identity", &text(identity)), ("resource", &text(self.resource.as_deref()))]);
        let host = read_auth(&auth, url, &whose).map_err(refused)?;
        let Client { id, secret, issuer } = self.client.clone();
        let settings = Settings {
            endpoint: url.to_owned(),
            resource: self.resource.clone(),
            redirect_url: property(&host, "redirectUrl").as_string().unwrap_or_default(),
            client_id: id,
            client_secret: secret,
            client_is_renewable: false,
            issuer,
            bound: None,
            client_metadata: property(&host, "clientMetadata").as_string().and_then(|text| Members::parse(&text)),
            unattended: false,
            names_resource: false,
            trust: self.trust.clone(),
        };
        let sign_in = SignIn::new(&host, warner);
        Ok((Authorizer::new(settings, host), sign_in))
    }
}

/// For the page at the `redirect_url` of an [`Auth`], first of all that it does: hands what the authorization server sent back to
/// the page that waits for it, and closes the window; or goes back to the page that was left. The answer is taken out of this
/// page's address first (RFC 9700, section 4.2.4), and nobody of another origin hears of it.
///
/// Says whether an authorization server called this page at all: its address has a `state`, and a `code` or an `error` (RFC 6749,
/// section 4.1.2).
///
/// ```no_run
/// if !mcp_evergreen::complete_authorization() {
///     // Somebody looks at this page by itself.
/// }
/// ```
pub fn complete_authorization() -> bool {
    complete().unwrap_or_default()
}
