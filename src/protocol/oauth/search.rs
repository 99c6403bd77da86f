//! From the refusal to the authorization server: place after place is looked at, until one has what is looked for.
//!
//! What a place answers counts so: a good document ends the search; a bad one, and a clean "not here" (a redirect to
//! another origin and an answer that is hidden from the page among them), lead to the next place. A hiccup (no answer, 429,
//! 5xx) leads nowhere where the user has been before: a grant is then refreshed where it came from, and nobody is asked.

use super::discovery::{Resource, Server, issuer_mismatch, resource_places, server_places};
use super::flow::{Flow, Stage, Step, bearer};
use super::registration::needs_registration;
use super::text::Url;
use super::trust::{Identity, identity, is_same};
use super::{Fetch, Reply, Trouble, trouble};
use crate::protocol::error::Diagnosis;
use std::collections::VecDeque;

/// What is looked for at one place after the other.
pub(super) struct Search {
    place: String,
    rest: VecDeque<String>,
    /// A place had a document that must not be used.
    bad: Option<Trouble>,
    /// A place had a hiccup.
    hiccup: bool,
    /// A place hides its answer from the page.
    hidden: bool,
    /// What the places answered, in words.
    answers: Vec<String>,
    /// What is good, and may be better elsewhere.
    good: Option<Server>,
}

/// Whose metadata is looked for.
pub(super) struct Wanted {
    issuer: String,
    /// Nothing but the origin of the MCP server names it, as it was before 2025-06-18.
    legacy: bool,
    /// The metadata of another server, or the host, leads there.
    led: bool,
    /// The host vouches for it.
    trusted: bool,
}

const UNSEEN: &str = "The metadata of the authorization server cannot be read: the server is down, or it sends no \
                      `Access-Control-Allow-Origin`";
const NO_METADATA: &str = "There is no metadata where the authorization server should have it";
const HICCUP: &str = "The metadata that says who authorizes for this server cannot be had just now";

impl Search {
    fn new(places: Vec<String>) -> Self {
        Self {
            place: String::new(),
            rest: places.into(),
            bad: None,
            hiccup: false,
            hidden: false,
            answers: Vec::new(),
            good: None,
        }
    }

    fn note(&mut self, reply: &Reply) {
        self.hiccup |= reply.is_hiccup();
        self.hidden |= matches!(reply, Reply::Hidden);
        self.answers.push(match reply {
            Reply::Answer { status: 200..=299, .. } => "what is no metadata".to_owned(),
            Reply::Answer { status: 300..=399, .. } => "a redirect to another origin".to_owned(),
            Reply::Answer { status, .. } => format!("HTTP {status}"),
            Reply::Hidden => "something that CORS hides".to_owned(),
            Reply::Failed => "nothing".to_owned(),
            Reply::Proxied(Diagnosis { hint, .. }) => format!("by the proxy: {}", hint.trim_end_matches('.')),
        });
    }

    /// With what the places answered.
    fn told(&self, kind: &'static str, text: &str) -> Trouble {
        Trouble::new(kind, format!("{text} (its places answered: {}).", self.answers.join(", ")))
    }

    /// The first one is the best.
    fn note_bad(&mut self, trouble: Trouble) {
        self.bad.get_or_insert(trouble);
    }
}

impl Flow {
    /// Looks for the metadata of the resource.
    pub(super) fn search(&mut self) {
        let named = self.challenge.as_ref().map(|challenge| bearer(challenge).resource_metadata).unwrap_or_default();
        let Some(home) = self.home_url() else {
            return self.fail(trouble("unsafe_url", "The address of the MCP server is none that OAuth can name."));
        };
        let places = resource_places(named, &home, self.is_local());
        self.look_for_resource(Search::new(places));
    }

