//! Each public item of the crate has an example in its documentation. That it compiles is rustdoc's to say.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::stamp::files_below;

/// One line for each item that `src/lib.rs` makes public, and each method of `Session`, without an example.
pub fn without_example(root: &Path) -> Result<Vec<String>> {
    let mut sources = String::new();
    for path in files_below(&root.join("src"))? {
        sources.push_str(&fs::read_to_string(&path)?);
    }
    let names = public(&fs::read_to_string(root.join("src/lib.rs"))?);
    let mut found: Vec<String> = names
        .iter()
        .filter(|name| !has_example(&sources, name))
        .map(|name| format!("src/lib.rs: {name} has no example"))
        .collect();
    found.extend(methods_without(&sources));
    Ok(found)
}

/// What is brought out by `pub use`, by the name that it has in its own file.
fn public(lib: &str) -> Vec<String> {
    let uses = lib.split("\npub use ").skip(1).filter_map(|rest| Some(rest.split_once(';')?.0));
    let words = uses.flat_map(|text| text.split([',', '{', '}', '\n']).map(str::trim));
    let items = words
        .map(|word| word.split(" as ").next().unwrap_or(word))
        .filter(|word| !word.is_empty() && !word.ends_with("::"));
    items.map(|item| item.rsplit("::").next().unwrap_or(item).to_owned()).collect()
}

/// Is there a declaration of that name with an example above it?
fn has_example(sources: &str, name: &str) -> bool {
    let lines: Vec<&str> = sources.lines().collect();
    (0..lines.len()).any(|at| declares(lines[at].trim_start()) == Some(name) && is_shown(&lines[..at]))
}

/// The name of the public item that the line begins.
fn declares(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub ")?.trim_start_matches("async ");
    let rest = ["struct ", "enum ", "type ", "fn ", "trait "].iter().find_map(|kind| rest.strip_prefix(kind))?;
    rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next()
}

/// Whether the documentation that these lines end with has an example.
fn is_shown(before: &[&str]) -> bool {
    let above = before.iter().rev().map(|line| line.trim_start());
    above.take_while(|line| line.starts_with("///") || line.starts_with("#[")).any(|line| line.starts_with("/// ```"))
}

fn methods_without(sources: &str) -> Vec<String> {
    let mut found = Vec::new();
    for block in sources.split("\nimpl Session {\n").skip(1) {
        let lines: Vec<&str> = block.lines().take_while(|line| *line != "}").collect();
        let methods = (0..lines.len()).filter_map(|at| Some((at, declares(lines[at].strip_prefix("    ")?)?)));
        let bare = methods.filter(|(at, _)| !is_shown(&lines[..*at]));
        found.extend(bare.map(|(_, name)| format!("src/browser: Session::{name} has no example")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_public_item_has_an_example() -> Result<()> {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let names = public(&fs::read_to_string(root.join("src/lib.rs"))?);
        assert!(
            ["Session", "connect", "CallOptions", "Mode", "Settings"]
                .iter()
                .all(|name| names.contains(&(*name).to_owned())),
            "{names:?}"
        );
        assert_eq!(without_example(root)?, [""; 0]);
        Ok(())
    }

    #[test]
    fn an_item_or_a_method_without_one_is_named() {
        let shown = "/// It is.\n///\n/// ```\n/// f();\n/// ```\n#[derive(Clone)]\npub struct Shown {}\n";
        assert!(has_example(shown, "Shown") && !has_example(shown, "Show"));
        assert!(!has_example("/// It is.\npub fn bare() {}\n", "bare"));
        let methods = "\nimpl Session {\n    /// ```\n    /// ```\n    pub fn shown() {}\n\n    /// No.\n    pub async fn bare<T>() {}\n    fn own() {}\n}\n";
        assert_eq!(methods_without(methods), ["src/browser: Session::bare has no example"]);
    }
}
