//! Forecasts for many customers.
//!
//! What lies ahead of a customer who is alive depends on frequency and age alone: it is computed once for the
//! customers who share them ([`Outlook`]); only the probability of being alive is each customer's own.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::ahead::{ForecastParams, PurchaseModel};
use super::gamma_gamma::GammaGammaParams;
use super::spend_table::SpendTable;
use super::strata::Strata;
use super::summary::{Kinds, Summaries, Summary};
use super::threads::{PIECE, Threads};
use crate::Result;

/// Probabilities of purchase counts below this are not followed: a thousandth of the least tail of an interval.
const FLOOR: f64 = 5e-7;
/// Rows fetched at once.
const FETCH: usize = 512;

/// What a customer is expected to buy within the horizon.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PurchaseForecast {
    /// Probability of not having left for good.
    pub probability_alive: f64,
    /// Expected number of purchases.
    pub purchases: f64,
    /// The same, each discounted from the end of its period.
    pub discounted_purchases: f64,
    /// Lower end of the predictive interval of the number of purchases; exact, given the parameters.
    pub purchases_low: u32,
    /// Upper end. With the lower one included, the interval covers at least its level.
    pub purchases_high: u32,
}

/// What a customer is worth within the horizon.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ValueForecast {
    /// The purchases.
    pub purchases: PurchaseForecast,
    /// Expected spend at a purchase.
    pub mean_spend: f64,
    /// Discounted purchases times mean spend.
    pub value: f64,
    /// Lower end of the predictive interval of the value: see [`value`].
    pub value_low: f64,
    /// Upper end.
    pub value_high: f64,
}

/// What lies ahead of customers of one frequency and age, given that they are alive.
pub(crate) struct Outlook {
    frequency: u32,
    age: f64,
    expected: f64,
    discounted: f64,
    /// Probabilities of at least 1, 2, … purchases.
    tails: Vec<f64>,
    /// Whether `tails` goes as far as the floor.
    whole: bool,
    scratch: Vec<f64>,
}

impl Outlook {
    fn new() -> Self {
        let (frequency, tails, scratch) = (u32::MAX, Vec::new(), Vec::new());
        Self { frequency, age: f64::NAN, expected: 0.0, discounted: 0.0, tails, whole: true, scratch }
    }

    /// Turns to another frequency and age. False where nothing changed.
    fn turn<M: PurchaseModel + ?Sized>(&mut self, model: &M, plan: &ForecastParams, of: &Summary) -> bool {
        if self.frequency == of.frequency && self.age == of.age {
            return false;
        }
        (self.frequency, self.age) = (of.frequency, of.age);
        (self.expected, self.discounted) = plan.expected(model, of.frequency, of.age, &mut self.scratch);
        self.whole = model.tails_if_alive(of.frequency, of.age, plan.time(), FLOOR, &mut self.tails);
        true
    }

    /// Probability of at least `n` purchases, given that the customer is alive.
    pub(crate) fn at_least<M: PurchaseModel + ?Sized>(&self, model: &M, time: f64, n: u32) -> f64 {
        match n.checked_sub(1).map(|i| self.tails.get(i as usize)) {
            None => 1.0,
            Some(Some(&p)) => p,
            Some(None) if self.whole => 0.0,
            Some(None) => model.at_least_if_alive(self.frequency, self.age, time, n),
        }
    }

    /// The most purchases that are reached with a probability above `p`, given that the customer is alive.
    fn most<M: PurchaseModel + ?Sized>(&self, model: &M, time: f64, p: f64) -> u32 {
        let known = self.tails.partition_point(|tail| *tail > p);
        if known < self.tails.len() || self.whole {
            return known as u32;
        }
        let above = |n: u32| self.at_least(model, time, n) > p;
        let (mut low, mut high) = (known as u32, (known as u32).max(1));
        while above(high) && high < u32::MAX / 2 {
            (low, high) = (high, high * 2);
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if above(middle) { low = middle } else { high = middle }
        }
        low
    }

