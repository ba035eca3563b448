//! Training, epoch by epoch.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use tenure_backends::{Backend, GlmParams, LogisticParams};
use tenure_core::{Artifact, Dataset, Error as CoreError, FitContext, Model, OutputKind, StopReason, seed};
use tenure_eval::splits::{self, Split};
use tenure_features::marketplace::Profile;
use tenure_neural::{EpochRecord, Network, NetworkModel, TrainingRun};

use crate::error::Result;
use crate::figures::{Task, TaskMap, task_figures};
use crate::model::{HealthModel, HealthSettings};
use crate::params::HealthParams;

/// Fewer customers with a known label than this are refused.
pub const LEAST_ROWS: usize = 100;

const CHECKPOINT_VERSION: u32 = 1;

/// A training under way. The caller asks for one epoch after the other and may show it, keep a checkpoint, or stop.
///
/// ```no_run
/// use tenure_core::FitContext;
/// use tenure_health::{HealthParams, HealthRun};
/// # fn read() -> tenure_core::Dataset { unimplemented!() }
/// # fn main() -> tenure_health::Result<()> {
/// let (train, valid) = (read(), read());
/// let context = FitContext::new(42);
/// let mut run = HealthRun::start(&HealthParams::default(), &train, Some(&valid), &context)?;
/// while let Some(epoch) = run.next_epoch(&context)? {
///     println!("epoch {}: loss {:.4}", epoch.losses.epoch, epoch.losses.train.total);
/// }
/// let trained = run.finish(&context)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct HealthRun {
    run: TrainingRun,
    params: HealthParams,
    tasks: Vec<Task>,
    train: Dataset,
    valid: Option<Dataset>,
    version: String,
    notes: Vec<String>,
    history: Vec<HealthEpoch>,
}

/// One epoch: losses, and how good the tasks are on the validation rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthEpoch {
    /// Losses by head, learning rate, norm of the gradient.
    pub losses: EpochRecord,
    /// The figures of each task on the validation rows; empty without such rows.
    pub valid: TaskMap,
}

impl HealthEpoch {
    /// All figures by the names that Keras gives them: `loss`, `val_loss`, `learning_rate`, `gradient_norm`,
    /// `<task>_loss`, `val_<task>_loss`, `val_<task>_<metric>`. `tasks` are those of the run.
    #[must_use]
    pub fn scalars(&self, tasks: &[Task]) -> Vec<(String, f64)> {
        let record = &self.losses;
        let mut scalars = vec![("loss".to_owned(), record.train.total)];
        scalars.extend(record.valid.as_ref().map(|valid| ("val_loss".to_owned(), valid.total)));
        scalars.push(("learning_rate".to_owned(), record.learning_rate));
        scalars.push(("gradient_norm".to_owned(), record.gradient_norm));
        for Task { name, head, .. } in tasks {
            let loss = |losses: &tenure_neural::Losses| losses.heads.get(*head).copied();
            scalars.extend(loss(&record.train).map(|loss| (format!("{name}_loss"), loss)));
            let valid = record.valid.as_ref().and_then(loss);
            scalars.extend(valid.map(|loss| (format!("val_{name}_loss"), loss)));
            if let Some(figures) = self.valid.get(name) {
                let named = figures.metrics().iter().map(|metric| (metric, figures.get(metric)));
                scalars.extend(
                    named.filter_map(|(metric, value)| Some((format!("val_{name}_{metric}"), value?))),
                );
            }
        }
        scalars
    }
}

/// The history of a training by name of the figure, one number an epoch; `None` where a figure has no value then.
#[must_use]
pub fn history_by_name(history: &[HealthEpoch], tasks: &[Task]) -> BTreeMap<String, Vec<Option<f64>>> {
    let mut by_name: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    for (at, epoch) in history.iter().enumerate() {
        for (name, value) in epoch.scalars(tasks) {
            by_name.entry(name).or_insert_with(|| vec![None; history.len()])[at] = Some(value);
        }
    }
    by_name
}

/// What a training ends in.
#[derive(Debug)]
pub struct Trained {
    /// Of the epoch with the lowest validation loss; with
    /// [`refit_heads`](tenure_neural::TrainingParams::refit_heads) its last layers were fitted again after it.
    pub model: HealthModel,
    /// Of the last epoch; its last layers were fitted again too, so that these are not the weights of a checkpoint.
    pub last: HealthModel,
    /// How it went.
    pub report: TrainReport,
}

