//! One training, epoch by epoch.

mod checkpoint;
mod data;
mod heads;
mod history;

use std::sync::Arc;

use ndarray::Array2;
use tenure_core::{
    Dataset, Error, FitContext, FitReport, Iteration, Progress, Result, StopReason, Target, seed,
};

pub use history::{EpochRecord, Losses};

use crate::graph::{Graph, Space, Weights};
use crate::inputs::InputScaler;
use crate::layers::{Mode, Pass, Role};
use crate::loss::Objective;
use crate::model::{NetworkModel, Shell};
use crate::optimise::{Moments, clip, learning_rate, warm_up};
use crate::{NetworkParams, Schedule, TrainingParams};
use data::{Batch, Rows, known};

/// Parts of the seed.
const WEIGHTS: u64 = 0;
const ORDER: u64 = 1;
const DROPOUT: u64 = 2;
const HOLD_OUT: u64 = 3;

/// Fewer rows are not split into training and validation.
const LEAST_TO_SPLIT: usize = 10;
/// Rows whose loss is computed at a time.
const CHUNK: usize = 512;
/// A training loss so many times that of the untrained network, whose predictions lie around the means, diverges.
const DIVERGED: f64 = 1e3;

/// A training under way.
///
/// ```
/// use tenure_neural::{MlpParams, TrainingParams};
/// # use tenure_core::{Dataset, Feature, FitContext, Schema, Target};
/// # let schema = Schema::new(vec![Feature::numeric("x", "", "")])?;
/// # let x = ndarray::Array2::from_shape_fn((200, 1), |(i, _)| i as f64);
/// # let y = (0..200).map(|i| (f64::from(i) / 30.0).sin()).collect();
/// # let data = Dataset::new(schema, x)?.with_target(Target::real("y", y)?)?;
/// let training = TrainingParams { epochs: 20, ..TrainingParams::default() };
/// let network = MlpParams { training, ..MlpParams::default() }.check()?.network(&data)?;
/// let context = FitContext::new(42);
/// let mut run = network.start(&data, None, &context)?;
/// while let Some(epoch) = run.next_epoch(&context)? {
///     assert!(epoch.train.total.is_finite()); // print it, or keep `run.checkpoint()`
/// }
/// let fit = run.finish()?;
/// assert_eq!(fit.history.len(), 20);
/// # Ok::<(), tenure_core::Error>(())
/// ```
#[derive(Debug)]
pub struct TrainingRun {
    params: NetworkParams,
    seed: u64,
    /// What all its models share.
    shell: Arc<Shell>,
    train: Rows,
    valid: Option<Rows>,
    /// Whether the validation rows were taken from the training rows.
    held_out: bool,
    /// Of the data, the seed and the parameters, to know a checkpoint by.
    fingerprint: u64,
    weights: Weights<f32>,
    moments: Moments<f32>,
    best: Best,
    plateau: Plateau,
    history: Vec<EpochRecord>,
    /// Loss before the first epoch.
    first_loss: f64,
    stopped: Option<StopReason>,
    /// Learning rates to follow, one an epoch, instead of the schedule.
    rates: Option<Vec<f64>>,
    space: Space<f32>,
    batch: Batch,
    gradient: Vec<f32>,
}

/// The best epoch so far.
#[derive(Debug, Clone, PartialEq)]
struct Best {
    loss: f64,
    /// From 1; 0 before the first.
    epoch: usize,
    weights: Weights<f32>,
}

/// What reduce-on-plateau remembers.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Plateau {
    best: f64,
    waited: usize,
    reductions: u32,
}

/// What a training ends in.
#[derive(Debug)]
pub struct NetworkFit {
    /// Of the epoch with the lowest validation loss; the last one without validation rows.
    pub model: NetworkModel,
    /// Of the last epoch, its heads refitted where that is asked for.
    pub last: NetworkModel,
    /// How it went.
    pub report: FitReport,
    /// Epoch by epoch.
    pub history: Vec<EpochRecord>,
}

