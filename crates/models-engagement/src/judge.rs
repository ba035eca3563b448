//! What the data say about when to send: a logistic regression that knows how sure it is.
//!
//! All columns enter standardised, with a slight quadratic penalty (λ = 1: a normal prior of deviation 1), so that
//! every direction has an answer. The covariance of the coefficients is
//!
//! ```text
//! V = A⁻¹ (B + λI) A⁻¹,   A = Xᵀ diag(p (1 − p)) X + λI,   B = Σ over recipients of s sᵀ,   s = Σ x (y − p)
//! ```
//!
//! the sandwich by recipient (Liang & Zeger 1986), corrected for small samples as Stata and statsmodels do: the
//! messages of one recipient are alike, and counted as so many recipients they would look surer than they are. In a
//! direction that the data do not know (hours at which nothing was sent), B is empty and V is the prior's own
//! variance: what is not known is not sure.
//!
//! * **Does the time matter at all?** A Wald test of all time terms together, held against
//!   `F(k, recipients − 1)`, k being the rank of the time terms beside all others.
//! * **How much is a change worth?** The best of many times is chosen because it looks best. Scheffé's bound
//!   (1953) holds for every contrast of the time terms at once, whichever is picked after the fact: its reach is
//!   `√(k F(k, recipients − 1))` standard errors.

use std::any::Any;
use std::collections::HashMap;

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, FisherSnedecor, Normal};
use tenure_backends::glm::{Factor, Family, GlmModel, GlmParams};
use tenure_core::{Dataset, Error, Feature, FitContext, Learner, Model, Result, Schema};

/// Strength λ of the penalty on standardised coefficients.
const RIDGE: f64 = 1.0;

/// Least deviation that a time term is divided by. A pooled deviation of recipients that hardly differ is almost a
/// constant: divided by its own deviation, the penalty would let it have any coefficient, by which what is not known
/// of a recipient is then multiplied.
const LEAST_SCALE: f64 = 0.25;

/// Levels of a category with fewer rows share the reference.
const LEAST_LEVEL_ROWS: usize = 10;

/// Whether the time of sending matters at all, over all messages.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeTest {
    /// Wald statistic over the degrees of freedom.
    pub f: f64,
    /// Time terms that the data can tell apart; 0 where all messages were sent at one time.
    pub terms: usize,
    /// Recipients (messages, where recipients are not known) less 1.
    pub residual: f64,
    /// Probability of a statistic at least so high, if the time did not matter; 1 without any term.
    pub p_value: f64,
    /// Messages learned from.
    pub rows: usize,
}

/// The fitted time terms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Judge {
    /// One a time term, per unit of the column.
    pub(crate) coefficients: Vec<f64>,
    /// Their covariance, row by row.
    covariance: Vec<f64>,
    pub(crate) test: TimeTest,
    /// Standard errors that hold for all contrasts at once.
    pub(crate) reach: f64,
}

impl Judge {
    /// Fits all columns of `data`, the first `terms` of which are the time terms. `level` is the coverage of the
    /// simultaneous intervals.
    pub(crate) fn fit(data: &Dataset, terms: usize, level: f64, context: &FitContext<'_>) -> Result<Self> {
        Self::fit_penalised(data, terms, level, RIDGE, context)
    }

    fn fit_penalised(
        data: &Dataset,
        terms: usize,
        level: f64,
        ridge: f64,
        context: &FitContext<'_>,
    ) -> Result<Self> {
        let design = Design::new(data, terms);
        let rows = design.x.nrows();
        let target = data.target()?.clone();
        let y = target.values().to_vec();
        let width = design.x.ncols();
        let names = (0..width).map(|at| Feature::numeric(at.to_string(), "", "")).collect();
        let table = Dataset::new(Schema::new(names)?, design.x.clone())?.with_target(target)?;
        let params =
            GlmParams { alpha: ridge / rows as f64, standardise: false, ..GlmParams::of(Family::Binomial) };
        let silent = FitContext { progress: &(), ..context.clone() };
        let fitted = params.check()?.fit(&table, None, &silent)?.model;
        let model = (fitted.as_ref() as &dyn Any).downcast_ref::<GlmModel>();
        let model = model.ok_or_else(|| Error::Internal("another model than a regression".into()))?;
        let mut beta = vec![0.0; width];
        for coefficient in model.coefficients(0.95)?.coefficients {
            if let Ok(at) = coefficient.name.parse::<usize>() {
                beta[at] = coefficient.estimate;
            }
        }
        let p = model.predict(design.x.view())?.column(0).to_vec();
        let known = Information::new(design.x.view(), &p, &y, data.groups());
        let own = &beta[width - terms..];
        let covariance = known.covariance(design.x.view(), terms, ridge);
        let (test, reach) = test(own, &covariance, known.rank(terms), &known, level);
        let scale = |at: usize| design.scales[at / terms] * design.scales[at % terms];
        Ok(Self {
            coefficients: own.iter().zip(&design.scales).map(|(b, scale)| b / scale).collect(),
            covariance: covariance.iter().enumerate().map(|(at, v)| v / scale(at)).collect(),
            test,
            reach,
        })
    }

