//! What survives a reload: one record per endpoint and user, in the host's store. A session that lives has taken its record
//! out of the store; it puts it back when its page ends or stops. As the npm package has it, key by key.

use super::tasks::PendingTask;
use crate::browser::{clock, js};
use crate::protocol::era::memory;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
};
use web_sys::{Storage, Window};

/// In `localStorage`: names of records that were taken up. A duplicated tab has copies of what is in `sessionStorage`.
const SPENT: &str = "mcp-evergreen:spent";
const MOST_SPENT: usize = 100;

thread_local! {
    /// Keys of the sessions that live in this page.
    static HELD: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// Where sessions are kept for the next life of the page: see [`Options::persist`](crate::Options). What is kept has the
/// session's id in it, and no token. A store that fails loses what it was to keep, and nothing else.
///
/// ```no_run
/// use mcp_evergreen::Store;
/// use std::{cell::RefCell, collections::BTreeMap};
///
/// #[derive(Default)]
/// struct Memory(RefCell<BTreeMap<String, String>>);
///
/// impl Store for Memory {
///     fn get(&self, key: &str) -> Option<String> {
///         self.0.borrow().get(key).cloned()
///     }
///     fn set(&self, key: &str, value: &str) {
///         self.0.borrow_mut().insert(key.into(), value.into());
///     }
///     fn remove(&self, key: &str) {
///         self.0.borrow_mut().remove(key);
///     }
/// }
/// ```
pub trait Store {
    /// What is kept under this key.
    fn get(&self, key: &str) -> Option<String>;
    /// Keeps it.
    fn set(&self, key: &str, value: &str);
    /// Forgets it.
    fn remove(&self, key: &str);
}

/// A storage of the page's.
///
/// ```no_run
/// use mcp_evergreen::{Options, Store, WebStorage};
/// use std::rc::Rc;
///
/// let persist = WebStorage::session().map(|storage| Rc::new(storage) as Rc<dyn Store>);
/// let options = Options { persist, ..Options::default() };
/// ```
#[derive(Clone, Debug)]
pub struct WebStorage(Storage);

impl WebStorage {
    /// `sessionStorage`: of one tab. `None` where there is none, as in a worker.
    #[must_use]
    pub fn session() -> Option<Self> {
        js::global(Window::session_storage).ok().flatten().map(Self)
    }

    #[cfg(feature = "extras")]
    pub(super) fn into_js(self) -> wasm_bindgen::JsValue {
        self.0.into()
    }

    /// `localStorage`: of all tabs of the origin.
    #[must_use]
    pub fn local() -> Option<Self> {
        js::global(Window::local_storage).ok().flatten().map(Self)
    }
}

impl Store for WebStorage {
    fn get(&self, key: &str) -> Option<String> {
        self.0.get_item(key).ok().flatten()
    }

    fn set(&self, key: &str, value: &str) {
        let _ = self.0.set_item(key, value);
    }

    fn remove(&self, key: &str) {
        let _ = self.0.remove_item(key);
    }
}

/// What an earlier page life left.
pub(super) struct Kept {
    /// For the core; empty where it cannot be read.
    pub session: String,
    pub tasks: Vec<PendingTask>,
}

#[derive(Deserialize, Serialize)]
struct Record {
    name: String,
    binding: String,
    session: String,
    tasks: Vec<PendingTask>,
}

/// The record of one session.
pub(super) struct Keeper {
    store: Rc<dyn Store>,
    key: String,
    era_key: String,
    binding: String,
    holds: Cell<bool>,
    /// Of the record that was put back last.
    name: RefCell<Option<String>>,
}

impl Keeper {
    /// `binding`: what a session is bound to, beside endpoint and user.
    pub fn new(store: Rc<dyn Store>, url: &str, identity: Option<&str>, binding: String) -> Self {
        let key = format!("mcp-evergreen:session:{}", json!([url, identity]));
        let (era_key, holds, name) = (format!("mcp-evergreen:era:{url}"), Cell::new(false), RefCell::default());
        Self { store, key, era_key, binding, holds, name }
    }

    /// What an earlier page life left, unless another has taken it.
    pub fn claim(&self) -> Option<Kept> {
        // Two sessions alike in one page: the first is kept.
        if !HELD.with_borrow_mut(|held| held.insert(self.key.clone())) {
            return None;
        }
        self.holds.set(true);
        let text = self.store.get(&self.key)?;
        self.store.remove(&self.key);
        let Ok(Record { name, binding, session, tasks }) = serde_json::from_str(&text) else {
            return Some(Kept { session: String::new(), tasks: Vec::new() });
        };
        (binding == self.binding && spend(&name)).then_some(Kept { session, tasks })
    }

    /// Puts the record into the store: the page may end at any moment.
    pub fn keep(&self, session: String, tasks: Vec<PendingTask>) {
        if !self.holds.get() {
            return;
        }
        let name = js::random_bytes(16).map_or_else(
            |_| clock::seed().to_string(),
            |bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        );
        let record = Record { name: name.clone(), binding: self.binding.clone(), session, tasks };
        self.name.replace(Some(name));
        self.store.set(&self.key, &json!(record).to_string());
    }

    /// The page goes on. Says whether the session is still its own.
    pub fn reclaim(&self) -> bool {
        let Some(name) = self.name.take() else { return true };
        if !spend(&name) {
            return false;
        }
        let kept = self.store.get(&self.key).and_then(|text| serde_json::from_str::<Record>(&text).ok());
        if kept.is_some_and(|kept| kept.name == name) {
            self.store.remove(&self.key);
        }
        true
    }

    /// Whether the endpoint is remembered as one of the legacy era.
    pub fn knows_legacy(&self) -> bool {
        let until = self.store.get(&self.era_key).and_then(|until| until.parse().ok()).unwrap_or_default();
        memory::holds(until, clock::now().unix_ms)
    }

    pub fn keep_era(&self, legacy_until: Option<u64>) {
        match legacy_until {
            Some(until) => self.store.set(&self.era_key, &until.to_string()),
            None => self.store.remove(&self.era_key),
        }
    }

    /// The session has ended.
    pub fn end(&self) {
        if self.holds.replace(false) {
            HELD.with_borrow_mut(|held| held.remove(&self.key));
        }
    }
}

/// Takes a record up by its name; says whether nobody else did.
fn spend(name: &str) -> bool {
    // Without one, that the record was in the store has to do.
    let Some(storage) = WebStorage::local() else { return true };
    // Whatever else is there is somebody else's doing, and written over.
    let spent = storage.get(SPENT).and_then(|text| serde_json::from_str::<Vec<Value>>(&text).ok()).unwrap_or_default();
    if spent.iter().any(|spent| spent == name) {
        return false;
    }
    let latest = spent.len().saturating_sub(MOST_SPENT - 1);
    let names: Vec<_> = spent[latest..].iter().cloned().chain([Value::from(name)]).collect();
    storage.set(SPENT, &Value::Array(names).to_string());
    true
}
