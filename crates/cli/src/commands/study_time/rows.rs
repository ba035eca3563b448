//! Sessions or the rows of a table, to learn from, to judge or to foretell.

use std::path::Path;

use anyhow::Result;
use tenure_core::{Dataset, Model};
use tenure_features::study::StudySession;
use tenure_io::{ReadOptions, TableOptions, TableTask, read_study_sessions, read_table};
use tenure_study_time::{Samples, StudyModel};

use crate::args::{StudyLearning, StudyRows};
use crate::commands::contacts::{self, Source};
use crate::commands::table::Reading;
use crate::failure::WrongArgument;
use crate::session::Session;

/// What was read.
pub struct Read {
    pub samples: Samples,
    /// How a table was read; of sessions there is nothing to say.
    pub source: Source<()>,
    /// What reading decided and counted, in words.
    pub words: String,
}

fn sessions(path: &Path, session: &Session) -> Result<(Vec<StudySession>, String)> {
    let context = session.context(0);
    let (progress, threads) = (context.progress, context.threads);
    let options = ReadOptions { progress, threads, ..ReadOptions::default() };
    let (sessions, report) = read_study_sessions(path, &options)?;
    Ok((sessions, report.to_string()))
}

/// Rows to learn from.
pub fn learning(args: &StudyLearning, session: &Session) -> Result<Read> {
    known(&args.rows, args.target.as_deref(), session)
}

/// Rows with their target.
pub fn known(rows: &StudyRows, target: Option<&str>, session: &Session) -> Result<Read> {
    if let Some(path) = &rows.sessions {
        let (sessions, words) = sessions(path, session)?;
        return Ok(Read { samples: Samples::Sessions(sessions), source: records(), words });
    }
    let path = rows.data.as_deref().unwrap_or_else(|| Path::new(""));
    let target = target.unwrap_or_default().to_owned();
    let options = TableOptions {
        target: Some(target.clone()),
        task: TableTask::Regress,
        drop: rows.drop.clone(),
        missing: rows.missing.clone(),
        categorical: rows.categorical.clone(),
        group: rows.group.clone(),
        ..TableOptions::default()
    };
    let (data, report) = read_table(path, &options)?;
    let names = report.columns.iter().map(|column| column.name.clone());
    let ignore = names.filter(|name| data.schema().position(name).is_none()).collect();
    let source = Source::Table(Reading { target, missing: rows.missing.clone(), ignore });
    Ok(Read { samples: Samples::Table(data), source, words: report.to_string() })
}

const fn records() -> Source<()> {
    Source::Records { plan: (), until: None }
}

/// The model in a folder, and how its table was read.
pub fn load(dir: &Path) -> Result<(StudyModel, Source<()>)> {
    let (artifact, source) = contacts::load::<()>(dir, StudyModel::KIND)?;
    Ok((StudyModel::from_artifact(&artifact)?, source))
}

/// Rows for a model: sessions, or a table with its columns; with the target where there is one.
pub fn for_model(
    model: &StudyModel,
    source: &Source<()>,
    (sessions_file, table): (Option<&Path>, Option<&Path>),
    session: &Session,
) -> Result<Samples> {
    match (source, sessions_file, table) {
        (Source::Records { .. }, Some(path), _) => Ok(Samples::Sessions(sessions(path, session)?.0)),
        (Source::Table(reading), _, Some(path)) => {
            let mut options = reading.options(model.schema());
            options.task = TableTask::Regress;
            options.target = Some(reading.target.clone());
            options.ignore.retain(|name| *name != reading.target);
            Ok(Samples::Table(with_target(read_table(path, &options)?.0, &reading.target)?))
        }
        (Source::Records { .. }, ..) => {
            Err(WrongArgument("--data: the model was trained on sessions; give --sessions".into()).into())
        }
        (Source::Table(_), ..) => {
            Err(WrongArgument("--sessions: the model was trained on a table; give --data".into()).into())
        }
    }
}

/// A target of which nothing is known, where the table has none.
fn with_target(data: Dataset, name: &str) -> Result<Dataset> {
    if data.targets().is_empty() {
        let unknown = vec![f64::NAN; data.rows()];
        return Ok(data.with_target(tenure_core::Target::real(name, unknown)?)?);
    }
    Ok(data)
}
