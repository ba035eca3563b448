//! What reading the files of contacts decided and counted.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Counted;

/// What was read of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactFileReport {
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

/// What was read of the files of contacts. `Display` says it in lines of words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactReadReport {
    /// The files that were there: contacts, conversations, messages, leads, purchases.
    pub files: Vec<ContactFileReport>,
    /// Those that were not (`leads`, `purchases`): no such record is taken to exist.
    #[serde(default)]
    pub absent_files: Vec<String>,
}

impl fmt::Display for ContactReadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            writeln!(f, "{}: {} rows, {} kept ({})", file.file, file.rows, file.records, file.layout)?;
            if !file.ignored_columns.is_empty() {
                writeln!(f, "  columns passed over: {}", file.ignored_columns.join(", "))?;
            }
            if !file.absent_columns.is_empty() {
                writeln!(f, "  columns that are not there: {}", file.absent_columns.join(", "))?;
            }
            if let Some(first) = &file.first_bad_line {
                writeln!(f, "  lines that cannot be read: {}; the first: {first}", file.bad_lines)?;
            }
        }
        for name in &self.absent_files {
            writeln!(f, "no file of {name}: the records are taken to have none")?;
        }
        Ok(())
    }
}
