//! When which alert is raised.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{Error, Result, Schema};

use super::{Alert, AlertKind, Severity};
use crate::decision::HealthPrediction;

/// Features that a churn alert names.
const RISK_FACTORS: usize = 3;

/// Said where nobody has claimed what acting on an alert brings.
const NOT_MEASURED: &str = "Not measured yet: the outcomes of alerts will tell";

/// Changes to the five rules; what is not mentioned stays as it is in the specification.
///
/// ```
/// use tenure_health::alerts::{AlertKind, AlertParams};
/// let text = r#"{"rules": {"IB_CALL_SPIKE": {"threshold": 3, "cool_down_days": 14}, "FIRST_SESSION_RISK": {"enabled": false}}}"#;
/// let rules = serde_json::from_str::<AlertParams>(text)?.check()?;
/// assert_eq!(rules.rule(AlertKind::IbCallSpike).map(|rule| rule.threshold), Some(3.0));
/// assert!(rules.rule(AlertKind::FirstSessionRisk).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlertParams {
    /// Changes, by type of alert.
    pub rules: BTreeMap<AlertKind, RuleParams>,
    /// Sessions a week over the last 30 days above which a customer counts as active, so that their sessions can
    /// drop; at least 0.
    pub active_session_frequency_30d: f64,
}

impl Default for AlertParams {
    fn default() -> Self {
        Self { rules: BTreeMap::new(), active_session_frequency_30d: 2.0 }
    }
}

/// Changes to one rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuleParams {
    /// `false` switches the rule off.
    pub enabled: Option<bool>,
    /// Where it fires: calls in 14 days (at least this many, 1 or more), probability of churn (above it, 0 to 1),
    /// health score (below it, 0 to 100), probability of a good first session (below it, 0 to 1), sessions a week
    /// (below it, above 0).
    pub threshold: Option<f64>,
    /// How soon somebody has to act.
    pub severity: Option<Severity>,
    /// Days during which the same customer is not alerted of the same type again; 0 for always.
    pub cool_down_days: Option<u32>,
    /// What to do.
    pub recommendation: Option<String>,
    /// What doing it is said to bring.
    pub expected_impact: Option<String>,
}

/// A rule in force.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rule {
    /// What it alerts of.
    #[serde(rename = "type")]
    pub kind: AlertKind,
    /// Where it fires; see [`RuleParams::threshold`].
    pub threshold: f64,
    /// How soon somebody has to act.
    pub severity: Severity,
    /// Days during which the same customer is not alerted of the same type again.
    pub cool_down_days: u32,
    /// What to do.
    pub recommendation: String,
    /// What doing it is said to bring.
    pub expected_impact: String,
}

impl Rule {
    /// As the specification has it; the cool-down of a week is ours, and so are the words for what it leaves out.
    fn specified(kind: AlertKind) -> Self {
        use AlertKind::{
            FirstSessionRisk, HealthScoreCritical, HighChurnRisk, IbCallSpike, SessionVelocityDrop,
        };
        let (threshold, severity, recommendation, expected_impact) = match kind {
            IbCallSpike => (
                2.0,
                Severity::Critical,
                "Assign retention specialist within 24 hours",
                "Reduce churn probability by 40%",
            ),
            HighChurnRisk => {
                (0.6, Severity::High, "Offer discount or free session credit", "Reduce churn by 35%")
            }
            HealthScoreCritical => {
                (40.0, Severity::High, "Proactive outreach + personalized recovery plan", NOT_MEASURED)
            }
            FirstSessionRisk => {
                (0.5, Severity::Medium, "Match with top-rated tutor (>4.5 stars)", NOT_MEASURED)
            }
            SessionVelocityDrop => (1.0, Severity::Medium, "Send re-engagement email campaign", NOT_MEASURED),
        };
        Self {
            kind,
            threshold,
            severity,
            cool_down_days: 7,
            recommendation: recommendation.to_owned(),
            expected_impact: expected_impact.to_owned(),
        }
    }

    fn changed(self, by: &RuleParams) -> Self {
        Self {
            threshold: by.threshold.unwrap_or(self.threshold),
            severity: by.severity.unwrap_or(self.severity),
            cool_down_days: by.cool_down_days.unwrap_or(self.cool_down_days),
            recommendation: by.recommendation.clone().unwrap_or(self.recommendation),
            expected_impact: by.expected_impact.clone().unwrap_or(self.expected_impact),
            ..self
        }
    }

