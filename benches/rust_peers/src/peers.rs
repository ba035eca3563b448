//! The crates behind one interface. Settings: 300 trees, 31 leaves, depth 6, 255 bins, learning rate 0.05; what a
//! crate does not know of these stays at its default.

use std::error::Error;

use forust_ml::GradientBooster;
use forust_ml::objective::ObjectiveType;
use hessboost::config::GrowPolicy;
use hessboost::objective::RegLoss;
use hessboost::prelude::*;

use crate::matrix::Matrix;

const TREES: usize = 300;
const LEAVES: usize = 31;
const DEPTH: usize = 6;
const RATE: f64 = 0.05;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// One crate.
pub trait Peer: Sized {
    /// A matrix as the crate likes it; making it is not timed, binning is.
    type Data;
    fn data(matrix: Matrix) -> Result<Self::Data>;
    fn fit(data: &Self::Data, threads: usize) -> Result<Self>;
    fn predict(&self, data: &Self::Data) -> Result<Vec<f64>>;
    fn predict_row(&self, row: &[f64]) -> Result<f64>;
}

pub struct Forust(GradientBooster);

impl Peer for Forust {
    /// Column-major values and labels.
    type Data = (Vec<f64>, Vec<f64>);

    fn data(matrix: Matrix) -> Result<Self::Data> {
        let rows = matrix.y.len();
        let columns = matrix.x.len() / rows;
        let by_column = (0..columns).flat_map(|c| (0..rows).map(move |r| (r, c)));
        Ok((by_column.map(|(r, c)| matrix.x[r * columns + c]).collect(), matrix.y))
    }

    fn fit((x, y): &Self::Data, threads: usize) -> Result<Self> {
        let mut booster = GradientBooster::default()
            .set_objective_type(ObjectiveType::LogLoss)
            .set_iterations(TREES)
            .set_learning_rate(RATE as f32)
            .set_max_depth(DEPTH)
            .set_max_leaves(LEAVES)
            .set_nbins(255)
            .set_l2(0.0)
            .set_min_leaf_weight(1e-3)
            .set_parallel(threads > 1)
            .set_num_threads(Some(threads));
        booster.fit_unweighted(&forust_ml::Matrix::new(x, y.len(), x.len() / y.len()), y, None)?;
        Ok(Self(booster))
    }

    fn predict(&self, (x, y): &Self::Data) -> Result<Vec<f64>> {
        let raw = self.0.predict(&forust_ml::Matrix::new(x, y.len(), x.len() / y.len()), false);
        Ok(raw.into_iter().map(|score| 1.0 / (1.0 + (-score).exp())).collect())
    }

    fn predict_row(&self, row: &[f64]) -> Result<f64> {
        Ok(self.0.predict(&forust_ml::Matrix::new(row, 1, row.len()), false)[0])
    }
}

pub struct Hessboost(BoostedModel);

impl Peer for Hessboost {
    type Data = DMatrix;

    fn data(matrix: Matrix) -> Result<Self::Data> {
        let narrow = |values: &[f64]| values.iter().map(|&v| v as f32).collect::<Vec<_>>();
        let (rows, columns) = (matrix.y.len(), matrix.x.len() / matrix.y.len());
        Ok(DMatrix::from_dense(&narrow(&matrix.x), rows, columns)?.with_labels(&narrow(&matrix.y))?)
    }

    fn fit(data: &DMatrix, threads: usize) -> Result<Self> {
        let params = TrainingParams::builder()
            .objective(Objective::BinaryLogistic(RegLoss::default()))
            .tree_method(TreeMethod::Hist)
            .max_depth(DEPTH)
            .max_leaves(LEAVES)
            .grow_policy(GrowPolicy::LossGuide)
            .max_bin(255)
            .eta(RATE)
            .lambda(0.0)
            .min_child_weight(1e-3)
            .nthread(threads)
            .build()?;
        Ok(Self(train(&params, data, TREES)?))
    }

    fn predict(&self, data: &DMatrix) -> Result<Vec<f64>> {
        Ok(self.0.predict(data, Iterations::Best)?.as_slice().iter().map(|&p| f64::from(p)).collect())
    }

    fn predict_row(&self, row: &[f64]) -> Result<f64> {
        // It reads single precision; ours reads double, so bringing the row over is part of the call.
        let mut narrow = [0.0_f32; 64];
        for (to, from) in narrow.iter_mut().zip(row) {
            *to = *from as f32;
        }
        Ok(f64::from(self.0.predict_row(&narrow[..row.len()], Iterations::Best)?))
    }
}