impl TrainingRun {
    pub(crate) fn start(
        params: &NetworkParams,
        train: &Dataset,
        valid: Option<&Dataset>,
        context: &FitContext<'_>,
    ) -> Result<Self> {
        let spec = &params.network;
        let fingerprint =
            checkpoint::fingerprint(train.fingerprint(), valid.map(Dataset::fingerprint), context.seed);
        let train = known(train, spec)?;
        if let Some(valid) = valid {
            valid.require_columns_of(&train)?;
        }
        let (train, valid, held_out) = with_validation(train, valid, params, context.seed)?;
        check_labels(&train, params)?;
        if spec.steps > 1 && !train.schema().len().is_multiple_of(spec.steps) {
            let words = format!(
                "{} features, which are not {} steps of as many each",
                train.schema().len(),
                spec.steps
            );
            return Err(Error::unsupported("this network", words));
        }
        let scaler = InputScaler::fit(&train, spec.steps, params.missing_indicators)?;
        let graph = Graph::<f32>::build(spec, scaler.inputs().len())?;
        let mut weights = graph.initial(seed::mix(context.seed, WEIGHTS));
        let (mut lines, mut outputs) = (Vec::new(), Vec::new());
        for (at, head) in spec.heads.iter().enumerate() {
            let targets = head.find(&train)?;
            let of_head: Vec<_> =
                targets.iter().map(|target| head.line(target, train.weights())).collect::<Result<_>>()?;
            let biases = graph.last_biases(at, &mut weights);
            for ((bias, target), &line) in biases.iter_mut().zip(&targets).zip(&of_head) {
                *bias = head.first_bias(target, line, train.weights()) as f32;
            }
            outputs.extend(targets.iter().map(|target| head.output(target)));
            lines.push(of_head);
        }
        let rows = |data: &Dataset| Rows::new(data, &scaler, &spec.heads, &lines);
        let (rows_of_train, rows_of_valid) = (rows(&train)?, valid.as_ref().map(rows).transpose()?);
        let shell = Shell::new(train.schema().clone(), spec.clone(), outputs, scaler, lines, graph)?;
        let parameters = weights.parameters.len();
        let mut run = Self {
            params: params.clone(),
            seed: context.seed,
            shell: Arc::new(shell),
            train: rows_of_train,
            valid: rows_of_valid,
            held_out,
            fingerprint,
            best: Best { loss: f64::INFINITY, epoch: 0, weights: weights.clone() },
            weights,
            moments: Moments::new(parameters),
            plateau: Plateau { best: f64::INFINITY, waited: 0, reductions: 0 },
            history: Vec::new(),
            first_loss: 0.0,
            stopped: None,
            rates: None,
            space: Space::default(),
            batch: Batch::default(),
            gradient: vec![0.0; parameters],
        };
        run.first_loss = run.losses_of(&run.train).total;
        Ok(run)
    }

    /// Begins a training on all rows at given learning rates, one an epoch.
    pub(crate) fn start_at_rates(
        params: &NetworkParams,
        rates: Vec<f64>,
        train: &Dataset,
        context: &FitContext<'_>,
    ) -> Result<Self> {
        let training = TrainingParams {
            epochs: rates.len(),
            early_stopping: None,
            schedule: Schedule::Constant,
            ..params.training.clone()
        };
        let mut run = Self::start(&NetworkParams { training, ..params.clone() }, train, None, context)?;
        run.rates = Some(rates);
        Ok(run)
    }

    /// Trains one more epoch; `None` once the training has ended. `context` is asked for progress and cancellation;
    /// the seed is that of the start.
    ///
    /// # Errors
    /// [`Error::Cancelled`] with the weights as after the epoch before; [`Error::Parameter`] naming the learning
    /// rate where the loss grows beyond all bounds.
    pub fn next_epoch(&mut self, context: &FitContext<'_>) -> Result<Option<&EpochRecord>> {
        context.check_cancelled("training the network")?;
        if self.stopped.is_some() {
            return Ok(None);
        }
        let epoch = self.history.len();
        let record = self.epoch(epoch);
        let watched = record.watched();
        if !watched.is_finite() || record.train.total > DIVERGED * self.first_loss.max(f64::MIN_POSITIVE) {
            return Err(self.diverged(&record));
        }
        let figure = Some(("loss", watched));
        let (done, total) = (epoch as u64 + 1, Some(self.params.training.epochs as u64));
        context.progress.report(Progress { stage: "training the network", done, total, figure });
        self.history.push(record);
        self.after(watched);
        Ok(self.history.last())
    }

