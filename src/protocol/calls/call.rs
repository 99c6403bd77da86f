//! One command: what it is, where it is, and whether it may have run.

use super::{Doubt, Place, Queue, Task};
use crate::protocol::config::Mode;
use crate::protocol::policy::retry::Known;
use crate::protocol::policy::safety::{Licence, Safety};
use crate::protocol::questions::Round;
use crate::protocol::{ExchangeId, Outcome, Params, Resume};

/// The options of one call.
///
/// ```
/// use mcp_evergreen::CallOptions;
///
/// // A search changes nothing: it may be asked twice.
/// let options = CallOptions { repeatable: true, timeout_ms: Some(10_000), ..CallOptions::default() };
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallOptions {
    /// Milliseconds; the session's time-out where `None`.
    pub timeout_ms: Option<u64>,
    /// Bound in milliseconds over a clock that progress resets.
    pub max_total_timeout_ms: Option<u64>,
    /// Progress starts the time-out anew.
    pub reset_timeout_on_progress: bool,
    /// Ask for progress.
    pub progress: bool,
    /// The caller says that running it twice does no harm.
    pub repeatable: bool,
    /// An `input_required` result is given to the caller as it is.
    pub manual_input: bool,
    /// Ask the server, whatever is cached.
    pub reload: bool,
    /// The caller's own header fields.
    pub headers: Vec<(String, String)>,
    /// Not sent: the rest of its stream is asked for.
    pub resume: Option<Resume>,
    /// Tell the ids of the events on its stream, from which it can be resumed.
    pub event_ids: bool,
}

/// What a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `connect`, or `initialize` of a host's own Client.
    Connect,
    Request,
    Notification,
    Verify,
    Reconnect,
    /// The user is to sign in, or may be asked to.
    SignIn,
    Close,
}

/// The kinds of repair. A call is sent again at most once after each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repair {
    Session,
    Connection,
    Busy,
    Token,
    Scope,
    /// The header fields or the version were not what the server wants.
    Envelope,
}

/// A call is sent at most this often.
const MAX_SENDS: u32 = 3;

#[derive(Debug)]
pub(crate) struct Call<P> {
    pub(super) kind: Kind,
    pub(super) method: String,
    pub(super) params: Params,
    pub(super) options: CallOptions,
    pub(super) place: Place<P>,
    /// Its number in the queue that it is in.
    pub(super) turn: u64,
    /// When it was made, on the monotonic clock.
    pub(super) made: u64,
    pub(super) sends: u32,
    /// Handshakes that failed while it waited.
    pub(super) failed_attempts: u32,
    /// Whether a second run does no harm: known when it was sent.
    pub(super) safety: Safety,
    /// It is sent again because annotations say so.
    pub(super) relies: bool,
    /// A send of it ended without a word on whether it ran.
    pub(super) maybe_ran: bool,
    /// A send of it reached a server: one that refused its session, or that asked for input. The first is the licence to
    /// send it once more, and no proof that no copy of it ran: unless it is answered, it ends as unknown.
    pub(super) delivered: bool,
    /// The generation of the session that refused it last, before it was to be sent again.
    pub(super) refused_by: u32,
    /// How far its latest progress was.
    pub(super) progress: Option<f64>,
    /// What was answered to the server, and goes with the next send.
    pub(super) round: Option<Round>,
    /// How often the server has asked for input.
    pub(super) rounds: u32,
    /// While it ran, the server asked what nobody here answers.
    pub(super) asked_in_vain: bool,
    /// Its latest send asked the server to run it as a task.
    pub(super) as_task: bool,
    /// The task that it became.
    pub(super) task: Option<Task>,
    /// Milliseconds that were left when the user was asked; its clock stands still meanwhile.
    pub(super) paused: Option<u64>,
    pub(super) repaired: Vec<Repair>,
}

