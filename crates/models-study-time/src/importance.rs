//! What a model leans on, measured in three ways.

use std::any::Any;

use serde::{Deserialize, Serialize};
use tenure_core::{Dataset, Model};
use tenure_eval::explain::{Direction, PermutationOptions, permutation_importance};
use tenure_eval::metrics::mae;
use tenure_eval::report::Importance;
use tenure_neural::NetworkModel;

use crate::error::Result;
use crate::model::StudyModel;

/// How much a feature matters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureImportance {
    /// Name of the feature.
    pub feature: String,
    /// By how much the mean absolute error grows when the feature is shuffled, in the target's unit.
    pub permutation: f64,
    /// Standard deviation of that over the shuffles.
    pub permutation_deviation: f64,
    /// Mean size of its contribution (SHAP; of networks integrated gradients), in the target's unit; `None` where the
    /// learner does not explain itself.
    pub contribution: Option<f64>,
    /// Mean size of the first layer's weights from it, over its inputs and the members: quick to look at, but blind to
    /// all that later layers make of it. `None` of learners that are no multi-layer perceptrons.
    pub first_layer: Option<f64>,
}

/// The importances of all features, the largest permutation importance first, on rows of the model with a known target:
/// best such that it has not learned from. Each feature is shuffled `repeats` times.
///
/// # Errors
/// As [`permutation_importance`] and [`Model::explain_row`].
pub fn importances(
    model: &StudyModel,
    data: &Dataset,
    repeats: usize,
    seed: u64,
) -> Result<Vec<FeatureImportance>> {
    let options = PermutationOptions { repeats, seed, ..PermutationOptions::default() };
    let shuffled = permutation_importance(model, data, &mae, Direction::LowerIsBetter, options)?;
    let contributions = Importance::of_contributions(model, data.x())?;
    let weights = first_layer_weights(model);
    let mut all: Vec<FeatureImportance> = shuffled
        .into_iter()
        .enumerate()
        .map(|(at, shuffled)| FeatureImportance {
            permutation: shuffled.mean,
            permutation_deviation: shuffled.standard_deviation,
            contribution: contributions.get(at).map(|c| c.importance),
            first_layer: weights.as_ref().map(|weights| weights[at]),
            feature: shuffled.feature,
        })
        .collect();
    all.sort_by(|a, b| b.permutation.total_cmp(&a.permutation));
    Ok(all)
}

/// One number a feature: the mean of |w| over the weights of the first layer that its inputs (a number, or each level)
/// have, averaged over the members. `None` unless all members are networks of one step whose first layer is dense.
#[must_use]
pub fn first_layer_weights(model: &StudyModel) -> Option<Vec<f64>> {
    let mut sums = vec![0.0; model.schema().len()];
    let mut members = 0.0;
    for member in model.members() {
        let network = (member as &dyn Any).downcast_ref::<NetworkModel>()?;
        if network.spec().steps != 1 {
            return None;
        }
        // The network's own are sums over the inputs of a feature: a text of many levels would seem to weigh more.
        let of_inputs = network.first_layer_importance()?;
        let inputs = network.scaler().inputs();
        for ((sum, own), feature) in sums.iter_mut().zip(of_inputs).zip(model.schema().names()) {
            let count = inputs.iter().filter(|input| input.feature == feature).count();
            *sum += own / count.max(1) as f64;
        }
        members += 1.0;
    }
    sums.iter_mut().for_each(|sum| *sum /= members);
    Some(sums)
}
