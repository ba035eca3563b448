//! How often alerts were right.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tenure_eval::metrics::rate_interval;

use super::{AlertKind, AlertLog, AlertRules, Severity};

/// A share of counted cases, with Jeffreys' 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// The share.
    pub share: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Cases counted.
    pub of: usize,
}

impl Rate {
    /// `None` where there is no case.
    fn new(hits: usize, of: usize) -> Option<Self> {
        let range = rate_interval(hits as f64, of as f64, 0.95).ok()?;
        Some(Self { share: hits as f64 / of as f64, low: range.low, high: range.high, of })
    }
}

/// How alerts of one type fared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertFigures {
    /// The type.
    #[serde(rename = "type")]
    pub kind: AlertKind,
    /// Its severity by the rules in force.
    pub severity: Severity,
    /// What proves an alert right, in words.
    pub event: String,
    /// Alerts sent.
    pub alerts: usize,
    /// Alerts whose event came true, among all alerts whose outcome is known.
    pub precision: Option<Rate>,
    /// Customers alerted although the event did not come true, among all customers for whom it did not.
    pub false_positive_rate: Option<Rate>,
    /// Customers alerted among all for whom the event came true.
    pub recall: Option<Rate>,
    /// Least precision that the specification asks for.
    pub precision_target: Option<f64>,
    /// Highest false-positive rate that the specification allows.
    pub false_positive_target: Option<f64>,
}

impl AlertFigures {
    /// Whether the shares meet what the specification asks for; `None` where it asks for nothing, or nothing is
    /// known.
    #[must_use]
    pub fn meets_targets(&self) -> Option<bool> {
        let precise = self.precision_target.zip(self.precision).map(|(least, rate)| rate.share > least);
        let quiet =
            self.false_positive_target.zip(self.false_positive_rate).map(|(most, rate)| rate.share < most);
        match (precise, quiet) {
            (None, None) => None,
            (precise, quiet) => Some(precise.unwrap_or(true) && quiet.unwrap_or(true)),
        }
    }
}

impl AlertLog {
    /// How often alerts were right, one line a rule in force.
    #[must_use]
    pub fn figures(&self, rules: &AlertRules) -> Vec<AlertFigures> {
        rules.rules().iter().map(|rule| self.figures_of(rule.kind, rule.severity)).collect()
    }

    fn figures_of(&self, kind: AlertKind, severity: Severity) -> AlertFigures {
        let (mut alerts, mut judged, mut right) = (0, 0, 0);
        // Whether a customer was alerted, and whether the event ever came true for them.
        let mut customers: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
        for (customer, sent) in &self.alerts {
            for alert in sent.iter().filter(|alert| alert.kind == kind) {
                alerts += 1;
                let Some(happened) = alert.outcome else { continue };
                judged += 1;
                right += usize::from(happened);
                let known = customers.entry(customer).or_default();
                *known = (true, known.1 || happened);
            }
        }
        for (customer, happened) in self.others.get(&kind).into_iter().flatten() {
            let known = customers.entry(customer).or_default();
            known.1 |= happened;
        }
        let count = |alerted: Option<bool>, happened| {
            let fits = |known: &&(bool, bool)| known.1 == happened && alerted.is_none_or(|a| a == known.0);
            customers.values().filter(fits).count()
        };
        AlertFigures {
            kind,
            severity,
            event: kind.event().to_owned(),
            alerts,
            precision: Rate::new(right, judged),
            false_positive_rate: Rate::new(count(Some(true), false), count(None, false)),
            recall: Rate::new(count(Some(true), true), count(None, true)),
            precision_target: kind.precision_target(),
            false_positive_target: severity.false_positive_target(),
        }
    }
}
