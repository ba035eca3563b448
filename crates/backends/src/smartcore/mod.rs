//! Learners of `smartcore`, in plain Rust: a random forest and a logistic regression.
//!
//! What `smartcore` learns is copied into plain trees and coefficients, which predict without it and are stored as
//! they are. Its own prediction of a class is a vote without a share; its forest of regression trees on zeros and
//! ones gives the shares that a probability needs, so that is what learns classes here.

mod forest;
mod logistic;

pub use forest::{SmartcoreForest, SmartcoreForestParams};
pub use logistic::{SmartcoreLogistic, SmartcoreLogisticParams};

use smartcore::linalg::basic::matrix::DenseMatrix;
use tenure_core::{Artifact, Error, Model, Result};

use crate::outside::linear::LinearModel;
use crate::outside::trees::ForestModel;

/// Rows × columns from row-major numbers.
fn matrix(x: &[f64], columns: usize) -> Result<DenseMatrix<f64>> {
    let rows = x.len().checked_div(columns).unwrap_or(0);
    DenseMatrix::new(rows, columns, x.to_vec(), false).map_err(|e| failed(&e))
}

fn failed(error: &smartcore::error::Failed) -> Error {
    Error::Data(format!("smartcore: {error}"))
}

/// Whether [`load`] reads artifacts of this kind.
pub(crate) fn reads(kind: &str) -> bool {
    [SmartcoreForest::KIND, SmartcoreLogistic::KIND].contains(&kind)
}

/// Restores a model that a learner of this module fitted, bit for bit.
///
/// # Errors
/// As [`Artifact::expect`]; [`Error::ArtifactDamaged`] for what does not hold together.
pub fn load(artifact: &Artifact) -> Result<Box<dyn Model>> {
    if artifact.kind == SmartcoreLogistic::KIND {
        return Ok(Box::new(LinearModel::from_artifact(SmartcoreLogistic::KIND, artifact)?));
    }
    Ok(Box::new(ForestModel::from_artifact(SmartcoreForest::KIND, artifact)?))
}
