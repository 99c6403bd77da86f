//! What a session in a page has to do with its user's login, beside getting the token.

use super::{environment::Warner, program::Program};
use crate::browser::{
    driver::Driver,
    js::Thrown,
    options::{Event, Status},
};
use js_sys::{Function, Reflect};
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::prelude::*;

/// [`WaitingFor::why`](crate::WaitingFor) while it is the user's turn.
const USER: &str = "sign-in";

#[wasm_bindgen]
extern "C" {
    /// What `authorization.js` makes of a provider.
    type AuthHost;
    /// In the user's click; gives what is to be called once that is over.
    #[wasm_bindgen(method, catch)]
    fn prepare(this: &AuthHost) -> Thrown<JsValue>;
    #[wasm_bindgen(method, catch)]
    fn forget(this: &AuthHost) -> Thrown<()>;
    /// Gives the way to stop that; as `hear`.
    #[wasm_bindgen(method, catch)]
    fn watch(this: &AuthHost, gone: &JsValue) -> Thrown<JsValue>;
    #[wasm_bindgen(method, catch)]
    fn hear(this: &AuthHost, signed_in: &JsValue) -> Thrown<JsValue>;
    #[wasm_bindgen(method, catch, js_name = signedOut)]
    fn signed_out(this: &AuthHost) -> Thrown<()>;
}

/// A function that is called once, at the latest on drop.
pub(super) struct Stop(JsValue);

impl Drop for Stop {
    fn drop(&mut self) {
        if let Some(stop) = self.0.dyn_ref::<Function>() {
            let _ = stop.call0(&JsValue::UNDEFINED);
        }
    }
}

/// The user's login, as the session's host has it.
pub(super) struct SignIn {
    host: AuthHost,
    /// Where the user is led to, while that is so.
    url: Rc<RefCell<Option<String>>>,
    watching: RefCell<Option<Stop>>,
    hearing: RefCell<Option<Stop>>,
    gone: Closure<dyn Fn()>,
    signed_in: Closure<dyn Fn()>,
    _onurl: Closure<dyn Fn(Option<String>)>,
    _onwarning: Closure<dyn Fn(JsValue)>,
}

impl SignIn {
    pub fn new(host: &JsValue, warner: &Warner) -> Self {
        let url = Rc::<RefCell<Option<String>>>::default();
        let (shown, telling, warning) = (Rc::clone(&url), warner.clone(), warner.clone());
        let onurl: Closure<dyn Fn(Option<String>)> = Closure::new(move |now: Option<String>| {
            let is_led = now.is_some();
            if shown.replace(now.clone()) == now {
                return;
            }
            // Where it is not told yet that the user is asked, the address goes with that; and its end with what comes of it.
            if let Some(program) = telling.program()
                && is_led
                && program.driver.get().is_some_and(|driver| asks_user(&driver.status()))
            {
                program.tell(&Event::StateChange);
            }
        });
        let onwarning: Closure<dyn Fn(JsValue)> = Closure::new(move |told: JsValue| {
            let text = |name| Reflect::get(&told, &JsValue::from(name)).ok().and_then(|text| text.as_string());
            if let (Some(kind), Some(hint)) = (text("kind"), text("hint")) {
                warning.warn(&kind, &hint);
            }
        });
        set(host, "onurl", onurl.as_ref());
        set(host, "onwarning", onwarning.as_ref());
        // A page that is left asks by itself.
        set(host, "leaves", &JsValue::FALSE);
        let telling = |tell: fn(&Driver)| {
            let warner = warner.clone();
            Closure::new(move || {
                if let Some(driver) = warner.program().and_then(|program: Rc<Program>| program.driver.get().cloned()) {
                    tell(&driver);
                }
            })
        };
        Self {
            host: host.clone().unchecked_into(),
            url,
            watching: RefCell::default(),
            hearing: RefCell::default(),
            gone: telling(Driver::signed_out),
            signed_in: telling(Driver::signed_in_elsewhere),
            _onurl: onurl,
            _onwarning: onwarning,
        }
    }

    /// From now on it is told when another session of the page gives up the grant.
    pub fn begin(&self) {
        self.watching.replace(self.host.watch(self.gone.as_ref()).ok().map(Stop));
    }

    /// While it waits for the user: one who has signed in to the same in another session or tab has done so for this one.
    pub fn status_changed(&self, status: &Status) {
        let waits = asks_user(status);
        if waits == self.hearing.borrow().is_some() {
            return;
        }
        let stop = waits.then(|| self.host.hear(self.signed_in.as_ref()).ok().map(Stop)).flatten();
        drop(self.hearing.replace(stop));
    }

    /// The session has closed.
    pub fn end(&self) {
        drop(self.hearing.take());
        drop(self.watching.take());
    }

    /// In a click: what needs that, such as a window, is done before this returns.
    pub fn prepare(&self) -> Option<Stop> {
        self.host.prepare().ok().map(Stop)
    }

    pub fn forget(&self) {
        let _ = self.host.forget();
    }

    /// Tells the other sessions of the page.
    pub fn signed_out(&self) {
        let _ = self.host.signed_out();
    }

    /// The address that the user is led to.
    pub fn url(&self, status: &Status) -> Option<String> {
        if asks_user(status) { self.url.borrow().clone() } else { None }
    }
}

impl Drop for SignIn {
    /// What is still under way there tells nobody.
    fn drop(&mut self) {
        self.end();
        set(self.host.as_ref(), "onurl", &JsValue::UNDEFINED);
        set(self.host.as_ref(), "onwarning", &JsValue::UNDEFINED);
    }
}

fn set(host: &JsValue, name: &str, value: &JsValue) {
    // An object of our own takes any field.
    let _ = Reflect::set(host, &name.into(), value);
}

fn asks_user(status: &Status) -> bool {
    status.waiting_for.is_some_and(|waiting| waiting.why == USER)
}
