//! Authorizations as transcripts: what is fetched, in order, and what comes of it.

use mcp_evergreen::protocol::Challenge;
use mcp_evergreen::protocol::json::Json;
use mcp_evergreen::protocol::oauth::text::query_field;
use mcp_evergreen::protocol::oauth::{Chance, Fetch, Flow, Need, Reply, Settings, Step, Trouble};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const NOW: u64 = 1_700_000_000_000;
const MCP: &str = "https://mcp.example/mcp";
const PRM: &str = "https://mcp.example/.well-known/oauth-protected-resource/mcp";
const AS: &str = "https://as.example/.well-known/oauth-authorization-server";
const TOKEN: &str = "https://as.example/token";
const REGISTER: &str = "https://as.example/register";

/// One host, one MCP server, one authorization server.
struct World {
    settings: Settings,
    kept: Option<String>,
    /// What is answered where; anything else is 404.
    answers: BTreeMap<String, (u16, Value)>,
    /// What cannot be read from a page.
    hidden: Vec<String>,
    /// What the user comes back with; the state of the request is filled in for `STATE`.
    back: Result<String, Trouble>,
    log: Vec<String>,
    fetches: Vec<Fetch>,
    opened: Option<String>,
    pending: Option<String>,
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
                issuer: None,
                client_metadata: Json::parse("{}"),
            },
            kept: None,
            answers: answers.into_iter().map(|(url, body)| (url.to_owned(), (200, body))).collect(),
            hidden: Vec::new(),
            back: Ok("https://app.example/callback?code=the-code&state=STATE".to_owned()),
            log: Vec::new(),
            fetches: Vec::new(),
            opened: None,
            pending: None,
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
        self.run(Need::Refused { challenge, token: token.map(str::to_owned), ask: true }, NOW)
    }

    fn refused_quietly(&mut self) -> Vec<String> {
        let challenge = Challenge { status: 401, www_authenticate: None };
        self.run(Need::Refused { challenge, token: Some("access-1".to_owned()), ask: false }, NOW)
    }

    fn stored(&mut self, now: u64) -> Vec<String> {
        self.run(Need::Stored { returned: None }, now)
    }

    fn run(&mut self, need: Need, now: u64) -> Vec<String> {
        let chance = Chance { verifier: "verifier".into(), challenge: "challenge".into(), state: "state-1".into() };
        let mut flow = Flow::new(self.settings.clone(), chance, self.kept.as_deref(), need, now);
        for _ in 0..100 {
            let Some(step) = flow.poll_step() else { return std::mem::take(&mut self.log) };
            match step {
                Step::Fetch(fetch) => {
                    let reply = self.reply(&fetch);
                    flow.handle_reply(reply, now);
                }
                Step::Keep(text) => {
                    self.kept = Some(text);
                    self.log.push("keep".to_owned());
                }
                Step::Open { url, state, pending } => {
                    self.log.push(format!("open {}", url.split('?').next().unwrap_or_default()));
                    (self.opened, self.pending) = (Some(url), Some(pending));
                    let back = self.back.clone().map(|url| url.replace("STATE", &state));
                    flow.handle_returned(back.as_deref().map_err(Clone::clone));
                }
                Step::Granted { token, refresh_at_unix_ms } => {
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
                    assert!(!secrets.iter().any(|secret| trouble.message.contains(secret)), "{}", trouble.message);
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
            assert!(fetch.headers.is_empty(), "a well-known GET must not need a preflight");
        }
        if self.hidden.contains(&fetch.url) {
            self.log.push(format!("{} {} hidden", fetch.method, fetch.url));
            return Reply::Failed;
        }
        let (status, body) = self.answers.get(&fetch.url).cloned().unwrap_or((404, Value::Null));
        self.log.push(format!("{} {} {status}", fetch.method, fetch.url));
        Reply::Answer { status, body: body.to_string() }
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

    fn registration(&self) -> Value {
        let sent = self.fetches.iter().find(|fetch| fetch.url == REGISTER).expect("was registered");
        serde_json::from_str(sent.body.as_deref().unwrap_or_default()).expect("JSON")
    }
}

#[test]
fn the_first_login() {
    let mut world = World::new();
    assert_eq!(
        world.login(),
        [
            &format!("GET {PRM} 200"),
            &format!("GET {AS} 200"),
            &format!("POST {REGISTER} 200"),
            "keep",
            "open https://as.example/authorize",
            &format!("POST {TOKEN} 200"),
            "keep",
            "granted access-1 until +3540000",
        ]
    );
    let asked =
        ["response_type", "client_id", "code_challenge", "code_challenge_method", "redirect_uri", "state", "scope"];
    let said = asked.map(|field| world.asked(field).unwrap_or_default());
    let redirect = "https://app.example/callback";
    assert_eq!(said, ["code", "registered", "challenge", "S256", redirect, "state-1", "read write"]);
    let sent = ["grant_type", "code", "redirect_uri", "code_verifier", "client_id"]
        .map(|field| world.form(field).unwrap_or_default());
    assert_eq!(sent, ["authorization_code", "the-code", redirect, "verifier", "registered"]);
    assert!(!world.opened.as_ref().expect("opened").contains("verifier"), "the verifier stays here");
}

#[test]
fn a_registration_says_what_kind_of_client_it_is() {
    let mut world = World::new();
    world.settings.client_metadata =
        Json::parse(r#"{"client_name": "My host", "redirect_uris": ["https://evil.example/"]}"#);
    world.login();
    let sent = world.registration();
    assert_eq!((&sent["application_type"], &sent["client_name"]), (&json!("web"), &json!("My host")));
    assert_eq!(sent["redirect_uris"], json!(["https://app.example/callback"]));
    assert_eq!(sent["grant_types"], json!(["authorization_code", "refresh_token"]));
    let mut world = World::new();
    world.settings.redirect_url = "http://localhost:8080/callback".to_owned();
    world.login();
    assert_eq!(world.registration()["application_type"], "native");
}

// ── Discovery ──

#[test]
fn the_challenge_says_where_the_metadata_is() {
    let mut world = World::new();
    world.answer("https://mcp.example/custom", 200, prm());
    let log = world.refused(401, "Bearer resource_metadata=\"https://mcp.example/custom\"", None);
    assert_eq!(log[..2], ["GET https://mcp.example/custom 200".to_owned(), format!("GET {AS} 200")]);
}

#[test]
fn well_known_places_are_tried_with_the_path_and_then_without() {
    let mut world = World::new();
    let document = world.answers.remove(PRM).expect("was there").1;
    world.answer("https://mcp.example/.well-known/oauth-protected-resource", 200, document);
    let log = world.login();
    assert_eq!(log[0], format!("GET {PRM} 404"));
    assert_eq!(log[1], "GET https://mcp.example/.well-known/oauth-protected-resource 200");
}

#[test]
fn a_place_that_the_page_cannot_read_is_passed_over() {
    let mut world = World::new();
    world.hidden = vec![AS.to_owned()];
    world.answer("https://as.example/.well-known/openid-configuration", 200, server());
    let log = world.login();
    assert_eq!(
        log[1..3],
        [format!("GET {AS} hidden"), "GET https://as.example/.well-known/openid-configuration 200".to_owned()]
    );
}

#[test]
fn an_issuer_with_a_path_has_three_places() {
    let mut world = World::new();
    world.change(PRM, "authorization_servers", json!(["https://as.example/tenant"]));
    let log = world.login();
    assert_eq!(
        log[1..],
        [
            "GET https://as.example/.well-known/oauth-authorization-server/tenant 404",
            "GET https://as.example/.well-known/openid-configuration/tenant 404",
            "GET https://as.example/tenant/.well-known/openid-configuration 404",
            "failed no_metadata",
        ]
    );
}

#[test]
fn metadata_that_nobody_may_read_is_named_as_such() {
    let mut world = World::new();
    world.hidden = vec![AS.to_owned(), "https://as.example/.well-known/openid-configuration".to_owned()];
    assert_eq!(world.login().last().map(String::as_str), Some("failed unreachable, later perhaps"));
}

#[test]
fn a_server_of_2025_03_26_has_its_metadata_at_its_origin() {
    let mut world = World::new();
    world.answers.remove(PRM);
    world.answer("https://mcp.example/.well-known/oauth-authorization-server", 200, {
        let mut document = server();
        document["issuer"] = json!("https://mcp.example/");
        document
    });
    let log = world.login();
    assert_eq!(log[2], "GET https://mcp.example/.well-known/oauth-authorization-server 200");
    assert_eq!(log.last().map(String::as_str), Some("granted access-1 until +3540000"));
    assert_eq!(world.asked("resource").as_deref(), Some(MCP));
}

#[test]
fn a_server_of_2025_03_26_without_metadata_has_default_endpoints() {
    let mut world = World::new();
    world.answers.clear();
    world.answer("https://mcp.example/register", 201, json!({"client_id": "registered"}));
    world.answer("https://mcp.example/token", 200, tokens());
    let log = world.login();
    assert_eq!(log[4..7], ["POST https://mcp.example/register 201", "keep", "open https://mcp.example/authorize"]);
}

#[test]
fn the_resource_is_sent_as_it_is_written() {
    for resource in
        ["https://mcp.example", "https://mcp.example/", "https://MCP.example/mcp", "https://mcp.example:443/mcp"]
    {
        let mut world = World::new();
        world.change(PRM, "resource", json!(resource));
        world.login();
        assert_eq!(
            (world.asked("resource").as_deref(), world.form("resource").as_deref()),
            (Some(resource), Some(resource))
        );
    }
}

#[test]
fn behind_a_proxy_the_host_says_what_the_resource_is() {
    let mut world = World::new();
    world.settings.endpoint = "https://proxy.example/x".to_owned();
    world.settings.resource = Some(MCP.to_owned());
    assert_eq!(world.login().last().map(String::as_str), Some("granted access-1 until +3540000"));
    assert_eq!(world.asked("resource").as_deref(), Some(MCP));
}

// ── Threats ──

#[test]
fn the_metadata_of_another_resource_is_not_followed() {
    for resource in [
        "https://evil.example/mcp",
        "https://mcp.example/mcp2",
        "http://mcp.example/mcp",
        "https://mcp.example.evil.example/",
    ] {
        let mut world = World::new();
        world.change(PRM, "resource", json!(resource));
        assert_eq!(world.login(), [format!("GET {PRM} 200"), "failed resource_mismatch".to_owned()]);
    }
}

#[test]
fn an_authorization_server_that_is_no_https_address_is_never_opened_or_asked() {
    for issuer in [
        "javascript:alert(1)//as.example",
        "data:text/html,x",
        "file:///etc/passwd",
        "http://as.example",
        "https://as.example\\@evil.example",
    ] {
        let mut world = World::new();
        world.change(PRM, "authorization_servers", json!([issuer]));
        assert_eq!(world.login(), [format!("GET {PRM} 200"), "failed unsafe_url".to_owned()], "{issuer}");
    }
}

#[test]
fn endpoints_that_are_no_https_addresses_are_never_opened_or_asked() {
    for field in ["authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"] {
        for url in
            ["javascript:alert(1)", "http://as.example/x", "vbscript:x", "blob:https://as.example/x", "//as.example"]
        {
            let mut world = World::new();
            world.change(AS, field, json!(url));
            assert_eq!(world.login().last().map(String::as_str), Some("failed unsafe_url"), "{field} {url}");
            assert_eq!(world.opened, None);
        }
    }
}

#[test]
fn metadata_of_another_issuer_is_not_used() {
    for issuer in ["https://evil.example", "https://as.example/", "https://AS.example", "https://as.example:443"] {
        let mut world = World::new();
        world.change(AS, "issuer", json!(issuer));
        assert_eq!(world.login().last().map(String::as_str), Some("failed issuer_mismatch"), "{issuer}");
    }
}

#[test]
fn without_pkce_no_user_is_asked() {
    for methods in [Value::Null, json!([]), json!(["plain"])] {
        let mut world = World::new();
        world.change(AS, "code_challenge_methods_supported", methods);
        assert_eq!(world.login().last().map(String::as_str), Some("failed no_pkce"));
    }
}

#[test]
fn an_answer_with_another_state_is_not_used() {
    for back in
        ["code=the-code&state=other", "code=the-code", "error=access_denied&state=other", "code=the-code&state="]
    {
        let mut world = World::new();
        world.back = Ok(format!("https://app.example/callback?{back}"));
        let log = world.login();
        assert_eq!(log.last().map(String::as_str), Some("failed wrong_state"), "{back}");
        assert!(!log.iter().any(|line| line.contains(TOKEN)), "the code goes nowhere");
    }
}

#[test]
fn who_sent_the_answer_is_checked_before_the_code_goes_anywhere() {
    let rows = [
        (true, "&iss=https%3A%2F%2Fas.example", "granted access-1 until +3540000"),
        (true, "", "failed wrong_issuer"),
        (true, "&iss=https%3A%2F%2Fevil.example", "failed wrong_issuer"),
        (true, "&iss=https%3A%2F%2Fas.example%2F", "failed wrong_issuer"),
        (false, "", "granted access-1 until +3540000"),
        (false, "&iss=https%3A%2F%2Fas.example", "granted access-1 until +3540000"),
        (false, "&iss=https%3A%2F%2Fevil.example", "failed wrong_issuer"),
    ];
    for (advertised, iss, expected) in rows {
        let mut world = World::new();
        world.change(AS, "authorization_response_iss_parameter_supported", json!(advertised));
        world.back = Ok(format!("https://app.example/callback?code=the-code&state=STATE{iss}"));
        let log = world.login();
        assert_eq!(log.last().map(String::as_str), Some(expected), "{advertised} {iss}");
        assert_eq!(log.iter().any(|line| line.contains(TOKEN)), expected.starts_with("granted"));
    }
}

#[test]
fn an_error_of_somebody_else_is_not_shown() {
    let mut world = World::new();
    world.back =
        Ok("https://app.example/callback?error=access_denied&state=STATE&iss=https%3A%2F%2Fevil.example".to_owned());
    assert_eq!(world.login().last().map(String::as_str), Some("failed wrong_issuer"));
}

#[test]
fn a_user_who_declines_is_told_apart() {
    let mut world = World::new();
    world.back = Ok("https://app.example/callback?error=access_denied&state=STATE".to_owned());
    assert_eq!(world.login().last().map(String::as_str), Some("failed declined"));
    world.back = Ok("https://app.example/callback?error=%3Cscript%3E&state=STATE".to_owned());
    assert_eq!(world.login().last().map(String::as_str), Some("failed refused"));
}

#[test]
fn a_token_that_cannot_be_sent_is_not_taken() {
    for answer in [
        json!({"access_token": "a b", "token_type": "Bearer"}),
        json!({"access_token": "a\r\nx: y", "token_type": "Bearer"}),
        json!({"access_token": "", "token_type": "Bearer"}),
        json!({"access_token": "a", "token_type": "DPoP"}),
        json!({"token_type": "Bearer"}),
        Value::Null,
    ] {
        let mut world = World::new();
        world.answer(TOKEN, 200, answer);
        assert_eq!(world.login().last().map(String::as_str), Some("failed bad_token"));
    }
}

// ── Who the client is ──

#[test]
fn a_pre_registered_client_registers_nothing() {
    let mut world = World::new();
    world.settings.client_id = Some("mine".to_owned());
    let log = world.login();
    assert_eq!(log[2], "open https://as.example/authorize");
    assert_eq!((world.asked("client_id").as_deref(), world.form("client_id").as_deref()), (Some("mine"), Some("mine")));
}

#[test]
fn a_metadata_document_is_the_client_id_where_the_server_takes_it() {
    let document = "https://app.example/client.json";
    let mut world = World::new();
    world.settings.client_id = Some(document.to_owned());
    world.change(AS, "client_id_metadata_document_supported", json!(true));
    assert_eq!(world.login()[2], "open https://as.example/authorize");
    assert_eq!(world.asked("client_id").as_deref(), Some(document));
    world.change(AS, "client_id_metadata_document_supported", json!(false));
    world.kept = None;
    assert_eq!(world.login()[2], format!("POST {REGISTER} 200"));
}

#[test]
fn without_any_way_to_be_known_the_error_says_so() {
    let mut world = World::new();
    world.settings.client_metadata = None;
    assert_eq!(world.login().last().map(String::as_str), Some("failed no_client"));
}

#[test]
fn a_client_proves_who_it_is_as_the_server_wants_it() {
    let rows = [
        (json!(["none"]), json!({"client_id": "c"}), (Some("c"), None, None)),
        (json!(["client_secret_post"]), json!({"client_id": "c", "client_secret": "s"}), (Some("c"), Some("s"), None)),
        (
            json!(["client_secret_basic"]),
            json!({"client_id": "c", "client_secret": "s:%"}),
            // c:s%3A%25
            (None, None, Some("Basic YzpzJTNBJTI1")),
        ),
        (
            Value::Null,
            json!({"client_id": "c", "client_secret": "s", "token_endpoint_auth_method": "client_secret_post"}),
            (Some("c"), Some("s"), None),
        ),
    ];
    for (methods, client, (id, secret, header)) in rows {
        let mut world = World::new();
        world.change(AS, "token_endpoint_auth_methods_supported", methods);
        world.answer(REGISTER, 201, client);
        world.login();
        assert_eq!((world.form("client_id").as_deref(), world.form("client_secret").as_deref()), (id, secret));
        let headers = &world.fetches.last().expect("a token request").headers;
        let sent = headers.iter().find(|(name, _)| *name == "authorization").map(|(_, value)| value.as_str());
        assert_eq!(sent, header);
    }
}

#[test]
fn each_authorization_server_has_its_own_registration_and_tokens() {
    let mut world = World::logged_in();
    let other = "https://other.example";
    world.change(PRM, "authorization_servers", json!([other]));
    world.answer(&format!("{other}/.well-known/oauth-authorization-server"), 200, json!({
        "issuer": other, "authorization_endpoint": format!("{other}/authorize"), "token_endpoint": format!("{other}/token"),
        "registration_endpoint": format!("{other}/register"), "code_challenge_methods_supported": ["S256"],
    }));
    world.answer(&format!("{other}/register"), 201, json!({"client_id": "elsewhere"}));
    world.answer(&format!("{other}/token"), 200, tokens());
    let log = world.refused(401, "Bearer", Some("access-1"));
    assert_eq!(log[2..4], ["POST https://other.example/register 201", "keep"]);
    assert_eq!(world.asked("client_id").as_deref(), Some("elsewhere"));
    assert!(!log.iter().any(|line| line.contains("as.example/token")), "the refresh token goes to nobody else");
}

#[test]
fn a_pre_registered_client_is_not_used_with_another_authorization_server() {
    let mut world = World::new();
    world.settings.client_id = Some("mine".to_owned());
    world.login();
    let other = "https://other.example";
    world.change(PRM, "authorization_servers", json!([other]));
    let mut document = server();
    document["issuer"] = json!(other);
    world.answer(&format!("{other}/.well-known/oauth-authorization-server"), 200, document);
    assert_eq!(world.refused(401, "Bearer", Some("access-1")).last().map(String::as_str), Some("failed other_issuer"));
}

#[test]
fn a_client_that_the_user_never_came_back_for_is_registered_anew() {
    let mut world = World::logged_in();
    world.back = Err(Trouble::new("closed", "The window was closed."));
    world.change(TOKEN, "error", json!("invalid_grant"));
    world.answers.get_mut(TOKEN).expect("there").0 = 400;
    assert_eq!(
        world.refused(401, "Bearer", Some("access-1"))[2..],
        [&format!("POST {TOKEN} 400"), "keep", "open https://as.example/authorize", "keep", "failed closed"]
    );
    assert!(world.login().contains(&format!("POST {REGISTER} 200")));
}

// ── Scopes ──

#[test]
fn the_challenge_says_which_scope_is_asked_for_before_the_metadata_does() {
    let rows = [
        ("Bearer scope=\"a b\"", prm()["scopes_supported"].clone(), Some("a b")),
        ("Bearer", prm()["scopes_supported"].clone(), Some("read write")),
        ("Bearer", Value::Null, None),
        ("Bearer", json!([]), None),
    ];
    for (challenge, supported, expected) in rows {
        let mut world = World::new();
        world.change(PRM, "scopes_supported", supported);
        world.refused(401, challenge, None);
        assert_eq!(world.asked("scope").as_deref(), expected, "{challenge}");
    }
}

#[test]
fn offline_access_is_asked_for_where_the_server_has_it() {
    let mut world = World::new();
    world.change(AS, "scopes_supported", json!(["read", "offline_access"]));
    world.login();
    assert_eq!(
        (world.asked("scope").as_deref(), world.asked("prompt").as_deref()),
        (Some("read write offline_access"), Some("consent"))
    );
    let mut world = World::new();
    world.login();
    assert_eq!((world.asked("scope").as_deref(), world.asked("prompt")), (Some("read write"), None));
}

#[test]
fn a_step_up_asks_for_what_was_asked_for_and_what_is_missing() {
    let mut world = World::logged_in();
    let log = world.refused(403, "Bearer error=\"insufficient_scope\", scope=\"write admin\"", Some("access-1"));
    assert_eq!(world.asked("scope").as_deref(), Some("read write admin"));
    assert_eq!(log.last().map(String::as_str), Some("granted access-2"));
    assert!(!log.contains(&format!("POST {REGISTER} 200")), "the client is known");
}

// ── Tokens ──

#[test]
fn a_refused_token_is_refreshed_and_the_next_refresh_token_is_kept_before_the_token_is_used() {
    let mut world = World::logged_in();
    assert_eq!(
        world.refused(401, "Bearer error=invalid_token", Some("access-1")),
        [&format!("GET {PRM} 200"), &format!("GET {AS} 200"), &format!("POST {TOKEN} 200"), "keep", "granted access-2"]
    );
    let sent =
        ["grant_type", "refresh_token", "resource", "client_id"].map(|field| world.form(field).unwrap_or_default());
    assert_eq!(sent, ["refresh_token", "refresh-1", MCP, "registered"]);
    world.refused(401, "Bearer", Some("access-2"));
    assert_eq!(world.form("refresh_token").as_deref(), Some("refresh-2"), "the rotated one");
}

#[test]
fn a_refresh_token_that_is_not_rotated_is_kept() {
    let mut world = World::logged_in();
    world.answer(TOKEN, 200, json!({"access_token": "access-2", "token_type": "Bearer"}));
    world.refused(401, "Bearer", Some("access-1"));
    world.refused(401, "Bearer", Some("access-2"));
    assert_eq!(world.form("refresh_token").as_deref(), Some("refresh-1"));
}

#[test]
fn what_another_tab_has_got_is_used_without_a_word() {
    let mut world = World::logged_in();
    assert_eq!(world.refused(401, "Bearer", Some("access-0")), ["granted access-1 until +3540000"]);
    assert_eq!(world.refused(403, "Bearer scope=\"write\"", Some("access-0")), ["granted access-1 until +3540000"]);
}

#[test]
fn a_stored_token_is_refreshed_where_that_is_due() {
    let mut world = World::logged_in();
    assert_eq!(world.stored(NOW), ["granted access-1 until +3540000"]);
    assert_eq!(world.stored(NOW + 3_540_000), [&format!("POST {TOKEN} 200"), "keep", "granted access-2"]);
}

#[test]
fn a_short_life_is_not_all_spent_on_refreshing() {
    let mut world = World::new();
    world.change(TOKEN, "expires_in", json!("10"));
    assert_eq!(world.login().last().map(String::as_str), Some("granted access-1 until +9000"));
}

#[test]
fn a_token_endpoint_that_is_busy_costs_no_token() {
    let mut world = World::logged_in();
    world.answer(TOKEN, 503, Value::Null);
    assert!(world.stored(NOW + 3_540_000).last().is_some_and(|line| line.starts_with("granted access-1")));
    assert_eq!(
        world.refused(401, "Bearer", Some("access-1")).last().map(String::as_str),
        Some("failed refused, later perhaps")
    );
    world.answer(TOKEN, 200, tokens());
    assert_eq!(world.refused_quietly().last().map(String::as_str), Some("granted access-1 until +3540000"));
}

#[test]
fn a_revoked_refresh_token_asks_the_user_once_and_never_in_the_background() {
    let mut world = World::logged_in();
    world.answer(TOKEN, 400, json!({"error": "invalid_grant"}));
    assert_eq!(world.refused_quietly()[2..], [&format!("POST {TOKEN} 400"), "keep", "needs user"]);
    assert_eq!(world.refused_quietly(), ["needs user"], "there is nothing left to refresh with");
    world.answer(TOKEN, 200, tokens());
    let log = world.refused(401, "Bearer", Some("access-1"));
    assert_eq!(log.iter().filter(|line| line.starts_with("open")).count(), 1);
    assert_eq!(log.last().map(String::as_str), Some("granted access-1 until +3540000"));
}

#[test]
fn a_client_that_the_server_has_forgotten_is_registered_anew() {
    let mut world = World::logged_in();
    world.answer(TOKEN, 401, json!({"error": "invalid_client"}));
    let log = world.refused(401, "Bearer", Some("access-1"));
    assert_eq!(log[2..6], [&format!("POST {TOKEN} 401"), "keep", &format!("POST {REGISTER} 200"), "keep"]);
}

#[test]
fn what_is_kept_by_somebody_else_is_as_good_as_nothing() {
    for kept in ["", "null", "[]", "{\"grant\":7}", "{\"clients\":{\"a\":{}}}"] {
        let mut world = World::new();
        world.kept = Some(kept.to_owned());
        assert_eq!(world.stored(NOW), ["granted nothing"]);
    }
}

#[test]
fn signing_out_takes_the_tokens_back_and_keeps_the_registration() {
    let mut world = World::new();
    world.change(AS, "revocation_endpoint", json!("https://as.example/revoke"));
    world.login();
    let log = world.run(Need::SignOut, NOW);
    assert_eq!(log, ["keep", "POST https://as.example/revoke 404", "granted nothing"]);
    assert_eq!(
        (world.form("token").as_deref(), world.form("token_type_hint").as_deref()),
        (Some("refresh-1"), Some("refresh_token"))
    );
    assert!(!world.kept.as_ref().expect("kept").contains("-1"), "no token is left");
    assert_eq!(world.stored(NOW), ["granted nothing"]);
    assert!(!world.login().contains(&format!("POST {REGISTER} 200")));
}

// ── A page that does not live so long ──

#[test]
fn a_later_page_life_goes_on_with_what_was_kept() {
    let mut world = World::new();
    world.back = Err(Trouble::new("not_returned", "The page is gone."));
    world.login();
    let (pending, url) =
        (world.pending.clone().expect("kept"), "https://app.example/callback?code=the-code&state=state-1");
    let returned = Some((pending.clone(), url.to_owned()));
    assert_eq!(
        world.run(Need::Stored { returned }, NOW),
        [&format!("POST {TOKEN} 200"), "keep", "granted access-1 until +3540000"]
    );
    assert_eq!(world.form("code_verifier").as_deref(), Some("verifier"));

    let returned = Some((pending.clone(), url.replace("state-1", "state-2")));
    assert_eq!(world.run(Need::Stored { returned }, NOW), ["failed wrong_state"]);

    let returned = Some((pending, url.to_owned()));
    world.settings.endpoint = "https://mcp.example/other".to_owned();
    assert_eq!(
        world.run(Need::Stored { returned }, NOW),
        ["granted access-1 until +3540000"],
        "that was for another endpoint"
    );
}
