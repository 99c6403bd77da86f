//! The room of commands: each from made to settled. Where a call is, is one enum, [`Place`]; who waits in a queue, and in
//! which order, is read off it. What is known of whether a call ran is noted here, by what happened to it.

mod call;
mod place;
mod rounds;
mod task;

pub use call::CallOptions;
pub(super) use call::{Call, Kind, Repair};
pub(super) use place::{Broken, Doubt, Place, Queue};
pub use task::TaskHandle;
pub(super) use task::{Stage, Task, milliseconds};

use super::config::Mode;
use super::policy::retry::{self, End, Known, Next};
use super::policy::safety::Safety;
use super::{CallId, ExchangeId, Outcome};
use litemap::LiteMap;

/// All commands that have not ended.
#[derive(Debug)]
pub(super) struct Calls<P> {
    all: LiteMap<CallId, Box<Call<P>>>,
    /// Who is in a queue, as the places of the calls say; `None`: whoever waits for a ping's answer.
    queues: LiteMap<(Option<Queue>, u64), CallId>,
    turns: u64,
}

impl<P> Default for Calls<P> {
    fn default() -> Self {
        Self { all: LiteMap::new_vec(), queues: LiteMap::new_vec(), turns: 0 }
    }
}

/// What is asked.
impl<P> Calls<P> {
    pub fn get(&self, id: CallId) -> Option<&Call<P>> {
        self.all.get(&id).map(|call| &**call)
    }

    pub fn has(&self, id: CallId) -> bool {
        self.all.contains_key(&id)
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (CallId, &Call<P>)> {
        self.all.iter().map(|(id, call)| (*id, &**call))
    }

    /// Those of which this holds, the oldest first.
    pub fn those(&self, are: impl Fn(&Call<P>) -> bool) -> Vec<CallId> {
        self.iter().filter(|(_, call)| are(call)).map(|(id, _)| id).collect()
    }

    pub fn ids(&self) -> Vec<CallId> {
        self.all.keys().copied().collect()
    }

    /// Whether there is one of which this holds.
    pub fn any(&self, is: impl Fn(&Call<P>) -> bool) -> bool {
        self.all.values().any(|call| is(call))
    }

    /// Who waits in this queue, in order.
    pub fn queued(&self, queue: Queue) -> impl Iterator<Item = CallId> {
        self.along(Some(queue))
    }

    pub fn is_any_queued(&self, queue: Queue) -> bool {
        self.queued(queue).next().is_some()
    }

    pub fn last_queued(&self, queue: Queue) -> Option<&Call<P>> {
        self.along(Some(queue)).next_back().and_then(|id| self.get(id))
    }

    /// Who waits for the answer to a ping, in order.
    pub fn in_question(&self) -> Vec<CallId> {
        self.along(None).collect()
    }

    /// Those of them whose callers want to know that alone.
    pub fn asked_whether_it_lives(&self) -> Vec<CallId> {
        let asks =
            |id: &CallId| self.get(*id).is_some_and(|call| matches!(call.place, Place::InQuestion(Doubt::Asked)));
        self.along(None).filter(asks).collect()
    }

    fn along(&self, queue: Option<Queue>) -> impl DoubleEndedIterator<Item = CallId> {
        let place = |turn| self.queues.find_index(&(queue, turn)).unwrap_or_else(|place| place);
        self.queues.as_slice()[place(0)..place(u64::MAX)].iter().map(|(_, id)| *id)
    }

    /// What became of it, as far as is known if it ends here.
    pub fn outcome(&self, id: CallId) -> Outcome {
        self.get(id).map_or(Outcome::NotExecuted, Call::outcome)
    }
}

/// What happens to where a call is.
impl<P> Calls<P> {
    pub fn admit(&mut self, id: CallId, call: Call<P>) {
        self.all.insert(id, Box::new(call));
    }

    /// While it runs, the server has asked what nobody here answers.
    pub fn ask_in_vain(&mut self, id: Option<CallId>) {
        if let Some(call) = id.and_then(|id| self.all.get_mut(&id)) {
            call.asked_in_vain = true;
        }
    }

    /// It has ended, where it is.
    pub fn remove(&mut self, id: CallId) -> Option<Box<Call<P>>> {
        let call = self.all.remove(&id)?;
        if let Some(queue) = queue_of(&call.place) {
            self.queues.remove(&(queue, call.turn));
        }
        Some(call)
    }

