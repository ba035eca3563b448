//! Values far from the middle half of their column.

use serde::{Deserialize, Serialize};
use tenure_core::{Dataset, FeatureKind};

/// Spreads of the middle half beyond which a value counts as an outlier (Tukey 1977).
const FENCE: f64 = 1.5;

/// A column, its middle half, and what lies far from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnOutliers {
    /// Name of the target or of the feature.
    pub column: String,
    /// Rows that know it.
    pub rows: usize,
    /// First quartile (between two values, linearly).
    pub q1: f64,
    /// Third quartile.
    pub q3: f64,
    /// Values below are outliers: `q1 − 1.5 (q3 − q1)`.
    pub low: f64,
    /// Values above are outliers: `q3 + 1.5 (q3 − q1)`.
    pub high: f64,
    /// The rows of the outliers, counted from 0, the farthest from the middle half first.
    pub outliers: Vec<usize>,
}

/// The outliers of the targets that are numbers and of every numeric feature, columns without a known value left out.
///
/// An outlier is a value to look at, not one to delete: a long session is long. In a skewed column many are none, and in
/// one where half of the values are equal every other value is one.
#[must_use]
pub fn outliers(data: &Dataset) -> Vec<ColumnOutliers> {
    let targets = data.targets().iter().map(|target| (target.name().to_owned(), target.values().to_vec()));
    let features = data.schema().features().iter().enumerate();
    let numeric = features.filter(|(_, feature)| feature.kind == FeatureKind::Numeric);
    let named = numeric.map(|(at, feature)| (feature.name.clone(), data.x().column(at).to_vec()));
    targets.chain(named).filter_map(|(column, values)| of_column(column, &values)).collect()
}

fn of_column(column: String, values: &[f64]) -> Option<ColumnOutliers> {
    let mut known: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    known.sort_unstable_by(f64::total_cmp);
    let last = known.len().checked_sub(1)?;
    let quantile = |share: f64| {
        let place = share * last as f64;
        let below = known[place as usize];
        below + place.fract() * (known[place.ceil() as usize] - below)
    };
    let (q1, q3) = (quantile(0.25), quantile(0.75));
    let (low, high) = (q1 - FENCE * (q3 - q1), q3 + FENCE * (q3 - q1));
    let mut outliers: Vec<usize> =
        (0..values.len()).filter(|&row| values[row] < low || values[row] > high).collect();
    let distance = |row: usize| (low - values[row]).max(values[row] - high);
    outliers.sort_by(|&a, &b| distance(b).total_cmp(&distance(a)));
    Some(ColumnOutliers { column, rows: known.len(), q1, q3, low, high, outliers })
}
