//! The loop over trees.

use std::sync::Mutex;

use rayon::prelude::*;
use tenure_core::{
    Dataset, Error, FitContext, FitReport, Fitted, Iteration, Model, Output, Progress, Result, StopReason,
    Target, TargetKind, seed,
};

use super::bag::{Bagging, scaled};
use super::grow::{Grower, Grown, Limits, Source};
use super::oob::{Loss, OutOfBag};
use super::params::CAPABILITIES;
use super::search::Rules;
use super::stats::MOST_CLASSES;
use super::store::{Store, answer};
use super::{Columns, Criterion, ForestParams, LEARNER};
use crate::binning::{BinnedFeature, BinnedMatrix, TrainingRows, constant_columns, find_bins};
use crate::model::Spec;
use crate::train::{LabelledRows, Threads};
use crate::tree::Tree;
use crate::{Link, TreeModel};

/// Parts of the seed.
const BINS: u64 = 0;
pub(super) const ROWS: u64 = 1;
const NODES: u64 = 2;

/// What the work is called in progress reports and cancellations.
const STAGE: &str = "growing trees";

/// Points at which the out-of-bag loss is taken.
const HISTORY: usize = 20;

/// Trees grown between two reports, per thread.
const BATCH: usize = 4;

/// Fits a model; see [`tenure_core::Learner::fit`].
pub(super) fn fit(
    params: &ForestParams,
    train: &Dataset,
    valid: Option<&Dataset>,
    context: &FitContext<'_>,
) -> Result<Fitted> {
    let Parts { spec, bases, trees, mut report } = parts(params, train, valid, context)?;
    let model = TreeModel::new(LEARNER, spec, bases, trees)?;
    if let Some(out_of_bag) = &mut report.out_of_bag {
        predict_weightless(&model, train, out_of_bag)?;
    }
    Ok(Fitted { model: Box::new(model), report })
}

/// A model before it is compiled, and how the fit went.
pub(super) struct Parts {
    pub spec: Spec,
    pub bases: Vec<f64>,
    pub trees: Vec<Tree>,
    pub report: FitReport,
}

pub(super) fn parts(
    params: &ForestParams,
    train: &Dataset,
    valid: Option<&Dataset>,
    context: &FitContext<'_>,
) -> Result<Parts> {
    let target = train.target()?;
    if let Some(valid) = valid {
        valid.require_columns_of(train)?;
    }
    if train.offsets().is_some() {
        return Err(Error::unsupported(LEARNER, "offsets"));
    }
    let task = Task::new(params, target)?;
    let mut data = LabelledRows::new(LEARNER, train, target)?;
    task.require_two_classes(target, &data.labels)?;
    let weighted = data.weights.is_some();
    data.weights = data.weights.take().map(|weights| scaled(weights, data.weight));
    data.weight = data.weights.as_ref().map_or(data.rows.len() as f64, |w| w.iter().sum());
    let threads = Threads::new(context, data.rows.len() * train.schema().len() * params.trees)?;
    context.check_cancelled(STAGE)?;
    let forest = threads.run(|| Growing::new(params, task, train, data, threads.count(), context.seed));
    let mut report = forest.report();
    // Sums of a power of two, so that a few classes do not pay for many.
    let trees = match forest.task.outputs() {
        1 => forest.run::<2>(context, &threads, &mut report),
        2..=3 => forest.run::<4>(context, &threads, &mut report),
        4..=7 => forest.run::<8>(context, &threads, &mut report),
        8..=31 => forest.run::<32>(context, &threads, &mut report),
        _ => forest.run::<256>(context, &threads, &mut report),
    }?;
    let outputs = forest.task.outputs();
    let bases = vec![forest.centre * forest.unit; outputs];
    let spec = Spec {
        schema: train.schema().clone(),
        outputs: forest.task.named(target),
        link: Link::Identity,
        objective: forest.task.criterion.objective().to_owned(),
        capabilities: CAPABILITIES,
        weighted,
    };
    Ok(Parts { spec, bases, trees, report })
}

