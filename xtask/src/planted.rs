//! Bugs that are arms of the core, compiled with `--cfg planted` and chosen at run time by `PLANTED`: the model of the world
//! must find each. `tests/model/PLANTED.md` lists them, and where each was found last: it is looked for there first.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};

use crate::process::{output, say};
use crate::project::Project;
use crate::soak::optimised;
use crate::stamp::files_below;

pub const USAGE: &str = "[--write] [bug…]";
const LIST: &str = "tests/model/PLANTED.md";
const WRITE: &str = "--write";
/// So many seeds are searched for a bug that is not found where it was found last.
const SEEDS: u64 = 60_000;
const HERD: &str = "herd";

#[derive(Debug, Clone, PartialEq, Eq)]
struct Bug {
    name: String,
    /// What is wrong.
    what: String,
    /// The test that must find it, by a part of its name: `the_world`, which has seeds, or `herd`.
    test: String,
    /// The one that found it last.
    seed: Option<u64>,
}

pub fn run(project: &Project, arguments: &[String]) -> Result<()> {
    let (options, names): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| argument.starts_with('-'));
    if let Some(unknown) = options.iter().find(|option| **option != WRITE) {
        bail!("there is no option {unknown:?}: cargo xtask planted {USAGE}");
    }
    let text = project.read(LIST)?;
    let bugs = listed(&text)?;
    let differing = differing(&bugs, &arms_below(&project.root.join("src"))?);
    if !differing.is_empty() {
        bail!("{}", differing.join("\n"));
    }
    if let Some(unknown) = names.iter().find(|name| bugs.iter().all(|bug| bug.name != ***name)) {
        bail!("{LIST} has no bug {unknown:?}");
    }
    let chosen: Vec<&Bug> = bugs.iter().filter(|bug| names.is_empty() || names.contains(&&bug.name)).collect();
    let model = Model::build(project)?;
    let found = search(&model, &chosen)?;
    let missed = found.iter().filter(|(_, found)| found.is_none()).count();
    if options.iter().any(|option| *option == WRITE) {
        fs::write(project.root.join(LIST), rewritten(&text, &found))?;
    }
    println!("\n{} passed, {missed} failed", found.len() - missed);
    if missed > 0 {
        bail!("the model does not find every bug");
    }
    Ok(())
}

/// All of them are found, where they were last.
pub fn runner(_: &Project) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("planted");
    Ok(command)
}

/// Where a bug was found, and what the model says of it.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    seed: Option<u64>,
    why: String,
}

fn line(bug: &Bug, found: Option<&Found>) -> String {
    let Some(Found { seed, why }) = found else { return format!("MISSED  {}: {}", bug.name, bug.what) };
    let seed = seed.map(|seed| format!(" seed {seed}")).unwrap_or_default();
    format!("found   {}: {}\n        {}{seed}: {why}", bug.name, bug.what, bug.test)
}

/// Each of the machine's cores takes the next bug.
fn search<'a>(model: &Model, bugs: &[&'a Bug]) -> Result<Vec<(&'a Bug, Option<Found>)>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(bug) = bugs.get(at) else { return Ok(found) };
            let place = model.find(bug)?;
            println!("{}", line(bug, place.as_ref()));
            found.push((at, place));
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let found: Result<Vec<Vec<_>>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let ended = workers.into_iter().map(|worker| worker.join().unwrap_or_else(|_| bail!("a search has panicked")));
        ended.collect()
    });
    let mut found: Vec<_> = found?.into_iter().flatten().collect();
    found.sort_by_key(|(at, _)| *at);
    Ok(bugs.iter().copied().zip(found.into_iter().map(|(_, found)| found)).collect())
}

/// The model's program, with all bugs in it and none of them planted.
struct Model {
    program: PathBuf,
    root: PathBuf,
}

impl Model {
    fn build(project: &Project) -> Result<Self> {
        say("The model, with every planted bug in it…");
        let mut command = optimised(project, "planted");
        command
            .args(["test", "--release", "--package", "mcp-evergreen", "--test", "model", "--no-run"])
            .args(["--message-format", "json-render-diagnostics"])
            .env("RUSTFLAGS", "--cfg planted");
        let built = output(&mut command)?;
        let program = built.lines().filter_map(executable).next_back().context("cargo names no program")?;
        Ok(Self { program, root: project.root.clone() })
    }

