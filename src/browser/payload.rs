//! JSON as the engine parsed it. The few fields that the core asks for are read in place; nothing recurses over a value.

use super::js::Thrown;
use crate::protocol::{Field, Payload};
use js_sys::{Array, JSON, Object, Reflect};
use std::cell::OnceCell;
use wasm_bindgen::prelude::*;

/// What is written as a text fits in this, in UTF-16 units: it is copied into the module's memory.
const READ_LIMIT: u32 = 32 << 20;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = structuredClone, catch)]
    fn structured_clone(value: &JsValue) -> Thrown<JsValue>;
    type Message;
    #[wasm_bindgen(method, structural, indexing_getter, catch)]
    fn get(this: &Message, name: &JsValue) -> Thrown<JsValue>;
}

thread_local! {
    /// The names of the fields as strings of the engine's, each made once.
    static NAMES: [OnceCell<JsValue>; Field::ALL.len()] = const { [const { OnceCell::new() }; Field::ALL.len()] };
}

impl Payload for JsValue {
    fn field(&self, field: Field) -> Option<Self> {
        // An array has none of these fields either.
        if !JsValue::is_object(self) {
            return None;
        }
        let message: &Message = self.unchecked_ref();
        let value = NAMES.with(|names| message.get(names[field as usize].get_or_init(|| field.as_str().into())));
        value.ok().filter(|value| !value.is_undefined())
    }

    fn items(&self) -> Option<Vec<Self>> {
        Array::is_array(self).then(|| self.unchecked_ref::<Array>().iter().collect())
    }

    fn entries(&self) -> Option<Vec<(String, Self)>> {
        let object = Payload::is_object(self).then(|| self.unchecked_ref::<Object>())?;
        let entry = |entry: JsValue| {
            let entry: Array = entry.unchecked_into();
            Some((JsValue::as_string(&entry.get(0))?, entry.get(1)))
        };
        Object::entries(object).iter().map(entry).collect()
    }

    fn with_items(&self, field: Field, items: &[Self]) -> Self {
        let copy = Object::assign(&Object::new(), self.unchecked_ref());
        let items: Array = items.iter().collect();
        // A new object of our own takes any field.
        let _ = Reflect::set(&copy, &field.as_str().into(), &items);
        copy.into()
    }

    fn duplicate(&self) -> Self {
        // What was parsed from JSON can be cloned; an engine without `structuredClone` shares it.
        structured_clone(self).unwrap_or_else(|_| self.clone())
    }

    fn is_object(&self) -> bool {
        JsValue::is_object(self) && !Array::is_array(self)
    }

    fn as_string(&self) -> Option<String> {
        JsValue::as_string(self)
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

    fn to_json(&self) -> Option<String> {
        JSON::stringify(self).ok().filter(|text| text.is_string() && text.length() <= READ_LIMIT).map(String::from)
    }

    fn parse(text: &str) -> Option<Self> {
        JSON::parse(text).ok()
    }

    fn empty() -> Self {
        Object::new().into()
    }
}
