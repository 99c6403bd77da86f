//! The standing stream of the legacy era.

use super::*;

#[test]
fn the_standing_stream_is_open_while_somebody_listens() {
    let mut net = Net::connected();
    assert_eq!(net.run_for(60_000), Vec::<String>::new());
    net.reply("GET", Reply::Open(": hello\n\n".to_owned()));
    net.session.set_listening(true, net.now);
    assert_eq!(net.run(), ["GET→200 stream"]);
    net.session.set_listening(true, net.now);
    assert_eq!(net.run(), Vec::<String>::new());
    let get = net.sent.last().expect("sent").clone();
    assert_eq!((get.header("accept"), get.header("last-event-id")), (Some("text/event-stream"), None));
    net.events(
        get.exchange,
        &format!("data: {}\n\n", json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})),
    );
    assert!(
        net.events
            .iter()
            .any(|event| matches!(event, Event::Notification { method, .. } if method.ends_with("tools/list_changed")))
    );
    net.session.set_listening(false, net.now);
    assert_eq!(net.run_for(60_000), ["GET aborted"]);
}

#[test]
fn a_subscription_is_a_reason_to_listen() {
    let mut net = Net::connected();
    net.reply("GET", Reply::Open(String::new()));
    subscribe(&mut net, "resources/subscribe", "demo://a");
    assert_eq!(net.run(), ["resources/subscribe→200", "resources/subscribe ok", "GET→200 stream"]);
}

#[test]
fn a_server_without_a_standing_stream_is_not_asked_again() {
    for refusal in [Reply::text(405, ""), Reply::text(404, "Not Found"), Reply::text(400, "")] {
        let mut net = Net::new(Config { listen: Listen::Always, ..Config::default() });
        net.reply("GET", refusal);
        net.connect();
        let log = net.run_for(600_000);
        assert_eq!(log.iter().filter(|line| line.starts_with("GET→")).count(), 1, "{log:?}");
        assert_eq!(net.status().generation, 1);
    }
}

#[test]
fn a_404_to_the_standing_stream_finds_an_evicted_session_before_the_user_does() {
    let mut net = Net::connected();
    net.restart();
    net.session.set_listening(true, net.now);
    net.reply("GET", Reply::error(404, -32001, "Session not found"));
    assert_eq!(net.run(), ["GET→404", "ping→404"]);
    assert_eq!(net.run_for(20_000), ["initialize→200 s2", "initialized→202", "GET→405"]);
}

#[test]
fn a_standing_stream_that_ends_is_opened_again_with_its_last_event_id() {
    let mut net = Net::connected();
    net.reply("GET", Reply::Stream("id: 7\nretry: 800\ndata:\n\n".to_owned()));
    net.reply("GET", Reply::Open(String::new()));
    net.session.set_listening(true, net.now);
    assert_eq!(net.run_for(700), ["GET→200 stream"]);
    assert_eq!(net.run_for(2_000), ["GET→200 stream"]);
    assert_eq!(net.sent.last().and_then(|sent| sent.header("last-event-id")), Some("7"));
}

#[test]
fn a_standing_stream_that_always_ends_at_once_is_opened_more_and_more_slowly() {
    let mut net = Net::connected();
    (0..1_000).for_each(|n| net.reply("GET", Reply::Stream(format!("id: {n}\ndata:\n\n"))));
    net.session.set_listening(true, net.now);
    let first = net.run_for(60_000).len();
    let later = net.run_for(600_000).len();
    assert!((4..=9).contains(&first) && (9..=21).contains(&later), "{first}, {later}");
}

#[test]
fn the_standing_stream_follows_the_session() {
    let mut net = Net::connected();
    net.reply("GET", Reply::Open("id: 1\ndata:\n\n".to_owned()));
    net.session.set_listening(true, net.now);
    net.run();
    net.restart();
    net.reply("GET", Reply::Open(String::new()));
    net.call("a");
    assert_eq!(
        net.run(),
        ["call→404", "GET aborted", "initialize→200 s2", "initialized→202", "call→200", "a ok", "GET→200 stream"]
    );
    let get = net.sent.last().expect("sent");
    assert_eq!((get.session.as_deref(), get.header("last-event-id")), (Some("s2"), None));
}

