//! The messages that a command names.

use anyhow::{Result, bail};
use serde::Serialize;
use tenure_core::{Dataset, Schema};
use tenure_features::contacts::message_set;
use tenure_io::{ContactReadReport, TableOptions, TableReport, TableTask, read_table};

use crate::args::MessageSource;
use crate::commands::contacts;
use crate::failure::WrongArgument;
use crate::session::{Session, date};

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

/// Reads the messages; with a schema, the columns of a table are read as the model knows them.
pub fn read(source: &MessageSource, schema: Option<&Schema>, session: &Session) -> Result<Messages> {
    if let Some(dir) = &source.records {
        let until = source.until.as_deref().map(|text| date("--until", text)).transpose()?;
        let (log, report) = contacts::read(dir, source.skip_bad_lines, session)?;
        let table = message_set(&log, source.window_hours, until, &session.context(0))?;
        let ids = table.ids().to_vec();
        return Ok(Messages { data: table.into_data(), ids, read: Read::Records(report) });
    }
    let Some(path) = &source.data else {
        bail!(WrongArgument("--records or --data: one of them says where the messages are".into()));
    };
    let options = TableOptions {
        target: source.target.clone(),
        positive: source.positive.clone(),
        task: TableTask::Classify,
        group: source.group.clone(),
        drop: source.drop.clone(),
        schema,
        ..TableOptions::default()
    };
    let (data, report) = read_table(path, &options)?;
    let ids = (1..=data.rows()).map(|row| row.to_string()).collect();
    Ok(Messages { data, ids, read: Read::Table(Box::new(report)) })
}
