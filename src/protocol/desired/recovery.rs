//! What the host is told of a recovery.

use super::ToolChanges;
use crate::protocol::era::Era;

/// The latest recovery.
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
