//! Handshakes that are lost, slow, or two at a time.

use super::*;

#[test]
fn a_handshake_that_is_lost_is_followed_by_another_one() {
    let mut net = Net::connected();
    net.restart();
    net.reply("initialize", Reply::Silence);
    net.call("write");
    let log = net.run_for(5_100);
    assert_eq!(log[..3], ["call→404", "initialize→…", "initialize→200 s2"]);
    assert!(log.contains(&"write ok".to_owned()), "{log:?}");
}

#[test]
fn a_hedge_that_is_refused_touches_nothing() {
    let mut net = Net::connected();
    net.restart();
    net.reply("initialize", Reply::Silence);
    net.reply("initialize", Reply::text(500, "no"));
    net.call("write");
    assert_eq!(net.run_for(6_000), ["call→404", "initialize→…", "initialize→500"]);
    assert_eq!(net.run_for(20_000), [""; 0], "the first is waited for");
}

/// As long as somebody waits: not the session's own time-out bounds a handshake.
#[test]
fn a_slow_handshake_is_waited_for_as_long_as_a_call_has() {
    let mut net = Net::connected_with(Config { timeout_ms: 2_000, ..Config::default() });
    net.restart();
    net.reply("initialize", Reply::Silence);
    net.call_with("write", CallOptions { timeout_ms: Some(20_000), ..CallOptions::default() });
    assert_eq!(net.run_for(4_000), ["call→404", "initialize→…"]);
}

/// Whoever comes while it is waited for does not begin its time anew: the first and the one beside it are lost, and one
/// call comes after the other.
#[test]
fn a_handshake_that_is_lost_ends_however_many_come_to_wait_for_it() {
    for lost in [Reply::Silence, Reply::Open(String::new()), Reply::Bodiless(200), Reply::Bodiless(500)] {
        for timeout_ms in [4_000, 8_000, 60_000] {
            let mut net = Net::connected_with(Config { timeout_ms, ..Config::default() });
            net.restart();
            (0..2).for_each(|_| net.reply("initialize", lost.clone()));
            let mut log = Vec::new();
            for n in 0..20 {
                net.call(&format!("c{n}"));
                log.extend(net.run_for(2_000));
            }
            let healed = log.iter().position(|line| line == "initialize→200 s2");
            assert!(healed.is_some() && log.contains(&"c19 ok".to_owned()), "{lost:?} {timeout_ms}: {log:?}");
            let handshakes = log.iter().filter(|line| line.starts_with("initialize→")).count();
            assert!(handshakes <= 4, "{lost:?} {timeout_ms}: {log:?}");
        }
    }
}

#[test]
fn a_handshake_of_which_nothing_but_a_head_comes_is_followed_by_another_one() {
    let mut net = Net::connected();
    net.restart();
    net.reply("initialize", Reply::Open(": here\n\n".to_owned()));
    net.call("write");
    let log = net.run_for(11_000);
    assert_eq!(log[..3], ["call→404", "initialize→200 stream", "initialize→200 s2"]);
    assert!(log.contains(&"write ok".to_owned()), "{log:?}");
}

#[test]
fn handshakes_beside_the_first_take_each_others_place_later_and_later() {
    let mut net = Net::connected();
    net.restart();
    (0..9).for_each(|_| net.reply("initialize", Reply::Silence));
    net.call("write");
    let mut sent = Vec::new();
    for second in 0..60 {
        let log = net.run_for(1_000);
        sent.extend(log.iter().filter(|line| line.starts_with("initialize→")).map(|_| second));
    }
    assert_eq!(sent, [0, 5, 15, 45], "seconds; one beside the first at a time");
}

#[test]
fn reconnect_gives_up_a_handshake_that_takes_longer_than_they_do() {
    let mut net = Net::new(Config { timeout_ms: 20_000, ..Config::default() });
    net.reply("initialize", Reply::Silence);
    net.connect();
    assert_eq!(net.run_for(6_000), ["initialize→…"]);
    let reconnect = net.session.reconnect(net.now);
    net.name(reconnect, "reconnect");
    let log = net.run();
    assert_eq!(log, ["initialize aborted", "initialize→200 s1", "initialized→202", "connect ok", "reconnect ok"]);
    // One that was begun just now is waited for.
    let mut net = Net::connected();
    net.restart();
    net.reply("initialize", Reply::Silence);
    net.call("write");
    net.run_for(1_000);
    net.session.reconnect(net.now);
    assert_eq!(net.run(), [""; 0]);
}

/// The first of all is bounded, too, however often somebody calls.
#[test]
fn a_first_handshake_that_is_lost_ends_and_another_is_made() {
    let mut net = Net::new(Config { timeout_ms: 10_000, unreachable: Unreachable::Wait, ..Config::default() });
    net.reply("initialize", Reply::Break);
    net.reply("initialize", Reply::Break);
    net.reply("initialize", Reply::Silence);
    net.connect();
    let mut log = Vec::new();
    for n in 0..15 {
        net.call(&format!("c{n}"));
        log.extend(net.run_for(2_000));
    }
    assert!(log.contains(&"c14 ok".to_owned()), "{log:?}");
}

/// One lost notification holds up nobody, whoever comes while it is waited for.
#[test]
fn a_lost_initialized_is_not_waited_for_by_whoever_comes_meanwhile() {
    let mut net = Net::connected();
    net.restart();
    net.reply("initialized", Reply::Silence);
    net.call("first");
    net.run();
    net.call("second");
    let log = net.run_for(2_000);
    assert!(log.contains(&"first ok".to_owned()) && log.contains(&"second ok".to_owned()), "{log:?}");
}

#[test]
fn the_late_answer_of_a_hedge_ends_no_session_that_is_in_use() {
    for (late, ends) in [("s1", false), ("s7", true)] {
        let mut net = Net::connected();
        net.one_id = true;
        net.restart();
        net.reply("initialize", Reply::Silence);
        net.call("write");
        assert!(net.run_for(6_000).contains(&"write ok".to_owned()));
        net.initialize_late(late);
        assert_eq!(net.run().contains(&"DELETE→404".to_owned()), ends, "{late}");
        assert!(net.live.contains("s1"));
    }
}

#[test]
fn a_session_that_lives_is_not_ended_with_the_one_that_is_not_needed() {
    for one_id in [true, false] {
        let mut net = Net::connected();
        net.one_id = one_id;
        net.reply("call", Reply::Break);
        net.reply("ping", Reply::Break);
        net.call_with("write", CallOptions { repeatable: true, ..CallOptions::default() });
        let log = net.run_for(5_000);
        assert!(log.contains(&"write ok".to_owned()), "{log:?}");
        assert_eq!(log.contains(&"DELETE→200".to_owned()), !one_id, "{log:?}");
        assert!(net.live.contains("s1"), "{log:?}");
    }
}
