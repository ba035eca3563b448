//! Where to draw the line between contacting a customer and leaving them alone.
//!
//! A row is taken where its score is at least the threshold. Only distinct scores can be thresholds: rows of
//! one score are taken together or not at all, and where all scores are the same, all rows are taken or none.
//! Where several thresholds are equally good, the highest is chosen: it takes the fewest rows.

use serde::{Deserialize, Serialize};

use crate::metrics::Confusion;
use crate::rank::{Ranking, Step};
use crate::{Error, Result};

/// What a contact costs and brings.
///
/// Profit of contacting a set of customers: `Σ (−contact_cost + churner × success_rate × saved_value)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Economics {
    /// Cost of contacting one customer, at least 0.
    pub contact_cost: f64,
    /// Value of a churner who stays, in the same currency, at least 0.
    pub saved_value: f64,
    /// Share of the contacted churners who stay because of it, 0 to 1.
    pub success_rate: f64,
}

impl Economics {
    fn check(&self) -> Result<()> {
        for (name, value) in [("contact_cost", self.contact_cost), ("saved_value", self.saved_value)] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(Error::parameter(name, value, "a finite number of at least 0"));
            }
        }
        if !(0.0..=1.0).contains(&self.success_rate) {
            return Err(Error::parameter("success_rate", self.success_rate, "a number from 0 to 1"));
        }
        Ok(())
    }

    fn profit(&self, contacted: f64, churners: f64) -> f64 {
        churners * self.success_rate * self.saved_value - contacted * self.contact_cost
    }

    /// The probability from which a contact pays, `contact_cost / (success_rate × saved_value)`; above 1 where
    /// none does, and infinite where a contact brings nothing.
    #[must_use]
    pub fn break_even_probability(&self) -> f64 {
        if self.contact_cost == 0.0 {
            0.0
        } else {
            self.contact_cost / (self.success_rate * self.saved_value)
        }
    }
}

/// A threshold, with the figures it has on the rows it was chosen on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ThresholdChoice {
    /// Rows with at least this score are taken. Where it is best to take nobody, it is the next number above the
    /// highest score.
    pub threshold: f64,
    /// The decisions.
    pub confusion: Confusion,
    /// Share of the weight that is taken.
    pub fraction: f64,
    /// Share of positives among the rows taken; `None` where none is.
    pub precision: Option<f64>,
    /// Share of the positives that are taken.
    pub recall: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
    /// Profit in all; only where it was chosen by profit.
    pub profit: Option<f64>,
}

/// The threshold with the highest F1.
///
/// # Errors
/// As [`crate::metrics::roc_auc`].
pub fn best_f1(labels: &[f64], scores: &[f64], weights: Option<&[f64]>) -> Result<ThresholdChoice> {
    let ranking = Ranking::of_two_classes(labels, scores, weights, "best_f1")?;
    let f1 = |step: &Step| 2.0 * step.positives / (step.weight() + ranking.positives);
    match highest(&ranking.steps, f1) {
        Some((_, step)) => Ok(choice(&ranking, step, None)),
        None => Err(Error::Empty),
    }
}

/// The threshold with the highest recall among those whose precision is at least `precision`.
///
/// # Errors
/// As [`crate::metrics::roc_auc`]; [`Error::Parameter`] for a precision not above 0 or beyond 1;
/// [`Error::Undefined`] where no threshold is that precise, naming the highest precision there is.
pub fn precision_at_least(
    labels: &[f64],
    scores: &[f64],
    weights: Option<&[f64]>,
    precision: f64,
) -> Result<ThresholdChoice> {
    if !(precision > 0.0 && precision <= 1.0) {
        return Err(Error::parameter("precision", precision, "above 0 and at most 1"));
    }
    let ranking = Ranking::of_two_classes(labels, scores, weights, "precision_at_least")?;
    let of = |step: &Step| step.positives / step.weight();
    let enough: Vec<Step> = ranking.steps.iter().copied().filter(|step| of(step) >= precision).collect();
    match highest(&enough, |step| step.positives) {
        Some((_, step)) => Ok(choice(&ranking, step, None)),
        None => {
            let best = ranking.steps.iter().map(of).fold(0.0, f64::max);
            let reason = format!("the highest precision of any threshold is {best}, below {precision}");
            Err(Error::undefined("the threshold", reason))
        }
    }
}

