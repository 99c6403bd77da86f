//! What the facade hands over, as types. It has checked what the host gave; what does not fit here is a mistake of the
//! facade's, not of its user's.

use super::values::Raw;
use crate::protocol::{CallOptions, Params, Resume};
use serde::Deserialize;

/// How requests go, and who shares and answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Environment {
    /// A function.
    pub fetch: Option<Raw>,
    /// A function.
    pub headers: Option<Raw>,
    /// Fetch's.
    pub credentials: String,
    /// The name of the group of tabs.
    pub share: Option<String>,
    /// Methods that the host answers.
    pub handled: Vec<String>,
}

/// The options of one call.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RequestOptions {
    timeout: Option<u64>,
    max_total_timeout: Option<u64>,
    reset_timeout_on_progress: bool,
    repeatable: bool,
    input_required: InputRequired,
    cache: Cache,
    headers: Vec<(String, String)>,
    resume: Option<String>,
    resume_generation: Option<u32>,
    event_ids: bool,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum InputRequired {
    #[default]
    Auto,
    Manual,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Cache {
    #[default]
    Default,
    Reload,
}

impl RequestOptions {
    pub(super) fn into_core(self, progress: bool) -> CallOptions {
        let lower = |(name, value): (String, String)| (name.to_ascii_lowercase(), value);
        CallOptions {
            timeout_ms: self.timeout,
            max_total_timeout_ms: self.max_total_timeout,
            reset_timeout_on_progress: self.reset_timeout_on_progress,
            progress,
            repeatable: self.repeatable,
            manual_input: self.input_required == InputRequired::Manual,
            reload: self.cache == Cache::Reload,
            headers: self.headers.into_iter().map(lower).collect(),
            resume: self.resume.map(|event_id| Resume { event_id, generation: self.resume_generation }),
            event_ids: self.event_ids,
        }
    }
}

/// What few requests have among their params.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RareParams {
    uri: Option<String>,
    task_id: Option<String>,
    level: Option<String>,
    cursor: bool,
    task: bool,
    inputs: Option<String>,
}

impl RareParams {
    pub(super) fn beside(self, params: Params) -> Params {
        let Self { uri, task_id, level, cursor, task, inputs } = self;
        Params { uri, task_id, level, has_cursor: cursor, has_task: task, inputs, ..params }
    }
}
