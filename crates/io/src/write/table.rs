//! Named columns to CSV or JSON lines.

use std::path::Path;

use super::{TextTarget, push_csv, push_json};
use crate::cell::push_number;
use crate::text::calendar::push_iso;
use crate::{Error, FileFormat, Result};

/// The values of one column of a batch.
#[derive(Debug, Clone, Copy)]
pub enum ColumnValues<'a> {
    /// Numbers, written so that they read back bit for bit; NaN is written as nothing (null).
    Numbers(&'a [f64]),
    /// Whole numbers.
    Integers(&'a [i64]),
    /// Texts; the empty text is written as nothing.
    Texts(&'a [String]),
    /// Yes and no, written as true and false.
    Flags(&'a [bool]),
    /// Instants in seconds since 1970, written as `2024-03-01T12:30:00Z`; `i64::MAX` is written as nothing.
    Instants(&'a [i64]),
}

impl ColumnValues<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Numbers(v) => v.len(),
            Self::Integers(v) | Self::Instants(v) => v.len(),
            Self::Texts(v) => v.len(),
            Self::Flags(v) => v.len(),
        }
    }

    fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::Numbers(v) => !v[row].is_finite(),
            Self::Texts(v) => v[row].is_empty(),
            Self::Instants(v) => v[row] == i64::MAX,
            _ => false,
        }
    }

    fn push(&self, row: usize, json: bool, out: &mut Vec<u8>) {
        match self {
            Self::Numbers(v) => push_number(out, v[row]),
            Self::Integers(v) => out.extend_from_slice(itoa::Buffer::new().format(v[row]).as_bytes()),
            Self::Texts(v) if json => push_json(out, &v[row]),
            Self::Texts(v) => push_csv(out, &v[row]),
            Self::Flags(v) => out.extend_from_slice(if v[row] { b"true" } else { b"false" }),
            Self::Instants(v) if json => {
                out.push(b'"');
                push_iso(out, v[row]);
                out.push(b'"');
            }
            Self::Instants(v) => push_iso(out, v[row]),
        }
    }
}

/// Writes named columns, batch by batch, to `.csv`, `.jsonl` or `.ndjson` (each also with `.gz`). The file
/// appears with [`TableWriter::finish`]; dropped before, it leaves nothing.
pub struct TableWriter {
    target: TextTarget,
    names: Vec<String>,
    keys: Vec<Vec<u8>>,
    json: bool,
}

impl TableWriter {
    /// Starts a file.
    ///
    /// # Errors
    /// [`Error::Format`] for another kind of file, [`Error::Io`].
    pub fn create<S: AsRef<str>>(path: &Path, names: &[S]) -> Result<Self> {
        let (format, gzip) = FileFormat::of(path)?;
        if format == FileFormat::Parquet {
            return Err(Error::format(path, "tables are written as .csv or .jsonl (each also with .gz)"));
        }
        let json = format == FileFormat::Jsonl;
        let names: Vec<String> = names.iter().map(|n| n.as_ref().to_owned()).collect();
        let mut target = TextTarget::create(path, gzip)?;
        if !json {
            let mut header = Vec::new();
            for (i, name) in names.iter().enumerate() {
                if i > 0 {
                    header.push(b',');
                }
                push_csv(&mut header, name);
            }
            header.push(b'\n');
            target.write(&header)?;
        }
        let key = |name: &String| {
            let mut key = Vec::new();
            push_json(&mut key, name);
            key.push(b':');
            key
        };
        let keys = names.iter().map(key).collect();
        Ok(Self { target, names, keys, json })
    }

    /// Appends rows; one entry a column, all of the same length.
    ///
    /// # Errors
    /// [`tenure_core::Error::Shape`] for another number of columns or differing lengths; [`Error::Io`].
    pub fn write(&mut self, columns: &[ColumnValues<'_>]) -> Result<()> {
        let shape = |what, expected, found| Err(tenure_core::Error::Shape { what, expected, found }.into());
        if columns.len() != self.names.len() {
            return shape("columns to write", self.names.len(), columns.len());
        }
        let rows = columns.first().map_or(0, ColumnValues::len);
        if let Some(other) = columns.iter().find(|c| c.len() != rows) {
            return shape("values in a column to write", rows, other.len());
        }
        let Self { target, keys, json, .. } = self;
        target.write_rows(rows, |row, out| {
            if *json { json_row(keys, columns, row, out) } else { csv_row(columns, row, out) }
        })
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(self) -> Result<()> {
        self.target.finish()
    }
}

fn csv_row(columns: &[ColumnValues<'_>], row: usize, out: &mut Vec<u8>) {
    for (i, column) in columns.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        if !column.is_missing(row) {
            column.push(row, false, out);
        } else if columns.len() == 1 {
            // A line with nothing on it would be passed over as blank.
            out.extend_from_slice(b"\"\"");
        }
    }
    out.push(b'\n');
}

fn json_row(keys: &[Vec<u8>], columns: &[ColumnValues<'_>], row: usize, out: &mut Vec<u8>) {
    out.push(b'{');
    for (i, (key, column)) in keys.iter().zip(columns).enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.extend_from_slice(key);
        if column.is_missing(row) {
            out.extend_from_slice(b"null");
        } else {
            column.push(row, true, out);
        }
    }
    out.extend_from_slice(b"}\n");
}
