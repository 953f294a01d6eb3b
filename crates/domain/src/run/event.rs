//! What happens in a run, as its followers are told (reference §4).

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

/// Something that happened in a run. Copies share what it tells.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEvent {
    /// Its number in the run, from 1; later ones have higher numbers.
    pub sequence: u64,
    /// Which kind of event: one of [`names`].
    pub name: Cow<'static, str>,
    /// What it tells, without `event` and `sequence`.
    pub data: EventData,
}

impl RunEvent {
    /// The event with this number.
    pub fn new(sequence: u64, name: &str, data: impl Into<EventData>) -> Self {
        let known = names::ALL.into_iter().find(|known| *known == name);
        let name = known.map_or_else(|| Cow::Owned(name.to_owned()), Cow::Borrowed);
        Self { sequence, name, data: data.into() }
    }

    /// Whether a stream ends with it. One that tells of a pause is followed by
    /// others once the run goes on.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        names::TERMINAL.contains(&&*self.name)
    }
}

/// What an event tells: a JSON object. Copies share it.
#[derive(Clone, Debug, PartialEq)]
pub struct EventData(Told);

/// Nearly all events of a run tell more of a text, and there are many of them: those
/// need no map of their own.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    /// `delta`, and `refusal: true` where the model declines.
    Delta { text: Arc<str>, is_refusal: bool },
    /// Any other object.
    Object(Arc<Map<String, Value>>),
}

const DELTA: &str = "delta";
const REFUSAL: &str = "refusal";

impl EventData {
    /// `delta`: more of a text.
    #[must_use]
    pub fn delta(text: &str) -> Self {
        Self(Told::Delta { text: text.into(), is_refusal: false })
    }

    /// `delta`, and `refusal: true`: more of a text in which the model declines.
    #[must_use]
    pub fn refusal(text: &str) -> Self {
        Self(Told::Delta { text: text.into(), is_refusal: true })
    }

    /// The text of that name, if there is one.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match &self.0 {
            Told::Delta { text, .. } => (name == DELTA).then_some(text),
            Told::Object(object) => object.get(name).and_then(Value::as_str),
        }
    }

    /// Whether it tells something of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        match &self.0 {
            Told::Delta { is_refusal, .. } => name == DELTA || (*is_refusal && name == REFUSAL),
            Told::Object(object) => object.contains_key(name),
        }
    }

    /// All of it.
    #[must_use]
    pub fn object(&self) -> Cow<'_, Map<String, Value>> {
        match &self.0 {
            Told::Delta { text, is_refusal } => {
                let refusal = is_refusal.then(|| (REFUSAL.to_owned(), true.into()));
                let delta = (DELTA.to_owned(), text.as_ref().into());
                Cow::Owned([delta].into_iter().chain(refusal).collect())
            }
            Told::Object(object) => Cow::Borrowed(object),
        }
    }

    /// About how many bytes it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        match &self.0 {
            Told::Delta { text, .. } => text.len(),
            Told::Object(object) => size_of_object(object),
        }
    }
}

/// What an entry of an object, or an element of a list, takes beside its texts.
const ENTRY: usize = 64;

fn size_of_object(object: &Map<String, Value>) -> usize {
    object.iter().map(|(name, value)| ENTRY + name.len() + size_of_value(value)).sum()
}

fn size_of_value(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(|value| ENTRY + size_of_value(value)).sum(),
        Value::Object(object) => size_of_object(object),
    }
}

impl From<Map<String, Value>> for EventData {
    fn from(object: Map<String, Value>) -> Self {
        let is_refusal = object.get(REFUSAL) == Some(&Value::Bool(true));
        let is_delta = object.len() == 1 + usize::from(is_refusal);
        match object.get(DELTA) {
            Some(Value::String(text)) if is_delta => {
                Self(Told::Delta { text: text.as_str().into(), is_refusal })
            }
            _ => Self(Told::Object(Arc::new(object))),
        }
    }
}

impl From<Value> for EventData {
    /// What is no object tells nothing.
    fn from(value: Value) -> Self {
        match value {
            Value::Object(object) => object.into(),
            _ => Map::new().into(),
        }
    }
}

impl Serialize for EventData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Told::Delta { text, is_refusal } => {
                let mut map = serializer.serialize_map(Some(1 + usize::from(*is_refusal)))?;
                map.serialize_entry(DELTA, text.as_ref())?;
                if *is_refusal {
                    map.serialize_entry(REFUSAL, &true)?;
                }
                map.end()
            }
            Told::Object(object) => object.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for EventData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self::from)
    }
}

