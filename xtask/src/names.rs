//! Short names for what the WebAssembly imports, and for those of its exports that call a closure. wasm-bindgen's hold
//! hashes of sixteen digits, in the module and in its JavaScript: no compression makes that small.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::wasm::{EXPORTS, HEADER, IMPORTS, Reader, put_bytes, put_number};

const FUNCTION: u8 = 0;

/// How the names of the crate's own files of JavaScript begin.
const SNIPPETS: &[u8] = b"./snippets/";

/// How the names of the exports begin that call closures.
const CLOSURE: &[u8] = b"wasm_bindgen_";

pub fn shorten(glue: &Path, module: &Path) -> Result<()> {
    let mut text = fs::read_to_string(glue).with_context(|| format!("cannot read {}", glue.display()))?;
    let bytes = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    let (bytes, names, mut closures) = renamed(&bytes)?;
    // One may begin like another.
    closures.sort_unstable_by_key(|(old, _)| std::cmp::Reverse(old.len()));
    for (old, new) in closures {
        if !text.contains(&format!("wasm.{old}(")) {
            bail!("expected the export {old} in {}", glue.display());
        }
        text = text.replace(&old, &new);
    }
    for (old, new) in names {
        let key = format!(" {old}: function(");
        if text.matches(&key).count() != 1 {
            bail!("expected the import {old} once in {}", glue.display());
        }
        text = text.replace(&key, &format!(" {new}: function("));
    }
    fs::write(glue, text)?;
    fs::write(module, bytes)?;
    Ok(())
}

/// Old and new.
type Names = Vec<(String, String)>;

/// The module with short names, and the names: of imports, of closures.
fn renamed(module: &[u8]) -> Result<(Vec<u8>, Names, Names)> {
    let mut to = module.get(..HEADER).context("this is no WebAssembly")?.to_vec();
    let mut from = Reader(&module[HEADER..]);
    let (mut names, mut closures) = (Vec::new(), Vec::new());
    while let Some((id, body)) = from.section()? {
        let body = match id {
            IMPORTS => imports(Reader(body), &mut names)?,
            EXPORTS => exports(Reader(body), &mut closures)?,
            _ => body.to_vec(),
        };
        to.push(id);
        put_bytes(&mut to, &body);
    }
    Ok((to, names, closures))
}

fn imports(mut from: Reader, names: &mut Names) -> Result<Vec<u8>> {
    let mut to = Vec::new();
    let count = from.number()?;
    put_number(&mut to, count);
    for index in 0..count {
        let (module, old) = (from.bytes()?, from.bytes()?);
        if from.byte()? != FUNCTION {
            bail!("an import is no function");
        }
        // What is imported from a file as it is has the name that it has there.
        let is_direct = module.starts_with(SNIPPETS);
        let old = String::from_utf8(old.to_vec())?;
        let new = if is_direct { old.clone() } else { format!("i{index}") };
        put_bytes(&mut to, module);
        put_bytes(&mut to, new.as_bytes());
        to.push(FUNCTION);
        put_number(&mut to, from.number()?);
        if !is_direct {
            names.push((old, new));
        }
    }
    Ok(to)
}

fn exports(mut from: Reader, closures: &mut Names) -> Result<Vec<u8>> {
    let mut to = Vec::new();
    let count = from.number()?;
    put_number(&mut to, count);
    for _ in 0..count {
        let old = from.bytes()?;
        if old.starts_with(CLOSURE) {
            let new = format!("call{}", closures.len());
            put_bytes(&mut to, new.as_bytes());
            closures.push((String::from_utf8(old.to_vec())?, new));
        } else {
            put_bytes(&mut to, old);
        }
        to.push(from.byte()?);
        put_number(&mut to, from.number()?);
    }
    Ok(to)
}

#[cfg(test)]
mod tests {
    use super::renamed;

    const HEADER: &[u8] = b"\0asm\x01\0\0\0";
    /// One type, and one function imported with it, as `m.long_name`.
    const TYPES: &[u8] = b"\x01\x04\x01\x60\0\0";
    const IMPORTS: &[u8] = b"\x02\x0f\x01\x01m\x09long_name\0\0";

    #[test]
    fn an_imported_function_has_a_short_name_and_all_else_stays() {
        let (module, names, _) = renamed(&[HEADER, TYPES, IMPORTS, TYPES].concat()).unwrap();
        assert_eq!(module, [HEADER, TYPES, b"\x02\x08\x01\x01m\x02i0\0\0", TYPES].concat());
        assert_eq!(names, [("long_name".to_owned(), "i0".to_owned())]);
        let direct = [HEADER, TYPES, b"\x02\x19\x01\x11./snippets/m/a.js\x03has\0\0"].concat();
        assert_eq!(renamed(&direct).unwrap(), (direct, Vec::new(), Vec::new()));
    }

    #[test]
    fn an_export_that_calls_a_closure_has_a_short_name_and_all_others_keep_theirs() {
        let exports = b"\x07\x16\x02\x0ewasm_bindgen_1\0\0\x01x\0\0";
        let (module, _, closures) = renamed(&[HEADER, exports].concat()).unwrap();
        assert_eq!(module, [HEADER, b"\x07\x0d\x02\x05call0\0\0\x01x\0\0"].concat());
        assert_eq!(closures, [("wasm_bindgen_1".to_owned(), "call0".to_owned())]);
    }

    #[test]
    fn what_is_cut_off_or_no_function_is_refused() {
        let module = [HEADER, IMPORTS].concat();
        assert!(renamed(&module[..module.len() - 1]).is_err());
        assert!(renamed(&module[..4]).is_err());
        assert!(renamed(&[HEADER, b"\x02\x0f\x01\x01m\x09long_name\x03\0"].concat()).is_err());
    }
}