/// No tree learned from rows of weight 0: the whole forest answers for them.
fn predict_weightless(model: &TreeModel, train: &Dataset, out_of_bag: &mut [f64]) -> Result<()> {
    let Some(weights) = train.weights() else { return Ok(()) };
    let labels = train.target()?.values();
    let rows: Vec<usize> = (0..train.rows()).filter(|&r| weights[r] == 0.0 && !labels[r].is_nan()).collect();
    let answers = model.predict(train.x().select(ndarray::Axis(0), &rows).view())?;
    let outputs = answers.ncols();
    for (row, answer) in rows.into_iter().zip(answers.rows()) {
        out_of_bag[row * outputs..(row + 1) * outputs]
            .iter_mut()
            .zip(answer)
            .for_each(|(to, from)| *to = *from);
    }
    Ok(())
}

/// What is learned.
struct Task {
    criterion: Criterion,
    /// Names of the classes, where there are several; none for a binary target or a number.
    classes: Vec<String>,
}

impl Task {
    fn new(params: &ForestParams, target: &Target) -> Result<Self> {
        let name = target.name();
        let (fitting, classes): (&[Criterion], _) = match target.kind() {
            TargetKind::Binary => (&[Criterion::Gini, Criterion::Entropy], Vec::new()),
            TargetKind::Class { classes } => (&[Criterion::Gini, Criterion::Entropy], classes.clone()),
            TargetKind::Real => (&[Criterion::SquaredError], Vec::new()),
            _ => return Err(Error::unsupported(LEARNER, format!("the kind of the target `{name}`"))),
        };
        if classes.len() > MOST_CLASSES {
            let what = format!("{} classes (`{name}`): {MOST_CLASSES} are the most", classes.len());
            return Err(Error::unsupported(LEARNER, what));
        }
        let criterion = params.criterion.unwrap_or(fitting[0]);
        if !fitting.contains(&criterion) {
            let what = format!("the criterion {criterion:?} for the target `{name}`: {fitting:?} fit");
            return Err(Error::unsupported(LEARNER, what));
        }
        Ok(Self { criterion, classes })
    }

    fn is_number(&self) -> bool {
        self.criterion == Criterion::SquaredError
    }

    fn outputs(&self) -> usize {
        self.classes.len().max(1)
    }

    fn named(&self, target: &Target) -> Vec<Output> {
        let name = target.name();
        if self.is_number() {
            vec![Output::value(name, target.unit())]
        } else if self.classes.is_empty() {
            vec![Output::probability(name)]
        } else {
            self.classes.iter().map(|class| Output::class_probability(name, class)).collect()
        }
    }

    /// Among the rows that are learned from.
    fn require_two_classes(&self, target: &Target, labels: &[f64]) -> Result<()> {
        let first = labels[0];
        if self.is_number() || labels.iter().any(|&y| y != first) {
            return Ok(());
        }
        let class = self.classes.get(first as usize).cloned().unwrap_or_else(|| first.to_string());
        Err(Error::OneClass { target: target.name().to_owned(), class, rows: labels.len() })
    }
}

/// A power of two by which labels are divided so that their squares neither overflow nor vanish.
fn label_unit(labels: &[f64]) -> f64 {
    let largest = labels.iter().fold(0.0_f64, |m, y| m.max(y.abs()));
    if largest == 0.0 || (1e-100..1e100).contains(&largest) {
        return 1.0;
    }
    2.0_f64.powi((largest.log2().floor() as i32).clamp(-1022, 1023))
}

/// What a tree brings back.
struct Tried<const N: usize> {
    trees: Vec<Tree>,
    /// Rows that it did not learn from, and their leaves.
    out_of_bag: Vec<(u32, u32)>,
    /// Answers of each leaf, output by output.
    answers: Vec<f64>,
}

/// The state of a fit that all trees share.
struct Growing<'a> {
    params: &'a ForestParams,
    task: Task,
    data: LabelledRows,
    rows_in_all: usize,
    features: Vec<BinnedFeature>,
    constant: usize,
    matrix: BinnedMatrix,
    /// Mean values of the bins.
    values: Vec<Vec<f64>>,
    /// Labels are divided by the unit, and this is taken off them: 0 for classes.
    centre: f64,
    unit: f64,
    threads: usize,
    seed: u64,
}

