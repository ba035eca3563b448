//! As much of the encoding of protocol buffers (version 3) as events need.
//!
//! Fields are written in the order of the calls. Numbers that are zero are left out, as version 3 prescribes where a
//! field is not one of several alternatives ([`Message::float`] is only used for such).

/// A message under construction. `field` is the number that the message's definition gives a field.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

/// How the bytes of a field are to be read.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Bits64 = 1,
    Length = 2,
    Bits32 = 5,
}

impl Message {
    pub(super) fn encoded(&self) -> &[u8] {
        &self.0
    }

    /// An integer or an enumeration.
    pub(super) fn integer(&mut self, field: u64, value: u64) {
        if value != 0 {
            self.key(field, Wire::Varint);
            self.varint(value);
        }
    }

    pub(super) fn double(&mut self, field: u64, value: f64) {
        if value.to_bits() != 0 {
            self.key(field, Wire::Bits64);
            self.0.extend(value.to_le_bytes());
        }
    }

    /// A number that is written even if it is zero.
    pub(super) fn float(&mut self, field: u64, value: f32) {
        self.key(field, Wire::Bits32);
        self.0.extend(value.to_le_bytes());
    }

    /// Many numbers in one field.
    pub(super) fn doubles(&mut self, field: u64, values: &[f64]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        if !bytes.is_empty() {
            self.bytes(field, &bytes);
        }
    }

    /// Bytes or text.
    pub(super) fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.key(field, Wire::Length);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn message(&mut self, field: u64, message: &Self) {
        self.bytes(field, &message.0);
    }

    fn key(&mut self, field: u64, wire: Wire) {
        self.varint(field << 3 | wire as u64);
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}
