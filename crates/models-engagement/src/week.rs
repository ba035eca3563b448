//! Times of the week, quiet hours, and the terms by which a linear model reads them.

use std::f64::consts::TAU;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{Error, Result};
use tenure_features::contacts::Weekday;

/// Hours of a week.
pub(crate) const WEEK_HOURS: usize = 168;

/// An instant of the week, local to the recipient.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WeekTime {
    /// Day of the week, 0 (Monday) to 6.
    pub weekday: u8,
    /// Hour of the day, 0 to below 24.
    pub hour: f64,
}

impl WeekTime {
    /// From the hours since Monday, midnight; beyond a week it goes round.
    #[must_use]
    pub fn of_hours(hours: f64) -> Self {
        let hours = hours.rem_euclid(WEEK_HOURS as f64);
        // A tiny negative number comes round to the full week.
        let hours = if hours >= WEEK_HOURS as f64 { 0.0 } else { hours };
        Self { weekday: (hours / 24.0) as u8, hour: hours % 24.0 }
    }

    /// Hours since Monday, midnight.
    #[must_use]
    pub fn hours(self) -> f64 {
        24.0 * f64::from(self.weekday) + self.hour
    }

    /// So many minutes later; below 0 earlier.
    #[must_use]
    pub fn plus_minutes(self, minutes: i32) -> Self {
        Self::of_hours(self.hours() + f64::from(minutes) / 60.0)
    }

    /// `Tuesday`
    #[must_use]
    pub fn day(self) -> String {
        let name = Weekday::ALL.get(usize::from(self.weekday)).map_or("", |day| day.name());
        let mut letters = name.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }

    /// `14:00`
    #[must_use]
    pub fn clock(self) -> String {
        // The last half minute of a day is not yet the next one.
        let minutes = ((self.hour * 60.0).round() as u32).min(24 * 60 - 1);
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

impl fmt::Display for WeekTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.day(), self.clock())
    }
}

/// Hours of the day at which nothing is sent, local to the recipient: from `from` on until before `to`; over
/// midnight where `from` is the later one, none where both are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// First quiet hour, 0 to 23.
    pub from: u8,
    /// First hour that is not quiet any more, 0 to 24.
    pub to: u8,
}

/// From nine in the evening to eight in the morning.
impl Default for QuietHours {
    fn default() -> Self {
        Self { from: 21, to: 8 }
    }
}

impl QuietHours {
    /// No quiet hours.
    pub const NONE: Self = Self { from: 0, to: 0 };

    /// # Errors
    /// [`Error::Parameter`] for an hour out of range.
    pub fn check(&self) -> Result<()> {
        let fits = self.from < 24 && self.to <= 24 && (self.from, self.to) != (0, 24);
        require("quiet_hours", self, fits, QUIET_HOURS)
    }

    /// Whether nothing is sent at this hour of the day (0 to below 24).
    #[must_use]
    pub fn hold(&self, hour: f64) -> bool {
        let (from, to) = (f64::from(self.from), f64::from(self.to));
        if from <= to { (from..to).contains(&hour) } else { hour >= from || hour < to }
    }
}

impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from, self.to)
    }
}

/// `21-8`
impl FromStr for QuietHours {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parsed = text.split_once('-').and_then(|(from, to)| {
            Some(Self { from: from.trim().parse().ok()?, to: to.trim().parse().ok()? })
        });
        let wrong =
            || Error::Parameter { name: "quiet_hours", value: text.to_owned(), expected: QUIET_HOURS.into() };
        let quiet = parsed.ok_or_else(wrong)?;
        quiet.check()?;
        Ok(quiet)
    }
}

/// What quiet hours may be.
const QUIET_HOURS: &str = "two hours of the day, such as 21-8, that leave some of it";

/// Names of [`cycles`].
pub(crate) const CYCLES: [&str; 7] =
    ["hour_sin", "hour_cos", "hour_sin_2", "hour_cos_2", "weekday_sin", "weekday_cos", "weekend"];

/// Cycles that are of the hour; the others are of the weekday.
pub(crate) const HOUR_CYCLES: usize = 4;

/// A time of the week as a linear model reads it: two harmonics of the day, one of the week by day, and whether
/// it is a Saturday or Sunday. Not a number where the hour or the day is not known.
pub(crate) fn cycles(hour: f64, weekday: f64) -> [f64; 7] {
    let (day, week) = (TAU * hour / 24.0, TAU * weekday / 7.0);
    let weekend = if weekday.is_nan() { f64::NAN } else { f64::from(u8::from(weekday >= 5.0)) };
    [day.sin(), day.cos(), (2.0 * day).sin(), (2.0 * day).cos(), week.sin(), week.cos(), weekend]
}

/// How much each quarter of the day (night, morning, afternoon, evening) counts at an hour: linear between
/// their middles (3, 9, 15 and 21), so that nothing jumps at noon.
pub(crate) fn day_part_shares(hour: f64) -> [f64; 4] {
    let place = (hour - 3.0).rem_euclid(24.0) / 6.0;
    let (before, share) = (place.floor(), place.fract());
    let mut shares = [0.0; 4];
    shares[before as usize % 4] += 1.0 - share;
    shares[(before as usize + 1) % 4] += share;
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_go_over_midnight() {
        let quiet: QuietHours = "21-8".parse().unwrap();
        assert_eq!(quiet, QuietHours::default());
        assert_eq!([7.9, 8.0, 20.9, 21.0, 0.0].map(|h| quiet.hold(h)), [true, false, false, true, true]);
        let noon: QuietHours = "12-14".parse().unwrap();
        assert_eq!([11.9, 12.0, 14.0].map(|h| noon.hold(h)), [false, true, false]);
        assert!(!QuietHours::NONE.hold(0.0));
        let words = "25-8".parse::<QuietHours>().unwrap_err().to_string();
        assert_eq!(
            words,
            "parameter `quiet_hours` is 25-8; expected two hours of the day, such as 21-8, that leave some of it"
        );
        assert!("0-24".parse::<QuietHours>().is_err());
        assert!("noon".parse::<QuietHours>().is_err());
    }

    #[test]
    fn times_go_round_the_week_and_read_well() {
        let time = WeekTime { weekday: 1, hour: 14.0 };
        assert_eq!(time.to_string(), "Tuesday 14:00");
        assert_eq!(time.plus_minutes(-15 * 60).to_string(), "Monday 23:00");
        assert_eq!(WeekTime::of_hours(-0.5).to_string(), "Sunday 23:30");
        assert_eq!(WeekTime::of_hours(-1e-18).weekday, 0);
        assert_eq!(WeekTime { weekday: 1, hour: 23.999 }.to_string(), "Tuesday 23:59");
        assert_eq!(WeekTime { weekday: 0, hour: 0.0 }.plus_minutes(-330).to_string(), "Sunday 18:30");
    }

    #[test]
    fn the_day_is_a_circle() {
        let ends = [cycles(0.0, 0.0), cycles(24.0, 7.0)];
        assert!(ends[0][..6].iter().zip(&ends[1][..6]).all(|(a, b)| (a - b).abs() < 1e-12));
        assert_eq!(day_part_shares(15.0), [0.0, 0.0, 1.0, 0.0]);
        assert_eq!(day_part_shares(0.0), [0.5, 0.0, 0.0, 0.5]);
        assert_eq!(day_part_shares(24.0), day_part_shares(0.0));
    }
}
