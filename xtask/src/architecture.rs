//! What `docs/architecture.md` names is there: files of the core, and the functions that it says stand in them. And what it says of the
//! rooms holds: nothing outside a room writes its state.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::stamp::files_below;

/// One line for each thing that is named and not there, or done where it is not to be done.
pub fn untruths(root: &Path) -> Result<Vec<String>> {
    let doc = fs::read_to_string(root.join("docs/architecture.md"))?;
    let mut sources = Vec::new();
    for path in files_below(&root.join("src"))? {
        let name = path.strip_prefix(root)?.display().to_string();
        sources.push((name, fs::read_to_string(&path)?));
    }
    let mut found = missing(&doc, &sources);
    found.extend(sources.iter().flat_map(|(name, text)| trespasses(name, text)));
    Ok(found)
}

/// What the text names in backticks, where no file, and no function of any, is called so. A function may be named without
/// its file.
fn missing(doc: &str, sources: &[(String, String)]) -> Vec<String> {
    let named = doc.split('`').skip(1).step_by(2);
    let is_function = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
    };
    let is_there = |word: &str| {
        let declared = [format!("fn {word}("), format!("fn {word}<"), format!("mod {word};")];
        sources.iter().any(|(_, text)| declared.iter().any(|declared| text.contains(declared)))
    };
    let mut found = Vec::new();
    for word in named {
        let is_path = word.starts_with("src/");
        if is_path && !sources.iter().any(|(name, _)| name == word || word.ends_with('/') && name.starts_with(word)) {
            found.push(format!("docs/architecture.md: there is no {word}"));
        } else if is_function(word) && !["recovering", "initialize", "protocol"].contains(&word) && !is_there(word) {
            found.push(format!("docs/architecture.md: there is no function {word}"));
        }
    }
    found
}

/// Where another file than the room's own sets the state.
fn trespasses(name: &str, text: &str) -> Vec<String> {
    let sets_state = text.contains("self.state = ") || text.contains("self.lifecycle = ");
    let mut found = Vec::new();
    if name.starts_with("src/protocol/") && sets_state && name != "src/protocol/lifecycle/mod.rs" {
        found.push(format!("{name}: the state is set in src/protocol/lifecycle/mod.rs alone"));
    }
    let is_room = ["calls", "lifecycle", "listening", "desired", "questions", "authorization", "identity", "tabs"]
        .iter()
        .any(|room| name.starts_with(&format!("src/protocol/{room}/")));
    if is_room && (text.contains("Session<P>") || text.contains("session::Session")) {
        found.push(format!("{name}: a room does not know the session"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, text: &str) -> (String, String) {
        (name.to_owned(), text.to_owned())
    }

    #[test]
    fn the_document_names_only_what_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        assert_eq!(untruths(&root).expect("the repository can be read"), [""; 0]);
    }

    #[test]
    fn a_file_or_a_function_that_is_gone_is_named() {
        let sources = [source("src/a.rs", "pub fn stays<P>(&self) {}")];
        let found = missing("`stays` in `src/a.rs`, `goes` in `src/b.rs`; `A word`, `Place`", &sources);
        assert_eq!(
            found,
            ["docs/architecture.md: there is no function goes", "docs/architecture.md: there is no src/b.rs"]
        );
    }

    #[test]
    fn who_sets_the_state_elsewhere_or_knows_the_session_is_named() {
        assert_eq!(trespasses("src/protocol/lifecycle/mod.rs", "self.state = State::Closed;"), [""; 0]);
        assert_eq!(trespasses("src/protocol/session/close.rs", "self.state = State::Closed;").len(), 1);
        assert_eq!(trespasses("src/protocol/calls/mod.rs", "impl<P> Session<P> {").len(), 1);
    }
}
