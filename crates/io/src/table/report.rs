//! What reading a table decided.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Counted;

/// What a column became.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnDecision {
    /// A numeric feature.
    Numeric,
    /// A numeric feature: days since 1970-01-01.
    Date,
    /// A categorical feature.
    Categorical,
    /// No feature: dropped because asked for.
    DroppedAsAsked,
    /// No feature: the same value in every row, or none at all.
    DroppedConstant,
    /// No feature: a different text in every row.
    DroppedIdentifier,
    /// No feature: the model does not know it, and it was named as one that may be there.
    Ignored,
    /// The target.
    Target,
    /// The weight of the row.
    Weight,
    /// The group of the row.
    Group,
    /// The time of the row.
    Order,
}

/// What was decided about one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnReport {
    /// Its name.
    pub name: String,
    /// What it became.
    pub decision: ColumnDecision,
    /// Why, in words.
    pub words: String,
    /// Rows without a value.
    pub missing: u64,
    /// With a known schema: rows whose text is not among the levels, taken as missing.
    pub unseen_levels: Counted,
}

/// What reading a table decided. `Display` says it in lines of words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableReport {
    /// The file.
    pub file: String,
    /// Rows of data in the file.
    pub rows: u64,
    /// Rows in the data set.
    pub kept: u64,
    /// Rows equal to an earlier one in every column; kept unless `distinct` was asked for.
    pub duplicate_rows: Counted,
    /// Rows whose target is missing: kept, with NaN.
    pub without_target: Counted,
    /// Encoding and separator, in words.
    pub layout: String,
    /// The columns, in the order of the file.
    pub columns: Vec<ColumnReport>,
    /// Other decisions, in words.
    pub notes: Vec<String>,
}

impl fmt::Display for TableReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} rows, {} kept ({})", self.file, self.rows, self.kept, self.layout)?;
        if self.duplicate_rows.count > 0 {
            writeln!(f, "  exact duplicate rows: {}", self.duplicate_rows)?;
        }
        if self.without_target.count > 0 {
            writeln!(f, "  rows without a target: {}", self.without_target)?;
        }
        for column in &self.columns {
            write!(f, "  {}: {}", column.name, column.words)?;
            if column.missing > 0 {
                write!(f, "; {} missing", column.missing)?;
            }
            if column.unseen_levels.count > 0 {
                write!(f, "; values the model has not seen, taken as missing: {}", column.unseen_levels)?;
            }
            writeln!(f)?;
        }
        for note in &self.notes {
            writeln!(f, "  {note}")?;
        }
        Ok(())
    }
}