impl<'a> Growing<'a> {
    fn new(
        params: &'a ForestParams,
        task: Task,
        train: &Dataset,
        mut data: LabelledRows,
        threads: usize,
        seed: u64,
    ) -> Self {
        let (mut unit, mut centre) = (1.0, 0.0);
        if task.is_number() {
            unit = label_unit(&data.labels);
            data.scale_labels(unit);
            centre = data.mean(&data.labels);
            data.labels.iter_mut().for_each(|y| *y -= centre);
        }
        let rows = TrainingRows { x: train.x(), rows: &data.rows, weights: data.weights.as_deref() };
        let parallel = threads > 1;
        let features = find_bins(train.schema(), rows, params.bins, seed::mix(seed, BINS), parallel);
        let matrix = BinnedMatrix::new(&features, rows, parallel);
        let values = if params.extra { mean_values(&features, &matrix, rows) } else { Vec::new() };
        let (rows_in_all, constant) = (train.rows(), constant_columns(train.schema(), &features));
        Self {
            params,
            task,
            data,
            rows_in_all,
            features,
            constant,
            matrix,
            values,
            centre,
            unit,
            threads,
            seed,
        }
    }

    fn report(&self) -> FitReport {
        let mut notes = Vec::new();
        if self.data.unlabelled > 0 {
            notes.push(format!("{} training rows without a label were left out", self.data.unlabelled));
        }
        if self.constant > 0 {
            notes.push(format!("{} features have one value only and are not used", self.constant));
        }
        FitReport {
            rows: self.data.rows.len(),
            iterations: self.params.trees,
            stopped: StopReason::Iterations,
            notes,
            ..FitReport::default()
        }
    }

    fn limits(&self) -> Limits {
        let columns = if self.task.is_number() { Columns::Third } else { Columns::Sqrt };
        let rules = Rules {
            criterion: self.task.criterion,
            min_rows: self.params.min_rows as f64,
            extra: self.params.extra,
        };
        Limits {
            rules,
            depth: self.params.depth.unwrap_or(usize::MAX),
            min_rows_split: self.params.min_rows_split as f64,
            min_gain: self.params.min_gain / self.unit / self.unit,
            columns: self.params.columns.unwrap_or(columns).of(self.features.len()),
        }
    }

    /// Grows all trees, and completes the report.
    fn run<const N: usize>(
        &self,
        context: &FitContext<'_>,
        threads: &Threads,
        report: &mut FitReport,
    ) -> Result<Vec<Tree>> {
        let (total, outputs) = (self.params.trees, self.task.outputs());
        let growers = Mutex::new(Vec::<Grower<N>>::new());
        let loss = Loss::of_criterion(self.task.criterion);
        let mut out_of_bag =
            self.params.leaves_rows_out().then(|| OutOfBag::new(self.data.rows.len(), outputs));
        if out_of_bag.is_some() {
            report.loss = loss.name().to_owned();
        }
        let mut trees = Vec::with_capacity(total * outputs);
        let (step, batch) = (total.div_ceil(HISTORY), self.threads * BATCH);
        let mut figure = None;
        for start in (0..total).step_by(batch) {
            let end = (start + batch).min(total);
            let one = |number: usize| -> Result<Tried<N>> {
                context.check_cancelled(STAGE)?;
                let lent = growers.lock().ok().and_then(|mut growers| growers.pop());
                let mut grower = lent.unwrap_or_else(|| Grower::new(self.features.len()));
                let tried = self.tree(&mut grower, number);
                if let Ok(mut growers) = growers.lock() {
                    growers.push(grower);
                }
                Ok(tried)
            };
            let grown: Result<Vec<Tried<N>>> = threads.run(|| {
                if self.threads > 1 {
                    (start..end).into_par_iter().with_max_len(1).map(one).collect()
                } else {
                    (start..end).map(one).collect()
                }
            });
            for (number, tried) in (start + 1..).zip(grown?) {
                trees.extend(tried.trees);
                if let Some(out_of_bag) = &mut out_of_bag {
                    out_of_bag.add(&tried.out_of_bag, &tried.answers);
                    if number % step == 0 || number == total {
                        let weights = self.data.weights.as_deref();
                        let value = out_of_bag.loss(loss, &self.data.labels, weights);
                        let value = value
                            .map(|v| v * if self.task.is_number() { self.unit * self.unit } else { 1.0 });
                        report.history.extend(value.map(|train| Iteration { train, valid: None }));
                        figure = value.map(|value| (loss.name(), value));
                    }
                }
            }
            context.progress.report(Progress {
                stage: STAGE,
                done: end as u64,
                total: Some(total as u64),
                figure,
            });
        }
        report.out_of_bag = out_of_bag.map(|out_of_bag| self.finish(&out_of_bag, report));
        Ok(trees)
    }

