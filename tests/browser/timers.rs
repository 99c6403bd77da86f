//! The timer, tasks and clocks.

use super::fakes::{Log, never, sleep};
use mcp_evergreen::browser::{clock, task, timer::Timer};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test as test;

fn logging() -> (Timer, Log) {
    let log = Log::default();
    let fired = log.clone();
    (Timer::new(move || fired.push("fired")), log)
}

#[test]
async fn a_timer_fires_once_and_not_before_its_time() {
    let (timer, log) = logging();
    timer.set(Some(1_050), || 1_000);
    sleep(10.0).await;
    assert!(log.take().is_empty());
    sleep(100.0).await;
    assert_eq!(log.take(), ["fired"]);
}

#[test]
async fn a_timer_moves_stops_and_ends_with_its_owner() {
    let (timer, log) = logging();
    timer.set(Some(10), || 0);
    timer.set(Some(60_000), || 0);
    sleep(50.0).await;
    assert!(log.take().is_empty());
    timer.set(Some(10), || 0);
    timer.set(None, || 0);
    sleep(50.0).await;
    assert!(log.take().is_empty());
    timer.set(Some(10), || 0);
    drop(timer);
    sleep(50.0).await;
    assert!(log.take().is_empty());
}

#[test]
async fn a_delay_that_is_too_long_does_not_fire_at_once() {
    let (timer, log) = logging();
    timer.set(Some(1 << 40), || 0);
    sleep(50.0).await;
    assert!(log.take().is_empty());
}

#[test]
async fn a_timer_is_armed_anew_for_the_same_deadline_once_it_has_fired() {
    let (timer, log) = logging();
    timer.set(Some(5), || 0);
    log.wait("fired").await;
    timer.fired();
    log.take();
    timer.set(Some(5), || 0);
    log.wait("fired").await;
}

#[test]
async fn a_timer_may_be_dropped_by_what_it_calls() {
    let timer = Rc::new(RefCell::new(None));
    let own = Rc::downgrade(&timer);
    let gone = Rc::new(Cell::new(false));
    let seen = Rc::clone(&gone);
    timer.replace(Some(Timer::new(move || {
        let timer = own.upgrade().expect("it lives").take();
        seen.set(timer.is_some());
    })));
    timer.borrow().as_ref().expect("it lives").set(Some(0), || 0);
    sleep(30.0).await;
    assert!(gone.get());
}

#[test]
async fn a_task_ends_with_its_guard_even_where_a_promise_never_settles() {
    let held = Rc::new(());
    let inside = Rc::clone(&held);
    let task = task::spawn(async move {
        let _ = JsFuture::from(never()).await;
        drop(inside);
    });
    sleep(10.0).await;
    assert_eq!(Rc::strong_count(&held), 2);
    drop(task);
    sleep(10.0).await;
    assert_eq!(Rc::strong_count(&held), 1);
}

#[test]
async fn a_slot_may_be_filled_before_and_after_it_is_awaited() {
    let slot = Rc::<task::Slot<u8>>::default();
    slot.put(1);
    assert_eq!(slot.get().await, 1);
    let later = Rc::clone(&slot);
    let _task = task::spawn(async move {
        sleep(5.0).await;
        later.put(2);
    });
    assert_eq!(slot.get().await, 2);
}

#[test]
async fn the_clocks_run_and_seeds_differ() {
    let before = clock::now();
    sleep(20.0).await;
    let after = clock::now();
    assert!((15..60_000).contains(&(after.mono - before.mono)));
    assert!(after.unix_ms > 1_700_000_000_000);
    assert_ne!(clock::seed(), clock::seed());
}