    fn find(&self, bug: &Bug) -> Result<Option<Found>> {
        let last = match bug.seed {
            Some(seed) => self.finds(bug, seed, 1)?,
            None => None,
        };
        match last {
            Some(found) => Ok(Some(found)),
            None => self.finds(bug, 0, SEEDS),
        }
    }

    /// Whether the test fails with the bug, and holds without it.
    fn finds(&self, bug: &Bug, from: u64, seeds: u64) -> Result<Option<Found>> {
        let said = self.said(bug, Some(&bug.name), from, seeds)?;
        let Some(found) = failure(bug, &said) else { return Ok(None) };
        let (from, seeds) = found.seed.map_or((0, SEEDS), |seed| (seed, 1));
        if let Some(Found { why, .. }) = failure(bug, &self.said(bug, None, from, seeds)?) {
            bail!("{}: without the bug it fails as well: {why}", bug.name);
        }
        Ok(Some(found))
    }

    fn said(&self, bug: &Bug, planted: Option<&str>, from: u64, seeds: u64) -> Result<String> {
        let mut command = Command::new(&self.program);
        command
            .arg(&bug.test)
            .env_remove("MODEL_SEED")
            .env_remove("MODEL_ALL")
            .env("MODEL_FROM", from.to_string())
            .env("MODEL_SEEDS", seeds.to_string())
            .env("PLANTED", planted.unwrap_or_default())
            .stdin(Stdio::null())
            .current_dir(&self.root);
        let output = command.output().context("cannot start the model")?;
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        if output.status.success() && !said.contains("1 passed") {
            bail!("the model has not the one test {:?}:\n{said}", bug.test);
        }
        Ok(said.into_owned())
    }
}

fn executable(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    Some(message["executable"].as_str()?.into())
}

/// What a test that failed says: of the world, which seed it was, and of a herd, that it came at once.
fn failure(bug: &Bug, said: &str) -> Option<Found> {
    if bug.test == HERD {
        let why = said.lines().find(|line| line.contains(" is more than a tenth of "))?;
        return Some(Found { seed: None, why: why.to_owned() });
    }
    said.lines().find_map(|line| {
        let (seed, why) = line.strip_prefix("seed ")?.split_once(": ")?;
        Some(Found { seed: Some(seed.parse().ok()?), why: why.to_owned() })
    })
}

/// The rows of the table.
fn listed(text: &str) -> Result<Vec<Bug>> {
    let rows: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("| `")).collect();
    rows.into_iter()
        .map(|row| {
            let cells: Vec<&str> = row.trim_end_matches(['|', ' ']).split(" | ").collect();
            let [name, what, found] = cells.as_slice() else { bail!("{LIST}: a row has another form: {row}") };
            let (test, seed) = found.split_once(' ').map_or((*found, None), |(test, seed)| (test, Some(seed)));
            let seed =
                seed.map(|seed| seed.parse().with_context(|| format!("{LIST}: {seed} is no seed"))).transpose()?;
            let name = name.trim_end_matches('`').to_owned();
            Ok(Bug { name, what: (*what).to_owned(), test: test.to_owned(), seed })
        })
        .collect()
}

