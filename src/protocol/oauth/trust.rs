//! What the host vouches for of *its* authorization server, and in what two identifiers differ.

use super::text::Url;

/// An authorization server that the host knows: where it departs from the specifications in a way that makes others no
/// less safe, it is used all the same. PKCE is sent, `state` and `iss` are checked, and clients and tokens are bound to
/// their issuer as ever.
///
/// ```
/// let trust = mcp_evergreen::AuthTrust { issuer: "https://login.example.com".into(), ..Default::default() };
/// assert_eq!(trust.resource, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Its identifier, exactly: as the MCP server names it, or as its own metadata does.
    pub issuer: String,
    /// Whether `resource` is sent (RFC 8707). `None`: until it is refused.
    pub resource: Option<bool>,
    /// A refresh names the scope that it is for.
    pub refresh_scope: bool,
}

/// What the metadata that was asked of one identifier says of another.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// It is the metadata of the server that was asked for.
    Own,
    /// The host says that it is.
    Vouched,
    /// It is to be asked of that one.
    Elsewhere,
    /// It must not be used (RFC 8414, section 3.3).
    Another,
}

/// `asked`: the identifier of which the metadata was asked; `said`: the one that it names. `legacy`: nothing but the
/// origin of the MCP server names it.
pub(super) fn identity(asked: &str, said: &str, legacy: bool, trust: Option<&Trust>) -> Identity {
    if is_same(asked, said) {
        return Identity::Own;
    }
    let is_trusted = |issuer: &str| trust.is_some_and(|trust| trust.issuer == issuer);
    let (asked_url, said_url) = (Url::parse(asked), Url::parse(said));
    let one_origin = asked_url.zip(said_url).is_some_and(|(asked, said)| asked.has_origin_of(&said));
    match is_trusted(asked) {
        true if one_origin => Identity::Vouched,
        _ if legacy || is_trusted(asked) || is_trusted(said) => Identity::Elsewhere,
        _ => Identity::Another,
    }
}

/// Identifiers are compared as texts, but that where a URL has no path, the slash after its host means nothing (RFC 3986,
/// section 6.2.3).
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let bare = |text: &str| Url::parse(text).is_some_and(|url| url.is_bare());
    one == other || bare(one) && bare(other) && one.trim_end_matches('/') == other.trim_end_matches('/')
}

/// In words, with what may be shown of both.
pub(super) fn difference(wanted: &str, said: &str) -> String {
    differs(wanted, said, true)
}

/// The same without paths: in the address of an MCP server there may be a key.
pub(super) fn difference_without_paths(wanted: &str, said: &str) -> String {
    differs(wanted, said, false)
}

fn differs(wanted: &str, said: &str, paths: bool) -> String {
    let Some(wanted) = Url::parse(wanted) else { return "what was asked for is no http(s) address".to_owned() };
    let Some(other) = Url::parse(said) else { return "it says something that is no http(s) address".to_owned() };
    let lower = |text: &str| text.to_ascii_lowercase();
    let (host, path) = (wanted.authority(), wanted.whole_path());
    let pair =
        |what: &str, wanted: &str, said: &str| format!("it has {} and not {}", part(what, said), part(what, wanted));
    if !wanted.has_origin_of(&other) {
        return match lower(host) == lower(other.authority()) {
            true => "it has the other of http and https".to_owned(),
            false => pair("host", host, other.authority()),
        };
    }
    if wanted.origin() != other.origin() {
        return pair("host", host, other.authority());
    }
    match (path, other.whole_path()) {
        (own, theirs) if own == theirs => "it has another query".to_owned(),
        (own, theirs) if own.trim_end_matches('/') == theirs.trim_end_matches('/') => match theirs.ends_with('/') {
            true => "it ends with a slash that was not asked for".to_owned(),
            false => "it lacks the slash at the end that was asked for".to_owned(),
        },
        (own, theirs) if paths => pair("path", own, theirs),
        _ => "it has another path".to_owned(),
    }
}

/// A part of an address; what cannot stand in one is not shown.
fn part(what: &str, text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]{}".contains(c);
    match text.is_empty() {
        true => format!("no {what}"),
        false if text.len() <= 120 && text.chars().all(is_plain) => format!("the {what} \"{text}\""),
        false => format!("a {what} that is not shown"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_slash_after_a_bare_host_means_nothing() {
        for (one, other, expected) in [
            ("https://a.example", "https://a.example/", true),
            ("https://a.example/", "https://a.example", true),
            ("https://a.example:8443/", "https://a.example:8443", true),
            ("https://a.example//", "https://a.example", false),
            ("https://a.example/t", "https://a.example/t/", false),
            ("https://a.example/?q", "https://a.example/", false),
            ("https://A.example", "https://a.example", false),
            ("https://a.example:443", "https://a.example", false),
            ("http://a.example", "https://a.example", false),
            ("nonsense", "nonsense/", false),
        ] {
            assert_eq!(is_same(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn what_the_host_vouches_for_is_exact() {
        let (asked, root) = ("https://a.example/t", "https://a.example");
        let rows = [
            (asked, root, None, Identity::Another),
            // The host knows the server by the name that the MCP server has for it.
            (asked, root, Some(asked), Identity::Vouched),
            (asked, "https://b.example", Some(asked), Identity::Elsewhere),
            // … by the name that it has for itself: anybody can say that, so it is asked there.
            (asked, root, Some(root), Identity::Elsewhere),
            ("https://evil.example", root, Some(root), Identity::Elsewhere),
            // Near is not enough.
            (asked, root, Some("https://a.example/t/"), Identity::Another),
            (asked, root, Some("https://a.example/"), Identity::Another),
            (asked, root, Some("https://A.example"), Identity::Another),
        ];
        for (asked, said, trusted, expected) in rows {
            let trust = trusted.map(|issuer| Trust { issuer: issuer.to_owned(), ..Trust::default() });
            assert_eq!(identity(asked, said, false, trust.as_ref()), expected, "{asked} {said} {trusted:?}");
        }
        assert_eq!(identity(root, "https://b.example", true, None), Identity::Elsewhere, "before 2025-06-18");
    }

    #[test]
    fn a_difference_is_said_in_words() {
        for (said, words) in [
            ("https://as.example", "it has no path and not the path \"/t\""),
            ("https://as.example/u", "it has the path \"/u\" and not the path \"/t\""),
            ("https://as.example/t/", "it ends with a slash that was not asked for"),
            ("https://b.example/t", "it has the host \"b.example\" and not the host \"as.example\""),
            ("https://AS.example/t", "it has the host \"AS.example\" and not the host \"as.example\""),
            ("http://as.example/t", "it has the other of http and https"),
            ("https://as.example/t?x", "it has another query"),
            ("https://as.example/<b>", "it has a path that is not shown and not the path \"/t\""),
            ("javascript:alert(1)", "it says something that is no http(s) address"),
        ] {
            assert_eq!(difference("https://as.example/t", said), words, "{said}");
        }
    }
}
