//! Dates in text: which format a column has, and instants from its values.

use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tenure_features::Timestamp;

use super::{calendar, trim};

/// How the dates of a column are written. Without an offset they are taken as UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DateFormat {
    /// Year first: `2024-03-01`, `2024/3/1 12:30`, `2024-03-01T12:30:00.5+02:00`.
    YearFirst,
    /// `20240301`, with `hhmm` or `hhmmss` after it or not.
    Compact,
    /// `31.12.2024 12:30`
    Dotted,
    /// `31/12/2024`, `12/31/24 8:26 PM`; the column tells whether day or month comes first.
    Slashed,
    /// Seconds since 1970.
    UnixSeconds,
    /// Milliseconds since 1970.
    UnixMillis,
    /// A strptime format, as jiff understands it.
    Custom(String),
}

/// An instant, and what the value tells about the order of day and month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) seconds: i64,
    pub(crate) order: Order,
}

/// What a value of the form a/b/year tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Nothing to tell, or a = b.
    Clear,
    /// a > 12.
    DayFirst,
    /// b > 12.
    MonthFirst,
    /// Both are at most 12: read with the day first.
    Open,
}

impl DateFormat {
    /// In words, for reports.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::YearFirst => "YYYY-MM-DD, with or without time".into(),
            Self::Compact => "YYYYMMDD".into(),
            Self::Dotted => "DD.MM.YYYY".into(),
            Self::Slashed => "DD/MM/YYYY or MM/DD/YYYY".into(),
            Self::UnixSeconds => "Unix seconds".into(),
            Self::UnixMillis => "Unix milliseconds".into(),
            Self::Custom(format) => format.clone(),
        }
    }

    /// What was expected, for messages.
    pub(crate) fn expected(&self) -> String {
        match self {
            Self::Custom(format) => format!("a date of the format `{format}`"),
            _ => format!("a date like the others of this column ({}); see --time-format", self.name()),
        }
    }

    /// The format that reads most of the sample; `None` where none reads a single value.
    pub(crate) fn sniff<'a>(sample: impl Iterator<Item = &'a [u8]> + Clone) -> Option<(Self, usize)> {
        let formats = [
            Self::YearFirst,
            Self::Compact,
            Self::Dotted,
            Self::Slashed,
            Self::UnixSeconds,
            Self::UnixMillis,
        ];
        let read = |format: &Self| sample.clone().filter(|text| format.parse(text).is_some()).count();
        let mut best = None;
        for format in formats {
            let n = read(&format);
            if n > best.as_ref().map_or(0, |(_, most)| *most) {
                best = Some((format, n));
            }
        }
        best
    }

    /// The instant that a text without blanks around it stands for.
    pub(crate) fn parse(&self, text: &[u8]) -> Option<Parsed> {
        let clear = |seconds| Parsed { seconds, order: Order::Clear };
        match self {
            Self::YearFirst => year_first(text).map(clear),
            Self::Compact => compact(text).map(clear),
            Self::Dotted => parts(text, b".").and_then(|(a, b, day_time)| {
                calendar::days(day_time.0, b, a).map(|d| clear(d * 86_400 + day_time.1))
            }),
            Self::Slashed => slashed(text),
            Self::UnixSeconds => whole(text).filter(|v| (100_000_000..=9_999_999_999).contains(v)).map(clear),
            Self::UnixMillis => whole(text)
                .filter(|v| (100_000_000_000..=9_999_999_999_999).contains(v))
                .map(|v| clear(v.div_euclid(1000))),
            Self::Custom(format) => custom(format, text).map(clear),
        }
    }
}

/// The same instant with day and month exchanged; both are at most 12.
pub(crate) fn swap_day_and_month(seconds: i64) -> i64 {
    let (year, month, day) = calendar::civil(seconds.div_euclid(86_400));
    match calendar::days(year as i32, day, month) {
        Some(days) => days * 86_400 + seconds.rem_euclid(86_400),
        None => seconds,
    }
}

fn custom(format: &str, text: &[u8]) -> Option<i64> {
    let parsed = strtime::parse(format, text).ok()?;
    if parsed.offset().is_some()
        && let Ok(instant) = parsed.to_timestamp()
    {
        return Some(instant.as_nanosecond().div_euclid(1_000_000_000) as i64);
    }
    if let Ok(civil) = parsed.to_datetime() {
        return Some(Timestamp::from_civil(civil).seconds());
    }
    if let Ok(date) = parsed.to_date() {
        return Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second());
    }
    // `%s`, seconds since 1970, has neither date nor time.
    parsed.to_timestamp().ok().map(|t| t.as_second())
}

