//! The listening stream of the modern era: one `subscriptions/listen` with everything that the app wants to hear
//! (2026-07-28, patterns, Subscriptions). When that changes, a new stream is opened, and the one before it is closed once
//! the server has acknowledged the new one.

use super::Session;
use super::send::Own;
use crate::protocol::bounds;
use crate::protocol::calls::Call;
use crate::protocol::codec::json::quote;
use crate::protocol::config::Listen;
use crate::protocol::era::modern;
use crate::protocol::lifecycle::Established;
use crate::protocol::listening::{Acknowledged, Heard, Stream, Turn};
use crate::protocol::status::Event;
use crate::protocol::time::Timer;
use crate::protocol::{CallId, Code, Error, ExchangeId, Field, Now, Outcome, Params, Payload, Purpose, json_rpc};

/// "The first message is the acknowledgement": a server that does not send it does not listen.
const ACKNOWLEDGED_MS: u64 = 30_000;
const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";

/// The lists whose changes a server may tell: the capability, its name in the filter, and its own.
const LISTS: [(&str, &str, &str); 3] = [
    ("tools.listChanged", "toolsListChanged", "tools"),
    ("prompts.listChanged", "promptsListChanged", "prompts"),
    ("resources.listChanged", "resourcesListChanged", "resources"),
];

impl<P: Payload> Session<P> {
    /// What the app wants to hear of this server, as members of a JSON object; empty where there is nothing.
    fn filter(&self, session: &Established<P>) -> String {
        let members =
            self.heard_lists(session).map(|(_, name, _)| format!("\"{name}\":true")).collect::<Vec<_>>().join(",");
        let uris = self.all_subscriptions().iter().map(|uri| quote(uri)).collect::<Vec<_>>().join(",");
        let uris = if uris.is_empty() { uris } else { format!("\"resourceSubscriptions\":[{uris}]") };
        json_rpc::join(&members, &uris)
    }

