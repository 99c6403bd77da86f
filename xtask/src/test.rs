//! The test suites. Each must pass, and must have run at least as many tests as it says here: a runner
//! that finds no tests is content with that.

use std::process::Command;

use anyhow::{Result, bail};

use crate::apps;
use crate::browsers::{self, CHROMIUM, FIREFOX, Program, SCREEN, WEBKIT};
use crate::build;
use crate::chaos;
use crate::conformance;
use crate::field;
use crate::planted;
use crate::process::{run_and_keep, say};
use crate::project::Project;
use crate::setup::{self, Piece};
use crate::site;
use crate::summary::{passed_by_cargo, passed_by_node, passed_plainly};
use crate::toolchain::{self, WASM};

struct Suite {
    name: &'static str,
    about: &'static str,
    at_least: usize,
    needs: &'static [Piece],
    command: fn(&Project) -> Result<Command>,
    passed: fn(&str) -> usize,
}

pub const SUITE_NAMES: &str = "[native|planted|wasm|e2e|plain|chaos|firefox|webkit|apps|site|field|conformance]";

const SUITES: &[Suite] = &[
    Suite {
        name: "native",
        about: "the protocol core on a virtual clock, and xtask",
        at_least: 660,
        needs: &[],
        command: native,
        passed: passed_by_cargo,
    },
    Suite {
        name: "planted",
        about: "the model of the world against bugs that are planted",
        at_least: 69,
        needs: &[],
        command: planted::runner,
        passed: passed_plainly,
    },
    Suite {
        name: "wasm",
        about: "the browser layer in Chromium, Firefox and WebKit",
        at_least: 3 * 93,
        needs: &[
            Piece::WasmTarget,
            Piece::WasmBindgen,
            Piece::Node,
            Piece::Chromium,
            Piece::Firefox,
            Piece::WebKit,
            Piece::Screen,
        ],
        command: wasm,
        passed: passed_by_cargo,
    },
    Suite {
        name: "e2e",
        about: "the packed npm package against real servers, in Chromium, Firefox and Node.js",
        at_least: 1400,
        needs: &[
            Piece::WasmTarget,
            Piece::WasmBindgen,
            Piece::Node,
            Piece::Demo,
            Piece::Chromium,
            Piece::Firefox,
            Piece::Screen,
            Piece::Python,
        ],
        command: e2e,
        passed: passed_by_node,
    },
    Suite {
        name: "plain",
        about: "evictions and crashes, with the npm package as the stable compiler makes it, in headless Chromium",
        at_least: 25,
        needs: &[Piece::WasmTarget, Piece::WasmBindgen, Piece::Node, Piece::Chromium, Piece::Python],
        command: plain,
        passed: passed_by_node,
    },
    Suite {
        name: "chaos",
        about: "calls through a gateway that fails, judged by what the servers ran, in Node.js and headless Chromium",
        at_least: 180,
        needs: chaos::SUITE_NEEDS,
        command: chaos::runner,
        passed: passed_plainly,
    },
    Suite {
        name: "firefox",
        about: "the main path of the packed npm package, the life of a page and the devtools, in headless Firefox",
        at_least: 106,
        needs: &[Piece::WasmTarget, Piece::WasmBindgen, Piece::Node, Piece::Firefox, Piece::Python],
        command: |project| engine(project, "firefox", &[FIREFOX]),
        passed: passed_by_node,
    },
    Suite {
        name: "webkit",
        about: "the same in WebKitGTK's browser",
        at_least: 103,
        needs: &[Piece::WasmTarget, Piece::WasmBindgen, Piece::Node, Piece::WebKit, Piece::Screen, Piece::Python],
        command: |project| engine(project, "webkit", &[WEBKIT, SCREEN]),
        passed: passed_by_node,
    },
    Suite {
        name: "apps",
        about: "the packed npm package in bundlers, runtimes and workers, and the crate in a Rust app",
        at_least: 28,
        needs: apps::NEEDS,
        command: apps::runner,
        passed: passed_by_node,
    },
    Suite {
        name: "site",
        about: "every page of the site below a path, in headless Chromium, and what the guides change, run",
        at_least: 44,
        needs: site::NEEDS,
        command: site::runner,
        passed: passed_by_node,
    },
    Suite {
        name: "field",
        about: "the packed npm package and the TypeScript SDK against servers and gateways as they are",
        at_least: 445,
        needs: field::NEEDS,
        command: field::runner,
        passed: passed_plainly,
    },
    Suite {
        name: "conformance",
        about: "the packed npm package in the official suite's scenarios, in headless Chromium",
        at_least: 69,
        needs: conformance::NEEDS,
        command: conformance::runner,
        passed: passed_plainly,
    },
];