    fn forecast<M: PurchaseModel + ?Sized>(
        &self,
        model: &M,
        plan: &ForecastParams,
        of: &Summary,
    ) -> PurchaseForecast {
        let alive = model.probability_alive(of);
        let side = 0.5 * (1.0 - plan.level);
        let (time, most) = (plan.time(), |p: f64| if alive > 0.0 { p / alive } else { f64::INFINITY });
        PurchaseForecast {
            probability_alive: alive,
            purchases: alive * self.expected,
            discounted_purchases: alive * self.discounted,
            // The least n with P(Y ≤ n) ≥ side, and the least with P(Y ≤ n) ≥ 1 − side.
            purchases_low: self.most(model, time, most(1.0 - side)),
            purchases_high: self.most(model, time, most(side)),
        }
    }
}

/// Forecasts the purchases of each customer, in the order of the rows.
///
/// Intervals are quantiles of the exact distribution of the number of purchases, the parameters taken as known.
/// The answer does not depend on `threads` (`None`: all of the machine's).
///
/// # Errors
/// [`tenure_core::Error::Parameter`] for a plan outside its ranges.
pub fn purchases<M: PurchaseModel + ?Sized>(
    model: &M,
    customers: &Summaries,
    plan: &ForecastParams,
    threads: Option<NonZeroUsize>,
) -> Result<Vec<PurchaseForecast>> {
    plan.check()?;
    batch(customers, threads, || {
        let mut outlook = Outlook::new();
        move |of: &Row| {
            outlook.turn(model, plan, &of.summary);
            Ok(outlook.forecast(model, plan, &of.summary))
        }
    })
}

/// Forecasts the value of each customer, in the order of the rows.
///
/// Given `n` purchases, their sum over `v + x z` follows a Beta prime distribution with the parameters `p n` and
/// `p x + q`; the value is a mixture of these over the exact distribution of `n` (counts above 16 in classes
/// of a few per cent), whose quantiles are the interval. They are read from a table of the mixture by cubic interpolation, to about
/// 0.002 of probability. The parameters are taken as known. Where purchases are discounted, the interval is
/// that of the value without discount times the ratio of the two means.
///
/// # Errors
/// As [`purchases`]; [`crate::Error::InfiniteMean`]; [`crate::Error::Summary`] where a repeat buyer has no mean
/// spend.
pub fn value<M: PurchaseModel + ?Sized>(
    model: &M,
    spend: &GammaGammaParams,
    customers: &Summaries,
    plan: &ForecastParams,
    threads: Option<NonZeroUsize>,
) -> Result<Vec<ValueForecast>> {
    plan.check()?;
    batch(customers, threads, || {
        let mut one = OneValue::new(model, spend, plan);
        move |of: &Row| one.of(of)
    })
}

/// A customer as work takes it.
pub(crate) struct Row {
    row: usize,
    summary: Summary,
    /// Mean spend so far; NaN where it is not known.
    spend: f64,
}

impl Row {
    pub(crate) fn new(customers: &Summaries, row: usize) -> Self {
        Self { row, summary: customers.at(row), spend: customers.spend_at(row) }
    }
}

/// Values one by one, keeping what customers share.
pub(crate) struct OneValue<'a, M: ?Sized> {
    model: &'a M,
    spend: &'a GammaGammaParams,
    plan: &'a ForecastParams,
    outlook: Outlook,
    strata: Strata,
    table: SpendTable,
}

impl<'a, M: PurchaseModel + ?Sized> OneValue<'a, M> {
    pub(crate) fn new(model: &'a M, spend: &'a GammaGammaParams, plan: &'a ForecastParams) -> Self {
        let (outlook, strata, table) = (Outlook::new(), Strata::default(), SpendTable::new());
        Self { model, spend, plan, outlook, strata, table }
    }

    pub(crate) fn of(&mut self, of: &Row) -> Result<ValueForecast> {
        let Self { model, spend, plan, outlook, strata, table } = self;
        let Row { row, summary: of, spend: before } = of;
        let mean_spend = spend.spend_of(*row, of.frequency, *before)?;
        if outlook.turn(*model, plan, of) {
            table.turn(spend, of.frequency);
            strata.fill(table.per_octave(), FLOOR, |n| outlook.at_least(*model, plan.time(), n));
            table.mix(strata);
        }
        let purchases = outlook.forecast(*model, plan, of);
        let ratio = if outlook.expected > 0.0 { outlook.discounted / outlook.expected } else { 1.0 };
        let scale = ratio * spend.scale(of.frequency, *before);
        let side = 0.5 * (1.0 - plan.level);
        let alive = purchases.probability_alive;
        let quantile = |above: f64| if alive > 0.0 { scale * table.exceeded(above / alive) } else { 0.0 };
        Ok(ValueForecast {
            purchases,
            mean_spend,
            value: purchases.discounted_purchases * mean_spend,
            value_low: quantile(1.0 - side),
            value_high: quantile(side),
        })
    }
}

