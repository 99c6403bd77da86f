//! What survives the page: a session as a text that a later page life takes up, or another tab. Whose it may be, and that
//! only one page life holds it at a time, is for whoever stores it to see to.

use super::era::{legacy, modern};
use super::json::{Json, quote};
use super::json_rpc::REQUEST_ID_BASE;
use super::lifecycle::SessionId;
use super::{Now, Payload};

/// Of the text: another one is not read.
const FORMAT: i64 = 2;
/// Milliseconds: a session that lay longer is not asked for.
const MAX_AGE_MS: u64 = 24 * 3_600_000;
/// Request ids that may have been drawn since.
const PASSED_OVER: std::ops::Range<u64> = 1 << 16..1 << 17;
/// Clocks are set back now and then.
const SKEW_MS: u64 = 60_000;

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
    pub fn write(&self) -> Option<String> {
        let or_null = |text: Option<&str>| text.map_or_else(|| "null".to_owned(), quote);
        let uris: Vec<String> = self.uris.iter().map(|uri| quote(uri)).collect();
        Some(format!(
            r#"{{"format":{FORMAT},"at":{},"owner":{},"id":{},"version":"{}","wireId":{},"level":{},"uris":[{}],"handshake":{}}}"#,
            self.at,
            self.made_for.map_or("null".to_owned(), |owner| owner.to_string()),
            or_null(self.id.as_ref().map(SessionId::expose)),
            self.version,
            self.request_id,
            or_null(self.level.as_deref()),
            uris.join(","),
            // As a text: it may be nested deeper than what is read here.
            quote(&self.handshake.to_json()?),
        ))
    }

    /// `None` where it cannot be read.
    pub fn read(text: &str) -> Option<Self> {
        let record = Json::parse(text)?;
        let number = |name: &str| u64::try_from(record.get(name)?.as_i64()?).ok();
        let text = |name: &str| {
            let value = record.get(name)?;
            if *value == Json::Null { Some(None) } else { value.as_str().map(Some) }
        };
        if record.get("format")?.as_i64()? != FORMAT {
            return None;
        }
        let version = text("version")??;
        let version = if version == modern::VERSION { modern::VERSION } else { legacy::version(version)? };
        let id = match text("id")? {
            Some(id) => Some(SessionId::parse(id)?),
            None => None,
        };
        let Json::Array(uris) = record.get("uris")? else { return None };
        let uris: Vec<String> = uris.iter().map(|uri| uri.as_str().map(str::to_owned)).collect::<Option<_>>()?;
        let handshake = P::parse(record.get("handshake")?.as_str()?).filter(P::is_object)?;
        let made_for = if *record.get("owner")? == Json::Null { None } else { Some(number("owner")?) };
        let can_be = REQUEST_ID_BASE.start..REQUEST_ID_BASE.end * 2;
        let request_id = number("wireId").filter(|id| can_be.contains(id))?;
        let level = text("level")?.map(str::to_owned);
        Some(Self { id, version, request_id, at: number("at")?, made_for, handshake, level, uris })
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
