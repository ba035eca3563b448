//! Parameters of gradient boosting, and the learner that checking them gives.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{Capabilities, Dataset, FitContext, Fitted, Learner, MissingPolicy, Result};

use crate::{CustomObjective, Objective, TreeModel, train};

/// Parameters of gradient boosting. [`GbdtParams::check`] turns them into a learner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GbdtParams {
    /// What is minimised; `None` follows the target: log loss for a binary one and for several classes, squared error
    /// for a number. For a loss of one's own see [`Gbdt::with_objective`].
    pub objective: Option<Objective>,
    /// Most iterations, at least 1: trees to grow, for several classes one for each.
    pub trees: usize,
    /// Factor on every leaf value, above 0, at most 1.
    pub learning_rate: f64,
    /// Most leaves of a tree, 2 to 65,536.
    pub leaves: usize,
    /// Most tests between root and leaf, at least 1; `None` for no limit.
    pub depth: Option<usize>,
    /// Fewest training rows in a leaf, at least 1. Rows are counted, whatever their weight; rows of weight 0 are
    /// not there.
    pub min_rows: usize,
    /// Least sum of Hessians in a leaf, at least 0. A row's Hessian is its weight for squared error and
    /// `weight · p (1 − p)` for log loss.
    pub min_hessian: f64,
    /// L1 penalty on leaf values, at least 0, in the unit of a sum of gradients.
    pub l1: f64,
    /// L2 penalty on leaf values, at least 0, in the unit of a sum of Hessians.
    pub l2: f64,
    /// Least gain of a split, at least 0, in the unit of the total loss.
    pub min_gain: f64,
    /// Most bins for the known values of a feature, 2 to 255; missing values have a bin of their own beside.
    pub bins: usize,
    /// Share of the rows drawn for each tree, above 0, at most 1.
    pub row_fraction: f64,
    /// Draw rows by their gradients instead, from iteration `1 / learning_rate` on; `row_fraction` is 1 then.
    pub gradient_sampling: Option<GradientSampling>,
    /// Share of the features drawn for each tree, above 0, at most 1; at least one is drawn.
    pub column_fraction: f64,
    /// Share of the tree's features drawn for each node, above 0, at most 1; at least one is drawn.
    pub node_column_fraction: f64,
    /// Numeric features, by name, in which the model may only rise or only fall: of two rows that differ in such a
    /// feature alone, and both know it, the one with the greater value never gets the lower (or higher) raw score.
    /// A missing value has no place in that order. Not for several classes.
    pub monotone: BTreeMap<String, Monotone>,
    /// Groups of features, by name, that may interact: all features on a path from a root to a leaf are in one
    /// group. A feature may be in several groups; one that is in none is not used, as in LightGBM (a group of its
    /// own lets it stand alone). Empty: all may interact.
    pub interactions: Vec<Vec<String>>,
    /// Stop after so many trees without a lower validation loss, at least 1, and keep the best number of trees.
    /// `None` never stops early. Needs a validation set: without one, all trees are kept.
    pub early_stopping_rounds: Option<usize>,
    /// How splits on categorical features are found.
    pub categorical: CategoricalParams,
}

/// Gradient-based one-side sampling (Ke et al., *LightGBM*, 2017): rows that are predicted worst are always learned
/// from, of the others a part that stands for all of them. Faster on many rows; it says nothing for losses whose
/// gradients have all the same size (absolute error, quantiles).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GradientSampling {
    /// Share of the rows that is kept, those with the greatest `|gradient · Hessian|`: above 0, below 1.
    pub top: f64,
    /// Share of the rows drawn from the others: above 0; with `top` at most 1.
    pub other: f64,
}

impl Default for GradientSampling {
    fn default() -> Self {
        Self { top: 0.2, other: 0.1 }
    }
}

/// Which way a model may go with a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Monotone {
    /// Never down as the feature goes up.
    Increasing,
    /// Never up as the feature goes up.
    Decreasing,
}

/// How splits on categorical features are found (Fisher 1958; as in LightGBM).
///
/// Up to four categories in a node are tried one against the rest. More are sorted by `G / (H + smoothing)` and
/// cut in two from either end. A feature of more levels than [`GbdtParams::bins`] is split by parts of its levels, the
/// most frequent first, up to 16 parts; the levels that are rarer yet stay together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CategoricalParams {
    /// Added to a category's sum of Hessians before sorting, at least 0; a category with fewer rows than this in
    /// a node is not sorted and goes with the rest.
    pub smoothing: f64,
    /// Added to [`GbdtParams::l2`] for a split of sorted categories and for the leaves under it, at least 0.
    pub l2: f64,
    /// Most categories on the smaller side of a split, at least 1.
    pub max_categories: usize,
    /// Fewest rows in a group of sorted categories between two cuts, at least 1.
    pub min_group_rows: usize,
}

impl Default for CategoricalParams {
    fn default() -> Self {
        Self { smoothing: 10.0, l2: 10.0, max_categories: 32, min_group_rows: 100 }
    }
}