/// As [`purchases`], of customers that each have parameters of their own, as with covariates: `model_of` gives
/// those of a row.
///
/// # Errors
/// As [`purchases`], and what `model_of` refuses.
pub fn purchases_by<M: PurchaseModel>(
    model_of: impl Fn(usize) -> Result<M> + Send + Sync,
    customers: &Summaries,
    plan: &ForecastParams,
    threads: Option<NonZeroUsize>,
) -> Result<Vec<PurchaseForecast>> {
    plan.check()?;
    batch(customers, threads, || {
        |of: &Row| {
            let (model, mut outlook) = (model_of(of.row)?, Outlook::new());
            outlook.turn(&model, plan, &of.summary);
            Ok(outlook.forecast(&model, plan, &of.summary))
        }
    })
}

/// As [`value`], of customers that each have parameters of their own.
///
/// # Errors
/// As [`value`], and what `model_of` refuses.
pub fn value_by<M: PurchaseModel>(
    model_of: impl Fn(usize) -> Result<M> + Send + Sync,
    spend: &GammaGammaParams,
    customers: &Summaries,
    plan: &ForecastParams,
    threads: Option<NonZeroUsize>,
) -> Result<Vec<ValueForecast>> {
    plan.check()?;
    let model_of = &model_of;
    batch(customers, threads, || {
        // The table of spends is the same for all customers of a frequency.
        let mut table = Some(SpendTable::new());
        move |of: &Row| {
            let model = model_of(of.row)?;
            let mut one = OneValue::new(&model, spend, plan);
            one.table = table.take().unwrap_or_else(SpendTable::new);
            let made = one.of(of);
            table = Some(one.table);
            made
        }
    })
}

/// `make()` gives what works on the rows of a piece, one after the other.
fn batch<T: Send + Clone + Default, W: FnMut(&Row) -> Result<T>>(
    customers: &Summaries,
    threads: Option<NonZeroUsize>,
    make: impl Fn() -> W + Send + Sync,
) -> Result<Vec<T>> {
    let order = Kinds::sorted(customers);
    let threads = Threads::new(threads, order.len())?;
    // Each piece makes the tables of its frequencies: few pieces, but enough for many threads.
    let size = order.len().div_ceil(64).max(PIECE);
    let pieces = threads.pieces(order.len(), size, |range| {
        let mut work = make();
        // Of several errors the one of the least row is told, wherever it stood.
        let mut failed: Option<(u32, crate::Error)> = None;
        let mut done = Vec::with_capacity(range.len());
        // Rows stand far apart in memory: fetched some hundred at once, they do not wait for one another.
        let mut near = Vec::with_capacity(FETCH);
        for rows in order[range].chunks(FETCH) {
            near.clear();
            near.extend(rows.iter().map(|&row| Row::new(customers, row as usize)));
            for (of, &row) in near.iter().zip(rows) {
                match work(of) {
                    Ok(made) => done.push(made),
                    Err(error) if failed.as_ref().is_none_or(|(first, _)| row < *first) => {
                        failed = Some((row, error));
                    }
                    Err(_) => {}
                }
            }
        }
        failed.map_or(Ok(done), Err)
    });
    let mut made = vec![T::default(); order.len()];
    let mut failed: Option<(u32, crate::Error)> = None;
    let mut rows = order.iter();
    for piece in pieces {
        match piece {
            Ok(done) => {
                for (forecast, &row) in done.into_iter().zip(rows.by_ref()) {
                    made[row as usize] = forecast;
                }
            }
            Err((row, error)) if failed.as_ref().is_none_or(|(first, _)| row < *first) => {
                failed = Some((row, error));
            }
            Err(_) => {}
        }
    }
    failed.map_or(Ok(made), |(_, error)| Err(error))
}
