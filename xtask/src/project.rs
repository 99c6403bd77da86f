//! Where things are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{cargo, output};

pub struct Project {
    pub root: PathBuf,
    pub target: PathBuf,
    /// The version in `Cargo.toml`, the only one there is: the npm package takes it over.
    pub version: String,
}

impl Project {
    pub fn find() -> Result<Self> {
        let xtask = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
        let root = Path::new(&xtask).parent().context("xtask has no parent folder")?.to_owned();
        let metadata = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(&root))?;
        let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
        let target = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?.into();
        let version = metadata["packages"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|package| package["name"] == "mcp-evergreen")
            .and_then(|package| package["version"].as_str())
            .context("cargo metadata does not know mcp-evergreen")?
            .to_owned();
        Ok(Self { root, target, version })
    }

    /// What setup installs for this project alone.
    pub fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    pub fn e2e(&self) -> PathBuf {
        self.root.join("tests/e2e")
    }

    pub fn cargo(&self) -> Command {
        let mut command = cargo();
        command.current_dir(&self.root);
        command
    }

    /// Node.js in the root, where scripts find what setup installed by way of `CARGO_TARGET_DIR`.
    pub fn node(&self) -> Command {
        let mut command = Command::new("node");
        command.env("CARGO_TARGET_DIR", &self.target).current_dir(&self.root);
        command
    }

    pub fn read(&self, path: &str) -> Result<String> {
        let path = self.root.join(path);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }
}
