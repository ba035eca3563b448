//! Parameters of customer-value training.

use serde::{Deserialize, Serialize};
use tenure_backends::glm::Family as GlmFamily;
use tenure_backends::{Backend, BlendMember, BlendParams, GbdtParams, GlmParams, LogisticParams, Objective};
use tenure_core::params::require;
use tenure_core::{Error, Result};
use tenure_features::{FeatureSet, OrderFeatures, SnapshotPlan};

/// How a customer's spend is modelled. Each part is a [`Backend`] value, so that its learner can be changed.
///
/// In JSON the name stands beside the parts: `{"family": "two_part", "any": {…}, "size": {…}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "family", deny_unknown_fields)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "there is one of it in a training")]
pub enum Family {
    /// The probability of any spend times the mean spend of those who spend.
    TwoPart {
        /// Of a binary target: does the customer spend at all?
        any: Backend,
        /// Of the positive spends: their mean.
        size: Backend,
    },
    /// One model of the mean of spends that are all above 0.
    Gamma {
        /// Its learner.
        size: Backend,
    },
    /// One model of the mean of spends, zeros among them (Tweedie by default).
    Gbdt {
        /// Its learner.
        size: Backend,
    },
    /// Zero-inflated lognormal (Wang, Liu & Miao 2019): the probability of any spend times a lognormal whose
    /// `mu` and `sigma` both follow the features; the mean is `p · exp(mu + sigma² / 2)`.
    Ziln {
        /// Of a binary target: does the customer spend at all?
        any: Backend,
        /// Of the logarithm of positive spends: its mean `mu`.
        size: Backend,
        /// Of the squared distance from `mu`: its mean `sigma²`.
        spread: Backend,
    },
}

impl Default for Family {
    fn default() -> Self {
        Self::TwoPart { any: any_spend(), size: mean_spend() }
    }
}

/// Half boosted trees, half logistic regression, as churn has it.
fn any_spend() -> Backend {
    let regression = LogisticParams { l2: 50.0, ..LogisticParams::default() };
    halves(Backend::Gbdt(trees(None)), Backend::Logistic(regression))
}

/// Half boosted trees, half a Gamma regression with log link.
fn mean_spend() -> Backend {
    // Spenders are fewer than customers, and their spends are noisy: smaller trees.
    let small = GbdtParams { leaves: 4, min_rows: 50, ..trees(Some(Objective::Gamma)) };
    halves(Backend::Gbdt(small), glm(GlmFamily::Gamma))
}

fn halves(a: Backend, b: Backend) -> Backend {
    let half = |learner| BlendMember { weight: 0.5, learner };
    Backend::Blend(BlendParams { members: vec![half(a), half(b)] })
}

fn trees(objective: Option<Objective>) -> GbdtParams {
    GbdtParams {
        objective,
        learning_rate: 0.03,
        leaves: 7,
        depth: Some(5),
        min_rows: 20,
        l2: 1.0,
        row_fraction: 0.7,
        column_fraction: 0.5,
        ..GbdtParams::default()
    }
}

fn glm(family: GlmFamily) -> Backend {
    Backend::Glm(GlmParams { alpha: 0.1, ..GlmParams::of(family) })
}

