//! How many listening streams this page has open with one origin. A browser has six connections to a host with HTTP/1.1:
//! more streams than a few, and no call gets through.

use super::{
    clock,
    drain::Inner,
    js::{Global, Thrown, Url},
};
use js_sys::{Array, Function, Reflect};
use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};
use wasm_bindgen::{JsCast, JsValue};

/// Half of the six connections.
const MOST: usize = 3;

const HINT: &str = "Three sessions of this page listen to servers of this origin already, and a browser has six \
                    connections to it with HTTP/1.1. This one listens when one of them stops, and is told of no change \
                    before; its calls are not concerned. Over HTTP/2 there is no such bound: let the server send Timing-Allow-Origin, so that the \
                    page can tell.";

impl Inner {
    /// Sees to it that no more streams are open than may be. Says whether that changed anything.
    pub(super) fn takes_seat(self: &Rc<Self>) -> bool {
        let wants = self.session.borrow().wants_stream();
        if self.listens.replace(wants) == wants {
            return false;
        }
        if !wants {
            self.allow_stream(false);
            if let Some(next) = leave(self) {
                next.allow_stream(true);
                next.schedule();
            }
        } else if enter(self) {
            self.allow_stream(true);
        } else {
            self.session.borrow_mut().stream_waits(clock::now());
            self.warn("stream_budget", HINT);
        }
        true
    }

    fn allow_stream(&self, allowed: bool) {
        self.session.borrow_mut().allow_stream(allowed, clock::now());
    }
}

/// One session that has a listening stream, or waits for its turn.
struct Seat {
    origin: String,
    owner: Weak<Inner>,
    waits: bool,
}

thread_local! {
    /// All sessions of this page, those first that came first.
    static SEATS: RefCell<Vec<Seat>> = const { RefCell::new(Vec::new()) };
}

/// A session wants to listen. Says whether it may at once; it is told later otherwise.
fn enter(owner: &Rc<Inner>) -> bool {
    let origin = Url::parse(&owner.transport.url, &JsValue::UNDEFINED).map(|url| url.origin()).unwrap_or_default();
    let waits = is_full(&origin) && is_bounded(&origin);
    SEATS.with_borrow_mut(|seats| seats.push(Seat { origin, owner: Rc::downgrade(owner), waits }));
    !waits
}

/// It does not any more: gives the session whose turn it is now.
fn leave(owner: &Rc<Inner>) -> Option<Rc<Inner>> {
    let left = SEATS.with_borrow_mut(|seats| {
        let at = seats.iter().position(|seat| seat.owner.as_ptr() == Rc::as_ptr(owner))?;
        Some(seats.remove(at))
    })?;
    if is_full(&left.origin) {
        return None;
    }
    SEATS.with_borrow_mut(|seats| {
        let next = seats.iter_mut().find(|seat| seat.waits && seat.origin == left.origin)?;
        next.waits = false;
        next.owner.upgrade()
    })
}

fn is_full(origin: &str) -> bool {
    let open = |seats: &Vec<Seat>| seats.iter().filter(|seat| !seat.waits && seat.origin == origin).count();
    SEATS.with_borrow(open) >= MOST
}

/// A later version of HTTP takes one connection for everything; outside of a browser there are as many as one likes.
fn is_bounded(origin: &str) -> bool {
    let location = js_sys::global().unchecked_into::<Global>().location().unwrap_or_default();
    location.is_object() && !speaks_later_http(origin).unwrap_or(false)
}

/// Whether the browser says so of an answer that this page got from there.
fn speaks_later_http(origin: &str) -> Thrown<bool> {
    let performance = Reflect::get(&js_sys::global(), &"performance".into())?;
    let entries: Function = Reflect::get(&performance, &"getEntriesByType".into())?.dyn_into()?;
    let entries: Array = entries.call1(&performance, &"resource".into())?.dyn_into()?;
    let text = |entry: &JsValue, name: &str| {
        Reflect::get(entry, &name.into()).ok().and_then(|text| text.as_string()).unwrap_or_default()
    };
    Ok(entries.iter().any(|entry| {
        let protocol = text(&entry, "nextHopProtocol");
        (protocol == "h2" || protocol == "h3")
            && text(&entry, "name").strip_prefix(origin).is_some_and(|path| path.starts_with('/'))
    }))
}
