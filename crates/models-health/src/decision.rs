//! What an application gets for one customer.

use serde::{Deserialize, Serialize};

/// Features named in a prediction.
pub const MOST_IMPORTANT: usize = 10;

/// What is expected of one customer; as JSON the answer of the inference example of the marketplace-health
/// specification, name by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthPrediction {
    /// Probability that the first session goes well.
    pub first_session_success_prob: f64,
    /// Sessions a week to expect.
    pub predicted_session_velocity: f64,
    /// Probability that the customer leaves within 14 days.
    pub churn_risk_14d: f64,
    /// Probability that the customer leaves within 30 days.
    pub churn_risk_30d: f64,
    /// Health, 0 to 100.
    pub customer_health_score: f64,
    /// Demand less supply of tutors, one number a subject, in the order of the model's targets; absent where the
    /// model does not answer it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supply_demand_scores: Option<Vec<f64>>,
    /// The features that drive the answer, most first, at most [`MOST_IMPORTANT`].
    pub feature_importance: Vec<FeatureImportance>,
}

/// How much a feature drives one output for one customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureImportance {
    /// Name of the feature.
    pub feature: String,
    /// Size of its effect, at least 0: whether it raises or lowers the output is not told by it. What it is
    /// measured in depends on the [`Attribution`].
    pub importance: f64,
}

/// How effects are measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attribution {
    /// Integrated gradients (Sundararajan et al. 2017) from the mean row to the customer's: what a feature adds
    /// because it is not average. With their signs they sum to the difference between the two answers, for
    /// probabilities in log-odds.
    #[default]
    IntegratedGradients,
    /// The plain gradient at the customer's row: by how much the output would change if the feature changed by one
    /// standard deviation and all went on as at this point. It says nothing of features at which a probability is
    /// saturated.
    Gradient,
}

/// The `most` largest effects, largest first; equal sizes keep the order of features, zeros are left out.
pub(crate) fn strongest<'a>(
    names: impl Iterator<Item = &'a str>,
    effects: &[f64],
    most: usize,
) -> Vec<FeatureImportance> {
    let mut sized: Vec<(&str, f64)> = names
        .zip(effects)
        .map(|(name, effect)| (name, effect.abs()))
        .filter(|(_, size)| *size > 0.0)
        .collect();
    sized.sort_by(|a, b| b.1.total_cmp(&a.1));
    let named =
        |(feature, importance): (&str, f64)| FeatureImportance { feature: feature.to_owned(), importance };
    sized.into_iter().take(most).map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_that_of_the_specification() {
        let prediction = HealthPrediction {
            first_session_success_prob: 0.72,
            predicted_session_velocity: 1.8,
            churn_risk_14d: 0.68,
            churn_risk_30d: 0.82,
            customer_health_score: 42.0,
            supply_demand_scores: Some(vec![0.8, -0.3, 1.2]),
            feature_importance: strongest(["a", "b", "c", "d"].into_iter(), &[0.1, -0.45, 0.0, 0.3], 2),
        };
        let text = serde_json::to_string(&prediction).unwrap();
        assert_eq!(
            text,
            r#"{"first_session_success_prob":0.72,"predicted_session_velocity":1.8,"churn_risk_14d":0.68,"churn_risk_30d":0.82,"customer_health_score":42.0,"supply_demand_scores":[0.8,-0.3,1.2],"feature_importance":[{"feature":"b","importance":0.45},{"feature":"d","importance":0.3}]}"#
        );
        assert_eq!(serde_json::from_str::<HealthPrediction>(&text).unwrap(), prediction);
        let guide = HealthPrediction { supply_demand_scores: None, ..prediction };
        assert!(!serde_json::to_string(&guide).unwrap().contains("supply_demand_scores"));
    }
}
