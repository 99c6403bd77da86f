//! What an app ships, and where the bytes are: `tests/bench/size.mjs`, on a copy of the WebAssembly that has kept the
//! names of its functions.

use anyhow::{Result, bail};

use crate::process::run_and_keep;
use crate::project::Project;
use crate::setup::{self, Piece};
use crate::{build, node};

pub fn run(project: &Project, arguments: &[String]) -> Result<()> {
    setup::ensure(project, &[Piece::WasmTarget, Piece::WasmBindgen, Piece::Node])?;
    let build = build::publishable(project)?;
    node::install(project, "tests/bench")?;
    let named = build.with_names(&project.target.join("bench/named"))?;
    let mut sizes = project.node();
    sizes.arg("tests/bench/size.mjs").arg(named).args(arguments);
    if !build.is_small() {
        sizes.arg("--plain");
    }
    let (within, _) = run_and_keep(&mut sizes)?;
    if !within {
        bail!("the package is over its budget");
    }
    Ok(())
}
