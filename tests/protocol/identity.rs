//! Whose session it is: credentials that change, and what belongs to those before.

use crate::net::Net;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use mcp_evergreen::protocol::config::{EraChoice, Listen};
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::status::Event;
use mcp_evergreen::protocol::{CallId, CallOptions, Config, Origin, PageChange};
use serde_json::{Value, json};

const ANN: (&str, &str) = ("authorization", "Bearer token-of-ann");
const BOB: (&str, &str) = ("authorization", "Bearer token-of-bob");
const MINUTE: u64 = 60_000;

fn config() -> Config {
    Config { listen: Listen::Never, fields_vary: true, ..Config::default() }
}

fn legacy(config: Config) -> Net {
    let mut net = Net::new(config);
    net.host_adds(&[ANN]);
    net.connect();
    net.run();
    net
}

fn modern(config: Config) -> Net {
    let mut net = Net::in_era(EraChoice::Modern, config);
    net.eras = &[Era::Modern];
    net.host_adds(&[ANN]);
    net.connect();
    net.run();
    net
}

fn read(net: &mut Net, options: CallOptions, text: &str) -> CallId {
    net.answer_next("resources/read", &json!({"ttlMs": 3_600_000, "resultType": "complete", "text": text}));
    net.request("resources/read", Some(&json!({"uri": "mail"})), options, "read")
}

fn text(net: &Net, call: CallId) -> &Value {
    &net.results[&call].as_ref().expect("a result")["text"]
}

#[test]
fn another_user_s_call_makes_a_session_of_its_own() {
    let mut net = legacy(config());
    net.call("a");
    assert_eq!(net.run(), ["call→200", "a ok"]);
    net.host_adds(&[BOB]);
    net.call("b");
    // The first call was not sent: it was taken back when its header fields were known.
    assert_eq!(net.run(), ["call aborted", "initialize→200 s2", "initialized→202", "call→200", "b ok"]);
    let last = net.sent.last().expect("sent");
    assert_eq!((last.session.as_deref(), net.executions.get("b")), (Some("s2"), Some(&1)));
    net.call("c");
    assert_eq!(net.run(), ["call→200", "c ok"]);
}

#[test]
fn credentials_that_change_again_and_again_make_one_session_a_minute() {
    let mut net = legacy(config());
    for user in 0..5 {
        net.host_adds(&[("authorization", &format!("Bearer token-{user}"))]);
        net.call("a");
        net.run();
    }
    let made = |net: &Net| net.sent.iter().filter(|sent| sent.name() == "initialize").count();
    assert_eq!(made(&net), 2);
    net.run_for(MINUTE);
    net.call("a");
    net.run();
    assert_eq!(made(&net), 3, "the session is not the latest user's yet");
    net.run_for(MINUTE);
    net.call("a");
    net.run();
    assert_eq!(made(&net), 3);
}

#[test]
fn who_is_named_by_the_host_stays_the_same_whatever_the_token() {
    let mut net = legacy(Config { identified: true, ..config() });
    net.host_adds(&[BOB]);
    net.call("a");
    assert_eq!(net.run(), ["call→200", "a ok"]);
    let mut net = modern(Config { identified: true, ..config() });
    let first = read(&mut net, CallOptions::default(), "ann's");
    net.run();
    net.host_adds(&[BOB]);
    let second = read(&mut net, CallOptions::default(), "bob's");
    assert_eq!(net.run(), ["read ok"]);
    assert_eq!((text(&net, first), text(&net, second)), (&json!("ann's"), &json!("ann's")));
}

#[test]
fn what_one_user_was_answered_no_other_is_given() {
    let mut net = modern(config());
    read(&mut net, CallOptions::default(), "ann's");
    assert_eq!(net.run(), ["resources/read→200", "read ok"]);
    let again = read(&mut net, CallOptions::default(), "not asked for");
    assert_eq!(net.run(), ["identify", "read ok"]);
    assert_eq!(text(&net, again), "ann's");
    for (fields, renews) in [
        (vec![("authorization", "Basic Ym9iOnNlY3JldA==")], true),
        (vec![("authorization", "basic Ym9iOm90aGVy")], false),
        (vec![("x-api-key", "of bob")], true),
        (vec![], false),
        (vec![("authorization", "DPoP 1")], false),
    ] {
        net.host_adds(&fields);
        let call = read(&mut net, CallOptions::default(), "fresh");
        let log = net.run();
        assert!(log.contains(&"resources/read→200".to_owned()), "{fields:?}: {log:?}");
        assert_eq!(log.contains(&"discover→200".to_owned()), renews, "{fields:?}: {log:?}");
        net.results.get(&call).expect("settled").as_ref().expect("a result");
    }
}

