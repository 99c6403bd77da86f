//! The terms of the crates that are in the WebAssembly, for those who get it: `THIRD_PARTY.txt` of the npm package.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::output;
use crate::project::Project;
use crate::toolchain::WASM;

const OWN: &str = "mcp-evergreen";

/// How files with terms begin. Where one of several may be chosen, MIT's is, if there is one.
const TERMS: &[&str] = &["LICENSE", "LICENCE", "COPYING", "NOTICE"];
const CHOSEN: &str = "LICENSE-MIT";
/// Those that `AND` adds have to be told beside it.
const ADDED: &str = "LICENSE-UNICODE";

const STD: &str = "Rust's standard library (MIT OR Apache-2.0)";

/// Each text once, with all crates that it is the text of.
pub fn third_party(project: &Project) -> Result<String> {
    let metadata = output(
        project
            .cargo()
            .args(["metadata", "--format-version", "1", "--no-default-features", "--features", "js,js-auth"])
            .args(["--filter-platform", WASM]),
    )?;
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in shipped(&serde_json::from_str(&metadata)?)? {
        let [name, version, license] =
            ["name", "version", "license"].map(|field| package[field].as_str().unwrap_or_default());
        let folder = Path::new(package["manifest_path"].as_str().unwrap_or_default()).parent();
        let terms = terms(folder.context("a manifest is in no folder")?)?;
        if terms.is_empty() {
            bail!("the crate {name} {version} has no file with its terms ({license})");
        }
        for text in terms {
            texts.entry(text).or_default().push(format!("{name} {version} ({license})"));
        }
    }
    let mit = fs::read_to_string(project.root.join("LICENSE-MIT"))?;
    let permission = mit.find("Permission is hereby").context("LICENSE-MIT is not what it was")?;
    let std = format!("Copyright (c) The Rust Project Contributors\n\n{}", &mit[permission..]);
    texts.entry(tidy(&std)).or_default().push(STD.to_owned());
    Ok(as_text(&texts))
}

fn as_text(texts: &BTreeMap<String, Vec<String>>) -> String {
    let mut parts: Vec<(String, &str)> =
        texts.iter().map(|(text, crates)| (crates.join("\n"), text.as_str())).collect();
    parts.sort();
    let line = "-".repeat(80);
    let parts: Vec<String> = parts.iter().map(|(crates, text)| format!("{line}\n{crates}\n\n{text}\n")).collect();
    format!("In the WebAssembly of this package are these, by others, under their terms.\n\n{}", parts.join("\n"))
}

/// What the package needs when it runs: no macros, which leave nothing of themselves, and nothing that only builds or tests.
fn shipped(metadata: &Value) -> Result<Vec<&Value>> {
    let by_id = |list: &'static str| -> Result<BTreeMap<&str, &Value>> {
        let path = if list == "nodes" { &metadata["resolve"][list] } else { &metadata[list] };
        let items = path.as_array().with_context(|| format!("cargo metadata names no {list}"))?;
        Ok(items.iter().filter_map(|item| Some((item["id"].as_str()?, item))).collect())
    };
    let (packages, nodes) = (by_id("packages")?, by_id("nodes")?);
    let own = packages.iter().find(|(_, package)| package["name"] == OWN).map(|(id, _)| *id);
    let mut left: Vec<&str> = own.into_iter().collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    while let Some(id) = left.pop() {
        let package = packages.get(id).context("cargo metadata names a package that it does not have")?;
        let targets = package["targets"].as_array().into_iter().flatten();
        let is_macro =
            targets.flat_map(|target| target["kind"].as_array().into_iter().flatten()).any(|kind| kind == "proc-macro");
        if is_macro || !seen.insert(id) {
            continue;
        }
        if package["name"] != OWN {
            found.push(*package);
        }
        let needs = nodes.get(id).and_then(|node| node["deps"].as_array()).into_iter().flatten();
        let runs =
            needs.filter(|need| need["dep_kinds"].as_array().into_iter().flatten().any(|kind| kind["kind"].is_null()));
        left.extend(runs.filter_map(|need| need["pkg"].as_str()));
    }
    found.sort_by_key(|package| (package["name"].as_str(), package["version"].as_str()));
    Ok(found)
}

fn terms(folder: &Path) -> Result<Vec<String>> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| TERMS.iter().any(|begin| name.to_uppercase().starts_with(begin)))
        .collect();
    names.sort();
    if names.iter().any(|name| name == CHOSEN) {
        names.retain(|name| name == CHOSEN || name == ADDED);
    }
    names.iter().map(|name| Ok(tidy(&fs::read_to_string(folder.join(name))?))).collect()
}

fn tidy(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crate_of_the_webassembly_is_told_with_its_terms() -> Result<()> {
        let text = third_party(&Project::find()?)?;
        for part in ["\nserde_json ", "\ntalc ", "\nunicode-ident ", "UNICODE LICENSE", STD] {
            assert!(text.contains(part), "{part}");
        }
        // What builds and tests is not shipped.
        for part in ["\nmcp-evergreen ", "\nanyhow ", "\nsyn "] {
            assert!(!text.contains(part), "{part}");
        }
        assert!(text.matches("\nPermission is hereby").count() < 25, "a text that several have is told once");
        Ok(())
    }
}
