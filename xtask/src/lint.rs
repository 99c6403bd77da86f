//! Everything that can be wrong without a test failing.

use anyhow::{Result, bail};

use crate::process::{run, say};
use crate::project::Project;
use crate::rules;
use crate::setup::{self, Piece};
use crate::toolchain::WASM;

const FOR_WASM: &[&str] = &["--package", "mcp-evergreen", "--features", "js,js-auth,panic-words", "--target", WASM];

pub fn command(project: &Project, _: &[String]) -> Result<()> {
    setup::ensure(project, &[Piece::Lints, Piece::WasmTarget])?;
    say("The rules of this repository…");
    let violations = rules::violations(project)?;
    if !violations.is_empty() {
        bail!("{}", violations.join("\n"));
    }
    step(project, &["fmt", "--all", "--check"], &[])?;
    for app in ["leptos", "yew"] {
        step(project, &["fmt", "--manifest-path", &format!("examples/{app}/Cargo.toml"), "--check"], &[])?;
    }
    clippy(project, &["--workspace"])?;
    clippy(project, FOR_WASM)?;
    doc(project, &["--workspace"])?;
    doc(project, FOR_WASM)?;
    examples(project)?;
    say("Lints: all clean.");
    Ok(())
}

fn clippy(project: &Project, what: &[&str]) -> Result<()> {
    let arguments = [&["clippy", "--all-targets"], what, &["--", "-D", "warnings"]].concat();
    step(project, &arguments, &[])
}

fn doc(project: &Project, what: &[&str]) -> Result<()> {
    let arguments = [&["doc", "--no-deps"], what].concat();
    step(project, &arguments, &[("RUSTDOCFLAGS", "-D warnings")])
}

/// Those of the documentation as docs.rs shows it, compiled. rustdoc makes one program of them all, and nothing here could run
/// it: that is answered by a program that does nothing.
fn examples(project: &Project) -> Result<()> {
    let runner = ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "rustc --version");
    step(project, &["test", "--doc", "--package", "mcp-evergreen", "--target", WASM], &[runner])
}

fn step(project: &Project, arguments: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    say(format!("cargo {}…", arguments.join(" ")));
    run(project.cargo().args(arguments).envs(environment.iter().copied()))
}
