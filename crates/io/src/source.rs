//! Opening a file: its format by name, gzip by name or by its first bytes, UTF-16 to UTF-8.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};

use crate::text::encoding::Utf16Reader;
use crate::{Error, Result};

/// What a file is, told by its name: `.csv`, `.txt`, `.tsv`, `.jsonl`, `.ndjson`, `.parquet`; text also with
/// `.gz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// Lines of separated fields.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
}

impl FileFormat {
    /// The format that a file name stands for, and whether it is gzipped.
    ///
    /// # Errors
    /// [`Error::Format`] for any other ending.
    pub fn of(path: &Path) -> Result<(Self, bool)> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let (stem, gzip) = match name.strip_suffix(".gz") {
            Some(stem) => (stem, true),
            None => (name.as_str(), false),
        };
        let format = match stem.rsplit('.').next() {
            Some("csv" | "txt" | "tsv") => Self::Csv,
            Some("jsonl" | "ndjson") => Self::Jsonl,
            Some("parquet") if !gzip => Self::Parquet,
            _ => {
                let expected = "unknown file type; expected .csv, .txt, .tsv, .jsonl, .ndjson (each also with \
                                .gz) or .parquet";
                return Err(Error::format(path, expected));
            }
        };
        Ok((format, gzip))
    }
}

/// A text file, opened: bytes as UTF-8 or in an 8-bit encoding, without byte-order mark.
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) reader: Box<dyn Read + Send>,
    /// Bytes of the file itself, compressed or not.
    pub(crate) read_bytes: Arc<AtomicU64>,
    pub(crate) total_bytes: u64,
    pub(crate) gzip: bool,
    /// The encoding that a byte-order mark told.
    pub(crate) mark: Option<&'static str>,
}

struct CountingReader {
    file: File,
    bytes: Arc<AtomicU64>,
}

impl Read for CountingReader {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.file.read(buf)?;
        self.bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Opens a text file.
pub(crate) fn open(path: &Path) -> Result<Source> {
    let file = File::open(path).map_err(Error::io(path, "opening"))?;
    let meta = file.metadata().map_err(Error::io(path, "opening"))?;
    if meta.is_dir() {
        return Err(Error::format(path, "is a folder; expected a file"));
    }
    let read_bytes = Arc::new(AtomicU64::new(0));
    let mut raw: Box<dyn Read + Send> = Box::new(CountingReader { file, bytes: Arc::clone(&read_bytes) });
    let head = peek(&mut raw, path)?;
    let gzip = head.starts_with(&[0x1f, 0x8b]);
    let mut reader: Box<dyn Read + Send> = Box::new(Cursor::new(head).chain(raw));
    if gzip {
        reader = Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 18, reader)));
    }
    let mut head = peek(&mut reader, path)?;
    let mark = match head.as_slice() {
        [0xef, 0xbb, 0xbf, ..] => {
            head.drain(..3);
            Some("UTF-8 with byte-order mark")
        }
        [0xff, 0xfe, ..] => Some("UTF-16 (little-endian)"),
        [0xfe, 0xff, ..] => Some("UTF-16 (big-endian)"),
        [b'P', b'A', b'R', b'1', ..] => {
            return Err(Error::format(path, "is a Parquet file; rename it to end in .parquet"));
        }
        [b'P', b'K', 3, 4, ..] => {
            return Err(Error::format(path, "is a zip archive or an Excel workbook; export it as CSV"));
        }
        head if head.contains(&0) => {
            let problem =
                "holds zero bytes: it is binary, or UTF-16 without a byte-order mark; save it as UTF-8";
            return Err(Error::format(path, problem));
        }
        _ => None,
    };
    let little = head.starts_with(&[0xff, 0xfe]);
    let joined = Cursor::new(head).chain(reader);
    let reader: Box<dyn Read + Send> = match mark {
        Some(mark) if mark.starts_with("UTF-16") => Box::new(Utf16Reader::new(joined, little)),
        _ => Box::new(joined),
    };
    Ok(Source { path: path.to_owned(), reader, read_bytes, total_bytes: meta.len(), gzip, mark })
}

/// The first bytes, at most a few.
fn peek(reader: &mut dyn Read, path: &Path) -> Result<Vec<u8>> {
    let mut head = Vec::with_capacity(64);
    reader.take(64).read_to_end(&mut head).map_err(Error::io(path, "reading"))?;
    Ok(head)
}