    /// Where the metadata of the resource is at home: at its own address, unless that is not asked for its name being one of
    /// plain http (what a server behind a proxy calls itself).
    fn home_url(&self) -> Option<Url<'_>> {
        let is_safe = |url: &Url<'_>| url.may_be_asked(self.is_local());
        Url::parse(&self.resource).filter(is_safe).or_else(|| Url::parse(&self.settings.endpoint))
    }

    fn look_for_resource(&mut self, mut search: Search) {
        if let Some(place) = search.rest.pop_front() {
            self.get(&place);
            search.place = place;
            self.stage = Stage::Resource(search);
            return;
        }
        if let Some(trouble) = search.bad {
            return self.fail(trouble);
        }
        if search.hiccup {
            return self.hiccup(&search);
        }
        // "MCP clients MUST … fall back" to the origin of the endpoint (2025-03-26, authorization, 2.3).
        self.hidden = search.hidden;
        self.name_resource(None);
    }

    pub(super) fn resource_answered(&mut self, mut search: Search, reply: &Reply) {
        search.note(reply);
        let (status, body) = reply.parts();
        if (200..300).contains(&status) {
            match Resource::read(body, &search.place, &self.resource, self.settings.names_resource) {
                Ok(Some(found)) => return self.name_resource(Some(found)),
                Ok(None) => {}
                Err(trouble) => search.note_bad(trouble),
            }
        }
        // What the origin of the endpoint would have said is not known.
        let at_home = |place: Url<'_>| self.home_url().is_some_and(|url| url.has_origin_of(&place));
        if reply.is_hiccup() && Url::parse(&search.place).is_some_and(at_home) {
            search.rest.clear();
            search.bad = None;
        }
        self.look_for_resource(search);
    }

    /// Nothing says who authorizes: the origin of the endpoint does.
    pub(super) fn found_no_resource(&mut self) {
        let issuer = self.home_url().map(|url| url.origin()).unwrap_or_default();
        self.look_at(Wanted { issuer, legacy: true, led: false, trusted: false });
    }

    pub(super) fn found_resource(&mut self, found: Resource) {
        self.resource = found.resource;
        self.scopes = found.scopes;
        // Where there is a choice: where the user has been before, or where the client is known.
        let home = self.home().map(str::to_owned);
        let trusted = self.settings.trust.as_ref().map(|trust| trust.issuer.clone());
        let mut servers = found.servers;
        for first in trusted.into_iter().chain(home) {
            servers.sort_by_key(|server| !is_same(server, &first));
        }
        self.others = servers.into();
        self.look_at_next();
    }

    /// The authorization server that the grant, or the pre-registered client, belongs to.
    fn home(&self) -> Option<&str> {
        let grant = self.record.grant.as_ref().map(|grant| grant.issuer.as_str()).filter(|issuer| !issuer.is_empty());
        grant.or(self.settings.owner().filter(|_| self.settings.client_id.is_some()))
    }

    fn look_at_next(&mut self) {
        let issuer = self.others.pop_front().unwrap_or_default();
        self.look_at(Wanted { issuer, legacy: false, led: false, trusted: false });
    }

    /// Looks for the metadata of this authorization server.
    fn look_at(&mut self, mut wanted: Wanted) {
        let trusts = |trust: &super::Trust| trust.issuer == wanted.issuer;
        wanted.trusted |= self.settings.trust.as_ref().is_some_and(trusts);
        let local = self.is_local();
        match server_places(&wanted.issuer, local) {
            Ok(places) => self.look_for_server(wanted, Search::new(places)),
            Err(trouble) => self.dead(&wanted, trouble),
        }
    }

    fn look_for_server(&mut self, wanted: Wanted, mut search: Search) {
        if let Some(place) = search.rest.pop_front() {
            self.get(&place);
            search.place = place;
            self.stage = Stage::Server(wanted, search);
            return;
        }
        let is_home = self.home().is_some_and(|home| is_same(home, &wanted.issuer));
        // Nobody knows yet which one the client belongs to.
        if let Some(server) = search.good {
            return self.found(server);
        }
        let is_anybodys = self.settings.client_id.is_some() && self.home().is_none();
        match &search.bad {
            Some(trouble) => self.dead(&wanted, trouble.clone()),
            None if search.hiccup && (is_home || is_anybodys) => self.hiccup(&search),
            None if search.hiccup || search.hidden || self.hidden => {
                self.dead(&wanted, search.told("unreachable", UNSEEN).retryable());
            }
            None if wanted.legacy && !wanted.led => self.found(Server::by_default(&wanted.issuer)),
            None => self.dead(&wanted, search.told("no_metadata", NO_METADATA)),
        }
    }

    /// The next one is looked at; where there is none, the first one's trouble is what is told.
    fn dead(&mut self, wanted: &Wanted, trouble: Trouble) {
        let told = match &self.trouble {
            Some(first) if !wanted.led || matches!(trouble.kind, "no_metadata" | "issuer_mismatch") => first.clone(),
            _ => trouble,
        };
        match self.others.is_empty() {
            true => self.fail(told),
            false => {
                self.trouble = Some(told);
                self.look_at_next();
            }
        }
    }

    pub(super) fn server_answered(&mut self, wanted: Wanted, mut search: Search, reply: &Reply) {
        search.note(reply);
        let (status, body) = reply.parts();
        let Some(mut server) = Some(body)
            .filter(|_| (200..300).contains(&status))
            .and_then(|body| Server::read(body, self.settings.unattended))
        else {
            return self.look_for_server(wanted, search);
        };
        let trust = self.settings.trust.as_ref();
        let identity = identity(&wanted.issuer, &server.issuer, wanted.legacy, trust);
        server.trusted = wanted.trusted || trust.is_some_and(|trust| trust.issuer == server.issuer);
        let mismatch = issuer_mismatch(&wanted.issuer, &server.issuer);
        match identity {
            Identity::Own | Identity::Vouched => match server.check(self.is_local(), self.settings.unattended) {
                // Another of its documents may say more.
                Ok(server) if server.registration_endpoint.is_none() && self.needs_registration(&server) => {
                    search.good.get_or_insert(server);
                    self.look_for_server(wanted, search);
                }
                Ok(server) => self.found(server),
                Err(trouble) => {
                    search.note_bad(trouble);
                    self.look_for_server(wanted, search);
                }
            },
            // It is believed where it says so of itself.
            Identity::Elsewhere if !wanted.led => {
                self.trouble.get_or_insert(mismatch);
                self.look_at(Wanted { issuer: server.issuer, legacy: false, led: true, trusted: server.trusted });
            }
            Identity::Elsewhere | Identity::Another => {
                search.note_bad(mismatch);
                self.look_for_server(wanted, search);
            }
        }
    }

    /// This server authorizes.
    pub(super) fn found(&mut self, server: Server) {
        if self.may_adopt(&server) {
            return self.adopt(server);
        }
        let is_refreshable = self.can_refresh();
        let same = self.record.grant.as_mut().filter(|grant| grant.issuer == server.issuer);
        if let Some(grant) = same.filter(|_| is_refreshable) {
            server.follow(&mut grant.token_endpoint);
            return self.refresh(Some(server), None);
        }
        // What tells whose it is elsewhere is overwritten when the user is sent away.
        if self.record.grant.as_ref().is_some_and(|grant| grant.is_foreign() && !grant.issuer.is_empty()) {
            self.keep();
        }
        self.authorize(server);
    }

    /// Who authorizes cannot be found out just now. What there is may be refreshed where it came from.
    fn hiccup(&mut self, search: &Search) {
        let trouble = search.told("unreachable", HICCUP).retryable();
        let is_placed = self.record.grant.as_ref().is_some_and(|grant| !grant.is_foreign());
        match self.can_refresh() && is_placed {
            true => self.refresh(None, Some(trouble)),
            false => self.fail(trouble),
        }
    }

    fn needs_registration(&self, server: &Server) -> bool {
        (self.ask || self.settings.unattended)
            && !self.can_refresh()
            && needs_registration(&self.settings, server, &self.record)
    }

    pub(super) fn get(&mut self, place: &str) {
        let headers = vec![("accept", "application/json".to_owned())];
        self.steps.push_back(Step::Fetch(Fetch {
            method: "GET",
            url: place.to_owned(),
            headers,
            body: None,
            spends: None,
            keeps: self.is_login(),
        }));
    }

    /// The user is asked, and what there is is not refused, refreshed or widened, for which all is looked at anew: the server
    /// may have another authorization server now (SEP-2352).
    fn is_login(&self) -> bool {
        self.ask && self.token.is_none() && !self.can_refresh() && !self.is_step_up()
    }

    /// This machine is meant to be spoken to: the MCP server is on it, or the host names an authorization server there.
    pub(super) fn is_local(&self) -> bool {
        let is_loopback = |url: &String| Url::parse(url).is_some_and(|url| url.is_loopback());
        is_loopback(&self.settings.endpoint) || self.settings.trust.iter().any(|trust| is_loopback(&trust.issuer))
    }
}
