//! Reading the fields of a small body, collecting all that is wrong with it.

use std::{collections::BTreeMap, str::FromStr};

use serde_json::{Map, Value};
use understudy_domain::{Fault, Secret, fault::pointer_to};

use crate::problem::Problem;

/// The fields of a JSON object, taken one by one; what is left is unknown.
pub(crate) struct Fields {
    map: Map<String, Value>,
    faults: Vec<Fault>,
}

impl Fields {
    pub(crate) fn of(value: Value) -> Result<Self, Problem> {
        match value {
            Value::Object(map) => Ok(Self { map, faults: Vec::new() }),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => {
                Err(Problem::invalid(vec![Fault::new("", "type", "must be a JSON object")]))
            }
        }
    }

    /// Drops fields that only the server sets, so that a caller can send back
    /// what it got.
    #[must_use]
    pub(crate) fn ignoring(mut self, names: &[&str]) -> Self {
        for name in names {
            self.map.remove(*name);
            self.map.remove(&other_casing(name));
        }
        self
    }

    /// The field in `camelCase` or `snake_case`; in both it is a fault.
    fn take(&mut self, name: &str) -> Option<Value> {
        let other = other_casing(name);
        let value = self.map.remove(name);
        let alias = if other == name { None } else { self.map.remove(&other) };
        if value.is_some() && alias.is_some() {
            self.fault(&other, "duplicate_field", format!("is given twice, also as `{name}`"));
        }
        value.or(alias)
    }

    pub(crate) fn fault(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        self.faults.push(Fault::new(pointer_to("", name), code, message));
    }

    /// A fault of one item of a list.
    pub(crate) fn fault_at(
        &mut self,
        name: &str,
        index: usize,
        code: &'static str,
        message: impl Into<String>,
    ) {
        self.faults.push(Fault::new(format!("/{name}/{index}"), code, message));
    }

    /// A field that `read` understands.
    fn read<T>(
        &mut self,
        name: &str,
        expects: &str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.take(name)?;
        let found = read(value);
        if found.is_none() {
            self.fault(name, "type", format!("must be {expects}"));
        }
        found
    }

    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.read(name, "a text", as_text)
    }

    pub(crate) fn secret(&mut self, name: &str) -> Option<Secret<String>> {
        self.text(name).map(Secret::new)
    }

    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        self.read(name, "true or false", |value| value.as_bool())
    }

    pub(crate) fn integer(&mut self, name: &str) -> Option<i32> {
        self.read(name, "a whole number of 32 bits", |value| {
            value.as_i64().and_then(|number| i32::try_from(number).ok())
        })
    }

    /// A whole number that is not negative.
    pub(crate) fn whole(&mut self, name: &str) -> Option<u64> {
        self.read(name, "a whole number that is not negative", |value| value.as_u64())
    }

    /// A number.
    pub(crate) fn number(&mut self, name: &str) -> Option<f64> {
        self.read(name, "a number", |value| value.as_f64())
    }

    /// A whole number that is not negative, of 32 bits.
    pub(crate) fn count(&mut self, name: &str) -> Option<u32> {
        self.read(name, "a whole number that is not negative", |value| {
            value.as_u64().and_then(|number| u32::try_from(number).ok())
        })
    }

    /// A whole number.
    pub(crate) fn long(&mut self, name: &str) -> Option<i64> {
        self.read(name, "a whole number of 64 bits", |value| value.as_i64())
    }

    /// Any value.
    pub(crate) fn any(&mut self, name: &str) -> Option<Value> {
        self.take(name)
    }

    /// One of these words.
    pub(crate) fn word<T>(
        &mut self,
        name: &str,
        words: &[&str],
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name)?;
        let found = read(&text);
        if found.is_none() {
            self.fault(name, "enum", format!("must be one of {}", words.join(", ")));
        }
        found
    }

    /// Pairs of texts.
    pub(crate) fn pairs(&mut self, name: &str) -> Option<BTreeMap<String, String>> {
        self.read(name, "an object of texts", |value| match value {
            Value::Object(map) => {
                map.into_iter().map(|(key, value)| Some((key, as_text(value)?))).collect()
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => None,
        })
    }

    /// A list of objects, each read by `reader`; those that it cannot read left a
    /// fault and are left out.
    pub(crate) fn items<T>(
        &mut self,
        name: &str,
        mut reader: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let list = self.list(name)?;
        let mut found = Vec::with_capacity(list.len());
        for (index, item) in list.into_iter().enumerate() {
            let at = pointer_to(&pointer_to("", name), &index.to_string());
            found.extend(self.nested(&at, item, &mut reader).flatten());
        }
        Some(found)
    }

    /// Reads a value as an object that stands at `at`.
    pub(crate) fn nested<T>(
        &mut self,
        at: &str,
        value: Value,
        reader: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        let Value::Object(map) = value else {
            self.faults.push(Fault::new(at, "type", "must be a JSON object"));
            return None;
        };
        let mut inner = Self { map, faults: Vec::new() };
        let found = reader(&mut inner);
        let faults = inner.all_faults().into_iter();
        let faults = faults.map(|fault| Fault { pointer: at.to_owned() + &fault.pointer, ..fault });
        self.faults.extend(faults);
        Some(found)
    }

    /// A field that is an object with fields of its own, which are read in its stead.
    pub(crate) fn inner<T>(
        &mut self,
        name: &str,
        reader: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        let value = self.take(name)?;
        self.nested(&pointer_to("", name), value, reader)
    }

    pub(crate) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        self.read(name, "a list of texts", |value| match value {
            Value::Array(items) => items.into_iter().map(as_text).collect(),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_) => None,
        })
    }

    pub(crate) fn list(&mut self, name: &str) -> Option<Vec<Value>> {
        self.read(name, "a list", |value| match value {
            Value::Array(items) => Some(items),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_) => None,
        })
    }

    /// An object that is data.
    pub(crate) fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        self.read(name, "an object", |value| match value {
            Value::Object(map) => Some(map),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => None,
        })
    }

    /// A text that `T` can be read from.
    pub(crate) fn parsed<T: FromStr<Err: std::fmt::Display>>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(reason) => {
                self.fault(name, "invalid", reason.to_string());
                None
            }
        }
    }

    /// As the reader that is given, with `null` as a value of its own.
    #[expect(clippy::option_option, reason = "absent, null, or a value")]
    pub(crate) fn nullable<T>(
        &mut self,
        name: &str,
        reader: impl FnOnce(&mut Self, &str) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.is_null(name) {
            self.take(name);
            return Some(None);
        }
        reader(self, name).map(Some)
    }

    /// A field that must be there; its default only where a fault was noted.
    pub(crate) fn required<T: Default>(
        &mut self,
        name: &str,
        reader: impl FnOnce(&mut Self, &str) -> Option<T>,
    ) -> T {
        self.require(name);
        reader(self, name).unwrap_or_default()
    }

    /// Notes a fault unless the field is there.
    pub(crate) fn require(&mut self, name: &str) {
        if !self.has(name) {
            self.fault(name, "required", "is required");
        }
    }

    /// Whether the field is there and was not read.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name) || self.map.contains_key(&other_casing(name))
    }

    /// Whether the field is there, not read yet, and `null`.
    pub(crate) fn is_null(&self, name: &str) -> bool {
        let is_null = |name: &str| self.map.get(name) == Some(&Value::Null);
        is_null(name) || is_null(&other_casing(name))
    }

    /// Ends the reading: everything that was wrong, unknown fields included.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        let faults = self.all_faults();
        if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
    }

    fn all_faults(mut self) -> Vec<Fault> {
        for name in std::mem::take(&mut self.map).keys() {
            self.fault(name, "unknown_field", "is not a field here");
        }
        self.faults
    }
}