fn whole(text: &[u8]) -> Option<i64> {
    // Spreadsheets write 1700000000.0.
    let text = text.strip_suffix(b".0").unwrap_or(text);
    let (value, rest) = digits(text, 18)?;
    rest.is_empty().then_some(value)
}

/// Leading digits, at least one and at most `most`, and what follows.
fn digits(text: &[u8], most: usize) -> Option<(i64, &[u8])> {
    let n = text.iter().take(most).take_while(|b| b.is_ascii_digit()).count();
    if n == 0 {
        return None;
    }
    Some((text[..n].iter().fold(0, |v, b| v * 10 + i64::from(b - b'0')), &text[n..]))
}

fn year_first(text: &[u8]) -> Option<i64> {
    // The usual form has fixed places: no loop over digits.
    let (days, rest) = match text {
        [y1, y2, y3, y4, s1 @ (b'-' | b'/' | b'.'), m1, m2, s2, d1, d2, rest @ ..]
            if s1 == s2 && [y1, y2, y3, y4, m1, m2, d1, d2].iter().all(|b| b.is_ascii_digit()) =>
        {
            let d = |b: &u8| u32::from(b - b'0');
            let year = d(y1) * 1000 + d(y2) * 100 + d(y3) * 10 + d(y4);
            (calendar::days(year as i32, d(m1) * 10 + d(m2), d(d1) * 10 + d(d2))?, rest)
        }
        _ => {
            let (year, rest) = digits(text, 4)?;
            let (&mark, rest) = rest.split_first()?;
            let (month, rest) = digits(rest, 2)?;
            let rest = rest.strip_prefix(&[mark])?;
            let (day, rest) = digits(rest, 2)?;
            if !matches!(mark, b'-' | b'/' | b'.') || year < 1000 {
                return None;
            }
            (calendar::days(year as i32, month as u32, day as u32)?, rest)
        }
    };
    Some(days * 86_400 + time_of_day(rest)?)
}

fn compact(text: &[u8]) -> Option<i64> {
    let text = text.strip_suffix(b".0").unwrap_or(text);
    if !matches!(text.len(), 8 | 12 | 14) {
        return None;
    }
    let (value, rest) = digits(text, 14)?;
    let (date, time) = match text.len() {
        8 => (value, 0),
        12 => (value / 10_000, value % 10_000 * 100),
        _ => (value / 1_000_000, value % 1_000_000),
    };
    let (hour, minute, second) = (time / 10_000, time / 100 % 100, time % 100);
    if !rest.is_empty() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
    // 1800 to 2199: other numbers of eight digits are more likely no dates.
    if !(1800..2200).contains(&year) {
        return None;
    }
    let days = calendar::days(year as i32, month as u32, day as u32)?;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

/// `a`, `b`, and the year and time of day of `a/b/year time`.
fn parts(text: &[u8], marks: &[u8]) -> Option<(u32, u32, (i32, i64))> {
    let (a, rest) = digits(text, 2)?;
    let (&mark, rest) = rest.split_first()?;
    let (b, rest) = digits(rest, 2)?;
    let rest = rest.strip_prefix(&[mark])?;
    let (year, after) = digits(rest, 4)?;
    let year = match rest.len() - after.len() {
        4 => year,
        2 if year < 70 => 2000 + year,
        2 => 1900 + year,
        _ => return None,
    };
    if !marks.contains(&mark) {
        return None;
    }
    Some((a as u32, b as u32, (year as i32, time_of_day(after)?)))
}

fn slashed(text: &[u8]) -> Option<Parsed> {
    let (a, b, (year, time)) = parts(text, b"/-")?;
    let (day, month, order) = match (a > 12, b > 12) {
        (true, _) => (a, b, Order::DayFirst),
        (_, true) => (b, a, Order::MonthFirst),
        _ if a == b => (a, b, Order::Clear),
        _ => (a, b, Order::Open),
    };
    Some(Parsed { seconds: calendar::days(year, month, day)? * 86_400 + time, order })
}

/// Nothing, or `T12:30`, ` 12:30:05.25`, ` 8:26 PM`, each with `Z`, `+02:00`, `+0200`, `+02` or nothing: seconds
/// since midnight UTC, fractions dropped.
fn time_of_day(text: &[u8]) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    let text = trim(
        text.strip_prefix(b"T").or_else(|| text.strip_prefix(b" ")).or_else(|| text.strip_prefix(b", "))?,
    );
    let (mut hour, rest) = digits(text, 2)?;
    let (minute, mut rest) = digits(rest.strip_prefix(b":")?, 2)?;
    let mut second = 0;
    if let Some(after) = rest.strip_prefix(b":") {
        (second, rest) = digits(after, 2)?;
        if let Some(after) = rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b",")) {
            rest = digits(after, 12)?.1;
        }
    }
    let half = match trim(rest) {
        [a @ (b'A' | b'a' | b'P' | b'p'), b'M' | b'm'] => Some(a.eq_ignore_ascii_case(&b'p')),
        _ => None,
    };
    if let Some(afternoon) = half {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + if afternoon { 12 } else { 0 };
        rest = b"";
    }
    let midnight = hour == 24 && minute == 0 && second == 0;
    // A leap second counts as the last second of its minute.
    if (hour > 23 && !midnight) || minute > 59 || second > 60 {
        return None;
    }
    Some(hour * 3600 + minute * 60 + second.min(59) - offset(trim(rest))?)
}

