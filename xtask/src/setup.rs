//! Finds or installs what the commands need, each piece once.

use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::browsers::{CHROMIUM, FIREFOX, SCREEN, WEBKIT};
use crate::process::{in_path, output, run, say};
use crate::project::Project;
use crate::{node, python, toolchain};

/// One thing a command cannot do without.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// rustfmt and clippy.
    Lints,
    WasmTarget,
    WasmBindgen,
    /// Node.js and npm, and the packages of `tests/e2e`: the servers, and wasm-opt.
    Node,
    Chromium,
    Firefox,
    /// WebKitGTK's browser and its driver.
    WebKit,
    /// A screen for browsers that need one.
    Screen,
    /// The packages of `tests/apps`: bundlers and runtimes.
    Apps,
    /// The packages of `www`.
    Demo,
    /// The packages of `site`.
    Site,
    /// The packages of `tests/conformance`.
    ConformanceSuite,
    /// A virtual environment with the packages of `tests/e2e/requirements.txt`.
    Python,
}

const ALL: &[Piece] = &[
    Piece::Lints,
    Piece::WasmTarget,
    Piece::Node,
    Piece::Demo,
    Piece::Site,
    Piece::Apps,
    Piece::ConformanceSuite,
    Piece::Chromium,
    Piece::Firefox,
    Piece::WebKit,
    Piece::Screen,
    Piece::Python,
    Piece::WasmBindgen,
];

pub fn command(project: &Project, _: &[String]) -> Result<()> {
    ensure(project, ALL)?;
    say("Everything is installed.");
    Ok(())
}

pub fn ensure(project: &Project, pieces: &[Piece]) -> Result<()> {
    let _lock = lock(project)?;
    // In the order of ALL, which puts what fails fast before what takes long.
    for piece in ALL.iter().filter(|piece| pieces.contains(piece)) {
        match piece {
            Piece::Lints => toolchain::lints()?,
            Piece::WasmTarget => toolchain::wasm_target()?,
            Piece::WasmBindgen => drop(toolchain::wasm_bindgen(project)?),
            Piece::Node => node::packages(project)?,
            Piece::Demo => node::install(project, "www")?,
            Piece::Site => node::install(project, "site")?,
            Piece::Apps => node::install(project, "tests/apps")?,
            Piece::ConformanceSuite => node::install(project, "tests/conformance")?,
            Piece::Chromium => drop(CHROMIUM.find_or_install()?),
            Piece::Firefox => drop(FIREFOX.find_or_install()?),
            Piece::WebKit => drop(WEBKIT.find_or_install()?),
            Piece::Screen => drop(SCREEN.find_or_install()?),
            Piece::Python => python::environment(project)?,
        }
    }
    Ok(())
}

/// Held while files that other runs of xtask use too are being written.
pub fn lock(project: &Project) -> Result<File> {
    fs::create_dir_all(project.tools())?;
    let file = File::create(project.tools().join("lock"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            say("Waiting for another `cargo xtask` to finish its set-up or build…");
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    Ok(file)
}

/// Installs Debian packages where that is possible; otherwise fails with `hint`.
pub fn apt_install(piece: &str, packages: &[&str], hint: &str) -> Result<()> {
    let Some(apt) = apt_get() else {
        bail!("{piece} is missing: {hint}");
    };
    say(format!("Installing {piece} (apt-get install {}, about 1 minute)…", packages.join(" ")));
    let noninteractive = || {
        let mut command = Command::new(&apt);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    // A source that cannot be reached does not matter if the packages come from another.
    if let Err(error) = run(noninteractive().arg("update")) {
        say(format!("{error:#}; trying all the same."));
    }
    let mut install = noninteractive();
    install.args(["install", "-y", "--no-install-recommends"]).args(packages);
    if let Err(error) = run(&mut install) {
        bail!("{piece} could not be installed ({error:#}): {hint}");
    }
    Ok(())
}

fn apt_get() -> Option<PathBuf> {
    let root = output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    in_path(&["apt-get"]).filter(|_| root)
}
