//! `tenure churn …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::OrdersFile;

/// The steps.
#[derive(Debug, Subcommand)]
pub enum ChurnCommand {
    /// Learn from monthly snapshots of the log who leaves.
    Train(Box<ChurnTrain>),
    /// Compare predictions as of a date with what then happened, beside simple baselines.
    Evaluate(Box<ChurnEvaluate>),
    /// Score every active customer as of a date.
    Predict(Box<ChurnPredict>),
    /// Say why one customer is at risk, or is not.
    Explain(Box<ChurnExplain>),
}

/// What the decision threshold is chosen for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Goal {
    /// The best balance of precision and recall.
    F1,
    /// The most expected profit, from --contact-cost, --saved-value and --success-rate.
    Profit,
    /// As many as possible at --precision or better.
    Precision,
}

/// `tenure churn train`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure churn train --orders orders.csv --model churn-model
  tenure churn train --orders online_retail.csv.gz --quantity-col Quantity --price-col Price \\
      --order-col Invoice --until 2010-09-10 --model churn-model")]
pub struct ChurnTrain {
    #[command(flatten)]
    pub file: OrdersFile,
    /// Folder for the model; an older version in it stays until the new one is whole.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Use no order at or after this date; by default the whole log.
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    /// Days of history that the features look at.
    #[arg(long, default_value_t = 180, value_name = "N")]
    pub observation_days: u32,
    /// A customer without purchase for this long has churned.
    #[arg(long, default_value_t = 90, value_name = "N")]
    pub prediction_days: u32,
    /// Only customers with at least so many orders before the date.
    #[arg(long, default_value_t = 2, value_name = "N")]
    pub min_orders: u32,
    /// Learner: blend (of gbdt and logistic), gbdt, forest, logistic, glm, mlp, and those that were built in.
    #[arg(long, default_value = "blend", value_name = "NAME")]
    pub backend: String,
    /// What the threshold for "at risk" is chosen for.
    #[arg(long, value_enum, default_value_t = Goal::F1, value_name = "GOAL")]
    pub goal: Goal,
    /// Cost of contacting one customer, in the currency of the log.
    #[arg(long, default_value_t = 1.0, value_name = "MONEY")]
    pub contact_cost: f64,
    /// What keeping one customer is worth; by default the mean spend of one prediction window.
    #[arg(long, value_name = "MONEY")]
    pub saved_value: Option<f64>,
    /// Share of contacted leavers who stay.
    #[arg(long, default_value_t = 0.1, value_name = "SHARE")]
    pub success_rate: f64,
    /// Least precision for --goal precision.
    #[arg(long, default_value_t = 0.8, value_name = "SHARE")]
    pub precision: f64,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
    /// Print what was done as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure churn evaluate`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tenure churn evaluate --orders orders.csv --model churn-model --as-of 2024-04-01 --report report.html")]
pub struct ChurnEvaluate {
    #[command(flatten)]
    pub file: OrdersFile,
    /// Folder of the model.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Score as of this date; the log must reach one prediction window further.
    #[arg(long, value_name = "DATE")]
    pub as_of: String,
    /// Write a report to look at (HTML, one file).
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// True churn probabilities as `tenure synth orders --truth` writes them, to compare with.
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// Print the figures as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure churn predict`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tenure churn predict --orders orders.csv --model churn-model --as-of 2024-06-01 --out scores.csv")]
pub struct ChurnPredict {
    #[command(flatten)]
    pub file: OrdersFile,
    /// Folder of the model; without a usable one the rules answer, and say so.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Score as of this date: no order at or after it is looked at.
    #[arg(long, value_name = "DATE")]
    pub as_of: String,
    /// The scores, one line a customer: .csv or .jsonl.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Print the summary as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure churn explain`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tenure churn explain --orders orders.csv --model churn-model --as-of 2024-06-01 --customer C0000042")]
pub struct ChurnExplain {
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
    /// Print the decision as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}
