//! Both packages as they are published. What the release consists of must agree: `Cargo.toml`, the template of the npm
//! package, the changelog, the tag and the README. A dry run says what does not, and has npm and cargo try; a release goes no
//! further than that.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::audit;
use crate::build;
use crate::process::{npm, output, run, say};
use crate::project::Project;
use crate::toolchain::{self, WASM};

pub const USAGE: &str = "[--dry-run]";

const CYCLONEDX: &str = "0.5.9";

/// All that is compared.
#[derive(Clone, Debug)]
struct Facts {
    /// Of the package, as `cargo metadata` tells it.
    cargo: Value,
    /// `pkg-template/package.json`
    npm: Value,
    changelog: String,
    /// Of the npm package.
    readme: String,
    /// Lock files of other workspaces that name the package.
    locks: Vec<(&'static str, String)>,
    /// All tags, and those of the commit that is checked out.
    tags: Vec<String>,
    tags_here: Vec<String>,
    /// What is not committed, as `git status --porcelain` has it.
    uncommitted: String,
    /// Runners of hosting platforms can attest where a package was made; npm asks them by one of these variables.
    attests: bool,
}

/// What keeps this from being a release.
#[derive(Default, Debug, PartialEq, Eq)]
struct Findings {
    /// It contradicts itself: also a dry run fails.
    wrong: Vec<String>,
    /// It is not whole yet.
    missing: Vec<String>,
}

const ATTESTING: &[&str] = &["ACTIONS_ID_TOKEN_REQUEST_URL", "SIGSTORE_ID_TOKEN"];
const LOCKS: &[&str] = &["examples/leptos/Cargo.lock", "examples/yew/Cargo.lock", "fuzz/Cargo.lock"];

pub fn command(project: &Project, arguments: &[String]) -> Result<()> {
    let dry = match arguments {
        [] => false,
        [only] if only == "--dry-run" => true,
        _ => bail!("`cargo xtask release` takes {USAGE}"),
    };
    let findings = findings(&Facts::of(project)?);
    for line in &findings.wrong {
        say(format!("wrong: {line}"));
    }
    for line in &findings.missing {
        say(format!("missing: {line}"));
    }
    if !findings.wrong.is_empty() {
        bail!("{} of these contradict each other: nothing was packed", count(&findings.wrong));
    }
    if !dry && !findings.missing.is_empty() {
        bail!("{} missing for a release: nothing was published (`--dry-run` goes on)", count(&findings.missing));
    }
    if !dry {
        audit::audit(project, false)?;
    }
    let tarball = prepare(project)?;
    publish(project, &tarball, dry)?;
    say(match findings.missing.len() {
        _ if !dry => format!("mcp-evergreen {} is published.", project.version),
        0 => "The dry run went through: all that a release needs is there.".to_owned(),
        _ => format!("The dry run went through; {} missing for a release (above).", count(&findings.missing)),
    });
    Ok(())
}

fn count(lines: &[String]) -> String {
    if let [_] = lines { "1 thing is".to_owned() } else { format!("{} things are", lines.len()) }
}

/// The tarball, and what stands beside the release, in `target/release-files`.
fn prepare(project: &Project) -> Result<PathBuf> {
    let build = build::publishable(project)?;
    let folder = project.target.join("release-files");
    fs::create_dir_all(&folder)?;
    let tarball = folder.join(format!("mcp-evergreen-{}.tgz", project.version));
    fs::copy(build.tarball(), &tarball)?;
    let bill = folder.join(format!("mcp-evergreen-{}.cdx.json", project.version));
    fs::write(&bill, bill_of_materials(project)?)?;
    if !build.is_small() {
        say("The package is not the small one: see above.");
    }
    say(format!("Beside the release: {} and {}", tarball.display(), bill.display()));
    Ok(tarball)
}

/// Of what is in the WebAssembly and in the crate (CycloneDX). It says nothing of the machine it was made on, nor of the time.
fn bill_of_materials(project: &Project) -> Result<String> {
    const NAME: &str = "bill-of-materials";
    say("Writing the bill of materials…");
    // With its own name the tool is a subcommand of cargo's.
    output(
        Command::new(toolchain::cargo_tool(project, "cargo-cyclonedx", CYCLONEDX)?)
            .args(["cyclonedx", "--format", "json", "--features", "js,js-auth", "--target", WASM])
            .args(["--override-filename", NAME, "--manifest-path"])
            .arg(project.root.join("Cargo.toml"))
            .env(
                "SOURCE_DATE_EPOCH",
                output(Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(&project.root))?.trim(),
            ),
    )?;
    // One beside each manifest of the workspace: that of xtask is nobody's business.
    let file = format!("{NAME}.json");
    fs::remove_file(project.root.join("xtask").join(&file))?;
    let text = fs::read_to_string(project.root.join(&file))?;
    fs::remove_file(project.root.join(&file))?;
    let text = text.replace(&format!("path+file://{}", project.root.display()), "path+file:///mcp-evergreen");
    let lists = |name: &str| text.contains(&format!("\"name\": \"{name}\""));
    if !lists("serde_json") || !lists("wasm-bindgen") {
        bail!("the bill of materials does not list what the package is made of");
    }
    Ok(text)
}

fn publish(project: &Project, tarball: &PathBuf, dry: bool) -> Result<()> {
    let dry_run: &[&str] = if dry { &["--dry-run"] } else { &[] };
    say("The npm package…");
    run(npm().args(["publish", "--ignore-scripts"]).args(dry_run).arg(tarball).current_dir(&project.root))?;
    say("The crate, compiled for wasm32 from what is packed…");
    let target = ["--package", "mcp-evergreen", "--target", WASM];
    if !dry {
        return run(project.cargo().arg("publish").args(target));
    }
    // What is not committed does not matter to a dry run: it is among what is missing.
    if run(project.cargo().args(["publish", "--dry-run", "--allow-dirty"]).args(target)).is_err() {
        say("That needs the registry's index: packing without it.");
        run(project.cargo().args(["package", "--offline", "--allow-dirty"]).args(target))?;
    }
    Ok(())
}

impl Facts {
    fn of(project: &Project) -> Result<Self> {
        let metadata = output(project.cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
        let metadata: Value = serde_json::from_str(&metadata)?;
        let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
        let cargo = packages.iter().find(|package| package["name"] == "mcp-evergreen").cloned();
        let git = |arguments: &[&str]| output(Command::new("git").args(arguments).current_dir(&project.root));
        let lines = |text: String| text.lines().map(str::to_owned).collect();
        Ok(Self {
            cargo: cargo.context("cargo metadata does not know mcp-evergreen")?,
            npm: serde_json::from_str(&project.read("pkg-template/package.json")?)?,
            changelog: project.read("CHANGELOG.md")?,
            readme: project.read("pkg-template/README.md")?,
            locks: LOCKS.iter().map(|path| Ok((*path, project.read(path)?))).collect::<Result<_>>()?,
            tags: lines(git(&["tag", "--list", "v*"])?),
            tags_here: lines(git(&["tag", "--points-at", "HEAD"])?),
            uncommitted: git(&["status", "--porcelain"])?,
            attests: ATTESTING.iter().any(|name| std::env::var_os(name).is_some()),
        })
    }

    fn version(&self) -> &str {
        self.cargo["version"].as_str().unwrap_or_default()
    }
}

fn findings(facts: &Facts) -> Findings {
    let mut found = Findings::default();
    versions(facts, &mut found);
    changelog(facts, &mut found);
    tags(facts, &mut found);
    manifests(facts, &mut found);
    if !facts.uncommitted.trim().is_empty() {
        found.missing.push("a commit of everything: `git status` lists what is not in one".to_owned());
    }
    if !facts.attests {
        found.missing.push(
            "a runner of the hosting platform: provenance cannot be attested from here (publishConfig.provenance)"
                .to_owned(),
        );
    }
    found
}

/// `Cargo.toml` has the only version.
fn versions(facts: &Facts, found: &mut Findings) {
    let version = facts.version();
    if numbers(version).is_none() {
        found.wrong.push(format!("Cargo.toml: {version:?} is no version of three numbers"));
    }
    if facts.npm["version"] != "0.0.0" {
        found.wrong.push(
            "pkg-template/package.json: the version is 0.0.0 there, and that of Cargo.toml in the package".into(),
        );
    }
    let named = facts.readme.split("mcp-evergreen@").skip(1).filter_map(|rest| rest.split('/').next());
    found.wrong.extend(
        named
            .filter(|named| *named != version)
            .map(|named| format!("pkg-template/README.md names {named}, and this is {version}")),
    );
    for (path, lock) in &facts.locks {
        if !lock.contains(&format!("name = \"mcp-evergreen\"\nversion = \"{version}\"")) {
            found.wrong.push(format!("{path}: has mcp-evergreen in another version than {version}"));
        }
    }
}

/// Its first section is this version's: `## 1.2.3 — 2026-12-31`.
fn changelog(facts: &Facts, found: &mut Findings) {
    let version = facts.version();
    let heading = facts.changelog.lines().find_map(|line| line.strip_prefix("## ")).unwrap_or_default();
    match heading.split_once(" — ") {
        Some((named, "unreleased")) if named == version => {
            found.missing.push(format!("the day of {version} in CHANGELOG.md, where `unreleased` stands"));
        }
        Some((named, day)) if named == version && is_day(day) => {}
        _ => found
            .wrong
            .push(format!("CHANGELOG.md: begins with {heading:?}, not with `{version} — ` and a day or `unreleased`")),
    }
}

fn tags(facts: &Facts, found: &mut Findings) {
    let tag = format!("v{}", facts.version());
    if facts.tags.contains(&tag) && !facts.tags_here.contains(&tag) {
        found
            .wrong
            .push(format!("the tag {tag} is on another commit: what is published under a version stays what it is"));
    } else if !facts.tags.contains(&tag) {
        found.missing.push(format!("the tag {tag} on this commit"));
    }
    let newest = facts.tags.iter().filter_map(|tag| numbers(tag.strip_prefix('v')?)).max();
    if newest > numbers(facts.version()) {
        found.wrong.push(format!("Cargo.toml: {} is older than a version that has a tag", facts.version()));
    }
}

/// What the registries show of the two packages.
fn manifests(facts: &Facts, found: &mut Findings) {
    for field in ["description", "license"] {
        if facts.cargo[field] != facts.npm[field] {
            found.wrong.push(format!("the field {field} differs between Cargo.toml and pkg-template/package.json"));
        }
    }
    if facts.npm["private"] == true {
        found.wrong.push("pkg-template/package.json: it is private".to_owned());
    }
    let publish = &facts.npm["publishConfig"];
    if publish["provenance"] != true || publish["access"] != "public" {
        found.wrong.push("pkg-template/package.json: publishConfig has to be public, with provenance".to_owned());
    }
    // A text, or an object with one.
    let npm = &facts.npm["repository"];
    let npm = npm.as_str().or_else(|| npm["url"].as_str());
    match (facts.cargo["repository"].as_str(), npm) {
        (Some(cargo), Some(npm)) if plain(cargo) == plain(npm) => {}
        (Some(_), Some(_)) => {
            found.wrong.push("the field repository differs between Cargo.toml and pkg-template/package.json".into())
        }
        (cargo, npm) => {
            let files = [(cargo, "Cargo.toml"), (npm, "pkg-template/package.json")];
            let lacking = files.iter().filter(|(value, _)| value.is_none()).map(|(_, file)| *file);
            let lacking = lacking.collect::<Vec<_>>().join(" and ");
            found
                .missing
                .push(format!("the field repository in {lacking}: the owner's to fill, and provenance needs it"));
        }
    }
}

/// An address of a repository, in whatever way it is written.
fn plain(address: &str) -> &str {
    address.trim_start_matches("git+").trim_end_matches('/').trim_end_matches(".git")
}

fn numbers(version: &str) -> Option<(u32, u32, u32)> {
    let mut parts = version.split('.').map(str::parse);
    let version = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    parts.next().is_none().then_some(version)
}

fn is_day(text: &str) -> bool {
    let shape: String = text.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    shape == "0000-00-00"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const REPOSITORY: &str = "https://example.com/a/mcp-evergreen";

    /// Of a release that is whole.
    fn whole() -> Facts {
        let package = json!({ "name": "mcp-evergreen", "license": "MIT", "description": "It heals." });
        let with = |more: Value| {
            let mut package = package.clone();
            let (Some(to), Some(from)) = (package.as_object_mut(), more.as_object()) else { unreachable!() };
            to.extend(from.clone());
            package
        };
        Facts {
            cargo: with(json!({ "version": "0.2.0", "repository": REPOSITORY })),
            npm: with(json!({
                "version": "0.0.0",
                "repository": { "type": "git", "url": format!("git+{REPOSITORY}.git") },
                "publishConfig": { "access": "public", "provenance": true },
            })),
            changelog: "# Changelog\n\n## 0.2.0 — 2026-12-31\n\nMore.\n\n## 0.1.0 — 2026-12-01\n".to_owned(),
            readme: "https://cdn.example/mcp-evergreen@0.2.0/index.js".to_owned(),
            locks: vec![("Cargo.lock", "name = \"mcp-evergreen\"\nversion = \"0.2.0\"\n".to_owned())],
            tags: vec!["v0.1.0".to_owned(), "v0.2.0".to_owned()],
            tags_here: vec!["v0.2.0".to_owned()],
            uncommitted: String::new(),
            attests: true,
        }
    }

    fn with(change: impl FnOnce(&mut Facts)) -> Findings {
        let mut facts = whole();
        change(&mut facts);
        findings(&facts)
    }

    #[track_caller]
    fn is_wrong(change: impl FnOnce(&mut Facts), with_words: &str) {
        let found = with(change);
        assert!(found.wrong.len() == 1 && found.wrong[0].contains(with_words), "{found:?}");
    }

    #[track_caller]
    fn is_missing(change: impl FnOnce(&mut Facts), with_words: &str) {
        let found = with(change);
        assert!(
            found.wrong.is_empty() && found.missing.len() == 1 && found.missing[0].contains(with_words),
            "{found:?}"
        );
    }

    #[test]
    fn of_a_release_that_is_whole_nothing_is_said() {
        assert_eq!(findings(&whole()), Findings::default());
    }

    #[test]
    fn versions_that_differ_are_wrong() {
        is_wrong(|facts| facts.readme = "mcp-evergreen@0.1.0/index.js".to_owned(), "README.md names 0.1.0");
        is_wrong(|facts| facts.locks[0].1 = facts.locks[0].1.replace("0.2.0", "0.1.0"), "Cargo.lock");
        is_wrong(|facts| facts.npm["version"] = "0.2.0".into(), "0.0.0 there");
    }

    #[test]
    fn the_changelog_begins_with_the_version_and_its_day() {
        is_missing(|facts| facts.changelog = "## 0.2.0 — unreleased\n".to_owned(), "the day");
        is_wrong(|facts| facts.changelog = "## 0.1.0 — 2026-12-01\n".to_owned(), "CHANGELOG.md");
        is_wrong(|facts| facts.changelog = "## 0.2.0 — soon\n".to_owned(), "CHANGELOG.md");
        is_wrong(|facts| facts.changelog = "# Changelog\n".to_owned(), "CHANGELOG.md");
    }

    #[test]
    fn a_version_has_one_tag_for_ever_and_they_grow() {
        is_missing(
            |facts| {
                facts.tags = vec!["v0.1.0".to_owned()];
                facts.tags_here = vec![];
            },
            "the tag v0.2.0",
        );
        is_wrong(|facts| facts.tags_here = vec![], "on another commit");
        is_wrong(|facts| facts.tags.push("v0.10.0".to_owned()), "is older");
    }

    #[test]
    fn the_repository_is_the_owners_to_fill() {
        let drop_npm = |facts: &mut Facts| facts.npm["repository"] = Value::Null;
        is_missing(drop_npm, "the field repository in pkg-template/package.json: the owner's to fill");
        let drop_both = |facts: &mut Facts| {
            facts.npm["repository"] = Value::Null;
            facts.cargo["repository"] = Value::Null;
        };
        is_missing(drop_both, "in Cargo.toml and pkg-template/package.json");
        is_wrong(|facts| facts.npm["repository"] = "https://example.com/b/mcp-evergreen".into(), "repository differs");
    }

    #[test]
    fn what_the_registries_show_is_the_same_in_both() {
        is_wrong(|facts| facts.npm["license"] = "ISC".into(), "license differs");
        is_wrong(|facts| facts.npm["description"] = "It mends.".into(), "description differs");
        is_wrong(|facts| facts.npm["private"] = true.into(), "private");
        is_wrong(|facts| facts.npm["publishConfig"]["provenance"] = false.into(), "provenance");
    }

    #[test]
    fn what_is_not_committed_or_cannot_be_attested_is_not_published() {
        is_missing(|facts| facts.uncommitted = " M README.md\n".to_owned(), "a commit");
        is_missing(|facts| facts.attests = false, "provenance");
    }

    /// What this repository itself holds does not contradict itself.
    #[test]
    fn here_nothing_is_wrong() -> Result<()> {
        assert_eq!(findings(&Facts::of(&Project::find()?)?).wrong, [""; 0]);
        Ok(())
    }
}
