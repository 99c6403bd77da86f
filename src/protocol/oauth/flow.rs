//! The order of an authorization.

use super::challenge::Bearer;
use super::discovery::{Resource, Server, resource_places, server_places};
use super::record::{Grant, Pending, Record};
use super::registration::registered;
use super::text::Url;
use super::token::{self, Refused, Tokens};
use super::{Chance, Fetch, Reply, Settings, Trouble, trouble};
use crate::protocol::Challenge;
use std::collections::VecDeque;

/// What a token is needed for.
#[derive(Clone)]
pub enum Need {
    /// What is stored; refreshed where that is due. `returned`: the user has come back, with this URL, from an
    /// authorization request that was kept as this text.
    Stored {
        /// The text, and the URL.
        returned: Option<(String, String)>,
    },
    /// The server has refused this token, or that there was none.
    Refused {
        /// What it said.
        challenge: Challenge,
        /// The token.
        token: Option<String>,
        /// The user may be asked.
        ask: bool,
    },
    /// No token any more.
    SignOut,
}

/// What is to be done next.
#[derive(Clone, PartialEq, Eq)]
pub enum Step {
    /// Fetch this, and tell [`Flow::handle_reply`].
    Fetch(Fetch),
    /// Keep this text in place of the one that the flow began with; then ask again.
    Keep(String),
    /// Send the user there, and tell [`Flow::handle_returned`]. `pending` is kept under `state` for the case that the
    /// page does not live so long.
    Open {
        /// Where the user agrees.
        url: String,
        /// The name of this request.
        state: String,
        /// What a later page life needs to go on.
        pending: String,
    },
    /// It is over. No token: the server is to say what it wants.
    Granted {
        /// The access token.
        token: Option<String>,
        /// When it is to be refreshed, in milliseconds since the epoch.
        refresh_at_unix_ms: Option<u64>,
    },
    /// It is over: the user would have to be asked.
    NeedsUser,
    /// It is over.
    Failed(Trouble),
}

/// What is waited for.
pub(super) enum Stage {
    /// The metadata of the resource; `rest` are the places that are left.
    Resource {
        rest: VecDeque<String>,
        unseen: bool,
    },
    /// The metadata of the authorization server.
    Server {
        issuer: String,
        legacy: bool,
        rest: VecDeque<String>,
        unseen: bool,
    },
    Registration,
    User,
    Exchange,
    /// `server`: the one that the resource names now; without one, what is not refreshed is left as it is.
    Refresh {
        server: Option<Server>,
    },
    Revocation,
    Over,
}

/// One authorization, from what is needed to its end.
pub struct Flow {
    pub(super) settings: Settings,
    pub(super) chance: Chance,
    pub(super) record: Record,
    pub(super) challenge: Option<Challenge>,
    pub(super) ask: bool,
    pub(super) stage: Stage,
    pub(super) steps: VecDeque<Step>,
    pub(super) resource: String,
    /// What the resource's metadata lists.
    pub(super) scopes: Option<Vec<String>>,
    pub(super) server: Option<Server>,
    pub(super) pending: Option<Pending>,
    /// The client was registered just now.
    pub(super) is_new: bool,
    refreshed: bool,
}

const UNSEEN: &str = "The metadata of the authorization server cannot be read: the server is down, or it sends no \
                      `Access-Control-Allow-Origin`.";
const NO_METADATA: &str = "There is no metadata where the authorization server should have it.";
const UNREACHABLE: &str = "The authorization server does not answer, or hides its answer from this page: it must send \
                           `Access-Control-Allow-Origin` on every answer of this endpoint.";
const NOT_REGISTERED: &str = "The authorization server did not register this client. If it refuses the redirect URL, give \
                              the provider another one, or a `clientId`.";

impl Flow {
    /// Begins. `kept` is the text that was kept last for this endpoint and user.
    #[must_use]
    pub fn new(settings: Settings, chance: Chance, kept: Option<&str>, need: Need, now_unix_ms: u64) -> Self {
        let endpoint = settings.resource.as_ref().unwrap_or(&settings.endpoint);
        let resource = endpoint.split('#').next().unwrap_or_default().to_owned();
        let mut flow = Self {
            record: kept.and_then(Record::read).unwrap_or_default(),
            settings,
            chance,
            challenge: None,
            ask: false,
            stage: Stage::Over,
            steps: VecDeque::new(),
            resource,
            scopes: None,
            server: None,
            pending: None,
            is_new: false,
            refreshed: false,
        };
        match need {
            Need::Stored { returned } => flow.stored(returned, now_unix_ms),
            Need::Refused { challenge, token, ask } => flow.refused(challenge, token.as_deref(), ask),
            Need::SignOut => flow.sign_out(),
        }
        flow
    }

