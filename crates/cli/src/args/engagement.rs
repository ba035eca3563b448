//! `tenure engagement …`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tenure_engagement::QuietHours;

/// The steps.
#[derive(Debug, Subcommand)]
pub enum EngagementCommand {
    /// Learn which messages are engaged with, and whether the time of sending matters.
    Train(Box<EngagementTrain>),
    /// Compare predictions with what happened, beside simple baselines.
    Evaluate(Box<EngagementEvaluate>),
    /// Predict every message.
    Predict(Box<EngagementPredict>),
    /// Say how likely one message is engaged with, why, and when to send it.
    Explain(Box<EngagementExplain>),
    /// Choose send times: for a campaign from a model, or from opens alone.
    SendTimes(Box<EngagementSendTimes>),
}

/// Where messages come from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Messages")]
pub struct MessageSource {
    /// Folder with contacts, conversations and messages (.csv, .jsonl or .parquet; .gz allowed).
    #[arg(long, value_name = "DIR", conflicts_with = "data")]
    pub records: Option<PathBuf>,
    /// With --records: a message is engaged with that is opened, clicked or answered within so many hours; by default
    /// 48, and of a trained model those that it learned with.
    #[arg(long, value_name = "N", requires = "records")]
    pub window_hours: Option<u32>,
    /// With --records: only messages whose window is over by this date; by default the whole log.
    #[arg(long, value_name = "DATE", requires = "records")]
    pub until: Option<String>,
    /// With --records: leave out lines that cannot be read, and count them.
    #[arg(long, requires = "records")]
    pub skip_bad_lines: bool,
    /// A table of one's own, one message a row: CSV (any separator), JSONL or Parquet; .gz allowed.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// With --data: the column that says whether a message was engaged with; by default that of the training.
    #[arg(long, value_name = "COL", requires = "data")]
    pub target: Option<String>,
    /// With --data: the value of the target that counts as engaged; by default the obvious one (yes, true, 1).
    #[arg(long, value_name = "VALUE", requires = "data")]
    pub positive: Option<String>,
    /// With --data: the column that names the recipient, whose messages stay together in every split.
    #[arg(long, value_name = "COL", requires = "data")]
    pub group: Option<String>,
    /// With --data: columns to leave out.
    #[arg(long, value_delimiter = ',', value_name = "COL,…", requires = "data")]
    pub drop: Vec<String>,
}

/// What limits send times.
#[derive(Debug, Args)]
#[command(next_help_heading = "Send times")]
pub struct SendTimeOptions {
    /// Hours of the day at which nothing is sent, local to the recipient; 0-0 for none. By default as in training.
    #[arg(long, value_name = "FROM-TO")]
    pub quiet_hours: Option<QuietHours>,
    /// Local time of the recipient less UTC, in minutes: times are given in UTC too.
    #[arg(long, value_name = "MINUTES", allow_negative_numbers = true)]
    pub utc_offset: Option<i32>,
    /// Only times within so many hours after the planned one.
    #[arg(long, value_name = "N")]
    pub horizon: Option<u32>,
}

/// `tenure engagement train`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure engagement train --records contacts/ --model engagement-model
  tenure engagement train --data emails.csv --target opened --hour hour --weekday day --group recipient --model m
  tenure engagement train --data emails.csv --target read --slot send_slot --backend gbdt --model m")]
pub struct EngagementTrain {
    #[command(flatten)]
    pub source: MessageSource,
    /// With --data: the column of the hour of the day, 0 to 24.
    #[arg(long, value_name = "COL", requires_all = ["data", "weekday"], conflicts_with = "slot")]
    pub hour: Option<String>,
    /// With --data: the column of the day of the week: English names, or 0 (Monday) to 6.
    #[arg(long, value_name = "COL", requires = "hour")]
    pub weekday: Option<String>,
    /// With --data: the column of the slot a message was sent in.
    #[arg(long, value_name = "COL", requires = "data")]
    pub slot: Option<String>,
    /// Folder for the model; an older version in it stays until the new one is whole.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Learner of the probability: logistic, gbdt, forest, glm or blend. Send times are always judged by a logistic
    /// regression, which can say how sure it is.
    #[arg(long, default_value = "logistic", value_name = "NAME")]
    pub backend: String,
    /// Folds of the cross-validation.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub folds: usize,
    /// Hours of the day at which nothing is sent, local to the recipient; 0-0 for none.
    #[arg(long, default_value_t = QuietHours::default(), value_name = "FROM-TO")]
    pub quiet_hours: QuietHours,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
    /// Print what was done as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure engagement evaluate`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tenure engagement evaluate --records later/ --model engagement-model --report report.html")]
pub struct EngagementEvaluate {
    #[command(flatten)]
    pub source: MessageSource,
    /// Folder of the model.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// True probabilities, where they are known: a CSV with the columns message_id and engagement_probability.
    #[arg(long, value_name = "FILE", requires = "records")]
    pub truth: Option<PathBuf>,
    /// Also write a report for people (HTML).
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print the figures as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure engagement predict`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tenure engagement predict --records contacts/ --model engagement-model --out engagement.csv")]
pub struct EngagementPredict {
    #[command(flatten)]
    pub source: MessageSource,
    /// Folder of the model.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    #[command(flatten)]
    pub times: SendTimeOptions,
    /// The predictions, one line a message in the same order: .csv, .jsonl or .parquet.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Print the summary as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure engagement explain`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure engagement explain --records contacts/ --message M0000042 --model engagement-model
  tenure engagement explain --row '{\"hour\": 9, \"weekday\": \"monday\", …}' --model engagement-model
  tenure engagement explain --row - --model engagement-model --json < row.json")]
pub struct EngagementExplain {
    #[command(flatten)]
    pub source: MessageSource,
    /// Which message of the records (its id) or of the table (its row, counted from 1).
    #[arg(long, value_name = "ID", conflicts_with = "row")]
    pub message: Option<String>,
    /// One message as a JSON object with every feature of the model; - reads it from standard input.
    #[arg(long, value_name = "JSON", conflicts_with_all = ["records", "data"])]
    pub row: Option<String>,
    /// Folder of the model.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    #[command(flatten)]
    pub times: SendTimeOptions,
    /// Print the decision as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure engagement send-times`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure engagement send-times --records campaign/ --model engagement-model --out times.csv
  tenure engagement send-times --opens monday.csv tuesday.csv … sunday.csv --out hours.csv
  tenure engagement send-times --opens opens.csv --utc-offset -180 --out hours.csv

Files of opens have the columns recipient and time (a date with the time of day, in UTC), or id and time (hours since
midnight), where the file is named after its day of the week.")]
pub struct EngagementSendTimes {
    #[command(flatten)]
    pub source: MessageSource,
    /// Folder of the model.
    #[arg(long, value_name = "DIR", required_unless_present = "opens")]
    pub model: Option<PathBuf>,
    /// Opens alone, without what was sent: files of who opened when.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["records", "data", "model"])]
    pub opens: Vec<PathBuf>,
    #[command(flatten)]
    pub times: SendTimeOptions,
    /// With --opens: bandwidth of the density whose peaks are printed, in hours.
    #[arg(long, default_value_t = 0.82, value_name = "HOURS")]
    pub bandwidth: f64,
    /// With --opens: recipients with more opens are taken for machines; at most 200.
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub cap: usize,
    /// With --opens: the draw of the opens that are held out to judge by.
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
    /// The times, one line a message (with --opens: a recipient): .csv, .jsonl or .parquet.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print the plan as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}
