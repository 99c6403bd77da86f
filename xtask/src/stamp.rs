//! What makes a second run do no work twice: a file that says from what the work was done.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Collects what a piece of work depends on. Not for security: a collision means a missed rebuild.
#[derive(Default)]
pub struct Inputs(DefaultHasher);

impl Inputs {
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.write_usize(bytes.len());
        self.0.write(bytes);
    }

    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub fn file(&mut self, path: &Path) -> Result<()> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        self.bytes(&bytes);
        Ok(())
    }

    /// Every file below `folder`, with its name.
    pub fn folder(&mut self, folder: &Path) -> Result<()> {
        for path in files_below(folder)? {
            self.text(&path.strip_prefix(folder)?.to_string_lossy());
            self.file(&path)?;
        }
        Ok(())
    }

    pub fn finish(self) -> String {
        format!("{:016x}", self.0.finish())
    }
}

/// All files below `folder`, sorted.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Was the work that `stamp` stands for done from `inputs`?
pub fn is_fresh(stamp: &Path, inputs: &str) -> bool {
    fs::read_to_string(stamp).is_ok_and(|text| text == inputs)
}

pub fn set(stamp: &Path, inputs: &str) -> Result<()> {
    fs::write(stamp, inputs).with_context(|| format!("cannot write {}", stamp.display()))
}