/// The table, with where they were found now.
fn rewritten(text: &str, found: &[(&Bug, Option<Found>)]) -> String {
    let row = |line: &str| {
        let (bug, found) = found.iter().find(|(bug, _)| line.starts_with(&format!("| `{}` |", bug.name)))?;
        let seed = found.as_ref()?.seed.map(|seed| format!(" {seed}")).unwrap_or_default();
        Some(format!("| `{}` | {} | {}{seed} |", bug.name, bug.what, bug.test))
    };
    text.lines().map(|line| row(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

fn arms_below(folder: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for path in files_below(folder)? {
        found.extend(arms(&fs::read_to_string(path)?));
    }
    Ok(found)
}

/// The names of `planted!("name")` in code, and not in comments.
fn arms(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("planted!(\"").skip(1))
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        .collect()
}

/// One line for each bug that is in one of both alone, or in the list twice.
fn differing(bugs: &[Bug], arms: &BTreeSet<String>) -> Vec<String> {
    let names: BTreeSet<String> = bugs.iter().map(|bug| bug.name.clone()).collect();
    let twice = bugs.iter().enumerate().filter(|(at, bug)| bugs.iter().take(*at).any(|other| other.name == bug.name));
    let twice = twice.map(|(_, bug)| format!("{LIST} has {} twice", bug.name));
    let missing = names.difference(arms).map(|name| format!("{LIST} has {name}, and src has no planted!(\"{name}\")"));
    let unknown = arms.difference(&names).map(|name| format!("src has planted!(\"{name}\"), and {LIST} does not"));
    twice.chain(missing).chain(unknown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# Head\n\n| bug | what is wrong | found by |\n|---|---|---|\n\
        | `late` | A refusal is late. | the_world 12 |\n| `herd_of_one` | They come back at once. | herd |\n";

    fn bugs() -> Vec<Bug> {
        listed(TABLE).unwrap()
    }

    #[test]
    fn every_planted_bug_is_an_arm_and_every_arm_is_listed() -> Result<()> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let bugs = listed(&fs::read_to_string(root.join(LIST))?)?;
        assert!(bugs.len() > 60, "{} planted bugs", bugs.len());
        assert_eq!(differing(&bugs, &arms_below(&root.join("src"))?), [""; 0]);
        Ok(())
    }

    #[test]
    fn what_is_in_one_of_list_and_code_alone_is_named() {
        let arms = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(differing(&bugs(), &arms(&["late", "herd_of_one"])), [""; 0]);
        assert_eq!(differing(&bugs(), &arms(&["late"])).len(), 1);
        assert_eq!(differing(&bugs(), &arms(&["late", "herd_of_one", "other"])).len(), 1);
        assert_eq!(differing(&[bugs(), bugs()].concat(), &arms(&["late", "herd_of_one"])).len(), 2);
    }

    #[test]
    fn an_arm_is_code() {
        let text = "//! As in `planted!(\"a\")`.\nlet late = planted!(\"b\") || planted!(\"c\");\n";
        assert_eq!(arms(text), ["b", "c"]);
    }

    #[test]
    fn a_row_says_what_is_wrong_and_where_it_was_found() {
        let [late, herd] = bugs().try_into().unwrap();
        assert_eq!((late.name.as_str(), late.what.as_str()), ("late", "A refusal is late."));
        assert_eq!((late.test.as_str(), late.seed), ("the_world", Some(12)));
        assert_eq!((herd.test.as_str(), herd.seed), ("herd", None));
        assert!(listed("| `late` | A refusal is late. |\n").is_err());
        assert!(listed("| `late` | A refusal is late. | the_world soon |\n").is_err());
    }

    #[test]
    fn what_was_found_is_written_into_its_row() {
        let bugs = bugs();
        let at = |seed| Some(Found { seed, why: String::new() });
        let written = rewritten(TABLE, &[(&bugs[0], at(Some(7))), (&bugs[1], at(None))]);
        assert_eq!(written, TABLE.replace("the_world 12", "the_world 7"));
        assert_eq!(rewritten(TABLE, &[(&bugs[0], None)]), TABLE);
    }

    #[test]
    fn the_seed_that_failed_is_read_and_nothing_else_is_taken_for_one() {
        let [late, herd] = bugs().try_into().unwrap();
        let said = "thread 'a' panicked at b:\nseed 31: call 3 ran twice\nreplay it with MODEL_SEED=31\n";
        let found = Found { seed: Some(31), why: "call 3 ran twice".to_owned() };
        assert_eq!(failure(&late, said), Some(found));
        assert_eq!(failure(&late, "7 of 9 calls met what the README admits\n"), None);
        assert!(failure(&herd, "5000 is more than a tenth of 10000\n").is_some());
        assert_eq!(failure(&herd, said), None);
    }
}
