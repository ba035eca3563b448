//! The boosting loop.

use std::sync::Arc;

use tenure_core::{
    Dataset, Error, FitContext, FitReport, Fitted, Iteration, Progress, Result, StopReason, seed,
};

use super::LEARNER;
use super::base::base_scores;
use super::constraints::Constraints;
use super::finish::Context;
use super::gradients::sum_gradients;
use super::grow::{Buffers, Grown, grow};
use super::histogram::Source;
use super::model::{Start, assemble};
use super::quantise::{Packed, Scales};
use super::renew::Renewal;
use super::route::Route;
use super::rows::{LabelledRows, loss};
use super::sampling;
use super::scores::add_leaves;
use super::split::Rules;
use super::threads::Threads;
use super::validate::{HeldOut, Walked};
use crate::binning::{BinnedFeature, BinnedMatrix, TrainingRows, constant_columns, find_bins, zeroed};
use crate::objective::{CustomObjective, Gradient, Loss, Totals};
use crate::tree::{Leaf, Tree};
use crate::{GbdtParams, Objective, TreeModel};

/// Parts of the seed.
const BINS: u64 = 0;
const ROWS: u64 = 1;
const COLUMNS: u64 = 2;
const NODES: u64 = 3;

/// What the work is called in progress reports and cancellations.
pub(super) const STAGE: &str = "boosting";

/// Fits a model, or continues one; see [`tenure_core::Learner::fit`] and [`crate::Gbdt::continue_from`].
pub(crate) fn fit(
    params: &GbdtParams,
    own: Option<&Arc<dyn CustomObjective>>,
    from: Option<&TreeModel>,
    train: &Dataset,
    valid: Option<&Dataset>,
    context: &FitContext<'_>,
) -> Result<Fitted> {
    let target = train.target()?;
    let loss = loss(params.objective, own, target)?;
    let mut data = LabelledRows::new(LEARNER, train, target)?;
    data.require_labels(&loss, target)?;
    if matches!(loss, Loss::Known(Objective::BinaryLogLoss | Objective::Softmax)) && from.is_none() {
        data.require_two_classes(target)?;
    }
    let scores = loss.scores(target.kind());
    let offsets = |rows: &LabelledRows| rows.offsets.is_some() && scores > 1;
    let mut held_out = valid.map(|valid| HeldOut::new(valid, train, target, &loss)).transpose()?;
    if offsets(&data) || held_out.as_ref().is_some_and(|h| offsets(&h.data)) {
        return Err(Error::unsupported(LEARNER, "offsets for several classes"));
    }
    if scores > 1 && !params.monotone.is_empty() {
        return Err(Error::unsupported(LEARNER, "monotone constraints for several classes"));
    }
    let unit = loss.label_unit(&data.labels);
    data.scale_labels(unit);
    if let Some(held_out) = &mut held_out {
        held_out.data.scale_labels(unit);
    }
    let scaled = loss.in_unit(unit);
    let start = match from {
        Some(model) => Start::of(model, train, target, &loss, unit)?,
        None => Start { base: base_scores(&scaled, &data, target, scores)?, trees: Vec::new() },
    };
    let threads = Threads::new(context, data.rows.len() * train.schema().len())?;
    let mut boosting = threads
        .run(|| Boosting::new(params, scaled, unit, train, data, start, threads.count(), context.seed))?;
    let report = boosting.run(held_out, context, &threads)?;
    let weighted = boosting.data.weights.is_some();
    let Boosting { start: Start { base, trees: mut all }, trees, .. } = boosting;
    all.extend(trees);
    let model = assemble(train, target, &loss, from, base, all, unit, weighted)?;
    Ok(Fitted { model: Box::new(model), report })
}

/// The state of a fit.
struct Boosting<'a> {
    params: &'a GbdtParams,
    loss: Loss,
    /// The labels are divided by this.
    unit: f64,
    data: LabelledRows,
    features: Vec<BinnedFeature>,
    /// Columns that are left out.
    constant: usize,
    matrix: BinnedMatrix,
    constraints: Option<Constraints>,
    start: Start,
    /// For each raw score, one number a row; gradients alike.
    scores: Vec<Vec<f64>>,
    gradients: Vec<Vec<Gradient>>,
    /// Scores that some row is labelled for; the trees of others would learn nothing.
    present: Vec<bool>,
    packed: Vec<Packed>,
    /// Rows of this iteration, and their weights where some stand for others.
    drawn: Vec<u32>,
    drawn_weights: Vec<f64>,
    index: Vec<u32>,
    buffers: Buffers,
    /// The new ones.
    trees: Vec<Tree>,
    threads: usize,
    seed: u64,
}