/// The kinds of events.
pub mod names {
    /// The run was taken in: `status`, `thread_id`.
    pub const PROCESSING: &str = "response.processing";
    /// It began: `status`, `response_id`, `thread_id`, `user_id`, `organization_id`,
    /// `user_message_id`, `assistant_id`, `assistant_version`, `model`, `provider`,
    /// `is_summarized`, `notices`.
    pub const CREATED: &str = "response.created";
    /// More of the answer's text: `delta`, and `refusal: true` where the model
    /// declines.
    pub const CONTENT_DELTA: &str = "response.content_delta";
    /// The text so far is taken back (a repair begins anew): `reason`.
    pub const CONTENT_RESET: &str = "response.content_reset";
    /// The model began to think: nothing.
    pub const REASONING_STARTED: &str = "response.reasoning.started";
    /// More of what may be told of it: `delta`.
    pub const REASONING_DELTA: &str = "response.reasoning.delta";
    /// It ended: nothing.
    pub const REASONING_COMPLETED: &str = "response.reasoning.completed";
    /// The model calls a tool of the caller: `call_id`, `name`, `delta` of the
    /// arguments.
    pub const TOOL_ARGUMENTS_DELTA: &str = "response.tool_call.arguments_delta";
    /// A tool of the caller was called; the run ends with `tool_use`: `call_id`,
    /// `tool`, `arguments`.
    pub const TOOL_REQUESTED: &str = "response.tool_call.requested";
    /// A tool is being run: `call_id`, `tool`, `server_label`, `arguments`.
    pub const TOOL_STARTED: &str = "response.tool_call.started";
    /// It was run: `call_id`, `tool`, `success`, `result`, `sources`,
    /// `execution_time_ms`.
    pub const TOOL_COMPLETED: &str = "response.tool_call.completed";
    /// It failed or was refused: as above, `error`.
    pub const TOOL_FAILED: &str = "response.tool_call.failed";
    /// A call waits for approval: `approval_request` `{id, server_label, name,
    /// arguments, expires_at}`.
    pub const APPROVAL_REQUIRED: &str = "response.approval_required";
    /// A decision came: `approval_request_id`, `approve`, `reason`.
    pub const APPROVAL_DECIDED: &str = "response.approval_decided";
    /// Something was kept back: `stage`, `action`, `category`.
    pub const MODERATED: &str = "response.moderated";
    /// A setting was not honoured as it stands: `field`, `reason`, `action`.
    pub const NOTICE: &str = "response.notice";
    /// A dispatcher chose: `assistant_id`, `name`, `reason`.
    pub const HANDED_OVER: &str = "response.handed_over";
    /// The run ended, or waits for approval: the response.
    pub const COMPLETED: &str = "response.completed";
    /// It failed: the response, `message`, `code`.
    pub const FAILED: &str = "response.failed";
    /// It was stopped: the response, `cancel_mode`.
    pub const CANCELLED: &str = "response.cancelled";

    /// All of them.
    pub const ALL: [&str; 20] = [
        CONTENT_DELTA,
        REASONING_DELTA,
        TOOL_ARGUMENTS_DELTA,
        PROCESSING,
        CREATED,
        CONTENT_RESET,
        REASONING_STARTED,
        REASONING_COMPLETED,
        TOOL_REQUESTED,
        TOOL_STARTED,
        TOOL_COMPLETED,
        TOOL_FAILED,
        APPROVAL_REQUIRED,
        APPROVAL_DECIDED,
        MODERATED,
        NOTICE,
        HANDED_OVER,
        COMPLETED,
        FAILED,
        CANCELLED,
    ];
    /// Those that streams end with.
    pub const TERMINAL: [&str; 3] = [COMPLETED, FAILED, CANCELLED];
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_delta_is_told_as_the_object_that_it_is() {
        for (data, object) in [
            (EventData::delta("more"), json!({ "delta": "more" })),
            (EventData::refusal("no"), json!({ "delta": "no", "refusal": true })),
        ] {
            assert_eq!(serde_json::to_string(&data).unwrap(), object.to_string());
            assert_eq!(Value::Object(data.object().into_owned()), object);
            assert_eq!(EventData::from(object.clone()), data);
            for name in ["delta", "refusal", "reason"] {
                assert_eq!(data.text(name), object.get(name).and_then(Value::as_str));
                assert_eq!(data.has(name), object.get(name).is_some());
            }
        }
    }

    #[test]
    fn an_event_of_a_kind_that_nobody_knows_keeps_its_name() {
        let event = RunEvent::new(1, "response.other", Map::new());

        assert_eq!(event.name, "response.other");
    }

    #[test]
    fn what_is_long_counts_as_long_wherever_it_stands() {
        let text = "x".repeat(1_000);
        for value in [
            json!({ "delta": text }),
            json!({ "output_text": text }),
            json!({ "response": [{ "text": text }] }),
        ] {
            assert!((1_000..1_500).contains(&EventData::from(value).size()));
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            "[a-z\"]{0,4}".prop_map(Value::from),
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_told_is_read_back_as_it_was(
            object in prop::collection::btree_map("delta|refusal|tool", value(), 0..4),
        ) {
            let object: Map<String, Value> = object.into_iter().collect();
            let data = EventData::from(object.clone());

            let written = serde_json::to_string(&data).unwrap();

            prop_assert_eq!(&written, &serde_json::to_string(&object).unwrap());
            prop_assert_eq!(serde_json::from_str::<EventData>(&written).unwrap(), data.clone());
            prop_assert_eq!(data.object().into_owned(), object);
        }
    }
}
