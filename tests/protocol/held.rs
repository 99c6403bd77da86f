//! What a session held is put back: subscriptions, log level, the standing stream; and what changed is told.

mod standing_stream;

use crate::net::{Net, OWN_ID, Reply};
use mcp_evergreen::protocol::config::Listen;
use mcp_evergreen::protocol::status::Event;
use mcp_evergreen::protocol::{CallOptions, Config, Input};
use serde_json::{Value, json};

fn subscribe(net: &mut Net, method: &str, uri: &str) {
    net.request(method, Some(&json!({"uri": uri})), CallOptions::default(), method);
}

fn set_level(net: &mut Net, level: &str) {
    net.request("logging/setLevel", Some(&json!({"level": level})), CallOptions::default(), "level");
}

fn never_listens() -> Config {
    Config { listen: Listen::Never, ..Config::default() }
}

/// The answer to the tool list that was asked for last.
fn tools(net: &mut Net, tools: &Value) {
    net.answer_next("list", &json!({"tools": tools}));
}

/// The `recovered` events: what was restored, lost, stale.
fn recovered(net: &Net) -> Vec<(Vec<String>, Vec<String>, Vec<String>)> {
    let told = |event: &Event<Value>| match event {
        Event::Recovered { recovery, stale, .. } => {
            Some((recovery.restored.clone(), recovery.lost.clone(), stale.clone()))
        }
        _ => None,
    };
    net.events.iter().filter_map(told).collect()
}

#[test]
fn subscriptions_and_log_level_are_put_back_beside_the_call() {
    let mut net = Net::connected_with(never_listens());
    subscribe(&mut net, "resources/subscribe", "demo://a");
    subscribe(&mut net, "resources/subscribe", "demo://b");
    subscribe(&mut net, "resources/unsubscribe", "demo://b");
    set_level(&mut net, "debug");
    net.run();
    net.restart();
    net.call("write");
    assert_eq!(
        net.run(),
        [
            "call→404",
            "initialize→200 s2",
            "initialized→202",
            "call→200",
            "write ok",
            "resources/subscribe→200",
            "logging/setLevel→200",
        ]
    );
    let restored = ["subscription demo://a".to_owned(), "log level".to_owned()].to_vec();
    assert_eq!(recovered(&net), [(restored, Vec::new(), vec!["demo://a".to_owned()])]);
    let sent = |method: &str| {
        net.sent.iter().rfind(|sent| sent.body["method"] == method).expect("sent").body["params"].clone()
    };
    assert_eq!(sent("resources/subscribe"), json!({"uri": "demo://a"}));
    assert_eq!(sent("logging/setLevel"), json!({"level": "debug"}));
}

#[test]
fn what_cannot_be_put_back_is_named_and_fails_no_call() {
    let mut net = Net::connected_with(never_listens());
    subscribe(&mut net, "resources/subscribe", "demo://a");
    set_level(&mut net, "debug");
    net.run();
    net.restart();
    net.reply("resources/subscribe", Reply::error(200, -32602, "Unknown resource"));
    net.reply("logging/setLevel", Reply::Silence);
    let call = net.call("write");
    net.run_for(10_100);
    assert!(net.results[&call].is_ok());
    let lost = ["subscription demo://a".to_owned(), "log level".to_owned()].to_vec();
    assert_eq!(recovered(&net), [(Vec::new(), lost, vec!["demo://a".to_owned()])]);
}

/// The server has forgotten the session, which held a log level.
fn restarted_with_level() -> Net {
    let mut net = Net::connected_with(never_listens());
    set_level(&mut net, "debug");
    net.run();
    net.restart();
    net
}

