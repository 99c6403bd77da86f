//! Tabs that share one session.

mod model;
mod room;
mod sign_in;

use mcp_evergreen::protocol::config::EraChoice;
use mcp_evergreen::protocol::{Role, status::Phase};
use room::{Room, Step, letter};
use serde_json::json;

/// So many tabs, all connected.
fn tabs(count: usize) -> Room {
    let mut room = Room::new(EraChoice::Legacy);
    let mut log = vec![];
    for seed in 0..count {
        room.open(seed as u64);
        log = room.settle();
    }
    let last = room::letter(count - 1);
    match count {
        1 => assert_eq!(log, ["A initialize→200 session-1", "A initialized→202", "A connect ok"]),
        _ => assert_eq!(log, [format!("{last} connect ok")], "nothing goes out for a tab that follows"),
    }
    room
}

fn role(room: &Room, tab: usize) -> Option<Role> {
    room.tabs[tab].session.status().share
}

#[test]
fn the_second_tab_takes_up_the_session_of_the_first() {
    let mut room = tabs(3);
    assert_eq!(
        [0, 1, 2].map(|tab| role(&room, tab)),
        [Some(Role::Leading), Some(Role::Following), Some(Role::Following)]
    );
    room.call(1, "x", false);
    room.call(2, "y", false);
    assert_eq!(room.settle(), ["B call→200", "B x ok", "C call→200", "C y ok"]);
    assert_eq!(room.live.len(), 1);
}

#[test]
fn an_eviction_under_calls_in_all_tabs_costs_one_handshake() {
    let mut room = tabs(3);
    room.evict();
    for (tab, key) in [(1, "x"), (2, "y"), (0, "z")] {
        room.call(tab, key, false);
    }
    let mut log = room.run_for(60_000);
    log.sort();
    assert_eq!(
        log,
        [
            "A call→200",
            "A call→404",
            "A initialized→202",
            "A initialize→200 session-2",
            "A z ok",
            "B call→200",
            "B call→404",
            "B x ok",
            "C call→200",
            "C call→404",
            "C y ok",
            "evicted",
        ]
    );
    assert_eq!(room.ran.values().collect::<Vec<_>>(), [&1, &1, &1]);
}

#[test]
fn a_tab_that_follows_has_the_session_made_anew_by_the_one_that_leads() {
    let mut room = tabs(2);
    room.evict();
    room.call(1, "x", false);
    assert_eq!(
        room.run_for(1_000),
        ["evicted", "B call→404", "A initialize→200 session-2", "A initialized→202", "B call→200", "B x ok"]
    );
    let status = room.tabs[1].session.status();
    assert_eq!((status.phase, status.recoveries, status.generation), (Phase::Ready, 1, 2));
}

#[test]
fn when_the_leader_dies_the_next_one_goes_on_with_the_same_session() {
    let mut room = tabs(3);
    room.listen(1);
    assert_eq!(room.settle(), ["A GET→200"]);
    room.crash(0);
    assert_eq!(room.settle(), ["A crashes", "B GET→200"]);
    assert_eq!(role(&room, 1), Some(Role::Leading));
    room.call(2, "x", false);
    assert_eq!(room.settle(), ["C call→200", "C x ok"]);
}

#[test]
fn a_leader_that_dies_under_the_handshake_leaves_it_to_the_next() {
    let mut room = tabs(3);
    room.evict();
    room.call(1, "x", false);
    room.call(2, "y", false);
    // Until the leader's `initialize` is on the wire.
    let mut log = vec![];
    while !log.iter().any(|line: &String| line.starts_with("A initialize")) {
        let step = room.steps()[0];
        room.take(step);
        log = room.peek();
    }
    room.crash(0);
    let log = room.run_for(10_000);
    assert!(log.contains(&"B initialize→200 session-3".to_owned()), "{log:?}");
    assert!(log.contains(&"B x ok".to_owned()) && log.contains(&"C y ok".to_owned()), "{log:?}");
}

