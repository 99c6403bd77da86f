//! JSON as a tree, for the little that the core itself must look into. A number stays the text that it is: reading and
//! writing floating-point numbers would take more code than all of the rest.

use std::str::from_utf8;

/// A JSON value (RFC 8259).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Json {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// Any number, as it is written.
    Number(String),
    /// A string.
    Text(String),
    /// An array.
    Array(Vec<Json>),
    /// An object: its members in their order.
    Object(Vec<(String, Json)>),
}

/// What is nested deeper than this is refused.
const DEPTH: u32 = 128;

impl Json {
    /// The value that this text is; `None` where it is no JSON, or nested more than 128 levels deep.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text.as_bytes() };
        let value = reader.value(DEPTH)?;
        reader.blanks();
        reader.rest.is_empty().then_some(value)
    }

    /// The member of an object with this name; the last of several.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.members().iter().rev().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The members of an object; none where this is no object.
    #[must_use]
    pub fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Object(members) => members,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Array(_) => &[],
        }
    }

    /// The string, where this is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// The integer, where this is one without fraction and exponent.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.parse().ok(),
            Self::Null | Self::Bool(_) | Self::Text(_) | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// As JSON text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, into: &mut String) {
        match self {
            Self::Null => into.push_str("null"),
            Self::Bool(is) => into.push_str(if *is { "true" } else { "false" }),
            Self::Number(number) => into.push_str(number),
            Self::Text(text) => write_quoted(text, into),
            Self::Array(items) => {
                into.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        into.push(',');
                    }
                    item.write(into);
                }
                into.push(']');
            }
            Self::Object(members) => {
                into.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    if at > 0 {
                        into.push(',');
                    }
                    write_quoted(name, into);
                    into.push(':');
                    value.write(into);
                }
                into.push('}');
            }
        }
    }
}

/// An object's text without the members that have one of these names.
#[must_use]
pub fn without(object: &str, names: &[&str]) -> String {
    match Json::parse(object) {
        Some(Json::Object(mut all)) if all.iter().any(|(name, _)| names.contains(&name.as_str())) => {
            all.retain(|(name, _)| !names.contains(&name.as_str()));
            Json::Object(all).to_text()
        }
        _ => object.to_owned(),
    }
}

/// A JSON string.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut quoted = String::new();
    write_quoted(text, &mut quoted);
    quoted
}

