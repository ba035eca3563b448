//! The random forest.

use serde::{Deserialize, Serialize};
use smartcore::ensemble::random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;
use tenure_core::params::require;
use tenure_core::{Capabilities, Dataset, Error, FitContext, Fitted, Learner, Result};

use crate::outside::trees::{self, Forest, Node, Problem};

/// Parameters of smartcore's random forest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmartcoreForestParams {
    /// Trees (of several classes: for each), at least 1.
    pub trees: usize,
    /// Most tests between root and leaf, 1 to 65,534; `None` for no limit.
    pub depth: Option<usize>,
    /// Fewest drawn rows in a leaf, at least 1.
    pub min_rows: usize,
    /// Share of the columns drawn for each node, above 0, at most 1; `None` for the square root of their number.
    /// A category has a column for each level.
    pub node_column_fraction: Option<f64>,
}

impl Default for SmartcoreForestParams {
    fn default() -> Self {
        Self { trees: 200, depth: Some(12), min_rows: 5, node_column_fraction: None }
    }
}

impl SmartcoreForestParams {
    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the first that is out of its range.
    pub fn check(self) -> Result<SmartcoreForest> {
        require("trees", self.trees, self.trees >= 1, "at least 1")?;
        if let Some(depth) = self.depth {
            let fits = (1..usize::from(u16::MAX)).contains(&depth);
            require("depth", depth, fits, "1 to 65534, or none")?;
        }
        require("min_rows", self.min_rows, self.min_rows >= 1, "at least 1")?;
        if let Some(share) = self.node_column_fraction {
            require("node_column_fraction", share, share > 0.0 && share <= 1.0, "above 0, at most 1")?;
        }
        Ok(SmartcoreForest { params: self })
    }
}

/// smartcore's random forest with checked parameters: binary targets, several classes and numbers.
#[derive(Debug, Clone)]
pub struct SmartcoreForest {
    params: SmartcoreForestParams,
}

impl SmartcoreForest {
    /// Kind of the artifact, and name of the backend.
    pub const KIND: &'static str = "smartcore-forest";

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &SmartcoreForestParams {
        &self.params
    }

    fn grow(&self, problem: &Problem<'_>, x: &DenseMatrix<f64>, seed: u64) -> Result<Library> {
        let SmartcoreForestParams { trees: _, depth, min_rows, node_column_fraction } = self.params;
        let columns = problem.columns as f64;
        let drawn = node_column_fraction.map_or(columns.sqrt().floor(), |share| (share * columns).ceil());
        let params = RandomForestRegressorParameters {
            // It counts levels, the root's included.
            max_depth: depth.map(|depth| u16::try_from(depth + 1).unwrap_or(u16::MAX)),
            min_samples_leaf: min_rows,
            min_samples_split: 2,
            n_trees: 1,
            m: Some((drawn as usize).clamp(1, problem.columns.max(1))),
            keep_samples: false,
            seed,
        };
        let labels = problem.labels.to_vec();
        match problem.weights {
            Some(weights) => RandomForestRegressor::fit_with_weights(x, &labels, weights, params),
            None => RandomForestRegressor::fit(x, &labels, params),
        }
        .map_err(|e| super::failed(&e))
    }
}

/// A forest of one tree.
type Library = RandomForestRegressor<f64, f64, DenseMatrix<f64>, Vec<f64>>;

impl Learner for SmartcoreForest {
    fn name(&self) -> &str {
        Self::KIND
    }

    fn capabilities(&self) -> Capabilities {
        trees::CAPABILITIES
    }

    fn fit(&self, train: &Dataset, valid: Option<&Dataset>, context: &FitContext<'_>) -> Result<Fitted> {
        let forest = Forest { kind: Self::KIND, trees: self.params.trees, numbers: true };
        trees::fit(&forest, train, valid, context, |problem, seed| {
            let x = super::matrix(problem.x, problem.columns)?;
            nodes(&self.grow(problem, &x, seed)?)
        })
    }
}

/// The nodes of the only tree, which smartcore shows in serialised form only.
fn nodes(forest: &Library) -> Result<Vec<Node>> {
    #[derive(Deserialize)]
    struct Outer {
        forest_regressor: Trees,
    }
    #[derive(Deserialize)]
    struct Trees {
        trees: Vec<Tree>,
    }
    #[derive(Deserialize)]
    struct Tree {
        nodes: Vec<Theirs>,
    }
    #[derive(Deserialize)]
    struct Theirs {
        output: f64,
        split_feature: usize,
        split_value: Option<f64>,
        true_child: Option<usize>,
        false_child: Option<usize>,
    }
    let json = serde_json::to_value(forest).and_then(serde_json::from_value::<Outer>);
    let outer = json.map_err(|e| Error::Internal(format!("smartcore's tree reads otherwise: {e}")))?;
    let tree = outer.forest_regressor.trees.into_iter().next().map(|tree| tree.nodes).unwrap_or_default();
    let ours = |node: Theirs| match (node.split_value, node.true_child, node.false_child) {
        (Some(limit), Some(low), Some(high)) => Node::Test { column: node.split_feature, limit, low, high },
        _ => Node::Leaf(node.output),
    };
    Ok(tree.into_iter().map(ours).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenure_core::seed;

    #[test]
    fn copied_trees_answer_as_the_library_does() {
        let (rows, columns) = (300, 4);
        let x: Vec<f64> = (0..rows * columns).map(|i| seed::unit(1, i as u64)).collect();
        let labels: Vec<f64> =
            x.chunks_exact(columns).map(|r| f64::from(u8::from(r[0] + r[1] * r[2] > 0.8))).collect();
        let problem = Problem { x: &x, columns, labels: &labels, weights: None };
        let params = SmartcoreForestParams { depth: Some(5), ..SmartcoreForestParams::default() };
        let learner = params.check().unwrap();
        let matrix = super::super::matrix(&x, columns).unwrap();
        let library = learner.grow(&problem, &matrix, 9).unwrap();
        let copied = nodes(&library).unwrap();
        assert!(copied.len() > 10, "{} nodes", copied.len());
        let expected = library.predict(&matrix).unwrap();
        for (row, expected) in x.chunks_exact(columns).zip(expected) {
            assert_eq!(trees::leaf(&copied, row), expected);
        }
    }

    #[test]
    fn depth_counts_tests() {
        let x: Vec<f64> = (0..64).map(f64::from).collect();
        let labels: Vec<f64> = (0..64).map(|i| f64::from(i % 7)).collect();
        let problem = Problem { x: &x, columns: 1, labels: &labels, weights: None };
        let matrix = super::super::matrix(&x, 1).unwrap();
        for depth in [1, 2, 3] {
            let params = SmartcoreForestParams { depth: Some(depth), min_rows: 1, ..Default::default() };
            let tree = nodes(&params.check().unwrap().grow(&problem, &matrix, 1).unwrap()).unwrap();
            assert_eq!(trees::depth(&tree), depth);
        }
    }
}
