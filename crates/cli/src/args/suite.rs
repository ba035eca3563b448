//! `tenure train all` and `tenure test-models`

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to train at once.
#[derive(Debug, Subcommand)]
pub enum TrainCommand {
    /// Lead scores, contact churn and engagement from the records of contacts, each with its defaults.
    All(TrainAll),
}

/// `tenure train all`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tenure synth contacts --contacts 2000 --out records
  tenure train all --records records --models models
  tenure test-models --models models --records records

A model that cannot be trained (too few leads, say) is reported, the others are trained all the same; then the exit
code is that of the first that failed.")]
pub struct TrainAll {
    /// Folder with the files contacts, conversations, messages, leads, purchases (.csv, .jsonl, .parquet, .gz).
    #[arg(long, value_name = "DIR")]
    pub records: PathBuf,
    /// Folder for the models: lead, contact and engagement are written in it.
    #[arg(long, default_value = "models", value_name = "DIR")]
    pub models: PathBuf,
    /// Use no record at or after this date; by default all of them.
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    /// What leads are scored by: score (what sales made of them) or converted.
    #[arg(long, default_value = "score", value_parser = ["score", "converted"], value_name = "NAME")]
    pub lead_target: String,
    /// Days within which a lead must convert to count as converted.
    #[arg(long, default_value_t = 30, value_name = "N")]
    pub conversion_days: u32,
    /// Share of leads, contacts and recipients held out to judge by.
    #[arg(long, default_value_t = 0.2, value_name = "SHARE")]
    pub test_share: f64,
    /// Folds of the cross-validation.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub folds: usize,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
    /// Print what was done as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure test-models`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tenure test-models --models models --records records

Each model is loaded (format, version, checksums), scores its samples, and is held to what it promises: finite answers
within range, the same answer alone and in a batch, explanations that add up, and a change of mind about nothing when
asked again. The exit code is 5 where a model fails.")]
pub struct TestModels {
    /// Folder whose subfolders are models, or the folder of one model.
    #[arg(long, default_value = "models", value_name = "DIR")]
    pub models: PathBuf,
    /// Records to take samples from; without them each model is asked about its typical row alone.
    #[arg(long, value_name = "DIR")]
    pub records: Option<PathBuf>,
    /// Samples as of this date; by default the end of the records.
    #[arg(long, value_name = "DATE", requires = "records")]
    pub as_of: Option<String>,
    /// Samples a model.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub samples: u32,
    /// Print the results as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}
