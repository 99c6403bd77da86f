//! The life of a page: hidden, asleep, offline, leaving, reloaded; and keep-alive.

use crate::net::{Net, Reply};
use mcp_evergreen::protocol::config::{EraChoice, Listen, Offline};
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::status::{Event, Phase};
use mcp_evergreen::protocol::{Authorized, CallOptions, Config, Outcome, PageChange, Session};
use serde_json::json;

const MINUTE: u64 = 60_000;
/// What comes back is spread over this time.
const SPREAD: u64 = 2_000;

fn told(net: &mut Net, change: PageChange) -> Vec<String> {
    net.session.handle_page(change, net.now);
    net.run()
}

/// A session that was used, in a page that is hidden now.
fn hidden_after_use(net: &mut Net) {
    told(net, PageChange::Visible);
    net.call("echo");
    net.run();
    told(net, PageChange::Hidden);
}

/// A session that was used, in a page that was hidden for so long and is visible again.
fn away(net: &mut Net, ms: u64) -> Vec<String> {
    hidden_after_use(net);
    assert!(net.run_for(ms).is_empty(), "nothing happens in a hidden page");
    assert!(told(net, PageChange::Visible).is_empty(), "not at once");
    net.run_for(SPREAD)
}

#[test]
fn a_page_that_is_visible_again_after_more_than_five_minutes_verifies_its_session() {
    let mut net = Net::connected();
    assert_eq!(away(&mut net, 8 * 60 * MINUTE), ["ping→200"]);
    let mut net = Net::connected();
    assert_eq!(away(&mut net, 6 * MINUTE), ["ping→200"]);
    assert!(net.run_for(60 * MINUTE).is_empty(), "once");
}

#[test]
fn a_page_that_was_hidden_for_less_does_not() {
    let mut net = Net::connected();
    assert!(away(&mut net, 4 * MINUTE).is_empty());
}

#[test]
fn what_was_lost_meanwhile_is_healed_before_the_next_call() {
    let mut net = Net::connected();
    hidden_after_use(&mut net);
    net.restart();
    net.run_for(10 * MINUTE);
    told(&mut net, PageChange::Visible);
    assert_eq!(net.run_for(MINUTE), ["ping→404", "initialize→200 s2", "initialized→202"]);
    net.call("echo");
    assert_eq!(net.run(), ["call→200", "echo ok"]);
}

#[test]
fn the_verification_is_spread_over_pages() {
    let first_ping = |seed| {
        let mut net = Net::connected();
        net.results.clear();
        net.session = Session::new(Config { era: EraChoice::Legacy, ..Config::default() }, seed, net.now);
        net.connect();
        net.run();
        hidden_after_use(&mut net);
        net.run_for(6 * MINUTE);
        told(&mut net, PageChange::Visible);
        let began = net.now.mono;
        net.session.poll_timeout().expect("a deadline").at - began
    };
    let mut waits: Vec<u64> = (0..200).map(first_ping).collect();
    waits.sort_unstable();
    assert!(waits[0] < SPREAD / 10 && waits[199] > SPREAD * 9 / 10 && waits[199] <= SPREAD, "{waits:?}");
}

#[test]
fn a_session_that_was_neither_used_lately_nor_listens_is_left_to_its_next_call() {
    let mut net = Net::connected();
    told(&mut net, PageChange::Visible);
    net.call("echo");
    net.run();
    net.run_for(60 * MINUTE);
    told(&mut net, PageChange::Hidden);
    net.run_for(6 * MINUTE);
    told(&mut net, PageChange::Visible);
    assert!(net.run_for(MINUTE).is_empty());
}

#[test]
fn one_that_listens_is_verified_however_long_it_lay() {
    let mut net = Net::connected();
    told(&mut net, PageChange::Visible);
    net.session.set_listening(true, net.now);
    net.reply("GET", Reply::Open(String::new()));
    net.run();
    net.run_for(60 * MINUTE);
    told(&mut net, PageChange::Hidden);
    net.run_for(6 * MINUTE);
    told(&mut net, PageChange::Visible);
    assert_eq!(net.run_for(MINUTE), ["ping→200"]);
}

