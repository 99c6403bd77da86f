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
fn a_text_and_a_number_are_those_of_their_field_and_of_no_other_type() {
    let long = "é".repeat(70_000);
    let message = parsed(&format!(r#"{{"id":7,"method":"m","data":null,"code":"7","message":"{long}","error":[]}}"#));
    assert_eq!((message.text(Field::Method).as_deref(), message.number(Field::Id)), (Some("m"), Some(7.0)));
    assert_eq!((message.text(Field::Code).as_deref(), message.number(Field::Code)), (Some("7"), None));
    assert_eq!(message.text(Field::Message).map(|text| text.chars().count()), Some(64 << 10));
    for other in [Field::Id, Field::Data, Field::Error, Field::Result] {
        assert_eq!(message.text(other), None, "{other:?}");
    }
    for other in [Field::Method, Field::Data, Field::Error, Field::Result] {
        assert_eq!(message.number(other), None, "{other:?}");
    }
    for other in ["1", "null", "\"method\"", "[]", "true"] {
        let other = parsed(other);
        assert_eq!((other.text(Field::Method), other.number(Field::Method)), (None, None));
    }
}

#[test]
fn a_field_that_throws_is_absent() {
    let trap = js_sys::Function::new_no_args("return new Proxy({}, { get() { throw 1 } })").call0(&JsValue::NULL);
    let trap = trap.expect("a proxy");
    assert_eq!(trap.field(Field::Method), None);
    assert_eq!((trap.text(Field::Method), trap.number(Field::Method)), (None, None));
}

#[test]
fn items_are_those_of_arrays_only() {
    let items = parsed(r#"[1,{"a":2}]"#);
    assert_eq!(items.count(), Some(2));
    assert_eq!([json(&items.item(0)), json(&items.item(1))], ["1", r#"{"a":2}"#]);
    assert_eq!(parsed(r#"{"length":1}"#).count(), None);
    assert_eq!(parsed("[]").count(), Some(0));
}

#[test]
fn of_a_string_no_more_is_read_than_anybody_needs() {
    let long = JsValue::from("é".repeat(70_000));
    assert_eq!(Payload::as_string(&long).map(|text| text.chars().count()), Some(64 << 10));
    assert_eq!(Payload::as_string(&JsValue::from(7)), None);
    assert_eq!(
        (long.to_json_within(70_001), long.to_json_within(70_002).map(|text| text.len())),
        (None, Some(140_002))
    );
    assert_eq!(parsed(r#""a\ud83db""#).to_json().as_deref(), Some(r#""a\ud83db""#));
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
    // Whoever finds it so first: the engine or serde_json.
    let error = read::<Value>(&parsed(&nested(5_000))).expect_err("too deep");
    assert!(
        ["it is nested too deeply", "it has no JSON text, or too long or too deep a one"].contains(&error),
        "{error}"
    );
    assert!(JSON::parse(&nested(1_000_000)).map_or(true, |value| read::<Value>(&value).is_err()));
    assert!(read::<Value>(&parsed("[1]")).is_ok());
}

#[test]
fn text_is_parsed_by_the_engine() {
    assert_eq!(<JsValue as Payload>::parse("[1]").map(|value| json(&value)), Some("[1]".into()));
    assert_eq!(<JsValue as Payload>::parse("{"), None);
    assert_eq!(json(&<JsValue as Payload>::empty()), "{}");
}

#[test]
fn fields_may_have_names_that_no_getter_has() {
    let meta =
        parsed(r#"{"io.modelcontextprotocol/serverInfo":{"name":"n"},"io.modelcontextprotocol/subscriptionId":7}"#);
    let name = meta.field(Field::MetaServerInfo).and_then(|server| server.field(Field::Name));
    assert_eq!(name.and_then(|name| Payload::as_string(&name)), Some("n".into()));
    assert_eq!(meta.field(Field::SubscriptionId).and_then(|id| id.as_number()), Some(7.0));
    assert_eq!(parsed(r#"{"io":{"modelcontextprotocol/serverInfo":1}}"#).field(Field::MetaServerInfo), None);
}

#[test]
fn entries_are_the_members_of_objects_only_in_their_order() {
    let entries = parsed(r#"{"b":{"x":1},"a/b":null,"größe":[]}"#).entries(3).expect("an object");
    let entries: Vec<_> = entries.iter().map(|(name, value)| format!("{name}={}", json(value))).collect();
    assert_eq!(entries, [r#""b"={"x":1}"#, r#""a/b"=null"#, r#""größe"=[]"#]);
    assert_eq!(parsed("{}").entries(0).map(|entries| entries.len()), Some(0));
    assert!(parsed(r#"{"a":1,"b":2}"#).entries(1).is_none());
    for other in ["[1]", "null", "\"ab\"", "1"] {
        assert!(parsed(other).entries(9).is_none(), "{other}");
    }
}

#[test]
fn a_list_without_some_of_its_items_leaves_the_first_object_as_it_was() {
    let page = parsed(r#"{"tools":[1,2,3],"nextCursor":"c","_meta":{}}"#);
    let shorter = page.without_items(Field::Tools, &[0, 2]);
    assert_eq!(json(&shorter), r#"{"tools":[2],"nextCursor":"c","_meta":{}}"#);
    assert_eq!(json(&page), r#"{"tools":[1,2,3],"nextCursor":"c","_meta":{}}"#);
}

#[test]
fn what_was_frozen_is_given_anew_each_time() {
    let page = parsed(r#"{"tools":[{"name":"a"}]}"#);
    let (frozen, size) = page.frozen().expect("JSON");
    let tool = page.field(Field::Tools).expect("a list").item(0);
    js_sys::Reflect::set(&tool, &"name".into(), &"changed".into()).expect("an object takes it");
    assert_eq!((json(&page), size), (r#"{"tools":[{"name":"changed"}]}"#.to_owned(), 24));
    let copies = [frozen.thawed().expect("JSON"), frozen.thawed().expect("JSON")];
    assert!(copies.iter().all(|copy| json(copy) == r#"{"tools":[{"name":"a"}]}"#) && copies[0] != copies[1]);
}

#[test]
fn booleans_are_those_of_json() {
    for (text, is) in [("true", Some(true)), ("false", Some(false)), ("1", None), ("\"true\"", None), ("null", None)] {
        assert_eq!(Payload::as_bool(&parsed(text)), is, "{text}");
    }
}
