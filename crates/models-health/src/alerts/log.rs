//! What was said about whom, and what became of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tenure_core::{Dataset, Error, Result};
use tenure_features::Timestamp;

use super::{Alert, AlertKind, AlertRules, Severity};

/// Alerts that were sent and outcomes that came to be known: plain data, to be kept between runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlertLog {
    /// Alerts of each customer, in the order in which they were admitted.
    pub(super) alerts: BTreeMap<String, Vec<SentAlert>>,
    /// Whether the event ever came true for customers who were not alerted of it before.
    pub(super) others: BTreeMap<AlertKind, BTreeMap<String, bool>>,
}

/// An alert that was let through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentAlert {
    /// What it was about.
    #[serde(rename = "type")]
    pub kind: AlertKind,
    /// How soon somebody had to act.
    pub severity: Severity,
    /// When.
    pub at: Timestamp,
    /// Whether the event came true ([`AlertKind::event`]); `None` until it is known.
    pub outcome: Option<bool>,
}

/// What a log let through.
#[derive(Debug, Clone, PartialEq)]
pub struct Admitted {
    /// Alerts to send.
    pub alerts: Vec<Alert>,
    /// Alerts held back because the same was said less than a cool-down ago.
    pub suppressed: usize,
}

/// Whether the event that a type of alert warns of came true for a customer, alerted or not, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Which customer.
    pub customer_id: String,
    /// The type of alert whose event it is.
    #[serde(rename = "type")]
    pub kind: AlertKind,
    /// Whether it came true: see [`AlertKind::event`].
    pub happened: bool,
    /// When it came true, or was known not to: it says nothing of alerts that were sent later. Without it the outcome
    /// is one of every alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

impl AlertLog {
    /// Lets through, and notes, what was not said of the same customer within the cool-down of its type, before `at`
    /// or after it.
    pub fn admit(&mut self, rules: &AlertRules, alerts: Vec<Alert>, at: Timestamp) -> Admitted {
        let (mut admitted, mut suppressed) = (Vec::new(), 0);
        for alert in alerts {
            let cool_down = rules.rule(alert.kind).map_or(0.0, |rule| f64::from(rule.cool_down_days));
            let sent = self.alerts.entry(alert.customer_id.clone()).or_default();
            let said = |past: &SentAlert| past.kind == alert.kind && at.days_since(past.at).abs() < cool_down;
            if sent.iter().any(said) {
                suppressed += 1;
                continue;
            }
            sent.push(SentAlert { kind: alert.kind, severity: alert.severity, at, outcome: None });
            admitted.push(alert);
        }
        Admitted { alerts: admitted, suppressed }
    }

    /// Notes an outcome: for every alert of this customer and type that was sent before its [instant](Outcome::at) or
    /// at it and whose outcome is not known yet, or, where there was no such alert, as one who was not alerted. Gives
    /// the number of alerts it was noted for.
    pub fn record(&mut self, outcome: Outcome) -> usize {
        let Outcome { customer_id, kind, happened, at } = outcome;
        let meant = |alert: &&mut SentAlert| alert.kind == kind && at.is_none_or(|at| alert.at <= at);
        let sent = self.alerts.get_mut(&customer_id).into_iter().flatten().filter(meant);
        let (mut alerted, mut noted) = (false, 0);
        for alert in sent {
            alerted = true;
            if alert.outcome.is_none() {
                alert.outcome = Some(happened);
                noted += 1;
            }
        }
        if !alerted {
            *self.others.entry(kind).or_default().entry(customer_id).or_default() |= happened;
        }
        noted
    }

    /// All alerts sent about a customer, the first first.
    #[must_use]
    pub fn of_customer(&self, customer_id: &str) -> &[SentAlert] {
        self.alerts.get(customer_id).map_or(&[], Vec::as_slice)
    }
}

/// The outcomes that labelled rows show, by the rules in force; labels that are not known are left out. `ids` has one
/// customer a row. The outcomes have no instant: it is for the caller to say of when the labels are.
///
/// # Errors
/// [`Error::Shape`] for another number of ids, [`Error::NoTarget`] naming the target that a rule in force needs.
pub fn outcomes_of(rules: &AlertRules, ids: &[String], data: &Dataset) -> Result<Vec<Outcome>> {
    if ids.len() != data.rows() {
        return Err(Error::Shape { what: "ids", expected: data.rows(), found: ids.len() });
    }
    let mut outcomes = Vec::new();
    for rule in rules.rules() {
        let (kind, threshold) = (rule.kind, rule.threshold);
        let (target, happened): (_, &dyn Fn(f64) -> bool) = match kind {
            AlertKind::IbCallSpike | AlertKind::HighChurnRisk => ("churn_risk_30d", &|label| label == 1.0),
            AlertKind::HealthScoreCritical => ("health_score", &|label| label < threshold),
            AlertKind::FirstSessionRisk => ("first_session_success", &|label| label == 0.0),
            AlertKind::SessionVelocityDrop => ("session_velocity", &|label| label < threshold),
        };
        let labels = data.target_named(target)?.values();
        let known = ids.iter().zip(labels).filter(|(_, label)| !label.is_nan());
        outcomes.extend(known.map(|(id, &label)| Outcome {
            customer_id: id.clone(),
            kind,
            happened: happened(label),
            at: None,
        }));
    }
    Ok(outcomes)
}
