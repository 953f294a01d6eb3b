//! JSON as programs can agree on it: not too deep, no key twice, no NUL.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use understudy_domain::{Fault, fault::pointer_to};

/// Whether arrays and objects are nested deeper than `most`; a scan of the bytes,
/// so that nothing is built of what is refused.
pub(super) fn is_deeper_than(bytes: &[u8], most: usize) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for &byte in bytes {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > most {
            return true;
        }
    }
    false
}

/// The value of a text that is JSON without a key twice in one object: programs
/// differ in which of the two they believe.
pub(super) fn parse(text: &str) -> serde_json::Result<Value> {
    let Unique(value) = serde_json::from_str(text)?;
    Ok(value)
}

/// Names every text and key with U+0000 in it, which PostgreSQL cannot keep.
pub(super) fn find_nul(value: &Value, at: &str, faults: &mut Vec<Fault>) {
    let fault = |at: &str| Fault::new(at, "control_character", "must not contain U+0000");
    match value {
        Value::String(text) if text.contains('\0') => faults.push(fault(at)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                if item.is_string() || item.is_object() || item.is_array() {
                    find_nul(item, &pointer_to(at, &index.to_string()), faults);
                }
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                let at = pointer_to(at, key);
                if key.contains('\0') {
                    faults.push(fault(&at));
                }
                find_nul(item, &at, faults);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueKeys).map(Self)
    }
}

struct UniqueKeys;

impl<'de> DeserializeSeed<'de> for UniqueKeys {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueKeys {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(UniqueKeys)? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(UniqueKeys)?;
            if map.contains_key(&key) {
                let shown: String = key.chars().take(64).collect();
                return Err(de::Error::custom(format_args!("the key `{shown}` is there twice")));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn depth_is_counted_outside_of_texts_only() {
        assert!(!is_deeper_than(br#"{"a": "[[[[{{\"[["}"#, 1));
        assert!(is_deeper_than(br#"{"a": [1]}"#, 1));
        assert!(!is_deeper_than(b"[][][][]", 1));
    }

    proptest! {
        #[test]
        fn what_has_no_key_twice_is_read_as_always(text in r#"[\[\]{}":,a-c0-9 .eE+-]{0,40}"#) {
            let usual = serde_json::from_str::<Value>(&text).ok();
            match parse(&text) {
                Ok(value) => prop_assert_eq!(Some(value), usual),
                Err(error) => prop_assert!(usual.is_none() || error.to_string().contains("twice")),
            }
        }
    }
}
