//! A random forest on linfa's decision trees.
//!
//! `linfa-ensemble` has forests, but they count the hard votes of trees that were pruned by their votes, which
//! leaves little of a probability. Here each tree is fitted to rows and columns drawn for it, is kept from pruning,
//! and a leaf answers with the share of the class among the drawn rows in it.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use linfa::dataset::Label;
use linfa::traits::Fit;
use linfa_trees::{DecisionTree, TreeNode};
use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{Capabilities, Dataset, Error, FitContext, Fitted, Learner, Result, seed};

use crate::outside::trees::{self, Forest, Node, Problem};

/// Parameters of a random forest on linfa's decision trees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinfaForestParams {
    /// Trees (of several classes: for each), at least 1.
    pub trees: usize,
    /// Most tests between root and leaf, 1 to 1,000: linfa descends by recursion.
    pub depth: usize,
    /// Fewest drawn rows in a leaf, at least 1.
    pub min_rows: usize,
    /// Share of the columns drawn for each tree, above 0, at most 1; at least one is drawn. A category has a column
    /// for each level.
    pub column_fraction: f64,
}

impl Default for LinfaForestParams {
    fn default() -> Self {
        Self { trees: 200, depth: 12, min_rows: 5, column_fraction: 0.5 }
    }
}

impl LinfaForestParams {
    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the first that is out of its range.
    pub fn check(self) -> Result<LinfaForest> {
        require("trees", self.trees, self.trees >= 1, "at least 1")?;
        require("depth", self.depth, (1..=1000).contains(&self.depth), "1 to 1000")?;
        require("min_rows", self.min_rows, self.min_rows >= 1, "at least 1")?;
        let share = self.column_fraction;
        require("column_fraction", share, share > 0.0 && share <= 1.0, "above 0, at most 1")?;
        Ok(LinfaForest { params: self })
    }
}

/// A random forest on linfa's decision trees with checked parameters: binary targets and several classes.
#[derive(Debug, Clone)]
pub struct LinfaForest {
    params: LinfaForestParams,
}

impl LinfaForest {
    /// Kind of the artifact, and name of the backend.
    pub const KIND: &'static str = "linfa-forest";

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &LinfaForestParams {
        &self.params
    }
}

impl Learner for LinfaForest {
    fn name(&self) -> &str {
        Self::KIND
    }

    fn capabilities(&self) -> Capabilities {
        trees::CAPABILITIES
    }

    fn fit(&self, train: &Dataset, valid: Option<&Dataset>, context: &FitContext<'_>) -> Result<Fitted> {
        let forest = Forest { kind: Self::KIND, trees: self.params.trees, numbers: false };
        trees::fit(&forest, train, valid, context, |problem, seed| self.grow(problem, seed))
    }
}

impl LinfaForest {
    fn grow(&self, problem: &Problem<'_>, seed: u64) -> Result<Vec<Node>> {
        let LinfaForestParams { trees: _, depth, min_rows, column_fraction } = self.params;
        let rows = drawn_rows(problem, seed);
        let columns = drawn_columns(problem.columns, column_fraction, seed);
        let drawn: Vec<f64> = rows
            .iter()
            .flat_map(|row| columns.iter().map(move |column| problem.x[row * problem.columns + column]))
            .collect();
        let labels: Vec<Vote> = rows.iter().map(|&row| Vote::new(problem.labels[row] == 1.0)).collect();
        let params = DecisionTree::<f64, Vote>::params()
            .max_depth(Some(depth))
            .min_weight_split(2.0)
            .min_weight_leaf(min_rows as f32);
        let data = super::with_labels(super::matrix(drawn, columns.len())?, labels);
        let tree = params.fit(&data).map_err(|e| Error::Data(format!("{}: {e}", Self::KIND)))?;
        let mut nodes = Vec::new();
        copy(tree.root_node(), &columns, &mut nodes);
        fill(&mut nodes, problem, &rows);
        Ok(nodes)
    }
}

/// As many rows as there are, with replacement, by their weights.
fn drawn_rows(problem: &Problem<'_>, seed: u64) -> Vec<usize> {
    let n = problem.labels.len();
    let draw = |at: usize| seed::unit(seed, at as u64);
    let Some(weights) = problem.weights else {
        return (0..n).map(|at| ((draw(at) * n as f64) as usize).min(n - 1)).collect();
    };
    let mut total = 0.0;
    let sums = weights.iter().map(|weight| {
        total += weight;
        total
    });
    let sums: Vec<f64> = sums.collect();
    (0..n).map(|at| sums.partition_point(|&sum| sum <= draw(at) * total).min(n - 1)).collect()
}

