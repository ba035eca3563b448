//! Rows of contacts, leads and messages: from record files or a table, to learn from or to score; models that know
//! where their rows come from.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenure_core::{Artifact, Dataset, Error, Metadata, Model, Schema};
use tenure_features::Timestamp;
use tenure_features::contacts::{ContactLog, ContactTable};
use tenure_io::{
    ColumnValues, ContactReadReport, ReadOptions, TableOptions, TableTask, TableWriter, read_contacts,
    read_table,
};

use super::table::Reading;
use crate::args::{KnownRows, NewRows};
use crate::failure::WrongArgument;
use crate::output;
use crate::session::{Session, date};

/// Where the rows of a model come from; `P` says how records become rows. It lies in the model's folder beside the
/// model itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source<P> {
    /// From record files.
    Records {
        /// How they become rows.
        plan: P,
        /// No record at or after this instant was learned from; `None` where all were.
        until: Option<Timestamp>,
    },
    /// From a table that was read so.
    Table(Reading),
}

impl<P: Default> Source<P> {
    /// How records become rows; in the usual way where the model knows a table alone.
    pub fn into_plan(self) -> P {
        match self {
            Self::Records { plan, .. } => plan,
            Self::Table(_) => P::default(),
        }
    }
}

const SOURCE: &str = "source";
const VERSION: u32 = 1;

/// Rows and who is who in them.
pub struct Rows {
    pub data: Dataset,
    /// Ids of leads or contacts; of a table the numbers of its rows, counted from 1.
    pub ids: Vec<String>,
    /// What reading decided and counted, in words.
    pub read: String,
}

/// The records of a folder as a log, and what reading them decided and counted.
pub fn read(dir: &Path, skip_bad_lines: bool, session: &Session) -> Result<(ContactLog, ContactReadReport)> {
    let context = session.context(0);
    let (progress, threads) = (context.progress, context.threads);
    let options = ReadOptions { progress, threads, skip_bad_lines, ..ReadOptions::default() };
    let (records, report) = read_contacts(dir, &options)?;
    let log = ContactLog::from_records(records).with_context(|| dir.display().to_string())?;
    Ok((log, report))
}

/// Refuses to write the answers over a file that they are made from.
pub fn keeps(out: &Path, rows: &NewRows) -> Result<()> {
    let folder = rows.records.as_deref().and_then(|dir| std::fs::read_dir(dir).ok());
    let files: Vec<_> = folder.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    let read: Vec<&Path> = files.iter().map(AsRef::as_ref).chain(rows.data.as_deref()).collect();
    output::keeps("--out", out, &read)
}

/// The rows of a table made of records.
pub fn of_table(table: ContactTable, read: &ContactReadReport) -> Rows {
    let ids = table.ids().to_vec();
    Rows { data: table.into_data(), ids, read: read.to_string() }
}

fn numbered(data: Dataset, read: String) -> Rows {
    let ids = (1..=data.rows()).map(|row| row.to_string()).collect();
    Rows { data, ids, read }
}

/// The date that `--until` names, if it is one.
pub fn until(from: &KnownRows) -> Result<Option<Timestamp>> {
    from.until.as_deref().map(|text| date("--until", text)).transpose()
}

/// Behind its end the log says nothing: taken as complete up to there, nobody would seem to do anything any more.
pub fn within(log: &ContactLog, until: Option<Timestamp>) -> Option<Timestamp> {
    until.map(|until| log.coverage_end(None).map_or(until, |end| until.min(end)))
}

/// A table to learn from, and how it was read. A target of two values is binary, else it is a number where
/// `or_number` allows it.
pub fn learn_from_table(
    path: &Path,
    from: &KnownRows,
    target: &str,
    or_number: bool,
) -> Result<(Rows, Reading)> {
    let options = |task| TableOptions {
        target: Some(target.to_owned()),
        positive: from.positive.clone(),
        task,
        drop: from.drop.clone(),
        missing: from.missing.clone(),
        categorical: from.categorical.clone(),
        group: from.group.clone(),
        ..TableOptions::default()
    };
    let two = read_table(path, &options(TableTask::Classify));
    let (data, report) = match two {
        Err(refused) if or_number => {
            read_table(path, &options(TableTask::Regress)).map_err(|_| anyhow::Error::from(refused))?
        }
        read => read?,
    };
    let names = report.columns.iter().map(|column| column.name.clone());
    let ignore = names.filter(|name| data.schema().position(name).is_none()).collect();
    let reading = Reading { target: target.to_owned(), missing: from.missing.clone(), ignore };
    Ok((numbered(data, report.to_string()), reading))
}

/// Rows to judge a model on, with their target.
pub fn judged_rows<P>(
    from: &KnownRows,
    since: Option<&str>,
    (model, source): (&dyn Model, &Source<P>),
    session: &Session,
    of_log: impl FnOnce(&ContactLog, &P, Option<Timestamp>) -> tenure_features::Result<ContactTable>,
) -> Result<Rows> {
    match (source, &from.records, &from.data) {
        (Source::Records { plan, .. }, Some(dir), _) => {
            let until = until(from)?;
            let since = since.map(|text| date("--since", text)).transpose()?;
            let (log, read) = read(dir, false, session)?;
            let rows = of_table(of_log(&log, plan, within(&log, until))?, &read);
            match since {
                Some(since) => late(&rows, since),
                None => Ok(rows),
            }
        }
        (Source::Table(reading), _, Some(path)) => {
            let mut options = reading.options(model.schema());
            // The kind of the target is the model's.
            options.task = match model.outputs()[0].kind {
                tenure_core::OutputKind::Value => TableTask::Regress,
                _ => TableTask::Classify,
            };
            options.target = Some(reading.target.clone());
            options.positive.clone_from(&from.positive);
            options.ignore.retain(|name| *name != reading.target);
            let (data, report) = read_table(path, &options)?;
            Ok(numbered(data, report.to_string()))
        }
        _ => Err(other_source(source)),
    }
}

