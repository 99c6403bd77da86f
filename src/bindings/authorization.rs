//! The exports of the package's second module: authorizations.

use super::{members::Members, obtained, values::call};
use crate::{
    browser::{
        authorize::Authorizer,
        host::Wanted,
        js::Thrown,
        task::{self, Task},
    },
    protocol::{
        Challenge, json,
        oauth::{Settings, Trust},
    },
};
use js_sys::Function;
use wasm_bindgen::prelude::*;

/// The guard of an authorization under way.
#[wasm_bindgen]
pub struct Running {
    _task: Task,
}

/// Gets a token. `auth` is what the facade's `authorization.js` makes of a provider (see [`authorizer`]), and for `wanted`
/// see [`Demand`]; `asked` is called before the user is, and says whether somebody still waits for that. Gives what
/// [`obtained`] has.
///
/// # Errors
/// A `TypeError` where the facade hands over what it should not.
#[wasm_bindgen]
pub fn authorize(auth: &JsValue, wanted: &JsValue, asked: JsValue, resolve: JsValue) -> Result<Running, JsValue> {
    let authorizer = authorizer(auth)?;
    let Demand { wanted, finish } = demand(wanted)?;
    let task = task::spawn(async move {
        let asked = move || {
            asked
                .dyn_ref::<Function>()
                .is_some_and(|asked| asked.call0(&JsValue::UNDEFINED).is_ok_and(|is| is.is_truthy()))
        };
        let obtained = if finish { authorizer.finish().await } else { authorizer.authorize(wanted, asked).await };
        call(&resolve, &obtained::plain(obtained));
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
struct Demand {
    wanted: Wanted,
    /// Only what the user has come back from is finished.
    finish: bool,
}

/// `{ token, status, challenge, ask, finish }`
fn demand(given: &JsValue) -> Thrown<Demand> {
    let mut given = Members::of(given);
    let (token, status, www_authenticate) = (given.read("token"), given.read("status"), given.read("challenge"));
    let challenge = status.map(|status| Challenge { status, www_authenticate });
    let wanted = Wanted { token, challenge, ask: given.need("ask") };
    let finish = given.read("finish").unwrap_or_default();
    given.end()?;
    Ok(Demand { wanted, finish })
}

/// What the host has decided, and its methods.
fn authorizer(host: &JsValue) -> Thrown<Authorizer> {
    let mut given = Members::of(host);
    let metadata: Option<String> = given.read("clientMetadata");
    let settings = Settings {
        endpoint: given.need("endpoint"),
        resource: given.read("resource"),
        redirect_url: given.need("redirectUrl"),
        client_id: given.read("clientId"),
        client_secret: given.read("clientSecret"),
        client_auth_method: given.read("clientAuthMethod"),
        client_is_renewable: given.read("clientIsRenewable").unwrap_or_default(),
        issuer: given.read("issuer"),
        bound: None,
        client_metadata: metadata.and_then(|metadata| json::Members::parse(&metadata)),
        unattended: given.read("unattended").unwrap_or_default(),
        names_resource: given.read("namesResource").unwrap_or_default(),
        trust: given.given("trust").map(|trust| self::trust(&trust)).transpose()?,
    };
    let fetch = given.function("fetch");
    given.end()?;
    Ok(Authorizer::new(settings, host.clone()).with_fetch(fetch))
}

fn trust(given: &JsValue) -> Thrown<Trust> {
    let mut given = Members::at("trust.", given);
    let trust = Trust {
        issuer: given.need("issuer"),
        resource: given.read("resource"),
        refresh_scope: given.read("refreshScope").unwrap_or_default(),
    };
    given.end()?;
    Ok(trust)
}
