//! How good predictions are, task by task.

use std::collections::BTreeMap;

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use tenure_core::{Dataset, Output, OutputKind};
use tenure_eval::metrics::{self, Bins};
use tenure_neural::{Loss, NetworkSpec};

use crate::error::Result;

/// Rows with at least this probability are taken as positive.
const THRESHOLD: f64 = 0.5;

/// Figures by name of the task.
pub type TaskMap = BTreeMap<String, TaskFigures>;

/// Outputs that are judged together: one, or the subjects of supply and demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its name: that of the network's head, or of the target where a head answers several events.
    pub name: String,
    /// Place of the head.
    pub head: usize,
    /// Places of its outputs among those of the model.
    pub outputs: Vec<usize>,
}

impl Task {
    /// The tasks of a network, in the order of its heads.
    pub(crate) fn of(spec: &NetworkSpec) -> Vec<Self> {
        let (mut tasks, mut first) = (Vec::new(), 0);
        for (head, of) in spec.heads.iter().enumerate() {
            let outputs = first..first + of.targets.len();
            first = outputs.end;
            if of.loss == Loss::BinaryCrossEntropy && outputs.len() > 1 {
                let events = of.targets.iter().cloned().zip(outputs);
                tasks.extend(events.map(|(name, output)| Self { name, head, outputs: vec![output] }));
            } else {
                tasks.push(Self { name: of.name.clone(), head, outputs: outputs.collect() });
            }
        }
        tasks
    }
}

/// How good the predictions of one task are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TaskFigures {
    /// Of probabilities.
    Binary(BinaryFigures),
    /// Of numbers.
    Number(NumberFigures),
}

/// How good probabilities of an event are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BinaryFigures {
    /// Labels judged.
    pub labels: usize,
    /// Share of them for whom the event came true.
    pub base_rate: f64,
    /// Area under the ROC curve; `None` where all labels are the same.
    pub auc: Option<f64>,
    /// DeLong's 95 % interval of it.
    pub auc_interval: Option<[f64; 2]>,
    /// Share of right decisions at one half.
    pub accuracy: f64,
    /// Mean cross-entropy, in nats.
    pub log_loss: f64,
    /// Expected calibration error over ten bins of equal mass.
    pub ece: f64,
}

/// How good predicted numbers are. Of a task of several targets each figure is the mean over the targets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberFigures {
    /// Labels judged, over all targets of the task.
    pub labels: usize,
    /// Mean of the labels.
    pub mean: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Share of the variance explained; `None` where all labels of a target are equal.
    pub r2: Option<f64>,
}

impl TaskFigures {
    /// The figure of this name: `auc`, `accuracy`, `log_loss`, `ece`, `mae`, `rmse` or `r2`; `None` where the task has
    /// no such figure or it has no definition for the rows judged.
    #[must_use]
    pub fn get(&self, metric: &str) -> Option<f64> {
        match (self, metric) {
            (Self::Binary(f), "auc") => f.auc,
            (Self::Binary(f), "accuracy") => Some(f.accuracy),
            (Self::Binary(f), "log_loss") => Some(f.log_loss),
            (Self::Binary(f), "ece") => Some(f.ece),
            (Self::Number(f), "mae") => Some(f.mae),
            (Self::Number(f), "rmse") => Some(f.rmse),
            (Self::Number(f), "r2") => f.r2,
            _ => None,
        }
    }

    /// Names of the figures in the order in which they are shown.
    #[must_use]
    pub const fn metrics(&self) -> &'static [&'static str] {
        match self {
            Self::Binary(_) => &["auc", "accuracy", "log_loss", "ece"],
            Self::Number(_) => &["mae", "rmse", "r2"],
        }
    }

    /// How far above knowing nothing: AUC above one half, or the share of the variance explained.
    #[must_use]
    pub fn lift(&self) -> Option<f64> {
        match self {
            Self::Binary(figures) => figures.auc.map(|auc| auc - 0.5),
            Self::Number(figures) => figures.r2,
        }
    }
}

/// The figures of every task that has a known label. `predicted` is rows × outputs; rows whose label is not known do
/// not count.
///
/// # Errors
/// [`tenure_core::Error::Shape`] for predictions of another number of rows or outputs,
/// [`tenure_core::Error::NoTarget`] where the data lack a target; what the metrics refuse (a prediction that is not a
/// number).
pub fn task_figures(
    tasks: &[Task],
    outputs: &[Output],
    data: &Dataset,
    predicted: ArrayView2<'_, f64>,
) -> Result<TaskMap> {
    tenure_core::check_batch(data.schema(), outputs.len(), data.x(), predicted.dim())?;
    let mut figures = TaskMap::new();
    for task in tasks {
        let mut numbers = Vec::new();
        for &at in &task.outputs {
            let labels = data.target_named(&outputs[at].target)?.values();
            let known = labels.iter().zip(predicted.column(at)).filter(|(label, _)| !label.is_nan());
            let (actual, predicted): (Vec<f64>, Vec<f64>) = known.map(|(y, p)| (*y, *p)).unzip();
            if actual.is_empty() {
                continue;
            }
            if outputs[at].kind == OutputKind::Value {
                numbers.push(NumberFigures::new(&actual, &predicted)?);
            } else {
                let binary = BinaryFigures::new(&actual, &predicted)?;
                figures.insert(task.name.clone(), TaskFigures::Binary(binary));
            }
        }
        if let Some(mean) = NumberFigures::mean_of(&numbers) {
            figures.insert(task.name.clone(), TaskFigures::Number(mean));
        }
    }
    Ok(figures)
}

impl BinaryFigures {
    fn new(labels: &[f64], probabilities: &[f64]) -> Result<Self> {
        let interval = match metrics::roc_auc_interval(labels, probabilities, None, 0.95) {
            Ok(interval) => Some([interval.low, interval.high]),
            // Of one class, or with one row of a class.
            Err(tenure_eval::Error::OneClass { .. } | tenure_eval::Error::Undefined { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            labels: labels.len(),
            base_rate: mean(labels),
            auc: metrics::roc_auc(labels, probabilities, None).ok(),
            auc_interval: interval,
            accuracy: metrics::accuracy(labels, probabilities, None, THRESHOLD)?,
            log_loss: metrics::log_loss(labels, probabilities, None)?,
            ece: metrics::ece(labels, probabilities, None, Bins::default())?,
        })
    }
}

impl NumberFigures {
    fn new(actual: &[f64], predicted: &[f64]) -> Result<Self> {
        Ok(Self {
            labels: actual.len(),
            mean: mean(actual),
            mae: metrics::mae(actual, predicted, None)?,
            rmse: metrics::rmse(actual, predicted, None)?,
            r2: metrics::r2(actual, predicted, None).ok(),
        })
    }

    fn mean_of(targets: &[Self]) -> Option<Self> {
        let over = |of: fn(&Self) -> f64| mean(&targets.iter().map(of).collect::<Vec<_>>());
        let r2: Option<Vec<f64>> = targets.iter().map(|target| target.r2).collect();
        (!targets.is_empty()).then(|| Self {
            labels: targets.iter().map(|target| target.labels).sum(),
            mean: over(|target| target.mean),
            mae: over(|target| target.mae),
            rmse: over(|target| target.rmse),
            r2: r2.map(|r2| mean(&r2)),
        })
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