    fn bagging(&self) -> Bagging<'_> {
        let drawn = Bagging::new(self.params, self.data.rows.len(), self.data.weights.as_deref());
        // Trees that cannot split are the mean of their rows: of all, then.
        if self.features.is_empty() { Bagging { bootstrap: false, fraction: 1.0, ..drawn } } else { drawn }
    }

    /// One tree: what it draws follows from its number.
    fn tree<const N: usize>(&self, grower: &mut Grower<N>, number: usize) -> Tried<N> {
        let seed = |part| seed::mix(seed::mix(self.seed, part), number as u64);
        self.bagging().draw(seed(ROWS), &mut grower.counts, &mut grower.index);
        let source = Source {
            features: &self.features,
            matrix: &self.matrix,
            values: &self.values,
            labels: &self.data.labels,
        };
        let grown: Grown<N> = grower.grow(source, &self.limits(), seed(NODES));
        let outputs = self.task.outputs();
        let (mut out_of_bag, mut answers) = (Vec::new(), Vec::new());
        if self.params.leaves_rows_out() {
            let left_out = grower.counts.iter().enumerate().filter(|&(_, &count)| count == 0.0);
            out_of_bag.extend(left_out.map(|(row, _)| (row as u32, grown.leaf_of(&self.matrix, row) as u32)));
            answers.extend(grown.leaves.iter().flat_map(|sum| (0..outputs).map(move |k| answer(sum, k))));
        }
        let store = Store {
            features: &self.features,
            outputs,
            trees: self.params.trees,
            shares: !self.task.is_number(),
            unit: self.unit,
        };
        Tried { trees: store.trees(&grown), out_of_bag, answers }
    }

    /// Out-of-bag predictions in the order of the training set.
    fn finish(&self, out_of_bag: &OutOfBag, report: &mut FitReport) -> Vec<f64> {
        let (outputs, rows) = (self.task.outputs(), self.data.rows.len());
        let without = rows - out_of_bag.covered();
        if without > 0 {
            report.notes.push(format!(
                "{without} rows were drawn for every tree: they have no out-of-bag prediction"
            ));
        }
        let mut all = vec![f64::NAN; self.rows_in_all * outputs];
        for (at, means) in out_of_bag.means() {
            let row = self.data.rows[at] as usize * outputs;
            let to_label = |mean: f64| (mean + self.centre) * self.unit;
            all[row..row + outputs].iter_mut().zip(means).for_each(|(to, mean)| *to = to_label(mean));
        }
        all
    }
}

/// The mean value of each known bin of the numeric features.
fn mean_values(features: &[BinnedFeature], matrix: &BinnedMatrix, data: TrainingRows<'_>) -> Vec<Vec<f64>> {
    let of = |(at, feature): (usize, &BinnedFeature)| {
        if feature.is_categorical() {
            return Vec::new();
        }
        let (mut means, mut counts) = (vec![0.0; feature.known], vec![0.0; feature.known]);
        for (&row, &bin) in data.rows.iter().zip(matrix.column(at)) {
            if let (Some(mean), Some(count)) =
                (means.get_mut(usize::from(bin)), counts.get_mut(usize::from(bin)))
            {
                *count += 1.0;
                // A running mean does not overflow.
                let value = data.x[[row as usize, feature.column]];
                *mean += value / *count - *mean / *count;
            }
        }
        means
    };
    features.iter().enumerate().map(of).collect()
}
