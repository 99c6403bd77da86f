//! Tasks of 2025-11-25 whose session is lost: servers count their ids anew, or keep their tasks.

use crate::net::{Net, Reply};
use mcp_evergreen::protocol::config::EraChoice;
use mcp_evergreen::protocol::era::Era;
use mcp_evergreen::protocol::{CallId, CallOptions, Config, Outcome, TaskHandle};
use serde_json::{Value, json};

const MADE: &str = "2026-01-01T00:00:00Z";
const LATER: &str = "2026-01-01T00:00:01Z";

fn task(created_at: Option<&str>, status: &str) -> Value {
    let mut task = json!({"taskId": "1", "status": status, "ttl": 60_000, "pollInterval": 500});
    if let Some(at) = created_at {
        task["createdAt"] = json!(at);
    }
    task
}

/// A call has become task 1, and the server was restarted since.
fn restarted(created_at: Option<&str>) -> (Net, CallId) {
    let mut net = Net::new(Config::default());
    net.capabilities = json!({"tools": {}, "tasks": {"requests": {"tools": {"call": {}}}, "cancel": {}}});
    net.connect();
    net.answer_next("list", &json!({"tools": [{"name": "long", "execution": {"taskSupport": "required"}}]}));
    net.request("tools/list", None, CallOptions::default(), "list");
    net.run();
    net.answer_next("call", &json!({"task": task(created_at, "working")}));
    let call = net.call("long");
    assert_eq!(net.run(), ["call→200", "task 1"]);
    net.restart();
    (net, call)
}

const RECOVERY: [&str; 4] = ["tasks/get→404", "initialize→200 s2", "initialized→202", "list→200"];

fn after_recovery(net: &mut Net, ms: u64) -> Vec<String> {
    let log = net.run_for(ms);
    log.into_iter().filter(|line| !RECOVERY.contains(&line.as_str())).collect()
}

#[test]
fn a_task_of_the_next_session_with_the_same_id_is_another() {
    let told = [Some(MADE), None, Some("")];
    let pairs = told.iter().flat_map(|before| told.map(|after| (*before, after)));
    let others = pairs.filter(|pair| *pair != (Some(MADE), Some(MADE))).chain([(Some(MADE), Some(LATER))]);
    for (before, after) in others {
        let (mut net, call) = restarted(before);
        net.answer_next("tasks/get", &task(after, "completed"));
        let log = after_recovery(&mut net, 5_000);
        assert_eq!(log, ["tasks/get→200", "long outcome_unknown unknown"], "{before:?} {after:?}");
        assert_eq!(net.error(call).outcome, Outcome::Unknown);
    }
}

#[test]
fn a_task_that_the_server_keeps_beyond_the_session_is_waited_for() {
    let (mut net, call) = restarted(Some(MADE));
    net.answer_next("tasks/get", &task(Some(MADE), "working"));
    net.answer_next("tasks/get", &task(Some(MADE), "completed"));
    net.answer_next("tasks/result", &json!({"content": ["done"]}));
    let log = after_recovery(&mut net, 5_000);
    assert_eq!(log, ["tasks/get→200", "tasks/get→200", "tasks/result→200", "long ok"]);
    assert_eq!(net.results[&call].as_ref().expect("a result")["content"][0], "done");
}

#[test]
fn a_result_is_fetched_of_a_task_that_is_known_to_be_the_same() {
    for (after, ends) in [(MADE, "long ok"), (LATER, "long outcome_unknown unknown")] {
        let (mut net, _) = restarted(Some(MADE));
        net.live.insert("s1".into());
        net.answer_next("tasks/get", &task(Some(MADE), "completed"));
        net.reply("tasks/result", Reply::error(404, -32001, "Session not found"));
        net.answer_next("tasks/get", &task(Some(after), "completed"));
        let log = net.run_for(5_000);
        assert_eq!(log[..2], ["tasks/get→200", "tasks/result→404"]);
        assert!(log[2..].contains(&"tasks/get→200".to_owned()) && log.contains(&ends.to_owned()), "{log:?}");
    }
}

/// What `tasks/get` tells says nothing of `tasks/result`: two sessions in a row refuse it.
#[test]
fn a_result_that_new_sessions_refuse_again_is_not_fetched_without_end() {
    for dies in [false, true] {
        let (mut net, call) = restarted(Some(MADE));
        for _ in 0..50 {
            net.answer_next("tasks/get", &task(Some(MADE), "working"));
            net.answer_next("tasks/get", &task(Some(MADE), "completed"));
            net.reply("tasks/result", Reply::error(404, -32001, "Session not found"));
        }
        let mut log = Vec::new();
        for _ in 0..100 {
            log.extend(net.run_for(100));
            if dies && log.last().is_some_and(|line| line.starts_with("tasks/result")) {
                net.restart();
            }
        }
        let count = |what: &str| log.iter().filter(|line| line.starts_with(what)).count();
        assert!(count("initialize→") <= 4 && count("tasks/result→") <= 2, "{log:?}");
        assert_eq!(net.error(call).outcome, Outcome::Unknown);
    }
}