    /// `d · coefficients` for a difference of time values, and its standard error.
    pub(crate) fn contrast(&self, difference: &[f64]) -> (f64, f64) {
        let terms = self.coefficients.len();
        let mean = difference.iter().zip(&self.coefficients).map(|(d, c)| d * c).sum();
        let row = |at: usize| -> f64 {
            self.covariance[at * terms..(at + 1) * terms].iter().zip(difference).map(|(v, d)| v * d).sum()
        };
        let variance: f64 = difference.iter().enumerate().map(|(at, d)| d * row(at)).sum();
        (mean, variance.max(0.0).sqrt())
    }

    /// Half the width of an interval: of the coefficients for all contrasts at once, of the recipient (whose pooled
    /// deviations are shrunk, so that picking the best of them needs no bound of its own: Efron 2011, *Tweedie's
    /// formula and selection bias*) for each by itself.
    pub(crate) fn half_width(&self, error: f64, doubt: f64, level: f64) -> f64 {
        let z = Normal::standard().inverse_cdf(0.5 + 0.5 * level);
        ((self.reach * error).powi(2) + z * z * doubt).sqrt()
    }

    /// Whether the parts fit each other; for what was read from a file.
    pub(crate) fn fits(&self, terms: usize) -> bool {
        self.coefficients.len() == terms && self.covariance.len() == terms * terms
    }
}

/// Numbers without gaps: categories as indicators, gaps as means beside an indicator, standardised.
struct Design {
    /// The time terms come last.
    x: Array2<f64>,
    /// What each time term was divided by: its standard deviation, at least [`LEAST_SCALE`].
    scales: Vec<f64>,
}

impl Design {
    fn new(data: &Dataset, terms: usize) -> Self {
        let (mut columns, mut time, mut scales) = (Vec::new(), Vec::new(), Vec::new());
        for (at, feature) in data.schema().features().iter().enumerate() {
            let values = data.x().column(at).to_vec();
            let indicator = |is: &dyn Fn(f64) -> bool| -> Vec<f64> {
                values.iter().map(|&v| f64::from(u8::from(is(v)))).collect()
            };
            let gaps = standardised(indicator(&f64::is_nan));
            if let Some(levels) = feature.levels() {
                for level in 1..levels.len() {
                    let own = indicator(&|v| v == level as f64);
                    let enough = own.iter().sum::<f64>() >= LEAST_LEVEL_ROWS as f64;
                    columns.extend(standardised(own).filter(|_| enough).map(|(column, _)| column));
                }
            } else if at < terms {
                let (column, scale) = standardised(values).unwrap_or_else(|| (vec![0.0; data.rows()], 1.0));
                let least = scale.max(LEAST_SCALE);
                time.push(column.into_iter().map(|v| v * (scale / least)).collect());
                scales.push(least);
            } else {
                columns.extend(standardised(values).map(|(column, _)| column));
            }
            columns.extend(gaps.map(|(column, _)| column));
        }
        columns.append(&mut time);
        let x = Array2::from_shape_fn((data.rows(), columns.len()), |(row, at)| columns[at][row]);
        Self { x, scales }
    }
}

/// Gaps filled by the mean, centred and divided by the deviation, which is given too; `None` for a constant.
fn standardised(mut values: Vec<f64>) -> Option<(Vec<f64>, f64)> {
    let known = values.iter().filter(|v| !v.is_nan());
    let (count, sum) = known.fold((0.0, 0.0), |(count, sum), v| (count + 1.0, sum + v));
    let mean = sum / f64::max(count, 1.0);
    values.iter_mut().for_each(|v| *v = if v.is_nan() { 0.0 } else { *v - mean });
    let scale = (values.iter().map(|v| v * v).sum::<f64>() / values.len().max(1) as f64).sqrt();
    if !(scale.is_finite() && scale > 1e-9 * mean.abs().max(1e-9)) {
        return None;
    }
    values.iter_mut().for_each(|v| *v /= scale);
    Some((values, scale))
}

