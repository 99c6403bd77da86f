//! What the documents say of each other and of the tests is so: links lead somewhere, and each test that SECURITY.md names is there.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::stamp::files_below;

/// One line for each link that leads nowhere. Of links to other places nothing is asked: that needs a network.
pub fn dead_links(root: &Path, name: &str, text: &str) -> Vec<String> {
    let folder = Path::new(name).parent().unwrap_or(Path::new(""));
    links(text)
        .into_iter()
        .filter_map(|link| {
            let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
            let file = if path.is_empty() { root.join(name) } else { root.join(folder).join(path) };
            if !file.exists() {
                return Some(format!("{name}: there is no {link}"));
            }
            let markdown = file.extension().is_some_and(|extension| extension == "md");
            let anchor = anchor.filter(|_| markdown)?;
            let is_there =
                fs::read_to_string(&file).is_ok_and(|text| anchors(&text).iter().any(|there| there == anchor));
            (!is_there).then(|| format!("{name}: there is no {link}"))
        })
        .collect()
}

/// Where a document leads within the repository: its links and pictures, outside of code.
fn links(text: &str) -> Vec<&str> {
    prose(text)
        .flat_map(|line| line.split("](").skip(1).filter_map(|rest| rest.split_once(')')))
        .map(|(link, _)| link.split_whitespace().next().unwrap_or_default())
        .filter(|link| !link.contains("://") && !link.starts_with("mailto:"))
        .collect()
}

/// Lines that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

/// Of headings as hosting platforms make them, and those that are written out.
fn anchors(text: &str) -> Vec<String> {
    let headings = prose(text).filter(|line| line.starts_with('#')).map(|line| {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
    });
    let written = text.split("id=\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()));
    headings.chain(written).collect()
}

/// One line for each test in the tables of SECURITY.md that does not exist, and for each threat without one.
pub fn untested_threats(root: &Path) -> Result<Vec<String>> {
    let mut tests = String::new();
    for folder in ["src", "tests/protocol", "tests/tabs", "tests/browser", "tests/e2e"] {
        for path in files_below(&root.join(folder))? {
            let is_test = path.extension().is_some_and(|extension| extension == "rs" || extension == "mjs");
            if is_test && !path.components().any(|part| part.as_os_str() == "node_modules") {
                tests.push_str(&fs::read_to_string(&path)?);
            }
        }
    }
    Ok(untested(root, &fs::read_to_string(root.join("SECURITY.md"))?, &tests))
}

fn untested(root: &Path, document: &str, tests: &str) -> Vec<String> {
    let mut found = Vec::new();
    for row in threats(document) {
        let named = names(row);
        if named.is_empty() {
            found.push(format!("SECURITY.md: this threat names no test: {row}"));
        }
        let missing = named.into_iter().filter(|name| !name.is_there(root, tests));
        found.extend(missing.map(|name| format!("SECURITY.md: there is no test {name:?}")));
    }
    found
}

/// The last cells of the tables whose last column holds tests.
fn threats(document: &str) -> impl Iterator<Item = &str> {
    let mut in_table = false;
    document.lines().filter_map(move |line| {
        let cells: Vec<&str> = line.strip_prefix('|')?.strip_suffix('|')?.split(" | ").map(str::trim).collect();
        let last = *cells.last()?;
        if last == "test" || cells[0] == "who" {
            in_table = last == "test";
            return None;
        }
        (in_table && !last.starts_with("---")).then_some(last)
    })
}

#[derive(Debug)]
enum Name<'a> {
    /// Of a function in Rust.
    Function(&'a str),
    /// Of a test in JavaScript; with `…` at its end, how it begins.
    Title(&'a str),
    /// Of a file of tests, with its folder or, in one of the folders of tests, without.
    File(&'a str),
}

impl Name<'_> {
    fn is_there(&self, root: &Path, tests: &str) -> bool {
        match self {
            Self::Function(name) => tests.contains(&format!("fn {name}(")),
            Self::Title(title) => {
                let begins = title.trim_end_matches('…').trim_end();
                ['"', '`', '\''].iter().any(|quote| tests.contains(&format!("{quote}{begins}")))
            }
            Self::File(name) => {
                ["", "tests/e2e/", "tests/browser/"].iter().any(|folder| root.join(folder).join(name).exists())
            }
        }
    }
}

/// What a cell names: functions and files in backticks, titles in quotation marks.
fn names(cell: &str) -> Vec<Name<'_>> {
    let titles = cell.split('"').skip(1).step_by(2).map(Name::Title);
    let outside = cell.split('"').step_by(2);
    let in_backticks = outside.flat_map(|text| text.split('`').skip(1).step_by(2));
    let others = in_backticks.filter_map(|word| {
        let is_function =
            word.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
        let is_file = word.ends_with(".rs") || word.ends_with(".mjs");
        is_function.then_some(Name::Function(word)).or_else(|| is_file.then_some(Name::File(word)))
    });
    titles.chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
    }

    #[test]
    fn a_link_to_a_file_or_a_heading_that_is_not_there_is_named() {
        let found = |text: &str| dead_links(root(), "docs/a.md", text).len();
        assert_eq!(found("[map](../src/lib.rs) ![](bench.svg) [out](https://example.com/x)"), 0);
        assert_eq!(found("[gone](../src/gone.rs)"), 1);
        assert_eq!(found("[there](../README.md#many-tabs-many-servers)"), 0);
        assert_eq!(found("[gone](../README.md#many-tabs)"), 1);
        assert_eq!(found("```js\n[code](gone)\n```\n[here](#gone)"), 1, "what it does not hold itself, code aside");
    }

    #[test]
    fn a_heading_is_found_by_the_anchor_that_a_hosting_platform_gives_it() {
        assert_eq!(
            anchors("## What is retried, and what is not\n<a id=\"redirect\"></a>"),
            ["what-is-retried-and-what-is-not", "redirect"]
        );
    }

    #[test]
    fn every_test_that_a_threat_names_is_there() {
        assert_eq!(untested_threats(root()).expect("the repository can be read"), [""; 0]);
    }

    #[test]
    fn a_test_that_is_gone_and_a_threat_without_one_are_named() {
        let tests = "fn it_stays() {}\ntest(\"a title that goes on\", …)";
        let table = |cell: &str| format!("| threat | what is done | test |\n|---|---|---|\n| a | b | {cell} |\n");
        let found = |cell: &str| untested(root(), &table(cell), tests);
        assert_eq!(found("`it_stays`, \"a title that …\", `peers.test.mjs`"), [""; 0]);
        assert_eq!(found("`it_stays`, `it_goes`"), ["SECURITY.md: there is no test Function(\"it_goes\")"]);
        assert_eq!(found("\"a title of old …\"").len(), 1);
        assert_eq!(found("`gone.test.mjs`").len(), 1);
        assert_eq!(found("it is safe").len(), 1);
        assert_eq!(untested(root(), "| who | is trusted with |\n|---|---|\n| a | b |\n", tests), [""; 0]);
    }
}
