//! How an authorization ended, as one module tells the other.

use super::values::Raw;
use crate::{browser::authorize::Obtained, protocol::Origin};
use serde::{Deserialize, Serialize};

/// A token; or `needsUser`; or `error`, the plain error of the module for authorizations; or `thrown`, where that module
/// could not say anything.
#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_at: Option<f64>,
    same: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<String>,
    /// With `challenge`: the refusal that the user has come back from.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<String>,
    needs_user: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Raw>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thrown: Option<Raw>,
}

#[cfg(feature = "js-auth")]
mod given {
    use super::{Obtained, Origin, Raw, Told};
    use crate::{
        bindings::{error::error, values::plain},
        protocol::Authorized,
    };
    use wasm_bindgen::JsValue;

    impl From<Obtained> for Told {
        fn from(obtained: Obtained) -> Self {
            let ((token, Origin { grant, returned }), authorized) = obtained.into_fact();
            match authorized {
                Authorized::Granted { refresh_at_unix_ms, same } => {
                    let (status, challenge) =
                        returned.map(|refusal| (refusal.status, refusal.www_authenticate)).unzip();
                    let refresh_at = refresh_at_unix_ms.map(|at| at as f64);
                    Self { token, refresh_at, same, grant, status, challenge: challenge.flatten(), ..Self::default() }
                }
                Authorized::NeedsUser => Self { needs_user: true, ..Self::default() },
                Authorized::Failed(failed) => Self { error: Some(Raw(error(*failed))), ..Self::default() },
            }
        }
    }

    impl Told {
        pub(in crate::bindings) fn into_plain(self) -> JsValue {
            plain(&self)
        }
    }
}

#[cfg(feature = "js")]
mod taken {
    use super::{Obtained, Origin, Raw, Told};
    use crate::{
        bindings::values::read,
        protocol::{
            Challenge,
            oauth::{Said, Trouble},
        },
    };
    use serde::Deserialize;
    use wasm_bindgen::JsValue;

    /// What is read of `error`.
    #[derive(Deserialize)]
    struct Fault {
        message: String,
        retryable: bool,
        diagnosis: Named,
        data: Option<Said>,
        cause: Option<Raw>,
    }

    #[derive(Deserialize)]
    struct Named {
        kind: String,
    }

    impl Told {
        pub(in crate::bindings) fn into_obtained(self) -> Obtained {
            let Self { token, refresh_at, same, grant, status, challenge, needs_user, error, thrown } = self;
            if let Some(Raw(thrown)) = thrown {
                return Obtained::nothing(thrown);
            }
            if let Some(Raw(error)) = error {
                return failed(&error).unwrap_or_else(|| Obtained::nothing(error));
            }
            if needs_user {
                return Obtained::NeedsUser;
            }
            let returned = status.map(|status| Challenge { status, www_authenticate: challenge });
            // The cast saturates.
            let refresh_at_unix_ms = refresh_at.map(|at| at as u64);
            Obtained::Token { token, refresh_at_unix_ms, same, origin: Origin { grant, returned } }
        }
    }

    fn failed(error: &JsValue) -> Option<Obtained> {
        let Fault { message, retryable, diagnosis, data, cause } = read(error).ok()?;
        let trouble = Trouble::again(&diagnosis.kind, message, retryable, data.unwrap_or_default())?;
        Some(Obtained::Failed(trouble, cause.map(|Raw(cause)| cause)))
    }
}
