//! One value of a file, whatever the file.

use std::borrow::Cow;

use crate::text::{calendar, encoding};

/// A value as the file holds it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'a> {
    /// Nothing there: a null, or a key that is not in the object.
    Missing,
    /// A field of text, not yet trimmed.
    Text(&'a [u8]),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// An instant in seconds since 1970.
    Seconds(i64),
    /// True or false.
    Bool(bool),
}

impl<'a> Cell<'a> {
    /// As text a person would write; `scratch` holds what has to be formatted.
    pub(crate) fn text<'s>(&self, scratch: &'s mut Vec<u8>) -> &'s [u8]
    where
        'a: 's,
    {
        scratch.clear();
        match *self {
            Self::Text(text) => return text,
            Self::Missing => {}
            Self::Integer(value) => scratch.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
            Self::Number(value) => push_number(scratch, value),
            Self::Seconds(value) => calendar::push_iso(scratch, value),
            Self::Bool(value) => scratch.extend_from_slice(if value { b"true" } else { b"false" }),
        }
        scratch
    }

    /// As text for a message.
    pub(crate) fn shown(&self) -> String {
        let mut scratch = Vec::new();
        let text: Cow<'_, str> = encoding::decode(self.text(&mut scratch)).0;
        text.into_owned()
    }
}

/// Appends the shortest text that reads back as the same number; whole numbers without a fraction.
pub(crate) fn push_number(out: &mut Vec<u8>, value: f64) {
    if value == value.trunc() && value.abs() < 1e15 && !(value == 0.0 && value.is_sign_negative()) {
        out.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
    } else {
        out.extend_from_slice(zmij::Buffer::new().format(value).as_bytes());
    }
}
