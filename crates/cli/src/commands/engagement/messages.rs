//! The messages that a command names.

use std::path::Path;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use tenure_core::{Dataset, Schema};
use tenure_engagement::EngagementModel;
use tenure_features::Timestamp;
use tenure_features::contacts::{WINDOW_HOURS, message_set};
use tenure_io::{ContactReadReport, TableOptions, TableReport, TableTask, read_table};

use crate::args::MessageSource;
use crate::commands::contacts::{self, Source};
use crate::commands::table::Reading;
use crate::failure::WrongArgument;
use crate::session::{Session, date};

/// How records become messages.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessagePlan {
    /// A message is engaged with where that happens within so many hours.
    pub window_hours: u32,
}

impl Default for MessagePlan {
    fn default() -> Self {
        Self { window_hours: WINDOW_HOURS }
    }
}

/// One message a row.
pub struct Messages {
    pub data: Dataset,
    /// Of messages; rows of a table are counted from 1.
    pub ids: Vec<String>,
    pub read: Read,
}

/// What reading decided and counted.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Read {
    Records(ContactReadReport),
    Table(Box<TableReport>),
}

impl Read {
    pub fn text(&self) -> String {
        match self {
            Self::Records(report) => report.to_string(),
            Self::Table(report) => report.to_string(),
        }
    }
}

/// The model in a folder, and where its messages come from.
pub fn load(dir: &Path) -> Result<(EngagementModel, Source<MessagePlan>)> {
    let (artifact, source) = contacts::load(dir, EngagementModel::KIND)?;
    Ok((EngagementModel::from_artifact(&artifact)?, source))
}

/// Messages to learn from, and where they come from.
pub fn to_learn(from: &MessageSource, session: &Session) -> Result<(Messages, Source<MessagePlan>)> {
    if let Some(dir) = &from.records {
        let window_hours = from.window_hours.unwrap_or(WINDOW_HOURS);
        let plan = MessagePlan { window_hours };
        let (messages, until) = of_records(dir, from, plan, session)?;
        return Ok((messages, Source::Records { plan, until }));
    }
    let options = TableOptions { target: from.target.clone(), ..TableOptions::default() };
    let (data, report) = of_table(from, options)?;
    let names = report.columns.iter().map(|column| column.name.clone());
    let ignore = names.filter(|name| data.schema().position(name).is_none()).collect();
    let reading = Reading { target: from.target.clone().unwrap_or_default(), missing: Vec::new(), ignore };
    Ok((numbered(data, report), Source::Table(reading)))
}

/// Messages that a model is asked about, read as those that it learned from; `judged` with what became of them.
pub fn read(
    from: &MessageSource,
    (schema, source): (&Schema, &Source<MessagePlan>),
    judged: bool,
    session: &Session,
) -> Result<Messages> {
    let mut options = TableOptions { schema: Some(schema), ..TableOptions::default() };
    match (source, &from.records) {
        (Source::Records { plan, .. }, Some(dir)) => {
            if let Some(given) = from.window_hours.filter(|hours| *hours != plan.window_hours) {
                let learned = plan.window_hours;
                bail!(WrongArgument(format!(
                    "--window-hours: {given}, but the model learned who engages within {learned} hours; leave it out"
                )));
            }
            return Ok(of_records(dir, from, *plan, session)?.0);
        }
        (Source::Table(_), Some(_)) => return Err(contacts::other_source(source)),
        (Source::Table(reading), None) => {
            options = reading.options(schema);
            options.target = judged.then(|| reading.target.clone());
        }
        (Source::Records { .. }, None) => {}
    }
    options.target = from.target.clone().or(options.target);
    options.ignore.retain(|name| {
        Some(name) != options.target.as_ref()
            && Some(name) != from.group.as_ref()
            && !from.drop.contains(name)
    });
    let (data, report) = of_table(from, options)?;
    Ok(numbered(data, report))
}

/// The messages of record files, and up to when they were looked at.
fn of_records(
    dir: &Path,
    from: &MessageSource,
    plan: MessagePlan,
    session: &Session,
) -> Result<(Messages, Option<Timestamp>)> {
    let until = from.until.as_deref().map(|text| date("--until", text)).transpose()?;
    let (log, report) = contacts::read(dir, from.skip_bad_lines, session)?;
    let until = contacts::within(&log, until);
    let table = message_set(&log, plan.window_hours, until, &session.context(0))?;
    let ids = table.ids().to_vec();
    Ok((Messages { data: table.into_data(), ids, read: Read::Records(report) }, until))
}

fn of_table(from: &MessageSource, options: TableOptions<'_>) -> Result<(Dataset, TableReport)> {
    let Some(path) = &from.data else {
        bail!(WrongArgument("--records or --data: one of them says where the messages are".into()));
    };
    let options = TableOptions {
        positive: from.positive.clone(),
        task: TableTask::Classify,
        group: from.group.clone(),
        drop: from.drop.clone(),
        ..options
    };
    Ok(read_table(path, &options)?)
}

fn numbered(data: Dataset, report: TableReport) -> Messages {
    let ids = (1..=data.rows()).map(|row| row.to_string()).collect();
    Messages { data, ids, read: Read::Table(Box::new(report)) }
}