/// A recovery of an app that has a subscription, a log level and a list of tools, in which `method` meets these replies.
fn restored_after(method: &str, replies: impl IntoIterator<Item = Reply>) -> (Net, Vec<String>) {
    let mut net = Net::connected_with(never_listens());
    subscribe(&mut net, "resources/subscribe", "demo://a");
    set_level(&mut net, "debug");
    (0..2).for_each(|_| tools(&mut net, &json!([{"name": "t"}])));
    net.request("tools/list", None, CallOptions::default(), "list");
    net.run();
    net.restart();
    replies.into_iter().for_each(|reply| net.reply(method, reply));
    net.call("write");
    let log = net.run_for(20_000);
    (net, log)
}

/// What is put back, as it goes over the wire.
const RESTORED: [(&str, &str); 3] =
    [("resources/subscribe", "subscription demo://a"), ("logging/setLevel", "log level"), ("list", "tool list")];

#[test]
fn what_is_refused_for_a_moment_is_put_back_a_moment_later() {
    let busy = [
        Reply::text(503, "restarting"),
        Reply::busy(503, "2"),
        Reply::text(429, "slow down"),
        Reply::busy(429, "3"),
        Reply::text(500, "oops"),
        Reply::text(502, ""),
        Reply::text(504, ""),
        Reply::text(408, ""),
        Reply::text(425, ""),
        Reply::Break,
        Reply::Cut("application/json", "{".to_owned()),
    ];
    for (method, name) in RESTORED {
        for refusal in &busy {
            for times in 1..=3 {
                if times > 1 && matches!(refusal, Reply::With(..)) {
                    continue;
                }
                let (net, log) = restored_after(method, vec![refusal.clone(); times]);
                let asked = log.iter().filter(|line| line.starts_with(&format!("{method}→"))).count();
                let [(restored, lost, _)] = &recovered(&net)[..] else { panic!("{:?}", recovered(&net)) };
                assert_eq!((asked, lost.len()), (times + 1, 0), "{method} {refusal:?}: {log:?}");
                assert!(name == "tool list" || restored.contains(&name.to_owned()), "{restored:?}");
                assert_eq!(net.executions["write"], 1);
            }
        }
    }
}

#[test]
fn what_is_refused_again_and_again_or_for_longer_or_for_good_is_told_as_lost() {
    let for_good = [Reply::error(200, -32602, "no"), Reply::own_error(500, -32603, "no"), Reply::busy(503, "60")];
    for (method, name) in RESTORED {
        let cases = for_good.iter().map(|reply| (reply, 1, 1)).chain([(&Reply::Break, 99, 4)]);
        for (reply, times, tried) in cases {
            let (net, log) = restored_after(method, vec![reply.clone(); times]);
            let asked = log.iter().filter(|line| line.starts_with(&format!("{method}→"))).count();
            assert_eq!(asked, tried, "{method} {reply:?}: {log:?}");
            assert_eq!(recovered(&net)[0].1, [name], "{method} {reply:?}");
        }
    }
}

#[test]
fn what_the_app_does_not_want_any_more_is_not_put_back_later() {
    let mut net = Net::connected_with(never_listens());
    subscribe(&mut net, "resources/subscribe", "demo://a");
    set_level(&mut net, "debug");
    net.run();
    net.restart();
    net.reply("resources/subscribe", Reply::text(503, ""));
    net.reply("logging/setLevel", Reply::text(503, ""));
    net.call("write");
    net.run();
    subscribe(&mut net, "resources/unsubscribe", "demo://a");
    set_level(&mut net, "error");
    let log = net.run_for(20_000);
    assert!(!log.iter().any(|line| line.starts_with("resources/subscribe→")), "{log:?}");
    assert_eq!(levels(&net).last(), Some(&"error"));
    // The app has put back the level itself.
    assert_eq!(recovered(&net), [(vec!["log level".to_owned()], Vec::new(), Vec::new())]);
}

#[test]
fn a_session_that_goes_while_something_waits_to_be_put_back_is_restored_whole() {
    let mut net = restarted_with_level();
    net.reply("logging/setLevel", Reply::text(503, ""));
    net.call("a");
    net.run();
    net.restart();
    net.call("b");
    let log = net.run_for(20_000);
    assert_eq!(log.iter().filter(|line| *line == "logging/setLevel→200").count(), 1, "{log:?}");
    let told: Vec<_> = recovered(&net).into_iter().map(|(restored, lost, _)| (restored.len(), lost.len())).collect();
    assert_eq!(told, [(0, 1), (1, 0)]);
}

