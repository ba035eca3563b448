//! Fitting: from a data set to a model.

mod boost;
mod categorical;
mod constraints;
mod finish;
mod grow;
mod histogram;
mod partition;
mod prefetch;
mod quantise;
mod rows;
mod sampling;
mod split;
mod threads;

#[cfg(test)]
mod tests;

pub(crate) use boost::fit;
#[cfg(test)]
pub(crate) use finish::leaf_of;
pub(crate) use finish::rule;
pub(crate) use rows::LabelledRows;
pub(crate) use split::{BinSet, Cut};
pub(crate) use threads::Threads;

/// Rows summed up at a time, so that sums of `f64` have one order whatever the number of threads.
const CHUNK: usize = 4096;
