//! Parameters of churn training.

use serde::{Deserialize, Serialize};
use tenure_backends::glm::Family;
use tenure_backends::{Backend, BlendMember, BlendParams, GbdtParams, GlmParams, LogisticParams};
use tenure_core::Result;
use tenure_core::params::require;
use tenure_eval::threshold::Economics;
use tenure_features::{FeatureSet, OrderFeatures, SnapshotPlan};

use crate::decision::RiskBounds;

/// What the decision threshold is chosen for, on held-out customers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "goal")]
#[non_exhaustive]
pub enum Goal {
    /// The highest F1.
    F1,
    /// The highest expected profit under [`ChurnParams::profit`].
    Profit,
    /// The highest recall at this precision or better.
    Precision {
        /// Least precision, above 0 to 1.
        at_least: f64,
    },
}

/// What contacting a customer costs and brings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profit {
    /// Cost of contacting one customer, in the currency of the log, at least 0.
    pub contact_cost: f64,
    /// What keeping one customer is worth, in the currency of the log, above 0; `None` for the mean spend of
    /// one prediction window, as the training customers' spend in the observation window suggests it.
    pub saved_value: Option<f64>,
    /// Share of contacted leavers who stay, above 0 to 1.
    pub success_rate: f64,
}

impl Default for Profit {
    fn default() -> Self {
        Self { contact_cost: 1.0, saved_value: None, success_rate: 0.1 }
    }
}

impl Profit {
    /// With the worth of a customer known.
    #[must_use]
    pub fn economics(&self, saved_value: f64) -> Economics {
        Economics { contact_cost: self.contact_cost, saved_value, success_rate: self.success_rate }
    }
}

/// Parameters of churn training; [`ChurnParams::check`] refuses what is out of range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChurnParams {
    /// Days of history the features look at, 2 to 3,650.
    pub observation_days: u32,
    /// A customer without purchase for so many days has churned, 1 to 3,650.
    pub prediction_days: u32,
    /// Least orders before the instant, at least 1.
    pub min_orders: u32,
    /// Most monthly snapshots to learn from, the latest first, at least 1.
    pub max_snapshots: usize,
    /// The learner.
    pub backend: Backend,
    /// Folds of the cross-validations, at least 2.
    pub folds: usize,
    /// What the threshold is chosen for.
    pub goal: Goal,
    /// What contacting costs and brings.
    pub profit: Profit,
    /// Where the risk level changes.
    pub risk_bounds: RiskBounds,
    /// Nominal coverage of the intervals, above 0 and below 1.
    pub interval_level: f64,
}

impl Default for ChurnParams {
    fn default() -> Self {
        Self {
            observation_days: 180,
            prediction_days: 90,
            min_orders: 2,
            max_snapshots: 12,
            backend: default_backend(),
            folds: 3,
            goal: Goal::F1,
            profit: Profit::default(),
            risk_bounds: RiskBounds::default(),
            interval_level: 0.9,
        }
    }
}

/// Half boosted trees, half logistic regression.
///
/// The trees are small steps on drawn rows and columns: on order logs that gained 0.004 of AUC over using all
/// of them. The strong penalty of the regression stands for the strong correlation of its inputs.
fn default_backend() -> Backend {
    let trees = gbdt();
    let regression = LogisticParams { l2: 50.0, ..LogisticParams::default() };
    Backend::Blend(BlendParams {
        members: vec![
            BlendMember { weight: 0.5, learner: Backend::Gbdt(trees) },
            BlendMember { weight: 0.5, learner: Backend::Logistic(regression) },
        ],
    })
}

fn gbdt() -> GbdtParams {
    GbdtParams {
        learning_rate: 0.05,
        leaves: 31,
        depth: Some(6),
        min_rows: 50,
        l2: 1.0,
        row_fraction: 0.8,
        column_fraction: 0.6,
        ..GbdtParams::default()
    }
}

impl ChurnParams {
    /// The learner of this name with the settings that suit order logs.
    ///
    /// # Errors
    /// As [`Backend::by_name`].
    pub fn backend_named(name: &str) -> Result<Backend> {
        Ok(match Backend::by_name(name)? {
            Backend::Gbdt(_) => Backend::Gbdt(gbdt()),
            Backend::Logistic(_) => {
                Backend::Logistic(LogisticParams { l2: 50.0, ..LogisticParams::default() })
            }
            Backend::Glm(_) => Backend::Glm(GlmParams { family: Family::Binomial, ..GlmParams::default() }),
            Backend::Blend(_) => default_backend(),
            other => other,
        })
    }

    /// When to look and at whom.
    ///
    /// A snapshot whose observation window the log covers by half is taken too: on short logs those rows are
    /// worth more than what they lack.
    #[must_use]
    pub fn plan(&self) -> SnapshotPlan {
        SnapshotPlan {
            observation_days: self.observation_days,
            prediction_days: self.prediction_days,
            min_orders: self.min_orders,
            max_snapshots: Some(self.max_snapshots),
            min_history_days: Some(self.observation_days.div_ceil(2)),
            ..SnapshotPlan::default()
        }
    }

    /// The features of a customer.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] for an observation window out of range.
    pub fn features(&self) -> Result<FeatureSet, tenure_features::Error> {
        FeatureSet::new(OrderFeatures::new(self.observation_days)?)
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] naming the first that is out of its range.
    pub fn check(&self) -> Result<()> {
        let window = |days: u32, least| (least..=3650).contains(&days);
        require("observation_days", self.observation_days, window(self.observation_days, 2), "2 to 3650")?;
        require("prediction_days", self.prediction_days, window(self.prediction_days, 1), "1 to 3650")?;
        require("min_orders", self.min_orders, self.min_orders >= 1, "at least 1")?;
        require("max_snapshots", self.max_snapshots, self.max_snapshots >= 1, "at least 1")?;
        require("folds", self.folds, self.folds >= 2, "at least 2")?;
        let share = |v: f64| v > 0.0 && v <= 1.0;
        if let Goal::Precision { at_least } = self.goal {
            require("precision", at_least, share(at_least), "above 0 to 1")?;
        }
        let Profit { contact_cost, saved_value, success_rate } = self.profit;
        require("contact_cost", contact_cost, contact_cost.is_finite() && contact_cost >= 0.0, "at least 0")?;
        if let Some(value) = saved_value {
            require("saved_value", value, value.is_finite() && value > 0.0, "above 0")?;
        }
        require("success_rate", success_rate, share(success_rate), "above 0 to 1")?;
        let level = self.interval_level;
        require("interval_level", level, level > 0.0 && level < 1.0, "above 0, below 1")?;
        self.risk_bounds.check()?;
        self.backend.clone().check().map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_out_of_range_are_named() {
        let words = |change: fn(&mut ChurnParams)| {
            let mut params = ChurnParams::default();
            change(&mut params);
            params.check().unwrap_err().to_string()
        };
        assert!(ChurnParams::default().check().is_ok());
        assert_eq!(words(|p| p.folds = 1), "parameter `folds` is 1; expected at least 2");
        assert!(words(|p| p.prediction_days = 0).contains("`prediction_days` is 0; expected 1 to 3650"));
        assert!(words(|p| p.profit.success_rate = 0.0).contains("`success_rate` is 0"));
        assert!(words(|p| p.goal = Goal::Precision { at_least: 2.0 }).contains("`precision` is 2"));
    }

    #[test]
    fn parameters_are_plain_data() {
        let params = ChurnParams::default();
        let text = serde_json::to_string(&params).unwrap();
        assert_eq!(serde_json::from_str::<ChurnParams>(&text).unwrap(), params);
    }
}
