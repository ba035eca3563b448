//! One file of records: its columns by name, its rows value by value.

use std::fmt::Display;
use std::path::PathBuf;

use rayon::prelude::*;
use tenure_features::Timestamp;

use super::report::RecordFileReport;
use crate::orders::mapping::find;
use crate::source::FileFormat;
use crate::table::raw::RawTable;
use crate::text::date::DateFormat;
use crate::text::is_missing;
use crate::text::number::{self, DecimalMark};
use crate::{Counted, Error, Result};

/// Values from which a column's decimal mark is told.
const SAMPLE: usize = 5000;

pub(crate) struct Sheet {
    path: PathBuf,
    raw: RawTable,
    skip_bad_lines: bool,
    used: Vec<usize>,
    absent: Vec<String>,
    bad_lines: Counted,
    first_bad_line: Option<String>,
}

/// A column by its place; without one where it is lacking.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    at: Option<usize>,
    name: &'static str,
    mark: DecimalMark,
}

impl Sheet {
    pub(crate) fn open(path: PathBuf, skip_bad_lines: bool) -> Result<Self> {
        let raw = match RawTable::read_any(&path, None) {
            // JSON lines without a line are a table without a row.
            Err(Error::Empty { .. }) if FileFormat::of(&path)?.0 == FileFormat::Jsonl => {
                RawTable::empty(Vec::new(), "JSON lines".into())
            }
            other => other?,
        };
        let (bad_lines, first_bad_line) = (Counted::default(), None);
        Ok(Self {
            path,
            raw,
            skip_bad_lines,
            used: Vec::new(),
            absent: Vec::new(),
            bad_lines,
            first_bad_line,
        })
    }

    /// A column that must be there.
    pub(crate) fn required(&mut self, name: &'static str) -> Result<Column> {
        let column = self.column(name);
        if column.at.is_some() || self.raw.names.is_empty() {
            return Ok(column);
        }
        Err(Error::Columns {
            path: self.path.clone(),
            problem: format!("there is no column `{name}`"),
            columns: self.raw.names.clone(),
        })
    }

    /// A column that may be lacking.
    pub(crate) fn optional(&mut self, name: &'static str) -> Column {
        let column = self.column(name);
        if column.at.is_none() {
            self.absent.push(name.to_owned());
        }
        column
    }

    fn column(&mut self, name: &'static str) -> Column {
        let at = find(&self.raw.names, name);
        self.used.extend(at);
        let sample = at.map(|at| self.raw.columns[at].iter().take(SAMPLE).map(str::as_bytes));
        let mark = DecimalMark::sniff(sample.into_iter().flatten(), self.raw.semicolons);
        Column { at, name, mark }
    }

