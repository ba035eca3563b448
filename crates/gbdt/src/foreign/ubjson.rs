//! A reader of UBJSON (draft 12) for serde: all of it, big-endian, typed and counted containers too.
//!
//! Nothing is allocated for what a count claims before the bytes for it have been seen to be there: typed
//! containers of values without bytes (`[$Z#`, which could claim any number) are refused.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Containers within containers.
const MAX_DEPTH: usize = 64;

/// Reads a document that takes all of the bytes.
///
/// # Errors
/// Says what is wrong, and at which byte.
pub(super) fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Problem> {
    let mut reader = Reader { bytes, at: 0, depth: 0 };
    let marker = reader.marker()?;
    let value = T::deserialize(Marked { reader: &mut reader, marker });
    let value = value.map_err(|problem| problem.near(reader.at))?;
    match reader.left() {
        0 => Ok(value),
        left => Err(Problem::new(format!("{left} bytes are left over")).near(reader.at)),
    }
}

/// What is wrong with a document.
#[derive(Debug)]
pub(super) struct Problem {
    text: String,
    byte: Option<usize>,
}

impl Problem {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), byte: None }
    }

    fn near(self, at: usize) -> Self {
        Self { byte: self.byte.or(Some(at)), ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        self.byte.map_or(Ok(()), |byte| write!(f, " before byte {byte}"))
    }
}

impl std::error::Error for Problem {}

impl de::Error for Problem {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(text.to_string())
    }
}

struct Reader<'de> {
    bytes: &'de [u8],
    at: usize,
    depth: usize,
}

impl<'de> Reader<'de> {
    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let taken = self.bytes[self.at..].first_chunk::<N>().ok_or_else(|| Problem::new("the bytes end"))?;
        self.at += N;
        Ok(*taken)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next marker that is not a no-op.
    fn marker(&mut self) -> Result<u8, Problem> {
        loop {
            let [marker] = self.take()?;
            if marker != b'N' {
                return Ok(marker);
            }
        }
    }

    fn integer(&mut self, marker: u8) -> Result<i64, Problem> {
        Ok(match marker {
            b'i' => i64::from(i8::from_be_bytes(self.take()?)),
            b'U' => i64::from(u8::from_be_bytes(self.take()?)),
            b'I' => i64::from(i16::from_be_bytes(self.take()?)),
            b'l' => i64::from(i32::from_be_bytes(self.take()?)),
            b'L' => i64::from_be_bytes(self.take()?),
            _ => return Err(Problem::new(format!("a length has the type {}", marker.escape_ascii()))),
        })
    }

    /// A count of things that take `size` bytes at least.
    fn count(&mut self, size: usize) -> Result<usize, Problem> {
        let marker = self.marker()?;
        let count = self.integer(marker)?;
        match usize::try_from(count) {
            Ok(count) if count <= self.left() / size => Ok(count),
            _ => {
                Err(Problem::new(format!("{count} items of at least {size} bytes in {} bytes", self.left())))
            }
        }
    }

    fn text(&mut self) -> Result<&'de str, Problem> {
        let length = self.count(1)?;
        let text = &self.bytes[self.at..self.at + length];
        self.at += length;
        std::str::from_utf8(text).map_err(|_| Problem::new("a text is not UTF-8"))
    }

    /// What stands after the opening bracket: the type and count of the items, as far as they are given.
    fn header(&mut self) -> Result<Header, Problem> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Problem::new(format!("more than {MAX_DEPTH} containers within each other")));
        }
        let mut header = Header { marker: None, count: None };
        let mut size = 1;
        if self.peek() == Some(b'$') {
            let [_, marker] = self.take()?;
            size = match marker {
                b'i' | b'U' | b'C' | b'[' | b'{' => 1,
                b'I' | b'S' | b'H' => 2,
                b'l' | b'd' => 4,
                b'L' | b'D' => 8,
                _ => return Err(Problem::new(format!("a container of type {}", marker.escape_ascii()))),
            };
            header.marker = Some(marker);
            if self.peek() != Some(b'#') {
                return Err(Problem::new("a type without a count"));
            }
        }
        if self.peek() == Some(b'#') {
            self.at += 1;
            header.count = Some(self.count(size)?);
        }
        Ok(header)
    }
}

#[derive(Clone, Copy)]
struct Header {
    marker: Option<u8>,
    count: Option<usize>,
}

/// A value whose marker has been read.
struct Marked<'a, 'de> {
    reader: &'a mut Reader<'de>,
    marker: u8,
}