/// The rows as of an instant or later.
fn late(rows: &Rows, since: Timestamp) -> Result<Rows> {
    let times = rows.data.times().unwrap_or_default();
    let kept: Vec<usize> = (0..times.len()).filter(|&row| times[row] >= since.seconds()).collect();
    if kept.is_empty() {
        bail!(Error::Data(format!("--since: no row whose outcome is known is as of {since} or later")));
    }
    let ids = kept.iter().map(|&row| rows.ids[row].clone()).collect();
    Ok(Rows { data: rows.data.select(&kept), ids, read: rows.read.clone() })
}

/// Rows to be scored.
pub fn new_rows<P>(
    rows: &NewRows,
    (schema, source): (&Schema, &Source<P>),
    session: &Session,
    of_log: impl FnOnce(&ContactLog, &P, Timestamp) -> tenure_features::Result<ContactTable>,
) -> Result<Rows> {
    match (source, &rows.records, &rows.data) {
        (Source::Records { plan, .. }, Some(dir), _) => {
            let as_of = date("--as-of", rows.as_of.as_deref().unwrap_or_default())?;
            let (log, read) = read(dir, false, session)?;
            Ok(of_table(of_log(&log, plan, as_of)?, &read))
        }
        (Source::Table(reading), _, Some(path)) => {
            let (data, report) = read_table(path, &reading.options(schema))?;
            Ok(numbered(data, report.to_string()))
        }
        _ => Err(other_source(source)),
    }
}

pub fn other_source<P>(source: &Source<P>) -> anyhow::Error {
    let words = match source {
        Source::Records { .. } => {
            "--data: the model was trained on record files; give --records, or one --row"
        }
        Source::Table(_) => "--records: the model was trained on a table; give --data, or one --row",
    };
    WrongArgument(words.into()).into()
}

/// The JSON object that `--row` holds, or that stands on standard input.
pub fn json_row(text: &str) -> Result<Value> {
    let mut given = String::new();
    if text == "-" {
        let read = std::io::stdin().read_to_string(&mut given);
        read.map_err(|e| Error::Data(format!("--row: standard input cannot be read: {e}")))?;
    } else {
        given.push_str(text);
    }
    serde_json::from_str(&given).map_err(|e| Error::Data(format!("--row is no JSON: {e}")).into())
}

/// The place of a row by its id.
pub fn place(rows: &Rows, id: &str) -> Result<usize> {
    let found = rows.ids.iter().position(|known| known == id);
    found
        .ok_or_else(|| WrongArgument(format!("--id: `{id}` is not among the {} rows", rows.ids.len())).into())
}

/// Writes a model with its source beside it.
pub fn save<P: Serialize>(
    model: &dyn Model,
    source: &Source<P>,
    metadata: Metadata,
    dir: &Path,
) -> Result<()> {
    let metadata = Metadata {
        created: Session::now(),
        features: model.schema().names().map(str::to_owned).collect(),
        ..metadata
    };
    let source = Artifact::new(SOURCE, VERSION, source)?;
    Ok(model.to_artifact().with_child(SOURCE, source).save(dir, &metadata)?)
}

/// The artifact of a model of this kind and its source; a model without one reads records in the usual way.
pub fn load<P: DeserializeOwned + Default>(dir: &Path, kind: &str) -> Result<(Artifact, Source<P>)> {
    let (artifact, _) = Artifact::load(dir)?;
    if artifact.kind != kind {
        bail!(Error::ArtifactKind { found: artifact.kind, expected: kind.to_owned() });
    }
    let source = source(&artifact)?;
    Ok((artifact, source))
}

/// Where the rows of a stored model come from.
pub fn source<P: DeserializeOwned + Default>(artifact: &Artifact) -> Result<Source<P>> {
    let Some(source) = artifact.children.get(SOURCE) else {
        return Ok(Source::Records { plan: P::default(), until: None });
    };
    source.expect(SOURCE, VERSION)?;
    Ok(source.config()?)
}

/// Writes columns of equal length.
pub fn write(path: &Path, columns: &[(&str, ColumnValues<'_>)]) -> Result<()> {
    let (names, values): (Vec<&str>, Vec<ColumnValues<'_>>) = columns.iter().copied().unzip();
    let mut writer = TableWriter::create(path, &names)?;
    writer.write(&values)?;
    Ok(writer.finish()?)
}

/// Says where rows were learned from too.
pub fn overlap<P>(source: &Source<P>, data: &Dataset) -> Option<String> {
    let Source::Records { until, .. } = source else { return None };
    let first = data.times()?.iter().copied().min()?;
    let seen = until.is_none_or(|until| first < until.seconds());
    seen.then(|| {
        let up_to = until.map_or("all records".to_owned(), |until| format!("records up to {until}"));
        format!("the model was trained on {up_to}: rows before are not new to it")
    })
}
