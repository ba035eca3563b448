//! What a column of texts is, and its numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tenure_core::{Feature, FeatureKind};

use super::DATE_UNIT;
use super::raw::Texts;
use super::report::{ColumnDecision, ColumnReport};
use crate::text::date::{DateFormat, Order, swap_day_and_month};
use crate::text::is_missing;
use crate::text::number::{self, DecimalMark};
use crate::{Counted, Error, Result};

/// A share of numbers from which on a column is one of numbers, and the rest are errors.
const MOSTLY: f64 = 0.99;

/// One column with what its reading needs to know.
pub(crate) struct Column<'a> {
    pub(crate) path: &'a Path,
    pub(crate) name: &'a str,
    pub(crate) texts: &'a Texts,
    pub(crate) lines: &'a [u64],
    pub(crate) missing: &'a [String],
    pub(crate) semicolons: bool,
    /// Whether its texts name categories even where they are numbers.
    pub(crate) categorical: bool,
}

/// A feature and its values, or why there is none.
pub(crate) type Converted = (Option<(Feature, Vec<f64>)>, ColumnReport);

impl<'a> Column<'a> {
    pub(crate) fn is_missing(&self, text: &str) -> bool {
        is_missing(text.as_bytes()) || self.missing.iter().any(|m| m.trim() == text)
    }

    /// The values with their rows, without those missing.
    fn known(&self) -> impl Iterator<Item = (usize, &'a str)> + '_ {
        self.texts.iter().enumerate().filter(|(_, text)| !self.is_missing(text))
    }

    pub(crate) fn levels(&self) -> BTreeMap<&'a str, u64> {
        let mut levels = BTreeMap::new();
        self.known().for_each(|(_, text)| *levels.entry(text).or_insert(0) += 1);
        levels
    }

