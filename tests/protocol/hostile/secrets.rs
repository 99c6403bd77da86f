//! What is secret, and quoted by a server.

use super::*;

const SECRET: &str = "sk-THE-SECRET-0123456789";

fn told(net: &Net, call: mcp_evergreen::protocol::CallId) -> String {
    let error = net.error(call);
    format!("{} {:?} {:?}", error.message, error.data, error.excerpt)
}

#[test]
fn a_key_in_the_address_that_a_server_quotes_is_told_nowhere() {
    for (url, words, is_hidden) in [
        ("https://a.example/mcp?api_key=my%20key7", "my%20key7", true),
        ("https://a.example/mcp?api_key=my%20key7", "my key7", true),
        ("https://a.example/mcp?x&t=0123456789abcdef0123", "0123456789abcdef0123", true),
        ("https://a.example/s/0123456789abcdef0123/mcp", "0123456789abcdef0123", true),
        ("https://a.example/s/streamable-http-endpoint/mcp?region=eu-west-1", "streamable-http-endpoint", false),
        ("https://a.example/s/streamable-http-endpoint/mcp?region=eu-west-1", "eu-west-1", false),
    ] {
        let mut net = Net::new(quiet());
        net.session = net.session.at(url);
        net.connect();
        net.run();
        net.reply("call", Reply::own_error(200, -1, &format!("not found: {words}!")));
        let call = net.call("a");
        net.run();
        let told = net.results[&call].as_ref().expect_err("refused").message.clone();
        assert_eq!(told.contains(words), !is_hidden, "{told}");
    }
}

#[test]
fn credentials_are_told_nowhere_as_long_as_their_request_is_open() {
    let mut net = Net::new(Config { identified: true, ..quiet() });
    net.host_adds(&[("authorization", "Bearer secret-number-0")]);
    net.connect();
    net.run();
    // The first call is answered last, after so many others.
    for at in 0..40 {
        net.host_adds(&[("authorization", &format!("Bearer secret-number-{at}"))]);
        net.reply("call", Reply::Silence);
        let headers = vec![("x-api-key".to_owned(), format!("own-secret-{at}"))];
        net.call_with(&format!("tool-{at}"), CallOptions { headers, ..CallOptions::default() });
        net.run();
    }
    let call = *net.results.keys().next().expect("connected");
    let first = mcp_evergreen::protocol::CallId(call.0);
    for at in 0..40 {
        let body = json!({"error": format!("no: secret-number-{at}, own-secret-{at}!")});
        net.answer_late(&format!("tool-{at}"), Reply::json(403, &body));
        net.run();
    }
    let told: Vec<_> =
        net.results.iter().filter(|(id, _)| **id != first).map(|(_, result)| format!("{result:?}")).collect();
    assert_eq!(told.len(), 40);
    for told in told {
        assert!(
            !told.contains("secret-number") && !told.contains("own-secret") && told.contains("[credentials]"),
            "{told}"
        );
    }
}

#[test]
fn a_code_that_is_no_integer_is_none() {
    for (code, expected) in [
        (json!(-32_000), -32_000),
        (json!("-32000"), -32_000),
        (json!(-32_000.0), -32_000),
        (json!(1e300), 0),
        (json!("1e300"), 0),
        (json!(-1.5), 0),
        (json!("__proto__"), 0),
        (json!({"a": 1}), 0),
        (Value::Null, 0),
    ] {
        let mut net = Net::new(quiet());
        net.connect();
        net.run();
        let body = json!({"jsonrpc": "2.0", "id": OWN_ID, "error": {"code": code, "message": "no"}});
        net.reply("call", Reply::json(200, &body));
        let call = net.call("a");
        net.run();
        assert_eq!(net.results[&call].as_ref().expect_err("refused").rpc_code, Some(expected), "{code}");
    }
}

#[test]
fn a_session_id_longer_than_any_server_s_is_refused_in_words_and_a_long_one_costs_no_time() {
    let made = |id: String| {
        let head = mcp_evergreen::protocol::http::Head { session_id: Some(id), ..Default::default() };
        let result = json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}});
        let body = json!({"jsonrpc": "2.0", "id": crate::net::OWN_ID, "result": result});
        Reply::With(200, "application/json", body.to_string(), head)
    };
    let mut net = Net::new(quiet());
    net.reply("initialize", made("a".repeat(8193)));
    let connect = net.connect();
    net.run();
    let error = net.error(connect);
    assert_eq!((error.code, error.outcome.as_str()), (Code::TooLarge, "not_executed"));
    assert!(error.message.contains("longer than 8192 bytes"), "{}", error.message);
    let mut net = Net::new(quiet());
    // The worst of all: whatever a text ends with, the id nearly begins with.
    net.reply("initialize", made(format!("{}b", "a".repeat(8191))));
    net.connect();
    net.run();
    for _ in 0..20 {
        net.reply("call", Reply::text(422, &"a".repeat(60_000)));
        net.call("a");
        net.run();
    }
}

