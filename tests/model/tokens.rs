//! An authorization server, the driver that has the tokens, and the resource server that looks at them.

use crate::server::{Reply, Truth};
use crate::world::{Happening, World};
use fastrand::Rng;
use mcp_evergreen::protocol::{Authorized, Code, Error, ExchangeId, Outcome};

/// How tokens are, where the server wants them.
#[derive(Clone, Debug)]
pub struct TokenPlan {
    /// Milliseconds until a token expires.
    lives: u64,
    /// A new one needs the user.
    needs_user: bool,
    /// The driver says beforehand when it is to be refreshed.
    says_when: bool,
    /// The page can read `WWW-Authenticate`.
    exposes: bool,
    /// Chances per mille, while the weather is bad.
    bad: u16,
    fails: u16,
}

impl TokenPlan {
    pub fn new(rng: &mut Rng) -> Self {
        Self {
            lives: [2_000, 9_000, 40_000, 1 << 50][rng.usize(0..4)],
            needs_user: rng.bool(),
            says_when: rng.u8(0..4) == 0,
            exposes: rng.bool(),
            bad: [0, 0, 200][rng.usize(0..3)],
            fails: [0, 0, 300][rng.usize(0..3)],
        }
    }
}

#[derive(Default)]
pub struct Tokens {
    /// When each expires; the first has the number 1.
    expire: Vec<u64>,
    under_way: bool,
    challenged: bool,
}

impl Tokens {
    pub fn current(&self) -> u32 {
        self.expire.len() as u32
    }

    /// What is sent now waits for one.
    pub fn are_got(&self) -> bool {
        self.under_way
    }
}

impl World {
    /// The driver is asked for a token.
    pub fn authorize(&mut self, challenged: bool, ask: bool) {
        self.say(|_| format!("authorize: challenged {challenged}, may ask {ask}"));
        if self.plan.tokens.is_none() {
            return self.fail("asked to authorize, though it was not told that anybody can");
        }
        if self.tokens.under_way {
            return self.fail("two authorizations");
        }
        (self.tokens.under_way, self.tokens.challenged) = (true, challenged);
        self.count_request(None);
        let asks = ask && self.plan.tokens.as_ref().is_some_and(|plan| plan.needs_user);
        let takes = self.rng.u64(5..1_000) * if asks { 10 } else { 1 };
        self.later(takes, Happening::Authorized(asks));
        if asks {
            self.user_is_asked();
        }
    }

    pub fn authorized(&mut self, asked: bool) {
        let Some(plan) = self.plan.tokens.clone() else { return };
        self.tokens.under_way = false;
        let (quiet, now) = (self.is_quiet(), self.now.mono);
        let authorized = if plan.needs_user && !asked && self.tokens.challenged {
            Authorized::NeedsUser
        } else if self.unlucky(plan.fails) {
            let text = "The authorization server did not answer.";
            Authorized::Failed(Error::boxed(Code::Auth, Outcome::NotExecuted, text))
        } else {
            let lives = if quiet { 1 << 50 } else { plan.lives };
            let good = !self.unlucky(plan.bad);
            self.tokens.expire.push(if good { now + lives } else { 0 });
            let when = (plan.says_when && lives < 1 << 49).then(|| self.now.unix_ms + lives * 9 / 10);
            Authorized::Granted { refresh_at_unix_ms: when, same: true }
        };
        self.say(|_| format!("authorized: {authorized:?}"));
        if asked {
            self.user_was_asked();
        }
        if !matches!(authorized, Authorized::Granted { .. }) {
            self.stream_denied();
        }
        self.session.handle_authorized(authorized, self.now);
        self.drain();
    }

    /// What a request without a good token is answered with.
    pub fn unauthorized(&mut self, id: ExchangeId) -> Option<Reply> {
        let plan = self.plan.tokens.as_ref()?;
        let token = self.exchanges.get(&id)?.token;
        let expires = token.checked_sub(1).and_then(|at| self.tokens.expire.get(at as usize));
        if expires.is_some_and(|at| self.now.mono < *at) {
            return None;
        }
        let mut reply = Reply::new(401, "application/json", r#"{"error":"invalid_token"}"#.into(), Truth::Forbidden);
        reply.challenge = plan.exposes.then(|| "Bearer error=\"invalid_token\"".to_owned());
        Some(reply)
    }
}