/// How a training went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainReport {
    /// Customers learned from.
    pub rows: usize,
    /// Customers by whom the best epoch was chosen.
    pub validation_rows: usize,
    /// Features.
    pub features: usize,
    /// Numbers that the network learned.
    pub parameters: usize,
    /// Labels that are not known among the customers learned from, by target: they are left out of the loss of that
    /// task alone. Targets with none are not named.
    pub masked_labels: BTreeMap<String, usize>,
    /// Epochs done.
    pub epochs: usize,
    /// The epoch whose weights are kept, from 1.
    pub best_epoch: usize,
    /// Why it ended.
    pub stopped: StopReason,
    /// The kept weights on the validation rows.
    pub validation: TaskMap,
    /// What a reader should know, in words.
    pub notes: Vec<String>,
}

impl HealthRun {
    /// Kind of a checkpoint's artifact.
    pub const CHECKPOINT: &'static str = "health-checkpoint";

    /// Begins a training on the customers of `train`, whose targets are those of a [`Profile`] or, for a free network,
    /// those that its heads name. Labels that are not known (NaN) are left out of the loss of their task.
    ///
    /// Without `valid`, a share of the training rows is held out to choose the best epoch by
    /// ([`validation_share`](tenure_neural::TrainingParams::validation_share)): of the groups, where the rows have
    /// groups. Rows of weight 0 are left out.
    ///
    /// # Errors
    /// [`CoreError::NotEnoughRows`] for fewer than [`LEAST_ROWS`] rows with a known label, [`CoreError::Data`] for a validation set
    /// without rows, [`CoreError::Columns`] where it has other features, [`CoreError::NoTarget`],
    /// [`CoreError::OneClass`] where an event happened to all customers or none, [`CoreError::Parameter`].
    pub fn start(
        params: &HealthParams,
        train: &Dataset,
        valid: Option<&Dataset>,
        context: &FitContext<'_>,
    ) -> Result<Self> {
        Self::begin(params, train, valid, context, |network, train, valid| {
            network.start(train, valid, context)
        })
    }

    /// Goes on from a [checkpoint](HealthRun::checkpoint) to the bits of a training that was never stopped. The data,
    /// the seed and the parameters are those of the start; only the number of epochs may be another.
    ///
    /// # Errors
    /// As [`HealthRun::start`] and [`Network::resume`]; [`CoreError::ArtifactKind`] for another artifact.
    pub fn resume(
        checkpoint: &Artifact,
        params: &HealthParams,
        train: &Dataset,
        valid: Option<&Dataset>,
        context: &FitContext<'_>,
    ) -> Result<Self> {
        checkpoint.expect(Self::CHECKPOINT, CHECKPOINT_VERSION)?;
        let (history, state) = (checkpoint.config()?, checkpoint.child("run")?);
        let resume = |network: &Network, train: &Dataset, valid: Option<&Dataset>| {
            network.resume(state, train, valid, context)
        };
        Ok(Self { history, ..Self::begin(params, train, valid, context, resume)? })
    }

    fn begin(
        params: &HealthParams,
        train: &Dataset,
        valid: Option<&Dataset>,
        context: &FitContext<'_>,
        start: impl FnOnce(&Network, &Dataset, Option<&Dataset>) -> tenure_core::Result<TrainingRun>,
    ) -> Result<Self> {
        let version = train.model_version("health", params, context.seed);
        let whole = params.network(train)?;
        let train = answered(train, &whole);
        if train.rows() < LEAST_ROWS {
            return Err(CoreError::NotEnoughRows { found: train.rows(), needed: LEAST_ROWS }.into());
        }
        if valid.is_some_and(|valid| valid.rows() == 0) {
            return Err(CoreError::Data("the validation set has no rows".into()).into());
        }
        let mut notes = Vec::new();
        let share = params.training.validation_share;
        let (train, valid) = match valid {
            Some(valid) => (train, Some(valid.clone())),
            None if share > 0.0 => {
                let split = hold_out(&train, share, context.seed)?;
                let held_out = split.test.len();
                notes.push(format!(
                    "{held_out} of the training rows were held out to choose the best epoch by"
                ));
                (train.select(&split.train), Some(train.select(&split.test)))
            }
            None => (train, None),
        };
        // A subject whose few labels were all held out has nothing to learn from, and so no output.
        let network = params.network(&train)?;
        let learned: HashSet<&str> = targets(&network).collect();
        let lost = targets(&whole).filter(|target| !learned.contains(target));
        notes.extend(lost.map(|target| format!("`{target}` is not answered: all its labels were held out")));
        let tasks = Task::of(&network.params().network);
        let (train, valid) = (answered(&train, &network), valid.map(|valid| answered(&valid, &network)));
        let run = start(&network, &train, valid.as_ref())?;
        Ok(Self { run, params: params.clone(), tasks, train, valid, version, notes, history: Vec::new() })
    }

