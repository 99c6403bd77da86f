//! Bounds on what a server sends, beside those of a message and an event that the host chooses
//! ([`super::Config::max_message_bytes`], [`super::Config::max_event_bytes`]). Each is far above what servers need, and far
//! below what stops a page.

use super::{Code, Error, Outcome, Payload};

/// Items in one page of a list.
pub(super) const ITEMS: usize = 1 << 17;
/// Tools of one list, over all its pages, that are remembered.
pub(super) const TOOLS: usize = 1 << 17;
/// Messages in one batch.
pub(super) const BATCH: usize = 1 << 10;
/// Protocol versions that a server names.
pub(super) const VERSIONS: usize = 64;
/// The server's questions that are open: in one session, or for one call at a time.
pub(super) const QUESTIONS: usize = 64;
/// Answers to the server that are under way at a time. Six HTTP/1.1 connections are all there is per origin, and calls
/// need some.
pub(super) const ANSWERS: usize = 4;
/// Answers that wait behind those.
pub(super) const ANSWERS_WAITING: usize = 256;
/// UTF-16 units of a text of the server's that is read: a message, a method, a name.
pub(crate) const TEXT: u32 = 64 << 10;
/// Bytes of a refusal: it is judged by its first words; some servers answer with stack traces.
pub(super) const REFUSAL: usize = 64 << 10;
/// UTF-16 units of the `data` of an error, as JSON text.
pub(super) const DATA: u32 = 1 << 20;
/// Warnings about the tools of one page.
pub(super) const WARNINGS: usize = 16;

/// The items of an array, one after the other: there may be more of them than can be held at a time. None where it is no
/// array.
pub(super) fn each<P: Payload>(array: &P) -> impl Iterator<Item = P> + '_ {
    (0..array.count().unwrap_or_default()).map(|at| array.item(at))
}

/// The strings of an array with no more items than this, which are no longer than [`TEXT`].
pub(super) fn strings<P: Payload>(array: &P, most: usize) -> Vec<String> {
    each(array).take(most).filter_map(|item| item.as_string()).collect()
}

/// There are more of them than are read.
pub(super) fn too_many<P>(what: &str, most: usize) -> Box<Error<P>> {
    let message = format!("The server sent more than {most} {what} at once, which is more than is read.");
    Error::boxed(Code::TooLarge, Outcome::Unknown, message)
}