    fn diverged(&self, record: &EpochRecord) -> Error {
        let found = if record.train.total.is_finite() {
            format!("{:.1e}", record.train.total)
        } else {
            "not finite".into()
        };
        let expected = format!(
            "a lower one: the training loss of epoch {} is {found}, where the untrained network has {:.3}",
            record.epoch, self.first_loss
        );
        let value = self.params.training.learning_rate.to_string();
        Error::Parameter { name: "learning_rate", value, expected: expected.into() }
    }

    /// What follows from the loss of an epoch: the best weights, the learning rate, the end.
    fn after(&mut self, watched: f64) {
        let training = &self.params.training;
        let (epoch, delta) = (self.history.len(), training.early_stopping.map_or(0.0, |s| s.min_delta));
        // Without a validation set there is nothing to choose by: the last weights are kept.
        if self.valid.is_none() || watched < self.best.loss - delta {
            self.best = Best { loss: watched, epoch, weights: self.weights.clone() };
            if let Some(record) = self.history.last_mut() {
                record.best = true;
            }
        }
        if let Schedule::ReduceOnPlateau { patience, .. } = training.schedule {
            let plateau = &mut self.plateau;
            if watched < plateau.best {
                (plateau.best, plateau.waited) = (watched, 0);
            } else {
                plateau.waited += 1;
            }
            if plateau.waited > patience {
                (plateau.waited, plateau.reductions) = (0, plateau.reductions + 1);
            }
        }
        self.stopped = self.ended();
    }

    fn ended(&self) -> Option<StopReason> {
        let training = &self.params.training;
        let waited = self.history.len() - self.best.epoch;
        match training.early_stopping {
            Some(stopping) if self.valid.is_some() && waited >= stopping.patience => {
                Some(StopReason::EarlyStopping)
            }
            _ if self.history.len() >= training.epochs => Some(StopReason::Iterations),
            _ => None,
        }
    }

    fn epoch(&mut self, epoch: usize) -> EpochRecord {
        let training = self.params.training.clone();
        // What is given is the rate of an epoch's last step.
        let last = |rate: &f64| rate / warm_up(&training, epoch, 0, 1);
        let given = self.rates.as_ref().and_then(|rates| rates.get(epoch).map(last));
        let base = given.unwrap_or_else(|| learning_rate(&training, epoch, self.plateau.reductions));
        let order = seed::permutation(self.train.rows, seed::mix(seed::mix(self.seed, ORDER), epoch as u64));
        let batches = batches(order.len(), training.batch_size);
        let mut sums = Sums::new(self.shell.spec().heads.len());
        let (mut rate, mut norms) = (base, 0.0);
        for (at, range) in batches.iter().enumerate() {
            rate = base * warm_up(&training, epoch, at, batches.len());
            norms += self.step(&order[range.clone()], rate, &training, &mut sums);
        }
        EpochRecord {
            epoch: epoch + 1,
            learning_rate: rate,
            gradient_norm: norms / batches.len().max(1) as f64,
            train: sums.losses(self.shell.spec().heads.iter().map(|h| h.weight)),
            valid: self.valid.as_ref().map(|valid| self.losses_of(valid)),
            best: false,
        }
    }

    /// One step over some rows; gives the norm of its gradient.
    fn step(&mut self, rows: &[usize], rate: f64, training: &TrainingParams, sums: &mut Sums) -> f64 {
        let Self { shell, train, batch, space, weights, gradient, moments, .. } = self;
        let graph = shell.graph();
        train.gather(rows, batch);
        let dropout = seed::mix(seed::mix(self.seed, DROPOUT), moments.steps);
        let pass =
            Pass { rows: rows.len(), mode: Mode::Train { seed: dropout }, present: batch.present.as_deref() };
        graph.forward(&pass, weights, space, &batch.x);
        for (at, head) in shell.spec().heads.iter().enumerate() {
            let (raw, flow) = space.outputs_and_flow(at);
            let weights = batch.weights.as_deref();
            let objective = head.objective();
            sums.add(at, objective.sum(raw, &batch.labels[at], weights, head.weight as f32, Some(flow)));
        }
        graph.backward(&pass, weights, space, &batch.x, gradient, None);
        graph.update(space, weights);
        if training.l2 > 0.0 {
            let decaying = graph.tensors.iter().filter(|tensor| tensor.role == Role::Weight);
            let factor = (2.0 * training.l2) as f32;
            for tensor in decaying {
                let (gradient, weights) =
                    (&mut gradient[tensor.place.clone()], &weights.parameters[tensor.place.clone()]);
                gradient.iter_mut().zip(weights).for_each(|(g, &w)| *g += factor * w);
            }
        }
        let norm = clip(gradient, training.clip_norm);
        moments.step(training.optimizer, rate, &mut weights.parameters, gradient);
        norm
    }

