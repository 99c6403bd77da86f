//! The fuzzers of `fuzz/`: looks for an input that breaks one of its checks. `tests/corpus.rs` holds what was found.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{cargo, in_path, output, run as run_shown, say};
use crate::project::Project;
use crate::setup;

const TARGETS: &[&str] = &["sse", "json_rpc", "session"];
const CARGO_FUZZ: &str = "0.13.2";
const SECONDS: u64 = 60;
/// Longer inputs find nothing that these do not.
const LONGEST_INPUT: usize = 512;

struct Options {
    targets: Vec<&'static str>,
    seconds: u64,
    /// Keep what reaches more code.
    save: bool,
}

pub fn run(project: &Project, arguments: &[String]) -> Result<()> {
    let options = options(arguments)?;
    let tool = {
        let _lock = setup::lock(project)?;
        install(project)?
    };
    for target in &options.targets {
        say(format!("Fuzzing {target} for {} s…", options.seconds));
        fuzz(project, &tool, target, options.seconds)?;
        if options.save {
            save(project, &tool, target)?;
        }
    }
    say("Nothing found.");
    Ok(())
}

fn options(arguments: &[String]) -> Result<Options> {
    let mut options = Options { targets: Vec::new(), seconds: SECONDS, save: false };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seconds" => {
                let seconds = arguments.next().and_then(|seconds| seconds.parse().ok());
                options.seconds = seconds.context("--seconds takes a number")?;
            }
            "--save" => options.save = true,
            name => {
                let target = TARGETS.iter().find(|target| **target == name);
                let all = TARGETS.join(", ");
                options.targets.push(target.with_context(|| format!("there is no target {name:?}: {all}"))?);
            }
        }
    }
    if options.targets.is_empty() {
        options.targets.extend(TARGETS);
    }
    Ok(options)
}

/// cargo-fuzz, installed once.
fn install(project: &Project) -> Result<PathBuf> {
    if std::env::var_os("CXX").is_none() && in_path(&["c++", "g++", "clang++"]).is_none() {
        bail!("a C++ compiler is missing, which libFuzzer is built with: install g++ or clang, or set CXX");
    }
    let tool = project.tools().join("bin").join(format!("cargo-fuzz{}", std::env::consts::EXE_SUFFIX));
    let version = output(Command::new(&tool).arg("--version")).unwrap_or_default();
    if version.split_whitespace().nth(1) != Some(CARGO_FUZZ) {
        say(format!("Installing cargo-fuzz {CARGO_FUZZ} into {} (about 1 minute)…", project.tools().display()));
        run_shown(
            cargo().args(["install", "cargo-fuzz", "--locked", "--version", CARGO_FUZZ, "--root"]).arg(project.tools()),
        )
        .with_context(|| format!("cargo-fuzz {CARGO_FUZZ} is missing"))?;
    }
    Ok(tool)
}

fn fuzz(project: &Project, tool: &Path, target: &str, seconds: u64) -> Result<()> {
    let found = found(project, target);
    fs::create_dir_all(&found)?;
    let mut command = cargo_fuzz(project, tool, "run", target);
    command
        .arg(found)
        .arg(committed(project, target))
        .arg("--")
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={LONGEST_INPUT}"))
        .arg("-timeout=10");
    run_shown(&mut command).with_context(|| {
        format!(
            "{target} found something, if a file in fuzz/artifacts/{target} says so; FUZZ_TRACE=1 tells what happens in it"
        )
    })
}

/// Adds to the committed corpus what reaches code that nothing in it reaches.
fn save(project: &Project, tool: &Path, target: &str) -> Result<()> {
    let mut command = cargo_fuzz(project, tool, "run", target);
    command.arg(committed(project, target)).arg(found(project, target)).args(["--", "-merge=1", "-use_counters=0"]);
    run_shown(&mut command)
}

/// Stable Rust has no sanitizers; what is looked for are broken checks, not broken memory: the core has no `unsafe`.
fn cargo_fuzz(project: &Project, tool: &Path, subcommand: &str, target: &str) -> Command {
    let mut command = Command::new(tool);
    command
        .args(["fuzz", subcommand, "--sanitizer", "none", "--target-dir"])
        .arg(project.target.join("fuzz"))
        .arg(target)
        .current_dir(&project.root);
    command
}

fn committed(project: &Project, target: &str) -> PathBuf {
    project.root.join("fuzz/corpus").join(target)
}

fn found(project: &Project, target: &str) -> PathBuf {
    project.target.join("fuzz-corpus").join(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<(Vec<&'static str>, u64, bool)> {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        options(&arguments).map(|options| (options.targets, options.seconds, options.save))
    }

    #[test]
    fn without_a_name_all_targets_are_fuzzed() -> Result<()> {
        assert_eq!(read(&[])?, (TARGETS.to_vec(), SECONDS, false));
        assert_eq!(read(&["session", "--seconds", "5", "--save"])?, (vec!["session"], 5, true));
        Ok(())
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let message = |arguments: &[&str]| read(arguments).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message(&["sessions"]).contains("\"sessions\": sse, json_rpc, session"));
        assert!(message(&["--seconds"]).contains("a number"));
    }
}
