//! Where an event stream is taken up again, and when.

use crate::protocol::config::Recovery;
use crate::protocol::policy::backoff;

/// Added to `retry:` so that the clients of a server that closes all streams at once do not come back at once.
const SPREAD_MS: u64 = 100;
/// A stream that ends after each event is resumed ever more slowly, by as much each time; so often.
const RESUMED_OFTEN: u32 = 10;
/// Of an event id: with a longer one a stream cannot be taken up again.
const MAX_ID_BYTES: usize = 4 << 10;

/// Where a stream can be taken up again. Per stream: an event id is no cursor of another one, nor of another session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The `id:` of the last event that had one.
    pub event_id: Option<String>,
    /// The `retry:` of the last event that had one, in milliseconds.
    pub retry_ms: Option<u64>,
    /// Attempts since the last event.
    pub tries: u32,
    /// All attempts.
    pub resumed: u32,
}

impl Cursor {
    /// An event came. One that says nothing but when to come back is no sign of life.
    pub fn saw(&mut self, id: Option<String>, retry_ms: Option<u64>, has_message: bool) {
        if id.is_some() || has_message {
            self.tries = 0;
        }
        if let Some(id) = id {
            // An empty id resets the cursor (WHATWG HTML, 9.2.6).
            self.event_id = Some(id).filter(|id| !id.is_empty() && is_field_value(id));
        }
        self.retry_ms = retry_ms.or(self.retry_ms);
    }

    /// How long to wait before the next attempt: as the server said, up to `longest`; longer from the second attempt on,
    /// and where the stream ends again and again.
    pub fn wait(&mut self, longest: u64, recovery: &Recovery, rng: &mut fastrand::Rng) -> u64 {
        self.tries += 1;
        let floor = SPREAD_MS.saturating_mul(u64::from(self.resumed.min(RESUMED_OFTEN)));
        self.resumed += 1;
        let said = self.retry_ms.unwrap_or_default().max(floor).min(longest);
        match self.tries {
            1 => said.saturating_add(rng.u64(0..SPREAD_MS)),
            tries => backoff::delay(tries - 1, recovery, said, rng),
        }
    }
}

/// Whether HTTP carries it (RFC 9110, 5.5), and a server that bounds its header fields takes it.
fn is_field_value(id: &str) -> bool {
    id.len() <= MAX_ID_BYTES && !id.bytes().any(|byte| byte < b' ' && byte != b'\t' || byte == 0x7f)
}
