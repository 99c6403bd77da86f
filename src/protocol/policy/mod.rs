//! What is decided by pure functions: no state, no clock, no session. What a refusal means (`verdict`, by `words`), whether a
//! call is sent again (`retry`) and whether that does harm (`safety`), how long is waited (`backoff`), which era the server
//! speaks after this answer (`probe`), what a host's own Client sees as an answer (`answer`), what a proxy says in its own name (`proxy`).

pub(super) mod answer;
pub(super) mod backoff;
pub(super) mod probe;
pub(super) mod proxy;
pub(super) mod refusal;
pub(super) mod retry;
pub(super) mod safety;
pub mod verdict;
pub(super) mod words;
