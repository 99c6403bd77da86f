//! The event stream parser.

use super::bytes::Bytes;
use mcp_evergreen::protocol::sse::{Event, Parser, TooLarge};

/// What event streams are made of.
const PIECES: &[&[u8]] = &[
    b"\n",
    b"\r",
    b"\r\n",
    b"data",
    b"data:",
    b"data: ",
    b"id",
    b"id: ",
    b"event:",
    b"retry: ",
    b":",
    b" ",
    b"1",
    b"99999999",
    b"x",
    b"\0",
    b"message",
    b"\xef\xbb\xbf",
    b"\xe2\x82\xac",
    b"\xe2",
    b"\x82\xac",
    b"\xf0\x9f\x98\x80",
    b"\xff",
    b"-",
    b"\n\n",
    b"{}",
];
const BOUNDS: &[usize] = &[1 << 16, 64, 16, 0];
/// An invalid byte becomes U+FFFD, which has three.
const REPLACED: usize = 3;

/// The same events whole, byte by byte and cut anywhere; those of the standard's own words; bounded.
pub fn sse(data: &[u8]) {
    let mut bytes = Bytes(data);
    let max = bytes.of(BOUNDS);
    let cuts: Vec<usize> = bytes.slice().iter().map(|length| usize::from(*length)).collect();
    let pieces_of_streams = bytes.flag();
    let mut stream = bytes.rest().to_vec();
    if pieces_of_streams {
        stream = stream.iter().flat_map(|choice| PIECES[usize::from(*choice) % PIECES.len()]).copied().collect();
    }
    let stream = &stream[..];
    let whole = parse(std::iter::once(stream), max);
    assert_eq!(parse(stream.chunks(1), max), whole, "byte by byte");
    assert_eq!(parse(pieces(stream, &cuts), max), whole, "cut after {cuts:?}");
    for event in &whole.0 {
        for text in [&event.data, &event.name].into_iter().chain(&event.id) {
            assert!(text.len() <= REPLACED * max, "{} bytes, the bound is {max}", text.len());
        }
    }
    if whole.1.is_ok() {
        assert_eq!(whole.0, by_the_standard(stream));
    }
}

fn parse<'a>(pieces: impl Iterator<Item = &'a [u8]>, max: usize) -> (Vec<Event>, Result<(), TooLarge>) {
    let mut parser = Parser::new(max);
    let mut events = Vec::new();
    for piece in pieces {
        if parser.push(piece, |event| events.push(event)).is_err() {
            return (events, Err(TooLarge));
        }
    }
    (events, Ok(()))
}

fn pieces<'a>(mut stream: &'a [u8], cuts: &[usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut pieces = Vec::new();
    for cut in cuts {
        let (piece, rest) = stream.split_at((*cut).min(stream.len()));
        pieces.push(piece);
        stream = rest;
    }
    pieces.push(stream);
    pieces.into_iter()
}

/// WHATWG HTML, 9.2.6, sentence by sentence, over the whole stream. What sets only the last event id is an event here too.
fn by_the_standard(stream: &[u8]) -> Vec<Event> {
    // "Streams must be decoded using the UTF-8 decode algorithm", which "strips one leading BOM, if any".
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    // "a single CRLF, a single LF not preceded by CR, and a single CR not followed by LF being the ways lines can end"
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    // The last one has no end: "Once the end of the file is reached, any pending data must be discarded."
    lines.pop();
    let (mut events, mut event, mut data) = (Vec::new(), Event::default(), String::new());
    for line in lines {
        if line.is_empty() {
            let mut done = std::mem::take(&mut event);
            // "If the data buffer's last character is a U+000A (LF) character, then remove [it]."
            done.data = std::mem::take(&mut data);
            done.data.pop();
            if !done.data.is_empty() || done.id.is_some() {
                events.push(done);
            }
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut event.name),
            "data" => data = data + value + "\n",
            "id" if !value.contains('\0') => event.id = Some(value.to_owned()),
            // "set the event stream's reconnection time to that integer": at once
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                events.push(Event { retry_ms: Some(value.parse().unwrap_or(u64::MAX)), ..Event::default() });
            }
            _ => {}
        }
    }
    events
}
