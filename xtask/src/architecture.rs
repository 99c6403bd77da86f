//! What `docs/architecture.md` names is there: files of the core, and the functions that it says stand in them. And what it says of the
//! rooms holds: nothing outside a room writes its state.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::stamp::files_below;

/// Folders of the core that do not know the session.
const ROOMS: &[&str] = &[
    "authorization",
    "calls",
    "codec",
    "desired",
    "exchanges",
    "identity",
    "lifecycle",
    "listening",
    "policy",
    "questions",
    "tabs",
];

/// Who may ask which era it is: where that is found out, too.
const ASK_ERA: &[&str] = &["src/protocol/era/", "src/protocol/policy/"];

/// Of the session, which is its rooms and little else.
const MOST_FIELDS: usize = 14;
const LONGEST_SESSION: usize = 250;

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
    let session = sources.iter().find(|(name, _)| name == "src/protocol/session.rs");
    found.extend(session.and_then(|(name, text)| too_much(name, text)));
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
    let is_room = ROOMS.iter().any(|room| name.starts_with(&format!("src/protocol/{room}/")));
    found.extend(matches_on_kind(name, text));
    if is_room && (text.contains("Session<P>") || text.contains("session::Session")) {
        found.push(format!("{name}: a room does not know the session"));
    }
    found
}

/// Where the session is more than its rooms put together.
fn too_much(name: &str, text: &str) -> Option<String> {
    let fields = text.split_once("pub struct Session<P> {\n")?.1.split_once("\n}")?.0;
    let (fields, lines) =
        (fields.lines().filter(|line| !line.trim_start().starts_with("//")).count(), text.lines().count());
    (fields > MOST_FIELDS || lines > LONGEST_SESSION).then(|| {
        format!("{name}: {fields} fields and {lines} lines, {MOST_FIELDS} and {LONGEST_SESSION} are allowed: what is it about?")
    })
}

/// What differs between the eras is asked of `era/`, and what kind of handshake it is of the configuration: each has a name
/// there. Policy finds out which era it is.
fn matches_on_kind(name: &str, text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let asks = |kinds: [&str; 2]| {
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        code.flat_map(|line| line.split(|letter: char| !(letter.is_alphanumeric() || ":_".contains(letter))))
            .any(|word| kinds.contains(&word))
    };
    let is_in = |places: &[&str]| places.iter().any(|place| name.starts_with(place));
    let mut found = Vec::new();
    if !name.starts_with("src/protocol/") {
        return found;
    }
    if asks(["Era::Legacy", "Era::Modern"]) && !is_in(ASK_ERA) {
        found.push(format!("{name}: which era it is, is asked in src/protocol/era/ alone"));
    }
    if asks(["Handshake::Own", "Handshake::Host"]) && !is_in(&["src/protocol/config.rs"]) {
        found.push(format!("{name}: whose the handshake is, is asked in src/protocol/config.rs alone"));
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
    fn a_session_with_too_many_fields_is_named() {
        let session = |fields: usize| format!("pub struct Session<P> {{\n{}}}\n", "    a: A,\n".repeat(fields));
        assert_eq!(too_much("session.rs", &session(14)), None);
        assert!(too_much("session.rs", &session(15)).is_some());
    }

    #[test]
    fn who_asks_for_the_era_or_the_kind_of_handshake_elsewhere_is_named() {
        let asks = "match era {\n    Era::Legacy => 1,\n}";
        assert_eq!(matches_on_kind("src/protocol/era/legacy.rs", asks), [""; 0]);
        assert_eq!(matches_on_kind("src/protocol/session/close.rs", "// Era::Legacy\nEraChoice::Legacy"), [""; 0]);
        assert_eq!(matches_on_kind("src/protocol/session/close.rs", asks).len(), 1);
        assert_eq!(matches_on_kind("src/protocol/session/close.rs", "if let Handshake::Own { .. } = it {").len(), 1);
    }

    #[test]
    fn who_sets_the_state_elsewhere_or_knows_the_session_is_named() {
        assert_eq!(trespasses("src/protocol/lifecycle/mod.rs", "self.state = State::Closed;"), [""; 0]);
        assert_eq!(trespasses("src/protocol/session/close.rs", "self.state = State::Closed;").len(), 1);
        assert_eq!(trespasses("src/protocol/calls/mod.rs", "impl<P> Session<P> {").len(), 1);
    }
}
