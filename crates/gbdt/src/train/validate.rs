//! Rows that a fit only looks at.

use rayon::prelude::*;
use tenure_core::{Dataset, Error, Result, Target};

use super::CHUNK;
use super::LEARNER;
use super::finish::leaf_of;
use super::gradients::sum_losses;
use super::rows::LabelledRows;
use crate::objective::Loss;
use crate::tree::Tree;

/// The row-major features of a data set.
pub(super) fn values(data: &Dataset) -> Result<&[f64]> {
    data.x().to_slice().ok_or_else(|| Error::Internal("a data set is not stored row by row".into()))
}

/// Features of rows that trees are walked for.
#[derive(Clone, Copy)]
pub(super) struct Walked<'a> {
    pub x: &'a [f64],
    pub width: usize,
}

impl<'a> Walked<'a> {
    pub(super) fn new(data: &'a Dataset) -> Result<Self> {
        Ok(Self { x: values(data)?, width: data.schema().len() })
    }

    /// What the tree adds to a row.
    pub(super) fn value(&self, tree: &Tree, row: u32) -> f64 {
        tree.leaves[self.leaf(tree, row)].value
    }

    pub(super) fn leaf(&self, tree: &Tree, row: u32) -> usize {
        leaf_of(tree, &self.x[row as usize * self.width..][..self.width])
    }

    /// Adds a tree to the scores of these rows.
    pub(super) fn add(&self, tree: &Tree, rows: &[u32], scores: &mut [f64], parallel: bool) {
        let add = |(score, &row): (&mut f64, &u32)| *score += self.value(tree, row);
        if parallel {
            scores.par_iter_mut().with_min_len(CHUNK).zip(rows).for_each(add);
        } else {
            scores.iter_mut().zip(rows).for_each(add);
        }
    }
}

/// A validation set while the trees grow.
pub(super) struct HeldOut<'a> {
    x: Walked<'a>,
    pub data: LabelledRows,
    pub scores: Vec<Vec<f64>>,
}

impl<'a> HeldOut<'a> {
    /// Checks the set against the one that is learned from.
    pub(super) fn new(valid: &'a Dataset, train: &Dataset, target: &Target, loss: &Loss) -> Result<Self> {
        valid.require_columns_of(train)?;
        let theirs = valid.target_named(target.name())?;
        if theirs.kind() != target.kind() {
            let name = target.name();
            return Err(Error::Data(format!("target `{name}` of the validation set is of another kind")));
        }
        let data = LabelledRows::new(LEARNER, valid, theirs)?;
        data.require_labels(loss, theirs)?;
        Ok(Self { x: Walked::new(valid)?, data, scores: Vec::new() })
    }

    /// Begins again: the base scores, and the trees that are there.
    pub(super) fn begin(&mut self, base: &[f64], trees: &[Tree], parallel: bool) {
        self.scores = self.data.first_scores(base);
        for (at, tree) in trees.iter().enumerate() {
            self.x.add(tree, &self.data.rows, &mut self.scores[at % base.len()], parallel);
        }
    }

    /// Mean loss once the trees of an iteration are added, one for each score.
    pub(super) fn add(&mut self, trees: &[Tree], loss: &Loss, parallel: bool) -> f64 {
        for (tree, scores) in trees.iter().zip(&mut self.scores) {
            self.x.add(tree, &self.data.rows, scores, parallel);
        }
        self.mean_loss(loss, parallel)
    }

    pub(super) fn mean_loss(&self, loss: &Loss, parallel: bool) -> f64 {
        sum_losses(loss, &self.scores, &self.data, parallel) / self.data.weight
    }
}