#[test]
fn what_the_new_session_does_not_offer_is_lost_and_not_asked_for() {
    let mut net = Net::connected_with(never_listens());
    subscribe(&mut net, "resources/subscribe", "demo://a");
    set_level(&mut net, "debug");
    net.run();
    net.restart();
    net.capabilities = json!({"tools": {}, "resources": {}});
    net.call("write");
    assert_eq!(net.run(), ["call→404", "initialize→200 s2", "initialized→202", "call→200", "write ok"]);
    let lost = ["subscription demo://a".to_owned(), "log level".to_owned()].to_vec();
    assert_eq!(recovered(&net), [(Vec::new(), lost, vec!["demo://a".to_owned()])]);
}

#[test]
fn a_subscription_that_the_server_refused_is_not_wanted() {
    let mut net = Net::connected_with(never_listens());
    net.reply("resources/subscribe", Reply::error(200, -32602, "Unknown resource"));
    subscribe(&mut net, "resources/subscribe", "demo://a");
    net.run();
    net.restart();
    net.call("write");
    assert!(!net.run().contains(&"resources/subscribe→200".to_owned()));
}

#[test]
fn what_the_app_wanted_last_counts_even_during_a_recovery() {
    let mut net = Net::connected_with(never_listens());
    subscribe(&mut net, "resources/subscribe", "demo://a");
    net.run();
    net.restart();
    net.reply("initialize", Reply::busy(503, "1"));
    net.call("write");
    net.run();
    subscribe(&mut net, "resources/unsubscribe", "demo://a");
    subscribe(&mut net, "resources/subscribe", "demo://b");
    net.run_for(5_000);
    let under = |uri: &str| {
        let about =
            |sent: &&crate::net::Sent| sent.session.as_deref() == Some("s2") && sent.body["params"]["uri"] == uri;
        net.sent.iter().filter(about).map(crate::net::Sent::name).collect::<Vec<_>>()
    };
    assert_eq!(under("demo://a"), ["resources/unsubscribe"]);
    assert_eq!(under("demo://b"), ["resources/subscribe"]);
}

#[test]
fn an_unsubscribe_that_the_restoration_may_have_overtaken_is_said_again() {
    let mut net = Net::connected_with(never_listens());
    subscribe(&mut net, "resources/subscribe", "demo://a");
    net.run();
    net.restart();
    net.call("write");
    // The restoration's subscribe is on the wire when the app unsubscribes.
    net.reply("call", Reply::error(404, -32001, "Session not found"));
    for _ in 0..3 {
        net.step();
    }
    assert_eq!(net.flush().last().map(String::as_str), Some("initialized→202"));
    subscribe(&mut net, "resources/unsubscribe", "demo://a");
    let log = net.run();
    let about: Vec<_> = log.iter().filter(|line| line.ends_with("subscribe→200")).collect();
    assert_eq!(about, ["resources/subscribe→200", "resources/unsubscribe→200", "resources/unsubscribe→200"]);
}

/// What the server was told of the log level, in order.
fn levels(net: &Net) -> Vec<&str> {
    let told = net.sent.iter().filter(|sent| sent.name() == "logging/setLevel");
    told.filter_map(|sent| sent.body["params"]["level"].as_str()).collect()
}

#[test]
fn a_log_level_that_the_restoration_may_have_overtaken_is_set_again() {
    let mut net = restarted_with_level();
    net.call("write");
    (0..3).for_each(|_| net.step());
    assert_eq!(net.flush().last().map(String::as_str), Some("initialized→202"));
    set_level(&mut net, "error");
    net.run();
    assert_eq!(levels(&net), ["debug", "debug", "error", "error"]);
    net.run_for(60_000);
    assert_eq!(levels(&net).len(), 4);
}

