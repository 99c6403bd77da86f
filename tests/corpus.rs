//! The fuzzers' corpus, fed to the fuzzers' checks as it is and with changes. `cargo xtask fuzz` looks for more, where its
//! tools can be had; so does `FUZZ_INPUTS=n cargo test --test corpus changed -- --nocapture`, from the seed `FUZZ_SEED`.
#![cfg(not(target_arch = "wasm32"))]

#[path = "../fuzz/checks/mod.rs"]
mod checks;

use fastrand::Rng;
use std::collections::BTreeMap;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// So many changed inputs are tried where nothing is said.
const CHANGED: u64 = 2_000;

fn files(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> =
        fs::read_dir(&folder).expect("a corpus").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")))
}

/// Hands each file of a target's corpus to `check`; says how many there were.
fn replay(target: &str, mut check: impl FnMut(&[u8])) -> usize {
    let files = files(target);
    for file in &files {
        println!("{}", file.display());
        check(&fs::read(file).expect("readable"));
    }
    files.len()
}

#[test]
fn the_corpus_of_the_event_stream_parser_holds() {
    assert!(replay("sse", checks::sse) >= 10);
}

#[test]
fn the_corpus_of_json_rpc_holds() {
    assert!(replay("json_rpc", checks::json_rpc) >= 100);
}

#[test]
fn the_corpus_of_the_session_holds_and_goes_everywhere() {
    let mut counters = std::collections::BTreeMap::new();
    replay("session", |data| {
        for (what, count) in checks::session(data) {
            *counters.entry(what).or_insert(0) += count;
        }
    });
    println!("{counters:#?}");
    let reached = [
        "recovered",
        "restored",
        "not restored",
        "tools changed",
        "doubt",
        "reprieved",
        "closed",
        "resumed",
        "listen",
        "asked for a call",
        "withdrawn",
        "answered",
        "progress",
        "cancelled",
        "sent again",
        "delete",
        "probe",
    ];
    let missed: Vec<_> = reached.into_iter().filter(|what| !counters.contains_key(what)).collect();
    assert_eq!(missed, [""; 0], "the corpus does not reach these");
}

/// One input, with bytes that are others, or elsewhere, or of another input.
fn change(rng: &mut Rng, inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut data = inputs[rng.usize(0..inputs.len())].clone();
    for _ in 0..rng.usize(1..12) {
        let at = rng.usize(0..=data.len());
        let end = data.len().min(at + rng.usize(1..24));
        match rng.u8(0..6) {
            0..2 => data[at..end].iter_mut().take(1).for_each(|byte| *byte = rng.u8(..)),
            2 => data.insert(at, rng.u8(..)),
            3 => drop(data.drain(at..end)),
            4 => {
                let piece = data[at..end].to_vec();
                let to = rng.usize(0..=data.len());
                data.splice(to..to, piece);
            }
            _ => {
                let other = &inputs[rng.usize(0..inputs.len())];
                data.truncate(at);
                data.extend_from_slice(&other[rng.usize(0..=other.len())..]);
            }
        }
    }
    data
}

/// Whether the checks hold; `Err` says which does not.
fn holds(data: &[u8]) -> Result<(), String> {
    let said = catch_unwind(|| drop(checks::session(data))).err();
    said.map_or(Ok(()), |said| {
        let text = said.downcast_ref::<String>().cloned();
        Err(text.or_else(|| said.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
    })
}

/// What a failure says, without what differs from run to run.
fn kind(failure: &str) -> String {
    failure.chars().filter(|at| !at.is_ascii_digit()).take(60).collect()
}

/// Takes away what the failure does not need.
fn smallest(mut data: Vec<u8>, failure: &str) -> Vec<u8> {
    let mut size = data.len().max(1);
    while size > 0 {
        let mut at = 0;
        while at < data.len() {
            let shorter = [&data[..at], &data[data.len().min(at + size)..]].concat();
            match holds(&shorter) {
                Err(other) if kind(&other) == kind(failure) => data = shorter,
                Ok(()) | Err(_) => at += size,
            }
        }
        size /= 2;
    }
    data
}

#[test]
fn the_corpus_of_the_session_holds_where_it_is_changed() {
    let tried = from_environment("FUZZ_INPUTS").unwrap_or(CHANGED);
    let from = from_environment("FUZZ_SEED").unwrap_or(0);
    let inputs: Vec<Vec<u8>> = files("session").iter().map(|file| fs::read(file).expect("readable")).collect();
    // What is found here is told once, at the end.
    let (own, loud) = (thread::current().id(), std::panic::take_hook());
    let told = Arc::new(AtomicBool::new(false));
    let tells = Arc::clone(&told);
    std::panic::set_hook(Box::new(move |panic| {
        if thread::current().id() != own || tells.load(Ordering::Relaxed) {
            loud(panic);
        }
    }));
    let mut found = BTreeMap::new();
    for seed in from..from.saturating_add(tried) {
        let data = change(&mut Rng::with_seed(seed), &inputs);
        if let Err(failure) = holds(&data) {
            found.entry(kind(&failure)).or_insert((failure, data));
        }
    }
    let found: Vec<_> = found.into_values().map(|(failure, data)| (smallest(data, &failure), failure)).collect();
    told.store(true, Ordering::Relaxed);
    println!("{tried} changed inputs from {from}");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("corpus");
    for (at, (data, failure)) in found.iter().enumerate() {
        fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join(format!("found-{at}"));
        fs::write(&file, data).expect("writable");
        println!("{}: {failure}", file.display());
    }
    assert!(found.is_empty(), "keep the inputs above in fuzz/corpus/session; FUZZ_TRACE=1 tells what happens in one");
}