    /// What to do next. Each step but [`Step::Keep`] is the last until it has been answered.
    pub fn poll_step(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// Whether the token is one that was got in exchange for the one before, by this flow: it is of the same user.
    #[must_use]
    pub fn has_refreshed(&self) -> bool {
        self.refreshed
    }

    fn stored(&mut self, returned: Option<(String, String)>, now: u64) {
        if let Some((pending, url)) = returned {
            let pending = Pending::read(&pending);
            if let Some(pending) = pending.filter(|pending| pending.endpoint == self.settings.endpoint) {
                self.pending = Some(pending);
                return self.returned(&url);
            }
        }
        match &self.record.grant {
            Some(grant) if grant.due().is_some_and(|due| due <= now) => self.refresh(None),
            _ => self.granted(),
        }
    }

    fn refused(&mut self, challenge: Challenge, token: Option<&str>, ask: bool) {
        let is_scope = challenge.status == 403;
        // Another tab has been here.
        let other = self.record.grant.as_ref().filter(|grant| Some(grant.access.as_str()) != token);
        let wanted = bearer(&challenge).scope.unwrap_or_default();
        if other.is_some_and(|grant| !is_scope || covers(grant.scope.as_deref(), &wanted)) {
            return self.granted();
        }
        let refreshable = !is_scope && self.record.grant.as_ref().is_some_and(|grant| grant.refresh.is_some());
        if !ask && !refreshable {
            return self.end(Step::NeedsUser);
        }
        let named = bearer(&challenge).resource_metadata;
        self.challenge = Some(challenge);
        self.ask = ask;
        let Some(endpoint) = Url::parse(&self.resource) else {
            return self.fail(trouble("unsafe_url", "The address of the MCP server is none that OAuth can name."));
        };
        // The authorization server may have changed: it is looked for each time.
        let rest = resource_places(named.as_deref(), &endpoint).into();
        self.stage = Stage::Resource { rest, unseen: false };
        self.look();
    }

    fn sign_out(&mut self) {
        let Some(grant) = self.record.grant.take() else { return self.granted() };
        self.keep();
        match token::revoke(&grant) {
            Some(fetch) => {
                self.stage = Stage::Revocation;
                self.steps.push_back(Step::Fetch(fetch));
            }
            None => self.granted(),
        }
    }

    /// Looks at the next place.
    fn look(&mut self) {
        let (Stage::Resource { rest, .. } | Stage::Server { rest, .. }) = &mut self.stage else { return };
        if let Some(url) = rest.pop_front() {
            return self.steps.push_back(Step::Fetch(Fetch { method: "GET", url, headers: Vec::new(), body: None }));
        }
        match std::mem::replace(&mut self.stage, Stage::Over) {
            // "MCP clients MUST … fall back" to the origin of the endpoint (2025-03-26, authorization, 2.3).
            Stage::Resource { .. } => {
                let origin = Url::parse(&self.resource).map(|url| url.origin()).unwrap_or_default();
                self.find(origin, true);
            }
            Stage::Server { issuer, legacy: true, .. } => self.found(Server::by_default(&issuer)),
            Stage::Server { unseen: true, .. } => self.fail(trouble("unreachable", UNSEEN).retryable()),
            Stage::Server { .. } => self.fail(trouble("no_metadata", NO_METADATA)),
            Stage::Registration
            | Stage::User
            | Stage::Exchange
            | Stage::Refresh { .. }
            | Stage::Revocation
            | Stage::Over => {}
        }
    }

    fn find(&mut self, issuer: String, legacy: bool) {
        match server_places(&issuer) {
            Ok(places) => {
                self.stage = Stage::Server { issuer, legacy, rest: places.into(), unseen: false };
                self.look();
            }
            Err(trouble) => self.fail(trouble),
        }
    }

    /// What came of the fetch.
    pub fn handle_reply(&mut self, reply: Reply, now_unix_ms: u64) {
        let (status, body) = match &reply {
            Reply::Answer { status, body } => (*status, body.as_str()),
            Reply::Failed => (0, ""),
        };
        let good = (200..300).contains(&status);
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Resource { rest, unseen } => {
                let read = Url::parse(&self.resource).filter(|_| good).map(|endpoint| Resource::read(body, &endpoint));
                match read {
                    Some(Err(trouble)) => self.fail(trouble),
                    Some(Ok(Some(resource))) => self.found_resource(resource),
                    Some(Ok(None)) | None => {
                        self.stage = Stage::Resource { rest, unseen: unseen || status == 0 };
                        self.look();
                    }
                }
            }
            Stage::Server { issuer, legacy, rest, unseen } => match good.then(|| Server::read(body, &issuer, legacy)) {
                Some(Err(trouble)) => self.fail(trouble),
                Some(Ok(Some(server))) => self.found(server),
                Some(Ok(None)) | None => {
                    self.stage = Stage::Server { issuer, legacy, rest, unseen: unseen || status == 0 };
                    self.look();
                }
            },
            Stage::Registration => {
                let server = self.server.clone().unwrap_or_default();
                match registered(body, &self.settings, &server).filter(|_| good) {
                    Some(client) => {
                        self.is_new = true;
                        self.record.forget_client(&server.issuer);
                        self.record.clients.push((server.issuer.clone(), client.clone()));
                        self.keep();
                        self.open(&server, client);
                    }
                    None if status == 0 => self.fail(trouble("unreachable", UNREACHABLE).retryable()),
                    None => self.fail(trouble("not_registered", NOT_REGISTERED)),
                }
            }
            Stage::Exchange => self.exchanged(&tokens(status, body, now_unix_ms)),
            Stage::Refresh { server } => self.refreshed(server, tokens(status, body, now_unix_ms)),
            Stage::Revocation => self.granted(),
            Stage::User | Stage::Over => {}
        }
    }

