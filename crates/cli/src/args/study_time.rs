//! `tenure study-time …`

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

/// The steps.
#[derive(Debug, Subcommand)]
pub enum StudyTimeCommand {
    /// Learn from sessions whose duration is known, or from a table with a numeric target.
    Train(Box<StudyTrain>),
    /// Compare predictions with what came true, beside simple baselines.
    Evaluate(Box<StudyEvaluate>),
    /// Say of every session how long it will take.
    Predict(Box<StudyPredict>),
    /// Say how long one session will take, and why.
    Explain(Box<StudyExplain>),
    /// Learners on the same folds, and whether the more complicated ones pay.
    Compare(Box<StudyCompare>),
    /// Search learners and their parameters, judged on folds that have no part in the choice.
    Search(Box<StudySearch>),
    /// Values far from the middle half of their column.
    Outliers(Box<StudyOutliers>),
}

/// Rows whose target is known: sessions, or a table of one's own.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Rows")]
#[command(group = ArgGroup::new("source").args(["sessions", "data"]).required(true))]
pub struct StudyRows {
    /// Study sessions: .csv, .jsonl (either with .gz) or .parquet.
    #[arg(long, value_name = "FILE")]
    pub sessions: Option<PathBuf>,
    /// A table instead, one row each: CSV (any separator), JSONL or Parquet; .gz allowed.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// With --data: columns to leave out.
    #[arg(long, value_delimiter = ',', value_name = "COL,…", conflicts_with = "sessions")]
    pub drop: Vec<String>,
    /// With --data: texts that mean missing, beside the empty one.
    #[arg(long, value_delimiter = ',', value_name = "TEXT,…", conflicts_with = "sessions")]
    pub missing: Vec<String>,
    /// With --data: columns of numbers that name categories.
    #[arg(long, value_delimiter = ',', value_name = "COL,…", conflicts_with = "sessions")]
    pub categorical: Vec<String>,
    /// With --data: rows with the same value of this column (a student) stay together in every split.
    #[arg(long, value_name = "COL", conflicts_with = "sessions")]
    pub group: Option<String>,
}

