//! What the host's proxy says in its own name, in words.

use crate::protocol::error::Diagnosis;

/// By what `mcp-evergreen/proxy` gives as its reason.
const REASONS: [(&str, &str); 14] = [
    ("private_target", "The server's address is a private or local one, and the proxy goes to public servers only."),
    ("not_listed", "The server is not among the proxy's `targets`."),
    ("scheme", "The proxy passes https: on, and http: only to servers that its `targets` list."),
    ("port", "The proxy's `targets` or `ports` do not have the server's port."),
    (
        "not_authorized",
        "The proxy's `authorize` refused it: `proxy.headers` must give the credential that it asks for.",
    ),
    ("authorize_failed", "The proxy's `authorize` failed: its log says why."),
    ("origin", "Pages of this origin are not among the proxy's `origins`."),
    ("header_not_passed", "The option `headers` adds a field that the proxy's `passHeaders` do not have."),
    ("request_too_large", "The request is larger than the proxy's `maxRequestBytes`."),
    ("answer_too_large", "The answer is larger than the proxy's `maxResponseBytes`."),
    ("bad_target", "The proxy does not take the server's URL: it is too long, or holds a user name."),
    ("unresolved", "The proxy found no address for the server's name."),
    ("unreachable", "The proxy did not reach the server, or the connection broke before it answered."),
    ("timeout", "The server did not answer the proxy within its `headTimeout`."),
];
const FAILED: &str = "The proxy could not pass the request on.";
const UNREACHED: Diagnosis = Diagnosis {
    kind: "proxy_unreached",
    header: None,
    hint: "The proxy could not be reached: it is down, its address is wrong, or this device is offline.",
};
const FOREIGN: Diagnosis = Diagnosis {
    kind: "not_a_proxy",
    header: None,
    hint: "What answered at the proxy's address is not the handler of mcp-evergreen/proxy: check the URL in the option \
           `proxy`, and what stands before the handler there.",
};

/// `said`: `refused <reason>`, where nothing was sent on; `failed <reason>`, where it may have been; `unreached`; or
/// `foreign`, where the answer is nobody's that is known.
pub(in crate::protocol) fn diagnosis(said: &str) -> Diagnosis {
    let (what, reason) = said.split_once(' ').unwrap_or((said, ""));
    match what {
        "unreached" => UNREACHED,
        "foreign" => FOREIGN,
        _ => {
            let hint = REASONS.iter().find(|(known, _)| *known == reason).map_or(FAILED, |(_, hint)| hint);
            let kind = if is_refused(said) { "proxy_refused" } else { "proxy_failed" };
            Diagnosis { kind, header: None, hint }
        }
    }
}

/// Nothing was sent on.
pub(in crate::protocol) fn is_refused(said: &str) -> bool {
    said.split(' ').next() == Some("refused")
}
