//! What is true of synthetic data, from the files that `tenure synth … --truth` writes.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;
use tenure_core::Error;
use tenure_features::Timestamp;

/// Dates that an error names.
const DATES_NAMED: usize = 5;

/// Which truth is looked for.
pub struct Wanted<'a> {
    /// Columns that make the id, joined by a blank where there are several.
    pub keys: &'a [&'a str],
    /// Column of the values.
    pub value: &'a str,
    /// Rows as of this instant alone, where the file is of several.
    pub as_of: Option<Timestamp>,
    /// Length of the window that the values must be of, where the file says it.
    pub window_days: Option<u32>,
    /// The command that writes such files.
    pub from: &'a str,
}

/// The values by id; a blank one is not known.
pub fn read(path: &Path, wanted: &Wanted<'_>) -> Result<HashMap<String, f64>> {
    let wrong = |detail: String| Error::Data(format!("{}: {detail}", path.display()));
    let mut reader = csv::Reader::from_path(path).map_err(|e| wrong(e.to_string()))?;
    let headers = reader.headers().map_err(|e| wrong(e.to_string()))?.clone();
    let column = |name: &str| {
        let at = headers.iter().position(|h| h == name);
        at.ok_or_else(|| wrong(format!("no column `{name}`; `{}` writes one", wanted.from)))
    };
    let keys = wanted.keys.iter().map(|key| column(key)).collect::<Result<Vec<_>, _>>()?;
    let value = column(wanted.value)?;
    let instant = wanted.as_of.map(|as_of| Ok::<_, Error>((column("as_of")?, as_of))).transpose()?;
    let window = wanted.window_days.map(|days| Ok::<_, Error>((column("window_days")?, days))).transpose()?;
    let mut truth = HashMap::new();
    let mut dates: Vec<String> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| wrong(e.to_string()))?;
        let field = |at: usize| record.get(at).unwrap_or_default();
        let line = record.position().map_or(0, csv::Position::line);
        if let Some((at, as_of)) = instant
            && field(at).parse() != Ok(as_of)
        {
            if dates.len() < DATES_NAMED && !dates.iter().any(|d| d == field(at)) {
                dates.push(field(at).to_owned());
            }
            continue;
        }
        if let Some((at, days)) = window
            && field(at).parse() != Ok(days)
        {
            let found = field(at);
            return Err(wrong(format!(
                "line {line}: the truth is of {found} days; the model foretells {days}"
            ))
            .into());
        }
        if field(value).is_empty() {
            continue;
        }
        let number: f64 = field(value).parse().map_err(|_| {
            wrong(format!("line {line}, column `{}`: `{}` is not a number", wanted.value, field(value)))
        })?;
        truth.insert(keys.iter().map(|&key| field(key)).collect::<Vec<_>>().join(" "), number);
    }
    match wanted.as_of {
        Some(as_of) if truth.is_empty() => {
            Err(wrong(format!("nothing as of {as_of}; the truth is of {}", dates.join(", "))).into())
        }
        _ => Ok(truth),
    }
}

/// Truths of customers as `tenure synth orders --truth` writes them.
pub fn of_orders(
    path: &Path,
    value: &str,
    as_of: Timestamp,
    window_days: u32,
) -> Result<HashMap<String, f64>> {
    let (as_of, window_days) = (Some(as_of), Some(window_days));
    read(
        path,
        &Wanted { keys: &["customer_id"], value, as_of, window_days, from: "tenure synth orders --truth" },
    )
}

/// Truths of leads, contacts and messages as `tenure synth contacts --truth` writes them.
pub fn of_contacts(path: &Path, keys: &[&str], value: &str) -> Result<HashMap<String, f64>> {
    read(path, &Wanted { keys, value, as_of: None, window_days: None, from: "tenure synth contacts --truth" })
}

/// The true value of every row; refuses where one is lacking.
pub fn look_up(truth: &HashMap<String, f64>, mut keys: impl Iterator<Item = String>) -> Result<Vec<f64>> {
    let mut values = Vec::new();
    keys.try_for_each(|key| match truth.get(&key) {
        Some(value) => {
            values.push(*value);
            Ok(())
        }
        None => Err(Error::Data(format!("--truth: it does not know `{key}`"))),
    })?;
    Ok(values)
}
