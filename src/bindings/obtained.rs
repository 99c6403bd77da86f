//! How an authorization ended, as one module tells the other: `token` and what belongs to it; or `needsUser`; or `error`,
//! the plain error of the module for authorizations; or `thrown`, where that module could not say anything.

#[cfg(feature = "js")]
pub(super) use taken::read;
#[cfg(feature = "js-auth")]
pub(super) use told::plain;

#[cfg(feature = "js-auth")]
mod told {
    use crate::{
        bindings::{
            error::error,
            values::{self, Raw},
        },
        browser::authorize::Obtained,
        protocol::{Authorized, Origin},
    };
    use serde::Serialize;
    use wasm_bindgen::JsValue;

    #[derive(Default, Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Told {
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        refresh_at: Option<f64>,
        same: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        grant: Option<String>,
        found: bool,
        /// With `challenge`: the refusal that the user has come back from.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        #[serde(skip_serializing_if = "Option::is_none")]
        challenge: Option<String>,
        needs_user: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<Raw>,
    }

    pub(in crate::bindings) fn plain(obtained: Obtained) -> JsValue {
        values::plain(&Told::from(obtained))
    }

    impl From<Obtained> for Told {
        fn from(obtained: Obtained) -> Self {
            let ((token, Origin { grant, returned, found }), authorized) = obtained.into_fact();
            match authorized {
                Authorized::Granted { refresh_at_unix_ms, same } => {
                    let (status, challenge) =
                        returned.map(|refusal| (refusal.status, refusal.www_authenticate)).unzip();
                    let refresh_at = refresh_at_unix_ms.map(|at| at as f64);
                    let challenge = challenge.flatten();
                    Self { token, refresh_at, same, grant, found, status, challenge, ..Self::default() }
                }
                Authorized::NeedsUser => Self { needs_user: true, ..Self::default() },
                Authorized::Failed(failed) => Self { error: Some(Raw(error(*failed))), ..Self::default() },
            }
        }
    }
}

#[cfg(feature = "js")]
mod taken {
    use crate::{
        bindings::members::Members,
        browser::{authorize::Obtained, js::Thrown},
        protocol::{
            Challenge, Origin,
            oauth::{Said, Trouble},
        },
    };
    use wasm_bindgen::JsValue;

    pub(in crate::bindings) fn read(told: &JsValue) -> Thrown<Obtained> {
        let mut told = Members::of(told);
        if let Some(thrown) = told.given("thrown") {
            return Ok(Obtained::nothing(thrown));
        }
        if let Some(error) = told.given("error") {
            return Ok(failed(&error).unwrap_or_else(|_| Obtained::nothing(error)));
        }
        if told.read("needsUser").unwrap_or_default() {
            return Ok(Obtained::NeedsUser);
        }
        let (status, www_authenticate) = (told.read("status"), told.read("challenge"));
        let returned = status.map(|status| Challenge { status, www_authenticate });
        // The cast saturates.
        let refresh_at_unix_ms = told.read("refreshAt").map(|at: f64| at as u64);
        let obtained = Obtained::Token {
            token: told.read("token"),
            refresh_at_unix_ms,
            same: told.read("same").unwrap_or_default(),
            origin: Origin { grant: told.read("grant"), returned, found: told.read("found").unwrap_or_default() },
        };
        told.end()?;
        Ok(obtained)
    }

    /// What the module for authorizations does not say so was thrown at it.
    fn failed(error: &JsValue) -> Thrown<Obtained> {
        let mut fault = Members::of(error);
        let (message, retryable): (String, _) = (fault.need("message"), fault.need("retryable"));
        let (diagnosis, data, cause) = (fault.get("diagnosis"), fault.given("data"), fault.given("cause"));
        fault.end()?;
        let mut diagnosis = Members::at("diagnosis.", &diagnosis);
        let kind: String = diagnosis.need("kind");
        diagnosis.end()?;
        let said = data.map(|data| said(&data)).transpose()?.unwrap_or_default();
        let trouble = Trouble::again(&kind, message, retryable, said).ok_or(JsValue::UNDEFINED)?;
        Ok(Obtained::Failed(trouble, cause))
    }

    fn said(data: &JsValue) -> Thrown<Said> {
        let mut data = Members::at("data.", data);
        let said = Said { status: data.read("status"), error: data.read("error") };
        data.end()?;
        Ok(said)
    }
}
