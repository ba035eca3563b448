//! What the models know of a customer: how often, how lately, for how long, and for how much.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use tenure_features::time::DAY;
use tenure_features::{AsOf, OrderLog, Timestamp};

use crate::{Error, Result};

/// Largest count of purchases that is taken: beyond, a count is a mistake.
const MOST: f64 = 1e9;

/// The unit that times are counted in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// 24 hours.
    Day,
    /// 7 days.
    #[default]
    Week,
}

impl TimeUnit {
    /// Days in one.
    #[must_use]
    pub fn days(self) -> f64 {
        match self {
            Self::Day => 1.0,
            Self::Week => 7.0,
        }
    }

    /// Name in the plural.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "days",
            Self::Week => "weeks",
        }
    }
}

/// One customer: `x`, `t_x` and `T` of the literature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    pub(crate) frequency: u32,
    pub(crate) recency: f64,
    pub(crate) age: f64,
}

/// Summaries of many customers, checked: `0 ≤ t_x ≤ T`, all finite, and `t_x = 0` where `x = 0`.
///
/// # Example
/// ```
/// use tenure_ltv::probabilistic::Summaries;
///
/// let customers = Summaries::new(&[2.0, 0.0], &[30.4, 0.0], &[38.9, 38.9])?;
/// assert_eq!(customers.len(), 2);
/// let error = Summaries::new(&[2.0], &[40.0], &[38.9]).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "customer summary, row 0: recency is 40; expected at least 0, at most the age"
/// );
/// # Ok::<(), tenure_ltv::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summaries {
    frequency: Vec<u32>,
    recency: Vec<f64>,
    age: Vec<f64>,
    mean_spend: Option<Vec<f64>>,
    weights: Option<Vec<f64>>,
}

fn wrong(row: usize, field: &'static str, value: f64, expected: &'static str) -> Error {
    Error::Summary { row, field, value, expected }
}

fn same_length(what: &'static str, expected: usize, found: usize) -> Result<()> {
    if expected == found { Ok(()) } else { Err(tenure_core::Error::Shape { what, expected, found }.into()) }
}

/// A count from a number.
pub(crate) fn count(row: usize, field: &'static str, value: f64) -> Result<u32> {
    if (0.0..=MOST).contains(&value) && value == value.trunc() {
        Ok(value as u32)
    } else {
        Err(wrong(row, field, value, "a whole number, at least 0, at most 1e9"))
    }
}

impl Summary {
    /// From three numbers: `0 ≤ recency ≤ age`, all finite, and a recency of 0 where the frequency is 0.
    ///
    /// # Errors
    /// [`Error::Summary`] naming the number.
    pub fn new(frequency: f64, recency: f64, age: f64) -> Result<Self> {
        Self::of_row(0, frequency, recency, age)
    }

    /// Repeat purchases `x`: the first purchase is not counted.
    #[must_use]
    pub fn frequency(&self) -> u32 {
        self.frequency
    }

    /// Time `t_x` from the first purchase to the last; 0 where there was no repeat purchase.
    #[must_use]
    pub fn recency(&self) -> f64 {
        self.recency
    }

    /// Time `T` from the first purchase to the instant of the summary.
    #[must_use]
    pub fn age(&self) -> f64 {
        self.age
    }

    pub(crate) fn of_row(row: usize, frequency: f64, recency: f64, age: f64) -> Result<Self> {
        let x = count(row, "frequency", frequency)?;
        if !(age >= 0.0 && age.is_finite()) {
            return Err(wrong(row, "age", age, "a finite number, at least 0"));
        }
        if !(recency >= 0.0 && recency <= age) {
            return Err(wrong(row, "recency", recency, "at least 0, at most the age"));
        }
        if x == 0 && recency != 0.0 {
            return Err(wrong(row, "recency", recency, "0 where the frequency is 0"));
        }
        Ok(Self { frequency: x, recency, age })
    }
}

