//! What a server's tool list tells about how its tools are to be called.

use super::attempt::RESTORE_MS;
use super::bounds::{self, each};
use super::call::{Place, Repair};
use super::era::mirror::Mirror;
use super::era::negotiation::HEADER_MISMATCH;
use super::era::{Era, legacy, mirror};
use super::exchange::{Answer, Exchange};
use super::identity::hash;
use super::policy::retry::{End, Next};
use super::repair::Relation;
use super::restoration::MAX_PAGES;
use super::session::Session;
use super::sorted::Map;
use super::status::Event;
use super::{CallId, Error, ExchangeId, Field, Now, Payload, json_rpc};

const UNDECLARED: &str = "The server answered a request for a list whose capability it does not declare. The capability counts \
                          as declared now; the server should declare it in its answer to `initialize`.";

/// How one tool is to be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tool {
    /// A second run does no harm, by its annotations.
    repeatable: bool,
    /// It runs as a task only.
    is_task: bool,
    /// Its parameters that are repeated in header fields.
    mirrors: Vec<Mirror>,
}

impl Tool {
    fn is_special(&self) -> bool {
        self.repeatable || self.is_task || !self.mirrors.is_empty()
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
}

/// The tools of one list, by name: hashes of their definitions. `None` where a definition has no text, and is like no
/// other.
#[derive(Clone, Debug, Default)]
pub(super) struct ToolList {
    all: Vec<(String, Option<u64>)>,
    /// In order, each once.
    is_sorted: bool,
    /// The request that the latest page answered.
    asked: u64,
    /// There are more than are remembered.
    pub is_cut: bool,
}

impl ToolList {
    /// Adds a page, or begins anew with it. An older question's answer changes nothing.
    fn add(&mut self, page: Page, is_first: bool) {
        if page.asked < self.asked {
            return;
        }
        if is_first {
            *self = Self::default();
        }
        self.asked = page.asked;
        self.is_sorted = false;
        self.is_cut |= self.all.len() + page.hashes.len() > bounds::TOOLS;
        if !self.is_cut {
            self.all.extend(page.hashes);
        }
    }

    /// Before anything is looked for.
    pub fn sort(&mut self) {
        if !std::mem::replace(&mut self.is_sorted, true) {
            // Of two with one name the later one counts.
            self.all.reverse();
            self.all.sort_by(|(a, _), (b, _)| a.cmp(b));
            self.all.dedup_by(|(later, _), (earlier, _)| later == earlier);
        }
    }

    fn find(&self, name: &str) -> Option<Option<u64>> {
        debug_assert!(self.is_sorted);
        let at = self.all.binary_search_by(|(own, _)| own.as_str().cmp(name)).ok()?;
        Some(self.all[at].1)
    }

    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.all.iter().map(|(name, _)| name)
    }

    /// Whether this tool is there.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Whether this tool is in both, with one definition.
    pub fn agrees(&self, name: &str, other: &Self) -> bool {
        let hash = self.find(name).flatten();
        hash.is_some() && hash == other.find(name).flatten()
    }
}

/// A page of a tool list.
pub(super) struct Page {
    hashes: Vec<(String, Option<u64>)>,
    special: Vec<(String, Tool)>,
    asked: u64,
}

/// What the current session's list says of how tools are to be called: of those that need it. What a list does not name
/// any more is forgotten once all of its pages were seen.
#[derive(Debug, Default)]
pub(super) struct Tools {
    special: Map<String, Tool>,
    /// Those of the list that is being read.
    latest: Map<String, Tool>,
    /// The request that the latest page answered.
    asked: u64,
}

impl Tools {
    pub fn is_repeatable(&self, name: &str) -> bool {
        self.special.get(name).is_some_and(|tool| tool.repeatable)
    }

    pub fn is_task(&self, name: &str) -> bool {
        self.special.get(name).is_some_and(|tool| tool.is_task)
    }

    pub fn mirrors(&self, name: &str) -> &[Mirror] {
        self.special.get(name).map(|tool| tool.mirrors.as_slice()).unwrap_or_default()
    }

    fn learn(&mut self, page: &Page, is_first: bool, is_last: bool) {
        if page.asked < self.asked {
            return;
        }
        self.asked = page.asked;
        if is_first || self.latest.len() + page.special.len() > bounds::TOOLS {
            self.latest.clear();
        }
        self.latest.merge(page.special.clone());
        if is_last {
            return self.special = self.latest.clone();
        }
        if !self.special.is_empty() {
            page.hashes.iter().for_each(|(name, _)| drop(self.special.remove(name)));
        }
        if self.special.len() + page.special.len() > bounds::TOOLS {
            self.special.clear();
        }
        self.special.merge(page.special.clone());
    }
}

