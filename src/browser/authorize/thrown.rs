//! Why something failed, by what was thrown.

use crate::protocol::oauth::{Reply, Trouble};
use js_sys::Reflect;
use wasm_bindgen::JsValue;

/// A proxy says by what is thrown why there is no answer.
pub(super) fn lost(thrown: &JsValue) -> Reply {
    let said = Reflect::get(thrown, &"proxied".into()).ok().and_then(|said| said.as_string());
    said.map_or(Reply::Failed, |said| Reply::proxied(&said))
}

/// By the name of what was thrown.
pub(super) fn not_returned(thrown: &JsValue) -> Trouble {
    let name = Reflect::get(thrown, &"name".into()).ok().and_then(|name| name.as_string());
    match name.as_deref() {
        Some("NotAllowedError") => Trouble::new(
            "popup_blocked",
            "The browser blocked the window in which the user was to authorize: windows open only just after a click. \
             Let the user click, and call again from there.",
        ),
        Some("AbortError") => {
            Trouble::new("closed", "The window in which the user was to authorize was closed before that was done.")
        }
        Some("InvalidStateError") => Trouble::new(
            "cut_off",
            "The authorization server cut the window off (Cross-Origin-Opener-Policy), so that nobody can tell whether it is still \
             open; and the user is back in this page without an answer.",
        ),
        Some("SecurityError") => Trouble::new(
            "embedded",
            "The authorization server cut the window off (Cross-Origin-Opener-Policy), and this page is embedded in another \
             site's: the answer cannot reach it. Let the user open this page by itself, and sign in there.",
        ),
        Some("OperationError") => Trouble::new(
            "asked_elsewhere",
            "Another session of this page asked the user for the same authorization, and got none.",
        ),
        Some("ConstraintError") => Trouble::new(
            "redirect_loop",
            "The page was sent to the authorization server for this again and again, and came back without what it needs. \
             Where the provider has a `storage`, what was granted outlives the page.",
        ),
        Some("TimeoutError") => Trouble::new("timeout", "The user did not come back from authorizing in time."),
        _ => Trouble::new("not_returned", "The user could not be asked to authorize: see `cause`."),
    }
}
