//! Parameters of a tool that its server wants repeated in header fields: `x-mcp-header` in its `inputSchema`
//! (2026-07-28, transports, Custom Headers from Tool Parameters).

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::Value;

/// One parameter of a tool and the header field that repeats it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamHeader {
    /// `mcp-param-…`, in lower case.
    name: String,
    /// The chain of property names.
    path: Vec<String>,
}

const ANNOTATION: &str = "x-mcp-header";

/// The parameters of one tool that are repeated, from its definition as JSON text.
///
/// # Errors
/// Why the definition is not valid: the tool must not be offered.
pub fn read(tool: &str) -> Result<Vec<ParamHeader>, &'static str> {
    if !tool.contains(ANNOTATION) {
        return Ok(Vec::new());
    }
    let tool: Value = serde_json::from_str(tool).map_err(|_| "its definition is nested too deeply")?;
    let mut found = Vec::new();
    if let Some(schema) = tool.get("inputSchema") {
        walk(schema, Some(&mut Vec::new()), &mut found)?;
    }
    for (at, header) in found.iter().enumerate() {
        if found[..at].iter().any(|other| other.name == header.name) {
            return Err("two of its parameters have the same x-mcp-header");
        }
    }
    Ok(found)
}

/// `path` is `None` where an argument's place is not known from the schema alone: under `items`, `oneOf`, `$defs` …
fn walk(schema: &Value, mut path: Option<&mut Vec<String>>, found: &mut Vec<ParamHeader>) -> Result<(), &'static str> {
    let schema = match schema {
        Value::Object(schema) => schema,
        Value::Array(schemas) => return schemas.iter().try_for_each(|schema| walk(schema, None, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return Ok(()),
    };
    if let Some(annotation) = schema.get(ANNOTATION) {
        let path = path.as_deref().filter(|path| !path.is_empty());
        let path = path.ok_or("an x-mcp-header stands where the argument's place is not certain")?;
        found.push(ParamHeader { name: field_name(annotation)?, path: path.clone() });
        if !matches!(schema.get("type").and_then(Value::as_str), Some("string" | "integer" | "boolean")) {
            return Err("an x-mcp-header stands on a parameter that is no string, integer or boolean");
        }
    }
    for (keyword, value) in schema {
        match keyword.as_str() {
            "properties" => properties(value, path.as_deref_mut(), found)?,
            // Members of these have names of the server's own; those of `dependencies` may be lists of names.
            "$defs" | "definitions" | "patternProperties" | "dependentSchemas" | "dependencies" => {
                properties(value, None, found)?;
            }
            "additionalItems"
            | "additionalProperties"
            | "allOf"
            | "anyOf"
            | "contains"
            | "contentSchema"
            | "else"
            | "if"
            | "items"
            | "not"
            | "oneOf"
            | "prefixItems"
            | "propertyNames"
            | "then"
            | "unevaluatedItems"
            | "unevaluatedProperties" => walk(value, None, found)?,
            // Data, not schemas (JSON Schema 2020-12, core, 4.3.1 and 6.5).
            _ => {}
        }
    }
    Ok(())
}

fn properties(
    schemas: &Value,
    mut path: Option<&mut Vec<String>>,
    found: &mut Vec<ParamHeader>,
) -> Result<(), &'static str> {
    for (name, schema) in schemas.as_object().into_iter().flatten() {
        if let Some(path) = &mut path {
            path.push(name.clone());
        }
        walk(schema, path.as_deref_mut(), found)?;
        if let Some(path) = &mut path {
            path.pop();
        }
    }
    Ok(())
}

/// A token of RFC 9110, 5.6.2.
fn field_name(annotation: &Value) -> Result<String, &'static str> {
    let name = annotation.as_str().ok_or("an x-mcp-header is no string")?;
    let is_token_char = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token_char) {
        return Err("an x-mcp-header is no name of a header field");
    }
    Ok(format!("mcp-param-{}", name.to_ascii_lowercase()))
}

