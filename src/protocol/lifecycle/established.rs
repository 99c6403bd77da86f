//! A session that has just been made, or taken up.

use super::{Established, Lifecycle, SessionId};
use crate::protocol::Now;

impl<P> Lifecycle<P> {
    /// The next session, which counts as made.
    pub fn next_session(
        &mut self,
        id: Option<SessionId>,
        version: &'static str,
        handshake: P,
        now: Now,
    ) -> Box<Established<P>> {
        self.history.generation += 1;
        Box::new(Established {
            generation: self.history.generation,
            id,
            version,
            handshake,
            capabilities: None,
            since: now,
            made_for: None,
            proven: false,
            check: None,
            alive_at: None,
        })
    }

    /// Sessions made so far.
    pub fn generation(&self) -> u32 {
        self.history.generation
    }
}
