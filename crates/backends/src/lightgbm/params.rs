//! Parameters under the common names, and their translation.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{Feature, FeatureKind, Result};
use tenure_gbdt::{CategoricalParams, Monotone};

use crate::outside::{Task, directions};

/// Parameters of LightGBM under the names that [`tenure_gbdt::GbdtParams`] gives them, with the same defaults.
///
/// | here | there |
/// |---|---|
/// | `leaves`, `depth` | `num_leaves`, `max_depth` |
/// | `min_rows`, `min_hessian` | `min_data_in_leaf`, `min_sum_hessian_in_leaf` |
/// | `l1`, `l2` | `lambda_l1`, `lambda_l2` |
/// | `min_gain` | half of `min_gain_to_split`: LightGBM counts a gain twice |
/// | `bins` | `max_bin` |
/// | `row_fraction` | `bagging_fraction`, with `bagging_freq` 1 |
/// | `column_fraction`, `node_column_fraction` | `feature_fraction`, `feature_fraction_bynode` |
/// | `monotone`, `interactions` | `monotone_constraints`, `interaction_constraints` |
/// | `categorical` | `cat_smooth`, `cat_l2`, `max_cat_threshold`, `min_data_per_group` |
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LightGbmParams {
    /// Most trees to grow (of several classes: trees for each), at least 1.
    pub trees: usize,
    /// Factor on every leaf value, above 0, at most 1.
    pub learning_rate: f64,
    /// Most leaves of a tree, 2 to 65,536.
    pub leaves: usize,
    /// Most tests between root and leaf, at least 1; `None` for no limit.
    pub depth: Option<usize>,
    /// Fewest training rows in a leaf, at least 1.
    pub min_rows: usize,
    /// Least sum of Hessians in a leaf, at least 0.
    pub min_hessian: f64,
    /// L1 penalty on leaf values, at least 0.
    pub l1: f64,
    /// L2 penalty on leaf values, at least 0.
    pub l2: f64,
    /// Least gain of a split, at least 0, in the unit of the total loss.
    pub min_gain: f64,
    /// Most bins of a feature, 2 to 255.
    pub bins: usize,
    /// Share of the rows drawn for each tree, above 0, at most 1.
    pub row_fraction: f64,
    /// Share of the features drawn for each tree, above 0, at most 1.
    pub column_fraction: f64,
    /// Share of the tree's features drawn for each node, above 0, at most 1.
    pub node_column_fraction: f64,
    /// Numeric features, by name, in which the model may only rise or only fall.
    pub monotone: BTreeMap<String, Monotone>,
    /// Groups of features, by name, that may interact; a feature in no group is not used. Empty: all may.
    pub interactions: Vec<Vec<String>>,
    /// Stop after so many trees without a lower validation loss, at least 1, and keep the best number of trees.
    pub early_stopping_rounds: Option<usize>,
    /// How splits on categorical features are found.
    pub categorical: CategoricalParams,
}

impl Default for LightGbmParams {
    fn default() -> Self {
        Self {
            trees: 300,
            learning_rate: 0.05,
            leaves: 31,
            depth: Some(6),
            min_rows: 20,
            min_hessian: 1e-3,
            l1: 0.0,
            l2: 0.0,
            min_gain: 0.0,
            bins: 255,
            row_fraction: 1.0,
            column_fraction: 1.0,
            node_column_fraction: 1.0,
            monotone: BTreeMap::new(),
            interactions: Vec::new(),
            early_stopping_rounds: Some(50),
            categorical: CategoricalParams::default(),
        }
    }
}

