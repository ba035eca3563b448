//! When to look at contacts, and at whom.

use serde::{Deserialize, Serialize};
use tenure_core::params::require;

use super::{ContactLog, ContactRow};
use crate::{Every, Result, Timestamp};

/// Which instants to take, who belongs to the population, and how far the label looks.
///
/// At an instant, the population is every contact who wrote, opened, clicked or bought within the days before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContactPlan {
    /// Length of the window that somebody must have been active in; 1 to 36,500.
    pub active_days: u32,
    /// Length of the window that the label speaks of; 1 to 36,500.
    pub prediction_days: u32,
    /// Distance between instants; 1 to 36,500 months or days.
    pub every: Every,
    /// At most so many instants, the latest; at least 1.
    pub max_instants: usize,
}

/// Active within 90 days, silent for 60, at most 12 months.
impl Default for ContactPlan {
    fn default() -> Self {
        Self { active_days: 90, prediction_days: 60, every: Every::Months(1), max_instants: 12 }
    }
}

impl ContactPlan {
    /// Checks every field against its range.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] for the first that is outside.
    pub fn check(&self) -> Result<()> {
        let (Every::Months(step) | Every::Days(step)) = self.every;
        for (name, days) in
            [("active_days", self.active_days), ("prediction_days", self.prediction_days), ("every", step)]
        {
            require(name, days, (1..=36_500).contains(&days), "1 to 36500")?;
        }
        require("max_instants", self.max_instants, self.max_instants >= 1, "at least 1")?;
        Ok(())
    }

    /// The instants, ascending: counted back from the latest whose prediction window is over when the log's
    /// coverage ends (see [`ContactLog::coverage_end`]), as long as `active_days` of log lie before.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] for a field outside its range.
    pub fn instants(&self, log: &ContactLog, until: Option<Timestamp>) -> Result<Vec<Timestamp>> {
        self.check()?;
        let end = log.coverage_end(until).unwrap_or_default();
        let first = log.span().map_or(end, |(first, _)| first);
        let earliest = first.day_start().plus_days(i64::from(self.active_days));
        let latest = end.plus_days(-i64::from(self.prediction_days));
        Ok(self.every.instants(earliest, latest, self.max_instants))
    }

    /// Whether somebody of this row belongs to the population.
    pub(super) fn admits(&self, row: &ContactRow) -> bool {
        row.recency_days <= f64::from(self.active_days)
    }
}
