//! Listeners of the page's events.

use super::fakes::Log;
use js_sys::{Function, Reflect};
use mcp_evergreen::{browser::page::Page, protocol::PageChange};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test as test;

const ELSEWHERE: &str = "https://example.com/mcp";

/// An event as the browser fires it: those of the document do not all bubble.
fn fire(name: &str, persisted: bool) {
    let global = js_sys::global();
    let fire = Function::new_with_args(
        "name, persisted",
        "const target = /visibility|freeze|resume/.test(name) ? document : globalThis;
         target.dispatchEvent(/^page/.test(name) ? new PageTransitionEvent(name, { persisted }) : new Event(name))",
    );
    fire.call2(&global, &name.into(), &persisted.into()).expect("an event");
}

fn watching(endpoint: &str) -> (Page, Vec<PageChange>, Log) {
    let log = Log::default();
    let told = log.clone();
    let (page, now) = Page::watch(endpoint, move |change| told.push(format!("{change:?}")));
    (page, now, log)
}

#[test]
fn each_event_is_told_as_what_it_means() {
    let (_page, now, log) = watching(ELSEWHERE);
    assert_eq!(now, [PageChange::Visible]);
    for (event, persisted) in [
        ("visibilitychange", false),
        ("freeze", false),
        ("resume", false),
        ("pagehide", true),
        ("pageshow", true),
        ("pageshow", false),
        ("offline", false),
        ("online", false),
        ("pagehide", false),
    ] {
        fire(event, persisted);
    }
    let told = log.take();
    assert_eq!(told, ["Visible", "Frozen", "Thawed", "Frozen", "Thawed", "Offline", "Online", "Leaving"]);
}

#[test]
fn nothing_is_heard_after_the_guard_is_dropped() {
    let (page, _, log) = watching(ELSEWHERE);
    drop(page);
    for event in ["visibilitychange", "freeze", "resume", "pageshow", "pagehide", "online", "offline"] {
        fire(event, true);
    }
    assert!(log.take().is_empty());
}

#[test]
fn this_device_is_reached_without_a_network() {
    for endpoint in ["http://localhost:8080/mcp", "http://127.0.0.1/mcp", "http://[::1]:3000/mcp"] {
        let (_page, _, log) = watching(endpoint);
        fire("offline", false);
        fire("online", false);
        assert!(log.take().is_empty(), "{endpoint}");
    }
}

#[test]
fn no_listener_keeps_the_page_out_of_the_cache() {
    let global = js_sys::global();
    let spy = Function::new_no_args(
        "const heard = []; const before = addEventListener;
         globalThis.addEventListener = (name, ...rest) => { heard.push(name); return before(name, ...rest); };
         return [heard, () => { globalThis.addEventListener = before; }];",
    );
    let spied = spy.call0(&global).expect("a spy");
    let (_page, ..) = watching(ELSEWHERE);
    let restore: Function = Reflect::get_u32(&spied, 1).expect("two").dyn_into().expect("a function");
    restore.call0(&global).expect("the old one");
    let heard: js_sys::Array = Reflect::get_u32(&spied, 0).expect("two").dyn_into().expect("a list");
    assert_eq!(heard.length(), 7);
    for name in ["unload", "beforeunload"] {
        assert!(!heard.includes(&JsValue::from_str(name), 0), "{name}");
    }
}
