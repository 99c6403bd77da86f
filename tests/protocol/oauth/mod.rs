//! Authorizations as transcripts: what is fetched, in order, and what comes of it.

use mcp_evergreen::protocol::Challenge;
use mcp_evergreen::protocol::json::Members;
use mcp_evergreen::protocol::oauth::text::{query_field, query_fields};
use mcp_evergreen::protocol::oauth::{Chance, Fetch, Flow, Need, Reply, Settings, Spends, Step, Trouble};
use serde_json::{Value, json};
use std::collections::BTreeMap;

mod clients;
mod field;
mod foreign;
mod granting;
mod grants;
mod login;
mod tokens;

const NOW: u64 = 1_700_000_000_000;
const MCP: &str = "https://mcp.example/mcp";
const PRM: &str = "https://mcp.example/.well-known/oauth-protected-resource/mcp";
const AS: &str = "https://as.example/.well-known/oauth-authorization-server";
const TOKEN: &str = "https://as.example/token";
const REGISTER: &str = "https://as.example/register";

const GRANTED: &str = "granted access-1 until +3540000";

/// One host, one MCP server, one authorization server.
struct World {
    settings: Settings,
    kept: Option<String>,
    /// The issuer that the pre-registered client is bound to.
    bound: Option<String>,
    /// Somebody binds it just before we do.
    rival: Option<String>,
    /// What is answered where; anything else is 404.
    answers: BTreeMap<String, (u16, Value)>,
    /// What the token endpoint says to a refresh with `resource`; and, with a status, to any other.
    resource_refused: Option<Value>,
    refresh_refused: Option<(u16, Value)>,
    /// What the registration endpoint refuses, by member, as a JSON text that it has; and in which words.
    registers_no: Option<(&'static str, Value)>,
    /// What is said of the last failure.
    failure: Option<Trouble>,
    /// What cannot be read from a page.
    hidden: Vec<String>,
    /// What does not answer.
    dead: Vec<String>,
    /// What the proxy says in its own name of these.
    proxied: Vec<(String, &'static str)>,
    /// What another tab keeps while this one waits.
    meanwhile: Option<String>,
    /// Whether the page dies while the user is away.
    leaves: bool,
    /// What the user comes back with; the state of the request is filled in for `STATE`.
    back: Result<String, Trouble>,
    log: Vec<String>,
    fetches: Vec<Fetch>,
    opened: Option<String>,
    pending: Option<String>,
    /// The name of what was granted last, and what the user had come back for.
    grant: Option<String>,
    /// What chance has given already.
    drawn: u32,
    returned: Option<Challenge>,
    /// It was found, and is another than before.
    found: bool,
    /// What the host calls the server.
    named: Option<String>,
}

fn prm() -> Value {
    json!({"resource": MCP, "authorization_servers": ["https://as.example"], "scopes_supported": ["read", "write"]})
}

fn server() -> Value {
    json!({
        "issuer": "https://as.example",
        "authorization_endpoint": "https://as.example/authorize",
        "token_endpoint": TOKEN,
        "registration_endpoint": REGISTER,
        "code_challenge_methods_supported": ["S256"],
    })
}

fn tokens() -> Value {
    json!({"access_token": "access-1", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "refresh-1"})
}

impl World {
    fn new() -> Self {
        let answers = [(PRM, prm()), (AS, server()), (REGISTER, json!({"client_id": "registered"})), (TOKEN, tokens())];
        Self {
            settings: Settings {
                endpoint: MCP.to_owned(),
                resource: None,
                redirect_url: "https://app.example/callback".to_owned(),
                client_id: None,
                client_secret: None,
                client_auth_method: None,
                client_is_renewable: false,
                issuer: None,
                bound: None,
                client_metadata: Members::parse("{}"),
                unattended: false,
                names_resource: false,
                trust: None,
            },
            kept: None,
            bound: None,
            rival: None,
            answers: answers.into_iter().map(|(url, body)| (url.to_owned(), (200, body))).collect(),
            resource_refused: None,
            refresh_refused: None,
            registers_no: None,
            failure: None,
            hidden: Vec::new(),
            dead: Vec::new(),
            proxied: Vec::new(),
            meanwhile: None,
            leaves: false,
            back: Ok("https://app.example/callback?code=the-code&state=STATE".to_owned()),
            log: Vec::new(),
            fetches: Vec::new(),
            opened: None,
            pending: None,
            grant: None,
            drawn: 0,
            returned: None,
            found: false,
            named: None,
        }
    }

    /// After a first login.
    fn logged_in() -> Self {
        let mut world = Self::new();
        assert_eq!(world.login().last().map(String::as_str), Some("granted access-1 until +3540000"));
        world.answer(
            TOKEN,
            200,
            json!({"access_token": "access-2", "token_type": "bearer", "refresh_token": "refresh-2"}),
        );
        world
    }

    fn answer(&mut self, url: &str, status: u16, body: Value) {
        self.answers.insert(url.to_owned(), (status, body));
    }

    fn change(&mut self, url: &str, field: &str, value: Value) {
        self.answers.get_mut(url).expect("an answer").1[field] = value;
    }

    fn login(&mut self) -> Vec<String> {
        self.refused(401, "Bearer", None)
    }

    fn refused(&mut self, status: u16, challenge: &str, token: Option<&str>) -> Vec<String> {
        let www_authenticate = Some(challenge.to_owned());
        let challenge = Challenge { status, www_authenticate };
        self.run(Need::Refused { challenge, ask: true }, token, NOW)
    }

    fn refused_quietly(&mut self) -> Vec<String> {
        let challenge = Challenge { status: 401, www_authenticate: None };
        self.run(Need::Refused { challenge, ask: false }, Some("access-1"), NOW)
    }

    fn stored(&mut self, now: u64) -> Vec<String> {
        self.run(Need::Stored { returned: None, finish: false }, None, now)
    }

    fn run(&mut self, need: Need, token: Option<&str>, now: u64) -> Vec<String> {
        let settings = Settings { bound: self.bound.clone(), ..self.settings.clone() };
        let mut flow = Flow::new(settings, self.kept.as_deref(), token, need, now);
        let mut draws = self.drawn;
        for _ in 0..100 {
            let Some(step) = flow.poll_step() else { return std::mem::take(&mut self.log) };
            match step {
                Step::Fetch(fetch) => {
                    let reply = self.reply(&fetch);
                    flow.handle_reply(&reply, now);
                }
                Step::Keep(text) => {
                    self.kept = Some(text);
                    self.log.push("keep".to_owned());
                }
                Step::Load => {
                    self.kept = self.meanwhile.take().or(self.kept.take());
                    flow.handle_kept(self.kept.as_deref(), now);
                }
                Step::Bind { issuer } => {
                    let bound = self.bound.take().or(self.rival.take()).unwrap_or(issuer);
                    self.log.push(format!("bound to {bound}"));
                    flow.handle_bound(&bound);
                    self.bound = Some(bound);
                }
                Step::Name { said } => {
                    self.log.push(format!("called {}", said.as_deref().unwrap_or("nothing")));
                    flow.handle_resource(self.named.as_deref());
                }
                Step::Grant { issuer, resource, scope } => {
                    let (resource, scope) = (resource.unwrap_or_default(), scope.unwrap_or_default());
                    self.log.push(format!("grant of {issuer} for {resource} ({scope})"));
                    flow.handle_grant("grant_type=client_credentials&more=1");
                }
                Step::Draw => {
                    draws += 1;
                    let text = |name: &str| format!("{name}-{draws}");
                    let (verifier, challenge, state) = (text("verifier"), text("challenge"), text("state"));
                    flow.handle_chance(Chance { verifier, challenge, state });
                }
                Step::Open { url, state, pending } => {
                    self.log.push(format!("open {}", url.split('?').next().unwrap_or_default()));
                    (self.opened, self.pending) = (Some(url), Some(pending));
                    if self.leaves {
                        return std::mem::take(&mut self.log);
                    }
                    let back = self.back.clone().map(|url| url.replace("STATE", &state));
                    self.kept = self.meanwhile.take().or(self.kept.take());
                    flow.handle_returned(back.as_deref().map_err(Clone::clone), self.kept.as_deref(), now);
                }
                Step::Granted { token, refresh_at_unix_ms, origin, same: _ } => {
                    (self.grant, self.returned) = (origin.grant, origin.returned);
                    self.found = origin.found;
                    let until = refresh_at_unix_ms.map(|at| format!(" until +{}", at.saturating_sub(now)));
                    self.log.push(format!(
                        "granted {}{}",
                        token.as_deref().unwrap_or("nothing"),
                        until.unwrap_or_default()
                    ));
                }
                Step::NeedsUser => self.log.push("needs user".to_owned()),
                Step::Failed(trouble) => {
                    let secrets = ["access-", "refresh-", "the-code", "verifier", "state-1"];
                    let told = format!("{} {:?}", trouble.message, trouble.said);
                    assert!(!secrets.iter().any(|secret| told.contains(secret)), "{told}");
                    self.failure = Some(trouble.clone());
                    self.log.push(format!(
                        "failed {}{}",
                        trouble.kind,
                        if trouble.retryable { ", later perhaps" } else { "" }
                    ));
                }
            }
        }
        panic!("no end in sight: {:?}", self.log);
    }

    fn reply(&mut self, fetch: &Fetch) -> Reply {
        self.fetches.push(fetch.clone());
        if fetch.method == "GET" {
            let accept = [("accept", "application/json".to_owned())];
            assert_eq!(fetch.headers, accept, "a well-known GET must not need a preflight");
        }
        if let Some((url, said)) = self.proxied.iter().find(|(url, _)| *url == fetch.url) {
            self.log.push(format!("{} {url} proxy: {said}", fetch.method));
            return Reply::proxied(said);
        }
        for (these, what, reply) in [(&self.hidden, "hidden", Reply::Hidden), (&self.dead, "dead", Reply::Failed)] {
            if these.contains(&fetch.url) {
                self.log.push(format!("{} {} {what}", fetch.method, fetch.url));
                return reply;
            }
        }
        let (status, body) =
            self.refusal(fetch).or_else(|| self.answers.get(&fetch.url).cloned()).unwrap_or((404, Value::Null));
        self.log.push(format!("{} {} {status}", fetch.method, fetch.url));
        // What is no JSON is a text.
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        Reply::Answer { status, body }
    }

    fn refusal(&self, fetch: &Fetch) -> Option<(u16, Value)> {
        let body = fetch.body.as_deref().unwrap_or_default();
        if fetch.url == REGISTER {
            let (what, error) = self.registers_no.clone()?;
            return body.contains(what).then_some((400, error));
        }
        match (body.contains("grant_type=refresh_token"), body.contains("resource=")) {
            (false, _) => None,
            (true, true) if self.resource_refused.is_some() => Some((400, self.resource_refused.clone()?)),
            (true, _) => self.refresh_refused.clone(),
        }
    }

    /// A field of the URL that was opened.
    fn asked(&self, field: &str) -> Option<String> {
        query_field(self.opened.as_ref().expect("was opened"), field)
    }

    /// A field of the last form that was sent.
    fn form(&self, field: &str) -> Option<String> {
        let body = self.fetches.iter().rev().find_map(|fetch| fetch.body.as_ref()).expect("a form");
        query_field(&format!("?{body}"), field)
    }

    fn registrations(&self) -> Vec<Value> {
        let sent = self.fetches.iter().filter(|fetch| fetch.url == REGISTER);
        sent.map(|fetch| serde_json::from_str(fetch.body.as_deref().unwrap_or_default()).expect("JSON")).collect()
    }

    fn registration(&self) -> Value {
        let sent = self.fetches.iter().find(|fetch| fetch.url == REGISTER).expect("was registered");
        serde_json::from_str(sent.body.as_deref().unwrap_or_default()).expect("JSON")
    }
}

fn last(log: &[String]) -> &str {
    log.last().map_or("nothing", String::as_str)
}

fn count(log: &[String], what: &str) -> usize {
    log.iter().filter(|line| line.starts_with(what)).count()
}
