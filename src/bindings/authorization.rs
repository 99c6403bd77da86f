//! The exports of the package's second module: authorizations.

use super::{
    error::error,
    values::{call, number, text},
};
use crate::{
    browser::{
        authorize::{Authorizer, Obtained},
        host::Wanted,
        js::{Plain, Thrown, type_error},
        task::{self, Task},
    },
    protocol::{
        Authorized, Challenge, Origin,
        json::Members,
        oauth::{Settings, Trust},
    },
};
use js_sys::{Function, Reflect};
use wasm_bindgen::prelude::*;

/// The guard of an authorization under way.
#[wasm_bindgen]
pub struct Running {
    _task: Task,
}

/// Gets a token. `auth` is what the facade's `authorization.js` makes of a provider, and `wanted` `{token, status,
/// challenge, ask, finish}`; `asked` is called before the user is, and says whether somebody still waits for that. Gives
/// `{token, refreshAt, same, grant, status, challenge}`, the last two where the user has come back with it to this page life;
/// `{needsUser}` or `{error}`.
///
/// # Errors
/// A `TypeError` where the facade hands over what it should not.
#[wasm_bindgen]
pub fn authorize(auth: &JsValue, wanted: &JsValue, asked: JsValue, resolve: JsValue) -> Result<Running, JsValue> {
    let authorizer = authorizer(auth)?;
    let field = |name: &str| Reflect::get(wanted, &JsValue::from_str(name));
    let www_authenticate = text(&field("challenge")?);
    // A status has three digits.
    let challenge = number(&field("status")?).map(|status| Challenge { status: status as u16, www_authenticate });
    let is = |name: &str| Thrown::Ok(field(name)?.is_truthy());
    let finish = is("finish")?;
    let wanted = Wanted { token: text(&field("token")?), challenge, ask: is("ask")? };
    let task = task::spawn(async move {
        let asked = move || {
            asked
                .dyn_ref::<Function>()
                .is_some_and(|asked| asked.call0(&JsValue::UNDEFINED).is_ok_and(|is| is.is_truthy()))
        };
        let obtained = if finish { authorizer.finish().await } else { authorizer.authorize(wanted, asked).await };
        call(&resolve, &plain(obtained));
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

fn plain(obtained: Obtained) -> JsValue {
    let ((token, Origin { grant, returned }), authorized) = obtained.into_fact();
    let plain = match authorized {
        Authorized::Granted { refresh_at_unix_ms, same } => Plain::new()
            .with_some("token", token)
            .with_some("refreshAt", refresh_at_unix_ms.map(|at| at as f64))
            .with("same", same)
            .with_some("grant", grant)
            .with_some("status", returned.as_ref().map(|challenge| f64::from(challenge.status)))
            .with_some("challenge", returned.and_then(|challenge| challenge.www_authenticate)),
        Authorized::NeedsUser => Plain::new().with("needsUser", true),
        Authorized::Failed(failed) => Plain::new().with("error", error(*failed)),
    };
    plain.into()
}

/// `{endpoint, fetch, redirectUrl, clientId, clientSecret, clientIsRenewable, issuer, clientMetadata, resource, trust}`, and
/// the methods of the host.
fn authorizer(auth: &JsValue) -> Thrown<Authorizer> {
    let field = |name: &str| Thrown::Ok(text(&Reflect::get(auth, &JsValue::from_str(name))?));
    let need = |name: &str| field(name)?.ok_or_else(|| type_error(name));
    let trust = Reflect::get(auth, &"trust".into())?;
    let trusted = |name: &str| Reflect::get(&trust, &JsValue::from_str(name));
    let trust = match trust.is_object() {
        true => Some(Trust {
            issuer: text(&trusted("issuer")?).ok_or_else(|| type_error("trust.issuer"))?,
            resource: trusted("resource")?.as_bool(),
            refresh_scope: trusted("refreshScope")?.is_truthy(),
        }),
        false => None,
    };
    let settings = Settings {
        endpoint: need("endpoint")?,
        resource: field("resource")?,
        redirect_url: need("redirectUrl")?,
        client_id: field("clientId")?,
        client_secret: field("clientSecret")?,
        client_is_renewable: Reflect::get(auth, &"clientIsRenewable".into())?.is_truthy(),
        issuer: field("issuer")?,
        bound: None,
        client_metadata: field("clientMetadata")?.and_then(|metadata| Members::parse(&metadata)),
        trust,
    };
    let fetch = Reflect::get(auth, &"fetch".into())?.dyn_into::<Function>().ok();
    Ok(Authorizer::new(settings, auth.clone()).with_fetch(fetch))
}
