//! What a server's tool list tells about how its tools are to be called.

use super::Session;
use crate::protocol::calls::Repair;
use crate::protocol::desired::{MAX_PAGES, RESTORE_MS, ToolPage, next_cursor};
use crate::protocol::era::{Era, legacy};
use crate::protocol::exchange::{Answer, Exchange};
use crate::protocol::json_rpc::HEADER_MISMATCH;
use crate::protocol::lifecycle::Relation;
use crate::protocol::policy::retry::{End, Next};
use crate::protocol::status::Event;
use crate::protocol::{CallId, Error, ExchangeId, Field, Now, Payload};

const UNDECLARED: &str = "The server answered a request for a list whose capability it does not declare. The capability counts \
                          as declared now; the server should declare it in its answer to `initialize`.";

impl<P: Payload> Session<P> {
    /// A server that answers a list has what is in it, whatever it declares.
    pub(in crate::protocol) fn shows(&mut self, exchange: &Exchange) {
        let method = exchange.rpc_method.as_deref().filter(|method| legacy::is_list(method));
        let missing = method.and_then(|method| self.lifecycle.ready()?.missing_capability(method));
        if let Some(missing) = missing.filter(|missing| !self.lifecycle.has_shown(missing)) {
            self.lifecycle.shows(missing);
            self.emit(Event::Warning { kind: "undeclared_capability", header: None, hint: UNDECLARED });
        }
    }

    /// Learns from a page of the current session's tool list. Returns the page without the tools that cannot be called,
    /// and what was read of it.
    pub(in crate::protocol) fn learn_tools(&mut self, exchange: &Exchange, is_first: bool, page: P) -> (P, ToolPage) {
        let asked = exchange.wire_id.unwrap_or_default();
        let (read, invalid) = ToolPage::read(&page, exchange.era, self.config.trust_annotations, asked);
        for (name, why) in invalid.warnings {
            self.emit(Event::InvalidTool { name, why });
        }
        if self.lifecycle.relation(exchange.generation) == Relation::Current {
            self.desired.learn_tools(&read, is_first, next_cursor(&page).is_none());
        }
        let page = if invalid.places.is_empty() { page } else { page.without_items(Field::Tools, &invalid.places) };
        (page, read)
    }

    /// "-32020: tools/list, rebuild the header fields, retry" (2026-07-28, transports, Client Behavior): once.
    pub(in crate::protocol) fn relist(&mut self, id: CallId, exchange: &Exchange, error: &Error<P>, now: Now) -> bool {
        let is_tool = exchange.rpc_method.as_deref() == Some("tools/call");
        // With 200 it is a handler's own word.
        let refused = exchange.era == Era::Modern && error.http_status.is_some_and(|status| status >= 400);
        let end = End::OtherVersion { at_gate: !exchange.late };
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
            // Whether it is the first one does not matter: only one tool is looked for.
            let (page, read) = self.learn_tools(exchange, false, page.clone());
            let found = tool.is_some_and(|tool| read.has(&tool));
            if let Some(params) = next_cursor(&page).filter(|_| !found && pages < MAX_PAGES) {
                self.list_page(id, pages + 1, Some(params), now);
                return;
            }
        }
        self.calls.put_back(id);
        self.dispatch(id, now);
    }
}
