//! What the app wants a session to hold: its subscriptions and the log level. What it asked for last counts, unless the
//! server refused that; then what counted before.

use crate::protocol::{CallId, Params, json_rpc};
use litemap::LiteMap;
use std::fmt;

/// A request that changes what the session holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StateRequest {
    /// The resource's URI.
    Subscribe(String),
    /// The resource's URI.
    Unsubscribe(String),
    SetLevel(String),
}

/// What a session holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    Subscription(String),
    LogLevel,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subscription(uri) => write!(f, "subscription {uri}"),
            Self::LogLevel => f.write_str("log level"),
        }
    }
}

impl StateRequest {
    /// `None` where this method changes nothing that is held.
    pub fn of(method: &str, params: &Params) -> Option<Self> {
        let (named, request): (_, fn(String) -> Self) = match method {
            "resources/subscribe" => (&params.uri, Self::Subscribe),
            "resources/unsubscribe" => (&params.uri, Self::Unsubscribe),
            "logging/setLevel" => (&params.level, Self::SetLevel),
            _ => return None,
        };
        named.clone().map(request)
    }

    pub(super) fn item(&self) -> Item {
        match self {
            Self::Subscribe(uri) | Self::Unsubscribe(uri) => Item::Subscription(uri.clone()),
            Self::SetLevel(_) => Item::LogLevel,
        }
    }

    /// Method and params.
    pub fn message(&self) -> (&'static str, String) {
        match self {
            Self::Subscribe(uri) if planted!("wrong_words_in_restoration") => {
                ("resources/unsubscribe", format!("{{\"uri\":{}}}", json_rpc::quote(uri)))
            }
            Self::Subscribe(uri) => ("resources/subscribe", format!("{{\"uri\":{}}}", json_rpc::quote(uri))),
            Self::Unsubscribe(uri) => ("resources/unsubscribe", format!("{{\"uri\":{}}}", json_rpc::quote(uri))),
            Self::SetLevel(level) => ("logging/setLevel", format!("{{\"level\":{}}}", json_rpc::quote(level))),
        }
    }
}

/// What is wanted of each item.
#[derive(Debug, Default)]
pub(super) struct DesiredState(LiteMap<Item, Entry>);

#[derive(Debug, Default)]
struct Entry {
    /// What counts where no newer call is under way.
    settled: Option<StateRequest>,
    /// Calls that have not ended, the newest last.
    pending: Vec<(CallId, StateRequest)>,
    /// What the server accepted last, and the generation of its session.
    accepted: Option<(u32, StateRequest)>,
}

impl Entry {
    fn wanted(&self) -> Option<&StateRequest> {
        self.pending.last().map(|(_, request)| request).or(self.settled.as_ref())
    }

    /// What the session of this generation is to be asked for, so that it holds what is wanted.
    fn due(&self, generation: u32) -> Option<StateRequest> {
        let told = self.accepted.as_ref().filter(|(of, _)| *of == generation).map(|(_, request)| request);
        match (self.wanted(), told) {
            (wanted, told) if wanted == told => None,
            (Some(StateRequest::Unsubscribe(_)), None) => None,
            (Some(wanted), _) => Some(wanted.clone()),
            (None, Some(StateRequest::Subscribe(uri))) => Some(StateRequest::Unsubscribe(uri.clone())),
            (None, _) => None,
        }
    }
}

impl DesiredState {
    /// A session that was taken up holds this.
    pub fn take_up(&mut self, generation: u32, level: Option<String>, uris: Vec<String>) {
        for request in uris.into_iter().map(StateRequest::Subscribe).chain(level.map(StateRequest::SetLevel)) {
            let entry = self.0.entry(request.item()).or_default();
            entry.settled = Some(request.clone());
            entry.accepted = Some((generation, request));
        }
    }

    /// A call is taken at its word when it is made.
    pub fn requested(&mut self, call: CallId, request: StateRequest) {
        self.0.entry(request.item()).or_default().pending.push((call, request));
    }

