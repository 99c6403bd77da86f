//! What a server's tool list tells about how its tools are to be called.

use super::call::{Place, Repair};
use super::era::negotiation::HEADER_MISMATCH;
use super::era::{Era, legacy, mirror};
use super::exchange::{Answer, Exchange};
use super::interests::MAX_PAGES;
use super::json::quote;
use super::list::Gather;
use super::policy::retry::{End, Next};
use super::repair::Relation;
use super::session::Session;
use super::status::Event;
use super::{CallId, Error, ExchangeId, Field, Now, Payload};

const UNDECLARED: &str = "The server answered a request for a list whose capability it does not declare. The capability counts \
                          as declared now; the server should declare it in its answer to `initialize`.";

/// What is known of one tool.
struct Tool {
    name: String,
    /// A second run does no harm, by its annotations.
    repeatable: bool,
    /// It runs as a task only.
    is_task: bool,
}

impl Tool {
    fn read<P: Payload>(tool: &P) -> Option<Self> {
        let name = tool.field(Field::Name)?.as_string()?;
        let hints = tool.field(Field::Annotations);
        let hint = |field| hints.as_ref().and_then(|hints| hints.field(field)?.as_bool()).unwrap_or_default();
        let support =
            tool.field(Field::Execution).and_then(|execution| execution.field(Field::TaskSupport)?.as_string());
        Some(Self {
            name,
            repeatable: hint(Field::ReadOnlyHint) || hint(Field::IdempotentHint),
            is_task: support.as_deref() == Some("required"),
        })
    }
}

impl<P: Payload> Session<P> {
    /// A server that answers a list has what is in it, whatever it declares.
    pub(super) fn shows(&mut self, exchange: &Exchange) {
        let method = exchange.rpc_method.as_deref().filter(|method| legacy::is_list(method));
        let missing = method.and_then(|method| self.state.ready()?.missing_capability(method));
        if let Some(missing) = missing.filter(|missing| !self.past.shown.contains(missing)) {
            self.past.shown.push(missing);
            self.emit(Event::Warning { kind: "undeclared_capability", header: None, hint: UNDECLARED });
        }
    }

    /// Learns from a page of the current session's tool list. Returns the page without the tools that cannot be called.
    pub(super) fn learn_tools(&mut self, exchange: &Exchange, page: P) -> P {
        let Some(tools) = page.field(Field::Tools).and_then(|tools| tools.items()) else { return page };
        if self.relation(exchange.generation) != Relation::Current {
            return page;
        }
        let valid: Vec<P> = tools.iter().filter(|tool| self.learn_tool(exchange.era, tool)).cloned().gather();
        if valid.len() == tools.len() {
            return page;
        }
        page.with_items(Field::Tools, &valid)
    }

    /// Says whether the tool can be called.
    fn learn_tool(&mut self, era: Era, definition: &P) -> bool {
        let Some(tool) = Tool::read(definition) else { return true };
        // Annotations count only for a server that the host trusts.
        if tool.repeatable && self.config.trust_annotations {
            self.repeatable_tools.insert(tool.name.clone());
        } else {
            self.repeatable_tools.remove(&tool.name);
        }
        if tool.is_task {
            self.task_tools.insert(tool.name.clone());
        } else {
            self.task_tools.remove(&tool.name);
        }
        if era == Era::Legacy {
            return true;
        }
        match definition.to_json().map_or(Ok(Vec::new()), |text| mirror::mirrors(&text)) {
            Ok(mirrors) => self.mirrors.insert(tool.name, mirrors),
            Err(why) => {
                self.emit(Event::InvalidTool { name: tool.name, why });
                return false;
            }
        }
        true
    }

    /// "-32020: tools/list, rebuild the header fields, retry" (2026-07-28, transports, Client Behavior): once.
    pub(super) fn relist(&mut self, id: CallId, exchange: &Exchange, error: &Error<P>, now: Now) -> bool {
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
        self.cache.clear();
        self.list_page(id, 1, None, now)
    }

    fn list_page(&mut self, id: CallId, pages: u32, params: Option<String>, now: Now) -> bool {
        let Some(list) = self.restore_request("tools/list", params, now) else { return false };
        if let Some(call) = self.calls.get_mut(&id) {
            call.place = Place::Relisting { list, pages };
        }
        true
    }

    /// A page of the list that a call waits for.
    pub(super) fn relisted(&mut self, list: ExchangeId, exchange: &Exchange, answer: &Answer<P>, now: Now) {
        let mut waiting = self.calls.iter().filter_map(|(id, call)| match call.place {
            Place::Relisting { list: of, pages } if of == list => Some((*id, pages, call.params.name.clone())),
            Place::Here
            | Place::Sent(_)
            | Place::InQuestion
            | Place::Broken(_)
            | Place::Asking
            | Place::Subscribing
            | Place::Relisting { .. } => None,
        });
        let Some((id, pages, tool)) = waiting.next() else { return };
        if let Answer::Result(page) = answer {
            let page = self.learn_tools(exchange, page.clone());
            let cursor = page.field(Field::NextCursor).and_then(|cursor| cursor.as_string());
            let found = tool.is_some_and(|tool| self.mirrors.contains_key(&tool));
            if let Some(cursor) = cursor.filter(|_| !found && pages < MAX_PAGES) {
                self.list_page(id, pages + 1, Some(format!("{{\"cursor\":{}}}", quote(&cursor))), now);
                return;
            }
        }
        if let Some(call) = self.calls.get_mut(&id) {
            call.place = Place::Here;
        }
        self.dispatch(id, now);
    }
}
