//! The boosting loop.

use rayon::prelude::*;
use tenure_core::{
    Dataset, Error, FitContext, FitReport, Fitted, Iteration, Output, Progress, Result, StopReason, seed,
};

use super::CHUNK;
use super::constraints::Constraints;
use super::finish::{Context, leaf_of};
use super::grow::{Buffers, grow};
use super::histogram::Source;
use super::quantise::{Packed, Scales};
use super::rows::{LabelledRows, objective};
use super::sampling;
use super::split::Rules;
use super::threads::Threads;
use crate::binning::{BinnedFeature, BinnedMatrix, TrainingRows, find_bins, zeroed};
use crate::model::Spec;
use crate::objective::{Gradient, Rows, Totals, gradients};
use crate::params::CAPABILITIES;
use crate::tree::{Leaf, Tree};
use crate::{GbdtParams, Objective, TreeModel};

/// Parts of the seed.
const BINS: u64 = 0;
const ROWS: u64 = 1;
const COLUMNS: u64 = 2;
const NODES: u64 = 3;

/// What the work is called in progress reports and cancellations.
const STAGE: &str = "boosting";

/// Fits a model; see [`tenure_core::Learner::fit`].
pub(crate) fn fit(
    params: &GbdtParams,
    train: &Dataset,
    valid: Option<&Dataset>,
    context: &FitContext<'_>,
) -> Result<Fitted> {
    let target = train.target()?;
    let objective = objective(params.objective, target)?;
    let mut data = LabelledRows::new(train, target)?;
    if objective == Objective::BinaryLogLoss && data.labels.iter().all(|&y| y == data.labels[0]) {
        let (class, rows) = (data.labels[0].to_string(), data.labels.len());
        return Err(Error::OneClass { target: target.name().to_owned(), class, rows });
    }
    let mut held_out = match valid {
        Some(valid) => {
            valid.require_columns_of(train)?;
            let theirs = valid.target_named(target.name())?;
            if theirs.kind() != target.kind() {
                let name = target.name();
                return Err(Error::Data(format!("target `{name}` of the validation set is of another kind")));
            }
            Some((values(valid)?, LabelledRows::new(valid, theirs)?))
        }
        None => None,
    };
    let unit = label_unit(objective, &data.labels);
    data.scale_labels(unit);
    if let Some((_, rows)) = &mut held_out {
        rows.scale_labels(unit);
    }
    let threads = Threads::new(context, data.rows.len() * train.schema().len())?;
    let mut boosting =
        threads.run(|| Boosting::new(params, objective, unit, train, data, threads.count(), context.seed))?;
    let held_out = held_out.map(|(x, rows)| HeldOut::new(x, train.schema().len(), rows, boosting.base));
    let report = boosting.run(held_out, context, &threads)?;
    let output = match objective {
        Objective::BinaryLogLoss => Output::probability(target.name()),
        Objective::SquaredError => Output::value(target.name(), target.unit()),
    };
    let weighted = boosting.data.weights.is_some();
    let base = finite(boosting.base * unit);
    for leaf in boosting.trees.iter_mut().flat_map(|tree| &mut tree.leaves) {
        leaf.value = finite(leaf.value * unit);
    }
    let spec = Spec {
        schema: train.schema().clone(),
        outputs: vec![output],
        link: objective.link(),
        objective: objective.name().to_owned(),
        capabilities: CAPABILITIES,
        weighted,
    };
    let model = TreeModel::new(spec, vec![base], boosting.trees);
    Ok(Fitted { model: Box::new(model), report })
}

fn finite(value: f64) -> f64 {
    value.clamp(-f64::MAX, f64::MAX)
}

/// The row-major features of a data set.
fn values(data: &Dataset) -> Result<&[f64]> {
    data.x().to_slice().ok_or_else(|| Error::Internal("a data set is not stored row by row".into()))
}