#[test]
fn a_call_that_comes_first_is_the_proof() {
    let mut net = Net::connected();
    told(&mut net, PageChange::Visible);
    told(&mut net, PageChange::Hidden);
    net.run_for(6 * MINUTE);
    net.session.handle_page(PageChange::Visible, net.now);
    net.call("echo");
    assert_eq!(net.run_for(MINUTE), ["call→200", "echo ok"], "no ping beside it");
}

#[test]
fn verifying_never_asks_the_user_to_log_in() {
    let mut net = Net::new(Config { authorizes: true, ..Config::default() });
    net.connect();
    net.run();
    hidden_after_use(&mut net);
    net.run_for(6 * MINUTE);
    net.valid_token = Some(7);
    net.authorizations.push_back(Authorized::NeedsUser);
    net.reply("ping", Reply::text(401, "no"));
    told(&mut net, PageChange::Visible);
    let log = net.run_for(MINUTE);
    assert_eq!(log[..3], ["ping→401", "ping aborted", "authorize 401 quietly"]);
    assert!(log.iter().all(|line| line != "authorize 401"), "{log:?}");
}

#[test]
fn a_device_that_slept_is_noticed_by_either_clock() {
    for jump in ["wall clock", "timers"] {
        let mut net = Net::connected();
        told(&mut net, PageChange::Visible);
        net.call("echo");
        net.run();
        assert!(net.run_for(3 * MINUTE).is_empty(), "{jump}");
        net.now.unix_ms += 8 * 60 * MINUTE;
        if jump == "timers" {
            net.now.unix_ms -= 8 * 60 * MINUTE;
            net.now.mono += 10 * MINUTE;
            net.session.handle_timeout(net.now);
        }
        assert_eq!(net.run_for(2 * MINUTE), ["ping→200"], "{jump}");
        assert!(net.run_for(20 * MINUTE).is_empty(), "{jump}");
    }
}

#[test]
fn offline_calls_wait_and_go_out_when_the_network_is_back() {
    let mut net = Net::connected();
    told(&mut net, PageChange::Offline);
    assert_eq!(net.phase(), Phase::Waiting);
    let why = net.status().waiting_for.expect("waits");
    assert_eq!(why.why, "this device is offline");
    net.call("echo");
    assert!(net.run_for(30_000).is_empty(), "nothing is sent");
    assert!(told(&mut net, PageChange::Online).is_empty());
    assert_eq!(net.run_for(SPREAD), ["call→200", "echo ok"]);
    assert_eq!(net.phase(), Phase::Ready);
}

#[test]
fn offline_calls_wait_no_longer_than_they_have_time() {
    let mut net = Net::connected();
    told(&mut net, PageChange::Offline);
    net.call_with("echo", CallOptions { timeout_ms: Some(5_000), ..CallOptions::default() });
    assert_eq!(net.run_for(6_000), ["echo timeout not_executed"]);
    told(&mut net, PageChange::Online);
    assert!(net.run_for(MINUTE).is_empty(), "what has settled is not sent");
}

#[test]
fn offline_calls_fail_at_once_where_the_host_wants_that() {
    let mut net = Net::connected_with(Config { offline: Offline::Fail, ..Config::default() });
    told(&mut net, PageChange::Offline);
    let call = net.call("echo");
    assert_eq!(net.run(), ["echo network not_executed"]);
    assert_eq!(net.error(call).diagnosis.as_ref().map(|it| it.kind), Some("offline"));
    told(&mut net, PageChange::Online);
    net.call("echo");
    assert_eq!(net.run(), ["call→200", "echo ok"]);
}

