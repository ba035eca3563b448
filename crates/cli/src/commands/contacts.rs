//! Reading the folder of contacts that a command names.

use std::path::Path;

use anyhow::Result;
use tenure_features::contacts::ContactLog;
use tenure_io::{ContactReadReport, ReadOptions};

use crate::session::Session;

/// The log in the folder, and what reading it decided and counted.
pub fn read(dir: &Path, skip_bad_lines: bool, session: &Session) -> Result<(ContactLog, ContactReadReport)> {
    let context = session.context(0);
    let options = ReadOptions {
        progress: context.progress,
        threads: context.threads,
        skip_bad_lines,
        ..ReadOptions::default()
    };
    let (records, report) = tenure_io::read_contacts(dir, &options)?;
    Ok((ContactLog::from_records(records)?, report))
}
