//! What an application gets for one customer.

use std::fmt;

use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{Explanation, Reason, Result, Schema};

/// Version that a decision carries when the rules made it.
pub const RULES_VERSION: &str = "rules_v1";

/// A decision about one customer at one instant; the same shape whether a model or the rules made it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChurnPrediction {
    /// Who.
    pub customer_id: String,
    /// As of when, ISO 8601; nothing at or after it was looked at.
    pub as_of: String,
    /// Probability of no purchase within the prediction window, 0 to 1, calibrated.
    pub churn_probability: f64,
    /// Range of the share that left among held-out customers with a similar score.
    pub interval: Interval,
    /// Whether the probability reaches the decision threshold.
    pub is_at_risk: bool,
    /// The probability in four words.
    pub risk_level: RiskLevel,
    /// How sure `is_at_risk` is, from the interval.
    pub confidence: Confidence,
    /// What moved the probability most, most first.
    pub risk_factors: Vec<RiskFactor>,
    /// What to do.
    pub recommendation: String,
    /// The model's version, or [`RULES_VERSION`].
    pub model_version: String,
    /// Why the rules answered, where they did instead of a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_reason: Option<String>,
}

/// A range with its nominal coverage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end, 0 to 1.
    pub low: f64,
    /// Upper end, 0 to 1.
    pub high: f64,
    /// Share of such ranges that hold the true rate, e.g. 0.9; 0 where nothing was measured (the rules).
    pub level: f64,
}

/// A churn probability in words; the bounds are [`RiskBounds`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskLevel {
    /// Below the first bound.
    Low,
    /// From the first bound.
    Medium,
    /// From the second bound.
    High,
    /// From the third bound.
    Critical,
}

impl fmt::Display for RiskLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}

/// The probabilities at which the level changes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskBounds {
    /// From here the risk is medium.
    pub medium: f64,
    /// From here it is high.
    pub high: f64,
    /// From here it is critical.
    pub critical: f64,
}

impl Default for RiskBounds {
    fn default() -> Self {
        Self { medium: 0.3, high: 0.6, critical: 0.9 }
    }
}

impl RiskBounds {
    /// # Errors
    /// [`tenure_core::Error::Parameter`] unless 0 < medium < high < critical < 1.
    pub fn check(&self) -> Result<()> {
        let rising =
            0.0 < self.medium && self.medium < self.high && self.high < self.critical && self.critical < 1.0;
        let value = format!("{} / {} / {}", self.medium, self.high, self.critical);
        require("risk_bounds", value, rising, "three rising probabilities between 0 and 1")
    }

    /// The level of a probability.
    #[must_use]
    pub fn level(&self, probability: f64) -> RiskLevel {
        match probability {
            p if p >= self.critical => RiskLevel::Critical,
            p if p >= self.high => RiskLevel::High,
            p if p >= self.medium => RiskLevel::Medium,
            _ => RiskLevel::Low,
        }
    }
}

/// How sure a decision is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// The interval holds the threshold: either side is possible.
    Low,
    /// The interval is on one side of the threshold but wider than [`NARROW`].
    Medium,
    /// The interval is on one side of the threshold and narrow.
    High,
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        })
    }
}

/// Width up to which an interval on one side of the threshold makes for high confidence.
pub const NARROW: f64 = 0.1;

impl Confidence {
    /// From the interval and the decision threshold.
    #[must_use]
    pub fn of(interval: Interval, threshold: f64) -> Self {
        if interval.low < threshold && threshold <= interval.high {
            Self::Low
        } else if interval.high - interval.low <= NARROW {
            Self::High
        } else {
            Self::Medium
        }
    }
}

/// One reason, in words and numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RiskFactor {
    /// Name of the feature.
    pub feature: String,
    /// E.g. `days since the last purchase: 84 (typical: 31), raises the risk`.
    pub text: String,
    /// The customer's value; `None` where it is missing.
    pub value: Option<f64>,
    /// Median of the training customers; `None` where it is missing.
    pub typical: Option<f64>,
    /// What it adds to the log-odds of leaving; above 0 it raises the risk.
    pub effect: f64,
}

