//! Numbers and dates as people write them.

use serde::{Deserialize, Serialize};

/// How a number is shown. A number that is not finite is shown as a dash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberFormat {
    /// A fraction, shown as `61.5 %`.
    Percent {
        /// Digits after the point.
        decimals: usize,
    },
    /// A plain number, shown as `1,234.5`.
    Number {
        /// Digits after the point.
        decimals: usize,
    },
    /// A multiple, shown as `2.1×`.
    Times {
        /// Digits after the point.
        decimals: usize,
    },
    /// An amount of money; with two decimals only where it is below 100 and not whole.
    Money {
        /// A symbol, which goes before the number (`€1,234`), or a code, which follows it (`1,234 EUR`).
        currency: String,
    },
}

/// A plain number with one decimal.
impl Default for NumberFormat {
    fn default() -> Self {
        Self::Number { decimals: 1 }
    }
}

impl NumberFormat {
    /// The number as text.
    #[must_use]
    pub fn show(&self, value: f64) -> String {
        if !value.is_finite() {
            return "–".into();
        }
        match self {
            Self::Percent { decimals } => format!("{}\u{202f}%", grouped(value * 100.0, *decimals)),
            Self::Number { decimals } => grouped(value, *decimals),
            Self::Times { decimals } => format!("{}×", grouped(value, *decimals)),
            Self::Money { currency } => {
                let decimals = if value.abs() < 100.0 && value.fract() != 0.0 { 2 } else { 0 };
                money(value, decimals, currency)
            }
        }
    }

    /// The number as the label of an axis whose marks are `step` apart.
    pub(super) fn tick(&self, value: f64, step: f64) -> String {
        let decimals = |step: f64| (-(step * 1.000_001).log10().floor()).clamp(0.0, 6.0) as usize;
        match self {
            Self::Percent { .. } => Self::Percent { decimals: decimals(step * 100.0) }.show(value),
            Self::Number { .. } => grouped(value, decimals(step)),
            Self::Times { .. } => Self::Times { decimals: decimals(step) }.show(value),
            Self::Money { currency } => money(value, decimals(step), currency),
        }
    }

    /// Kind, decimals and currency for the script that shows values under the pointer.
    pub(super) fn code(&self) -> (&'static str, usize, &str) {
        match self {
            Self::Percent { decimals } => ("percent", (*decimals).max(1), ""),
            Self::Number { decimals } => ("number", *decimals, ""),
            Self::Times { decimals } => ("times", *decimals, ""),
            Self::Money { currency } => ("money", 0, currency),
        }
    }
}

fn money(value: f64, decimals: usize, currency: &str) -> String {
    let amount = grouped(value, decimals);
    let (sign, digits) = amount.strip_prefix('−').map_or(("", amount.as_str()), |rest| ("−", rest));
    match currency.chars().count() {
        0 => amount,
        1 => format!("{sign}{currency}{digits}"),
        _ => format!("{amount}\u{a0}{currency}"),
    }
}

/// Thousands separated by commas, a true minus sign, and no `−0`.
fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(w, f)| (w, Some(f)));
    let mut out = String::with_capacity(text.len() + 8);
    if value < 0.0 && text.bytes().any(|b| matches!(b, b'1'..=b'9')) {
        out.push('−');
    }
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Days since 1970-01-01 as (year, month 1–12, day) of the Gregorian calendar (Hinnant's `civil_from_days`).
pub(super) fn civil(day: i64) -> (i64, usize, i64) {
    let shifted = day.clamp(-4_000_000, 4_000_000) + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month as usize, day)
}

/// The inverse of [`civil`] for the first day of a month, counted from January of year 0.
pub(super) fn first_of_month(months: i64) -> i64 {
    let (mut year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
    if month <= 2 {
        year -= 1;
    }
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * 146_097 + of_era - 719_468
}

/// `1 Jul 2024`.
pub(super) fn date(day: i64) -> String {
    let (year, month, day) = civil(day);
    format!("{day}\u{a0}{}\u{a0}{year}", MONTHS[month - 1])
}

/// `Jul 2024`.
pub(super) fn month(day: i64) -> String {
    let (year, month, _) = civil(day);
    format!("{}\u{a0}{year}", MONTHS[month - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let percent = NumberFormat::Percent { decimals: 1 };
        assert_eq!(percent.show(0.6149), "61.5\u{202f}%");
        assert_eq!(percent.show(f64::NAN), "–");
        assert_eq!(percent.tick(0.2, 0.2), "20\u{202f}%");
        assert_eq!(percent.tick(0.005, 0.005), "0.5\u{202f}%");
        let number = NumberFormat::Number { decimals: 0 };
        assert_eq!(number.show(1_234_567.0), "1,234,567");
        assert_eq!(number.show(-999.6), "−1,000");
        assert_eq!(number.show(-0.2), "0");
        assert_eq!(number.tick(0.25, 0.05), "0.25");
        let euro = NumberFormat::Money { currency: "€".into() };
        assert_eq!(euro.show(-12_345.6), "−€12,346");
        assert_eq!(euro.show(2.5), "€2.50");
        assert_eq!(NumberFormat::Money { currency: "CHF".into() }.show(10.0), "10\u{a0}CHF");
    }

    #[test]
    fn dates_follow_the_calendar() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(19_782), (2024, 2, 29));
        assert_eq!(date(19_905), "1\u{a0}Jul\u{a0}2024");
        for day in (-200_000..200_000).step_by(17) {
            let (year, month, of_month) = civil(day);
            assert_eq!(first_of_month(year * 12 + month as i64 - 1) + of_month - 1, day);
        }
    }
}
