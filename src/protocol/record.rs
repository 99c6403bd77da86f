//! What survives the page: a session as a text that a later page life takes up. Whose it may be, and that only one holds
//! it at a time, is for whoever stores it to see to.

use super::config::Handshake;
use super::era::{Era, legacy, modern};
use super::json::{Json, quote};
use super::list::Gather;
use super::session::{Session, WIRE_ID_BASE};
use super::state::{SessionId, Since, State};
use super::status::Event;
use super::tabs::Mark;
use super::{Code, Error, Now, Outcome, Payload};

/// Of the text: another one is not read.
const FORMAT: i64 = 2;
/// Milliseconds: a session that lay longer is not asked for.
const MAX_AGE_MS: u64 = 24 * 3_600_000;
/// Wire ids that may have been drawn since.
const PASSED_OVER: std::ops::Range<u64> = 1 << 16..1 << 17;
/// Clocks are set back now and then.
const SKEW_MS: u64 = 60_000;
const UNREADABLE: &str = "What was stored of the session by an earlier page life cannot be read; it was dropped, and a new \
                          session is made. Is something else stored under the same key?";

/// A record that was read.
pub(super) struct Read<P> {
    pub id: Option<SessionId>,
    pub version: &'static str,
    wire_id: u64,
    at: u64,
    /// For whom it was made.
    pub made_for: Option<u64>,
    pub handshake: P,
    level: Option<String>,
    uris: Vec<String>,
}

/// A session that was made elsewhere, as text.
#[derive(Debug)]
pub(super) enum Found {
    /// By an earlier page life.
    Record(String),
    /// By another tab.
    Told(Mark, String),
}

impl<P: Payload> Session<P> {
    /// The session as JSON text, without anything that authorizes; `None` where there is none to go on with.
    #[must_use]
    pub fn record(&self, now: Now) -> Option<String> {
        if let Some(Found::Record(record)) = &self.identity.found {
            return Some(record.clone());
        }
        let session = match &self.state {
            State::Ready(session) => session,
            State::Establishing(establishing) => match &establishing.since {
                Since::Doubt { old, .. } => old,
                Since::First | Since::Lost { .. } => return None,
            },
            State::Closed => return None,
        };
        let Handshake::Own { .. } = &self.config.handshake else { return None };
        let or_null = |text: Option<&str>| text.map_or_else(|| "null".to_owned(), quote);
        let uris = self.interests.wishes.subscriptions().map(quote).joined(",");
        Some(format!(
            r#"{{"format":{FORMAT},"at":{},"owner":{},"id":{},"version":"{}","wireId":{},"level":{},"uris":[{}],"handshake":{}}}"#,
            now.unix_ms,
            session.made_for.map_or("null".to_owned(), |owner| owner.stored().to_string()),
            or_null(session.id.as_ref().map(SessionId::expose)),
            session.version,
            self.next_wire_id,
            or_null(self.interests.wishes.log_level()),
            uris,
            // As a text: it may be nested deeper than what is read here.
            quote(&session.handshake.to_json()?),
        ))
    }

    /// What a server says of itself has to have a text where the session is to be taken up by another page or tab.
    pub(super) fn cannot_be_kept(&self, handshake: &P) -> Option<Box<Error<P>>> {
        let to_be_kept = self.config.persists || self.tabs.is_shared();
        (to_be_kept && handshake.to_json().is_none()).then(|| {
            let text = "What the server says of itself is nested too deeply, or too long, for a session that is to be kept or \
                        shared. Without `persist` and `share` it can be used.";
            Error::boxed(Code::Protocol, Outcome::NotExecuted, text)
        })
    }

    /// Takes up the session of a record that an earlier page life left: nothing is sent. For before the first command.
    /// Says whether it is one; what cannot be read is warned of. Nothing of it is used before it is known that it was made
    /// for whoever is signed in, which [`Event::TakenUp`] tells; else it is dropped.
    pub fn take_up_record(&mut self, record: &str, now: Now) -> bool {
        let Some(read) = read::<P>(record) else {
            self.emit(Event::Warning { kind: "persisted_session", header: None, hint: UNREADABLE });
            return false;
        };
        let age = now.unix_ms.saturating_add(SKEW_MS).checked_sub(read.at);
        if age.is_none_or(|age| age > MAX_AGE_MS + SKEW_MS) {
            return false;
        }
        if !self.has_no_session() {
            return false;
        }
        self.find(Found::Record(record.to_owned()), now);
        true
    }