/// What the fit knows: an intercept and the columns of a design, row by row.
struct Information {
    /// `Xᵀ diag(p (1 − p)) X`
    curvature: Vec<f64>,
    width: usize,
    /// The residual of each row and the number of its recipient.
    residuals: Vec<(f64, usize)>,
    recipients: usize,
}

/// One row with the intercept before it.
fn with_intercept(row: ndarray::ArrayView1<'_, f64>) -> Vec<f64> {
    std::iter::once(1.0).chain(row.iter().copied()).collect()
}

impl Information {
    fn new(x: ArrayView2<'_, f64>, p: &[f64], y: &[f64], groups: Option<&[u64]>) -> Self {
        let width = x.ncols() + 1;
        let mut curvature = vec![0.0; width * width];
        let mut numbers = HashMap::new();
        let mut residuals = Vec::with_capacity(p.len());
        for (at, row) in x.rows().into_iter().enumerate() {
            let row = with_intercept(row);
            let weight = p[at] * (1.0 - p[at]);
            for (i, a) in row.iter().enumerate() {
                let scaled = weight * a;
                let line = &mut curvature[i * width..=i * width + i];
                line.iter_mut().zip(&row).for_each(|(sum, b)| *sum += scaled * b);
            }
            let next = numbers.len();
            let number = *numbers.entry(groups.map_or(at as u64, |g| g[at])).or_insert(next);
            residuals.push((y[at] - p[at], number));
        }
        for i in 0..width {
            for j in 0..i {
                curvature[j * width + i] = curvature[i * width + j];
            }
        }
        Self { curvature, width, residuals, recipients: numbers.len() }
    }

    /// Covariance of the last `terms` coefficients, row by row.
    fn covariance(&self, x: ArrayView2<'_, f64>, terms: usize, ridge: f64) -> Vec<f64> {
        let width = self.width;
        let mut a = self.curvature.clone();
        (1..width).for_each(|i| a[i * width + i] += ridge);
        let factor = Factor::new(&a, width, &vec![true; width], 0.0);
        let unit = |at: usize| (0..width).map(|i| f64::from(u8::from(i == at))).collect::<Vec<_>>();
        let solved: Vec<Vec<f64>> = (width - terms..width).map(|at| factor.solve(&unit(at))).collect();
        let mut scores = vec![0.0; self.recipients * terms];
        for (row, &(residual, recipient)) in x.rows().into_iter().zip(&self.residuals) {
            let row = with_intercept(row);
            for (score, solved) in scores[recipient * terms..][..terms].iter_mut().zip(&solved) {
                *score += residual * row.iter().zip(solved).map(|(z, u)| z * u).sum::<f64>();
            }
        }
        let (rows, recipients) = (self.residuals.len() as f64, self.recipients as f64);
        let spare = (rows - width as f64).max(1.0);
        let correction = recipients / (recipients - 1.0).max(1.0) * (rows - 1.0) / spare;
        let entry = |at: usize| {
            let (i, j) = (at / terms, at % terms);
            let sandwich: f64 = scores.chunks_exact(terms).map(|s| s[i] * s[j]).sum();
            let prior: f64 = solved[i].iter().zip(&solved[j]).skip(1).map(|(a, b)| a * b).sum();
            correction * sandwich + ridge * prior
        };
        (0..terms * terms).map(entry).collect()
    }

    /// Number of the last `terms` columns that are no combination of those before them.
    fn rank(&self, terms: usize) -> usize {
        let factor = Factor::new(&self.curvature, self.width, &vec![true; self.width], 1e-9);
        factor.kept().iter().filter(|&&at| at >= self.width - terms).count()
    }
}

