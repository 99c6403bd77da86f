//! Reads a body as the core wants it: bounded, and given back where it is not wanted any more.
//!
//! A JSON text never enters the module's memory: the engine decodes, joins and parses it. Event streams and refusals
//! pass through as bytes.

use super::js::{self, Bytes, Response, Thrown, type_error};
use crate::protocol::{Input, Malformed, ReadAs, sse};
use js_sys::{ArrayBuffer, JsString, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

/// How much of a chunk is copied into the module at a time.
const WINDOW: u32 = 64 << 10;

/// Why reading ended before the body did.
enum Stop {
    /// It is not what it should be.
    Malformed(Malformed),
    /// It broke off.
    Failed(JsValue),
    /// Nobody wants the rest.
    Unwanted,
}

impl From<Malformed> for Stop {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// Reads the body and tells what it holds; the last thing told is [`Input::End`] or [`Input::Failed`]. `tell` says
/// whether the exchange is still wanted.
pub async fn read(response: Response, how: ReadAs, tell: impl Fn(Input<JsValue>) -> bool) {
    let body = Body::of(response).await;
    let end = match body {
        Err(cause) => Err(Stop::Failed(cause)),
        Ok(body) => match how {
            ReadAs::Json { max } => json(body, max, &tell).await,
            ReadAs::Events { max } => events(body, max, &tell).await,
            ReadAs::Text { max } => text(body, max, &tell).await,
            // Dropping it cancels it.
            ReadAs::Discard => Ok(()),
        },
    };
    match end {
        Ok(()) => tell(Input::End),
        Err(Stop::Malformed(malformed)) => tell(Input::Malformed(malformed)) && tell(Input::End),
        Err(Stop::Failed(cause)) => tell(Input::Failed { cause: Some(cause) }),
        Err(Stop::Unwanted) => false,
    };
}

async fn json(mut body: Body, max: u64, tell: impl Fn(Input<JsValue>) -> bool) -> Result<(), Stop> {
    let decoder = js::Decoder::utf8("utf-8", &js::Plain::new().with("fatal", true).into()).map_err(Stop::Failed)?;
    let more = js::Plain::new().with("stream", true).into();
    let pieces = js_sys::Array::new();
    let mut bytes = 0;
    while let Some(chunk) = body.next().await.map_err(Stop::Failed)? {
        bytes += u64::from(chunk.length());
        if bytes > max {
            return Err(Malformed::TooLarge { limit: max }.into());
        }
        pieces.push(&decoder.decode(&chunk, &more).map_err(|_| Malformed::Utf8)?);
    }
    pieces.push(&decoder.decode(&JsValue::UNDEFINED, &JsValue::UNDEFINED).map_err(|_| Malformed::Utf8)?);
    // The one reason for `join` to throw: a string longer than the engine can hold.
    let whole =
        pieces.unchecked_ref::<js::Pieces>().join_strings("").map_err(|_| Malformed::TooLarge { limit: bytes })?;
    drop(pieces);
    let message = js::parse_json(&whole).map_err(|_| Malformed::Json { bytes })?;
    if tell(Input::Message(message)) { Ok(()) } else { Err(Stop::Unwanted) }
}

async fn events(mut body: Body, max: u64, tell: impl Fn(Input<JsValue>) -> bool) -> Result<(), Stop> {
    let mut parser = sse::Parser::new(usize::try_from(max).unwrap_or(usize::MAX));
    let mut window = Vec::new();
    while let Some(chunk) = body.next().await.map_err(Stop::Failed)? {
        for start in (0..chunk.length()).step_by(WINDOW as usize) {
            copy(&chunk, start, start.saturating_add(WINDOW), &mut window);
            let mut events = Vec::new();
            let whole = parser.push(&window, |event| events.push(event));
            let mut texts = Texts::of(&events);
            for event in events {
                one_event(event, &mut texts, &tell)?;
            }
            whole.map_err(|_| Malformed::TooLarge { limit: max })?;
        }
    }
    Ok(())
}

fn one_event(event: sse::Event, texts: &mut Texts, tell: impl Fn(Input<JsValue>) -> bool) -> Result<(), Stop> {
    let text = event.is_message().then(|| texts.next(&event.data));
    let sse::Event { id, retry_ms, data, .. } = event;
    let mut message = None;
    if let Some(text) = text {
        message = js::parse_json(&text).ok();
        let malformed = Malformed::Json { bytes: data.len() as u64 };
        if message.is_none() && !tell(Input::Malformed(malformed)) {
            return Err(Stop::Unwanted);
        }
    }
    if tell(Input::Event { id, retry_ms, message }) { Ok(()) } else { Err(Stop::Unwanted) }
}

/// The data of the messages among some events, in their order, as strings of the engine's. A string that crosses over
/// takes as long as parsing a small message: the small ones cross together.
struct Texts {
    all: JsString,
    /// Where the next one begins, in UTF-16 units.
    at: u32,
}

impl Texts {
    fn of(events: &[sse::Event]) -> Self {
        let small: Vec<&str> =
            events.iter().filter(|event| event.is_message()).map(|event| &*event.data).filter(is_small).collect();
        Self { all: small.concat().into(), at: 0 }
    }

    fn next(&mut self, data: &str) -> JsString {
        if !is_small(&data) {
            return data.into();
        }
        let from = self.at;
        let units = if data.is_ascii() { data.len() } else { data.encode_utf16().count() };
        // No more than a window's worth of small ones and one that began before it.
        self.at += units as u32;
        self.all.slice(from, self.at)
    }
}

/// A large one would be copied once more to be among the others.
fn is_small(data: &&str) -> bool {
    data.len() <= WINDOW as usize
}

async fn text(mut body: Body, max: u64, tell: impl Fn(Input<JsValue>) -> bool) -> Result<(), Stop> {
    let max = u32::try_from(max).unwrap_or(u32::MAX);
    let (mut bytes, mut window) = (Vec::new(), Vec::new());
    while let Some(chunk) = body.next().await.map_err(Stop::Failed)? {
        // At most `max`, which is a u32.
        let room = max - bytes.len() as u32;
        copy(&chunk, 0, room, &mut window);
        bytes.extend_from_slice(&window);
        if chunk.length() >= room {
            break;
        }
    }
    drop(body);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if tell(Input::Text(text)) { Ok(()) } else { Err(Stop::Unwanted) }
}

/// Copies `chunk[start..end]` into `window`, whose memory is used again.
fn copy(chunk: &Bytes, start: u32, end: u32, window: &mut Vec<u8>) {
    let part: Uint8Array = chunk.subarray(start, end.min(chunk.length()));
    window.resize(part.length() as usize, 0);
    part.copy_to(window);
}

/// A body as chunks. What is not read to its end is cancelled on drop.
struct Body {
    reader: Option<js::StreamReader>,
    /// The only chunk of a body that is no stream.
    whole: Option<Bytes>,
}

impl Body {
    async fn of(response: Response) -> Thrown<Self> {
        let body = response.body()?;
        if body.is_null() {
            return Ok(Self { reader: None, whole: None });
        }
        if body.is_object() {
            let stream: &js::Stream = body.unchecked_ref();
            if stream.reader_method()?.is_function() {
                return Ok(Self { reader: Some(stream.get_reader()?), whole: None });
            }
        }
        // A host's own Response without streams: there is no other way to it than all at once.
        let text = js::settled(&response.text()?).await?;
        let whole = js::Encoder::new_utf8()?.encode(&text)?;
        Ok(Self { reader: None, whole: Some(bytes(&whole)?) })
    }

    async fn next(&mut self) -> Thrown<Option<Bytes>> {
        let Some(reader) = &self.reader else { return Ok(self.whole.take()) };
        let step: js::Step = js::settled(&reader.read()?).await?.unchecked_into();
        if step.done()?.is_truthy() {
            self.reader = None;
            return Ok(None);
        }
        bytes(&step.value()?).map(Some)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(Ok(promise)) = self.reader.take().map(|reader| reader.cancel()) {
            js::ignore(promise);
        }
    }
}

/// The bytes of a chunk, whatever realm and view it comes from.
fn bytes(chunk: &JsValue) -> Thrown<Bytes> {
    if !ArrayBuffer::is_view(chunk) {
        return Err(type_error("The body of the Response gave a chunk that is no Uint8Array."));
    }
    let view: &js::View = chunk.unchecked_ref();
    Bytes::of(&view.buffer()?, view.byte_offset(), view.byte_length())
}
