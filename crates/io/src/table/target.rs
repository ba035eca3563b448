//! The column to be learned.

use tenure_core::Target;

use super::column::Column;
use super::{TableOptions, TableTask, classes};
use crate::text::number::{self, DecimalMark};
use crate::{Error, Result};

/// Values that mean yes whatever the other value is.
const YES: [&str; 5] = ["yes", "true", "positive", "churned", "converted"];
/// Values that mean yes, beside what means no.
const YES_AND_NO: [(&str, &str); 4] = [("1", "0"), ("1.0", "0.0"), ("y", "n"), ("t", "f")];

fn means_yes(level: &str, levels: &[&str]) -> bool {
    let beside = |no: &str| levels.iter().any(|other| other.eq_ignore_ascii_case(no));
    YES.iter().any(|yes| level.eq_ignore_ascii_case(yes))
        || YES_AND_NO.iter().any(|(yes, no)| level.eq_ignore_ascii_case(yes) && beside(no))
}

/// The target, and what was decided in words.
pub(super) fn read(column: &Column<'_>, options: &TableOptions<'_>) -> Result<(Target, String)> {
    if options.task == TableTask::Classes {
        return classes::read(column, options);
    }
    let levels: Vec<&str> = column.levels().into_keys().collect();
    let refuse = |problem: String| Error::column(column.path, column.name, problem);
    if levels.is_empty() {
        return Err(refuse("the target has no value at all".into()));
    }
    let numeric = levels.iter().all(|t| number::parse(t.as_bytes(), DecimalMark::Point).is_some());
    let classify = match options.task {
        TableTask::Classify | TableTask::Classes => true,
        TableTask::Regress => false,
        TableTask::Auto => options.positive.is_some() || levels.len() <= 2 || !numeric,
    };
    if !classify {
        return Ok((Target::real(column.name, column.numbers()?)?, "the target, a number".into()));
    }
    if let [only] = levels.as_slice()
        && options.positive.is_none()
    {
        let (target, class) = (column.name.to_owned(), (*only).to_owned());
        return Err(tenure_core::Error::OneClass { target, class, rows: column.lines.len() }.into());
    }
    let shown = || {
        let more = if levels.len() > 8 { ", …" } else { "" };
        levels.iter().take(8).map(|l| format!("`{l}`")).collect::<Vec<_>>().join(", ") + more
    };
    let (positive, words) = match &options.positive {
        Some(positive) => {
            let positive = positive.trim();
            let same = |t: &&&str| **t == positive || numbers_agree(t, positive);
            let found = levels.iter().find(same).copied();
            (
                found.ok_or_else(|| {
                    refuse(format!("no row holds the positive value `{positive}`; there are {}", shown()))
                })?,
                "as asked".to_owned(),
            )
        }
        None if levels.len() > 2 => {
            let problem = format!(
                "the target has {} values ({}); expected two classes or numbers: name the positive one with --positive, or learn them all with --task multiclass",
                levels.len(),
                shown()
            );
            return Err(refuse(problem));
        }
        None => {
            let yes: Vec<&str> = levels.iter().copied().filter(|level| means_yes(level, &levels)).collect();
            match yes.as_slice() {
                &[positive] => (positive, "the obvious one of the two".to_owned()),
                _ if numeric => (levels[1], "the larger of the two".to_owned()),
                _ => {
                    return Err(refuse(format!(
                        "which of {} is the positive value? name it with --positive",
                        shown()
                    )));
                }
            }
        }
    };
    let class = |text: &str| match text {
        text if column.is_missing(text) => f64::NAN,
        text => f64::from(u8::from(text == positive)),
    };
    let values: Vec<f64> = column.texts.iter().map(class).collect();
    let ones = values.iter().filter(|v| **v == 1.0).count();
    let words = format!("the target: `{positive}` is positive ({words}), {ones} of {} rows", values.len());
    Ok((Target::binary(column.name, values)?, words))
}

pub(super) fn numbers_agree(a: &str, b: &str) -> bool {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
