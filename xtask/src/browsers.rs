//! The browsers of the tests, and the proxy of the matrix.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::process::in_path;
use crate::setup::apt_install;

/// A program of Debian's: `variable` names it, or it has one of these names in PATH.
pub struct Program {
    what: &'static str,
    variable: &'static str,
    names: &'static [&'static str],
    packages: &'static [&'static str],
}

pub const CHROMIUM: Program = Program {
    what: "Chromium",
    variable: "CHROMIUM",
    names: &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
    packages: &["chromium"],
};

pub const FIREFOX: Program =
    Program { what: "Firefox", variable: "FIREFOX", names: &["firefox-esr", "firefox"], packages: &["firefox-esr"] };

/// The driver starts the browser that it comes with.
pub const WEBKIT: Program = Program {
    what: "WebKitGTK's driver",
    variable: "WEBKITDRIVER",
    names: &["WebKitWebDriver"],
    packages: &["webkit2gtk-driver"],
};

/// The screen of WebKitGTK's browser, which does not run without one, and of Chromium where it is to tell which page has
/// the focus.
pub const SCREEN: Program = Program { what: "Xvfb", variable: "XVFB", names: &["Xvfb"], packages: &["xvfb"] };

/// Stands before a server of the matrix.
pub const NGINX: Program = Program { what: "nginx", variable: "NGINX", names: &["nginx"], packages: &["nginx-light"] };

impl Program {
    pub fn find_or_install(&self) -> Result<PathBuf> {
        if let Some(found) = self.find()? {
            return Ok(found);
        }
        let (what, packages) = (self.what, self.packages.join(" "));
        let hint =
            format!("get {what} (on Debian: `apt-get install {packages}`), or set {} to where it is", self.variable);
        apt_install(what, self.packages, &hint)?;
        self.find()?.with_context(|| format!("{what} is missing: {hint}"))
    }

    fn find(&self) -> Result<Option<PathBuf>> {
        let Some(path) = std::env::var_os(self.variable).filter(|path| !path.is_empty()) else {
            return Ok(in_path(self.names));
        };
        let path = PathBuf::from(path);
        if !path.is_file() {
            bail!("{} is set to {}, which is no file", self.variable, path.display());
        }
        Ok(Some(path))
    }
}

/// What tells tests where these programs are.
pub fn variables(programs: &[Program]) -> Result<Vec<(&'static str, PathBuf)>> {
    programs.iter().map(|program| Ok((program.variable, program.find_or_install()?))).collect()
}