#[test]
fn a_connect_waits_for_the_network() {
    let mut net = Net::new(Config::default());
    told(&mut net, PageChange::Offline);
    net.connect();
    assert!(net.run_for(20_000).is_empty());
    told(&mut net, PageChange::Online);
    assert_eq!(net.run_for(SPREAD), ["initialize→200 s1", "initialized→202", "connect ok"]);
}

#[test]
fn offline_nothing_spins_and_back_online_there_is_one_attempt() {
    let mut net = Net::connected();
    for _ in 0..2 {
        net.reply("initialize", Reply::Break);
    }
    net.restart();
    net.call("echo");
    net.run();
    told(&mut net, PageChange::Offline);
    let log = net.run_for(60 * MINUTE);
    assert!(log.iter().all(|line| line.starts_with("echo ")), "no attempt: {log:?}");
    assert!(net.session.poll_timeout().is_none(), "and no timer");
    told(&mut net, PageChange::Online);
    let log = net.run_for(SPREAD);
    assert_eq!(log.first().map(String::as_str), Some("initialize→broke"), "{log:?}");
    let again = net.run_for(MINUTE);
    assert!(again.contains(&"initialize→200 s2".to_owned()), "{again:?}");
}

#[test]
fn a_stream_that_broke_in_a_tunnel_is_resumed_behind_it() {
    let mut net = Net::connected();
    net.reply("call", Reply::Stream("id: e1\ndata:\n\n".to_owned()));
    net.session.handle_page(PageChange::Offline, net.now);
    // The call went out just before.
    net.session.handle_page(PageChange::Online, net.now);
    net.call("echo");
    net.step();
    told(&mut net, PageChange::Offline);
    assert!(net.run_for(30_000).iter().all(|line| !line.starts_with("GET")), "no attempts that come to nothing");
    let answer = json!({"jsonrpc": "2.0", "id": net.sent.last().expect("a call").body["id"], "result": {}});
    net.reply("GET", Reply::Stream(format!("data: {answer}\n\n")));
    told(&mut net, PageChange::Online);
    assert_eq!(net.run_for(SPREAD), ["GET→200 stream", "echo ok"]);
}

#[test]
fn a_standing_stream_is_closed_for_the_back_forward_cache_and_resumed_behind_it() {
    let mut net = Net::new(Config { listen: Listen::Always, ..Config::default() });
    net.reply("GET", Reply::Open("id: e7\ndata:\n\n".to_owned()));
    net.connect();
    net.run();
    assert_eq!(told(&mut net, PageChange::Frozen), ["GET aborted"]);
    assert!(told(&mut net, PageChange::Frozen).is_empty(), "Chromium says so twice");
    assert!(net.run_for(30_000).is_empty());
    net.reply("GET", Reply::Open(String::new()));
    told(&mut net, PageChange::Thawed);
    told(&mut net, PageChange::Visible);
    assert_eq!(net.run_for(SPREAD), ["GET→200 stream"]);
    assert_eq!(net.sent.last().and_then(|sent| sent.header("last-event-id")), Some("e7"));
}

#[test]
fn a_page_that_leaves_ends_its_session() {
    let mut net = Net::connected();
    assert_eq!(told(&mut net, PageChange::Leaving), ["DELETE→200"]);
    assert_eq!(net.phase(), Phase::Closed);
}

#[test]
fn a_page_that_leaves_under_a_running_call_does_not() {
    let mut net = Net::connected();
    net.reply("call", Reply::Silence);
    net.call("slow");
    net.run();
    assert!(told(&mut net, PageChange::Leaving).is_empty());
}

#[test]
fn nor_does_one_whose_calls_were_broken_off_a_moment_before() {
    for (later, expected) in [(50, [].as_slice()), (3_000, ["DELETE→200"].as_slice())] {
        let mut net = Net::connected();
        net.reply("call", Reply::Break);
        let call = net.call("call");
        net.run_for(later);
        assert_eq!(net.error(call).outcome, Outcome::Unknown);
        assert_eq!(told(&mut net, PageChange::Leaving), expected, "after {later} ms");
    }
}

