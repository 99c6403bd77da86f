//! Locks and channels: who leads, what is told, and that nothing is held any more once a tab has left.

use super::fakes::{Log, Scribe, json, server, sleep, transport};
use js_sys::{Array, Function, Object, Reflect};
use mcp_evergreen::{
    Config,
    browser::{
        driver::Driver,
        host::{Caller, Host},
        tabs::{News, Tabs},
    },
    protocol::{Role, config::EraChoice},
};
use std::rc::Rc;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test as test;

fn join(group: &str) -> (Tabs, Log) {
    join_as(group, 1)
}

fn join_as(group: &str, me: u64) -> (Tabs, Log) {
    let log = Log::default();
    let hears = log.clone();
    let tabs = Tabs::join(group, me, move |news| match news {
        News::Gone(tab) => hears.push(format!("{tab} is gone")),
        News::Role(role) => hears.push(format!("{role:?}")),
        News::Told(text, payload) => hears.push(format!("{text} {}", payload.as_ref().map_or("-".into(), json))),
    });
    (tabs, log)
}

/// A function body, run with `name`; what it gives is awaited.
async fn run(body: &str, name: &str) -> JsValue {
    let given = Function::new_with_args("name", body).call1(&JsValue::UNDEFINED, &name.into()).expect("no throw");
    JsFuture::from(js_sys::Promise::resolve(&given)).await.expect("no rejection")
}

