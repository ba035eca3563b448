//! A log from memory, one line at a time.

use std::collections::HashMap;
use std::sync::Arc;

use super::build;
use crate::columns::{CodedColumn, NO_CODE};
use crate::{OrderColumns, OrderLog, Result, Timestamp};

/// One line of an order, or a whole order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrderLine<'a> {
    /// Id of the customer.
    pub customer: &'a str,
    /// When.
    pub time: Timestamp,
    /// Money; below 0 for a return.
    pub amount: f64,
    /// Pieces.
    pub quantity: Option<f64>,
    /// Money taken off, at least 0.
    pub discount: Option<f64>,
    /// Id of the order.
    pub order: Option<&'a str>,
    /// Product category.
    pub category: Option<&'a str>,
    /// Sales channel.
    pub channel: Option<&'a str>,
    /// When the line was known to be returned.
    pub returned_at: Option<Timestamp>,
}

impl<'a> OrderLine<'a> {
    /// A line of which no more is known.
    #[must_use]
    pub const fn new(customer: &'a str, time: Timestamp, amount: f64) -> Self {
        Self {
            customer,
            time,
            amount,
            quantity: None,
            discount: None,
            order: None,
            category: None,
            channel: None,
            returned_at: None,
        }
    }
}

/// Collects lines in any order and makes an [`OrderLog`] of them.
#[derive(Debug, Default)]
pub struct OrderLogBuilder {
    customer: Interned,
    time: Vec<i64>,
    amount: Vec<f64>,
    quantity: Sparse<f64>,
    discount: Sparse<f64>,
    order: Interned,
    category: Interned,
    channel: Interned,
    returned_at: Sparse<i64>,
    records_returns: bool,
}

impl OrderLogBuilder {
    /// No lines yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares that returns are recorded, so that a log without any means that nobody returned anything.
    ///
    /// Without it, the return rate is missing at every instant before the first return of anybody.
    #[must_use]
    pub fn recording_returns(mut self) -> Self {
        self.records_returns = true;
        self
    }

    /// Adds a line.
    pub fn push(&mut self, line: OrderLine<'_>) {
        let row = self.time.len();
        self.time.push(line.time.seconds());
        self.amount.push(line.amount);
        self.customer.push(row, Some(line.customer));
        self.quantity.push(row, line.quantity, f64::NAN);
        self.discount.push(row, line.discount, f64::NAN);
        self.order.push(row, line.order);
        self.category.push(row, line.category);
        self.channel.push(row, line.channel);
        self.returned_at.push(row, line.returned_at.map(Timestamp::seconds), i64::MAX);
    }

    /// Number of lines so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Whether there is no line yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.time.is_empty()
    }

    /// Sorts the lines and sums them up to orders.
    ///
    /// # Errors
    /// As [`OrderLog::from_columns`].
    pub fn build(self) -> Result<OrderLog> {
        let rows = self.time.len();
        let columns = OrderColumns {
            customer: self.customer.column(rows).unwrap_or_default(),
            time: self.time,
            amount: self.amount,
            quantity: self.quantity.column(rows, f64::NAN),
            discount: self.discount.column(rows, f64::NAN),
            order: self.order.column(rows).map(|c| c.codes),
            category: self.category.column(rows),
            channel: self.channel.column(rows),
            returned_at: self.returned_at.column(rows, i64::MAX),
        };
        build::build(columns, self.records_returns)
    }
}

/// A column that exists once a line has a value in it.
#[derive(Debug, Default)]
struct Sparse<T>(Vec<T>);

impl<T: Copy> Sparse<T> {
    fn push(&mut self, row: usize, value: Option<T>, missing: T) {
        if let Some(value) = value {
            self.0.resize(row, missing);
            self.0.push(value);
        }
    }

    fn column(mut self, rows: usize, missing: T) -> Option<Vec<T>> {
        if self.0.is_empty() {
            return None;
        }
        self.0.resize(rows, missing);
        Some(self.0)
    }
}

/// A [`Sparse`] column of texts, each text stored once.
#[derive(Debug, Default)]
struct Interned {
    codes: Sparse<u32>,
    names: Vec<String>,
    index: HashMap<String, u32>,
}

impl Interned {
    fn push(&mut self, row: usize, text: Option<&str>) {
        let Some(text) = text else { return };
        let code = match self.index.get(text) {
            Some(&code) => code,
            None => {
                let code = self.names.len() as u32;
                self.names.push(text.to_owned());
                self.index.insert(text.to_owned(), code);
                code
            }
        };
        self.codes.push(row, Some(code), NO_CODE);
    }

    fn column(self, rows: usize) -> Option<CodedColumn> {
        let codes = self.codes.column(rows, NO_CODE)?;
        Some(CodedColumn { codes, names: Arc::new(self.names) })
    }
}