#[test]
fn a_leader_that_is_frozen_is_replaced_when_it_is_needed_and_follows_when_it_goes_on() {
    let mut room = tabs(3);
    room.freeze(0);
    room.evict();
    room.call(1, "x", false);
    assert_eq!(room.run_for(2_900), ["A stops", "evicted", "B call→404"], "it is given some time");
    assert_eq!(
        room.run_for(1_000),
        ["B steals", "B initialize→200 session-2", "B initialized→202", "B call→200", "B x ok"]
    );
    room.thaw(0);
    assert_eq!(room.run_for(60_000), ["A goes on"]);
    assert_eq!((role(&room, 0), role(&room, 1)), (Some(Role::Following), Some(Role::Leading)));
    room.call(0, "z", false);
    assert_eq!(room.settle(), ["A call→200", "A z ok"]);
    assert_eq!(room.live.len(), 1);
}

#[test]
fn a_tab_that_joins_while_the_leader_is_frozen_hears_of_the_session_from_another() {
    let mut room = tabs(2);
    room.freeze(0);
    room.open(2);
    assert_eq!(room.settle(), ["A stops", "C connect ok"]);
}

#[test]
fn a_tab_that_joins_a_frozen_leader_alone_takes_the_lead() {
    let mut room = tabs(1);
    room.freeze(0);
    room.open(1);
    let log = room.run_for(10_000);
    assert_eq!(log, ["A stops", "B steals", "B initialize→200 session-2", "B initialized→202", "B connect ok"]);
    room.thaw(0);
    room.run_for(10_000);
    room.call(0, "x", false);
    assert_eq!(room.settle(), ["A call→200", "A x ok"]);
    assert_eq!((role(&room, 0), room.made), (Some(Role::Following), 2));
}

#[test]
fn a_tab_that_listens_finds_out_that_the_leader_is_frozen() {
    let mut room = tabs(2);
    room.listen(1);
    assert_eq!(room.settle(), ["A GET→200"]);
    assert!(room.run_for(120_000).is_empty(), "a leader that answers stays");
    room.freeze(0);
    assert_eq!(room.run_for(20_000), ["A stops", "B steals", "B GET→200"]);
}

#[test]
fn a_tab_that_stood_still_itself_asks_again_before_it_takes_the_lead() {
    let mut room = tabs(2);
    room.evict();
    room.call(1, "x", false);
    // B has asked, and stands still; what A answers waits behind its timer.
    while !room.peek().contains(&"B call→404".to_owned()) {
        let step = room.steps()[0];
        room.take(step);
    }
    let steps = room.steps();
    steps.first().iter().for_each(|step| room.take(**step));
    room.freeze(1);
    room.run_for(30_000);
    room.thaw(1);
    room.pass_to(room.now.mono);
    assert_eq!(room.run_for(10_000), ["B goes on", "B call→200", "B x ok"]);
    assert_eq!((role(&room, 0), room.steals), (Some(Role::Leading), 0));
}

#[test]
fn what_the_server_says_unasked_is_heard_in_every_tab() {
    let mut room = tabs(3);
    room.listen(2);
    assert_eq!(room.settle(), ["A GET→200"]);
    room.notify("notifications/tools/list_changed", &json!({}));
    room.notify("notifications/message", &json!({"level": "info", "data": "hello"}));
    room.settle();
    for tab in &room.tabs {
        assert_eq!(tab.heard, ["notifications/tools/list_changed", "notifications/message"]);
    }
}

#[test]
fn the_next_leader_asks_for_what_came_after_the_last_event_of_the_stream() {
    let mut room = tabs(2);
    room.listen(1);
    room.settle();
    room.notify_as(Some("e7"), "notifications/tools/list_changed", &json!({}));
    // Events on the streams of calls have ids of their own.
    room.call(0, "tells", false);
    room.call(1, "tells", false);
    room.settle();
    room.crash(0);
    assert_eq!(room.settle(), ["A crashes", "B GET→200 after e7"]);
    assert_eq!(room.tabs[1].heard, ["notifications/tools/list_changed"; 3]);
}

#[test]
fn a_resource_that_another_tab_still_wants_is_not_unsubscribed() {
    let mut room = tabs(2);
    for tab in [0, 1] {
        room.request(tab, "resources/subscribe", "file:///a");
    }
    assert_eq!(room.settle(), ["A subscribe→200", "A subscribe ok", "B subscribe→200", "B subscribe ok", "A GET→200"]);
    room.request(0, "resources/unsubscribe", "file:///a");
    assert_eq!(room.settle(), ["A unsubscribe ok"]);
    assert_eq!(room.open_streams(), [0], "the leader listens for the other");
    room.request(1, "resources/unsubscribe", "file:///a");
    assert_eq!(room.settle(), ["B unsubscribe→200", "B unsubscribe ok"]);
    assert!(room.open_streams().is_empty() && room.subscribed.is_empty());
}

