//! Server-sent events as in WHATWG HTML, 9.2.5 and 9.2.6, from bytes, over any split, bounded.

use std::borrow::Cow;

/// One event; or what tells without one: a block without data that carries an `id`, or a `retry`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// `id:`; empty resets the last event id.
    pub id: Option<String>,
    /// `retry:` in milliseconds, and nothing else with it: it holds as soon as its line has ended.
    pub retry_ms: Option<u64>,
    /// `event:`; empty means `message`.
    pub name: String,
    /// The `data:` lines, joined by LF; empty where there were none.
    pub data: String,
}

impl Event {
    /// Whether its data is a message of MCP's: other event types are not ours.
    #[must_use]
    pub fn is_message(&self) -> bool {
        !self.data.is_empty() && matches!(self.name.as_str(), "" | "message")
    }
}

/// What of an event's data tells what it was meant to be.
#[must_use]
pub fn beginning(data: &str) -> String {
    data.chars().take(BEGINNING).collect()
}

/// Characters.
const BEGINNING: usize = 512;

/// An event is longer than the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// An incremental parser.
#[derive(Clone, Debug)]
pub struct Parser {
    max: usize,
    /// The beginning of a line whose end has not arrived.
    line: Vec<u8>,
    event: Event,
    has_data: bool,
    at_start: bool,
    /// The previous byte was CR: an LF now belongs to it.
    after_cr: bool,
}

impl Parser {
    /// `max` bounds the bytes of one event.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { max, line: Vec::new(), event: Event::default(), has_data: false, at_start: true, after_cr: false }
    }

    /// Takes the next bytes and hands on each event that they complete. An event that is not complete when the stream
    /// ends is discarded, as the standard says.
    ///
    /// # Errors
    /// [`TooLarge`]; the stream cannot be read any further then.
    pub fn push(&mut self, mut bytes: &[u8], mut emit: impl FnMut(Event)) -> Result<(), TooLarge> {
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) {
            let (head, rest) = bytes.split_at(end);
            if self.line.is_empty() {
                self.bound(head.len())?;
                self.end_line(head, &mut emit);
            } else {
                self.bound(self.line.len() + head.len())?;
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(head);
                self.end_line(&line, &mut emit);
            }
            bytes = match rest {
                [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
                [] => rest,
            };
            self.after_cr = bytes.is_empty() && rest == b"\r" && !planted!("split_cr_lf");
        }
        self.bound(self.line.len() + bytes.len())?;
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// The event whose blank line has not come, as if it came now. For a stream that has ended or pauses: the standard
    /// discards it, but some servers leave the last blank line out.
    #[must_use]
    pub fn rest(&self) -> Option<Event> {
        let mut copy = self.clone();
        let line = std::mem::take(&mut copy.line);
        if !line.is_empty() {
            copy.end_line(&line, &mut |_| {});
        }
        let mut rest = None;
        copy.dispatch(&mut |event| rest = Some(event));
        rest
    }

    fn bound(&self, line: usize) -> Result<(), TooLarge> {
        if line.saturating_add(self.event.data.len()) > self.max { Err(TooLarge) } else { Ok(()) }
    }

    fn end_line(&mut self, mut line: &[u8], emit: &mut impl FnMut(Event)) {
        if std::mem::take(&mut self.at_start) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            return self.dispatch(emit);
        }
        let (name, value) = match line.iter().position(|b| *b == b':') {
            Some(0) => return,
            Some(colon) => {
                let value = &line[colon + 1..];
                (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &b""[..]),
        };
        match name {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(&text(value));
            }
            b"event" => self.event.name = text(value).into_owned(),
            b"id" if !value.contains(&0) => self.event.id = Some(text(value).into_owned()),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                // Too many digits for a u64: as long as can be.
                let retry_ms = Some(text(value).parse().unwrap_or(u64::MAX));
                emit(Event { retry_ms, ..Event::default() });
            }
            _ => {}
        }
    }

    fn dispatch(&mut self, emit: &mut impl FnMut(Event)) {
        let event = std::mem::take(&mut self.event);
        self.has_data = false;
        if !event.data.is_empty() || event.id.is_some() {
            emit(event);
        }
    }
}