#[test]
fn credentials_that_a_server_quotes_are_told_nowhere() {
    let basic = "Basic YW5uOmh1bnRlcjIyMg==";
    for (fields, words) in [
        (vec![("authorization", format!("Bearer {SECRET}"))], SECRET.to_owned()),
        (vec![("authorization", SECRET.to_owned())], SECRET.to_owned()),
        (vec![("authorization", basic.to_owned())], "YW5uOmh1bnRlcjIyMg==".to_owned()),
        (vec![("authorization", basic.to_owned())], "hunter222".to_owned()),
        (vec![("x-api-key", SECRET.to_owned())], SECRET.to_owned()),
        (vec![("cookie", format!("a=b; sid={SECRET}"))], SECRET.to_owned()),
        // In an address, and in the JSON of a server that escapes slashes.
        (vec![("x-api-key", "aB3/xY7+zQ==".to_owned())], "aB3%2FxY7%2BzQ%3D%3D".to_owned()),
        (vec![("x-api-key", "aB3/xY7+zQ==".to_owned())], "aB3%2fxY7%2bzQ%3d%3d".to_owned()),
        (vec![("x-api-key", "aB3/xY7+zQ==".to_owned())], "aB3\\/xY7+zQ==".to_owned()),
    ] {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        for body in [
            json!({"message": format!("no: {words}")}),
            json!({"message": format!("{}{words}", "x".repeat(190))}),
            json!({"message": words.repeat(100)}),
            json!({"message": "no", "data": {"deep": [{"token": format!("<{words}>")}]}}),
            json!({"message": "no", "data": {words.clone(): 1}}),
        ] {
            let mut net = Net::new(quiet());
            net.host_adds(&fields);
            net.connect();
            net.run();
            let mut error = body.clone();
            error["code"] = json!(-1);
            net.reply("call", Reply::json(403, &json!({"jsonrpc": "2.0", "id": 0, "error": error})));
            let call = net.call("a");
            net.run();
            let told = told(&net, call);
            for part in [words.as_str(), &words[..words.len() - 1], &words[..8]] {
                assert!(!told.contains(part), "{fields:?} {body}: {told}");
            }
            assert!(told.contains("[creden") || body["message"] == "no" && told.contains("None"), "{body}: {told}");
        }
        // Without JSON-RPC, too.
        let mut net = Net::new(quiet());
        net.host_adds(&fields);
        net.connect();
        net.run();
        net.reply("call", Reply::text(403, &format!("no: {words}")));
        let call = net.call("a");
        net.run();
        assert!(told(&net, call).contains("no: [credentials]"), "{}", told(&net, call));
    }
}

#[test]
fn a_token_and_the_fields_of_one_call_are_told_nowhere_either() {
    let mut net = Net::connected_with(quiet());
    net.session.handle_token(Some(SECRET), false);
    let reply = || Reply::text(403, &format!("{SECRET} of-this-call-alone"));
    net.reply("call", reply());
    let headers = vec![("authorization".to_owned(), "DPoP of-this-call-alone".to_owned())];
    let call = net.call_with("a", CallOptions { headers, ..CallOptions::default() });
    net.run();
    assert!(told(&net, call).contains("[credentials] [credentials]"), "{}", told(&net, call));
}

#[test]
fn a_session_id_in_the_data_of_an_error_is_told_nowhere() {
    let mut net = Net::connected_with(quiet());
    let head = Head { session_id: Some("session-0123456789".to_owned()), ..Head::default() };
    let body = |data: Value| json!({"jsonrpc": "2.0", "id": 0, "error": {"code": -1, "message": "no", "data": data}});
    for (data, left) in [
        (json!(["session-0123456789"]), Some(json!(["[session id]"]))),
        (json!({"n": 1}), Some(json!({"n": 1}))),
        (json!("x".repeat(2 << 20)), None),
    ] {
        net.reply("call", Reply::With(403, "application/json", body(data).to_string(), head.clone()));
        let call = net.call("a");
        net.run();
        // A refusal is judged by its first 64 KiB.
        assert_eq!(net.error(call).data, left);
    }
}

#[test]
fn a_text_is_cut_before_it_is_searched() {
    let mut net = Net::new(quiet());
    let head = Head { session_id: Some("x".to_owned()), ..Head::default() };
    let result = json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}});
    net.reply("initialize", Reply::Silence);
    net.connect();
    net.run();
    let sent = net.sent.last().expect("sent").clone();
    let body = json!({"jsonrpc": "2.0", "id": sent.body["id"], "result": result});
    net.session.handle_input(
        sent.exchange,
        Input::Head(Head { status: 200, content_type: Some("application/json".to_owned()), ..head }),
        net.now,
    );
    net.session.handle_input(sent.exchange, Input::Message(body), net.now);
    net.live.insert("x".to_owned());
    net.run();
    net.reply("call", Reply::Silence);
    let call = net.call("a");
    net.run();
    let sent = net.sent.last().expect("sent").clone();
    let error = json!({"code": -1, "message": "x".repeat(60 << 20)});
    net.answer_to(sent.exchange, &json!({"jsonrpc": "2.0", "id": sent.body["id"], "error": error}));
    net.run();
    assert_eq!(net.error(call).message.chars().count(), 200);
}
