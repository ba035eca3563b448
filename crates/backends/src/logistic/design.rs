//! From columns of a data set to the columns of the regression, and back to one term per feature.

use ndarray::{Array2, ArrayView1, ArrayView2};
use tenure_core::{Dataset, FeatureKind};

use super::LogisticParams;
use super::model::{Numeric, Term, Terms};
use super::newton::Solution;

/// How every feature is laid out in the regression.
pub(super) struct Design {
    columns: Vec<Column>,
    /// Mean of each regression column over the training rows, weighted.
    means: Vec<f64>,
    width: usize,
}

enum Column {
    /// One regression column, and one more where training saw missing values.
    Numeric { scale: Numeric, missing: bool },
    /// For each level the regression column, relative to the feature's first, if it has one; the last entry is
    /// for missing and unknown.
    Levels(Vec<Option<usize>>),
}

impl Column {
    fn width(&self) -> usize {
        match self {
            Self::Numeric { missing, .. } => 1 + usize::from(*missing),
            Self::Levels(places) => places.iter().flatten().max().map_or(0, |last| last + 1),
        }
    }

    /// Writes the regression columns of one value into zeroed places.
    fn write(&self, value: f64, out: &mut [f64]) {
        match self {
            Self::Numeric { scale, missing } => {
                out[0] = if value.is_nan() { 0.0 } else { scale.standardise(value) };
                if *missing {
                    out[1] = f64::from(u8::from(value.is_nan()));
                }
            }
            Self::Levels(places) => {
                let unknown = places.len() - 1;
                let level = if value.is_nan() { unknown } else { (value as usize).min(unknown) };
                if let Some(place) = places[level] {
                    out[place] = 1.0;
                }
            }
        }
    }
}

impl Design {
    pub(super) fn learn(data: &Dataset, weights: &[f64], params: &LogisticParams) -> Self {
        let columns: Vec<Column> = data
            .schema()
            .features()
            .iter()
            .zip(data.x().columns())
            .map(|(feature, values)| match &feature.kind {
                FeatureKind::Numeric => Column::Numeric {
                    scale: numeric(values, weights, params),
                    missing: values.iter().any(|v| v.is_nan()),
                },
                FeatureKind::Categorical { levels } => {
                    Column::Levels(places(values, levels.len(), params.min_level_rows))
                }
            })
            .collect();
        let width = columns.iter().map(Column::width).sum();
        let mut design = Self { columns, means: Vec::new(), width };
        let matrix = design.matrix(data.x());
        let total: f64 = weights.iter().sum();
        design.means = matrix
            .columns()
            .into_iter()
            .map(|c| c.iter().zip(weights).map(|(v, w)| v * w).sum::<f64>() / total)
            .collect();
        design
    }

    /// Rows × regression columns.
    pub(super) fn matrix(&self, x: ArrayView2<'_, f64>) -> Array2<f64> {
        let mut matrix = Array2::zeros((x.nrows(), self.width));
        for (values, mut out) in x.rows().into_iter().zip(matrix.rows_mut()) {
            let mut rest = out.as_slice_mut().unwrap_or_default();
            for (column, &value) in self.columns.iter().zip(values) {
                let (own, later) = rest.split_at_mut(column.width());
                column.write(value, own);
                rest = later;
            }
        }
        matrix
    }

    /// The fitted terms, each with mean zero over the training rows; the baseline takes up the means.
    pub(super) fn terms(&self, solution: &Solution) -> Terms {
        let mut baseline = solution.intercept;
        let mut at = 0;
        let mut terms = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let width = column.width();
            let beta = &solution.coefficients.as_slice().unwrap_or_default()[at..at + width];
            let mean: f64 = beta.iter().zip(&self.means[at..at + width]).map(|(b, m)| b * m).sum();
            baseline += mean;
            at += width;
            terms.push(match column {
                Column::Numeric { scale, missing } => Term::Numeric {
                    scale: scale.clone(),
                    slope: beta[0],
                    mean,
                    missing: if *missing { beta[1] } else { 0.0 } - mean,
                },
                Column::Levels(places) => {
                    let mut levels: Vec<f64> =
                        places.iter().map(|p| p.map_or(0.0, |p| beta[p]) - mean).collect();
                    let missing = levels.pop().unwrap_or(0.0);
                    Term::Levels { levels, missing }
                }
            });
        }
        Terms { baseline, terms }
    }
}

/// Centre and width of a numeric column, on the log scale where its tails are long.
fn numeric(values: ArrayView1<'_, f64>, weights: &[f64], params: &LogisticParams) -> Numeric {
    let known: Vec<(f64, f64)> =
        values.iter().zip(weights).filter(|(v, _)| !v.is_nan()).map(|(v, w)| (*v, *w)).collect();
    let plain = Numeric::fit(&known, params.trim, None);
    if !params.tame_tails {
        return plain;
    }
    let mut sizes: Vec<f64> = known.iter().map(|(v, _)| v.abs()).filter(|v| *v > 0.0).collect();
    if sizes.is_empty() {
        return plain;
    }
    let middle = sizes.len() / 2;
    let (_, &mut median, _) = sizes.select_nth_unstable_by(middle, f64::total_cmp);
    let tamed = Numeric::fit(&known, params.trim, Some(median));
    // The scale on which the column is less skewed; a plain one wins ties.
    if tamed.skewness(&known) + 0.5 < plain.skewness(&known) { tamed } else { plain }
}

/// A regression column for each level with enough rows, one shared by the rest, one for missing.
fn places(values: ArrayView1<'_, f64>, levels: usize, min_rows: usize) -> Vec<Option<usize>> {
    let mut rows = vec![0usize; levels + 1];
    for &value in values {
        rows[if value.is_nan() { levels } else { (value as usize).min(levels) }] += 1;
    }
    let mut next = 0;
    let mut take = || {
        next += 1;
        Some(next - 1)
    };
    let mut places: Vec<Option<usize>> =
        rows.iter().map(|&n| if n >= min_rows { take() } else { None }).collect();
    if rows.iter().any(|&n| n > 0 && n < min_rows) {
        let shared = take();
        for (place, &n) in places.iter_mut().zip(&rows) {
            if n > 0 && n < min_rows {
                *place = shared;
            }
        }
    }
    places
}
