//! Parameters under the common names, and their translation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{Error, Feature, Result};
use tenure_gbdt::Monotone;

use crate::outside::{Task, directions};

/// Parameters of XGBoost under the names that [`tenure_gbdt::GbdtParams`] gives them.
///
/// | here | there |
/// |---|---|
/// | `leaves`, `depth` | `max_leaves`, `max_depth`, with `grow_policy` `lossguide` |
/// | `min_hessian` | `min_child_weight` |
/// | `l1`, `l2`, `min_gain` | `alpha`, `lambda`, `gamma` |
/// | `bins` | `max_bin` |
/// | `row_fraction` | `subsample` |
/// | `column_fraction`, `node_column_fraction` | `colsample_bytree`, `colsample_bynode` |
/// | `monotone` | `monotone_constraints` |
///
/// XGBoost has no least number of rows in a leaf: `min_rows` is here so that asking for one is answered in words.
/// Nor has it parameters for sorted categories.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct XgBoostParams {
    /// Most trees to grow (of several classes: trees for each), at least 1.
    pub trees: usize,
    /// Factor on every leaf value, above 0, at most 1.
    pub learning_rate: f64,
    /// Most leaves of a tree, 2 to 65,536.
    pub leaves: usize,
    /// Most tests between root and leaf, at least 1; `None` for no limit.
    pub depth: Option<usize>,
    /// 1: XGBoost cannot ask for more rows in a leaf.
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
    /// Stop after so many trees without a lower validation loss, at least 1, and keep the best number of trees.
    pub early_stopping_rounds: Option<usize>,
}

impl Default for XgBoostParams {
    fn default() -> Self {
        Self {
            trees: 300,
            learning_rate: 0.05,
            leaves: 31,
            depth: Some(6),
            min_rows: 1,
            min_hessian: 1.0,
            l1: 0.0,
            l2: 1.0,
            min_gain: 0.0,
            bins: 255,
            row_fraction: 1.0,
            column_fraction: 1.0,
            node_column_fraction: 1.0,
            monotone: BTreeMap::new(),
            early_stopping_rounds: Some(50),
        }
    }
}

impl XgBoostParams {
    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the first that is out of its range; [`Error::Unsupported`] for `min_rows`.
    pub fn check(self) -> Result<super::XgBoost> {
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
        if self.min_rows > 1 {
            let what = format!(
                "`min_rows` of {}: it has no least number of rows, only `min_hessian`",
                self.min_rows
            );
            return Err(Error::unsupported(super::NAME, what));
        }
        penalty("min_hessian", self.min_hessian)?;
        penalty("l1", self.l1)?;
        penalty("l2", self.l2)?;
        penalty("min_gain", self.min_gain)?;
        require("bins", self.bins, (2..=255).contains(&self.bins), "2 to 255")?;
        fraction("row_fraction", self.row_fraction)?;
        fraction("column_fraction", self.column_fraction)?;
        fraction("node_column_fraction", self.node_column_fraction)?;
        self.early_stopping_rounds.map_or(Ok(()), |rounds| count("early_stopping_rounds", rounds))?;
        Ok(super::XgBoost { params: self })
    }

    /// XGBoost's parameters.
    pub(super) fn translated(
        &self,
        features: &[Feature],
        task: Task,
        seed: u64,
    ) -> Result<Vec<(&'static str, String)>> {
        // Taken apart, so that a new parameter does not compile until it is translated.
        let Self {
            trees: _,
            learning_rate,
            leaves,
            depth,
            min_rows: _,
            min_hessian,
            l1,
            l2,
            min_gain,
            bins,
            row_fraction,
            column_fraction,
            node_column_fraction,
            monotone,
            early_stopping_rounds: _,
        } = self;
        let number = |v: &f64| format!("{v:e}");
        let (objective, base_score) = match task {
            Task::Binary => ("binary:logistic", "0.5"),
            Task::Real => ("reg:squarederror", "0"),
            Task::Classes(_) => ("multi:softprob", "0"),
        };
        let mut all = vec![
            ("verbosity", "0".to_owned()),
            ("booster", "gbtree".to_owned()),
            ("tree_method", "hist".to_owned()),
            ("grow_policy", "lossguide".to_owned()),
            // XGBoost adds up gradients thread by thread, so that another number gives other bits.
            ("nthread", "1".to_owned()),
            ("seed", (tenure_core::seed::mix(seed, 0) >> 34).to_string()),
            ("objective", objective.to_owned()),
            ("base_score", base_score.to_owned()),
            ("learning_rate", number(learning_rate)),
            ("max_leaves", leaves.to_string()),
            ("max_depth", depth.unwrap_or(0).to_string()),
            ("min_child_weight", number(min_hessian)),
            ("alpha", number(l1)),
            ("lambda", number(l2)),
            ("gamma", number(min_gain)),
            ("max_bin", bins.to_string()),
            ("subsample", number(row_fraction)),
            ("colsample_bytree", number(column_fraction)),
            ("colsample_bynode", number(node_column_fraction)),
        ];
        if let Task::Classes(classes) = task {
            all.push(("num_class", classes.to_string()));
        }
        if !monotone.is_empty() {
            let directions = directions(super::NAME, monotone, features)?;
            all.push(("monotone_constraints", format!("({directions})")));
        }
        Ok(all)
    }
}
