//! Forests of others: growing tree by tree, and the fitted model.
//!
//! A library grows the trees; what it grew is copied into plain arrays, which predict without it. Of several
//! classes each has a forest of its own against the rest, and the shares are divided by their sum.

use std::cell::RefCell;

use ndarray::{ArrayView2, ArrayViewMut2};
use serde::{Deserialize, Serialize};
use tenure_core::{
    Artifact, Capabilities, Dataset, Error, Explanation, Feature, FitContext, FitReport, Fitted,
    MissingPolicy, Model, Output, Progress, Result, Schema, StopReason, check_batch, check_row, seed,
};

use super::encode::Encoder;
use super::{Rows, Task};

/// Missing numbers count as the mean.
pub(crate) const CAPABILITIES: Capabilities =
    Capabilities::new(MissingPolicy::Imputed).with_weights().with_categories();

/// What a tree learns.
pub(crate) struct Problem<'a> {
    /// Row-major.
    pub(crate) x: &'a [f64],
    pub(crate) columns: usize,
    /// A number, or 1 for rows of the class and 0 for others.
    pub(crate) labels: &'a [f64],
    pub(crate) weights: Option<&'a [f64]>,
}

impl Problem<'_> {
    fn mean(&self) -> f64 {
        let weight = |row: usize| self.weights.map_or(1.0, |w| w[row]);
        let total: f64 = (0..self.labels.len()).map(weight).sum();
        self.labels.iter().enumerate().map(|(row, label)| weight(row) / total * label).sum()
    }
}

/// A node of a tree; the root is the first, children come later.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Node {
    Leaf(f64),
    /// To `low` where the column is at most the limit.
    Test {
        column: usize,
        limit: f64,
        low: usize,
        high: usize,
    },
}

/// What is to be grown.
pub(crate) struct Forest {
    pub(crate) kind: &'static str,
    pub(crate) trees: usize,
    /// Whether the library learns numbers other than 0 and 1.
    pub(crate) numbers: bool,
}

