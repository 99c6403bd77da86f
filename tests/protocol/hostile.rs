//! Servers that send too much, quote what is secret, ask for what was not offered, or say something that only looks like
//! what it is taken for.

mod exactness;
mod lifecycle;
mod secrets;

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