    /// Puts a call somewhere, and out of where it was.
    fn put(&mut self, id: CallId, place: Place<P>) -> Option<&mut Call<P>> {
        let call = self.all.get_mut(&id)?;
        if let Some(queue) = queue_of(&call.place) {
            self.queues.remove(&(queue, call.turn));
        }
        if let Some(queue) = queue_of(&place) {
            self.turns += 1;
            call.turn = self.turns;
            self.queues.insert((queue, call.turn), id);
        }
        call.place = place;
        Some(call)
    }

    /// Nothing holds it any more. Says whether there is such a call.
    pub fn put_back(&mut self, id: CallId) -> bool {
        self.put(id, Place::Here).is_some()
    }

    /// It waits behind the others in this queue.
    pub fn enqueue(&mut self, id: CallId, queue: Queue) {
        self.put(id, Place::Queued(queue));
    }

    /// Who is in this queue leaves it.
    pub fn dequeue_all(&mut self, queue: Queue) -> Vec<CallId> {
        let waiting: Vec<CallId> = self.queued(queue).collect();
        for id in &waiting {
            self.put(*id, Place::Here);
        }
        waiting
    }

    /// The first in this queue leaves it.
    pub fn dequeue(&mut self, queue: Queue) -> Option<CallId> {
        let first = self.queued(queue).next()?;
        self.put_back(first);
        Some(first)
    }

    /// Who is in one queue goes to the end of another.
    pub fn requeue(&mut self, from: Queue, to: Queue) {
        for id in self.dequeue_all(from) {
            self.enqueue(id, to);
        }
    }

    /// A ping is to tell what becomes of it.
    pub fn question(&mut self, id: CallId, doubt: Doubt<P>) {
        self.put(id, Place::InQuestion(doubt));
    }

    /// The question is answered; `None` where nobody asked it for this call.
    pub fn take_doubt(&mut self, id: CallId) -> Option<Doubt<P>> {
        let call = self.all.get_mut(&id)?;
        if !matches!(call.place, Place::InQuestion(_)) {
            return None;
        }
        self.queues.remove(&(None, call.turn));
        match std::mem::replace(&mut call.place, Place::Here) {
            Place::InQuestion(doubt) => Some(doubt),
            Place::Here
            | Place::Queued(_)
            | Place::Sent(_)
            | Place::Broken(_)
            | Place::Asking
            | Place::Subscribing
            | Place::Relisting { .. } => None,
        }
    }

    /// It went out.
    pub fn sent(&mut self, id: CallId, exchange: ExchangeId, safety: Safety, as_task: bool) {
        if let Some(call) = self.put(id, Place::Sent(exchange)) {
            call.sends += 1;
            call.safety = safety;
            call.as_task = as_task;
        }
    }

    /// It did not go out after all.
    pub fn unsent(&mut self, id: CallId) {
        if let Some(call) = self.put(id, Place::Here) {
            call.sends = call.sends.saturating_sub(1);
        }
    }

    /// In place of sending it, the rest of its stream is asked for: it was sent before.
    pub fn taken_up(&mut self, id: CallId) {
        if let Some(call) = self.all.get_mut(&id) {
            call.sends += 1;
            call.safety = Safety::Unsafe;
            call.maybe_ran = true;
        }
    }

    /// The stream of its answer is asked for.
    pub fn resumed(&mut self, id: CallId, exchange: ExchangeId) {
        self.put(id, Place::Sent(exchange));
    }

    /// The stream of its answer broke, and is going to be resumed.
    pub fn broke(&mut self, id: CallId, broken: Broken) {
        self.put(id, Place::Broken(broken));
    }

    /// The host is asked for the input that it needs.
    pub fn asks(&mut self, id: CallId) {
        self.put(id, Place::Asking);
    }

    /// It waits for the server to acknowledge what it is to tell.
    pub fn subscribes(&mut self, id: CallId) {
        self.put(id, Place::Subscribing);
    }

    /// Those that wait for the stream of subscriptions wait in a queue for the next session.
    pub fn enqueue_subscribers(&mut self) {
        for id in self.those(|call| matches!(call.place, Place::Subscribing)) {
            self.enqueue(id, Queue::Session);
        }
    }

    /// It waits for a page of the tool list.
    pub fn relists(&mut self, id: CallId, list: ExchangeId, pages: u32) {
        self.put(id, Place::Relisting { list, pages });
    }

