//! Random forests: trees grown apart from each other on drawn rows, each node on drawn features, and averaged.
//!
//! - L. Breiman, *Random forests*, 2001: rows drawn with replacement, features drawn for each node, out-of-bag
//!   estimates.
//! - P. Geurts, D. Ernst and L. Wehenkel, *Extremely randomized trees*, 2006: [`ForestParams::extra`].
//! - J. Malley et al., *Probability machines*, 2012: the answer is the mean of the class shares of the leaves, a
//!   probability, and never a count of votes. Shares are not smoothed: a leaf whose rows are of one class says 0
//!   or 1.
//!
//! # Weights
//! A weight is how many times a row is there. Rows drawn with replacement are drawn by a Poisson distribution
//! whose mean is the weight (times [`ForestParams::row_fraction`]): Breiman's draw but for its fixed number, in
//! which a row of weight two is two rows of weight one in distribution, out of bag included. Rows drawn without
//! replacement are drawn whole and count by their weight. Weights whose mean is below 1 cannot be such numbers
//! and are first scaled to a mean of 1.
//!
//! # Splits
//! Features are binned as for boosting. A cut lies in the middle between the neighbouring values that the node has,
//! counted in bins. Missing values go to the side where they gain most; where a node has none, to the heavier
//! child. Categories are sorted by their mean label and cut in two (Fisher, *On grouping for maximum homogeneity*,
//! 1958: the best division for numbers and two classes), and for several classes by the first principal component
//! of their class shares (Coppersmith, Hong and Hosking, *Partitioning nominal attributes in decision trees*, 1999).
//! Extremely randomised trees divide the categories of a node by chance.
//!
//! # Several classes
//! One tree is grown for all classes and stored once for each, with the shares of that class in its leaves.

mod bag;
mod fit;
mod grow;
mod oob;
mod params;
mod search;
mod stats;
mod store;

#[cfg(test)]
mod tests;

/// What errors call who refuses.
const LEARNER: &str = "forest";

pub use params::{Columns, Criterion, Forest, ForestParams};
