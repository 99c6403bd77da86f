//! The benchmarks: everything they need, then `tests/bench/bench.mjs`.

use anyhow::{Result, bail};

use crate::browsers::CHROMIUM;
use crate::process::run_and_keep;
use crate::project::Project;
use crate::setup::{self, Piece};
use crate::{build, node};

pub fn run(project: &Project, arguments: &[String]) -> Result<()> {
    setup::ensure(project, &[Piece::WasmTarget, Piece::WasmBindgen, Piece::Node, Piece::Chromium])?;
    build::publishable(project)?;
    node::install(project, "tests/bench")?;
    let mut command = project.node();
    command.arg("tests/bench/bench.mjs").args(arguments).env("CHROMIUM", CHROMIUM.find_or_install()?);
    let (within_bounds, _) = run_and_keep(&mut command)?;
    if !within_bounds {
        bail!("not everything is within its bounds");
    }
    Ok(())
}
