//! The params of a request, as far as the core has to know them.

use super::codec::json::Members;
use super::codec::json_rpc;

/// The params of a request, taken when the call is made: what the caller changes later changes nothing. Whoever makes them
/// from an object says what stands in which member: the core looks for none of it in the text, where an argument or a
/// value may look alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    /// A JSON object as text, without `_meta`, `inputResponses` and `requestState`; `None` where there are no params.
    pub text: Option<String>,
    /// `_meta` as a JSON object, where the caller gave one.
    pub meta: Option<String>,
    /// `inputResponses` and `requestState` as members of a JSON object, where the caller answers what the server asked
    /// for: those of a later round take their place.
    pub inputs: Option<String>,
    /// `name`, where it is a string: of a tool or prompt.
    pub name: Option<String>,
    /// `uri`, where it is a string: of a resource.
    pub uri: Option<String>,
    /// `taskId`, where it is a string.
    pub task_id: Option<String>,
    /// `level`, where it is a string: of the log.
    pub level: Option<String>,
    /// There is a `cursor`: not the first page of a list.
    pub has_cursor: bool,
    /// There is a `task`: the caller asks for a task, and wants to see it.
    pub has_task: bool,
}

impl Params {
    /// From a JSON object as text, with whatever it has; `None` where it is none, or nested more than 127 levels deep.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        // Few servers would read what is nested deeper.
        serde_json::from_str::<serde_json::Value>(text).ok()?;
        let all = Members::parse(text)?;
        let string = |name: &str| all.read(name);
        let member = |name: &str| all.get(name).map(|value| json_rpc::member(name, value.get()));
        let inputs = [member("inputResponses"), member("requestState")];
        let inputs = inputs.into_iter().flatten().reduce(|all, more| json_rpc::join(&all, &more));
        let mut rest = all.clone();
        rest.retain(|name| !["_meta", "inputResponses", "requestState"].contains(&name));
        Some(Self {
            text: Some(rest.to_text()),
            meta: all.get("_meta").map(|meta| meta.get().to_owned()),
            inputs,
            name: string("name"),
            uri: string("uri"),
            task_id: string("taskId"),
            level: string("level"),
            has_cursor: all.get("cursor").is_some(),
            has_task: all.get("task").is_some(),
        })
    }

    /// With more members in place of the caller's own `inputs`.
    pub(super) fn with(&self, inputs: Option<&str>, members: &str) -> Self {
        let inputs = inputs.or(self.inputs.as_deref()).unwrap_or_default();
        let members = json_rpc::join(inputs, members);
        if members.is_empty() {
            return self.clone();
        }
        let text = json_rpc::merge(self.text.as_deref().unwrap_or("{}"), &members);
        Self { text: Some(text), inputs: None, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_found_where_it_stands_and_nowhere_else() {
        let inner =
            Params::read(r#"{"name":"a","arguments":{"task":1,"cursor":"x","uri":"u","level":"l"},"x":"\"task\""}"#);
        let inner = inner.expect("an object");
        assert_eq!((inner.has_task, inner.has_cursor, inner.uri, inner.level), (false, false, None, None));
        let outer = Params::read(r#"{"task":{},"cursor":"","uri":"u","level":"info","taskId":"t","_meta":{"a":1}}"#);
        let outer = outer.expect("an object");
        assert!(outer.has_task && outer.has_cursor);
        assert_eq!(
            (outer.uri.as_deref(), outer.level.as_deref(), outer.task_id.as_deref()),
            (Some("u"), Some("info"), Some("t"))
        );
        assert_eq!(outer.meta.as_deref(), Some(r#"{"a":1}"#));
    }

    #[test]
    fn what_is_read_is_bounded_in_depth_and_goes_on_as_it_came() {
        let nested = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert!(Params::read(&nested(127)).is_some() && Params::read(&nested(128)).is_none());
        let text = r#"{"b":1.50,"a":12345678901234567890}"#;
        assert_eq!(Params::read(text).and_then(|params| params.text).as_deref(), Some(text));
    }

    #[test]
    fn the_inputs_of_a_later_round_take_the_place_of_the_callers() {
        let own = Params::read(r#"{"name":"a","requestState":"S1","inputResponses":{"a":{}}}"#).expect("an object");
        assert_eq!(own.text.as_deref(), Some(r#"{"name":"a"}"#));
        let first = own.with(None, "").text;
        assert_eq!(first.as_deref(), Some(r#"{"name":"a","inputResponses":{"a":{}},"requestState":"S1"}"#));
        let later = own.with(Some(r#""inputResponses":{"b":{}}"#), "").text;
        assert_eq!(later.as_deref(), Some(r#"{"name":"a","inputResponses":{"b":{}}}"#));
        assert_eq!(own.with(Some(""), "").text.as_deref(), Some(r#"{"name":"a"}"#));
    }
}
