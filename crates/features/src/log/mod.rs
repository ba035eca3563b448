//! The event log: orders and returns of every customer, sorted, and closed.
//!
//! What is an order and what a return: see [`OrderLog`].

mod build;
mod builder;

use std::sync::Arc;

pub use builder::{OrderLine, OrderLogBuilder};

use crate::history::{Orders, Shard};
use crate::{AsOf, OrderColumns, Result, Timestamp};

/// Customers a shard: small enough to spread over threads, large enough to forget about.
const SHARD: usize = 1024;

/// A sorted, closed log of orders.
///
/// Lines are sorted by (customer id, time, order of input) and summed up to orders once, when the log is
/// made. A log says how much it holds and from when to when, but hands out no event: those are seen through
/// [`AsOf`](crate::AsOf) views alone.
///
/// * The lines of one customer with the same order code are one order; without a code, those of one instant.
/// * Lines above 0 make a purchase. Its time is that of the first of them.
/// * Lines below 0 are returns (or cancellations), at their own time: they never change an earlier order.
/// * A line with `returned_at` is a return from that instant on, and not before its own time.
/// * Lines of 0 (gifts, notes) count as lines of the log and nothing else.
///
/// # Example
/// ```
/// use tenure_features::{OrderLine, OrderLog, OrderLogBuilder};
///
/// let mut builder = OrderLogBuilder::new();
/// let at = |text: &str| text.parse::<tenure_features::Timestamp>();
/// builder.push(OrderLine::new("ann", at("2024-01-05")?, 20.0));
/// builder.push(OrderLine { channel: Some("web"), ..OrderLine::new("bob", at("2024-02-01")?, 5.0) });
/// let log: OrderLog = builder.build()?;
/// assert_eq!((log.customers(), log.orders()), (2, 2));
/// assert_eq!(log.customer_id(1), Some("bob"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct OrderLog {
    shards: Vec<Shard>,
    customers: Arc<Vec<String>>,
    pub(crate) facts: LogFacts,
    lines: usize,
    orders: usize,
    span: Option<(Timestamp, Timestamp)>,
}

/// What a view knows of the log beside its own customer's events.
#[derive(Debug, Default)]
pub(crate) struct LogFacts {
    pub(crate) categories: Arc<Vec<String>>,
    pub(crate) channels: Arc<Vec<String>>,
    /// The log was declared to record returns.
    pub(crate) records_returns: bool,
    /// The first return of anybody.
    pub(crate) first_return: Option<i64>,
    columns: LogColumns,
}

impl LogFacts {
    /// Whether at this instant one could tell that the log records returns: it was declared, or somebody's
    /// was already in it. A later return must not turn an earlier "not known" into "none".
    pub(crate) fn returns_known(&self, instant: i64) -> bool {
        self.records_returns || self.first_return.is_some_and(|first| first < instant)
    }
}

/// Which optional columns a log was made from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogColumns {
    /// Pieces.
    pub quantity: bool,
    /// Money taken off.
    pub discount: bool,
    /// Order codes.
    pub order: bool,
    /// Product categories.
    pub category: bool,
    /// Sales channels.
    pub channel: bool,
    /// When lines were returned.
    pub returned_at: bool,
}

impl OrderLog {
    /// Sorts order lines and sums them up to orders.
    ///
    /// # Errors
    /// Where columns differ in length, a line has no customer, an amount is not finite, a quantity or discount
    /// is infinite, a discount is below 0, a code has no name, or an instant is outside the years ±9999. The
    /// first such row of the first such column is named.
    pub fn from_columns(columns: OrderColumns) -> Result<Self> {
        let records_returns = columns.returned_at.is_some();
        build::build(columns, records_returns)
    }

    /// Number of lines, those of amount 0 included.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// Number of orders with at least one line above 0.
    #[must_use]
    pub fn orders(&self) -> usize {
        self.orders
    }

    /// Number of customers with at least one line.
    #[must_use]
    pub fn customers(&self) -> usize {
        self.customers.len()
    }

    /// Ids of the customers, sorted; the position is the customer's index.
    #[must_use]
    pub fn customer_ids(&self) -> &[String] {
        &self.customers
    }

    /// Id of the customer with this index.
    #[must_use]
    pub fn customer_id(&self, index: usize) -> Option<&str> {
        self.customers.get(index).map(String::as_str)
    }

    /// Index of the customer with this id.
    #[must_use]
    pub fn customer_index(&self, id: &str) -> Option<usize> {
        self.customers.binary_search_by(|c| c.as_str().cmp(id)).ok()
    }

    /// Instants of the first and the last line; `None` for an empty log.
    #[must_use]
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.span
    }

    /// Which optional columns it was made from.
    #[must_use]
    pub fn columns(&self) -> LogColumns {
        self.facts.columns
    }

    /// Where the log ceases to be complete: `until` where it is given, else the end of the last line's day.
    #[must_use]
    pub fn coverage_end(&self, until: Option<Timestamp>) -> Option<Timestamp> {
        until.or_else(|| self.span.map(|(_, last)| last.day_start().plus_days(1)))
    }

    /// What `look` makes of every customer's view at an instant, in the order of [`OrderLog::customer_ids`].
    pub fn map_as_of<T>(&self, as_of: Timestamp, mut look: impl FnMut(&AsOf<'_>) -> T) -> Vec<T> {
        let mut cut = Orders::default();
        let mut seen = Vec::with_capacity(self.customers());
        for shard in &self.shards {
            for customer in 0..shard.customers() {
                let history = shard.as_of(customer, as_of.seconds(), &mut cut);
                seen.push(look(&AsOf::new(history, &self.facts, as_of)));
            }
        }
        seen
    }

    pub(crate) fn shared_ids(&self) -> Arc<Vec<String>> {
        Arc::clone(&self.customers)
    }

    /// Shards in the order of customers; shard `s` begins with customer `s * SHARD`.
    pub(crate) fn shards(&self) -> &[Shard] {
        &self.shards
    }

    pub(crate) fn shard_start(shard: usize) -> usize {
        shard * SHARD
    }

    /// The shard of a customer, and the place in it.
    pub(crate) fn locate(&self, customer: usize) -> (&Shard, usize) {
        (&self.shards[customer / SHARD], customer % SHARD)
    }
}
