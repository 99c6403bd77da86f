//! Bytes as Base64.

/// As in RFC 4648, section 5, without padding.
#[must_use]
pub fn for_urls(bytes: &[u8]) -> String {
    with_digits(bytes, *b"-_")
}

/// As in RFC 4648, section 4.
#[must_use]
pub fn padded(bytes: &[u8]) -> String {
    let mut text = with_digits(bytes, *b"+/");
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

fn with_digits(bytes: &[u8], last: [u8; 2]) -> String {
    let digit = |six: u32| {
        // Six bits: below 64.
        let six = six as u8;
        char::from(match six {
            0..26 => b'A' + six,
            26..52 => b'a' + six - 26,
            52..62 => b'0' + six - 52,
            _ => last[usize::from(six & 1)],
        })
    };
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        text.extend((0..=chunk.len() as u32).map(|at| digit(bits >> (18 - 6 * at) & 63)));
    }
    text
}

/// The text that this stands for, with or without padding; `None` where it is none.
#[must_use]
pub fn read(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        let six = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        (bits, count) = (bits << 6 | u32::from(six), count + 6);
        if count >= 8 {
            count -= 8;
            // The eight bits that are whole.
            bytes.push((bits >> count) as u8);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_rfc_4648_section_10() {
        let rows =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")];
        assert!(rows.iter().all(|(bytes, text)| padded(bytes.as_bytes()) == *text));
        assert!(rows.iter().all(|(bytes, text)| read(text).as_deref() == Some(*bytes)));
        assert_eq!((read("Zg"), read("*")), (Some("f".to_owned()), None));
        assert_eq!((padded(&[0xfb, 0xff]), for_urls(&[0xfb, 0xff])), ("+/8=".to_owned(), "-_8".to_owned()));
    }
}
