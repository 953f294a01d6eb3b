//! Ways in which a field shows.

use serde_json::Value;
use understudy_testkit::RecordedRequest;

use crate::stage::Ran;

/// What came of one question.
pub(crate) struct Seen {
    /// The first request that a provider got.
    pub(crate) request: Option<RecordedRequest>,
    pub(crate) ran: Ran,
}

/// How a field shows.
pub(crate) enum Show {
    /// The request has this value at this pointer.
    Sent(&'static str, Value),
    /// The request has this text somewhere at this pointer.
    Says(&'static str, &'static str),
    /// The request has nothing at this pointer.
    Absent(&'static str),
    /// No request mentions the text.
    Unsaid(&'static str),
    /// It is honoured here, as this finds.
    Emulated(&'static str, fn(&Seen) -> bool),
    /// A notice speaks of this field.
    Told(&'static str),
    /// It has no part in a single request; this test shows it.
    Elsewhere(&'static str),
}

impl Show {
    /// Where in the request it shows, if it does.
    pub(crate) fn place(&self) -> Option<&'static str> {
        match self {
            Self::Sent(pointer, _) | Self::Says(pointer, _) => Some(pointer),
            _ => None,
        }
    }

    pub(crate) fn is_told(&self) -> bool {
        matches!(self, Self::Told(_))
    }

    /// What is wrong with what was seen, if something is.
    pub(crate) fn fault(&self, seen: &Seen) -> Option<String> {
        let body = seen.request.as_ref().map_or(&Value::Null, |request| &request.body);
        match self {
            Self::Sent(pointer, value) => {
                let found = body.pointer(pointer);
                let is_so = found.is_some_and(|found| same(found, value));
                (!is_so).then(|| format!("{pointer} is {found:?}, not {value}"))
            }
            Self::Says(pointer, text) => {
                let found = body.pointer(pointer).map(Value::to_string).unwrap_or_default();
                (!found.contains(text)).then(|| format!("{pointer} does not say {text:?}: {found}"))
            }
            Self::Absent(pointer) => {
                let found = body.pointer(pointer);
                found.map(|found| format!("{pointer} should be absent, and is {found}"))
            }
            Self::Unsaid(text) => {
                let is_said = seen.request.as_ref().is_some_and(|request| request.mentions(text));
                is_said.then(|| format!("{text:?} is said: {body}"))
            }
            Self::Emulated(what, is_so) => (!is_so(seen)).then(|| {
                format!("not {what}: {:?} {:?}", seen.ran.run.status, seen.ran.run.outcome)
            }),
            Self::Told(field) => {
                let notices = &seen.ran.run.outcome.notices;
                let is_told = notices.iter().any(|notice| notice.field == *field);
                (!is_told).then(|| format!("no notice of {field}: {notices:?}"))
            }
            Self::Elsewhere(_) => None,
        }
    }
}

/// Whether two values are the same; 1 and 1.0 are.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|it| same(value, it)))
        }
        _ => one == other,
    }
}
