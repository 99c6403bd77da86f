//! What a host's own Client may see as an answer of the server's; anything else is a failure of its transport.

use crate::protocol::era::modern::DISCOVER;
use crate::protocol::{Code, Error};

/// An error of the server's own; and a refusal of `server/discover`, which a Client takes for one of a server of the other
/// era only where it comes as an answer.
pub(crate) fn is_answer<P>(method: &str, error: &Error<P>) -> bool {
    let is_the_servers = error.code == Code::Rpc && error.rpc_code.is_some();
    let refuses = error.http_status.is_some_and(|status| status < 500 && !matches!(status, 401 | 403));
    is_the_servers || (method == DISCOVER && refuses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Outcome;

    #[test]
    fn a_client_sees_an_answer_where_the_server_gave_one_and_where_it_refused_the_probe() {
        let error = |code, rpc_code, http_status| Error::<serde_json::Value> {
            rpc_code,
            http_status,
            ..Error::new(code, Outcome::NotExecuted, "")
        };
        let asked = |error: &Error<_>| [is_answer("tools/call", error), is_answer(DISCOVER, error)];
        assert_eq!(asked(&error(Code::Rpc, Some(-32601), Some(404))), [true, true]);
        assert_eq!(asked(&error(Code::SessionLost, Some(-32601), None)), [false, false]);
        for (status, answers) in [(400, true), (404, true), (401, false), (403, false), (500, false), (503, false)] {
            assert_eq!(asked(&error(Code::Http, None, Some(status))), [false, answers], "{status}");
        }
        assert_eq!(asked(&error(Code::Network, None, None)), [false, false]);
    }
}
