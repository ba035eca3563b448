//! Customers of a marketplace, from files and to files.

pub(crate) mod report;
pub(crate) mod write;

use std::collections::HashSet;
use std::path::Path;

use ndarray::Array2;
use rayon::prelude::*;
use serde_json::Value;
use tenure_core::row::Field;
use tenure_features::marketplace::{Label, MarketplaceTable, Profile, Segment};

use self::report::MarketplaceReadReport;
use crate::orders::mapping::find;
use crate::table::raw::{RawTable, Texts};
use crate::text::is_missing;
use crate::text::number::{self, DecimalMark};
use crate::{Counted, Error, ReadOptions, Result};

/// Column of the ids.
pub(crate) const ID: &str = "customer_id";
/// Column of the segments.
pub(crate) const SEGMENT: &str = "segment";
/// Values from which a column's decimal mark is told.
const SAMPLE: usize = 5000;

/// Reads customers from `.csv`, `.jsonl` (each also with `.gz`) or `.parquet`: a column `customer_id`, one for each
/// feature of the profile, and where they are there `segment` and `label_<target>` for each target.
///
/// Columns come in any order; others are passed over and reported, as are targets without a column. Blank, `null`,
/// NA, N/A, NaN and None in any case is not known; an id needs to be known. Choices are read by number or by name.
/// A label of a class is 0 or 1: whether it happened, not how likely it was.
///
/// Of the options, `header`, `count_duplicates` and `returned_after_days` speak of orders and say nothing here. With
/// `skip_bad_lines`, lines with a value that cannot be read are counted and left out.
///
/// # Errors
/// [`Error::Columns`] naming all columns that are missing; [`Error::Field`] for a value that cannot be, with file,
/// line, column, the text and what was expected; [`Error::Empty`] and [`Error::HeaderOnly`] where there is no
/// customer; [`Error::Core`] where every line was left out, and for a cancellation; [`Error::Io`].
///
/// # Example
/// See [`MarketplaceWriter`](crate::MarketplaceWriter).
pub fn read_marketplace(
    path: &Path,
    profile: Profile,
    options: &ReadOptions<'_>,
) -> Result<(MarketplaceTable, MarketplaceReadReport)> {
    options.in_pool(|| {
        options.check_cancelled("reading customers")?;
        let raw = RawTable::read(path, None)?;
        Sheet::new(path, &raw, profile)?.read(profile, options)
    })
}

/// A file with its columns found.
struct Sheet<'a> {
    path: &'a Path,
    raw: &'a RawTable,
    id: usize,
    segment: Option<usize>,
    features: Vec<Column<'a>>,
    labels: Vec<Option<Column<'a>>>,
}

/// One column of numbers.
struct Column<'a> {
    name: &'a str,
    texts: &'a Texts,
    mark: DecimalMark,
}

/// One customer.
struct Row<'a> {
    id: &'a str,
    segment: Option<Segment>,
    features: Vec<f64>,
    labels: Vec<f64>,
}

impl<'a> Sheet<'a> {
    fn new(path: &'a Path, raw: &'a RawTable, profile: Profile) -> Result<Self> {
        let column = |name: &str| {
            let at = find(&raw.names, name)?;
            let sample = raw.columns[at].iter().take(SAMPLE).map(str::as_bytes);
            let mark = DecimalMark::sniff(sample, raw.semicolons);
            Some(Column { name: &raw.names[at], texts: &raw.columns[at], mark })
        };
        let mut missing: Vec<&str> =
            profile.fields().iter().map(|field| field.name).filter(|name| column(name).is_none()).collect();
        let id = find(&raw.names, ID);
        missing.splice(0..0, id.is_none().then_some(ID));
        let (Some(id), true) = (id, missing.is_empty()) else {
            let problem = format!("missing features of the profile `{profile}`: [{}]", missing.join(", "));
            return Err(Error::Columns { path: path.to_owned(), problem, columns: raw.names.clone() });
        };
        Ok(Self {
            path,
            raw,
            id,
            segment: find(&raw.names, SEGMENT),
            features: profile.fields().iter().filter_map(|field| column(field.name)).collect(),
            labels: profile.labels().iter().map(|label| column(&label.column())).collect(),
        })
    }

