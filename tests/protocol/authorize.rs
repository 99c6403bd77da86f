//! A token that is missing, refused or too narrow is mended as a session is: once, for all who wait.

mod found;
mod modern;
mod outdated;
mod sign_in;

use crate::net::{Net, Reply};
use mcp_evergreen::protocol::config::EraChoice;
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::http::Head;
use mcp_evergreen::protocol::status::Phase;
use mcp_evergreen::protocol::{Authorized, CallOptions, Challenge, Code, Config, Error, Origin, Outcome};
use serde_json::{Value, json};

const GRANTED: Authorized<Value> = Authorized::Granted { refresh_at_unix_ms: None, same: true };

fn config() -> Config {
    Config { authorizes: true, ..Config::default() }
}

fn failed() -> Authorized<Value> {
    Authorized::Failed(Box::new(Error::new(Code::Auth, Outcome::NotExecuted, "The user declined.")))
}

/// A session whose token is the first that the server takes.
fn connected() -> Net {
    let mut net = Net::new(config());
    net.valid_token = Some(0);
    net.connect();
    assert_eq!(net.run(), ["authorize load", "initialize→200 s1", "initialized→202", "connect ok"]);
    net
}

fn refusal(status: u16, challenge: &str) -> Reply {
    let head = Head { www_authenticate: Some(challenge.to_owned()), ..Head::default() };
    Reply::With(status, "text/plain", "no".to_owned(), head)
}

