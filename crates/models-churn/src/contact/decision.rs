//! What an application gets for one contact.

use serde::Serialize;

use crate::decision::{Interval, RiskFactor, RiskLevel};

/// Recommendations that follow from what raises the risk.
const MOST_ANSWERS: usize = 3;

/// A decision about one contact.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ContactChurn {
    /// Who.
    pub contact_id: String,
    /// Probability of silence within the prediction window, 0 to 1, calibrated.
    pub churn_probability: f64,
    /// Range of the share that fell silent among held-out contacts with a similar score.
    pub interval: Interval,
    /// Whether the probability reaches the decision threshold.
    pub is_at_risk: bool,
    /// The probability in four words.
    pub risk_level: RiskLevel,
    /// How sure `is_at_risk` is, 0 to 1: that the rate among similar contacts lies on this side of the threshold,
    /// from the interval.
    pub confidence: f64,
    /// What to do, the most urgent first.
    pub recommendations: Vec<String>,
    /// What moved the probability most, most first; empty where the learner does not explain itself.
    pub risk_factors: Vec<RiskFactor>,
    /// The model's version.
    pub model_version: String,
}

/// What answers a reason: parts of feature names, and what to do about them. The first that fits counts.
const ANSWERS: [(&[&str], &str); 6] = [
    (
        &["unsubscribed"],
        "Send no campaigns: answer when they write, or ask by telephone what they want to hear of.",
    ),
    (&["ticket", "urgency"], "Close what is open with support first, and say so."),
    (&["sentiment", "negative"], "Ask what went wrong: the tone of the last messages is bad."),
    (&["open_rate", "click_rate"], "Change subject or channel: what is sent is hardly looked at."),
    (&["purchase", "spend"], "Send a personal offer that fits the last purchases."),
    (
        &["recency", "received", "reply", "unanswered", "conversation"],
        "Schedule a check-in call: the contact has gone quiet.",
    ),
];

/// What to do about a contact: by level, then by what raises the risk.
pub(crate) fn recommend(level: RiskLevel, at_risk: bool, factors: &[RiskFactor]) -> Vec<String> {
    let first = match (level, at_risk) {
        (RiskLevel::Low, false) => return vec!["No action: keep the usual communication.".into()],
        (_, false) => return vec!["Watch: below the threshold, contact only if it costs nothing.".into()],
        (RiskLevel::Critical | RiskLevel::High, true) => "Assign to the customer success team this week.",
        (_, true) => "Add to the next win-back round.",
    };
    let mut all = vec![first];
    for factor in factors.iter().filter(|factor| factor.effect > 0.0) {
        let answer = ANSWERS.iter().find(|(parts, _)| parts.iter().any(|part| factor.feature.contains(part)));
        all.extend(answer.map(|(_, words)| *words).filter(|words| !all.contains(words)));
        if all.len() > MOST_ANSWERS {
            break;
        }
    }
    all.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use tenure_core::TypedRow;
    use tenure_features::contacts::ContactRow;

    use super::*;

    fn factor(feature: &str, effect: f64) -> RiskFactor {
        RiskFactor { feature: feature.into(), text: String::new(), value: None, typical: None, effect }
    }

    #[test]
    fn what_to_do_answers_what_raises_the_risk() {
        let factors = [
            factor("sentiment_trend", 0.8),
            factor("tickets_open", -0.7),
            factor("recency_days", 0.6),
            factor("sentiment_last", 0.5),
            factor("spend_trend", 0.4),
        ];
        let found = recommend(RiskLevel::High, true, &factors);
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found[0].starts_with("Assign") && found[1].starts_with("Ask what went wrong"));
        assert!(found[2].starts_with("Schedule") && found[3].starts_with("Send a personal offer"));
        assert_eq!(recommend(RiskLevel::Low, false, &factors).len(), 1);
        assert!(recommend(RiskLevel::Medium, true, &[])[0].starts_with("Add to the next"));
    }

    #[test]
    fn every_answer_is_about_a_feature_of_a_contact() {
        let schema = ContactRow::schema();
        for (parts, words) in ANSWERS {
            for part in parts {
                assert!(schema.names().any(|name| name.contains(part)), "{part}: {words}");
            }
        }
    }
}
