//! The rows that a learner of others gets.

use std::borrow::Cow;

#[cfg(any(feature = "lightgbm", feature = "xgboost"))]
use ndarray::{ArrayView2, ArrayViewMut2, Axis};
#[cfg(any(feature = "lightgbm", feature = "xgboost"))]
use tenure_core::Schema;
use tenure_core::{Capabilities, Dataset, Error, FeatureKind, MissingPolicy, Result};

use super::Task;

/// Rows with a known label and a weight above 0.
pub(crate) struct Rows<'a> {
    data: Cow<'a, Dataset>,
    /// Whether a weight differs from 1; if not, libraries take shorter paths without weights.
    weighted: bool,
    left_out: usize,
}

impl<'a> Rows<'a> {
    /// Refuses what `capabilities` do not claim: weights, offsets, categories, missing values.
    pub(crate) fn of(backend: &str, capabilities: Capabilities, data: &'a Dataset) -> Result<Self> {
        let labels = data.target()?.values();
        let refuse = |what: &str| Err(Error::unsupported(backend, what));
        if data.weights().is_some() && !capabilities.weights {
            return refuse("sample weights");
        }
        if data.offsets().is_some() && !capabilities.offsets {
            return refuse("offsets");
        }
        for (column, feature) in data.schema().features().iter().enumerate() {
            if !capabilities.categorical && matches!(feature.kind, FeatureKind::Categorical { .. }) {
                return refuse(&format!("categorical columns: `{}`", feature.name));
            }
            if capabilities.missing == MissingPolicy::Refused
                && let Some(row) = data.x().column(column).iter().position(|v| v.is_nan())
            {
                return refuse(&format!("missing values: feature `{}`, row {row}", feature.name));
            }
        }
        let counts = |&row: &usize| !labels[row].is_nan() && data.weights().is_none_or(|w| w[row] > 0.0);
        let rows: Vec<usize> = (0..data.rows()).filter(counts).collect();
        let left_out = data.rows() - rows.len();
        let data = if left_out == 0 { Cow::Borrowed(data) } else { Cow::Owned(data.select(&rows)) };
        let weighted = data.weights().is_some_and(|w| w.iter().any(|&w| w != 1.0));
        Ok(Self { data, weighted, left_out })
    }

    /// The rows to learn from: at least two, and of two classes where classes are learned.
    pub(crate) fn to_train(
        backend: &str,
        capabilities: Capabilities,
        data: &'a Dataset,
        task: Task,
    ) -> Result<Self> {
        if data.offsets().is_some() && matches!(task, Task::Classes(_)) {
            return Err(Error::unsupported(backend, "offsets of a target of several classes"));
        }
        let rows = Self::of(backend, capabilities, data)?;
        match task {
            Task::Binary | Task::Classes(_) => rows.data.target()?.require_two_classes()?,
            Task::Real if rows.len() < 2 => {
                return Err(Error::NotEnoughRows { found: rows.len(), needed: 2 });
            }
            Task::Real => {}
        }
        if rows.data.schema().is_empty() {
            return Err(Error::unsupported(backend, "a data set without columns"));
        }
        Ok(rows)
    }

    pub(crate) fn data(&self) -> &Dataset {
        &self.data
    }

    pub(crate) fn len(&self) -> usize {
        self.data.rows()
    }

    pub(crate) fn labels(&self) -> &[f64] {
        // There is a target: `of` asked for it.
        self.data.targets().first().map_or(&[], |t| t.values())
    }

    /// `None` where every weight is 1.
    pub(crate) fn weights(&self) -> Option<&[f64]> {
        self.data.weights().filter(|_| self.weighted)
    }

    #[cfg(any(feature = "lightgbm", feature = "xgboost"))]
    pub(crate) fn offsets(&self) -> Option<&[f64]> {
        self.data.offsets()
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        let n = self.left_out;
        let note = (n > 0).then(|| format!("{n} rows have no label or no weight and were left out"));
        note.into_iter().collect()
    }
}

/// Numbers as the libraries hold labels and weights; refuses what has no place there.
#[cfg(any(feature = "lightgbm", feature = "xgboost"))]
impl Rows<'_> {
    /// Labels less `centre`.
    pub(crate) fn narrow_labels(&self, centre: f64) -> Result<Vec<f32>> {
        let target = self.data.target()?;
        let narrow = |(row, &value): (usize, &f64)| {
            let label = (value - centre) as f32;
            let expected = "a number that fits into 32 bits: this backend holds labels so";
            let target = || target.name().to_owned();
            if label.is_finite() {
                Ok(label)
            } else {
                Err(Error::TargetValue { target: target(), row, value, expected })
            }
        };
        target.values().iter().enumerate().map(narrow).collect()
    }

    pub(crate) fn narrow_weights(&self) -> Result<Option<Vec<f32>>> {
        let narrow = |(row, &value): (usize, &f64)| {
            let weight = value as f32;
            if weight.is_finite() && weight > 0.0 { Ok(weight) } else { Err(Error::Weight { row, value }) }
        };
        self.weights().map(|weights| weights.iter().enumerate().map(narrow).collect()).transpose()
    }
}

/// The row with NaN for every category that is none of the known levels.
#[cfg(any(feature = "lightgbm", feature = "xgboost"))]
pub(crate) fn known_values<'r>(
    schema: &'r Schema,
    row: impl Iterator<Item = f64> + 'r,
) -> impl Iterator<Item = f64> + 'r {
    schema.features().iter().zip(row).map(|(feature, value)| match &feature.kind {
        FeatureKind::Numeric => value,
        FeatureKind::Categorical { levels } => {
            let known = value >= 0.0 && value < levels.len() as f64 && value.fract() == 0.0;
            if known { value } else { f64::NAN }
        }
    })
}

/// Rows below which a batch is not worth a thread.
#[cfg(any(feature = "lightgbm", feature = "xgboost"))]
const BLOCK: usize = 512;

/// Predicts blocks of a batch, each on a thread of its own; what a row gives does not depend on its block.
#[cfg(any(feature = "lightgbm", feature = "xgboost"))]
pub(crate) fn in_blocks(
    x: ArrayView2<'_, f64>,
    mut out: ArrayViewMut2<'_, f64>,
    predict: impl Fn(ArrayView2<'_, f64>, ArrayViewMut2<'_, f64>) -> Result<()> + Sync,
) -> Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let size = x.nrows().div_ceil(threads).max(BLOCK);
    if x.nrows() <= size {
        return predict(x, out);
    }
    let blocks = x.axis_chunks_iter(Axis(0), size).zip(out.axis_chunks_iter_mut(Axis(0), size));
    std::thread::scope(|scope| {
        let predict = &predict;
        let running: Vec<_> = blocks.map(|(x, out)| scope.spawn(move || predict(x, out))).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Result<()>>| {
            thread.join().unwrap_or_else(|_| Err(Error::Internal("a thread of a prediction panicked".into())))
        };
        // All are joined before the first error is given.
        let outcomes: Vec<Result<()>> = running.into_iter().map(join).collect();
        outcomes.into_iter().collect()
    })
}
