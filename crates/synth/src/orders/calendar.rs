//! The seasonal calendar: calendar time to operational time and back.
//!
//! u(t) = Σ over whole days before t of D(d), plus D(today)·H(fraction of the day gone), where D is the day's
//! factor (yearly × weekly season) and H the cumulative share of the day's activity by time of day.

use jiff::Span;
use jiff::civil::Date;
use tenure_features::Timestamp;
use tenure_features::time::DAY;

/// Share of a usual day's activity by hour (before normalisation).
const HOURS: [f64; 24] = [
    0.35, 0.20, 0.12, 0.10, 0.12, 0.25, 0.45, 0.70, 0.95, 1.15, 1.30, 1.35, 1.40, 1.30, 1.25, 1.20, 1.20,
    1.30, 1.50, 1.70, 1.85, 1.75, 1.25, 0.75,
];
/// Monday to Sunday.
const WEEKDAYS: [f64; 7] = [1.02, 0.95, 0.94, 0.97, 1.02, 1.10, 1.14];
/// (day of the year, width in days, height of ln s): Christmas shopping, January slump, summer holidays.
const YEARLY: [(f64, f64, f64); 3] = [(342.0, 13.0, 0.55), (20.0, 14.0, -0.20), (212.0, 24.0, -0.12)];
const YEAR: f64 = 365.25;
/// Cells of the table that leads from operational time to the day, per day of operational time.
const CELLS: f64 = 4.0;
const SLICES: usize = 256;

/// A known seasonal calendar, from the log's first day on.
#[derive(Debug, Clone)]
pub struct Calendar {
    start: i64,
    /// Operational time at the start of each day, and one more.
    day_starts: Vec<f64>,
    /// 1 / factor of each day.
    day_paces: Vec<f64>,
    /// For each cell of operational time, the day in which it begins.
    day_guide: Vec<u32>,
    /// Share of the day's activity before each hour; the last is 1.
    hour_starts: [f64; 25],
    /// Hours per share of the day's activity, by hour.
    hour_paces: [f64; 24],
    /// For each 256th of the day's activity, the hour in which it begins.
    hour_guide: [u8; SLICES],
}

impl Calendar {
    /// `days` days from `first`, with strengths of the yearly, weekly and hourly season.
    pub(crate) fn new(first: Date, start: Timestamp, days: usize, strengths: [f64; 3]) -> Self {
        let [yearly, weekly, hourly] = strengths;
        let year_mean = (0..366).map(|d| year_factor(f64::from(d), yearly)).sum::<f64>() / 366.0;
        let week: [f64; 7] = WEEKDAYS.map(|w| w.powf(weekly));
        let week_mean = week.iter().sum::<f64>() / 7.0;
        let mut day_starts = Vec::with_capacity(days + 1);
        let (mut u, mut date) = (0.0, first);
        for _ in 0..days {
            day_starts.push(u);
            let weekday = date.weekday().to_monday_zero_offset() as usize;
            u += year_factor(f64::from(date.day_of_year()), yearly) / year_mean * week[weekday] / week_mean;
            date = date.saturating_add(Span::new().days(1));
        }
        day_starts.push(u);

        let day_paces = day_starts.windows(2).map(|d| 1.0 / (d[1] - d[0])).collect();

        let shares: [f64; 24] = HOURS.map(|h| h.powf(hourly));
        let total: f64 = shares.iter().sum();
        let mut hour_starts = [0.0; 25];
        for (hour, share) in shares.iter().enumerate() {
            hour_starts[hour + 1] = hour_starts[hour] + share / total;
        }
        hour_starts[24] = 1.0;
        let hour_paces = std::array::from_fn(|h| 1.0 / (hour_starts[h + 1] - hour_starts[h]));
        let mut hour_guide = [0; SLICES];
        for (slice, guide) in hour_guide.iter_mut().enumerate() {
            *guide = (hour_starts.partition_point(|&h| h <= slice as f64 / SLICES as f64) - 1) as u8;
        }
        let cells = (u * CELLS) as usize + 1;
        let day_guide = (0..cells)
            .map(|cell| (day_starts.partition_point(|&d| d <= cell as f64 / CELLS) - 1) as u32)
            .collect();
        Self { start: start.seconds(), day_starts, day_paces, day_guide, hour_starts, hour_paces, hour_guide }
    }