/// A session that answers once and is gone: each question about the task makes another, more and more slowly.
#[test]
fn a_task_whose_sessions_last_for_one_answer_is_asked_for_more_and_more_slowly() {
    let (mut net, _) = restarted(Some(MADE));
    let mut made = Vec::new();
    for second in 0..120 {
        for _ in 0..10 {
            net.answer_next("tasks/get", &task(Some(MADE), "working"));
            let log = net.run_for(100);
            made.extend(log.iter().filter(|line| line.starts_with("initialize→")).map(|_| second));
            if log.iter().any(|line| line == "tasks/get→200") {
                net.restart();
            }
        }
    }
    assert!((5..12).contains(&made.len()), "{made:?}");
}

#[test]
fn what_is_given_up_cancels_no_task_of_another_session() {
    // Before anything was asked under the new session, and after it was found to be the same there.
    for (found, cancels) in [(false, false), (true, true)] {
        let (mut net, call) = restarted(Some(MADE));
        net.request("tools/list", None, CallOptions::default(), "list");
        net.run();
        if found {
            net.answer_next("tasks/get", &task(Some(MADE), "working"));
            assert_eq!(net.run_for(700).last().map(String::as_str), Some("tasks/get→200"));
        }
        net.session.cancel(call, None, net.now);
        assert_eq!(net.run().contains(&"tasks/cancel→200".to_owned()), cancels, "{found}");
    }
}

#[test]
fn one_that_was_made_at_another_time_is_another_in_the_same_session_and_in_the_modern_era() {
    let (mut net, _) = restarted(Some(MADE));
    net.live.insert("s1".into());
    net.answer_next("tasks/get", &task(Some(LATER), "completed"));
    assert_eq!(net.run_for(700), ["tasks/get→200", "long outcome_unknown unknown"]);

    let mut net = Net::in_era(EraChoice::Modern, Config::default());
    net.eras = &[Era::Modern];
    net.connect();
    net.run();
    let modern = |created_at: &str, status: &str, result_type: &str| {
        json!({"resultType": result_type, "taskId": "1", "status": status, "createdAt": created_at, "pollIntervalMs": 500,
            "result": {"content": []}})
    };
    net.answer_next("call", &modern(MADE, "working", "task"));
    net.call("long");
    net.run();
    net.answer_next("tasks/get", &modern(LATER, "completed", "complete"));
    assert_eq!(net.run_for(700), ["tasks/get→200", "long outcome_unknown unknown"]);
}

#[test]
fn a_task_that_is_named_by_its_id_alone_is_not_looked_for_beyond_the_session() {
    let mut net = Net::new(Config::default());
    net.capabilities = json!({"tools": {}, "tasks": {"requests": {"tools": {"call": {}}}, "cancel": {}}});
    net.connect();
    net.run();
    net.restart();
    let call = net.session.resume_task("task-1".into(), CallOptions::default(), net.now);
    net.name(call, "resumed");
    net.answer_next("tasks/get", &task(Some(MADE), "completed"));
    let log = net.run_for(5_000);
    assert_eq!(log[..3], ["tasks/get→404", "initialize→200 s2", "initialized→202"]);
    assert_eq!(log[3..], ["tasks/get→200", "resumed outcome_unknown unknown"], "it may be another's");
    assert!(net.sent.iter().all(|sent| sent.name() != "tasks/result" && sent.name() != "tasks/cancel"));
}

/// A session of either era, of a server that may have been restarted since the task was made.
fn next_session(era: Era) -> Net {
    let mut net = match era {
        Era::Legacy => Net::new(Config::default()),
        Era::Modern => Net::in_era(EraChoice::Modern, Config::default()),
    };
    net.eras = if era == Era::Modern { &[Era::Modern] } else { &[Era::Legacy] };
    net.capabilities = json!({"tools": {}, "tasks": {"requests": {"tools": {"call": {}}}, "cancel": {}}});
    net.connect();
    net.run();
    net
}

/// What `tasks/get` tells in either era, where the task has all that it may have.
fn stands(created_at: Option<&str>, status: &str) -> Value {
    let mut task = task(created_at, status);
    task["resultType"] = json!("complete");
    task["pollIntervalMs"] = json!(500);
    task["result"] = json!({"content": ["done"]});
    task["error"] = json!({"code": -32000, "message": "burnt"});
    task["inputRequests"] = json!({"k": {"method": "elicitation/create", "params": {}}});
    task
}

/// The task that was told of in an earlier session, as another page hands it over.
fn hand_over(net: &mut Net, created_at: Option<&str>) -> CallId {
    let task = TaskHandle { id: "1".into(), created_at: created_at.map(str::to_owned) };
    let call = net.session.resume_task(task, CallOptions::default(), net.now);
    net.name(call, "resumed");
    call
}

fn cancels(net: &Net) -> usize {
    net.sent.iter().filter(|sent| sent.name() == "tasks/cancel").count()
}

