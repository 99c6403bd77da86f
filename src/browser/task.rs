//! A future that runs by itself and ends where its guard is dropped, even while it waits for a promise that never
//! settles.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    rc::Rc,
    task::{Poll, Waker},
};
use wasm_bindgen_futures::spawn_local;

/// The guard of a running future.
pub struct Task(Rc<Shared>);

#[derive(Default)]
struct Shared {
    over: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// Runs `future` from the next microtask on.
#[must_use]
pub fn spawn(future: impl Future<Output = ()> + 'static) -> Task {
    let task = Task(Rc::default());
    let shared = Rc::clone(&task.0);
    let mut future = Box::pin(future);
    spawn_local(poll_fn(move |context| {
        if shared.over.get() {
            return Poll::Ready(());
        }
        shared.waker.replace(Some(context.waker().clone()));
        future.as_mut().poll(context)
    }));
    task
}

impl Drop for Task {
    /// The future is dropped in the next microtask, not under the caller's feet.
    fn drop(&mut self) {
        self.0.over.set(true);
        if let Some(waker) = self.0.waker.take() {
            waker.wake();
        }
    }
}

/// A value that one side puts and the other awaits.
pub struct Slot<T> {
    value: Cell<Option<T>>,
    waker: RefCell<Option<Waker>>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { value: Cell::new(None), waker: RefCell::new(None) }
    }
}

impl<T> Slot<T> {
    /// Hands the value over.
    pub fn put(&self, value: T) {
        self.value.set(Some(value));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Waits for the value.
    pub fn get(&self) -> impl Future<Output = T> + '_ {
        poll_fn(|context| match self.value.take() {
            Some(value) => Poll::Ready(value),
            None => {
                self.waker.replace(Some(context.waker().clone()));
                Poll::Pending
            }
        })
    }
}
