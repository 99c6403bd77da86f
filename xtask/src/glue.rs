//! wasm-bindgen's JavaScript, made into a function that can be called more than once.
//!
//! As wasm-bindgen writes it, it is a module with one instance of the WebAssembly in its variables, for good. The
//! package needs a new instance after a crash, all of the old one's closures must stay with the old one, and whoever
//! calls into it must meet the guard (`guard.js` in the package). And each import that may throw catches in place: as
//! wasm-bindgen writes it, each call of one makes a closure and an array of its arguments, which for a stream of small
//! messages is as much work as parsing them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

const HEAD: &str =
    "// Written by wasm-bindgen, and made into a function by xtask: each call has an instance of its own.
export function createGlue(guard) {
";

/// Where wasm-bindgen's ways to load the WebAssembly begin, which are its last words.
const LOADING: &str = "let wasmModule, wasmInstance, wasm;\n";

/// What stands there instead: the package compiles it, and each instance has a guard.
const INIT: &str = "let wasm;
async function init(module) {
    wasm = guard((await WebAssembly.instantiate(module, __wbg_get_imports())).exports);
    wasm.__wbindgen_start();
}
";

/// How an import that may throw begins and ends, and what stands there instead.
const THROWING: (&str, &str) = (": function() { return handleError(function (", ": function(");
const BODY: (&str, &str) = (") {", ") { try {");
const CAUGHT: (&str, &str) =
    ("}, arguments); },", "} catch (error) { return handleError(() => { throw error; }); } },");

pub fn make_callable(path: &Path) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    fs::write(path, callable(&text).with_context(|| format!("in {}", path.display()))?)?;
    Ok(())
}

fn callable(glue: &str) -> Result<String> {
    let (text, loading) = glue.split_once(LOADING).with_context(|| format!("expected `{LOADING}`"))?;
    if !loading.ends_with("export { initSync, __wbg_init as default };\n") {
        bail!("something stands behind what loads the WebAssembly");
    }
    let exports: Vec<&str> =
        text.lines().filter_map(|line| Some(line.strip_prefix("export function ")?.split_once('(')?.0)).collect();
    if exports.is_empty() {
        bail!("no function is exported");
    }
    let text = catching_in_place(text)?;
    let (imports, body): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("import "));
    let body: Vec<&str> = body.into_iter().map(|line| line.strip_prefix("export ").unwrap_or(line)).collect();
    if let Some(line) = body.iter().find(|line| line.contains("import.meta")) {
        bail!("`{line}` cannot stand in a function");
    }
    let (imports, body, returned) = (imports.join("\n"), body.join("\n"), exports.join(", "));
    Ok(format!("{imports}\n{HEAD}{body}\n{INIT}\nreturn {{ init, {returned} }};\n}}\n"))
}

fn catching_in_place(text: &str) -> Result<String> {
    let (begun, ended) = (text.matches(THROWING.0).count(), text.matches(CAUGHT.0).count());
    if begun == 0 || begun != ended {
        bail!("expected some imports that may throw, found {begun} that begin and {ended} that end");
    }
    let lines: Vec<String> = text
        .lines()
        .map(|line| match line.split_once(THROWING.0) {
            Some((name, rest)) => format!("{name}{}{}", THROWING.1, rest.replacen(BODY.0, BODY.1, 1)),
            None => line.replace(CAUGHT.0, CAUGHT.1),
        })
        .collect();
    Ok(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::callable;

    const GLUE: &str = "export function open() {}\nconst imports = {\n    get: function() { return handleError(function (arg0, arg1) {\n        \
                        return arg0[arg1];\n    }, arguments); },\n};\n\
                        let wasmModule, wasmInstance, wasm;\nasync function __wbg_init() {}\n\
                        export { initSync, __wbg_init as default };\n";

    #[test]
    fn what_was_exported_is_returned() {
        let text = callable(GLUE).unwrap();
        assert_eq!(text.matches("export ").count(), 1);
        assert!(text.ends_with("return { init, open };\n}\n"));
        assert!(!text.contains("__wbg_init"));
    }

    #[test]
    fn an_import_that_may_throw_catches_in_place() {
        let text = callable(GLUE).unwrap();
        let expected = "    get: function(arg0, arg1) { try {\n        return arg0[arg1];\n    \
                        } catch (error) { return handleError(() => { throw error; }); } },\n";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn an_import_stays_outside_of_the_function() {
        let import = "import { a } from './snippets/mcp-1f/src/b/a.js';\n";
        assert!(callable(&format!("{import}{GLUE}")).unwrap().starts_with(&format!("{import}//")));
    }

    #[test]
    fn what_it_does_not_know_is_refused() {
        assert!(callable(&format!("let x = import.meta;\n{GLUE}")).is_err());
        assert!(callable(&format!("{GLUE}more();\n")).is_err());
        assert!(callable(&GLUE.replace("wasmModule", "wasmCode")).is_err());
        assert!(callable(&GLUE.replace("export function", "function")).is_err());
        assert!(callable(&GLUE.replace(", arguments)", ", [...arguments])")).is_err());
    }
}