    fn read(
        &self,
        profile: Profile,
        options: &ReadOptions<'_>,
    ) -> Result<(MarketplaceTable, MarketplaceReadReport)> {
        let (fields, labels) = (profile.fields(), profile.labels());
        let lines = &self.raw.lines;
        let read: Vec<Result<Row<'_>>> =
            (0..lines.len()).into_par_iter().map(|row| self.row(row, fields, &labels)).collect();
        let mut report = self.report(profile, &labels);
        let mut seen = HashSet::new();
        let (mut ids, mut segments, mut x, mut y) = (vec![], vec![], vec![], vec![]);
        for (row, &line) in read.into_iter().zip(lines) {
            match row {
                Err(error) if options.skip_bad_lines => {
                    report.bad_lines.add(line);
                    report.first_bad_line.get_or_insert_with(|| error.to_string());
                }
                row => {
                    let Row { id, segment, features, labels } = row?;
                    if !seen.insert(id) {
                        report.repeated_ids.add(line);
                    }
                    ids.push(id.to_owned());
                    segments.push(segment);
                    report.missing_values += features.iter().filter(|v| v.is_nan()).count() as u64;
                    x.extend(features);
                    y.extend(labels);
                }
            }
        }
        report.customers = ids.len() as u64;
        if let (true, Some(first)) = (ids.is_empty(), &report.first_bad_line) {
            return Err(tenure_core::Error::Data(format!("no line can be read; the first: {first}")).into());
        }
        let matrix = |values, width| {
            Array2::from_shape_vec((ids.len(), width), values)
                .map_err(|e| tenure_core::Error::Internal(e.to_string()))
        };
        let (x, y) = (matrix(x, fields.len())?, matrix(y, labels.len())?);
        Ok((MarketplaceTable::new(profile, ids, segments, x, &y)?, report))
    }

    fn row(&self, row: usize, fields: &[Field], labels: &[Label]) -> Result<Row<'a>> {
        let raw = self.raw;
        let refuse = |column: &str, text: &str, expected: String| {
            Error::field(self.path, raw.lines[row], column, text, expected)
        };
        let id = raw.columns[self.id].get(row);
        if id.is_empty() {
            return Err(refuse(ID, id, "an id".to_owned()));
        }
        let segment = match self.segment.map(|at| raw.columns[at].get(row)) {
            Some(text) if !is_missing(text.as_bytes()) => {
                let segment = text.parse::<Segment>();
                Some(segment.map_err(|e| refuse(SEGMENT, text, format!("one of {}", e.known.join(", "))))?)
            }
            _ => None,
        };
        let number =
            |column: &Column<'_>, read: &dyn Fn(&str) -> Option<f64>, expected: &dyn Fn() -> String| {
                let text = column.texts.get(row);
                match text {
                    text if is_missing(text.as_bytes()) => Ok(f64::NAN),
                    text => read(text).ok_or_else(|| refuse(column.name, text, expected())),
                }
            };
        let features =
            self.features.iter().zip(fields).map(|(column, field)| {
                number(column, &|text| column.feature(text, field), &|| expected(field))
            });
        let labels = self.labels.iter().zip(labels).map(|(column, label)| match column {
            None => Ok(f64::NAN),
            Some(column) => {
                let read = |text: &str| column.number(text).filter(|value| label.allows(*value));
                number(column, &read, &|| label.expected())
            }
        });
        Ok(Row {
            id,
            segment,
            features: features.collect::<Result<_>>()?,
            labels: labels.collect::<Result<_>>()?,
        })
    }

    fn report(&self, profile: Profile, labels: &[Label]) -> MarketplaceReadReport {
        let used = |name: &str| {
            let columns = self.features.iter().chain(self.labels.iter().flatten());
            let mut names = columns.map(|column| column.name);
            let side = [Some(self.id), self.segment].into_iter().flatten();
            names.any(|used| used == name) || side.into_iter().any(|at| self.raw.names[at] == name)
        };
        let absent = labels.iter().zip(&self.labels).filter(|(_, column)| column.is_none());
        MarketplaceReadReport {
            file: self.path.display().to_string(),
            layout: self.raw.layout.clone(),
            profile,
            rows: self.raw.lines.len() as u64,
            customers: 0,
            ignored_columns: self.raw.names.iter().filter(|name| !used(name)).cloned().collect(),
            absent_labels: absent.map(|(label, _)| label.name.clone()).collect(),
            missing_values: 0,
            repeated_ids: Counted::default(),
            bad_lines: Counted::default(),
            first_bad_line: None,
        }
    }
}

impl Column<'_> {
    fn number(&self, text: &str) -> Option<f64> {
        number::parse(text.as_bytes(), self.mark).map(|(value, _)| value).filter(|value| value.is_finite())
    }

    /// The value of a field, by number or by name.
    fn feature(&self, text: &str, field: &Field) -> Option<f64> {
        let flag = || text.to_ascii_lowercase().parse().ok().map(Value::Bool);
        let value = self.number(text).map(Value::from).or_else(flag).unwrap_or_else(|| Value::from(text));
        (field.from_json)(&value).filter(|value| field.range.contains(value))
    }
}

/// What a field accepts, in words.
fn expected(field: &Field) -> String {
    let (low, high) = (field.range.start(), field.range.end());
    let words = (field.expected)();
    match (low.is_finite(), high.is_finite()) {
        (true, true) => format!("{words} ({low} to {high})"),
        (true, false) => format!("{words} (at least {low})"),
        _ => words.into_owned(),
    }
}