/// A power of two by which labels are divided so that their squares neither overflow nor vanish; 1 for all labels
/// of ordinary size.
fn label_unit(objective: Objective, labels: &[f64]) -> f64 {
    let largest = labels.iter().fold(0.0_f64, |m, y| m.max(y.abs()));
    if objective == Objective::BinaryLogLoss || largest == 0.0 || (1e-100..1e100).contains(&largest) {
        return 1.0;
    }
    2.0_f64.powi((largest.log2().floor() as i32).clamp(-1022, 1023))
}

/// Rows that the fit only looks at.
struct HeldOut<'a> {
    x: &'a [f64],
    width: usize,
    data: LabelledRows,
    scores: Vec<f64>,
    /// Room for gradients, which nobody asks for.
    unused: Vec<Gradient>,
}

impl<'a> HeldOut<'a> {
    fn new(x: &'a [f64], width: usize, data: LabelledRows, base: f64) -> Self {
        let n = data.rows.len();
        Self { x, width, scores: data.first_scores(base), data, unused: vec![Gradient::default(); n] }
    }

    /// Mean loss once `tree` is added.
    fn add(&mut self, tree: &Tree, objective: Objective, parallel: bool) -> f64 {
        let (x, width) = (self.x, self.width);
        let add = |(score, &row): (&mut f64, &u32)| {
            let row = &x[row as usize * width..][..width];
            *score += tree.leaves[leaf_of(tree, row)].value;
        };
        if parallel {
            self.scores.par_iter_mut().with_min_len(CHUNK).zip(&self.data.rows).for_each(add);
        } else {
            self.scores.iter_mut().zip(&self.data.rows).for_each(add);
        }
        let totals = sum_gradients(objective, &self.scores, &self.data, &mut self.unused, parallel);
        totals.loss / self.data.weight
    }
}

/// Gradients of all rows, and their sums: chunks of fixed size, added up in order.
fn sum_gradients(
    objective: Objective,
    scores: &[f64],
    data: &LabelledRows,
    out: &mut [Gradient],
    parallel: bool,
) -> Totals {
    let n = out.len();
    let chunk = |(at, out): (usize, &mut [Gradient])| {
        let range = at * CHUNK..(at * CHUNK + CHUNK).min(n);
        let weights = data.weights.as_ref().map(|w| &w[range.clone()]);
        let rows = Rows { scores: &scores[range.clone()], labels: &data.labels[range], weights };
        gradients(objective, rows, out)
    };
    let totals: Vec<Totals> = if parallel {
        out.par_chunks_mut(CHUNK).enumerate().map(chunk).collect()
    } else {
        out.chunks_mut(CHUNK).enumerate().map(chunk).collect()
    };
    totals.into_iter().fold(Totals::EMPTY, Totals::add)
}

/// The state of a fit.
struct Boosting<'a> {
    params: &'a GbdtParams,
    objective: Objective,
    /// The labels are divided by this.
    unit: f64,
    x: &'a [f64],
    width: usize,
    data: LabelledRows,
    features: Vec<BinnedFeature>,
    matrix: BinnedMatrix,
    constraints: Option<Constraints>,
    base: f64,
    scores: Vec<f64>,
    gradients: Vec<Gradient>,
    packed: Vec<Packed>,
    index: Vec<u32>,
    buffers: Buffers,
    trees: Vec<Tree>,
    threads: usize,
    seed: u64,
}

impl<'a> Boosting<'a> {
    fn new(
        params: &'a GbdtParams,
        objective: Objective,
        unit: f64,
        train: &'a Dataset,
        data: LabelledRows,
        threads: usize,
        seed: u64,
    ) -> Result<Self> {
        let rows = TrainingRows { x: train.x(), rows: &data.rows, weights: data.weights.as_deref() };
        let parallel = threads > 1;
        let features = find_bins(train.schema(), rows, params.bins, seed::mix(seed, BINS), parallel);
        let constraints = Constraints::new(params, train.schema(), &features)?;
        let matrix = BinnedMatrix::new(&features, rows, parallel);
        let base = data.base(objective);
        let n = data.rows.len();
        Ok(Self {
            params,
            objective,
            unit,
            x: values(train)?,
            width: train.schema().len(),
            scores: data.first_scores(base),
            data,
            features,
            matrix,
            constraints,
            base,
            gradients: vec![Gradient::default(); n],
            packed: zeroed(n),
            index: Vec::with_capacity(n),
            buffers: Buffers::default(),
            trees: Vec::new(),
            threads,
            seed,
        })
    }

