//! The rules that answer when no model does, and the baseline that every evaluation prints beside the model.
//!
//! A score of hand-set weights, as such systems had before models: long silence, silence long against the
//! customer's own rhythm, few orders, falling frequency. Nothing is learned, so the score is no calibrated
//! probability; evaluations show how much that costs.

use tenure_core::{Explanation, Scale, Schema};

/// One hand-set reason: feature, test, what it adds to the score when it holds.
struct Rule {
    feature: &'static str,
    holds: fn(f64) -> bool,
    adds: f64,
}

/// Score of a customer to whom no rule applies.
const BASE: f64 = 0.15;

const RULES: [Rule; 7] = [
    Rule { feature: "recency_days", holds: |days| days > 30.0, adds: 0.10 },
    Rule { feature: "recency_days", holds: |days| days > 60.0, adds: 0.15 },
    Rule { feature: "recency_days", holds: |days| days > 90.0, adds: 0.20 },
    Rule { feature: "recency_per_gap", holds: |ratio| ratio > 2.0, adds: 0.10 },
    Rule { feature: "orders_lifetime", holds: |orders| orders < 5.0, adds: 0.15 },
    Rule { feature: "frequency_trend", holds: |trend| trend < 0.0, adds: 0.05 },
    Rule { feature: "return_rate", holds: |share| share > 0.3, adds: 0.05 },
];

/// The rules' score for a row of order features, 0.15 to 0.95; features that the row lacks count for nothing.
#[must_use]
pub fn score(schema: &Schema, row: &[f64]) -> f64 {
    parts(schema, row).fold(BASE, |sum, (_, adds)| sum + adds)
}

/// The score as an additive account in log-odds: each feature's share is proportional to what it adds.
#[must_use]
pub fn explain(schema: &Schema, row: &[f64]) -> Explanation {
    let baseline = Scale::LogOdds.from_output(BASE);
    let total = Scale::LogOdds.from_output(score(schema, row)) - baseline;
    let added: f64 = parts(schema, row).map(|(_, adds)| adds).sum();
    let mut contributions = vec![0.0; schema.len()];
    for (column, adds) in parts(schema, row) {
        contributions[column] += total * adds / added;
    }
    Explanation { output: 0, scale: Scale::LogOdds, baseline, contributions }
}

/// Columns of the rules that hold, with what they add.
fn parts<'a>(schema: &'a Schema, row: &'a [f64]) -> impl Iterator<Item = (usize, f64)> + 'a {
    RULES.iter().filter_map(move |rule| {
        let column = schema.position(rule.feature)?;
        (rule.holds)(*row.get(column)?).then_some((column, rule.adds))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenure_core::Feature;

    fn schema() -> Schema {
        let names = ["recency_days", "orders_lifetime", "other"];
        Schema::new(names.iter().map(|n| Feature::numeric(*n, "", *n)).collect()).unwrap()
    }

    #[test]
    fn silence_and_few_orders_raise_the_score() {
        let loyal = score(&schema(), &[10.0, 20.0, 0.0]);
        let silent = score(&schema(), &[100.0, 20.0, 0.0]);
        let new_and_silent = score(&schema(), &[100.0, 2.0, 0.0]);
        assert!((loyal - 0.15).abs() < 1e-12);
        assert!((silent - 0.60).abs() < 1e-12);
        assert!((new_and_silent - 0.75).abs() < 1e-12);
        assert!((score(&schema(), &[f64::NAN; 3]) - 0.15).abs() < 1e-12);
    }

    #[test]
    fn explanations_add_up() {
        for row in [[100.0, 2.0, 1.0], [0.0, 50.0, 1.0]] {
            let explanation = explain(&schema(), &row);
            assert!((explanation.prediction().unwrap() - score(&schema(), &row)).abs() < 1e-12);
            assert_eq!(explanation.contributions[2], 0.0);
        }
    }

    #[test]
    fn every_rule_names_a_feature_of_the_order_features() {
        let schema = tenure_features::FeatureSet::default().schema().clone();
        for rule in &RULES {
            assert!(schema.position(rule.feature).is_some(), "{}", rule.feature);
        }
    }
}
