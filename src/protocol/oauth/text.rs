//! URLs as the texts that they are (identifiers of OAuth are compared byte by byte, and a URL parser would change them),
//! and forms.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::net::{Ipv4Addr, Ipv6Addr};

/// A URL, split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Url<'a> {
    scheme: &'a str,
    authority: &'a str,
    /// With the query; empty, or begins with `/` or `?`.
    path: &'a str,
}

impl<'a> Url<'a> {
    /// An http or https URL that has a host, and no user name, fragment, or character that a URL parser would change. Of
    /// the host's forms those are taken that no parser reads as another: a name of ASCII letters, an IPv4 address of four
    /// decimal numbers, an IPv6 address in brackets.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let strange = |c: char| c.is_ascii_control() || c.is_whitespace() || matches!(c, '\\' | '#');
        let (scheme, rest) = text.split_once("://").filter(|_| !text.contains(strange))?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
        let url = Self { scheme, authority, path };
        (is_http && !authority.contains(['@', '%']) && authority.is_ascii() && url.ip().is_some()).then_some(url)
    }

    /// "All authorization server endpoints MUST be served over HTTPS"; http only for this machine (2025-11-25,
    /// authorization, Communication Security).
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("https") || self.is_loopback()
    }

    /// Whether the host is this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.host().to_ascii_lowercase();
        let name = host.strip_suffix('.').unwrap_or(&host);
        name == "localhost" || name.ends_with(".localhost") || self.ip() == Some(true)
    }

    /// Whether the host is an address that is this machine's; `None` of a host that is none.
    fn ip(&self) -> Option<bool> {
        let is_own = |ip: Ipv4Addr| ip.is_loopback() || ip.octets()[0] == 0;
        if let Some(rest) = self.host().strip_prefix('[') {
            let ip: Ipv6Addr = rest.strip_suffix(']')?.parse().ok()?;
            return Some(ip.is_loopback() || ip.is_unspecified() || ip.to_ipv4_mapped().is_some_and(is_own));
        }
        let host = self.host().strip_suffix('.').unwrap_or(self.host());
        let last = host.rsplit('.').next().unwrap_or_default();
        let is_number = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X");
        match is_number {
            true => host.parse().ok().map(is_own),
            false => Some(false),
        }
    }

    fn host(&self) -> &'a str {
        match self.authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => self.authority,
        }
    }

    /// As it is written, without path and query.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// Without the query and without slashes at its end.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.path.split('?').next().unwrap_or_default().trim_end_matches('/')
    }

    /// Whether there is nothing but an origin, with or without the slash after it.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        matches!(self.path, "" | "/")
    }

    /// Without the query, and with slashes at its end.
    #[must_use]
    pub fn whole_path(&self) -> &'a str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// The host and the port, as they are written.
    #[must_use]
    pub fn authority(&self) -> &'a str {
        self.authority
    }

    /// Whether this may be opened, or sent what is secret; `local`: this machine is meant to be spoken to.
    #[must_use]
    pub fn may_be_asked(&self, local: bool) -> bool {
        self.is_secure() && (local || !self.is_loopback())
    }

    /// Whether both have the same scheme, host and port.
    #[must_use]
    pub fn has_origin_of(&self, other: &Url<'_>) -> bool {
        let origin = |url: &Url<'_>| {
            let scheme = url.scheme.to_ascii_lowercase();
            let default = if scheme == "https" { ":443" } else { ":80" };
            let authority = url.authority.to_ascii_lowercase();
            (authority.strip_suffix(default).map(str::to_owned).unwrap_or(authority), scheme)
        };
        origin(self) == origin(other)
    }

    /// Whether this is `inner`, or a folder that it lies in.
    #[must_use]
    pub fn covers(&self, inner: &Url<'_>) -> bool {
        let rest = inner.path().strip_prefix(self.path());
        self.has_origin_of(inner) && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Whether both are URLs of one origin.
pub(super) fn is_one_origin(one: &str, other: &str) -> bool {
    Url::parse(one).zip(Url::parse(other)).is_some_and(|(one, other)| one.has_origin_of(&other))
}

/// A URL that may be opened, or sent what is secret; `local`: this machine is meant to be spoken to.
#[must_use]
pub fn may_be_asked(text: &str, local: bool) -> bool {
    Url::parse(text).is_some_and(|url| url.may_be_asked(local))
}

/// `application/x-www-form-urlencoded`
#[must_use]
pub fn form(fields: &[(&str, &str)]) -> String {
    let field = |(name, value): &(&str, &str)| format!("{name}={}", encode(value));
    fields.iter().map(field).collect::<Vec<_>>().join("&")
}

/// All but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encoded, but for what RFC 3986 calls unreserved.
#[must_use]
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The first field of this name in the query of a URL, decoded.
#[must_use]
pub fn query_field(url: &str, name: &str) -> Option<String> {
    query_fields(url, name).next()
}

/// All fields of this name in the query of a URL, decoded as the name is.
pub fn query_fields<'a>(url: &'a str, name: &'a str) -> impl Iterator<Item = String> + 'a {
    let query = url.split('#').next().and_then(|url| url.split_once('?')).map_or("", |(_, query)| query);
    query
        .split('&')
        .filter(move |field| is_called(field, name))
        .map(|field| decode(field.split_once('=').unwrap_or_default().1))
}

/// Whether a field of a query has this name, however it is written.
fn is_called(field: &str, name: &str) -> bool {
    decode(field.split('=').next().unwrap_or_default()) == name
}

/// An endpoint with these fields in its query. What it has of its own there is kept (RFC 6749, section 3.1), but no field
/// is there twice, and none of those that `without` names.
#[must_use]
pub fn with_query(endpoint: &str, fields: &[(&str, &str)], without: &[&str]) -> String {
    let (address, own) = endpoint.split_once('?').unwrap_or((endpoint, ""));
    let is_ours = |field: &str| fields.iter().map(|(name, _)| name).chain(without).any(|name| is_called(field, name));
    let own = own.split('&').filter(|field| !field.is_empty() && !is_ours(field)).map(str::to_owned);
    format!("{address}?{}", own.chain([form(fields)]).collect::<Vec<_>>().join("&"))
}

/// `application/x-www-form-urlencoded`, undone.
#[must_use]
pub fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_are_secure() {
        for good in ["https://a.example/x", "http://localhost:1/", "http://127.0.0.1/", "http://[::1]:80", "HTTPS://a"]
        {
            assert!(may_be_asked(good, true), "{good}");
        }
        let bad = [
            "http://a.example/",
            "javascript:alert(1)",
            "javascript://localhost/%0aalert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "https://",
            "https://user@a.example/",
            "https://a.example\\@b.example/",
            "https://a.example/\nx",
            "https://a.example/#x",
            "http://127.evil.example/",
            "http://localhost.evil.example/",
            "//a.example/",
            "",
        ];
        for bad in bad {
            assert!(!may_be_asked(bad, true), "{bad}");
        }
    }

    #[test]
    fn this_machine_has_many_names() {
        for own in [
            "localhost",
            "LOCALHOST.",
            "a.localhost:8080",
            "127.0.0.1",
            "127.1.2.3:80",
            "0.0.0.0",
            "[::1]",
            "[::]:1",
            "[::ffff:127.0.0.1]",
            "[0:0:0:0:0:0:0:1]",
        ] {
            assert!(Url::parse(&format!("https://{own}/x")).is_some_and(|url| url.is_loopback()), "{own}");
            assert!(!may_be_asked(&format!("https://{own}/x"), false), "{own}");
        }
        // A URL parser makes 127.0.0.1 or localhost of these.
        for disguised in
            ["2130706433", "127.1", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "%6cocalhost", "ⓛocalhost", "[::1"]
        {
            assert!(!may_be_asked(&format!("https://{disguised}/x"), false), "{disguised}");
        }
        for other in ["a.example", "localhost.example", "127.0.0.1.example", "192.0.2.1", "[2001:db8::1]", "1.example"]
        {
            assert!(may_be_asked(&format!("https://{other}/x"), false), "{other}");
        }
    }

    #[test]
    fn a_url_covers_what_lies_in_it() {
        let covers = |outer, inner| Url::parse(outer).expect("a URL").covers(&Url::parse(inner).expect("a URL"));
        for (outer, inner) in [
            ("https://a.example", "https://a.example/mcp"),
            ("https://a.example/", "https://A.example:443/mcp"),
            ("https://a.example/mcp", "https://a.example/mcp/?x=1"),
            ("https://a.example/mcp/", "https://a.example/mcp/inner"),
        ] {
            assert!(covers(outer, inner), "{outer} {inner}");
        }
        for (outer, inner) in [
            ("https://a.example/mcp", "https://a.example/mcpx"),
            ("https://a.example/other", "https://a.example/mcp"),
            ("https://b.example", "https://a.example/mcp"),
            ("http://a.example", "https://a.example/mcp"),
            ("https://a.example:8443", "https://a.example/mcp"),
        ] {
            assert!(!covers(outer, inner), "{outer} {inner}");
        }
    }

    #[test]
    fn forms_are_encoded_and_decoded() {
        assert_eq!(form(&[("a", "x y&z="), ("b", "ä~")]), "a=x%20y%26z%3D&b=%C3%A4~");
        let url = "https://a/?code=x%20y+z%26&state=%e4%zz&empty&iss=https%3A%2F%2Fa#state=no";
        assert_eq!(query_field(url, "code").as_deref(), Some("x y z&"));
        assert_eq!(query_field(url, "iss").as_deref(), Some("https://a"));
        assert_eq!(query_field(url, "state").as_deref(), Some("\u{fffd}%zz"));
        assert_eq!((query_field(url, "empty").as_deref(), query_field(url, "none")), (Some(""), None));
        let twice: Vec<_> = query_fields("https://a/?%69ss=1&iss=2&is=3&iss", "iss").collect();
        assert_eq!(twice, ["1", "2", ""], "a name is decoded as well");
    }

    #[test]
    fn no_field_is_in_a_query_twice() {
        for (endpoint, expected) in [
            ("https://a/x", "https://a/x?state=1"),
            ("https://a/x?", "https://a/x?state=1"),
            ("https://a/x?p=q&&tenant", "https://a/x?p=q&tenant&state=1"),
            ("https://a/x?state=evil&p=q&st%61te=evil&State=x", "https://a/x?p=q&State=x&state=1"),
            ("https://a/x?request_uri=https://b&r", "https://a/x?r&state=1"),
        ] {
            assert_eq!(with_query(endpoint, &[("state", "1")], &["request_uri"]), expected, "{endpoint}");
        }
    }
}
