//! The fuzzers' corpus, fed to the fuzzers' checks. `cargo xtask fuzz` looks for more.
#![cfg(not(target_arch = "wasm32"))]

#[path = "../fuzz/checks/mod.rs"]
mod checks;

use std::fs;
use std::path::Path;

/// Hands each file of a target's corpus to `check`; says how many there were.
fn replay(target: &str, mut check: impl FnMut(&[u8])) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> =
        fs::read_dir(&folder).expect("a corpus").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
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
