//! Where the rows of contacts, leads and messages come from.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

/// Rows to learn from or to judge: record files, or a table of one's own.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Rows")]
#[command(group = ArgGroup::new("source").args(["records", "data"]).required(true))]
pub struct KnownRows {
    /// Folder with the files contacts, conversations, messages, leads, purchases (.csv, .jsonl, .parquet, .gz).
    #[arg(long, value_name = "DIR")]
    pub records: Option<PathBuf>,
    /// A table instead, one row each: CSV (any separator), JSONL or Parquet; .gz allowed.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Use no record at or after this date; by default all of them.
    #[arg(long, value_name = "DATE", conflicts_with = "data")]
    pub until: Option<String>,
    /// Value of the target that counts as 1; by default the obvious one (yes, true, 1).
    #[arg(long, value_name = "VALUE", conflicts_with = "records")]
    pub positive: Option<String>,
    /// Columns to leave out: numbers of rows, and above all what was filled in after the outcome.
    #[arg(long, value_delimiter = ',', value_name = "COL,…", conflicts_with = "records")]
    pub drop: Vec<String>,
    /// Texts that mean missing, beside the empty one.
    #[arg(long, value_delimiter = ',', value_name = "TEXT,…", conflicts_with = "records")]
    pub missing: Vec<String>,
    /// Columns of numbers that name categories.
    #[arg(long, value_delimiter = ',', value_name = "COL,…", conflicts_with = "records")]
    pub categorical: Vec<String>,
    /// Rows with the same value of this column (a contact, say) stay together in every split.
    #[arg(long, value_name = "COL", conflicts_with = "records")]
    pub group: Option<String>,
}

/// Rows to be scored: record files as of a date, or a table of one's own.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Rows")]
pub struct NewRows {
    /// Folder with the files contacts, conversations, messages, leads, purchases.
    #[arg(long, value_name = "DIR", requires = "as_of")]
    pub records: Option<PathBuf>,
    /// As of this date: no record at or after it is looked at.
    #[arg(long, value_name = "DATE", conflicts_with_all = ["data", "row"])]
    pub as_of: Option<String>,
    /// A table instead, with the columns that the model was trained on.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// One row instead, as a JSON object with every feature; - reads it from standard input.
    #[arg(long, value_name = "JSON")]
    pub row: Option<String>,
}

/// What every evaluation takes.
#[derive(Debug, Clone, Args)]
pub struct Judging {
    /// Folder of the model.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Judge only rows as of this date or later: leads created since, contacts looked at since.
    #[arg(long, value_name = "DATE", conflicts_with = "data")]
    pub since: Option<String>,
    /// True values of synthetic records (CSV of `tenure synth contacts --truth`), to tell the margin to the best
    /// attainable.
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    pub truth: Option<PathBuf>,
    /// Write a report to this HTML file.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print the figures as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// What every prediction takes.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("source").args(["records", "data", "row"]).required(true))]
pub struct Scoring {
    #[command(flatten)]
    pub rows: NewRows,
    /// Folder of the model.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// The answers, one line a row: .csv or .jsonl. Not with --row, whose answer is printed.
    #[arg(long, value_name = "FILE", required_unless_present = "row", conflicts_with = "row")]
    pub out: Option<PathBuf>,
    /// Print as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// What every explanation takes.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("source").args(["records", "data", "row"]).required(true))]
pub struct Explaining {
    #[command(flatten)]
    pub rows: NewRows,
    /// Folder of the model.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Which one: its id, of a table the number of the row, counted from 1.
    #[arg(long, value_name = "ID", required_unless_present = "row", conflicts_with = "row")]
    pub id: Option<String>,
    /// Print as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}