/// Fits a forest for each output; `grow` makes one tree with a seed of its own.
pub(crate) fn fit(
    forest: &Forest,
    train: &Dataset,
    valid: Option<&Dataset>,
    context: &FitContext<'_>,
    grow: impl Fn(&Problem<'_>, u64) -> Result<Vec<Node>> + Sync,
) -> Result<Fitted> {
    let kind = forest.kind;
    let target = train.target()?;
    let task = Task::of(kind, target)?;
    if task == Task::Real && !forest.numbers {
        return Err(Error::unsupported(kind, format!("the target `{}`: it is a number", target.name())));
    }
    if let Some(valid) = valid {
        valid.require_columns_of(train)?;
    }
    let rows = Rows::to_train(kind, CAPABILITIES, train, task)?;
    let encoder = Encoder::learn(rows.data(), rows.weights());
    encoder.require_columns(kind)?;
    let x = encoder.matrix(rows.data());
    let threads = context.threads.or_else(|| std::thread::available_parallelism().ok());
    let threads = threads.map_or(1, usize::from).min(forest.trees);
    let (mut trees, mut done) = (Vec::new(), 0);
    for output in 0..task.width() {
        let labels: Vec<f64> = match task {
            Task::Binary | Task::Real => rows.labels().to_vec(),
            Task::Classes(_) => {
                rows.labels().iter().map(|&y| f64::from(u8::from(y == output as f64))).collect()
            }
        };
        let problem = Problem { x: &x, columns: encoder.width(), labels: &labels, weights: rows.weights() };
        let mean = problem.mean();
        for first in (0..forest.trees).step_by(threads) {
            let last = (first + threads).min(forest.trees);
            // Forests of classes draw the same rows, so that their shares fit each other.
            for mut tree in at_once(first..last, |tree| grow(&problem, seed::mix(context.seed, tree as u64)))?
            {
                // Without a test it learned nothing, not even the mean of the rows that it did not draw.
                if let [Node::Leaf(value)] = tree.as_mut_slice() {
                    *value = mean;
                }
                trees.push(require_tree(kind, tree, encoder.width())?);
                done += 1;
            }
            let total = Some((forest.trees * task.width()) as u64);
            let stage = "growing trees";
            context.progress.report(Progress { stage, done, total, figure: None });
            context.check_cancelled(stage)?;
        }
    }
    let report = FitReport {
        rows: rows.len(),
        loss: String::new(),
        iterations: forest.trees,
        stopped: StopReason::Iterations,
        notes: rows.notes(),
        ..FitReport::default()
    };
    let (schema, outputs) = (train.schema().clone(), task.outputs(target));
    Ok(Fitted { model: Box::new(ForestModel { kind, schema, outputs, task, encoder, trees }), report })
}

/// The results of a job for each number, in their order, each on a thread of its own.
fn at_once<T: Send>(
    numbers: std::ops::Range<usize>,
    job: impl Fn(usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    if numbers.len() == 1 {
        return numbers.map(job).collect();
    }
    std::thread::scope(|scope| {
        let job = &job;
        let running: Vec<_> = numbers.map(|number| scope.spawn(move || job(number))).collect();
        let panicked = |_| Err(Error::Internal("a library panicked while growing a tree".into()));
        // All are joined before the first error is given.
        let outcomes: Vec<Result<T>> =
            running.into_iter().map(|t| t.join().unwrap_or_else(panicked)).collect();
        outcomes.into_iter().collect()
    })
}

/// Refuses a tree whose walk could leave it or never end.
fn require_tree(kind: &str, tree: Vec<Node>, columns: usize) -> Result<Vec<Node>> {
    let fits = |(at, node): (usize, &Node)| match *node {
        Node::Leaf(value) => value.is_finite(),
        Node::Test { column, limit, low, high } => {
            let later = |child: usize| child > at && child < tree.len();
            column < columns && !limit.is_nan() && later(low) && later(high)
        }
    };
    if !tree.is_empty() && tree.iter().enumerate().all(fits) {
        Ok(tree)
    } else {
        Err(Error::damaged(format!("{kind}: a tree does not hold together")))
    }
}

/// Trees that another library grew; their mean is the answer.
#[derive(Debug)]
pub(crate) struct ForestModel {
    kind: &'static str,
    schema: Schema,
    outputs: Vec<Output>,
    task: Task,
    encoder: Encoder,
    /// Those of the first output first, as many for each.
    trees: Vec<Vec<Node>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    features: Vec<Feature>,
    outputs: Vec<Output>,
    task: Task,
    columns: Encoder,
    /// Nodes of each tree.
    nodes: Vec<usize>,
}

thread_local! {
    /// A row as the trees read it.
    static ROW: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
}

/// Least share of a class, so that its logarithm is finite and shares of nothing divide by something.
const LEAST: f64 = 1e-9;

impl ForestModel {
    const VERSION: u32 = 1;

    /// Restores what [`Model::to_artifact`] wrote under this kind.
    pub(crate) fn from_artifact(kind: &'static str, artifact: &Artifact) -> Result<Self> {
        artifact.expect(kind, Self::VERSION)?;
        let Config { features, outputs, task, columns: encoder, nodes } = artifact.config()?;
        let damaged = |what: &str| Error::damaged(format!("{kind}: {what}"));
        let schema = Schema::new(features)?;
        encoder.require_fit(&schema)?;
        let numbers = artifact.numbers("trees")?;
        let (numbers, rest) = numbers.as_chunks::<4>();
        let total = nodes.iter().try_fold(0usize, |sum, &n| sum.checked_add(n));
        if !rest.is_empty() || total != Some(numbers.len()) {
            return Err(damaged("the nodes are not as many as the trees say"));
        }
        if nodes.is_empty() || nodes.len() % task.width() != 0 || outputs.len() != task.width() {
            return Err(damaged("the trees do not fit the outputs"));
        }
        let mut trees = Vec::with_capacity(nodes.len());
        let mut rest = numbers;
        for n in nodes {
            let (own, later) = rest.split_at(n);
            rest = later;
            let tree = own.iter().map(node).collect::<Option<_>>();
            let tree = tree.ok_or_else(|| damaged("a node is none"))?;
            trees.push(require_tree(kind, tree, encoder.width())?);
        }
        Ok(Self { kind, schema, outputs, task, encoder, trees })
    }

    fn answer(&self, row: impl Iterator<Item = f64>, out: &mut [f64]) {
        ROW.with_borrow_mut(|values| {
            values.clear();
            self.encoder.encode(row, |_, value| values.push(value));
            let each = self.trees.len() / out.len();
            for (place, trees) in out.iter_mut().zip(self.trees.chunks_exact(each)) {
                *place = trees.iter().map(|tree| leaf(tree, values)).sum::<f64>() / each as f64;
            }
        });
        match self.task {
            Task::Real => {}
            // Means of shares may pass 1 by a rounding.
            Task::Binary => out.iter_mut().for_each(|p| *p = p.clamp(0.0, 1.0)),
            Task::Classes(_) => {
                out.iter_mut().for_each(|p| *p = p.max(LEAST));
                let total: f64 = out.iter().sum();
                out.iter_mut().for_each(|p| *p /= total);
            }
        }
    }
}

/// The value of the leaf that a row ends in.
pub(crate) fn leaf(tree: &[Node], values: &[f64]) -> f64 {
    match tree[leaf_place(tree, values)] {
        Node::Leaf(value) => value,
        // The walk ends at a leaf.
        Node::Test { .. } => f64::NAN,
    }
}

/// The number of the leaf that a row ends in.
pub(crate) fn leaf_place(tree: &[Node], values: &[f64]) -> usize {
    let mut at = 0;
    while let Node::Test { column, limit, low, high } = tree[at] {
        at = if values[column] <= limit { low } else { high };
    }
    at
}

/// A node from four numbers: the column, −1 for a leaf, then limit and children, or the value.
fn node(&[column, number, low, high]: &[f64; 4]) -> Option<Node> {
    let whole = |v: f64| (v >= 0.0 && v < 2_f64.powi(32) && v.fract() == 0.0).then_some(v as usize);
    if column == -1.0 {
        return Some(Node::Leaf(number));
    }
    Some(Node::Test { column: whole(column)?, limit: number, low: whole(low)?, high: whole(high)? })
}

impl Model for ForestModel {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_batch(&self.schema, self.outputs.len(), x, out.dim())?;
        let mut answer = vec![0.0; self.outputs.len()];
        for (row, mut place) in x.rows().into_iter().zip(out.rows_mut()) {
            self.answer(row.iter().copied(), &mut answer);
            place.iter_mut().zip(&answer).for_each(|(place, value)| *place = *value);
        }
        Ok(())
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        check_row(&self.schema, row, self.outputs.len(), out)?;
        self.answer(row.iter().copied(), out);
        Ok(())
    }

    fn explain_row(&self, _: &[f64], _: usize) -> Result<Explanation> {
        Err(Error::unsupported(self.kind, "explanations"))
    }

    fn to_artifact(&self) -> Artifact {
        let config = Config {
            features: self.schema.features().to_vec(),
            outputs: self.outputs.clone(),
            task: self.task,
            columns: self.encoder.clone(),
            nodes: self.trees.iter().map(Vec::len).collect(),
        };
        let numbers = self.trees.iter().flatten().flat_map(|node| match *node {
            Node::Leaf(value) => [-1.0, value, 0.0, 0.0],
            Node::Test { column, limit, low, high } => [column as f64, limit, low as f64, high as f64],
        });
        let numbers: Vec<f64> = numbers.collect();
        // Strings and finite numbers: this is JSON.
        let config = serde_json::to_value(config).unwrap_or_default();
        Artifact::from_json(self.kind, Self::VERSION, config).with_numbers("trees", &numbers)
    }
}

/// Most tests on a way from the root to a leaf.
#[cfg(test)]
pub(crate) fn depth(tree: &[Node]) -> usize {
    fn below(tree: &[Node], at: usize) -> usize {
        match tree[at] {
            Node::Leaf(_) => 0,
            Node::Test { low, high, .. } => 1 + below(tree, low).max(below(tree, high)),
        }
    }
    below(tree, 0)
}