impl Default for GbdtParams {
    fn default() -> Self {
        Self {
            objective: None,
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
            gradient_sampling: None,
            column_fraction: 1.0,
            node_column_fraction: 1.0,
            monotone: BTreeMap::new(),
            interactions: Vec::new(),
            early_stopping_rounds: Some(50),
            categorical: CategoricalParams::default(),
        }
    }
}

impl GbdtParams {
    /// Checks every parameter.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] naming the first that is out of its range.
    pub fn check(self) -> Result<Gbdt> {
        let fraction = |v: f64| v > 0.0 && v <= 1.0;
        let penalty = |v: f64| v.is_finite() && v >= 0.0;
        const FRACTION: &str = "above 0, at most 1";
        const PENALTY: &str = "a finite number of at least 0";
        if let Some(objective) = self.objective {
            objective.check()?;
        }
        require("trees", self.trees, self.trees >= 1, "at least 1")?;
        require("learning_rate", self.learning_rate, fraction(self.learning_rate), FRACTION)?;
        require("leaves", self.leaves, (2..=65_536).contains(&self.leaves), "2 to 65536")?;
        if let Some(depth) = self.depth {
            require("depth", depth, depth >= 1, "at least 1")?;
        }
        require("min_rows", self.min_rows, self.min_rows >= 1, "at least 1")?;
        require("min_hessian", self.min_hessian, penalty(self.min_hessian), PENALTY)?;
        require("l1", self.l1, penalty(self.l1), PENALTY)?;
        require("l2", self.l2, penalty(self.l2), PENALTY)?;
        require("min_gain", self.min_gain, penalty(self.min_gain), PENALTY)?;
        require("bins", self.bins, (2..=255).contains(&self.bins), "2 to 255")?;
        require("row_fraction", self.row_fraction, fraction(self.row_fraction), FRACTION)?;
        if let Some(GradientSampling { top, other }) = self.gradient_sampling {
            require("gradient_sampling.top", top, top > 0.0 && top < 1.0, "above 0, below 1")?;
            let fits = other > 0.0 && top + other <= 1.0 + 1e-12;
            require("gradient_sampling.other", other, fits, "above 0, with `top` at most 1")?;
            let rows = self.row_fraction;
            require("row_fraction", rows, rows >= 1.0, "1 where rows are drawn by their gradients")?;
        }
        require("column_fraction", self.column_fraction, fraction(self.column_fraction), FRACTION)?;
        let of_node = self.node_column_fraction;
        require("node_column_fraction", of_node, fraction(of_node), FRACTION)?;
        for (at, group) in self.interactions.iter().enumerate() {
            require(
                "interactions",
                format!("empty in group {at}"),
                !group.is_empty(),
                "names in each group",
            )?;
        }
        if let Some(rounds) = self.early_stopping_rounds {
            require("early_stopping_rounds", rounds, rounds >= 1, "at least 1")?;
        }
        let c = &self.categorical;
        require("categorical.smoothing", c.smoothing, penalty(c.smoothing), PENALTY)?;
        require("categorical.l2", c.l2, penalty(c.l2), PENALTY)?;
        require("categorical.max_categories", c.max_categories, c.max_categories >= 1, "at least 1")?;
        require("categorical.min_group_rows", c.min_group_rows, c.min_group_rows >= 1, "at least 1")?;
        Ok(Gbdt { params: self, own: None })
    }
}

/// Gradient boosting with checked parameters.
#[derive(Debug, Clone)]
pub struct Gbdt {
    params: GbdtParams,
    own: Option<Arc<dyn CustomObjective>>,
}

impl Gbdt {
    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &GbdtParams {
        &self.params
    }

    /// The same with a loss of one's own; [`GbdtParams::objective`] no longer counts.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tenure_gbdt::{CustomObjective, Derivatives, GbdtParams, Link};
    ///
    /// /// `ln cosh(score − label)`: smooth, and close to the absolute error.
    /// #[derive(Debug)]
    /// struct LogCosh;
    ///
    /// impl CustomObjective for LogCosh {
    ///     fn name(&self) -> &str {
    ///         "log_cosh"
    ///     }
    ///     fn link(&self) -> Link {
    ///         Link::Identity
    ///     }
    ///     fn at(&self, score: f64, label: f64) -> Derivatives {
    ///         let residual = score - label;
    ///         let gradient = residual.tanh();
    ///         let loss = residual.abs() + (-2.0 * residual.abs()).exp().ln_1p() - std::f64::consts::LN_2;
    ///         Derivatives { loss, gradient, hessian: 1.0 - gradient * gradient }
    ///     }
    /// }
    ///
    /// let learner = GbdtParams::default().check()?.with_objective(Arc::new(LogCosh));
    /// # Ok::<(), tenure_core::Error>(())
    /// ```
    #[must_use]
    pub fn with_objective(self, own: Arc<dyn CustomObjective>) -> Self {
        Self { own: Some(own), ..self }
    }

