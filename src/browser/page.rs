//! What happens to the page, heard in `page.js` until this is dropped.

use crate::protocol::PageChange;
use js_sys::Array;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/browser/page.js")]
extern "C" {
    #[wasm_bindgen(js_name = Page)]
    type JsPage;
    #[wasm_bindgen(constructor, js_class = "Page")]
    fn new(url: &str, tell: &Closure<dyn FnMut(u32)>) -> JsPage;
    #[wasm_bindgen(method)]
    fn stands(this: &JsPage) -> Array;
    #[wasm_bindgen(method)]
    fn stop(this: &JsPage);
}

/// Hears of the page, or of the worker.
pub struct Page {
    js: JsPage,
    _tell: Closure<dyn FnMut(u32)>,
}

impl Page {
    /// Tells of every change, and gives how things stand now. `endpoint` is where requests go, absolute: this device
    /// reaches itself without a network.
    #[must_use]
    pub fn watch(endpoint: &str, tell: impl Fn(PageChange) + 'static) -> (Self, Vec<PageChange>) {
        let tell = Closure::new(move |change| tell(change_of(change)));
        let page = Self { js: JsPage::new(endpoint, &tell), _tell: tell };
        let stands = page.js.stands().into_iter();
        // One of the numbers below.
        let now = stands.filter_map(|change| change.as_f64()).map(|change| change_of(change as u32)).collect();
        (page, now)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.js.stop();
    }
}

/// The numbers are those of `page.js`.
fn change_of(number: u32) -> PageChange {
    match number {
        0 => PageChange::Hidden,
        1 => PageChange::Visible,
        2 => PageChange::Frozen,
        3 => PageChange::Thawed,
        4 => PageChange::Leaving,
        5 => PageChange::Online,
        _ => PageChange::Offline,
    }
}