/// The test of all terms together, and how many standard errors cover every contrast of them.
fn test(
    coefficients: &[f64],
    covariance: &[f64],
    terms: usize,
    known: &Information,
    level: f64,
) -> (TimeTest, f64) {
    let (rows, residual) = (known.residuals.len(), known.recipients as f64 - 1.0);
    let Ok(reference) = FisherSnedecor::new(terms as f64, residual) else {
        return (TimeTest { f: 0.0, terms: 0, residual, p_value: 1.0, rows }, 0.0);
    };
    let width = coefficients.len();
    let factor = Factor::new(covariance, width, &vec![true; width], 1e-12);
    let f = factor.quadratic(coefficients) / terms as f64;
    let reach = (terms as f64 * reference.inverse_cdf(level)).sqrt();
    (TimeTest { f, terms, residual, p_value: reference.sf(f), rows }, reach)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use tenure_core::{Target, seed};

    #[derive(Deserialize)]
    struct Golden {
        x: Vec<[f64; 3]>,
        y: Vec<f64>,
        group: Vec<u64>,
        coefficients: Vec<f64>,
        covariance: Vec<f64>,
        f: f64,
        p_value: f64,
        reach: f64,
    }

    fn table(columns: usize, rows: usize, value: impl Fn(usize, usize) -> f64, y: Vec<f64>) -> Dataset {
        let names = (0..columns).map(|at| Feature::numeric(format!("c{at}"), "", "")).collect();
        let x = Array2::from_shape_fn((rows, columns), |(row, at)| value(row, at));
        let target = Target::binary("engaged", y).unwrap();
        Dataset::new(Schema::new(names).unwrap(), x).unwrap().with_target(target).unwrap()
    }

    #[test]
    fn the_sandwich_is_that_of_statsmodels() {
        let golden: Golden = serde_json::from_str(include_str!("../tests/golden/sandwich.json")).unwrap();
        let data = table(3, golden.y.len(), |row, at| golden.x[row][at], golden.y.clone());
        let data = data.with_groups(golden.group).unwrap();
        let judge = Judge::fit_penalised(&data, 2, 0.95, 1e-9, &FitContext::new(0)).unwrap();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-6 * b.abs().max(1e-3);
        for (found, expected) in judge.coefficients.iter().zip(&golden.coefficients) {
            assert!(near(*found, *expected), "{found} {expected}");
        }
        for (found, expected) in judge.covariance.iter().zip(&golden.covariance) {
            assert!(near(*found, *expected), "{found} {expected}");
        }
        let TimeTest { f, p_value, terms, residual, .. } = judge.test;
        assert!(near(f, golden.f) && near(p_value, golden.p_value), "{f} {p_value}");
        assert!(near(judge.reach, golden.reach), "{} {}", judge.reach, golden.reach);
        assert_eq!((terms, residual), (2, 39.0));
    }

    #[test]
    fn what_the_data_do_not_know_has_the_variance_of_the_prior() {
        let y: Vec<f64> = (0..400).map(|row| f64::from(u8::from(seed::unit(1, row) < 0.3))).collect();
        // Column 0 never varies, column 1 does.
        let data = table(2, 400, |row, at| if at == 0 { 5.0 } else { seed::unit(2, row as u64) }, y);
        let judge = Judge::fit(&data, 2, 0.95, &FitContext::new(0)).unwrap();
        assert_eq!(judge.test.terms, 1);
        let (change, error) = judge.contrast(&[1.0, 0.0]);
        assert!(change.abs() < 1e-9 && (error - 1.0).abs() < 1e-9, "{change} {error}");
        let nothing = Judge::fit(&data, 1, 0.95, &FitContext::new(0)).unwrap();
        assert_eq!((nothing.test.terms, nothing.test.p_value), (0, 1.0));
    }

    /// With no effect at all, one test in twenty finds one: simulated 400 times with recipients who differ.
    #[test]
    fn the_test_finds_nothing_where_there_is_nothing() {
        let mut found = 0;
        for run in 0..400_u64 {
            let draw = |row: usize, what: u64| seed::unit(seed::mix(run, what), row as u64);
            let own = |row: usize| 2.0 * draw(row / 5, 1) - 1.5;
            let y =
                (0..400).map(|row| f64::from(u8::from(draw(row, 2) < 1.0 / (1.0 + (-2.0 * own(row)).exp()))));
            let data = table(4, 400, |row, at| draw(row, 3 + at as u64), y.collect());
            let data = data.with_groups((0..400).map(|row| row / 5).collect()).unwrap();
            let judge = Judge::fit(&data, 3, 0.95, &FitContext::new(0)).unwrap();
            found += usize::from(judge.test.p_value < 0.05);
        }
        // 20 are expected; the 99.9 % point of that binomial is 35.
        assert!((5..=35).contains(&found), "{found}");
    }
}
