//! What survives the page: a session as a text that a later page life takes up, or another tab. Whose it may be, and that
//! only one page life holds it at a time, is for whoever stores it to see to.

use super::codec::json;
use super::codec::json_rpc::REQUEST_ID_BASE;
use super::era::{legacy, modern};
use super::lifecycle::SessionId;
use super::{Now, Payload};
use serde::{Deserialize, Serialize};

/// Of the text: another one is not read.
const FORMAT: u32 = 2;
/// Milliseconds: a session that lay longer is not asked for.
const MAX_AGE_MS: u64 = 24 * 3_600_000;
/// Request ids that may have been drawn since.
const PASSED_OVER: std::ops::Range<u64> = 1 << 16..1 << 17;
/// Clocks are set back now and then.
const SKEW_MS: u64 = 60_000;

/// What is stored. Nothing may be missing.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    format: u32,
    at: u64,
    #[serde(deserialize_with = "Option::deserialize")]
    owner: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    id: Option<String>,
    version: String,
    /// Its name in what is stored since the first version.
    #[serde(rename = "wireId")]
    request_id: u64,
    #[serde(deserialize_with = "Option::deserialize")]
    level: Option<String>,
    uris: Vec<String>,
    /// As a text: it may be nested deeper than what is read here.
    handshake: String,
}

/// A session that goes on elsewhere, without anything that authorizes.
#[derive(Debug)]
pub(crate) struct Record<P> {
    /// When it was written, in milliseconds since the epoch.
    pub at: u64,
    /// For whom the session was made.
    pub made_for: Option<u64>,
    pub id: Option<SessionId>,
    pub version: &'static str,
    /// The last that was drawn.
    pub request_id: u64,
    /// The log level.
    pub level: Option<String>,
    /// Subscriptions.
    pub uris: Vec<String>,
    /// What the server said of itself.
    pub handshake: P,
}

impl<P: Payload> Record<P> {
    /// As JSON text; `None` where what the server said of itself has none.
    pub fn write(self) -> Option<String> {
        Some(json::text(&Stored {
            format: FORMAT,
            at: self.at,
            owner: self.made_for,
            id: self.id.as_ref().map(|id| id.expose().to_owned()),
            version: self.version.to_owned(),
            request_id: self.request_id,
            level: self.level,
            uris: self.uris,
            handshake: self.handshake.to_json()?,
        }))
    }

    /// `None` where it cannot be read.
    pub fn read(text: &str) -> Option<Self> {
        let stored: Stored = json::read(text).filter(|stored: &Stored| stored.format == FORMAT)?;
        let version = &*stored.version;
        let version = if version == modern::VERSION { modern::VERSION } else { legacy::version(version)? };
        let id = match stored.id {
            Some(id) => Some(SessionId::parse(&id)?),
            None => None,
        };
        (REQUEST_ID_BASE.start..REQUEST_ID_BASE.end * 2).contains(&stored.request_id).then_some(())?;
        Some(Self {
            at: stored.at,
            made_for: stored.owner,
            id,
            version,
            request_id: stored.request_id,
            level: stored.level,
            uris: stored.uris,
            handshake: P::parse(&stored.handshake).filter(P::is_object)?,
        })
    }

    /// Whether its session may still be there.
    pub fn is_recent(&self, now: Now) -> bool {
        let age = now.unix_ms.saturating_add(SKEW_MS).checked_sub(self.at);
        age.is_some_and(|age| age <= MAX_AGE_MS + SKEW_MS)
    }

    /// From where on request ids are drawn: those that were drawn after the record was written are passed over.
    pub fn next_request_id(&self, rng: &mut fastrand::Rng) -> u64 {
        self.request_id + rng.u64(PASSED_OVER)
    }
}
