//! Bugs planted into a copy of the core, one at a time: the model of the world must find each.
//!
//! A file of `tests/model/planted` says in its first line what is wrong, then after `--- path` which text stands there,
//! and after `+++` what stands there instead.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::{cargo, say};
use crate::project::Project;
use crate::stamp::files_below;

/// What the model is built from.
const TREE: &[&str] = &["Cargo.toml", "Cargo.lock", "src", "xtask", "tests/model", "tests/signals.json"];
const SEEDS: &str = "60000";

struct Bug {
    name: String,
    what: String,
    path: String,
    old: String,
    new: String,
}

pub fn run(project: &Project, names: &[String]) -> Result<()> {
    let folder = project.root.join("tests/model/planted");
    let bugs: Vec<Bug> = files_below(&folder)?.iter().map(|path| Bug::read(path)).collect::<Result<_>>()?;
    if let Some(unknown) = names.iter().find(|name| bugs.iter().all(|bug| bug.name != **name)) {
        bail!("there is no planted bug {unknown:?} in {}", folder.display());
    }
    let tree = project.target.join("planted/tree");
    copy(project, &tree)?;
    let mut missed = Vec::new();
    for bug in bugs.iter().filter(|bug| names.is_empty() || names.contains(&bug.name)) {
        match bug.hunt(project, &tree)? {
            Some(found) => say(format!("found   {}: {} {found}", bug.name, bug.what)),
            None => {
                say(format!("MISSED  {}: {}", bug.name, bug.what));
                missed.push(bug.name.as_str());
            }
        }
    }
    if !missed.is_empty() {
        bail!("the model does not find {}", missed.join(", "));
    }
    Ok(())
}

impl Bug {
    fn read(path: &Path) -> Result<Self> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(path)?;
        let parts = || {
            let (what, rest) = text.split_once("\n--- ")?;
            let (path, rest) = rest.split_once('\n')?;
            let (old, new) = rest.split_once("\n+++\n")?;
            Some((what, path, old, new.strip_suffix('\n').unwrap_or(new)))
        };
        let (what, path, old, new) = parts().with_context(|| format!("{name} has another form"))?;
        let own = str::to_owned;
        Ok(Self { name, what: own(what), path: own(path), old: own(old), new: own(new) })
    }

    /// The file with the bug in it.
    fn plant(&self, text: &str) -> Result<String> {
        if text.matches(&self.old).count() != 1 {
            bail!("{}: the text to replace must stand in {} once", self.name, self.path);
        }
        Ok(text.replace(&self.old, &self.new))
    }

    /// Says where the model found it.
    fn hunt(&self, project: &Project, tree: &Path) -> Result<Option<String>> {
        let file = tree.join(&self.path);
        let text = fs::read_to_string(&file)?;
        fs::write(&file, self.plant(&text)?)?;
        let output = self.model(project, tree).output();
        fs::write(&file, text)?;
        let output = output.context("cannot start cargo")?;
        let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        if said.contains("could not compile") {
            bail!("{} does not compile:\n{said}", self.name);
        }
        if output.status.success() {
            return Ok(None);
        }
        let seed = said.lines().find(|line| line.starts_with("seed ") && line.contains(": "));
        Ok(Some(seed.map_or_else(String::new, |seed| format!("({seed})"))))
    }

    fn model(&self, project: &Project, tree: &Path) -> Command {
        let test = if self.name.starts_with("herd_") { "herd" } else { "the_world" };
        let mut command = cargo();
        command
            .args(["test", "--package", "mcp-evergreen", "--test", "model", test])
            .env("CARGO_TARGET_DIR", project.target.join("planted/target"))
            .env("MODEL_SEEDS", SEEDS)
            .env("RUSTFLAGS", "-A warnings")
            .env("CARGO_PROFILE_TEST_DEBUG", "0")
            .stdin(Stdio::null())
            .current_dir(tree);
        command
    }
}

fn copy(project: &Project, tree: &Path) -> Result<()> {
    if tree.exists() {
        fs::remove_dir_all(tree).with_context(|| format!("cannot remove {}", tree.display()))?;
    }
    for name in TREE {
        let from = project.root.join(name);
        let files = if from.is_dir() { files_below(&from)? } else { vec![from] };
        for file in files {
            let to = tree.join(file.strip_prefix(&project.root)?);
            fs::create_dir_all(to.parent().context("a file has a folder")?)?;
            fs::copy(&file, &to).with_context(|| format!("cannot copy {}", file.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bug_has_its_place_in_the_core() -> Result<()> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let files = files_below(&root.join("tests/model/planted"))?;
        assert!(files.len() > 30, "{} planted bugs", files.len());
        for file in files {
            let bug = Bug::read(&file)?;
            bug.plant(&fs::read_to_string(root.join(&bug.path))?)?;
        }
        Ok(())
    }
}
