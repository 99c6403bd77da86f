//! What happens to the page, heard by listeners that are removed on drop. None of them keeps the page out of the
//! back/forward cache, as one for `unload` or `beforeunload` would.

use super::js::{Global, Navigator, PageEvent, Thrown, Url};
use crate::protocol::PageChange;
use js_sys::{Function, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};

const EVENTS: [&str; 7] = ["visibilitychange", "freeze", "resume", "pageshow", "pagehide", "online", "offline"];

/// Listeners of the page's, or the worker's.
pub struct Page {
    hear: Closure<dyn FnMut(JsValue)>,
    listens: bool,
}

impl Page {
    /// Tells of every change, and gives how things stand now. `endpoint` is where requests go: this device reaches itself
    /// without a network.
    #[must_use]
    pub fn watch(endpoint: &str, tell: impl Fn(PageChange) + 'static) -> (Self, Vec<PageChange>) {
        let local = is_loopback(endpoint);
        let told = move |change: Option<PageChange>| {
            change.filter(|change| !local || !matches!(change, PageChange::Online | PageChange::Offline))
        };
        let hear = Closure::new(move |event: JsValue| {
            if let Some(change) = told(changed(event.unchecked_ref())) {
                tell(change);
            }
        });
        let offline = is_offline().then_some(PageChange::Offline);
        let now = [visibility(), told(offline)].into_iter().flatten().collect();
        let page = Self { listens: listen("addEventListener", hear.as_ref()).is_ok(), hear };
        (page, now)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if self.listens {
            let _ = listen("removeEventListener", self.hear.as_ref());
        }
    }
}

/// On the way down: `freeze` and `resume` do not bubble to the window. Where there are no events, there are no pages
/// either.
fn listen(method: &str, hear: &JsValue) -> Thrown<()> {
    let global = js_sys::global();
    let method: Function = Reflect::get(&global, &method.into())?.dyn_into()?;
    for event in EVENTS {
        method.call3(&global, &event.into(), hear, &JsValue::TRUE)?;
    }
    Ok(())
}

fn changed(event: &PageEvent) -> Option<PageChange> {
    let cached = event.persisted().is_ok_and(|persisted| persisted.is_truthy());
    match event.kind().ok()?.as_string()?.as_str() {
        "visibilitychange" => visibility(),
        "freeze" => Some(PageChange::Frozen),
        "pagehide" => Some(if cached { PageChange::Frozen } else { PageChange::Leaving }),
        "resume" => Some(PageChange::Thawed),
        "pageshow" => cached.then_some(PageChange::Thawed),
        "online" => Some(PageChange::Online),
        "offline" => Some(PageChange::Offline),
        _ => None,
    }
}

/// `None` in a worker.
fn visibility() -> Option<PageChange> {
    let document = Reflect::get(&js_sys::global(), &"document".into()).ok().filter(JsValue::is_object)?;
    let state = Reflect::get(&document, &"visibilityState".into()).ok()?;
    Some(if state == "hidden" { PageChange::Hidden } else { PageChange::Visible })
}

/// Whether the platform says so. That it does not is no promise.
pub(super) fn is_offline() -> bool {
    let global: Global = js_sys::global().unchecked_into();
    let navigator = global.navigator().unwrap_or_default();
    navigator.is_object()
        && navigator.unchecked_ref::<Navigator>().on_line().is_ok_and(|on_line| on_line == JsValue::FALSE)
}

fn is_loopback(endpoint: &str) -> bool {
    let host = Url::parse(endpoint, &JsValue::UNDEFINED).map(|url| url.hostname()).unwrap_or_default();
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}
