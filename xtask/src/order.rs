//! The functions of the WebAssembly in another order: by type, then by how they begin. What is alike stands together,
//! which a compression thanks with a thirtieth. Nothing but their numbers changes.

use std::fs;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::wasm::{CODE, ELEMENTS, EXPORTS, FUNCTIONS, HEADER, IMPORTS, Reader, START, put_bytes, put_number};

/// Bytes of a function that are compared. More make no difference.
const BEGINNING: usize = 40;
const FUNCTION: u8 = 0;

/// What is imported must be functions.
pub fn sort(module: &Path) -> Result<()> {
    let bytes = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    let sorted = sorted(&bytes).with_context(|| format!("cannot sort the functions of {}", module.display()))?;
    Ok(fs::write(module, sorted)?)
}

fn sorted(module: &[u8]) -> Result<Vec<u8>> {
    let mut to = module.get(..HEADER).context("this is no WebAssembly")?.to_vec();
    let sections = sections(&module[HEADER..])?;
    let held = |id: u8| sections.iter().find(|(own, _)| *own == id).map_or(&[][..], |(_, body)| *body);
    let functions = functions(held(FUNCTIONS), held(CODE))?;
    let mut order: Vec<usize> = (0..functions.len()).collect();
    order.sort_by_key(|at| functions[*at].rank());
    let imported = if held(IMPORTS).is_empty() { 0 } else { Reader(held(IMPORTS)).number()? };
    let numbers = Numbers::new(imported, &order);
    let in_order = || order.iter().map(|at| &functions[*at]);
    for (id, body) in &sections {
        let mut new = Vec::new();
        match *id {
            FUNCTIONS => {
                put_number(&mut new, u32::try_from(functions.len())?);
                in_order().for_each(|function| put_number(&mut new, function.kind));
            }
            CODE => {
                put_number(&mut new, u32::try_from(functions.len())?);
                for function in in_order() {
                    put_bytes(&mut new, &function.renumbered(&numbers)?);
                }
            }
            EXPORTS => exports(Reader(body), &numbers, &mut new)?,
            START => put_number(&mut new, numbers.new_one(Reader(body).number()?)?),
            ELEMENTS => elements(Reader(body), &numbers, &mut new)?,
            _ => new.extend_from_slice(body),
        }
        to.push(*id);
        put_bytes(&mut to, &new);
    }
    Ok(to)
}

fn sections(module: &[u8]) -> Result<Vec<(u8, &[u8])>> {
    let mut from = Reader(module);
    let mut all = Vec::new();
    while let Some(section) = from.section()? {
        all.push(section);
    }
    Ok(all)
}

/// The new number of each function.
struct Numbers(Vec<u32>);

impl Numbers {
    /// `order` has the old places of those that are not imported.
    fn new(imported: u32, order: &[usize]) -> Self {
        let mut numbers: Vec<u32> = (0..imported).collect();
        numbers.resize(numbers.len() + order.len(), 0);
        for (new, old) in (imported..).zip(order) {
            numbers[imported as usize + old] = new;
        }
        Self(numbers)
    }

    fn new_one(&self, old: u32) -> Result<u32> {
        self.0.get(old as usize).copied().context("a function has no such number")
    }
}

struct Function<'a> {
    /// The number of its type.
    kind: u32,
    body: &'a [u8],
    /// Where the body names a function.
    names: Vec<Range<usize>>,
}

fn functions<'a>(kinds: &[u8], code: &'a [u8]) -> Result<Vec<Function<'a>>> {
    let (mut kinds, mut code) = (Reader(kinds), Reader(code));
    let count = kinds.number()?;
    if code.number()? != count {
        bail!("not every function has a body");
    }
    (0..count)
        .map(|_| {
            let (kind, body) = (kinds.number()?, code.bytes()?);
            Ok(Function { kind, body, names: names(body)? })
        })
        .collect()
}

impl Function<'_> {
    fn rank(&self) -> (u32, &[u8]) {
        (self.kind, &self.body[..self.body.len().min(BEGINNING)])
    }

    fn renumbered(&self, numbers: &Numbers) -> Result<Vec<u8>> {
        let mut to = Vec::new();
        let mut at = 0;
        for name in &self.names {
            to.extend_from_slice(&self.body[at..name.start]);
            put_number(&mut to, numbers.new_one(Reader(&self.body[name.clone()]).number()?)?);
            at = name.end;
        }
        to.extend_from_slice(&self.body[at..]);
        Ok(to)
    }
}

