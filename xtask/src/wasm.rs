//! WebAssembly as bytes (WebAssembly 2.0, 5 Binary Format).

use anyhow::{Context, Result, bail};

/// The length of what comes before the sections.
pub const HEADER: usize = 8;
pub const IMPORTS: u8 = 2;
pub const FUNCTIONS: u8 = 3;
pub const EXPORTS: u8 = 7;
pub const START: u8 = 8;
pub const ELEMENTS: u8 = 9;
pub const CODE: u8 = 10;

/// What is left to read.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next section: its id, and what it holds.
    pub fn section(&mut self) -> Result<Option<(u8, &'a [u8])>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        Ok(Some((self.byte()?, self.bytes()?)))
    }

    pub fn byte(&mut self) -> Result<u8> {
        let (first, rest) = self.0.split_first().context("the WebAssembly ends too early")?;
        self.0 = rest;
        Ok(*first)
    }

    /// Unsigned LEB128.
    pub fn number(&mut self) -> Result<u32> {
        let mut number = 0;
        for shift in (0..32).step_by(7) {
            let byte = self.byte()?;
            number |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        bail!("a number is too long")
    }

    /// Leaves out a number of any length, signed or not.
    pub fn skip_number(&mut self) -> Result<()> {
        while self.byte()? >= 0x80 {}
        Ok(())
    }

    pub fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length).context("the WebAssembly ends too early")?;
        self.0 = rest;
        Ok(bytes)
    }

    /// As many bytes as the number before them says.
    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = usize::try_from(self.number()?)?;
        self.take(length)
    }
}

pub fn put_number(to: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

pub fn put_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    put_number(to, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    to.extend_from_slice(bytes);
}
