//! The handshake: what is offered, what is accepted, what is refused and how that is said.

use crate::net::{Net, Reply};
use mcp_evergreen::protocol::config::{Connections, Handshake, Unreachable};
use mcp_evergreen::protocol::http::Head;
use mcp_evergreen::protocol::status::Phase;
use mcp_evergreen::protocol::{Code, Config, Reach, Unreached};
use serde_json::{Value, json};

/// What `connect` fails with when `initialize` is answered so.
fn connect_error(reply: &Reply) -> (Code, String) {
    let mut net = Net::new(Config::default());
    (0..2).for_each(|_| net.reply("initialize", reply.clone()));
    let call = net.connect();
    net.run_for(10_000);
    assert_eq!(net.phase(), Phase::Closed);
    (net.error(call).code, net.error(call).message.clone())
}

/// A whole `initialize` answer to whichever request came last.
fn answered(net: &mut Net, result: &Value) -> Vec<String> {
    net.connect();
    net.flush();
    let id = net.sent.last().map(|sent| sent.body["id"].clone());
    net.reply("initialize", Reply::json(200, &json!({"jsonrpc": "2.0", "id": id, "result": result})));
    net.run()
}

#[test]
fn it_offers_the_latest_version_and_says_who_it_is() {
    let mut net = Net::new(Config {
        handshake: Handshake::Own {
            client_info: r#"{"name":"host","version":"1"}"#.to_owned(),
            capabilities: r#"{"roots":{}}"#.to_owned(),
        },
        ..Config::default()
    });
    net.connect();
    net.run();
    let sent = &net.sent[0];
    assert_eq!(
        sent.body["params"],
        json!({"protocolVersion": "2025-11-25", "capabilities": {"roots": {}}, "clientInfo": {"name": "host", "version": "1"}})
    );
    assert_eq!(sent.header("accept"), Some("application/json, text/event-stream"));
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert_eq!((sent.header("mcp-session-id"), sent.header("mcp-protocol-version")), (None, None));
    assert_eq!(net.sent[1].header("mcp-session-id"), Some("s1"));
    assert_eq!(net.status().handshake.map(|handshake| handshake["serverInfo"]["name"].clone()), Some(json!("server")));
}

#[test]
fn older_versions_are_accepted_and_their_header_follows_them() {
    for (version, header) in [("2025-06-18", Some("2025-06-18")), ("2025-03-26", None), ("2024-11-05", None)] {
        let mut net = Net::new(Config::default());
        net.version = version;
        net.connect();
        assert_eq!(net.run(), ["initialize→200 s1", "initialized→202", "connect ok"]);
        assert_eq!(net.sent[1].header("mcp-protocol-version"), header, "{version}");
    }
}

#[test]
fn another_version_is_refused_in_words() {
    let mut net = Net::new(Config::default());
    net.version = "1999-01-01";
    let call = net.connect();
    assert_eq!(net.run(), ["initialize→200 s1", "connect unsupported_version not_executed"]);
    assert!(
        net.error(call)
            .message
            .contains("1999-01-01; this client speaks 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05")
    );
}

#[test]
fn calls_wait_until_initialized_is_answered() {
    let mut net = Net::new(Config::default());
    net.reply("initialized", Reply::Silence);
    net.connect();
    net.call("early");
    assert_eq!(net.run(), ["initialize→200 s1", "initialized→…"]);
}

#[test]
fn any_2xx_accepts_a_notification() {
    let typed = Reply::Body(202, "application/json", String::new());
    let bodies =
        [Reply::Body(200, "", String::new()), Reply::Body(204, "", String::new()), Reply::json(200, &json!({}))];
    for reply in bodies.into_iter().chain([typed]) {
        let mut net = Net::new(Config::default());
        net.reply("initialized", reply);
        net.connect();
        assert!(net.run().contains(&"connect ok".to_owned()));
        assert!(!format!("{:?}", net.events).contains("NotEviction"));
    }
}

