//! What a server's tool list tells about how its tools are to be called.

use super::Session;
use crate::protocol::calls::{Queue, Repair};
use crate::protocol::codec::json_rpc::HEADER_MISMATCH;
use crate::protocol::desired::{MAX_PAGES, RESTORE_MS, ToolPage, next_cursor};
use crate::protocol::era::legacy;
use crate::protocol::exchanges::{Answer, Exchange};
use crate::protocol::lifecycle::Relation;
use crate::protocol::policy::retry::{End, Next};
use crate::protocol::status::Event;
use crate::protocol::{CallId, Code, Error, ExchangeId, Field, Now, Outcome, Payload};

const UNDECLARED: &str = "The server answered a request for a list whose capability it does not declare. The capability counts \
                          as declared now; the server should declare it in its answer to `initialize`.";
pub(super) const NOT_HARMLESS: &str = "The call may have run, and is sent again only because its tool's annotations said that \
                                       this does no harm. The list that was read since does not say the same of the tool: \
                                       it was not sent again.";

impl<P: Payload> Session<P> {
    /// A server that answers a list has what is in it, whatever it declares.
    pub(in crate::protocol) fn shows(&mut self, exchange: &Exchange) {
        let method = exchange.rpc_method().filter(|method| legacy::is_list(method));
        let missing = method.and_then(|method| self.lifecycle.ready()?.missing_capability(method));
        if let Some(missing) = missing.filter(|missing| !self.lifecycle.has_shown(missing)) {
            self.lifecycle.shows(missing);
            self.emit(Event::Warning { kind: "undeclared_capability", header: None, hint: UNDECLARED });
        }
    }

    /// Learns from a page of the current session's tool list. Returns the page without the tools that cannot be called,
    /// and what was read of it.
    pub(in crate::protocol) fn learn_tools(&mut self, exchange: &Exchange, is_first: bool, page: P) -> (P, ToolPage) {
        let asked = exchange.request_id().unwrap_or_default();
        let (read, invalid) = ToolPage::read(&page, exchange.era(), self.config.trust_annotations, asked);
        for (name, why) in invalid.warnings {
            self.emit(Event::InvalidTool { name, why });
        }
        if self.lifecycle.relation(exchange.generation()) == Relation::Current {
            self.desired.learn_tools(&read, is_first, next_cursor(&page).is_none());
        }
        let page = if invalid.places.is_empty() { page } else { page.without_items(Field::Tools, &invalid.places) };
        (page, read)
    }

    /// "-32020: tools/list, rebuild the header fields, retry" (2026-07-28, transports, Client Behavior): once.
    pub(in crate::protocol) fn relist(&mut self, id: CallId, exchange: &Exchange, error: &Error<P>, now: Now) -> bool {
        let is_tool = exchange.rpc_method() == Some("tools/call");
        // "MUST reject with 400" (2026-07-28, transports, Server Validation); with another status it is a handler's word.
        let refused = exchange.era().stamps_requests() && error.http_status == Some(400);
        let end = End::OtherVersion { at_gate: !exchange.is_late() };
        if !is_tool
            || !refused
            || error.rpc_code != Some(HEADER_MISMATCH)
            || self.next(id, Repair::Envelope, end) != Next::SendAgain
        {
            return false;
        }
        self.forget_cached();
        self.list_page(id, 1, None, now)
    }

    fn list_page(&mut self, id: CallId, pages: u32, params: Option<String>, now: Now) -> bool {
        let Some(list) = self.restore_request("tools/list", params, RESTORE_MS, now) else { return false };
        self.calls.relists(id, list, pages);
        true
    }

    /// A page of the list that a call waits for.
    pub(in crate::protocol) fn relisted(
        &mut self,
        list: ExchangeId,
        exchange: &Exchange,
        answer: &Answer<P>,
        now: Now,
    ) {
        let waiting = self.calls.iter().find_map(|(id, call)| {
            let pages = call.pages_of(list)?;
            Some((id, pages, call.params().name.clone()))
        });
        let Some((id, pages, tool)) = waiting else { return };
        if let Answer::Result(page) = answer {
            let (page, read) = self.learn_tools(exchange, pages == 1, page.clone());
            let found = tool.is_some_and(|tool| read.has(&tool));
            if let Some(params) = next_cursor(&page).filter(|_| !found && pages < MAX_PAGES) {
                self.list_page(id, pages + 1, Some(params), now);
                return;
            }
        }
        self.calls.relisted(id);
        self.dispatch(id, now);
    }

    /// A call that may have run, and that is sent again only because annotations said that this does no harm, waits until a
    /// list that was read since says the same of the tool; where none does, it is settled. Says whether it goes out no further.
    pub(in crate::protocol) fn hold_for_licence(&mut self, id: CallId, now: Now) -> bool {
        let Some(call) = self.calls.get(id).filter(|call| call.relies_on_annotations()) else { return false };
        let licence = call.safety().licence();
        let confirmed = call.params().name.as_ref().and_then(|tool| self.desired.licence(tool));
        if licence.zip(confirmed).is_some_and(|(licence, now)| licence.is_confirmed_by(now)) {
            return false;
        }
        let is_checked = licence.is_none_or(|licence| licence.is_checked);
        if self.desired.is_comparing() {
            self.calls.enqueue(id, Queue::Comparison);
        } else if is_checked || !self.list_page(id, 1, None, now) {
            self.settle(id, Err(Error::boxed(Code::OutcomeUnknown, Outcome::Unknown, NOT_HARMLESS)));
        }
        true
    }
}
