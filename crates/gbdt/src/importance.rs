//! Importances that look at rows.

use ndarray::{Array2, ArrayView2, Axis};
use tenure_core::Result;

use crate::TreeModel;

/// Rows explained at a time: the contributions of more need not be held at once.
const BLOCK: usize = 4096;

impl TreeModel {
    /// The mean size of each feature's contribution to an output over these rows, in the order of the schema: `Σ |c| /
    /// rows`, on the scale that the output is explained on. Unlike gains it is of rows that may be new, and in a unit
    /// that means something; zeros where there are no rows.
    ///
    /// # Errors
    /// As [`TreeModel::explain_into`].
    pub fn importance_shap(&self, x: ArrayView2<'_, f64>, output: usize) -> Result<Vec<f64>> {
        let mut sums = vec![0.0; x.ncols()];
        let mut contributions = Array2::zeros((BLOCK.min(x.nrows()), x.ncols()));
        for x in x.axis_chunks_iter(Axis(0), BLOCK) {
            let mut contributions = contributions.slice_mut(ndarray::s![..x.nrows(), ..]);
            self.explain_into(x, output, contributions.view_mut())?;
            for row in contributions.rows() {
                sums.iter_mut().zip(row).for_each(|(sum, c)| *sum += c.abs());
            }
        }
        if x.nrows() == 0 {
            // Nothing was explained, so nothing was checked.
            self.explain_into(x, output, Array2::zeros((0, x.ncols())).view_mut())?;
        }
        let rows = x.nrows().max(1) as f64;
        sums.iter_mut().for_each(|sum| *sum /= rows);
        Ok(sums)
    }
}
