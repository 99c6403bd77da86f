//! Virtual environments that the Python servers of the tests run in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{in_path, output, run, say, succeeds};
use crate::project::Project;
use crate::setup::apt_install;
use crate::stamp::{self, Inputs};

const HINT: &str = "get Python 3.10 or later with venv (on Debian: `apt-get install python3 python3-venv`)";

/// Tells whether this Python can make a virtual environment with pip in it.
const CAN_MAKE_VENV: &str = "import ensurepip, venv";
const IS_NEW_ENOUGH: &str = "import sys; sys.exit(sys.version_info < (3, 10))";

/// That of `tests/e2e`.
pub fn environment(project: &Project) -> Result<()> {
    install(project, "tests/e2e/requirements.txt", &project.tools().join("python"))
}

/// One in `folder` with the packages that `requirements` names.
pub fn install(project: &Project, requirements: &str, folder: &Path) -> Result<()> {
    let name = requirements;
    let requirements = project.root.join(requirements);
    let mut inputs = Inputs::default();
    inputs.file(&requirements)?;
    let inputs = inputs.finish();
    let stamp = folder.join("xtask-stamp");
    if stamp::is_fresh(&stamp, &inputs) && succeeds(Command::new(python(folder)).arg("--version")) {
        return Ok(());
    }
    let system = system_python()?;
    say(format!("Installing the Python packages of {name} (about 1 minute)…"));
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    run(Command::new(system).args(["-m", "venv"]).arg(folder))
        .with_context(|| format!("no virtual environment could be made: {HINT}"))?;
    run(Command::new(python(folder))
        .args(["-m", "pip", "install", "--disable-pip-version-check", "-r"])
        .arg(&requirements))
    .with_context(|| format!("the Python packages are missing: pip must be able to install those of {name}"))?;
    stamp::set(&stamp, &inputs)
}

/// The interpreter of the virtual environment in `folder`.
fn python(folder: &Path) -> PathBuf {
    if cfg!(windows) { folder.join("Scripts/python.exe") } else { folder.join("bin/python") }
}

fn system_python() -> Result<PathBuf> {
    let usable =
        || in_path(&["python3", "python"]).filter(|python| succeeds(Command::new(python).args(["-c", CAN_MAKE_VENV])));
    let python = match usable() {
        Some(python) => python,
        None => {
            apt_install("Python with venv", &["python3", "python3-venv"], HINT)?;
            usable().with_context(|| format!("Python cannot make a virtual environment: {HINT}"))?
        }
    };
    if !succeeds(Command::new(&python).args(["-c", IS_NEW_ENOUGH])) {
        let version = output(Command::new(&python).arg("--version"))?;
        bail!("{} is too old: {HINT}", version.trim());
    }
    Ok(python)
}