    /// The different texts, those that stand for no value among them.
    pub(crate) fn all_levels(&self) -> impl Iterator<Item = &'a str> {
        self.texts.iter().collect::<BTreeSet<&str>>().into_iter()
    }

    pub(crate) fn mark(&self) -> DecimalMark {
        DecimalMark::sniff(self.known().take(5000).map(|(_, text)| text.as_bytes()), self.semicolons)
    }

    pub(crate) fn report(&self, decision: ColumnDecision, words: impl Into<String>) -> ColumnReport {
        let missing = (self.texts.iter().count() - self.known().count()) as u64;
        ColumnReport {
            name: self.name.to_owned(),
            decision,
            words: words.into(),
            missing,
            unseen_levels: Counted::default(),
        }
    }

    /// The numbers of a column that must hold numbers.
    pub(crate) fn numbers(&self) -> Result<Vec<f64>> {
        let mark = self.mark();
        let mut values = vec![f64::NAN; self.lines.len()];
        for (row, text) in self.known() {
            match number::parse(text.as_bytes(), mark) {
                Some((value, _)) if value.is_finite() => values[row] = value,
                Some(_) => {
                    return Err(self.refuse(
                        row,
                        text,
                        "a finite number (list it with --missing if it stands for no value)",
                    ));
                }
                None => {
                    let expected =
                        format!("{} (list it with --missing if it stands for no value)", mark.expected());
                    return Err(self.refuse(row, text, &expected));
                }
            }
        }
        Ok(values)
    }

    fn refuse(&self, row: usize, text: &str, expected: &str) -> Error {
        Error::field(self.path, self.lines[row], self.name, text, expected)
    }

    /// Instants in seconds, where all values are dates; `Ok(None)` where they are not.
    pub(crate) fn instants(&self) -> Result<Option<Vec<Option<i64>>>> {
        let sample = self.known().take(200).map(|(_, text)| text.as_bytes()).collect::<Vec<_>>();
        let Some((format, read)) = DateFormat::sniff(sample.iter().copied()) else { return Ok(None) };
        if read < sample.len()
            || matches!(format, DateFormat::UnixSeconds | DateFormat::UnixMillis | DateFormat::Compact)
        {
            return Ok(None);
        }
        let mut instants = vec![None; self.lines.len()];
        let (mut day_first, mut month_first, mut open) = (None, None, None);
        for (row, text) in self.known() {
            let Some(parsed) = format.parse(text.as_bytes()) else {
                return Err(self.refuse(row, text, &format.expected()));
            };
            match parsed.order {
                Order::Clear => {}
                Order::DayFirst => day_first = day_first.or(Some(row)),
                Order::MonthFirst => month_first = month_first.or(Some(row)),
                Order::Open => open = open.or(Some(row)),
            }
            instants[row] = Some((parsed.seconds, parsed.order));
        }
        if day_first.is_some() && month_first.is_some()
            || (open.is_some() && day_first.is_none() && month_first.is_none())
        {
            let problem = "it is not clear whether day or month comes first in its dates; write them as YYYY-MM-DD, or drop the column with --drop";
            return Err(Error::column(self.path, self.name, problem));
        }
        let settle = |(seconds, order)| {
            if month_first.is_some() && order == Order::Open { swap_day_and_month(seconds) } else { seconds }
        };
        Ok(Some(instants.into_iter().map(|i| i.map(settle)).collect()))
    }

    /// Decides what the column is.
    pub(crate) fn convert(&self) -> Result<Converted> {
        let levels = self.levels();
        let known: u64 = levels.values().sum();
        if levels.len() < 2 {
            let words = match levels.keys().next() {
                None => "dropped: it has no value at all".to_owned(),
                Some(only) if known == self.lines.len() as u64 => format!("dropped: `{only}` in every row"),
                Some(only) => return Ok(self.flag(only)),
            };
            return Ok((None, self.report(ColumnDecision::DroppedConstant, words)));
        }
        if self.categorical {
            return Ok(self.categories(levels.keys().copied().collect()));
        }
        let mark = self.mark();
        let numbers: u64 =
            levels.iter().filter(|(t, _)| number::parse(t.as_bytes(), mark).is_some()).map(|(_, n)| n).sum();
        let all_distinct = levels.len() == self.lines.len();
        if numbers as f64 >= MOSTLY * known as f64 {
            let values = self.numbers()?;
            if all_distinct && named_as_id(self.name) && values.iter().all(|v| v.fract() == 0.0) {
                let words = "dropped: an identifier (by its name; a different number in every row)";
                return Ok((None, self.report(ColumnDecision::DroppedIdentifier, words)));
            }
            return Ok((
                Some((Feature::numeric(self.name, "", self.name), values)),
                self.report(ColumnDecision::Numeric, "numeric"),
            ));
        }
        if let Some(instants) = self.instants()? {
            let values = instants.into_iter().map(days).collect();
            let feature = Feature::numeric(self.name, DATE_UNIT, self.name);
            return Ok((
                Some((feature, values)),
                self.report(ColumnDecision::Date, "a date, as days since 1970-01-01"),
            ));
        }
        if all_distinct && (levels.len() > 20 || named_as_id(self.name)) {
            let words = "dropped: an identifier (a different text in every row)";
            return Ok((None, self.report(ColumnDecision::DroppedIdentifier, words)));
        }
        Ok(self.categories(levels.keys().copied().collect()))
    }

    /// One text or nothing: whether it is there may tell something, which the missing value keeps.
    fn flag(&self, only: &str) -> Converted {
        if number::parse(only.as_bytes(), self.mark()).is_some_and(|(v, _)| v.is_finite())
            && let Ok(values) = self.numbers()
        {
            let words = format!("numeric: `{only}` or missing");
            return (
                Some((Feature::numeric(self.name, "", self.name), values)),
                self.report(ColumnDecision::Numeric, words),
            );
        }
        self.categories(vec![only])
    }

    fn categories(&self, levels: Vec<&str>) -> Converted {
        let mut values = vec![f64::NAN; self.lines.len()];
        for (row, text) in self.known() {
            values[row] = levels.binary_search(&text).map_or(f64::NAN, |i| i as f64);
        }
        let some: Vec<&str> = levels.iter().take(5).copied().collect();
        let more = if levels.len() > 5 { ", …" } else { "" };
        let words = format!("categorical, {} levels: {}{more}", levels.len(), some.join(", "));
        let feature = Feature::categorical(self.name, levels, self.name);
        (Some((feature, values)), self.report(ColumnDecision::Categorical, words))
    }

    /// The values of a feature that a model knows.
    pub(crate) fn convert_known(&self, feature: &Feature) -> Result<(Vec<f64>, ColumnReport)> {
        match &feature.kind {
            FeatureKind::Categorical { levels } => {
                let index: std::collections::HashMap<&str, usize> =
                    levels.iter().enumerate().map(|(i, l)| (l.as_str(), i)).collect();
                let mut report =
                    self.report(ColumnDecision::Categorical, "categorical, as the model knows it");
                let mut values = vec![f64::NAN; self.lines.len()];
                for (row, text) in self.texts.iter().enumerate() {
                    // A level of the model counts as such even if it reads like a missing value.
                    match index.get(text) {
                        Some(&level) => values[row] = level as f64,
                        None if self.is_missing(text) => {}
                        None => report.unseen_levels.add(self.lines[row]),
                    }
                }
                Ok((values, report))
            }
            FeatureKind::Numeric if feature.unit == DATE_UNIT => {
                let report = self.report(ColumnDecision::Date, "a date, as the model knows it");
                match self.instants()? {
                    Some(instants) => Ok((instants.into_iter().map(days).collect(), report)),
                    None => Ok((self.numbers()?, report)),
                }
            }
            FeatureKind::Numeric => {
                Ok((self.numbers()?, self.report(ColumnDecision::Numeric, "numeric, as the model knows it")))
            }
        }
    }
}

fn days(instant: Option<i64>) -> f64 {
    instant.map_or(f64::NAN, |seconds| seconds as f64 / 86_400.0)
}

/// `id`, `…_id`, `… ID`, `…Id`, `… number`, `… no`, `Unnamed: 0`, `index`.
fn named_as_id(name: &str) -> bool {
    let lower = name.to_lowercase();
    let last = lower.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
    matches!(last, "id" | "number" | "no" | "nr" | "key" | "index" | "uuid" | "guid")
        || name.ends_with("ID")
        || name.ends_with("Id")
        || lower.starts_with("unnamed")
}