    fn parallel(&self) -> bool {
        self.threads > 1
    }

    /// Whether each tree sees only a part of the data, so that the next may find what this one did not.
    fn samples(&self) -> bool {
        let p = self.params;
        p.row_fraction < 1.0 || p.column_fraction < 1.0 || p.node_column_fraction < 1.0
    }

    fn run(
        &mut self,
        mut held_out: Option<HeldOut<'_>>,
        context: &FitContext<'_>,
        threads: &Threads,
    ) -> Result<FitReport> {
        let loss = self.objective.loss_name();
        let mut report = FitReport {
            rows: self.data.rows.len(),
            loss: loss.into(),
            stopped: StopReason::Iterations,
            notes: self.notes(held_out.as_ref().map(|h| &h.data)),
            ..FitReport::default()
        };
        let mut best = (f64::INFINITY, 0);
        context.check_cancelled(STAGE)?;
        let mut totals = threads.run(|| self.sum_up());
        for done in 1..=self.params.trees {
            context.check_cancelled(STAGE)?;
            let step = threads.run(|| self.step(totals, held_out.as_mut()));
            let Some((after, valid)) = step? else {
                report.stopped = StopReason::Exhausted;
                break;
            };
            totals = after;
            let unit = self.unit * self.unit;
            let train = totals.loss / self.data.weight * unit;
            report.history.push(Iteration { train, valid: valid.map(|v| v * unit) });
            context.progress.report(Progress {
                stage: STAGE,
                done: done as u64,
                total: Some(self.params.trees as u64),
                figure: Some((loss, valid.map_or(train, |v| v * unit))),
            });
            if let (Some(valid), Some(rounds)) = (valid, self.params.early_stopping_rounds) {
                if valid < best.0 {
                    best = (valid, done);
                } else if done - best.1 >= rounds {
                    report.stopped = StopReason::EarlyStopping;
                    break;
                }
            }
        }
        if held_out.is_some() && self.params.early_stopping_rounds.is_some() {
            self.trees.truncate(best.1);
        }
        report.iterations = self.trees.len();
        Ok(report)
    }

    fn notes(&self, held_out: Option<&LabelledRows>) -> Vec<String> {
        let mut notes = Vec::new();
        if self.data.unlabelled > 0 {
            notes.push(format!("{} training rows without a label were left out", self.data.unlabelled));
        }
        match held_out {
            Some(rows) if rows.unlabelled > 0 => {
                notes.push(format!("{} validation rows without a label were left out", rows.unlabelled));
            }
            None if self.params.early_stopping_rounds.is_some() => {
                notes.push("no validation set: all trees are kept".into());
            }
            _ => {}
        }
        let constant = self.width - self.features.len();
        if constant > 0 {
            notes.push(format!("{constant} features have one value only and are not used"));
        }
        let excluded = self.constraints.as_ref().map_or(0, Constraints::excluded);
        if excluded > 0 {
            notes.push(format!("{excluded} features are in no group of `interactions` and are not used"));
        }
        notes
    }

    fn sum_up(&mut self) -> Totals {
        let parallel = self.parallel();
        sum_gradients(self.objective, &self.scores, &self.data, &mut self.gradients, parallel)
    }