#[test]
fn fields_that_are_others_each_time_only_pass_the_cache_by() {
    let mut net = modern(config());
    for trace in 0..4 {
        net.host_adds(&[ANN, ("traceparent", &trace.to_string())]);
        read(&mut net, CallOptions::default(), "x");
        let log = net.run();
        assert_eq!(log.last().map(String::as_str), Some("read ok"));
        assert!(log.contains(&"resources/read→200".to_owned()) && !log.contains(&"discover→200".to_owned()), "{log:?}");
    }
}

#[test]
fn a_call_with_fields_of_its_own_passes_the_cache_by() {
    let mut net = modern(config());
    let own = || CallOptions { headers: vec![("x-user".to_owned(), "ann".to_owned())], ..CallOptions::default() };
    for options in [own(), CallOptions::default(), own()] {
        read(&mut net, options, "x");
        assert_eq!(net.run(), ["resources/read→200", "read ok"]);
    }
    read(&mut net, CallOptions::default(), "x");
    assert_eq!(net.run(), ["identify", "read ok"], "theirs took nobody's place");
}

#[test]
fn a_token_of_another_grant_makes_another_session_and_a_refreshed_one_does_not() {
    let mut net = Net::new(config());
    net.connect();
    net.run();
    net.session.handle_token(Some("token-1"), false);
    net.call("a");
    net.run();
    net.session.handle_token(Some("token-2"), true);
    net.call("b");
    assert_eq!(net.run(), ["call→200", "b ok"]);
    net.session.handle_token(Some("token-3"), false);
    net.call("c");
    assert_eq!(net.run(), ["initialize→200 s2", "initialized→202", "call→200", "c ok"]);
}

#[test]
fn a_grant_that_another_session_gave_up_takes_the_session_and_what_was_cached_along() {
    let mut net = Net::new(config());
    net.session.handle_token(Some("token-1"), false);
    net.connect();
    net.run();
    net.session.handle_token(None, false);
    net.call("a");
    assert_eq!(net.run(), ["initialize→200 s2", "initialized→202", "call→200", "a ok"]);
    let mut net = Net::in_era(EraChoice::Modern, config());
    net.eras = &[Era::Modern];
    net.session.handle_token(Some("token-1"), false);
    net.connect();
    net.run();
    read(&mut net, CallOptions::default(), "ann's");
    net.run();
    net.session.handle_token(None, false);
    let again = read(&mut net, CallOptions::default(), "nobody's");
    net.run();
    assert_eq!(text(&net, again), "nobody's");
}

/// What a page that is left keeps of its session.
fn kept_by_ann(config: Config) -> String {
    let mut net = legacy(config);
    net.session.handle_page(PageChange::Leaving, net.now);
    net.run();
    let record =
        net.events.iter().find_map(|event| if let Event::Keep { record } = event { Some(record) } else { None });
    record.expect("kept").clone()
}

#[test]
fn what_was_kept_for_a_later_page_belongs_to_whoever_was_signed_in() {
    let keeps = || Config { persists: true, ..config() };
    let record = kept_by_ann(keeps());
    assert!(!record.contains("token-of-ann"));
    for (who, log) in [
        (ANN, vec!["identify", "connect ok", "call→200", "a ok"]),
        (BOB, vec!["identify", "initialize→200 s2", "initialized→202", "connect ok", "call→200", "a ok"]),
    ] {
        let mut net = Net::new(keeps());
        net.occupy("s1");
        net.host_adds(&[who]);
        assert!(net.session.take_up_record(&record, net.now));
        // Nothing of it is shown before it is known whose it is.
        let status = net.status();
        assert_eq!((status.generation, status.handshake, status.session_tag), (0, None, None));
        assert_eq!(net.session.record(net.now).as_ref(), Some(&record), "a page that ends now puts it back");
        net.connect();
        net.call("a");
        assert_eq!(net.run(), log, "{who:?}");
        let taken_up = net.events.iter().any(|event| matches!(event, Event::TakenUp));
        assert_eq!(taken_up, who == ANN);
        let under = net.sent.last().expect("sent").session.clone();
        assert_eq!(under.as_deref(), Some(if who == ANN { "s1" } else { "s2" }));
    }
}

