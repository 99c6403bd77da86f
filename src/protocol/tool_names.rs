//! The names under which a manager offers the tools of all its servers: such as the APIs of models take, made of nothing but
//! the host's name for the server and the server's for the tool. They are those of `pkg-template/manager_names.js`.

use sha2::{Digest, Sha256};

/// What a server may be called.
pub const SERVER_IN_WORDS: &str =
    "1 to 63 of the characters A-Z a-z 0-9 _ . - that begin with a letter or digit, do not end with _ and hold no __";

const MAX_SERVER: usize = 63;
/// Models' APIs take so many characters.
const MAX_NAME: usize = 64;

/// Characters of the hashed form: what is kept of either name to be read, and bytes of two digits each.
const SERVER_PART: usize = 20;
const TOOL_PART: usize = 22;
const HASH_BYTES: usize = 10;

/// Whether the plain form of this server's tools is that of one server and one tool only.
#[must_use]
pub fn is_server_name(name: &str) -> bool {
    (1..=MAX_SERVER).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|each| fits(each) || each == '.')
        && !name.ends_with('_')
        && !name.contains("__")
}

/// `<server>__<tool>` where that fits; else `<server>_<tool>_<hash>`, of what is left of the names. That one holds no `__`:
/// no tool can be named so that its plain form is another's hashed one.
#[must_use]
pub fn manager_name(server: &str, tool: &str) -> String {
    let plain = format!("{server}__{tool}");
    if plain.len() <= MAX_NAME && plain.chars().all(fits) {
        return plain;
    }
    // As JSON, two pairs of names are never one text.
    let pair = serde_json::json!([server, tool]).to_string();
    let hash = Sha256::digest(pair.as_bytes());
    let digits = hash.iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect();
    let parts = [readable(server, SERVER_PART), readable(tool, TOOL_PART), digits];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
}

/// Whether a tool of this server can have this name.
#[must_use]
pub fn can_be_of(server: &str, name: &str) -> bool {
    let begins_with = |part: &str, rest: &str| name.strip_prefix(part).is_some_and(|after| after.starts_with(rest));
    begins_with(server, "__") || begins_with(&readable(server, SERVER_PART), "_")
}

fn fits(each: char) -> bool {
    each.is_ascii_alphanumeric() || matches!(each, '_' | '-')
}

/// One `-` stands for what does not fit, and one `_` for several; neither begins or ends it.
fn readable(text: &str, most: usize) -> String {
    let mut fitting = String::new();
    let mut is_foreign = false;
    for each in text.chars() {
        let was_foreign = std::mem::replace(&mut is_foreign, !fits(each));
        let is_doubled = each == '_' && fitting.ends_with('_');
        if !is_foreign && !is_doubled {
            fitting.push(each);
        } else if is_foreign && !was_foreign {
            fitting.push('-');
        }
    }
    let begun = fitting.trim_start_matches(['_', '-']);
    // All of it is ASCII.
    begun.get(..most).unwrap_or(begun).trim_end_matches(['_', '-']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// As `manager_names.js` gives them.
    #[test]
    fn names_are_those_of_the_manager_in_javascript() {
        let (fit, long) = ("x".repeat(61), "x".repeat(62));
        let plain = format!("a__{fit}");
        let cases = [
            ("files", "read", "files__read"),
            ("my.files", "read", "my-files_read_cbd58a881d3837333b30"),
            ("files", "read file", "files_read-file_b0f45761c2391c9f0f31"),
            ("files", "read.file", "files_read-file_7f90ed3cbf76fc1ec956"),
            ("files", "", "files__"),
            ("files", "_x", "files___x"),
            ("a", &fit, &plain),
            ("a", &long, "a_xxxxxxxxxxxxxxxxxxxxxx_d3c728bab7f343911392"),
            (&"s".repeat(63), "t", "ssssssssssssssssssss_t_87cdc4682e6c6deff2a7"),
            ("a.b.c", "__..__", "a-b-c_66185be28f7cd1bb62f4"),
            ("files", "wéek\u{2028}\u{7f}\u{1}\n\"\\/", "files_w-ek_c9e6b3f29812053d00a5"),
            ("files", "猫", "files_a4d50ffb33a1b191b9a6"),
            ("files", "😀 smile", "files_smile_77408ab8086420b5fb0e"),
            (
                "a-very.long-server-name-of-somebody",
                "a very long name of a tool, it goes on and on",
                "a-very-long-server-n_a-very-long-name-of-a_33023e31aabdae2f974b",
            ),
            ("9", "a__b", "9__a__b"),
            ("a.-", "a--b_-_c d", "a_a--b_-_c-d_bc5b8ad1dd046423477a"),
            (
                "abcdefghijklmnopqrs-tu.",
                "tool__with____many.parts_here",
                "abcdefghijklmnopqrs_tool_with_many-parts_h_a762fd4a961861738d93",
            ),
        ];
        let mut all = BTreeSet::new();
        for (server, tool, expected) in cases {
            let name = manager_name(server, tool);
            assert_eq!(name, expected, "{server} {tool}");
            assert!(name.len() <= MAX_NAME && name.chars().all(fits), "{name}");
            assert!(is_server_name(server) && can_be_of(server, &name), "{server} {name}");
            assert!(!can_be_of("another", &name), "{name}");
            assert!(all.insert(name), "{expected}: twice");
        }
    }

    #[test]
    fn names_of_servers_make_the_plain_form_one_of_theirs_only() {
        for name in ["a", "9", "A9_.-z", &"a".repeat(63)] {
            assert!(is_server_name(name), "{name}");
        }
        for name in ["", "_a", "a_", "a__b", &"a".repeat(64), "a b", "é", "-a", ".a", "a\n"] {
            assert!(!is_server_name(name), "{name}");
        }
    }
}
