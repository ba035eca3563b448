//! Text in blocks of whole records, and records into fields.
//!
//! A file is read in blocks that end where a record ends, so that blocks can be parsed in parallel. Lines
//! without a quote are split at the separator directly; lines with one go through `csv-core` (RFC 4180: a
//! quote opens a field only at its start, two quotes inside stand for one).

use std::io::Read;
use std::path::Path;

use memchr::{memchr, memchr_iter, memchr2_iter, memrchr};

use super::separator::Separator;
use crate::source::Source;
use crate::{Error, Result};

/// Bytes of a block: small enough that a few of them fit the cache's last level, large enough that merging
/// its names costs little.
const BLOCK: usize = 4 << 20;
/// A record longer than this is taken for a quote that was never closed.
const LONGEST_RECORD: usize = 64 << 20;

/// Whole records.
pub(crate) struct Block {
    pub(crate) bytes: Vec<u8>,
    /// Number of its first line, from 1.
    pub(crate) first_line: u64,
}

/// Hands out the blocks of a file.
pub(crate) struct Blocks {
    pub(crate) source: Source,
    /// Separator after which a quote opens a field; `None` where quotes mean nothing.
    quoting: Option<u8>,
    carry: Vec<u8>,
    line: u64,
    ended: bool,
}

impl Blocks {
    pub(crate) fn new(source: Source) -> Self {
        Self { source, quoting: None, carry: Vec::new(), line: 1, ended: false }
    }

    /// The first bytes, for deciding how to read the rest; they are handed out again.
    pub(crate) fn head(&mut self) -> Result<&[u8]> {
        while self.carry.len() < (1 << 20) && !self.ended {
            self.fill(1 << 20)?;
        }
        Ok(&self.carry)
    }

    /// From here on, fields may be quoted.
    pub(crate) fn set_quoting(&mut self, separator: Separator) {
        self.quoting = match separator {
            Separator::Byte(byte) => Some(byte),
            Separator::Blanks => None,
        };
    }

    fn fill(&mut self, more: usize) -> Result<()> {
        let before = self.carry.len();
        self.carry.reserve(more);
        (&mut self.source.reader)
            .take(more as u64)
            .read_to_end(&mut self.carry)
            .map_err(Error::io(&self.source.path, "reading"))?;
        self.ended |= self.carry.len() - before < more;
        Ok(())
    }

    /// The next block, `None` at the end.
    pub(crate) fn next_block(&mut self) -> Result<Option<Block>> {
        loop {
            if !self.ended && self.carry.len() < BLOCK {
                self.fill(BLOCK - self.carry.len())?;
            }
            if self.carry.is_empty() {
                return Ok(None);
            }
            let (end, open_quote) = self.last_end();
            let end = match end {
                _ if self.ended && open_quote.is_none() => self.carry.len(),
                Some(end) => end,
                None if !self.ended && self.carry.len() < LONGEST_RECORD => {
                    let more = self.carry.len();
                    self.fill(more)?;
                    continue;
                }
                None => {
                    let at = open_quote.unwrap_or(0);
                    let line = self.line + memchr_iter(b'\n', &self.carry[..at]).count() as u64;
                    let problem = if open_quote.is_some() {
                        "a quote opens a field here and is never closed"
                    } else {
                        "the line is longer than 64 MiB"
                    };
                    return Err(Error::line(&self.source.path, line, problem));
                }
            };
            let mut rest = Vec::with_capacity(BLOCK + (1 << 16));
            rest.extend_from_slice(&self.carry[end..]);
            let mut bytes = std::mem::replace(&mut self.carry, rest);
            bytes.truncate(end);
            let first_line = self.line;
            self.line += memchr_iter(b'\n', &bytes).count() as u64;
            return Ok(Some(Block { bytes, first_line }));
        }
    }