fn persisting() -> Config {
    Config { persists: true, ..Config::default() }
}

/// What the session left to the next page life.
fn kept(net: &Net) -> Vec<String> {
    let kept = net.events.iter().filter_map(|event| match event {
        Event::Keep { record } => Some(record.clone()),
        _ => None,
    });
    kept.collect()
}

/// The page of `net` is reloaded: another session of the core, with the same server.
fn reloaded(net: &mut Net, seed: u64) -> bool {
    let before = net.sent.len();
    assert!(told(net, PageChange::Leaving).is_empty(), "no DELETE");
    let record = kept(net).pop().expect("a record");
    assert_eq!(net.sent.len(), before);
    net.results.clear();
    net.session = Session::new(Config { era: EraChoice::Auto, ..persisting() }, seed, net.now);
    let taken = net.session.take_up_record(&record, net.now);
    net.connect();
    taken
}

#[test]
fn the_first_call_after_a_reload_goes_out_without_a_handshake() {
    let mut net = Net::connected_with(persisting());
    net.call("echo");
    net.run();
    let before = net.status();
    assert!(reloaded(&mut net, 8));
    net.call("echo");
    assert_eq!(net.run(), ["connect ok", "call→200", "echo ok"]);
    assert_eq!(net.sent.last().and_then(|sent| sent.session.as_deref()), Some("s1"));
    let after = net.status();
    assert_eq!(
        (after.era, after.protocol_version, after.server_info, after.handshake, after.session_tag),
        (before.era, before.protocol_version, before.server_info, before.handshake, before.session_tag)
    );
    let ids: Vec<_> = net.sent.iter().filter_map(|sent| sent.body["id"].as_u64()).collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "no id is used twice: {ids:?}");
}

#[test]
fn a_session_that_was_evicted_meanwhile_heals_with_all_it_held() {
    let mut net = Net::connected_with(persisting());
    net.request("resources/subscribe", Some(&json!({"uri": "a:b"})), CallOptions::default(), "subscribe");
    net.request("logging/setLevel", Some(&json!({"level": "error"})), CallOptions::default(), "level");
    net.reply("GET", Reply::Open(String::new()));
    net.run();
    assert!(reloaded(&mut net, 8));
    net.reply("GET", Reply::Open(String::new()));
    assert_eq!(net.run(), ["connect ok", "GET→200 stream"], "what is held is not said again");
    net.restart();
    net.reply("GET", Reply::Open(String::new()));
    net.call("echo");
    let log = net.run();
    for line in
        ["call→404", "initialize→200 s2", "call→200", "resources/subscribe→200", "logging/setLevel→200", "echo ok"]
    {
        assert!(log.iter().any(|has| has == line), "{line}: {log:?}");
    }
}

#[test]
fn a_session_of_the_modern_era_is_taken_up_too() {
    let mut net = Net::in_era(EraChoice::Auto, persisting());
    net.eras = &[Era::Modern];
    net.connect();
    assert_eq!(net.run(), ["discover→200", "connect ok"]);
    assert!(reloaded(&mut net, 8));
    net.call("echo");
    assert_eq!(net.run(), ["connect ok", "call→200", "echo ok"]);
}

