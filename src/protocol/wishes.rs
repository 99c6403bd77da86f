//! What the app wants a session to hold: its subscriptions and the log level. What it asked for last counts, unless the
//! server refused that; then what counted before.

use super::call::Call;
use super::{CallId, json_rpc};
use std::collections::BTreeMap;
use std::fmt;

/// What one request makes the session hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Saying {
    /// The resource's URI.
    Subscribe(String),
    /// The resource's URI.
    Unsubscribe(String),
    Level(String),
}

/// What it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    Subscription(String),
    LogLevel,
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subscription(uri) => write!(f, "subscription {uri}"),
            Self::LogLevel => f.write_str("log level"),
        }
    }
}

impl Saying {
    /// `None` where this call changes nothing that is held.
    pub fn of(call: &Call) -> Option<Self> {
        let (named, saying): (_, fn(String) -> Self) = match call.method.as_str() {
            "resources/subscribe" => (&call.params.uri, Self::Subscribe),
            "resources/unsubscribe" => (&call.params.uri, Self::Unsubscribe),
            "logging/setLevel" => (&call.params.level, Self::Level),
            _ => return None,
        };
        named.clone().map(saying)
    }

    pub fn topic(&self) -> Topic {
        match self {
            Self::Subscribe(uri) | Self::Unsubscribe(uri) => Topic::Subscription(uri.clone()),
            Self::Level(_) => Topic::LogLevel,
        }
    }

    /// Method and params.
    pub fn request(&self) -> (&'static str, String) {
        match self {
            Self::Subscribe(uri) => ("resources/subscribe", format!("{{\"uri\":{}}}", json_rpc::quote(uri))),
            Self::Unsubscribe(uri) => ("resources/unsubscribe", format!("{{\"uri\":{}}}", json_rpc::quote(uri))),
            Self::Level(level) => ("logging/setLevel", format!("{{\"level\":{}}}", json_rpc::quote(level))),
        }
    }
}

/// All wishes, by what they are about.
#[derive(Debug, Default)]
pub(super) struct Wishes(BTreeMap<Topic, Wish>);

#[derive(Debug, Default)]
struct Wish {
    /// What counts where nothing newer is asked for.
    settled: Option<Saying>,
    /// Calls that have not ended, the newest last.
    asked: Vec<(CallId, Saying)>,
    /// What the server accepted last, and the generation of its session.
    told: Option<(u32, Saying)>,
}

impl Wish {
    fn wanted(&self) -> Option<&Saying> {
        self.asked.last().map(|(_, saying)| saying).or(self.settled.as_ref())
    }

    /// What is to be said so that the session of this generation holds what is wanted.
    fn due(&self, generation: u32) -> Option<Saying> {
        let told = self.told.as_ref().filter(|(of, _)| *of == generation).map(|(_, saying)| saying);
        match (self.wanted(), told) {
            (wanted, told) if wanted == told => None,
            (Some(Saying::Unsubscribe(_)), None) => None,
            (Some(wanted), _) => Some(wanted.clone()),
            (None, Some(Saying::Subscribe(uri))) => Some(Saying::Unsubscribe(uri.clone())),
            (None, _) => None,
        }
    }
}

impl Wishes {
    /// A session that was taken up holds this.
    pub fn take_up(&mut self, generation: u32, level: Option<String>, uris: Vec<String>) {
        for saying in uris.into_iter().map(Saying::Subscribe).chain(level.map(Saying::Level)) {
            let wish = self.0.entry(saying.topic()).or_default();
            wish.settled = Some(saying.clone());
            wish.told = Some((generation, saying));
        }
    }

    /// A call is taken at its word when it is made.
    pub fn ask(&mut self, call: CallId, saying: Saying) {
        self.0.entry(saying.topic()).or_default().asked.push((call, saying));
    }

    /// The call has ended: unless the server refused it, what it asked for counts. What was asked before it does not.
    pub fn ended(&mut self, call: CallId, saying: &Saying) {
        let topic = saying.topic();
        let Some(wish) = self.0.get_mut(&topic) else { return };
        let Some(at) = wish.asked.iter().position(|(id, _)| *id == call) else { return };
        wish.settled = wish.asked.drain(..=at).next_back().map(|(_, saying)| saying);
        self.tidy(&topic);
    }

    /// Nothing is to be remembered of a resource that was unsubscribed.
    fn tidy(&mut self, topic: &Topic) {
        let is_over = |saying: &Option<Saying>| !matches!(saying, Some(Saying::Subscribe(_) | Saying::Level(_)));
        let told = |wish: &Wish| wish.told.as_ref().map(|(_, saying)| saying.clone());
        if self.0.get(topic).is_some_and(|it| it.asked.is_empty() && is_over(&it.settled) && is_over(&told(it))) {
            self.0.remove(topic);
        }
    }

    /// The server refused it. Returns what is to be said now, if no newer call says something else.
    pub fn refused(&mut self, call: CallId, saying: &Saying, generation: u32) -> Option<Saying> {
        let wish = self.0.get_mut(&saying.topic())?;
        wish.asked.retain(|(id, _)| *id != call);
        wish.due(generation).filter(|_| wish.asked.is_empty())
    }

    /// The server accepted it. Returns what is to be said now: what the app wanted meanwhile may have been overtaken.
    pub fn accepted(&mut self, saying: Saying, generation: u32) -> Option<Saying> {
        let topic = saying.topic();
        let wish = self.0.entry(topic.clone()).or_default();
        wish.told = Some((generation, saying));
        let due = wish.due(generation);
        self.tidy(&topic);
        due
    }

    /// What a new session is to hold and its own calls do not say: `says` tells which do.
    pub fn to_restore(&self, says: impl Fn(CallId) -> bool) -> Vec<Saying> {
        let silent = self.0.values().filter(|wish| !wish.asked.last().is_some_and(|(id, _)| says(*id)));
        silent.filter_map(Wish::wanted).filter(|wanted| !matches!(wanted, Saying::Unsubscribe(_))).cloned().collect()
    }

    /// Whether that is what is wanted of it still.
    pub fn wants(&self, saying: &Saying) -> bool {
        match self.0.get(&saying.topic()).and_then(Wish::wanted) {
            Some(wanted) => wanted == saying,
            None => matches!(saying, Saying::Unsubscribe(_)),
        }
    }

    /// Whether anything is wanted of it.
    pub fn holds(&self, topic: &Topic) -> bool {
        let wanted = self.0.get(topic).and_then(Wish::wanted);
        wanted.is_some_and(|wanted| !matches!(wanted, Saying::Unsubscribe(_)))
    }

    /// The log level that is wanted.
    pub fn log_level(&self) -> Option<&str> {
        match self.0.get(&Topic::LogLevel)?.wanted()? {
            Saying::Level(level) => Some(level),
            Saying::Subscribe(_) | Saying::Unsubscribe(_) => None,
        }
    }

    /// URIs of the subscriptions that are wanted.
    pub fn subscriptions(&self) -> impl Iterator<Item = &str> {
        self.0.values().filter_map(|wish| match wish.wanted() {
            Some(Saying::Subscribe(uri)) => Some(uri.as_str()),
            Some(Saying::Unsubscribe(_) | Saying::Level(_)) | None => None,
        })
    }
}
