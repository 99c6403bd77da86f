//! JSON as the engine parsed it. The few fields that the core asks for are read in place; nothing recurses over a value.

use super::js::{Thrown, parse_json};
use crate::protocol::{Field, Payload, TEXT};
use js_sys::{Array, JSON, Object, Reflect};
use std::cell::OnceCell;
use wasm_bindgen::prelude::*;

/// What is written as a text fits in this, in UTF-16 units: it is copied into the module's memory.
const READ_LIMIT: u32 = 32 << 20;

#[wasm_bindgen(module = "/src/browser/body.js")]
extern "C" {
    /// No more than `most` UTF-16 units of a string; `None` of what is none.
    #[wasm_bindgen(js_name = textOf)]
    fn text_of(value: &JsValue, most: u32) -> Option<String>;
    #[wasm_bindgen(js_name = memberOf, catch)]
    fn member_of(value: &JsValue, name: &JsValue) -> Thrown<JsValue>;
    #[wasm_bindgen(js_name = textIn, catch)]
    fn text_in(value: &JsValue, name: &JsValue, most: u32) -> Thrown<Option<String>>;
    #[wasm_bindgen(js_name = numberIn, catch)]
    fn number_in(value: &JsValue, name: &JsValue) -> Thrown<Option<f64>>;
    /// An object that is no array.
    #[wasm_bindgen(js_name = isPlain)]
    fn is_plain(value: &JsValue) -> bool;
}

thread_local! {
    /// The names of the fields as strings of the engine's, each made once.
    static NAMES: [OnceCell<JsValue>; Field::ALL.len()] = const { [const { OnceCell::new() }; Field::ALL.len()] };
}

/// Calls `read` with the name of a field.
fn named<T>(field: Field, read: impl FnOnce(&JsValue) -> Thrown<T>) -> Option<T> {
    NAMES.with(|names| read(names[field as usize].get_or_init(|| field.as_str().into()))).ok()
}

impl Payload for JsValue {
    fn field(&self, field: Field) -> Option<Self> {
        // An array has none of these fields.
        named(field, |name| member_of(self, name)).filter(|value| !value.is_undefined())
    }

    fn text(&self, field: Field) -> Option<String> {
        named(field, |name| text_in(self, name, TEXT))?
    }

    fn number(&self, field: Field) -> Option<f64> {
        named(field, |name| number_in(self, name))?
    }

    fn count(&self) -> Option<usize> {
        Array::is_array(self).then(|| self.unchecked_ref::<Array>().length() as usize)
    }

    fn item(&self, at: usize) -> Self {
        // An array has no more than 2^32 items.
        self.unchecked_ref::<Array>().get(at as u32)
    }

    fn entries(&self, most: usize) -> Option<Vec<(String, Self)>> {
        let object = Payload::is_object(self).then(|| self.unchecked_ref::<Object>())?;
        // The names alone take less than the module has room for.
        if Object::keys(object).length() as usize > most {
            return None;
        }
        let entry = |entry: JsValue| {
            let entry: Array = entry.unchecked_into();
            Some((entry.get(0).to_json()?, entry.get(1)))
        };
        Object::entries(object).iter().map(entry).collect()
    }

    fn with(&self, field: Field, value: Self) -> Self {
        let copy = Object::assign(&Object::new(), self.unchecked_ref());
        // A new object of our own takes any field.
        let _ = Reflect::set(&copy, &field.as_str().into(), &value);
        copy.into()
    }

    fn without_items(&self, field: Field, items: &[usize]) -> Self {
        let list = self.field(field).unwrap_or_default();
        let kept = Array::new();
        let mut without = items.iter().copied().peekable();
        for at in 0..list.count().unwrap_or_default() {
            if without.next_if_eq(&at).is_none() {
                kept.push(&list.item(at));
            }
        }
        self.with(field, kept.into())
    }

    fn frozen(&self) -> Option<(Self, u64)> {
        let text = JSON::stringify(self).ok().filter(|text| text.is_string())?;
        let length = u64::from(text.length());
        Some((text.into(), length))
    }

    fn thawed(&self) -> Option<Self> {
        parse_json(self).ok()
    }

    fn is_object(&self) -> bool {
        is_plain(self)
    }

    fn as_string(&self) -> Option<String> {
        text_of(self, TEXT)
    }

    fn as_bool(&self) -> Option<bool> {
        JsValue::as_bool(self)
    }

    fn as_number(&self) -> Option<f64> {
        self.as_f64()
    }

    fn is_truthy(&self) -> bool {
        JsValue::is_truthy(self)
    }

    fn to_json_within(&self, most: u32) -> Option<String> {
        let most = most.min(READ_LIMIT);
        JSON::stringify(self).ok().filter(|text| text.is_string() && text.length() <= most).map(String::from)
    }

    fn parse(text: &str) -> Option<Self> {
        JSON::parse(text).ok()
    }

    fn empty() -> Self {
        Object::new().into()
    }
}