    fn take_up_read(&mut self, read: Read<P>, now: Now) {
        if !self.has_no_session() {
            return;
        }
        let Read { id, version, wire_id, handshake, level, uris, .. } = read;
        // Ids that were drawn after the record was written are passed over.
        self.next_wire_id = wire_id + self.rng.u64(PASSED_OVER);
        let capabilities = legacy::capabilities(&handshake);
        let parked = self.state.establishing_mut().map(|establishing| std::mem::take(&mut establishing.parked));
        self.emit(Event::TakenUp);
        self.take_up_session(id, version, handshake, capabilities, now);
        if let Some(session) = self.state.known_mut() {
            session.made_for = self.identity.owner;
        }
        if Era::of(version) == Era::Legacy {
            self.past.legacy_since = Some(now.mono);
        }
        self.interests.wishes.take_up(self.past.generation, level, uris);
        parked.into_iter().flatten().for_each(|id| self.dispatch(id, now));
        self.listen(now);
    }

    /// A session that somebody else has made: it is used, and shown, once it is known that it is of whoever is signed in
    /// here.
    pub(super) fn find(&mut self, found: Found, now: Now) {
        self.identity.found = Some(found);
        self.take_found(now);
    }

    /// Takes it up or drops it, as soon as that is known.
    pub(super) fn take_found(&mut self, now: Now) {
        if self.identity.found.is_none() || matches!(self.state, State::Closed) || !self.knows_owner(now) {
            return;
        }
        let Some(found) = self.identity.found.take() else { return };
        let owner = self.identity.owner.unwrap_or_default();
        let (Found::Record(text) | Found::Told(_, text)) = &found;
        let Some(read) = read::<P>(text) else { return };
        let is_ours = self.config.identified || read.made_for.is_none_or(|made_for| made_for == owner.stored());
        if !is_ours && self.reloads_token(&found, now) {
            self.identity.found = Some(found);
            return;
        }
        match found {
            Found::Record(_) if is_ours => self.take_up_read(read, now),
            Found::Record(_) => self.hasten(now),
            Found::Told(mark, _) if is_ours => self.take_told(mark, read, now),
            Found::Told(..) => self.part_from_tabs(now),
        }
    }

    /// Whether it is known who is signed in; else it is asked for.
    pub(super) fn knows_owner(&mut self, now: Now) -> bool {
        if self.config.identified {
            return true;
        }
        if self.config.authorizes && !self.authorization.loaded {
            self.authorize(None, now);
            return false;
        }
        let knows = !self.config.fields_vary || self.identity.is_asked;
        if !knows && !std::mem::replace(&mut self.identity.asks, true) {
            self.identify(now);
        }
        knows
    }

    /// Another page life has taken up the session meanwhile: it is not ours any more, and is not ended.
    pub fn forsake(&mut self, now: Now) {
        self.lose_to_another("another page has taken up the session", now);
    }

    fn has_no_session(&self) -> bool {
        matches!(self.state, State::Establishing(_)) && self.state.known().is_none()
    }

    /// The session is one that was made elsewhere. Says whether there was none before.
    pub(super) fn take_up_session(
        &mut self,
        id: Option<SessionId>,
        version: &'static str,
        handshake: P,
        capabilities: Option<Vec<&'static str>>,
        now: Now,
    ) -> bool {
        if !self.has_no_session() {
            return false;
        }
        id.iter().for_each(|id| self.past.remember(id));
        let mut session = self.fresh_session(id, version, handshake, now);
        session.capabilities = capabilities;
        self.state = State::Ready(session);
        self.keep_alive(now);
        self.emit(Event::StateChange);
        true
    }
}

pub(super) fn read<P: Payload>(record: &str) -> Option<Read<P>> {
    let record = Json::parse(record)?;
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
    let wire_id = number("wireId").filter(|id| (WIRE_ID_BASE.start..WIRE_ID_BASE.end * 2).contains(id))?;
    let level = text("level")?.map(str::to_owned);
    Some(Read { id, version, wire_id, at: number("at")?, made_for, handshake, level, uris })
}
