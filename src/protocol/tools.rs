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
use super::{CallId, Code, Error, ExchangeId, Field, Now, Outcome, Payload, json_rpc};

const UNDECLARED: &str = "The server answered a request for a list whose capability it does not declare. The capability counts \
                          as declared now; the server should declare it in its answer to `initialize`.";
pub(super) const NOT_HARMLESS: &str = "The call may have run, and is sent again only because its tool's annotations said that \
                                       this does no harm. The list that was read since does not say the same of the tool: \
                                       it was not sent again.";

/// How one tool is to be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tool {
    /// A second run does no harm, by its annotations.
    repeatable: bool,
    /// It runs as a task only.
    is_task: bool,
    /// Its parameters that are repeated in header fields.
    mirrors: Vec<Mirror>,
    /// Of its definition; `None` where that has no text, and is like no other.
    hash: Option<u64>,
    /// The request that the page answered on which it stands.
    asked: u64,
}

/// What says that a second run of a tool does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Licence {
    /// Of the definition that says so.
    pub hash: u64,
    /// A page that answers a later request than this one has to say it again.
    pub since: u64,
    /// The list was read again for it.
    pub is_checked: bool,
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

/// What the server's list says of how tools are to be called: of those that need it. What a list does not name any more is
/// forgotten once all of its pages were seen. Until the list of a new session is read, that of the one before tells.
#[derive(Debug, Default)]
pub(super) struct Tools {
    special: Map<String, Tool>,
    /// Those of the list that is being read.
    latest: Map<String, Tool>,
    /// The request that the latest page answered.
    asked: u64,
    /// The server has told of a change since: no page that answers a request up to this one says that a second run does no
    /// harm.
    outdated: u64,
}

impl Tools {
    /// What says now that a second run of this tool does no harm.
    pub fn licence(&self, name: &str) -> Option<Licence> {
        let tool = self.special.get(name).filter(|tool| tool.repeatable && tool.asked > self.outdated)?;
        Some(Licence { hash: tool.hash?, since: tool.asked, is_checked: false })
    }

    /// Whether a list that was read since says the same of it.
    pub fn confirms(&self, licence: Licence, name: &str) -> bool {
        self.licence(name).is_some_and(|now| now.hash == licence.hash && now.since > licence.since)
    }

    /// The list is another by now, or may be: what was asked up to this request is no licence to run a tool twice.
    pub fn outdate(&mut self, asked: u64) {
        self.outdated = self.outdated.max(asked);
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
    asked: u64,
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
        hash: text.as_deref().map(hash),
        asked,
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
            match read(exchange.era, self.config.trust_annotations, asked, &definition) {
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
            let (page, read) = self.learn_tools(exchange, pages == 1, page.clone());
            let found = tool.is_some_and(|tool| read.hashes.iter().any(|(name, _)| *name == tool));
            if let Some(params) = next_cursor(&page).filter(|_| !found && pages < MAX_PAGES) {
                self.list_page(id, pages + 1, Some(params), now);
                return;
            }
        }
        if let Some(call) = self.calls.get_mut(&id) {
            call.place = Place::Here;
            call.licence.iter_mut().for_each(|licence| licence.is_checked = true);
        }
        self.dispatch(id, now);
    }

    /// A call that may have run, and that is sent again only because annotations said that this does no harm, waits until a
    /// list that was read since says the same of the tool.
    pub(super) fn is_held_for_licence(&mut self, id: CallId, now: Now) -> bool {
        let Some(call) = self.calls.get(&id).filter(|call| call.relies_on_annotations()) else { return false };
        let named = call.licence.zip(call.params.name.as_ref());
        if named.is_some_and(|(licence, name)| self.tools.confirms(licence, name)) {
            return false;
        }
        let is_checked = call.licence.is_none_or(|licence| licence.is_checked);
        if !self.hold_until_compared(id) && (is_checked || !self.list_page(id, 1, None, now)) {
            self.settle(id, Err(Error::boxed(Code::OutcomeUnknown, Outcome::Unknown, NOT_HARMLESS)));
        }
        true
    }

    /// Adds a page to the list that is compared after a recovery.
    pub(super) fn compare_page(&mut self, exchange: &Exchange, page: P, seen: &mut ToolList, is_first: bool) -> P {
        let (page, read) = self.learn_tools(exchange, is_first, page);
        seen.add(read, is_first);
        page
    }
}
