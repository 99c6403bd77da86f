//! What the server may ask of the host: only what was declared that the host can do, and no address but a safe one.

use crate::protocol::bounds::each;
use crate::protocol::codec::json;
use crate::protocol::{Field, Payload};
use serde_json::value::RawValue;

const SAMPLING: &str = "sampling/createMessage";
const ELICITATION: &str = "elicitation/create";
/// The error that names addresses which the user must visit first (2025-11-25, elicitation, URL Elicitation Required).
const URL_ELICITATION_REQUIRED: i64 = -32042;

/// Why this request of the server's is refused whatever the host would say to it. `declared`: the capabilities, as JSON
/// text; `None`: a host's own Client keeps what it declares.
pub(crate) fn why_refused<P: Payload>(
    method: &str,
    params: Option<&P>,
    declared: Option<&str>,
) -> Option<&'static str> {
    let params = params?;
    let has = |field: Field| params.field(field).is_some_and(|value| value.is_truthy());
    let declares = |capability, part| declared.is_none_or(|declared| declares(declared, capability, part));
    match method {
        // "Clients MUST return an error if this field is provided but sampling.tools is not declared" (2025-11-25,
        // schema, CreateMessageRequest).
        SAMPLING if (has(Field::Tools) || has(Field::ToolChoice)) && !declares("sampling", "tools") => {
            Some("This client does not support tools in sampling")
        }
        ELICITATION if params.text(Field::Mode).as_deref() == Some("url") => {
            // An empty capability means `form`.
            if !declares("elicitation", "url") {
                return Some("This client does not support elicitation in url mode");
            }
            let is_safe = params.text(Field::Url).is_some_and(|url| is_safe(&url));
            (!is_safe).then_some("The url of an elicitation must be an https: address, or http: of this device")
        }
        // `form` where none is named.
        ELICITATION if declares("elicitation", "url") && !declares("elicitation", "form") => {
            Some("This client does not support elicitation in form mode")
        }
        _ => None,
    }
}

/// Whether a part of a capability is among these.
fn declares(capabilities: &str, capability: &str, part: &str) -> bool {
    json::at::<Box<RawValue>>(capabilities, &[capability, part]).is_some_and(|part| part.get() != "null")
}

/// The `data` of an error without elicitations that lead to an address which is not safe.
pub(crate) fn without_unsafe<P: Payload>(rpc_code: i64, data: P) -> P {
    let Some(elicitations) = data.field(Field::Elicitations).filter(|_| rpc_code == URL_ELICITATION_REQUIRED) else {
        return data;
    };
    let is_safe = |elicitation: &P| elicitation.text(Field::Url).is_some_and(|url| is_safe(&url));
    let bad: Vec<usize> =
        each(&elicitations).enumerate().filter(|(_, elicitation)| !is_safe(elicitation)).map(|(at, _)| at).collect();
    if bad.is_empty() { data } else { data.without_items(Field::Elicitations, &bad) }
}

/// An absolute https: address, or http: of the loopback interface. Stricter than what browsers make of a text: no blanks,
/// no control characters, no backslashes, no user.
fn is_safe(url: &str) -> bool {
    let is_odd = |char: char| char.is_control() || char.is_whitespace() || char == '\\';
    let Some((scheme, rest)) = url.split_once("://").filter(|_| !url.contains(is_odd)) else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains('@') {
        return false;
    }
    scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http") && is_loopback(authority)
}

fn is_loopback(authority: &str) -> bool {
    if authority.starts_with('[') {
        let (host, port) = authority.split_once(']').unwrap_or_default();
        return host == "[::1" && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    let is_octet = |part: &str| part.parse::<u8>().is_ok() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = host.split('.').collect();
    let is_address = parts.len() == 4 && parts[0] == "127" && parts.iter().all(|part| is_octet(part));
    is_port(port) && (is_address || host.eq_ignore_ascii_case("localhost"))
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_the_user_is_sent_to_is_encrypted_or_this_device_s() {
        let safe = [
            "https://a.example/x?y#z",
            "HTTPS://A.EXAMPLE",
            "http://localhost",
            "http://localhost:8080/x",
            "http://127.0.0.1:1/",
            "http://127.1.2.3",
            "http://[::1]:3/x",
        ];
        for url in safe {
            assert!(is_safe(url), "{url}");
        }
        let unsafe_ones = [
            "",
            "javascript:alert(1)",
            "javascript://x/%0aalert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "http://a.example",
            "http://localhost.a.example",
            "http://localhost@a.example",
            "http://a.example/http://localhost",
            "http://127.0.0.1.a.example",
            "http://127.0.0.256",
            "http://127.1",
            "http://[::1].a.example",
            "http://[::2]",
            "https://",
            "https:///x",
            "https:a.example",
            "https://user@a.example",
            " https://a.example",
            "https://a.example\n",
            "https:\\\\a.example",
            "\u{1}javascript:alert(1)",
            "ftp://localhost",
        ];
        for url in unsafe_ones {
            assert!(!is_safe(url), "{url:?}");
        }
    }
}
