//! Tables of features to data sets.

mod classes;
mod column;
pub(crate) mod raw;
pub(crate) mod report;
mod target;

use std::path::Path;

use ndarray::Array2;
use tenure_core::{Dataset, Feature, Schema};

use self::column::Column;
use self::raw::RawTable;
use self::report::{ColumnDecision, ColumnReport, TableReport};
use crate::orders::mapping::find;
use crate::{Counted, Error, Result};

/// Unit of features made from dates; with a known schema, it tells that a column holds dates.
pub const DATE_UNIT: &str = "days since 1970-01-01";

/// Most classes that a target of several classes may have.
pub const MAX_CLASSES: usize = 100;

/// What is to be learned from a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TableTask {
    /// A target with two values is a class, one with more numbers is a number.
    #[default]
    Auto,
    /// The target has two classes.
    Classify,
    /// The target has two classes or more, at most [`MAX_CLASSES`], in the order of the texts, or of the numbers
    /// where all of them are numbers (then `1` and `1.0` are one class).
    Classes,
    /// The target is a number.
    Regress,
}

/// How to read a table.
#[derive(Debug, Clone, Default)]
pub struct TableOptions<'a> {
    /// Column to be learned.
    pub target: Option<String>,
    /// Value of the target that counts as 1.
    pub positive: Option<String>,
    /// What is to be learned.
    pub task: TableTask,
    /// With [`TableTask::Classes`]: the classes of a model, in its order; any other value of the target is an
    /// error. `None` finds them in the column.
    pub classes: Option<&'a [String]>,
    /// Columns that are no features.
    pub drop: Vec<String>,
    /// Texts that stand for no value, beside the blank and NA, N/A, NaN, null and None in any case.
    pub missing: Vec<String>,
    /// Columns of numbers that name categories: each different text is a level.
    pub categorical: Vec<String>,
    /// Column of numbers, at least 0: how much each row counts; no feature.
    pub weight: Option<String>,
    /// Column whose equal values form a group; no feature.
    pub group: Option<String>,
    /// Column of dates or whole numbers that orders the rows; no feature.
    pub order_by: Option<String>,
    /// Features of a model: the columns are read as it knows them.
    pub schema: Option<&'a Schema>,
    /// With `schema`: columns that may be there without being features.
    pub ignore: Vec<String>,
    /// Drops rows equal to an earlier one.
    pub distinct: bool,
    /// One character, `tab` or `blanks`; found from the first lines where `None`.
    pub separator: Option<String>,
}