/// What is no UTF-8 is replaced. The check alone is much faster than the search for that.
fn text(value: &[u8]) -> Cow<'_, str> {
    str::from_utf8(value).map_or_else(|_| String::from_utf8_lossy(value), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pieces: &[&[u8]], max: usize) -> Result<Vec<Event>, TooLarge> {
        let mut parser = Parser::new(max);
        let mut events = Vec::new();
        for piece in pieces {
            parser.push(piece, |event| events.push(event))?;
        }
        Ok(events)
    }

    /// Whole, byte by byte, and at every split: always the same events.
    fn events(text: &[u8]) -> Vec<Event> {
        let whole = parse(&[text], 1 << 16).expect("within the bound");
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(parse(&bytes, 1 << 16).as_ref(), Ok(&whole));
        for at in 0..=text.len() {
            assert_eq!(parse(&[&text[..at], &text[at..]], 1 << 16).as_ref(), Ok(&whole), "split at {at}");
        }
        whole
    }

    fn data(text: &[u8]) -> Vec<String> {
        events(text).into_iter().map(|event| event.data).collect()
    }

    #[test]
    fn lines_end_with_cr_lf_or_both() {
        assert_eq!(data(b"data: a\n\ndata: b\r\rdata: c\r\n\r\n"), ["a", "b", "c"]);
    }

    #[test]
    fn data_lines_are_joined_and_one_space_is_dropped() {
        assert_eq!(data(b"data:a\ndata:  b\ndata\n\n"), ["a\n b\n"]);
    }

    #[test]
    fn comments_and_unknown_fields_are_ignored() {
        assert_eq!(data(b": hello\nfoo: bar\ndata: x\n\n:\n\n"), ["x"]);
    }

    #[test]
    fn a_byte_order_mark_is_dropped_once() {
        assert_eq!(data(b"\xef\xbb\xbfdata: x\n\n\xef\xbb\xbfdata: y\n\n"), ["x"]);
    }

    #[test]
    fn an_event_without_data_still_carries_its_id() {
        let [event] = &events(b"id: 7\ndata\n\n")[..] else { panic!("one event") };
        assert_eq!((event.id.as_deref(), event.is_message()), (Some("7"), false));
    }

    #[test]
    fn retry_holds_at_once_even_if_its_event_is_never_finished() {
        let [event] = &events(b"data: x\nretry: 300\n")[..] else { panic!("one event") };
        assert_eq!(*event, Event { retry_ms: Some(300), ..Event::default() });
    }

    #[test]
    fn bad_ids_and_retries_are_ignored() {
        let [event] = &events(b"id: a\0b\nretry: 3s\nretry: -1\nretry:\ndata: x\n\n")[..] else { panic!("one event") };
        assert_eq!((event.id.as_deref(), event.retry_ms), (None, None));
        let [event] = &events(b"retry: 99999999999999999999999\n\n")[..] else { panic!("one event") };
        assert_eq!(event.retry_ms, Some(u64::MAX));
    }

    #[test]
    fn only_message_events_are_messages() {
        let names: Vec<bool> = events(b"event: ping\ndata: x\n\nevent: message\ndata: x\n\ndata: x\n\n")
            .iter()
            .map(Event::is_message)
            .collect();
        assert_eq!(names, [false, true, true]);
    }

    #[test]
    fn an_unfinished_event_is_discarded() {
        assert_eq!(data(b"data: a\n\ndata: b\n"), ["a"]);
    }

    #[test]
    fn an_unfinished_event_can_be_looked_at() {
        let rest = |text: &[u8]| {
            let mut parser = Parser::new(1 << 16);
            parser.push(text, |_| {}).expect("within the bound");
            parser.rest().map(|event| event.data)
        };
        assert_eq!(rest(b"data: a\n\ndata: b\n").as_deref(), Some("b"));
        assert_eq!(rest(b"data: b").as_deref(), Some("b"));
        assert_eq!(rest(b"data: b\ndata: c\r").as_deref(), Some("b\nc"));
        assert_eq!(rest(b"data: a\n\n"), None);
        assert_eq!(rest(b": a"), None);
        assert_eq!(rest(b"data: a\n\ndat"), None);
    }

    #[test]
    fn characters_may_be_split_and_bad_ones_are_replaced() {
        assert_eq!(data("data: ö€\n\n".as_bytes()), ["ö€"]);
        assert_eq!(data(b"data: \xff\n\n"), ["\u{fffd}"]);
    }

    #[test]
    fn the_bound_holds_with_and_without_a_line_end() {
        assert_eq!(parse(&[b"data: 12345678", b"90"], 15), Err(TooLarge));
        assert_eq!(parse(&[b"data: 1234567\n", b"data: 12345\n"], 15), Err(TooLarge));
        assert_eq!(parse(&[b"data: 1234567\n\n", b"data: 1234567\n\n"], 15).map(|e| e.len()), Ok(2));
    }

    #[test]
    fn a_line_of_16_mib_is_accepted_by_default_and_one_byte_more_is_not() {
        let max = usize::try_from(crate::protocol::Config::default().max_event_bytes).expect("fits");
        assert_eq!(max, 16 << 20);
        let line = |length: usize| [&b"data: "[..], &vec![b'x'; length - 6]].concat();
        let parse = |line: &[u8], end: &[u8]| {
            let pieces: Vec<&[u8]> = line.chunks(1 << 16).chain([end]).collect();
            parse(&pieces, max).map(|events| events.iter().map(|event| event.data.len()).collect::<Vec<_>>())
        };
        assert_eq!(parse(&line(max), b"\n\n"), Ok(vec![max - 6]));
        assert_eq!(parse(&line(max + 1), b"\n\n"), Err(TooLarge));
        assert_eq!(parse(&line(max + 1), b""), Err(TooLarge), "its end is not waited for");
    }
}