#[test]
fn close_ends_the_standing_stream() {
    let mut net = Net::connected();
    net.reply("GET", Reply::Open(String::new()));
    net.session.set_listening(true, net.now);
    net.run();
    let close = net.session.close(true, net.now);
    net.name(close, "close");
    assert_eq!(net.run_for(60_000), ["GET aborted", "DELETE→200", "close ok"]);
    assert_eq!(net.session.poll_timeout(), None);
}

#[test]
fn a_standing_stream_that_broke_with_the_server_comes_back_with_it() {
    let mut net = Net::connected();
    net.reply("GET", Reply::Cut("text/event-stream", "id: 1\ndata:\n\n".to_owned()));
    net.reply("ping", Reply::Break);
    net.session.set_listening(true, net.now);
    assert_eq!(net.run(), ["GET→200 cut", "ping→broke"]);
    net.reply("GET", Reply::Open(String::new()));
    assert_eq!(net.run_for(20_000), ["ping→200", "GET→200 stream"]);
    assert_eq!(net.sent.last().and_then(|sent| sent.header("last-event-id")), Some("1"));
}

#[test]
fn a_standing_stream_that_ends_while_the_session_is_in_doubt_comes_back_with_it() {
    let mut net = Net::connected();
    net.reply("GET", Reply::Open("id: 1\ndata:\n\n".to_owned()));
    net.session.set_listening(true, net.now);
    net.run();
    let stream = net.sent.last().expect("sent").exchange;
    for name in ["call", "ping", "initialize"] {
        net.reply(name, Reply::Break);
    }
    net.call("a");
    net.run();
    net.session.handle_input(stream, Input::Failed { cause: None }, net.now);
    net.reply("GET", Reply::Open(String::new()));
    assert_eq!(net.run_for(5_000), ["ping→200", "GET→200 stream"]);
}

#[test]
fn a_standing_stream_whose_head_does_not_come_is_asked_for_again_after_minutes() {
    let mut net = Net::connected();
    net.reply("GET", Reply::Silence);
    net.reply("GET", Reply::Silence);
    net.session.set_listening(true, net.now);
    assert_eq!(net.run_for(299_000), ["GET→…"]);
    assert_eq!(net.run_for(60_000), ["GET aborted", "ping→200", "GET→…"]);
    net.session.set_listening(false, net.now);
    assert_eq!(net.run(), ["GET aborted"]);
    net.reply("GET", Reply::Silence);
    net.session.set_listening(true, net.now);
    assert_eq!(net.run(), ["GET→…"]);

    net.restart();
    net.reply("GET", Reply::Silence);
    net.call("a");
    assert_eq!(
        net.run(),
        ["call→404", "GET aborted", "initialize→200 s2", "initialized→202", "call→200", "a ok", "GET→…"]
    );
    let close = net.session.close(true, net.now);
    net.name(close, "close");
    assert_eq!(net.run_for(60_000), ["GET aborted", "DELETE→200", "close ok"]);
}

#[test]
fn a_standing_stream_that_was_not_sent_is_opened_later() {
    let mut net = Net::connected();
    net.reply("GET", Reply::Unsent);
    net.reply("GET", Reply::Open(String::new()));
    net.session.set_listening(true, net.now);
    assert_eq!(net.run(), ["GET→unsent"]);
    assert_eq!(net.run_for(5_000), ["GET→200 stream"]);
}

#[test]
fn an_event_that_is_too_large_does_not_end_the_listening() {
    let mut net = Net::connected_with(Config { max_event_bytes: 100, ..Config::default() });
    net.reply("GET", Reply::Open(format!("id: 1\ndata:\n\ndata: {}\n\n", "x".repeat(100))));
    net.reply("GET", Reply::Open(String::new()));
    net.session.set_listening(true, net.now);
    assert_eq!(net.run_for(5_000), ["GET→200 stream", "GET aborted", "GET→200 stream"]);
    assert_eq!(net.warnings(), ["event_too_large"]);
    assert_eq!(net.sent.last().and_then(|sent| sent.header("last-event-id")), None);
}
