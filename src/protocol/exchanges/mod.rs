//! The room of HTTP exchanges: each from sent to over, what has come of it so far, the ids of the JSON-RPC requests in them, and
//! whether a refusal came in time to be the gate's: [`Exchanges::time_refusal`] decides that, once, when the refusal is whole.

pub(super) mod body;
mod compose;
mod cursor;
mod exchange;
mod gate;
pub(super) mod wording;

pub(super) use cursor::Cursor;
pub(super) use exchange::{Answer, Exchange};

use super::codec::http::Head;
use super::codec::json_rpc::REQUEST_ID_BASE;
use super::config::Connections;
use super::identity::{HostFields, Owner};
use super::{CallId, ExchangeId, Now, Purpose, ReadAs};
use exchange::CONNECTIONS;
use gate::Gate;
use litemap::LiteMap;

/// All exchanges that are not over.
#[derive(Debug)]
pub(super) struct Exchanges {
    all: LiteMap<ExchangeId, Box<Exchange>>,
    connections: Connections,
    gate: Gate,
    /// The id of the latest request.
    latest_request: u64,
}

impl Exchanges {
    pub fn new(connections: Connections, rng: &mut fastrand::Rng) -> Self {
        let latest_request = rng.u64(REQUEST_ID_BASE);
        Self { all: LiteMap::new(), connections, gate: Gate::default(), latest_request }
    }

    /// From now on nobody knows how long a request waits in the browser's queue.
    pub fn hide_queue(&mut self) {
        if self.connections == Connections::SixOfOwnOrigin {
            self.connections = Connections::Six;
        }
    }
}

/// The ids of requests: no two have the same, in no session.
impl Exchanges {
    pub fn latest_request(&self) -> u64 {
        self.latest_request
    }

    /// The id of another request.
    pub fn fresh_request_id(&mut self) -> u64 {
        self.latest_request += 1;
        self.latest_request
    }

    /// An earlier page life has used those up to this one.
    pub fn go_on_from(&mut self, latest_request: u64) {
        self.latest_request = latest_request;
    }
}

/// What is asked.
impl Exchanges {
    pub fn get(&self, id: ExchangeId) -> Option<&Exchange> {
        self.all.get(&id).map(|exchange| &**exchange)
    }

    pub fn has(&self, id: ExchangeId) -> bool {
        self.all.contains_key(&id)
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = (ExchangeId, &Exchange)> {
        self.all.iter().map(|(id, exchange)| (*id, &**exchange))
    }

    /// How many are under way for this.
    pub fn count(&self, purpose: Purpose) -> usize {
        self.iter().filter(|(_, exchange)| exchange.purpose == purpose).count()
    }

    /// The call that is under way under the session of this generation, if there is but one.
    pub fn only_call_under(&self, generation: u32) -> Option<CallId> {
        let open = self.iter().filter(|(_, exchange)| exchange.generation == generation && !exchange.concluded);
        let mut calls = open.filter_map(|(_, exchange)| exchange.purpose.call());
        let only = calls.next();
        only.filter(|_| calls.next().is_none())
    }

    /// Whether what is sent now waits in the browser for a connection.
    pub fn is_queue_full(&self) -> bool {
        self.connections != Connections::Many && self.may_queue()
    }

    /// Whether what is sent now may wait in the browser for a connection.
    pub fn may_queue(&self) -> bool {
        self.all.len() > CONNECTIONS
    }

    /// The usual round trip of a request that no handler keeps waiting.
    pub fn round_trip_ms(&self) -> u64 {
        self.gate.round_trip_ms()
    }
}

/// What happens to them.
impl Exchanges {
    /// It goes out.
    pub fn begins(&mut self, id: ExchangeId, mut exchange: Box<Exchange>, now: Now) {
        exchange.ahead = self.all.len();
        exchange.connected_at = (exchange.ahead < CONNECTIONS).then_some(now.mono);
        self.all.insert(id, exchange);
    }

    /// It is over; the next in the browser's queue may have its connection.
    pub fn ends(&mut self, id: ExchangeId, now: Now) -> Option<Box<Exchange>> {
        let exchange = self.all.remove(&id)?;
        if let Some((_, next)) = self.all.iter_mut().nth(CONNECTIONS - 1) {
            next.connected_at.get_or_insert(now.mono);
        }
        Some(exchange)
    }

    /// The header fields that the host adds to it.
    pub fn set_fields(&mut self, id: ExchangeId, fields: &HostFields) {
        if let Some(exchange) = self.all.get_mut(&id) {
            exchange.secrets.add_all(&fields.secrets);
            exchange.fields = Some(fields.hash());
            exchange.owner = Some(exchange.owner.unwrap_or_default().with_fields(fields));
        }
    }

    /// What is known of whose they are is said anew.
    pub fn renew_owners(&mut self, renew: impl Fn(&mut Owner)) {
        for (_, exchange) in self.all.iter_mut() {
            [&mut exchange.owner, &mut exchange.made_for].into_iter().flatten().for_each(&renew);
        }
    }

    /// Status and headers have come, and the body is read so.
    pub fn set_head(&mut self, id: ExchangeId, head: Head, how: ReadAs, now: Now) {
        let Some(exchange) = self.all.get_mut(&id) else { return };
        if exchange.purpose.is_answered_at_once() {
            self.gate.passed_after(now.mono.saturating_sub(exchange.sent.mono));
        }
        exchange.events = matches!(how, ReadAs::Events { .. });
        exchange.head = Some(head);
    }

    /// Its body is an event stream, or not, whatever it said.
    pub fn set_stream(&mut self, id: ExchangeId, is: bool) {
        if let Some(exchange) = self.all.get_mut(&id) {
            exchange.events = is;
        }
    }

    /// An event came on its stream.
    pub fn saw_event(&mut self, id: ExchangeId, event_id: Option<String>, retry_ms: Option<u64>, has_message: bool) {
        if let Some(exchange) = self.all.get_mut(&id) {
            exchange.events = true;
            exchange.dispatched |= event_id.is_some();
            exchange.cursor.saw(event_id, retry_ms, has_message);
        }
    }

    /// What came shows that a handler has begun, or that what follows may be said to another request: no refusal that follows is
    /// the gate's.
    pub fn was_dispatched(&mut self, id: ExchangeId) {
        if let Some(exchange) = self.all.get_mut(&id) {
            exchange.dispatched = true;
        }
    }

    /// Its refusal is whole: whether it can be the gate's is settled here, once.
    pub fn time_refusal(&mut self, id: ExchangeId, now: Now) {
        let gate_ms = self.gate.time_ms();
        if let Some(exchange) = self.all.get_mut(&id) {
            let dispatched = exchange.dispatched && !planted!("stream_is_no_proof");
            let at_once = planted!("late_only_by_the_head") && exchange.head.as_ref().is_some_and(Head::is_success);
            exchange.late = dispatched || !at_once && exchange.took(self.connections, gate_ms, now) > gate_ms;
        }
    }

    /// Its answer is taken. Says whether its stream may go on.
    pub fn concludes<P>(&mut self, id: ExchangeId, answer: &Answer<P>) -> Option<bool> {
        let exchange = self.all.get_mut(&id)?;
        exchange.concluded = true;
        // Whatever else ends an exchange ends its stream.
        Some(exchange.events && matches!(answer, Answer::Result(_) | Answer::Refused { .. }))
    }
}
