//! Fitting: from a data set to a model.

mod base;
mod boost;
mod categorical;
mod constraints;
mod finish;
mod gradients;
mod grow;
mod histogram;
mod model;
mod partition;
mod prefetch;
mod quantise;
mod refit;
mod renew;
mod route;
mod rows;
mod sampling;
mod scores;
mod split;
mod threads;
mod validate;

#[cfg(test)]
mod tests;

pub(crate) use boost::fit;
#[cfg(test)]
pub(crate) use finish::leaf_of;
pub(crate) use finish::rule;
pub(crate) use refit::refit;
pub(crate) use rows::LabelledRows;
pub(crate) use split::{BinSet, Cut};
pub use threads::Threads;

/// What errors call who refuses.
pub(crate) const LEARNER: &str = "gbdt";

/// Rows summed up at a time, so that sums of `f64` have one order whatever the number of threads.
const CHUNK: usize = 4096;