/// The header fields of one call: those of the parameters that are there, from its params as JSON text.
#[must_use]
pub fn fields(headers: &[ParamHeader], params: &str) -> Vec<(String, String)> {
    let params: Value = serde_json::from_str(params).unwrap_or_default();
    let value = |header: &ParamHeader| {
        let argument = header.path.iter().try_fold(params.get("arguments")?, |value, name| value.get(name))?;
        match argument {
            Value::String(text) => Some(encode(text)),
            Value::Bool(is) => Some(is.to_string()),
            // "within ±(2^53−1)"
            Value::Number(number) => {
                number.as_i64().filter(|number| number.unsigned_abs() < 1 << 53).map(|number| number.to_string())
            }
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    };
    headers.iter().filter_map(|header| Some((header.name.clone(), value(header)?))).collect()
}

const MARK: &str = "=?base64?";

/// A header field's value: as it is, or in Base64 where HTTP would not carry it unchanged (2026-07-28, transports,
/// Value Encoding). Browsers do not enforce this: they trim blanks silently, and take Latin-1.
#[must_use]
pub fn encode(text: &str) -> String {
    let plain = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    let trimmed = !text.starts_with(' ') && !text.ends_with(' ');
    let marked = text.starts_with(MARK) && text.ends_with("?=");
    if plain && trimmed && !marked { text.to_owned() } else { format!("{MARK}{}?=", BASE64_STANDARD.encode(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn values_are_encoded_as_the_specification_s_vectors_are() {
        let vectors = [
            ("us-west1", "us-west1"),
            ("", ""),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            (" us-west1", "=?base64?IHVzLXdlc3Qx?="),
            ("us-west1 ", "=?base64?dXMtd2VzdDEg?="),
            ("us west 1", "us west 1"),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("line1\r\nline2", "=?base64?bGluZTENCmxpbmUy?="),
            ("\tindented", "=?base64?CWluZGVudGVk?="),
            ("日本語", "=?base64?5pel5pys6Kqe?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
            ("file:///a%20b?id=1", "file:///a%20b?id=1"),
        ];
        for (text, value) in vectors {
            assert_eq!(encode(text), value, "{text:?}");
        }
    }

    fn schema(properties: Value) -> String {
        json!({"name": "t", "inputSchema": {"type": "object", "properties": properties}}).to_string()
    }

    #[test]
    fn arguments_are_read_at_the_place_that_the_schema_names() {
        let tool = schema(json!({
            "region": {"type": "string", "x-mcp-header": "Region"},
            "at": {"type": "object", "properties": {"n": {"type": "integer", "x-mcp-header": "N"}}},
            "dry": {"type": "boolean", "x-mcp-header": "Method"},
            "other": {"type": "string", "default": {"x-mcp-header": "not a schema"}, "x-ui": {"x-mcp-header": 1}},
            "x-mcp-header": {"type": "string"},
        }));
        let headers = read(&tool).expect("valid");
        let fields = |arguments: Value| fields(&headers, &json!({"arguments": arguments}).to_string());
        let named = |all: Vec<(String, String)>| all.into_iter().collect::<std::collections::BTreeMap<_, _>>();
        assert_eq!(
            named(fields(json!({"region": "eu", "at": {"n": 42}, "dry": true, "other": "x"}))),
            named(vec![
                ("mcp-param-region".into(), "eu".into()),
                ("mcp-param-n".into(), "42".into()),
                ("mcp-param-method".into(), "true".into())
            ])
        );
        assert_eq!(fields(json!({"region": null, "at": {"n": 9_007_199_254_740_992_i64}})), []);
        assert_eq!(fields(json!({"region": ""})), [("mcp-param-region".to_owned(), String::new())]);
    }

    #[test]
    fn a_property_may_have_the_annotation_s_name_wherever_names_stand() {
        for keyword in ["dependentRequired", "dependencies", "dependentSchemas", "patternProperties", "$defs"] {
            let names = if keyword.ends_with('s') && keyword != "dependencies" { json!({}) } else { json!(["a"]) };
            let schema = json!({"name": "t", "inputSchema": {"type": "object", "properties": {
                "x-mcp-header": {"type": "string"}, "a": {"type": "string", "x-mcp-header": "A"},
            }, "required": ["x-mcp-header"], keyword: {"x-mcp-header": names}}});
            let headers = read(&schema.to_string());
            assert_eq!(headers.map(|headers| headers.len()), Ok(1), "{keyword}");
        }
        let within = json!({"type": "object", "dependencies": {"a": {"properties": {"b": {"type": "string", "x-mcp-header": "B"}}}}});
        assert!(read(&json!({"name": "t", "inputSchema": within}).to_string()).is_err());
    }

    #[test]
    fn a_definition_that_cannot_be_repeated_is_refused() {
        let bad = [
            json!({"a": {"type": "string", "x-mcp-header": ""}}),
            json!({"a": {"type": "string", "x-mcp-header": "My Region"}}),
            json!({"a": {"type": "string", "x-mcp-header": "a:b"}}),
            json!({"a": {"type": "string", "x-mcp-header": "a\r\nb"}}),
            json!({"a": {"type": "string", "x-mcp-header": "é"}}),
            json!({"a": {"type": "string", "x-mcp-header": 1}}),
            json!({"a": {"type": "number", "x-mcp-header": "A"}}),
            json!({"a": {"type": "object", "x-mcp-header": "A"}}),
            json!({"a": {"type": "array", "x-mcp-header": "A"}}),
            json!({"a": {"type": "null", "x-mcp-header": "A"}}),
            json!({"a": {"x-mcp-header": "A"}}),
            json!({"a": {"type": "string", "x-mcp-header": "R"}, "b": {"type": "string", "x-mcp-header": "r"}}),
            json!({"a": {"type": "array", "items": {"type": "string", "x-mcp-header": "A"}}}),
            json!({"a": {"oneOf": [{"type": "string", "x-mcp-header": "A"}]}}),
            json!({"a": {"not": {"properties": {"b": {"type": "string", "x-mcp-header": "A"}}}}}),
        ];
        for properties in bad {
            assert!(read(&schema(properties.clone())).is_err(), "{properties}");
        }
        let defs = json!({"inputSchema": {"$defs": {"a": {"type": "string", "x-mcp-header": "A"}}}});
        assert!(read(&defs.to_string()).is_err());
        assert_eq!(read(&schema(json!({"a": {"type": "string"}}))), Ok(Vec::new()));
    }
}
