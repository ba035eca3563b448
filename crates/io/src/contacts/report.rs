//! What reading the files of contacts decided and counted.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::RecordFileReport;

/// What was read of the files of contacts. `Display` says it in lines of words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactReadReport {
    /// The files that were there: contacts, conversations, messages, leads, purchases.
    pub files: Vec<RecordFileReport>,
    /// Those that were not (`leads`, `purchases`): no such record is taken to exist.
    #[serde(default)]
    pub absent_files: Vec<String>,
}

impl fmt::Display for ContactReadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            write!(f, "{file}")?;
        }
        for name in &self.absent_files {
            writeln!(f, "no file of {name}: the records are taken to have none")?;
        }
        Ok(())
    }
}
