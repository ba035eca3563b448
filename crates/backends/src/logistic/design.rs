//! From columns of a data set to the columns of the regression, and back to one term per feature.

use tenure_core::{FeatureKind, Schema};

use super::LogisticParams;
use super::model::{Known, Numeric, Term, Terms};
use crate::glm::blocks::Blocks;
use crate::glm::sample::Sample;
use tenure_gbdt::Threads;

/// Features that are read from the rows together: those of a cache line.
const TOGETHER: usize = 8;

/// How every feature is laid out in the regression; column 0 is the intercept.
pub(super) struct Design {
    columns: Vec<Column>,
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
    pub(super) fn learn(
        schema: &Schema,
        sample: &Sample<'_>,
        params: &LogisticParams,
        threads: &Threads,
    ) -> Self {
        let features = schema.features();
        let groups = threads.map(features.len().div_ceil(TOGETHER), |group| {
            let first = group * TOGETHER;
            let features = &features[first..features.len().min(first + TOGETHER)];
            let mut columns: Vec<Vec<f64>> = vec![Vec::with_capacity(sample.len()); features.len()];
            for row in 0..sample.len() {
                for (column, value) in columns.iter_mut().zip(&sample.features(row)[first..]) {
                    column.push(*value);
                }
            }
            let learned = features.iter().zip(&columns).map(|(feature, values)| match &feature.kind {
                FeatureKind::Numeric => Column::Numeric {
                    scale: Numeric::learn(&mut Known::new(values, &sample.w), params.trim, params.tame_tails),
                    missing: values.iter().any(|v| v.is_nan()),
                },
                FeatureKind::Categorical { levels } => {
                    Column::Levels(places(values, levels.len(), params.min_level_rows))
                }
            });
            learned.collect::<Vec<_>>()
        });
        let columns: Vec<Column> = groups.into_iter().flatten().collect();
        let width = 1 + columns.iter().map(Column::width).sum::<usize>();
        Self { columns, width }
    }

    pub(super) fn blocks(&self, sample: &Sample<'_>, threads: &Threads) -> Blocks<'static> {
        Blocks::build(sample.len(), self.width, threads, |row, out| {
            let Some((intercept, mut rest)) = out.split_first_mut() else { return };
            *intercept = 1.0;
            for (column, &value) in self.columns.iter().zip(sample.features(row)) {
                let (own, later) = rest.split_at_mut(column.width());
                column.write(value, own);
                rest = later;
            }
        })
    }

    /// Number of regression columns, the intercept among them.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The feature that a regression column belongs to.
    pub(super) fn feature_of(&self, at: usize) -> Option<usize> {
        let mut end = 1;
        self.columns.iter().position(|column| {
            end += column.width();
            at < end
        })
    }

    /// The fitted terms, each with mean zero over the training rows; the baseline takes up the means, which
    /// are those of the regression columns.
    pub(super) fn terms(&self, beta: &[f64], means: &[f64]) -> Terms {
        let mut baseline = beta[0];
        let mut at = 1;
        let mut terms = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let width = column.width();
            let beta = &beta[at..at + width];
            let mean: f64 = beta.iter().zip(&means[at..at + width]).map(|(b, m)| b * m).sum();
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

/// A regression column for each level with enough rows, one shared by the rest, one for missing.
fn places(values: &[f64], levels: usize, min_rows: usize) -> Vec<Option<usize>> {
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
