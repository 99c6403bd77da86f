//! One command's life: its deadline, its attempts, and whether it is safe to repeat.

/// The params of a request, taken when the call is made: what the caller changes later changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    /// A JSON object as text, without `_meta`; `None` where there are no params.
    pub text: Option<String>,
    /// `_meta` as a JSON object, where the caller gave one.
    pub meta: Option<String>,
    /// `name` or `uri`: the tool, prompt or resource.
    pub name: Option<String>,
}

/// The options of one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallOptions {
    /// Milliseconds; the session's time-out where `None`.
    pub timeout_ms: Option<u64>,
    /// Bound in milliseconds over a clock that progress resets.
    pub max_total_timeout_ms: Option<u64>,
    /// Progress starts the time-out anew.
    pub reset_timeout_on_progress: bool,
    /// Ask for progress.
    pub progress: bool,
    /// The caller says that running it twice does no harm.
    pub repeatable: bool,
    /// The caller's own header fields.
    pub headers: Vec<(String, String)>,
}
