//! Event streams, split here into events, whose data the engine parses.

use super::{exchange::Tell, js, table::Table};
use crate::protocol::{ExchangeId, Input, Malformed, sse};
use js_sys::{JsString, Uint8Array};
use std::cell::RefCell;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/browser/body.js")]
extern "C" {
    #[wasm_bindgen(js_name = parsePart, catch)]
    fn parse_part(text: &JsString, from: u32, to: u32) -> js::Thrown<JsValue>;
}

/// How much of a chunk is copied into the module at a time.
const WINDOW: u32 = 64 << 10;

/// Those of all exchanges.
pub(super) type Streams = Table<ExchangeId, RefCell<Stream>>;

/// Tells the events that end within a chunk, and says whether there is to be more.
pub(super) fn hear(streams: &Streams, id: ExchangeId, chunk: &Uint8Array, tell: &Tell) -> bool {
    for start in (0..chunk.length()).step_by(WINDOW as usize) {
        let Some((events, whole)) = streams.with(id, |stream| stream.borrow_mut().push(chunk, start)) else {
            return false;
        };
        let mut data = Data::of(&events);
        for event in events {
            if !one_event(event, &mut data, |input| tell(id, input)) {
                return false;
            }
        }
        if let Err(malformed) = whole {
            let _ = tell(id, Input::Malformed(malformed)) && tell(id, Input::End);
            return false;
        }
    }
    true
}

/// The stream has ended, or was silent for a while: an event whose blank line has not come may be whole.
pub(super) fn look(streams: &Streams, id: ExchangeId, tell: &Tell) -> bool {
    let rest = streams.with(id, |stream| stream.borrow().parser.rest()).flatten();
    let message = rest.filter(sse::Event::is_message).and_then(|event| js::parse_json(&event.data.into()).ok());
    message.is_none_or(|message| tell(id, Input::Unfinished(message)))
}

/// An event stream that is being read.
pub(super) struct Stream {
    parser: sse::Parser,
    max: u64,
    window: Vec<u8>,
}

impl Stream {
    pub fn new(max: u64) -> Self {
        Self { parser: sse::Parser::new(usize::try_from(max).unwrap_or(usize::MAX)), max, window: Vec::new() }
    }

    /// The events that end within a window of a chunk; and whether there may be more.
    fn push(&mut self, chunk: &Uint8Array, start: u32) -> (Vec<sse::Event>, Result<(), Malformed>) {
        let part = chunk.subarray(start, start.saturating_add(WINDOW).min(chunk.length()));
        // Its memory is used again.
        self.window.resize(part.length() as usize, 0);
        part.copy_to(&mut self.window);
        let mut events = Vec::new();
        let whole = self.parser.push(&self.window, |event| events.push(event));
        (events, whole.map_err(|_| Malformed::TooLarge { limit: self.max }))
    }
}

fn one_event(event: sse::Event, all: &mut Data, tell: impl Fn(Input<JsValue>) -> bool) -> bool {
    let is_message = event.is_message();
    let sse::Event { id, retry_ms, data, .. } = event;
    let message = if is_message { all.parse_next(&data) } else { None };
    if is_message && message.is_none() && !tell(Input::Malformed(Malformed::Event { begins: sse::beginning(&data) })) {
        return false;
    }
    tell(Input::Event { id, retry_ms, message })
}

/// The data of the messages among some events, in their order, as the engine parses it. A string that crosses over
/// takes as long as parsing a small message: the small ones cross together.
struct Data {
    all: JsString,
    /// Where the next one begins, in UTF-16 units.
    at: u32,
}

impl Data {
    fn of(events: &[sse::Event]) -> Self {
        let small: Vec<&str> =
            events.iter().filter(|event| event.is_message()).map(|event| &*event.data).filter(is_small).collect();
        Self { all: small.concat().into(), at: 0 }
    }

    /// `None` where it is no JSON.
    fn parse_next(&mut self, data: &str) -> Option<JsValue> {
        if !is_small(&data) {
            return js::parse_json(&data.into()).ok();
        }
        let from = self.at;
        let units = if data.is_ascii() { data.len() } else { data.encode_utf16().count() };
        // No more than a window's worth of small ones and one that began before it.
        self.at += units as u32;
        parse_part(&self.all, from, self.at).ok()
    }
}

/// A large one would be copied once more to be among the others.
fn is_small(data: &&str) -> bool {
    data.len() <= WINDOW as usize
}
