//! What reading a file of records decided and counted.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Counted;

/// What was read of one file. `Display` says it in lines of words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordFileReport {
    /// The file.
    pub file: String,
    /// Encoding and separator, in words.
    pub layout: String,
    /// Rows of data in the file.
    pub rows: u64,
    /// Records made of them.
    pub records: u64,
    /// Columns that are no field of the record.
    pub ignored_columns: Vec<String>,
    /// Fields that have no column: not known, in every record.
    pub absent_columns: Vec<String>,
    /// Lines with a value that cannot be read, left out as asked for.
    pub bad_lines: Counted,
    /// What is wrong with the first of them.
    pub first_bad_line: Option<String>,
}

impl fmt::Display for RecordFileReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} rows, {} kept ({})", self.file, self.rows, self.records, self.layout)?;
        if !self.ignored_columns.is_empty() {
            writeln!(f, "  columns passed over: {}", self.ignored_columns.join(", "))?;
        }
        if !self.absent_columns.is_empty() {
            writeln!(f, "  columns that are not there: {}", self.absent_columns.join(", "))?;
        }
        if let Some(first) = &self.first_bad_line {
            writeln!(f, "  lines that cannot be read: {}; the first: {first}", self.bad_lines)?;
        }
        Ok(())
    }
}
