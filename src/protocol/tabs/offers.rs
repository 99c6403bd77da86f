//! Questions without an owner: those of the listening stream, which are the leader's to offer and any tab's to claim.

use crate::protocol::{Now, bounds};

/// Nobody has claimed it by then: it is the leader's.
const CLAIM_MS: u64 = 300;
/// Of those that were offered to this tab, so many are remembered.
const MOST: usize = 16;

/// A question without an owner.
#[derive(Debug)]
pub(crate) struct Offer {
    pub question: u64,
    /// The JSON-RPC id, as JSON.
    pub id: String,
    pub method: String,
    /// As JSON.
    pub params: Option<String>,
}

/// Those that are open, by when each is the leader's, on the monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Offers(Vec<(u64, Offer)>);

impl Offers {
    pub fn is_full(&self) -> bool {
        self.0.len() >= bounds::QUESTIONS
    }

    /// This tab offers it to the others.
    pub fn offer(&mut self, offer: Offer, now: Now) {
        self.0.push((now.mono.saturating_add(CLAIM_MS), offer));
    }

    /// Another tab has offered it, and this one claims it.
    pub fn claim(&mut self, offer: Offer) {
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        self.0.push((0, offer));
    }

    /// When the first of them is the leader's.
    pub fn due_at(&self) -> Option<u64> {
        self.0.first().map(|(until, _)| *until)
    }

    /// The first, where nobody has claimed it in time.
    pub fn take_due(&mut self, now: Now) -> Option<Offer> {
        let is_due = self.due_at().is_some_and(|until| until <= now.mono);
        is_due.then(|| self.0.remove(0).1)
    }

    pub fn take(&mut self, question: u64) -> Option<Offer> {
        let at = self.0.iter().position(|(_, offer)| offer.question == question)?;
        Some(self.0.remove(at).1)
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}
