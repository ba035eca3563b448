//! New leaf values for the trees of a model.

use std::sync::Arc;

use tenure_core::{Dataset, Error, FitContext, Result};

use super::CHUNK;
use super::LEARNER;
use super::base::base_scores;
use super::boost::STAGE;
use super::finish::{penalties, step};
use super::gradients::sum_gradients;
use super::model::{finite, require_fit};
use super::renew::quantile;
use super::rows::{LabelledRows, loss};
use super::threads::Threads;
use super::validate::Walked;
use crate::objective::{CustomObjective, Gradient, Loss};
use crate::tree::Tree;
use crate::{GbdtParams, TreeModel};

/// See [`crate::Gbdt::refit`].
pub(crate) fn refit(
    params: &GbdtParams,
    own: Option<&Arc<dyn CustomObjective>>,
    model: &TreeModel,
    data: &Dataset,
    decay: f64,
    context: &FitContext<'_>,
) -> Result<TreeModel> {
    if !params.monotone.is_empty() {
        return Err(Error::unsupported(LEARNER, "refitting under monotone constraints"));
    }
    let target = data.target()?;
    let loss = loss(params.objective, own, target)?;
    let (spec, old, trees) = model.parts();
    require_fit(model, data, target, &loss)?;
    let mut rows = LabelledRows::new(LEARNER, data, target)?;
    rows.require_labels(&loss, target)?;
    if rows.offsets.is_some() && old.len() > 1 {
        return Err(Error::unsupported(LEARNER, "offsets for several classes"));
    }
    let unit = loss.label_unit(&rows.labels);
    rows.scale_labels(unit);
    let loss = loss.in_unit(unit);
    let fresh = base_scores(&loss, &rows, target, old.len())?;
    let mix = |old: f64, new: f64| decay * old + (1.0 - decay) * new;
    let base: Vec<f64> = old.iter().zip(fresh).map(|(&old, new)| mix(old / unit, new)).collect();
    let mut trees = trees.to_vec();
    let threads = Threads::new(context, rows.rows.len() * data.schema().len())?;
    let x = Walked::new(data)?;
    let mut scores = rows.first_scores(&base);
    let mut gradients = vec![vec![Gradient::default(); rows.rows.len()]; base.len()];
    for iteration in trees.chunks_mut(base.len()) {
        context.check_cancelled(STAGE)?;
        threads.run(|| {
            let parallel = threads.count() > 1;
            let _ = sum_gradients(&loss, &scores, &rows, &mut gradients, parallel);
            for ((tree, scores), gradients) in iteration.iter_mut().zip(&mut scores).zip(&gradients) {
                let levels = |feature: u32| {
                    spec.schema.features()[feature as usize].levels().map_or(0, <[String]>::len)
                };
                let splits = tree.nodes.iter().map(|n| ([n.left, n.right], levels(n.feature)));
                let penalties = penalties(params, tree.leaves.len(), splits);
                let of = Leaves { params, penalties, loss: &loss, unit, rows: &rows, x, gradients, scores };
                for (leaf, new) in of.values(tree).into_iter().enumerate() {
                    let value = &mut tree.leaves[leaf].value;
                    *value = new.map_or(*value / unit, |new| mix(*value / unit, new));
                }
                x.add(tree, &rows.rows, scores, parallel);
            }
        });
    }
    for leaf in trees.iter_mut().flat_map(|tree| &mut tree.leaves) {
        leaf.value = finite(leaf.value * unit);
    }
    let base: Vec<f64> = base.into_iter().map(|base| finite(base * unit)).collect();
    TreeModel::new(LEARNER, spec.clone(), base, trees)
}

/// What the values of a tree's leaves are found from.
struct Leaves<'a> {
    params: &'a GbdtParams,
    /// L2 penalty of each leaf.
    penalties: Vec<f64>,
    loss: &'a Loss,
    unit: f64,
    rows: &'a LabelledRows,
    x: Walked<'a>,
    gradients: &'a [Gradient],
    scores: &'a [f64],
}

impl Leaves<'_> {
    /// The values that training would give; none for a leaf without rows. A tree without splits is left as it is.
    fn values(&self, tree: &Tree) -> Vec<Option<f64>> {
        if tree.nodes.is_empty() {
            return vec![None];
        }
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); tree.leaves.len()];
        for (at, &row) in self.rows.rows.iter().enumerate() {
            members[self.x.leaf(tree, row)].push(at as u32);
        }
        let value = |(rows, l2): (&Vec<u32>, &f64)| (!rows.is_empty()).then(|| self.value(rows, *l2));
        members.iter().zip(&self.penalties).map(value).collect()
    }

    fn value(&self, rows: &[u32], l2: f64) -> f64 {
        let step = match self.loss.renewed() {
            Some(alpha) => {
                let left = |row: usize| self.rows.labels[row] - self.scores[row];
                quantile(rows, left, self.rows.weights.as_deref(), alpha)
            }
            None => {
                let mut sums = Gradient::default();
                for rows in rows.chunks(CHUNK) {
                    let mut chunk = Gradient::default();
                    for &row in rows {
                        chunk.g += self.gradients[row as usize].g;
                        chunk.h += self.gradients[row as usize].h;
                    }
                    sums = Gradient { g: sums.g + chunk.g, h: sums.h + chunk.h };
                }
                step(sums, self.params.l1 / self.loss.gradient_unit(self.unit), l2)
            }
        };
        self.params.learning_rate * step
    }
}
