//! UTF-16 to UTF-8 while reading, and windows-1252 field by field where UTF-8 does not fit.

use std::borrow::Cow;
use std::io::Read;

use encoding_rs::{Decoder, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Decodes UTF-16 with a byte-order mark; what is malformed becomes U+FFFD.
pub(crate) struct Utf16Reader<R> {
    inner: R,
    decoder: Decoder,
    pending: Vec<u8>,
    decoded: Vec<u8>,
    at: usize,
    done: bool,
}

impl<R: Read> Utf16Reader<R> {
    pub(crate) fn new(inner: R, little_endian: bool) -> Self {
        let encoding = if little_endian { UTF_16LE } else { UTF_16BE };
        let decoder = encoding.new_decoder_with_bom_removal();
        Self { inner, decoder, pending: vec![0; 1 << 16], decoded: Vec::new(), at: 0, done: false }
    }
}

impl<R: Read> Read for Utf16Reader<R> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        while self.at == self.decoded.len() && !self.done {
            let n = self.inner.read(&mut self.pending)?;
            self.done = n == 0;
            let room = self.decoder.max_utf8_buffer_length(n).unwrap_or(4 * n + 16);
            self.decoded.resize(room, 0);
            let (_, _, written, _) =
                self.decoder.decode_to_utf8(&self.pending[..n], &mut self.decoded, self.done);
            self.decoded.truncate(written);
            self.at = 0;
        }
        let n = buf.len().min(self.decoded.len() - self.at);
        buf[..n].copy_from_slice(&self.decoded[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

/// A field as text, and whether it had to be taken as windows-1252 (Latin-1).
pub(crate) fn decode(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), false),
        Err(_) => (WINDOWS_1252.decode_without_bom_handling(bytes).0, true),
    }
}
