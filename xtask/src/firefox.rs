//! The other browser of the end-to-end tests.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::chromium::locate;
use crate::setup::apt_install;

const HINT: &str = "get Firefox (on Debian: `apt-get install firefox-esr`), or set FIREFOX to where it is";

pub fn find_or_install() -> Result<PathBuf> {
    if let Some(found) = find()? {
        return Ok(found);
    }
    apt_install("Firefox", &["firefox-esr"], HINT)?;
    find()?.with_context(|| format!("Firefox is missing: {HINT}"))
}

fn find() -> Result<Option<PathBuf>> {
    locate("FIREFOX", &["firefox-esr", "firefox"])
}