fn narrow() -> Reply {
    refusal(403, r#"Bearer error="insufficient_scope", scope="write""#)
}

#[test]
fn the_first_401_asks_the_user_and_the_handshake_goes_on() {
    let mut net = Net::new(config());
    net.valid_token = Some(1);
    net.authorizations = [GRANTED, GRANTED].into();
    net.connect();
    let log = net.run();
    assert_eq!(log[..3], ["authorize load", "initialize→401", "initialize aborted"]);
    assert_eq!(log[3..], ["authorize 401", "initialize→200 s1", "initialized→202", "connect ok"]);
}

#[test]
fn while_the_user_is_asked_the_session_waits_and_no_clock_runs() {
    let mut net = Net::new(config());
    net.valid_token = Some(1);
    net.connect();
    net.run();
    net.session.handle_user_asked(net.now);
    assert_eq!((net.phase(), net.status().waiting_for.map(|waiting| waiting.why)), (Phase::Waiting, Some("sign-in")));
    assert_eq!(net.run_for(600_000), [""; 0]);
    net.authorized(GRANTED);
    assert_eq!(net.run(), ["initialize→200 s1", "initialized→202", "connect ok"]);
    assert_eq!(net.phase(), Phase::Ready);
}

#[test]
fn the_clock_of_a_call_goes_on_once_the_user_has_authorized() {
    let mut net = connected();
    net.valid_token = Some(1);
    net.call("slow");
    net.run();
    net.session.handle_user_asked(net.now);
    net.run_for(600_000);
    net.reply("call", Reply::Silence);
    net.authorized(GRANTED);
    let log = net.run_for(61_000);
    assert_eq!(log[..3], ["call→…", "slow timeout unknown", "call aborted"]);
}

#[test]
fn a_total_bound_runs_on_while_the_user_is_asked() {
    let mut net = connected();
    net.valid_token = Some(1);
    net.call_with("slow", CallOptions { max_total_timeout_ms: Some(5_000), ..CallOptions::default() });
    assert_eq!(net.run(), ["call→401", "authorize 401"]);
    net.session.handle_user_asked(net.now);
    assert_eq!(net.run_for(6_000), ["authorize given up", "slow timeout not_executed"]);
}

#[test]
fn an_authorization_server_that_does_not_answer_is_what_a_late_call_is_told_of() {
    let told = |net: &Net| -> Vec<String> {
        net.results.values().filter_map(|result| Some(result.as_ref().err()?.message.clone())).collect()
    };
    // The token endpoint hangs; or the user takes a while.
    for (is_user, why) in
        [(false, "the authorization server has given no token"), (true, "the user has not authorized")]
    {
        let mut net = connected();
        net.valid_token = Some(1);
        net.call_with("slow", CallOptions { max_total_timeout_ms: Some(5_000), ..CallOptions::default() });
        assert_eq!(net.run(), ["call→401", "authorize 401"]);
        net.call_with("late", CallOptions { max_total_timeout_ms: Some(4_000), ..CallOptions::default() });
        if is_user {
            net.session.handle_user_asked(net.now);
        }
        let mut log = net.run_for(6_000);
        assert_eq!(
            log.iter().position(|line| line == "authorize given up").map(|at| log.remove(at)).is_some(),
            is_user
        );
        assert_eq!(log, ["late timeout not_executed", "slow timeout not_executed"]);
        assert!(told(&net).iter().all(|message| message.contains(why)), "{:?}", told(&net));
    }
    // Before there is a session.
    let mut net = Net::new(config());
    net.valid_token = Some(1);
    net.connect();
    net.run_for(61_000);
    assert!(told(&net).iter().all(|message| message.contains("the authorization server")), "{:?}", told(&net));
    assert_eq!(told(&net).len(), 1);
    // A wider token, which another call waits for, keeps nobody up.
    let mut net = connected();
    net.reply("call", narrow());
    net.call("wide");
    net.run();
    net.reply("call", Reply::Silence);
    net.call("slow");
    net.run_for(61_000);
    let silent = told(&net).iter().filter(|message| message.contains("The server was told")).count();
    assert_eq!(silent, 1, "{:?}", told(&net));
}

#[test]
fn twenty_refusals_start_one_authorization() {
    let mut net = connected();
    net.valid_token = Some(1);
    for _ in 0..20 {
        net.call("write");
    }
    let log = net.run();
    assert_eq!(log.iter().filter(|line| *line == "call→401").count(), 20);
    assert_eq!(log.iter().filter(|line| *line == "authorize 401").count(), 1);
    net.authorized(GRANTED);
    let log = net.run();
    assert_eq!(log.iter().filter(|line| *line == "write ok").count(), 20);
    assert_eq!(net.executions["write"], 20);
}

#[test]
fn an_evicted_session_and_an_expired_token_heal_together() {
    let mut net = connected();
    net.valid_token = Some(1);
    net.restart();
    net.authorizations = [GRANTED].into();
    for _ in 0..20 {
        net.call("write");
    }
    let log = net.run();
    let count = |what: &str| log.iter().filter(|line| line.starts_with(what)).count();
    assert_eq!((count("authorize"), count("initialize→200"), count("write ok")), (1, 1, 20), "{log:?}");
    assert_eq!(net.executions["write"], 20);
}

#[test]
fn a_401_to_the_new_handshake_leads_to_authorization_and_then_goes_on() {
    let mut net = connected();
    net.restart();
    net.reply("call", Reply::error(404, -32001, "Session not found"));
    net.valid_token = Some(1);
    net.authorizations = [GRANTED].into();
    net.call("write");
    let log = net.run();
    assert_eq!(log[..4], ["call→404", "initialize→401", "initialize aborted", "authorize 401"]);
    assert_eq!(log[4..], ["initialize→200 s2", "initialized→202", "call→200", "write ok"]);
}

#[test]
fn a_401_to_initialized_keeps_the_new_session() {
    let mut net = Net::new(config());
    net.reply("initialized", refusal(401, "Bearer"));
    net.authorizations = [GRANTED, GRANTED].into();
    net.connect();
    let log = net.run();
    assert_eq!(log[2..], ["initialized→401", "initialized aborted", "authorize 401", "initialized→202", "connect ok"]);
}

#[test]
fn a_401_with_session_words_and_no_word_of_credentials_is_an_eviction() {
    let mut net = connected();
    net.restart();
    net.refusal = Reply::text(401, "Unauthorized: Session not found");
    net.call("write");
    let log = net.run();
    assert_eq!(log, ["call→401", "ping→401", "initialize→200 s2", "initialized→202", "call→200", "write ok"]);
}

/// A copy that was delivered once more may have met the end of the token, after the first one ran.
#[test]
fn a_token_that_is_refused_late_is_mended_and_what_is_not_safe_is_not_sent_again() {
    let late = |repeatable| {
        let mut net = connected();
        net.valid_token = Some(1);
        net.authorizations = [GRANTED].into();
        net.latency = 3_000;
        net.call_with("write", CallOptions { repeatable, ..CallOptions::default() });
        net
    };
    let ends = ["call→401", "ping→401", "ping aborted", "authorize 401", "ping→200", "write unauthorized unknown"];
    assert_eq!(late(false).run(), ends);
    assert_eq!(late(true).run(), ["call→401", "authorize 401", "call→200", "write ok"]);
}

#[test]
fn a_late_401_for_an_old_token_starts_no_authorization() {
    let mut net = connected();
    net.reply("call", Reply::Silence);
    net.call("slow");
    net.run();
    net.valid_token = Some(1);
    net.authorizations = [GRANTED].into();
    net.call("write");
    assert_eq!(net.run(), ["call→401", "authorize 401", "call→200", "write ok"]);
    net.answer_late("slow", Reply::text(401, "no"));
    assert_eq!(net.run(), ["call→200", "slow ok"]);
}

#[test]
fn a_new_token_that_is_refused_as_well_is_an_error_and_asks_nobody_again() {
    let mut net = connected();
    net.reply("call", refusal(401, "Bearer"));
    net.reply("call", refusal(401, "Bearer"));
    net.reply("call", refusal(401, "Bearer"));
    net.authorizations = [GRANTED].into();
    net.call("write");
    assert_eq!(net.run(), ["call→401", "authorize 401", "call→401", "ping→200", "write unauthorized not_executed"]);
    net.call("again");
    assert_eq!(net.run(), ["call→401", "again unauthorized not_executed"]);
}

#[test]
fn a_scope_that_is_missing_is_asked_for_once() {
    let mut net = connected();
    net.reply("call", narrow());
    net.authorizations = [GRANTED].into();
    net.call("write");
    assert_eq!(net.run(), ["call→403", "authorize 403", "call→200", "write ok"]);
    for _ in 0..3 {
        net.reply("call", narrow());
    }
    net.call("write");
    assert_eq!(
        net.run(),
        ["call→403", "ping→200", "write http not_executed"],
        "a wider token was got for this, and is not enough"
    );
}

#[test]
fn a_403_about_anything_else_is_the_answer() {
    let mut net = connected();
    net.reply("call", refusal(403, r#"Bearer error="invalid_request""#));
    net.call("write");
    assert_eq!(net.run(), ["call→403", "ping→200", "write http not_executed"]);
}

#[test]
fn calls_go_on_under_the_token_while_a_wider_one_is_got() {
    let mut net = connected();
    net.reply("call", narrow());
    net.call("write");
    assert_eq!(net.run(), ["call→403", "authorize 403"]);
    net.call("read");
    assert_eq!(net.run(), ["call→200", "read ok"]);
    net.authorized(GRANTED);
    assert_eq!(net.run(), ["call→200", "write ok"]);
}

#[test]
fn a_user_who_declines_fails_the_calls_and_is_asked_again_by_the_next() {
    let mut net = connected();
    net.valid_token = Some(1);
    net.authorizations = [failed()].into();
    net.call("write");
    assert_eq!(net.run(), ["call→401", "authorize 401", "write auth not_executed"]);
    assert_eq!(net.run_for(600_000), [""; 0]);
    net.authorizations = [GRANTED].into();
    net.call("write");
    assert_eq!(net.run(), ["call→401", "authorize 401", "call→200", "write ok"]);
}

#[test]
fn a_user_who_declines_while_the_session_is_made_anew_is_not_asked_in_the_background() {
    let mut net = connected();
    net.restart();
    net.reply("call", Reply::error(404, -32001, "Session not found"));
    net.valid_token = Some(1);
    net.authorizations = [failed()].into();
    net.call("write");
    let log = net.run();
    assert_eq!(log.last().map(String::as_str), Some("write auth unknown"), "{log:?}");
    assert_eq!(net.phase(), Phase::Waiting);
    assert_eq!(net.status().waiting_for.map(|waiting| waiting.until_unix_ms), Some(None));
    assert_eq!(net.run_for(3_600_000), [""; 0]);
    net.authorizations = [GRANTED].into();
    net.call("write");
    let log = net.run();
    assert_eq!(log[..3], ["initialize→401", "initialize aborted", "authorize 401"]);
    assert_eq!(log.last().map(String::as_str), Some("write ok"));
}

#[test]
fn a_user_who_declines_at_first_ends_connect() {
    let mut net = Net::new(config());
    net.valid_token = Some(1);
    net.authorizations = [GRANTED, failed()].into();
    net.connect();
    let log = net.run();
    assert_eq!(log[3..], ["authorize 401", "connect auth not_executed"]);
    assert_eq!(net.phase(), Phase::Closed);
}

#[test]
fn a_user_who_comes_back_with_a_refusal_ends_connect_and_is_not_sent_away_again() {
    let mut net = Net::new(config());
    net.valid_token = Some(1);
    net.authorizations = [failed()].into();
    net.connect();
    assert_eq!(net.run(), ["authorize load", "connect auth not_executed"]);
    assert_eq!(net.phase(), Phase::Closed);
}

#[test]
fn a_token_is_refreshed_before_it_expires() {
    let mut net = Net::new(config());
    let refresh_at_unix_ms = Some(net.now.unix_ms + 60_000);
    net.authorizations = [Authorized::Granted { refresh_at_unix_ms, same: true }].into();
    net.connect();
    net.run();
    net.call("early");
    assert_eq!(net.run(), ["call→200", "early ok"]);
    net.run_for(60_000);
    net.call("write");
    net.call("write");
    assert_eq!(net.run(), ["authorize load", "call→200", "write ok", "call→200", "write ok"]);
    net.call("late");
    assert_eq!(net.run(), ["call→200", "late ok"], "what cannot be refreshed is not tried again for each call");
}

#[test]
fn a_refresh_that_failed_is_not_tried_again_before_the_token_is_refused() {
    let mut net = Net::new(config());
    let refresh_at_unix_ms = Some(net.now.unix_ms + 60_000);
    net.authorizations = [Authorized::Granted { refresh_at_unix_ms, same: true }, failed()].into();
    net.connect();
    net.run();
    net.run_for(60_000);
    net.call("first");
    assert_eq!(net.run(), ["authorize load", "first auth not_executed"]);
    net.call("second");
    assert_eq!(net.run(), ["call→200", "second ok"]);
}

#[test]
fn what_is_not_wanted_any_more_is_not_sent_once_there_is_a_token() {
    let mut net = connected();
    net.valid_token = Some(1);
    net.session.set_listening(true, net.now);
    assert_eq!(net.run(), ["GET→401", "GET aborted", "authorize 401 quietly"]);
    net.session.set_listening(false, net.now);
    net.authorized(GRANTED);
    assert_eq!(net.run(), [""; 0]);
}

#[test]
fn a_stream_of_the_background_asks_no_user_until_a_call_waits() {
    let mut net = connected();
    net.reply("GET", refusal(401, "Bearer"));
    net.authorizations = [Authorized::NeedsUser].into();
    net.session.set_listening(true, net.now);
    assert_eq!(net.run(), ["GET→401", "GET aborted", "authorize 401 quietly"]);
    assert_eq!(net.run_for(3_600_000), [""; 0], "nobody waits");
    net.valid_token = Some(1);
    net.call("write");
    assert_eq!(net.run(), ["call→401", "authorize 401"]);
    net.authorized(GRANTED);
    assert_eq!(net.run(), ["call→200", "write ok", "GET→405"]);
}

#[test]
fn a_call_that_comes_while_a_refresh_is_tried_in_the_background_may_ask_the_user() {
    let mut net = connected();
    net.valid_token = Some(1);
    net.session.set_listening(true, net.now);
    assert_eq!(net.run(), ["GET→401", "GET aborted", "authorize 401 quietly"]);
    net.call("write");
    assert_eq!(net.run(), [""; 0]);
    net.authorized(Authorized::NeedsUser);
    assert_eq!(net.run(), ["authorize 401"]);
    net.authorized(GRANTED);
    assert_eq!(net.run(), ["GET→405", "call→200", "write ok"]);
}

#[test]
fn a_close_ends_the_authorization() {
    let mut net = connected();
    net.valid_token = Some(1);
    net.call("write");
    net.run();
    net.session.handle_user_asked(net.now);
    net.session.close(true, net.now);
    assert_eq!(net.run(), ["write closed not_executed", "DELETE→401", "? ok"]);
    net.authorized(GRANTED);
    assert_eq!(net.run(), [""; 0]);
    assert_eq!(net.phase(), Phase::Closed);
}

#[test]
fn what_is_sent_again_has_a_new_id() {
    let mut net = Net::new(config());
    net.valid_token = Some(1);
    net.authorizations = [GRANTED, GRANTED].into();
    net.connect();
    net.run();
    let ids: Vec<_> = net.sent.iter().filter(|sent| sent.name() == "initialize").map(|sent| &sent.body["id"]).collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
    assert_eq!(net.sent[1].body["params"]["protocolVersion"], json!("2025-11-25"));
}

#[test]
fn a_session_that_cannot_authorize_hands_the_401_to_the_caller() {
    let mut net = Net::connected();
    net.reply("call", refusal(401, "Bearer"));
    net.call("write");
    assert_eq!(net.run(), ["call→401", "ping→200", "write unauthorized not_executed"]);
}

// ── Whatever happens ──

#[test]
fn over_random_schedules_every_call_settles_once_and_one_authorization_is_open_at_a_time() {
    for seed in 0..3_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut net = Net::in_era(EraChoice::Auto, config());
        net.eras = if rng.bool() { &[Era::Modern] } else { &[Era::Legacy] };
        net.valid_token = Some(rng.u32(0..2));
        net.connect();
        let (mut open, mut calls) = (0, Vec::new());
        for step in 0..rng.u32(5..40) {
            match rng.u8(0..12) {
                0..4 => calls.push(net.call(&format!("call {step}"))),
                4 => net.restart(),
                5 | 6 => net.valid_token = net.valid_token.map(|token| token + 1),
                7 => net.session.set_listening(rng.bool(), net.now),
                8 => net.reply("call", narrow()),
                9 => _ = net.session.handle_user_asked(net.now),
                10 => {
                    if let Some(call) = calls.pop() {
                        net.session.cancel(call, None, net.now);
                    }
                }
                _ => {
                    let refresh_at_unix_ms = rng.bool().then_some(net.now.unix_ms + 2_000);
                    let granted = Authorized::Granted { refresh_at_unix_ms, same: true };
                    let end = [granted, Authorized::NeedsUser, failed()];
                    net.authorized(end[rng.usize(0..3)].clone());
                    open = 0;
                }
            }
            let log = net.run_for(rng.u64(0..3_000));
            // Those to load end at once here.
            open += log.iter().filter(|line| line.starts_with("authorize 4")).count();
            assert!(open <= 1, "seed {seed}, step {step}: {log:?}");
        }
        // From here on nothing goes wrong.
        for _ in 0..20 {
            net.authorized(GRANTED);
            net.run_for(60_000);
        }
        for call in calls {
            assert!(net.results.contains_key(&call), "seed {seed}: {call:?} is open");
        }
        assert!(net.executions.values().all(|runs| *runs == 1), "seed {seed}: {:?}", net.executions);
    }
}
