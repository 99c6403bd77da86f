//! JSON as the engine parsed it. The few fields that the core asks for are read in place; nothing recurses over a value.

use super::js::Thrown;
use crate::protocol::{Field, Payload};
use js_sys::{Array, JSON, Object, Reflect};
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;

/// What the core itself must know fits in this, in UTF-16 units: it is copied into the module's memory.
const READ_LIMIT: u32 = 32 << 20;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = structuredClone, catch)]
    fn structured_clone(value: &JsValue) -> Thrown<JsValue>;
    type Message;
    #[wasm_bindgen(method, getter, catch)]
    fn id(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn method(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn params(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn result(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn error(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn code(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn message(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn data(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn detail(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter = requestId, catch)]
    fn request_id(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn mode(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn tools(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn name(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter = nextCursor, catch)]
    fn next_cursor(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter = serverInfo, catch)]
    fn server_info(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn capabilities(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn instructions(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn progress(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter = progressToken, catch)]
    fn progress_token(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter = _meta, catch)]
    fn meta(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter = supportedVersions, catch)]
    fn supported_versions(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn supported(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter = resultType, catch)]
    fn result_type(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter = inputRequests, catch)]
    fn input_requests(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter = requestState, catch)]
    fn request_state(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter = ttlMs, catch)]
    fn ttl_ms(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter = taskId, catch)]
    fn task_id(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn task(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn status(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter = pollIntervalMs, catch)]
    fn poll_interval_ms(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter = pollInterval, catch)]
    fn poll_interval(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn uri(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn notifications(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter = resourceSubscriptions, catch)]
    fn resource_subscriptions(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn annotations(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter = readOnlyHint, catch)]
    fn read_only_hint(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter = idempotentHint, catch)]
    fn idempotent_hint(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn execution(this: &Message) -> Thrown<JsValue>;
    #[wasm_bindgen(method, getter = taskSupport, catch)]
    fn task_support(this: &Message) -> Thrown<JsValue>;
}

impl Payload for JsValue {
    fn field(&self, field: Field) -> Option<Self> {
        // An array has none of these fields either.
        if !JsValue::is_object(self) {
            return None;
        }
        let message: &Message = self.unchecked_ref();
        let value = match field {
            Field::Id => message.id(),
            Field::Method => message.method(),
            Field::Params => message.params(),
            Field::Result => message.result(),
            Field::Error => message.error(),
            Field::Code => message.code(),
            Field::Message => message.message(),
            Field::Data => message.data(),
            Field::Detail => message.detail(),
            Field::RequestId => message.request_id(),
            Field::Mode => message.mode(),
            Field::Tools => message.tools(),
            Field::Name => message.name(),
            Field::NextCursor => message.next_cursor(),
            Field::ServerInfo => message.server_info(),
            Field::Capabilities => message.capabilities(),
            Field::Instructions => message.instructions(),
            Field::Progress => message.progress(),
            Field::ProgressToken => message.progress_token(),
            Field::Meta => message.meta(),
            // No getter can have such a name.
            Field::MetaServerInfo | Field::SubscriptionId => Reflect::get(self, &field.as_str().into()),
            Field::SupportedVersions => message.supported_versions(),
            Field::Supported => message.supported(),
            Field::ResultType => message.result_type(),
            Field::InputRequests => message.input_requests(),
            Field::RequestState => message.request_state(),
            Field::TtlMs => message.ttl_ms(),
            Field::TaskId => message.task_id(),
            Field::Task => message.task(),
            Field::Status => message.status(),
            Field::PollIntervalMs => message.poll_interval_ms(),
            Field::PollInterval => message.poll_interval(),
            Field::Uri => message.uri(),
            Field::Notifications => message.notifications(),
            Field::ResourceSubscriptions => message.resource_subscriptions(),
            Field::Annotations => message.annotations(),
            Field::ReadOnlyHint => message.read_only_hint(),
            Field::IdempotentHint => message.idempotent_hint(),
            Field::Execution => message.execution(),
            Field::TaskSupport => message.task_support(),
        };
        value.ok().filter(|value| !value.is_undefined())
    }

    fn items(&self) -> Option<Vec<Self>> {
        Array::is_array(self).then(|| self.unchecked_ref::<Array>().iter().collect())
    }

    fn entries(&self) -> Option<Vec<(String, Self)>> {
        let object = self.is_object().then(|| self.unchecked_ref::<Object>())?;
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

    fn read<T: DeserializeOwned>(&self) -> Result<T, String> {
        // Both throw or refuse where the value is too deep: the engine at its stack's end, serde_json at 128 levels.
        let text = JSON::stringify(self).map_err(|_| "it has no JSON text".to_owned())?;
        // `stringify` gives `undefined` for what JSON cannot hold.
        if !text.is_string() || text.length() > READ_LIMIT {
            return Err("it is no JSON value, or too long".into());
        }
        // A serde_json error may quote the value it choked on: only its kind is passed on.
        serde_json::from_str(&String::from(text)).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => "it has another shape".into(),
            serde_json::error::Category::Io
            | serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof => "it is nested too deeply".into(),
        })
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
