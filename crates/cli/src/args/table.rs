//! `tenure table …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// The steps.
#[derive(Debug, Subcommand)]
pub enum TableCommand {
    /// Judge a learner by cross-validation.
    Cv(Box<TableCv>),
    /// Train on the whole table and keep the model.
    Train(Box<TableTrain>),
    /// Predict every row of a table.
    Predict(Box<TablePredict>),
    /// Say what moved the prediction of one row.
    Explain(Box<TableExplain>),
}

/// What is to be learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Task {
    /// One of two values.
    Binary,
    /// A number.
    Regression,
}

/// The table and what its columns mean.
#[derive(Debug, Args)]
#[command(next_help_heading = "Table")]
pub struct TableRead {
    /// CSV (any separator), JSONL or Parquet; .gz allowed.
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// Column to learn.
    #[arg(long, value_name = "COL")]
    pub target: String,
    /// What is to be learned.
    #[arg(long, value_enum, value_name = "TASK")]
    pub task: Task,
    /// Value of the target that counts as the event; by default the obvious one (yes, true, 1).
    #[arg(long, value_name = "VALUE")]
    pub positive: Option<String>,
    /// Columns to leave out.
    #[arg(long, value_delimiter = ',', value_name = "COL,…")]
    pub drop: Vec<String>,
    /// Texts that mean missing, beside the empty one; quote blanks: "?,unknown, ".
    #[arg(long, value_delimiter = ',', value_name = "TEXT,…")]
    pub missing: Vec<String>,
    /// Rows with the same value of this column (a customer, say) stay together in every split.
    #[arg(long, value_name = "COL")]
    pub group: Option<String>,
    /// Learn from earlier rows, judge on later ones: the column that orders them.
    #[arg(long, value_name = "COL")]
    pub order_by: Option<String>,
    /// Drop rows that repeat an earlier one in every column.
    #[arg(long)]
    pub distinct: bool,
}

/// How to learn.
#[derive(Debug, Args)]
#[command(next_help_heading = "Learner")]
pub struct TableLearn {
    /// Learner: gbdt, logistic or blend (both).
    #[arg(long, default_value = "gbdt", value_name = "NAME")]
    pub backend: String,
    /// Number of trees; by default found by cross-validation within the training rows.
    #[arg(long, value_name = "N")]
    pub trees: Option<usize>,
    /// Step of each tree.
    #[arg(long, value_name = "RATE")]
    pub learning_rate: Option<f64>,
    /// Most leaves of a tree.
    #[arg(long, value_name = "N")]
    pub leaves: Option<usize>,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
}

/// `tenure table cv`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure table cv --data telco.csv --target Churn --task binary --drop customerID
  tenure table cv --data leads.csv.gz --target Converted --task binary --missing Select
  tenure table cv --data students.csv --target G3 --task regression --folds 10")]
pub struct TableCv {
    #[command(flatten)]
    pub read: TableRead,
    #[command(flatten)]
    pub learn: TableLearn,
    /// Number of folds.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub folds: usize,
    /// Print the figures as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure table train`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure table train --data telco.csv --target Churn --task binary --drop customerID --model telco-model
  tenure table train --data big.parquet --target y --task binary --trees 300 --model m --json")]
pub struct TableTrain {
    #[command(flatten)]
    pub read: TableRead,
    #[command(flatten)]
    pub learn: TableLearn,
    /// Folder for the model.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Print what was done as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure table predict`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tenure table predict --data new.csv --model telco-model --out predictions.csv")]
pub struct TablePredict {
    /// The rows, with the columns that the model was trained on; others that training dropped may be there.
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// Folder of the model.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// The predictions, one line a row in the same order: .csv or .jsonl.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Print the summary as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure table explain`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tenure table explain --data new.csv --model telco-model --row 1")]
pub struct TableExplain {
    /// The rows.
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// Folder of the model.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// The row, counted from 1 (the first after the header).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub row: u64,
    /// Print the explanation as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}