/// How many hold or want the lock of a group.
async fn locks(group: &str) -> f64 {
    let count = "return navigator.locks.query().then(({ held, pending }) =>
        [...held, ...pending].filter((lock) => lock.name === \"mcp-evergreen:share:2:\" + name).length)";
    run(count, group).await.as_f64().expect("a number")
}

async fn nobody_holds(group: &str) {
    for _ in 0..500 {
        if locks(group).await == 0.0 {
            return;
        }
        sleep(10.0).await;
    }
    panic!("the lock of {group} is still held");
}

#[test]
async fn the_first_leads_and_the_next_one_after_it() {
    let (first, heard) = join("order");
    heard.wait("Leading").await;
    let (second, also) = join("order");
    also.wait("Following").await;
    assert_eq!(heard.take(), ["Leading"]);
    drop(first);
    also.wait("Leading").await;
    assert_eq!(also.take(), ["Following", "Leading"]);
    drop(second);
    nobody_holds("order").await;
    assert!(heard.take().is_empty(), "who has left hears nothing");
}

#[test]
async fn the_lead_is_stolen_and_falls_back() {
    let (_first, heard) = join("theft");
    heard.wait("Leading").await;
    let (thief, also) = join("theft");
    also.wait("Following").await;
    thief.steal();
    also.wait("Leading").await;
    heard.wait("Following").await;
    drop(thief);
    for _ in 0..500 {
        if locks("theft").await == 1.0 {
            break;
        }
        sleep(10.0).await;
    }
    assert_eq!(heard.take(), ["Leading", "Following", "Leading"]);
    assert_eq!(also.take(), ["Following", "Leading"]);
}

#[test]
async fn a_tab_that_is_watched_is_missed_by_all_who_watch() {
    let (one, heard) = join_as("watch", 1);
    heard.wait("Leading").await;
    let (two, also) = join_as("watch", 2);
    let (three, nothing) = join_as("watch", 3);
    also.wait("Following").await;
    nothing.wait("Following").await;
    one.watch(3);
    two.watch(3);
    three.watch(1);
    one.watch(4);
    heard.wait("4 is gone").await;
    drop(three);
    heard.wait("3 is gone").await;
    also.wait("3 is gone").await;
    assert_eq!([heard.take(), also.take()].concat(), ["Leading", "4 is gone", "3 is gone", "Following", "3 is gone"]);
    assert_eq!(nothing.take(), ["Following"], "who has left hears nothing");
    drop((one, two));
    for tab in 1..=4 {
        nobody_holds(&format!("watch:{tab}")).await;
    }
}

#[test]
async fn a_lock_that_is_granted_too_late_is_not_held() {
    let (tabs, heard) = join("late");
    // Its request is under way.
    drop(tabs);
    let (_next, also) = join("late");
    also.wait("Leading").await;
    assert!(heard.take().is_empty());
}

/// What was told; roles come when they come.
fn messages(log: &Log) -> Vec<String> {
    log.take().into_iter().filter(|line| line.contains(' ')).collect()
}

#[test]
async fn what_is_told_reaches_all_others_in_order() {
    let (one, own) = join("talk");
    let (_two, heard) = join("talk");
    let (_three, also) = join("talk");
    let (_apart, nothing) = join("elsewhere");
    let payload = Object::new();
    Reflect::set(&payload, &"a".into(), &1.into()).expect("a plain object");
    one.tell("first", Some(payload.into()));
    // What cannot be cloned goes nowhere, and harms nobody.
    one.tell("never", Some(Function::new_no_args("").into()));
    one.tell("last", None);
    for heard in [&heard, &also] {
        heard.wait("last").await;
        assert_eq!(messages(heard), [r#"first {"a":1}"#, "last -"]);
    }
    run(
        "const channel = new BroadcastChannel(\"mcp-evergreen:share:2:\" + name);
         for (const odd of [null, 7, \"t\", {}, [], { text: 7 }, { text: \"odd\" }]) channel.postMessage(odd);
         channel.close();",
        "talk",
    )
    .await;
    heard.wait("odd").await;
    assert_eq!(messages(&heard), ["odd -"]);
    assert_eq!(messages(&own).iter().filter(|line| !line.starts_with("odd")).count(), 0, "nobody hears itself");
    assert!(messages(&nothing).is_empty(), "another group hears nothing");
}

#[test]
async fn without_locks_or_channels_a_tab_is_alone() {
    for (missing, back) in [
        (
            "Object.defineProperty(navigator, 'locks', { value: undefined, configurable: true })",
            "delete navigator.locks",
        ),
        (
            "globalThis.kept = BroadcastChannel; delete globalThis.BroadcastChannel",
            "globalThis.BroadcastChannel = kept",
        ),
        (
            "Object.defineProperty(navigator, 'locks', { value: { request: () => Promise.reject(new DOMException('', 'SecurityError')) }, configurable: true })",
            "delete navigator.locks",
        ),
    ] {
        run(missing, "").await;
        let (tabs, heard) = join("alone");
        heard.wait("Alone").await;
        run(back, "").await;
        tabs.tell("nobody", None);
        assert_eq!(heard.take(), ["Alone"], "{missing}");
    }
}

struct Member {
    driver: Driver,
    host: Rc<Scribe>,
    settled: Log,
}

fn member(fetch: &Function, group: &str) -> Member {
    let (host, settled) = (Rc::<Scribe>::default(), Log::default());
    let config = Config { era: EraChoice::Legacy, ..Config::default() };
    let driver = Driver::open(transport(fetch), config, Some(group.into()), Rc::clone(&host) as Rc<dyn Host>);
    Member { driver, host, settled }
}

fn caller(log: &Log, name: &'static str) -> Caller {
    let log = log.clone();
    let settle =
        Box::new(move |result: Result<_, _>| log.push(format!("{name} {}", result.map_or("failed", |_| "ok"))));
    Caller { settle, progress: None }
}

fn fire(name: &str) {
    let fire = Function::new_with_args("name", "dispatchEvent(new PageTransitionEvent(name, { persisted: true }))");
    fire.call1(&JsValue::UNDEFINED, &name.into()).expect("an event");
}

#[test]
async fn two_drivers_share_a_session_and_let_go_of_it_while_the_page_stands_still() {
    let (wire, control) = (Array::new(), Object::new());
    let fetch = server(&wire, &control);
    let (one, two) = (member(&fetch, "drivers"), member(&fetch, "drivers"));
    for member in [&one, &two] {
        member.driver.connect(caller(&member.settled, "connect"));
        member.settled.wait("connect ok").await;
    }
    let lines = || wire.iter().filter_map(|line| line.as_string()).collect::<Vec<_>>();
    assert_eq!(lines(), ["initialize→200", "notifications/initialized→202"]);
    assert_eq!(one.driver.status().session_tag, two.driver.status().session_tag);
    let roles = || [one.driver.status().share, two.driver.status().share];
    assert_eq!(roles(), [Some(Role::Leading), Some(Role::Following)]);

    fire("pagehide");
    assert_eq!(roles(), [Some(Role::Apart), Some(Role::Apart)]);
    nobody_holds("drivers").await;
    fire("pageshow");
    fire("pageshow");
    for _ in 0..500 {
        if roles().iter().all(|role| *role != Some(Role::Apart)) {
            break;
        }
        sleep(10.0).await;
    }
    assert_eq!(roles(), [Some(Role::Leading), Some(Role::Following)]);
    assert!(lines().iter().filter(|line| line.starts_with("initialize")).count() == 1);

    for member in [&one, &two] {
        member.driver.close(true, caller(&member.settled, "close"));
        member.settled.wait("close ok").await;
        assert!(member.host.log.take().contains(&"close".to_owned()));
    }
    nobody_holds("drivers").await;
}
