//! Servers that send too much, quote what is secret, ask for what was not offered, or say something that only looks like
//! what it is taken for.

use crate::net::{Net, OWN_ID, Reply, event};
use mcp_evergreen::protocol::config::{EraChoice, Handshake, Listen};
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::http::Head;
use mcp_evergreen::protocol::{CallOptions, Code, Config, ExchangeId, Input, Outcome};
use serde_json::{Value, json};

fn quiet() -> Config {
    Config { listen: Listen::Never, ..Config::default() }
}

fn modern(config: Config) -> Net {
    let mut net = Net::in_era(EraChoice::Modern, config);
    net.eras = &[Era::Modern];
    net.connect();
    net.run();
    net
}

fn declaring(capabilities: &str) -> Config {
    let handshake = Handshake::Own { client_info: "{}".to_owned(), capabilities: capabilities.to_owned() };
    Config { handshake, ..quiet() }
}

fn data(message: &Value) -> String {
    format!("data: {message}\n\n")
}

fn request(id: &Value, method: &str, params: &Value) -> String {
    data(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
}

/// The answers that the server got, as `[id, result or error code]`.
fn answers(net: &Net) -> Vec<(Value, Value)> {
    let answers = net.sent.iter().filter(|sent| sent.body.get("method").is_none() && !sent.body.is_null());
    let what = |body: &Value| body.get("result").cloned().unwrap_or_else(|| body["error"]["code"].clone());
    answers.map(|sent| (sent.body["id"].clone(), what(&sent.body))).collect()
}

// Bounds

#[test]
fn a_list_with_more_items_than_are_read_is_too_large_and_ends_nothing_else() {
    for (method, list) in [
        ("tools/list", "tools"),
        ("prompts/list", "prompts"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
    ] {
        let mut net = Net::connected_with(quiet());
        let name = if method == "tools/list" { "list" } else { method };
        net.answer_next(name, &json!({list: vec![0; (1 << 17) + 1]}));
        let call = net.request(method, None, CallOptions::default(), "list");
        net.run();
        assert_eq!((net.error(call).code, net.error(call).outcome), (Code::TooLarge, Outcome::Executed), "{method}");
        net.answer_next(name, &json!({list: vec![0; 1 << 17]}));
        net.request(method, None, CallOptions::default(), "list");
        assert_eq!(net.run(), [format!("{name}→200"), "list ok".to_owned()]);
    }
}

#[test]
fn a_batch_with_more_messages_than_are_read_is_too_large() {
    for stream in [false, true] {
        for (count, ok) in [(1 << 10, true), ((1 << 10) + 1, false)] {
            let mut net = Net::connected_with(quiet());
            net.reply("call", Reply::Silence);
            let call = net.call("a");
            net.run();
            let sent = net.sent.last().expect("sent").clone();
            let mut batch = vec![json!({"jsonrpc": "2.0", "method": "notifications/x"}); count - 1];
            batch.push(json!({"jsonrpc": "2.0", "id": sent.body["id"], "result": {}}));
            let kind = if stream { "text/event-stream" } else { "application/json" };
            let head = Head { status: 200, content_type: Some(kind.to_owned()), ..Head::default() };
            net.session.handle_input(sent.exchange, Input::Head(head), net.now);
            net.flush();
            if stream {
                net.events(sent.exchange, &data(&Value::Array(batch)));
            } else {
                net.session.handle_input(sent.exchange, Input::Message(Value::Array(batch)), net.now);
            }
            net.flush();
            match net.results.get(&call) {
                Some(Ok(_)) => assert!(ok),
                Some(Err(error)) => assert!(!ok && error.code == Code::TooLarge, "{error:?}"),
                None => panic!("open"),
            }
        }
    }
}

#[test]
fn answers_to_the_server_are_under_way_a_few_at_a_time_and_a_flood_is_cut() {
    let mut net = Net::connected_with(quiet());
    let pings: String = (0..3_000).map(|id| request(&json!(id), "ping", &json!({}))).collect();
    (0..3_000).for_each(|_| net.reply("answer", Reply::Silence));
    net.reply("call", Reply::Open(pings));
    net.call("a");
    net.run();
    assert_eq!(answers(&net).len(), 4, "at a time");
    assert_eq!(net.warnings(), ["flood"], "said once");
    // Each is given up after a while, and the next one goes out.
    net.run_for(31_000 * 100);
    assert_eq!(answers(&net).len(), 4 + 256);
    let ids: Vec<u64> = answers(&net).iter().filter_map(|(id, _)| id.as_u64()).collect();
    assert!(ids.is_sorted(), "in the order of the questions");
}

#[test]
fn calls_go_out_beside_a_flood() {
    let mut net = Net::connected_with(quiet());
    let pings: String = (0..500).map(|id| request(&json!(id), "ping", &json!({}))).collect();
    (0..500).for_each(|_| net.reply("answer", Reply::Silence));
    net.reply("call", Reply::Open(pings));
    net.call("a");
    net.run();
    net.call("b");
    assert_eq!(net.run(), ["call→200", "b ok"]);
}

#[test]
fn no_more_questions_are_open_than_a_host_can_mean() {
    let mut net = Net::connected_with(declaring(r#"{"roots":{}}"#));
    net.session.set_handled("roots/list".to_owned());
    let asked: String = (0..70).map(|id| request(&json!(id), "roots/list", &json!({}))).collect();
    net.reply("call", Reply::Open(asked));
    net.call("a");
    net.run();
    assert_eq!(net.questions.len(), 64);
    assert_eq!(answers(&net).iter().filter(|(_, what)| *what == -32603).count(), 6);
}

#[test]
fn handlers_of_questions_that_were_taken_back_count_until_they_have_ended() {
    let mut net = Net::connected_with(declaring(r#"{"roots":{}}"#));
    net.session.set_handled("roots/list".to_owned());
    let cancelled = |id| json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
    let asked: String = (0..200)
        .map(|id| format!("{}data: {}\n\n", request(&json!(id), "roots/list", &json!({})), cancelled(id)))
        .collect();
    net.reply("call", Reply::Open(asked));
    net.call("a");
    net.run();
    assert_eq!(net.questions.len(), 64, "handlers that run");
    for _ in 0..3 {
        let (question, _) = net.questions.remove(0);
        net.session.answer(question, Ok("{}".to_owned()), net.now);
    }
    net.run();
    assert_eq!(answers(&net).iter().filter(|(_, what)| what.is_object()).count(), 0, "nobody waits for these");
    let more: String = (300..310).map(|id| request(&json!(id), "roots/list", &json!({}))).collect();
    net.reply("call", Reply::Open(more));
    net.call("b");
    net.run();
    assert_eq!(net.questions.len(), 61 + 3);
}

#[test]
fn a_call_that_asks_for_too_much_at_once_fails() {
    for (count, ok) in [(64, true), (65, false)] {
        let mut net = modern(declaring(r#"{"roots":{}}"#));
        net.session.set_handled("roots/list".to_owned());
        let inputs: Value = (0..count)
            .map(|at| (format!("k{at}"), json!({"method": "roots/list"})))
            .collect::<serde_json::Map<_, _>>()
            .into();
        net.answer_next("call", &json!({"resultType": "input_required", "inputRequests": inputs}));
        let call = net.call("a");
        net.run();
        assert_eq!(net.questions.len(), if ok { count } else { 0 });
        assert_eq!(net.results.contains_key(&call), !ok);
        if !ok {
            assert_eq!(net.error(call).code, Code::TooLarge);
        }
    }
}

#[test]
fn of_many_versions_only_the_first_are_read() {
    let mut net = Net::in_era(EraChoice::Auto, quiet());
    let versions: Vec<String> = (0..1_000_000).map(|at| at.to_string()).collect();
    net.eras = &[Era::Modern];
    net.answer_next("discover", &json!({"supportedVersions": versions, "capabilities": {}}));
    let call = net.connect();
    net.run_for(120_000);
    assert_eq!(net.error(call).code, Code::UnsupportedVersion);
    assert!(net.error(call).message.len() < 400);
}

#[test]
fn many_tools_are_learned_in_no_more_than_their_number_of_steps() {
    // Sorted by insertion, this took minutes.
    let name = |at: u32| format!("{:08x}", at.wrapping_mul(0x9e37_79b9));
    let tools: Vec<Value> =
        (0..100_000).map(|at| json!({"name": name(at), "annotations": {"readOnlyHint": true}})).collect();
    let mut net = Net::connected_with(Config { trust_annotations: true, ..quiet() });
    for _ in 0..2 {
        net.answer_next("list", &json!({"tools": tools}));
        net.request("tools/list", None, CallOptions::default(), "list");
        net.run();
    }
    net.reply("call", Reply::Break);
    net.answer_next("list", &json!({"tools": tools}));
    let tool = name(99_999);
    net.call(&tool);
    assert!(net.run_for(5_000).contains(&format!("{tool} ok")), "it is known as one that may be repeated");
}

#[test]
fn a_tool_that_a_whole_list_does_not_name_any_more_is_forgotten() {
    let mut net = Net::connected_with(Config { trust_annotations: true, ..quiet() });
    let safe = |name: &str| json!({"name": name, "annotations": {"readOnlyHint": true}});
    // Before it is repeated, the list is read again, as far as the tool: as it was, each time.
    let repeats = |net: &mut Net, tool: &str, pages: &[Value]| {
        net.reply("call", Reply::Break);
        net.call(tool);
        pages.iter().for_each(|page| net.answer_next("list", page));
        net.run_for(5_000).contains(&format!("{tool} ok"))
    };
    let list = |net: &mut Net, cursor: Option<&str>, page: &Value| {
        net.answer_next("list", page);
        let params = cursor.map(|cursor| json!({"cursor": cursor}));
        net.request("tools/list", params.as_ref(), CallOptions::default(), "list");
        net.run();
    };
    list(&mut net, None, &json!({"tools": [safe("a")], "nextCursor": "2"}));
    list(&mut net, Some("2"), &json!({"tools": [safe("b")]}));
    let (first, second) = (json!({"tools": [safe("a")], "nextCursor": "2"}), json!({"tools": [safe("b")]}));
    assert!(repeats(&mut net, "a", std::slice::from_ref(&first)) && repeats(&mut net, "b", &[first, second.clone()]));
    // Only the first page: what stands on the second is not known to be gone.
    list(&mut net, None, &json!({"tools": [{"name": "a"}], "nextCursor": "2"}));
    let first = json!({"tools": [{"name": "a"}], "nextCursor": "2"});
    assert!(!repeats(&mut net, "a", &[]) && repeats(&mut net, "b", &[first, second]));
    list(&mut net, None, &json!({"tools": [safe("c")]}));
    assert!(!repeats(&mut net, "b", &[]) && repeats(&mut net, "c", &[json!({"tools": [safe("c")]})]));
}

// Secrets

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

// What a server may ask of the host

#[test]
fn tools_in_sampling_that_were_not_declared_are_refused() {
    for (declared, params, asked) in [
        (r#"{"sampling":{}}"#, json!({"messages": []}), true),
        (r#"{"sampling":{}}"#, json!({"tools": []}), false),
        (r#"{"sampling":{}}"#, json!({"toolChoice": {"mode": "required"}}), false),
        (r#"{"sampling":{"context":{}}}"#, json!({"tools": [{"name": "rm"}]}), false),
        (r#"{"sampling":{"tools":{}}}"#, json!({"tools": [{"name": "rm"}], "toolChoice": {}}), true),
    ] {
        let mut net = Net::connected_with(declaring(declared));
        net.session.set_handled("sampling/createMessage".to_owned());
        net.reply("call", Reply::Open(request(&json!(7), "sampling/createMessage", &params)));
        net.call("a");
        net.run();
        assert_eq!(net.questions.len(), usize::from(asked), "{declared} {params}");
        assert_eq!(answers(&net), if asked { vec![] } else { vec![(json!(7), json!(-32602))] });
        // In the modern era nobody is asked, and the call fails.
        let mut net = modern(declaring(declared));
        net.session.set_handled("sampling/createMessage".to_owned());
        let inputs = json!({"k": {"method": "sampling/createMessage", "params": params}});
        net.answer_next("call", &json!({"resultType": "input_required", "inputRequests": inputs}));
        let call = net.call("a");
        net.run();
        assert_eq!(net.questions.len(), usize::from(asked), "{declared} {params}");
        assert_eq!(net.results.contains_key(&call), !asked);
    }
}

#[test]
fn the_user_is_sent_to_no_address_that_is_not_safe() {
    let urls = [
        ("https://a.example/x", true),
        ("http://localhost:1/x", true),
        ("http://a.example/", false),
        ("javascript:alert(1)", false),
        ("data:text/html,x", false),
        ("file:///etc/passwd", false),
    ];
    for (url, safe) in urls {
        let mut net = Net::connected_with(declaring(r#"{"elicitation":{"url":{}}}"#));
        net.session.set_handled("elicitation/create".to_owned());
        let params = json!({"mode": "url", "url": url, "elicitationId": "e", "message": "m"});
        net.reply("call", Reply::Open(request(&json!("q"), "elicitation/create", &params)));
        net.call("a");
        net.run();
        assert_eq!(net.questions.len(), usize::from(safe), "{url}");
        assert_eq!(answers(&net), if safe { vec![] } else { vec![(json!("q"), json!(-32602))] }, "{url}");
        // As what a call needs first.
        let elicitations = json!([{"mode": "url", "url": url, "elicitationId": "e"}]);
        let mut net = Net::connected_with(quiet());
        net.reply("call", Reply::Silence);
        let call = net.call("a");
        net.run();
        let sent = net.sent.last().expect("sent").clone();
        let error = json!({"code": -32042, "message": "first", "data": {"elicitations": elicitations}});
        net.answer_to(sent.exchange, &json!({"jsonrpc": "2.0", "id": sent.body["id"], "error": error}));
        net.run();
        let left = net.error(call).data.as_ref().expect("data")["elicitations"].as_array().expect("a list").len();
        assert_eq!(left, usize::from(safe), "{url}");
    }
}

#[test]
fn why_a_host_gives_up_is_not_told() {
    // As the driver does it: `cancel` has no reason to tell.
    let mut net = Net::connected_with(quiet());
    net.reply("call", Reply::Silence);
    let call = net.call("a");
    net.run();
    net.session.cancel(call, None, net.now);
    net.run();
    let cancelled = net.sent.last().expect("sent");
    assert_eq!(
        cancelled.body["params"].as_object().map(|params| params.keys().collect::<Vec<_>>()),
        Some(vec![&"requestId".to_owned()])
    );
}

// Exactness

#[test]
fn ids_of_the_server_go_back_as_they_came() {
    let ids = [
        json!(0),
        json!(-7),
        json!("0"),
        json!(""),
        json!(1.5),
        json!("\u{fffd}"),
        json!("ä\"\\\n"),
        json!("x".repeat(1_000)),
    ];
    let mut net = Net::connected_with(quiet());
    let asked: String = ids.iter().map(|id| request(id, "ping", &json!({}))).collect();
    net.reply("call", Reply::Open(asked));
    net.call("a");
    net.run();
    assert_eq!(answers(&net).into_iter().map(|(id, _)| id).collect::<Vec<_>>(), ids);
}

#[test]
fn a_request_whose_id_cannot_be_given_back_is_left_out() {
    let mut net = Net::connected_with(declaring(r#"{"roots":{}}"#));
    net.session.set_handled("roots/list".to_owned());
    let ids = [json!(9_007_199_254_740_993_u64), json!(true), json!({"a": 1}), json!([1]), json!("x".repeat(1 << 17))];
    let asked: String = ids.iter().map(|id| request(id, "roots/list", &json!({}))).collect();
    net.reply("call", Reply::Open(asked));
    net.call("a");
    net.run();
    assert_eq!((net.questions.len(), answers(&net)), (0, vec![]));
    assert!(
        !net.events.iter().any(|event| matches!(event, mcp_evergreen::protocol::status::Event::Notification { .. }))
    );
}

#[test]
fn a_question_is_taken_back_by_its_own_id_alone() {
    let mut net = Net::connected_with(declaring(r#"{"roots":{}}"#));
    net.session.set_handled("roots/list".to_owned());
    let cancelled = |id: Value| event("notifications/cancelled", &json!({"requestId": id}));
    let stream = request(&json!(1), "roots/list", &json!({})) + &cancelled(json!("1")) + &cancelled(json!(1.5));
    net.reply("call", Reply::Open(stream));
    net.call("a");
    let log = net.run();
    assert!(!log.contains(&"question withdrawn".to_owned()), "{log:?}");
    let call = net.sent.iter().find(|sent| sent.name() == "call").expect("sent").exchange;
    net.events(call, &cancelled(json!(1)));
    assert_eq!(net.run(), ["question withdrawn"]);
}

#[test]
fn a_notification_of_another_subscription_is_not_heard() {
    let mut net = modern(Config::default());
    net.capabilities = json!({"tools": {"listChanged": true}});
    let mut net = {
        net.session.set_listening(true, net.now);
        net.run();
        let mut other = Net::in_era(EraChoice::Modern, Config::default());
        other.eras = &[Era::Modern];
        other.capabilities = json!({"tools": {"listChanged": true}});
        other.connect();
        other.session.set_listening(true, other.now);
        other.run();
        other
    };
    let stream = net.sent.iter().rev().find(|sent| sent.name() == "listen").expect("sent").clone();
    let own = stream.body["id"].clone();
    let heard = |net: &mut Net, id: &Value| {
        let before = net.events.len();
        let meta = json!({"io.modelcontextprotocol/subscriptionId": id});
        net.events(stream.exchange, &event("notifications/tools/list_changed", &json!({"_meta": meta})));
        net.events.len() > before
    };
    assert!(heard(&mut net, &own));
    for other in [json!(own.to_string()), json!(7), json!(null), json!([own])] {
        assert!(!heard(&mut net, &other), "{other}");
    }
}

#[test]
fn an_event_id_goes_back_byte_by_byte() {
    for (id, sent) in [
        ("событие-1", Some("событие-1".bytes().map(char::from).collect::<String>())),
        ("é", Some("\u{c3}\u{a9}".to_owned())),
        ("plain id", Some("plain id".to_owned())),
        // HTTP does not carry these: the stream cannot be taken up again.
        ("a\u{1}b", None),
        ("a\u{7f}", None),
        (&"x".repeat(5_000), None),
    ] {
        let mut net = Net::connected_with(quiet());
        net.reply("call", Reply::Stream(format!("id: {id}\ndata:\n\n")));
        net.call("a");
        net.run_for(1_000);
        let get = net.sent.iter().find(|sent| sent.name() == "GET");
        assert_eq!(get.and_then(|get| get.header("last-event-id")), sent.as_deref(), "{id}");
    }
}

#[test]
fn an_argument_that_is_called_task_asks_for_none() {
    let mut net = Net::new(quiet());
    net.capabilities = json!({"tools": {}, "tasks": {"requests": {"tools": {"call": {}}}}});
    net.connect();
    net.run();
    net.answer_next("list", &json!({"tools": [{"name": "run", "execution": {"taskSupport": "required"}}]}));
    net.request("tools/list", None, CallOptions::default(), "list");
    net.run();
    for arguments in [json!({"job": 1}), json!({"task": 1}), json!({"x": "\"task\""})] {
        net.request("tools/call", Some(&json!({"name": "run", "arguments": arguments})), CallOptions::default(), "run");
        net.run();
        assert!(net.sent.last().expect("sent").body["params"]["task"].is_object(), "{arguments}");
    }
    net.request("tools/call", Some(&json!({"name": "run", "task": {"ttl": 1}})), CallOptions::default(), "run");
    net.run();
    assert_eq!(net.sent.last().expect("sent").body["params"]["task"], json!({"ttl": 1}));
}

#[test]
fn a_result_with_a_task_in_it_that_nobody_asked_for_is_a_result() {
    for capabilities in [json!({"tools": {}}), json!({"tools": {}, "tasks": {"requests": {"tools": {"call": {}}}}})] {
        let mut net = Net::new(quiet());
        net.capabilities = capabilities;
        net.connect();
        net.run();
        net.answer_next("call", &json!({"content": [], "task": {"taskId": "17", "title": "a to-do"}}));
        let call = net.call("create_todo");
        assert_eq!(net.run(), ["call→200", "create_todo ok"]);
        assert_eq!(net.results[&call].as_ref().expect("a result")["task"]["taskId"], "17");
    }
}

#[test]
fn a_request_about_a_task_names_it_in_its_header() {
    let mut net = modern(quiet());
    for method in ["tasks/get", "tasks/cancel"] {
        net.request(method, Some(&json!({"taskId": "t1", "name": "other"})), CallOptions::default(), "task");
        net.run();
        assert_eq!(net.sent.last().expect("sent").header("mcp-name"), Some("t1"), "{method}");
    }
    net.request("resources/read", Some(&json!({"uri": "u", "name": "other"})), CallOptions::default(), "read");
    net.run();
    assert_eq!(net.sent.last().expect("sent").header("mcp-name"), Some("u"));
}

#[test]
fn what_a_later_round_gives_takes_the_place_of_what_the_caller_gave() {
    let mut net = modern(declaring(r#"{"roots":{}}"#));
    net.session.set_handled("roots/list".to_owned());
    net.answer_next("call", &json!({"resultType": "input_required", "inputRequests": {"b": {"method": "roots/list"}}}));
    let params = json!({"name": "x", "inputResponses": {"a": {}}, "requestState": "S1"});
    net.request("tools/call", Some(&params), CallOptions::default(), "x");
    net.run();
    assert_eq!(net.sent.last().expect("sent").body["params"]["requestState"], "S1");
    let (question, _) = net.questions[0].clone();
    net.session.answer(question, Ok(r#"{"roots":[]}"#.to_owned()), net.now);
    net.run();
    let text = net.sent.last().expect("sent").request.body.clone().expect("a body");
    assert_eq!((text.matches("inputResponses").count(), text.contains("S1")), (1, false), "{text}");
    assert!(text.contains(r#""inputResponses":{"b":{"roots":[]}}"#), "{text}");
}

#[test]
fn no_member_stands_twice() {
    let mut net = Net::connected_with(quiet());
    let params = mcp_evergreen::protocol::Params {
        text: Some(r#"{"name":"a"}"#.to_owned()),
        meta: Some(r#"{"progressToken":"theirs","a":1}"#.to_owned()),
        ..Default::default()
    };
    let options = CallOptions { progress: true, ..CallOptions::default() };
    net.session.call("tools/call".to_owned(), params, options, net.now);
    net.run();
    let text = net.sent.last().expect("sent").request.body.clone().expect("a body");
    assert_eq!((text.matches("progressToken").count(), text.contains("theirs")), (1, false), "{text}");
}

// A tool that may be another

#[test]
fn a_call_whose_tool_cannot_be_compared_is_not_sent_to_another_server() {
    let tool = json!({"tools": [{"name": "pay", "description": "1 €"}]});
    let endless = json!({"tools": [{"name": "pay", "description": "1 €"}], "nextCursor": "again"});
    for (replies, times) in [
        (vec![Reply::json(500, &json!({"error": "no"})); 4], 1),
        (vec![Reply::Silence], 1),
        (vec![Reply::Break; 4], 1),
        (vec![Reply::error(200, -32603, "no")], 1),
        (vec![], 64),
    ] {
        let mut net = Net::connected_with(quiet());
        net.answer_next("list", &tool);
        net.request("tools/list", None, CallOptions::default(), "list");
        net.run();
        net.restart();
        replies.iter().for_each(|reply| net.reply("list", reply.clone()));
        (0..times).for_each(|_| net.answer_next("list", &endless));
        let call = net.call("pay");
        net.run_for(30_000);
        assert_eq!(net.error(call).code, Code::SessionLost, "{replies:?}");
        assert!(net.error(call).message.contains("could not be compared"), "{}", net.error(call).message);
        assert_eq!(net.executions.get("pay"), None);
    }
}

// Lifecycle

/// The head of the answer to `initialize` has come, with a session's id, and its stream is open.
fn head_of_initialize() -> (Net, ExchangeId) {
    let mut net = Net::new(quiet());
    net.reply("initialize", Reply::Silence);
    net.connect();
    net.run();
    let exchange = net.sent.last().expect("sent").exchange;
    let head = Head {
        status: 200,
        content_type: Some("text/event-stream".to_owned()),
        session_id: Some("s-of-the-head".to_owned()),
        ..Head::default()
    };
    net.session.handle_input(exchange, Input::Head(head), net.now);
    net.flush();
    net.live.insert("s-of-the-head".to_owned());
    (net, exchange)
}

#[test]
fn a_ping_on_the_stream_of_initialize_is_answered() {
    let (mut net, exchange) = head_of_initialize();
    net.events(exchange, &(request(&json!("p"), "ping", &json!({})) + &request(&json!(2), "roots/list", &json!({}))));
    assert_eq!(net.run(), ["answer→202", "answer→202"]);
    assert_eq!(answers(&net), [(json!("p"), json!({})), (json!(2), json!(-32601))]);
    assert!(
        net.sent
            .iter()
            .filter(|sent| sent.name() == "answer")
            .all(|sent| sent.session.as_deref() == Some("s-of-the-head"))
    );
}

#[test]
fn the_stream_of_initialize_which_stays_open_says_nothing_after_close() {
    let (mut net, exchange) = head_of_initialize();
    let id = net.sent[0].body["id"].clone();
    let result = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {}});
    net.events(exchange, &format!("data: {}\n\n", json!({"jsonrpc": "2.0", "id": id, "result": result})));
    net.events(exchange, &request(&json!("p"), "ping", &json!({})));
    assert_eq!(net.run(), ["initialized→202", "connect ok", "answer→202"]);
    net.session.close(false, net.now);
    assert_eq!(net.run(), ["initialize aborted", "? ok"]);
    net.events(exchange, &request(&json!("q"), "ping", &json!({})));
    assert_eq!(net.run(), [""; 0]);
    assert_eq!(net.session.poll_timeout(), None);
}

#[test]
fn a_session_that_is_made_while_it_is_closed_is_ended() {
    let mut net = Net::new(quiet());
    net.connect();
    net.flush();
    net.session.close(true, net.now);
    assert_eq!(
        net.run(),
        ["connect closed not_executed", "? ok", "initialize→200 s1", "initialize aborted", "DELETE→200"]
    );
    assert!(net.live.is_empty());
    assert_eq!(net.session.poll_timeout(), None);
}

#[test]
fn a_task_that_waits_for_input_which_nobody_can_give_is_ended() {
    for handled in [false, true] {
        let mut net = modern(declaring(r#"{"roots":{}}"#));
        if handled {
            net.session.set_handled("roots/list".to_owned());
        }
        net.answer_next(
            "call",
            &json!({"resultType": "task", "taskId": "t", "status": "working", "pollIntervalMs": 100}),
        );
        let inputs = json!({"k": {"method": "roots/list"}});
        net.answer_next(
            "tasks/get",
            &json!({"resultType": "complete", "taskId": "t", "status": "input_required", "inputRequests": inputs}),
        );
        let call = net.call("a");
        net.run_for(1_000);
        if let Some((question, _)) = net.questions.first().cloned() {
            net.session.answer(question, Err((-1, "no".to_owned())), net.now);
            net.run();
        }
        assert_eq!(net.error(call).code, Code::Input);
        let last = net.sent.last().expect("sent");
        assert_eq!((last.name().as_str(), &last.body["params"]["taskId"]), ("tasks/cancel", &json!("t")), "{handled}");
    }
}

#[test]
fn what_has_settled_waits_nowhere() {
    let mut net = Net::connected_with(quiet());
    net.restart();
    (0..9).for_each(|_| net.reply("initialize", Reply::Break));
    for round in 0..50 {
        let call = net.call_with("a", CallOptions { timeout_ms: Some(10), ..CallOptions::default() });
        net.run_for(20);
        assert!(net.results.contains_key(&call), "{round}");
    }
    // None of the fifty is tried once there is a session again.
    net.run_for(120_000);
    assert_eq!(net.executions.get("a"), None);
}

#[test]
fn a_handshake_nested_as_deep_as_may_be_is_kept_and_taken_up() {
    let mut deep = json!({});
    for _ in 0..100 {
        deep = json!({"a": deep});
    }
    let mut net = Net::new(Config { persists: true, ..quiet() });
    net.capabilities = json!({"tools": {}, "experimental": deep});
    net.connect();
    net.run();
    let record = net.session.record(net.now).expect("a record");
    let mut next = Net::new(Config { persists: true, ..quiet() });
    next.live.insert("s1".to_owned());
    assert!(next.session.take_up_record(&record, next.now));
    next.connect();
    next.call("a");
    assert_eq!(next.run(), ["connect ok", "call→200", "a ok"]);
    assert_eq!(next.status().handshake, net.status().handshake);
}

#[test]
fn a_session_whose_handshake_has_begun_to_be_answered_is_ended_at_once() {
    let (mut net, exchange) = head_of_initialize();
    net.session.close(true, net.now);
    // What still comes on its stream is not heard.
    net.session.handle_input(
        exchange,
        Input::Event { id: None, retry_ms: None, message: Some(json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})) },
        net.now,
    );
    assert_eq!(net.run(), ["connect closed not_executed", "initialize aborted", "? ok", "DELETE→200"]);
    assert!(net.live.is_empty());
}

#[test]
fn what_is_repeated_for_its_annotations_is_compared_first() {
    let list = |hints: &Value| json!({"tools": [{"name": "read", "annotations": hints}]});
    let (harmless, harmful) = (json!({"readOnlyHint": true}), json!({"readOnlyHint": false, "destructiveHint": true}));
    for (now, repeatable, runs) in [(&harmless, false, 2), (&harmful, false, 1), (&harmful, true, 2)] {
        // The server calls itself the same.
        let mut net = Net::new(Config { trust_annotations: true, ..quiet() });
        net.last_version = 1;
        net.connect();
        net.answer_next("list", &list(&harmless));
        net.request("tools/list", None, CallOptions::default(), "list");
        net.run();
        net.reply("call", Reply::Break);
        let call = net.call_with("read", CallOptions { repeatable, ..CallOptions::default() });
        net.restart();
        net.answer_next("list", &list(now));
        let log = net.run_for(5_000);
        let ran = 1 + net.executions.get("read").copied().unwrap_or_default();
        assert_eq!(ran, runs, "{log:?}");
        match net.results[&call].as_ref() {
            Ok(_) => assert_eq!(runs, 2),
            Err(error) => assert_eq!((error.code, error.outcome, runs), (Code::OutcomeUnknown, Outcome::Unknown, 1)),
        }
    }
}
