//! Node.js, npm, and the npm packages that the build and the tests use.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{npm, output, run, say, succeeds};
use crate::project::Project;
use crate::stamp::{self, Inputs};

/// What Vite, one of those packages, asks for; the package itself runs on any Node.js 20.
const OLDEST_NODE: (u32, u32) = (20, 19);
const HINT: &str = "get Node.js 20.19 or later, which brings npm (on Debian 13: `apt-get install nodejs npm`)";

/// Those of `tests/e2e`.
pub fn packages(project: &Project) -> Result<()> {
    check()?;
    install(project, "tests/e2e")
}

/// Those that the lock file in `folder` names.
pub fn install(project: &Project, folder: &str) -> Result<()> {
    install_with(project, folder, &[])
}

/// The same, anew when one of `files` is another: something of this repository's is among them.
pub fn install_with(project: &Project, folder: &str, files: &[&Path]) -> Result<()> {
    let name = folder;
    let folder = project.root.join(folder);
    let mut inputs = Inputs::default();
    inputs.file(&folder.join("package.json"))?;
    inputs.file(&folder.join("package-lock.json"))?;
    for file in files {
        inputs.file(file)?;
    }
    let inputs = inputs.finish();
    // npm removes the whole folder before it installs anew, and the stamp with it.
    let stamp = folder.join("node_modules/.xtask-stamp");
    if stamp::is_fresh(&stamp, &inputs) {
        return Ok(());
    }
    say(format!("Installing the npm packages of {name} (npm ci, about 1 minute)…"));
    run(npm().args(["ci", "--no-audit", "--no-fund"]).env("npm_config_update_notifier", "false").current_dir(&folder))
        .with_context(|| format!("the npm packages are missing: get them with `npm ci` in {name}"))?;
    stamp::set(&stamp, &inputs)
}

fn check() -> Result<()> {
    let version =
        output(Command::new("node").arg("--version")).with_context(|| format!("Node.js is missing: {HINT}"))?;
    if major_and_minor(&version).is_none_or(|version| version < OLDEST_NODE) {
        bail!("Node.js {} is too old: {HINT}", version.trim());
    }
    if !succeeds(npm().arg("--version")) {
        bail!("npm is missing: {HINT}");
    }
    Ok(())
}

fn major_and_minor(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim().strip_prefix('v')?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node_compare_as_numbers() {
        assert_eq!(major_and_minor("v20.20.2\n"), Some((20, 20)));
        assert!(major_and_minor("v8.9.0") < Some(OLDEST_NODE));
        assert_eq!(major_and_minor("20"), None);
    }
}
