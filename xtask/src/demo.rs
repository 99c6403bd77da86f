//! The demo: everything it needs, then `www/demo.mjs`; and the pictures of it in the README.

use anyhow::{Result, bail};

use crate::browsers::CHROMIUM;
use crate::build;
use crate::process;
use crate::project::Project;
use crate::setup::{self, Piece};

pub fn run(project: &Project, arguments: &[String]) -> Result<()> {
    let headless = match arguments {
        [] => false,
        [flag] if flag == "--headless" => true,
        _ => bail!("`cargo xtask demo` takes --headless or nothing"),
    };
    setup::ensure(
        project,
        if headless { &[Piece::Demo, Piece::Python, Piece::Chromium] } else { &[Piece::Demo, Piece::Python] },
    )?;
    build::publishable(project)?;
    let mut command = project.node();
    command.arg("www/demo.mjs");
    if headless {
        command.arg("--headless").env("CHROMIUM", CHROMIUM.find_or_install()?);
    }
    process::become_process(command)
}

/// Made from the static build, so that they show what anyone can host.
pub fn screenshots(project: &Project, _: &[String]) -> Result<()> {
    setup::ensure(project, &[Piece::Demo, Piece::Chromium])?;
    build::publishable(project)?;
    let mut command = project.node();
    command.arg("www/host/screenshots.mjs").env("CHROMIUM", CHROMIUM.find_or_install()?);
    process::run(&mut command)
}