    /// Trains one more epoch; `None` once the training has ended.
    ///
    /// # Errors
    /// As [`TrainingRun::next_epoch`]: cancelled, or a loss that grows beyond all bounds.
    pub fn next_epoch(&mut self, context: &FitContext<'_>) -> Result<Option<&HealthEpoch>> {
        let Some(losses) = self.run.next_epoch(context)?.cloned() else { return Ok(None) };
        let current = self.run.current();
        let valid = match (&self.valid, self.run.valid_predictions()) {
            (Some(valid), Some(predicted)) => {
                task_figures(&self.tasks, current.outputs(), valid, predicted.view())?
            }
            _ => TaskMap::new(),
        };
        self.history.push(HealthEpoch { losses, valid });
        Ok(self.history.last())
    }

    /// What it is trained with.
    #[must_use]
    pub fn params(&self) -> &HealthParams {
        &self.params
    }

    /// A name for the training: it changes with data, parameters and seed. Models carry versions of their own, which
    /// change with their weights as well.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The tasks, in the order of heads.
    #[must_use]
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// Epoch by epoch so far.
    #[must_use]
    pub fn history(&self) -> &[HealthEpoch] {
        &self.history
    }

    /// The network of the present weights, for logs.
    #[must_use]
    pub fn network(&self) -> NetworkModel {
        self.run.current()
    }

    /// Everything that is needed to go on from here.
    #[must_use]
    pub fn checkpoint(&self) -> Artifact {
        let history = serde_json::json!(self.history);
        Artifact::from_json(Self::CHECKPOINT, CHECKPOINT_VERSION, history)
            .with_child("run", self.run.checkpoint())
    }

    /// Ends the training, and fits the linear models that evaluations print beside the network.
    ///
    /// # Errors
    /// [`CoreError::Data`] before the first epoch, [`CoreError::Cancelled`].
    pub fn finish(self, context: &FitContext<'_>) -> Result<Trained> {
        let Self { run, params, tasks, train, valid, version, mut notes, .. } = self;
        let fit = run.finish()?;
        notes.extend(fit.report.notes.iter().cloned());
        let outputs = fit.model.outputs();
        let validation = match &valid {
            Some(valid) => task_figures(&tasks, outputs, valid, fit.model.predict(valid.x())?.view())?,
            None => TaskMap::new(),
        };
        let mut means = Vec::new();
        let mut masked_labels = BTreeMap::new();
        for output in outputs {
            let labels = train.target_named(&output.target)?.values();
            let known: Vec<f64> = labels.iter().copied().filter(|label| !label.is_nan()).collect();
            means.push(known.iter().sum::<f64>() / known.len() as f64);
            if known.len() < labels.len() {
                masked_labels.insert(output.target.clone(), labels.len() - known.len());
            }
        }
        let report = TrainReport {
            rows: train.rows(),
            validation_rows: valid.as_ref().map_or(0, Dataset::rows),
            features: train.schema().len(),
            parameters: fit.model.parameters(),
            masked_labels,
            epochs: fit.history.len(),
            best_epoch: fit.report.iterations,
            stopped: fit.report.stopped,
            validation,
            notes: Vec::new(),
        };
        let profile = Profile::ALL.iter().copied().find(|profile| profile.schema() == *train.schema());
        let of = |network: &NetworkModel| version_of(&version, network);
        let settings = HealthSettings { params, profile, version: of(&fit.model), rows: train.rows(), means };
        let of_last = HealthSettings { version: of(&fit.last), ..settings.clone() };
        let linear = linear_models(&fit.model, &train, context, &mut notes)?;
        // The last weights are kept to look at, not to be judged: they go without linear models.
        let none = outputs.iter().map(|_| None).collect();
        let last = HealthModel::new(fit.last, none, train.medians(), of_last)?;
        let model = HealthModel::new(fit.model, linear, train.medians(), settings)?;
        Ok(Trained { model, last, report: TrainReport { notes, ..report } })
    }
}

