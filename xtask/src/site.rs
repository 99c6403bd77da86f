//! The site: everything that it is made of, then `site/build.mjs`, which leaves it in `target/site`; and the suite that opens its pages.

use std::process::Command;

use anyhow::Result;

use crate::browsers::CHROMIUM;
use crate::build;
use crate::process::run;
use crate::project::Project;
use crate::setup::{self, Piece};

pub const NEEDS: &[Piece] =
    &[Piece::WasmTarget, Piece::WasmBindgen, Piece::Node, Piece::Demo, Piece::Site, Piece::Chromium];

pub fn command(project: &Project, _: &[String]) -> Result<()> {
    setup::ensure(project, &[Piece::Node, Piece::Demo, Piece::Site])?;
    build::publishable(project)?;
    run(project.node().arg("site/build.mjs"))
}

pub fn runner(project: &Project) -> Result<Command> {
    command(project, &[])?;
    let mut command = project.node();
    command
        .args(["--test", "--test-reporter=spec", "--test-timeout=600000", "--test-force-exit"])
        .env("CHROMIUM", CHROMIUM.find_or_install()?)
        .current_dir(project.root.join("tests/site"));
    Ok(command)
}
