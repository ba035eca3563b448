//! Parameters of random forests, and the learner that checking them gives.

use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{Capabilities, Dataset, FitContext, Fitted, Learner, MissingPolicy, Result};

use super::LEARNER;
use super::fit;

/// Parameters of a random forest. [`ForestParams::check`] turns them into a learner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ForestParams {
    /// Number of trees, at least 1.
    pub trees: usize,
    /// Most tests between root and leaf, at least 1; `None` for no limit.
    pub depth: Option<usize>,
    /// Least number of drawn rows in a leaf, at least 1. A row that was drawn twice counts twice; where rows are
    /// not drawn with replacement, a row counts by its weight.
    pub min_rows: usize,
    /// Least number of drawn rows, counted in the same way, in a node that is split, at least 2.
    pub min_rows_split: usize,
    /// How many features are drawn for each node. `None` follows the target: [`Columns::Sqrt`] for classes,
    /// [`Columns::Third`] for numbers.
    pub columns: Option<Columns>,
    /// Whether rows are drawn with replacement.
    pub bootstrap: bool,
    /// Rows drawn for each tree, as a share of all, above 0, at most 1. With replacement a share of 1 leaves
    /// 37 % of the rows out of a tree; without, none.
    pub row_fraction: f64,
    /// What a split is to lower. `None` follows the target: [`Criterion::Gini`] for classes,
    /// [`Criterion::SquaredError`] for numbers.
    pub criterion: Option<Criterion>,
    /// Whether trees are extremely randomised (Geurts, Ernst and Wehenkel, *Extremely randomized trees*, 2006):
    /// of each feature drawn for a node one cut is tried, drawn evenly between the least and the greatest value
    /// in the node. The paper draws no rows: `bootstrap: false` beside it.
    pub extra: bool,
    /// Least gain of a split, at least 0: by how much it lowers the mean of the criterion over all rows of the
    /// tree. At 0 a split need not gain anything, so that features that only tell something together are found.
    pub min_gain: f64,
    /// Most bins for the known values of a feature, 2 to 255; missing values have a bin of their own beside.
    pub bins: usize,
}

/// How many features are drawn for each node.
///
/// A feature that has one value only in a node does not count; another is drawn for it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Columns {
    /// The square root of their number, rounded down, at least 1.
    Sqrt,
    /// A third of them, rounded down, at least 1.
    Third,
    /// All: trees differ by the rows drawn for them alone.
    All,
    /// This share of them, above 0, at most 1, rounded up.
    Share(f64),
    /// So many, at least 1; all where there are fewer.
    Count(usize),
}

impl Columns {
    fn check(self) -> Result<()> {
        match self {
            Self::Share(share) => {
                require("columns.share", share, share > 0.0 && share <= 1.0, "above 0, at most 1")
            }
            Self::Count(count) => require("columns.count", count, count >= 1, "at least 1"),
            Self::Sqrt | Self::Third | Self::All => Ok(()),
        }
    }

    /// How many of `features`.
    pub(super) fn of(self, features: usize) -> usize {
        let count = match self {
            Self::Sqrt => features.isqrt(),
            Self::Third => features / 3,
            Self::All => features,
            Self::Share(share) => (features as f64 * share).ceil() as usize,
            Self::Count(count) => count,
        };
        count.max(1).min(features)
    }
}

/// What a split is to lower, as a mean over the rows of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Criterion {
    /// `Σ p (1 − p)` over the shares `p` of the classes: a binary or class target.
    Gini,
    /// `−Σ p ln p` over the shares `p` of the classes: a binary or class target.
    Entropy,
    /// The variance of a numeric target.
    SquaredError,
}

impl Criterion {
    /// What a model says that its trees were grown to minimise: never the name of a loss of boosting, which would
    /// take the model for one of its own.
    pub(crate) fn objective(self) -> &'static str {
        match self {
            Self::Gini => "gini",
            Self::Entropy => "entropy",
            Self::SquaredError => "variance",
        }
    }

    /// Whether a model that names this objective is a forest.
    pub(crate) fn is_named_by(objective: &str) -> bool {
        [Self::Gini, Self::Entropy, Self::SquaredError].iter().any(|own| own.objective() == objective)
    }
}

