//! Histogram gradient boosting with exact explanations.
//!
//! A model is a sum of regression trees, each fitted to the gradient of the loss at the sum of the trees before
//! it (Friedman, *Greedy function approximation*, 2001) with second-order leaf values and gains (Chen and
//! Guestrin, *XGBoost*, 2016):
//!
//! ```text
//! leaf value = −η · S(G) / (H + λ)         gain = S(G_l)²/(H_l + λ) + S(G_r)²/(H_r + λ) − S(G)²/(H + λ)
//! ```
//!
//! `G` and `H` are sums of gradients and Hessians over a node's rows, `S` shrinks towards 0 by the L1 penalty, `λ`
//! is the L2 penalty and `η` the learning rate. Features are cut into at most 255 bins, so that a node is searched
//! in one pass over its histogram, and trees grow leaf by leaf, the best gain first (Ke et al., *LightGBM*, 2017).
//! Gradients are rounded to integers for the search (Shi et al., *Quantized training of gradient boosting decision
//! trees*, 2022): integer sums do not depend on their order, so any number of threads gives the same bits. Leaf
//! values come from the unrounded gradients.
//!
//! [`Objective`] lists the losses; [`CustomObjective`] is one's own. [`GbdtParams`] says how rows and features are drawn,
//! in which features a model is monotone and which may interact. A model is continued by [`Gbdt::continue_from`] and
//! follows new data by [`Gbdt::refit`].
//!
//! Not the right tool for a handful of rows (a linear model has less to learn), nor where the model must
//! extrapolate: a tree is constant beyond the last value it saw.
//!
//! # Example
//!
//! ```
//! use tenure_core::{Dataset, Feature, FitContext, Learner, Schema, Target};
//! use tenure_gbdt::GbdtParams;
//!
//! let schema = Schema::new(vec![Feature::numeric("recency_days", "days", "Days since the last purchase")])?;
//! let x = ndarray::Array2::from_shape_fn((200, 1), |(row, _)| row as f64);
//! let churned = (0..200).map(|row| f64::from(row >= 120)).collect();
//! let data = Dataset::new(schema, x)?.with_target(Target::binary("churned", churned)?)?;
//!
//! let learner = GbdtParams { trees: 50, ..GbdtParams::default() }.check()?;
//! let fitted = learner.fit(&data, None, &FitContext::new(42))?;
//! let mut probability = [0.0];
//! fitted.model.predict_row(&[150.0], &mut probability)?;
//! assert!(probability[0] > 0.8);
//! # Ok::<(), tenure_core::Error>(())
//! ```

mod binning;
mod codec;
pub mod foreign;
mod forest;
mod importance;
mod limits;
mod link;
mod model;
mod objective;
mod params;
mod predict;
mod shap;
mod simd;
mod train;
mod tree;

pub use forest::{Columns, Criterion, Forest, ForestParams};
pub use link::Link;
pub use model::{Importance, TreeModel};
pub use objective::{CustomObjective, Derivatives, Objective};
pub use params::{CategoricalParams, Gbdt, GbdtParams, GradientSampling, Monotone};
#[doc(hidden)]
pub use train::Threads;