pub fn command(project: &Project, names: &[String]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| SUITES.iter().all(|suite| suite.name != **name)) {
        bail!("there is no test suite {unknown:?}: {SUITE_NAMES}");
    }
    let suites: Vec<&Suite> =
        SUITES.iter().filter(|suite| names.is_empty() || names.iter().any(|name| name == suite.name)).collect();
    let needs: Vec<Piece> = suites.iter().flat_map(|suite| suite.needs).copied().collect();
    setup::ensure(project, &needs)?;
    suites.iter().try_for_each(|suite| suite.run(project))
}

impl Suite {
    fn run(&self, project: &Project) -> Result<()> {
        let mut command = (self.command)(project)?;
        say(format!("Suite {}: {}…", self.name, self.about));
        let (succeeded, output) = run_and_keep(&mut command)?;
        if !succeeded {
            bail!("the {} suite failed", self.name);
        }
        let passed = (self.passed)(&output);
        if passed < self.at_least {
            bail!("the {} suite ran {passed} tests, but has at least {}", self.name, self.at_least);
        }
        Ok(())
    }
}

fn native(project: &Project) -> Result<Command> {
    let mut command = project.cargo();
    command.args(["test", "--workspace"]);
    Ok(command)
}

fn wasm(project: &Project) -> Result<Command> {
    let runner = toolchain::wasm_bindgen(project)?.join("wasm-bindgen-test-runner");
    let mut command = project.cargo();
    command
        .args(["test", "--package", "mcp-evergreen", "--test", "browser"])
        .args(["--features", "js", "--target", WASM])
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "node tests/browser/run.mjs")
        .env("WASM_BINDGEN_TEST_RUNNER", runner)
        .envs(browsers::variables(&[CHROMIUM, FIREFOX, WEBKIT, SCREEN])?);
    Ok(command)
}

fn e2e(project: &Project) -> Result<Command> {
    build::publishable(project)?;
    let mut command = node_test(project);
    command.envs(browsers::variables(&[CHROMIUM, FIREFOX, SCREEN])?);
    Ok(command)
}

fn plain(project: &Project) -> Result<Command> {
    let build = build::plain(project)?;
    let mut command = node_test(project);
    command
        .args(["crash.test.mjs", "eviction.test.mjs"])
        .env("MCP_EVERGREEN_TARBALL", build.tarball())
        .envs(browsers::variables(&[CHROMIUM])?);
    Ok(command)
}

/// Every file whose tests are on a stage can be played so, and others that ask which engine it is.
const MAIN_PATH: &[&str] =
    &["page", "tabs", "eviction", "held", "streams", "api", "eras", "crash", "hostile", "devtools"];

fn engine(project: &Project, engine: &str, programs: &[Program]) -> Result<Command> {
    build::publishable(project)?;
    let mut command = node_test(project);
    // They mostly wait.
    command
        .arg("--test-concurrency=2")
        .args(MAIN_PATH.iter().map(|name| format!("{name}.test.mjs")))
        .env("ENGINE", engine)
        .envs(browsers::variables(programs)?);
    Ok(command)
}

fn node_test(project: &Project) -> Command {
    let mut command = project.node();
    command
        .args(["--test", "--test-reporter=spec", "--test-timeout=1200000", "--test-force-exit"])
        .current_dir(project.e2e());
    command
}
