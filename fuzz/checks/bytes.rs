//! Choices out of a fuzzer's bytes: one byte a choice, so that a changed byte changes one choice. Where the bytes have
//! ended, each choice is the first.

use serde_json::{Map, Value, json};

pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub fn flag(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    pub fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count.max(1)
    }

    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// A few bytes, however they come.
    pub fn slice(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()).min(self.0.len());
        let (slice, rest) = self.0.split_at(length);
        self.0 = rest;
        slice
    }

    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(self.slice()).into_owned()
    }

    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// Any JSON, made of what the core looks for. `id` is the request's own.
    pub fn json(&mut self, id: u64, depth: u8) -> Value {
        match self.byte() % if depth == 0 { 6 } else { 9 } {
            0 => Value::Null,
            1 => self.flag().into(),
            2 => self.of(&[0, 1, -1, -32001, -32000, -32601, -32603, -32022, -32042, i64::MAX, i64::MIN]).into(),
            3 => self
                .of(&[json!(id), json!(id.to_string()), json!(0.5), json!(1e300), json!(u64::MAX)].each_ref())
                .clone(),
            4 => self.of(WORDS).into(),
            5 => self.text().into(),
            6 => (0..self.below(4)).map(|_| self.json(id, depth - 1)).collect(),
            _ => {
                let members = (0..self.below(6)).map(|_| (self.of(KEYS).to_owned(), self.json(id, depth - 1)));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }
}

/// What servers say; some of it means that a session is gone.
pub const WORDS: &[&str] = &[
    "",
    "Session not found",
    "Session terminated",
    "session is closing",
    "Bad Request: No valid session ID provided",
    "Server not initialized",
    "Server already initialized",
    "Method not found",
    "upstream timed out",
    "connection closed",
    "invalid_token",
    "busy",
    "2025-11-25",
    "session",
    "expired",
    "notifications/progress",
    "ping",
];

const KEYS: &[&str] = &[
    "id",
    "method",
    "params",
    "result",
    "error",
    "code",
    "message",
    "data",
    "detail",
    "requestId",
    "mode",
    "tools",
    "name",
    "nextCursor",
    "serverInfo",
    "capabilities",
    "instructions",
    "progressToken",
    "jsonRpcError",
    "protocolVersion",
    "jsonrpc",
];
