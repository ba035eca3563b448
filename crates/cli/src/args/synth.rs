//! What `tenure synth` accepts.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use tenure_features::marketplace::Profile;
use tenure_io::FileFormat;

/// `tenure synth …`
#[derive(Debug, Subcommand)]
pub enum SynthCommand {
    /// Orders of customers who join, buy with the seasons, slow down and leave.
    Orders(SynthOrders),
    /// Contacts with conversations, messages, leads and purchases.
    Contacts(SynthContacts),
    /// Customers of a marketplace: a row of features each, and what is to be foretold of them.
    Marketplace(SynthMarketplace),
    /// Study sessions of students who differ in their speed.
    Study(SynthStudy),
}

/// `tenure synth orders`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tenure synth orders --customers 20000 --months 24 --out orders.csv
  tenure synth orders --customers 1000000 --out orders.parquet
  tenure synth orders --out orders.csv.gz --truth truth.csv --truth-as-of 2024-06-01")]
pub struct SynthOrders {
    /// Customers to generate.
    #[arg(long, default_value_t = 20_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub customers: u32,
    /// Length of the log.
    #[arg(long, default_value_t = 24, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=240))]
    pub months: u32,
    /// Same seed, same bytes.
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
    /// The file; its name chooses the format: .csv, .jsonl (either with .gz) or .parquet.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Also write what is true of each customer (CSV): churn probability and expected spend, known and attainable.
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// Instants of the truth; by default one prediction window before the end of the log.
    #[arg(long, value_name = "DATE,…", value_delimiter = ',', requires = "truth")]
    pub truth_as_of: Vec<String>,
    /// Window of the truth after each instant.
    #[arg(long, default_value_t = 90, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=366))]
    pub truth_days: u32,
    /// Print the summary as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure synth contacts`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tenure synth contacts --out contacts
  tenure synth contacts --contacts 10000 --out contacts --truth
  tenure synth contacts --contacts 1000 --leads 100 --format parquet --out contacts

Writes contacts, conversations, messages, leads and purchases; with --truth also truth_leads.csv,
truth_messages.csv and truth_contacts.csv (no activity within 60 days, as of an instant a month).")]
pub struct SynthContacts {
    /// Contacts to generate.
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub contacts: usize,
    /// Conversations in all; by default 150 for 200 contacts.
    #[arg(long, value_name = "N")]
    pub conversations: Option<usize>,
    /// Messages in all; by default 612 for 150 conversations.
    #[arg(long, value_name = "N")]
    pub messages: Option<usize>,
    /// Leads in all; by default 120 for 200 contacts.
    #[arg(long, value_name = "N")]
    pub leads: Option<usize>,
    /// Length of the log, 3 to 240.
    #[arg(long, default_value_t = 12, value_name = "N")]
    pub months: u32,
    /// Same seed, same bytes.
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
    /// The folder.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Format of the files.
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    pub format: Format,
    /// Also write the true scores and probabilities (CSV).
    #[arg(long)]
    pub truth: bool,
    /// Print the summary as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure synth marketplace`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tenure synth marketplace --out data
  tenure synth marketplace --profile sagemaker --customers 50000 --out data
  tenure synth marketplace --segments 0.35,0.4,0.15,0.1 --noise 1.5 --out data

Writes train, validation and test (70, 15 and 15 %) in every format asked for, full_dataset in the first of them,
and truth.csv: of each customer what the labels were drawn from.")]
pub struct SynthMarketplace {
    /// Customers to generate.
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub customers: usize,
    /// Which features and targets: guide (59 and 5) or sagemaker (150 and 25).
    #[arg(long, default_value_t = Profile::Guide, value_name = "NAME")]
    pub profile: Profile,
    /// Shares of thriving, healthy, at-risk and churned customers.
    #[arg(
        long,
        default_value = "0.3,0.4,0.2,0.1",
        value_name = "SHARE,…",
        value_delimiter = ',',
        num_args = 1
    )]
    pub segments: Vec<f64>,
    /// How far labels scatter: 1 is usual, less is easier; 0.05 to 5.
    #[arg(long, default_value_t = 1.0, value_name = "X")]
    pub noise: f64,
    /// Same seed, same bytes.
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
    /// The folder.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Formats of the files.
    #[arg(long, value_enum, default_values_t = [Format::Jsonl, Format::Csv], value_name = "FORMAT,…", value_delimiter = ',')]
    pub format: Vec<Format>,
    /// Print the summary as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure synth study`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tenure synth study --out study
  tenure synth study --sessions 10000 --students 500 --format parquet --out study

Writes sessions and truth.csv: the mean and the median duration of each, given its facts, and given the student's
hidden speed too.")]
pub struct SynthStudy {
    /// Sessions to generate.
    #[arg(long, default_value_t = 600, value_name = "N")]
    pub sessions: usize,
    /// Students; by default one for each 15 sessions.
    #[arg(long, value_name = "N")]
    pub students: Option<usize>,
    /// Topics in the catalogue.
    #[arg(long, default_value_t = 60, value_name = "N")]
    pub topics: usize,
    /// Deviation of the logarithm of durations that comes from the students' hidden speed; by default 0.15.
    #[arg(long, value_name = "SD")]
    pub student_noise: Option<f64>,
    /// Deviation of the logarithm of durations that is chance; by default 0.22.
    #[arg(long, value_name = "SD")]
    pub session_noise: Option<f64>,
    /// Same seed, same bytes.
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
    /// The folder.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Format of the sessions.
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    pub format: Format,
    /// Print the summary as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Formats of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Fields separated by commas.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// What its files end in.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
        }
    }
}

impl From<Format> for FileFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv,
            Format::Jsonl => Self::Jsonl,
            Format::Parquet => Self::Parquet,
        }
    }
}
