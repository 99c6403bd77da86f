//! Authorizations whose requests go by a proxy of the host's.

use super::{Authorizer, Parts};
use js_sys::Function;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};

impl Authorizer {
    /// The host's `fetch`.
    pub(in crate::browser) fn fetch(&self) -> Option<&Function> {
        self.0.fetch.as_ref()
    }

    /// The same, whose requests go by this `fetch`.
    pub(in crate::browser) fn by(&self, fetch: Function) -> Self {
        let Parts { settings, host, .. } = &*self.0;
        let host = host.unchecked_ref::<JsValue>().clone().unchecked_into();
        Self(Rc::new(Parts { settings: settings.clone(), host, fetch: Some(fetch) }))
    }
}