#[test]
fn the_session_ends_with_its_last_tab() {
    let mut room = tabs(3);
    room.close(0);
    room.settle();
    room.close(2);
    assert_eq!(room.settle(), ["C close ok"]);
    assert_eq!(room.live.len(), 1);
    room.call(1, "x", false);
    assert_eq!(room.settle(), ["B call→200", "B x ok"]);
    room.close(1);
    assert_eq!(room.settle(), ["B DELETE→200", "B close ok"]);
}

#[test]
fn a_tab_that_crashed_is_waited_for_by_nobody() {
    let mut room = tabs(3);
    for tab in [1, 2] {
        room.listen(tab);
        room.request(tab, "resources/subscribe", "file:///a");
    }
    room.settle();
    assert_eq!(room.open_streams(), [0]);
    room.crash(1);
    assert_eq!(room.settle(), ["B crashes"]);
    assert_eq!(room.open_streams(), [0], "the other one listens still");
    room.request(2, "resources/unsubscribe", "file:///a");
    assert_eq!(room.settle(), ["C unsubscribe→200", "C unsubscribe ok"], "a tab that only follows knows it as well");
    room.crash(2);
    assert_eq!(room.settle(), ["C crashes"]);
    assert!(room.open_streams().is_empty(), "nobody listens any more");
    room.close(0);
    assert_eq!(room.settle(), ["A DELETE→200", "A close ok"]);
}

#[test]
fn a_tab_that_stands_still_is_there_while_it_is_not_in_the_cache() {
    let mut room = tabs(3);
    room.listen(1);
    room.freeze(1);
    assert_eq!(room.run_for(600_000), ["B stops", "A GET→200"]);
    assert_eq!(room.open_streams(), [0], "it may go on");
    room.thaw(1);
    room.run_for(1_000);
    room.cache(1);
    assert_eq!(room.run_for(1_000), ["B stops"]);
    assert!(room.open_streams().is_empty(), "it may never come back");
    room.restore(1);
    assert_eq!(room.run_for(1_000), ["B goes on", "A GET→200"]);
    room.close(0);
    assert_eq!(room.run_for(1_000), ["A close ok", "C GET→200"], "the session is that of two others");
}

#[test]
fn in_the_modern_era_the_stream_does_not_ask_for_what_a_tab_wanted_that_crashed() {
    let mut room = Room::new(EraChoice::Modern);
    for seed in 0..2 {
        room.open(seed);
        room.settle();
    }
    room.request(1, "resources/subscribe", "file:///a");
    assert_eq!(room.settle(), ["A listen→200", "B subscribe ok"]);
    room.crash(1);
    assert_eq!(room.settle(), ["B crashes"]);
    assert!(room.open_streams().is_empty());
}

#[test]
fn a_question_without_an_owner_goes_to_the_tab_with_a_call_under_way() {
    let mut room = tabs(3);
    room.listen(0);
    room.settle();
    room.call(2, "x", false);
    room.ask();
    while room.tabs[2].questions.is_empty() {
        let step = *room.steps().iter().find(|step| !matches!(step, room::Step::Wire(_))).expect("a message");
        room.take(step);
    }
    let question = room.tabs[2].questions[0];
    room.tabs[2].session.answer(question, Ok("{}".to_owned()), room.now);
    room.drain(2);
    let log = room.run_for(1_000);
    assert!(log.contains(&"C answer→202".to_owned()), "{log:?}");
    assert_eq!(log.iter().filter(|line| line.contains("asked")).collect::<Vec<_>>(), ["C is asked"]);
}

#[test]
fn a_question_that_nobody_claims_is_the_leaders() {
    let mut room = tabs(2);
    room.listen(1);
    room.settle();
    room.ask();
    assert_eq!(room.run_for(1_000), ["A is asked"]);
}

#[test]
fn a_tab_that_comes_back_from_the_cache_shares_again() {
    let mut room = tabs(2);
    room.cache(0);
    room.evict();
    room.call(1, "x", false);
    assert_eq!(
        room.run_for(1_000),
        ["A stops", "evicted", "B call→404", "B initialize→200 session-2", "B initialized→202", "B call→200", "B x ok"]
    );
    room.restore(0);
    room.settle();
    room.call(0, "y", false);
    assert_eq!(room.settle(), ["A call→200", "A y ok"]);
    assert_eq!((role(&room, 0), room.live.len()), (Some(Role::Following), 1));
}

