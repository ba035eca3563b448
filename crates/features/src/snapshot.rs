//! When to look, whom to look at, and the data sets that follow.
//!
//! A snapshot is an instant: features come from the observation window before it, labels from the prediction
//! window after it. Snapshots are counted back from the latest whose prediction window is over when the log's
//! coverage ends, so that the freshest possible is always among them, and no label is ever guessed.

use serde::{Deserialize, Serialize};
use tenure_core::params::require;

use crate::time::DAY;
use crate::{Error, OrderLog, Result, Timestamp};

/// The distance between snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// Calendar months: the same day of the month, or its last where the month is shorter.
    Months(u32),
    /// Days of 24 hours.
    Days(u32),
}

impl Every {
    /// The instants counted back from `latest`, as far as `earliest` and at most `most`, ascending; `latest`
    /// is always among them.
    pub(crate) fn instants(self, earliest: Timestamp, latest: Timestamp, most: usize) -> Vec<Timestamp> {
        let mut instants = vec![latest];
        for steps in 1i64.. {
            let instant = self.back(latest, steps);
            // At the edge of the calendar an instant stays where it is.
            if instants.len() >= most || instant < earliest || Some(&instant) == instants.last() {
                break;
            }
            instants.push(instant);
        }
        instants.reverse();
        instants
    }

    /// Counted from the latest, so that the 31st is not lost to a February on the way.
    fn back(self, latest: Timestamp, steps: i64) -> Timestamp {
        match self {
            Self::Months(months) => {
                latest.minus_months(i32::try_from(steps * i64::from(months)).unwrap_or(i32::MAX))
            }
            Self::Days(days) => latest.plus_days(-steps * i64::from(days)),
        }
    }
}

/// Which snapshots to take, and who belongs to their population.
///
/// At an instant, the population is every customer with at least one purchase in the observation window and at
/// least `min_orders` purchases in all before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SnapshotPlan {
    /// Length of the window that somebody must have ordered in; 1 to 36,500.
    pub observation_days: u32,
    /// Length of the window that the label speaks of; 1 to 36,500.
    pub prediction_days: u32,
    /// Purchases somebody must have made before the instant; at least 1.
    pub min_orders: u32,
    /// Distance between snapshots.
    pub every: Every,
    /// At most so many, the latest; at least 1. `None` for as many as the log has.
    pub max_snapshots: Option<usize>,
    /// Days of log that must lie before a snapshot; `None` for `observation_days`.
    pub min_history_days: Option<u32>,
}

/// 180 days before, 90 days after, two orders, every month.
impl Default for SnapshotPlan {
    fn default() -> Self {
        Self {
            observation_days: 180,
            prediction_days: 90,
            min_orders: 2,
            every: Every::Months(1),
            max_snapshots: None,
            min_history_days: None,
        }
    }
}

impl SnapshotPlan {
    /// Checks every field against its range.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] for the first that is outside.
    pub fn check(&self) -> Result<()> {
        let days = 1..=36_500;
        require(
            "observation_days",
            self.observation_days,
            days.contains(&self.observation_days),
            "1 to 36500",
        )?;
        require("prediction_days", self.prediction_days, days.contains(&self.prediction_days), "1 to 36500")?;
        require("min_orders", self.min_orders, self.min_orders >= 1, "at least 1")?;
        let (Every::Months(step) | Every::Days(step)) = self.every;
        require("every", step, (1..=36_500).contains(&step), "1 to 36500")?;
        let most = self.max_snapshots;
        require("max_snapshots", most.unwrap_or(1), most != Some(0), "at least 1")?;
        let history = self.history_days();
        require("min_history_days", history, history <= 365_000, "at most 365000")?;
        Ok(())
    }

    fn history_days(&self) -> i64 {
        i64::from(self.min_history_days.unwrap_or(self.observation_days))
    }

    /// The instants of the snapshots, ascending. `until` says up to when (exclusive) the log is complete; where
    /// it is not given, that is the end of the last line's day.
    ///
    /// History counts from the begin of the first line's day.
    ///
    /// # Errors
    /// [`Error::NoOrders`] for a log without a line before `until`, [`Error::NotEnoughHistory`] where not one
    /// snapshot fits, [`Error::Core`] for a parameter outside its range.
    pub fn instants(&self, log: &OrderLog, until: Option<Timestamp>) -> Result<Vec<Timestamp>> {
        self.check()?;
        let (Some((first, _)), Some(end)) = (log.span(), log.coverage_end(until)) else {
            let epoch = Timestamp::default();
            return Err(Error::NoOrders { from: epoch, to: until.unwrap_or(epoch) });
        };
        if end <= first {
            return Err(Error::NoOrders { from: first.day_start(), to: end });
        }
        let earliest = first.day_start().plus_days(self.history_days());
        let latest = end.plus_days(-i64::from(self.prediction_days));
        if latest < earliest {
            return Err(Error::NotEnoughHistory {
                found_days: (end.seconds() - first.day_start().seconds()) / DAY,
                needed_days: self.history_days() + i64::from(self.prediction_days),
                history_days: self.history_days(),
                prediction_days: i64::from(self.prediction_days),
                until: end,
            });
        }
        Ok(self.every.instants(earliest, latest, self.max_snapshots.unwrap_or(usize::MAX)))
    }
}
