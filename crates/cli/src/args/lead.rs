//! `tenure lead …`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::contacts::{Explaining, Judging, KnownRows, Scoring};

/// The steps.
#[derive(Debug, Subcommand)]
pub enum LeadCommand {
    /// Learn from leads whose score is known, or of which it is known whether they converted.
    Train(Box<LeadTrain>),
    /// Compare scores with what came true, beside simple baselines.
    Evaluate(Box<LeadEvaluate>),
    /// Score leads and rank them.
    Predict(Box<LeadPredict>),
    /// Say how good one lead is, and why.
    Explain(Box<LeadExplain>),
}

/// `tenure lead train`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure lead train --records records --target score --model lead-model
  tenure lead train --records records --target converted --until 2024-09-01 --model lead-model
  tenure lead train --data leads.csv.gz --target Converted --drop Tags,'Lead Number' --missing Select --model m

A column of two values is learned as converted or not, one of numbers as a score from 0 to 100.")]
pub struct LeadTrain {
    #[command(flatten)]
    pub from: KnownRows,
    /// With --records: score or converted. With --data: the column to learn.
    #[arg(long, value_name = "NAME")]
    pub target: String,
    /// Days within which a lead has to convert.
    #[arg(long, default_value_t = 30, value_name = "N")]
    pub conversion_days: u32,
    /// Folder for the model; an older version in it stays until the new one is whole.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Learner: gbdt, forest, logistic, glm, mlp, blend; by default boosted trees for scores, a blend for conversions.
    #[arg(long, value_name = "NAME")]
    pub backend: Option<String>,
    /// A lead is hot from this score on.
    #[arg(long, default_value_t = 75.0, value_name = "SCORE")]
    pub hot: f64,
    /// A lead is warm from this score on.
    #[arg(long, default_value_t = 50.0, value_name = "SCORE")]
    pub warm: f64,
    /// Instead of fixed scores: the shares of hot and of warm leads.
    #[arg(long, num_args = 2, value_names = ["HOT", "WARM"], conflicts_with_all = ["hot", "warm"])]
    pub shares: Option<Vec<f64>>,
    /// Share of the leads that is held out to be judged on.
    #[arg(long, default_value_t = 0.2, value_name = "SHARE")]
    pub test_share: f64,
    /// Folds of the cross-validation.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub folds: usize,
    /// Trials of a search over the learner's parameters; 0 for none.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub search: usize,
    /// Share of leads whose score lies in their range.
    #[arg(long, default_value_t = 0.9, value_name = "SHARE")]
    pub interval_level: f64,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
    /// Print what was done as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure lead evaluate`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure lead evaluate --records records --since 2024-09-01 --model lead-model --report leads.html
  tenure lead evaluate --data later.csv --model m")]
pub struct LeadEvaluate {
    #[command(flatten)]
    pub from: KnownRows,
    #[command(flatten)]
    pub judging: Judging,
}

/// `tenure lead predict`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure lead predict --records records --as-of 2024-11-01 --model lead-model --out leads.csv
  tenure lead predict --data new.csv --model m --out leads.jsonl
  tenure lead predict --row - --model lead-model --json < lead.json")]
pub struct LeadPredict {
    #[command(flatten)]
    pub scoring: Scoring,
}

/// `tenure lead explain`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tenure lead explain --records records --as-of 2024-11-01 --model lead-model --id L0000042")]
pub struct LeadExplain {
    #[command(flatten)]
    pub explaining: Explaining,
}
