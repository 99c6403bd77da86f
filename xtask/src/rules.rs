//! The rules that only this repository has.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::architecture::untruths;
use crate::chat::miscounted;
use crate::cycles::cycles;
use crate::documents::{dead_links, untested_threats};
use crate::examples::without_example;
use crate::process::output;
use crate::project::Project;
use crate::stamp::files_below;

const LONGEST_FILE: usize = 400;
const LONGEST_TESTS: usize = 600;

/// Files of the core that name each other in a circle.
const LONGEST_CYCLE: usize = 4;

/// Crates that exist in a browser only.
const JS_CRATES: &[&str] = &["js-sys", "web-sys", "wasm-bindgen"];

/// The hosts packages come from, in two parts each, since this file is checked too. A committed file
/// that names one, such as a lock file, takes its readers there instead of to the registry they chose.
const REGISTRY_HOSTS: &[(&str, &str)] = &[
    ("registry.npmjs", ".org"),
    ("registry.yarnpkg", ".com"),
    ("files.pythonhosted", ".org"),
    ("pypi", ".org"),
    ("static.crates", ".io"),
    ("index.crates", ".io"),
    ("deb.debian", ".org"),
];

/// One line for each place where a rule is broken.
pub fn violations(project: &Project) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for path in files_below(&project.root.join("src"))? {
        let name = path.strip_prefix(&project.root)?;
        let text = fs::read_to_string(&path)?;
        found.extend(too_long(name, &text));
        if name.starts_with("src/protocol") {
            found.extend(not_pure(name, &text));
        }
    }
    found.extend(cycles(&project.root.join("src/protocol"))?.iter().filter_map(|files| too_tangled(files)));
    found.extend(untruths(&project.root)?);
    found.extend(untested_threats(&project.root)?);
    found.extend(without_example(&project.root)?);
    found.extend(miscounted(&project.root)?);
    found.extend(left_behind(&project.root)?);
    found.extend(js_in_tree(&native_tree(project)?));
    for name in committed_files(project)? {
        // Not every committed file is text, and one may be deleted but not committed so.
        if let Ok(text) = fs::read_to_string(project.root.join(&name)) {
            found.extend(names_registry(&name, &text));
            found.extend(too_long_for_tests(Path::new(&name), &text));
            if name.ends_with(".md") {
                found.extend(dead_links(&project.root, &name, &text));
                found.extend(names_issue(&name, &text));
            }
        }
    }
    Ok(found)
}

/// What the JavaScript of the crate imports, and the crate has not: no app in Rust would load.
fn left_behind(root: &Path) -> Result<Vec<String>> {
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let along: Vec<_> = quoted(&manifest, "\"/pkg-template/").collect();
    let mut found = Vec::new();
    for name in &along {
        let text = fs::read_to_string(root.join("pkg-template").join(name))?;
        let missing = quoted(&text, "from \"./").filter(|import| !along.contains(import));
        found.extend(missing.map(|import| format!("Cargo.toml: {import}, which {name} imports, is not in `include`")));
    }
    Ok(found)
}

/// What stands between such a beginning and the next quotation mark.
fn quoted<'a>(text: &'a str, begin: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(begin).skip(1).filter_map(|rest| rest.split('"').next())
}

fn too_long(name: &Path, text: &str) -> Option<String> {
    if name.file_name().is_some_and(|file| file == "tests.rs") {
        return None;
    }
    let lines: Vec<&str> = text.lines().collect();
    let tests =
        lines.windows(2).position(|pair| matches!(pair, ["#[cfg(test)]", module] if module.starts_with("mod ")));
    let count = tests.unwrap_or(lines.len());
    (count > LONGEST_FILE)
        .then(|| format!("{}: {count} lines before its tests, {LONGEST_FILE} are allowed", name.display()))
}

fn too_tangled(files: &[String]) -> Option<String> {
    let count = files.len();
    (count > LONGEST_CYCLE).then(|| {
        format!(
            "src/protocol: {count} files name each other in a circle, {LONGEST_CYCLE} are allowed: {}",
            files.join(", ")
        )
    })
}

/// A file of tests, or of what only they use.
fn too_long_for_tests(name: &Path, text: &str) -> Option<String> {
    let is_code = name.extension().is_some_and(|extension| extension == "rs" || extension == "mjs");
    let is_of_tests = name.starts_with("tests") || name.file_name().is_some_and(|file| file == "tests.rs");
    let count = text.lines().count();
    (is_code && is_of_tests && count > LONGEST_TESTS)
        .then(|| format!("{}: {count} lines of tests, {LONGEST_TESTS} are allowed", name.display()))
}