    /// Operational time of an instant, in days since the log's start; 0 before it, and no more than the last
    /// day's end.
    #[must_use]
    pub fn operational(&self, instant: Timestamp) -> f64 {
        self.operational_at((instant.seconds() - self.start) as f64)
    }

    /// As [`Calendar::operational`], of the middle of a second: the best guess for an event that fell into it.
    pub(crate) fn operational_within(&self, second: i64) -> f64 {
        self.operational_at((second - self.start) as f64 + 0.5)
    }

    fn operational_at(&self, seconds: f64) -> f64 {
        let days = self.day_starts.len() - 1;
        let place = (seconds / DAY as f64).clamp(0.0, days as f64);
        let day = (place as usize).min(days - 1);
        let clock = (place - day as f64) * 24.0;
        let hour = (clock as usize).min(23);
        let (low, high) = (self.hour_starts[hour], self.hour_starts[hour + 1]);
        let share = low + (clock - hour as f64) * (high - low);
        self.day_starts[day] + share * (self.day_starts[day + 1] - self.day_starts[day])
    }

    /// The second into which a point of operational time falls; `u` from 0 to the end of the last day.
    #[inline]
    pub(crate) fn second(&self, u: f64) -> i64 {
        let last = self.day_starts.len() - 2;
        let cell = ((u * CELLS) as i64 as usize).min(self.day_guide.len() - 1);
        let mut day = self.day_guide[cell] as usize;
        while day < last && self.day_starts[day + 1] <= u {
            day += 1;
        }
        let share = (u - self.day_starts[day]) * self.day_paces[day];
        let mut hour = self.hour_guide[((share * SLICES as f64) as i64 as usize).min(SLICES - 1)] as usize;
        while hour < 23 && self.hour_starts[hour + 1] <= share {
            hour += 1;
        }
        let clock = hour as f64 + (share - self.hour_starts[hour]) * self.hour_paces[hour];
        self.start + day as i64 * DAY + ((clock * 3600.0) as i64).clamp(0, DAY - 1)
    }
}

fn year_factor(day: f64, strength: f64) -> f64 {
    let bump = |&(centre, width, height): &(f64, f64, f64)| {
        let away = (day - centre).abs();
        let away = away.min(YEAR - away) / width;
        height * (-0.5 * away * away).exp()
    };
    (strength * YEARLY.iter().map(bump).sum::<f64>()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(strengths: [f64; 3]) -> Calendar {
        let start = Timestamp::from_ymd(2023, 1, 1).unwrap();
        Calendar::new(Date::constant(2023, 1, 1), start, 730, strengths)
    }

    #[test]
    fn there_and_back_is_the_same_second() {
        for strengths in [[0.0; 3], [1.0; 3], [2.0; 3]] {
            let calendar = calendar(strengths);
            for k in 0..200_000_i64 {
                let second = calendar.start + k * 315 % (730 * DAY);
                assert_eq!(calendar.second(calendar.operational_within(second)), second);
            }
        }
    }

    #[test]
    fn operational_time_keeps_pace_with_the_calendar_and_peaks_before_christmas() {
        let seasonal = calendar([1.0; 3]);
        let at = |text: &str| seasonal.operational(text.parse().unwrap());
        assert!((at("2024-01-01") - 365.0).abs() < 3.0, "{}", at("2024-01-01"));
        let (december, january) = (at("2023-12-21") - at("2023-12-01"), at("2024-02-01") - at("2024-01-12"));
        assert!(december > 1.5 * january, "{december} {january}");
        assert!(
            (calendar([0.0; 3]).operational("2023-01-02T06:00:00".parse().unwrap()) - 1.25).abs() < 1e-12
        );
    }
}