#[test]
fn what_is_no_mcp_server_is_told_as_what_it_is() {
    let html = "<!doctype html><title>Welcome</title>".to_owned();
    let cases = [
        (Reply::Body(200, "text/html", html.clone()), Code::NotMcp, "HTTP 200, text/html and 37 bytes"),
        (Reply::Body(404, "text/html", html), Code::NotMcp, "HTTP 404"),
        (Reply::json(200, &json!({"hello": 1})), Code::NotMcp, "JSON that is no JSON-RPC"),
        (Reply::Body(200, "application/json", "{\"jsonrpc".to_owned()), Code::NotMcp, "9 bytes"),
        (Reply::Body(200, "application/json", String::new()), Code::NotMcp, "empty body"),
        (Reply::Body(200, "", String::new()), Code::NotMcp, "empty body"),
        (Reply::Cut("application/json", "{\"jsonrpc".to_owned()), Code::Network, "broke"),
        (Reply::Break, Code::Network, "CORS"),
        (Reply::Unreached(Unreached::Refused, true), Code::Network, "The connection was refused"),
        (Reply::Unreached(Unreached::NoSuchName, false), Code::Network, "name was not found"),
        (Reply::Unreached(Unreached::NotTrusted, false), Code::Network, "certificate"),
        (Reply::Unreached(Unreached::Unknown, false), Code::Network, "see `cause`"),
        (Reply::text(501, "Unsupported method ('POST')"), Code::NotMcp, "No MCP server answers at this URL"),
        (Reply::text(500, "boom"), Code::Http, "HTTP 500"),
        (Reply::text(401, "who are you"), Code::Unauthorized, "HTTP 401"),
        (Reply::error(400, -32000, "nope"), Code::Rpc, "nope"),
        (Reply::Body(202, "", String::new()), Code::NotMcp, "HTTP 202"),
    ];
    for (reply, code, words) in cases {
        let (got, message) = connect_error(&reply);
        assert_eq!(got, code, "{reply:?}: {message}");
        assert!(message.contains(words), "{reply:?}: {message}");
        assert!(!matches!(reply, Reply::Unreached(..)) || !message.contains("CORS"), "{message}");
        assert!(!message.contains("Welcome") && !message.contains("hello"), "{message}");
    }
}

#[test]
fn what_a_page_can_know_of_a_failed_connect_is_found_out() {
    let cases = [
        (Reach::Answers, Code::Cors, "cors", Some("Access-Control-Allow-Origin")),
        (Reach::Silent, Code::Network, "unreachable", None),
        (Reach::Offline, Code::Network, "offline", None),
    ];
    for (reach, code, kind, header) in cases {
        let mut net = Net::new(Config::default());
        net.reach = reach;
        (0..2).for_each(|_| net.reply("initialize", Reply::Break));
        let call = net.connect();
        let log = net.run_for(5_000);
        assert_eq!(log[..3], ["initialize→broke", "initialize→broke", "probe"]);
        let diagnosis = net.error(call).diagnosis.clone().expect("a diagnosis");
        assert_eq!((net.error(call).code, diagnosis.kind, diagnosis.header), (code, kind, header));
    }
}

#[test]
fn an_initialize_result_without_a_version_is_none() {
    let mut net = Net::new(Config::default());
    assert_eq!(answered(&mut net, &json!({"capabilities": {}})), ["initialize→200", "connect not_mcp not_executed"]);
}

#[test]
fn a_session_id_with_blanks_or_control_characters_is_refused() {
    for id in ["a b", "a\u{1}", "ä"] {
        let mut net = Net::new(Config::default());
        let call = net.connect();
        net.flush();
        let request = net.sent[0].body["id"].clone();
        let result = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {}});
        let body = json!({"jsonrpc": "2.0", "id": request, "result": result}).to_string();
        let head = Head { session_id: Some(id.to_owned()), ..Head::default() };
        net.reply("initialize", Reply::With(200, "application/json", body, head));
        net.run();
        assert_eq!(net.error(call).code, Code::Protocol, "{id:?}");
        assert!(!net.error(call).message.contains(id));
    }
}