/// Where the body of a function names functions, by `call` and `ref.func`.
fn names(body: &[u8]) -> Result<Vec<Range<usize>>> {
    let mut from = Reader(body);
    let mut names = Vec::new();
    for _ in 0..from.number()? {
        from.skip_number()?;
        from.byte()?;
    }
    while !from.0.is_empty() {
        let opcode = from.byte()?;
        let start = body.len() - from.0.len();
        let numbers = match opcode {
            // call, ref.func
            0x10 | 0xd2 => {
                from.skip_number()?;
                names.push(start..body.len() - from.0.len());
                0
            }
            // Control, drop and select; comparisons, arithmetic and conversions; ref.is_null.
            0x00 | 0x01 | 0x05 | 0x0b | 0x0f | 0x1a | 0x1b | 0x45..=0xc4 | 0xd1 => 0,
            // Blocks and branches; variables and tables; memory.size and memory.grow; i32.const and i64.const; ref.null.
            0x02..=0x04 | 0x0c | 0x0d | 0x20..=0x26 | 0x3f..=0x42 | 0xd0 => 1,
            // br_table
            0x0e => from.number()? + 1,
            // call_indirect; loads and stores.
            0x11 | 0x28..=0x3e => 2,
            // select with types
            0x1c => from.number()?,
            // f32.const and f64.const
            0x43 => from.take(4).map(|_| 0)?,
            0x44 => from.take(8).map(|_| 0)?,
            0xfc => match from.number()? {
                // Conversions that saturate.
                0..=7 => 0,
                // data.drop, memory.fill, elem.drop, table.grow, table.size and table.fill
                9 | 11 | 13 | 15..=17 => 1,
                // memory.init, memory.copy, table.init and table.copy
                8 | 10 | 12 | 14 => 2,
                other => bail!("the instruction 0xfc {other} is not known here"),
            },
            other => bail!("the instruction {other:#x} is not known here"),
        };
        for _ in 0..numbers {
            from.skip_number()?;
        }
    }
    Ok(names)
}

fn exports(mut from: Reader, numbers: &Numbers, to: &mut Vec<u8>) -> Result<()> {
    let count = from.number()?;
    put_number(to, count);
    for _ in 0..count {
        put_bytes(to, from.bytes()?);
        let (kind, number) = (from.byte()?, from.number()?);
        to.push(kind);
        put_number(to, if kind == FUNCTION { numbers.new_one(number)? } else { number });
    }
    Ok(())
}

/// What a table holds from the beginning.
fn elements(mut from: Reader, numbers: &Numbers, to: &mut Vec<u8>) -> Result<()> {
    let count = from.number()?;
    put_number(to, count);
    for _ in 0..count {
        let before = from.0;
        // Functions by number, at a place that i32.const says.
        if (from.number()?, from.byte()?) != (0, 0x41) {
            bail!("elements of another form than is known here");
        }
        from.skip_number()?;
        if from.byte()? != 0x0b {
            bail!("elements of another form than is known here");
        }
        to.extend_from_slice(&before[..before.len() - from.0.len()]);
        let functions = from.number()?;
        put_number(to, functions);
        for _ in 0..functions {
            put_number(to, numbers.new_one(from.number()?)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{CODE, ELEMENTS, EXPORTS, FUNCTIONS, START, sorted};

    const HEADER: &[u8] = b"\0asm\x01\0\0\0";
    /// Two types, and one function imported.
    const BEFORE: &[u8] = b"\x01\x07\x02\x60\0\0\x60\0\0\x02\x07\x01\x01m\x01f\0\0";

    fn section(id: u8, body: &[u8]) -> Vec<u8> {
        [&[id, u8::try_from(body.len()).unwrap()], body].concat()
    }

    fn module(kinds: &[u8], exported: u8, started: u8, elements: &[u8], code: &[u8]) -> Vec<u8> {
        let sections = [
            section(FUNCTIONS, kinds),
            section(EXPORTS, &[2, 1, b'e', 0, exported, 1, b'm', 2, 3]),
            section(START, &[started]),
            section(ELEMENTS, &[&b"\x01\x00\x41\x80\x01\x0b"[..], elements].concat()),
            section(CODE, code),
        ];
        [HEADER, BEFORE, &sections.concat()].concat()
    }

    #[test]
    fn functions_are_sorted_by_type_and_beginning_and_are_still_named_rightly() {
        // Numbers: 0 is imported; 1 calls 0 and 3; 2 is of the first type; 3 begins before 1.
        let before = module(
            b"\x03\x01\x00\x01",
            1,
            2,
            &[3, 1, 2, 3],
            b"\x03\x06\0\x10\0\x10\x03\x0b\x04\0\xd2\x03\x0b\x04\0\x0c\x01\x0b",
        );
        let after = module(
            b"\x03\x00\x01\x01",
            3,
            1,
            &[3, 3, 1, 2],
            b"\x03\x04\0\xd2\x02\x0b\x04\0\x0c\x01\x0b\x06\0\x10\0\x10\x02\x0b",
        );
        assert_eq!(sorted(&before).unwrap(), after);
        assert_eq!(sorted(&after).unwrap(), after);
    }

    #[test]
    fn a_number_in_an_instruction_is_no_instruction() {
        // A call of the function 1, and numbers, labels and bytes that would be one.
        let body = b"\x01\x01\x10\x7f\x41\x10\x1a\x44\x10\x01\x10\x01\x10\x01\x10\x01\x1a\x0e\x01\x10\x10\x28\x10\x10\xfc\x0a\x10\x10\x10\x01\x0b";
        let names = super::names(body).unwrap();
        assert_eq!((names.len(), &names[0]), (1, &(29..30)));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let unknown = |code: &[u8]| sorted(&module(b"\x01\x00", 1, 1, &[1, 1], code)).is_err();
        assert!(!unknown(b"\x01\x02\0\x0b"));
        assert!(unknown(b"\x01\x03\0\xfd\x0b"), "an instruction");
        assert!(unknown(b"\x01\x04\0\x10\x09\x0b"), "a function");
        assert!(unknown(b"\x01\x05\0\x0b"), "the end");
    }
}
