//! What an error's `help` names is there: a heading or an anchor in one of the documents that go along with the package.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mcp_evergreen::protocol::error::Diagnosis;
use mcp_evergreen::protocol::{Code, Error, Outcome};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const CODES: &[Code] = &[Code::Network, Code::Http, Code::Proxy, Code::InvalidOption, Code::Auth];

fn sources(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("it can be read").path());
    entries
        .flat_map(
            |path: PathBuf| if path.is_dir() { sources(&path) } else { fs::read_to_string(path).into_iter().collect() },
        )
        .collect()
}

/// Every kind that the core writes into a diagnosis of its own.
fn kinds() -> BTreeSet<&'static str> {
    let sources = sources(&Path::new(ROOT).join("src/protocol"));
    let after = |text: &str| -> Vec<String> {
        let diagnoses = text.split("Diagnosis {").skip(1).filter_map(|rest| rest.trim_start().strip_prefix("kind: \""));
        diagnoses.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
    };
    let named =
        sources.iter().flat_map(|text| after(text)).chain(["proxy_refused".to_owned(), "proxy_failed".to_owned()]);
    named.map(|kind| &*kind.leak()).collect()
}

#[test]
fn what_the_help_of_an_error_names_is_there() {
    let kinds = kinds();
    assert!(kinds.contains("cors") && kinds.contains("not_a_proxy") && kinds.len() >= 14, "{kinds:?}");
    for (kind, code) in kinds.iter().flat_map(|kind| CODES.iter().map(move |code| (*kind, *code))) {
        let diagnosis = Diagnosis { kind, header: None, hint: "" };
        let error: Box<Error<()>> = Error::boxed(code, Outcome::NotExecuted, "").with_diagnosis(diagnosis);
        let help = error.help().expect("one with a diagnosis has help");
        let (file, anchor) = help.split_once('#').map_or((&*help, None), |(file, anchor)| (file, Some(anchor)));
        let text = fs::read_to_string(Path::new(ROOT).join(file)).unwrap_or_else(|_| panic!("there is no {file}"));
        assert!(anchor.is_none_or(|anchor| text.contains(&format!("<a id=\"{anchor}\">"))), "there is no {help}");
    }
}
