//! What was refused, and what came of an authorization for it: as whoever drives the session is told, and tells.

use crate::protocol::Error;

/// What the server refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// 401: the token is missing or not accepted. 403: it lacks a scope.
    pub status: u16,
    /// `WWW-Authenticate`, where the page may read it.
    pub www_authenticate: Option<String>,
}

/// How an authorization ended.
#[derive(Clone, Debug)]
pub enum Authorized<P> {
    /// There is a token; or what was stored holds none, and the server is to say what it wants.
    Granted {
        /// When it is to be refreshed, in milliseconds since the epoch; `None`: when it is refused.
        refresh_at_unix_ms: Option<u64>,
        /// It is of the same grant as the token before, as far as is known: nobody else can have signed in.
        same: bool,
    },
    /// The user would have to be asked.
    NeedsUser,
    /// There is none.
    Failed(Box<Error<P>>),
}

/// Where a token comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The name of the grant: stays the same from one token to the next, and is another whenever a user has agreed.
    pub grant: Option<String>,
    /// The user has come back with it to this page life, from an authorization that this refusal had made necessary.
    pub returned: Option<Challenge>,
    /// It is another than the one before, and nobody was asked for it just now: somebody else has put it there. It may have
    /// expired since.
    pub found: bool,
}
