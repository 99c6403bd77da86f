//! What the host may choose. Units are milliseconds and bytes. To JavaScript the options have the names that
//! `types.d.ts` gives them.

use super::codec::json;
use serde::Deserialize;

/// The options of a session.
///
/// ```
/// use mcp_evergreen::{Config, EraChoice};
///
/// let config = Config { era: EraChoice::Legacy, timeout_ms: 20_000, ..Config::default() };
/// assert_eq!(config.max_message_bytes, 64 << 20);
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// Whose handshake it is.
    pub handshake: Handshake,
    /// Which era is spoken.
    pub era: EraChoice,
    /// The server is remembered as one of the legacy era: it is not asked first.
    pub known_legacy: bool,
    /// Time for one answer, and for `connect` as a whole. Default 60 000 ms.
    pub timeout_ms: u64,
    /// Bound over a call whose clock is reset by progress. Default: none.
    pub max_total_timeout_ms: Option<u64>,
    /// How a lost session is made anew.
    pub recovery: Recovery,
    /// Whether tool annotations decide what is safe to repeat. Default false: the specification says that clients must
    /// consider them untrusted.
    pub trust_annotations: bool,
    /// Bound of a JSON answer. Default 64 MiB.
    pub max_message_bytes: u64,
    /// Bound of one event. Default 16 MiB.
    pub max_event_bytes: u64,
    /// How often in a row a broken event stream is resumed without a new event. Default 5.
    pub max_resumes: u32,
    /// How often one call may ask for input before it fails. Default 10.
    pub max_input_rounds: u32,
    /// When the standing stream is open.
    pub listen: Listen,
    /// Whether whoever drives the session can authorize: see [`super::Output::Authorize`]. Default false.
    pub authorizes: bool,
    /// When the user may be asked to sign in.
    ///
    /// ```
    /// use mcp_evergreen::{Ask, Config};
    ///
    /// // Calls wait until the user has clicked; `Session::authorize` says so.
    /// let config = Config { ask: Ask::Click, ..Config::default() };
    /// ```
    pub ask: Ask,
    /// The generation of the session that this one follows, where that was another core's. Default 0.
    pub generation: u32,
    /// Whether the host says whose session it is: then no change of credentials means another user. Default false.
    pub identified: bool,
    /// Whether the header fields that the host adds may be others each time: they are asked for before a call is answered
    /// from the cache ([`super::Output::Identify`]). Default false.
    pub fields_vary: bool,
    /// What becomes of calls while the device is offline.
    pub offline: Offline,
    /// A session that is not used is pinged this often. Default: never.
    pub keep_alive_ms: Option<u64>,
    /// Whether the session is kept for a later page life ([`super::Event::Keep`]). Default false.
    pub persists: bool,
    /// Whether tabs share the session: it waits for [`super::Session::handle_role`]. Default false.
    pub shared: bool,
    /// With [`Handshake::Host`]: when the host's Client must connect anew.
    pub reconnect_on: ReconnectOn,
    /// How many connections there are to the endpoint.
    pub connections: Connections,
    /// What becomes of a first connect while the server cannot be reached.
    pub unreachable: Unreachable,
}

/// When the user may be asked to sign in.
///
/// ```
/// use mcp_evergreen::{Ask, Config};
///
/// // Calls wait until the user has clicked; `Session::authorize` says so.
/// let config = Config { ask: Ask::Click, ..Config::default() };
/// ```
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Ask {
    /// As soon as a command waits for it.
    #[default]
    Auto,
    /// Once the host says so ([`super::Session::sign_in`]): what needs it waits, and its clock stands still.
    Click,
    /// Only where the host says so: what needs it fails with [`super::Code::Unauthorized`].
    Never,
}

/// What becomes of a first connect while the server cannot be reached, or is too busy.
///
/// ```
/// use mcp_evergreen::{Config, Unreachable};
///
/// // The chat opens, whether its servers are up or not.
/// let config = Config { unreachable: Unreachable::Wait, ..Config::default() };
/// ```
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Unreachable {
    /// It fails.
    #[default]
    Fail,
    /// It ends with a session that waits, and comes back by itself. What no waiting can mend fails all the same.
    Wait,
}

/// How many connections there are to the endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connections {
    /// As many as it takes: outside of a page, over HTTP/2 or 3; or nobody can tell.
    #[default]
    Many,
    /// Six, in a page over HTTP/1.1.
    Six,
    /// Six, to the page's own origin: what waits for one of them waits for what this page has sent.
    SixOfOwnOrigin,
}

