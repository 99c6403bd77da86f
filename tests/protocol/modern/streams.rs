//! Broken streams, cancellation, and the listening stream.

use super::*;

// Broken streams and cancellation

#[test]
fn a_broken_stream_is_a_new_request_where_that_is_safe() {
    let mut net = connected();
    net.reply("list", Reply::Stream("id: 1\ndata:\n\n".into()));
    net.request("tools/list", None, CallOptions::default(), "list");
    assert_eq!(net.run(), ["list→200 stream", "discover→200", "list→200", "list ok"]);
    let ids: Vec<_> = net.sent.iter().filter(|sent| sent.name() == "list").map(|sent| &sent.body["id"]).collect();
    assert_ne!(ids[0], ids[1]);
    net.reply("call", Reply::Stream("id: 1\ndata:\n\n".into()));
    net.call("write");
    assert_eq!(net.run(), ["call→200 stream", "write outcome_unknown unknown", "discover→200"]);
}

#[test]
fn an_abort_is_all_that_the_server_is_told() {
    let mut net = connected();
    net.reply("call", Reply::Silence);
    let call = net.call("slow");
    net.run();
    net.session.cancel(call, Some("enough".into()), net.now);
    assert_eq!(net.run(), ["call aborted"]);
}

#[test]
fn nothing_is_said_goodbye_to() {
    let mut net = connected();
    let close = net.session.close(true, net.now);
    net.name(close, "close");
    assert_eq!(net.run(), ["close ok"]);
    assert_eq!(net.phase(), Phase::Closed);
}

// The listening stream

#[test]
fn one_stream_hears_everything() {
    let mut net = connected();
    net.session.set_listening(true, net.now);
    subscribe(&mut net, "a:1");
    // What was not acknowledged gives way; what was, tells until the next one is.
    assert_eq!(net.run(), ["listen aborted", "listen→200 stream", "a:1 ok"]);
    let filter = json!({"toolsListChanged": true, "resourcesListChanged": true, "resourceSubscriptions": ["a:1"]});
    assert_eq!(last(&net, "listen").body["params"]["notifications"], filter);
    subscribe(&mut net, "b:2");
    assert_eq!(net.run(), ["listen→200 stream", "listen aborted", "b:2 ok"]);
    let uris = &last(&net, "listen").body["params"]["notifications"]["resourceSubscriptions"];
    assert_eq!(uris, &json!(["a:1", "b:2"]));
    // Twice the same costs nothing.
    subscribe(&mut net, "b:2");
    assert_eq!(net.run(), ["b:2 ok"]);
    net.request("resources/unsubscribe", Some(&json!({"uri": "a:1"})), CallOptions::default(), "un");
    assert_eq!(net.run(), ["un ok", "listen→200 stream", "listen aborted"]);
    net.session.set_listening(false, net.now);
    net.request("resources/unsubscribe", Some(&json!({"uri": "b:2"})), CallOptions::default(), "un");
    let log = net.run();
    assert_eq!(log.last().map(String::as_str), Some("un ok"), "{log:?}");
    assert!(!log.iter().any(|line| line.starts_with("listen→")), "{log:?}");
}

#[test]
fn what_the_stream_tells_is_what_the_app_hears() {
    let mut net = connected();
    net.session.set_listening(true, net.now);
    net.run();
    let (stream, id) = (last(&net, "listen").exchange, last(&net, "listen").body["id"].clone());
    let told = |id: &Value| {
        event("notifications/tools/list_changed", &json!({"_meta": {"io.modelcontextprotocol/subscriptionId": id}}))
    };
    net.events(stream, &told(&id));
    net.events(stream, &told(&json!(1)));
    let heard = net.events.iter().filter(|event| matches!(event, Event::Notification { .. })).count();
    assert_eq!(heard, 1);
}

#[test]
fn a_subscription_that_is_not_granted_is_refused() {
    let mut net = connected();
    let id = net.sent.iter().filter_map(|sent| sent.body["id"].as_u64()).max().expect("a request") + 1;
    let params = json!({"notifications": {}, "_meta": {"io.modelcontextprotocol/subscriptionId": id}});
    net.reply("listen", Reply::Open(event("notifications/subscriptions/acknowledged", &params)));
    subscribe(&mut net, "a:1");
    assert_eq!(net.run(), ["listen→200 stream", "listen aborted", "a:1 capability not_executed"]);
}