impl LightGbmParams {
    /// Checks every range.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] naming the first that is out of its range.
    pub fn check(self) -> Result<super::LightGbm> {
        let fraction = |name, v: f64| require(name, v, v > 0.0 && v <= 1.0, "above 0, at most 1");
        let penalty =
            |name, v: f64| require(name, v, v.is_finite() && v >= 0.0, "a finite number of at least 0");
        // The library counts in 32 bits.
        let count = |name, v: usize| {
            require(name, v, v >= 1 && i32::try_from(v).is_ok(), "at least 1, at most 2147483647")
        };
        count("trees", self.trees)?;
        fraction("learning_rate", self.learning_rate)?;
        require("leaves", self.leaves, (2..=65_536).contains(&self.leaves), "2 to 65536")?;
        self.depth.map_or(Ok(()), |depth| count("depth", depth))?;
        count("min_rows", self.min_rows)?;
        penalty("min_hessian", self.min_hessian)?;
        penalty("l1", self.l1)?;
        penalty("l2", self.l2)?;
        penalty("min_gain", self.min_gain)?;
        require("bins", self.bins, (2..=255).contains(&self.bins), "2 to 255")?;
        fraction("row_fraction", self.row_fraction)?;
        fraction("column_fraction", self.column_fraction)?;
        fraction("node_column_fraction", self.node_column_fraction)?;
        self.early_stopping_rounds.map_or(Ok(()), |rounds| count("early_stopping_rounds", rounds))?;
        penalty("categorical.smoothing", self.categorical.smoothing)?;
        penalty("categorical.l2", self.categorical.l2)?;
        count("categorical.max_categories", self.categorical.max_categories)?;
        count("categorical.min_group_rows", self.categorical.min_group_rows)?;
        Ok(super::LightGbm { params: self })
    }

    /// LightGBM's parameters, for the data set as for the booster.
    pub(super) fn translated(
        &self,
        features: &[Feature],
        task: Task,
        seed: u64,
        threads: usize,
    ) -> Result<String> {
        // Taken apart, so that a new parameter does not compile until it is translated.
        let Self {
            trees: _,
            learning_rate,
            leaves,
            depth,
            min_rows,
            min_hessian,
            l1,
            l2,
            min_gain,
            bins,
            row_fraction,
            column_fraction,
            node_column_fraction,
            monotone,
            interactions,
            early_stopping_rounds: _,
            categorical,
        } = self;
        let CategoricalParams { smoothing, l2: cat_l2, max_categories, min_group_rows } = categorical;
        let depth = depth.map_or(-1, |depth| depth as i64);
        let min_gain = 2.0 * min_gain;
        // Columns by columns, each on one thread, and sums on one thread: the same bits at any number of threads.
        let mut text = format!(
            "verbosity=-1 metric=none boosting=gbdt deterministic=true force_col_wise=true feature_pre_filter=false \
             num_threads={threads} seed={} learning_rate={learning_rate:e} num_leaves={leaves} max_depth={depth} \
             min_data_in_leaf={min_rows} min_sum_hessian_in_leaf={min_hessian:e} lambda_l1={l1:e} lambda_l2={l2:e} \
             min_gain_to_split={min_gain:e} max_bin={bins} feature_fraction={column_fraction:e} \
             feature_fraction_bynode={node_column_fraction:e} cat_smooth={smoothing:e} cat_l2={cat_l2:e} \
             max_cat_threshold={max_categories} min_data_per_group={min_group_rows}",
            tenure_core::seed::mix(seed, 0) >> 34,
        );
        text += match task {
            Task::Binary => " objective=binary",
            Task::Real => " objective=regression",
            Task::Classes(_) => " objective=multiclass",
        };
        // Writing to a string cannot fail.
        if let Task::Classes(classes) = task {
            let _ = write!(text, " num_class={classes}");
        }
        if *row_fraction < 1.0 {
            let _ = write!(text, " bagging_freq=1 bagging_fraction={row_fraction:e}");
        }
        let of_kind = |wanted: fn(&FeatureKind) -> bool| {
            let kept = features.iter().enumerate().filter(move |(_, f)| wanted(&f.kind));
            kept.map(|(column, _)| column.to_string()).collect::<Vec<_>>()
        };
        let categories = of_kind(|kind| matches!(kind, FeatureKind::Categorical { .. }));
        if !categories.is_empty() {
            let _ = write!(text, " categorical_feature={}", categories.join(","));
        }
        if !monotone.is_empty() {
            let _ = write!(text, " monotone_constraints={}", directions(super::NAME, monotone, features)?);
        }
        if !interactions.is_empty() {
            let _ = write!(text, " interaction_constraints={}", groups(interactions, features)?);
        }
        Ok(text)
    }
}

/// `[0,1],[2]`
fn groups(interactions: &[Vec<String>], features: &[Feature]) -> Result<String> {
    let group = |names: &Vec<String>| {
        let mut columns = Vec::with_capacity(names.len());
        for name in names {
            match features.iter().position(|f| f.name == *name) {
                Some(column) => columns.push(column.to_string()),
                None => require("interactions", name, false, "names of features")?,
            }
        }
        Ok(format!("[{}]", columns.join(",")))
    };
    Ok(interactions.iter().map(group).collect::<Result<Vec<_>>>()?.join(","))
}