#[test]
fn a_record_that_cannot_be_read_is_dropped_with_a_warning() {
    let mut net = Net::connected_with(persisting());
    told(&mut net, PageChange::Leaving);
    let good = kept(&net).pop().expect("a record");
    let mut bad =
        vec![String::new(), "null".to_owned(), "[]".to_owned(), "{}".to_owned(), good[..good.len() - 1].to_owned()];
    for (from, to) in [
        ("\"format\":2", "\"format\":3"),
        ("\"id\":\"s1\"", "\"id\":\"s 1\""),
        ("\"id\":\"s1\"", "\"id\":7"),
        ("\"version\":\"2025-11-25\"", "\"version\":\"1999-01-01\""),
        ("\"uris\":[]", "\"uris\":[7]"),
        ("\"level\":null", "\"level\":{}"),
        ("\"wireId\":", "\"wireId\":-"),
        ("\"handshake\":\"{", "\"handshake\":7,\"x\":\"{"),
        ("\"handshake\":\"{", "\"handshake\":\"[{"),
        ("\"owner\":0", "\"owner\":-1"),
    ] {
        assert!(good.contains(from), "{good}");
        bad.push(good.replacen(from, to, 1));
    }
    for record in bad {
        let mut net = Net::new(persisting());
        assert!(!net.session.take_up_record(&record, net.now), "{record}");
        net.connect();
        assert_eq!(net.run(), ["initialize→200 s1", "initialized→202", "connect ok"], "{record}");
        let warned = net.events.iter().any(|event| matches!(event, Event::Warning { kind: "persisted_session", .. }));
        assert!(warned, "{record}");
    }
}

#[test]
fn a_record_that_is_too_old_is_dropped_in_silence() {
    for (passed, taken) in [(23 * 60 * MINUTE, true), (25 * 60 * MINUTE, false)] {
        let mut net = Net::connected_with(persisting());
        told(&mut net, PageChange::Leaving);
        let record = kept(&net).pop().expect("a record");
        let mut net = Net::new(persisting());
        net.now.unix_ms += passed;
        assert_eq!(net.session.take_up_record(&record, net.now), taken);
        assert!(net.events.is_empty());
    }
}

#[test]
fn no_token_is_in_a_record() {
    let mut net = Net::connected_with(persisting());
    told(&mut net, PageChange::Leaving);
    let record = kept(&net).pop().expect("a record");
    let record: serde_json::Value = serde_json::from_str(&record).expect("JSON");
    let names: Vec<_> = record.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(names, ["at", "format", "handshake", "id", "level", "owner", "uris", "version", "wireId"]);
    assert!(record["owner"].as_u64().is_some_and(|owner| owner < 1 << 24));
}

#[test]
fn a_page_from_the_cache_whose_session_another_has_taken_up_makes_its_own() {
    let mut net = Net::connected_with(persisting());
    told(&mut net, PageChange::Frozen);
    assert_eq!(kept(&net).len(), 1);
    told(&mut net, PageChange::Thawed);
    assert!(net.events.iter().any(|event| matches!(event, Event::Reclaim)));
    net.session.handle_taken_over(net.now);
    net.call("echo");
    assert_eq!(
        net.run(),
        ["initialize→200 s2", "initialized→202", "call→200", "echo ok"],
        "the other one's is not ended"
    );
}

#[test]
fn keep_alive_pings_a_session_that_lies_idle() {
    let mut net = Net::connected_with(Config { keep_alive_ms: Some(10_000), ..Config::default() });
    assert_eq!(net.run_for(35_000), ["ping→200", "ping→200", "ping→200"]);
}

#[test]
fn keep_alive_is_left_out_while_traffic_flows_or_a_call_runs() {
    let mut net = Net::connected_with(Config { keep_alive_ms: Some(10_000), ..Config::default() });
    for _ in 0..10 {
        net.call("echo");
        assert_eq!(net.run_for(6_000), ["call→200", "echo ok"]);
    }
    net.reply("call", Reply::Silence);
    net.call("slow");
    assert_eq!(net.run_for(50_000), ["call→…"]);
}

#[test]
fn keep_alive_pauses_in_a_hidden_page() {
    let mut net = Net::connected_with(Config { keep_alive_ms: Some(10_000), ..Config::default() });
    told(&mut net, PageChange::Hidden);
    assert!(net.run_for(60 * MINUTE).is_empty());
    told(&mut net, PageChange::Visible);
    assert_eq!(net.run_for(11_000), ["ping→200"]);
}
