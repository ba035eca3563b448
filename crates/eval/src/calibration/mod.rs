//! From scores to probabilities that mean what they say.
//!
//! A [`Calibrator`] is a rising function of a probability, learned from held-out rows. [`CalibratedInterval`]
//! says how sure the result is. Learn both from predictions for rows that the model was not fitted on.
//!
//! | method | function | use it when |
//! |---|---|---|
//! | [`Method::Identity`] | `p` | the model is calibrated already |
//! | [`Method::Platt`] | `σ(a·logit p + b)` (Platt 1999) | few rows; the error is a slope and a shift in log-odds |
//! | [`Method::Beta`] | `σ(a ln p − b ln(1−p) + c)` (Kull, Silva Filho & Flach 2017) | the two ends err differently |
//! | [`Method::Isotonic`] | any rising function (Zadrozny & Elkan 2002) | thousands of rows |
//!
//! Platt and beta are maximum-likelihood fits to Platt's smoothed targets, `(n₁+1)/(n₁+2)` for a positive and
//! `1/(n₀+2)` for a negative, where n₁ and n₀ are the weights of the classes. Smoothing keeps the answer finite
//! where the classes are perfectly separated. (The beta calibration of the paper does not smooth; the difference
//! is of the order of 1/n.) Slopes are kept at 0 or above, so that a worthless score gives a constant and never
//! turns the order round. Probabilities enter the logarithms at least 1e-9 away from 0 and 1.
//!
//! # Example
//!
//! ```
//! use tenure_eval::calibration::{Calibrator, Method};
//!
//! let held_out = [0.9, 0.9, 0.9, 0.9, 0.2, 0.2, 0.2, 0.2];
//! let labels = [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
//! let calibrator = Calibrator::fit(Method::Isotonic, &held_out, &labels, None)?;
//! assert_eq!(calibrator.apply(0.9), 0.5);
//! # Ok::<(), tenure_eval::Error>(())
//! ```

mod interval;
mod logistic;

pub use interval::{CalibratedInterval, Interval};

use serde::{Deserialize, Serialize};

use crate::check::Pairs;
use crate::rank;
use crate::stats::{expit, interpolate, logit, pool_adjacent_violators};
use crate::{Error, Result};
use logistic::Sample;

/// How far from 0 and 1 probabilities are kept before a logarithm is taken.
const EDGE: f64 = 1e-9;

/// How to calibrate; see the [module](self).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Leave the probabilities as they are.
    Identity,
    /// A logistic function of the log-odds.
    #[default]
    Platt,
    /// The closest rising function, between whose steps it is linear.
    Isotonic,
    /// A beta calibration map.
    Beta,
}

/// A rising function from [0, 1] to [0, 1], as plain data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map", into = "Map")]
pub struct Calibrator(Map);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
enum Map {
    Identity,
    Platt { slope: f64, intercept: f64 },
    Isotonic { points: Vec<(f64, f64)> },
    Beta { a: f64, b: f64, c: f64 },
}

impl TryFrom<Map> for Calibrator {
    type Error = Error;

    /// What is stored is checked again: a calibrator that falls or leaves [0, 1] cannot be loaded.
    fn try_from(map: Map) -> Result<Self> {
        let sound = match &map {
            Map::Identity => true,
            Map::Platt { slope, intercept } => is_slope(*slope) && intercept.is_finite(),
            Map::Beta { a, b, c } => is_slope(*a) && is_slope(*b) && c.is_finite(),
            Map::Isotonic { points } => {
                !points.is_empty()
                    && points.iter().all(|&(x, y)| (0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y))
                    && points.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 <= w[1].1)
            }
        };
        if sound {
            Ok(Self(map))
        } else {
            Err(Error::undefined(
                "the stored calibrator",
                "it is not a rising function from [0, 1] to [0, 1]",
            ))
        }
    }
}