    /// Grows [`GbdtParams::trees`] more iterations on top of a model, on the same data or on new ones, and returns the
    /// model of both. Rows begin with the raw scores of `model`, and offsets are added to them.
    ///
    /// Growing `n` and then `m` iterations on the same data with the same seed gives the bits of growing `n + m`. The
    /// report's history begins with the first new iteration; with early stopping, none is kept where none lowers the
    /// validation loss of `model`.
    ///
    /// # Errors
    /// As [`Learner::fit`]; [`tenure_core::Error::Columns`] where the features are not those of the model,
    /// [`tenure_core::Error::Unsupported`] where the model was trained for another objective or other classes. A model
    /// of LightGBM or XGBoost ([`crate::foreign`]) is understood by its name of the objective.
    pub fn continue_from(
        &self,
        model: &TreeModel,
        train: &Dataset,
        valid: Option<&Dataset>,
        context: &FitContext<'_>,
    ) -> Result<Fitted> {
        train::fit(&self.params, self.own.as_ref(), Some(model), train, valid, context)
    }

    /// The same trees with leaf values that follow new data: `decay · old + (1 − decay) · new`, tree after tree, each
    /// with the gradients of the refitted trees before it (LightGBM's `refit`). Base scores move alike; a leaf that no
    /// row reaches keeps its value. Covers, gains and thresholds stay.
    ///
    /// The new value of a leaf is the one training gives it: learning rate and penalties are those of these
    /// parameters.
    ///
    /// # Errors
    /// As [`Gbdt::continue_from`]; [`tenure_core::Error::Parameter`] for a decay that is not 0 to 1,
    /// [`tenure_core::Error::Unsupported`] under monotone constraints, which new values would break.
    pub fn refit(
        &self,
        model: &TreeModel,
        data: &Dataset,
        decay: f64,
        context: &FitContext<'_>,
    ) -> Result<TreeModel> {
        require("decay", decay, (0.0..=1.0).contains(&decay), "0 to 1")?;
        train::refit(&self.params, self.own.as_ref(), model, data, decay, context)
    }
}

/// Weights are not exact: the least rows of a leaf count rows, whatever their weight.
pub(crate) const CAPABILITIES: Capabilities = Capabilities::new(MissingPolicy::Learned)
    .with_weights()
    .with_offsets()
    .with_categories()
    .with_explanations();

impl Learner for Gbdt {
    fn name(&self) -> &str {
        train::LEARNER
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn fit(&self, train: &Dataset, valid: Option<&Dataset>, context: &FitContext<'_>) -> Result<Fitted> {
        train::fit(&self.params, self.own.as_ref(), None, train, valid, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_is_checked_and_named() {
        type Spoil = fn(&mut GbdtParams);
        fn sampling(p: &mut GbdtParams, top: f64, other: f64) {
            p.gradient_sampling = Some(GradientSampling { top, other });
        }
        let cases: [(&str, Spoil); 19] = [
            ("trees", |p| p.trees = 0),
            ("learning_rate", |p| p.learning_rate = 0.0),
            ("leaves", |p| p.leaves = 1),
            ("depth", |p| p.depth = Some(0)),
            ("min_rows", |p| p.min_rows = 0),
            ("min_hessian", |p| p.min_hessian = f64::NAN),
            ("l1", |p| p.l1 = -1.0),
            ("l2", |p| p.l2 = f64::INFINITY),
            ("bins", |p| p.bins = 256),
            ("row_fraction", |p| p.row_fraction = 1.5),
            ("column_fraction", |p| p.column_fraction = 0.0),
            ("gradient_sampling.top", |p| sampling(p, 0.0, 0.1)),
            ("gradient_sampling.other", |p| sampling(p, 0.5, 0.6)),
            ("row_fraction", |p| {
                sampling(p, 0.2, 0.1);
                p.row_fraction = 0.5;
            }),
            ("objective.quantile.alpha", |p| p.objective = Some(Objective::Quantile { alpha: 0.0 })),
            ("node_column_fraction", |p| p.node_column_fraction = f64::NAN),
            ("interactions", |p| p.interactions = vec![vec![]]),
            ("early_stopping_rounds", |p| p.early_stopping_rounds = Some(0)),
            ("categorical.smoothing", |p| p.categorical.smoothing = -1.0),
        ];
        for (name, spoil) in cases {
            let mut params = GbdtParams::default();
            spoil(&mut params);
            let message = params.check().unwrap_err().to_string();
            assert!(message.starts_with(&format!("parameter `{name}` is ")), "{message}");
        }
        assert!(GbdtParams::default().check().is_ok());
    }

    #[test]
    fn unknown_keys_are_refused_and_absent_ones_take_the_default() {
        let params: GbdtParams = serde_json::from_str(r#"{"trees": 7}"#).unwrap();
        assert_eq!(params, GbdtParams { trees: 7, ..GbdtParams::default() });
        assert!(serde_json::from_str::<GbdtParams>(r#"{"n_trees": 7}"#).is_err());
    }
}