#[test]
fn a_stream_that_breaks_is_opened_again_and_what_it_told_is_stale() {
    let mut net = connected();
    net.session.set_listening(true, net.now);
    subscribe(&mut net, "a:1");
    net.run();
    let stream = last(&net, "listen").exchange;
    net.session.handle_input(stream, mcp_evergreen::protocol::Input::Failed { cause: None }, net.now);
    assert_eq!(net.run(), ["discover→200"]);
    assert_eq!(stale(&net), []);
    assert_eq!(net.run_for(2_000), ["listen→200 stream"]);
    assert_eq!(stale(&net), [(vec!["tools", "resources"], vec!["a:1".to_owned()])]);
    assert_eq!(net.status().recoveries, 0);
}

#[test]
fn a_stream_that_the_server_ends_is_opened_again() {
    let mut net = connected();
    net.session.set_listening(true, net.now);
    net.run();
    let (stream, id) = (last(&net, "listen").exchange, last(&net, "listen").body["id"].clone());
    let end = json!({"jsonrpc": "2.0", "id": id, "result": {"resultType": "complete"}});
    net.events(stream, &format!("data: {end}\n\n"));
    assert_eq!(net.run(), ["listen aborted"]);
    assert_eq!(net.run_for(2_000), ["listen→200 stream"]);
}

#[test]
fn a_subscription_does_not_wait_for_a_stream_that_waits_for_its_turn() {
    let mut net = connected();
    net.session.allow_stream(false, net.now);
    subscribe(&mut net, "a:1");
    assert_eq!(net.run(), [] as [&str; 0], "it may be its turn at once");
    assert!(net.session.wants_stream());
    net.session.stream_waits(net.now);
    assert_eq!(net.run(), ["a:1 ok"]);
    subscribe(&mut net, "b:2");
    assert_eq!(net.run(), ["b:2 ok"]);
    net.request("resources/unsubscribe", Some(&json!({"uri": "a:1"})), CallOptions::default(), "un");
    assert_eq!(net.run(), ["un ok"]);
    net.session.allow_stream(true, net.now);
    assert_eq!(net.run(), ["listen→200 stream"]);
    let filter = json!({"resourceSubscriptions": ["b:2"]});
    assert_eq!(last(&net, "listen").body["params"]["notifications"], filter);
    assert_eq!(stale(&net), [(vec![], vec!["b:2".to_owned()])], "it may have changed meanwhile");
    // Given away, and had again at once.
    net.request("resources/unsubscribe", Some(&json!({"uri": "b:2"})), CallOptions::default(), "un");
    assert_eq!(net.run(), ["listen aborted", "un ok"]);
    net.session.allow_stream(false, net.now);
    subscribe(&mut net, "b:2");
    assert_eq!(net.run(), [] as [&str; 0]);
    net.session.allow_stream(true, net.now);
    assert_eq!(net.run(), ["listen→200 stream", "b:2 ok"]);
    assert_eq!(stale(&net).len(), 1);
}

#[test]
fn a_stream_that_is_not_acknowledged_is_given_up_and_tried_again() {
    let mut net = connected();
    net.reply("listen", Reply::Silence);
    subscribe(&mut net, "a:1");
    assert_eq!(net.run(), ["listen→…"]);
    assert_eq!(net.run_for(32_000), ["listen aborted", "discover→200", "listen→200 stream", "a:1 ok"]);
}

#[test]
fn a_server_without_the_stream_is_not_asked_again() {
    let mut net = connected();
    net.session.set_listening(true, net.now);
    net.reply("listen", own_error(&net, 404, -32601, &json!(null)));
    assert_eq!(net.run(), ["listen→404"]);
    subscribe(&mut net, "a:1");
    assert_eq!(net.run(), ["a:1 capability not_executed"]);
}

#[test]
fn without_a_stream_there_are_no_subscriptions() {
    let mut net = connected_with(Config { listen: Listen::Never, ..Config::default() });
    let call = subscribe(&mut net, "a:1");
    assert_eq!(net.run(), ["a:1 invalid_option not_executed"]);
    assert!(net.error(call).message.contains("`listen`"));
}
