//! One server of a manager's, and its tools under the names that are the manager's.

use super::{Session, Tool};
use crate::browser::{options::Error, task::Slot};
use crate::protocol::tool_names::manager_name;
use serde_json::Value;
use std::{
    cell::{OnceCell, RefCell},
    collections::BTreeMap,
};

const METHOD_NOT_FOUND: i64 = -32601;
/// Names of tools that a server lists no more are remembered, unless there are more than these.
const MOST_FORMER: usize = 10_000;

/// A tool of one of a manager's servers.
///
/// ```no_run
/// use mcp_evergreen::ManagedTool;
/// use serde_json::{Value, json};
///
/// fn for_the_model(ManagedTool { name, tool, .. }: &ManagedTool) -> Value {
///     json!({ "name": name, "description": tool.description, "input_schema": tool.input_schema })
/// }
/// # let _ = for_the_model;
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ManagedTool {
    /// For the model, and for [`SessionManager::call_tool`](crate::SessionManager::call_tool): 1 to 64 of the characters `A-Z a-z 0-9 _ -`, of this tool of this
    /// server alone, and the same in each page and in the npm package, whoever else is open.
    pub name: String,
    /// The program's name for the server.
    pub server: String,
    /// As the server lists it.
    pub tool: Tool,
}

/// The tools of all servers.
///
/// ```no_run
/// # async fn run(manager: mcp_evergreen::SessionManager) {
/// let listed = manager.tools().await;
/// for (server, error) in &listed.failed {
///     println!("without the tools of {server}: {error}");
/// }
/// println!("{} tools", listed.tools.len());
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ManagedTools {
    /// Server by server, in the order in which they were opened.
    pub tools: Vec<ManagedTool>,
    /// Servers whose tools could not be listed, and why.
    pub failed: Vec<(String, Box<Error>)>,
}

/// One of a manager's servers.
pub(super) struct Server {
    pub name: String,
    /// Once it is connected.
    pub session: OnceCell<Session>,
    /// It was closed before.
    pub stop: Slot<()>,
    /// Of tools, by the manager's names for them: the server's. Also of those that the server had before.
    pub names: RefCell<BTreeMap<String, String>>,
}

impl Server {
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), session: OnceCell::new(), stop: Slot::default(), names: RefCell::default() }
    }

    pub async fn close(&self) -> Result<(), Box<Error>> {
        self.stop.put(());
        match self.session.get() {
            Some(session) => session.close().await,
            None => Ok(()),
        }
    }

    pub async fn list(&self, session: &Session) -> Result<Vec<ManagedTool>, Box<Error>> {
        let tools = if has_tools(session) { session.tools().all().await } else { Ok(Vec::new()) };
        let tools = tools
            .or_else(|error| if error.rpc_code == Some(METHOD_NOT_FOUND) { Ok(Vec::new()) } else { Err(error) })?;
        let mut listed: Vec<ManagedTool> = Vec::new();
        let mut places = BTreeMap::new();
        for tool in tools {
            let name = manager_name(&self.name, &tool.name);
            let at = *places.entry(name.clone()).or_insert(listed.len());
            let tool = ManagedTool { name, server: self.name.clone(), tool };
            if let Some(earlier) = listed.get_mut(at) { *earlier = tool } else { listed.push(tool) }
        }
        let mut names = self.names.borrow_mut();
        if names.len() > MOST_FORMER {
            names.clear();
        }
        names.extend(listed.iter().map(|ManagedTool { name, tool, .. }| (name.clone(), tool.name.clone())));
        Ok(listed)
    }
}

/// Some servers declare nothing at all.
fn has_tools(session: &Session) -> bool {
    match session.capabilities() {
        Value::Object(declared) => declared.is_empty() || declared.contains_key("tools"),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => true,
    }
}
