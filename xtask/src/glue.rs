//! wasm-bindgen's JavaScript, made into a function that can be called more than once.
//!
//! As wasm-bindgen writes it, it is a module with one instance of the WebAssembly in its variables, for good. The
//! package needs a new instance after a crash, all of the old one's closures must stay with the old one, and whoever
//! calls into it must meet the guard (`guard.js` in the package).

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

const HEAD: &str =
    "// Written by wasm-bindgen, and made into a function by xtask: each call has an instance of its own.
export function createGlue(guard, AbortController) {
";

/// What is replaced, each found exactly once.
const EDITS: &[(&str, &str)] = &[
    ("wasm = instance.exports;", "wasm = guard(instance.exports);"),
    ("export { initSync, __wbg_init as default };", ""),
];

pub fn make_callable(path: &Path) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    fs::write(path, callable(&text).with_context(|| format!("in {}", path.display()))?)?;
    Ok(())
}

fn callable(glue: &str) -> Result<String> {
    let mut text = glue.to_owned();
    for (old, new) in EDITS {
        match text.matches(old).count() {
            1 => text = text.replace(old, new),
            found => bail!("expected `{old}` once, found it {found} times"),
        }
    }
    let exports: Vec<&str> =
        text.lines().filter_map(|line| Some(line.strip_prefix("export function ")?.split_once('(')?.0)).collect();
    if exports.is_empty() {
        bail!("no function is exported");
    }
    let body: Vec<&str> = text.lines().map(|line| line.strip_prefix("export ").unwrap_or(line)).collect();
    if let Some(line) = body.iter().find(|line| line.starts_with("import ") || line.contains("import.meta")) {
        bail!("`{line}` cannot stand in a function");
    }
    let body = body.join("\n");
    Ok(format!("{HEAD}{}\n\nreturn {{ init: __wbg_init, {} }};\n}}\n", body.trim_end(), exports.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::callable;

    const GLUE: &str = "export function open() {}\nfunction load(instance) {\n    wasm = instance.exports;\n}\n\
                        export { initSync, __wbg_init as default };\n";

    #[test]
    fn what_was_exported_is_returned() {
        let text = callable(GLUE).unwrap();
        assert_eq!(text.matches("export ").count(), 1);
        assert!(text.ends_with("return { init: __wbg_init, open };\n}\n"));
        assert!(text.contains("guard(instance.exports)"));
    }

    #[test]
    fn what_it_does_not_know_is_refused() {
        for changed in ["import x from 'x';\n", "export { initSync, __wbg_init as default };\n"] {
            assert!(callable(&format!("{changed}{GLUE}")).is_err());
        }
        assert!(callable(&GLUE.replace("export function", "function")).is_err());
    }
}
