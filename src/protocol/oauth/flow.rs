//! The order of an authorization.

use super::challenge::Bearer;
use super::discovery::{Resource, Server};
use super::record::{Grant, Pending, Record};
use super::registration::Client;
use super::scopes::covers;
use super::search::{Search, Wanted};
use super::text::Url;
use super::token::{self, Refused, Tokens};
use super::{Fetch, Reply, Settings, Trouble, trouble};
use crate::protocol::{Challenge, Origin};
use std::collections::VecDeque;

/// What a token is needed for.
#[derive(Clone)]
pub enum Need {
    /// What is stored; refreshed where that is due. `returned`: the user has come back, with this URL, from an
    /// authorization request that was kept as this text.
    Stored {
        /// The text, and the URL.
        returned: Option<(String, String)>,
        /// Nothing but the tokens that the user came back for will do.
        finish: bool,
    },
    /// The server has refused the token, or that there was none.
    Refused {
        /// What it said.
        challenge: Challenge,
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
    /// Read what is kept, where somebody else may have been, and tell [`Flow::handle_kept`].
    Load,
    /// Bind the pre-registered client to this authorization server unless it is bound, and tell [`Flow::handle_bound`].
    /// Nothing may come between the one and the other.
    Bind {
        /// The server, as it names itself.
        issuer: String,
    },
    /// Say what the server is called, where it calls itself `said`, and tell [`Flow::handle_resource`].
    Name {
        /// What its metadata calls it; `None` where there is none.
        said: Option<String>,
    },
    /// Say what is exchanged for a token, and tell [`Flow::handle_grant`].
    Grant {
        /// Who gives the token.
        issuer: String,
        /// For which server; `None`: that is not said.
        resource: Option<String>,
        /// What for.
        scope: Option<String>,
    },
    /// Draw what is left to chance, and tell [`Flow::handle_chance`].
    Draw,
    /// Send the user there, and tell [`Flow::handle_returned`]. `pending` is kept under `state` for the case that the
    /// page does not live so long. Others may go on meanwhile.
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
        /// Where it comes from.
        origin: Origin,
        /// When it is to be refreshed, in milliseconds since the epoch.
        refresh_at_unix_ms: Option<u64>,
        /// It is of the same grant as the token before, as far as is known: nobody else can have signed in.
        same: bool,
    },
    /// It is over: the user would have to be asked.
    NeedsUser,
    /// It is over.
    Failed(Trouble),
}

/// What is waited for.
pub(super) enum Stage {
    Resource(Search),
    /// What the resource is called.
    Naming(Option<Resource>),
    Server(Wanted, Search),
    /// What the origin of an authorization endpoint says of it.
    Party {
        server: Server,
        places: VecDeque<String>,
    },
    /// `scope`: what it was registered with; `less`: with no more than there must be.
    Registration {
        scope: Option<String>,
        less: bool,
    },
    /// Whether the pre-registered client may be used here.
    Binding {
        client: Client,
        scope: Option<String>,
    },
    /// What is left to chance, to send the user away.
    Chance(Client),
    /// What is exchanged for a token.
    Granting(Client),
    User,
    Exchange,
    /// `server`: the one that the resource names now; without one, what is not refreshed is left as it is.
    Refresh {
        server: Option<Server>,
        /// Why it is not known who authorizes.
        hiccup: Option<Trouble>,
        /// Without `resource`.
        bare: bool,
    },
    /// The refresh token was refused: somebody else may have used it.
    Doubt {
        server: Option<Server>,
        hiccup: Option<Trouble>,
        refused: Refused,
    },
    Revocation,
    Over,
}

/// One authorization, from what is needed to its end.
pub struct Flow {
    pub(super) settings: Settings,
    pub(super) record: Record,
    pub(super) challenge: Option<Challenge>,
    /// The token before, and the one that was kept.
    pub(super) token: Option<String>,
    kept: Option<String>,
    /// The token is of the same grant as the one before.
    pub(super) same: bool,
    pub(super) ask: bool,
    pub(super) finish: bool,
    pub(super) stage: Stage,
    pub(super) steps: VecDeque<Step>,
    pub(super) resource: String,
    /// The host has said that it is not named.
    pub(super) unnamed: bool,
    /// What the resource's metadata lists.
    pub(super) scopes: Option<Vec<String>>,
    /// Authorization servers that have not been looked at.
    pub(super) others: VecDeque<String>,
    /// Why the first of them is not used.
    pub(super) trouble: Option<Trouble>,
    /// A place hides its answer from the page.
    pub(super) hidden: bool,
    pub(super) server: Option<Server>,
    pub(super) pending: Option<Pending>,
    /// What the user had been sent away for, in an earlier page life.
    pub(super) came_back: Option<Challenge>,
    /// The client was registered just now.
    pub(super) is_new: bool,
    /// The user was asked once more, since something was refused.
    pub(super) again: bool,
    pub(super) now: u64,
    /// The body that was sent last, and what else is not to be quoted.
    pub(super) sent: String,
}

