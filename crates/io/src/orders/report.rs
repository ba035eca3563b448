//! What reading an order log decided and counted.

use std::fmt;

use serde::{Deserialize, Serialize};
use tenure_features::Timestamp;

use super::mapping::Role;
use crate::FileFormat;

/// How often something was met, and where first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// How many lines.
    pub count: u64,
    /// Up to three line numbers, the first met.
    pub examples: Vec<u64>,
}

impl Counted {
    pub(crate) fn add(&mut self, line: u64) {
        self.count += 1;
        if self.examples.len() < 3 {
            self.examples.push(line);
        }
    }

    pub(crate) fn merge(&mut self, later: &Self) {
        self.count += later.count;
        let room = 3 - self.examples.len().min(3);
        self.examples.extend(later.examples.iter().take(room));
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.count)?;
        if !self.examples.is_empty() {
            let lines: Vec<String> = self.examples.iter().map(u64::to_string).collect();
            write!(f, " (line{} {})", if lines.len() == 1 { "" } else { "s" }, lines.join(", "))?;
        }
        Ok(())
    }
}

/// The column taken for a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleChoice {
    /// What it holds.
    pub role: Role,
    /// Name of the column; its number where the file has no header.
    pub column: String,
    /// Why it was taken, in words.
    pub reason: String,
}

/// What reading an order log decided and counted. `Display` says it in lines of words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderReadReport {
    /// The file.
    pub file: String,
    /// Its format.
    pub format: FileFormat,
    /// Whether it was gzipped.
    pub gzip: bool,
    /// Encoding of its text; empty for Parquet.
    pub encoding: String,
    /// What separates its fields, in words; empty for JSONL and Parquet.
    pub separator: String,
    /// Whether its first line holds column names.
    pub header: bool,
    /// The columns taken.
    pub columns: Vec<RoleChoice>,
    /// The columns not read.
    pub unused_columns: Vec<String>,
    /// How its dates are written.
    pub time_format: String,
    /// How its numbers are written.
    pub number_format: String,
    /// Currency written in the amounts, where one is.
    pub currency: Option<String>,
    /// Lines of data (the header and blank lines are not among them).
    pub lines: u64,
    /// Blank lines, passed over.
    pub blank_lines: u64,
    /// Lines in the log: `lines` without those skipped.
    pub kept: u64,
    /// Different customers.
    pub customers: u64,
    /// Different orders: order numbers, or pairs of customer and instant where there is no such column.
    pub orders: u64,
    /// Lines without a customer: skipped.
    pub without_customer: Counted,
    /// Lines with a blank amount (or quantity or price): skipped.
    pub without_amount: Counted,
    /// Lines whose amount is not finite (NaN or infinity): skipped.
    pub non_finite_amounts: Counted,
    /// Lines that could not be read: skipped, only where asked for.
    pub bad_lines: Counted,
    /// What was wrong with the first of them.
    pub first_bad_line: Option<String>,
    /// Lines with a negative amount (returns and cancellations): kept.
    pub negative_lines: Counted,
    /// Lines with the amount 0: kept.
    pub zero_lines: Counted,
    /// Lines equal to an earlier one in every byte (Parquet: in every column read): kept.
    pub duplicate_lines: Counted,
    /// Instant of the first line kept.
    pub first: Timestamp,
    /// Instant of the last.
    pub last: Timestamp,
    /// Sum of the amounts kept.
    pub amount_sum: f64,
    /// Other decisions, in words.
    pub notes: Vec<String>,
}

impl fmt::Display for OrderReadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} lines, {} customers, {} orders, {} to {}",
            self.file, self.lines, self.customers, self.orders, self.first, self.last
        )?;
        let layout: Vec<&str> =
            [self.encoding.as_str(), self.separator.as_str(), self.number_format.as_str()]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect();
        if !layout.is_empty() {
            writeln!(f, "  read as {}; dates {}", layout.join(", "), self.time_format)?;
        }
        for choice in &self.columns {
            writeln!(f, "  {}: column `{}` ({})", choice.role.name(), choice.column, choice.reason)?;
        }
        let counts = [
            ("without customer, skipped", &self.without_customer),
            ("without amount, skipped", &self.without_amount),
            ("with an amount that is not finite, skipped", &self.non_finite_amounts),
            ("not readable, skipped", &self.bad_lines),
            ("negative (returns and cancellations), kept", &self.negative_lines),
            ("with amount 0, kept", &self.zero_lines),
            ("exact duplicates of an earlier line, kept", &self.duplicate_lines),
        ];
        for (words, counted) in counts {
            if counted.count > 0 {
                writeln!(f, "  lines {words}: {counted}")?;
            }
        }
        for note in &self.notes {
            writeln!(f, "  {note}")?;
        }
        Ok(())
    }
}
