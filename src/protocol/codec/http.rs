//! The HTTP that the core speaks: what it sends, and what it reads of a response's head.

use crate::protocol::Code;
use crate::protocol::lifecycle::SessionId;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use base64::{Engine, alphabet};

/// Base64 as credentials are met with: what is left of bits is not looked at.
const LENIENT: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// A request to the MCP endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// POST, GET or DELETE.
    pub method: Method,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// A JSON text, for POST.
    pub body: Option<String>,
    /// The JSON-RPC method in the body, where it is a request or a notification.
    pub rpc_method: Option<String>,
}

/// The HTTP methods of Streamable HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Carries one JSON-RPC message.
    Post,
    /// Opens or resumes an event stream.
    Get,
    /// Ends the session.
    Delete,
}

impl Method {
    /// As Fetch wants it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Get => "GET",
            Self::Delete => "DELETE",
        }
    }
}

/// What the core reads of a response's head. A field that the server does not expose to the page is `None`, like one
/// that it did not send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// `Content-Type`
    pub content_type: Option<String>,
    /// `Mcp-Session-Id`
    pub session_id: Option<String>,
    /// `Retry-After`
    pub retry_after: Option<String>,
    /// `WWW-Authenticate`
    pub www_authenticate: Option<String>,
}

impl Head {
    /// 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// `Mcp-Session-Id`. A field that stands twice arrives joined by commas (Fetch, `Headers.get`): once is enough where
    /// both say the same. An empty one names no session.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(in crate::protocol) fn session(&self) -> Result<Option<SessionId>, (Code, &'static str)> {
        let Some(text) = self.session_id.as_deref().map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let mut each = text.split(',').map(str::trim);
        let first = each.next().unwrap_or_default();
        let others: Vec<_> = each.collect();
        let once = if !others.is_empty() && others.iter().all(|other| *other == first) { first } else { text };
        match SessionId::parse(once) {
            Some(id) => Ok(Some(id)),
            None if once.len() > SessionId::MOST => Err((
                Code::TooLarge,
                "The server's Mcp-Session-Id is longer than 8192 bytes. It would go along with each request, and is not taken.",
            )),
            None if text.contains(", ") => Err((
                Code::Protocol,
                "The server sent several Mcp-Session-Id that differ: which one is meant? A proxy may add one of its own. Other clients may send them all back.",
            )),
            None => Err((
                Code::Protocol,
                "The server's Mcp-Session-Id has characters other than visible ASCII, which the specification forbids. Other clients may send it back all the same.",
            )),
        }
    }

    /// The media type in lower case, without parameters; empty where there is none.
    #[must_use]
    pub fn media_type(&self) -> String {
        let whole = self.content_type.as_deref().unwrap_or_default();
        whole.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

/// What a part of an `Authorization` field stands for: Base64 of either alphabet (RFC 4648, 4 and 5), with or without
/// padding; `None` where it is none.
pub(in crate::protocol) fn credential(text: &str) -> Option<String> {
    let text = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    String::from_utf8(LENIENT.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read_in_either_alphabet_with_and_without_padding() {
        for (text, bytes) in
            [("", ""), ("Zg==", "f"), ("Zg=", "f"), ("Zg", "f"), ("Zh", "f"), ("Zm9vYmE=", "fooba"), ("fn5-", "~~~")]
        {
            assert_eq!(credential(text).as_deref(), Some(bytes), "{text}");
        }
        assert!(["fn5-fj8_", "fn5+fj8/"].iter().all(|text| credential(text).as_deref() == Some("~~~~??")));
        assert!(["*", "Z", "_w"].iter().all(|text| credential(text).is_none()));
    }
}
