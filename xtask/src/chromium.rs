//! The browser of the tests.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::process::in_path;
use crate::project::Project;
use crate::setup::apt_install;

const HINT: &str = "get Chromium and its driver (on Debian: `apt-get install chromium chromium-driver`), \
    or set CHROMIUM and CHROMEDRIVER to where they are";

/// No sandbox, because containers have none; no shared memory of theirs, because it is too small; no
/// QUIC and nothing in the background, because only what a test sends may go out.
const FLAGS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

pub struct Chromium {
    pub browser: PathBuf,
    pub driver: PathBuf,
}

impl Chromium {
    pub fn find_or_install() -> Result<Self> {
        if let Some(found) = Self::find()? {
            return Ok(found);
        }
        apt_install("Chromium", &["chromium", "chromium-driver"], HINT)?;
        Self::find()?.with_context(|| format!("Chromium is missing: {HINT}"))
    }

    fn find() -> Result<Option<Self>> {
        let browser = locate("CHROMIUM", &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])?;
        let driver = locate("CHROMEDRIVER", &["chromedriver"])?;
        Ok(browser.zip(driver).map(|(browser, driver)| Self { browser, driver }))
    }

    /// What `wasm-bindgen-test-runner` asks the driver for.
    pub fn write_capabilities(&self, project: &Project) -> Result<PathBuf> {
        let path = project.tools().join("webdriver.json");
        let capabilities = json!({
            "goog:chromeOptions": { "binary": self.browser, "args": FLAGS },
        });
        fs::write(&path, capabilities.to_string()).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

/// The program that the variable names, or one of these in PATH.
pub fn locate(variable: &str, names: &[&str]) -> Result<Option<PathBuf>> {
    let Some(path) = std::env::var_os(variable).filter(|path| !path.is_empty()) else {
        return Ok(in_path(names));
    };
    let path = PathBuf::from(path);
    if !path.is_file() {
        bail!("{variable} is set to {}, which is no file", path.display());
    }
    Ok(Some(path))
}