fn is_slope(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

impl From<Calibrator> for Map {
    fn from(calibrator: Calibrator) -> Self {
        calibrator.0
    }
}

impl Calibrator {
    /// The calibrator that changes nothing.
    #[must_use]
    pub fn identity() -> Self {
        Self(Map::Identity)
    }

    /// Learns from held-out probabilities and their labels (0 or 1).
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Lengths`], [`Error::Value`] for a label or probability out of range,
    /// [`Error::ZeroWeights`], and [`Error::OneClass`] where there is nothing to learn a rate from.
    pub fn fit(
        method: Method,
        probabilities: &[f64],
        labels: &[f64],
        weights: Option<&[f64]>,
    ) -> Result<Self> {
        let pairs = Pairs::probabilities(labels, probabilities, weights)?;
        pairs.require_two_classes("a calibrator")?;
        Ok(Self(match method {
            Method::Identity => Map::Identity,
            Method::Platt => fit_platt(pairs),
            Method::Isotonic => fit_isotonic(pairs),
            Method::Beta => fit_beta(pairs),
        }))
    }

    /// The method that made it.
    #[must_use]
    pub fn method(&self) -> Method {
        match self.0 {
            Map::Identity => Method::Identity,
            Map::Platt { .. } => Method::Platt,
            Map::Isotonic { .. } => Method::Isotonic,
            Map::Beta { .. } => Method::Beta,
        }
    }

    /// The calibrated probability. It never falls as `probability` rises, and lies in [0, 1]; values outside
    /// [0, 1] are taken as the nearer end, and NaN stays NaN.
    #[must_use]
    pub fn apply(&self, probability: f64) -> f64 {
        let p = probability.clamp(0.0, 1.0);
        if p.is_nan() {
            return p;
        }
        match &self.0 {
            Map::Identity => p,
            Map::Platt { slope, intercept } => expit(slope * logit(p, EDGE) + intercept),
            Map::Isotonic { points } => interpolate(points, p),
            Map::Beta { a, b, c } => {
                let [ln_p, ln_rest] = beta_terms(p);
                expit(a * ln_p + b * ln_rest + c)
            }
        }
    }

    /// [`Calibrator::apply`] for each probability.
    #[must_use]
    pub fn apply_all(&self, probabilities: &[f64]) -> Vec<f64> {
        probabilities.iter().map(|&p| self.apply(p)).collect()
    }
}

fn fit_platt(pairs: Pairs<'_>) -> Map {
    let sample = Sample::new(pairs, |p| [logit(p, EDGE)]);
    let [slope, intercept] = sample.fit::<2>([true]);
    Map::Platt { slope, intercept }
}

/// `ln p` and `−ln(1 − p)`.
fn beta_terms(p: f64) -> [f64; 2] {
    let p = p.clamp(EDGE, 1.0 - EDGE);
    [p.ln(), -(-p).ln_1p()]
}

fn fit_beta(pairs: Pairs<'_>) -> Map {
    let sample = Sample::new(pairs, beta_terms);
    let [a, b, c] = sample.fit::<3>([true, true]);
    if a >= 0.0 && b >= 0.0 {
        return Map::Beta { a, b, c };
    }
    // The loss is convex: with a negative slope, the best allowed point has one slope at 0.
    let candidates = [sample.fit::<3>([true, false]), sample.fit::<3>([false, true])]
        .map(|[a, b, c]| if a < 0.0 || b < 0.0 { sample.fit::<3>([false, false]) } else { [a, b, c] });
    let [a, b, c] = if sample.loss(&candidates[0]) <= sample.loss(&candidates[1]) {
        candidates[0]
    } else {
        candidates[1]
    };
    Map::Beta { a, b, c }
}

fn fit_isotonic(pairs: Pairs<'_>) -> Map {
    let (mut scores, mut rates, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    let mut order = rank::descending(pairs.predicted);
    order.reverse();
    rank::for_each_tie(pairs.predicted, &order, |score, rows| {
        let weight: f64 = rows.iter().map(|&r| pairs.weight(r)).sum();
        let positives: f64 = rows.iter().map(|&r| pairs.weight(r) * pairs.actual[r]).sum();
        if weight > 0.0 {
            scores.push(score + 0.0);
            rates.push(positives / weight);
            weights.push(weight);
        }
    });
    pool_adjacent_violators(&mut rates, &weights);
    // Only the two ends of a level stretch shape the line.
    let is_end =
        |i: usize| i == 0 || i + 1 == rates.len() || rates[i] != rates[i - 1] || rates[i] != rates[i + 1];
    let points = (0..rates.len()).filter(|&i| is_end(i)).map(|i| (scores[i], rates[i].clamp(0.0, 1.0)));
    Map::Isotonic { points: points.collect() }
}
