//! The part of an authorization that the user sees: what is asked for, and what comes back.

use super::discovery::Server;
use super::flow::{Flow, Stage, Step, bearer};
use super::record::{Grant, Pending};
use super::registration::{Client, Identity, identify, register, registered};
use super::scopes::{covers, union};
use super::text::with_query;
use super::token::{self, Refused, Tokens};
use super::trust::is_same;
use super::{Chance, Reply, Trouble, trouble};

/// An authorization server that has forgotten a client tells the user, not us: whoever was sent away so often, and never
/// came back, is sent with another one.
const UNANSWERED: u32 = 2;

const NOT_REGISTERED: &str = "The authorization server did not register this client";
const OTHER_URL: &str = "It does not take the redirect URL: give the provider another one, or the `clientId` of a client that is \
                         registered already.";
const OTHER_CLIENT: &str = "Give the provider the `clientId` of a client that is registered already.";
const FORGOTTEN: &str = "The authorization server does not know the client any more that the user agreed to. It is registered \
                         anew when the user is asked next.";

/// What would ask for something else than we do (RFC 9101), or send the answer another way, where the endpoint's own
/// address has it.
const NOT_ASKED: &[&str] = &["request", "request_uri", "response_mode"];

impl Flow {
    /// The user has to be asked.
    pub(super) fn authorize(&mut self, server: Server) {
        if self.settings.unattended {
            return self.ask_user(server);
        }
        if !self.ask {
            return self.end(Step::NeedsUser);
        }
        self.look_at_parties(server);
    }

    pub(super) fn ask_user(&mut self, server: Server) {
        self.server = Some(server.clone());
        if self.record.unanswered >= UNANSWERED && self.record.may_renew(self.now) {
            let known = self.settings.client_id.clone().unwrap_or_default();
            let _ = self.forget_client(&server.issuer, &known) && self.renewed();
        }
        let scope = self.scope(&server);
        self.identify(scope);
    }

    fn identify(&mut self, scope: Option<String>) {
        let Some(server) = &self.server else { return };
        match identify(&self.settings, server, &self.record, scope.as_deref(), self.now) {
            Ok(Identity::Own(client)) => self.bind(client, scope, server.clone()),
            Ok(Identity::Known(client)) => self.draw(client),
            Ok(Identity::Register(fetch)) => {
                self.stage = Stage::Registration { scope, less: false };
                self.fetch(fetch);
            }
            Err(trouble) => self.fail(trouble),
        }
    }

    pub(super) fn bind(&mut self, client: Client, scope: Option<String>, server: Server) {
        self.steps.push_back(Step::Bind { issuer: server.issuer.clone() });
        self.stage = Stage::Binding { client, scope };
        self.server = Some(server);
    }

    /// The authorization server that the pre-registered client is bound to.
    pub fn handle_bound(&mut self, issuer: &str) {
        let Stage::Binding { client, scope } = std::mem::replace(&mut self.stage, Stage::Over) else { return };
        let server = self.server.clone().unwrap_or_default();
        let is_here = is_same(issuer, &server.issuer);
        self.settings.bound = Some(issuer.to_owned());
        match (is_here || self.settings.issuer.is_some(), self.may_adopt(&server)) {
            (true, true) => self.adopt_as(client, server),
            (true, false) => self.draw(client),
            // Somebody else was here first.
            (false, true) => self.authorize(server),
            (false, false) => self.identify(scope),
        }
    }