/// The host's `headers` is asked who is signed in, and never settles: nobody waits for it for long.
#[test]
fn a_host_that_does_not_say_who_is_signed_in_holds_up_nobody_for_long() {
    let keeps = || Config { persists: true, ..config() };
    let record = kept_by_ann(keeps());
    let mut net = Net::new(keeps());
    net.occupy("s1");
    net.settles = false;
    assert!(net.session.take_up_record(&record, net.now));
    net.connect();
    assert_eq!(net.run_for(4_900), ["identify"]);
    let log = net.run_for(200);
    assert_eq!(log, ["initialize→200 s2", "initialized→202", "connect ok"], "it may be somebody else's");
    assert!(net.events.iter().any(|event| matches!(event, Event::Warning { kind: "slow_headers", .. })));

    let mut net = modern(config());
    net.host_adds(&[ANN]);
    read(&mut net, CallOptions::default(), "first");
    net.run();
    net.settles = false;
    for _ in 0..2 {
        read(&mut net, CallOptions { timeout_ms: Some(20_000), ..CallOptions::default() }, "again");
        assert_eq!(net.run_for(4_900), ["identify"]);
        assert!(net.run_for(200).contains(&"read ok".to_owned()), "the server is asked");
    }
}

#[test]
fn an_answer_to_an_older_question_never_replaces_a_newer_one() {
    let list = |ttl: u64, name: &str| json!({"resultType": "complete", "ttlMs": ttl, "tools": [{"name": name, "inputSchema": {"type": "object"}}]});
    for newer_ttl in [60_000, 0] {
        let mut net = modern(Config { fields_vary: false, ..config() });
        net.reply("list", crate::net::Reply::Silence);
        net.request("tools/list", None, CallOptions::default(), "old");
        net.run();
        let older = net.sent.last().expect("sent").clone();
        net.answer_next("list", &list(newer_ttl, "new"));
        net.request("tools/list", None, CallOptions { reload: true, ..CallOptions::default() }, "new");
        net.run();
        let body = json!({"jsonrpc": "2.0", "id": older.body["id"], "result": list(60_000, "old")});
        net.answer_to(older.exchange, &body);
        net.run();
        net.answer_next("list", &list(0, "fresh"));
        let third = net.request("tools/list", None, CallOptions::default(), "third");
        net.run();
        let name = &net.results[&third].as_ref().expect("a result")["tools"][0]["name"];
        assert_eq!(name, if newer_ttl > 0 { "new" } else { "fresh" });
    }
}

#[test]
fn what_was_asked_before_a_change_was_told_is_not_kept() {
    let mut net = modern(Config { listen: Listen::Auto, fields_vary: false, ..Config::default() });
    net.capabilities = json!({"resources": {"subscribe": true}});
    net.reply("resources/read", crate::net::Reply::Silence);
    net.request("resources/read", Some(&json!({"uri": "mail"})), CallOptions::default(), "old");
    net.request("resources/subscribe", Some(&json!({"uri": "mail"})), CallOptions::default(), "subscribe");
    net.run();
    let older = net.sent.iter().find(|sent| sent.name() == "resources/read").expect("sent").clone();
    let stream = net.sent.iter().rev().find(|sent| sent.name() == "listen").expect("sent").clone();
    let meta = json!({"io.modelcontextprotocol/subscriptionId": stream.body["id"]});
    let params = json!({"uri": "mail", "_meta": meta});
    net.events(stream.exchange, &crate::net::event("notifications/resources/updated", &params));
    let result = json!({"resultType": "complete", "ttlMs": 60_000, "text": "before"});
    net.answer_to(older.exchange, &json!({"jsonrpc": "2.0", "id": older.body["id"], "result": result}));
    net.run();
    let second = read(&mut net, CallOptions::default(), "after");
    net.run();
    assert_eq!(text(&net, second), "after");
}

