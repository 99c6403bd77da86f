//! wasm-bindgen's JavaScript, made into a function that can be called more than once.
//!
//! As wasm-bindgen writes it, it is a module with one instance of the WebAssembly in its variables. It can put another
//! instance there (`schedule_reinit`, `--experimental-reset-state-function`), and that is not what the package needs:
//!
//! - Several instances live at once. Each session that outlives a crash goes on in one of its own, since what killed the
//!   first may come again and must end nobody else's (`runtime.js` in the package).
//! - A death must be noticed wherever it happens, in a timer and in the continuation of a promise as well. wasm-bindgen
//!   catches what is thrown through an export only with WebAssembly's exceptions (panics that unwind, or
//!   `--force-enable-abort-handler`), which not every engine has that the package supports. `guard.js` in the package
//!   does it for every export, and so must be what the glue calls.
//! - What a dead instance left behind (timers, listeners) must be silent. wasm-bindgen's closures throw at whoever calls.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

const HEAD: &str =
    "// Written by wasm-bindgen, and made into a function by xtask: each call has an instance of its own.
export function createGlue(guard) {
";

/// Where wasm-bindgen's ways to load the WebAssembly begin, which are its last words.
const LOADING: &str = "let wasmModule, wasmInstance, wasm;\n";
const LAST: &str = "export { initSync, __wbg_init as default };\n";

/// What stands there instead: the package compiles it, and each instance has a guard.
const INIT: &str = "let wasm;
async function init(module) {
    wasm = guard((await WebAssembly.instantiate(module, __wbg_get_imports())).exports);
    wasm.__wbindgen_start();
}
";

pub fn make_callable(path: &Path) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    fs::write(path, callable(&text).with_context(|| format!("in {}", path.display()))?)?;
    Ok(())
}

/// Refuses what looks different from what it knows.
fn callable(glue: &str) -> Result<String> {
    let (text, loading) = glue.split_once(LOADING).with_context(|| format!("expected `{LOADING}`"))?;
    if !loading.ends_with(LAST) {
        bail!("something stands behind what loads the WebAssembly");
    }
    let exports: Vec<&str> =
        text.lines().filter_map(|line| Some(line.strip_prefix("export function ")?.split_once('(')?.0)).collect();
    if exports.is_empty() {
        bail!("no function is exported");
    }
    let (imports, body): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("import "));
    let body: Vec<&str> = body.into_iter().map(|line| line.strip_prefix("export ").unwrap_or(line)).collect();
    if let Some(line) = body.iter().find(|line| line.contains("import.meta")) {
        bail!("`{line}` cannot stand in a function");
    }
    let (imports, body, returned) = (imports.join("\n"), body.join("\n"), exports.join(", "));
    Ok(format!("{imports}\n{HEAD}{body}\n{INIT}\nreturn {{ init, {returned} }};\n}}\n"))
}

#[cfg(test)]
mod tests {
    use super::callable;

    const GLUE: &str = "import { a } from './snippets/mcp-1f/src/b/a.js';\nexport class Core {}\nexport function open() {}\n\
                        let wasmModule, wasmInstance, wasm;\nasync function __wbg_init() {}\n\
                        export { initSync, __wbg_init as default };\n";

    #[test]
    fn what_was_exported_is_returned_and_what_is_imported_stays_outside() {
        let text = callable(GLUE).unwrap();
        assert!(text.starts_with("import { a } from './snippets/mcp-1f/src/b/a.js';\n//"), "{text}");
        assert_eq!((text.matches("import ").count(), text.matches("export ").count()), (1, 1));
        assert!(text.ends_with("return { init, open };\n}\n"));
        assert!(!text.contains("__wbg_init"));
        // What needs no glue is imported whole, and in other quotation marks.
        let whole = "import * as import1 from \"./snippets/mcp-1f/src/b/b.js\"\n";
        assert!(callable(&format!("{whole}{GLUE}")).unwrap().starts_with(whole));
    }

    #[test]
    fn what_it_does_not_know_is_refused() {
        assert!(callable(&format!("let x = import.meta;\n{GLUE}")).is_err());
        assert!(callable(&format!("{GLUE}more();\n")).is_err());
        assert!(callable(&GLUE.replace("wasmModule", "wasmCode")).is_err());
        assert!(callable(&GLUE.replace("export function", "function")).is_err());
    }
}