fn write_quoted(text: &str, into: &mut String) {
    into.push('"');
    for character in text.chars() {
        match character {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\0'..' ' => {
                into.push_str("\\u00");
                into.push(if character < '\u{10}' { '0' } else { '1' });
                into.push(char::from(b"0123456789abcdef"[character as usize % 16]));
            }
            _ => into.push(character),
        }
    }
    into.push('"');
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: u32) -> Option<Json> {
        self.blanks();
        match *self.rest.first()? {
            b'n' => self.word(b"null", Json::Null),
            b't' => self.word(b"true", Json::Bool(true)),
            b'f' => self.word(b"false", Json::Bool(false)),
            b'"' => self.string().map(Json::Text),
            b'[' => self.array(depth.checked_sub(1)?),
            b'{' => self.object(depth.checked_sub(1)?),
            _ => self.number(),
        }
    }

    fn array(&mut self, depth: u32) -> Option<Json> {
        let mut items = Vec::new();
        self.skip(1);
        self.blanks();
        if !self.takes(b']') {
            loop {
                items.push(self.value(depth)?);
                if !self.goes_on(b']')? {
                    break;
                }
            }
        }
        Some(Json::Array(items))
    }

    fn object(&mut self, depth: u32) -> Option<Json> {
        let mut members = Vec::new();
        self.skip(1);
        self.blanks();
        if !self.takes(b'}') {
            loop {
                self.blanks();
                let name = self.string()?;
                self.blanks();
                if !self.takes(b':') {
                    return None;
                }
                members.push((name, self.value(depth)?));
                if !self.goes_on(b'}')? {
                    break;
                }
            }
        }
        Some(Json::Object(members))
    }

    /// After an item: whether another follows.
    fn goes_on(&mut self, end: u8) -> Option<bool> {
        self.blanks();
        match self.takes(b',') {
            true => Some(true),
            false => self.takes(end).then_some(false),
        }
    }

    fn string(&mut self) -> Option<String> {
        if !self.takes(b'"') {
            return None;
        }
        let mut text = String::new();
        loop {
            let plain = self.rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
            // From a string's text, cut at ASCII characters.
            text.push_str(from_utf8(self.skip(plain)).ok()?);
            match self.skip(1) {
                b"\"" => return Some(text),
                b"\\" => text.push(self.escaped()?),
                _ => return None,
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.skip(1) {
            b"b" => '\u{8}',
            b"f" => '\u{c}',
            b"n" => '\n',
            b"r" => '\r',
            b"t" => '\t',
            b"u" => {
                let unit = self.hex()?;
                match unit {
                    0xd800..0xdc00 if self.rest.starts_with(b"\\u") => {
                        self.skip(2);
                        let low = self.hex()?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                        char::from_u32(0x1_0000 + (unit - 0xd800) * 0x400 + low)?
                    }
                    _ => char::from_u32(unit)?,
                }
            }
            [plain @ (b'"' | b'\\' | b'/')] => char::from(*plain),
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.skip(4);
        if digits.len() < 4 {
            return None;
        }
        digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
    }

    fn number(&mut self) -> Option<Json> {
        let whole = self.rest;
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _ = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        let text = whole.get(..whole.len() - self.rest.len())?;
        Some(Json::Number(from_utf8(text).ok()?.to_owned()))
    }

    /// One at least.
    fn digits(&mut self) -> Option<()> {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.skip(count);
        (count > 0).then_some(())
    }

    fn word(&mut self, word: &[u8], value: Json) -> Option<Json> {
        (self.skip(word.len()) == word).then_some(value)
    }

    fn blanks(&mut self) {
        while matches!(self.rest.first(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.skip(1);
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        let takes = self.rest.first() == Some(&byte);
        if takes {
            self.skip(1);
        }
        takes
    }

    /// The next bytes, as far as there are so many.
    fn skip(&mut self, count: usize) -> &'a [u8] {
        let (skipped, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        skipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// The same value, or no value, as serde_json has for it.
    fn compare(text: &str) {
        let (ours, theirs) = (Json::parse(text), serde_json::from_str::<Value>(text).ok());
        // It refuses numbers that are too large for a double.
        let huge = theirs.is_none() && ours.is_some() && text.contains(['e', 'E']);
        if !huge {
            let again = ours.map(|value| serde_json::from_str(&value.to_text()).expect("what it writes is JSON"));
            assert_eq!(again, theirs, "{text}");
        }
    }

    #[test]
    fn what_is_json_and_what_is_not_is_agreed_with_serde_json() {
        let texts = r#"null true false nul truex 0 -0 01 1. .5 -1.5e+10 1e -  "" "a "\" "\"\\\/\b\f\n\r\t" "\u00e9\ud83d\ude00"
            "\ud83d" "\ude00" "\ud83dx" "\u12" "\x" [] [1,2] [1,] [,] [1 {} {"a":1} {"a":1,} {"a"} {a:1} {"a":{"b":[null]}} 1,2
            {"a":1,"a":2} [[[]]] ö"#;
        texts.split_ascii_whitespace().for_each(compare);
        [" [ 1 , { \"a\" : \"b c\" } ] ", "\"a\nb\"", "", "\"\u{7f}é\"", "[1]x", "{\"a\" 1}"]
            .into_iter()
            .for_each(compare);
    }

    #[test]
    fn texts_that_are_almost_json_are_agreed_with_serde_json() {
        let mut rng = fastrand::Rng::with_seed(11);
        let seed = r#"{"a":[1,-2.5e3,"x\n\u0041"],"b":{"c":null,"d":true},"e":""}"#;
        let more = br#"{}[]",:\ u0e1-+.tn"#;
        for _ in 0..20_000 {
            let mut text = seed.as_bytes().to_vec();
            for _ in 0..rng.u8(..4) {
                let at = rng.usize(..text.len());
                match rng.u8(..3) {
                    0 => drop(text.remove(at)),
                    1 => text.insert(at, more[rng.usize(..more.len())]),
                    _ => text[at] = more[rng.usize(..more.len())],
                }
            }
            compare(&String::from_utf8(text).expect("ASCII"));
        }
    }

    #[test]
    fn strings_are_written_as_serde_json_reads_them() {
        let text: String = (0..0x100).chain([0x2028, 0x1_f600]).filter_map(char::from_u32).collect();
        assert_eq!(serde_json::from_str::<String>(&quote(&text)).expect("JSON"), text);
        assert_eq!(quote("a\"\\\n\u{1}\u{1f}"), r#""a\"\\\n\u0001\u001f""#);
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(Json::parse(&nested(128)).is_some() && Json::parse(&nested(129)).is_none());
        assert!(Json::parse(&"[".repeat(100_000)).is_none());
    }

    #[test]
    fn members_and_integers_are_found() {
        let value = Json::parse(r#"{"a":1,"b":{"c":"d"},"a":-7,"e":1.0}"#).expect("JSON");
        assert_eq!(value.get("a").and_then(Json::as_i64), Some(-7));
        assert_eq!(value.get("b").and_then(|b| b.get("c")?.as_str()), Some("d"));
        assert_eq!((value.get("e").and_then(Json::as_i64), value.get("x")), (None, None));
    }
}