#[test]
fn results_are_kept_for_a_day_at_most_and_large_ones_not_at_all() {
    let mut net = modern(Config { fields_vary: false, ..config() });
    net.answer_next("resources/read", &json!({"ttlMs": 1e18, "resultType": "complete"}));
    net.request("resources/read", Some(&json!({"uri": "a"})), CallOptions::default(), "read");
    net.run();
    net.run_for(24 * 60 * MINUTE - 1_000);
    net.request("resources/read", Some(&json!({"uri": "a"})), CallOptions::default(), "read");
    assert_eq!(net.run(), ["read ok"]);
    net.run_for(2_000);
    net.request("resources/read", Some(&json!({"uri": "a"})), CallOptions::default(), "read");
    assert_eq!(net.run(), ["resources/read→200", "read ok"]);
    for (size, times) in [(3 << 20, 1), (5 << 20, 2)] {
        let result = json!({"ttlMs": 60_000, "resultType": "complete", "text": "x".repeat(size)});
        for _ in 0..times {
            net.answer_next("resources/read", &result);
            net.request("resources/read", Some(&json!({"uri": size.to_string()})), CallOptions::default(), "read");
            assert_eq!(net.run(), ["resources/read→200", "read ok"]);
        }
    }
}

#[test]
fn a_change_concerns_the_resource_that_it_names_and_nothing_that_looks_like_it() {
    let mut net = modern(Config { listen: Listen::Auto, fields_vary: false, ..Config::default() });
    for uri in ["demo://a", "demo://b", "other://demo"] {
        let params = json!({"uri": uri, "note": "demo://a"});
        net.answer_next("resources/read", &json!({"ttlMs": 60_000, "resultType": "complete"}));
        net.request("resources/read", Some(&params), CallOptions::default(), "read");
    }
    net.request("resources/subscribe", Some(&json!({"uri": "demo://a"})), CallOptions::default(), "subscribe");
    net.run();
    let stream = net.sent.iter().rev().find(|sent| sent.name() == "listen").expect("sent").clone();
    let meta = json!({"io.modelcontextprotocol/subscriptionId": stream.body["id"]});
    // A resource that is a part of the one that was read.
    let params = json!({"uri": "demo://a/part", "_meta": meta});
    net.events(stream.exchange, &crate::net::event("notifications/resources/updated", &params));
    for (uri, log) in [
        ("demo://a", vec!["resources/read→200", "read ok"]),
        ("demo://b", vec!["read ok"]),
        ("other://demo", vec!["read ok"]),
    ] {
        net.request("resources/read", Some(&json!({"uri": uri, "note": "demo://a"})), CallOptions::default(), "read");
        assert_eq!(net.run(), log, "{uri}");
    }
}

#[test]
fn what_a_host_answers_by_itself_is_not_kept() {
    let mut net = modern(Config { fields_vary: false, ..config() });
    for text in ["one", "two"] {
        net.answer_next("resources/read", &json!({"ttlMs": 60_000, "resultType": "complete", "text": text}));
        let params = json!({"uri": "a", "requestState": "S", "inputResponses": {"k": {"action": "accept"}}});
        net.request("resources/read", Some(&params), CallOptions::default(), "read");
        assert_eq!(net.run(), ["resources/read→200", "read ok"]);
    }
}

/// What went out with a session's id, and not with the credentials of the `initialize` that made it.
fn strayed(net: &Net) -> Vec<String> {
    let mut made = std::collections::BTreeMap::new();
    let mut handshakes = net.sent.iter().filter(|sent| sent.name() == "initialize");
    for id in &net.made_by {
        made.insert(id.0.clone(), handshakes.find(|sent| sent.exchange == id.1).map(|sent| sent.fields.clone()));
    }
    let stray = |sent: &&crate::net::Sent| {
        sent.session.as_ref().is_some_and(|id| made.get(id).is_none_or(|by| by.as_ref() != Some(&sent.fields)))
    };
    net.sent
        .iter()
        .filter(stray)
        .map(|sent| format!("{} under {:?} with {}", sent.name(), sent.session, sent.fields))
        .collect()
}

#[test]
fn calls_that_are_made_together_after_a_change_all_get_the_session_of_their_user() {
    for before in [0, 1] {
        let mut net = legacy(Config { listen: Listen::Always, ..config() });
        for _ in 0..before {
            net.call("a");
        }
        net.run();
        net.host_adds(&[BOB]);
        for tool in ["b", "c", "d"] {
            net.call(tool);
        }
        net.notify("notifications/x");
        net.session.verify(net.now);
        net.run();
        assert_eq!(strayed(&net), [] as [&str; 0]);
        for tool in ["b", "c", "d"] {
            assert_eq!(net.executions.get(tool), Some(&1), "{tool}");
        }
        assert_eq!(net.sent.iter().filter(|sent| sent.name() == "initialize").count(), 2);
    }
}

