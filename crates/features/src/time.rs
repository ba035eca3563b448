//! Instants in whole seconds, and the calendar arithmetic that snapshots need.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Span, Timestamp as JiffTimestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// Seconds in a day.
pub const DAY: i64 = 86_400;

/// An instant, in whole seconds since 1970-01-01 00:00 UTC, within the years −9999 to 9999.
///
/// Fractions are dropped downwards, so that an event never seems earlier than an instant it follows.
/// In JSON it is the text that [`Display`](fmt::Display) writes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

const EPOCH: DateTime = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_string()
    }
}

impl TryFrom<String> for Timestamp {
    type Error = ParseTimestampError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl Timestamp {
    /// From seconds since 1970-01-01 00:00 UTC.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970-01-01 00:00 UTC.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// Midnight of a calendar day; `None` for a day that does not exist.
    #[must_use]
    pub fn from_ymd(year: i16, month: i8, day: i8) -> Option<Self> {
        Date::new(year, month, day).ok().map(|d| Self::from_civil(d.at(0, 0, 0, 0)))
    }

    /// A civil date and time taken as UTC.
    #[must_use]
    pub fn from_civil(civil: DateTime) -> Self {
        Self(civil.duration_since(EPOCH).as_secs())
    }

    /// `days` × 24 hours later (earlier, where negative).
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(days.saturating_mul(DAY)))
    }

    pub(crate) const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// The same day and time `months` calendar months earlier; the last day of that month where it is shorter.
    #[must_use]
    pub fn minus_months(self, months: i32) -> Self {
        let back: Span = months.months();
        self.civil().and_then(|c| c.checked_sub(back).ok()).map_or(self, Self::from_civil)
    }

    /// Midnight that begins this instant's day.
    #[must_use]
    pub const fn day_start(self) -> Self {
        Self(self.0.div_euclid(DAY) * DAY)
    }

    /// Days since 1970-01-01, whole.
    #[must_use]
    pub const fn day_number(self) -> i64 {
        self.0.div_euclid(DAY)
    }

    /// From `earlier` to `self`, in days with fraction; negative where `self` is the earlier one.
    #[must_use]
    pub fn days_since(self, earlier: Self) -> f64 {
        (self.0 - earlier.0) as f64 / DAY as f64
    }

    fn civil(self) -> Option<DateTime> {
        EPOCH.checked_add(SignedDuration::from_secs(self.0)).ok()
    }
}

/// `2024-03-01` at midnight, else `2024-03-01T12:30:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.civil() {
            Some(civil) if self.0.rem_euclid(DAY) == 0 => write!(f, "{}", civil.date()),
            Some(civil) => write!(f, "{civil}Z"),
            None => write!(f, "{} s", self.0),
        }
    }
}

/// A text that is no date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a date; expected e.g. 2024-03-01 or 2024-03-01T12:30:00Z")]
pub struct ParseTimestampError(String);

/// ISO dates and date-times; without an offset they are taken as UTC.
impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        if let Ok(instant) = trimmed.parse::<JiffTimestamp>() {
            return Ok(Self(instant.as_nanosecond().div_euclid(1_000_000_000) as i64));
        }
        // The last hours of the calendar are civil times only, with or without a Z.
        let bare = trimmed.strip_suffix('Z').unwrap_or(trimmed);
        let civil = bare.parse::<DateTime>().or_else(|_| trimmed.parse::<Date>().map(|d| d.at(0, 0, 0, 0)));
        // Beyond the calendar an instant is written in seconds.
        let seconds = || trimmed.strip_suffix(" s").and_then(|n| n.parse().ok()).map(Self);
        civil.ok().map(Self::from_civil).or_else(seconds).ok_or_else(|| ParseTimestampError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn dates_are_read_and_written() {
        assert_eq!(at("1970-01-02").seconds(), DAY);
        assert_eq!(at("2024-03-01T12:30:00Z").to_string(), "2024-03-01T12:30:00Z");
        assert_eq!(at("2024-03-01T12:30:00+02:00").to_string(), "2024-03-01T10:30:00Z");
        assert_eq!(at("2024-03-01 00:00:00").to_string(), "2024-03-01");
        assert_eq!(
            "soon".parse::<Timestamp>().unwrap_err().to_string(),
            "`soon` is not a date; expected e.g. 2024-03-01 or 2024-03-01T12:30:00Z"
        );
    }

    #[test]
    fn fractions_are_dropped_downwards() {
        assert_eq!(at("1969-12-31T23:59:59.5Z").seconds(), -1);
        assert_eq!(at("1970-01-01T00:00:00.9Z").seconds(), 0);
    }

    #[test]
    fn the_edges_of_the_calendar_are_kept() {
        for text in ["9999-12-31", "-009999-01-01", "9999-12-31T23:59:59Z"] {
            assert_eq!(at(text).to_string(), text);
        }
        let beyond = Timestamp::from_seconds(i64::MAX);
        assert_eq!(at(&beyond.to_string()), beyond);
        assert_eq!(serde_json::to_string(&at("2024-04-02")).unwrap(), "\"2024-04-02\"");
    }

    #[test]
    fn months_keep_to_the_calendar() {
        assert_eq!(at("2024-03-31").minus_months(1).to_string(), "2024-02-29");
        assert_eq!(at("2024-01-15").minus_months(13).to_string(), "2022-12-15");
    }
}