/// Which era is spoken.
///
/// ```
/// use mcp_evergreen::{Config, EraChoice};
///
/// assert_eq!(Config::default().era, EraChoice::Auto);
/// ```
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum EraChoice {
    /// The one that the server speaks; the modern one where it speaks both.
    #[default]
    Auto,
    /// Sessions: 2024-11-05 … 2025-11-25.
    Legacy,
    /// No sessions: 2026-07-28.
    Modern,
}

impl EraChoice {
    fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }
}

/// When the standing stream is open, on which the server speaks unasked.
///
/// ```
/// use mcp_evergreen::{Config, Listen};
///
/// // A server that says much: it is not listened to.
/// let config = Config { listen: Listen::Never, ..Config::default() };
/// ```
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Listen {
    /// While somebody listens, or is subscribed to a resource.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What becomes of calls while the device is offline.
///
/// ```
/// use mcp_evergreen::{Config, Offline};
///
/// let config = Config { offline: Offline::Fail, ..Config::default() };
/// ```
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Offline {
    /// They wait for the network, as long as they have time.
    #[default]
    Wait,
    /// They fail at once.
    Fail,
}

/// When a host's Client, which reads what the server can do once, cannot go on with a new session. Another protocol
/// version always is a reason.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum ReconnectOn {
    /// For no other reason.
    Never,
    /// The server has lost a capability that is in use.
    Incompatible,
    /// The server says anything else of itself than before.
    AnyChange,
}

/// Whose handshake it is.
///
/// ```
/// use mcp_evergreen::{Config, Handshake};
///
/// let handshake = Handshake::Own {
///     client_info: r#"{"name":"my-host","version":"1.0.0"}"#.into(),
///     capabilities: "{}".into(),
/// };
/// let config = Config { handshake, ..Config::default() };
/// ```
#[derive(Clone, Debug)]
pub enum Handshake {
    /// Ours: `clientInfo` and `capabilities` as JSON texts.
    Own {
        /// `{"name":…,"version":…}`
        client_info: String,
        /// `{}` or what the host declares.
        capabilities: String,
    },
    /// A host's own Client runs it through [`super::Session::call`] and [`super::Session::notify`]; its `initialize` is kept,
    /// and sent again when the session is lost.
    Host,
}

impl Config {
    /// What this client is to a server, as JSON text. A session that was made by another is neither taken up from a store
    /// nor shared with a tab, and one of another endpoint or user is not either.
    #[must_use]
    pub fn binding(&self) -> String {
        let (client_info, capabilities) = self.handshake.own().unwrap_or_default();
        json::text(&[client_info, capabilities, self.era.as_str()])
    }

    /// The name of the group of tabs that meet: those that share a key, and are alike in whatever a session is bound to.
    /// `identity`: who is signed in, where the host says that.
    #[must_use]
    pub fn group(&self, key: &str, endpoint: &str, identity: Option<&str>) -> String {
        json::text(&[Some(key), Some(endpoint), identity, Some(&*self.binding())])
    }
}

/// Whose handshake it is, in the words that the core asks in.
impl Handshake {
    pub(super) fn is_own(&self) -> bool {
        match self {
            Self::Own { .. } => true,
            Self::Host => false,
        }
    }

    pub(super) fn is_hosts(&self) -> bool {
        !self.is_own()
    }

    /// `clientInfo` and what this client declares, as JSON texts; `None` where a host's own Client says so itself.
    pub(super) fn own(&self) -> Option<(&str, &str)> {
        match self {
            Self::Own { client_info, capabilities } => Some((client_info, capabilities)),
            Self::Host => None,
        }
    }
}

/// How a lost session is made anew.
///
/// ```
/// use mcp_evergreen::{Config, Mode, Recovery};
///
/// let recovery = Recovery { mode: Mode::Strict, max_attempts: 3, ..Recovery::default() };
/// let config = Config { recovery, ..Config::default() };
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Recovery {
    /// What is sent again.
    pub mode: Mode,
    /// Handshakes that a waiting call sees fail before it settles. Default 2.
    pub max_attempts: u32,
    /// Pause before the second handshake; doubles from there. Default 500 ms.
    pub base_delay_ms: u64,
    /// Longest pause. Default 30 000 ms.
    pub max_delay_ms: u64,
}

