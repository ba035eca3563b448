//! What reading customers of a marketplace decided and counted.

use std::fmt;

use serde::{Deserialize, Serialize};
use tenure_features::marketplace::Profile;

use crate::Counted;

/// What was read. `Display` says it in lines of words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketplaceReadReport {
    /// The file.
    pub file: String,
    /// Encoding and separator, in words.
    pub layout: String,
    /// The profile asked for.
    pub profile: Profile,
    /// Rows of data in the file.
    pub rows: u64,
    /// Customers made of them.
    pub customers: u64,
    /// Columns that are neither id, segment, feature nor label.
    pub ignored_columns: Vec<String>,
    /// Targets that have no column: not known, of every customer.
    pub absent_labels: Vec<String>,
    /// Values of features that are not known.
    pub missing_values: u64,
    /// Rows whose id an earlier row has; kept.
    pub repeated_ids: Counted,
    /// Lines with a value that cannot be read, left out as asked for.
    pub bad_lines: Counted,
    /// What is wrong with the first of them.
    pub first_bad_line: Option<String>,
}

impl fmt::Display for MarketplaceReadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} rows, {} customers ({})", self.file, self.rows, self.customers, self.layout)?;
        if !self.ignored_columns.is_empty() {
            writeln!(f, "  columns passed over: {}", self.ignored_columns.join(", "))?;
        }
        if !self.absent_labels.is_empty() {
            writeln!(f, "  targets without a column: {}", self.absent_labels.join(", "))?;
        }
        if self.missing_values > 0 {
            writeln!(f, "  missing values of features: {}", self.missing_values)?;
        }
        if self.repeated_ids.count > 0 {
            writeln!(f, "  rows with the id of an earlier one, kept: {}", self.repeated_ids)?;
        }
        if let Some(first) = &self.first_bad_line {
            writeln!(f, "  lines that cannot be read: {}; the first: {first}", self.bad_lines)?;
        }
        Ok(())
    }
}
