//! Parameters of contact churn.

use serde::{Deserialize, Serialize};
use tenure_backends::{Backend, ForestParams};
use tenure_core::Result;
use tenure_core::params::require;

use crate::decision::RiskBounds;

/// Parameters of contact churn training; [`ContactChurnParams::check`] refuses what is out of range.
///
/// The decision threshold is the one with the best F1 over contacts that a fit has not seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContactChurnParams {
    /// The learner.
    pub backend: Backend,
    /// Folds of the cross-validation, at least 2.
    pub folds: usize,
    /// Share of the contacts held out to be judged on, above 0 and below 1.
    pub test_share: f64,
    /// Where the risk level changes.
    pub risk_bounds: RiskBounds,
    /// Nominal coverage of the intervals, above 0 and below 1.
    pub interval_level: f64,
}

impl Default for ContactChurnParams {
    fn default() -> Self {
        Self {
            backend: Backend::Forest(forest()),
            folds: 5,
            test_share: 0.2,
            risk_bounds: RiskBounds::default(),
            interval_level: 0.9,
        }
    }
}

/// Leaves of a few rows: trees grown to the end tell a contact's snapshots apart, not contacts.
fn forest() -> ForestParams {
    ForestParams { min_rows: 5, ..ForestParams::default() }
}

impl ContactChurnParams {
    /// The learner of this name with the settings that suit contacts.
    ///
    /// # Errors
    /// As [`Backend::by_name`].
    pub fn backend_named(name: &str) -> Result<Backend> {
        Ok(match crate::ChurnParams::backend_named(name)? {
            Backend::Forest(_) => Backend::Forest(forest()),
            other => other,
        })
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] naming the first that is out of its range.
    pub fn check(&self) -> Result<()> {
        let inside = |v: f64| v > 0.0 && v < 1.0;
        require("folds", self.folds, self.folds >= 2, "at least 2")?;
        require("test_share", self.test_share, inside(self.test_share), "above 0, below 1")?;
        require("interval_level", self.interval_level, inside(self.interval_level), "above 0, below 1")?;
        self.risk_bounds.check()?;
        self.backend.clone().check().map(|_| ())
    }
}
