//! LightGBM's text files.
//!
//! A header of `key=value` lines, a block of such lines for each tree, then importances, the training parameters
//! and, where the model was trained on pandas columns, their categories. Reading takes one pass over the lines.
//!
//! Numeric splits send a row left where `value <= threshold`. What stands for a missing value is kept by each
//! split: nothing (a missing value is then 0), zero and missing, or missing alone. Splits on categories list the
//! codes that go left; all others, unknown and missing ones too, go right.

mod blocks;
mod categories;
mod header;
mod lines;
mod write;

use tenure_core::Result;

use super::assemble::{self, Parts};
use super::{ReadOptions, problem, unsupported};
use crate::TreeModel;

pub use write::write;

/// The format in errors.
pub(super) const NAME: &str = "LightGBM";

/// Reads a text file, see [`super::read_with`].
pub(super) fn read(bytes: &[u8], options: &ReadOptions) -> Result<TreeModel> {
    let mut lines = lines::Lines::new(bytes);
    let header = header::Header::read(&mut lines)?;
    let blocks = blocks::Blocks::read(&mut lines, &header)?;
    let trailer = header::Trailer::read(&mut lines)?;
    let levels = categories::levels(&header, &blocks, &trailer, options)?;
    let (scores, mut trees) = (header.scores, blocks.trees);
    if header.average_output && !trees.is_empty() {
        let share = (scores as f64) / trees.len() as f64;
        let leaves = trees.iter_mut().flat_map(|tree| &mut tree.leaves);
        leaves.for_each(|leaf| leaf.value *= share);
    }
    if header.sigmoid != 1.0 {
        let leaves = trees.iter_mut().flat_map(|tree| &mut tree.leaves);
        leaves.for_each(|leaf| leaf.value *= header.sigmoid);
    }
    let features = assemble::features(NAME, header.feature_names, levels, options, bytes.len())?;
    let base = vec![0.0; scores];
    let (objective, outcome) = (header.objective, header.outcome);
    Parts { format: NAME, features, objective, outcome, base, trees }.into_model(options)
}
