//! A host's own Client.

use super::*;

fn hosts(net: &mut Net, method: &str, params: &Value, name: &str) -> CallId {
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}, "io.modelcontextprotocol/clientInfo": {"name": "theirs"}});
    let params = mcp_evergreen::protocol::Params {
        text: Some(params.to_string()),
        meta: Some(meta.to_string()),
        name: params["name"].as_str().map(str::to_owned),
        ..Default::default()
    };
    let id = net.session.call(method.to_owned(), params, CallOptions::default(), net.now);
    net.name(id, name);
    id
}

fn hosted(eras: &'static [Era]) -> Net {
    net_with(eras, Config { handshake: Handshake::Host, ..Config::default() })
}

#[test]
fn a_hosts_own_client_chooses_the_era() {
    let mut net = hosted(MODERN);
    hosts(&mut net, "server/discover", &json!({}), "discover");
    assert_eq!(net.run(), ["discover→200", "discover ok"]);
    assert_eq!(net.status().era, Some(Era::Modern));
    let discover = last(&net, "discover");
    assert_eq!(discover.body["params"]["_meta"]["io.modelcontextprotocol/clientInfo"]["name"], "theirs");
    assert!(discover.request.body.as_deref().is_some_and(|body| body.matches("protocolVersion").count() == 1));
    // What it has to answer itself is handed over, and nothing is kept from it.
    net.answer_next("call", &asks(&["a"], Some("s")));
    let call = hosts(&mut net, "tools/call", &json!({"name": "book"}), "book");
    assert_eq!(net.run(), ["call→200", "book ok"]);
    assert_eq!(net.results[&call].as_ref().expect("as it is")["resultType"], "input_required");
    net.reply("call", Reply::Break);
    hosts(&mut net, "tools/call", &json!({"name": "book"}), "book");
    assert_eq!(net.run(), ["call→broke", "book network unknown"]);
}

#[test]
fn a_hosts_own_client_may_find_a_legacy_server() {
    let mut net = hosted(LEGACY);
    hosts(&mut net, "server/discover", &json!({}), "discover");
    assert_eq!(net.run(), ["discover→404", "discover rpc unknown"]);
    net.request("initialize", Some(&json!({"protocolVersion": "2025-11-25"})), CallOptions::default(), "initialize");
    net.run();
    net.notify("notifications/initialized");
    net.run();
    assert_eq!((net.status().era, net.status().protocol_version), (Some(Era::Legacy), Some("2025-11-25")));
    net.restart();
    net.call("write");
    assert_eq!(net.run(), ["call→404", "initialize→200 s2", "initialized→202", "call→200", "write ok"]);
}

#[test]
fn header_fields_of_a_hosts_own_client_are_completed() {
    let mut net = hosted(MODERN);
    net.answer_next("list", &list_with(&json!({"region": {"type": "string", "x-mcp-header": "Region"}})));
    hosts(&mut net, "tools/list", &json!({}), "list");
    net.run();
    hosts(&mut net, "tools/call", &json!({"name": "query", "arguments": {"region": "eu"}}), "query");
    net.run();
    let call = last(&net, "call");
    assert_eq!((call.header("mcp-param-region"), call.header("mcp-name")), (Some("eu"), Some("query")));
}

#[test]
fn a_subscription_that_nobody_acknowledged_is_told_so() {
    let mut net = connected();
    net.reply("listen", Reply::Open(String::new()));
    let options = CallOptions { timeout_ms: Some(1_000), ..CallOptions::default() };
    let call = net.request("resources/subscribe", Some(&json!({"uri": "a:1"})), options, "a:1");
    net.run_for(2_000);
    assert!(net.error(call).message.contains("did not acknowledge"), "{}", net.error(call).message);
}
