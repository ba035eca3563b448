//! `tenure health …`

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use tenure_features::marketplace::{CHURN_RISK_30D, Profile};

/// The steps.
#[derive(Debug, Subcommand)]
pub enum HealthCommand {
    /// Train the network, epoch by epoch; a training that was killed can be gone on with.
    Train(Box<HealthTrain>),
    /// Compare predictions with what came true, beside simple baselines.
    Evaluate(Box<HealthEvaluate>),
    /// Predict everything about customers, and what drives it.
    Predict(Box<HealthPredict>),
    /// Say in words what drives one answer about one customer.
    Explain(Box<HealthExplain>),
    /// Raise alerts, hold back what was just said, and judge alerts by what came true.
    Alerts(Box<HealthAlerts>),
    /// Pack a model as SageMaker expects it.
    Package(HealthPackage),
}

/// `tenure health train`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tenure synth marketplace --out data
  tenure health train --train-data data/train.jsonl --val-data data/validation.jsonl \\
      --test-data data/test.jsonl --output-dir models
  tenure health train --profile sagemaker --train-data wide/train.csv --output-dir wide-models \\
      --hidden 512,256,128,64 --dropout 0.4,0.3 --l2 0.0001

In the output folder: best_model and final_model (models, each also as .safetensors), training_history.json,
normalization_params.json, logs (for TensorBoard), checkpoint (to go on from with --resume).")]
pub struct HealthTrain {
    /// Customers to learn from: .jsonl, .csv, .parquet; .gz allowed.
    #[arg(long, value_name = "FILE")]
    pub train_data: PathBuf,
    /// Customers by whom the best epoch is chosen; by default a fifth of the customers to learn from.
    #[arg(long, value_name = "FILE")]
    pub val_data: Option<PathBuf>,
    /// Customers to judge the model on.
    #[arg(long, value_name = "FILE")]
    pub test_data: Option<PathBuf>,
    /// True values of the test data; by default truth.csv beside them, where it is there.
    #[arg(long, value_name = "FILE", requires = "test_data")]
    pub truth: Option<PathBuf>,
    /// Folder for everything that the training writes.
    #[arg(long, value_name = "DIR")]
    pub output_dir: PathBuf,
    /// Which features a row has: guide (59) or sagemaker (150).
    #[arg(long, default_value_t = Profile::Guide, value_name = "NAME")]
    pub profile: Profile,
    /// Passes over the training data, at most.
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub epochs: usize,
    /// Customers a step.
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub batch_size: usize,
    /// Of Adam.
    #[arg(long, default_value_t = 0.001, value_name = "RATE")]
    pub learning_rate: f64,
    /// Epochs without a lower validation loss after which training stops; 0 for never.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub patience: usize,
    /// Epochs without a lower validation loss after which the learning rate is halved; 0 for never.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub halve_after: usize,
    /// Factor of the sum of squared weights that is added to the loss.
    #[arg(long, default_value_t = 0.0, value_name = "FACTOR")]
    pub l2: f64,
    /// Widths of the shared layers; by default those of the profile.
    #[arg(long, value_delimiter = ',', value_name = "WIDTH,…")]
    pub hidden: Option<Vec<usize>>,
    /// Dropout of the shared layers but the last, the last rate repeated.
    #[arg(long, value_delimiter = ',', value_name = "RATE,…", default_values_t = [0.3, 0.2])]
    pub dropout: Vec<f64>,
    /// Factors of the tasks' losses that are not to be the usual ones, e.g. churn_risk_30d=3.
    #[arg(long, value_delimiter = ',', value_name = "TASK=FACTOR,…")]
    pub task_weights: Vec<String>,
    /// A network of any shape instead (JSON: steps, trunk, heads).
    #[arg(long, value_name = "FILE", conflicts_with_all = ["hidden", "dropout", "task_weights"])]
    pub network: Option<PathBuf>,
    /// Go on from the checkpoint in the output folder.
    #[arg(long)]
    pub resume: bool,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u64,
    /// Print what was done as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure health evaluate`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tenure health evaluate --model models --test-data data/test.jsonl --report health.html")]
pub struct HealthEvaluate {
    /// Folder of the model, or the output folder of its training.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Customers to judge the model on.
    #[arg(long, value_name = "FILE")]
    pub test_data: PathBuf,
    /// True values of the test data; by default truth.csv beside them, where it is there.
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// Write a report to this HTML file.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print the figures as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// What drives an answer.
#[derive(Debug, Clone, Args)]
pub struct Attributing {
    /// The answer whose drivers are named.
    #[arg(long, default_value = CHURN_RISK_30D, value_name = "TARGET")]
    pub target: String,
    /// How effects are measured: integrated-gradients, or gradient.
    #[arg(long, default_value = "integrated-gradients", value_parser = ["integrated-gradients", "gradient"], value_name = "NAME")]
    pub attribution: String,
}

/// `tenure health predict`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("source").args(["data", "row"]).required(true))]
#[command(after_help = "Examples:
  tenure health predict --model models --data customers.jsonl --out predictions.jsonl
  tenure health predict --model models --row '{\"features\": [2, 4, 8, …]}'")]
pub struct HealthPredict {
    /// Folder of the model, or the output folder of its training.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Customers to predict.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// One customer instead, as JSON: features by name, or a list in order; - reads it from standard input.
    #[arg(long, value_name = "JSON")]
    pub row: Option<String>,
    /// The answers, one line of JSON a customer. Not with --row, whose answer is printed.
    #[arg(long, value_name = "FILE", required_unless_present = "row", conflicts_with = "row")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub attributing: Attributing,
    /// Print as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure health explain`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("source").args(["data", "row"]).required(true))]
#[command(after_help = "Example:
  tenure health explain --model models --data data/test.jsonl --id C000042 --target health_score")]
pub struct HealthExplain {
    /// Folder of the model, or the output folder of its training.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Customers, one of whom is explained.
    #[arg(long, value_name = "FILE", requires = "id")]
    pub data: Option<PathBuf>,
    /// One customer instead, as JSON; - reads it from standard input.
    #[arg(long, value_name = "JSON")]
    pub row: Option<String>,
    /// Which customer.
    #[arg(long, value_name = "ID", conflicts_with = "row")]
    pub id: Option<String>,
    /// The answer to explain.
    #[arg(long, default_value = CHURN_RISK_30D, value_name = "TARGET")]
    pub target: String,
    /// Print as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure health alerts`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("work").args(["data", "outcomes"]).required(true).multiple(true))]
#[command(after_help = "Examples:
  tenure health alerts --model models --data customers.jsonl --state alerts.json --out alerts.jsonl
  tenure health alerts --model models --outcomes later.jsonl --state alerts.json

The state remembers what was said about whom, so that the same is not said again within a cool-down, and what became of
it. Outcomes are customers with labels as for training, or lines of customer_id, type, happened and, where it is known,
at: when it came true or was known not to (CSV or JSONL). An outcome with an instant settles alerts sent before or at it;
one without, and every label, settles all open alerts, those of the same command too.
The configuration changes rules by type:
  {\"rules\": {\"IB_CALL_SPIKE\": {\"threshold\": 3, \"cool_down_days\": 14}, \"FIRST_SESSION_RISK\": {\"enabled\": false}}}")]
pub struct HealthAlerts {
    /// Folder of the model, or the output folder of its training.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Customers to look at.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// The instant of the alerts; by default now.
    #[arg(long, value_name = "DATE", requires = "data")]
    pub at: Option<String>,
    /// Changes to the rules (JSON).
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What was said before, and what became of it; made if it is not there.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// The alerts, one line of JSON each; printed where no file is named.
    #[arg(long, value_name = "FILE", requires = "data")]
    pub out: Option<PathBuf>,
    /// What came true: the alerts are judged by it.
    #[arg(long, value_name = "FILE")]
    pub outcomes: Option<PathBuf>,
    /// Print what was done as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `tenure health package`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  tenure health package --model models --out model.tar.gz

The archive holds the model folder at its root, as SageMaker unpacks it to /opt/ml/model, and
normalization_params.json. The same model gives the same bytes.")]
pub struct HealthPackage {
    /// Folder of the model, or the output folder of its training.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// The archive.
    #[arg(long, default_value = "model.tar.gz", value_name = "FILE")]
    pub out: PathBuf,
    /// Print what was done as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}
