//! How well predictions order amounts of money.

use crate::check::{self, Pairs};
use crate::rank;
use crate::{Error, Result};

/// Spearman's rank correlation, −1 to 1: Pearson's correlation of the ranks, tied rows sharing their mean rank.
/// With weights, a rank is the weight below plus half the weight of the tie.
///
/// # Errors
/// As [the module](super) says; [`Error::Undefined`] where all actual or all predicted values are equal.
pub fn spearman(actual: &[f64], predicted: &[f64], weights: Option<&[f64]>) -> Result<f64> {
    let pairs = Pairs::numbers(actual, predicted, weights)?;
    let (a, p) = (ranks(pairs, actual), ranks(pairs, predicted));
    let ranked = Pairs::numbers(&a, &p, weights)?;
    let (mean_a, mean_p) = (ranked.mean(|a, _| a), ranked.mean(|_, p| p));
    let (var_a, var_p) = (ranked.mean(|a, _| (a - mean_a).powi(2)), ranked.mean(|_, p| (p - mean_p).powi(2)));
    if var_a == 0.0 || var_p == 0.0 {
        return Err(Error::undefined("spearman", "all actual or all predicted values are equal"));
    }
    Ok((ranked.mean(|a, p| (a - mean_a) * (p - mean_p)) / (var_a * var_p).sqrt()).clamp(-1.0, 1.0))
}

fn ranks(pairs: Pairs<'_>, values: &[f64]) -> Vec<f64> {
    let mut ranks = vec![0.0; values.len()];
    let mut above = 0.0;
    rank::for_each_tie(values, &rank::descending(values), |_, rows| {
        let weight: f64 = rows.iter().map(|&row| pairs.weight(row)).sum();
        for &row in rows {
            ranks[row] = pairs.total_weight - above - 0.5 * weight;
        }
        above += weight;
    });
    ranks
}

/// Share of all actual money that the best-predicted `fraction` of the weight has; within a tie it is spread
/// evenly. The fraction itself is what chance reaches.
///
/// # Errors
/// As [the module](super) says; [`Error::Value`] where an actual value is negative; [`Error::Undefined`] where
/// all are 0; [`Error::Parameter`] for a fraction not above 0 or beyond 1.
pub fn share_of_top(
    actual: &[f64],
    predicted: &[f64],
    weights: Option<&[f64]>,
    fraction: f64,
) -> Result<f64> {
    let pairs = Pairs::numbers(actual, predicted, weights)?;
    check::all("actual value", actual, "a number of at least 0", |y| y >= 0.0)?;
    if !(fraction > 0.0 && fraction <= 1.0) {
        return Err(Error::parameter("fraction", fraction, "above 0 and at most 1"));
    }
    let total = pairs.mean(|y, _| y) * pairs.total_weight;
    if total == 0.0 {
        return Err(Error::undefined("share_of_top", "all actual values are 0"));
    }
    let (mut left, mut reached) = (fraction * pairs.total_weight, 0.0);
    rank::for_each_tie(predicted, &rank::descending(predicted), |_, rows| {
        let weight: f64 = rows.iter().map(|&row| pairs.weight(row)).sum();
        let amount: f64 = rows.iter().map(|&row| pairs.weight(row) * actual[row]).sum();
        if weight > 0.0 && left > 0.0 {
            reached += amount * (left / weight).min(1.0);
            left -= weight;
        }
    });
    Ok((reached / total).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spearman_is_pearson_of_the_mean_ranks() {
        // Pearson over the mean ranks 2, 3.5, 3.5, 5, 1 and 3, 2, 4, 5, 1.
        let (a, p) = ([1.0, 2.0, 2.0, 5.0, 0.0], [3.0, 1.0, 4.0, 6.0, 0.0]);
        assert!((spearman(&a, &p, None).unwrap() - 0.820_782_681_668_123_6).abs() < 1e-15);
        let doubled = spearman(&a, &p, Some(&[1.0, 2.0, 1.0, 1.0, 1.0])).unwrap();
        let twice = spearman(&[1.0, 2.0, 2.0, 2.0, 5.0, 0.0], &[3.0, 1.0, 1.0, 4.0, 6.0, 0.0], None).unwrap();
        assert!((doubled - twice).abs() < 1e-15);
        assert!(spearman(&a, &[1.0; 5], None).unwrap_err().to_string().contains("spearman"));
    }

    #[test]
    fn the_top_has_its_share_and_ties_share_evenly() {
        let actual = [10.0, 0.0, 30.0, 60.0];
        assert_eq!(share_of_top(&actual, &[1.0, 2.0, 3.0, 4.0], None, 0.25).unwrap(), 0.6);
        assert_eq!(share_of_top(&actual, &[1.0; 4], None, 0.25).unwrap(), 0.25);
        assert_eq!(share_of_top(&actual, &[4.0, 4.0, 1.0, 1.0], None, 0.75).unwrap(), 0.55);
        assert!(share_of_top(&[0.0], &[1.0], None, 0.5).is_err());
    }
}
