//! One timer for the next deadline.

use super::js;
use std::cell::RefCell;
use wasm_bindgen::{JsCast, closure::Closure};

/// The longest delay that `setTimeout` takes; longer ones would fire at once.
const LONGEST: u64 = i32::MAX as u64;

/// A timer that is cleared on drop.
pub struct Timer {
    run: Closure<dyn FnMut()>,
    armed: RefCell<Option<Armed>>,
}

struct Armed {
    at: u64,
    id: i32,
}

impl Drop for Armed {
    fn drop(&mut self) {
        js::global(|global| global.clear_timeout_with_handle(self.id));
    }
}

impl Timer {
    /// Calls `run` when it fires, which may be before the deadline: whoever is called looks at the clock, and sets the
    /// timer again.
    #[must_use]
    pub fn new(run: impl FnMut() + 'static) -> Self {
        Self { run: Closure::new(run), armed: RefCell::new(None) }
    }

    /// Waits for `at`, in milliseconds of the monotonic clock, and for nothing else; `None` stops the timer. `now` is
    /// asked only where that is news.
    pub fn set(&self, at: Option<u64>, now: impl FnOnce() -> u64) {
        let armed = self.armed.borrow().as_ref().map(|armed| armed.at);
        if armed == at {
            return;
        }
        drop(self.armed.take());
        let Some(at) = at else { return };
        // Bounded by LONGEST, which is an i32.
        let delay = at.saturating_sub(now()).min(LONGEST) as i32;
        let run = self.run.as_ref().unchecked_ref();
        // Node gives an object, which as a number is what Node's `clearTimeout` knows it by, too.
        let id = js::global(|global| global.set_timeout_with_callback_and_timeout_and_arguments_0(run, delay));
        if let Ok(id) = id {
            self.armed.replace(Some(Armed { at, id }));
        }
    }

    /// It has fired: the next `set` arms it anew, even for the same deadline.
    pub fn fired(&self) {
        drop(self.armed.take());
    }
}
