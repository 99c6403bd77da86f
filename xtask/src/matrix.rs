//! The matrix: real servers of many makes and versions, each installed once, then `tests/matrix/matrix.mjs`.

use anyhow::{Context, Result};

use crate::browsers::{self, CHROMIUM, NGINX};
use crate::process::{run as run_shown, say};
use crate::project::Project;
use crate::setup::{self, Piece};
use crate::{build, node, python};

/// A virtual environment for each, with the packages of `tests/matrix/python/<name>.txt`.
const PYTHON: &[&str] = &["mcp-1.25", "mcp-1.30", "fastmcp"];

/// Servers in Rust, each a cargo project of its own in `tests/matrix/<name>`.
const RUST: &[&str] = &["rmcp-0.8", "rmcp-3"];

pub fn run(project: &Project, arguments: &[String]) -> Result<()> {
    setup::ensure(project, &[Piece::Node, Piece::Chromium, Piece::Python])?;
    build::publishable(project)?;
    install(project)?;
    run_shown(
        project.node().arg("tests/matrix/matrix.mjs").args(arguments).envs(browsers::variables(&[CHROMIUM, NGINX])?),
    )
}

fn install(project: &Project) -> Result<()> {
    let _lock = setup::lock(project)?;
    node::install(project, "tests/matrix")?;
    let target = project.target.join("matrix");
    for name in PYTHON {
        python::install(project, &format!("tests/matrix/python/{name}.txt"), &target.join(name))?;
    }
    for name in RUST {
        let manifest = project.root.join("tests/matrix").join(name).join("Cargo.toml");
        say(format!("Compiling the server {name} (about 2 minutes the first time)…"));
        run_shown(
            project
                .cargo()
                .args(["build", "--quiet", "--locked", "--manifest-path"])
                .arg(manifest)
                .arg("--target-dir")
                .arg(target.join(name)),
        )
        .with_context(|| format!("the server {name} is missing: cargo must be able to build tests/matrix/{name}"))?;
    }
    Ok(())
}