    /// Where the last whole record ends, and where a quoted field is left open.
    fn last_end(&self) -> (Option<usize>, Option<usize>) {
        let bytes = &self.carry;
        let plain = || memrchr(b'\n', bytes).map(|at| at + 1);
        let Some(separator) = self.quoting else { return (plain(), None) };
        if memchr(b'"', bytes).is_none() {
            return (plain(), None);
        }
        let (mut end, mut open, mut skip_to) = (None, None, 0);
        for at in memchr2_iter(b'"', b'\n', bytes) {
            if at < skip_to {
                continue;
            }
            match (bytes[at], open) {
                (b'\n', None) => end = Some(at + 1),
                (b'"', None) if at == 0 || bytes[at - 1] == separator || bytes[at - 1] == b'\n' => {
                    open = Some(at);
                }
                (b'"', Some(_)) if bytes.get(at + 1) == Some(&b'"') => skip_to = at + 2,
                (b'"', Some(_)) => {
                    open = None;
                    // What follows a closing quote belongs to the field: a quote there opens nothing.
                    skip_to = at + 1;
                }
                _ => {}
            }
        }
        (end, open)
    }
}

/// The records of one block, one after the other.
pub(crate) struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
    separator: Separator,
    has_quotes: bool,
    core: csv_core::Reader,
    scratch: Vec<u8>,
    ends: Vec<usize>,
    spans: Vec<(usize, usize)>,
    unquoted: bool,
    pub(crate) blank_lines: u64,
}

/// One record.
pub(crate) struct Record<'r> {
    /// Its first line.
    pub(crate) line: u64,
    /// Its bytes, without the line end.
    pub(crate) raw: &'r [u8],
    base: &'r [u8],
    spans: &'r [(usize, usize)],
}

impl<'r> Record<'r> {
    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    pub(crate) fn field(&self, column: usize) -> &'r [u8] {
        self.spans.get(column).map_or(b"", |&(from, to)| &self.base[from..to])
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &'r [u8]> + '_ {
        (0..self.len()).map(|column| self.field(column))
    }
}

impl<'a> Records<'a> {
    pub(crate) fn new(block: &'a Block, separator: Separator) -> Self {
        Self::of(&block.bytes, block.first_line, separator)
    }

    pub(crate) fn of(bytes: &'a [u8], line: u64, separator: Separator) -> Self {
        let byte = match separator {
            Separator::Byte(byte) => byte,
            Separator::Blanks => b' ',
        };
        let core = csv_core::ReaderBuilder::new()
            .delimiter(byte)
            .terminator(csv_core::Terminator::Any(b'\n'))
            .build();
        let has_quotes = separator != Separator::Blanks && memchr(b'"', bytes).is_some();
        Self {
            bytes,
            at: 0,
            line,
            separator,
            has_quotes,
            core,
            scratch: Vec::new(),
            ends: Vec::new(),
            spans: Vec::new(),
            unquoted: true,
            blank_lines: 0,
        }
    }

