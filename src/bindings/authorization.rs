//! The exports of the package's second module: authorizations.

use super::{
    obtained::Told,
    values::{Raw, call, read, read_options},
};
use crate::{
    browser::{
        authorize::Authorizer,
        host::Wanted,
        js::Thrown,
        task::{self, Task},
    },
    protocol::{
        Challenge,
        json::Members,
        oauth::{Settings, Trust},
    },
};
use js_sys::Function;
use serde::Deserialize;
use wasm_bindgen::prelude::*;

/// The guard of an authorization under way.
#[wasm_bindgen]
pub struct Running {
    _task: Task,
}

/// Gets a token. `auth` is what the facade's `authorization.js` makes of a provider (see [`Auth`]), and for `wanted` see
/// [`Demand`]; `asked` is called before the user is, and says whether somebody still waits for that. Gives [`Told`].
///
/// # Errors
/// A `TypeError` where the facade hands over what it should not.
#[wasm_bindgen]
pub fn authorize(auth: &JsValue, wanted: &JsValue, asked: JsValue, resolve: JsValue) -> Result<Running, JsValue> {
    let authorizer = authorizer(auth)?;
    let Demand { token, status, challenge, ask, finish } = read(wanted)?;
    let challenge = status.map(|status| Challenge { status, www_authenticate: challenge });
    let wanted = Wanted { token, challenge, ask };
    let task = task::spawn(async move {
        let asked = move || {
            asked
                .dyn_ref::<Function>()
                .is_some_and(|asked| asked.call0(&JsValue::UNDEFINED).is_ok_and(|is| is.is_truthy()))
        };
        let obtained = if finish { authorizer.finish().await } else { authorizer.authorize(wanted, asked).await };
        call(&resolve, &Told::from(obtained).into_plain());
    });
    Ok(Running { _task: task })
}

/// Forgets the tokens, here and at the authorization server.
///
/// # Errors
/// A `TypeError` where the facade hands over what it should not.
#[wasm_bindgen(js_name = signOut)]
pub fn sign_out(auth: &JsValue, resolve: JsValue, reject: JsValue) -> Result<Running, JsValue> {
    let authorizer = authorizer(auth)?;
    let task = task::spawn(async move {
        match authorizer.sign_out().await {
            Ok(()) => call(&resolve, &JsValue::UNDEFINED),
            Err(cause) => call(&reject, &cause),
        }
    });
    Ok(Running { _task: task })
}

/// What is wanted of an authorization.
#[derive(Deserialize)]
struct Demand {
    token: Option<String>,
    status: Option<u16>,
    challenge: Option<String>,
    ask: bool,
    #[serde(default)]
    finish: bool,
}

/// What the host has decided, beside its methods.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Auth {
    endpoint: String,
    /// A function.
    fetch: Option<Raw>,
    redirect_url: String,
    client_id: Option<String>,
    client_secret: Option<String>,
    #[serde(default)]
    client_is_renewable: bool,
    issuer: Option<String>,
    /// A JSON text.
    client_metadata: Option<String>,
    resource: Option<String>,
    trust: Option<Vouched>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vouched {
    issuer: String,
    resource: Option<bool>,
    refresh_scope: Option<bool>,
}

fn authorizer(host: &JsValue) -> Thrown<Authorizer> {
    let auth: Auth = read_options(host)?;
    let trust = |Vouched { issuer, resource, refresh_scope }| Trust {
        issuer,
        resource,
        refresh_scope: refresh_scope.unwrap_or_default(),
    };
    let settings = Settings {
        endpoint: auth.endpoint,
        resource: auth.resource,
        redirect_url: auth.redirect_url,
        client_id: auth.client_id,
        client_secret: auth.client_secret,
        client_is_renewable: auth.client_is_renewable,
        issuer: auth.issuer,
        bound: None,
        client_metadata: auth.client_metadata.and_then(|metadata| Members::parse(&metadata)),
        trust: auth.trust.map(trust),
    };
    Ok(Authorizer::new(settings, host.clone()).with_fetch(auth.fetch.and_then(Raw::into_function)))
}
