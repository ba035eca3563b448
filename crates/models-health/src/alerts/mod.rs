//! Whom to alert about which customer, and what became of the alerts.
//!
//! Five rules look at a prediction and at two features:
//!
//! | type | severity | fires where |
//! |---|---|---|
//! | `IB_CALL_SPIKE` | critical | `ib_call_count_14d` ≥ 2 |
//! | `HIGH_CHURN_RISK` | high | `churn_risk_30d` > 0.6 |
//! | `HEALTH_SCORE_CRITICAL` | high | `customer_health_score` < 40 |
//! | `FIRST_SESSION_RISK` | medium | `first_session_success_prob` < 0.5 |
//! | `SESSION_VELOCITY_DROP` | medium | `predicted_session_velocity` < 1 and `session_frequency_30d` > 2 |
//!
//! [`AlertParams`] changes thresholds, severities, words and cool-downs; [`AlertRules::route`] gives the alerts of one
//! customer; [`AlertLog::admit`] lets through what has not been said lately; [`AlertLog::record`] notes what became of
//! it, and [`AlertLog::figures`] says how often each type was right. State is plain data and time an argument:
//!
//! ```
//! use tenure_health::alerts::{AlertLog, AlertParams, Outcome};
//! # use tenure_core::{Feature, Schema};
//! # use tenure_health::HealthPrediction;
//! # let schema = Schema::new(["ib_call_count_14d", "session_frequency_30d"].map(|n| Feature::numeric(n, "", "")).to_vec())?;
//! # let prediction = HealthPrediction {
//! #     first_session_success_prob: 0.7, predicted_session_velocity: 0.3, churn_risk_14d: 0.7, churn_risk_30d: 0.5,
//! #     customer_health_score: 45.0, supply_demand_scores: None, feature_importance: Vec::new(),
//! # };
//! let rules = AlertParams::default().check()?;
//! let mut log = AlertLog::default();
//! let alerts = rules.route("C1", &prediction, &schema, &[3.0, 0.5])?;
//! assert_eq!(alerts[0].message, "Customer has made 3 calls in 14 days");
//! let monday = "2026-03-02".parse()?;
//! assert_eq!(log.admit(&rules, alerts.clone(), monday).alerts, alerts);
//! let tuesday = "2026-03-03".parse()?;
//! assert_eq!(log.admit(&rules, alerts, tuesday).suppressed, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod figures;
mod log;
mod rules;

use serde::{Deserialize, Serialize};
use tenure_core::levels;

use crate::decision::FeatureImportance;

pub use figures::{AlertFigures, Rate};
pub use log::{Admitted, AlertLog, Outcome, SentAlert, outcomes_of};
pub use rules::{AlertParams, AlertRules, Rule, RuleParams};

levels! {
    /// What an alert is about.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum AlertKind {
        /// The customer called repeatedly.
        IbCallSpike = "IB_CALL_SPIKE",
        /// The customer is likely to leave within 30 days.
        HighChurnRisk = "HIGH_CHURN_RISK",
        /// The health score is low.
        HealthScoreCritical = "HEALTH_SCORE_CRITICAL",
        /// The first session is likely to go wrong.
        FirstSessionRisk = "FIRST_SESSION_RISK",
        /// An active customer will hardly have sessions any more.
        SessionVelocityDrop = "SESSION_VELOCITY_DROP",
    }
}

impl AlertKind {
    /// The event that proves an alert of this type right, in words.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::IbCallSpike => "the customer left within 30 days",
            Self::HighChurnRisk => "the customer left within 30 days",
            Self::HealthScoreCritical => "the health score came out below the threshold",
            Self::FirstSessionRisk => "the first session did not go well",
            Self::SessionVelocityDrop => "sessions a week came out below the threshold",
        }
    }

    /// Least precision asked of this type, where the specification asks for one.
    #[must_use]
    pub const fn precision_target(self) -> Option<f64> {
        match self {
            Self::IbCallSpike => Some(0.75),
            _ => None,
        }
    }
}

levels! {
    /// How soon somebody has to act.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum Severity {
        /// In the course of things.
        Medium = "MEDIUM",
        /// Soon.
        High = "HIGH",
        /// At once.
        Critical = "CRITICAL",
    }
}

impl Severity {
    /// Highest false-positive rate allowed, where the specification sets one.
    #[must_use]
    pub const fn false_positive_target(self) -> Option<f64> {
        match self {
            Self::Critical => Some(0.15),
            _ => None,
        }
    }
}

/// One alert about one customer. The names in JSON are those of the specification's routing example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: AlertKind,
    /// How soon somebody has to act.
    pub severity: Severity,
    /// About whom.
    pub customer_id: String,
    /// The reason, in words.
    pub message: String,
    /// Of a call spike: the probability that the customer leaves within 14 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub churn_risk: Option<f64>,
    /// Of a high churn risk: the probability that the customer leaves within 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub churn_probability: Option<f64>,
    /// Of a high churn risk: the three features that drive it most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top_risk_factors: Vec<FeatureImportance>,
    /// Of a critical health score: the score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// What to do.
    pub recommendation: String,
    /// What doing it is said to bring: a claim of the configuration, not a measurement.
    pub expected_impact: String,
}