/// The version of a model: other weights, another version, also where data, parameters and seed are the same.
fn version_of(run: &str, network: &NetworkModel) -> String {
    let start = run.bytes().fold(0, |hash, byte| seed::mix(hash, byte.into()));
    let weights = network.weights();
    let numbers = weights.iter().flat_map(|tensor| &tensor.values);
    let hash = numbers.fold(start, |hash, value| seed::mix(hash, value.to_bits().into()));
    format!("health-{:012x}", hash >> 16)
}

/// What a network answers.
fn targets(network: &Network) -> impl Iterator<Item = &str> {
    network.params().network.heads.iter().flat_map(|head| &head.targets).map(String::as_str)
}

/// The rows of a weight above 0 with a known label of some task, which are those that the network takes: the others
/// teach and show nothing.
fn answered(data: &Dataset, network: &Network) -> Dataset {
    let asked: HashSet<&str> = targets(network).collect();
    let labels: Vec<_> = data.targets().iter().filter(|target| asked.contains(target.name())).collect();
    let weighs = |row: usize| data.weights().is_none_or(|weights| weights[row] > 0.0);
    let known = |row: usize| labels.iter().any(|target| !target.values()[row].is_nan());
    data.select(&(0..data.rows()).filter(|&row| weighs(row) && known(row)).collect::<Vec<_>>())
}

/// Holds out a share of the groups, each with all its rows; without groups each row is one.
fn hold_out(data: &Dataset, share: f64, seed: u64) -> Result<Split> {
    let group = |row: usize| data.groups().map_or(row as u64, |groups| groups[row]);
    let mut groups: Vec<u64> = (0..data.rows()).map(group).collect();
    groups.sort_unstable();
    groups.dedup();
    let drawn = splits::hold_out(groups.len(), share, seed)?;
    let held_out: HashSet<u64> = drawn.test.iter().map(|&at| groups[at]).collect();
    let (test, train) = (0..data.rows()).partition(|&row| held_out.contains(&group(row)));
    Ok(Split { train, test })
}

/// A logistic or linear regression on all features for every output; what cannot be fitted is noted.
fn linear_models(
    model: &dyn Model,
    train: &Dataset,
    context: &FitContext<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<Option<Box<dyn Model>>>> {
    let silent = FitContext { progress: &(), ..context.clone() };
    let mut models = Vec::new();
    for output in model.outputs() {
        let backend = match output.kind {
            OutputKind::Value => Backend::Glm(GlmParams { alpha: 1e-3, ..GlmParams::default() }),
            _ => Backend::Logistic(LogisticParams::default()),
        };
        let target = train.target_named(&output.target)?.clone();
        let data = Dataset::new(train.schema().clone(), train.x().to_owned())?.with_target(target)?;
        models.push(match backend.check()?.fit(&data, None, &silent) {
            Ok(fitted) => Some(fitted.model),
            Err(cancelled @ CoreError::Cancelled { .. }) => return Err(cancelled.into()),
            Err(error) => {
                notes.push(format!("no linear baseline of `{}`: {error}", output.target));
                None
            }
        });
    }
    Ok(models)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tenure_core::{Feature, Schema};

    use super::*;

    #[test]
    fn a_customer_is_held_out_with_all_rows_or_not_at_all() {
        let schema = Schema::new(vec![Feature::numeric("x", "", "")]).unwrap();
        let bare = Dataset::new(schema, ndarray::Array2::zeros((90, 1))).unwrap();
        let alone = hold_out(&bare, 0.2, 1).unwrap();
        assert_eq!((alone.train.len(), alone.test.len()), (72, 18));
        // Thirty customers of three rows each.
        let data = bare.with_groups((0..90).map(|row| row % 30).collect()).unwrap();
        let split = hold_out(&data, 0.2, 1).unwrap();
        assert_eq!((split.train.len(), split.test.len()), (72, 18));
        let customers = |rows: &[usize]| rows.iter().map(|row| row % 30).collect::<HashSet<_>>();
        assert!(customers(&split.train).is_disjoint(&customers(&split.test)));
    }
}
