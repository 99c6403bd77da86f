//! How answers come: as JSON or as events, and the streams that can be taken up again.

use crate::plan::Format;
use crate::server::{Ending, Reply, Server, Truth};
use crate::world::World;
use mcp_evergreen::protocol::{CallId, ExchangeId};
use serde_json::Value;

/// A call whose server speaks soon speaks within half of this.
const SOON_MS: u64 = 400;

/// What a stream can be resumed with.
#[derive(Clone)]
pub struct Kept {
    sid: Option<String>,
    /// Whose stream it is; `None`: the standing one.
    call: Option<CallId>,
    /// When each piece is there, on the clock, and its text.
    rest: Vec<(u64, String)>,
}

impl Server {
    /// The id of an event on a standing stream.
    pub fn cursor(&mut self, sid: Option<String>, call: Option<CallId>) -> String {
        self.made += 1;
        let name = format!("e{}", self.made);
        self.events.insert(name.clone(), Kept { sid, call, rest: Vec::new() });
        name
    }
}

impl World {
    /// A GET: resumes a stream, or opens the standing one.
    pub fn stream(&mut self, id: ExchangeId, sid: &Option<String>) -> Reply {
        let now = self.now.mono;
        let Some(ex) = self.exchanges.get(&id) else { return Reply::text(500, "", Truth::Unclear) };
        let call = ex.purpose_call();
        let Some(cursor) = ex.last_event().map(str::to_owned) else { return self.standing(id, sid) };
        match self.server.events.get(&cursor).cloned() {
            Some(kept) if kept.call != call => {
                self.fail(format!("the cursor {cursor} crossed to another stream"));
                Reply::text(400, "failed to replay events", Truth::Answer)
            }
            Some(kept) if self.plan.server.resumes && kept.sid == *sid && call.is_none() => self.standing(id, sid),
            Some(kept) if self.plan.server.resumes && kept.sid == *sid => {
                let mut reply = Reply::new(200, "text/event-stream", String::new(), Truth::Answer);
                let pieces = kept.rest.into_iter().map(|(at, text)| (at.saturating_sub(now), text));
                reply.pieces.extend(pieces);
                reply
            }
            Some(kept) if kept.sid != *sid => {
                self.fail(format!("the cursor {cursor} crossed to {sid:?}"));
                Reply::text(400, "failed to replay events", Truth::Answer)
            }
            _ => Reply::text(400, "failed to replay events", Truth::Answer),
        }
    }

    /// As JSON, or as events where something comes before it.
    pub fn answer(
        &mut self,
        answer: &Value,
        takes: u64,
        before: Vec<Value>,
        resumable: Option<(Option<String>, Option<CallId>)>,
    ) -> Reply {
        let garbage = self.unlucky(self.plan.odds.garbage);
        let text = if garbage { "{\"jsonrpc\": \"2.0\", \"res".to_owned() } else { answer.to_string() };
        let truth = if garbage { Truth::Unclear } else { Truth::Answer };
        let events = match self.plan.server.format {
            Format::Json => false,
            Format::Events => true,
            Format::Mixed => !before.is_empty() || self.rng.bool(),
        };
        if !events {
            // The head may come long before the body.
            let (after, late) = if self.rng.u8(0..3) == 0 { (0, takes) } else { (takes, 0) };
            let mut reply = Reply { after, ..Reply::new(200, "application/json", text, truth) };
            reply.pieces[0].0 = late;
            return reply;
        }
        let early = self.rng.bool();
        let mut reply = Reply::new(200, "text/event-stream; charset=utf-8", ": hello\r\n\r\n".into(), truth);
        reply.after = if early { 0 } else { takes };
        let rest = if early { takes } else { 0 };
        // A server that speaks soon has taken the call up well within the time of a gate.
        let spoken = if self.rng.bool() { rest.min(SOON_MS) / 2 } else { rest / 2 };
        for message in before {
            reply.pieces.push((spoken, format!("event: message\r\ndata: {message}\r\n\r\n")));
        }
        let end = if early { "\n" } else { "\r\n" };
        let lines = text.replacen(",\"", &format!(",{end}data: \""), 1);
        reply.pieces.push((rest, format!("data: {lines}{end}{end}")));
        // A restart loses what was kept; then nothing knows the session either.
        if let Some((sid, call)) = resumable.filter(|_| self.plan.server.event_ids) {
            let from = self.now.mono + reply.after;
            let pieces = reply.pieces.clone();
            for (at, (_, text)) in reply.pieces.iter_mut().enumerate() {
                self.server.made += 1;
                let name = format!("e{}", self.server.made);
                *text = format!("id: {name}\n{text}");
                let rest = pieces[at + 1..].iter().map(|(at, text)| (from + at, text.clone())).collect();
                self.server.events.insert(name, Kept { sid: sid.clone(), call, rest });
            }
        }
        if self.plan.server.streams_linger {
            reply.ending = Ending::Open;
        }
        reply
    }
}