    /// Losses of the present weights.
    fn losses_of(&self, rows: &Rows) -> Losses {
        self.losses_by(&self.weights, rows)
    }

    fn losses_by(&self, weights: &Weights<f32>, rows: &Rows) -> Losses {
        let heads = &self.shell.spec().heads;
        let mut sums = Sums::new(heads.len());
        self.evaluate(weights, rows, |batch, space| {
            for (at, head) in heads.iter().enumerate() {
                let weights = batch.weights.as_deref();
                sums.add(at, head.objective().sum(space.outputs(at), &batch.labels[at], weights, 1.0, None));
            }
        });
        sums.losses(heads.iter().map(|h| h.weight))
    }

    /// Shows `see` all rows, chunk by chunk, with their outputs.
    fn evaluate(&self, weights: &Weights<f32>, rows: &Rows, mut see: impl FnMut(&Batch, &Space<f32>)) {
        let (mut batch, mut space) = (Batch::default(), Space::default());
        let all: Vec<usize> = (0..rows.rows).collect();
        for chunk in all.chunks(CHUNK) {
            rows.gather(chunk, &mut batch);
            let pass = Pass { rows: chunk.len(), mode: Mode::Evaluate, present: batch.present.as_deref() };
            self.shell.graph().forward(&pass, weights, &mut space, &batch.x);
            see(&batch, &space);
        }
    }

    /// Predictions of the present weights for the validation rows, rows × outputs, in the units of the targets;
    /// `None` without such rows.
    #[must_use]
    pub fn valid_predictions(&self) -> Option<Array2<f64>> {
        let valid = self.valid.as_ref()?;
        let mut out = Vec::with_capacity(valid.rows * self.shell.outputs().len());
        self.evaluate(&self.weights, valid, |batch, space| {
            let rows = batch
                .labels
                .first()
                .map_or(0, |labels| labels.len() / self.shell.spec().heads[0].targets.len());
            (0..rows).for_each(|row| self.shell.link(space, row, &mut out));
        });
        Array2::from_shape_vec((valid.rows, self.shell.outputs().len()), out).ok()
    }

    /// Epoch by epoch so far.
    #[must_use]
    pub fn history(&self) -> &[EpochRecord] {
        &self.history
    }

    /// Why it ended; `None` while it has not.
    #[must_use]
    pub fn stopped(&self) -> Option<StopReason> {
        self.stopped
    }

    /// The model of the present weights.
    #[must_use]
    pub fn current(&self) -> NetworkModel {
        NetworkModel::new(Arc::clone(&self.shell), self.weights.clone())
    }

    /// The model of the best epoch so far.
    #[must_use]
    pub fn best(&self) -> NetworkModel {
        NetworkModel::new(Arc::clone(&self.shell), self.best.weights.clone())
    }

    /// Ends the training where it stands.
    ///
    /// # Errors
    /// [`Error::Data`] before the first epoch.
    pub fn finish(self) -> Result<NetworkFit> {
        if self.history.is_empty() {
            return Err(Error::Data("the training has not begun".into()));
        }
        let (mut model, mut last) = (self.best(), self.current());
        if self.params.training.refit_heads {
            let refitted =
                |weights| NetworkModel::new(Arc::clone(&self.shell), self.with_refitted_heads(weights));
            (model, last) = (refitted(&self.best.weights), refitted(&self.weights));
        }
        let held_out = self.valid.as_ref().filter(|_| self.held_out).map_or(0, |valid| valid.rows);
        let mut notes = Vec::new();
        if held_out > 0 {
            notes.push(format!("{held_out} rows were held out to choose the epoch by"));
        }
        let best = &self.history[self.best.epoch.max(1) - 1];
        if best.train.total.min(best.watched()) >= self.first_loss {
            notes.push(format!(
                "no epoch was better than the untrained network (loss {:.4}): try a lower learning rate than {}, or look at the inputs",
                self.first_loss, self.params.training.learning_rate
            ));
        }
        let iteration = |record: &EpochRecord| Iteration {
            train: record.train.total,
            valid: record.valid.as_ref().map(|v| v.total),
        };
        let report = FitReport {
            rows: self.train.rows + held_out,
            loss: "loss".into(),
            history: self.history.iter().map(iteration).collect(),
            iterations: self.best.epoch,
            stopped: self.stopped.unwrap_or(StopReason::Iterations),
            notes,
            out_of_bag: None,
        };
        Ok(NetworkFit { model, last, report, history: self.history })
    }
}

