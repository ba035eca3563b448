//! `tenure ltv …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::OrdersFile;

/// The steps.
#[derive(Debug, Subcommand)]
pub enum LtvCommand {
    /// Learn from monthly snapshots of the log what customers spend in the window after them.
    Train(Box<LtvTrain>),
    /// Judge a family on customers held out at one date: needs no earlier window to learn from.
    Cv(Box<LtvCv>),
    /// Compare predictions as of a later date with what was then spent, beside simple baselines.
    Evaluate(Box<LtvEvaluate>),
    /// Predict the spend of every active customer as of a date.
    Predict(Box<LtvPredict>),
    /// Say what one customer is worth, and why.
    Explain(Box<LtvExplain>),
}

/// Unit of the times of the probabilistic families.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum TimeUnit {
    /// 24 hours.
    Day,
    /// 7 days.
    Week,
}

/// What is foretold, and by what.
#[derive(Debug, Args)]
pub struct ValueOptions {
    /// Model of spend: two-part (probability of any spend × mean spend), gamma, gbdt, ziln (zero-inflated lognormal).
    #[arg(long, default_value = "two-part", value_name = "NAME")]
    pub family: String,
    /// Days of history that the features look at.
    #[arg(long, default_value_t = 365, value_name = "N")]
    pub observation_days: u32,
    /// Spend within so many days is foretold; the log must reach so far behind a snapshot.
    #[arg(long, default_value_t = 365, value_name = "N")]
    pub prediction_days: u32,
    /// Only customers with at least so many orders before the date.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub min_orders: u32,
    /// Most monthly snapshots to learn from, the latest first.
    #[arg(long, default_value_t = 12, value_name = "N")]
    pub max_snapshots: usize,
    /// Share of customers whose spend lies in their interval.
    #[arg(long, default_value_t = 0.9, value_name = "SHARE")]
    pub interval_level: f64,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
}

/// `tenure ltv train`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure ltv train --orders orders.csv --prediction-days 180 --model value-model
  tenure ltv train --orders CDNOW_master.txt.gz --family bg-nbd --until 1997-10-01

The families bg-nbd, pareto-nbd and bg-bb are fitted to recency, frequency and age alone (with Gamma-Gamma for the
spends): their parameters are printed with standard errors and log-likelihood, and no model is written.")]
pub struct LtvTrain {
    #[command(flatten)]
    pub file: OrdersFile,
    /// Folder for the model; an older version in it stays until the new one is whole.
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Use no order at or after this date; by default the whole log.
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    #[command(flatten)]
    pub value: ValueOptions,
    /// Unit of times for bg-nbd, pareto-nbd and bg-bb.
    #[arg(long, value_enum, default_value_t = TimeUnit::Week, value_name = "UNIT")]
    pub time_unit: TimeUnit,
    /// Strength of an L2 penalty for bg-nbd, pareto-nbd and bg-bb, where the log does not tell their parameters.
    #[arg(long, default_value_t = 0.0, value_name = "X")]
    pub l2: f64,
    /// Print what was done as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure ltv cv`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tenure ltv cv --orders CDNOW_master.txt.gz --as-of 1997-07-01")]
pub struct LtvCv {
    #[command(flatten)]
    pub file: OrdersFile,
    /// Features are as of this date; the log must reach one prediction window further.
    #[arg(long, value_name = "DATE")]
    pub as_of: String,
    #[command(flatten)]
    pub value: ValueOptions,
    /// Parts that the customers are cut into; each is predicted by a model that learned from the others.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub folds: usize,
    /// Write a report to look at (HTML, one file).
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print the figures as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure ltv evaluate`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tenure ltv evaluate --orders orders.csv --model value-model --as-of 2024-04-01 --report report.html")]
pub struct LtvEvaluate {
    #[command(flatten)]
    pub file: OrdersFile,
    /// Folder of the model.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Predict as of this date; the log must reach one prediction window further.
    #[arg(long, value_name = "DATE")]
    pub as_of: String,
    /// Write a report to look at (HTML, one file).
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// True expected spends as `tenure synth orders --truth --truth-days N` writes them, to compare with.
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// Print the figures as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure ltv predict`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tenure ltv predict --orders orders.csv --model value-model --as-of 2024-06-01 --out values.csv")]
pub struct LtvPredict {
    #[command(flatten)]
    pub file: OrdersFile,
    /// Folder of the model.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Predict as of this date: no order at or after it is looked at.
    #[arg(long, value_name = "DATE")]
    pub as_of: String,
    /// The values, one line a customer: .csv or .jsonl.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Print the summary as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure ltv explain`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tenure ltv explain --orders orders.csv --model value-model --as-of 2024-06-01 --customer C0000042")]
pub struct LtvExplain {
    #[command(flatten)]
    pub file: OrdersFile,
    /// Folder of the model.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// As of this date.
    #[arg(long, value_name = "DATE")]
    pub as_of: String,
    /// The customer's id.
    #[arg(long, value_name = "ID")]
    pub customer: String,
    /// Print the prediction as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}