    /// One more tree. Returns the sums after it, and the validation loss; `None` where nothing is left to learn.
    fn step(
        &mut self,
        totals: Totals,
        held_out: Option<&mut HeldOut<'_>>,
    ) -> Result<Option<(Totals, Option<f64>)>> {
        if !(totals.g_abs.is_finite() && totals.h.is_finite()) {
            return Err(Error::Data("labels and weights are too large: their products overflow".into()));
        }
        let tree = match Scales::new(&totals, self.data.rows.len()) {
            Some(scales) => self.grow(&scales),
            None => None,
        };
        let tree = match tree {
            Some(tree) => tree,
            None if self.samples() => {
                let cover = self.data.weight;
                Tree {
                    nodes: Vec::new(),
                    leaves: vec![Leaf { value: 0.0, cover }],
                    category_bits: Vec::new(),
                }
            }
            None => return Ok(None),
        };
        let valid = held_out.map(|h| h.add(&tree, self.objective, self.threads > 1));
        self.trees.push(tree);
        Ok(Some((self.sum_up(), valid)))
    }

    /// Grows a tree and adds it to the scores; `None` where no split is worth it.
    fn grow(&mut self, scales: &Scales) -> Option<Tree> {
        let parallel = self.parallel();
        scales.pack_all(&self.gradients, &mut self.packed, parallel);
        let number = self.trees.len() as u64;
        let seed = |part| seed::mix(seed::mix(self.seed, part), number);
        let n = self.data.rows.len();
        let fraction = self.params.row_fraction;
        sampling::rows(n, fraction, seed(ROWS), &mut self.index);
        let selected = sampling::columns(self.features.len(), self.params.column_fraction, seed(COLUMNS));
        let rules = Rules {
            constraints: self.constraints.as_ref(),
            seed: seed(NODES),
            ..Rules::new(self.params, scales, self.unit)
        };
        let source = Source {
            features: &self.features,
            matrix: &self.matrix,
            selected: &selected,
            packed: &self.packed,
        };
        let grown = grow(source, &rules, self.params, self.threads, &mut self.index, &mut self.buffers);
        if grown.nodes.is_empty() {
            return None;
        }
        let context = Context {
            params: self.params,
            features: &self.features,
            gradients: &self.gradients,
            weights: self.data.weights.as_deref(),
            unit: self.unit,
            step_unit: scales.h / scales.g,
            parallel,
        };
        let tree = context.finish(&grown, &self.index);
        for (rows, leaf) in grown.leaves.iter().zip(&tree.leaves) {
            for &row in &self.index[rows.start..rows.start + rows.len] {
                self.scores[row as usize] += leaf.value;
            }
        }
        if fraction < 1.0 {
            self.score_rows_left_out(&tree, seed(ROWS), parallel);
        }
        Some(tree)
    }

    /// Rows that were not drawn for the tree get their leaf by walking it.
    fn score_rows_left_out(&mut self, tree: &Tree, seed: u64, parallel: bool) {
        let fraction = self.params.row_fraction;
        let add = |(at, (score, &row)): (usize, (&mut f64, &u32))| {
            if seed::unit(seed, at as u64) >= fraction {
                let row = &self.x[row as usize * self.width..][..self.width];
                *score += tree.leaves[leaf_of(tree, row)].value;
            }
        };
        if parallel {
            self.scores.par_iter_mut().zip(&self.data.rows).enumerate().with_min_len(CHUNK).for_each(add);
        } else {
            self.scores.iter_mut().zip(&self.data.rows).enumerate().for_each(add);
        }
    }
}

/// Base score and trees, for tests that look into them.
#[cfg(test)]
pub(super) fn boosted(
    params: &GbdtParams,
    train: &Dataset,
    context: &FitContext<'_>,
) -> Result<(f64, Vec<Tree>)> {
    let target = train.target()?;
    let data = LabelledRows::new(train, target)?;
    let objective = objective(params.objective, target)?;
    let mut boosting = Boosting::new(params, objective, 1.0, train, data, 1, context.seed)?;
    boosting.run(None, context, &Threads::One)?;
    Ok((boosting.base, boosting.trees))
}
