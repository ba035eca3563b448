//! Parameters of engagement training.

use serde::{Deserialize, Serialize};
use tenure_backends::{Backend, GbdtParams, LogisticParams};
use tenure_core::Result;
use tenure_core::params::require;

use crate::week::QuietHours;

/// Which columns say when a message is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum TimeColumns {
    /// Those of [`MessageRow`](tenure_features::contacts::MessageRow), whose counts of the recipient's past are
    /// pooled as well.
    #[default]
    Message,
    /// Two columns of a table of one's own.
    HourWeekday {
        /// Hour of the day, 0 to 24, local to the recipient.
        hour: String,
        /// Day of the week: a category whose levels are English names (from three letters on), or a number from 0
        /// (Monday) to 6.
        weekday: String,
    },
    /// One column of slots (`morning`, `evening`; 1, 2, 3): a category, or at most 50 different numbers.
    Slot {
        /// Its name.
        column: String,
    },
}

/// Parameters of engagement training; [`EngagementParams::check`] refuses what is out of range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngagementParams {
    /// Which columns say when a message is sent.
    pub time: TimeColumns,
    /// The learner of the probability. Send times are always judged by a logistic regression beside it.
    pub backend: Backend,
    /// Folds of the cross-validation, at least 2.
    pub folds: usize,
    /// Share of the recipients that the training report is judged on, above 0 and below 1; it is one of a whole
    /// number of folds, so that 0.2 is one of five and a half is the most.
    pub test_share: f64,
    /// Nominal coverage of the intervals of probabilities, above 0 and below 1.
    pub interval_level: f64,
    /// Nominal coverage of the intervals of gains, above 0 and below 1; one less it is the level of the test
    /// whether the time matters at all.
    pub gain_level: f64,
    /// When nothing is sent.
    pub quiet_hours: QuietHours,
}

impl Default for EngagementParams {
    fn default() -> Self {
        Self {
            time: TimeColumns::default(),
            backend: Backend::Logistic(LogisticParams::default()),
            folds: 5,
            test_share: 0.2,
            interval_level: 0.9,
            gain_level: 0.95,
            quiet_hours: QuietHours::default(),
        }
    }
}

impl EngagementParams {
    /// The learner of this name with the settings that suit messages: trees are small steps on drawn rows and
    /// columns.
    ///
    /// # Errors
    /// As [`Backend::by_name`].
    pub fn backend_named(name: &str) -> Result<Backend> {
        Ok(match Backend::by_name(name)? {
            Backend::Gbdt(_) => Backend::Gbdt(GbdtParams {
                learning_rate: 0.05,
                leaves: 15,
                row_fraction: 0.7,
                column_fraction: 0.5,
                ..GbdtParams::default()
            }),
            other => other,
        })
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] naming the first that is out of its range.
    pub fn check(&self) -> Result<()> {
        let between = |v: f64| v > 0.0 && v < 1.0;
        require("folds", self.folds, self.folds >= 2, "at least 2")?;
        for (name, value) in [
            ("test_share", self.test_share),
            ("interval_level", self.interval_level),
            ("gain_level", self.gain_level),
        ] {
            require(name, value, between(value), "above 0, below 1")?;
        }
        self.quiet_hours.check()?;
        self.backend.clone().check().map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_out_of_range_are_named() {
        let words = |change: fn(&mut EngagementParams)| {
            let mut params = EngagementParams::default();
            change(&mut params);
            params.check().unwrap_err().to_string()
        };
        assert!(EngagementParams::default().check().is_ok());
        assert_eq!(words(|p| p.folds = 1), "parameter `folds` is 1; expected at least 2");
        assert!(words(|p| p.gain_level = 1.0).contains("`gain_level` is 1; expected above 0, below 1"));
        assert!(words(|p| p.quiet_hours.from = 24).contains("`quiet_hours` is 24-8"));
    }

    #[test]
    fn parameters_are_plain_data() {
        let time = TimeColumns::Slot { column: "slot".into() };
        let params = EngagementParams { time, ..EngagementParams::default() };
        let text = serde_json::to_string(&params).unwrap();
        assert_eq!(serde_json::from_str::<EngagementParams>(&text).unwrap(), params);
    }
}
