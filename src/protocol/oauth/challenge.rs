//! `WWW-Authenticate` (RFC 9110, section 11.6.1), as far as OAuth needs it.

/// The parameters of a `Bearer` challenge that are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bearer {
    /// Where the metadata of the resource is (RFC 9728, section 5.1): once, but some send it twice, or beside another scheme.
    pub resource_metadata: Vec<String>,
    /// The scopes that the request needs (RFC 6750, section 3).
    pub scope: Option<String>,
    /// `invalid_token`, `insufficient_scope` …
    pub error: Option<String>,
}

/// A scope that is longer goes into no address.
const MAX_SCOPE: usize = 8_192;
/// So many places are looked at.
const MAX_PLACES: usize = 4;

impl Bearer {
    /// The `Bearer` challenge in the value of the header, which may hold several challenges.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let mut rest = header;
        let mut found: Option<Self> = None;
        let mut in_bearer = false;
        let (mut own, mut others) = (Vec::new(), Vec::new());
        while let Some(item) = next(&mut rest) {
            match item {
                Item::Scheme(scheme) => {
                    in_bearer = found.is_none() && scheme.eq_ignore_ascii_case("bearer");
                    if in_bearer {
                        found = Some(Self::default());
                    }
                }
                Item::Parameter(name, value) => {
                    let name = name.to_ascii_lowercase();
                    if name == "resource_metadata" {
                        let places = if in_bearer { &mut own } else { &mut others };
                        places.push(value);
                        continue;
                    }
                    let Some(bearer) = found.as_mut().filter(|_| in_bearer) else { continue };
                    let field = match name.as_str() {
                        "scope" if value.len() <= MAX_SCOPE => &mut bearer.scope,
                        "error" => &mut bearer.error,
                        _ => continue,
                    };
                    field.get_or_insert(value);
                }
            }
        }
        own.append(&mut others);
        own.truncate(MAX_PLACES);
        found.map(|bearer| Self { resource_metadata: own, ..bearer })
    }
}

enum Item<'a> {
    Scheme(&'a str),
    Parameter(&'a str, String),
}

/// A parameter is a token, `=` and a token or a quoted string; any other token is a scheme, or what stands in the place
/// of parameters after one.
fn next<'a>(rest: &mut &'a str) -> Option<Item<'a>> {
    let text = rest.trim_start_matches([' ', '\t', ',', '=']);
    let end = text.find([' ', '\t', ',', '=']).unwrap_or(text.len());
    let (name, after) = text.split_at(end);
    if name.is_empty() {
        return None;
    }
    let Some(value) = after.trim_start_matches([' ', '\t']).strip_prefix('=') else {
        *rest = after;
        return Some(Item::Scheme(name));
    };
    let value = value.trim_start_matches([' ', '\t']);
    let Some(quoted) = value.strip_prefix('"') else {
        let end = value.find([' ', '\t', ',']).unwrap_or(value.len());
        *rest = &value[end..];
        return Some(Item::Parameter(name, value[..end].to_owned()));
    };
    let mut text = String::new();
    let mut chars = quoted.char_indices();
    *rest = "";
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                *rest = &quoted[at + 1..];
                break;
            }
            '\\' => text.extend(chars.next().map(|(_, escaped)| escaped)),
            c => text.push(c),
        }
    }
    Some(Item::Parameter(name, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(url: Option<&str>, scope: Option<&str>, error: Option<&str>) -> Option<Bearer> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Some(Bearer { resource_metadata: owned(url).into_iter().collect(), scope: owned(scope), error: owned(error) })
    }

    #[test]
    fn challenges_are_read() {
        let rows = [
            ("Bearer", bearer(None, None, None)),
            ("Basic realm=\"x\"", None),
            ("", None),
            ("bearer scope=\"a b\", error=invalid_token", bearer(None, Some("a b"), Some("invalid_token"))),
            ("Bearer SCOPE = \"a\\\"b\" , error = \"x,y\"", bearer(None, Some("a\"b"), Some("x,y"))),
            (
                "Basic realm=\"Bearer scope=no\", Bearer resource_metadata=\"https://a/b?c=d\", Digest scope=\"no\"",
                bearer(Some("https://a/b?c=d"), None, None),
            ),
            ("Negotiate abc==, Bearer scope=x", bearer(None, Some("x"), None)),
            ("Bearer scope=\"not closed", bearer(None, Some("not closed"), None)),
            ("Bearer scope=first, scope=second", bearer(None, Some("first"), None)),
            ("Bearer scope=a, Bearer scope=b, error=c", bearer(None, Some("a"), None)),
            (",,, Bearer ,, error=\"\"", bearer(None, None, Some(""))),
        ];
        for (header, expected) in rows {
            assert_eq!(Bearer::parse(header), expected, "{header}");
        }
    }

    #[test]
    fn a_place_that_is_named_twice_is_named_twice() {
        for (header, expected) in [
            ("Bearer resource_metadata=a, realm=x, resource_metadata=b", &["a", "b"][..]),
            ("DPoP resource_metadata=c, Bearer resource_metadata=a, Bearer resource_metadata=b", &["a", "c", "b"]),
            (
                "Bearer resource_metadata=1,resource_metadata=2,resource_metadata=3,resource_metadata=4,resource_metadata=5",
                &["1", "2", "3", "4"],
            ),
        ] {
            assert_eq!(
                Bearer::parse(header).map(|bearer| bearer.resource_metadata).unwrap_or_default(),
                expected,
                "{header}"
            );
        }
    }

    #[test]
    fn any_text_ends() {
        for text in ["=", "\"", "\\", "Bearer \"", "Bearer =,=", "a=\"\\", "ä=ö, Bearer ü", "Bearer\t=\t"] {
            let _ = Bearer::parse(text);
        }
    }
}
