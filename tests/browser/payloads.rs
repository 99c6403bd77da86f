//! `impl Payload for JsValue`.

use super::fakes::{json, nested};
use js_sys::JSON;
use mcp_evergreen::{
    browser::client::read,
    protocol::{Field, Payload},
};
use serde::Deserialize;
use serde_json::Value;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test as test;

fn parsed(text: &str) -> JsValue {
    JSON::parse(text).expect("JSON")
}

#[test]
fn fields_are_those_of_objects_only() {
    let message = parsed(r#"{"id":null,"method":"m","params":[1],"progressToken":4}"#);
    assert_eq!(message.field(Field::Id), Some(JsValue::NULL));
    assert_eq!(message.field(Field::Method).and_then(|method| Payload::as_string(&method)), Some("m".into()));
    assert_eq!(message.field(Field::ProgressToken).and_then(|token| token.as_number()), Some(4.0));
    assert_eq!(message.field(Field::Result), None);
    assert_eq!(message.field(Field::Params).and_then(|params| params.field(Field::Id)), None);
    for other in ["1", "null", "\"method\"", "[]", "true"] {
        assert_eq!(parsed(other).field(Field::Method), None, "{other}");
        assert!(!Payload::is_object(&parsed(other)), "{other}");
    }
    assert_eq!(JsValue::UNDEFINED.field(Field::Method), None);
}

#[test]
fn a_field_that_throws_is_absent() {
    let trap = js_sys::Function::new_no_args("return new Proxy({}, { get() { throw 1 } })").call0(&JsValue::NULL);
    assert_eq!(trap.expect("a proxy").field(Field::Method), None);
}

#[test]
fn items_are_those_of_arrays_only() {
    let items = parsed(r#"[1,{"a":2}]"#).items().expect("an array");
    assert_eq!(items.iter().map(json).collect::<Vec<_>>(), ["1", r#"{"a":2}"#]);
    assert_eq!(parsed(r#"{"length":1}"#).items(), None);
    assert_eq!(parsed("[]").items().map(|items| items.len()), Some(0));
}

#[test]
fn typed_copies_are_taken_and_misfits_are_not_quoted() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Info {
        name: String,
    }
    assert_eq!(read(&parsed(r#"{"name":"n","more":[[[1]]]}"#)), Ok(Info { name: "n".into() }));
    assert_eq!(read::<Info>(&parsed(r#"{"name":7}"#)), Err("it has another shape"));
    assert!(read::<Value>(&JsValue::UNDEFINED).is_err());
    assert!(read::<Value>(&js_sys::Function::new_no_args("").unchecked_into()).is_err());
}

#[test]
fn depth_is_an_error_and_never_a_trap() {
    assert!(read::<Value>(&parsed(&nested(100))).is_ok());
    assert_eq!(read::<Value>(&parsed(&nested(5_000))), Err("it is nested too deeply"));
    assert!(JSON::parse(&nested(1_000_000)).map_or(true, |value| read::<Value>(&value).is_err()));
    assert!(read::<Value>(&parsed("[1]")).is_ok());
}

#[test]
fn text_is_parsed_by_the_engine() {
    assert_eq!(<JsValue as Payload>::parse("[1]").map(|value| json(&value)), Some("[1]".into()));
    assert_eq!(<JsValue as Payload>::parse("{"), None);
    assert_eq!(json(&<JsValue as Payload>::empty()), "{}");
}
