//! `tenure table …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// The steps.
#[derive(Debug, Subcommand)]
pub enum TableCommand {
    /// Judge a learner, or all of them beside each other, by cross-validation.
    Cv(Box<TableCv>),
    /// Search the parameters of a learner.
    Search(Box<TableSearch>),
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
    /// One of several values.
    Multiclass,
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
    /// Columns of numbers that name categories (1 = north, 2 = south).
    #[arg(long, value_delimiter = ',', value_name = "COL,…")]
    pub categorical: Vec<String>,
    /// How often each row counts, in learning (as if it occurred so often) and in every figure: a column of numbers,
    /// at least 0.
    #[arg(long, value_name = "COL")]
    pub weight: Option<String>,
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
    /// Learner: gbdt, forest, logistic, glm, mlp or blend (of gbdt and logistic), and those that were built in; with
    /// cv, all for each of them beside the others.
    #[arg(long, default_value = "gbdt", value_name = "NAME")]
    pub backend: String,
    /// Number of trees; of boosted ones by default found by cross-validation within the training rows.
    #[arg(long, value_name = "N")]
    pub trees: Option<usize>,
    /// Step of each boosted tree.
    #[arg(long, value_name = "RATE")]
    pub learning_rate: Option<f64>,
    /// Most leaves of a tree.
    #[arg(long, value_name = "N")]
    pub leaves: Option<usize>,
    /// Family of a glm: gaussian, binomial, poisson, gamma, tweedie (tweedie:1.7 for a power of 1.7, else 1.5); by
    /// default what fits the task.
    #[arg(long, value_name = "FAMILY")]
    pub family: Option<String>,
    /// Link of a glm: identity, log, logit, inverse, cloglog; by default the family's usual one.
    #[arg(long, value_name = "LINK")]
    pub link: Option<String>,
    /// Any other parameter of the learner, by its name: --set depth=8 --set categorical.smoothing=5.
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
}

/// `tenure table cv`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure table cv --data telco.csv --target Churn --task binary --drop customerID
  tenure table cv --data leads.csv.gz --target Converted --task binary --missing Select
  tenure table cv --data telco.csv --target Churn --task binary --drop customerID --backend all
  tenure table cv --data students.csv --target G3 --task regression --folds 10
  tenure table cv --data emails.csv.gz --target Email_Status --task multiclass --drop Email_ID")]
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

/// How parameters are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Strategy {
    /// All combinations of a few values of each.
    Grid,
    /// Drawn evenly.
    Random,
    /// Drawn where earlier trials were good (tree-structured Parzen estimator).
    Tpe,
}

/// `tenure table search`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure table search --data telco.csv --target Churn --task binary --drop customerID --trials 40 --log telco.jsonl
  tenure table search --data telco.csv --target Churn --task binary --backend glm --strategy grid --model best

The space is a JSON file with the learner and its parameters: {\"backend\": \"gbdt\",
\"learning_rate\": {\"log\": [0.01, 0.3]}, \"leaves\": {\"int\": [7, 127]}, \"l2\": {\"choices\": [0, 1, 10]}}.
A search that was stopped goes on from its log.")]
pub struct TableSearch {
    #[command(flatten)]
    pub read: TableRead,
    #[command(flatten)]
    pub learn: TableLearn,
    /// How points are chosen.
    #[arg(long, value_enum, default_value = "tpe", value_name = "STRATEGY")]
    pub strategy: Strategy,
    /// Points to try; of a grid at most so many.
    #[arg(long, default_value_t = 30, value_name = "N")]
    pub trials: usize,
    /// What is judged by: log_loss, roc_auc, rmse, mae, r2, …; by default the usual one of the task.
    #[arg(long, value_name = "METRIC")]
    pub metric: Option<String>,
    /// The parameters to search and their ranges, as JSON; by default the usual ones of the learner.
    #[arg(long, value_name = "FILE")]
    pub space: Option<PathBuf>,
    /// Number of folds.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub folds: usize,
    /// Keeps what was done, a line a fold, so that a stopped search can go on.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Folder for the best learner's model, fitted on the whole table.
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Print the trials as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure table train`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure table train --data telco.csv --target Churn --task binary --drop customerID --model telco-model
  tenure table train --data claims.csv --target cost --task regression --backend glm --family gamma --model m
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
#[command(after_help = "Examples:
  tenure table predict --data new.csv --model telco-model --out predictions.csv
  tenure table predict --data new.csv --model lightgbm.txt --out predictions.csv")]
pub struct TablePredict {
    /// The rows, with the columns that the model was trained on; others that training dropped may be there.
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// Folder of the model, or a model file of LightGBM (text) or XGBoost (JSON, UBJSON).
    #[arg(long, value_name = "DIR|FILE")]
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
    /// Folder of the model, or a model file of LightGBM (text) or XGBoost (JSON, UBJSON).
    #[arg(long, value_name = "DIR|FILE")]
    pub model: PathBuf,
    /// Which output: of several classes, the name of one; by default the first.
    #[arg(long, value_name = "CLASS")]
    pub class: Option<String>,
    /// The row, counted from 1 (the first after the header).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub row: u64,
    /// Print the explanation as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}