    fn found_resource(&mut self, found: Resource) {
        self.resource = found.resource;
        self.scopes = found.scopes;
        // Where there is a choice: where the user has been before.
        let before = self.record.grant.as_ref().map(|grant| &grant.issuer);
        let known = found.servers.iter().find(|server| Some(*server) == before);
        let issuer = known.or(found.servers.first()).cloned().unwrap_or_default();
        self.find(issuer, false);
    }

    fn found(&mut self, server: Server) {
        let same = self.record.grant.as_mut().filter(|grant| grant.issuer == server.issuer);
        let is_scope = self.challenge.as_ref().is_some_and(|challenge| challenge.status == 403);
        if let Some(grant) = same.filter(|_| !is_scope) {
            grant.token_endpoint.clone_from(&server.token_endpoint);
            if grant.refresh.is_some() {
                return self.refresh(Some(server));
            }
        }
        self.authorize(server);
    }

    fn refresh(&mut self, server: Option<Server>) {
        let Some(fetch) = self.record.grant.as_ref().and_then(token::refresh) else { return self.granted() };
        self.stage = Stage::Refresh { server };
        self.steps.push_back(Step::Fetch(fetch));
    }

    fn refreshed(&mut self, server: Option<Server>, tokens: Result<Tokens, Refused>) {
        match (tokens, server) {
            (Ok(tokens), _) => {
                self.refreshed = true;
                if let Some(grant) = &mut self.record.grant {
                    grant.access = tokens.access;
                    grant.refresh = tokens.refresh.or(grant.refresh.take());
                    grant.refresh_at = tokens.refresh_at;
                }
                self.keep();
                self.granted();
            }
            // It may be good for a little while.
            (Err(Refused::Busy(_)), None) => self.granted(),
            (Err(Refused::Busy(trouble)), Some(_)) => self.fail(trouble),
            (Err(refused), server) => {
                let issuer = self.record.grant.take().map(|grant| grant.issuer);
                if let (Refused::Client(_), Some(issuer)) = (refused, issuer) {
                    self.record.forget_client(&issuer);
                }
                self.keep();
                match server {
                    Some(server) => self.authorize(server),
                    None => self.granted(),
                }
            }
        }
    }

    pub(super) fn keep(&mut self) {
        self.steps.push_back(Step::Keep(self.record.write()));
    }

    pub(super) fn granted(&mut self) {
        let grant = self.record.grant.as_ref();
        let token = grant.map(|grant| grant.access.clone());
        self.end(Step::Granted { token, refresh_at_unix_ms: grant.and_then(Grant::due) });
    }

    pub(super) fn fail(&mut self, trouble: Trouble) {
        self.end(Step::Failed(trouble));
    }

    pub(super) fn end(&mut self, step: Step) {
        self.stage = Stage::Over;
        self.steps.push_back(step);
    }
}

fn tokens(status: u16, body: &str, now_unix_ms: u64) -> Result<Tokens, Refused> {
    match status {
        0 => Err(Refused::Busy(trouble("unreachable", UNREACHABLE).retryable())),
        _ => token::tokens(status, body, now_unix_ms),
    }
}

pub(super) fn bearer(challenge: &Challenge) -> Bearer {
    challenge.www_authenticate.as_deref().and_then(Bearer::parse).unwrap_or_default()
}

pub(super) fn covers(scope: Option<&str>, wanted: &str) -> bool {
    let scope: Vec<_> = scope.unwrap_or_default().split(' ').collect();
    wanted.split(' ').all(|wanted| wanted.is_empty() || scope.contains(&wanted))
}