#[test]
fn a_user_who_leaves_takes_the_session_along() {
    let mut net = legacy(config());
    net.host_adds(&[]);
    net.call("a");
    assert_eq!(net.run(), ["call aborted", "initialize→200 s2", "initialized→202", "call→200", "a ok"]);
    // Whoever signs in then does not wait.
    net.host_adds(&[BOB]);
    net.call("b");
    assert_eq!(net.run(), ["call aborted", "initialize→200 s3", "initialized→202", "call→200", "b ok"]);
    assert_eq!(strayed(&net), [] as [&str; 0]);
}

#[test]
fn a_call_of_a_third_user_waits_for_its_minute_or_fails_where_it_has_not_twice_the_time() {
    let mut net = legacy(config());
    net.host_adds(&[BOB]);
    net.call("a");
    net.run();
    net.run_for(40_000);
    net.host_adds(&[("authorization", "Bearer token-of-cid")]);
    let hasty = net.call_with("b", CallOptions { timeout_ms: Some(30_000), ..CallOptions::default() });
    net.call("c");
    net.notify("notifications/x");
    assert_eq!(net.run(), ["call aborted", "b invalid_option not_executed", "call aborted", "x aborted"]);
    assert!(net.error(hasty).message.contains("identity"), "{}", net.error(hasty).message);
    assert_eq!(net.warnings(), ["changing_credentials"]);
    assert_eq!(net.run_for(15_000), [] as [&str; 0]);
    assert_eq!(
        net.run_for(10_000),
        ["call aborted", "x aborted", "initialize→200 s3", "initialized→202", "call→200", "c ok", "x→202", "x ok"]
    );
    assert_eq!(strayed(&net), [] as [&str; 0]);
    // Whoever comes back meanwhile goes on at once.
    net.run_for(1_000);
    net.host_adds(&[ANN]);
    net.call("d");
    net.run();
    net.host_adds(&[("authorization", "Bearer token-of-cid")]);
    net.call("e");
    assert_eq!(net.run(), ["call→200", "e ok"]);
}

#[test]
fn credentials_that_change_during_the_handshake_make_it_anew_once() {
    let mut net = Net::new(config());
    net.host_adds(&[ANN]);
    net.lags = true;
    net.connect();
    net.flush();
    net.leave(0);
    net.step();
    net.host_adds(&[BOB]);
    net.lags = false;
    assert_eq!(
        net.run(),
        ["initialize→200 s1", "initialized aborted", "initialize→200 s2", "initialized→202", "connect ok"]
    );
    assert_eq!(strayed(&net), [] as [&str; 0]);
}

