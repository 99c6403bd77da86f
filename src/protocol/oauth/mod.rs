//! The authorization of 2025-11-25 and 2026-07-28 (and, where a server is older, of 2025-03-26), as far as it can be said
//! without a network: a [`Flow`] is told what came back, and asked what to do next. Who drives it fetches, keeps texts,
//! and sends the user away.
//!
//! | file | what |
//! |---|---|
//! | `flow`, `ask` | the order of it all; the part that the user sees |
//! | `challenge`, `search`, `discovery` | from the refusal to the authorization server |
//! | `trust` | what the host vouches for; in what two identifiers differ |
//! | `parties` | whether the endpoints that it names belong together |
//! | `registration` | who the client is there |
//! | `granting` | what the host says itself: what the server is called, and what is exchanged for a token without a user |
//! | `token`, `refresh` | what the user comes back with, and what is got for it; the next token |
//! | `scopes` | what is asked for |
//! | `record` | what is kept |
//! | `settings`, `fetch`, `trouble` | what the host has decided; what is asked and answered; why there is no token |
//! | `text` | URLs as the texts they are, forms |

mod ask;
mod challenge;
mod discovery;
mod fetch;
mod flow;
mod granting;
mod parties;
mod record;
mod refresh;
mod registration;
mod scopes;
mod search;
mod settings;
pub mod text;
mod token;
mod trouble;
mod trust;

pub use challenge::Bearer;
pub use fetch::{Fetch, Reply, Spends};
pub use flow::{Flow, Need, Step};
pub use settings::{Chance, Settings};
pub(in crate::protocol) use trouble::by_click;
pub use trouble::{Said, Trouble};
pub use trust::Trust;

use trouble::trouble;