/// Some of the columns, in their order.
fn drawn_columns(columns: usize, share: f64, seed: u64) -> Vec<usize> {
    let wanted = ((share * columns as f64).round() as usize).clamp(1, columns);
    let mut all: Vec<usize> = (0..columns).collect();
    let place = seed::mix(seed, 1);
    all.sort_by_key(|&column| seed::mix(place, column as u64));
    all.truncate(wanted);
    all.sort_unstable();
    all
}

/// Appends a node and what is below it; leaves are empty.
fn copy(node: &TreeNode<f64, Vote>, columns: &[usize], nodes: &mut Vec<Node>) {
    let at = nodes.len();
    nodes.push(Node::Leaf(0.0));
    if let [Some(low), Some(high)] = node.children().as_slice() {
        let (column, limit, _) = node.split();
        copy(low, columns, nodes);
        let right = nodes.len();
        copy(high, columns, nodes);
        // In fitting, linfa sends a row to the left whose value is at most the limit.
        nodes[at] = Node::Test { column: columns[column], limit, low: at + 1, high: right };
    }
}

/// Gives each leaf the share of ones among the rows in it.
fn fill(nodes: &mut [Node], problem: &Problem<'_>, rows: &[usize]) {
    let mut counts = vec![(0.0, 0.0); nodes.len()];
    for &row in rows {
        let values = &problem.x[row * problem.columns..(row + 1) * problem.columns];
        let (ones, all) = &mut counts[trees::leaf_place(nodes, values)];
        *ones += problem.labels[row];
        *all += 1.0;
    }
    for (node, (ones, all)) in nodes.iter_mut().zip(counts) {
        if let Node::Leaf(share) = node {
            // A leaf is where fitting sent rows to, so it has some.
            *share = if all > 0.0 { ones / all } else { 0.0 };
        }
    }
}

/// A label that linfa does not prune by.
///
/// After fitting, linfa joins two leaves that vote for the same class, and with them go their shares: a leaf of 10 %
/// and one of 40 % become one. Only that step compares copies of copies of copies of labels, so those are equal to
/// nothing; a test sees that trees stay whole. All that linfa hashes, labels and copies of the first and second
/// kind, are equal by class.
#[derive(Debug, Default)]
struct Vote {
    one: bool,
    /// How many times it is a copy.
    copies: u8,
}

impl Vote {
    fn new(one: bool) -> Self {
        Self { one, copies: 0 }
    }
}

impl Clone for Vote {
    fn clone(&self) -> Self {
        Self { one: self.one, copies: self.copies.saturating_add(1) }
    }
}

impl PartialEq for Vote {
    fn eq(&self, other: &Self) -> bool {
        self.one == other.one && self.copies.min(other.copies) < 3
    }
}

impl Eq for Vote {}

impl Hash for Vote {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.one.hash(state);
    }
}

impl PartialOrd for Vote {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Vote {
    fn cmp(&self, other: &Self) -> Ordering {
        self.one.cmp(&other.one)
    }
}

impl Label for Vote {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_that_vote_alike_stay_apart() {
        // One in ten is of the class on one side, four in ten on the other: both leaves vote against it.
        let x: Vec<f64> = (0..2000).map(|row| f64::from(row % 2)).collect();
        let labels: Vec<f64> = (0..2000)
            .map(|row| f64::from(u8::from(seed::unit(3, row) < if row % 2 == 0 { 0.1 } else { 0.4 })))
            .collect();
        let problem = Problem { x: &x, columns: 1, labels: &labels, weights: None };
        let tree = LinfaForestParams::default().check().unwrap().grow(&problem, 5).unwrap();
        assert_eq!(tree.len(), 3);
        let (low, high) = (trees::leaf(&tree, &[0.0]), trees::leaf(&tree, &[1.0]));
        assert!((low - 0.1).abs() < 0.04 && (high - 0.4).abs() < 0.05, "{low} {high}");
    }

    #[test]
    fn depth_counts_tests() {
        let x: Vec<f64> = (0..640).map(f64::from).collect();
        let labels: Vec<f64> = (0..640).map(|row| f64::from(u8::from(row / 40 % 2 == 0))).collect();
        let problem = Problem { x: &x, columns: 1, labels: &labels, weights: None };
        for depth in [1, 2, 3] {
            let params = LinfaForestParams { depth, ..LinfaForestParams::default() };
            assert_eq!(trees::depth(&params.check().unwrap().grow(&problem, 1).unwrap()), depth);
        }
    }

    #[test]
    fn rows_are_drawn_by_weight() {
        let labels = vec![0.0; 1000];
        let weights: Vec<f64> = (0..1000).map(|row| if row < 100 { 9.0 } else { 1.0 }).collect();
        let problem = Problem { x: &[], columns: 0, labels: &labels, weights: Some(&weights) };
        let heavy = drawn_rows(&problem, 4).into_iter().filter(|&row| row < 100).count();
        assert!((450..550).contains(&heavy), "{heavy}");
    }
}
