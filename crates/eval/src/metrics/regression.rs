//! Metrics of predicted numbers.

use crate::check::{self, Pairs};
use crate::rank;
use crate::{Error, Result};

/// Mean absolute error, in the unit of the target.
///
/// # Errors
/// As [the module](super) says.
pub fn mae(actual: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Result<f64> {
    finite("mae", Pairs::numbers(actual, predicted, weights)?.mean(|y, p| (y - p).abs()))
}

/// Root of the mean squared error, in the unit of the target.
///
/// # Errors
/// As [the module](super) says.
pub fn rmse(actual: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Result<f64> {
    finite("rmse", Pairs::numbers(actual, predicted, weights)?.mean(|y, p| (y - p).powi(2)).sqrt())
}

/// Coefficient of determination, `1 − Σw(y−p)² / Σw(y−ȳ)²`. At most 1; negative where the mean would have
/// been better.
///
/// # Errors
/// As [the module](super) says; [`Error::Undefined`] where all actual values are equal.
pub fn r2(actual: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Result<f64> {
    let pairs = Pairs::numbers(actual, predicted, weights)?;
    let mean = pairs.mean(|y, _| y);
    let spread = pairs.mean(|y, _| (y - mean).powi(2));
    let mut values = pairs.iter().map(|(y, _, _)| y);
    let first = values.next();
    if values.all(|y| Some(y) == first) || spread == 0.0 {
        return Err(Error::undefined("r2", "all actual values are equal"));
    }
    finite("r2", 1.0 - pairs.mean(|y, p| (y - p).powi(2)) / spread)
}

/// Mean absolute percentage error as a fraction: the mean of `|y − p| / |y|`; 0.1 is ten percent.
///
/// # Errors
/// As [the module](super) says; [`Error::Value`] where an actual value is 0.
pub fn mape(actual: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Result<f64> {
    let pairs = Pairs::numbers(actual, predicted, weights)?;
    check::all("actual value", actual, "any number but 0, by which mape divides", |y| y != 0.0)?;
    finite("mape", pairs.mean(|y, p| ((y - p) / y).abs()))
}

/// Mean Poisson deviance, `2(y ln(y/p) − y + p)`; 0 is perfect. [`tweedie_deviance`] of power 1.
///
/// # Errors
/// As [`tweedie_deviance`].
pub fn poisson_deviance(actual: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Result<f64> {
    tweedie_deviance(actual, predicted, weights, 1.0)
}

/// Mean gamma deviance, `2(ln(p/y) + y/p − 1)`; 0 is perfect. [`tweedie_deviance`] of power 2.
///
/// # Errors
/// As [`tweedie_deviance`].
pub fn gamma_deviance(actual: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Result<f64> {
    tweedie_deviance(actual, predicted, weights, 2.0)
}

/// Mean Tweedie deviance of the given power `q` (Jørgensen 1997); 0 is perfect.
///
/// `2( max(y,0)^(2−q) / ((1−q)(2−q)) − y p^(1−q) / (1−q) + p^(2−q) / (2−q) )`, with its limits at 0 (squared
/// error), 1 (Poisson) and 2 (gamma). Predictions must be above 0, except at power 0. Actual values must be
/// at least 0 for powers from 1 up to 2, above 0 from 2 on; below 0 any value is allowed.
///
/// # Errors
/// As [the module](super) says; [`Error::Value`] for a value outside these ranges; [`Error::Parameter`] for a
/// power between 0 and 1, for which there is no distribution, or one that is not finite.
pub fn tweedie_deviance(
    actual: &[f64],
    predicted: &[f64],
    weights: Option<&[f64]>,
    power: f64,
) -> Result<f64> {
    if !power.is_finite() || (power > 0.0 && power < 1.0) {
        return Err(Error::parameter("power", power, "at most 0 or at least 1"));
    }
    let pairs = Pairs::numbers(actual, predicted, weights)?;
    if power != 0.0 {
        check::all("prediction", predicted, "a number above 0", |p| p > 0.0)?;
    }
    if power >= 2.0 {
        check::all("actual value", actual, "a number above 0", |y| y > 0.0)?;
    } else if power >= 1.0 {
        check::all("actual value", actual, "a number of at least 0", |y| y >= 0.0)?;
    }
    let unit = |y: f64, p: f64| -> f64 {
        if power == 0.0 {
            (y - p).powi(2)
        } else if power == 1.0 {
            let log = if y > 0.0 { y * (y / p).ln() } else { 0.0 };
            2.0 * (log - y + p)
        } else if power == 2.0 {
            2.0 * ((p / y).ln() + y / p - 1.0)
        } else {
            let (a, b) = (1.0 - power, 2.0 - power);
            2.0 * (y.max(0.0).powf(b) / (a * b) - y * p.powf(a) / a + p.powf(b) / b)
        }
    };
    finite("tweedie_deviance", pairs.mean(unit))
}

/// Share of the deviance explained, `1 − D(y, p) / D(y, ȳ)` with the [`tweedie_deviance`] D of a power and the
/// weighted mean ȳ. At most 1; 0 is what the mean reaches. Power 0 is [`r2`].
///
/// # Errors
/// As [`tweedie_deviance`]; [`Error::Undefined`] where all actual values are equal.
pub fn d2_tweedie(actual: &[f64], predicted: &[f64], weights: Option<&[f64]>, power: f64) -> Result<f64> {
    let deviance = tweedie_deviance(actual, predicted, weights, power)?;
    let pairs = Pairs::numbers(actual, predicted, weights)?;
    let mut values = pairs.iter().map(|(y, _, _)| y);
    let first = values.next();
    if values.all(|y| Some(y) == first) {
        return Err(Error::undefined("d2_tweedie", "all actual values are equal"));
    }
    let mean = vec![pairs.mean(|y, _| y); actual.len()];
    finite("d2_tweedie", 1.0 - deviance / tweedie_deviance(actual, &mean, weights, power)?)
}

/// Mean pinball (quantile) loss, `q (y − p)` where the actual value is above the prediction, `(1 − q) (p − y)`
/// where it is below (Koenker & Bassett 1978); lowest at the quantile `q`. For 0.5 it is half of [`mae`].
///
/// # Errors
/// As [the module](super) says; [`Error::Parameter`] for a quantile not between 0 and 1.
pub fn pinball_loss(
    actual: &[f64],
    predicted: &[f64],
    weights: Option<&[f64]>,
    quantile: f64,
) -> Result<f64> {
    check::fraction_between("quantile", quantile, "between 0 and 1, both excluded")?;
    let unit = |y: f64, p: f64| if y >= p { quantile * (y - p) } else { (1.0 - quantile) * (p - y) };
    finite("pinball_loss", Pairs::numbers(actual, predicted, weights)?.mean(unit))
}

/// Mean Huber loss: `(y − p)² / 2` up to a distance of `delta`, `delta (|y − p| − delta / 2)` beyond it (Huber
/// 1964).
///
/// # Errors
/// As [the module](super) says; [`Error::Parameter`] for a `delta` that is not finite and above 0.
pub fn huber_loss(actual: &[f64], predicted: &[f64], weights: Option<&[f64]>, delta: f64) -> Result<f64> {
    if !(delta.is_finite() && delta > 0.0) {
        return Err(Error::parameter("delta", delta, "a finite number above 0"));
    }
    let unit = |y: f64, p: f64| {
        let distance = (y - p).abs();
        if distance <= delta { 0.5 * distance * distance } else { delta * (distance - 0.5 * delta) }
    };
    finite("huber_loss", Pairs::numbers(actual, predicted, weights)?.mean(unit))
}

/// Share of the weight whose actual value lies in its interval, both ends included.
///
/// # Errors
/// As [the module](super) says; [`Error::Value`] where a lower end is above the upper one.
pub fn interval_coverage(actual: &[f64], low: &[f64], high: &[f64], weights: Option<&[f64]>) -> Result<f64> {
    check::same_length("lower ends", actual.len(), low.len())?;
    check_ends(low, high)?;
    check::all("actual value", actual, "a finite number", f64::is_finite)?;
    let inside: Vec<f64> =
        (0..actual.len()).map(|i| f64::from(u8::from(low[i] <= actual[i] && actual[i] <= high[i]))).collect();
    Ok(Pairs::numbers(&inside, &inside, weights)?.mean(|hit, _| hit))
}

/// Weighted mean of `high − low`.
///
/// # Errors
/// As [`interval_coverage`].
pub fn mean_interval_width(low: &[f64], high: &[f64], weights: Option<&[f64]>) -> Result<f64> {
    check_ends(low, high)?;
    finite("mean_interval_width", Pairs::numbers(low, high, weights)?.mean(|low, high| high - low))
}

fn check_ends(low: &[f64], high: &[f64]) -> Result<()> {
    check::same_length("upper ends", low.len(), high.len())?;
    check::all("lower end", low, "a finite number", f64::is_finite)?;
    check::all("upper end", high, "a finite number", f64::is_finite)?;
    match (0..low.len()).find(|&row| low[row] > high[row]) {
        Some(row) => {
            Err(Error::Value { what: "lower end", row, value: low[row], expected: "at most the upper end" })
        }
        None => Ok(()),
    }
}

/// Normalised Gini: how much of the target's concentration the order of the predictions recovers.
///
/// Rows are ordered by falling prediction; the Gini is the area between the curve of cumulated actual values
/// over cumulated weight and the diagonal, and it is divided by that of the perfect order. At most 1; 0 is
/// chance. Within a tie the actual values are spread evenly. For a 0/1 target it equals `2 AUC − 1`.
///
/// # Errors
/// As [the module](super) says; [`Error::Value`] where an actual value is negative; [`Error::Undefined`] where
/// all of them are equal.
pub fn normalised_gini(actual: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Result<f64> {
    let pairs = Pairs::numbers(actual, predicted, weights)?;
    check::all("actual value", actual, "a number of at least 0", |y| y >= 0.0)?;
    let mut values = pairs.iter().map(|(y, _, _)| y);
    let first = values.next();
    if values.all(|y| Some(y) == first) {
        return Err(Error::undefined("normalised_gini", "all actual values are equal"));
    }
    finite("normalised_gini", gini(pairs, predicted) / gini(pairs, actual))
}

/// Area between the concentration curve and the diagonal.
fn gini(pairs: Pairs<'_>, order_by: &[f64]) -> f64 {
    let order = rank::descending(order_by);
    let total = pairs.mean(|y, _| y) * pairs.total_weight;
    let (mut area, mut reached) = (0.0, 0.0);
    rank::for_each_tie(order_by, &order, |_, rows| {
        let weight: f64 = rows.iter().map(|&r| pairs.weight(r)).sum();
        let amount: f64 = rows.iter().map(|&r| pairs.weight(r) * pairs.actual[r]).sum();
        area += weight * (reached + 0.5 * amount);
        reached += amount;
    });
    area / (pairs.total_weight * total) - 0.5
}

/// Numbers near the end of f64 can overflow on the way: that is said, not returned.
fn finite(figure: &'static str, value: f64) -> Result<f64> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(Error::undefined(figure, "the values are too large to add up"))
    }
}
