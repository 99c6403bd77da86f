//! The Rust side of the set-up.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{cargo, output, run, say, succeeds};
use crate::project::Project;

pub const WASM: &str = "wasm32-unknown-unknown";

pub fn wasm_target() -> Result<()> {
    let folder = output(Command::new("rustc").args(["--print", "target-libdir", "--target", WASM]));
    if folder.is_ok_and(|folder| Path::new(folder.trim()).is_dir()) {
        return Ok(());
    }
    say(format!("Adding the Rust target {WASM}…"));
    run(Command::new("rustup").args(["target", "add", WASM]))
        .with_context(|| format!("the Rust target {WASM} is missing: get it with `rustup target add {WASM}`"))
}

/// Lets the stable toolchain take what is not stable yet.
pub const UNSTABLE: (&str, &str) = ("RUSTC_BOOTSTRAP", "1");
/// The standard library compiled with the package, for size.
pub const SMALL_STD: &[&str] = &["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"];
/// A panic ends in a trap without a word: its text, and all the machinery that writes texts, is a tenth of the package.
/// A function that does little is put where it is called before it is compiled for each type: by default rustc does not do
/// that where code is to be small.
pub const SMALL_STD_FLAGS: &[&str] = &[
    "-Zunstable-options",
    "-Cpanic=immediate-abort",
    "-Zlocation-detail=none",
    "-Zfmt-debug=none",
    "-Zinline-mir=yes",
    "-Zinline-mir-threshold=40",
    "-Zinline-mir-hint-threshold=40",
];

/// Whether [`SMALL_STD`] can be had. Without it the package is the same, but for its size and the words of its panics.
pub fn small_std() -> Result<bool> {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let source = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/std");
    if !source.is_dir() {
        say("Adding the Rust component rust-src…");
        if run(Command::new("rustup").args(["component", "add", "rust-src"])).is_err() {
            say("The package will be a seventh larger: for less, get it with `rustup component add rust-src`.");
            return Ok(false);
        }
    }
    let mut probe = Command::new("rustc");
    probe.args(SMALL_STD_FLAGS).args(["--print", "cfg", "--target", WASM]).env(UNSTABLE.0, UNSTABLE.1);
    let taken = succeeds(&mut probe);
    if !taken {
        say("The package will be a seventh larger: this version of Rust takes none of the flags that make it smaller.");
    }
    Ok(taken)
}

pub fn lints() -> Result<()> {
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if succeeds(cargo().args([subcommand, "--version"])) {
            continue;
        }
        say(format!("Adding the Rust component {component}…"));
        run(Command::new("rustup").args(["component", "add", component]))
            .with_context(|| format!("{component} is missing: get it with `rustup component add {component}`"))?;
    }
    Ok(())
}

/// The folder with `wasm-bindgen` and `wasm-bindgen-test-runner` of the version in `Cargo.lock`:
/// the tool and the crate must be of one version, to the last digit.
pub fn wasm_bindgen(project: &Project) -> Result<PathBuf> {
    let version = wasm_bindgen_version(project)?;
    let ours = project.tools().join("bin");
    let mut folders = vec![ours.clone()];
    folders.extend(std::env::var_os("CARGO_HOME").map(|home| Path::new(&home).join("bin")));
    folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    let has_it = |folder: &PathBuf| {
        ["wasm-bindgen", "wasm-bindgen-test-runner"].iter().all(|name| {
            let tool = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            tool.is_file()
                && output(Command::new(tool).arg("--version"))
                    .is_ok_and(|text| text.split_whitespace().nth(1) == Some(version.as_str()))
        })
    };
    if let Some(found) = folders.into_iter().find(has_it) {
        return Ok(found);
    }
    say(format!("Installing wasm-bindgen-cli {version} into {} (about 3 minutes)…", project.tools().display()));
    let hint = format!("get it with `cargo install wasm-bindgen-cli --version {version}`");
    run(cargo().args(["install", "wasm-bindgen-cli", "--version", &version, "--root"]).arg(project.tools()))
        .with_context(|| format!("wasm-bindgen-cli {version} is missing: {hint}"))?;
    if !has_it(&ours) {
        bail!("wasm-bindgen-cli {version} was installed but does not say so: {hint}");
    }
    Ok(ours)
}

/// A subcommand of cargo's, of this version: the program, where it is or was installed.
pub fn cargo_tool(project: &Project, name: &str, version: &str) -> Result<PathBuf> {
    let ours = project.tools().join("bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let candidates = std::iter::once(ours.clone()).chain(std::env::split_paths(&path));
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let subcommand = name.trim_start_matches("cargo-");
    let is_it = |tool: &PathBuf| {
        tool.is_file()
            && [&["--version"][..], &[subcommand, "--version"][..]].iter().any(|arguments| {
                output(Command::new(tool).args(*arguments))
                    .is_ok_and(|text| text.split_whitespace().any(|word| word == version))
            })
    };
    if let Some(found) = candidates.map(|folder| folder.join(&file)).find(is_it) {
        return Ok(found);
    }
    say(format!("Installing {name} {version} into {} (about 5 minutes)…", project.tools().display()));
    run(cargo().args(["install", "--locked", name, "--version", version, "--root"]).arg(project.tools()))
        .with_context(|| {
            format!("{name} {version} is missing: get it with `cargo install {name} --version {version}`")
        })?;
    Ok(ours.join(file))
}

pub fn wasm_bindgen_version(project: &Project) -> Result<String> {
    locked_version(&project.read("Cargo.lock")?, "wasm-bindgen")
        .map(str::to_owned)
        .context("Cargo.lock holds no wasm-bindgen")
}

fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let mut lines = lock.lines();
    let name = format!("name = \"{package}\"");
    lines.find(|line| *line == name)?;
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"version = 4

[[package]]
name = "wasm-bindgen-shared"
version = "0.2.1"

[[package]]
name = "wasm-bindgen"
version = "0.2.130"
dependencies = [
 "wasm-bindgen-shared",
]
"#;

    #[test]
    fn the_locked_version_is_that_of_the_package_itself() {
        assert_eq!(locked_version(LOCK, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked_version(LOCK, "wasm-bindgen-shared"), Some("0.2.1"));
        assert_eq!(locked_version(LOCK, "wasm"), None);
    }
}