    /// The tool list was read again for it.
    pub fn relisted(&mut self, id: CallId) {
        if let Some(call) = self.put(id, Place::Here)
            && let Safety::Annotated(licence) = &mut call.safety
        {
            licence.is_checked = true;
        }
    }
}

/// What happens to what is known of it.
impl<P> Calls<P> {
    /// What follows for a call, where this repair would come before it is sent again. If it is sent again, the repair is
    /// spent. `latest`: the latest request; what licenses a second run by annotations alone has to be read after it.
    pub fn next(&mut self, id: CallId, mode: Mode, repair: Repair, end: End, latest: u64) -> Next {
        let Some(call) = self.all.get_mut(&id) else { return Next::Settle(Outcome::Unknown) };
        let known = call.known(mode, repair);
        let next = retry::next(known, end);
        if next == Next::SendAgain {
            call.repaired.push(repair);
            // Would it be sent again without what its annotations say?
            let unsafe_too = retry::next(Known { safe: false, mode: Mode::Default, ..known }, end);
            if unsafe_too != Next::SendAgain {
                call.rely(latest);
            }
        }
        next
    }

    /// A token was refused with it. Says whether it is sent again once there is another. Where it `joins` an authorization
    /// that is for something else, no repair is spent.
    pub fn next_with_token(&mut self, id: CallId, mode: Mode, repair: Repair, joins: bool, outcome: Outcome) -> bool {
        let Some(call) = self.all.get_mut(&id) else { return false };
        let known = call.known(mode, repair);
        let known = Known { repairable: known.repairable || joins && call.has_sends_left(), ..known };
        if retry::next(known, End::TokenRefused { outcome }) != Next::SendAgain {
            return false;
        }
        if !joins {
            call.repaired.push(repair);
        }
        call.maybe_ran |= outcome != Outcome::NotExecuted;
        self.put_back(id)
    }

    /// Its session is gone, and it was refused with it. `at_gate`: its own refusal is the gate's.
    pub fn refused_with_session(&mut self, id: CallId, at_gate: bool) {
        if let Some(call) = self.put(id, Place::Here) {
            call.delivered |= !planted!("eviction_proves_not_executed");
            call.maybe_ran |= !at_gate;
        }
    }

    /// The session of this generation refused it, and it is sent again.
    pub fn note_refused_by(&mut self, id: CallId, generation: u32) {
        if let Some(call) = self.all.get_mut(&id) {
            call.refused_by = generation;
        }
    }

    /// A send of it has ended: it may have run, where this says so.
    pub fn note_may_have_run(&mut self, id: CallId, may: bool) {
        if let Some(call) = self.all.get_mut(&id) {
            call.maybe_ran |= may;
        }
    }

    /// A send of it reached a server, where this says so.
    pub fn was_delivered(&mut self, id: CallId, was: bool) {
        if let Some(call) = self.all.get_mut(&id) {
            call.delivered |= was;
        }
    }

    /// A handshake failed while it waited. Returns how many have.
    pub fn attempt_failed(&mut self, id: CallId) -> u32 {
        self.all.get_mut(&id).map_or(0, |call| {
            call.failed_attempts += 1;
            call.failed_attempts
        })
    }

    /// How far it is. Says whether that is new: "the progress value MUST increase with each notification" (2025-11-25,
    /// progress), and a call that was sent again begins anew.
    pub fn progressed(&mut self, id: CallId, progress: Option<f64>) -> bool {
        let Some(call) = self.all.get_mut(&id) else { return false };
        if call.sends > 1 && progress <= call.progress {
            return false;
        }
        call.progress = progress;
        true
    }

    /// Its clock, which runs out at `at`, stands still. Says whether it ran.
    pub fn pause(&mut self, id: CallId, at: u64, now: u64) -> bool {
        let Some(call) = self.all.get_mut(&id).filter(|call| call.paused.is_none()) else { return false };
        call.paused = Some(at.saturating_sub(now));
        true
    }

    /// Its clock goes on: how much time it has left; `None` where it did not stand still.
    pub fn go_on(&mut self, id: CallId) -> Option<u64> {
        self.all.get_mut(&id)?.paused.take()
    }
}

fn queue_of<P>(place: &Place<P>) -> Option<Option<Queue>> {
    match place {
        Place::Queued(queue) => Some(Some(*queue)),
        Place::InQuestion(_) => Some(None),
        Place::Here
        | Place::Sent(_)
        | Place::Broken(_)
        | Place::Asking
        | Place::Subscribing
        | Place::Relisting { .. } => None,
    }
}
