//! What feature and label code may see of one customer.
//!
//! A feature is a function of an [`AsOf`]: the events strictly before an instant. A label is a function of a
//! [`FutureWindow`]: the events from an instant on, within a window that the log covers. Both are made inside
//! this crate only, and there is no way from one to the other. Each pair below differs in the one line that
//! is forbidden.
//!
//! A view cannot be made outside the crate:
//! ```
//! use tenure_features::AsOf;
//! fn same(view: AsOf<'_>) -> AsOf<'_> {
//!     view
//! }
//! ```
//! ```compile_fail
//! use tenure_features::AsOf;
//! fn same(view: AsOf<'_>) -> AsOf<'_> {
//!     AsOf { ..view }
//! }
//! ```
//!
//! It cannot be moved to a later instant:
//! ```
//! use tenure_features::{AsOf, Timestamp};
//! fn later(mut view: AsOf<'_>, instant: Timestamp) -> AsOf<'_> {
//!     view = view.window(30);
//!     view
//! }
//! ```
//! ```compile_fail
//! use tenure_features::{AsOf, Timestamp};
//! fn later(mut view: AsOf<'_>, instant: Timestamp) -> AsOf<'_> {
//!     view.instant = instant;
//!     view
//! }
//! ```
//!
//! Its events cannot be had but through methods that stop at the instant:
//! ```
//! use tenure_features::AsOf;
//! fn events(view: &AsOf<'_>) -> usize {
//!     view.purchases().len()
//! }
//! ```
//! ```compile_fail
//! use tenure_features::AsOf;
//! fn events(view: &AsOf<'_>) -> usize {
//!     view.history.len()
//! }
//! ```
//!
//! A feature gets no future:
//! ```
//! use tenure_features::{AsOf, AsOfFeature};
//! struct Orders;
//! impl AsOfFeature for Orders {
//!     fn feature(&self) -> tenure_core::Feature {
//!         tenure_core::Feature::numeric("orders", "orders", "Orders")
//!     }
//!     fn compute(&self, view: &AsOf<'_>) -> f64 {
//!         view.purchases().len() as f64
//!     }
//! }
//! ```
//! ```compile_fail
//! use tenure_features::{FutureWindow, AsOfFeature};
//! struct Orders;
//! impl AsOfFeature for Orders {
//!     fn feature(&self) -> tenure_core::Feature {
//!         tenure_core::Feature::numeric("orders", "orders", "Orders")
//!     }
//!     fn compute(&self, view: &FutureWindow<'_>) -> f64 {
//!         view.purchases().len() as f64
//!     }
//! }
//! ```
//!
//! A log hands out no events:
//! ```
//! use tenure_features::OrderLog;
//! fn count(log: &OrderLog) -> usize {
//!     log.orders()
//! }
//! ```
//! ```compile_fail
//! use tenure_features::OrderLog;
//! fn count(log: &OrderLog) -> usize {
//!     log.shards().len()
//! }
//! ```

use crate::Timestamp;
use crate::columns::NO_CODE;
use crate::history::History;
use crate::log::LogFacts;

/// One customer's events strictly before an instant; see the [module](self) for what it keeps from happening.
#[derive(Debug, Clone, Copy)]
pub struct AsOf<'a> {
    /// Ends before `instant`.
    history: History<'a>,
    facts: &'a LogFacts,
    instant: Timestamp,
}

impl<'a> AsOf<'a> {
    /// `history` may hold more than the view lets through.
    pub(crate) fn new(history: History<'a>, facts: &'a LogFacts, instant: Timestamp) -> Self {
        Self { history: history.between(i64::MIN, instant.seconds()), facts, instant }
    }

    /// The instant that every event precedes.
    #[must_use]
    pub fn instant(&self) -> Timestamp {
        self.instant
    }

    /// The same view without the events that are more than `days` × 24 hours old.
    #[must_use]
    pub fn window(&self, days: u32) -> Self {
        let from = self.instant.plus_days(-i64::from(days)).seconds();
        Self { history: self.history.between(from, self.instant.seconds()), ..*self }
    }

