//! Named columns to CSV, JSON lines or Parquet.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMillisecondArray};
use arrow_schema::{DataType, Field, Schema};

use super::parquet::{ParquetTarget, ROWS, instant};
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

    fn kind(&self) -> DataType {
        match self {
            Self::Numbers(_) => DataType::Float64,
            Self::Integers(_) => DataType::Int64,
            Self::Texts(_) => DataType::Utf8,
            Self::Flags(_) => DataType::Boolean,
            Self::Instants(_) => instant(),
        }
    }

    fn array(&self, rows: std::ops::Range<usize>) -> ArrayRef {
        let known = |row: &usize| !self.is_missing(*row);
        match self {
            Self::Numbers(v) => {
                Arc::new(Float64Array::from_iter(rows.map(|row| Some(row).filter(known).map(|row| v[row]))))
            }
            Self::Integers(v) => Arc::new(Int64Array::from_iter_values(v[rows].iter().copied())),
            Self::Texts(v) => {
                let text = |row| Some(row).filter(known).map(|row: usize| v[row].as_str());
                Arc::new(StringArray::from_iter(rows.map(text)))
            }
            Self::Flags(v) => Arc::new(BooleanArray::from(v[rows].to_vec())),
            Self::Instants(v) => {
                let millis = |row| Some(row).filter(known).map(|row: usize| v[row].saturating_mul(1000));
                Arc::new(TimestampMillisecondArray::from_iter(rows.map(millis)).with_timezone("UTC"))
            }
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

/// Writes named columns, batch by batch, to `.csv`, `.jsonl` or `.ndjson` (each also with `.gz`), or to `.parquet`.
/// The file appears with [`TableWriter::finish`]; dropped before, it leaves nothing.
pub struct TableWriter {
    path: PathBuf,
    names: Vec<String>,
    sink: Sink,
}

enum Sink {
    Csv(TextTarget),
    /// With the key of each column as it is written.
    Json(TextTarget, Vec<Vec<u8>>),
    /// Once the first batch has told the types of the columns.
    Parquet(Option<ParquetTarget>),
}

impl TableWriter {
    /// Starts a file.
    ///
    /// # Errors
    /// [`Error::Format`] for another kind of file, [`Error::Io`].
    pub fn create<S: AsRef<str>>(path: &Path, names: &[S]) -> Result<Self> {
        let (format, gzip) = FileFormat::of(path)?;
        let names: Vec<String> = names.iter().map(|n| n.as_ref().to_owned()).collect();
        let sink = match format {
            FileFormat::Parquet => Sink::Parquet(None),
            FileFormat::Jsonl => {
                Sink::Json(TextTarget::create(path, gzip)?, names.iter().map(|n| key(n)).collect())
            }
            FileFormat::Csv => {
                let mut target = TextTarget::create(path, gzip)?;
                target.write(&header(&names))?;
                Sink::Csv(target)
            }
        };
        Ok(Self { path: path.to_owned(), names, sink })
    }

    /// Appends rows; one entry a column, all of the same length, of the same kinds in every batch.
    ///
    /// # Errors
    /// [`tenure_core::Error::Shape`] for another number of columns or differing lengths; [`Error::Format`] where
    /// Parquet refuses; [`Error::Io`].
    pub fn write(&mut self, columns: &[ColumnValues<'_>]) -> Result<()> {
        let shape = |what, expected, found| Err(tenure_core::Error::Shape { what, expected, found }.into());
        if columns.len() != self.names.len() {
            return shape("columns to write", self.names.len(), columns.len());
        }
        let rows = columns.first().map_or(0, ColumnValues::len);
        if let Some(other) = columns.iter().find(|c| c.len() != rows) {
            return shape("values in a column to write", rows, other.len());
        }
        match &mut self.sink {
            Sink::Csv(target) => target.write_rows(rows, |row, out| csv_row(columns, row, out)),
            Sink::Json(target, keys) => target.write_rows(rows, |row, out| json_row(keys, columns, row, out)),
            Sink::Parquet(started) => {
                let target = match started {
                    Some(target) => target,
                    None => started.insert(ParquetTarget::create(&self.path, schema(&self.names, columns))?),
                };
                for from in (0..rows).step_by(ROWS) {
                    target.write(columns.iter().map(|c| c.array(from..rows.min(from + ROWS))).collect())?;
                }
                Ok(())
            }
        }
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] for Parquet without a batch, whose types are not known.
    pub fn finish(self) -> Result<()> {
        match self.sink {
            Sink::Csv(target) | Sink::Json(target, _) => target.finish(),
            Sink::Parquet(Some(target)) => target.finish(),
            Sink::Parquet(None) => Err(Error::format(&self.path, "not a batch was written")),
        }
    }
}

fn header(names: &[String]) -> Vec<u8> {
    let mut header = Vec::new();
    for (i, name) in names.iter().enumerate() {
        if i > 0 {
            header.push(b',');
        }
        push_csv(&mut header, name);
    }
    header.push(b'\n');
    header
}

fn key(name: &str) -> Vec<u8> {
    let mut key = Vec::new();
    push_json(&mut key, name);
    key.push(b':');
    key
}

fn schema(names: &[String], columns: &[ColumnValues<'_>]) -> Schema {
    let fields = names.iter().zip(columns).map(|(name, column)| Field::new(name, column.kind(), true));
    Schema::new(fields.collect::<Vec<_>>())
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
