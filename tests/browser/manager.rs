//! Many servers of one manager, each a function.

use js_sys::{Array, Function, Object, Reflect};
use mcp_evergreen::{Code, Config, EraChoice, Options, Outcome, SessionManager};
use serde_json::json;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test as test;

#[wasm_bindgen(module = "/tests/browser/library.js")]
extern "C" {
    #[wasm_bindgen(js_name = libraryServer)]
    fn library_server(control: &Object) -> Function;
    #[wasm_bindgen(js_name = byPath)]
    fn by_path(servers: &Object) -> Function;
}

/// Servers in the place of the page's `fetch`, by path, until they are dropped.
struct Servers {
    controls: Vec<(&'static str, Object)>,
    own: JsValue,
}

impl Servers {
    fn start(paths: &[&'static str]) -> Self {
        let (global, servers) = (js_sys::global(), Object::new());
        let own = Reflect::get(&global, &"fetch".into()).expect("fetch");
        let start = |path: &&'static str| {
            let control = Object::new();
            Reflect::set(&servers, &(*path).into(), &library_server(&control)).expect("a plain object");
            (*path, control)
        };
        let controls = paths.iter().map(start).collect();
        Reflect::set(&global, &"fetch".into(), &by_path(&servers)).expect("fetch can be replaced");
        Self { controls, own }
    }

    fn property(&self, path: &str, name: &str) -> JsValue {
        let (_, control) = self.controls.iter().find(|(other, _)| *other == path).expect("a server");
        Reflect::get(control, &name.into()).expect("a plain object")
    }

    fn set(&self, path: &str, name: &str, value: impl Into<JsValue>) {
        let (_, control) = self.controls.iter().find(|(other, _)| *other == path).expect("a server");
        Reflect::set(control, &name.into(), &value.into()).expect("a plain object");
    }

    fn evict(&self, path: &str) {
        self.property(path, "evict").unchecked_into::<Function>().call0(&JsValue::NULL).expect("it does not throw");
    }

    fn lines(&self, path: &str, name: &str) -> Vec<String> {
        let lines: Array = self.property(path, name).unchecked_into();
        lines.iter().filter_map(|line| line.as_string()).collect()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        Reflect::set(&js_sys::global(), &"fetch".into(), &self.own).expect("fetch can be replaced");
    }
}

fn legacy() -> Options {
    Options { config: Config { era: EraChoice::Legacy, ..Config::default() }, ..Options::default() }
}

async fn both() -> SessionManager {
    let manager = SessionManager::new();
    for (name, url) in [("files", "/files"), ("my.mail", "/mail")] {
        manager.open(name, url, legacy()).await.expect("a session");
    }
    manager
}

#[test]
async fn tools_of_all_servers_are_one_list_and_one_that_fails_hides_no_other() {
    let servers = Servers::start(&["/files", "/mail"]);
    let manager = both().await;
    assert_eq!(manager.names(), ["files", "my.mail"]);
    let listed = manager.tools().await;
    let names: Vec<_> = listed.tools.iter().map(|tool| (&*tool.name, &*tool.server, &*tool.tool.name)).collect();
    assert_eq!(
        names,
        [
            ("files__a", "files", "a"),
            ("files__b", "files", "b"),
            ("my-mail_a_085bdc2741f5e61d7620", "my.mail", "a"),
            ("my-mail_b_d70beff78e6e44abacb7", "my.mail", "b"),
        ]
    );
    assert!(listed.failed.is_empty(), "{:?}", listed.failed);
    servers.set("/files", "fails", "tools/list");
    let listed = manager.tools().await;
    assert_eq!(listed.tools.iter().map(|tool| &*tool.server).collect::<Vec<_>>(), ["my.mail", "my.mail"]);
    let failed: Vec<_> = listed.failed.iter().map(|(server, error)| (&**server, error.rpc_code)).collect();
    assert_eq!(failed, [("files", Some(-32603))]);
    manager.close_all().await;
    assert!(manager.names().is_empty());
    for path in ["/files", "/mail"] {
        assert_eq!(servers.lines(path, "log").last().map(String::as_str), Some("DELETE→200"));
    }
}

#[test]
async fn a_call_by_name_finds_its_server_and_heals_it() {
    let servers = Servers::start(&["/files", "/mail"]);
    let manager = both().await;
    // No list was read: the server that may have it is asked for its own, and no other.
    let result = manager.call_tool("files__b", json!({ "n": 1 })).await.expect("a result");
    assert_eq!((&result["session"], &result["got"]["name"]), (&json!("s1"), &json!("b")));
    assert!(!servers.lines("/mail", "log").contains(&"tools/list→200".into()));
    servers.evict("/files");
    let result = manager.call_tool("files__b", json!({ "n": 2 })).await.expect("healed");
    assert_eq!((&result["session"], &result["got"]["arguments"]), (&json!("s2"), &json!({ "n": 2 })));
    assert_eq!((servers.lines("/files", "ran"), servers.lines("/mail", "ran")), (vec!["b".into(), "b".into()], vec![]));
    assert_eq!(manager.session("files").expect("open").status().generation, 2);
    manager.close_all().await;
}

#[test]
async fn a_name_that_is_no_tools_says_so_and_sends_nothing() {
    let servers = Servers::start(&["/files", "/mail"]);
    let manager = both().await;
    for name in ["files__c", "mail__a", "my-mail_a_00000000000000000000", ""] {
        let error = manager.call_tool(name, json!({})).await.expect_err("unknown");
        assert_eq!((error.code, error.outcome), (Code::UnknownTool, Outcome::NotExecuted), "{name}");
        let says = ["Open: files, my.mail.", "`tools` of the manager", &format!("{name:?}")];
        assert!(says.iter().all(|part| error.message.contains(part)), "{error}");
    }
    servers.set("/files", "fails", "tools/list");
    let error = manager.call_tool("files__c", json!({})).await.expect_err("nobody knows");
    assert_eq!((error.code, error.outcome, error.rpc_code), (Code::Rpc, Outcome::NotExecuted, Some(-32603)));
    assert_eq!((servers.lines("/files", "ran"), servers.lines("/mail", "ran")), (vec![], vec![]));
    manager.close_all().await;
    let error = manager.call_tool("files__a", json!({})).await.expect_err("none is open");
    assert!(error.code == Code::UnknownTool && error.message.contains("open one first"), "{error}");
}

#[test]
async fn a_name_is_one_servers_until_that_is_closed() {
    let _servers = Servers::start(&["/files", "/mail"]);
    let manager = both().await;
    for (name, says) in [("files", "close it first"), ("a__b", "hold no __"), ("", "1 to 63")] {
        let error = manager.open(name, "/mail", legacy()).await.err().expect("an error");
        assert_eq!((error.code, error.outcome), (Code::InvalidOption, Outcome::NotExecuted));
        assert!(error.message.contains(says), "{error}");
    }
    manager.close("files").await.expect("an end");
    assert!(manager.session("files").is_none());
    manager.close("files").await.expect("nothing to do");
    manager.open("files", "/mail", legacy()).await.expect("a session");
    assert_eq!(manager.names(), ["my.mail", "files"]);
    // One that a handle of its own closes is not the manager's either.
    manager.session("files").expect("open").close().await.expect("an end");
    assert_eq!(manager.names(), ["my.mail"]);
    // One that could not be opened leaves its name free.
    let error = manager.open("files", "/nobody", legacy()).await.err().expect("an error");
    assert_eq!(error.code, Code::NotMcp);
    manager.open("files", "/files", legacy()).await.expect("a session");
    manager.close_all().await;
}