impl<P> Call<P> {
    pub fn new(kind: Kind, method: String, params: Params, options: CallOptions, made: u64) -> Self {
        Self {
            kind,
            method,
            params,
            options,
            place: Place::Here,
            turn: 0,
            made,
            sends: 0,
            failed_attempts: 0,
            safety: Safety::Unsafe,
            relies: false,
            maybe_ran: false,
            delivered: false,
            refused_by: 0,
            progress: None,
            round: None,
            rounds: 0,
            asked_in_vain: false,
            as_task: false,
            task: None,
            paused: None,
            repaired: Vec::new(),
        }
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn method(&self) -> &str {
        &self.method
    }

    pub fn params(&self) -> &Params {
        &self.params
    }

    pub fn options(&self) -> &CallOptions {
        &self.options
    }

    pub fn place(&self) -> &Place<P> {
        &self.place
    }

    /// When it was made, on the monotonic clock.
    pub fn made(&self) -> u64 {
        self.made
    }

    /// Whether the server asked, while it ran, what nobody here answers.
    pub fn asked_in_vain(&self) -> bool {
        self.asked_in_vain
    }

    pub fn sends(&self) -> u32 {
        self.sends
    }

    /// A second run does no harm.
    pub fn is_safe(&self) -> bool {
        self.safety.is_safe()
    }

    pub fn safety(&self) -> Safety {
        self.safety
    }

    /// A send of it ended without a word on whether it ran.
    pub fn maybe_ran(&self) -> bool {
        self.maybe_ran
    }

    /// The generation of the session that refused it last.
    pub fn refused_by(&self) -> u32 {
        self.refused_by
    }

    /// What was answered to the server, and goes with the next send.
    pub fn round(&self) -> Option<&Round> {
        self.round.as_ref()
    }

    /// Its latest send asked the server to run it as a task.
    pub fn went_as_task(&self) -> bool {
        self.as_task
    }

    /// The task that it became.
    pub fn task(&self) -> Option<&Task> {
        self.task.as_ref()
    }

    /// Its clock stands still.
    pub fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// Did it run, as far as is known if it ends here?
    pub fn outcome(&self) -> Outcome {
        let is_out = !self.is_idle() && !matches!(self.place, Place::Subscribing);
        if self.maybe_ran || self.delivered || is_out { Outcome::Unknown } else { Outcome::NotExecuted }
    }

    /// Nothing of it is out, neither a request nor a question that concerns it alone.
    pub fn is_idle(&self) -> bool {
        match self.place {
            Place::Here | Place::Queued(_) | Place::InQuestion(Doubt::Lost) => true,
            Place::InQuestion(Doubt::Refused { .. } | Doubt::Asked)
            | Place::Sent(_)
            | Place::Broken(_)
            | Place::Asking
            | Place::Subscribing
            | Place::Relisting { .. } => false,
        }
    }

    /// Its request is on the wire, or the stream of its answer is going to be taken up again.
    pub fn is_on_wire(&self) -> bool {
        matches!(self.place, Place::Sent(_) | Place::Broken(_))
    }

    /// Whether it is on the wire in this exchange.
    pub fn is_sent_in(&self, exchange: ExchangeId) -> bool {
        matches!(self.place, Place::Sent(sent) if sent == exchange)
    }

    /// It waits for the server to acknowledge what it is to tell.
    pub fn is_subscribing(&self) -> bool {
        matches!(self.place, Place::Subscribing)
    }

    /// The number of the page of the tool list that it waits for, if that is asked for in this exchange.
    pub fn pages_of(&self, list: ExchangeId) -> Option<u32> {
        match self.place {
            Place::Relisting { list: own, pages } if own == list => Some(pages),
            Place::Here
            | Place::Queued(_)
            | Place::Sent(_)
            | Place::InQuestion(_)
            | Place::Broken(_)
            | Place::Asking
            | Place::Subscribing
            | Place::Relisting { .. } => None,
        }
    }

    /// Whether it waits in this queue.
    pub fn is_queued(&self, queue: Queue) -> bool {
        matches!(self.place, Place::Queued(own) if own == queue)
    }

    /// The outcome of all sends, where that of the last is known.
    pub fn outcome_with(&self, last: Outcome) -> Outcome {
        let earlier = (self.maybe_ran || self.delivered) && !planted!("outcome_of_last_send");
        if earlier && last == Outcome::NotExecuted { Outcome::Unknown } else { last }
    }

    /// It may have run, and is sent again only because the tool's annotations say that this does no harm.
    pub fn relies_on_annotations(&self) -> bool {
        self.relies && self.task.is_none() && self.sends > 0
    }

    /// It is sent again by the annotations, which have to be read again: in a list that is asked for after this request.
    pub(super) fn rely(&mut self, latest: u64) {
        if let Safety::Annotated(licence) = self.safety {
            self.safety = Safety::Annotated(Licence { since: latest, is_checked: false, ..licence });
            self.relies = true;
        }
    }

    /// What decides whether it is sent once more after this kind of repair.
    pub fn known(&self, mode: Mode, repair: Repair) -> Known {
        let repairable = self.has_sends_left() && !self.was_repaired(repair) || planted!("retries_without_end");
        Known { mode, safe: self.is_safe(), maybe_ran: self.maybe_ran, repairable }
    }

    /// What comes next is a request of its own, with repairs of its own.
    pub(super) fn next_request(&mut self) {
        self.sends = 0;
        self.relies = false;
        self.repaired.clear();
    }

    pub fn has_sends_left(&self) -> bool {
        self.sends < MAX_SENDS
    }

    /// Whether it was sent again after this kind of repair.
    pub fn was_repaired(&self, repair: Repair) -> bool {
        self.repaired.contains(&repair)
    }

    /// When its time is up. Progress at `at` may have started the clock anew.
    pub fn deadline(&self, at: u64, default_ms: u64, default_total_ms: Option<u64>) -> u64 {
        let deadline = at.saturating_add(self.options.timeout_ms.unwrap_or(default_ms));
        self.total_deadline(default_total_ms).map_or(deadline, |total| deadline.min(total))
    }

    /// When its time is up whatever happens, if there is such a bound.
    pub fn total_deadline(&self, default_total_ms: Option<u64>) -> Option<u64> {
        let total = self.options.max_total_timeout_ms.or(default_total_ms)?;
        Some(self.made.saturating_add(total))
    }
}