/// The `most` strongest reasons in words; `typical` has one value per feature.
#[must_use]
pub(crate) fn factors(
    schema: &Schema,
    row: &[f64],
    typical: &[f64],
    explanation: &Explanation,
    most: usize,
) -> Vec<RiskFactor> {
    let reasons = explanation.reasons(schema, row, typical, most).into_iter();
    reasons
        .map(|Reason { feature, text, value, typical, effect }| {
            let direction = if effect > 0.0 { "raises" } else { "lowers" };
            RiskFactor { feature, text: format!("{text}, {direction} the risk"), value, typical, effect }
        })
        .collect()
}

/// What to do about a customer, from the level, the reasons and whether the decision says "at risk".
#[must_use]
pub(crate) fn recommend(level: RiskLevel, at_risk: bool, factors: &[RiskFactor]) -> String {
    let strongest = factors.iter().find(|f| f.effect > 0.0).map(|f| f.feature.as_str());
    let because = match strongest {
        Some(f) if f.contains("return") => "settle the returns first: ask what went wrong",
        Some(f) if f.contains("discount") => "an offer moves this customer: send one with an end date",
        Some(f) if f.contains("trend") || f.contains("spend") => {
            "spending is falling: show what fits the last purchases"
        }
        _ => "remind of what was bought and of what is new",
    };
    match (level, at_risk) {
        (RiskLevel::Critical, true) => format!("Contact personally now; {because}."),
        (RiskLevel::High, true) => format!("Contact within the week; {because}."),
        (_, true) => format!("Add to the next win-back mailing; {because}."),
        (RiskLevel::Low, false) => "No action: keep the usual communication.".into(),
        (_, false) => "Watch: below the threshold, contact only if it costs nothing.".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenure_core::{Feature, Scale};

    #[test]
    fn levels_change_at_their_bounds() {
        let bounds = RiskBounds::default();
        let levels = [0.0, 0.29, 0.3, 0.6, 0.85, 0.9, 1.0].map(|p| bounds.level(p).to_string());
        assert_eq!(levels, ["low", "low", "medium", "high", "high", "critical", "critical"]);
        let wrong = RiskBounds { high: 0.2, ..bounds };
        assert_eq!(
            wrong.check().unwrap_err().to_string(),
            "parameter `risk_bounds` is 0.3 / 0.2 / 0.9; expected three rising probabilities between 0 and 1"
        );
    }

    #[test]
    fn confidence_follows_the_interval() {
        let interval = |low, high| Interval { low, high, level: 0.9 };
        assert_eq!(Confidence::of(interval(0.4, 0.6), 0.5), Confidence::Low);
        assert_eq!(Confidence::of(interval(0.6, 0.9), 0.5), Confidence::Medium);
        assert_eq!(Confidence::of(interval(0.60, 0.65), 0.5), Confidence::High);
    }

    #[test]
    fn reasons_name_value_and_typical_value() {
        let schema = Schema::new(vec![
            Feature::numeric("recency_days", "days", "Days since the last purchase"),
            Feature::numeric("return_rate", "share", "Share of orders returned"),
        ])
        .unwrap();
        let contributions = vec![0.7, -0.1];
        let explanation = Explanation { output: 0, scale: Scale::LogOdds, baseline: 0.0, contributions };
        let found = factors(&schema, &[84.0, f64::NAN], &[31.0, 0.0], &explanation, 5);
        assert_eq!(found[0].text, "days since the last purchase: 84 (typical: 31), raises the risk");
        assert_eq!(found[1].text, "share of orders returned: not known, lowers the risk");
        assert_eq!((found[1].value, found[1].typical), (None, Some(0.0)));
        let words = recommend(RiskLevel::High, true, &found);
        assert!(words.starts_with("Contact within the week"), "{words}");
        assert!(recommend(RiskLevel::Low, false, &found).starts_with("No action"));
    }
}
