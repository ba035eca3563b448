//! What a log holds, in the figures a person asks for first.

use std::fmt;

use serde::Serialize;
use tenure_core::Result;
use tenure_features::Timestamp;

use super::history::Histories;
use super::truth::{CustomerType, TruthRow};
use super::world::{OrderLog, OrderWorld};

const WINDOW_DAYS: i64 = 180;
const HORIZON_DAYS: u32 = 90;
const LEAST_ORDERS: usize = 2;

/// A part of the customers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Share {
    /// Which part.
    pub name: String,
    /// How many customers.
    pub customers: usize,
}

/// Churn at the last instant whose 90 days are over, among customers with at least 2 orders in the 180 days
/// before it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChurnTruth {
    /// The instant.
    pub instant: Timestamp,
    /// Customers judged.
    pub customers: usize,
    /// Share without an order in the 90 days.
    pub churned: f64,
    /// AUC of the attainable probability, the oracle's; `None` where all customers share one fate.
    pub attainable_auc: Option<f64>,
    /// AUC of the probability given the hidden type and state.
    pub latent_auc: Option<f64>,
}

/// Summary statistics of a log. `Display` prints them for people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OrderSummary {
    /// Customers, each with at least one order.
    pub customers: usize,
    /// Orders.
    pub orders: usize,
    /// Lines of orders, returns not counted.
    pub lines: usize,
    /// Returned lines.
    pub returns: usize,
    /// Money of the orders after discounts, before refunds.
    pub spend: f64,
    /// Money paid back.
    pub refunds: f64,
    /// Share of orders with a discount.
    pub discounted: f64,
    /// First instant of the log.
    pub start: Timestamp,
    /// End of the log.
    pub end: Timestamp,
    /// Customers by type: rate classes, hazard classes, spend classes.
    pub types: Vec<Share>,
    /// Base rate and best attainable AUC; `None` for a log shorter than 90 days or without such customers.
    pub churn: Option<ChurnTruth>,
}

/// Class of a type, and the words around its parameter.
type Kind<'a> = (fn(CustomerType) -> usize, &'static str, &'a [f64; 3], &'static str);

impl OrderWorld {
    /// Summarises a log of this world; asks the oracle once for every customer.
    ///
    /// # Errors
    /// As [`OrderWorld::attainable`].
    pub fn summary(&self, log: &OrderLog, threads: usize) -> Result<OrderSummary> {
        let histories = Histories::new(&log.orders, self.calendar())?;
        let all = || (0..histories.customers()).flat_map(|c| histories.of(c));
        let orders = all().count();
        let discounted = all().filter(|o| o.discounted).count() as f64 / orders.max(1) as f64;
        let amounts = &log.orders.amount;
        let returns = amounts.iter().filter(|&&a| a < 0.0).count();
        Ok(OrderSummary {
            customers: histories.customers(),
            orders,
            lines: amounts.len() - returns,
            returns,
            spend: amounts.iter().filter(|&&a| a > 0.0).sum(),
            refunds: -amounts.iter().filter(|&&a| a < 0.0).sum::<f64>(),
            discounted,
            start: self.start(),
            end: self.end(),
            types: self.types(log),
            churn: self.churn(log, &histories, threads)?,
        })
    }

    fn types(&self, log: &OrderLog) -> Vec<Share> {
        let params = self.params();
        let kinds: [Kind<'_>; 3] = [
            (|t| t.rate, "orders every", &params.gap_days, "days"),
            (|t| t.hazard, "cools off", &params.cooling_per_year, "times a year"),
            (|t| t.spend, "spends about", &params.median_amounts, "a line"),
        ];
        let mut shares = Vec::new();
        for (class_of, verb, values, unit) in kinds {
            for (class, value) in values.iter().enumerate() {
                let here = (0..log.truth.len()).filter_map(|c| log.truth.customer_type(c));
                let customers = here.filter(|&t| class_of(t) == class).count();
                shares.push(Share { name: format!("{verb} {value} {unit}"), customers });
            }
        }
        shares
    }

