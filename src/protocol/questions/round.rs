//! A round of input: what the server asked for on behalf of one call, and what was answered.

use crate::protocol::{Code, Error, Outcome, json_rpc};

/// What the server asked for, and what was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Round {
    /// JSON texts by the server's keys, which are JSON texts, too; `None` until the host has answered.
    inputs: Vec<(String, Option<String>)>,
    /// As JSON text: "The client MUST echo the exact string" (Multi Round-Trip Requests, Client 2), which need not be
    /// one of Unicode's.
    state: Option<String>,
}

impl Round {
    /// Nothing is answered yet. `state` is what the server gave with it, as JSON text.
    pub fn asking(keys: &[String], state: Option<String>) -> Self {
        Self { inputs: keys.iter().map(|key| (key.clone(), None)).collect(), state }
    }

    /// For the params of the next send: members of a JSON object, without the braces.
    pub fn members(&self) -> String {
        let given = |(key, input): &(String, Option<String>)| Some(format!("{key}:{}", input.as_ref()?));
        let inputs = self.inputs.iter().filter_map(given).collect::<Vec<_>>().join(",");
        let inputs = if inputs.is_empty() { inputs } else { format!("\"inputResponses\":{{{inputs}}}") };
        let given_back = |state| if planted!("state_of_another_call") { "\"state\"" } else { state };
        let state = self.state.as_deref().map(|state| json_rpc::member("requestState", given_back(state)));
        json_rpc::join(&inputs, &state.unwrap_or_default())
    }

    pub fn give(&mut self, key: &str, input: String) {
        if let Some((_, given)) = self.inputs.iter_mut().find(|(asked, _)| asked == key) {
            *given = Some(input);
        }
    }

    pub fn is_complete(&self) -> bool {
        self.inputs.iter().all(|(_, input)| input.is_some())
    }
}

/// The error of a call whose server asks without end.
pub(crate) fn asked_too_often<P>() -> Box<Error<P>> {
    let text = "The server asked for input again and again. `maxInputRounds` bounds how often it may.";
    Error::boxed(Code::Protocol, Outcome::Unknown, text)
}
