//! One command's life: its deadline, its attempts, and whether it is safe to repeat.

use super::config::Mode;
use super::input::Round;
use super::policy::retry::Known;
use super::stream::Broken;
use super::task::Task;
use super::tools::Licence;
use super::{ExchangeId, Outcome, Params, Resume};

/// The options of one call.
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
pub(super) enum Kind {
    /// `connect`, or `initialize` of a host's own Client.
    Connect,
    Request,
    Notification,
    Verify,
    Reconnect,
    Close,
}

/// Where a call is.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Waits: for the session, for a ping's answer, for time to pass.
    Here,
    /// On the wire.
    Sent(ExchangeId),
    /// Refused, perhaps: a ping is to tell.
    InQuestion,
    /// Its event stream broke, and is going to be resumed.
    Broken(Broken),
    /// The server waits for input that the host was asked for.
    Asking,
    /// Waits for the server to acknowledge what it is to tell.
    Subscribing,
    /// Waits for a page of the tool list, to be sent again with the header fields that the server wants.
    Relisting { list: ExchangeId, pages: u32 },
}

/// The kinds of repair. A call is sent again at most once after each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repair {
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
pub(super) struct Call {
    pub kind: Kind,
    pub method: String,
    pub params: Params,
    pub options: CallOptions,
    pub place: Place,
    /// When it was made, on the monotonic clock.
    pub made: u64,
    pub sends: u32,
    /// Handshakes that failed while it waited.
    pub failed_attempts: u32,
    /// A second run does no harm: known when it was sent, from the tool list of that session.
    pub safe: bool,
    /// Where that is so by its tool's annotations alone: what they say.
    pub licence: Option<Licence>,
    /// It is sent again by that licence.
    relies: bool,
    /// A send of it ended without a word on whether it ran.
    pub maybe_ran: bool,
    /// A send of it reached a server: one that refused its session, or that asked for input. The first is the licence to
    /// send it once more, and no proof that no copy of it ran: unless it is answered, it ends as unknown.
    pub delivered: bool,
    /// The generation of the session that refused it last, before it was to be sent again.
    pub refused_by: u32,
    /// How far its latest progress was.
    pub progress: Option<f64>,
    /// What was answered to the server, and goes with the next send.
    pub round: Option<Round>,
    /// How often the server has asked for input.
    pub rounds: u32,
    /// Its latest send asked the server to run it as a task.
    pub as_task: bool,
    /// The task that it became.
    pub task: Option<Task>,
    /// Milliseconds that were left when the user was asked; its clock stands still meanwhile.
    pub paused: Option<u64>,
    repaired: Vec<Repair>,
}

impl Call {
    pub fn new(kind: Kind, method: String, params: Params, options: CallOptions, made: u64) -> Self {
        Self {
            kind,
            method,
            params,
            options,
            place: Place::Here,
            made,
            sends: 0,
            failed_attempts: 0,
            safe: false,
            licence: None,
            relies: false,
            maybe_ran: false,
            delivered: false,
            refused_by: 0,
            progress: None,
            round: None,
            rounds: 0,
            as_task: false,
            task: None,
            paused: None,
            repaired: Vec::new(),
        }
    }

    /// Did it run, as far as is known if it ends here?
    pub fn outcome(&self) -> Outcome {
        if self.maybe_ran || self.delivered || !matches!(self.place, Place::Here | Place::Subscribing) {
            Outcome::Unknown
        } else {
            Outcome::NotExecuted
        }
    }

    /// The outcome of all sends, where that of the last is known.
    pub fn outcome_with(&self, last: Outcome) -> Outcome {
        let earlier = self.maybe_ran || self.delivered;
        if earlier && last == Outcome::NotExecuted { Outcome::Unknown } else { last }
    }

    /// It may have run, and is sent again only because the tool's annotations say that this does no harm.
    pub fn relies_on_annotations(&self) -> bool {
        self.relies && self.task.is_none() && self.sends > 0
    }

    /// It is sent again by the annotations, which have to be read again: in a list that is asked for after this request.
    pub fn rely(&mut self, latest: u64) {
        self.relies = true;
        self.licence = self.licence.map(|licence| Licence { since: latest, is_checked: false, ..licence });
    }

    /// What decides whether it is sent once more after this kind of repair.
    pub fn known(&self, mode: Mode, repair: Repair) -> Known {
        let repairable = self.has_sends_left() && !self.was_repaired(repair);
        Known { mode, safe: self.safe, maybe_ran: self.maybe_ran, repairable }
    }

    /// It is sent once more after this kind of repair.
    pub fn repair(&mut self, repair: Repair) {
        self.repaired.push(repair);
    }

    /// What comes next is a request of its own, with repairs of its own.
    pub fn next_request(&mut self) {
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
