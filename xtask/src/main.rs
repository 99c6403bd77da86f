//! Every command a contributor needs, as `cargo xtask <command>`.

mod apps;
mod architecture;
mod audit;
mod bench;
mod browsers;
mod build;
mod chaos;
mod chat;
mod conformance;
mod cycles;
mod demo;
mod documents;
mod examples;
mod field;
mod fuzz;
mod glue;
mod licences;
mod lint;
mod matrix;
mod node;
mod planted;
mod process;
mod project;
mod python;
mod release;
mod rules;
mod setup;
mod site;
mod size;
mod soak;
mod stamp;
mod summary;
mod test;
mod toolchain;

use std::process::ExitCode;

use anyhow::{Result, bail};
use project::Project;

struct Command {
    name: &'static str,
    takes: &'static str,
    does: &'static str,
    run: fn(&Project, &[String]) -> Result<()>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "demo",
        takes: "[--headless]",
        does: "a page and real servers: break the session, watch a call heal (--headless prints it)",
        run: demo::run,
    },
    Command {
        name: "chat",
        takes: "",
        does: "examples/chat, the host to begin with, and real servers to add: one that wants a login, one without CORS headers",
        run: chat::run,
    },
    Command {
        name: "screenshots",
        takes: "",
        does: "the pictures of the demo in docs/, which README.md shows",
        run: demo::screenshots,
    },
    Command {
        name: "site",
        takes: "",
        does: "the demo, the guides, the documents and the API reference as pages, in target/site: works offline, below any path",
        run: site::command,
    },
    Command {
        name: "build",
        takes: build::USAGE,
        does: "the npm package by the stable compiler, in pkg/ and packed beside it (--symbols: with names, panics in words)",
        run: build::command,
    },
    Command {
        name: "pack",
        takes: "",
        does: "the same as it is published: with a standard library compiled for size",
        run: build::pack,
    },
    Command { name: "test", takes: test::SUITE_NAMES, does: "all test suites, or those named", run: test::command },
    Command {
        name: "matrix",
        takes: "[--save] [server…]",
        does: "real servers of many makes, evicted in a browser: prints a table (--save: docs/matrix.md)",
        run: matrix::run,
    },
    Command {
        name: "conformance",
        takes: "[--all|--compare] [scenario…]",
        does: "the official suite's scenarios in headless Chromium (--compare: the SDK's Client over our transport and its own)",
        run: conformance::run,
    },
    Command {
        name: "field",
        takes: "[--write] [row…]",
        does: "servers as they are, played with the package and the TypeScript SDK (--write: docs/field.md)",
        run: field::run,
    },
    Command {
        name: "bench",
        takes: "[--smoke] [--save] [work…]",
        does: "how fast the package is beside others, in headless Chromium (--save: README.md and docs/bench.*)",
        run: bench::run,
    },
    Command {
        name: "size",
        takes: "[--functions]",
        does: "what an app ships beside others, where the bytes are, and whether that is within the budget",
        run: size::run,
    },
    Command {
        name: "soak",
        takes: soak::USAGE,
        does: "the model of the world over many seeds; tests/model/SOAK.md keeps a log",
        run: soak::run,
    },
    Command {
        name: "chaos",
        takes: chaos::USAGE,
        does: "calls through a gateway that fails, judged by what the servers ran: a seed replays its run (--help tells more)",
        run: chaos::run,
    },
    Command {
        name: "planted",
        takes: planted::USAGE,
        does: "bugs that are arms of the core, one at a time: the model must find each (--write: where, tests/model/PLANTED.md)",
        run: planted::run,
    },
    Command {
        name: "fuzz",
        takes: "[sse|json_rpc|session] [--seconds N] [--save]",
        does: "looks for inputs that break the core (--save: keeps those that reach more of it)",
        run: fuzz::run,
    },
    Command {
        name: "lint",
        takes: "",
        does: "rustfmt, clippy and rustdoc for native and wasm32, and the rules of this repository",
        run: lint::command,
    },
    Command {
        name: "audit",
        takes: audit::USAGE,
        does: "licences and sources of what comes from others, and the holes that are known (--offline: without these)",
        run: audit::command,
    },
    Command {
        name: "release",
        takes: release::USAGE,
        does: "both packages and what stands beside them, checked against each other and published (--dry-run: not that)",
        run: release::command,
    },
    Command {
        name: "setup",
        takes: "",
        does: "install what the other commands need (each of them also does so by itself)",
        run: setup::command,
    },
];

const HELP: &[&str] = &["help", "--help", "-h"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let Some((name, arguments)) = arguments.split_first().filter(|(name, _)| !HELP.contains(&name.as_str())) else {
        print!("{}", help());
        return Ok(());
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name.as_str()) else {
        bail!("there is no command {name:?}\n{}", help());
    };
    if command.takes.is_empty() && !arguments.is_empty() {
        bail!("`cargo xtask {name}` takes no arguments");
    }
    (command.run)(&Project::find()?, arguments)
}

fn help() -> String {
    COMMANDS
        .iter()
        .map(|command| {
            let usage = format!("{} {}", command.name, command.takes);
            format!("cargo xtask {usage:<24} {}\n", command.does)
        })
        .collect()
}