impl Default for ForestParams {
    fn default() -> Self {
        Self {
            trees: 300,
            depth: None,
            min_rows: 5,
            min_rows_split: 2,
            columns: None,
            bootstrap: true,
            row_fraction: 1.0,
            criterion: None,
            extra: false,
            min_gain: 0.0,
            bins: 255,
        }
    }
}

impl ForestParams {
    /// Checks every parameter.
    ///
    /// # Errors
    /// [`tenure_core::Error::Parameter`] naming the first that is out of its range.
    pub fn check(self) -> Result<Forest> {
        require("trees", self.trees, (1..=1_000_000).contains(&self.trees), "1 to 1000000")?;
        if let Some(depth) = self.depth {
            require("depth", depth, depth >= 1, "at least 1")?;
        }
        require("min_rows", self.min_rows, self.min_rows >= 1, "at least 1")?;
        require("min_rows_split", self.min_rows_split, self.min_rows_split >= 2, "at least 2")?;
        if let Some(columns) = self.columns {
            columns.check()?;
        }
        let fraction = self.row_fraction;
        require("row_fraction", fraction, fraction > 0.0 && fraction <= 1.0, "above 0, at most 1")?;
        let gain = self.min_gain;
        require("min_gain", gain, gain.is_finite() && gain >= 0.0, "a finite number of at least 0")?;
        require("bins", self.bins, (2..=255).contains(&self.bins), "2 to 255")?;
        Ok(Forest { params: self })
    }

    /// Whether each tree leaves rows out.
    pub(super) fn leaves_rows_out(&self) -> bool {
        self.bootstrap || self.row_fraction < 1.0
    }
}

/// A random forest with checked parameters.
#[derive(Debug, Clone)]
pub struct Forest {
    params: ForestParams,
}

impl Forest {
    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &ForestParams {
        &self.params
    }
}

/// Weights of drawn rows hold in distribution, not to the bit.
pub(super) const CAPABILITIES: Capabilities =
    Capabilities::new(MissingPolicy::Learned).with_weights().with_categories().with_explanations();

impl Learner for Forest {
    fn name(&self) -> &str {
        LEARNER
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    /// A validation set is checked for its columns and not used: a forest does not grow worse with more trees.
    fn fit(&self, train: &Dataset, valid: Option<&Dataset>, context: &FitContext<'_>) -> Result<Fitted> {
        fit::fit(&self.params, train, valid, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_is_checked_and_named() {
        type Spoil = fn(&mut ForestParams);
        let cases: [(&str, Spoil); 10] = [
            ("trees", |p| p.trees = 0),
            ("depth", |p| p.depth = Some(0)),
            ("min_rows", |p| p.min_rows = 0),
            ("min_rows_split", |p| p.min_rows_split = 1),
            ("columns.share", |p| p.columns = Some(Columns::Share(0.0))),
            ("columns.share", |p| p.columns = Some(Columns::Share(f64::NAN))),
            ("columns.count", |p| p.columns = Some(Columns::Count(0))),
            ("row_fraction", |p| p.row_fraction = 1.5),
            ("min_gain", |p| p.min_gain = f64::NAN),
            ("bins", |p| p.bins = 256),
        ];
        for (name, spoil) in cases {
            let mut params = ForestParams::default();
            spoil(&mut params);
            let message = params.check().unwrap_err().to_string();
            assert!(message.starts_with(&format!("parameter `{name}` is ")), "{message}");
        }
        assert!(ForestParams::default().check().is_ok());
    }

    #[test]
    fn columns_are_words_or_numbers() {
        let read = |text| serde_json::from_str::<ForestParams>(text).map(|p| p.columns);
        assert_eq!(read(r#"{"columns": "sqrt"}"#).unwrap(), Some(Columns::Sqrt));
        assert_eq!(read(r#"{"columns": {"share": 0.3}}"#).unwrap(), Some(Columns::Share(0.3)));
        assert!(read(r#"{"n_trees": 7}"#).is_err());
        let counts = [Columns::Sqrt, Columns::Third, Columns::All, Columns::Share(0.11), Columns::Count(99)];
        assert_eq!(counts.map(|columns| columns.of(60)), [7, 20, 60, 7, 60]);
        assert_eq!(counts.map(|columns| columns.of(1)), [1; 5]);
        assert_eq!(counts.map(|columns| columns.of(0)), [0; 5]);
    }
}
