//! The two clocks. `Retry-After` dates, `verifiedAt` and a laptop's sleep need wall time; deadlines need a clock that
//! never goes back.

/// The time, as an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since an arbitrary moment; never goes back.
    pub mono: u64,
    /// Milliseconds since the Unix epoch; may jump.
    pub unix_ms: u64,
}