const REDIRECTED: &str = "The authorization server sends what is secret elsewhere (a redirect): that is not followed.";
const NOT_ASKED: &str = "No authorization request is known that this would be the answer to.";
const PLAIN: &str = "The MCP server is reached by plain http: a token that is sent there can be read on the way. It must be \
                     https, or on this machine.";

impl Flow {
    /// Begins. `kept` is the text that was kept last for this endpoint and user, `token` the one that is used so far.
    #[must_use]
    pub fn new(settings: Settings, kept: Option<&str>, token: Option<&str>, need: Need, now_unix_ms: u64) -> Self {
        let endpoint = settings.resource.as_ref().unwrap_or(&settings.endpoint);
        let resource = endpoint.split('#').next().unwrap_or_default().to_owned();
        let mut flow = Self {
            record: Record::default(),
            settings,
            challenge: None,
            token: token.map(str::to_owned),
            kept: None,
            same: true,
            ask: false,
            finish: false,
            stage: Stage::Over,
            steps: VecDeque::new(),
            resource,
            unnamed: false,
            scopes: None,
            others: VecDeque::new(),
            trouble: None,
            hidden: false,
            server: None,
            pending: None,
            came_back: None,
            is_new: false,
            again: false,
            now: now_unix_ms,
            sent: String::new(),
        };
        let is_secure = Url::parse(&flow.settings.endpoint).is_some_and(|url| url.is_secure());
        flow.record = kept.and_then(|kept| Record::read(kept, flow.is_local())).unwrap_or_default();
        flow.kept = flow.record.access();
        match need {
            Need::SignOut => flow.sign_out(),
            // It may want no login: what is stored is not sent.
            Need::Stored { returned: None, finish: false } if !is_secure => {
                flow.record.grant = None;
                flow.granted();
            }
            Need::Stored { .. } | Need::Refused { .. } if !is_secure => flow.fail(trouble("unsafe_url", PLAIN)),
            Need::Stored { returned, finish } => flow.stored(returned, finish),
            Need::Refused { challenge, ask } => flow.refused(challenge, ask),
        }
        flow
    }

