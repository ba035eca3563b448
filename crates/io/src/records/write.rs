//! Files of records, batch by batch: what would not be read back as it is is refused.

use std::path::PathBuf;

use tenure_features::Timestamp;

use crate::text::{calendar, is_missing, trim};
use crate::{ColumnValues, Error, Result, TableWriter};

/// A file of records under way.
pub(crate) struct Table {
    path: PathBuf,
    writer: TableWriter,
}

pub(crate) type Columns = Vec<(&'static str, Values)>;

/// The values of a column.
pub(crate) enum Values {
    /// None of them blank.
    Ids(Vec<String>),
    /// Blank for none.
    Texts(Vec<String>),
    Numbers(Vec<f64>),
    Integers(Vec<i64>),
    Flags(Vec<bool>),
    Instants(Vec<i64>),
}

impl Values {
    fn as_values(&self) -> ColumnValues<'_> {
        match self {
            Self::Ids(v) | Self::Texts(v) => ColumnValues::Texts(v),
            Self::Numbers(v) => ColumnValues::Numbers(v),
            Self::Integers(v) => ColumnValues::Integers(v),
            Self::Flags(v) => ColumnValues::Flags(v),
            Self::Instants(v) => ColumnValues::Instants(v),
        }
    }

    /// The first value that would be read back as another.
    fn lost(&self) -> Option<String> {
        let trimmed = |text: &str| trim(text.as_bytes()).len() == text.len();
        let text = match self {
            Self::Ids(v) => v.iter().find(|text| text.is_empty() || !trimmed(text)),
            Self::Texts(v) => {
                v.iter().find(|text| !text.is_empty() && (is_missing(text.as_bytes()) || !trimmed(text)))
            }
            Self::Instants(v) => {
                let year = |seconds: i64| calendar::civil(seconds.div_euclid(86_400)).0;
                let fits = |&&seconds: &&i64| seconds == i64::MAX || (1..=9999).contains(&year(seconds));
                return v.iter().find(|seconds| !fits(seconds)).map(|s| format!("{s} s since 1970"));
            }
            _ => None,
        };
        text.cloned()
    }
}

impl Table {
    /// Starts a file with the columns of an empty batch.
    pub(crate) fn start(path: PathBuf, columns: Columns) -> Result<Self> {
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let writer = TableWriter::create(&path, &names)?;
        let mut table = Self { path, writer };
        table.write(columns)?;
        Ok(table)
    }

    pub(crate) fn write(&mut self, columns: Columns) -> Result<()> {
        for (name, values) in &columns {
            if let Some(text) = values.lost() {
                let problem = format!("`{text}` would not be read back as it is");
                return Err(Error::column(&self.path, name, problem));
            }
        }
        let values: Vec<ColumnValues<'_>> = columns.iter().map(|(_, values)| values.as_values()).collect();
        self.writer.write(&values)
    }

    pub(crate) fn finish(self) -> Result<()> {
        self.writer.finish()
    }
}

/// One value a record.
pub(crate) fn each<T, V>(records: &[T], value: impl Fn(&T) -> V) -> Vec<V> {
    records.iter().map(value).collect()
}

pub(crate) fn ids<T>(records: &[T], id: impl Fn(&T) -> &String) -> Values {
    Values::Ids(each(records, |r| id(r).clone()))
}

pub(crate) fn instants<T>(records: &[T], at: impl Fn(&T) -> Timestamp) -> Values {
    Values::Instants(each(records, |r| at(r).seconds()))
}

pub(crate) fn some_instants<T>(records: &[T], at: impl Fn(&T) -> Option<Timestamp>) -> Values {
    Values::Instants(each(records, |r| at(r).map_or(i64::MAX, Timestamp::seconds)))
}
