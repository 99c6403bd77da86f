//! What the host is told of a recovery.

use super::ToolChanges;
use crate::protocol::era::Era;

/// The latest recovery.
///
/// ```
/// use mcp_evergreen::LastRecovery;
///
/// fn line(last: &LastRecovery) -> String {
///     format!("{} ({} ms, {} calls sent again)", last.reason, last.duration_ms, last.retried)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastRecovery {
    /// When it ended, in milliseconds since the epoch.
    pub at_unix_ms: u64,
    /// Why the session had to be made anew.
    pub reason: &'static str,
    /// Milliseconds from the loss to the new session.
    pub duration_ms: u64,
    /// Calls that were sent again.
    pub retried: u32,
    /// What the lost session held and the new one holds too.
    pub restored: Vec<String>,
    /// What it held and could not be put back.
    pub lost: Vec<String>,
}

/// What a new session has other than the lost one.
///
/// ```
/// use mcp_evergreen::Changes;
///
/// fn is_another_server(changes: &Changes) -> bool {
///     changes.server || changes.tools.is_some()
/// }
/// assert!(!is_another_server(&Changes::default()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The era that is spoken now, where it is another.
    pub era: Option<Era>,
    /// The server's name or version.
    pub server: bool,
    /// Its capabilities.
    pub capabilities: bool,
    /// Its instructions.
    pub instructions: bool,
    /// Its tools, where the app had listed them.
    pub tools: Option<ToolChanges>,
}

/// Which lists are told of. `not_compared`: those that the app has seen and that may be others now.
impl Changes {
    /// To listeners: tools that are the same raise nothing; another server may have other resources and prompts.
    pub(crate) fn lists(&self, not_compared: &[&'static str]) -> Vec<&'static str> {
        let others: &[_] = if self.is_another() { &ELSEWHERE } else { &[] };
        let more = others.iter().filter(|list| !not_compared.contains(list));
        let tools = self.tools.is_some().then_some(&TOOLS).into_iter();
        tools.chain(not_compared).chain(more).copied().collect()
    }

    /// To a host's own Client, which asks anew for each: what was compared or may be another server's, where that one
    /// `has` it.
    pub(crate) fn lists_for_client(
        &self,
        not_compared: &[&'static str],
        has: impl Fn(&str) -> bool,
    ) -> Vec<&'static str> {
        let tools = self.tools.is_some() || not_compared.contains(&TOOLS);
        let others = ELSEWHERE.into_iter().filter(|list| self.is_another() && has(list));
        tools.then_some(TOOLS).into_iter().chain(others).collect()
    }

    fn is_another(&self) -> bool {
        self.server || self.capabilities
    }
}

const TOOLS: &str = "tools";
/// Lists that are not compared.
const ELSEWHERE: [&str; 2] = ["resources", "prompts"];

#[cfg(test)]
mod tests {
    use super::*;

    fn told(changes: &Changes, not_compared: &[&'static str]) -> [Vec<&'static str>; 2] {
        [changes.lists(not_compared), changes.lists_for_client(not_compared, |list| list == "prompts")]
    }

    #[test]
    fn what_is_the_same_is_told_to_nobody_and_what_may_be_another_is() {
        let none = Changes::default();
        assert_eq!(told(&none, &[]), [vec![""; 0], vec![]]);
        // A Client asks for its lists as often as it is told: what it has seen is not told for that alone.
        assert_eq!(told(&none, &["resources", "prompts"]), [vec!["resources", "prompts"], vec![]]);
        assert_eq!(told(&none, &["prompts", "tools"]), [vec!["prompts", "tools"], vec!["tools"]]);
        let tools = Changes { tools: Some(ToolChanges::default()), ..Changes::default() };
        assert_eq!(told(&tools, &["prompts"]), [vec!["tools", "prompts"], vec!["tools"]]);
        for another in
            [Changes { server: true, ..Changes::default() }, Changes { capabilities: true, ..Changes::default() }]
        {
            assert_eq!(told(&another, &["prompts"]), [vec!["prompts", "resources"], vec!["prompts"]]);
        }
    }
}
