//! A token in exchange for the refresh token: without the user, and what it takes before the user is asked instead.

use super::Trouble;
use super::discovery::Server;
use super::flow::{Flow, Stage, Step};
use super::record::Grant;
use super::registration::{Client, Identity, identify};
use super::token::{self, Refused, Tokens};
use super::trust::is_same;

/// After so many refreshes in a row that gave nothing the user may be asked.
const FRUITLESS: u32 = 3;

impl Flow {
    /// Whether a refresh could help. What others were granted takes a client that is known.
    pub(super) fn can_refresh(&self) -> bool {
        let has_client = self.settings.client_id.is_some() || !self.record.clients.is_empty();
        let is_good = |grant: &Grant| grant.refresh.is_some() && (has_client || !grant.is_foreign());
        !self.is_step_up() && self.record.grant.as_ref().is_some_and(is_good)
    }

    /// Whether this server may see the refresh token that others have kept: it goes to who gave it, where that was kept, and
    /// else to whom the resource names.
    pub(super) fn may_adopt(&self, server: &Server) -> bool {
        let is_its = |issuer: &str| issuer.is_empty() || is_same(issuer, &server.issuer);
        let grant = self.record.grant.as_ref().filter(|grant| grant.is_foreign());
        self.can_refresh() && grant.is_some_and(|grant| is_its(&grant.issuer))
    }

    /// Refreshes it, as the client that there is for this server: another one could not.
    pub(super) fn adopt(&mut self, server: Server) {
        match identify(&self.settings, &server, &self.record, None, self.now) {
            Ok(Identity::Own(client)) => self.bind(client, None, server),
            Ok(Identity::Known(client)) => self.adopt_as(client, server),
            Ok(Identity::Register(_)) | Err(_) => self.authorize(server),
        }
    }

    pub(super) fn adopt_as(&mut self, client: Client, server: Server) {
        let pending = self.pending(server.clone(), client, None);
        if let Some(grant) = &mut self.record.grant {
            (grant.issuer, grant.client, grant.resource) = (pending.issuer, pending.client, pending.resource);
            (grant.token_endpoint, grant.revocation_endpoint) = (pending.token_endpoint, pending.revocation_endpoint);
        }
        self.refresh(Some(server), None);
    }

    pub(super) fn refresh(&mut self, server: Option<Server>, hiccup: Option<Trouble>) {
        self.refresh_with(server, hiccup, false);
    }

    fn refresh_with(&mut self, server: Option<Server>, hiccup: Option<Trouble>, bare: bool) {
        let grant = self.record.grant.as_ref().filter(|grant| !grant.is_foreign());
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
        let issuer = self.record.grant.as_ref().map(|grant| (grant.issuer.clone(), grant.client.id.clone()));
        let (issuer, client) = issuer.unwrap_or_default();
        if self.take_up(kept) {
            return self.granted();
        }
        self.record.grant = None;
        self.server = server.clone().or(self.server.take());
        if let Refused::Client(_) = refused {
            self.forget_client(&issuer, &client);
        }
        self.keep();
        match (server, hiccup) {
            (Some(server), _) => self.authorize(server),
            (None, Some(trouble)) => self.fail(trouble),
            (None, None) => self.granted(),
        }
    }
}
