//! Tabs that share a session, whose server wants a user to sign in.

use super::*;
use mcp_evergreen::protocol::config::Ask;

#[test]
fn while_the_leader_asks_its_user_the_clocks_of_the_others_stand_still() {
    let mut room = Room::new(EraChoice::Legacy);
    room.wants_token = true;
    room.open(1);
    room.settle();
    assert_eq!(room.asks(0), Some(false), "what is stored");
    room.authorize(0, None);
    assert_eq!(room.settle(), ["A initialize→401"]);
    assert_eq!(room.asks(0), Some(true));
    room.open(2);
    room.run_for(600_000);
    let status = room.tabs[1].session.status();
    assert_eq!(status.phase, Phase::Waiting);
    assert_eq!(status.waiting_for.map(|it| it.why), Some("sign-in"));
    assert_eq!(room.steals, 0, "it says that it is there");
    room.authorize(0, Some("token"));
    room.settle();
    room.load(1, "token");
    let log = room.run_for(1_000);
    assert!(room.tabs.iter().all(|tab| tab.calls.values().all(|call| matches!(call.result, Some(Ok(_))))), "{log:?}");
    assert_eq!(room.live.len(), 1);
}

#[test]
fn when_the_user_of_the_leader_gives_up_the_next_tab_asks_its_own() {
    let mut room = Room::new(EraChoice::Legacy);
    room.wants_token = true;
    room.open(1);
    room.settle();
    room.authorize(0, None);
    room.settle();
    room.open(2);
    room.run_for(600_000);
    room.give_up(0);
    assert_eq!(room.run_for(1_000), ["A connect auth not_executed"]);
    assert_eq!(role(&room, 1), Some(Role::Leading));
    room.authorize(1, None);
    room.run_for(1_000);
    assert_eq!(room.asks(1), Some(true), "its own user");
    room.authorize(1, Some("token"));
    assert_eq!(room.run_for(1_000).last().map(String::as_str), Some("B connect ok"));
}

/// Two tabs whose server wants a token: the first one leads, and waits for a click.
fn waiting_for_a_click() -> Room {
    let mut room = Room::new(EraChoice::Legacy);
    (room.wants_token, room.ask) = (true, Ask::Click);
    room.open(1);
    room.settle();
    room.authorize(0, None);
    room.settle();
    room.needs_user(0);
    assert_eq!(room.settle(), ["A connect ok"]);
    room.open(2);
    assert_eq!(room.settle(), ["B connect ok"], "its host gets the session that waits, too");
    for tab in &room.tabs {
        assert_eq!(tab.session.status().waiting_for.map(|it| it.why), Some("sign-in"));
    }
    room
}

#[test]
fn a_click_in_a_tab_that_follows_makes_the_session_there() {
    let mut room = waiting_for_a_click();
    room.call(1, "x", false);
    room.sign_in(1);
    assert_eq!(room.asks(1), Some(true), "its own user");
    room.authorize(1, Some("token"));
    let log = room.run_for(1_000);
    assert_eq!(role(&room, 1), Some(Role::Leading));
    assert!(log.contains(&"B sign-in ok".to_owned()) && log.contains(&"B x ok".to_owned()), "{log:?}");
    assert_eq!((room.live.len(), room.steals), (1, 1));
    assert_eq!(room.tabs[0].session.status().waiting_for.map(|it| it.why), Some("sign-in"), "it has no token");
    room.tabs[0].session.handle_signed_in_elsewhere();
    room.drain(0);
    room.load(0, "token");
    room.call(0, "y", false);
    assert_eq!(room.run_for(1_000), ["A call→200", "A y ok"]);
    assert_eq!(room.live.len(), 1);
}

#[test]
fn a_click_in_the_tab_that_leads_serves_those_that_follow() {
    let mut room = waiting_for_a_click();
    room.call(1, "x", false);
    room.sign_in(0);
    room.authorize(0, Some("token"));
    room.settle();
    room.load(1, "token");
    let log = room.run_for(1_000);
    assert!(log.contains(&"B x ok".to_owned()), "{log:?}");
    assert_eq!((room.live.len(), room.steals), (1, 0));
}