/// Rows to learn from.
#[derive(Debug, Clone, Args)]
pub struct StudyLearning {
    #[command(flatten)]
    pub rows: StudyRows,
    /// With --data: the column to learn, which holds numbers.
    #[arg(long, value_name = "COL", required_unless_present = "sessions", conflicts_with = "sessions")]
    pub target: Option<String>,
    /// Fits that are averaged.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub ensemble: usize,
    /// Noisy copies to learn from, as a share of the rows: 0.2 adds a fifth; 0 for none.
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    pub augment: f64,
    /// Share of the rows whose target lies in their range.
    #[arg(long, default_value_t = 0.9, value_name = "SHARE")]
    pub interval_level: f64,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
    /// Print as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure study-time train`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure study-time train --sessions study/sessions.csv --model study-model
  tenure study-time train --sessions sessions.csv --learner gbdt --model m
  tenure study-time train --sessions sessions.csv --set training.l2=0.001 --set training.clip_norm=1 --model m
  tenure study-time train --data student-mat.csv --target G3 --drop G1,G2 --learner forest --model grades")]
pub struct StudyTrain {
    #[command(flatten)]
    pub learning: StudyLearning,
    /// What learns: mlp, gbdt, forest, glm, blend; lstm or attention over each student's sessions.
    #[arg(long, default_value = "mlp", value_name = "NAME")]
    pub learner: String,
    /// A parameter of the learner, by its name: --set hidden=[64,32] --set dropout=[0.2] --set
    /// training.learning_rate=0.003.
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Share of the rows that is held out to be judged on.
    #[arg(long, default_value_t = 0.2, value_name = "SHARE")]
    pub test_share: f64,
    /// Folder for the model; an older version in it stays until the new one is whole.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
}

/// `tenure study-time evaluate`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure study-time evaluate --sessions later.csv --model study-model --report study.html
  tenure study-time evaluate --sessions study/sessions.csv --truth study/truth.csv --model study-model")]
pub struct StudyEvaluate {
    #[command(flatten)]
    pub rows: StudyRows,
    /// Folder of the model.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// True durations of synthetic sessions (truth.csv of `tenure synth study`).
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    pub truth: Option<PathBuf>,
    /// Write a report to this HTML file.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print the figures as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure study-time predict`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure study-time predict --sessions planned.csv --model study-model --out hours.csv
  tenure study-time predict --row - --model study-model --json < session.json

Of a model over sessions (lstm, attention), the file holds the sessions before too, with their durations.")]
#[command(group = ArgGroup::new("source").args(["sessions", "data", "row"]).required(true))]
pub struct StudyPredict {
    /// Study sessions; a duration that is there already is not looked at.
    #[arg(long, value_name = "FILE")]
    pub sessions: Option<PathBuf>,
    /// A table instead, with the columns that the model was trained on.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// One session or row instead, as a JSON object; - reads it from standard input.
    #[arg(long, value_name = "JSON")]
    pub row: Option<String>,
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

/// `tenure study-time explain`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tenure study-time explain --sessions planned.csv --model study-model --id S0000042")]
#[command(group = ArgGroup::new("source").args(["sessions", "data"]).required(true))]
pub struct StudyExplain {
    /// Study sessions.
    #[arg(long, value_name = "FILE")]
    pub sessions: Option<PathBuf>,
    /// A table instead.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Which one: its id, of a table the number of the row, counted from 1. Without it: what the model leans on, over all
    /// rows whose target is known.
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Folder of the model.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Print as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure study-time compare`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure study-time compare --sessions study/sessions.csv --report learners.html
  tenure study-time compare --data student-mat.csv --target G3 --learners mlp,gbdt,glm --folds 10")]
pub struct StudyCompare {
    #[command(flatten)]
    pub learning: StudyLearning,
    /// The learners, the one that others are compared with first; by default mlp, gbdt, glm and, of sessions, lstm and
    /// attention.
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub learners: Vec<String>,
    /// Number of folds.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub folds: usize,
    /// True durations of synthetic sessions (truth.csv of `tenure synth study`).
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    pub truth: Option<PathBuf>,
    /// Write a report to this HTML file.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// `tenure study-time search`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure study-time search --sessions study/sessions.csv --model study-model
  tenure study-time search --data student-mat.csv --target G3 --learners gbdt,forest,glm
  tenure study-time search --sessions sessions.csv --space mlp.json

The space is a JSON file with a learner and the values of its parameters: {\"backend\": \"mlp\",
\"hidden\": {\"choices\": [[64, 32], [32]]}, \"dropout\": {\"choices\": [[0.2]]}, \"training.learning_rate\": {\"choices\": [0.001, 0.01]}}.")]
pub struct StudySearch {
    #[command(flatten)]
    pub learning: StudyLearning,
    /// The learners, each with its usual grid.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "mlp,gbdt,forest,glm",
        value_name = "NAME,…",
        conflicts_with = "space"
    )]
    pub learners: Vec<String>,
    /// The parameters of one learner and their values instead, as JSON.
    #[arg(long, value_name = "FILE")]
    pub space: Option<PathBuf>,
    /// Folds that the choice is judged on.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub folds: usize,
    /// Folds within, that it is made on.
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub inner_folds: usize,
    /// Folder for the model of the choice, trained on all rows.
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
}

/// `tenure study-time outliers`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure study-time outliers --sessions study/sessions.csv
  tenure study-time outliers --data student-mat.csv --target G3 --json")]
pub struct StudyOutliers {
    #[command(flatten)]
    pub rows: StudyRows,
    /// With --data: the column to learn.
    #[arg(long, value_name = "COL", required_unless_present = "sessions", conflicts_with = "sessions")]
    pub target: Option<String>,
    /// Print as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}
