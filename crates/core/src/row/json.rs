//! Values of rows from JSON objects, with everything that is wrong named.

use serde_json::{Map, Value};

use super::{Field, FieldValue as _, RowProblem};
use crate::{Error, Feature, Result, Schema};

/// Characters from which on the begin of a name stands for it.
const LEAST_BEGIN: usize = 4;

/// The values of a JSON object with exactly these fields.
pub(super) fn values_of_fields(fields: &[Field], value: &Value) -> Result<Vec<f64>> {
    let names = || fields.iter().map(|field| field.name);
    values(value, names, |at, found| {
        let number = (fields[at].from_json)(found).filter(|number| fields[at].allows(*number));
        number.ok_or_else(|| fields[at].expected())
    })
}

/// The value of each name, as `read` has it of its place and what stands there, or says what it expected.
fn values<'a, I: Iterator<Item = &'a str>>(
    value: &Value,
    names: impl Fn() -> I,
    read: impl Fn(usize, &Value) -> Result<f64, String>,
) -> Result<Vec<f64>> {
    let object = object(value)?;
    let (mut values, mut problems) = (Vec::new(), Vec::new());
    for (at, name) in names().enumerate() {
        let field = || name.to_owned();
        match object.get(name).map(|found| (found, read(at, found))) {
            None => problems.push(RowProblem::Missing { field: field() }),
            Some((_, Ok(number))) => values.push(number),
            Some((found, Err(expected))) => {
                problems.push(RowProblem::Wrong { field: field(), found: found.to_string(), expected });
            }
        }
    }
    problems.extend(unexpected(object, names));
    if problems.is_empty() { Ok(values) } else { Err(row_error(problems)) }
}

impl Schema {
    /// The values of a JSON object that has every feature and no other, in column order: numbers (`true` and
    /// `false` are 1 and 0), levels by name, `null` for not known. A level that the schema does not have is
    /// not known either, as in [`Feature::encode`].
    ///
    /// # Errors
    /// [`Error::Row`] with everything that is wrong, in the order of features.
    ///
    /// # Example
    /// ```
    /// use tenure_core::{Feature, Schema};
    ///
    /// let schema = Schema::new(vec![Feature::numeric("visits", "", ""), Feature::categorical("plan", ["a", "b"], "")])?;
    /// let row = serde_json::json!({"visits": 3, "plan": "b"});
    /// assert_eq!(schema.values_of_json(&row)?, [3.0, 1.0]);
    /// let wrong = serde_json::json!({"visits": "many", "plan": "b"});
    /// let error = schema.values_of_json(&wrong).unwrap_err().to_string();
    /// assert_eq!(error, "the row does not fit: `visits` is \"many\"; expected a number, or null");
    /// # Ok::<(), tenure_core::Error>(())
    /// ```
    pub fn values_of_json(&self, value: &Value) -> Result<Vec<f64>> {
        let read = |at: usize, found: &Value| {
            let feature = &self.features()[at];
            let expected = if feature.levels().is_some() { "a text, or null" } else { "a number, or null" };
            number_for(feature, found).ok_or_else(|| expected.to_owned())
        };
        values(value, || self.names(), read)
    }
}

fn number_for(feature: &Feature, value: &Value) -> Option<f64> {
    match value {
        Value::Null => Some(f64::NAN),
        Value::String(text) => feature.levels().and_then(|_| feature.encode(text)),
        Value::Bool(flag) if feature.levels().is_none() => Some(flag.to_number()),
        // Levels that look like numbers are often written as such.
        Value::Number(number) if feature.levels().is_some() => feature.encode(&number.to_string()),
        Value::Number(number) => number.as_f64(),
        _ => None,
    }
}

fn object(value: &Value) -> Result<&Map<String, Value>> {
    let found = match value {
        Value::Object(object) => return Ok(object),
        Value::Array(_) => "a list".to_owned(),
        other => other.to_string(),
    };
    Err(row_error(vec![RowProblem::NotAnObject { found }]))
}

fn row_error(mut problems: Vec<RowProblem>) -> Error {
    // What is missing and what is there instead belong together, before what is merely wrong.
    problems.sort_by_key(|p| matches!(p, RowProblem::Wrong { .. }));
    Error::Row { row: None, problems }
}

/// The members of an object that are no fields.
fn unexpected<'a, I: Iterator<Item = &'a str>>(
    object: &Map<String, Value>,
    names: impl Fn() -> I,
) -> Vec<RowProblem> {
    let strange = object.keys().filter(|key| !names().any(|name| name == *key));
    strange.map(|key| RowProblem::Unexpected { field: key.clone(), similar: similar(key, names()) }).collect()
}

/// The name that differs by at most two edits, or that one of them begins with the other, if there is one.
fn similar<'a>(key: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let begins = |name: &str| key.len() >= LEAST_BEGIN && (name.starts_with(key) || key.starts_with(name));
    let close =
        names.map(|name| (if begins(name) { 2 } else { usize::MAX }.min(edits(key, name)), name)).min()?;
    (close.0 <= 2).then(|| close.1.to_owned())
}

/// Fewest insertions, deletions and replacements of characters from one text to the other (Levenshtein 1966).
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}
