//! What the command line accepts.

mod churn;
mod contact;
mod contacts;
mod engagement;
mod health;
mod lead;
mod ltv;
mod orders;
mod study_time;
mod suite;
mod synth;
mod table;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub use churn::{ChurnCommand, ChurnEvaluate, ChurnExplain, ChurnPredict, ChurnTrain, Goal};
pub use contact::{ContactCommand, ContactEvaluate, ContactTrain};
pub use contacts::{Explaining, KnownRows, NewRows, Scoring};
pub use engagement::{
    EngagementCommand, EngagementEvaluate, EngagementExplain, EngagementPredict, EngagementSendTimes,
    EngagementTrain, MessageSource, SendTimeOptions,
};
pub use health::{
    Attributing, HealthAlerts, HealthCommand, HealthEvaluate, HealthExplain, HealthPackage, HealthPredict,
    HealthTrain,
};
pub use lead::{LeadCommand, LeadEvaluate, LeadTrain};
pub use ltv::{LtvCommand, LtvCv, LtvEvaluate, LtvExplain, LtvPredict, LtvTrain, TimeUnit, ValueOptions};
pub use orders::OrdersFile;
pub use study_time::{
    StudyCompare, StudyEvaluate, StudyExplain, StudyLearning, StudyOutliers, StudyPredict, StudyRows,
    StudySearch, StudyTimeCommand, StudyTrain,
};
pub use suite::{TestModels, TrainAll, TrainCommand};
pub use synth::{Format, SynthCommand, SynthContacts, SynthMarketplace, SynthOrders, SynthStudy};
pub use table::{
    Strategy, TableCommand, TableCv, TableExplain, TableLearn, TablePredict, TableRead, TableSearch,
    TableTrain, Task,
};

const EXAMPLES: &str = "\
Examples:
  tenure quickstart
  tenure churn train --orders orders.csv --model churn-model
  tenure churn predict --orders orders.csv --model churn-model --as-of 2024-06-01 --out scores.csv
  tenure ltv train --orders orders.csv --prediction-days 180 --model value-model
  tenure lead train --records records --target score --model lead-model
  tenure contact train --records records --model contact-model
  tenure health train --train-data train.jsonl --val-data validation.jsonl --output-dir models
  tenure table cv --data customers.csv --target Churn --task binary

Exit codes: 0 done, 1 cannot write the answer, 2 wrong arguments, 3 the data do not allow it,
4 a file cannot be read or written, 5 no usable model, 70 a defect of tenure.";

/// Customer analytics from the command line: which customers are about to leave, how sure that is, why, and
/// what to do.
#[derive(Debug, Parser)]
#[command(name = "tenure", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// Threads to use; all of the machine's by default. Results do not depend on it.
    #[arg(long, global = true, default_value_t = 0, hide_default_value = true, value_name = "N")]
    pub threads: usize,
    /// No progress bars, even on a terminal.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// See it all work on synthetic orders: generate, train, evaluate, score everyone, write a report.
    Quickstart(Quickstart),
    /// Generate data with a known truth.
    #[command(subcommand)]
    Synth(SynthCommand),
    /// Customer churn from an order log: train, evaluate, predict, explain.
    #[command(subcommand)]
    Churn(ChurnCommand),
    /// Customer lifetime value from an order log: train, cross-validate, evaluate, predict, explain.
    #[command(subcommand)]
    Ltv(LtvCommand),
    /// Lead scores from the records of contacts or a table: train, evaluate, predict, explain.
    #[command(subcommand)]
    Lead(LeadCommand),
    /// Which contacts are about to fall silent, from their records or a table: train, evaluate, predict, explain.
    #[command(subcommand)]
    Contact(ContactCommand),
    /// Which messages are engaged with, and when to send them: train, evaluate, predict, explain, send times.
    #[command(subcommand)]
    Engagement(EngagementCommand),
    /// Study time from sessions or a table: train, evaluate, predict, explain, compare learners, search, outliers.
    #[command(subcommand)]
    StudyTime(StudyTimeCommand),
    /// Marketplace health from a table of customers: train a network of several tasks, evaluate, predict, explain, alert,
    /// package.
    #[command(subcommand)]
    Health(HealthCommand),
    /// All models of contacts at once.
    #[command(subcommand)]
    Train(TrainCommand),
    /// Load what was trained, score samples, and say pass or fail for each model.
    TestModels(TestModels),
    /// The same learners on any table of your own: cross-validate, train, predict, explain.
    #[command(subcommand)]
    Table(TableCommand),
}

/// `tenure quickstart`
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tenure quickstart --customers 5000 --out /tmp/first-look")]
pub struct Quickstart {
    /// Customers to generate.
    #[arg(long, default_value_t = 20_000, value_name = "N", value_parser = clap::value_parser!(u32).range(200..))]
    pub customers: u32,
    /// Everything random follows from it: same seed, same files.
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
    /// Folder for the model, predictions.csv, metrics.json and report.html.
    #[arg(long, default_value = "tenure-quickstart", value_name = "DIR")]
    pub out: PathBuf,
    /// Print the figures as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}
