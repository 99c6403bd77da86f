//! Chaos: the packed package behind a gateway that fails, against servers that write down what they ran. Everything it needs, then
//! `tests/chaos/chaos.mjs`; the short run that is a suite is `tests/chaos/short.mjs`.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::browsers::{self, CHROMIUM};
use crate::build;
use crate::process::run_and_keep;
use crate::project::Project;
use crate::setup::{self, Piece};

pub const USAGE: &str = "[--seed N|--seeds N [--from N]] [--engine E] [--era E] [--server S]";
const HELP: &str = "\
Calls through a gateway that fails, to servers that write each call that they run into a ledger. What the ledger says must fit what
the client told of its calls: nothing twice that may not be repeated, nothing `not_executed` that ran, nothing lost, late or crossed.

  --seed N                    one seed, with all that happened in it; the same seed does the same again
  --seeds N                   so many seeds (1000)
  --from N                    the first of them (1)
  --engine node|chromium      where the package runs (node)
  --era legacy|modern         which era the servers speak (both: the seed decides)
  --server own|ts1|ts2|python our own servers, which refuse in many words; or the TypeScript SDK 1 or 2, or the Python SDK (own)

It ends with the counts, and with an error where the law was broken; each breach is printed with its seed and what was on the wire.
";

const NEEDS: &[Piece] = &[Piece::WasmTarget, Piece::WasmBindgen, Piece::Node];
/// Of the suite.
pub const SUITE_NEEDS: &[Piece] = &[Piece::WasmTarget, Piece::WasmBindgen, Piece::Node, Piece::Chromium];

/// More seeds than this would take days; and a seed is a number that JavaScript can hold.
const MOST: u64 = 1_000_000_000;

pub fn run(project: &Project, arguments: &[String]) -> Result<()> {
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("cargo xtask chaos {USAGE}\n\n{HELP}");
        return Ok(());
    }
    let options = Options::read(arguments)?;
    let mut needs = NEEDS.to_vec();
    if options.engine == "chromium" {
        needs.push(Piece::Chromium);
    }
    if options.server == "python" {
        needs.push(Piece::Python);
    }
    setup::ensure(project, &needs)?;
    build::publishable(project)?;
    let mut command = project.node();
    command.args(["tests/chaos/chaos.mjs", &options.to_json()]);
    if options.engine == "chromium" {
        command.envs(browsers::variables(&[CHROMIUM])?);
    }
    let (held, _) = run_and_keep(&mut command)?;
    if !held {
        bail!("not every seed was run to its end within the law");
    }
    Ok(())
}

/// The suite.
pub fn runner(project: &Project) -> Result<Command> {
    build::publishable(project)?;
    let mut command = project.node();
    command.arg("tests/chaos/short.mjs").envs(browsers::variables(&[CHROMIUM])?);
    Ok(command)
}

#[derive(Debug, PartialEq, Eq)]
struct Options {
    from: u64,
    seeds: u64,
    /// Everything is told of the one seed.
    whole: bool,
    engine: String,
    era: Option<String>,
    server: String,
}

impl Options {
    fn read(arguments: &[String]) -> Result<Self> {
        let mut given: Vec<(&str, &str)> = Vec::new();
        let mut left = arguments.iter().map(String::as_str);
        while let Some(name) = left.next() {
            if !["--seed", "--seeds", "--from", "--engine", "--era", "--server"].contains(&name) {
                bail!("there is no argument {name:?}: cargo xtask chaos {USAGE}");
            }
            if given.iter().any(|(before, _)| *before == name) {
                bail!("{name} is given twice");
            }
            let value = left.next().with_context(|| format!("{name} needs a value: cargo xtask chaos {USAGE}"))?;
            given.push((name, value));
        }
        let value = |name: &str| given.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
        let number = |name: &str| -> Result<Option<u64>> {
            let Some(text) = value(name) else { return Ok(None) };
            let number = text.parse().ok().filter(|number| (1..=MOST).contains(number));
            Ok(Some(number.with_context(|| format!("{name} is a whole number from 1 to {MOST}, not {text:?}"))?))
        };
        let one_of = |name: &str, known: &[&str]| -> Result<Option<String>> {
            let Some(text) = value(name) else { return Ok(None) };
            if !known.contains(&text) {
                bail!("{name} is one of {}, not {text:?}", known.join(", "));
            }
            Ok(Some(text.to_owned()))
        };
        let (seed, seeds, from) = (number("--seed")?, number("--seeds")?, number("--from")?);
        if seed.is_some() && (seeds.is_some() || from.is_some()) {
            bail!("--seed is one seed: --seeds and --from do not go with it");
        }
        let options = Self {
            from: seed.or(from).unwrap_or(1),
            seeds: seed.map_or(seeds.unwrap_or(1_000), |_| 1),
            whole: seed.is_some(),
            engine: one_of("--engine", &["node", "chromium"])?.unwrap_or_else(|| "node".into()),
            era: one_of("--era", &["legacy", "modern"])?,
            server: one_of("--server", &["own", "ts1", "ts2", "python"])?.unwrap_or_else(|| "own".into()),
        };
        if options.server == "ts1" && options.era.as_deref() == Some("modern") {
            bail!("the TypeScript SDK 1 speaks the legacy era only: --server ts2 speaks both");
        }
        Ok(options)
    }

    fn to_json(&self) -> String {
        let Self { from, seeds, whole, engine, era, server } = self;
        json!({ "from": from, "seeds": seeds, "whole": whole, "engine": engine, "era": era, "server": server })
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::read(&arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn a_seed_is_told_wholly_and_many_are_counted() {
        let one = read("--seed 77 --engine chromium --era legacy").expect("options");
        assert_eq!((one.from, one.seeds, one.whole, one.engine.as_str()), (77, 1, true, "chromium"));
        let many = read("--server ts2 --seeds 20 --from 100").expect("options");
        assert_eq!((many.from, many.seeds, many.whole, many.server.as_str()), (100, 20, false, "ts2"));
        assert_eq!(
            read("").expect("defaults").to_json(),
            r#"{"engine":"node","era":null,"from":1,"seeds":1000,"server":"own","whole":false}"#
        );
    }

    #[test]
    fn what_is_wrong_with_an_argument_is_said() {
        for (line, said) in [
            ("--sed 1", "there is no argument \"--sed\""),
            ("77", "there is no argument \"77\""),
            ("--seed", "--seed needs a value"),
            ("--seed 1 --seed 2", "--seed is given twice"),
            ("--seeds 0", "--seeds is a whole number from 1 to 1000000000, not \"0\""),
            ("--seeds 1e3", "--seeds is a whole number"),
            ("--from -1", "--from is a whole number"),
            ("--seed 99999999999", "--seed is a whole number"),
            ("--engine firefox", "--engine is one of node, chromium, not \"firefox\""),
            ("--era old", "--era is one of legacy, modern"),
            ("--server rust", "--server is one of own, ts1, ts2, python"),
            ("--server ts1 --era modern", "the TypeScript SDK 1 speaks the legacy era only"),
            ("--seed 1 --seeds 5", "--seed is one seed"),
        ] {
            let error = read(line).expect_err(line);
            assert!(error.contains(said), "{line}: {error}");
        }
    }
}
