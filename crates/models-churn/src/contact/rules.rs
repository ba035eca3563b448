//! The hand-set rules that an evaluation prints beside the model: how long the contact has been silent, and a few
//! signs of discontent. Nothing is learned, so the score is no calibrated probability.

use tenure_core::Schema;

/// One hand-set reason: feature, test, what it adds to the score when it holds.
struct Rule {
    feature: &'static str,
    holds: fn(f64) -> bool,
    adds: f64,
}

/// Score of a contact to whom no rule applies.
const BASE: f64 = 0.15;

const RULES: [Rule; 7] = [
    Rule { feature: "recency_days", holds: |days| days > 14.0, adds: 0.10 },
    Rule { feature: "recency_days", holds: |days| days > 30.0, adds: 0.20 },
    Rule { feature: "recency_days", holds: |days| days > 60.0, adds: 0.20 },
    Rule { feature: "received_trend", holds: |trend| trend < -0.3, adds: 0.10 },
    Rule { feature: "sentiment_last", holds: |tone| tone < -0.2, adds: 0.05 },
    Rule { feature: "tickets_open", holds: |tickets| tickets > 0.0, adds: 0.05 },
    Rule { feature: "unsubscribed", holds: |flag| flag > 0.0, adds: 0.10 },
];

/// Whether a table has the features that the rules read.
#[must_use]
pub fn apply_to(schema: &Schema) -> bool {
    RULES.iter().all(|rule| schema.position(rule.feature).is_some())
}

/// The rules' score for a row, 0.15 to 0.95; features that the row lacks count for nothing.
#[must_use]
pub fn score(schema: &Schema, row: &[f64]) -> f64 {
    let holds = |rule: &&Rule| {
        let value = schema.position(rule.feature).and_then(|column| row.get(column));
        value.is_some_and(|value| (rule.holds)(*value))
    };
    RULES.iter().filter(holds).fold(BASE, |sum, rule| sum + rule.adds)
}

#[cfg(test)]
mod tests {
    use tenure_core::TypedRow;
    use tenure_features::contacts::ContactRow;

    use super::*;

    #[test]
    fn silence_raises_the_score_and_it_stays_in_range() {
        let schema = ContactRow::schema();
        assert!(apply_to(&schema));
        assert!(RULES.iter().fold(BASE, |sum, rule| sum + rule.adds) <= 0.95 + 1e-12);
        let mut row = vec![f64::NAN; schema.len()];
        assert_eq!(score(&schema, &row), BASE);
        row[schema.position("recency_days").unwrap()] = 40.0;
        assert!((score(&schema, &row) - 0.45).abs() < 1e-12);
    }
}
