//! How many listening streams this page has open with one origin. A browser has six connections to a host with HTTP/1.1:
//! more streams than a few, and no call gets through.

use super::{clock, drain::Inner, exchange::Transport};
use crate::protocol::config::Connections;
use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/browser/page.js")]
extern "C" {
    #[wasm_bindgen(js_name = originOf)]
    fn origin_of(url: &str) -> String;
    #[wasm_bindgen(js_name = isBounded)]
    fn is_bounded(origin: &str) -> bool;
    #[wasm_bindgen(js_name = connectionsTo)]
    fn connections_to(origin: &str, own: bool) -> u32;
    #[wasm_bindgen(js_name = hasWorker)]
    fn has_worker() -> bool;
}

/// How many connections there are to an endpoint, as far as can be told before anything is sent.
pub(super) fn connections(to: &Transport) -> Connections {
    // The numbers are those of `page.js`.
    match connections_to(&origin_of(to.address()), to.fetch.is_some()) {
        1 => Connections::Six,
        2 => Connections::SixOfOwnOrigin,
        _ => Connections::Many,
    }
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
    let origin = origin_of(owner.transport.address());
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