#[test]
fn a_tab_that_reconnects_has_a_new_session_made_for_all() {
    let mut room = tabs(2);
    room.reconnect(1);
    assert_eq!(
        room.run_for(1_000),
        ["A DELETE→200", "A initialize→200 session-2", "A initialized→202", "B reconnect ok"]
    );
    room.call(0, "x", false);
    assert_eq!(room.settle(), ["A call→200", "A x ok"]);
}

/// Of one tab a call runs, and another reconnects: what is pending is refused like a call of a session that is gone.
fn reconnect_under_a_call(runs: usize, reconnects: usize, repeatable: bool) -> (Vec<String>, u32) {
    let mut room = tabs(3);
    room.tools_last = true;
    room.call(runs, "x", repeatable);
    room.settle();
    room.tools_last = false;
    room.reconnect(reconnects);
    let mut log = room.run_for(10_000);
    log.retain(|line| line.contains(" x ") || line.contains("DELETE"));
    (log, room.ran["x"])
}

#[test]
fn what_a_tab_has_ended_refuses_what_another_has_running_and_it_is_not_sent_again() {
    for (runs, reconnects) in [(0, 0), (1, 0), (0, 1), (1, 1), (1, 2)] {
        let (log, ran) = reconnect_under_a_call(runs, reconnects, false);
        let settled = format!("{} x outcome_unknown unknown", letter(runs));
        assert_eq!((log, ran), (vec!["A DELETE→200".to_owned(), settled], 1), "{runs} {reconnects}");
        let (log, ran) = reconnect_under_a_call(runs, reconnects, true);
        let settled = format!("{} x ok", letter(runs));
        assert_eq!((log, ran), (vec!["A DELETE→200".to_owned(), settled], 2), "{runs} {reconnects}");
    }
}

#[test]
fn a_refusal_that_comes_before_the_word_of_the_end_is_not_the_gates_either() {
    let mut room = tabs(2);
    room.tools_last = true;
    room.call(1, "x", false);
    room.settle();
    room.tools_last = false;
    room.reconnect(0);
    // The network is faster than the channel between the tabs.
    while let Some(step) = room.steps().into_iter().find(|step| !matches!(step, Step::Inbox(1))) {
        room.take(step);
    }
    let log = room.run_for(10_000);
    assert!(log.contains(&"B x outcome_unknown unknown".to_owned()), "{log:?}");
    assert_eq!(room.ran["x"], 1);
}

#[test]
fn in_the_modern_era_the_tabs_share_the_stream() {
    let mut room = Room::new(EraChoice::Modern);
    for seed in 0..3 {
        room.open(seed);
        room.settle();
    }
    room.request(1, "resources/subscribe", "file:///a");
    assert_eq!(room.settle(), ["A listen→200", "B subscribe ok"]);
    room.request(2, "resources/subscribe", "file:///a");
    assert_eq!(room.settle(), ["C subscribe ok"], "the stream tells it already");
    room.notify("notifications/resources/updated", &json!({"uri": "file:///a"}));
    room.settle();
    assert_eq!(room.tabs.iter().map(|tab| tab.heard.len()).collect::<Vec<_>>(), [1, 1, 1]);
    room.crash(0);
    assert_eq!(room.settle(), ["A crashes", "B listen→200"]);
    assert_eq!(room.open_streams(), [1]);
}

#[test]
fn a_tab_that_follows_does_not_wait_for_a_stream_that_waits_for_its_turn() {
    let mut room = Room::new(EraChoice::Modern);
    for seed in 0..2 {
        room.open(seed);
        room.settle();
    }
    room.tabs[0].session.allow_stream(false, room.now);
    room.request(1, "resources/subscribe", "file:///a");
    assert_eq!(room.settle(), [] as [&str; 0]);
    room.tabs[0].session.stream_waits(room.now);
    room.drain(0);
    assert_eq!(room.settle(), ["B subscribe ok"]);
    room.request(1, "resources/subscribe", "file:///b");
    assert_eq!(room.settle(), ["B subscribe ok"]);
    room.tabs[0].session.allow_stream(true, room.now);
    room.drain(0);
    assert_eq!(room.settle(), ["A listen→200"]);
}