/// Where the list continues.
pub(super) fn next_cursor<P: Payload>(page: &P) -> Option<String> {
    let cursor = page.field(Field::NextCursor)?;
    cursor.as_string()?;
    // As it came: a text of JSON's need not be one of Unicode's.
    Some(format!("{{{}}}", json_rpc::member("cursor", &cursor.to_json()?)))
}

/// What is read of a definition; `Err`: why it cannot be called.
fn read<P: Payload>(
    era: Era,
    trusted: bool,
    definition: &P,
) -> Option<(String, Option<u64>, Result<Tool, &'static str>)> {
    let name = definition.field(Field::Name)?.as_string()?;
    let text = definition.to_json();
    let mirrors = match &text {
        Some(text) if era == Era::Modern => mirror::mirrors(text),
        Some(_) | None => Ok(Vec::new()),
    };
    // Annotations count only for a server that the host trusts.
    let hints = definition.field(Field::Annotations).filter(|_| trusted);
    let hint = |field| hints.as_ref().and_then(|hints| hints.field(field)?.as_bool()).unwrap_or_default();
    let support = definition.field(Field::Execution).and_then(|it| it.field(Field::TaskSupport)?.as_string());
    let tool = mirrors.map(|mirrors| Tool {
        repeatable: hint(Field::ReadOnlyHint) || hint(Field::IdempotentHint),
        is_task: support.as_deref() == Some("required"),
        mirrors,
    });
    Some((name, text.as_deref().map(hash), tool))
}

impl<P: Payload> Session<P> {
    /// Learns from a page of the current session's tool list. Returns the page without the tools that cannot be called,
    /// and what was read of it.
    pub(super) fn learn_tools(&mut self, exchange: &Exchange, is_first: bool, page: P) -> (P, Page) {
        let asked = exchange.wire_id.unwrap_or_default();
        let list = page.field(Field::Tools);
        let mut read_page = Page { hashes: Vec::new(), special: Vec::new(), asked };
        let mut invalid = Vec::new();
        for (at, definition) in list.iter().flat_map(each).enumerate() {
            match read(exchange.era, self.config.trust_annotations, &definition) {
                Some((name, hash, Ok(tool))) => {
                    if tool.is_special() {
                        read_page.special.push((name.clone(), tool));
                    }
                    read_page.hashes.push((name, hash));
                }
                Some((name, _, Err(why))) => {
                    if invalid.len() < bounds::WARNINGS {
                        self.emit(Event::InvalidTool { name, why });
                    }
                    invalid.push(at);
                }
                None => {}
            }
        }
        if self.relation(exchange.generation) == Relation::Current {
            self.tools.learn(&read_page, is_first, next_cursor(&page).is_none());
        }
        let page = if invalid.is_empty() { page } else { page.without_items(Field::Tools, &invalid) };
        (page, read_page)
    }

    /// The app has seen a page of the tool list.
    pub(super) fn saw_tools(&mut self, page: Page, is_first: bool) {
        self.interests.tools.get_or_insert_default().add(page, is_first);
    }

    /// "-32020: tools/list, rebuild the header fields, retry" (2026-07-28, transports, Client Behavior): once.
    pub(super) fn relist(&mut self, id: CallId, exchange: &Exchange, error: &Error<P>, now: Now) -> bool {
        let is_tool = exchange.rpc_method.as_deref() == Some("tools/call");
        // "MUST reject with 400" (2026-07-28, transports, Server Validation); with another status it is a handler's word.
        let refused = exchange.era == Era::Modern && error.http_status == Some(400);
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
            // Whether it is the first one does not matter: only one tool is looked for.
            let (page, read) = self.learn_tools(exchange, false, page.clone());
            let found = tool.is_some_and(|tool| read.hashes.iter().any(|(name, _)| *name == tool));
            if let Some(params) = next_cursor(&page).filter(|_| !found && pages < MAX_PAGES) {
                self.list_page(id, pages + 1, Some(params), now);
                return;
            }
        }
        if let Some(call) = self.calls.get_mut(&id) {
            call.place = Place::Here;
        }
        self.dispatch(id, now);
    }

    /// Adds a page to the list that is compared after a recovery.
    pub(super) fn compare_page(&mut self, exchange: &Exchange, page: P, seen: &mut ToolList, is_first: bool) -> P {
        let (page, read) = self.learn_tools(exchange, is_first, page);
        seen.add(read, is_first);
        page
    }
}
