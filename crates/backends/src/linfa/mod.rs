//! Learners of `linfa`, in plain Rust: a random forest on its decision trees, and a logistic regression.
//!
//! What `linfa` learns is copied into plain trees and coefficients, which predict without it and are stored as they
//! are. It stands on another version of `ndarray`, which is met here only.

mod forest;
mod logistic;

pub use forest::{LinfaForest, LinfaForestParams};
pub use logistic::{LinfaLogistic, LinfaLogisticParams};

use linfa::dataset::DatasetBase;
use linfa_ndarray::{Array1, Array2};
use tenure_core::{Artifact, Error, Model, Result};

use crate::outside::linear::LinearModel;
use crate::outside::trees::ForestModel;

/// Rows × columns from row-major numbers.
fn matrix(x: Vec<f64>, columns: usize) -> Result<Array2<f64>> {
    let rows = x.len().checked_div(columns).unwrap_or(0);
    Array2::from_shape_vec((rows, columns), x).map_err(|e| Error::Internal(format!("linfa: {e}")))
}

fn with_labels<L>(x: Array2<f64>, labels: Vec<L>) -> DatasetBase<Array2<f64>, Array1<L>> {
    DatasetBase::new(x, Array1::from_vec(labels))
}

/// Whether [`load`] reads artifacts of this kind.
pub(crate) fn reads(kind: &str) -> bool {
    [LinfaForest::KIND, LinfaLogistic::KIND].contains(&kind)
}

/// Restores a model that a learner of this module fitted, bit for bit.
///
/// # Errors
/// As [`Artifact::expect`]; [`Error::ArtifactDamaged`] for what does not hold together.
pub fn load(artifact: &Artifact) -> Result<Box<dyn Model>> {
    if artifact.kind == LinfaLogistic::KIND {
        return Ok(Box::new(LinearModel::from_artifact(LinfaLogistic::KIND, artifact)?));
    }
    Ok(Box::new(ForestModel::from_artifact(LinfaForest::KIND, artifact)?))
}