#[test]
fn what_is_set_again_and_refused_for_a_moment_is_set_a_moment_later() {
    let mut net = restarted_with_level();
    net.call("write");
    (0..3).for_each(|_| net.step());
    assert_eq!(net.flush().last().map(String::as_str), Some("initialized→202"));
    let taken = || Reply::json(200, &json!({"jsonrpc": "2.0", "id": OWN_ID, "result": {}}));
    [taken(), taken(), Reply::text(503, "")].into_iter().for_each(|reply| net.reply("logging/setLevel", reply));
    set_level(&mut net, "error");
    let log = net.run_for(60_000);
    assert_eq!(levels(&net), ["debug", "debug", "error", "error", "error"]);
    assert_eq!(log.last().map(String::as_str), Some("logging/setLevel→200"), "{log:?}");
    assert_eq!(recovered(&net).len(), 1);
}

#[test]
fn a_log_level_that_is_set_during_a_recovery_is_set_once() {
    let mut net = restarted_with_level();
    net.reply("initialize", Reply::busy(503, "1"));
    net.call("write");
    net.run();
    set_level(&mut net, "error");
    net.run_for(5_000);
    assert_eq!(levels(&net), ["debug", "error"]);
}

#[test]
fn where_the_server_refuses_a_log_level_the_one_before_it_counts() {
    for during_recovery in [false, true] {
        let mut net = Net::connected_with(never_listens());
        set_level(&mut net, "debug");
        net.run();
        net.reply("logging/setLevel", Reply::error(200, -32602, "Unknown level"));
        if during_recovery {
            net.restart();
            net.reply("initialize", Reply::busy(503, "1"));
            net.call("write");
            net.run();
        }
        set_level(&mut net, "loud");
        net.run_for(5_000);
        if !during_recovery {
            net.restart();
            net.call("write");
            net.run();
        }
        assert_eq!(levels(&net), ["debug", "loud", "debug"]);
    }
}

#[test]
fn the_refusal_of_an_older_call_changes_nothing_of_what_a_newer_one_asks_for() {
    let mut net = Net::connected_with(never_listens());
    net.reply("resources/subscribe", Reply::error(200, -32602, "Unknown resource"));
    net.reply("logging/setLevel", Reply::error(200, -32602, "Unknown level"));
    for level in ["loud", "debug"] {
        subscribe(&mut net, "resources/subscribe", "demo://a");
        set_level(&mut net, level);
    }
    net.run();
    assert_eq!(levels(&net), ["loud", "debug"]);
    net.restart();
    net.call("write");
    assert_eq!(net.run()[5..], ["resources/subscribe→200", "logging/setLevel→200"]);
    assert_eq!(levels(&net).last(), Some(&"debug"));
}

#[test]
fn words_about_the_session_that_a_ping_finds_wrong_refuse_what_was_asked_for() {
    let mut net = Net::connected_with(never_listens());
    net.reply("logging/setLevel", Reply::error(200, -32001, "Session not found"));
    set_level(&mut net, "debug");
    assert_eq!(net.run(), ["logging/setLevel→200", "ping→200", "level rpc unknown"]);
    net.restart();
    net.call("write");
    assert!(!net.run().contains(&"logging/setLevel→200".to_owned()));
}

#[test]
fn a_session_lost_again_during_the_restoration_is_restored_again() {
    let mut net = restarted_with_level();
    net.reply("logging/setLevel", Reply::Silence);
    net.call("a");
    net.run();
    net.restart();
    net.call("b");
    net.run_for(2_000);
    let told: Vec<_> = recovered(&net).into_iter().map(|(restored, lost, _)| (restored.len(), lost.len())).collect();
    assert_eq!(told, [(0, 1), (1, 0)]);
}

