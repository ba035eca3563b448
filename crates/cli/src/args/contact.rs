//! `tenure contact …`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::contacts::{Explaining, Judging, KnownRows, Scoring};

/// The steps.
#[derive(Debug, Subcommand)]
pub enum ContactCommand {
    /// Learn from monthly looks at the contacts who falls silent afterwards.
    Train(Box<ContactTrain>),
    /// Compare probabilities with what came true, beside simple baselines.
    Evaluate(Box<ContactEvaluate>),
    /// Score every active contact.
    Predict(Box<ContactPredict>),
    /// Say how likely one contact falls silent, why, and what to do.
    Explain(Box<ContactExplain>),
}

/// `tenure contact train`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure contact train --records records --model contact-model
  tenure contact train --records records --until 2024-09-01 --prediction-days 30 --model contact-model
  tenure contact train --data contacts.csv --target churned --drop contact_id --model m")]
pub struct ContactTrain {
    #[command(flatten)]
    pub from: KnownRows,
    /// With --data: the column to learn, of two values.
    #[arg(long, value_name = "COL", conflicts_with = "records", required_unless_present = "records")]
    pub target: Option<String>,
    /// With --records: a contact is looked at who was active within so many days.
    #[arg(long, default_value_t = 90, value_name = "N")]
    pub active_days: u32,
    /// With --records: who neither writes, opens, clicks nor buys for so many days has churned.
    #[arg(long, default_value_t = 60, value_name = "N")]
    pub prediction_days: u32,
    /// With --records: most monthly instants to learn from, the latest first.
    #[arg(long, default_value_t = 12, value_name = "N")]
    pub max_instants: usize,
    /// Folder for the model; an older version in it stays until the new one is whole.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Learner: forest, gbdt, logistic, glm, blend.
    #[arg(long, default_value = "forest", value_name = "NAME")]
    pub backend: String,
    /// Share of the contacts that is held out to be judged on.
    #[arg(long, default_value_t = 0.2, value_name = "SHARE")]
    pub test_share: f64,
    /// Folds of the cross-validation.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub folds: usize,
    /// Level of the intervals.
    #[arg(long, default_value_t = 0.9, value_name = "SHARE")]
    pub interval_level: f64,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
    /// Print what was done as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure contact evaluate`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure contact evaluate --records records --since 2024-09-01 --model contact-model --report contacts.html
  tenure contact evaluate --records records --as-of 2024-10-01 --truth truth_contacts.csv --model contact-model
  tenure contact evaluate --data later.csv --model m")]
pub struct ContactEvaluate {
    #[command(flatten)]
    pub from: KnownRows,
    /// Judge at this date alone; by default at monthly dates back from the last whose window is over.
    #[arg(long, value_name = "DATE", conflicts_with_all = ["data", "until", "since"])]
    pub as_of: Option<String>,
    #[command(flatten)]
    pub judging: Judging,
}

/// `tenure contact predict`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure contact predict --records records --as-of 2024-11-01 --model contact-model --out contacts.csv
  tenure contact predict --row - --model contact-model --json < contact.json")]
pub struct ContactPredict {
    #[command(flatten)]
    pub scoring: Scoring,
}

/// `tenure contact explain`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tenure contact explain --records records --as-of 2024-11-01 --model contact-model --id C0000042")]
pub struct ContactExplain {
    #[command(flatten)]
    pub explaining: Explaining,
}