    /// The purchases, oldest first.
    #[must_use]
    pub fn purchases(&self) -> Purchases<'a> {
        Purchases { history: self.history, facts: self.facts, next: 0 }
    }

    /// The first purchase.
    #[must_use]
    pub fn first_purchase(&self) -> Option<Purchase<'a>> {
        self.purchases().next()
    }

    /// The last purchase.
    #[must_use]
    pub fn last_purchase(&self) -> Option<Purchase<'a>> {
        self.purchases().next_back()
    }

    /// Money of all purchases.
    #[must_use]
    pub fn spend(&self) -> f64 {
        self.history.amounts.iter().sum()
    }

    /// Days from the last purchase to the instant.
    #[must_use]
    pub fn recency_days(&self) -> Option<f64> {
        self.last_purchase().map(|p| self.instant.days_since(p.time()))
    }

    /// The returns known by the instant, oldest first.
    pub fn returns(&self) -> impl ExactSizeIterator<Item = Return> + use<'a> {
        let returns = self.history.returns;
        returns.times.iter().zip(returns.amounts).map(|(&time, &amount)| Return { time, amount })
    }

    /// Whether the log was known to record returns at the instant; where not, none says nothing.
    #[must_use]
    pub fn returns_known(&self) -> bool {
        self.facts.returns_known(self.instant.seconds())
    }

    pub(crate) fn history(&self) -> History<'a> {
        self.history
    }

    pub(crate) fn facts(&self) -> &'a LogFacts {
        self.facts
    }
}

/// One customer's events in `[instant, instant + days)`: what labels are made of. Exists only where the log
/// covers the whole window.
#[derive(Debug, Clone, Copy)]
pub struct FutureWindow<'a> {
    history: History<'a>,
    facts: &'a LogFacts,
    instant: Timestamp,
    days: u32,
}

impl<'a> FutureWindow<'a> {
    pub(crate) fn new(history: History<'a>, facts: &'a LogFacts, instant: Timestamp, days: u32) -> Self {
        let end = instant.plus_days(i64::from(days)).seconds();
        Self { history: history.between(instant.seconds(), end), facts, instant, days }
    }

    /// Begin of the window.
    #[must_use]
    pub fn instant(&self) -> Timestamp {
        self.instant
    }

    /// Length of the window.
    #[must_use]
    pub fn days(&self) -> u32 {
        self.days
    }

    /// The purchases begun within the window, oldest first.
    #[must_use]
    pub fn purchases(&self) -> Purchases<'a> {
        Purchases { history: self.history, facts: self.facts, next: 0 }
    }

    /// Money of these purchases; returns are not subtracted.
    #[must_use]
    pub fn spend(&self) -> f64 {
        self.history.amounts.iter().sum()
    }
}

/// A return or cancellation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Return {
    time: i64,
    amount: f64,
}

impl Return {
    /// From when on it was known.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        Timestamp::from_seconds(self.time)
    }

    /// Money given back, above 0.
    #[must_use]
    pub fn amount(&self) -> f64 {
        self.amount
    }
}

/// Purchases of one customer, oldest first.
#[derive(Debug, Clone)]
pub struct Purchases<'a> {
    history: History<'a>,
    facts: &'a LogFacts,
    next: usize,
}

impl<'a> Iterator for Purchases<'a> {
    type Item = Purchase<'a>;

    fn next(&mut self) -> Option<Purchase<'a>> {
        if self.next == self.history.len() {
            return None;
        }
        self.next += 1;
        Some(Purchase { history: self.history, facts: self.facts, at: self.next - 1 })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.history.len() - self.next;
        (left, Some(left))
    }
}

impl DoubleEndedIterator for Purchases<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.next == self.history.len() {
            return None;
        }
        let at = self.history.len() - 1;
        let last = Purchase { history: self.history, facts: self.facts, at };
        self.history = self.history.first_orders(at);
        Some(last)
    }
}

impl ExactSizeIterator for Purchases<'_> {}

/// One order: the sum of its lines above 0, as far as they were known.
#[derive(Debug, Clone, Copy)]
pub struct Purchase<'a> {
    history: History<'a>,
    facts: &'a LogFacts,
    at: usize,
}

impl<'a> Purchase<'a> {
    /// Instant of its first line.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        Timestamp::from_seconds(self.history.times[self.at])
    }

    /// Money, above 0.
    #[must_use]
    pub fn amount(&self) -> f64 {
        self.history.amounts[self.at]
    }

    /// Pieces, where known.
    #[must_use]
    pub fn quantity(&self) -> Option<f64> {
        self.history.quantities.get(self.at).copied().filter(|v| !v.is_nan())
    }

    /// Money taken off, where known.
    #[must_use]
    pub fn discount(&self) -> Option<f64> {
        self.history.discounts.get(self.at).copied().filter(|v| !v.is_nan())
    }

    /// Number of lines.
    #[must_use]
    pub fn lines(&self) -> u32 {
        self.history.lines[self.at]
    }

    /// Sales channel of the first line that names one.
    #[must_use]
    pub fn channel(&self) -> Option<&'a str> {
        let code = self.history.channels.get(self.at).copied().filter(|&c| c != NO_CODE)?;
        self.facts.channels.get(code as usize).map(String::as_str)
    }

    /// Its product categories, each once.
    pub fn categories(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let names = &self.facts.categories;
        let codes = self.history.categories(self.at);
        codes.iter().filter_map(move |&c| names.get(c as usize).map(String::as_str))
    }
}