    /// What to do next. Each step but [`Step::Keep`] is the last until it has been answered.
    pub fn poll_step(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    fn stored(&mut self, returned: Option<(String, String)>, finish: bool) {
        self.finish = finish;
        if let Some((pending, url)) = returned {
            let pending = Pending::read(&pending, self.is_local());
            if let Some(pending) = pending.filter(|pending| pending.endpoint == self.settings.endpoint) {
                self.came_back = Some(pending.challenge());
                self.pending = Some(pending);
                return self.returned(&url);
            }
        }
        match &self.record.grant {
            _ if finish => self.fail(trouble("wrong_state", NOT_ASKED)),
            Some(grant) if grant.is_due(self.now) => self.refresh(None, None),
            _ => self.granted(),
        }
    }

    fn refused(&mut self, mut challenge: Challenge, ask: bool) {
        let is_scope = challenge.status == 403;
        let wanted = bearer(&challenge).scope.unwrap_or_default();
        let will_do = |grant: &&Grant| !is_scope || covers(grant.scope.as_deref(), &wanted);
        // Another tab has been here.
        let other = self.record.grant.as_ref().filter(|grant| Some(&grant.access) != self.token.as_ref());
        if let Some(grant) = other.filter(will_do) {
            if !grant.is_due(self.now) {
                return self.granted();
            }
            // As that tab would find out by a refusal.
            challenge.status = 401;
        }
        self.challenge = Some(challenge);
        self.ask = ask;
        if !ask && !self.settings.unattended && !self.can_refresh() {
            return self.end(Step::NeedsUser);
        }
        // The authorization server may have changed: it is looked for each time.
        self.search();
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

    /// What came of the fetch.
    pub fn handle_reply(&mut self, reply: &Reply, now_unix_ms: u64) {
        self.now = now_unix_ms;
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Resource(search) => self.resource_answered(search, reply),
            Stage::Server(wanted, search) => self.server_answered(wanted, search, reply),
            Stage::Party { server, places } => self.party_answered(server, places, reply),
            Stage::Registration { scope, less } => self.registration_answered(scope, less, reply),
            Stage::Exchange => self.exchanged(tokens(reply, &self.sent, now_unix_ms)),
            Stage::Refresh { server, hiccup, bare } => {
                self.refreshed(server, hiccup, bare, tokens(reply, &self.sent, now_unix_ms));
            }
            Stage::Revocation => self.granted(),
            Stage::Naming(_)
            | Stage::Binding { .. }
            | Stage::Chance(_)
            | Stage::Granting(_)
            | Stage::User
            | Stage::Doubt { .. }
            | Stage::Over => {}
        }
    }

    /// Takes what others have kept meanwhile; says whether there is another token in it.
    pub(super) fn take_up(&mut self, kept: Option<&str>) -> bool {
        let Some(record) = kept.and_then(|kept| Record::read(kept, self.is_local())) else { return false };
        let before = std::mem::replace(&mut self.record, record).access();
        self.kept = self.record.access();
        self.kept.is_some() && self.kept != before
    }

    pub(super) fn is_step_up(&self) -> bool {
        self.challenge.as_ref().is_some_and(|challenge| challenge.status == 403)
    }

    /// Sends what may be secret.
    pub(super) fn fetch(&mut self, fetch: Fetch) {
        let clients = [
            self.pending.as_ref().map(|pending| &pending.client),
            self.record.grant.as_ref().map(|grant| &grant.client),
        ];
        let secrets = clients.into_iter().flatten().filter_map(|client| client.secret.as_deref());
        let access = self.record.grant.as_ref().map(|grant| grant.access.as_str());
        self.sent = fetch.body.as_deref().into_iter().chain(secrets).chain(access).collect::<Vec<_>>().join("&");
        self.steps.push_back(Step::Fetch(fetch));
    }

    /// Says whether there was one that can be had anew.
    pub(super) fn forget_client(&mut self, issuer: &str, id: &str) -> bool {
        let is_registrable = self.server.as_ref().is_none_or(|server| server.registration_endpoint.is_some());
        let is_own =
            self.settings.client_is_renewable && self.settings.client_id.as_deref() == Some(id) && is_registrable;
        if is_own {
            self.record.forgotten = Some(id.to_owned());
        }
        self.record.forget_client(issuer) || is_own
    }

    /// What is kept twice in a row is kept once.
    pub(super) fn keep(&mut self) {
        if let Some(Step::Keep(_)) = self.steps.back() {
            self.steps.pop_back();
        }
        self.steps.push_back(Step::Keep(self.record.write()));
    }

    pub(super) fn granted(&mut self) {
        let (grant, token) = (self.record.grant.as_ref(), self.record.access());
        let is_before = self.token == token;
        let refresh_at_unix_ms = grant.and_then(Grant::due);
        let origin = Origin {
            grant: grant.and_then(|grant| grant.id.clone()),
            returned: self.came_back.take(),
            found: token.is_some() && self.kept == token && !is_before,
        };
        self.end(Step::Granted { token, origin, refresh_at_unix_ms, same: self.same && is_before });
    }

    pub(super) fn fail(&mut self, trouble: Trouble) {
        self.end(Step::Failed(trouble));
    }

    pub(super) fn end(&mut self, step: Step) {
        self.stage = Stage::Over;
        self.steps.push_back(step);
    }
}

impl Settings {
    /// The authorization server that the pre-registered client belongs to.
    pub(super) fn owner(&self) -> Option<&str> {
        self.issuer.as_deref().or(self.bound.as_deref())
    }
}

fn tokens(reply: &Reply, sent: &str, now_unix_ms: u64) -> Result<Tokens, Refused> {
    match reply.parts() {
        (0, _) => Err(Refused::Nothing(reply.unseen("token"))),
        (300..=399, _) => Err(Refused::Nothing(trouble("refused", REDIRECTED))),
        (status, body) => token::tokens(status, body, sent, now_unix_ms),
    }
}

pub(super) fn bearer(challenge: &Challenge) -> Bearer {
    challenge.www_authenticate.as_deref().and_then(Bearer::parse).unwrap_or_default()
}