/// Weights of customers: finite, at least 0, not all 0.
pub(crate) fn check_weights(weights: &[f64], rows: usize) -> Result<()> {
    same_length("weights", rows, weights.len())?;
    let bad = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0));
    let all_zero = !weights.is_empty() && weights.iter().all(|w| *w == 0.0);
    match bad.or(all_zero.then_some(0)) {
        Some(row) => Err(tenure_core::Error::Weight { row, value: weights[row] }.into()),
        None => Ok(()),
    }
}

impl Summaries {
    /// From three columns.
    ///
    /// # Errors
    /// [`Error::Summary`] naming row and column; [`tenure_core::Error::Shape`] where the lengths differ.
    pub fn new(frequency: &[f64], recency: &[f64], age: &[f64]) -> Result<Self> {
        same_length("values of recency", frequency.len(), recency.len())?;
        same_length("values of age", frequency.len(), age.len())?;
        let mut made = Self::default();
        for (row, ((&x, &t_x), &age)) in frequency.iter().zip(recency).zip(age).enumerate() {
            made.push(Summary::of_row(row, x, t_x, age)?);
        }
        Ok(made)
    }

    fn push(&mut self, summary: Summary) {
        self.frequency.push(summary.frequency);
        self.recency.push(summary.recency);
        self.age.push(summary.age);
    }

    /// With each customer's mean spend over the repeat purchases; what stands where there are none is not
    /// read (NaN may).
    ///
    /// # Errors
    /// [`Error::Summary`] where a mean is not above 0 and finite; [`tenure_core::Error::Shape`].
    pub fn with_mean_spend(self, mean_spend: Vec<f64>) -> Result<Self> {
        same_length("values of mean_spend", self.len(), mean_spend.len())?;
        for (row, (&z, &x)) in mean_spend.iter().zip(&self.frequency).enumerate() {
            check_spend(row, x, z)?;
        }
        Ok(Self { mean_spend: Some(mean_spend), ..self })
    }

    /// With how many customers each row stands for, or how much it counts in a fit.
    ///
    /// # Errors
    /// [`tenure_core::Error::Weight`] unless all are finite, at least 0, and not all 0.
    pub fn with_weights(self, weights: Vec<f64>) -> Result<Self> {
        check_weights(&weights, self.len())?;
        Ok(Self { weights: Some(weights), ..self })
    }

    /// The customers of a log as of an instant, with mean spends; and the index of each in the log.
    ///
    /// Orders of one UTC day are one purchase, of their summed amount. The first day with an order is the
    /// customer's birth and no repeat purchase; times are whole days in `unit`, the instant counting as the
    /// day that it is in. Customers without an order before the instant are left out. Returns are not
    /// subtracted.
    ///
    /// # Errors
    /// [`tenure_features::Error::NoOrders`] where nobody ordered before the instant.
    pub fn from_log(log: &OrderLog, as_of: Timestamp, unit: TimeUnit) -> Result<(Self, Vec<usize>)> {
        let of = log.map_as_of(as_of, |view| of_view(view, unit));
        let (mut made, mut index, mut mean_spend) = (Self::default(), Vec::new(), Vec::new());
        for (customer, summary) in of.into_iter().enumerate() {
            if let Some((summary, spend)) = summary {
                made.push(summary);
                index.push(customer);
                mean_spend.push(spend);
            }
        }
        if index.is_empty() {
            let from = log.span().map_or(as_of, |(first, _)| first);
            return Err(tenure_features::Error::NoOrders { from, to: as_of }.into());
        }
        Ok((made.with_mean_spend(mean_spend)?, index))
    }