#[test]
fn where_sharing_cannot_be_each_tab_has_its_own_session() {
    let mut room = Room::new(EraChoice::Legacy);
    for seed in 0..2 {
        let tab = room.open(seed);
        room.tabs[tab].session.handle_role(Role::Alone, room.now);
        room.drain(tab);
        room.settle();
    }
    assert_eq!(room.live.len(), 2);
    assert_eq!(role(&room, 1), None);
}

/// A leader that takes the lead back before it has heard of the session that was made meanwhile.
#[test]
fn a_leader_with_an_older_session_is_told_of_the_newer_one_once() {
    let mut room = tabs(2);
    let leader = |term: u64| json!(["alive", 5, term, 1, 1, 0, 0, false]).to_string();
    let term = (room.now.unix_ms + 1_000) << 10;
    for (term, told) in [(term, 1), (term, 0), (term + 1, 1)] {
        room.tabs[1].session.handle_peer(&leader(term), None, room.now);
        room.drain(1);
        let told_here = room.tabs[0].inbox.drain(..).filter(|(text, _)| text.starts_with("[\"session\""));
        assert_eq!(told_here.count(), told, "{term}");
    }
}

const ANN: &str = r#"[["authorization","Bearer of-ann"]]"#;
const BOB: &str = r#"[["authorization","Bearer of-bob"]]"#;

#[test]
fn a_tab_of_another_user_hears_nothing_of_the_others_and_has_a_session_of_its_own() {
    for theirs in [BOB, "[]"] {
        let mut room = Room::new(EraChoice::Legacy);
        let ann = room.open_as(1, ANN);
        room.settle();
        room.listen(ann);
        room.settle();
        // The host says late who it is: until then nothing is shown of the others.
        let other = room.open_as(2, theirs);
        room.tabs[other].answers_late = true;
        while let Some(step) = room.steps().into_iter().find(|step| !matches!(step, room::Step::Wire(_))) {
            room.take(step);
        }
        room.notify("notifications/message", &json!({"data": "of ann's"}));
        room.settle();
        assert!(room.tabs[other].heard.is_empty(), "{theirs}: {:?}", room.tabs[other].heard);
        room.tabs[other].answers_late = false;
        room.identify(other);
        room.call(other, "x", false);
        let log = room.settle();
        assert_eq!(log.last().map(String::as_str), Some("B x ok"), "{log:?}");
        assert_eq!((role(&room, other), room.live.len()), (None, 2), "{theirs}");
        room.notify("notifications/message", &json!({"data": "of ann's"}));
        room.settle();
        assert_eq!(room.tabs[other].heard.len(), 1, "on its own stream alone");
    }
}

#[test]
fn a_tab_of_the_same_user_shares() {
    let mut room = Room::new(EraChoice::Legacy);
    for seed in 0..2 {
        room.open_as(seed, ANN);
        room.settle();
    }
    room.call(1, "x", false);
    assert_eq!(room.settle(), ["B call→200", "B x ok"]);
    assert_eq!(room.live.len(), 1);
}

#[test]
fn what_no_leader_can_have_said_is_left_out_and_a_clock_that_is_set_back_is_got_over() {
    let mut room = tabs(2);
    room.listen(1);
    room.settle();
    let term = |ms: u64| ms << 10;
    let far = [i64::MAX as u64, (1 << 53) - 1, term(room.now.unix_ms + 7_200_000)];
    for lead in far {
        for text in [format!(r#"["alive",12345,{lead},0,0,0,0,false]"#), format!(r#"["bye",12345,0,{lead},7,0,0]"#)] {
            for tab in [0, 1] {
                room.tabs[tab].session.handle_peer(&text, None, room.now);
                room.drain(tab);
            }
        }
        assert_eq!((role(&room, 0), role(&room, 1)), (Some(Role::Leading), Some(Role::Following)), "{lead}");
    }
    // The term of a leader that began before the clock was set back by a day.
    room.now.unix_ms -= 86_400_000;
    room.crash(0);
    room.settle();
    room.open(7);
    room.settle();
    room.evict();
    room.call(2, "x", false);
    let log = room.run_for(60_000);
    assert_eq!(log.last().map(String::as_str), Some("C x ok"), "{log:?}");
    assert_eq!(room.steals, 0);
}
