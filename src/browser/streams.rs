//! How many listening streams this page has open with one origin. A browser has six connections to a host with HTTP/1.1:
//! more streams than a few, and no call gets through.

use super::{
    clock,
    drain::Inner,
    exchange::Transport,
    js::{self, property},
};
use crate::protocol::config::Connections;
use js_sys::Array;
use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{PerformanceEntry, Url, Window};

/// How many connections there are to an endpoint, as far as can be told before anything is sent: over HTTP/1.1 a browser
/// has six, and `http:` is never anything later. What waits for one of them can be known only where a page asks its own
/// origin by itself: no service worker stands between, nor a `fetch` of the host's.
pub(super) fn connections(to: &Transport) -> Connections {
    let Some(own) = page_origin() else { return Connections::Many };
    let origin = origin_of(&to.url);
    let is_same = own == origin;
    let is_first = || next_hop(&timings("navigation").get(0)).as_deref() == Some("http/1.1");
    if !(origin.starts_with("http:") || (is_same && is_first())) {
        return Connections::Many;
    }
    let asks_by_itself = is_same && to.fetch.is_none() && js::global(Window::document).is_some() && !has_worker();
    if asks_by_itself { Connections::SixOfOwnOrigin } else { Connections::Six }
}

/// Whether connections to an origin are few. A later version of HTTP takes one for everything, which the browser says of
/// an answer that this page got from there; outside of a browser there are as many as one likes.
fn is_bounded(origin: &str) -> bool {
    let is_from = |timing: &JsValue| {
        timing.unchecked_ref::<PerformanceEntry>().name().strip_prefix(origin).is_some_and(|path| path.starts_with('/'))
    };
    let is_later = |timing: &JsValue| matches!(next_hop(timing).as_deref(), Some("h2" | "h3"));
    page_origin().is_some() && !timings("resource").iter().any(|timing| is_later(&timing) && is_from(&timing))
}

/// `None` outside of a browser.
fn page_origin() -> Option<String> {
    js::global(Window::location).origin().ok()
}

fn origin_of(url: &str) -> String {
    Url::new(url).map(|url| url.origin()).unwrap_or_default()
}

/// None where the platform keeps no such list, as where there is no browser but its document.
fn timings(kind: &str) -> Array {
    let performance = js::global(Window::performance).filter(|it| property(it, "getEntriesByType").is_function());
    performance.map(|performance| performance.get_entries_by_type(kind)).unwrap_or_default()
}

/// The protocol's name; not every browser tells it.
fn next_hop(timing: &JsValue) -> Option<String> {
    property(timing, "nextHopProtocol").as_string()
}

/// Whether a service worker stands between this page and the network. One may come at any time; only secure contexts have
/// any.
fn has_worker() -> bool {
    let workers = property(&js::global(Window::navigator), "serviceWorker");
    property(&workers, "controller").is_object()
}

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

    /// A service worker may come after the session: asked whenever a request goes out, and when something is said of one.
    pub(super) fn look_at_queue(&self) {
        if self.sees_queue.get() && has_worker() {
            self.sees_queue.set(false);
            self.session.borrow_mut().hide_queue();
        }
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
    let origin = origin_of(&owner.transport.url);
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