    /// What `read` makes of every row, in order; the first that cannot be read is the error.
    pub(crate) fn rows<T: Send>(&mut self, read: impl Fn(Row<'_>) -> Result<T> + Sync) -> Result<Vec<T>> {
        let sheet = &*self;
        let rows = (0..sheet.raw.lines.len()).into_par_iter();
        let found: Vec<Result<T>> = rows.map(|row| read(Row { sheet, row })).collect();
        let mut records = Vec::with_capacity(found.len());
        for (row, record) in found.into_iter().enumerate() {
            match record {
                Ok(record) => records.push(record),
                Err(error) if self.skip_bad_lines => {
                    self.bad_lines.add(self.raw.lines[row]);
                    self.first_bad_line.get_or_insert_with(|| error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(records)
    }

    pub(crate) fn into_report(self, records: usize) -> RecordFileReport {
        let unused = (0..self.raw.names.len()).filter(|at| !self.used.contains(at));
        RecordFileReport {
            file: self.path.display().to_string(),
            layout: self.raw.layout,
            rows: self.raw.lines.len() as u64,
            records: records as u64,
            ignored_columns: unused.map(|at| self.raw.names[at].clone()).collect(),
            absent_columns: self.absent,
            bad_lines: self.bad_lines,
            first_bad_line: self.first_bad_line,
        }
    }
}

/// One row, value by value.
#[derive(Clone, Copy)]
pub(crate) struct Row<'s> {
    sheet: &'s Sheet,
    row: usize,
}

impl<'s> Row<'s> {
    /// Empty where the column is lacking.
    fn text(self, column: Column) -> &'s str {
        column.at.map_or("", |at| self.sheet.raw.columns[at].get(self.row))
    }

    fn refuse<T>(self, column: Column, expected: impl Into<String>) -> Result<T> {
        let Sheet { path, raw, .. } = self.sheet;
        let name = column.at.map_or(column.name, |at| raw.names[at].as_str());
        Err(Error::field(path, raw.lines[self.row], name, self.text(column), expected))
    }

    /// Line of the file.
    pub(crate) fn line(self) -> u64 {
        self.sheet.raw.lines[self.row]
    }

    /// Something about the whole row.
    pub(crate) fn error(self, problem: String) -> Error {
        Error::line(&self.sheet.path, self.line(), problem)
    }

    /// `None` where there is no value.
    fn some<T>(
        self,
        column: Column,
        expected: &str,
        parse: impl FnOnce(&'s str) -> Option<T>,
    ) -> Result<Option<T>> {
        let text = self.text(column);
        if is_missing(text.as_bytes()) {
            return Ok(None);
        }
        parse(text).map_or_else(|| self.refuse(column, expected), |value| Ok(Some(value)))
    }

    fn need<T>(self, column: Column, expected: &str, parse: impl FnOnce(&'s str) -> Option<T>) -> Result<T> {
        self.some(column, expected, parse)?.map_or_else(|| self.refuse(column, expected), Ok)
    }

    pub(crate) fn id(self, column: Column) -> Result<String> {
        match self.text(column) {
            "" => self.refuse(column, "an id"),
            id => Ok(id.to_owned()),
        }
    }

    pub(crate) fn some_text(self, column: Column) -> Option<String> {
        Some(self.text(column)).filter(|text| !is_missing(text.as_bytes())).map(str::to_owned)
    }

    pub(crate) fn instant(self, column: Column) -> Result<Timestamp> {
        self.need(column, INSTANT, instant)
    }

    pub(crate) fn some_instant(self, column: Column) -> Result<Option<Timestamp>> {
        self.some(column, INSTANT, instant)
    }

    pub(crate) fn number(self, column: Column) -> Result<f64> {
        self.need(column, column.mark.expected(), |text| finite(text, column.mark))
    }

    /// NaN where there is no value.
    pub(crate) fn some_number(self, column: Column) -> Result<f64> {
        let value = self.some(column, column.mark.expected(), |text| finite(text, column.mark))?;
        Ok(value.unwrap_or(f64::NAN))
    }

    pub(crate) fn whole<T: Whole>(self, column: Column) -> Result<T> {
        self.need(column, T::EXPECTED, |text| whole(text, column.mark))
    }

    pub(crate) fn some_whole<T: Whole>(self, column: Column) -> Result<Option<T>> {
        self.some(column, T::EXPECTED, |text| whole(text, column.mark))
    }

    /// No where there is no value.
    pub(crate) fn flag(self, column: Column) -> Result<bool> {
        let value = self.some(column, "yes or no (true/false, 1/0, y/n)", |text| {
            match text.to_ascii_lowercase().as_str() {
                "true" | "t" | "yes" | "y" | "1" | "1.0" => Some(true),
                "false" | "f" | "no" | "n" | "0" | "0.0" => Some(false),
                _ => None,
            }
        })?;
        Ok(value.unwrap_or(false))
    }

    pub(crate) fn level<L: Copy + Display>(self, column: Column, all: &[L]) -> Result<L> {
        let text = self.text(column);
        match all.iter().find(|level| level.to_string().eq_ignore_ascii_case(text)) {
            Some(level) => Ok(*level),
            None => {
                let names: Vec<String> = all.iter().map(L::to_string).collect();
                self.refuse(column, format!("one of {}", names.join(", ")))
            }
        }
    }
}

const INSTANT: &str = "a date such as 2024-03-01 or 2024-03-01T12:30:00Z";

fn instant(text: &str) -> Option<Timestamp> {
    DateFormat::YearFirst.parse(text.as_bytes()).map(|parsed| Timestamp::from_seconds(parsed.seconds))
}

fn finite(text: &str, mark: DecimalMark) -> Option<f64> {
    number::parse(text.as_bytes(), mark).map(|(value, _)| value).filter(|value| value.is_finite())
}

/// Whole numbers of a record, from the numbers of a file, which may be written as `7.0`.
pub(crate) trait Whole: TryFrom<i64> {
    /// In words.
    const EXPECTED: &'static str;
}

impl Whole for u32 {
    const EXPECTED: &'static str = "a whole number of at least 0";
}

impl Whole for i32 {
    const EXPECTED: &'static str = "a whole number";
}

fn whole<T: Whole>(text: &str, mark: DecimalMark) -> Option<T> {
    let value = finite(text, mark).filter(|value| value.fract() == 0.0)?;
    T::try_from(value as i64).ok()
}