    /// Number of customers, or rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frequency.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frequency.is_empty()
    }

    /// One customer.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<Summary> {
        let (frequency, recency, age) =
            (*self.frequency.get(row)?, *self.recency.get(row)?, *self.age.get(row)?);
        Some(Summary { frequency, recency, age })
    }

    /// Repeat purchases, by row.
    #[must_use]
    pub fn frequency(&self) -> &[u32] {
        &self.frequency
    }

    /// Times from the first purchase to the last, by row.
    #[must_use]
    pub fn recency(&self) -> &[f64] {
        &self.recency
    }

    /// Times from the first purchase to the instant of the summary, by row.
    #[must_use]
    pub fn age(&self) -> &[f64] {
        &self.age
    }

    /// Mean spends over repeat purchases, where known.
    #[must_use]
    pub fn mean_spend(&self) -> Option<&[f64]> {
        self.mean_spend.as_deref()
    }

    /// Weights, where there are some.
    #[must_use]
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    pub(crate) fn weight(&self, row: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |w| w[row])
    }

    /// NaN where it is not known.
    pub(crate) fn spend_at(&self, row: usize) -> f64 {
        self.mean_spend.as_ref().map_or(f64::NAN, |z| z[row])
    }

    pub(crate) fn at(&self, row: usize) -> Summary {
        Summary { frequency: self.frequency[row], recency: self.recency[row], age: self.age[row] }
    }
}

/// A mean spend must be above 0 where there were repeat purchases.
pub(crate) fn check_spend(row: usize, frequency: u32, mean_spend: f64) -> Result<()> {
    if frequency == 0 || (mean_spend > 0.0 && mean_spend.is_finite()) {
        Ok(())
    } else {
        Err(wrong(row, "mean_spend", mean_spend, "a finite number above 0 where the frequency is above 0"))
    }
}

fn of_view(view: &AsOf<'_>, unit: TimeUnit) -> Option<(Summary, f64)> {
    let mut purchases = view.purchases().map(|p| (p.time().seconds().div_euclid(DAY), p.amount()));
    let (birth, _) = purchases.next()?;
    let (mut last, mut frequency, mut spend) = (birth, 0_u32, 0.0);
    for (day, amount) in purchases {
        if day > last {
            frequency += 1;
            last = day;
        }
        if day > birth {
            spend += amount;
        }
    }
    let time = |day: i64| (day - birth) as f64 / unit.days();
    let summary = Summary { frequency, recency: time(last), age: time(view.instant().day_number()) };
    let mean = if frequency == 0 { f64::NAN } else { spend / f64::from(frequency) };
    Some((summary, mean))
}

/// Rows in an order in which equal customers stand together, and where each kind begins and ends.
pub(crate) struct Kinds {
    pub(crate) order: Vec<u32>,
    pub(crate) starts: Vec<u32>,
}

impl Kinds {
    /// Sorted by x, by hashes of T and of t_x, then by row: rows of one (x, T) are neighbours. Where two hashes
    /// are equal by chance, a kind may come in two runs, which changes nothing but speed.
    pub(crate) fn new(customers: &Summaries) -> Self {
        let order = Self::sorted(customers);
        let same = |a: u32, b: u32| customers.at(a as usize) == customers.at(b as usize);
        let changes = (1..order.len()).filter(|&i| !same(order[i - 1], order[i])).map(|i| i as u32);
        let ends = std::iter::once(order.len() as u32);
        let starts = std::iter::once(0).filter(|_| !order.is_empty()).chain(changes).chain(ends).collect();
        Self { order, starts }
    }

    /// The order alone.
    pub(crate) fn sorted(customers: &Summaries) -> Vec<u32> {
        let key = |row: usize| {
            let hash = |value: f64| tenure_core::seed::mix(value.to_bits(), 0) >> 40;
            let of = customers.at(row);
            (u64::from(of.frequency.min(0xffff)) << 48) | (hash(of.age) << 24) | hash(of.recency)
        };
        let mut keyed: Vec<(u64, u32)> = (0..customers.len()).map(|row| (key(row), row as u32)).collect();
        keyed.sort_unstable();
        keyed.into_iter().map(|(_, row)| row).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Places in `order` of one kind.
    pub(crate) fn range(&self, kind: usize) -> Range<usize> {
        self.starts[kind] as usize..self.starts[kind + 1] as usize
    }
}