/// The payload of a JSON Web Token, between what is not looked at.
fn jwt(claims: &Value) -> String {
    format!("Bearer e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
}

#[test]
fn a_token_that_says_for_whom_it_is_is_the_same_user_s_when_it_is_renewed() {
    for (other, same) in [
        (json!({"iss": "i", "sub": "ann", "iat": 2, "exp": 3, "jti": "y"}), true),
        (json!({"iss": "i", "sub": "bob", "iat": 2, "exp": 3, "jti": "y"}), false),
        (json!({"iss": "j", "sub": "ann", "iat": 2, "exp": 3, "jti": "y"}), false),
        (json!({"iss": "i", "sub": "ann", "iat": 2, "exp": 3, "jti": "y", "org": "another"}), false),
    ] {
        let mut net = Net::new(config());
        net.host_adds(&[("authorization", &jwt(&json!({"iss": "i", "sub": "ann", "iat": 1, "exp": 2, "jti": "x"})))]);
        net.connect();
        net.run();
        net.host_adds(&[("authorization", &jwt(&other))]);
        net.call("a");
        assert_eq!(net.run().contains(&"initialize→200 s2".to_owned()), !same, "{other}");
    }
    // Without a subject they are two tokens.
    let mut net = Net::new(config());
    net.host_adds(&[("authorization", &jwt(&json!({"iss": "i", "jti": "x"})))]);
    net.connect();
    net.run();
    net.host_adds(&[("authorization", &jwt(&json!({"iss": "i", "jti": "y"})))]);
    net.call("a");
    assert!(net.run().contains(&"initialize→200 s2".to_owned()));
}

#[test]
fn no_request_goes_out_under_the_session_of_another_whatever_the_order() {
    let users: [&[(&str, &str)]; 4] = [&[ANN], &[BOB], &[], &[("authorization", "Basic Y2lkOnNlY3JldA==")]];
    let mut changes = 0;
    let (mut executed, mut answered) = (0, 0);
    for seed in 0..400 {
        let mut dice = fastrand::Rng::with_seed(seed);
        let listen = *dice.choice([Listen::Never, Listen::Always].iter()).expect("one");
        let mut net = Net::new(Config { listen, ..config() });
        net.session.set_handled("roots/list".to_owned());
        net.lags = true;
        net.host_adds(users[0]);
        net.connect();
        for _ in 0..120 {
            match dice.u32(0..20) {
                0..6 => {
                    net.call("a");
                }
                6 => {
                    net.notify("notifications/x");
                }
                7 => {
                    net.request(
                        "resources/subscribe",
                        Some(&json!({"uri": "x:1"})),
                        CallOptions::default(),
                        "subscribe",
                    );
                }
                8 => {
                    let id = net.session.verify(net.now);
                    net.name(id, "verify");
                }
                9 => net.restart(),
                10 => {
                    net.host_adds(users[dice.usize(0..4)]);
                    changes += 1;
                }
                12 => {
                    net.run_for(*dice.choice([10, 1_000, 61_000].iter()).expect("one"));
                }
                13 => {
                    let id = net.session.reconnect(net.now);
                    net.name(id, "reconnect");
                }
                11 => {
                    let asks = json!({"jsonrpc": "2.0", "id": 1, "method": "roots/list"});
                    net.reply("call", crate::net::Reply::Stream(format!("id: 1\ndata: {asks}\n\n")));
                    net.call("a");
                }
                14 if !net.questions.is_empty() => {
                    let (question, _) = net.questions.remove(0);
                    net.session.answer(question, Ok("{}".to_owned()), net.now);
                    answered += 1;
                }
                // The fields of one request are known, or the server answers one.
                15..18 => {
                    net.flush();
                    if net.leaving() > 0 {
                        net.leave(dice.usize(0..net.leaving()));
                    }
                }
                _ => {
                    net.flush();
                    while net.leave(dice.usize(0..net.leaving().max(1))) {}
                    net.run();
                }
            }
        }
        net.session.close(true, net.now);
        net.lags = false;
        net.run_for(10 * MINUTE);
        assert_eq!(strayed(&net), [] as [&str; 0], "seed {seed}");
        executed += net.executions.get("a").copied().unwrap_or_default();
    }
    assert!(changes > 1_000 && executed > 1_000 && answered > 300, "{changes} {executed} {answered}");
}

#[test]
fn the_next_token_of_a_grant_that_has_a_name_is_nobody_elses_whoever_got_it() {
    let origin = |grant: &str| Origin { grant: Some(grant.to_owned()), ..Origin::default() };
    let mut net = Net::new(config());
    net.session.handle_origin(origin("grant-1"));
    net.session.handle_token(Some("token-1"), false);
    net.connect();
    net.run();
    // Another tab has refreshed it: this one cannot know that it did.
    net.session.handle_origin(origin("grant-1"));
    net.session.handle_token(Some("token-2"), false);
    net.call("a");
    assert_eq!(net.run(), ["call→200", "a ok"]);
    net.session.handle_origin(origin("grant-2"));
    net.session.handle_token(Some("token-3"), false);
    net.call("b");
    assert_eq!(net.run(), ["initialize→200 s2", "initialized→202", "call→200", "b ok"]);
}

#[test]
fn a_user_who_signs_in_again_and_again_has_a_session_at_once_each_time() {
    let mut net = Net::new(config());
    net.session.handle_token(Some("token-1"), false);
    net.connect();
    net.run();
    for login in 2..6 {
        net.session.handle_origin(Origin { grant: Some(format!("login-{login}")), ..Origin::default() });
        net.session.handle_token(Some(&format!("token-{login}")), false);
        net.call("a");
        let made = format!("initialize→200 s{login}");
        assert_eq!(net.run(), [made.as_str(), "initialized→202", "call→200", "a ok"]);
    }
    assert_eq!((net.warnings(), strayed(&net)), (vec![], vec![]));
    // A token of nobody knows which grant may change by itself.
    for token in ["token-6", "token-7"] {
        net.session.handle_origin(Origin::default());
        net.session.handle_token(Some(token), false);
        net.call("a");
        net.run();
    }
    assert_eq!(net.warnings(), ["changing_credentials"]);
}
