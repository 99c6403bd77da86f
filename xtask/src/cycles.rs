//! Which files of the core name each other in circles: none of those can be understood, or changed, without the others.
//!
//! A file names another where it names something that is defined there, through re-exports as well. `src/protocol/mod.rs`,
//! which has the words that all share, is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::stamp::files_below;

/// From the root of the core.
type Module = Vec<String>;

/// The circles of the files below this folder, each with its files in order.
pub fn cycles(folder: &Path) -> Result<Vec<Vec<String>>> {
    let mut files = BTreeMap::new();
    for path in files_below(folder)? {
        if path.extension().is_some_and(|extension| extension == "rs") {
            let mut module: Module = path
                .strip_prefix(folder)?
                .with_extension("")
                .iter()
                .map(|part| part.to_string_lossy().into())
                .collect();
            if module.last().is_some_and(|name| name == "mod") {
                module.pop();
            }
            files.insert(module, fs::read_to_string(&path)?);
        }
    }
    Ok(circles(&named(&files)))
}

/// Which modules each names.
fn named(files: &BTreeMap<Module, String>) -> BTreeMap<Module, BTreeSet<Module>> {
    let mut exported = BTreeMap::new();
    let mut all = BTreeMap::new();
    for (module, text) in files {
        let resolved: Vec<_> = paths(text)
            .into_iter()
            .filter_map(|(is_public, path)| Some((is_public, resolve(files, module, &path)?)))
            .collect();
        for (is_public, (of, item)) in &resolved {
            if let (true, Some(item)) = (is_public, item) {
                exported.insert((module.clone(), item.clone()), of.clone());
            }
        }
        all.insert(module.clone(), resolved);
    }
    let defined_in = |mut of: Module, item: &Option<String>| {
        for _ in 0..files.len() {
            match item.as_ref().and_then(|item| exported.get(&(of.clone(), item.clone()))) {
                Some(next) => of = next.clone(),
                None => break,
            }
        }
        of
    };
    let mut named = BTreeMap::new();
    for (module, resolved) in all.into_iter().filter(|(module, _)| !module.is_empty()) {
        let others = resolved.into_iter().map(|(_, (of, item))| defined_in(of, &item));
        let others = others.filter(|other| !other.is_empty() && *other != module).collect();
        named.insert(module, others);
    }
    named
}

/// The module that a path leads into, and what it names there.
fn resolve(files: &BTreeMap<Module, String>, from: &Module, path: &[String]) -> Option<(Module, Option<String>)> {
    let (mut module, mut rest) = (from.clone(), path);
    match rest {
        [first, second, ..] if first == "crate" && second == "protocol" => (module, rest) = (Vec::new(), &rest[2..]),
        [first, ..] if first == "super" || first == "self" => {}
        [first, ..] if files.contains_key(&[from.as_slice(), std::slice::from_ref(first)].concat()) => {}
        _ => return None,
    }
    while let [first, ..] = rest
        && (first == "super" || first == "self")
    {
        if first == "super" {
            module.pop()?;
        }
        rest = &rest[1..];
    }
    while let [first, ..] = rest {
        let inner = [module.as_slice(), std::slice::from_ref(first)].concat();
        if !files.contains_key(&inner) {
            break;
        }
        (module, rest) = (inner, &rest[1..]);
    }
    Some((module, rest.first().cloned()))
}

/// The paths in a file before its tests, and whether each is re-exported.
fn paths(text: &str) -> Vec<(bool, Vec<String>)> {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let tokens = tokens(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].as_str() {
            "use" => {
                let is_public = at > 0 && matches!(tokens[at - 1].as_str(), "pub" | ")");
                at += 1;
                tree(&tokens, &mut at, &[], &mut |path| found.push((is_public, path)));
            }
            "super" | "crate" => {
                let path = path(&tokens, &mut at);
                // `pub(super)` names nothing.
                if path.len() > 1 {
                    found.push((false, path));
                }
            }
            _ => at += 1,
        }
    }
    found
}

