//! Results that stay fresh for as long as the server says.

use super::*;

fn list(net: &mut Net, options: CallOptions) -> Vec<String> {
    net.request("tools/list", None, options, "list");
    net.run()
}

#[test]
fn a_list_is_fresh_for_as_long_as_the_server_says() {
    let mut net = connected();
    let page = json!({"tools": [], "ttlMs": 5_000, "cacheScope": "private"});
    net.answer_next("list", &page);
    assert_eq!(list(&mut net, CallOptions::default()), ["list→200", "list ok"]);
    assert_eq!(list(&mut net, CallOptions::default()), ["list ok"]);
    assert_eq!(list(&mut net, CallOptions { reload: true, ..CallOptions::default() }), ["list→200", "list ok"]);
    // What came last gave no time.
    assert_eq!(list(&mut net, CallOptions::default()), ["list→200", "list ok"]);
    net.answer_next("list", &page);
    list(&mut net, CallOptions::default());
    net.run_for(5_000);
    assert_eq!(list(&mut net, CallOptions::default()), ["list→200", "list ok"]);
}

#[test]
fn other_params_are_another_result() {
    let mut net = connected();
    net.answer_next("resources/read", &json!({"contents": ["a"], "ttlMs": 5_000}));
    let mut read = |uri: &str| {
        net.request("resources/read", Some(&json!({"uri": uri})), CallOptions::default(), uri);
        net.run()
    };
    assert_eq!(read("a"), ["resources/read→200", "a ok"]);
    assert_eq!(read("b"), ["resources/read→200", "b ok"]);
    assert_eq!(read("a"), ["a ok"]);
}

#[test]
fn what_the_server_says_has_changed_is_not_fresh() {
    let mut net = connected();
    net.session.set_listening(true, net.now);
    net.run();
    for (name, method, params, changed, about) in [
        ("list", "tools/list", json!({}), "notifications/tools/list_changed", json!({})),
        ("prompts/list", "prompts/list", json!({}), "notifications/prompts/list_changed", json!({})),
        ("resources/list", "resources/list", json!({}), "notifications/resources/list_changed", json!({})),
        (
            "resources/read",
            "resources/read",
            json!({"uri": "a:1"}),
            "notifications/resources/updated",
            json!({"uri": "a:1"}),
        ),
    ] {
        let ask = |net: &mut Net| {
            net.answer_next(name, &json!({"ttlMs": 60_000}));
            net.request(method, Some(&params), CallOptions::default(), "it");
            net.run().len()
        };
        assert_eq!((ask(&mut net), ask(&mut net)), (2, 1), "{method}");
        let stream = last(&net, "listen").exchange;
        net.events(stream, &event(changed, &about));
        assert_eq!(ask(&mut net), 2, "{changed}");
    }
}

#[test]
fn a_refused_cursor_ends_all_pages() {
    let mut net = connected();
    net.answer_next("list", &json!({"tools": [], "ttlMs": 60_000, "nextCursor": "c"}));
    list(&mut net, CallOptions::default());
    net.request("tools/list", Some(&json!({"cursor": "c"})), CallOptions::default(), "page");
    net.reply("list", own_error(&net, 400, -32602, &json!(null)));
    assert_eq!(net.run(), ["list→400", "page rpc executed"]);
    assert_eq!(list(&mut net, CallOptions::default()), ["list→200", "list ok"]);
}