fn not_pure(name: &Path, text: &str) -> Vec<String> {
    JS_CRATES
        .iter()
        .map(|name| name.replace('-', "_"))
        .filter(|krate| text.contains(krate.as_str()))
        .map(|krate| format!("{}: mentions {krate}, and src/protocol is pure", name.display()))
        .collect()
}

fn native_tree(project: &Project) -> Result<String> {
    output(
        project
            .cargo()
            .args(["tree", "--package", "mcp-evergreen", "--all-features"])
            .args(["--prefix", "none", "--format", "{p}"]),
    )
}

fn js_in_tree(tree: &str) -> Vec<String> {
    JS_CRATES
        .iter()
        .filter(|krate| tree.lines().any(|line| line.split(' ').next() == Some(krate)))
        .map(|krate| format!("{krate} is in the native dependency tree of mcp-evergreen"))
        .collect()
}

pub fn committed_files(project: &Project) -> Result<Vec<String>> {
    let files = output(
        Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(&project.root),
    )?;
    Ok(files.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn names_registry(name: &str, text: &str) -> Vec<String> {
    REGISTRY_HOSTS
        .iter()
        .map(|(first, last)| format!("{first}{last}"))
        .filter(|host| text.contains(host.as_str()))
        .map(|host| format!("{name}: names the package registry {host}"))
        .collect()
}

/// A number of an issue says nothing to who reads the document without the tracker.
fn names_issue(name: &str, text: &str) -> Vec<String> {
    let is_number = |word: &str| {
        let word = word.trim_matches(|letter: char| !letter.is_alphanumeric() && letter != '#');
        word.strip_prefix('#')
            .is_some_and(|digits| !digits.is_empty() && digits.chars().all(|digit| digit.is_ascii_digit()))
    };
    text.split_whitespace()
        .filter(|word| is_number(word))
        .map(|word| format!("{name}: names the issue {word}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_in_a_document_is_named() {
        assert_eq!(names_issue("a.md", "as of #12, and (#3)").len(), 2);
        assert_eq!(names_issue("a.md", "# 12 things, #anchor, field.md#12"), [""; 0]);
    }

    #[test]
    fn tests_at_the_end_of_a_file_are_not_counted() {
        let code = "fn f() {}\n".repeat(LONGEST_FILE);
        let tests = format!("{code}#[cfg(test)]\nmod tests {{}}\n");
        assert_eq!(too_long(Path::new("src/a.rs"), &tests), None);
        let long = format!("#[cfg(test)]\nuse a::b;\n{code}");
        assert!(too_long(Path::new("src/a.rs"), &long).is_some());
    }

    #[test]
    fn the_files_of_the_core_form_short_circles_only() -> Result<()> {
        let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/protocol");
        let found = cycles(&core)?;
        assert!(!found.is_empty(), "files of one room do name each other");
        assert_eq!(found.iter().filter_map(|files| too_tangled(files)).collect::<Vec<_>>(), [""; 0]);
        Ok(())
    }

    #[test]
    fn a_long_file_of_tests_is_named() {
        let long = "test\n".repeat(LONGEST_TESTS + 1);
        let named = |name: &str, text: &str| too_long_for_tests(Path::new(name), text).is_some();
        assert!(named("tests/e2e/a.test.mjs", &long));
        assert!(named("src/protocol/tests.rs", &long));
        assert!(!named("tests/e2e/a.test.mjs", &long[5..]));
        assert!(!named("tests/e2e/package-lock.json", &long));
        assert!(!named("src/protocol/a.rs", &long), "these have a limit of their own");
    }

    #[test]
    fn a_js_crate_in_the_pure_core_is_named() {
        let found = not_pure(Path::new("src/protocol/a.rs"), "use web_sys::Window;\n");
        assert_eq!(found, ["src/protocol/a.rs: mentions web_sys, and src/protocol is pure"]);
    }

    #[test]
    fn a_js_crate_in_the_native_tree_is_named() {
        let tree = "mcp-evergreen v0.1.0 (/a)\nserde v1.0.0\nweb-sys-like v1.0.0\njs-sys v0.3.0\n";
        assert_eq!(js_in_tree(tree), ["js-sys is in the native dependency tree of mcp-evergreen"]);
    }

    #[test]
    fn a_registry_in_a_lock_file_is_named() {
        let (first, last) = REGISTRY_HOSTS[0];
        let text = format!("\"resolved\": \"https://{first}{last}/a/-/a-1.0.0.tgz\"");
        assert_eq!(names_registry("package-lock.json", &text).len(), 1);
        assert_eq!(names_registry("package-lock.json", "\"version\": \"1.0.0\""), [""; 0]);
    }
}