/// Reads a table with a header: numbers, categories and dates to features, and the target where asked for.
///
/// A column is numeric if at least 99 % of its values are numbers (the others are then errors, to be listed as
/// missing); else a date if all are dates; else categorical, its levels sorted, rare ones kept. Columns that
/// hold one value, or a different text in every row, are dropped. The report says all of it.
///
/// # Errors
/// [`Error`], naming file, line and column; [`tenure_core::Error::Columns`] where the columns are not those of
/// the known schema.
pub fn read_table(path: &Path, options: &TableOptions<'_>) -> Result<(Dataset, TableReport)> {
    let mut raw = RawTable::read(path, options.separator.as_deref())?;
    let rows = raw.lines.len() as u64;
    let duplicates = raw.duplicates();
    let mut duplicate_rows = Counted::default();
    duplicates.iter().for_each(|&row| duplicate_rows.add(raw.lines[row]));
    if options.distinct {
        raw.remove(&duplicates);
    }
    let roles = roles(path, &raw, options)?;
    let column = |at: usize| Column {
        path,
        name: &raw.names[at],
        texts: &raw.columns[at],
        lines: &raw.lines,
        missing: &options.missing,
        semicolons: raw.semicolons,
        categorical: options.categorical.contains(&raw.names[at]),
    };
    let mut report = TableReport {
        file: path.display().to_string(),
        rows,
        kept: raw.lines.len() as u64,
        duplicate_rows,
        without_target: Counted::default(),
        layout: raw.layout.clone(),
        columns: Vec::new(),
        notes: Vec::new(),
    };
    let (schema, x) = match options.schema {
        None => learn_columns(&raw, &roles, &column, &mut report.columns)?,
        Some(schema) => known_columns(&raw, &roles, schema, &column, &mut report.columns)?,
    };
    let mut data = Dataset::new(schema, x)?;
    for (at, role) in roles.iter().enumerate() {
        match role {
            Some(ColumnDecision::Target) => {
                let (values, words) = target::read(&column(at), options)?;
                for (row, _) in values.values().iter().enumerate().filter(|(_, v)| v.is_nan()) {
                    report.without_target.add(raw.lines[row]);
                }
                report.columns.push(column(at).report(ColumnDecision::Target, words));
                data = data.with_target(values)?;
            }
            Some(ColumnDecision::Group) => {
                let mut codes = std::collections::HashMap::new();
                let group = |text| {
                    let next = codes.len() as u64;
                    *codes.entry(text).or_insert(next)
                };
                data = data.with_groups(raw.columns[at].iter().map(group).collect())?;
            }
            Some(ColumnDecision::Weight) => data = data.with_weights(weights(&column(at))?)?,
            Some(ColumnDecision::Order) => data = data.with_times(times(&column(at))?)?,
            _ => {}
        }
    }
    report.columns.sort_by_key(|c| raw.names.iter().position(|n| *n == c.name));
    Ok((data, report))
}

/// What each column is used for beside features.
fn roles(path: &Path, raw: &RawTable, options: &TableOptions<'_>) -> Result<Vec<Option<ColumnDecision>>> {
    let mut roles = vec![None; raw.names.len()];
    let asked = |name: &String| {
        find(&raw.names, name).ok_or_else(|| Error::Columns {
            path: path.to_owned(),
            problem: format!("there is no column `{name}`"),
            columns: raw.names.clone(),
        })
    };
    let known = options.schema.is_some();
    for name in &options.drop {
        match asked(name) {
            Ok(at) => roles[at] = Some(ColumnDecision::DroppedAsAsked),
            Err(_) if known => {}
            Err(error) => return Err(error),
        }
    }
    for name in &options.categorical {
        asked(name)?;
    }
    for name in &options.ignore {
        if let Ok(at) = asked(name) {
            roles[at] = Some(ColumnDecision::Ignored);
        }
    }
    let named = [
        (&options.weight, ColumnDecision::Weight),
        (&options.group, ColumnDecision::Group),
        (&options.order_by, ColumnDecision::Order),
        (&options.target, ColumnDecision::Target),
    ];
    let mut target = None;
    for (name, role) in named {
        match name.as_ref().map(asked) {
            None => {}
            Some(Ok(at)) if role == ColumnDecision::Target => target = Some(at),
            Some(Ok(at)) => roles[at] = Some(role),
            // What is to be predicted need not be there yet.
            Some(Err(_)) if known && role == ColumnDecision::Target => {}
            Some(Err(error)) => return Err(error),
        }
    }
    if let Some(at) = target {
        let name = &raw.names[at];
        let other = roles[at].filter(|role| *role != ColumnDecision::Ignored);
        if !known && (other.is_some() || options.categorical.contains(name)) {
            return Err(Error::column(
                path,
                name,
                "it is the target; it cannot be anything else beside that",
            ));
        }
        roles[at] = Some(ColumnDecision::Target);
    }
    Ok(roles)
}

fn side_report(column: &Column<'_>, role: ColumnDecision) -> Option<ColumnReport> {
    let words = match role {
        ColumnDecision::DroppedAsAsked => "dropped, as asked",
        ColumnDecision::Ignored => "no feature of the model, as expected",
        ColumnDecision::Weight => "the weight of the row; no feature",
        ColumnDecision::Group => "the group of the row; no feature",
        ColumnDecision::Order => "the time of the row; no feature",
        _ => return None,
    };
    Some(column.report(role, words))
}

