//! Orders as columns: what files, generators and applications hand to the event log.

use std::sync::Arc;

/// Stands for "not known" in every coded column.
pub const NO_CODE: u32 = u32::MAX;

/// A text column as codes into a list of names; [`NO_CODE`] is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodedColumn {
    /// One code a row.
    pub codes: Vec<u32>,
    /// The names, by code.
    pub names: Arc<Vec<String>>,
}

/// Order lines as columns, in any order; every column present has one value a row.
///
/// One row is one line of an order, or a whole order where the log has no lines.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OrderColumns {
    /// Who ordered. No code may be [`NO_CODE`]: a line without a customer does not enter the log.
    pub customer: CodedColumn,
    /// When, in seconds since 1970-01-01 UTC.
    pub time: Vec<i64>,
    /// Money of the line, in the log's one currency. A negative line is a return or a cancellation; 0 is
    /// neither a purchase nor a return. Finite.
    pub amount: Vec<f64>,
    /// Pieces; negative on returns. NaN where not known.
    pub quantity: Option<Vec<f64>>,
    /// Money taken off, at least 0. NaN where not known.
    pub discount: Option<Vec<f64>>,
    /// Lines with the same code and customer belong to one order. Without this column, the lines of one
    /// customer at one instant are one order.
    pub order: Option<Vec<u32>>,
    /// Product category.
    pub category: Option<CodedColumn>,
    /// Sales channel.
    pub channel: Option<CodedColumn>,
    /// When the line was known to be returned, in seconds since 1970-01-01 UTC; `i64::MAX` where it never
    /// was. Logs that write returns as negative lines do not need it.
    pub returned_at: Option<Vec<i64>>,
}

impl OrderColumns {
    /// Number of lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Whether there is no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.time.is_empty()
    }
}
