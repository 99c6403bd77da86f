//! What the host's proxy says in its own name, in place of an answer of the server's.

use crate::net::{Net, Reply};
use mcp_evergreen::protocol::{CallOptions, Code, Config, Outcome};

/// Neither is the session lost, nor is the server asked whether it is.
#[test]
fn a_refusal_of_the_proxys_is_the_calls_alone_and_nothing_ran() {
    for (said, status) in [
        ("refused private_target", 403),
        ("refused not_authorized", 403),
        ("refused not_listed", 403),
        ("refused header_not_passed", 400),
        ("refused request_too_large", 413),
        ("refused something_new", 418),
    ] {
        let mut net = Net::connected();
        net.reply("call", Reply::Proxied(said, status));
        let call = net.call("write");
        assert_eq!(net.run(), [format!("call→{said}"), "write proxy not_executed".to_owned()]);
        let error = net.error(call);
        assert_eq!((error.http_status, error.retryable), (Some(status), false));
        assert_eq!(error.diagnosis.as_ref().map(|it| it.kind), Some("proxy_refused"));
        net.call("again");
        assert_eq!(net.run(), ["call→200", "again ok"]);
    }
}

#[test]
fn what_answers_in_the_proxys_place_may_stand_before_a_server_that_ran_the_call() {
    for status in [200, 302, 404, 413, 524] {
        let mut net = Net::connected();
        net.reply("call", Reply::Proxied("foreign", status));
        let call = net.call("write");
        assert_eq!(net.run(), ["call→foreign", "write proxy unknown"], "{status}");
        assert_eq!(net.error(call).diagnosis.as_ref().map(|it| it.kind), Some("not_a_proxy"));
    }
}

/// As without a proxy: a ping tells whether the session lives, and what is safe is sent once more.
#[test]
fn an_outage_behind_or_before_the_proxy_is_one() {
    for (said, status, kind) in [
        ("unreached", 0, "proxy_unreached"),
        ("foreign", 503, "not_a_proxy"),
        ("failed unreachable", 502, "proxy_failed"),
        ("failed timeout", 504, "proxy_failed"),
        ("refused unreachable", 502, "proxy_refused"),
    ] {
        let mut net = Net::connected();
        net.reply("call", Reply::Proxied(said, status));
        let call = net.call("write");
        assert_eq!(net.run(), [&format!("call→{said}"), "write network unknown", "ping→200"], "{said}");
        assert_eq!(net.error(call).diagnosis.as_ref().map(|it| it.kind), Some(kind));
        net.reply("list", Reply::Proxied(said, status));
        net.request("tools/list", None, CallOptions::default(), "list");
        assert_eq!(net.run(), [&format!("list→{said}"), "ping→200", "list→200", "list ok"], "{said}");
    }
}

#[test]
fn a_connect_that_the_proxy_refuses_ends_with_its_reason_and_one_that_meets_an_outage_tries_again() {
    let mut net = Net::new(Config::default());
    net.reply("initialize", Reply::Proxied("refused not_listed", 403));
    let connect = net.connect();
    assert_eq!(net.run(), ["initialize→refused not_listed", "connect proxy not_executed"]);
    let error = net.error(connect);
    assert_eq!((error.code, error.outcome), (Code::Proxy, Outcome::NotExecuted));
    assert!(error.message.contains("`targets`"), "{}", error.message);

    let mut net = Net::new(Config::default());
    net.reply("initialize", Reply::Proxied("failed unreachable", 502));
    net.connect();
    let log = net.run_for(5_000);
    assert_eq!(log, ["initialize→failed unreachable", "initialize→200 s1", "initialized→202", "connect ok"]);
}

/// A proxy whose credential has run out has another soon.
#[test]
fn a_stream_that_the_proxy_refuses_is_asked_for_again() {
    let mut net = Net::connected();
    net.reply("GET", Reply::Proxied("refused not_authorized", 403));
    net.reply("GET", Reply::Open(String::new()));
    net.session.set_listening(true, net.now);
    assert_eq!(net.run(), ["GET→refused not_authorized"]);
    assert_eq!(net.run_for(5_000), ["GET→200 stream"]);
}
