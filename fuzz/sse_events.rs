//! Our event stream parser for tests in other languages: each line of stdin is one stream, as a JSON array of its pieces
//! in base 16; each line of stdout is what it brings, as a JSON array.

use mcp_evergreen::protocol::sse::Parser;
use serde_json::{Value, json};
use std::error::Error;
use std::io::{BufRead, Write};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let pieces: Vec<String> = serde_json::from_str(&line?)?;
        let mut parser = Parser::new(1 << 20);
        let mut events: Vec<Value> = Vec::new();
        for piece in pieces {
            let bytes: Result<Vec<u8>, _> =
                (0..piece.len()).step_by(2).map(|at| u8::from_str_radix(&piece[at..at + 2], 16)).collect();
            let bytes = bytes?;
            let whole = parser.push(&bytes, |event| {
                events.push(json!({
                    "id": event.id, "retry": event.retry_ms, "name": event.name, "data": event.data,
                }));
            });
            whole.map_err(|_| "an event is longer than the bound")?;
        }
        writeln!(out, "{}", Value::Array(events))?;
    }
    Ok(())
}