/// Sums of losses over batches.
struct Sums {
    heads: Vec<(f64, usize)>,
}

impl Sums {
    fn new(heads: usize) -> Self {
        Self { heads: vec![(0.0, 0); heads] }
    }

    fn add(&mut self, head: usize, (loss, known): (f64, usize)) {
        self.heads[head].0 += loss;
        self.heads[head].1 += known;
    }

    fn losses(&self, weights: impl Iterator<Item = f64>) -> Losses {
        let heads: Vec<f64> = self.heads.iter().map(|&(loss, known)| loss / known.max(1) as f64).collect();
        Losses { total: heads.iter().zip(weights).map(|(loss, weight)| loss * weight).sum(), heads }
    }
}

/// Steps of an epoch; a last row that would stand alone, which batch normalisation cannot learn from, joins the batch
/// before.
fn batches(rows: usize, size: usize) -> Vec<std::ops::Range<usize>> {
    let mut batches: Vec<_> =
        (0..rows.div_ceil(size)).map(|at| at * size..((at + 1) * size).min(rows)).collect();
    if batches.len() > 1 && batches.last().is_some_and(|last| last.len() == 1) {
        batches.pop();
        if let Some(last) = batches.last_mut() {
            last.end = rows;
        }
    }
    batches
}

/// Training and validation rows, and whether the latter were taken from the former.
fn with_validation(
    train: Dataset,
    valid: Option<&Dataset>,
    params: &NetworkParams,
    seed: u64,
) -> Result<(Dataset, Option<Dataset>, bool)> {
    if let Some(valid) = valid {
        let valid = known(valid, &params.network)?;
        if valid.rows() == 0 {
            return Err(Error::Data("the validation set has no row with a known label".into()));
        }
        return Ok((train, Some(valid), false));
    }
    let training = &params.training;
    let wanted =
        training.early_stopping.is_some() || matches!(training.schedule, Schedule::ReduceOnPlateau { .. });
    let share = training.validation_share;
    if !wanted || share == 0.0 || train.rows() < LEAST_TO_SPLIT {
        return Ok((train, None, false));
    }
    // Whole groups; without groups each row is one.
    let group = |row: usize| train.groups().map_or(row as u64, |groups| groups[row]);
    let seed = seed::mix(seed, HOLD_OUT);
    let mut groups: Vec<u64> = (0..train.rows()).map(group).collect();
    groups.sort_unstable();
    groups.dedup();
    let held = (share * groups.len() as f64).round() as usize;
    if held == 0 || held == groups.len() {
        return Ok((train, None, false));
    }
    let order = seed::permutation(groups.len(), seed);
    let held: std::collections::HashSet<u64> = order[..held].iter().map(|&at| groups[at]).collect();
    let (out, kept): (Vec<usize>, Vec<usize>) =
        (0..train.rows()).partition(|&row| held.contains(&group(row)));
    Ok((train.select(&kept), Some(train.select(&out)), true))
}

/// Refuses labels that nothing can be learned from.
fn check_labels(train: &Dataset, params: &NetworkParams) -> Result<()> {
    if train.rows() < 2 {
        return Err(Error::NotEnoughRows { found: train.rows(), needed: 2 });
    }
    for head in &params.network.heads {
        let targets: Vec<&Target> = head.find(train)?;
        if head.objective() == Objective::CrossEntropy {
            targets.iter().try_for_each(|target| target.require_two_classes())?;
        }
        for target in targets {
            if target.values().iter().all(|v| v.is_nan()) {
                return Err(Error::Data(format!("target `{}`: no training row has a label", target.name())));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
