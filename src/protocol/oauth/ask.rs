//! The part of an authorization that the user sees: what is asked for, and what comes back.

use super::Trouble;
use super::discovery::{Server, member};
use super::flow::{Flow, Stage, Step, bearer, covers};
use super::record::{Grant, Pending};
use super::registration::{Client, Identity, identify};
use super::text::form;
use super::token::{self, Refused, Tokens};
use crate::protocol::Challenge;

impl Flow {
    /// The user has to be asked.
    pub(super) fn authorize(&mut self, server: Server) {
        if !self.ask {
            return self.end(Step::NeedsUser);
        }
        let bound = self.settings.issuer.as_deref().or(self.record.bound.as_deref());
        let registered = self.record.client(&server.issuer);
        match identify(&self.settings, &server, registered, bound) {
            Ok(Identity::Known(client)) => self.open(&server, client),
            Ok(Identity::Register(fetch)) => {
                self.server = Some(server);
                self.stage = Stage::Registration;
                self.steps.push_back(Step::Fetch(fetch));
            }
            Err(trouble) => self.fail(trouble),
        }
    }

    pub(super) fn open(&mut self, server: &Server, client: Client) {
        let scope = self.scope(server);
        let pending = Pending {
            endpoint: self.settings.endpoint.clone(),
            state: self.chance.state.clone(),
            verifier: self.chance.verifier.clone(),
            redirect: self.settings.redirect_url.clone(),
            issuer: server.issuer.clone(),
            sends_iss: server.sends_iss,
            token_endpoint: server.token_endpoint.clone(),
            revocation_endpoint: server.revocation_endpoint.clone(),
            client,
            resource: self.resource.clone(),
            scope,
        };
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", pending.client.id.as_str()),
            ("code_challenge", &self.chance.challenge),
            ("code_challenge_method", "S256"),
            ("redirect_uri", &pending.redirect),
            ("state", &pending.state),
            ("resource", &pending.resource),
        ];
        fields.extend(pending.scope.as_deref().map(|scope| ("scope", scope)));
        // "prompt … must contain consent" for offline access (OpenID Connect Core, section 11).
        let offline = pending.scope.as_deref().is_some_and(|scope| covers(Some(scope), "offline_access"));
        fields.extend(offline.then_some(("prompt", "consent")));
        let join = if server.authorization_endpoint.contains('?') { '&' } else { '?' };
        let url = format!("{}{join}{}", server.authorization_endpoint, form(&fields));
        self.steps.push_back(Step::Open { url, state: pending.state.clone(), pending: pending.write() });
        self.pending = Some(pending);
        self.stage = Stage::User;
    }

    /// What to ask for: what the challenge says; else all that the resource lists; else what the host says; else nothing.
    /// A step-up asks for what was asked for before as well (2026-07-28, authorization, Scope Selection Strategy).
    fn scope(&self, server: &Server) -> Option<String> {
        let challenge = self.challenge.as_ref();
        let metadata = self.settings.client_metadata.as_ref();
        let own = metadata.and_then(|metadata| member(metadata, "scope")).map(str::to_owned);
        let challenged = challenge.and_then(|challenge| bearer(challenge).scope);
        let scope = challenged.or_else(|| self.scopes.as_ref().map(|all| all.join(" "))).or(own);
        let mut scope = scope.filter(|scope| !scope.is_empty())?;
        let before = self.record.grant.as_ref().filter(|grant| grant.issuer == server.issuer);
        if let Some(before) = before.and_then(|grant| grant.scope.as_deref()).filter(|_| is_step_up(challenge)) {
            scope = union(before, &scope);
        }
        let offline = server.scopes.iter().find(|scope| *scope == "offline_access");
        Some(offline.map_or(scope.clone(), |offline| union(&scope, offline)))
    }

    /// The user is back, with this URL; or not.
    pub fn handle_returned(&mut self, url: Result<&str, Trouble>) {
        if !matches!(self.stage, Stage::User) {
            return;
        }
        match url {
            Ok(url) => self.returned(url),
            Err(trouble) => {
                // A server that has forgotten a client tells the user, not us: next time it is registered anew.
                let issuer = self.pending.as_ref().map(|pending| pending.issuer.clone()).unwrap_or_default();
                if !self.is_new && self.record.forget_client(&issuer) {
                    self.keep();
                }
                self.fail(trouble);
            }
        }
    }

    pub(super) fn returned(&mut self, url: &str) {
        let Some(pending) = &self.pending else { return };
        match token::code(pending, url) {
            Ok(code) => {
                let fetch = token::exchange(pending, &code);
                self.stage = Stage::Exchange;
                self.steps.push_back(Step::Fetch(fetch));
            }
            Err(trouble) => self.fail(trouble),
        }
    }

    pub(super) fn exchanged(&mut self, tokens: &Result<Tokens, Refused>) {
        let Some(pending) = self.pending.take() else { return };
        match tokens.clone() {
            Ok(tokens) => {
                if self.settings.client_id.as_ref() == Some(&pending.client.id) {
                    self.record.bound = Some(pending.issuer.clone());
                }
                self.record.grant = Some(Grant {
                    issuer: pending.issuer,
                    client: pending.client,
                    resource: pending.resource,
                    token_endpoint: pending.token_endpoint,
                    revocation_endpoint: pending.revocation_endpoint,
                    scope: pending.scope,
                    access: tokens.access,
                    refresh: tokens.refresh,
                    refresh_at: tokens.refresh_at,
                });
                self.keep();
                self.granted();
            }
            Err(refused) => {
                if matches!(refused, Refused::Client(_)) && self.record.forget_client(&pending.issuer) {
                    self.keep();
                }
                self.fail(refused.trouble());
            }
        }
    }
}

fn is_step_up(challenge: Option<&Challenge>) -> bool {
    challenge.is_some_and(|challenge| challenge.status == 403)
}

fn union(first: &str, second: &str) -> String {
    let mut all: Vec<&str> = first.split(' ').filter(|scope| !scope.is_empty()).collect();
    for scope in second.split(' ').filter(|scope| !scope.is_empty()) {
        if !all.contains(&scope) {
            all.push(scope);
        }
    }
    all.join(" ")
}