    /// The next record; blank lines are counted and passed over.
    pub(crate) fn next_record(&mut self) -> Option<Record<'_>> {
        loop {
            let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
            let newline = memchr(b'\n', rest);
            let text = without_return(&rest[..newline.unwrap_or(rest.len())]);
            if !text.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r'))
                || (self.separator == Separator::Byte(b'\t') && !text.is_empty())
            {
                let (from, line) = (self.at, self.line);
                let raw = if self.has_quotes && memchr(b'"', text).is_some() {
                    self.split_quoted()
                } else {
                    self.at += newline.map_or(rest.len(), |n| n + 1);
                    self.line += 1;
                    self.split_plain(from, text);
                    text
                };
                let base = if self.unquoted { self.bytes } else { &self.scratch };
                return Some(Record { line, raw, base, spans: &self.spans });
            }
            self.at += newline.map_or(rest.len(), |n| n + 1);
            self.line += 1;
            self.blank_lines += 1;
        }
    }

    fn split_plain(&mut self, from: usize, text: &[u8]) {
        self.unquoted = true;
        self.spans.clear();
        match self.separator {
            Separator::Byte(separator) => {
                let mut start = 0;
                for at in memchr_iter(separator, text) {
                    self.spans.push((from + start, from + at));
                    start = at + 1;
                }
                self.spans.push((from + start, from + text.len()));
            }
            Separator::Blanks => {
                let mut start = None;
                for (at, byte) in text.iter().enumerate() {
                    match (matches!(byte, b' ' | b'\t'), start) {
                        (false, None) => start = Some(at),
                        (true, Some(s)) => {
                            self.spans.push((from + s, from + at));
                            start = None;
                        }
                        _ => {}
                    }
                }
                if let Some(s) = start {
                    self.spans.push((from + s, from + text.len()));
                }
            }
        }
    }

    /// Splits the record at `self.at` by csv-core, steps over it and returns its bytes.
    fn split_quoted(&mut self) -> &'a [u8] {
        let from = self.at;
        let (mut written, mut fields) = (0, 0);
        self.core.reset();
        loop {
            self.scratch.resize(self.scratch.len().max(written + 1024), 0);
            self.ends.resize(self.ends.len().max(fields + 64), 0);
            let (result, read, out, ends) = self.core.read_record(
                &self.bytes[self.at..],
                &mut self.scratch[written..],
                &mut self.ends[fields..],
            );
            self.at += read;
            written += out;
            fields += ends;
            match result {
                csv_core::ReadRecordResult::Record | csv_core::ReadRecordResult::End => break,
                csv_core::ReadRecordResult::OutputFull => self.scratch.resize(2 * self.scratch.len(), 0),
                csv_core::ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                // At the end of the block, one more call with empty input closes the record.
                csv_core::ReadRecordResult::InputEmpty => {}
            }
        }
        let raw = &self.bytes[from..self.at];
        self.line += memchr_iter(b'\n', raw).count() as u64;
        self.unquoted = false;
        self.spans.clear();
        let mut start = 0;
        for &end in &self.ends[..fields] {
            self.spans.push((start, end));
            start = end;
        }
        if let Some((start, end)) = self.spans.last_mut()
            && *end > *start
            && self.scratch[*end - 1] == b'\r'
        {
            *end -= 1;
        }
        without_return(raw.strip_suffix(b"\n").unwrap_or(raw))
    }
}

fn without_return(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\r").unwrap_or(text)
}

/// Refuses what cannot be split into lines.
pub(crate) fn check_line_ends(path: &Path, head: &[u8]) -> Result<()> {
    if memchr(b'\n', head).is_none() && memchr_iter(b'\r', head).count() > 1 {
        let problem =
            "its lines end in bare carriage returns (old Macintosh); save it with LF or CRLF line ends";
        return Err(Error::format(path, problem));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, separator: Separator) -> Vec<(u64, Vec<String>)> {
        let mut records = Records::of(text.as_bytes(), 1, separator);
        let mut all = Vec::new();
        while let Some(record) = records.next_record() {
            let fields = record.fields().map(|f| String::from_utf8_lossy(f).into_owned()).collect();
            all.push((record.line, fields));
        }
        all
    }

    fn check(text: &str, separator: Separator, expected: &[(u64, &[&str])]) {
        let expected: Vec<(u64, Vec<String>)> =
            expected.iter().map(|(l, f)| (*l, f.iter().map(ToString::to_string).collect())).collect();
        assert_eq!(split(text, separator), expected);
    }

    #[test]
    fn fields_are_split_as_rfc_4180_says() {
        let comma = Separator::Byte(b',');
        check("a,b\r\n\r\n1,\n", comma, &[(1, &["a", "b"]), (3, &["1", ""])]);
        check("\"a,\"\"x\",\"b\nc\"\r\n1,2", comma, &[(1, &["a,\"x", "b\nc"]), (3, &["1", "2"])]);
        check("12\" LP,3\n", comma, &[(1, &["12\" LP", "3"])]);
        check("\"q\",\"\"\r\n", comma, &[(1, &["q", ""])]);
        check("  1  2 \t3 \r\n", Separator::Blanks, &[(1, &["1", "2", "3"])]);
        check("\t\n", Separator::Byte(b'\t'), &[(1, &["", ""])]);
    }
}