#[test]
fn a_task_that_is_handed_over_is_another_where_the_server_tells_another_time_or_none() {
    for era in [Era::Legacy, Era::Modern] {
        for told in [Some(LATER), Some(""), None] {
            for status in ["working", "input_required", "completed", "failed", "cancelled", "dreaming"] {
                let mut net = next_session(era);
                net.session.set_handled("elicitation/create".into());
                net.answer_next("tasks/get", &stands(told, status));
                let call = hand_over(&mut net, Some(MADE));
                let log = net.run_for(120_000);
                assert_eq!(log, ["tasks/get→200", "resumed outcome_unknown unknown"], "{era:?} {told:?} {status}");
                assert!(!net.error(call).retryable && net.questions.is_empty());
                assert_eq!(cancels(&net), 0, "{era:?} {told:?} {status}");
            }
        }
    }
}

#[test]
fn a_task_that_is_handed_over_is_waited_for_where_the_server_tells_its_time() {
    for (era, ends) in [
        (Era::Legacy, &["tasks/get→200", "tasks/get→200", "tasks/result→200", "resumed ok"][..]),
        (Era::Modern, &["tasks/get→200", "tasks/get→200", "resumed ok"]),
    ] {
        let mut net = next_session(era);
        net.answer_next("tasks/get", &stands(Some(MADE), "working"));
        net.answer_next("tasks/get", &stands(Some(MADE), "completed"));
        net.answer_next("tasks/result", &json!({"content": ["done"]}));
        let call = hand_over(&mut net, Some(MADE));
        assert_eq!(net.run_for(5_000), ends);
        assert_eq!(net.results[&call].as_ref().expect("a result")["content"][0], "done");
    }
}

/// The page took its session up, and the server has lost it: the task is asked for under the next one.
#[test]
fn a_task_that_is_handed_over_is_looked_for_beyond_the_session() {
    for (told, ends) in [
        (MADE, &["tasks/get→200", "tasks/result→200", "resumed ok"][..]),
        (LATER, &["tasks/get→200", "resumed outcome_unknown unknown"]),
    ] {
        let mut net = next_session(Era::Legacy);
        net.restart();
        net.answer_next("tasks/get", &task(Some(told), "completed"));
        net.answer_next("tasks/result", &json!({"content": []}));
        hand_over(&mut net, Some(MADE));
        let log = net.run_for(5_000);
        assert_eq!(log[..3], ["tasks/get→404", "initialize→200 s2", "initialized→202"]);
        assert_eq!(log[3..], *ends);
        assert_eq!(cancels(&net), 0);
    }
}

/// Until the server has said that it has this one, a cancellation may meet another's. A task of which no time is known is
/// the one of this name.
#[test]
fn a_task_that_is_handed_over_is_cancelled_once_the_server_has_said_that_it_has_it() {
    for era in [Era::Legacy, Era::Modern] {
        for (known, told, cancelled) in [
            (Some(MADE), None, 0),
            (Some(MADE), Some(MADE), 1),
            (Some(MADE), Some(LATER), 0),
            (None, None, 1),
            (None, Some(MADE), 1),
        ] {
            let mut net = next_session(era);
            match told {
                Some(_) => net.answer_next("tasks/get", &stands(told, "working")),
                None => net.reply("tasks/get", Reply::Silence),
            }
            let call = hand_over(&mut net, known);
            net.run_for(100);
            net.session.cancel(call, None, net.now);
            net.run_for(100);
            assert_eq!(cancels(&net), cancelled, "{era:?} {known:?} {told:?}");
        }
    }
}

#[test]
fn a_task_that_is_handed_over_and_never_answered_for_is_not_cancelled_when_its_time_is_up() {
    for era in [Era::Legacy, Era::Modern] {
        let mut net = next_session(era);
        net.reply("tasks/get", Reply::Silence);
        let call = hand_over(&mut net, Some(MADE));
        net.run_for(200_000);
        assert_eq!((net.error(call).outcome, cancels(&net)), (Outcome::Unknown, 0), "{era:?}");
    }
}

/// Until the list of the new session is read, that of the one before tells how tools are called.
#[test]
fn a_tool_that_runs_as_a_task_only_is_called_so_in_the_next_session_too() {
    for reconnects in [false, true] {
        let mut net = Net::new(Config::default());
        net.capabilities = json!({"tools": {}, "tasks": {"requests": {"tools": {"call": {}}}, "cancel": {}}});
        net.connect();
        let tools = json!({"tools": [{"name": "long", "execution": {"taskSupport": "required"}}]});
        net.answer_next("list", &tools);
        net.request("tools/list", None, CallOptions::default(), "list");
        net.run();
        net.answer_next("list", &tools);
        if reconnects {
            net.session.reconnect(net.now);
        } else {
            net.restart();
        }
        net.call("long");
        net.run();
        net.call("long");
        net.run();
        let sent: Vec<_> = net.sent.iter().filter(|sent| sent.name() == "call").collect();
        assert!(sent.len() >= 2);
        assert!(sent.iter().all(|sent| sent.body["params"]["task"] == json!({})), "{reconnects}");
    }
}
