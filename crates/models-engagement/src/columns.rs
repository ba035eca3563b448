//! Columns of a table that say when a message is sent, and what they must hold.

use std::collections::HashMap;

use tenure_core::{Dataset, Error, Feature, Result, Schema, TypedRow};
use tenure_features::contacts::{MessageRow, Weekday};

/// Most different numbers of a slot column.
const MOST_SLOTS: usize = 50;

/// Refuses columns that are not those of a message.
pub(crate) fn require_message(schema: &Schema) -> Result<()> {
    let own = MessageRow::schema();
    if *schema == own {
        return Ok(());
    }
    let offered: Vec<&str> = schema.names().collect();
    own.match_columns(&offered)?;
    Err(Error::Data("the columns are those of a message, but in another order or of another kind".into()))
}

pub(crate) fn find(schema: &Schema, name: &str) -> Result<usize> {
    let missing = || Error::Columns { missing: vec![name.to_owned()], unexpected: Vec::new() };
    schema.position(name).ok_or_else(missing)
}

pub(crate) fn is_hour(value: f64) -> bool {
    (0.0..=24.0).contains(&value)
}

pub(crate) fn is_day(value: f64) -> bool {
    (0.0..7.0).contains(&value)
}

/// Refuses numbers that mean something else: minutes for hours, Sunday as 7. Names are read by [`days`].
pub(crate) fn require_numbers(
    data: &Dataset,
    name: &str,
    is_one: fn(f64) -> bool,
    expected: &str,
) -> Result<()> {
    let column = find(data.schema(), name)?;
    let wrong = data.x().column(column).iter().copied().find(|v| !v.is_nan() && !is_one(*v));
    match wrong.filter(|_| data.schema().features()[column].levels().is_none()) {
        Some(value) => Err(Error::Data(format!("feature `{name}` has {value}; expected {expected}"))),
        None => Ok(()),
    }
}

/// The day that each level of a column is; empty for a column of numbers.
pub(crate) fn days(feature: &Feature) -> Result<Vec<f64>> {
    let day = |level: &String| {
        let short = level.trim().to_lowercase();
        let found = Weekday::ALL.iter().position(|d| short.len() >= 3 && d.name().starts_with(&short));
        found.map(|day| day as f64).ok_or_else(|| {
            let expected =
                "days by their English names, from three letters on, or numbers from 0 (Monday) to 6";
            Error::Data(format!("feature `{}`: level `{level}` is no day; expected {expected}", feature.name))
        })
    };
    feature.levels().unwrap_or_default().iter().map(day).collect()
}

/// The values of a slot column, rising.
pub(crate) fn slots(data: &Dataset, column: usize) -> Result<Vec<f64>> {
    let mut values: Vec<f64> = data.x().column(column).iter().copied().filter(|v| !v.is_nan()).collect();
    values.sort_unstable_by(f64::total_cmp);
    values.dedup();
    if values.len() > MOST_SLOTS {
        let (name, found) = (&data.schema().features()[column].name, values.len());
        return Err(Error::Data(format!(
            "feature `{name}` has {found} different values; a column of slots has at most {MOST_SLOTS}"
        )));
    }
    Ok(values)
}

/// The latest row of each recipient: their counts hold those of the rows before. Without groups every row is a
/// recipient.
pub(crate) fn latest_rows(data: &Dataset) -> Vec<usize> {
    let Some(groups) = data.groups() else { return (0..data.rows()).collect() };
    let time = |row: usize| data.times().map_or(0, |times| times[row]);
    let mut latest: HashMap<u64, usize> = HashMap::new();
    for (row, &group) in groups.iter().enumerate() {
        let held = latest.entry(group).or_insert(row);
        if time(row) >= time(*held) {
            *held = row;
        }
    }
    let mut rows: Vec<usize> = latest.into_values().collect();
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_by_name_or_number() {
        let named = days(&Feature::categorical("day", ["Sun", "monday", "TUES"], "")).unwrap();
        assert_eq!(named, [6.0, 0.0, 1.0]);
        assert_eq!(days(&Feature::numeric("day", "", "")).unwrap(), Vec::<f64>::new());
        let words = days(&Feature::categorical("day", ["domingo"], "")).unwrap_err().to_string();
        assert!(words.contains("level `domingo` is no day"), "{words}");
    }
}
