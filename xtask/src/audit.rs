//! What comes from others: licences, sources, doubles, and the holes that are known.
//!
//! The first three need no database. Holes are looked up in databases; where one cannot be reached the
//! audit fails, since what nobody has looked up is not clean. `--offline` leaves them out, and says so.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{npm, run, say};
use crate::project::Project;
use crate::toolchain;

pub const USAGE: &str = "[--offline]";

const VERSION: &str = "0.20.2";

/// That of what is shipped: only there licences matter to others, and doubles cost bytes.
const SHIPPED: &str = "Cargo.toml";
const MANIFESTS: &[&str] = &[
    SHIPPED,
    "examples/leptos/Cargo.toml",
    "examples/yew/Cargo.toml",
    "fuzz/Cargo.toml",
    "tests/matrix/rmcp-0.8/Cargo.toml",
    "tests/matrix/rmcp-3/Cargo.toml",
];
const LOCKED_BY_NPM: &[&str] = &["examples", "site", "tests", "www"];

pub fn command(project: &Project, arguments: &[String]) -> Result<()> {
    let offline = match arguments {
        [] => false,
        [only] if only == "--offline" => true,
        _ => bail!("`cargo xtask audit` takes {USAGE}"),
    };
    audit(project, offline)
}

pub fn audit(project: &Project, offline: bool) -> Result<()> {
    let tool = toolchain::cargo_tool(project, "cargo-deny", VERSION)?;
    for manifest in MANIFESTS {
        let what: &[&str] = if *manifest == SHIPPED { &["licenses", "bans", "sources"] } else { &["sources"] };
        say(format!("{manifest}: {}…", what.join(", ")));
        run(deny(project, &tool, manifest).args(what))?;
    }
    if offline {
        say("Not looked up (--offline): known holes in crates and in npm packages.");
        return Ok(());
    }
    for manifest in MANIFESTS {
        say(format!("Known holes in the crates of {manifest}…"));
        run(deny(project, &tool, manifest).arg("advisories")).with_context(|| not_clean("crates"))?;
    }
    for folder in npm_folders(project)? {
        say(format!("Known holes in the npm packages of {folder}…"));
        run(npm().args(["audit", "--package-lock-only", "--audit-level=high"]).current_dir(project.root.join(&folder)))
            .with_context(|| not_clean("npm packages"))?;
    }
    Ok(())
}

fn not_clean(what: &str) -> String {
    format!("there are known holes in {what}, or the database could not be asked (--offline leaves it out)")
}

fn deny(project: &Project, tool: &Path, manifest: &str) -> Command {
    let mut command = Command::new(tool);
    command
        .args(["--locked", "--manifest-path", manifest, "--config"])
        .arg(project.root.join("deny.toml"))
        .args(["check", "--hide-inclusion-graph"])
        .current_dir(&project.root);
    command
}

/// Every folder of the repository whose packages npm has locked.
fn npm_folders(project: &Project) -> Result<Vec<String>> {
    let mut folders = Vec::new();
    let mut left: Vec<String> = LOCKED_BY_NPM.iter().copied().map(str::to_owned).collect();
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(project.root.join(&folder))? {
            let (name, is_folder) = entry.map(|entry| (entry.file_name(), entry.path().is_dir()))?;
            let name = name.to_string_lossy();
            if is_folder && name != "node_modules" {
                left.push(format!("{folder}/{name}"));
            } else if name == "package-lock.json" {
                folders.push(folder.clone());
            }
        }
    }
    folders.sort();
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lock_file_is_looked_up() -> Result<()> {
        let project = Project::find()?;
        let files = crate::rules::committed_files(&project)?;
        let folders = |name: &str| -> Vec<String> {
            files.iter().filter_map(|file| file.strip_suffix(name)?.strip_suffix('/')).map(str::to_owned).collect()
        };
        assert_eq!(npm_folders(&project)?, folders("package-lock.json"));
        let mut manifests: Vec<String> = MANIFESTS.iter().map(|manifest| manifest.replace("toml", "lock")).collect();
        manifests.sort();
        let mut locked: Vec<String> = files.iter().filter(|file| file.ends_with("Cargo.lock")).cloned().collect();
        locked.sort();
        assert_eq!(manifests, locked);
        Ok(())
    }
}