    pub(super) fn registration_answered(&mut self, scope: Option<String>, less: bool, reply: &Reply) {
        let server = self.server.clone().unwrap_or_default();
        let (status, body) = reply.parts();
        let client = registered(body, &self.settings, &server, scope.as_deref());
        match client.filter(|_| (200..300).contains(&status)) {
            Some(client) => {
                self.is_new = true;
                self.record.add_client(server.issuer, client.clone());
                self.draw(client);
            }
            None if status == 0 => self.fail(reply.unseen("registration")),
            None => {
                let error = token::error(body, &self.sent);
                // Some register no scope; and some nothing but what they know.
                let is_metadata = error.as_deref() == Some("invalid_client_metadata");
                let again = match scope {
                    Some(_) if status == 400 => Some(false),
                    _ if is_metadata && !less => Some(true),
                    _ => None,
                };
                let again = again.and_then(|less| Some((less, register(&self.settings, &server, None, less)?)));
                match again {
                    Some((less, fetch)) => {
                        self.stage = Stage::Registration { scope: None, less };
                        self.fetch(fetch);
                    }
                    None => self.fail(not_registered(reply, status, error.as_deref())),
                }
            }
        }
    }

    fn draw(&mut self, client: Client) {
        if self.settings.unattended {
            return self.ask_host(client);
        }
        if self.server.as_ref().is_some_and(|server| self.is_registered(server, &client)) {
            self.record.unanswered = self.record.unanswered.saturating_add(1);
            self.keep();
        }
        self.stage = Stage::Chance(client);
        self.steps.push_back(Step::Draw);
    }

