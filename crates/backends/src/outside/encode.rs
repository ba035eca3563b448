//! Columns for learners that know numbers only, and none that is missing.

use ndarray::ArrayView1;
use serde::{Deserialize, Serialize};
use tenure_core::{Dataset, Error, FeatureKind, Result, Schema};

/// How every feature is laid out.
///
/// A number is centred and divided by its standard deviation; a category becomes one indicator per level, less the
/// level's share. Whatever is missing or unknown is 0, which is the mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Encoder {
    columns: Vec<Column>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Column {
    Numeric {
        centre: f64,
        /// One over the standard deviation; 0 for a column without information.
        inverse_width: f64,
    },
    /// The share of each level.
    Levels(Vec<f64>),
}

/// Standardised values end here, so that sums stay finite.
const FURTHEST: f64 = 1e9;

impl Encoder {
    pub(crate) fn learn(data: &Dataset, weights: Option<&[f64]>) -> Self {
        let ones = vec![1.0; data.rows()];
        let weights = weights.unwrap_or(&ones);
        let (x, features) = (data.x(), data.schema().features().iter());
        let columns = features.zip(x.columns()).map(|(feature, values)| match &feature.kind {
            FeatureKind::Numeric => numeric(values, weights),
            FeatureKind::Categorical { levels } => shares(values, weights, levels.len()),
        });
        Self { columns: columns.collect() }
    }

    /// Columns in all.
    pub(crate) fn width(&self) -> usize {
        self.columns.iter().map(Column::width).sum()
    }

    /// Refuses a data set that has no columns left: categories without levels.
    pub(crate) fn require_columns(&self, backend: &str) -> Result<()> {
        if self.width() > 0 { Ok(()) } else { Err(Error::unsupported(backend, "a data set without columns")) }
    }

    /// Calls `each` with the number of every column and its value, feature by feature.
    pub(crate) fn encode(&self, row: impl Iterator<Item = f64>, mut each: impl FnMut(usize, f64)) {
        let mut at = 0;
        for (column, value) in self.columns.iter().zip(row) {
            column.encode(value, |offset, value| each(at + offset, value));
            at += column.width();
        }
    }

    /// For each feature the dot product of its columns with `coefficients`.
    pub(crate) fn terms<'a>(
        &'a self,
        row: impl Iterator<Item = f64> + 'a,
        mut coefficients: &'a [f64],
    ) -> impl Iterator<Item = f64> + 'a {
        self.columns.iter().zip(row).map(move |(column, value)| {
            let (own, rest) = coefficients.split_at(column.width().min(coefficients.len()));
            coefficients = rest;
            let mut sum = 0.0;
            column.encode(value, |at, value| sum += value * own.get(at).copied().unwrap_or(0.0));
            sum
        })
    }

    /// All rows, row-major.
    pub(crate) fn matrix(&self, data: &Dataset) -> Vec<f64> {
        let mut matrix = Vec::with_capacity(data.rows() * self.width());
        for row in data.x().rows() {
            self.encode(row.iter().copied(), |_, value| matrix.push(value));
        }
        matrix
    }

    /// Refuses what does not fit the schema, for a loader.
    pub(crate) fn require_fit(&self, schema: &Schema) -> Result<()> {
        let fits = |(column, kind): (&Column, &FeatureKind)| match (column, kind) {
            (Column::Numeric { centre, inverse_width }, FeatureKind::Numeric) => {
                centre.is_finite() && inverse_width.is_finite()
            }
            (Column::Levels(shares), FeatureKind::Categorical { levels }) => {
                shares.len() == levels.len() && shares.iter().all(|s| s.is_finite())
            }
            _ => false,
        };
        let mut pairs = self.columns.iter().zip(schema.features().iter().map(|f| &f.kind));
        if self.columns.len() == schema.len() && pairs.all(fits) {
            Ok(())
        } else {
            Err(Error::damaged("the columns do not fit the features"))
        }
    }
}

impl Column {
    fn width(&self) -> usize {
        match self {
            Self::Numeric { .. } => 1,
            Self::Levels(shares) => shares.len(),
        }
    }

    fn encode(&self, value: f64, mut each: impl FnMut(usize, f64)) {
        match self {
            Self::Numeric { centre, inverse_width } => {
                let standard = ((value - centre) * inverse_width).clamp(-FURTHEST, FURTHEST);
                each(0, if standard.is_nan() { 0.0 } else { standard });
            }
            Self::Levels(shares) => {
                let known = value >= 0.0 && value < shares.len() as f64 && value.fract() == 0.0;
                for (level, share) in shares.iter().enumerate() {
                    let indicator = f64::from(u8::from(value == level as f64));
                    each(level, if known { indicator - share } else { 0.0 });
                }
            }
        }
    }
}

fn numeric(values: ArrayView1<'_, f64>, weights: &[f64]) -> Column {
    let known = || values.iter().zip(weights).filter(|(v, _)| !v.is_nan());
    let total: f64 = known().map(|(_, w)| w).sum();
    if total <= 0.0 {
        return Column::Numeric { centre: 0.0, inverse_width: 0.0 };
    }
    // Dividing before summing keeps values near the largest double from overflowing.
    let centre: f64 = known().map(|(v, w)| v * (w / total)).sum();
    let largest = known().map(|(v, _)| (v - centre).abs()).fold(0.0, f64::max);
    let variance: f64 = known().map(|(v, w)| ((v - centre) / largest).powi(2) * (w / total)).sum();
    let width = largest * variance.sqrt();
    let informs = width.is_finite() && width > 1e-12 * centre.abs() && (1.0 / width).is_finite();
    Column::Numeric { centre, inverse_width: if informs { 1.0 / width } else { 0.0 } }
}

fn shares(values: ArrayView1<'_, f64>, weights: &[f64], levels: usize) -> Column {
    let mut sums = vec![0.0; levels];
    for (&value, weight) in values.iter().zip(weights).filter(|(v, _)| !v.is_nan()) {
        if let Some(sum) = sums.get_mut(value as usize) {
            *sum += weight;
        }
    }
    let total: f64 = sums.iter().sum();
    Column::Levels(sums.into_iter().map(|s| if total > 0.0 { s / total } else { 0.0 }).collect())
}