#[test]
fn a_refusal_is_final_and_an_outage_is_tried_twice() {
    let count = |reply: &Reply| {
        let mut net = Net::new(Config::default());
        (0..9).for_each(|_| net.reply("initialize", reply.clone()));
        net.connect();
        net.run_for(60_000);
        net.sent.len()
    };
    assert_eq!(count(&Reply::text(400, "no")), 1);
    assert_eq!(count(&Reply::Break), 2);
    assert_eq!(count(&Reply::text(503, "soon")), 2);
}

#[test]
fn a_server_that_never_answers_fails_connect_in_time() {
    let mut net = Net::new(Config { timeout_ms: 5_000, ..Config::default() });
    (0..9).for_each(|_| net.reply("initialize", Reply::Silence));
    let call = net.connect();
    net.run_for(5_000);
    assert_eq!(net.error(call).code, Code::Timeout);
    // A session that the server makes all the same is ended, if it says so soon.
    assert_eq!((net.phase(), net.run_for(60_000)), (Phase::Closed, vec!["initialize aborted".to_owned()]));
}

#[test]
fn a_session_id_on_an_error_is_not_adopted() {
    let mut net = Net::connected();
    net.restart();
    let head = Head { session_id: Some("useless".to_owned()), ..Head::default() };
    let body = r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"Session not found"},"id":null}"#.to_owned();
    net.reply("call", Reply::With(404, "application/json", body, head));
    net.call("a");
    net.run();
    assert!(net.sent.iter().all(|sent| sent.session.as_deref() != Some("useless")));
}

#[test]
fn a_session_that_follows_another_cores_is_not_ended_by_a_server_that_does_not_answer() {
    for reply in [Reply::Silence, Reply::Break, Reply::error(404, -32600, "no")] {
        let mut net = Net::new(Config { generation: 1, ..Config::default() });
        for _ in 0..40 {
            net.reply("initialize", reply.clone());
        }
        net.connect();
        net.run_for(130_000);
        assert!(matches!(net.phase(), Phase::Recovering | Phase::Waiting), "{reply:?}");
        let mut net = Net::new(Config { generation: 1, ..Config::default() });
        net.reply("initialize", reply);
        net.connect();
        net.run_for(60_000);
        net.call("a");
        assert!(net.run_for(60_000).contains(&"a ok".to_owned()));
        assert_eq!(net.status().generation, 2);
    }
}

#[test]
fn a_handshake_that_nothing_comes_of_may_never_have_left_a_browser_with_six_connections() {
    let hint = "for all its tabs together";
    let first = |config: Config, reply: Reply| {
        let mut net = Net::new(Config { timeout_ms: 10_000, ..config });
        (0..9).for_each(|_| net.reply("initialize", reply.clone()));
        let call = net.connect();
        net.run_for(10_000);
        let (kept, status) = (net.results[&call].is_ok(), net.status().last_error);
        let error = if kept { *status.expect("it waits for a reason") } else { net.error(call).clone() };
        (error.code, error.diagnosis.map(|it| it.kind), error.message.contains(hint))
    };
    let six = || Config { connections: Connections::Six, ..Config::default() };
    let waits = || Config { unreachable: Unreachable::Wait, ..six() };
    let own = || Config { connections: Connections::SixOfOwnOrigin, ..Config::default() };
    for config in [six(), waits(), own()] {
        assert_eq!(first(config, Reply::Silence), (Code::Timeout, Some("no_connection"), true));
    }
    for config in [Config::default(), Config { shared: true, ..six() }] {
        assert_eq!(first(config, Reply::Silence), (Code::Timeout, None, false));
    }
    let stalled = Reply::Open(": hello\n\n".to_owned());
    assert_eq!(first(six(), stalled), (Code::Timeout, None, false), "it has left");
    assert_ne!(first(six(), Reply::text(503, "busy")).1, Some("no_connection"));
}
