//! What stands before the server: limiters, edges, and gateways that know nothing of what runs behind them.

use crate::ledger::Courier;
use crate::plan::Down;
use crate::server::{Reply, Truth};
use crate::world::{Happening, World};
use fastrand::Rng;
use mcp_evergreen::protocol::{ExchangeId, Purpose};

/// No word of a server's makes a client wait longer.
pub const CEILING_MS: u64 = 300_000;

/// Seconds as servers say them, some of them absurd.
const SECONDS: [&str; 12] =
    ["0", "1", "1", "2", "3", "5", "7", "60", "600", "86400", "1000000000", "99999999999999999999999"];

/// `Retry-After`, and the milliseconds before which nobody may come back.
fn retry_after(rng: &mut Rng) -> (String, u64) {
    // Most servers mean what they say.
    let most = if rng.u8(0..4) == 0 { SECONDS.len() } else { 7 };
    let text = SECONDS[rng.usize(0..most)];
    let floor = text.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(1000).min(CEILING_MS);
    (text.to_owned(), floor)
}

impl World {
    /// What stands before the server. `Err`: it lets the request pass.
    pub fn proxy(&mut self, id: ExchangeId) -> Result<Option<Reply>, ()> {
        let now = self.now.mono;
        let odds = self.plan.odds;
        if let Some((_, down)) = self.sky.down.filter(|(until, _)| now < *until) {
            return Ok(match down {
                Down::Refused => None,
                Down::BadGateway => Some(Reply::new(502, "text/html", "<h1>Bad Gateway</h1>".into(), Truth::Unclear)),
                Down::Unavailable => Some(self.busy(503, "Server is shutting down")),
                Down::NotFound => Some(self.page(id)),
            });
        }
        if now < self.sky.page {
            return Ok(Some(self.page(id)));
        }
        if now < self.sky.busy || self.unlucky(odds.busy) {
            return Ok(Some(self.busy(429, "Too many requests")));
        }
        if self.unlucky(odds.forbidden) {
            return Ok(Some(Reply::text(403, "Forbidden", Truth::Forbidden)));
        }
        self.unauthorized(id).map_or(Err(()), |reply| Ok(Some(reply)))
    }

    /// Refused before the server saw it.
    fn busy(&mut self, status: u16, words: &str) -> Reply {
        let (text, floor) = retry_after(&mut self.rng);
        // 503 may be a proxy's word on a connection that broke.
        let truth = if status == 429 { Truth::Busy } else { Truth::Unclear };
        let mut reply = Reply::text(status, words, truth);
        if self.rng.bool() {
            (reply.retry_after, reply.floor) = (Some(text), Some(floor));
        }
        reply
    }

    /// A hosting edge's own page: the session may live, but this is how the specification says that it does not.
    fn page(&mut self, id: ExchangeId) -> Reply {
        self.refuses(id);
        Reply::new(404, "text/html", "<h1>Not Found</h1>".to_owned(), Truth::Gate { plain: true })
    }

    /// A gateway's own page, after what stands behind it took the request.
    pub fn gateway_page(&mut self, id: ExchangeId, takes: u64) -> Reply {
        let pages = [
            (502, "<h1>502 Bad Gateway</h1>"),
            (503, "<h1>503 Backend fetch failed</h1>"),
            (503, "Service Unavailable"),
            (504, "<h1>504 Gateway Time-out</h1>"),
            (500, "oops"),
            (408, "Request Timeout"),
            (499, ""),
            // Said by an app behind the gateway, of what it did, or of a session of its own.
            (303, ""),
            (400, "Checkout session expired"),
            (400, "Mail gateway not initialized"),
        ];
        // An app has nothing to say of a ping.
        let called = self.exchanges.get(&id).is_some_and(|ex| ex.is("tools/call"));
        let (status, words) = pages[self.rng.usize(0..if called { pages.len() } else { pages.len() - 3 })];
        let mut reply = Reply::new(status, "text/html", words.to_owned(), Truth::Unclear);
        reply.after = takes / 2;
        if self.rng.bool() {
            let (text, floor) = retry_after(&mut self.rng);
            (reply.retry_after, reply.floor) = (Some(text), Some(floor).filter(|_| status == 503));
        }
        reply
    }

    /// A gateway whose upstream took the request and broke off may bring it to the next one. Says whether it does.
    pub fn sends_again(&mut self, id: ExchangeId) -> bool {
        let brought = self.exchanges.get(&id).is_some_and(|ex| ex.by != Courier::Gateway && ex.body["id"].is_u64());
        if !brought || !self.unlucky(self.plan.odds.twice) || self.preflight_fails(id) || self.proxy(id).is_ok() {
            return false;
        }
        // The answer is lost.
        drop(self.origin(id));
        let pause = [0, 50, 900, 4_000, 30_000][self.rng.usize(0..5)];
        let Some(script) = self.exchanges.get_mut(&id).map(|ex| {
            ex.by = Courier::Gateway;
            ex.script
        }) else {
            return false;
        };
        self.say(|world| format!("  {} is brought again by a gateway in {pause} ms", world.name(id)));
        self.later(pause, Happening::Arrive(id, script));
        true
    }

    /// Whether the request is swallowed on its way: the connection stays, and nothing comes.
    pub fn is_swallowed(&mut self, id: ExchangeId) -> bool {
        let Some(ex) = self.exchanges.get(&id) else { return false };
        let method = ex.body["method"].as_str().unwrap_or_default();
        if self.sky.swallows.is_some_and(|swallows| swallows == method) {
            self.sky.swallows = None;
            return true;
        }
        match ex.purpose {
            Purpose::Initialize | Purpose::Initialized => self.unlucky(self.plan.odds.handshake_lost),
            Purpose::Ping => self.unlucky(self.plan.odds.ping_lost),
            _ => false,
        }
    }
}
