//! The names of options. A derive looks for the fields of its type, and at no other: what else an object has is found by
//! comparing.

use crate::browser::js::{Thrown, type_error};
use js_sys::{Array, Object};
use serde::de::{self, DeserializeOwned, Visitor};
use wasm_bindgen::{JsCast, JsValue};

/// Says whether an object has but those fields that a type has.
///
/// # Errors
/// A `TypeError` that names what is not known, and what is.
pub(super) fn know_all<T: DeserializeOwned>(path: &str, object: &JsValue) -> Thrown<()> {
    let mut known: &[&str] = &[];
    // It fails always, and has told them then.
    let _ = T::deserialize(Fields(&mut known));
    let own = if object.is_object() { Object::keys(object.unchecked_ref::<Object>()) } else { Array::new() };
    match own.iter().filter_map(|key| key.as_string()).find(|key| !known.contains(&&**key)) {
        Some(key) => {
            Err(type_error(&[path, &key, ": there is no such option; there are ", &known.join(", ")].concat()))
        }
        None => Ok(()),
    }
}

/// Takes the names of a struct's fields, which its derive tells any deserializer.
struct Fields<'a>(&'a mut &'static [&'static str]);

impl<'de> de::Deserializer<'de> for Fields<'_> {
    type Error = de::value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom(""))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}
