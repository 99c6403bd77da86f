//! What happens, as streams.

use super::{notification::Notification, program::Program};
use crate::browser::options::Event;
use futures_core::Stream;
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    rc::{Rc, Weak},
    task::{Context, Poll, Waker},
};
use wasm_bindgen_futures::spawn_local;

/// What waits for somebody who does not look: the oldest are dropped.
const MOST: usize = 1_024;

/// A queue with one reader.
pub(super) struct Feed<T> {
    queue: RefCell<VecDeque<T>>,
    waker: RefCell<Option<Waker>>,
    over: Cell<bool>,
}

impl<T> Default for Feed<T> {
    fn default() -> Self {
        Self { queue: RefCell::default(), waker: RefCell::default(), over: Cell::new(false) }
    }
}

impl<T> Feed<T> {
    fn push(&self, item: T) {
        let mut queue = self.queue.borrow_mut();
        if queue.len() == MOST {
            queue.pop_front();
        }
        queue.push_back(item);
        drop(queue);
        self.wake();
    }

    fn end(&self) {
        self.over.set(true);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Option<T>> {
        let next = self.queue.borrow_mut().pop_front();
        match next {
            None if !self.over.get() => {
                self.waker.replace(Some(context.waker().clone()));
                Poll::Pending
            }
            next => Poll::Ready(next),
        }
    }
}

/// The readers that there are.
pub(super) struct Feeds<T>(RefCell<Vec<Weak<Feed<T>>>>, Cell<bool>);

impl<T> Default for Feeds<T> {
    fn default() -> Self {
        Self(RefCell::default(), Cell::new(false))
    }
}

impl<T: Clone> Feeds<T> {
    pub fn open(&self) -> Rc<Feed<T>> {
        let feed = Rc::<Feed<T>>::default();
        feed.over.set(self.1.get());
        self.0.borrow_mut().push(Rc::downgrade(&feed));
        feed
    }

    pub fn are_read(&self) -> bool {
        self.0.borrow().iter().any(|feed| feed.strong_count() > 0)
    }

    pub fn push(&self, item: &T) {
        for feed in self.live() {
            feed.push(item.clone());
        }
    }

    /// Nothing more happens.
    pub fn end(&self) {
        self.1.set(true);
        for feed in self.live() {
            feed.end();
        }
    }

    /// A reader that is woken may come back for another feed.
    fn live(&self) -> Vec<Rc<Feed<T>>> {
        let mut all = self.0.borrow_mut();
        all.retain(|feed| feed.strong_count() > 0);
        all.iter().filter_map(Weak::upgrade).collect()
    }
}

/// Everything that happens to a session, from [`Session::events`](crate::Session::events) on: a
/// [`Stream`](futures_core::Stream) that ends with the session, after [`Event::Close`](crate::Event). It does not keep the
/// server's own stream open: for what the server says unasked see [`Notifications`]. Of what nobody has taken the latest
/// 1 024 events are kept.
///
/// ```no_run
/// use mcp_evergreen::{Event, Session};
///
/// async fn watch(session: Session) {
///     let mut events = session.events();
///     while let Some(event) = events.next().await {
///         if let Event::Recovered { recovery, .. } = event {
///             println!("healed in {} ms: {}", recovery.duration_ms, recovery.reason);
///         }
///     }
///     println!("closed");
/// }
/// ```
pub struct Events(pub(super) Rc<Feed<Event>>);

impl Events {
    /// The next one; `None` once the session has closed.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|context| self.0.poll(context)).await
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.0.poll(context)
    }
}

/// What the server says unasked, from [`Session::notifications`](crate::Session::notifications) on: a
/// [`Stream`](futures_core::Stream) that ends with the session. While there is one, the server's own stream is open
/// ([`Listen::Auto`](crate::Listen)): it takes one of the six connections that a browser has per origin with HTTP/1.1. Of
/// what nobody has taken the latest 1 024 are kept.
///
/// ```no_run
/// use mcp_evergreen::{Notification, Session};
///
/// async fn follow(session: Session) {
///     let mut notifications = session.notifications();
///     while let Some(notification) = notifications.next().await {
///         if let Notification::ToolsChanged(_) = notification {
///             println!("another list of tools");
///         }
///     }
/// }
/// ```
pub struct Notifications {
    feed: Rc<Feed<Notification>>,
    program: Rc<Program>,
}

impl Notifications {
    pub(super) fn of(program: &Rc<Program>) -> Self {
        let notifications = Self { feed: program.unasked.open(), program: Rc::clone(program) };
        program.listen();
        notifications
    }

    /// The next one; `None` once the session has closed.
    pub async fn next(&mut self) -> Option<Notification> {
        poll_fn(|context| self.feed.poll(context)).await
    }
}

impl Stream for Notifications {
    type Item = Notification;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Notification>> {
        self.feed.poll(context)
    }
}

impl Drop for Notifications {
    /// A moment later: who takes one for another in between leaves the stream open.
    fn drop(&mut self) {
        let program = Rc::clone(&self.program);
        spawn_local(async move { program.listen() });
    }
}
