//! The field: servers as they are, played with the package and with the TypeScript SDK by `tests/field/run.mjs`.

use std::process::Command;

use anyhow::Result;

use crate::browsers::CHROMIUM;
use crate::build;
use crate::process::run as run_shown;
use crate::project::Project;
use crate::setup::{self, Piece};

pub const NEEDS: &[Piece] = &[Piece::WasmTarget, Piece::WasmBindgen, Piece::Node, Piece::Chromium];

pub fn run(project: &Project, arguments: &[String]) -> Result<()> {
    setup::ensure(project, NEEDS)?;
    run_shown(runner(project)?.args(arguments))
}

/// Without arguments all rows are played, and nothing is written.
pub fn runner(project: &Project) -> Result<Command> {
    build::publishable(project)?;
    let mut command = project.node();
    command.arg("tests/field/run.mjs").env("CHROMIUM", CHROMIUM.find_or_install()?);
    Ok(command)
}