impl<'a> Boosting<'a> {
    #[expect(clippy::too_many_arguments, reason = "the whole state of a fit")]
    fn new(
        params: &'a GbdtParams,
        loss: Loss,
        unit: f64,
        train: &'a Dataset,
        data: LabelledRows,
        start: Start,
        threads: usize,
        seed: u64,
    ) -> Result<Self> {
        let rows = TrainingRows { x: train.x(), rows: &data.rows, weights: data.weights.as_deref() };
        let parallel = threads > 1;
        let features = find_bins(train.schema(), rows, params.bins, seed::mix(seed, BINS), parallel);
        let renewed = loss.renewed().is_some();
        let constraints = Constraints::new(params, train.schema(), &features, renewed)?;
        let matrix = BinnedMatrix::new(&features, rows, parallel);
        let n = data.rows.len();
        let x = Walked::new(train)?;
        let mut scores = data.first_scores(&start.base);
        for (at, tree) in start.trees.iter().enumerate() {
            x.add(tree, &data.rows, &mut scores[at % start.base.len()], parallel);
        }
        let mut present = vec![start.base.len() == 1; start.base.len()];
        if present.len() > 1 {
            data.labels.iter().for_each(|&label| present[label as usize] = true);
        }
        Ok(Self {
            params,
            loss,
            unit,
            gradients: vec![vec![Gradient::default(); n]; scores.len()],
            scores,
            data,
            constant: constant_columns(train.schema(), &features),
            features,
            matrix,
            constraints,
            start,
            present,
            packed: zeroed(n),
            drawn: Vec::new(),
            drawn_weights: Vec::new(),
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
        p.row_fraction < 1.0
            || p.column_fraction < 1.0
            || p.node_column_fraction < 1.0
            || p.gradient_sampling.is_some()
    }

    /// Iterations done, those of the model that is continued included.
    fn number(&self) -> usize {
        (self.start.trees.len() + self.trees.len()) / self.scores.len()
    }

    fn run(
        &mut self,
        mut held_out: Option<HeldOut<'_>>,
        context: &FitContext<'_>,
        threads: &Threads,
    ) -> Result<FitReport> {
        let mut report = FitReport {
            rows: self.data.rows.len(),
            loss: self.loss.loss_name().into(),
            stopped: StopReason::Iterations,
            notes: self.notes(held_out.as_ref().map(|h| &h.data)),
            ..FitReport::default()
        };
        let mut best = (f64::INFINITY, 0);
        context.check_cancelled(STAGE)?;
        if let Some(held_out) = &mut held_out {
            threads.run(|| held_out.begin(&self.start.base, &self.start.trees, self.threads > 1));
            if !self.start.trees.is_empty() {
                best.0 = threads.run(|| held_out.mean_loss(&self.loss, self.threads > 1));
            }
        }
        let loss_unit = self.loss.loss_unit(self.unit);
        let mut totals = threads.run(|| self.sum_up());
        for done in 1..=self.params.trees {
            context.check_cancelled(STAGE)?;
            let step = threads.run(|| self.step(&totals, held_out.as_mut()));
            let Some((after, valid)) = step? else {
                report.stopped = StopReason::Exhausted;
                break;
            };
            totals = after;
            let train = totals[0].loss / self.data.weight * loss_unit;
            report.history.push(Iteration { train, valid: valid.map(|v| v * loss_unit) });
            context.progress.report(Progress {
                stage: STAGE,
                done: done as u64,
                total: Some(self.params.trees as u64),
                figure: Some((self.loss.loss_name(), valid.map_or(train, |v| v * loss_unit))),
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
            self.trees.truncate(best.1 * self.scores.len());
        }
        report.iterations = self.number();
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
        let constant = self.constant;
        if constant > 0 {
            notes.push(format!("{constant} features have one value only and are not used"));
        }
        let excluded = self.constraints.as_ref().map_or(0, Constraints::excluded);
        if excluded > 0 {
            notes.push(format!("{excluded} features are in no group of `interactions` and are not used"));
        }
        let absent = self.present.iter().filter(|&&present| !present).count();
        if absent > 0 {
            notes.push(format!("{absent} classes have no rows and are all but impossible"));
        }
        notes
    }

    fn sum_up(&mut self) -> Vec<Totals> {
        let parallel = self.parallel();
        sum_gradients(&self.loss, &self.scores, &self.data, &mut self.gradients, parallel)
    }

    /// One more iteration. Returns the sums after it, and the validation loss; `None` where nothing is left to learn.
    fn step(
        &mut self,
        totals: &[Totals],
        held_out: Option<&mut HeldOut<'_>>,
    ) -> Result<Option<(Vec<Totals>, Option<f64>)>> {
        if !totals.iter().all(|t| t.g_abs.is_finite() && t.h.is_finite()) {
            return Err(self.not_finite());
        }
        if let Loss::Own(own) = &self.loss
            && totals[0].h <= 0.0
            && totals[0].g_abs > 0.0
        {
            let what = "no row has a Hessian above 0, so that nothing says how far to go";
            return Err(Error::Data(format!("objective `{}`: {what}", own.name())));
        }
        let number = self.number() as u64;
        let changed = self.draw_rows(number);
        let first = self.trees.len();
        for score in 0..self.scores.len() {
            let totals = match changed {
                true => Totals::of(self.drawn.iter().map(|&row| self.gradients[score][row as usize])),
                false => totals[score],
            };
            let scales = Scales::new(&totals, self.data.rows.len()).filter(|_| self.present[score]);
            let tree = scales.and_then(|scales| self.grow(score, number, &scales));
            let stump = || Tree {
                nodes: Vec::new(),
                leaves: vec![Leaf { value: 0.0, cover: self.data.weight }],
                category_bits: Vec::new(),
            };
            let tree = tree.unwrap_or_else(stump);
            self.trees.push(tree);
        }
        let new = &self.trees[first..];
        if !self.samples() && new.iter().all(|tree| tree.nodes.is_empty()) {
            self.trees.truncate(first);
            return Ok(None);
        }
        let valid = held_out.map(|h| h.add(new, &self.loss, self.threads > 1));
        Ok(Some((self.sum_up(), valid)))
    }

    fn not_finite(&self) -> Error {
        if let Loss::Own(own) = &self.loss {
            let odd = |g: &Gradient| !g.g.is_finite() || !g.h.is_finite();
            if let Some(at) = self.gradients[0].iter().position(odd) {
                let (name, row, Gradient { g, h }) = (own.name(), self.data.rows[at], self.gradients[0][at]);
                return Error::Data(format!(
                    "objective `{name}`, row {row}: gradient {g}, Hessian {h}; finite numbers are expected"
                ));
            }
        }
        Error::Data("labels and weights are too large: their products overflow".into())
    }

    /// Draws the rows of an iteration; says whether that changed gradients.
    fn draw_rows(&mut self, number: u64) -> bool {
        let seed = seed::mix(seed::mix(self.seed, ROWS), number);
        // The first trees find what is coarse, and see all rows.
        let early = (number as f64) < 1.0 / self.params.learning_rate;
        let n = self.data.rows.len();
        self.drawn_weights.clear();
        match self.params.gradient_sampling {
            Some(sampling) if !early => {
                let (drawn, weights) = (&mut self.drawn, &mut self.drawn_weights);
                sampling::by_gradient(sampling, &self.data, &mut self.gradients, seed, drawn, weights);
                true
            }
            _ => {
                sampling::rows(n, self.params.row_fraction, seed, &mut self.drawn);
                false
            }
        }
    }

    /// Grows a tree and adds it to the scores; `None` where no split is worth it.
    fn grow(&mut self, score: usize, number: u64, scales: &Scales) -> Option<Tree> {
        let parallel = self.parallel();
        scales.pack_all(&self.gradients[score], &mut self.packed, parallel);
        self.index.clone_from(&self.drawn);
        let number = number * self.scores.len() as u64 + score as u64;
        let seed = |part| seed::mix(seed::mix(self.seed, part), number);
        let selected = sampling::columns(self.features.len(), self.params.column_fraction, seed(COLUMNS));
        let unit = self.loss.gradient_unit(self.unit);
        let rules = Rules {
            constraints: self.constraints.as_ref(),
            seed: seed(NODES),
            ..Rules::new(self.params, scales, unit)
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
        let renewal = self.loss.renewed().map(|alpha| Renewal {
            alpha,
            labels: &self.data.labels,
            scores: &self.scores[score],
        });
        let context = Context {
            params: self.params,
            features: &self.features,
            gradients: &self.gradients[score],
            weights: match self.drawn_weights.is_empty() {
                true => self.data.weights.as_deref(),
                false => Some(&self.drawn_weights),
            },
            constraints: self.constraints.as_ref(),
            renewal,
            unit,
            step_unit: scales.h / scales.g,
            parallel,
        };
        let tree = context.finish(&grown, &self.index);
        add_leaves(&mut self.scores[score], &self.index, &grown.leaves, &tree, parallel);
        self.score_rows_left_out(&grown, &tree, score);
        Some(tree)
    }

    /// Rows that were not drawn for the tree get their leaf by their bins.
    fn score_rows_left_out(&mut self, grown: &Grown, tree: &Tree, score: usize) {
        let n = self.data.rows.len();
        if self.drawn.len() == n {
            return;
        }
        // The index is done with: it takes the rows that were not drawn.
        let mut drawn = self.drawn.iter().copied().peekable();
        self.index.clear();
        self.index.extend((0..n as u32).filter(|row| drawn.next_if_eq(row).is_none()));
        let (features, matrix, parallel) = (&self.features, &self.matrix, self.parallel());
        let leaves = Route { features, matrix, grown, tree, parallel }.leaves(&mut self.index);
        add_leaves(&mut self.scores[score], &self.index, &leaves, tree, parallel);
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
    let data = LabelledRows::new(LEARNER, train, target)?;
    let loss = loss(params.objective, None, target)?;
    let start = Start { base: base_scores(&loss, &data, target, 1)?, trees: Vec::new() };
    let mut boosting = Boosting::new(params, loss, 1.0, train, data, start, 1, context.seed)?;
    boosting.run(None, context, &Threads::One)?;
    Ok((boosting.start.base[0], boosting.trees))
}