    fn heard_lists(
        &self,
        session: &Established<P>,
    ) -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
        let hears = self.desired.listens() || self.config.listen == Listen::Always || self.tabs.others_listen();
        let declared = session.capabilities().filter(|_| hears).unwrap_or_default();
        LISTS.iter().filter(|(capability, ..)| declared.contains(capability))
    }

    /// This tab's, and those of the tabs that it listens for.
    fn all_subscriptions(&self) -> Vec<&str> {
        let mut uris: Vec<_> = self.desired.subscriptions().chain(self.tabs.others_uris()).collect();
        uris.sort_unstable();
        uris.dedup();
        uris
    }

    /// Opens, changes or closes the stream, as the app wants it now.
    pub(in crate::protocol) fn listen_modern(&mut self, wanted: bool, now: Now) {
        let Some(session) = self.lifecycle.ready().filter(|session| !self.is_hosts_own(session.era())) else { return };
        let filter = if wanted { self.filter(session) } else { String::new() };
        match self.listening.stream() {
            Stream::Off if !filter.is_empty() => self.open_subscription(filter, None, 0, false, now),
            Stream::Open { exchange, short, heard } if !heard.is_for(&filter) => {
                let (exchange, short, after_break, before) =
                    (*exchange, *short, heard.is_after_break(), heard.before());
                let acknowledged = heard.granted().is_some();
                // Of two that were not acknowledged, the older one tells.
                let (keep, drop) = if acknowledged { (Some(exchange), before) } else { (before, Some(exchange)) };
                drop.map(|exchange| self.abort(exchange, now));
                if filter.is_empty() {
                    keep.map(|exchange| self.abort(exchange, now));
                    self.listening.off();
                } else {
                    self.open_subscription(filter, keep, short, after_break && !acknowledged, now);
                }
                self.stream_replaced(exchange, now);
            }
            Stream::Ended { .. } if filter.is_empty() => {
                self.effects.clear_timer(Timer::Listen);
                self.listening.off();
            }
            Stream::Ended { .. } if self.effects.timer_at(Timer::Listen).is_none() => self.listen_due(now),
            Stream::Off | Stream::Open { .. } | Stream::Ended { .. } | Stream::Denied | Stream::Refused => {}
        }
    }

    /// The stream broke; it is time to open it again.
    pub(in crate::protocol) fn subscribe_again(&mut self, short: u32, now: Now) {
        let Some(session) = self.lifecycle.ready() else { return };
        match self.filter(session) {
            filter if filter.is_empty() => self.listening.off(),
            filter => self.open_subscription(filter, None, short, true, now),
        }
    }

    fn open_subscription(
        &mut self,
        filter: String,
        before: Option<ExchangeId>,
        short: u32,
        after_break: bool,
        now: Now,
    ) {
        self.exchanges.fresh_request_id();
        let Some(session) = self.lifecycle.ready() else { return };
        let params = Params { text: Some(format!("{{\"notifications\":{{{filter}}}}}")), ..Params::default() };
        let (purpose, method) = (Purpose::Listen, modern::LISTEN);
        let own = Own { purpose, method, params: &params, timeout_ms: ACKNOWLEDGED_MS };
        let parcel = self.own_request(own, Some(session), now);
        let exchange = self.send(parcel, now);
        self.listening.opened(exchange, short, Heard::asked(filter, before, after_break));
    }

    /// A notification on the stream. Says whether it is ours alone, or another subscription's.
    pub(in crate::protocol) fn told_on_stream(
        &mut self,
        id: ExchangeId,
        method: &str,
        params: Option<&P>,
        now: Now,
    ) -> bool {
        let own = self.exchanges.get(id).and_then(|exchange| exchange.request_id());
        let named = params.and_then(|params| params.field(Field::Meta)?.field(Field::SubscriptionId));
        #[expect(clippy::cast_precision_loss, reason = "request ids stay below 2^53")]
        let is_own = |named: &P| named.as_number() == own.map(|own| own as f64);
        if named.is_some_and(|named| !is_own(&named)) {
            return true;
        }
        let acknowledges = method == ACKNOWLEDGED;
        if acknowledges {
            self.acknowledged(id, params, now);
        }
        acknowledges
    }

    /// The server says what it will tell.
    fn acknowledged(&mut self, id: ExchangeId, params: Option<&P>, now: Now) {
        let subscribed: Vec<_> = self.all_subscriptions().into_iter().map(str::to_owned).collect();
        let told = params.and_then(|params| params.field(Field::Notifications));
        let named = |told: P| -> Vec<String> {
            let uris = told.field(Field::ResourceSubscriptions);
            uris.map(|uris| bounds::strings(&uris, bounds::ITEMS)).unwrap_or_default()
        };
        let granted = told.map_or_else(|| subscribed.clone(), named);
        let Some(told) = self.listening.acknowledge(id, &granted) else { return };
        let Acknowledged { before, after_break } = told;
        self.effects.clear_timer(Timer::Exchange(id));
        before.map(|before| self.abort(before, now));
        self.tell_stream(&subscribed, Some(&granted), after_break);
        self.subscribers_told(&subscribed, &granted, now);
        if after_break {
            self.emit_stale(&granted);
        }
        self.stream_restored(id, &subscribed, &granted, now);
    }

    /// Who is not among those that were asked for waits for the next stream.
    fn subscribers_told(&mut self, asked: &[String], granted: &[String], now: Now) {
        let asked = |call: &Call<P>| call.params().uri.as_ref().is_some_and(|uri| asked.contains(uri));
        for id in self.calls.those(|call| call.is_subscribing() && asked(call)) {
            self.subscription_told(id, granted, now);
        }
    }

    fn emit_stale(&mut self, granted: &[String]) {
        let lists = self.lifecycle.ready().map(|session| self.heard_lists(session).map(|(_, _, list)| *list).collect());
        let subscribed = self.desired.subscriptions().map(str::to_owned);
        let resources: Vec<_> = subscribed.filter(|uri| granted.contains(uri)).collect();
        let lists: Vec<_> = lists.unwrap_or_default();
        self.emit(Event::Stale { lists: lists.clone(), resources: resources.clone() });
        self.tell_stale(lists, None, resources);
    }

    /// The tab that leads tells of its stream: what the server tells of, or that it has no such stream.
    pub(in crate::protocol) fn stream_told(
        &mut self,
        asked: &[String],
        granted: Option<&[String]>,
        stale: bool,
        now: Now,
    ) {
        let Some(granted) = granted else { return self.no_subscriptions(now) };
        self.subscribers_told(asked, granted, now);
        if stale {
            self.emit_stale(granted);
        }
    }

    /// Another tab has said what it wants to hear, and the stream that is open may tell it already.
    pub(in crate::protocol) fn tell_stream_again(&mut self) {
        let Some(session) = self.lifecycle.ready().filter(|session| session.era().listens_by_request()) else { return };
        let asked: Vec<_> = self.all_subscriptions().into_iter().map(str::to_owned).collect();
        match self.listening.stream() {
            Stream::Open { heard, .. } => {
                let granted = heard.granted().filter(|_| heard.is_for(&self.filter(session))).map(<[String]>::to_vec);
                if let Some(granted) = granted {
                    self.tell_stream(&asked, Some(&granted), false);
                }
            }
            Stream::Refused => self.tell_stream(&asked, None, false),
            Stream::Off if self.listening.turn() == Turn::Later => self.tell_stream(&asked, Some(&asked), false),
            Stream::Off | Stream::Ended { .. } | Stream::Denied => {}
        }
    }

    /// The stream has to wait for its turn. What is subscribed to is asked for then, and nobody waits for that.
    pub(in crate::protocol) fn subscriptions_wait(&mut self, now: Now) {
        let asked: Vec<_> = self.all_subscriptions().into_iter().map(str::to_owned).collect();
        self.tell_stream(&asked, Some(&asked), false);
        self.subscribers_told(&asked, &asked, now);
    }

    fn subscription_told(&mut self, id: CallId, granted: &[String], now: Now) {
        let Some(call) = self.calls.get(id) else { return };
        if call.params().uri.as_ref().is_some_and(|uri| granted.contains(uri)) {
            return self.settle(id, Ok(P::empty()));
        }
        self.subscription_refused(id, now);
    }

    fn subscription_refused(&mut self, id: CallId, now: Now) {
        self.state_request_refused(id, now);
        let text = "The server does not tell when this resource changes.";
        self.settle(id, Err(Error::boxed(Code::Capability, Outcome::NotExecuted, text)));
    }

    /// Where the app has unsubscribed since, the server has nothing to acknowledge.
    fn settle_overtaken(&mut self) {
        let wanted = |uri: &String| self.desired.subscriptions().any(|wanted| wanted == uri);
        let overtaken =
            self.calls.those(|call| call.is_subscribing() && !call.params().uri.as_ref().is_some_and(wanted));
        for id in overtaken {
            self.settle(id, Ok(P::empty()));
        }
    }

    /// The server has no such stream: nobody who waits for it will be told anything.
    pub(in crate::protocol) fn no_subscriptions(&mut self, now: Now) {
        self.tell_stream(&[], None, false);
        for id in self.calls.those(|call| call.is_subscribing()) {
            self.subscription_refused(id, now);
        }
    }

    /// Nobody may have the stream now: whoever waits for it is told why.
    pub(in crate::protocol) fn subscribers_denied(&mut self, error: &Error<P>) {
        for id in self.calls.those(|call| call.is_subscribing()) {
            self.settle(id, Err(Error { outcome: Outcome::NotExecuted, ..error.clone() }.into()));
        }
    }

    /// What is no request in the modern era: the stream, and the log level that each request carries. Says whether this
    /// call is that.
    pub(in crate::protocol) fn held_without_request(&mut self, id: CallId, now: Now) -> bool {
        let Some(call) = self.calls.get(id) else { return false };
        match call.method() {
            "logging/setLevel" => self.settle(id, Ok(P::empty())),
            "resources/unsubscribe" => {
                self.listen(now);
                self.settle(id, Ok(P::empty()));
                self.settle_overtaken();
            }
            "resources/subscribe" if self.config.listen == Listen::Never => {
                let text = "A subscription needs the listening stream, and the option `listen` is \"never\".";
                let error = Error::boxed(Code::InvalidOption, Outcome::NotExecuted, text);
                self.settle(id, Err(error));
            }
            "resources/subscribe" => {
                self.calls.subscribes(id);
                self.settle_overtaken();
                self.listen(now);
                match self.listening.stream() {
                    _ if self.lifecycle.ready().is_none() => {}
                    // It is told when the stream is acknowledged.
                    Stream::Open { heard, .. } => {
                        if let Some(granted) = heard.granted().map(<[String]>::to_vec) {
                            self.subscription_told(id, &granted, now);
                        }
                    }
                    Stream::Refused => self.subscription_refused(id, now),
                    Stream::Off if self.listening.turn() == Turn::Later => self.subscriptions_wait(now),
                    Stream::Off | Stream::Ended { .. } | Stream::Denied => {}
                }
            }
            _ => return false,
        }
        true
    }
}
