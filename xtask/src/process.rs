//! Running other programs, and finding them.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Says what is being done, on stderr: stdout belongs to what the user asked for.
pub fn say(line: impl AsRef<str>) {
    let line = line.as_ref();
    if std::io::stderr().is_terminal() {
        eprintln!("\x1b[1m{line}\x1b[0m");
    } else {
        eprintln!("{line}");
    }
}

pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs with the output shown as it comes.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("cannot start {}", line(command)))?;
    if !status.success() {
        bail!("{} failed ({status})", line(command));
    }
    Ok(())
}

/// The program takes this process's place, so that Ctrl-C, signals and the exit code are its own.
#[cfg(unix)]
pub fn become_process(mut command: Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec().into())
}

#[cfg(not(unix))]
pub fn become_process(mut command: Command) -> Result<()> {
    let status = command.status()?;
    std::process::exit(status.code().unwrap_or(1));
}

/// Runs with stdout shown as it comes, and returned; the exit status is the caller's to judge.
pub fn run_and_keep(command: &mut Command) -> Result<(bool, String)> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", line(command)))?;
    let mut from = BufReader::new(child.stdout.take().context("stdout is piped")?);
    let mut to = std::io::stdout().lock();
    let mut kept = Vec::new();
    let mut shown = 0;
    // By whole lines, since what the child writes to stderr does not come by here and could land in the middle of one.
    while from.read_until(b'\n', &mut kept)? > 0 {
        to.write_all(&kept[shown..])?;
        to.flush()?;
        shown = kept.len();
    }
    let status = child.wait()?;
    Ok((status.success(), String::from_utf8_lossy(&kept).into_owned()))
}

/// Runs silently; returns stdout, or an error that ends with stderr.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {}", line(command)))?;
    if !output.status.success() {
        bail!("{} failed ({}): {}", line(command), output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs silently: did it start and succeed?
pub fn succeeds(command: &mut Command) -> bool {
    output(command).is_ok()
}

/// The first of `names` that is in `PATH`.
pub fn in_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names.iter().find_map(|name| {
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        folders.iter().map(|folder| folder.join(&file)).find(|candidate| candidate.is_file())
    })
}

/// npm's launchers are batch files on Windows, which only start by their full name.
pub fn npm() -> Command {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let words: Vec<_> = std::iter::once(program.file_stem().unwrap_or_default())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect();
    format!("`{}`", words.join(" "))
}