    /// What was drawn.
    pub fn handle_chance(&mut self, chance: Chance) {
        let Stage::Chance(client) = std::mem::replace(&mut self.stage, Stage::Over) else { return };
        let server = self.server.clone().unwrap_or_default();
        let scope = self.scope(&server);
        let offline = scope.as_deref().is_some_and(|scope| covers(Some(scope), "offline_access"));
        let authorization_endpoint = server.authorization_endpoint.clone();
        let pending = Pending {
            state: chance.state,
            verifier: chance.verifier,
            redirect: self.settings.redirect_url.clone(),
            offline: offline && self.adds_offline(scope.as_deref()),
            ..self.pending(server, client, scope)
        };
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", pending.client.id.as_str()),
            ("code_challenge", &chance.challenge),
            ("code_challenge_method", "S256"),
            ("redirect_uri", &pending.redirect),
            ("state", &pending.state),
        ];
        fields.extend(pending.resource.as_deref().map(|resource| ("resource", resource)));
        fields.extend(pending.scope.as_deref().map(|scope| ("scope", scope)));
        // "prompt … must contain consent" for offline access (OpenID Connect Core, section 11).
        fields.extend(offline.then_some(("prompt", "consent")));
        let url = with_query(&authorization_endpoint, &fields, NOT_ASKED);
        self.steps.push_back(Step::Open { url, state: pending.state.clone(), pending: pending.write() });
        self.pending = Some(pending);
        self.stage = Stage::User;
    }

    /// What is asked of the server for this client, but for what is left to chance.
    pub(super) fn pending(&self, server: Server, client: Client, scope: Option<String>) -> Pending {
        let trust = self.settings.trust.as_ref().filter(|_| server.trusted);
        let names_resource = match trust.and_then(|trust| trust.resource) {
            Some(names) => names,
            None => trust.is_none() || self.record.no_resource.as_ref() != Some(&server.issuer),
        };
        Pending {
            endpoint: self.settings.endpoint.clone(),
            state: String::new(),
            verifier: String::new(),
            redirect: String::new(),
            renewable: self.is_registered(&server, &client),
            issuer: server.issuer,
            sends_iss: server.sends_iss,
            token_endpoint: server.token_endpoint,
            revocation_endpoint: server.revocation_endpoint,
            client,
            resource: Some(self.resource.clone()).filter(|_| names_resource && !self.unnamed),
            offline: false,
            scope,
            trusted: server.trusted,
            status: self.challenge.as_ref().map(|challenge| challenge.status),
            challenge: self.challenge.as_ref().and_then(|challenge| challenge.www_authenticate.clone()),
            again: self.again || !self.record.may_renew(self.now),
        }
    }

    /// Whether another one can be had in its place.
    fn is_registered(&self, server: &Server, client: &Client) -> bool {
        let (issuer, registers) = (&server.issuer, server.registration_endpoint.is_some());
        let is_own = self.settings.client_id.as_ref() == Some(&client.id);
        self.record.client(issuer).is_some_and(|known| known.id == client.id)
            || is_own && self.settings.client_is_renewable && registers
    }

    /// What to ask for: what the challenge says; else all that the resource lists; else what the host says; else nothing.
    /// A step-up asks for what was asked for before as well (2026-07-28, authorization, Scope Selection Strategy).
    pub(super) fn scope(&self, server: &Server) -> Option<String> {
        let scope = self.plain_scope(server)?;
        let offline = server.scopes.iter().find(|scope| *scope == "offline_access");
        // Nobody is away where there is no user.
        let offline = offline.filter(|_| !self.settings.unattended);
        let offline = offline.filter(|_| self.record.no_offline.as_ref() != Some(&server.issuer));
        Some(offline.map_or(scope.clone(), |offline| union(&scope, offline)))
    }

    fn plain_scope(&self, server: &Server) -> Option<String> {
        let metadata = self.settings.client_metadata.as_ref();
        let own = metadata.and_then(|metadata| metadata.read("scope"));
        let challenged = self.challenge.as_ref().and_then(|challenge| bearer(challenge).scope);
        let scope = challenged.or_else(|| self.scopes.as_ref().map(|all| all.join(" "))).or(own);
        let scope = scope.filter(|scope| !scope.is_empty())?;
        let before = self.record.grant.as_ref().filter(|grant| grant.issuer == server.issuer);
        match before.and_then(|grant| grant.scope.as_deref()).filter(|_| self.is_step_up()) {
            Some(before) => Some(union(before, &scope)),
            None => Some(scope),
        }
    }

    fn adds_offline(&self, scope: Option<&str>) -> bool {
        let own = self.server.as_ref().and_then(|server| self.plain_scope(server));
        own.as_deref() != scope
    }

    /// The user is back, with this URL; or not. `kept` is what is kept now.
    pub fn handle_returned(&mut self, url: Result<&str, Trouble>, kept: Option<&str>, now_unix_ms: u64) {
        if !matches!(self.stage, Stage::User) {
            return;
        }
        self.now = now_unix_ms;
        // Others may have been here while the user was away.
        let is_another = self.take_up(kept);
        match url {
            Ok(url) => self.returned(url),
            // In another window it is done.
            Err(_) if is_another => self.granted(),
            Err(trouble) => {
                let (issuer, client) = self.asked_client();
                match trouble.kind {
                    // An answer may come in a later page life.
                    "sent_away" => return self.fail(trouble),
                    "popup_blocked" | "asked_elsewhere" | "redirect_loop" => {
                        self.record.unanswered = self.record.unanswered.saturating_sub(1)
                    }
                    // Perhaps it was an error page: next time the client is another.
                    _ if !self.is_new && self.record.may_renew(self.now) && self.forget_client(&issuer, &client) => {
                        self.renewed();
                    }
                    _ => {}
                }
                self.keep();
                self.fail(trouble);
            }
        }
    }

    /// The issuer, and the client's id.
    fn asked_client(&self) -> (String, String) {
        let pending = self.pending.as_ref();
        pending.map(|pending| (pending.issuer.clone(), pending.client.id.clone())).unwrap_or_default()
    }

    pub(super) fn returned(&mut self, url: &str) {
        let Some(pending) = &self.pending else { return };
        match token::code(pending, url) {
            Ok(code) => {
                let fetch = token::exchange(pending, &code);
                self.record.unanswered = 0;
                self.stage = Stage::Exchange;
                self.fetch(fetch);
            }
            Err(refused) => self.not_granted(refused),
        }
    }

    pub(super) fn exchanged(&mut self, tokens: Result<Tokens, Refused>) {
        let tokens = match tokens {
            Ok(tokens) => tokens,
            Err(refused) => return self.not_granted(refused),
        };
        let Some(pending) = self.pending.take() else { return };
        self.record.grant = Some(Grant {
            // Drawn for this login, and for none before.
            id: Some(pending.state),
            id_of: None,
            issuer: pending.issuer,
            client: pending.client,
            resource: pending.resource,
            token_endpoint: pending.token_endpoint,
            revocation_endpoint: pending.revocation_endpoint,
            scope: pending.scope,
            access: tokens.access,
            refresh: tokens.refresh,
            refresh_at: tokens.refresh_at,
            fruitless: 0,
        });
        self.keep();
        self.granted();
    }

    /// Where something else can be asked for, the user is asked once more: mostly that needs no answer of the user's.
    fn not_granted(&mut self, refused: Refused) {
        let Some(pending) = self.pending.take() else { return };
        let is_answer = !matches!(&refused, Refused::Grant(trouble) if trouble.kind.starts_with("wrong_"));
        if is_answer && self.record.unanswered > 0 {
            self.record.unanswered = 0;
            self.keep();
        }
        let (issuer, id) = (pending.issuer, pending.client.id);
        let was_again = pending.again || self.again;
        let can_change = match &refused {
            // Where another one can be had.
            Refused::Client(_) if pending.renewable => {
                let _ = self.forget_client(&issuer, &id);
                self.renewed()
            }
            Refused::Scope(_) if pending.offline => {
                self.record.no_offline = Some(issuer);
                true
            }
            // Some grant no scope that was not registered.
            Refused::Scope(_) => {
                let known = self.record.client(&issuer).and_then(|client| client.scope.as_deref());
                let is_narrow =
                    known.is_some_and(|known| !covers(Some(known), pending.scope.as_deref().unwrap_or_default()));
                is_narrow && self.record.may_renew(self.now) && self.forget_client(&issuer, &id) && self.renewed()
            }
            Refused::Target(_) if pending.trusted && pending.resource.is_some() => {
                self.record.no_resource = Some(issuer);
                true
            }
            Refused::Client(_) | Refused::Grant(_) | Refused::Target(_) | Refused::Nothing(_) => false,
        };
        if can_change {
            self.keep();
        }
        let is_client = matches!(refused, Refused::Client(_));
        if !can_change || was_again {
            // What is tried again by itself asks the user again: that is for whoever waits to say.
            let trouble = refused.trouble();
            return self.fail(Trouble { retryable: trouble.retryable && self.finish, ..trouble });
        }
        self.again = true;
        match self.server.clone() {
            Some(server) if self.ask || self.settings.unattended => self.authorize(server),
            _ if self.finish && is_client => self.fail(trouble("client_forgotten", FORGOTTEN).retryable()),
            _ if self.finish => self.fail(refused.trouble().retryable()),
            // The server is to say what it wants; the user is asked then.
            _ => {
                (self.record.grant, self.came_back) = (None, None);
                self.granted();
            }
        }
    }

    /// The next client is in place of another.
    fn renewed(&mut self) -> bool {
        self.record.renewed_at = Some(self.now);
        self.record.unanswered = 0;
        true
    }
}

fn not_registered(reply: &Reply, status: u16, error: Option<&str>) -> Trouble {
    let what = match (error, status) {
        (Some(error), _) => format!(" (HTTP {status}, {error})"),
        (None, 200..=299) => format!(" (HTTP {status}, without a client id)"),
        (None, _) => format!(" (HTTP {status})"),
    };
    let hint = if error == Some("invalid_redirect_uri") { OTHER_URL } else { OTHER_CLIENT };
    let trouble = Trouble::new("not_registered", format!("{NOT_REGISTERED}{what}. {hint}"));
    let trouble = trouble.said(Some(status), error);
    if reply.is_hiccup() { trouble.retryable() } else { trouble }
}
