//! A model of the world: one client on a simulated network, servers that evict, an application that does as it likes.
//! Seeded: `MODEL_SEED=n` replays one seed and prints what happened, `MODEL_SEEDS=n` sets how many are run,
//! `MODEL_FROM=n` where they begin; with `MODEL_ALL=1` every seed that fails is named, not only the first.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::wildcard_enum_match_arm, reason = "tests name what they expect and fail on the rest")]

mod app;
mod browser;
mod closing;
mod eras;
mod gateway;
mod held;
mod herd;
mod law;
mod ledger;
mod modern;
mod pace;
mod plan;
mod server;
mod steps;
mod streams;
mod tokens;
mod world;

use herd::Herd;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use steps::State;
use world::World;

const SEEDS: u64 = 10_000;
/// What the README admits as a limit meets one call in so many at most, in the weather that there is here.
const LIMITED_TO: u64 = 500;
/// Every so many seeds are run a second time with other splits of the same bytes.
const SPLITS_EVERY: u64 = 10;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")))
}

#[derive(Default)]
struct Tally {
    fired: BTreeMap<(State, State), u64>,
    events: usize,
    ledger: BTreeMap<String, u64>,
    most_idle: usize,
}

/// Runs one seed; `Err` says what is wrong.
fn run(seed: u64, tally: &mut Tally) -> Result<(), String> {
    let splits = seed.is_multiple_of(SPLITS_EVERY);
    let world = finish(seed, 1, splits)?;
    for (transition, count) in &world.steps.fired {
        *tally.fired.entry(*transition).or_default() += count;
    }
    tally.events += world.events;
    tally.most_idle = tally.most_idle.max(world.pace.most_idle);
    world.ledger.count(&mut tally.ledger);
    if splits && finish(seed, 2, true)?.digest != world.digest {
        return Err("the output depends on how bytes were split".to_owned());
    }
    Ok(())
}

fn finish(seed: u64, splits: u64, digests: bool) -> Result<World, String> {
    let run = || {
        let mut world = World::new(seed, splits, false);
        world.law.digests = digests;
        world.run();
        world
    };
    let mut world = catch_unwind(AssertUnwindSafe(run)).map_err(|_| "it panicked".to_owned())?;
    match world.failure.take() {
        Some(failure) => Err(failure),
        None => Ok(world),
    }
}

/// What happened, line by line.
fn transcript(seed: u64) -> (Vec<String>, Option<String>) {
    let mut world = World::new(seed, 1, true);
    let ended = catch_unwind(AssertUnwindSafe(|| world.run()));
    let failure = world.failure.take().or_else(|| ended.is_err().then(|| "it panicked".to_owned()));
    (world.log.take().unwrap_or_default(), failure)
}

#[test]
fn the_world_holds_every_invariant() {
    if let Some(seed) = from_environment("MODEL_SEED") {
        let (lines, failure) = transcript(seed);
        println!("{}", lines.join("\n"));
        assert_eq!(failure, None, "seed {seed}");
        return assert_eq!(run(seed, &mut Tally::default()), Ok(()), "seed {seed}");
    }
    let from = from_environment("MODEL_FROM").unwrap_or(0);
    let count = from_environment("MODEL_SEEDS").unwrap_or(SEEDS);
    let all = from_environment("MODEL_ALL").is_some();
    let next = AtomicU64::new(from);
    let failed = AtomicU64::new(u64::MAX);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut tally = Tally::default();
        let mut why = None;
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            // Seeds before one that failed are still run: the first is reported.
            if seed >= from.saturating_add(count).min(failed.load(Ordering::Relaxed)) {
                return (tally, why);
            }
            if let Err(failure) = run(seed, &mut tally) {
                if all {
                    println!("failed: {seed}: {failure}");
                } else {
                    failed.fetch_min(seed, Ordering::Relaxed);
                }
                why = Some((seed, failure));
            }
        }
    };
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("failures are caught")).collect()
    });
    let mut fired: BTreeMap<(State, State), u64> = BTreeMap::new();
    for (transition, count) in results.iter().flat_map(|(tally, _)| &tally.fired) {
        *fired.entry(*transition).or_default() += count;
    }
    let events: usize = results.iter().map(|(tally, _)| tally.events).sum();
    println!("{count} seeds from {from}, {events} events");
    for ((before, after), count) in &fired {
        println!("{count:>8}  {} {} → {} {}", before.0, before.1, after.0, after.1);
    }
    let idle = results.iter().map(|(tally, _)| tally.most_idle).max().unwrap_or_default();
    println!("{idle:>8}  requests at most in a while in which nobody waits");
    let mut ledger: BTreeMap<&str, u64> = BTreeMap::new();
    for (what, times) in results.iter().flat_map(|(tally, _)| &tally.ledger) {
        *ledger.entry(what).or_default() += times;
    }
    ledger.iter().for_each(|(what, times)| println!("{times:>8}  {what}"));
    let first = results.iter().filter_map(|(_, why)| why.as_ref()).min();
    if let Some((seed, why)) = first {
        let (lines, _) = transcript(*seed);
        let last = lines.len().saturating_sub(60);
        println!("{}", lines[last..].join("\n"));
        panic!("seed {seed}: {why}\nreplay it with MODEL_SEED={seed}");
    }
    let admitted: u64 = ledger.iter().filter(|(what, _)| what.starts_with(ledger::LIMIT)).map(|(_, times)| times).sum();
    let ran = ledger.get("calls that ran").copied().unwrap_or_default();
    assert!(admitted * LIMITED_TO <= ran.max(LIMITED_TO), "{admitted} of {ran} calls met what the README admits");
    let never: Vec<_> = steps::REQUIRED.iter().filter(|transition| !fired.contains_key(transition)).collect();
    assert!(never.is_empty() || count < SEEDS, "never fired: {never:?}");
}

/// Every call that the server was running breaks at the same moment.
#[test]
fn a_herd_recovers_without_a_stampede() {
    const CALLS_TAKE: u64 = 110_000;
    let report = |what: &str, herd: &Herd| {
        let (peak, knocks, healed) = (herd.peak(), herd.knocks(), herd.healed_after);
        println!(
            "{what}: {peak} initialize in the worst second, {knocks} while it was down; all ready after {healed:?} ms"
        );
        assert!(healed.is_some());
        peak
    };
    let peak = report("restart, with jitter", &Herd::run(true, 0, CALLS_TAKE));
    let same = report("restart, without jitter", &Herd::run(false, 0, CALLS_TAKE));
    assert!(peak * 10 <= same, "{peak} is more than a tenth of {same}");
    let outage = report("half a minute down, with jitter", &Herd::run(true, 30_000, CALLS_TAKE));
    assert!(outage * 10 <= herd::CLIENTS as u64, "{outage}");
}