    fn check(&self) -> Result<()> {
        let (name, fits, expected) = match self.kind {
            AlertKind::IbCallSpike => {
                ("IB_CALL_SPIKE.threshold", 1.0..f64::MAX, "a number of calls, at least 1")
            }
            AlertKind::HighChurnRisk => ("HIGH_CHURN_RISK.threshold", 0.0..1.0, "at least 0, below 1"),
            AlertKind::HealthScoreCritical => {
                ("HEALTH_SCORE_CRITICAL.threshold", f64::MIN_POSITIVE..100.0, "above 0, below 100")
            }
            AlertKind::FirstSessionRisk => {
                ("FIRST_SESSION_RISK.threshold", f64::MIN_POSITIVE..1.0, "above 0, below 1")
            }
            AlertKind::SessionVelocityDrop => {
                ("SESSION_VELOCITY_DROP.threshold", f64::MIN_POSITIVE..f64::MAX, "above 0")
            }
        };
        require(name, self.threshold, fits.contains(&self.threshold), expected)
    }
}

impl AlertParams {
    /// Checks every threshold that is in force.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the first that is out of its range.
    pub fn check(&self) -> Result<AlertRules> {
        let active = self.active_session_frequency_30d;
        let fits = active.is_finite() && active >= 0.0;
        require("active_session_frequency_30d", active, fits, "finite, at least 0")?;
        let mut rules = Vec::new();
        for &kind in AlertKind::ALL {
            let changes = self.rules.get(&kind).cloned().unwrap_or_default();
            if changes.enabled != Some(false) {
                let rule = Rule::specified(kind).changed(&changes);
                rule.check()?;
                rules.push(rule);
            }
        }
        Ok(AlertRules { rules, active_session_frequency_30d: active })
    }
}

/// The rules in force, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRules {
    rules: Vec<Rule>,
    active_session_frequency_30d: f64,
}

impl AlertRules {
    /// All rules in force, in the order of types.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule of a type; `None` where it is switched off.
    #[must_use]
    pub fn rule(&self, kind: AlertKind) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.kind == kind)
    }

    /// The alerts of one customer, in the order of types. `row` has one value for each feature of `schema`; a feature
    /// that is not known (NaN) raises no alert.
    ///
    /// # Errors
    /// [`Error::Columns`] naming a feature that a rule in force reads and `schema` lacks (switch the rule off, then),
    /// [`Error::Shape`] for a row of another length.
    pub fn route(
        &self,
        customer_id: &str,
        prediction: &HealthPrediction,
        schema: &Schema,
        row: &[f64],
    ) -> Result<Vec<Alert>> {
        if row.len() != schema.len() {
            return Err(Error::Shape { what: "values in the row", expected: schema.len(), found: row.len() });
        }
        let feature = |name: &str| {
            let lacking = || Error::Columns { missing: vec![name.to_owned()], unexpected: Vec::new() };
            schema.position(name).map(|at| row[at]).ok_or_else(lacking)
        };
        let mut alerts = Vec::new();
        for rule in &self.rules {
            let mut alert = Alert {
                kind: rule.kind,
                severity: rule.severity,
                customer_id: customer_id.to_owned(),
                message: String::new(),
                churn_risk: None,
                churn_probability: None,
                top_risk_factors: Vec::new(),
                score: None,
                recommendation: rule.recommendation.clone(),
                expected_impact: rule.expected_impact.clone(),
            };
            let fires = match rule.kind {
                AlertKind::IbCallSpike => {
                    let calls = feature("ib_call_count_14d")?;
                    alert.message = format!("Customer has made {calls} calls in 14 days");
                    alert.churn_risk = Some(prediction.churn_risk_14d);
                    calls >= rule.threshold
                }
                AlertKind::HighChurnRisk => {
                    let risk = prediction.churn_risk_30d;
                    alert.message =
                        format!("Customer leaves within 30 days with probability {}", percent(risk));
                    alert.churn_probability = Some(risk);
                    let factors = prediction.feature_importance.iter().take(RISK_FACTORS);
                    alert.top_risk_factors = factors.cloned().collect();
                    risk > rule.threshold
                }
                AlertKind::HealthScoreCritical => {
                    let score = prediction.customer_health_score;
                    alert.message = format!("Health score is {score:.0} of 100");
                    alert.score = Some(score);
                    score < rule.threshold
                }
                AlertKind::FirstSessionRisk => {
                    let success = prediction.first_session_success_prob;
                    alert.message = format!("First session goes well with probability {}", percent(success));
                    success < rule.threshold
                }
                AlertKind::SessionVelocityDrop => {
                    let (now, next) =
                        (feature("session_frequency_30d")?, prediction.predicted_session_velocity);
                    alert.message = format!(
                        "Session frequency is about to drop by {}: from {now:.1} to {next:.1} a week",
                        percent(1.0 - next.max(0.0) / now)
                    );
                    next < rule.threshold && now > self.active_session_frequency_30d
                }
            };
            if fires {
                alerts.push(alert);
            }
        }
        Ok(alerts)
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}