fn as_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    }
}

/// A text, or whatever else it is.
pub(crate) fn text_or_other(value: Value) -> Result<String, Value> {
    if let Value::String(text) = value { Ok(text) } else { Err(value) }
}

/// The name in the other casing.
fn other_casing(name: &str) -> String {
    if name.contains('_') { camel(name) } else { snake(name) }
}

/// `expires_at` as `expiresAt`.
pub(crate) fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut text = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut chars = word.chars();
        text.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(chars.as_str());
    }
    text
}

/// `expiresAt` as `expires_at`.
pub(crate) fn snake(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_faults_come_at_once() {
        let body = json!({"aiSeat": "yes", "ai_seat": true, "colour": 1, "departments": [1]});
        let mut fields = Fields::of(body).unwrap();

        fields.required("email", Fields::text);
        fields.flag("aiSeat");
        fields.texts("departments");
        let problem = format!("{:?}", fields.finish().unwrap_err());

        for expected in
            ["/email", "/aiSeat", "/ai_seat", "/departments", "/colour", "unknown_field"]
        {
            assert!(problem.contains(expected), "{expected} is not in {problem}");
        }
    }

    #[test]
    fn faults_of_inner_fields_are_told_where_they_are() {
        let body = json!({"limits": {"maxUsers": -1, "max_assistants": 3, "colour": 1}, "x": []});
        let mut fields = Fields::of(body).unwrap();
        let read =
            fields.inner("limits", |inner| (inner.whole("maxUsers"), inner.whole("maxAssistants")));
        assert_eq!(read, Some((None, Some(3))));
        assert_eq!(fields.inner("x", |_| ()), None);
        let problem = format!("{:?}", fields.finish().unwrap_err());
        for expected in ["/limits/maxUsers", "/limits/colour", "\"/x\""] {
            assert!(problem.contains(expected), "{expected} is not in {problem}");
        }
    }

    #[test]
    fn null_is_a_value_only_where_it_can_be_one() {
        let mut fields = Fields::of(json!({"cidr": null, "notes": null})).unwrap();

        assert_eq!(fields.nullable("cidr", Fields::text), Some(None));
        assert_eq!(fields.text("notes"), None);
        assert!(fields.finish().is_err());
    }
}