#[test]
fn an_unchanged_tool_list_raises_nothing_and_a_changed_one_is_told() {
    let listed = json!([{"name": "a", "description": "1"}, {"name": "b"}, {"name": "c"}]);
    let changed = json!([{"name": "a", "description": "2"}, {"name": "b"}, {"name": "d"}]);
    for (now, told) in [(&listed, None), (&changed, Some((vec!["d"], vec!["c"], vec!["a"])))] {
        let mut net = Net::connected_with(never_listens());
        tools(&mut net, &listed);
        net.request("tools/list", None, CallOptions::default(), "list");
        net.run();
        net.restart();
        tools(&mut net, now);
        net.call("b");
        net.run();
        let changes = net.events.iter().find_map(|event| match event {
            Event::Recovered { changes, .. } => Some(changes.clone()),
            _ => None,
        });
        let tools = changes.expect("recovered").tools;
        let tools = tools.as_ref().map(|tools| (&tools.added, &tools.removed, &tools.changed));
        let own = |names: &Vec<&str>| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let told = told.map(|(added, removed, changed)| (own(&added), own(&removed), own(&changed)));
        assert_eq!(tools, told.as_ref().map(|(added, removed, changed)| (added, removed, changed)));
    }
}

#[test]
fn lists_that_the_app_has_seen_count_as_stale_after_a_recovery() {
    let stale_lists = |net: &Net| -> Vec<Vec<&'static str>> {
        let told = |event: &Event<Value>| match event {
            Event::Recovered { stale_lists, .. } => Some(stale_lists.clone()),
            _ => None,
        };
        net.events.iter().filter_map(told).collect()
    };
    let mut net = Net::connected_with(never_listens());
    let recover = |net: &mut Net| {
        net.restart();
        net.call("a");
        net.run_for(20_000);
    };
    recover(&mut net);
    for method in ["prompts/list", "resources/templates/list", "resources/list", "tools/list"] {
        net.request(method, None, CallOptions::default(), "list");
    }
    net.run();
    recover(&mut net);
    net.reply("list", Reply::Silence);
    recover(&mut net);
    assert_eq!(stale_lists(&net), [vec![], vec!["prompts", "resources"], vec!["prompts", "resources", "tools"]]);
    let told = net.events.iter().filter_map(|event| match event {
        Event::ListChanged { list, tools } => Some((*list, tools.is_some())),
        _ => None,
    });
    // What comes back is another server each time.
    let [first, second] = [["resources", "prompts"], ["prompts", "resources"]];
    let each = [first, second, second].concat().into_iter().chain(["tools"]).map(|list| (list, false));
    assert_eq!(told.collect::<Vec<_>>(), each.collect::<Vec<_>>(), "and are told one by one");
}

#[test]
fn a_tool_that_is_another_now_is_not_called_again_by_itself() {
    let mut net = Net::connected_with(never_listens());
    tools(&mut net, &json!([{"name": "pay", "description": "1 €"}]));
    net.request("tools/list", None, CallOptions::default(), "list");
    net.run();
    net.restart();
    tools(&mut net, &json!([{"name": "pay", "description": "100 €"}]));
    let call = net.call("pay");
    assert_eq!(net.run(), ["call→404", "initialize→200 s2", "initialized→202", "list→200", "pay session_lost unknown"]);
    assert!(net.error(call).message.contains("another now"));
    assert_eq!(net.executions.get("pay"), None);
}

#[test]
fn a_tool_is_compared_before_it_is_called_again_even_if_the_session_goes_meanwhile() {
    let mut net = Net::connected_with(never_listens());
    net.last_version = 2;
    tools(&mut net, &json!([{"name": "pay", "description": "1 €"}]));
    net.request("tools/list", None, CallOptions::default(), "list");
    net.run();
    net.restart();
    // The second session goes before its tools are compared; the third is the same server's.
    net.reply("list", Reply::error(404, -32001, "Session not found"));
    tools(&mut net, &json!([{"name": "pay", "description": "100 €"}]));
    let call = net.call("pay");
    net.run_for(20_000);
    assert_eq!(net.status().generation, 3);
    assert!(net.error(call).message.contains("another now"));
    assert_eq!(net.executions.get("pay"), None);
}
