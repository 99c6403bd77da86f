//! Calls that become tasks.

use super::*;

fn task(status: &str, more: &Value) -> Value {
    let mut task = json!({"resultType": "complete", "taskId": "t1", "status": status, "pollIntervalMs": 2_000});
    for (name, value) in more.as_object().expect("an object") {
        task[name] = value.clone();
    }
    task
}

fn becomes_task(net: &mut Net) -> CallId {
    net.answer_next("call", &task("working", &json!({"resultType": "task"})));
    let call = net.call("long");
    assert_eq!(net.run(), ["call→200", "task t1"]);
    call
}

#[test]
fn a_call_that_becomes_a_task_is_polled_as_the_server_asks() {
    let mut net = connected();
    let call = becomes_task(&mut net);
    net.answer_next("tasks/get", &task("working", &json!({"pollIntervalMs": 5_000})));
    net.answer_next("tasks/get", &task("completed", &json!({"result": {"content": ["done"]}})));
    assert_eq!(net.run_for(1_900), Vec::<String>::new());
    assert_eq!(net.run_for(200), ["tasks/get→200"]);
    let get = last(&net, "tasks/get");
    assert_eq!((get.header("mcp-name"), get.body["params"]["taskId"].as_str()), (Some("t1"), Some("t1")));
    assert_eq!(net.run_for(4_800), Vec::<String>::new());
    assert_eq!(net.run_for(300), ["tasks/get→200", "long ok"]);
    assert_eq!(net.results[&call].as_ref().expect("done")["content"][0], "done");
}

#[test]
fn a_task_that_works_is_not_out_of_time() {
    let mut net = connected();
    becomes_task(&mut net);
    for _ in 0..60 {
        net.answer_next("tasks/get", &task("working", &json!({})));
    }
    net.answer_next("tasks/get", &task("failed", &json!({"error": {"code": -32000, "message": "burnt"}})));
    let log = net.run_for(200_000);
    assert_eq!((log.len(), log.last().map(String::as_str)), (62, Some("long rpc executed")));
}

#[test]
fn a_task_is_polled_through_an_outage() {
    let mut net = connected();
    becomes_task(&mut net);
    net.reply("tasks/get", Reply::Break);
    net.reply("discover", Reply::Break);
    net.reply("initialize", Reply::Break);
    net.answer_next("tasks/get", &task("completed", &json!({"result": {}})));
    let log = net.run_for(30_000);
    assert_eq!(log[..3], ["tasks/get→broke", "discover→broke", "initialize→broke"]);
    assert_eq!(log[log.len() - 2..], ["tasks/get→200", "long ok"]);
}

#[test]
fn a_task_that_needs_input_gets_it_once() {
    let mut net = eliciting();
    becomes_task(&mut net);
    let request = json!({"k": {"method": "elicitation/create", "params": {}}});
    net.answer_next("tasks/get", &task("input_required", &json!({"inputRequests": request})));
    assert_eq!(net.run_for(2_100), ["tasks/get→200", "asked elicitation/create"]);
    assert_eq!(net.run_for(600_000), Vec::<String>::new());
    net.session.answer(net.questions[0].0, Ok(r#"{"action":"accept"}"#.into()), net.now);
    // The server has not taken notice yet.
    net.answer_next("tasks/get", &task("input_required", &json!({"inputRequests": request})));
    net.answer_next("tasks/get", &task("completed", &json!({"result": {}})));
    assert_eq!(net.run(), ["tasks/update→200"]);
    assert_eq!(last(&net, "tasks/update").body["params"]["inputResponses"], json!({"k": {"action": "accept"}}));
    assert_eq!(net.run_for(10_000), ["tasks/get→200", "tasks/get→200", "long ok"]);
    assert_eq!(net.questions.len(), 1);
}

#[test]
fn a_task_that_is_given_up_is_cancelled_on_the_server() {
    let mut net = connected();
    let call = becomes_task(&mut net);
    net.session.cancel(call, None, net.now);
    assert_eq!(net.run(), ["tasks/cancel→200"]);
    assert_eq!(last(&net, "tasks/cancel").body["params"]["taskId"], "t1");
    assert_eq!(net.run_for(60_000), Vec::<String>::new());
}

#[test]
fn a_task_that_the_server_cancelled_or_forgot_ends_the_call() {
    let mut net = connected();
    becomes_task(&mut net);
    net.answer_next("tasks/get", &task("cancelled", &json!({})));
    assert_eq!(net.run_for(2_100), ["tasks/get→200", "long rpc unknown"]);
    becomes_task(&mut net);
    net.reply("tasks/get", own_error(&net, 400, -32602, &json!(null)));
    assert_eq!(net.run_for(2_100), ["tasks/get→400", "long rpc unknown"]);
}

#[test]
fn a_task_of_an_earlier_page_is_found_again() {
    let mut net = connected();
    net.answer_next("tasks/get", &task("completed", &json!({"result": {"content": []}})));
    let call = net.session.resume_task("t9".into(), CallOptions::default(), net.now);
    net.name(call, "found");
    assert_eq!(net.run(), ["tasks/get→200", "found ok"]);
    assert_eq!(last(&net, "tasks/get").body["params"]["taskId"], "t9");
}

#[test]
fn a_tool_of_2025_11_25_that_runs_as_a_task_only_can_be_called() {
    let mut net = net(LEGACY);
    net.capabilities = json!({"tools": {}, "tasks": {"requests": {"tools": {"call": {}}}}});
    net.connect();
    net.run();
    net.answer_next("list", &json!({"tools": [{"name": "long", "execution": {"taskSupport": "required"}}]}));
    net.request("tools/list", None, CallOptions::default(), "list");
    net.run();
    net.answer_next("call", &json!({"task": {"taskId": "t1", "status": "working", "pollInterval": 500}}));
    net.answer_next("tasks/get", &json!({"taskId": "t1", "status": "completed"}));
    net.answer_next("tasks/result", &json!({"content": ["done"]}));
    let call = net.call("long");
    assert_eq!(net.run_for(1_000), ["call→200", "task t1", "tasks/get→200", "tasks/result→200", "long ok"]);
    assert_eq!(last(&net, "call").body["params"]["task"], json!({}));
    assert_eq!(net.results[&call].as_ref().expect("done")["content"][0], "done");
    net.call("short");
    net.run();
    assert_eq!(last(&net, "call").body["params"].get("task"), None);
}