/// What is sent again after a repair.
///
/// ```
/// use mcp_evergreen::{Mode, Recovery};
///
/// assert_eq!(Recovery::default().mode, Mode::Default);
/// ```
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Whatever was refused before it was dispatched; and what is safe to repeat.
    Default,
    /// Only what is safe to repeat.
    Strict,
    /// Nothing: the session is made anew, the call fails.
    Off,
}

/// What the client calls itself where the host does not say.
pub const CLIENT_INFO: &str = concat!(r#"{"name":"mcp-evergreen","version":""#, env!("CARGO_PKG_VERSION"), r#""}"#);

impl Default for Config {
    fn default() -> Self {
        Self {
            handshake: Handshake::Own { client_info: CLIENT_INFO.into(), capabilities: "{}".into() },
            era: EraChoice::Auto,
            known_legacy: false,
            timeout_ms: 60_000,
            max_total_timeout_ms: None,
            recovery: Recovery::default(),
            trust_annotations: false,
            max_message_bytes: 64 << 20,
            max_event_bytes: 16 << 20,
            max_resumes: 5,
            max_input_rounds: 10,
            listen: Listen::Auto,
            authorizes: false,
            ask: Ask::Auto,
            generation: 0,
            identified: false,
            fields_vary: false,
            offline: Offline::Wait,
            keep_alive_ms: None,
            persists: false,
            shared: false,
            reconnect_on: ReconnectOn::Incompatible,
            connections: Connections::Many,
            unreachable: Unreachable::Fail,
        }
    }
}

impl Default for Recovery {
    fn default() -> Self {
        Self { mode: Mode::Default, max_attempts: 2, base_delay_ms: 500, max_delay_ms: 30_000 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_has_its_default() {
        let Config { recovery, timeout_ms, max_total_timeout_ms, max_message_bytes, max_event_bytes, .. } =
            Config::default();
        assert_eq!((recovery.mode, recovery.max_attempts), (Mode::Default, 2));
        assert_eq!((recovery.base_delay_ms, recovery.max_delay_ms), (500, 30_000));
        assert_eq!((timeout_ms, max_total_timeout_ms), (60_000, None));
        assert_eq!((max_message_bytes, max_event_bytes), (64 * 1024 * 1024, 16 * 1024 * 1024));
        let Config { era, listen, offline, unreachable, reconnect_on, keep_alive_ms, .. } = Config::default();
        assert_eq!((era, listen, offline), (EraChoice::Auto, Listen::Auto, Offline::Wait));
        assert_eq!((unreachable, reconnect_on, keep_alive_ms), (Unreachable::Fail, ReconnectOn::Incompatible, None));
        let Config { max_resumes, max_input_rounds, trust_annotations, generation, ask, .. } = Config::default();
        assert_eq!((max_resumes, max_input_rounds, trust_annotations, generation), (5, 10, false, 0));
        assert_eq!(ask, Ask::Auto);
        let Config { known_legacy, authorizes, identified, fields_vary, persists, shared, .. } = Config::default();
        assert!(![known_legacy, authorizes, identified, fields_vary, persists, shared].contains(&true));
    }

    #[test]
    fn who_is_another_to_a_server_takes_up_and_shares_nothing() {
        let own = |client_info: &str, capabilities: &str, era| {
            let handshake =
                Handshake::Own { client_info: client_info.to_owned(), capabilities: capabilities.to_owned() };
            Config { handshake, era, ..Config::default() }
        };
        let mine = own("{}", "{}", EraChoice::Auto);
        assert_eq!(mine.binding(), r#"["{}","{}","auto"]"#);
        let alike = Config { timeout_ms: 5, ..mine.clone() };
        assert_eq!((alike.binding(), alike.group("k", "u", None)), (mine.binding(), mine.group("k", "u", None)));
        let others = [
            own(r#"{"a":1}"#, "{}", EraChoice::Auto),
            own("{}", r#"{"a":1}"#, EraChoice::Auto),
            own("{}", "{}", EraChoice::Legacy),
        ];
        let mut groups: Vec<_> = others.iter().map(|other| other.group("k", "u", None)).collect();
        groups.extend([mine.group("l", "u", None), mine.group("k", "v", None), mine.group("k", "u", Some("me"))]);
        assert!(!groups.contains(&mine.group("k", "u", None)));
        assert!(others.iter().all(|other| other.binding() != mine.binding()));
    }
}
