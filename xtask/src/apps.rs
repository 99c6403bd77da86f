//! The package in the apps of its users: everything that needs, then `tests/apps`.

use std::process::Command;

use anyhow::Result;

use crate::browsers::CHROMIUM;
use crate::chat;
use crate::project::Project;
use crate::setup::Piece;
use crate::toolchain;

pub const NEEDS: &[Piece] = &[
    Piece::WasmTarget,
    Piece::WasmBindgen,
    Piece::Node,
    Piece::Apps,
    // For its axe-core.
    Piece::Demo,
    // For its Node.js 22.
    Piece::ConformanceSuite,
    Piece::Chromium,
];

pub fn runner(project: &Project) -> Result<Command> {
    chat::install(project)?;
    let mut command = project.node();
    command
        .args(["--test", "--test-reporter=spec", "--test-timeout=2700000", "--test-force-exit"])
        .env("CHROMIUM", CHROMIUM.find_or_install()?)
        .env("WASM_BINDGEN", toolchain::wasm_bindgen(project)?.join("wasm-bindgen"))
        .current_dir(project.root.join("tests/apps"));
    Ok(command)
}