    fn churn(&self, log: &OrderLog, histories: &Histories, threads: usize) -> Result<Option<ChurnTruth>> {
        let instant = self.end().plus_days(-i64::from(HORIZON_DAYS));
        if instant < self.start() {
            return Ok(None);
        }
        let from = instant.plus_days(-WINDOW_DAYS).seconds();
        let fate = |row: &TruthRow| {
            let orders = histories.of(row.customer as usize);
            let before = orders.partition_point(|o| o.second < instant.seconds());
            let window = before - orders.partition_point(|o| o.second < from);
            (window >= LEAST_ORDERS).then_some(before == orders.len())
        };
        let truth = self.truth_rows(log, &[instant], HORIZON_DAYS, threads)?;
        let judged: Vec<(TruthRow, bool)> =
            truth.into_iter().filter_map(|row| fate(&row).map(|churned| (row, churned))).collect();
        if judged.is_empty() {
            return Ok(None);
        }
        let churned = judged.iter().filter(|(_, churned)| *churned).count();
        Ok(Some(ChurnTruth {
            instant,
            customers: judged.len(),
            churned: churned as f64 / judged.len() as f64,
            attainable_auc: auc(judged.iter().map(|(row, churned)| (row.attainable, *churned))),
            latent_auc: auc(judged.iter().map(|(row, churned)| (row.latent, *churned))),
        }))
    }
}

/// Area under the ROC curve by ranks, ties counting half (Mann-Whitney); `None` for one class.
pub(crate) fn auc(scored: impl Iterator<Item = (f64, bool)>) -> Option<f64> {
    let mut scored: Vec<(f64, bool)> = scored.collect();
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut wins, mut positives) = (0.0, 0.0, 0.0);
    for tied in scored.chunk_by(|a, b| a.0 == b.0) {
        let here = tied.iter().filter(|(_, positive)| *positive).count() as f64;
        let others = tied.len() as f64 - here;
        wins += here * (below + 0.5 * others);
        positives += here;
        below += others;
    }
    (positives > 0.0 && below > 0.0).then(|| wins / (positives * below))
}

impl fmt::Display for OrderSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { customers, orders, lines, returns, .. } = *self;
        let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
        writeln!(f, "=== Order Log Statistics ===\n")?;
        writeln!(f, "Period: {} to {}", self.start, self.end)?;
        writeln!(f, "Customers: {customers}")?;
        writeln!(f, "Orders: {orders} ({:.1} a customer)", orders as f64 / customers.max(1) as f64)?;
        writeln!(f, "Lines: {lines} ({:.2} an order)", lines as f64 / orders.max(1) as f64)?;
        writeln!(f, "Returned lines: {returns} ({:.1}% of lines)", share(returns, lines))?;
        writeln!(f, "Discounted orders: {:.1}%", 100.0 * self.discounted)?;
        writeln!(f, "Spend: {:.2} ({:.2} an order)", self.spend, self.spend / orders.max(1) as f64)?;
        writeln!(f, "Refunds: {:.2}\n", self.refunds)?;
        writeln!(f, "Customer Types:")?;
        for part in &self.types {
            writeln!(f, "  {}: {} ({:.1}%)", part.name, part.customers, share(part.customers, customers))?;
        }
        let Some(churn) = &self.churn else {
            return write!(f, "\nChurn: the log is too short for a label");
        };
        writeln!(f, "\nChurn at {} (no order in 90 days, at least 2 in the 180 before):", churn.instant)?;
        writeln!(f, "  Customers: {}", churn.customers)?;
        write!(f, "  Base rate: {:.1}%", 100.0 * churn.churned)?;
        for (name, auc) in
            [("orders only (the oracle)", churn.attainable_auc), ("hidden state", churn.latent_auc)]
        {
            match auc {
                Some(auc) => write!(f, "\n  Best attainable AUC, {name}: {auc:.3}")?,
                None => write!(f, "\n  Best attainable AUC, {name}: not defined, one class only")?,
            }
        }
        Ok(())
    }
}
