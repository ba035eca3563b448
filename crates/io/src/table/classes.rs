//! A target of several classes.

use tenure_core::Target;

use super::column::Column;
use super::target::numbers_agree;
use super::{MAX_CLASSES, TableOptions};
use crate::text::number;
use crate::{Error, Result};

/// Fractional numbers with more different values than this are a measurement, not a class.
const MOST_FRACTIONS: usize = 20;

/// The target, and what was decided in words.
pub(super) fn read(column: &Column<'_>, options: &TableOptions<'_>) -> Result<(Target, String)> {
    let refuse = |problem: String| Error::column(column.path, column.name, problem);
    if let Some(positive) = &options.positive {
        return Err(refuse(format!(
            "the positive value `{positive}` is given, which only two classes have; the task is several classes"
        )));
    }
    let classes = match options.classes {
        Some(known) => known.to_vec(),
        None => find(column)?,
    };
    // Looked up once for each different text, not for each row.
    let place: std::collections::BTreeMap<&str, usize> =
        column.all_levels().filter_map(|text| Some((text, place(&classes, text)?))).collect();
    let mut values = vec![f64::NAN; column.lines.len()];
    let mut counts = vec![0u64; classes.len()];
    for (row, text) in column.texts.iter().enumerate() {
        match place.get(text) {
            Some(&class) => {
                values[row] = class as f64;
                counts[class] += 1;
            }
            None if column.is_missing(text) => {}
            None => {
                let expected = format!("one of the classes the model knows: {}", some(&classes));
                return Err(Error::field(column.path, column.lines[row], column.name, text, expected));
            }
        }
    }
    let shares: Vec<String> =
        classes.iter().zip(&counts).take(8).map(|(class, n)| format!("`{class}` ({n})")).collect();
    let more = if classes.len() > 8 { ", …" } else { "" };
    let words = format!("the target, {} classes: {}{more}", classes.len(), shares.join(", "));
    Ok((Target::classes(column.name, classes, values)?, words))
}

fn place(classes: &[String], text: &str) -> Option<usize> {
    let exact = classes.iter().position(|class| class == text);
    exact.or_else(|| classes.iter().position(|class| numbers_agree(class, text)))
}

/// The classes of a column, in their order.
fn find(column: &Column<'_>) -> Result<Vec<String>> {
    let refuse = |problem: String| Error::column(column.path, column.name, problem);
    let levels = column.levels();
    let mark = column.mark();
    let number = |text: &str| number::parse(text.as_bytes(), mark).map(|(v, _)| v).filter(|v| v.is_finite());
    let numbers: Option<Vec<f64>> = levels.keys().map(|text| number(text)).collect();
    let mut classes: Vec<String> = levels.keys().map(|&text| text.to_owned()).collect();
    if let Some(numbers) = &numbers {
        let fractions = numbers.iter().any(|v| v.fract() != 0.0);
        if numbers.len() > MAX_CLASSES || (fractions && numbers.len() > MOST_FRACTIONS) {
            return Err(refuse(format!(
                "the target looks continuous: {} different numbers ({}); learn it as a number with --task \
                 regression, or put it into at most {MAX_CLASSES} classes",
                numbers.len(),
                some(&classes)
            )));
        }
        let mut order: Vec<usize> = (0..classes.len()).collect();
        order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
        classes = order.into_iter().map(|at| classes[at].clone()).collect();
        classes.dedup_by(|later, first| numbers_agree(later, first)); // `1` and `1.0`
    }
    match classes.len() {
        0 => Err(refuse("the target has no value at all".into())),
        1 => {
            let (target, class) = (column.name.to_owned(), classes.remove(0));
            Err(tenure_core::Error::OneClass { target, class, rows: column.lines.len() }.into())
        }
        n if n > MAX_CLASSES => Err(refuse(format!(
            "the target has {n} different values ({}); at most {MAX_CLASSES} classes are learned",
            some(&classes)
        ))),
        _ => Ok(classes),
    }
}

fn some(classes: &[String]) -> String {
    let shown: Vec<String> = classes.iter().take(8).map(|class| format!("`{class}`")).collect();
    let more = if classes.len() > 8 { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
