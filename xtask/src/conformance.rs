//! The official conformance suite: everything it needs, then `tests/conformance/run.mjs`.

use std::process::Command;

use anyhow::{Result, bail};

use crate::browsers::CHROMIUM;
use crate::build;
use crate::process::run_and_keep;
use crate::project::Project;
use crate::setup::{self, Piece};

pub const NEEDS: &[Piece] =
    &[Piece::WasmTarget, Piece::WasmBindgen, Piece::Node, Piece::Chromium, Piece::ConformanceSuite];

pub fn run(project: &Project, arguments: &[String]) -> Result<()> {
    setup::ensure(project, NEEDS)?;
    let mut command = match arguments.split_first() {
        Some((first, rest)) if first == "--compare" => {
            build::publishable(project)?;
            let mut command = project.node();
            command.arg("tests/conformance/compare.mjs").args(rest);
            command
        }
        Some(_) | None => {
            let mut command = runner(project)?;
            command.args(arguments);
            command
        }
    };
    let (passed, _) = run_and_keep(&mut command)?;
    if !passed {
        bail!("not everything passed that must");
    }
    Ok(())
}

/// Without arguments it runs what is held.
pub fn runner(project: &Project) -> Result<Command> {
    build::publishable(project)?;
    let mut command = project.node();
    command.arg("tests/conformance/run.mjs").env("CHROMIUM", CHROMIUM.find_or_install()?);
    Ok(command)
}