/// The threshold with the highest profit; taking nobody, for a profit of 0, is one of the choices.
///
/// # Errors
/// As [`crate::metrics::roc_auc`];
/// [`Error::Parameter`] for economics out of range.
pub fn best_profit(
    labels: &[f64],
    scores: &[f64],
    weights: Option<&[f64]>,
    economics: &Economics,
) -> Result<ThresholdChoice> {
    economics.check()?;
    let ranking = Ranking::of_two_classes(labels, scores, weights, "best_profit")?;
    let profit = |step: &Step| economics.profit(step.weight(), step.positives);
    match highest(&ranking.steps, profit) {
        Some((profit, step)) if profit > 0.0 => Ok(choice(&ranking, step, Some(profit))),
        _ => {
            let above_all = ranking.steps.first().map_or(f64::MAX, |step| step.score.next_up().min(f64::MAX));
            let nobody = Step { score: above_all, positives: 0.0, negatives: 0.0 };
            Ok(choice(&ranking, nobody, Some(0.0)))
        }
    }
}

/// One point of a profit curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ProfitPoint {
    /// Share of the weight that is contacted, the highest scores first.
    pub fraction: f64,
    /// Profit in all.
    pub profit: f64,
    /// Profit over the weight of all customers, contacted or not.
    pub profit_per_customer: f64,
}

/// The profit of contacting the best-scored 0, 1/points, 2/points, … 1 of the customers: `points + 1` points.
/// Where a cut falls inside a tie, the churners of the tie are spread evenly over it.
///
/// # Errors
/// As [`best_profit`]; [`Error::Parameter`] for 0 points.
pub fn profit_curve(
    labels: &[f64],
    scores: &[f64],
    weights: Option<&[f64]>,
    economics: &Economics,
    points: usize,
) -> Result<Vec<ProfitPoint>> {
    economics.check()?;
    if points == 0 {
        return Err(Error::parameter("points", points, "at least 1"));
    }
    let ranking = Ranking::of_two_classes(labels, scores, weights, "profit_curve")?;
    let total = ranking.total();
    let point = |i: usize| {
        let fraction = i as f64 / points as f64;
        let churners = if i == 0 { 0.0 } else { ranking.positives_among(fraction * total) };
        let profit = economics.profit(fraction * total, churners);
        ProfitPoint { fraction, profit, profit_per_customer: profit / total }
    };
    Ok((0..=points).map(point).collect())
}

/// The first step with the highest value: steps come by falling score.
fn highest(steps: &[Step], value: impl Fn(&Step) -> f64) -> Option<(f64, Step)> {
    let mut best: Option<(f64, Step)> = None;
    for step in steps {
        let value = value(step);
        if best.is_none_or(|(highest, _)| value > highest) {
            best = Some((value, *step));
        }
    }
    best
}

fn choice(ranking: &Ranking, step: Step, profit: Option<f64>) -> ThresholdChoice {
    let confusion = Confusion {
        true_positives: step.positives,
        false_positives: step.negatives,
        true_negatives: ranking.negatives - step.negatives,
        false_negatives: ranking.positives - step.positives,
    };
    ThresholdChoice {
        threshold: step.score,
        confusion,
        fraction: step.weight() / ranking.total(),
        precision: confusion.precision(),
        // Both classes have weight, so that neither has an empty denominator.
        recall: confusion.recall().unwrap_or(0.0),
        f1: confusion.f1().unwrap_or(0.0),
        profit,
    }
}