impl<'de> de::Deserializer<'de> for Marked<'_, 'de> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let Self { reader, marker } = self;
        match marker {
            b'Z' => visitor.visit_unit(),
            b'T' => visitor.visit_bool(true),
            b'F' => visitor.visit_bool(false),
            b'i' | b'U' | b'I' | b'l' | b'L' => visitor.visit_i64(reader.integer(marker)?),
            b'd' => visitor.visit_f32(f32::from_be_bytes(reader.take()?)),
            b'D' => visitor.visit_f64(f64::from_be_bytes(reader.take()?)),
            b'C' => visitor.visit_char(char::from(reader.take::<1>()?[0])),
            b'S' | b'H' => visitor.visit_borrowed_str(reader.text()?),
            b'[' => {
                let header = reader.header()?;
                let mut items = Items { reader, header, end: b']' };
                let value = visitor.visit_seq(&mut items)?;
                items.finish()?;
                Ok(value)
            }
            b'{' => {
                let header = reader.header()?;
                let mut items = Items { reader, header, end: b'}' };
                let value = visitor.visit_map(&mut items)?;
                items.finish()?;
                Ok(value)
            }
            _ => Err(Problem::new(format!("no value begins with {}", marker.escape_ascii()))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.marker {
            b'Z' => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// What is left of a container.
struct Items<'a, 'de> {
    reader: &'a mut Reader<'de>,
    header: Header,
    end: u8,
}

impl<'de> Items<'_, 'de> {
    /// Whether another item follows. Reads the closing bracket where there is one.
    fn more(&mut self) -> Result<bool, Problem> {
        match &mut self.header.count {
            Some(0) => Ok(false),
            Some(count) => {
                *count -= 1;
                Ok(true)
            }
            None => {
                while self.reader.peek() == Some(b'N') {
                    self.reader.at += 1;
                }
                if self.reader.peek() != Some(self.end) {
                    return Ok(true);
                }
                self.reader.at += 1;
                self.header.count = Some(0);
                Ok(false)
            }
        }
    }

    fn value<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Problem> {
        let marker = match self.header.marker {
            Some(marker) => marker,
            None => self.reader.marker()?,
        };
        seed.deserialize(Marked { reader: &mut *self.reader, marker })
    }

    /// Refuses what nobody asked for.
    fn finish(mut self) -> Result<(), Problem> {
        self.reader.depth -= 1;
        if self.more()? { Err(Problem::new("a container has more items than expected")) } else { Ok(()) }
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        if self.more()? { self.value(seed).map(Some) } else { Ok(None) }
    }

    fn size_hint(&self) -> Option<usize> {
        self.header.count
    }
}

impl<'de> MapAccess<'de> for &mut Items<'_, 'de> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Problem> {
        if !self.more()? {
            return Ok(None);
        }
        let key = self.reader.text()?;
        seed.deserialize(de::value::BorrowedStrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Problem> {
        self.value(seed)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Value) {
        assert_eq!(from_slice::<Value>(bytes).unwrap(), expected);
    }

    #[track_caller]
    fn refused(bytes: &[u8], expected: &str) {
        let problem = from_slice::<Value>(bytes).unwrap_err().to_string();
        assert!(problem.contains(expected), "{problem}");
    }

    #[test]
    fn containers_come_plain_counted_and_typed() {
        check(b"[U\x01i\xffNI\x01\x00]", json!([1, -1, 256]));
        check(b"[#U\x02TF", json!([true, false]));
        check(b"[$l#U\x02\x00\x00\x00\x01\xff\xff\xff\xfe", json!([1, -2]));
        check(b"[$d#i\x01\x3f\x00\x00\x00", json!([0.5]));
        check(b"[D\x3f\xe0\x00\x00\x00\x00\x00\x00Z]", json!([0.5, null]));
        check(b"{U\x01aSU\x02bcU\x01d[]}", json!({"a": "bc", "d": []}));
        check(b"{#U\x01U\x01aCx", json!({"a": "x"}));
        check(b"{$U#U\x02U\x01a\x01U\x01b\x02", json!({"a": 1, "b": 2}));
        check(b"[$[#U\x02]T]", json!([[], [true]]));
    }

    #[test]
    fn counts_do_not_exceed_the_bytes() {
        refused(b"[$D#L\x00\x00\x00\x10\x00\x00\x00\x00", "68719476736 items of at least 8 bytes in 0 bytes");
        refused(b"[$Z#L\x00\x00\x00\x10\x00\x00\x00\x00", "a container of type Z");
        refused(b"[#i\xff", "-1 items");
        refused(b"SL\x7f\xff\xff\xff\xff\xff\xff\xff", "in 0 bytes");
        refused(b"[$U]", "a type without a count");
    }

    #[test]
    fn damage_is_named() {
        refused(b"", "the bytes end");
        refused(b"[", "the bytes end");
        refused(b"{U\x01a", "the bytes end before byte 4");
        refused(b"x", "no value begins with x");
        refused(b"TT", "1 bytes are left over before byte 1");
        refused(b"SU\x01\xff", "not UTF-8");
        refused(b"Sd", "a length has the type d");
        refused(&[b'['; 1000], "containers within each other");
    }
}
