//! Whether a second run of a call does no harm, and who says so.

use crate::protocol::era::legacy;

/// Known when a call is sent, from what is known of its tool then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::protocol) enum Safety {
    /// Nobody says that a second run does no harm.
    #[default]
    Unsafe,
    /// The caller does, or the specification of the method.
    Safe,
    /// Nobody but the annotations of the tool.
    Annotated(Licence),
}

impl Safety {
    /// By what the caller, the specification of this method and the annotations of its tool say. Who says it without them needs
    /// no annotations.
    pub fn of(repeatable: bool, method: &str, licence: Option<Licence>) -> Self {
        match licence.filter(|_| method == "tools/call") {
            _ if repeatable || legacy::is_safe_to_repeat(method) => Self::Safe,
            Some(licence) => Self::Annotated(licence),
            None => Self::Unsafe,
        }
    }

    /// A second run does no harm.
    pub fn is_safe(self) -> bool {
        self != Self::Unsafe
    }

    /// What the annotations say, where they alone say it.
    pub fn licence(self) -> Option<Licence> {
        match self {
            Self::Annotated(licence) => Some(licence),
            Self::Unsafe | Self::Safe => None,
        }
    }
}

/// What says that a second run of a tool does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) struct Licence {
    /// Of the definition that says so.
    pub hash: u64,
    /// A page that answers a later request than this one has to say it again.
    pub since: u64,
    /// The list was read again for it.
    pub is_checked: bool,
}

impl Licence {
    /// Whether what a list says now is the same definition, and was read since.
    pub fn is_confirmed_by(self, now: Self) -> bool {
        now.hash == self.hash && now.since > self.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAYS: Option<Licence> = Some(Licence { hash: 1, since: 2, is_checked: false });

    #[test]
    fn annotations_are_asked_where_neither_the_caller_nor_the_method_says_it() {
        assert_eq!(Safety::of(false, "tools/call", None), Safety::Unsafe);
        assert_eq!(Safety::of(true, "tools/call", SAYS), Safety::Safe);
        assert_eq!(Safety::of(false, "tools/list", SAYS), Safety::Safe);
        assert_eq!(Safety::of(false, "tools/call", SAYS).licence(), SAYS);
    }

    #[test]
    fn what_is_said_of_a_tool_is_said_of_its_calls_alone() {
        assert_eq!(Safety::of(false, "prompts/change", SAYS), Safety::Unsafe);
    }
}
