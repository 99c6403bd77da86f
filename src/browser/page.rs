//! What happens to the page, or the worker, heard until this is dropped. No listener keeps the page out of the
//! back/forward cache, as one for `unload` or `beforeunload` would.

use super::js::{self, property};
use crate::protocol::PageChange;
use wasm_bindgen::prelude::*;
use web_sys::{Event, PageTransitionEvent, Url, VisibilityState, Window};

const EVENTS: [&str; 7] = ["visibilitychange", "freeze", "resume", "pageshow", "pagehide", "online", "offline"];

/// Hears of the page, or of the worker.
pub struct Page(Closure<dyn Fn(Event)>);

impl Page {
    /// Tells of every change, and gives how things stand now. `endpoint` is where requests go, absolute: this device
    /// reaches itself without a network.
    #[must_use]
    pub fn watch(endpoint: &str, tell: impl Fn(PageChange) + 'static) -> (Self, Vec<PageChange>) {
        let is_local = is_local(endpoint);
        let is_told =
            move |change: &PageChange| !(is_local && [PageChange::Online, PageChange::Offline].contains(change));
        let page = Self(Closure::new(move |event: Event| {
            if let Some(change) = change_of(&event).filter(is_told) {
                tell(change);
            }
        }));
        // On the way down: `freeze` and `resume` do not bubble to the window. Where there are no events, which is an error
        // here, there are no pages either.
        for name in EVENTS {
            let _ = js::global(|global| global.add_event_listener_with_callback_and_bool(name, page.hear(), true));
        }
        let network = property(&js::global(Window::navigator), "onLine");
        let is_offline = (network == JsValue::FALSE).then_some(PageChange::Offline);
        (page, visibility().into_iter().chain(is_offline).filter(is_told).collect())
    }

    fn hear(&self) -> &js_sys::Function {
        self.0.as_ref().unchecked_ref()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        for name in EVENTS {
            let _ = js::global(|global| global.remove_event_listener_with_callback_and_bool(name, self.hear(), true));
        }
    }
}

fn change_of(event: &Event) -> Option<PageChange> {
    let is_persisted = || event.unchecked_ref::<PageTransitionEvent>().persisted();
    match &*event.type_() {
        "visibilitychange" => visibility(),
        "freeze" => Some(PageChange::Frozen),
        "resume" => Some(PageChange::Thawed),
        "pageshow" => is_persisted().then_some(PageChange::Thawed),
        "pagehide" => Some(if is_persisted() { PageChange::Frozen } else { PageChange::Leaving }),
        "online" => Some(PageChange::Online),
        "offline" => Some(PageChange::Offline),
        _ => None,
    }
}

/// `None` where there is no document.
fn visibility() -> Option<PageChange> {
    let is_hidden = js::global(Window::document)?.visibility_state() == VisibilityState::Hidden;
    Some(if is_hidden { PageChange::Hidden } else { PageChange::Visible })
}

fn is_local(endpoint: &str) -> bool {
    let host = Url::new(endpoint).map(|url| url.hostname()).unwrap_or_default();
    matches!(&*host, "localhost" | "[::1]") || host.starts_with("127.")
}
