//! Objects of the facade's, or of this crate's other module, read member by member: a derive for the whole would be a
//! function of its own for each type and each field of it. What does not fit is named by its path, and not quoted: it may
//! be a secret.

use crate::browser::js::{Thrown, type_error};
#[cfg(feature = "js")]
use js_sys::{Array, Object};
use js_sys::{Function, Reflect};
use serde::de::DeserializeOwned;
#[cfg(feature = "js")]
use serde::de::value::StrDeserializer;
use serde_wasm_bindgen::{Deserializer, Error};
use wasm_bindgen::{JsCast, JsValue};

/// An object of which each member is read once. What was wrong first is told at the end; until then what is wrong is
/// left as it was. `undefined` counts as absent.
pub(super) struct Members<'a> {
    object: &'a JsValue,
    /// Of the object, with a dot at its end; empty for the outermost.
    path: &'static str,
    known: Vec<&'static str>,
    wrong: Option<JsValue>,
}

impl<'a> Members<'a> {
    pub(super) fn of(object: &'a JsValue) -> Self {
        Self::at("", object)
    }

    pub(super) fn at(path: &'static str, object: &'a JsValue) -> Self {
        let wrong = (!object.is_object()).then(|| type_error(&[path, ": expected an object"].concat()));
        Self { object, path, known: Vec::new(), wrong }
    }

    /// Whatever it is.
    pub(super) fn get(&mut self, name: &'static str) -> JsValue {
        self.known.push(name);
        if self.wrong.is_some() {
            return JsValue::UNDEFINED;
        }
        Reflect::get(self.object, &name.into()).unwrap_or_else(|thrown| {
            self.wrong = Some(thrown);
            JsValue::UNDEFINED
        })
    }

    /// Whatever it is, where it is there.
    pub(super) fn given(&mut self, name: &'static str) -> Option<JsValue> {
        Some(self.get(name)).filter(|value| !value.is_undefined())
    }

    pub(super) fn function(&mut self, name: &'static str) -> Option<Function> {
        self.get(name).dyn_into().ok()
    }

    pub(super) fn read<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        self.given(name).and_then(|value| self.fitting(name, T::deserialize(Deserializer::from(value))))
    }

    /// What must be there.
    pub(super) fn need<T: DeserializeOwned + Default>(&mut self, name: &'static str) -> T {
        let value = self.get(name);
        self.fitting(name, T::deserialize(Deserializer::from(value))).unwrap_or_default()
    }

    fn fitting<T>(&mut self, name: &'static str, read: Result<T, Error>) -> Option<T> {
        read.map_err(|error| self.misfits(name, &error.to_string())).ok()
    }

    /// `text` ends with what was expected; what was found stands before that.
    pub(super) fn misfits(&mut self, name: &'static str, text: &str) {
        let at = text.as_bytes().windows(EXPECTED.len()).rposition(|part| part == EXPECTED.as_bytes());
        let expected = at.and_then(|at| text.get(at..)).unwrap_or("does not fit");
        self.fails(type_error(&[self.path, name, ": ", expected].concat()));
    }

    fn fails(&mut self, wrong: JsValue) {
        self.wrong.get_or_insert(wrong);
    }

    /// After all members that are wanted.
    ///
    /// # Errors
    /// A `TypeError` that names the first that does not fit; or what was thrown.
    pub(super) fn end(self) -> Thrown<()> {
        self.wrong.map_or(Ok(()), Err)
    }
}

/// Of options.
#[cfg(feature = "js")]
impl Members<'_> {
    /// What has a default.
    pub(super) fn set<T: DeserializeOwned>(&mut self, name: &'static str, to: &mut T) {
        if let Some(value) = self.read(name) {
            *to = value;
        }
    }

    /// One of a few words.
    pub(super) fn choose<T: DeserializeOwned>(&mut self, name: &'static str, to: &mut T) {
        let Some(word) = self.read::<String>(name) else { return };
        if let Some(value) = self.fitting(name, T::deserialize(StrDeserializer::new(&word))) {
            *to = value;
        }
    }

    /// After all members that there may be.
    ///
    /// # Errors
    /// As [`Members::end`]; and a `TypeError` that names what is not known, and what is.
    pub(super) fn end_of_all(mut self) -> Thrown<()> {
        let own = if self.wrong.is_none() { Object::keys(self.object.unchecked_ref::<Object>()) } else { Array::new() };
        if let Some(key) = own.iter().filter_map(|key| key.as_string()).find(|key| !self.known.contains(&&**key)) {
            let known = self.known.join(", ");
            self.fails(type_error(&[self.path, &key, ": there is no such option; there are ", &known].concat()));
        }
        self.end()
    }
}

const EXPECTED: &str = "expected ";
