//! The hand-set rules that an evaluation prints beside the model: how such scores were made before models.

use tenure_core::Schema;

use crate::params::Goal;

/// Score of a lead to whom no rule applies.
const BASE: f64 = 30.0;

/// One hand-set reason: feature, test, what it adds to the score when it holds.
struct Rule {
    feature: &'static str,
    holds: fn(f64) -> bool,
    adds: f64,
}

const RULES: [Rule; 8] = [
    Rule { feature: "reply_rate", holds: |share| share >= 0.5, adds: 20.0 },
    Rule { feature: "first_reply_hours", holds: |hours| hours <= 4.0, adds: 10.0 },
    Rule { feature: "messages_received", holds: |messages| messages >= 5.0, adds: 10.0 },
    Rule { feature: "sentiment_mean", holds: |tone| tone >= 0.2, adds: 10.0 },
    Rule { feature: "sentiment_mean", holds: |tone| tone <= -0.2, adds: -10.0 },
    Rule { feature: "campaign_click_rate", holds: |share| share > 0.0, adds: 10.0 },
    Rule { feature: "unanswered_streak", holds: |messages| messages >= 3.0, adds: -15.0 },
    Rule { feature: "profile_completeness", holds: |share| share >= 0.8, adds: 5.0 },
];

/// Whether a table has the features that the rules read.
#[must_use]
pub fn apply_to(schema: &Schema) -> bool {
    RULES.iter().all(|rule| schema.position(rule.feature).is_some())
}

/// The rules' score, 0 to 100; features that the row lacks or does not know count for nothing.
#[must_use]
pub fn score(schema: &Schema, row: &[f64]) -> f64 {
    let holds = |rule: &&Rule| {
        let value = schema.position(rule.feature).and_then(|column| row.get(column));
        value.is_some_and(|value| (rule.holds)(*value))
    };
    RULES.iter().filter(holds).map(|rule| rule.adds).sum::<f64>() + BASE
}

/// The score as the number that a goal is judged by.
pub(crate) fn prediction(goal: Goal, schema: &Schema, row: &[f64]) -> f64 {
    match goal {
        Goal::Score => score(schema, row),
        Goal::Conversion => score(schema, row) / 100.0,
    }
}

#[cfg(test)]
mod tests {
    use tenure_core::TypedRow;
    use tenure_features::contacts::LeadRow;

    use super::*;

    #[test]
    fn the_rules_read_lead_rows_and_stay_in_range() {
        let schema = LeadRow::schema();
        assert!(apply_to(&schema));
        let (most, least): (f64, f64) =
            (RULES.iter().map(|r| r.adds.max(0.0)).sum(), RULES.iter().map(|r| r.adds.min(0.0)).sum());
        assert!(BASE + most <= 100.0 && BASE + least >= 0.0);
        let mut row = vec![f64::NAN; schema.len()];
        assert_eq!(score(&schema, &row), BASE);
        row[schema.position("reply_rate").unwrap()] = 0.9;
        row[schema.position("unanswered_streak").unwrap()] = 4.0;
        assert_eq!(score(&schema, &row), BASE + 20.0 - 15.0);
    }
}