fn learn_columns<'a>(
    raw: &RawTable,
    roles: &[Option<ColumnDecision>],
    column: &dyn Fn(usize) -> Column<'a>,
    reports: &mut Vec<ColumnReport>,
) -> Result<(Schema, Array2<f64>)> {
    let (mut features, mut values) = (Vec::new(), Vec::new());
    for (at, role) in roles.iter().enumerate() {
        if let Some(role) = role {
            reports.extend(side_report(&column(at), *role));
            continue;
        }
        let (converted, report) = column(at).convert()?;
        reports.push(report);
        if let Some((feature, numbers)) = converted {
            features.push(feature);
            values.push(numbers);
        }
    }
    Ok((Schema::new(features)?, matrix(&values, raw.lines.len())))
}

fn known_columns<'a>(
    raw: &RawTable,
    roles: &[Option<ColumnDecision>],
    schema: &Schema,
    column: &dyn Fn(usize) -> Column<'a>,
    reports: &mut Vec<ColumnReport>,
) -> Result<(Schema, Array2<f64>)> {
    // A column that is a feature stays one, even if it is also listed as one that may be there.
    let offered: Vec<usize> = (0..raw.names.len())
        .filter(|&at| {
            let listed = matches!(roles[at], Some(ColumnDecision::Ignored | ColumnDecision::DroppedAsAsked));
            roles[at].is_none() || (listed && schema.position(&raw.names[at]).is_some())
        })
        .collect();
    let names: Vec<&str> = offered.iter().map(|&at| raw.names[at].as_str()).collect();
    let places = schema.match_columns(&names)?;
    let mut values = Vec::with_capacity(schema.len());
    for (feature, place) in schema.features().iter().zip(places) {
        let feature: &Feature = feature;
        let (numbers, report) = column(offered[place]).convert_known(feature)?;
        values.push(numbers);
        reports.push(report);
    }
    for at in (0..raw.names.len()).filter(|at| !offered.contains(at)) {
        reports.extend(roles[at].and_then(|role| side_report(&column(at), role)));
    }
    Ok((schema.clone(), matrix(&values, raw.lines.len())))
}

fn matrix(columns: &[Vec<f64>], rows: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, columns.len()), |(row, column)| columns[column][row])
}

/// Numbers of which none is missing or below 0.
fn weights(column: &Column<'_>) -> Result<Vec<f64>> {
    let numbers = column.numbers()?;
    match numbers.iter().position(|v| v.is_nan() || *v < 0.0) {
        None => Ok(numbers),
        Some(row) => {
            let (line, text) = (column.lines[row], column.texts.get(row));
            Err(Error::field(column.path, line, column.name, text, "a weight, at least 0"))
        }
    }
}

/// Dates in seconds, whole numbers as they are; of other numbers the place among the different ones.
fn times(column: &Column<'_>) -> Result<Vec<i64>> {
    let refuse = |row: usize| {
        Error::field(
            column.path,
            column.lines[row],
            column.name,
            column.texts.get(row),
            "a date or number to order the rows by",
        )
    };
    if let Some(instants) = column.instants()? {
        return instants.iter().enumerate().map(|(row, i)| i.ok_or_else(|| refuse(row))).collect();
    }
    let numbers = column.numbers()?;
    if let Some(row) = numbers.iter().position(|v| v.is_nan()) {
        return Err(refuse(row));
    }
    // Beyond 2^53 whole numbers are not told apart any more.
    if numbers.iter().all(|v| v.fract() == 0.0 && v.abs() < 9e15) {
        return Ok(numbers.iter().map(|v| *v as i64).collect());
    }
    let mut different = numbers.clone();
    different.sort_by(f64::total_cmp);
    different.dedup();
    Ok(numbers.iter().map(|v| different.partition_point(|d| d < v) as i64).collect())
}
