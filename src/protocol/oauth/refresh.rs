//! A token in exchange for the refresh token: without the user, and what it takes before the user is asked instead.

use super::Trouble;
use super::discovery::Server;
use super::flow::{Flow, Stage, Step};
use super::token::{self, Refused, Tokens};

/// After so many refreshes in a row that gave nothing the user may be asked.
const FRUITLESS: u32 = 3;

impl Flow {
    /// Whether a refresh could help.
    pub(super) fn can_refresh(&self) -> bool {
        !self.is_step_up() && self.record.grant.as_ref().is_some_and(|grant| grant.refresh.is_some())
    }

    pub(super) fn refresh(&mut self, server: Option<Server>, hiccup: Option<Trouble>) {
        self.refresh_with(server, hiccup, false);
    }

    fn refresh_with(&mut self, server: Option<Server>, hiccup: Option<Trouble>, bare: bool) {
        let grant = self.record.grant.as_ref();
        let fetch = grant.and_then(|grant| token::refresh(grant, &self.settings, bare));
        let Some(fetch) = fetch else { return self.granted() };
        self.stage = Stage::Refresh { server, hiccup, bare };
        self.fetch(fetch);
    }

    pub(super) fn refreshed(
        &mut self,
        server: Option<Server>,
        hiccup: Option<Trouble>,
        bare: bool,
        tokens: Result<Tokens, Refused>,
    ) {
        let Some(grant) = &mut self.record.grant else { return self.granted() };
        let trouble = match tokens {
            Ok(tokens) => {
                grant.resource.take_if(|_| bare);
                self.same = self.token.as_ref() == Some(&grant.access);
                grant.access = tokens.access;
                grant.refresh = tokens.refresh.or(grant.refresh.take());
                grant.refresh_at = tokens.refresh_at;
                grant.fruitless = 0;
                self.token = Some(grant.access.clone());
                self.keep();
                return self.granted();
            }
            // "Clients MUST include" it (2025-11-25, authorization, Resource Parameter Implementation): so it was, and the grant
            // is bound to it already (RFC 8707, section 2.2).
            Err(refused) if !bare && grant.resource.is_some() && refused.may_be_for_resource() => {
                return self.refresh_with(server, hiccup, true);
            }
            Err(refused @ (Refused::Client(_) | Refused::Grant(_))) => {
                self.stage = Stage::Doubt { server, hiccup, refused };
                return self.steps.push_back(Step::Load);
            }
            Err(Refused::Scope(trouble) | Refused::Target(trouble) | Refused::Nothing(trouble)) => trouble.retryable(),
        };
        match (server, hiccup) {
            // It may be good for a little while.
            (None, None) => self.granted(),
            (None, Some(_)) => self.fail(trouble),
            (Some(server), _) => {
                grant.fruitless += u32::from(self.ask);
                let is_enough = grant.fruitless >= FRUITLESS;
                self.keep();
                match is_enough {
                    true => self.authorize(server),
                    false => self.fail(trouble),
                }
            }
        }
    }

    /// What is kept now.
    pub fn handle_kept(&mut self, kept: Option<&str>, now_unix_ms: u64) {
        self.now = now_unix_ms;
        let Stage::Doubt { server, hiccup, refused } = std::mem::replace(&mut self.stage, Stage::Over) else { return };
        if self.take_up(kept) {
            return self.granted();
        }
        let issuer = self.record.grant.take().map(|grant| (grant.issuer, grant.client.id)).unwrap_or_default();
        if let Refused::Client(_) = refused {
            self.forget_client(&issuer.0, &issuer.1);
        }
        self.keep();
        match (server, hiccup) {
            (Some(server), _) => self.authorize(server),
            (None, Some(trouble)) => self.fail(trouble),
            (None, None) => self.granted(),
        }
    }
}