impl Family {
    /// The names that [`Family::by_name`] knows.
    pub const NAMES: &[&'static str] = &["two-part", "gamma", "gbdt", "ziln"];

    /// The family of this name with the learners that suit order logs.
    ///
    /// # Errors
    /// [`Error::Parameter`] listing the names there are.
    pub fn by_name(name: &str) -> Result<Self> {
        Ok(match name {
            "two-part" => Self::default(),
            "gamma" => Self::Gamma { size: glm(GlmFamily::Gamma) },
            "gbdt" => {
                let objective = Objective::Tweedie { power: 1.5 };
                Self::Gbdt { size: Backend::Gbdt(trees(Some(objective))) }
            }
            "ziln" => {
                let size = halves(Backend::Gbdt(trees(None)), glm(GlmFamily::Gaussian));
                Self::Ziln { any: any_spend(), size, spread: Backend::Gbdt(trees(Some(Objective::Gamma))) }
            }
            _ => {
                let expected = format!("one of {}", Self::NAMES.join(", ")).into();
                return Err(Error::Parameter { name: "family", value: name.to_owned(), expected });
            }
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TwoPart { .. } => "two-part",
            Self::Gamma { .. } => "gamma",
            Self::Gbdt { .. } => "gbdt",
            Self::Ziln { .. } => "ziln",
        }
    }

    pub(crate) fn backends(&self) -> Vec<&Backend> {
        match self {
            Self::TwoPart { any, size } => vec![any, size],
            Self::Gamma { size } | Self::Gbdt { size } => vec![size],
            Self::Ziln { any, size, spread } => vec![any, size, spread],
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        self.backends().into_iter().try_for_each(|backend| backend.clone().check().map(|_| ()))
    }
}

/// The quantiles of predicted values at which the segment changes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentQuantiles {
    /// From here a customer's value is medium.
    pub medium: f64,
    /// From here it is high.
    pub high: f64,
    /// From here the customer is a vip.
    pub vip: f64,
}

impl Default for SegmentQuantiles {
    fn default() -> Self {
        Self { medium: 0.5, high: 0.8, vip: 0.95 }
    }
}

/// Parameters of customer-value training; [`LtvParams::check`] refuses what is out of range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LtvParams {
    /// Days of history the features look at, 2 to 3,650. A customer without order in them is not valued.
    pub observation_days: u32,
    /// Spend within so many days is foretold, 1 to 3,650.
    pub prediction_days: u32,
    /// Least orders before the instant, at least 1.
    pub min_orders: u32,
    /// Most monthly snapshots to learn from, the latest first, at least 1.
    pub max_snapshots: usize,
    /// Days of log that must lie before a snapshot; `None` for half of `observation_days`.
    pub min_history_days: Option<u32>,
    /// How spend is modelled.
    pub family: Family,
    /// Folds of the cross-validation, at least 2.
    pub folds: usize,
    /// Coverage of the intervals, above 0 and below 1.
    pub interval_level: f64,
    /// Where the segment changes.
    pub segments: SegmentQuantiles,
}

impl Default for LtvParams {
    fn default() -> Self {
        Self {
            observation_days: 365,
            prediction_days: 365,
            min_orders: 1,
            max_snapshots: 12,
            min_history_days: None,
            family: Family::default(),
            folds: 5,
            interval_level: 0.9,
            segments: SegmentQuantiles::default(),
        }
    }
}

impl LtvParams {
    /// The order features of a customer.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] for an observation window out of range.
    pub fn features(&self) -> Result<FeatureSet, tenure_features::Error> {
        FeatureSet::new(OrderFeatures::new(self.observation_days)?)
    }

    /// When to look and at whom. A snapshot whose observation window the log covers by half is taken too.
    #[must_use]
    pub fn plan(&self) -> SnapshotPlan {
        SnapshotPlan {
            observation_days: self.observation_days,
            prediction_days: self.prediction_days,
            min_orders: self.min_orders,
            max_snapshots: Some(self.max_snapshots),
            min_history_days: Some(self.min_history_days.unwrap_or(self.observation_days.div_ceil(2))),
            ..SnapshotPlan::default()
        }
    }

    /// The prediction window in months of 365.25 / 12 days, to a tenth.
    #[must_use]
    pub fn prediction_window_months(&self) -> f64 {
        (f64::from(self.prediction_days) * 120.0 / 365.25).round() / 10.0
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the first that is out of its range.
    pub fn check(&self) -> Result<()> {
        let window = |days: u32, least| (least..=3650).contains(&days);
        require("observation_days", self.observation_days, window(self.observation_days, 2), "2 to 3650")?;
        require("prediction_days", self.prediction_days, window(self.prediction_days, 1), "1 to 3650")?;
        require("min_orders", self.min_orders, self.min_orders >= 1, "at least 1")?;
        require("max_snapshots", self.max_snapshots, self.max_snapshots >= 1, "at least 1")?;
        require("folds", self.folds, self.folds >= 2, "at least 2")?;
        let level = self.interval_level;
        require("interval_level", level, level > 0.0 && level < 1.0, "above 0, below 1")?;
        let SegmentQuantiles { medium, high, vip } = self.segments;
        let rising = 0.0 < medium && medium < high && high < vip && vip < 1.0;
        let value = format!("{medium} / {high} / {vip}");
        require("segments", value, rising, "three rising quantiles between 0 and 1")?;
        self.family.check()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn parameters_out_of_range_are_named() {
        let words = |change: fn(&mut LtvParams)| {
            let mut params = LtvParams::default();
            change(&mut params);
            params.check().unwrap_err().to_string()
        };
        assert!(LtvParams::default().check().is_ok());
        assert_eq!(words(|p| p.folds = 1), "parameter `folds` is 1; expected at least 2");
        assert!(words(|p| p.interval_level = 1.0).contains("`interval_level` is 1"));
        assert!(words(|p| p.segments.vip = 0.2).contains("`segments` is 0.5 / 0.8 / 0.2"));
        let words = Family::by_name("beta").unwrap_err().to_string();
        assert_eq!(words, "parameter `family` is beta; expected one of two-part, gamma, gbdt, ziln");
    }

    #[test]
    fn parameters_are_plain_data() {
        for name in Family::NAMES {
            let params = LtvParams { family: Family::by_name(name).unwrap(), ..LtvParams::default() };
            assert_eq!(params.family.name(), *name);
            let text = serde_json::to_string(&params).unwrap();
            assert_eq!(serde_json::from_str::<LtvParams>(&text).unwrap(), params);
        }
        assert_eq!(LtvParams::default().prediction_window_months(), 12.0);
    }
}
