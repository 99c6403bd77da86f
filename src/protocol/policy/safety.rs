//! Whether a second run of a call does no harm, and who says so.

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
