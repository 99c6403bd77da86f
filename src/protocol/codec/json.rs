//! JSON, where serde's derives alone are not enough: what goes on as it came, and what others write carelessly.

use litemap::LiteMap;
use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use std::fmt;

/// The members of a JSON object, in their order. Each value stays the text that it is: no number is rounded, nothing is
/// unfolded, however deep.
#[derive(Clone, Debug, Default)]
pub struct Members(Vec<(String, Box<RawValue>)>);

impl Members {
    /// Of the object that this text is; `None` where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Those that pass.
    pub(in crate::protocol) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|(name, _)| keep(name));
    }

    pub(in crate::protocol) fn push(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        self.0.push((name.to_owned(), raw(value)));
    }

    pub(in crate::protocol) fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), &**value))
    }

    /// The value of the member with this name; of several, the last one's.
    pub(in crate::protocol) fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().rev().find(|(own, _)| own == name).map(|(_, value)| &**value)
    }

    /// The member with this name, where it is of this type.
    pub(in crate::protocol) fn read<'a, T: Deserialize<'a>>(&'a self, name: &str) -> Option<T> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }

    /// As JSON text.
    pub(in crate::protocol) fn to_text(&self) -> String {
        text(self)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Members::default();
                while let Some(member) = map.next_entry()? {
                    members.0.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Each)
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// A document that somebody else has written, or an earlier version: of a member that stands twice, the last one counts.
pub(in crate::protocol) fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    let members = Members::parse(text)?;
    let last: LiteMap<_, _> = members.iter().collect();
    T::deserialize(MapDeserializer::new(last.into_iter())).ok()
}

/// A member that is as good as absent where it is of another type than it should be.
pub(in crate::protocol) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    from: D,
) -> Result<T, D::Error> {
    let value = Box::<RawValue>::deserialize(from)?;
    Ok(serde_json::from_str(value.get()).unwrap_or_default())
}

/// What stands at this path of members, where it is of this type.
pub(in crate::protocol) fn at<T: DeserializeOwned>(text: &str, path: &[&str]) -> Option<T> {
    let Some((name, rest)) = path.split_first() else { return serde_json::from_str(text).ok() };
    at(Members::parse(text)?.get(name)?.get(), rest)
}

/// An object's text without the members that have one of these names.
#[must_use]
pub fn without(object: &str, names: &[&str]) -> String {
    match Members::parse(object) {
        Some(mut all) if all.iter().any(|(name, _)| names.contains(&name)) => {
            all.retain(|name| !names.contains(&name));
            all.to_text()
        }
        _ => object.to_owned(),
    }
}

/// A JSON string.
#[must_use]
pub fn quote(text: &str) -> String {
    self::text(text)
}

/// As JSON text.
pub(in crate::protocol) fn text(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).expect(HAS_TEXT)
}

pub(in crate::protocol) fn raw(value: &(impl Serialize + ?Sized)) -> Box<RawValue> {
    to_raw_value(value).expect(HAS_TEXT)
}

/// No key is anything else, and no `Serialize` of ours fails.
const HAS_TEXT: &str = "what has strings for keys has a JSON text";

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Document {
        #[serde(deserialize_with = "lenient")]
        name: Option<String>,
        #[serde(deserialize_with = "lenient")]
        count: u32,
        #[serde(deserialize_with = "lenient")]
        list: Vec<u8>,
    }

    #[test]
    fn a_member_of_another_type_costs_no_document() {
        let read = |text| read::<Document>(text);
        let whole = Document { name: Some("a".into()), count: 7, list: vec![1] };
        assert_eq!(read(r#" {"name":"a","count":7,"list":[1],"more":{"x":1e999}} "#), Some(whole));
        for text in [
            r#"{"name":7,"count":-1,"list":{}}"#,
            r#"{"name":null,"count":1.5,"list":[300]}"#,
            r#"{"name":["a"],"count":"7","list":"1"}"#,
            r#"{"name":"\ud800","count":1e999}"#,
            "{}",
        ] {
            assert_eq!(read(text), Some(Document::default()), "{text}");
        }
        assert!(["", "7", "[]", "{", r#"{"name":"a"}x"#, r#"{"name":a}"#].iter().all(|text| read(text).is_none()));
    }

    #[test]
    fn of_a_member_that_stands_twice_the_last_one_counts() {
        let read = |text| read::<Document>(text).map(|document| document.name);
        assert_eq!(read(r#"{"name":"a","name":"b"}"#), Some(Some("b".into())));
        assert_eq!(read(r#"{"name":"a","name":7}"#), Some(None));
        assert_eq!(Members::parse(r#"{"a":1,"a":-7}"#).and_then(|all| all.read::<i64>("a")), Some(-7));
    }

    #[test]
    fn depth_costs_no_stack() {
        let nested = |levels: usize| format!(r#"{{"list":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        assert_eq!(read(&nested(100_000)), Some(Document::default()));
        assert!(Members::parse(&"{\"a\":".repeat(100_000)).is_none());
    }

    #[test]
    fn what_goes_on_goes_on_as_it_came() {
        let text = r#"{"b":1.50e+2,"a":{"c" : 12345678901234567890},"b":"\u00e9\ud800"}"#;
        assert_eq!(Members::parse(text).expect("an object").to_text(), text);
        assert_eq!(without(text, &["a"]), r#"{"b":1.50e+2,"b":"\u00e9\ud800"}"#);
        assert_eq!(without("[1]", &["a"]), "[1]");
    }

    #[test]
    fn a_string_is_quoted() {
        assert_eq!(quote("a\"\\\n\u{1}\u{1f}é"), "\"a\\\"\\\\\\n\\u0001\\u001fé\"");
    }
}
