//! One request through `fetch`: the host's, or the platform's in a window, a worker or Node.

use super::js::{self, Plain, Response, Thrown, type_error};
use crate::protocol::{
    Purpose, Reach,
    http::{Head, Method, Request},
    json::quote,
};
use js_sys::Function;
use std::cell::RefCell;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::AbortSignal;

/// A probe does not hold its connection for longer. The core does not wait for so long.
const PROBE_MS: u32 = 10_000;

/// How requests reach the server.
pub struct Transport {
    /// The MCP endpoint, absolute.
    pub url: String,
    /// Sends it.
    pub fetcher: Fetcher,
    /// The host's header fields: `undefined`, an object, or a function that is called for each request,
    /// `(ctx: {purpose, method, url}) => object | Promise<object>`.
    pub headers: JsValue,
    /// `omit`, `same-origin` or `include`.
    pub credentials: String,
    /// Goes along, to the MCP endpoint and nowhere else.
    pub token: RefCell<Option<String>>,
}

/// The host's `fetch`; the platform's where there is none.
#[derive(Default)]
pub struct Fetcher(pub Option<Function>);

/// How a request is answered.
pub enum Sent {
    /// With a head; the body is still to be read.
    Answered(Head, Response),
    /// With a redirect. A browser hides where it leads.
    Redirected,
    /// Not at all: it was not sent, because of what the host's `headers` threw or gave.
    Unsent(JsValue),
}

impl Transport {
    pub(super) fn token(&self) -> Option<String> {
        self.token.borrow().clone()
    }

    pub(super) fn set_token(&self, token: Option<String>) {
        self.token.replace(token);
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    /// What was thrown, by the platform or by the host's `fetch`.
    pub async fn send(&self, purpose: Purpose, request: Request, signal: &AbortSignal) -> Thrown<Sent> {
        let headers = match self.headers(purpose, &request).await {
            Ok(headers) => headers,
            Err(cause) => return Ok(Sent::Unsent(cause)),
        };
        let fields = object(&[
            ("method", request.method.as_str()),
            ("credentials", &self.credentials),
            // Chromium asks for a new preflight with every request that passes the cache by, and nothing but the
            // answer to a GET is ever cached.
            ("cache", if request.method == Method::Get { "no-store" } else { "default" }),
            // A redirect would carry the session, and what `headers` adds, to an address that nobody chose.
            ("redirect", "manual"),
        ]);
        let init: JsValue = Plain::parsed(&fields)?
            .with("headers", headers)
            // The farewell outlives the page.
            .with_some("keepalive", (request.method == Method::Delete).then_some(true))
            .with_some("body", request.body)
            .with("signal", signal)
            .into();
        let response = self.fetcher.call(&self.url, &init).await?;
        if !response.is_object() {
            return Err(type_error("fetch did not give a Response."));
        }
        let response: Response = response.unchecked_into();
        if is_redirect(&response)? {
            return Ok(Sent::Redirected);
        }
        Ok(Sent::Answered(head(&response)?, response))
    }

    /// Whether anything answers at the endpoint: a request whose answer need not be readable tells a server that is
    /// down from one whose answers CORS hides. It carries nothing of the session's or the host's.
    pub async fn reach(&self) -> Reach {
        let global: js::Global = js_sys::global().unchecked_into();
        let location = global.location().unwrap_or_default();
        // Outside of a page there is no CORS, nor with a host's own `fetch` that we know of.
        if self.fetcher.0.is_some() || !location.is_object() {
            return Reach::Unknown;
        }
        if super::page::is_offline() {
            return Reach::Offline;
        }
        let page = location.unchecked_ref::<js::Url>().origin();
        let endpoint = js::Url::parse(&self.url, &JsValue::UNDEFINED).map(|url| url.origin());
        let init: JsValue = Plain::new()
            .with("method", "HEAD")
            .with("mode", "no-cors")
            .with("credentials", "omit")
            .with("cache", "no-store")
            .with_some("signal", js::abort_after(PROBE_MS).ok())
            .into();
        match self.fetcher.call(&self.url, &init).await {
            Err(_) => Reach::Silent,
            Ok(_) if endpoint.is_ok_and(|endpoint| endpoint == page) => Reach::Unknown,
            Ok(_) => Reach::Answers,
        }
    }

    /// The host's fields, then the request's, as a plain object: what the protocol needs, no host can change.
    async fn headers(&self, purpose: Purpose, request: &Request) -> Thrown<JsValue> {
        let mut own = self.headers.clone();
        if let Some(headers) = own.dyn_ref::<Function>() {
            let context = Plain::new()
                .with("purpose", purpose.as_str())
                .with("method", request.method.as_str())
                .with("url", self.url.as_str());
            own = js::settled(&headers.call1(&JsValue::UNDEFINED, &context.into())?).await?;
        }
        let token = self.token().map(|token| format!("Bearer {token}"));
        let mut fields: Vec<_> = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        fields.extend(token.as_deref().map(|token| ("authorization", token)));
        if own.is_null() || own.is_undefined() {
            return Ok(Plain::parsed(&object(&fields))?.into());
        }
        let headers = js::Headers::from_host(&own)?;
        for (name, value) in fields {
            headers.set(name, value)?;
        }
        js::from_entries(&headers)
    }
}

impl Fetcher {
    pub(super) async fn call(&self, url: &str, init: &JsValue) -> Thrown<JsValue> {
        let answer = self.function()?.call2(&JsValue::UNDEFINED, &url.into(), init)?;
        js::settled(&answer).await
    }

    fn function(&self) -> Thrown<Function> {
        if let Some(fetch) = &self.0 {
            return Ok(fetch.clone());
        }
        let global: js::Global = js_sys::global().unchecked_into();
        global.fetch()?.dyn_into().map_err(|_| type_error("There is no fetch here: give one as the option `fetch`."))
    }
}

/// The JSON text of an object: to JavaScript one string goes sooner than each of many.
fn object(fields: &[(&str, &str)]) -> String {
    let fields: Vec<_> = fields.iter().map(|(name, value)| [&*quote(name), ":", &*quote(value)].concat()).collect();
    ["{", &fields.join(","), "}"].concat()
}

fn is_redirect(response: &Response) -> Thrown<bool> {
    // Node shows the status, browsers do not.
    let status =
        response.status()?.as_f64().is_some_and(|status| [301.0, 302.0, 303.0, 307.0, 308.0].contains(&status));
    Ok(status || response.kind()?.as_string().as_deref() == Some("opaqueredirect"))
}

fn head(response: &Response) -> Thrown<Head> {
    if response.redirected()?.as_bool() == Some(true) {
        return Err(type_error("The host's fetch followed a redirect, which it was asked not to."));
    }
    let status = response.status()?.as_f64().filter(|status| (100.0..600.0).contains(status));
    let Some(status) = status else { return Err(type_error("fetch gave a Response without a status.")) };
    let headers = response.headers()?;
    if !headers.is_object() {
        return Err(type_error("fetch gave a Response without headers."));
    }
    let headers: js::Headers = headers.unchecked_into();
    let field = |name| headers.get(name).map(|value| value.as_string());
    Ok(Head {
        // Between 100 and 600.
        status: status as u16,
        content_type: field("content-type")?,
        session_id: field("mcp-session-id")?,
        retry_after: field("retry-after")?,
        www_authenticate: field("www-authenticate")?,
    })
}