    /// The call has ended: unless the server refused it, what it asked for counts. What was asked before it does not.
    pub fn ended(&mut self, call: CallId, request: &StateRequest) {
        let item = request.item();
        let Some(entry) = self.0.get_mut(&item) else { return };
        let Some(at) = entry.pending.iter().position(|(id, _)| *id == call) else { return };
        let from = if planted!("older_request_wins") { at } else { 0 };
        entry.settled = entry.pending.drain(from..=at).next_back().map(|(_, request)| request);
        self.tidy(&item);
    }

    /// Nothing is to be remembered of a resource that was unsubscribed.
    fn tidy(&mut self, item: &Item) {
        let is_over = |request: &Option<StateRequest>| {
            !matches!(request, Some(StateRequest::Subscribe(_) | StateRequest::SetLevel(_)))
        };
        let told = |entry: &Entry| entry.accepted.as_ref().map(|(_, request)| request.clone());
        if self.0.get(item).is_some_and(|it| it.pending.is_empty() && is_over(&it.settled) && is_over(&told(it))) {
            self.0.remove(item);
        }
    }

    /// The server refused it. Returns what is to be asked for now, if no newer call does.
    pub fn refused(&mut self, call: CallId, request: &StateRequest, generation: u32) -> Option<StateRequest> {
        let entry = self.0.get_mut(&request.item())?;
        let others_stay = !planted!("refusal_hits_newer_request");
        entry.pending.retain(|(id, _)| *id != call && others_stay || planted!("refused_request_kept"));
        entry.due(generation).filter(|_| entry.pending.is_empty())
    }

    /// The server accepted it. Returns what is to be asked for now: what the app wanted meanwhile may have been overtaken.
    pub fn accepted(&mut self, request: StateRequest, generation: u32) -> Option<StateRequest> {
        let item = request.item();
        let entry = self.0.entry(item.clone()).or_default();
        entry.accepted = Some((generation, request));
        let due = if planted!("overtaken_request") { None } else { entry.due(generation) };
        self.tidy(&item);
        due
    }

    /// What a new session is to hold, apart from what calls ask it for that are sent under it: `is_sent` tells which are.
    pub fn to_restore(&self, is_sent: impl Fn(CallId) -> bool) -> Vec<StateRequest> {
        let others = self.0.values().filter(|entry| !entry.pending.last().is_some_and(|(id, _)| is_sent(*id)));
        others
            .filter_map(Entry::wanted)
            .filter(|wanted| match wanted {
                StateRequest::Subscribe(_) => !planted!("subscriptions_not_restored"),
                StateRequest::SetLevel(_) => !planted!("log_level_not_restored"),
                StateRequest::Unsubscribe(_) => false,
            })
            .cloned()
            .collect()
    }

    /// Whether that is what is wanted of it still.
    pub fn wants(&self, request: &StateRequest) -> bool {
        match self.0.get(&request.item()).and_then(Entry::wanted) {
            Some(wanted) => wanted == request,
            None => matches!(request, StateRequest::Unsubscribe(_)),
        }
    }

    /// Whether anything is wanted of it.
    pub fn holds(&self, item: &Item) -> bool {
        let wanted = self.0.get(item).and_then(Entry::wanted);
        wanted.is_some_and(|wanted| !matches!(wanted, StateRequest::Unsubscribe(_)))
    }

    /// The log level that is wanted.
    pub fn log_level(&self) -> Option<&str> {
        match self.0.get(&Item::LogLevel)?.wanted()? {
            StateRequest::SetLevel(level) => Some(level),
            StateRequest::Subscribe(_) | StateRequest::Unsubscribe(_) => None,
        }
    }

    /// URIs of the subscriptions that are wanted.
    pub fn subscriptions(&self) -> impl Iterator<Item = &str> {
        self.0.values().filter_map(|entry| match entry.wanted() {
            Some(StateRequest::Subscribe(uri)) => Some(uri.as_str()),
            Some(StateRequest::Unsubscribe(_) | StateRequest::SetLevel(_)) | None => None,
        })
    }
}
