//! Tool lists, read page by page, and compared after a recovery.

use super::tools::Tool;
use crate::protocol::bounds::{self, each};
use crate::protocol::era::{Era, param_headers};
use crate::protocol::hash::fnv1a;
use crate::protocol::{Field, Payload, json_rpc};

/// A page of a tool list, as it was read.
#[derive(Debug)]
pub(crate) struct ToolPage {
    /// Hashes of the definitions, by name. `None` where a definition has no text, and is like no other.
    pub(super) hashes: Vec<(String, Option<u64>)>,
    pub(super) special: Vec<(String, Tool)>,
    /// The id of the request that it answered.
    pub(super) asked: u64,
}

/// Tools of a page that cannot be called.
#[derive(Debug, Default)]
pub(crate) struct InvalidTools {
    /// Where they stand.
    pub places: Vec<usize>,
    /// Names, and what is wrong: of the first of them.
    pub warnings: Vec<(String, &'static str)>,
}

impl ToolPage {
    /// `asked`: the id of the request that it answers. Annotations count only for a server that the host trusts.
    pub fn read<P: Payload>(page: &P, era: Era, trusted: bool, asked: u64) -> (Self, InvalidTools) {
        let list = page.field(Field::Tools);
        let mut read_page = Self { hashes: Vec::new(), special: Vec::new(), asked };
        let mut invalid = InvalidTools::default();
        for (at, definition) in list.iter().flat_map(each).enumerate() {
            match read(era, trusted, asked, &definition) {
                Some((name, hash, Ok(tool))) => {
                    if tool.is_special() {
                        read_page.special.push((name.clone(), tool));
                    }
                    read_page.hashes.push((name, hash));
                }
                Some((name, _, Err(why))) => {
                    if invalid.warnings.len() < bounds::WARNINGS {
                        invalid.warnings.push((name, why));
                    }
                    invalid.places.push(at);
                }
                None => {}
            }
        }
        (read_page, invalid)
    }

    pub fn has(&self, tool: &str) -> bool {
        self.hashes.iter().any(|(name, _)| name == tool)
    }
}

/// What is read of a definition; `Err`: why it cannot be called.
fn read<P: Payload>(
    era: Era,
    trusted: bool,
    asked: u64,
    definition: &P,
) -> Option<(String, Option<u64>, Result<Tool, &'static str>)> {
    let name = definition.text(Field::Name)?;
    let text = definition.to_json();
    let param_headers = match &text {
        Some(text) if era.stamps_requests() => param_headers::read(text),
        Some(_) | None => Ok(Vec::new()),
    };
    let hints = definition.field(Field::Annotations).filter(|_| trusted);
    let hint = |field| hints.as_ref().and_then(|hints| hints.field(field)?.as_bool()).unwrap_or_default();
    let support = definition.field(Field::Execution).and_then(|it| it.text(Field::TaskSupport));
    let tool = param_headers.map(|param_headers| Tool {
        repeatable: hint(Field::ReadOnlyHint) || hint(Field::IdempotentHint),
        is_task: support.as_deref() == Some("required"),
        param_headers,
        hash: text.as_deref().map(fnv1a),
        asked,
    });
    Some((name, text.as_deref().map(fnv1a), tool))
}

/// The params that ask for the next page.
pub(crate) fn next_cursor<P: Payload>(page: &P) -> Option<String> {
    let cursor = page.field(Field::NextCursor)?;
    cursor.as_string()?;
    // As it came: a text of JSON's need not be one of Unicode's.
    Some(format!("{{{}}}", json_rpc::member("cursor", &cursor.to_json()?)))
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
    pub fn add(&mut self, page: ToolPage, is_first: bool) {
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

/// How the tools of the new session differ from those that the app has seen.
///
/// ```
/// use mcp_evergreen::ToolChanges;
///
/// // A consent that the user has given is for the tool as it was.
/// fn to_ask_again(changes: &ToolChanges) -> impl Iterator<Item = &String> {
///     changes.added.iter().chain(&changes.changed)
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolChanges {
    /// Names that are new.
    pub added: Vec<String>,
    /// Names that are gone.
    pub removed: Vec<String>,
    /// Names whose definition is another.
    pub changed: Vec<String>,
}

impl ToolChanges {
    pub(super) fn between(old: &ToolList, new: &ToolList) -> Option<Self> {
        let names = |of: &ToolList, keep: &dyn Fn(&str) -> bool| -> Vec<String> {
            of.names().filter(|name| keep(name)).cloned().collect()
        };
        let changes = Self {
            added: names(new, &|name| !old.has(name)),
            removed: names(old, &|name| !new.has(name)),
            changed: names(new, &|name| old.has(name) && !old.agrees(name, new)),
        };
        (changes != Self::default()).then_some(changes)
    }
}