/// Words and marks, without comments.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or_default();
        let mut word = String::new();
        for char in line.chars().chain([' ']) {
            if char.is_alphanumeric() || char == '_' {
                word.push(char);
                continue;
            }
            if !word.is_empty() {
                tokens.push(std::mem::take(&mut word));
            }
            if !char.is_whitespace() {
                tokens.push(char.to_string());
            }
        }
    }
    tokens
}

/// One path: words with two colons between them.
fn path(tokens: &[String], at: &mut usize) -> Vec<String> {
    let mut path = Vec::new();
    while let Some(word) = tokens.get(*at).filter(|word| is_word(word)) {
        path.push(word.clone());
        *at += 1;
        if !matches!(tokens.get(*at..*at + 2), Some([one, other]) if one == ":" && other == ":") {
            break;
        }
        *at += 2;
    }
    path
}

/// What stands behind `use`: a path, or one that branches.
fn tree(tokens: &[String], at: &mut usize, before: &[String], found: &mut impl FnMut(Vec<String>)) {
    let path = [before, &path(tokens, at)].concat();
    if tokens.get(*at).is_some_and(|token| token == "{") {
        *at += 1;
        while tokens.get(*at).is_some_and(|token| token != "}") {
            tree(tokens, at, &path, found);
            while tokens.get(*at).is_some_and(|token| token != "," && token != "}") {
                // `as` and what follows it.
                *at += 1;
            }
            if tokens.get(*at).is_some_and(|token| token == ",") {
                *at += 1;
            }
        }
        *at += 1;
    } else {
        found(path);
    }
}

fn is_word(token: &str) -> bool {
    token.starts_with(|char: char| char.is_alphabetic() || char == '_')
}

/// Modules from each of which all others can be reached, where there is more than one.
fn circles(named: &BTreeMap<Module, BTreeSet<Module>>) -> Vec<Vec<String>> {
    let reached: BTreeMap<&Module, BTreeSet<&Module>> = named.keys().map(|from| (from, reach(named, from))).collect();
    let mut circles = BTreeSet::new();
    for (module, from_here) in &reached {
        let circle: Vec<String> = from_here
            .iter()
            .filter(|other| reached.get(*other).is_some_and(|from_there| from_there.contains(module)))
            .map(|other| other.join("::"))
            .collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

fn reach<'a>(named: &'a BTreeMap<Module, BTreeSet<Module>>, from: &'a Module) -> BTreeSet<&'a Module> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&Module> = vec![from];
    while let Some(module) = next.pop() {
        for other in named.get(module).into_iter().flatten() {
            if reached.insert(other) {
                next.push(other);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles_of(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let module = |name: &str| name.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        circles(&named(&files.iter().map(|(name, text)| (module(name), (*text).to_owned())).collect()))
    }

    #[test]
    fn files_that_name_each_other_are_a_circle_and_others_are_not() {
        let files = [
            ("", "pub use b::B;"),
            ("a", "use super::{B, c::C as D};\n// super::d::X\n"),
            ("b", "fn b() -> super::d::X {}"),
            ("c", "use crate::protocol::e::E;"),
            ("d", "use super::{a::{self, A}, e};\n#[cfg(test)]\nmod tests { use super::super::c::C; }"),
            ("e", "use std::{fmt, e};"),
        ];
        assert_eq!(circles_of(&files), [["a", "b", "d"]]);
    }

    #[test]
    fn what_a_folder_exports_stands_in_its_files() {
        let files = [
            ("", ""),
            ("a", "mod b;\nmod c;\npub(crate) use b::B;\npub use c::C;\npub(super) struct A;"),
            ("a::b", "use super::C;"),
            ("a::c", "use crate::protocol::d::D;"),
            ("d", "use super::a::B;"),
        ];
        assert_eq!(circles_of(&files), [["a::b", "a::c", "d"]]);
    }
}
