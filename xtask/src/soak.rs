//! The model of the world, or of the tabs of a page, over many seeds, with a log of what was run.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{output, run_and_keep, say};
use crate::project::Project;

pub const USAGE: &str = "[--tabs] --from N --count M";
const LOG: &str = "tests/model/SOAK.md";
const HEAD: &str = "# Seeds that were run\n\nBy `cargo xtask soak`, one line for each run.\n\n| seeds | commit | result |\n|---|---|---|\n";

pub fn run(project: &Project, arguments: &[String]) -> Result<()> {
    let number = |name: &str| -> Result<u64> {
        let at = arguments.iter().position(|argument| argument == name);
        let value = at.and_then(|at| arguments.get(at + 1)).with_context(|| format!("cargo xtask soak {USAGE}"))?;
        value.parse().with_context(|| format!("{name} {value} is no number"))
    };
    let (from, count) = (number("--from")?, number("--count")?);
    let tabs = arguments.iter().any(|argument| argument == "--tabs");
    let (test, name, what) = if tabs {
        ("tabs", "whatever_happens_to_the_tabs_every_call_settles_and_none_runs_twice", "tabs ")
    } else {
        ("model", "the_world_holds_every_invariant", "")
    };
    say(format!("Seeds {what}{from} to {}…", from + count));
    let commit = commit(project)?;
    let mut command = optimised(project, "soak");
    command
        .args(["test", "--release", "--package", "mcp-evergreen", "--test", test, "--"])
        .args([name, "--nocapture"])
        .envs(["MODEL_FROM", "TABS_FROM"].map(|name| (name, from.to_string())))
        .envs(["MODEL_SEEDS", "TABS_SEEDS"].map(|name| (name, count.to_string())));
    let (succeeded, said) = run_and_keep(&mut command)?;
    if !succeeded && !said.contains("test result: FAILED") {
        bail!("the model was not run");
    }
    let result = if succeeded { "every invariant holds" } else { "an invariant is broken" };
    log(project, &format!("| {what}{from}–{} | {commit} | {result} |\n", from + count))?;
    if !succeeded {
        bail!("{result}: the seed stands above");
    }
    Ok(())
}

/// cargo, for many seeds: a release that is fast, checks what a test checks, and survives its panics. It is built in a folder
/// of its own.
pub fn optimised(project: &Project, folder: &str) -> Command {
    let mut command = project.cargo();
    command
        .env("CARGO_PROFILE_RELEASE_PANIC", "unwind")
        .env("CARGO_PROFILE_RELEASE_LTO", "false")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3")
        .env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true")
        .env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true")
        .env("CARGO_TARGET_DIR", project.target.join(folder));
    command
}

/// The commit, and whether the tree that was run differs from it.
fn commit(project: &Project) -> Result<String> {
    let mut git = std::process::Command::new("git");
    let hash = output(git.args(["rev-parse", "--short", "HEAD"]).current_dir(&project.root))?;
    let mut git = std::process::Command::new("git");
    let changed =
        output(git.args(["status", "--short", "src", "tests/model", "tests/tabs"]).current_dir(&project.root))?;
    let changed = changed.lines().any(|line| !line.ends_with(LOG));
    Ok(format!("{}{}", hash.trim(), if changed { " with changes" } else { "" }))
}

fn log(project: &Project, line: &str) -> Result<()> {
    let path: &Path = &project.root.join(LOG);
    let is_new = !path.exists();
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    if is_new {
        file.write_all(HEAD.as_bytes())?;
    }
    file.write_all(line.as_bytes()).with_context(|| format!("cannot write {LOG}"))
}
