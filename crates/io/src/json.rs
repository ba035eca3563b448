//! Lines that hold one JSON object each.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::cell::Cell;

/// The keys and values of one object, in its order.
pub(crate) struct Object<'a>(pub(crate) Vec<(Cow<'a, str>, Value<'a>)>);

/// A plain value.
pub(crate) enum Value<'a> {
    Missing,
    Text(Cow<'a, str>),
    Integer(i64),
    Number(f64),
    Bool(bool),
    /// An object or array, as written.
    Nested(&'a str),
}

impl Value<'_> {
    pub(crate) fn cell(&self) -> Cell<'_> {
        match self {
            Self::Missing => Cell::Missing,
            Self::Text(text) => Cell::Text(text.as_bytes()),
            Self::Integer(value) => Cell::Integer(*value),
            Self::Number(value) => Cell::Number(*value),
            Self::Bool(value) => Cell::Bool(*value),
            Self::Nested(text) => Cell::Text(text.as_bytes()),
        }
    }

    fn of<'a>(raw: &'a RawValue) -> Value<'a> {
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'"') if !text.contains('\\') => Value::Text(Cow::Borrowed(&text[1..text.len() - 1])),
            Some(b'"') => Value::Text(serde_json::from_str::<String>(text).unwrap_or_default().into()),
            Some(b'n') => Value::Missing,
            Some(b't') => Value::Bool(true),
            Some(b'f') => Value::Bool(false),
            Some(b'{' | b'[') => Value::Nested(text),
            _ => match text.parse::<i64>() {
                Ok(value) => Value::Integer(value),
                // An exponent out of range gives infinity here, which the caller counts as such.
                Err(_) => Value::Number(fast_float2::parse(text).unwrap_or(f64::NAN)),
            },
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    pairs.push((key, Value::of(map.next_value::<&'de RawValue>()?)));
                }
                Ok(Object(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// The object in a line; the error says in words what is wrong with it.
pub(crate) fn parse(line: &[u8]) -> Result<Object<'_>, String> {
    serde_json::from_slice(line).map_err(|error| format!("is not one JSON object: {error}"))
}

/// The non-blank lines of some text, with their numbers.
pub(crate) fn lines(bytes: &[u8], first: u64) -> impl Iterator<Item = (u64, &[u8])> {
    let lines = bytes.split(|&b| b == b'\n').map(<[u8]>::trim_ascii);
    (first..).zip(lines).filter(|(_, line)| !line.is_empty())
}
