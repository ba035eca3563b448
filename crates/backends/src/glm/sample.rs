//! The rows of a data set that a fit learns from.

use std::borrow::Cow;

use tenure_core::{Dataset, Result};

/// Rows with a known target and a weight above 0, without a copy of their features.
#[derive(Debug)]
pub(crate) struct Sample<'a> {
    x: &'a [f64],
    features: usize,
    /// Numbers of the rows, `None` where it is all of them.
    rows: Option<Vec<usize>>,
    pub(crate) y: Cow<'a, [f64]>,
    pub(crate) w: Cow<'a, [f64]>,
    pub(crate) offsets: Option<Cow<'a, [f64]>>,
    /// Rows left out.
    pub(crate) skipped: usize,
}

impl<'a> Sample<'a> {
    pub(crate) fn of(data: &'a Dataset) -> Result<Self> {
        let y = data.target()?.values();
        let weights = data.weights();
        let counts = |row: usize| !y[row].is_nan() && weights.is_none_or(|w| w[row] > 0.0);
        let features = data.schema().len();
        let x = data.x().to_slice().unwrap_or_default();
        if (0..y.len()).all(counts) {
            let w = weights.map_or_else(|| Cow::Owned(vec![1.0; y.len()]), Cow::Borrowed);
            let offsets = data.offsets().map(Cow::Borrowed);
            return Ok(Self { x, features, rows: None, y: Cow::Borrowed(y), w, offsets, skipped: 0 });
        }
        let rows: Vec<usize> = (0..y.len()).filter(|&row| counts(row)).collect();
        let take = |values: &[f64]| rows.iter().map(|&row| values[row]).collect::<Vec<f64>>();
        Ok(Self {
            x,
            features,
            y: Cow::Owned(take(y)),
            w: Cow::Owned(weights.map_or_else(|| vec![1.0; rows.len()], take)),
            offsets: data.offsets().map(|o| Cow::Owned(take(o))),
            skipped: y.len() - rows.len(),
            rows: Some(rows),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.y.len()
    }

    /// The row of the data set that is number `at` here.
    pub(crate) fn number(&self, at: usize) -> usize {
        self.rows.as_ref().map_or(at, |rows| rows[at])
    }

    /// The features of row `at`.
    pub(crate) fn features(&self, at: usize) -> &[f64] {
        &self.x[self.number(at) * self.features..][..self.features]
    }

    /// The features of all rows, row after row, where no row of the data set was left out.
    pub(crate) fn all_features(&self) -> Option<&'a [f64]> {
        self.rows.is_none().then_some(self.x)
    }

    pub(crate) fn total_weight(&self) -> f64 {
        self.w.iter().sum()
    }

    /// Weighted mean of the target.
    pub(crate) fn mean_target(&self) -> f64 {
        self.y.iter().zip(&*self.w).map(|(y, w)| y * w).sum::<f64>() / self.total_weight()
    }
}