fn offset(text: &[u8]) -> Option<i64> {
    let (sign, rest) = match text {
        b"" | b"Z" | b"z" | b"UTC" | b"GMT" => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, rest) = digits(rest, 2)?;
    let minutes = match rest.strip_prefix(b":").unwrap_or(rest) {
        b"" => 0,
        rest => digits(rest, 2).filter(|(_, after)| after.is_empty())?.0,
    };
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &DateFormat, text: &str) -> Option<String> {
        format.parse(text.as_bytes()).map(|p| Timestamp::from_seconds(p.seconds).to_string())
    }

    #[test]
    fn every_format_is_read() {
        let check = |format: DateFormat, text: &str, expected: &str| {
            assert_eq!(read(&format, text).as_deref(), Some(expected), "{text}");
        };
        check(DateFormat::YearFirst, "2024-03-01", "2024-03-01");
        check(DateFormat::YearFirst, "2024/3/1 7:05", "2024-03-01T07:05:00Z");
        check(DateFormat::YearFirst, "2024-03-01T12:30:00.999Z", "2024-03-01T12:30:00Z");
        check(DateFormat::YearFirst, "2024-03-01 12:30:00+02:00", "2024-03-01T10:30:00Z");
        check(DateFormat::YearFirst, "2024-03-01 12:30:00 -0530", "2024-03-01T18:00:00Z");
        check(DateFormat::Compact, "19970101", "1997-01-01");
        check(DateFormat::Compact, "19970101123000", "1997-01-01T12:30:00Z");
        check(DateFormat::Dotted, "31.12.2024 23:59", "2024-12-31T23:59:00Z");
        check(DateFormat::Slashed, "12/31/10 8:26 PM", "2010-12-31T20:26:00Z");
        check(DateFormat::Slashed, "31/12/2010 12:00 AM", "2010-12-31");
        check(DateFormat::UnixSeconds, "1709296200", "2024-03-01T12:30:00Z");
        check(DateFormat::UnixMillis, "1709296200999", "2024-03-01T12:30:00Z");
        check(DateFormat::Custom("%d %b %Y".into()), "01 Mar 2024", "2024-03-01");
        check(
            DateFormat::Custom("%Y-%m-%d %H:%M:%S %z".into()),
            "2024-03-01 12:30:00 +0200",
            "2024-03-01T10:30:00Z",
        );
        check(DateFormat::Custom("%s".into()), "1709296200", "2024-03-01T12:30:00Z");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in
            ["2024-02-30", "2024-13-01", "", "x", "2024-03-01 25:00", "2024-03-01 12:30 XM", "2024-03-01junk"]
        {
            assert_eq!(read(&DateFormat::YearFirst, text), None, "{text}");
        }
        assert_eq!(read(&DateFormat::Slashed, "13/13/2024"), None);
        assert_eq!(read(&DateFormat::Compact, "12345678"), None);
    }

    #[test]
    fn day_and_month_are_told_apart_or_left_open() {
        let order = |text: &str| DateFormat::Slashed.parse(text.as_bytes()).unwrap().order;
        assert_eq!(order("13/01/2024"), Order::DayFirst);
        assert_eq!(order("01/13/2024"), Order::MonthFirst);
        assert_eq!(order("01/02/2024"), Order::Open);
        assert_eq!(order("02/02/2024"), Order::Clear);
        let swapped = swap_day_and_month(DateFormat::Slashed.parse(b"01/02/2024 10:00").unwrap().seconds);
        assert_eq!(Timestamp::from_seconds(swapped).to_string(), "2024-01-02T10:00:00Z");
    }
}
