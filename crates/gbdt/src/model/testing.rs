//! Random forests and rows for tests.

use tenure_core::seed::{mix, unit};
use tenure_core::{Feature, Output, Schema};

use super::{Spec, TreeModel};
use crate::Link;
use crate::params::CAPABILITIES;
use crate::tree::{Leaf, Node, Rule, Tree};

/// Levels of every categorical feature: more than one word of category bits.
pub(crate) const LEVELS: usize = 70;

/// Draws that follow from a seed.
pub(crate) struct Draws(u64, u64);

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed, 0)
    }

    pub(crate) fn unit(&mut self) -> f64 {
        self.1 += 1;
        unit(self.0, self.1)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }

    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }
}

/// `features` features, every third of them categorical.
pub(crate) fn schema(features: usize) -> Schema {
    let feature = |i: usize| match i % 3 {
        2 => Feature::categorical(format!("f{i}"), (0..LEVELS).map(|l| l.to_string()), ""),
        _ => Feature::numeric(format!("f{i}"), "", ""),
    };
    Schema::new((0..features).map(feature).collect()).unwrap()
}

/// A tree of random shape whose thresholds are multiples of 1/32, so that nodes share tests.
pub(crate) fn tree(draws: &mut Draws, schema: &Schema, splits: usize, max_depth: usize) -> Tree {
    let mut tree = Tree { nodes: Vec::new(), leaves: Vec::new(), category_bits: Vec::new() };
    // A leaf that may still be split: its parent and side, its depth and its cover.
    let mut open = vec![(None::<(usize, bool)>, 0, 1000.0)];
    let mut closed = Vec::new();
    while let Some((parent, depth, cover)) =
        (!open.is_empty()).then(|| open.swap_remove(draws.below(open.len())))
    {
        if tree.nodes.len() == splits || depth == max_depth {
            closed.push((parent, cover));
            continue;
        }
        let at = tree.nodes.len();
        link(&mut tree, parent, at as i32);
        let feature = draws.below(schema.len()) as u32;
        let rule = rule(draws, &mut tree, schema, feature);
        let missing_left = draws.chance(0.5);
        let zero_missing = matches!(rule, Rule::Threshold(_)) && draws.chance(0.1);
        let (left, right, gain) = (0, 0, draws.unit());
        tree.nodes.push(Node { feature, rule, missing_left, zero_missing, left, right, gain, cover });
        // Now and then nobody reached a child, or the node itself.
        let share = if draws.chance(0.1) { 0.0 } else { draws.unit() };
        open.push((Some((at, true)), depth + 1, cover * share));
        open.push((Some((at, false)), depth + 1, cover - cover * share));
    }
    for (parent, cover) in closed {
        let leaf = tree.leaves.len() as i32;
        link(&mut tree, parent, !leaf);
        tree.leaves.push(Leaf { value: draws.unit() - 0.4, cover });
    }
    tree
}

fn link(tree: &mut Tree, parent: Option<(usize, bool)>, child: i32) {
    match parent {
        None => {}
        Some((at, true)) => tree.nodes[at].left = child,
        Some((at, false)) => tree.nodes[at].right = child,
    }
}

fn rule(draws: &mut Draws, tree: &mut Tree, schema: &Schema, feature: u32) -> Rule {
    if schema.features()[feature as usize].levels().is_none() {
        return Rule::Threshold(draws.below(32) as f64 / 32.0);
    }
    let start = tree.category_bits.len() as u32;
    let words = 1 + draws.below(2) as u32;
    tree.category_bits.extend((0..words).map(|_| mix(7, draws.below(1 << 40) as u64)));
    Rule::Categories { start, words }
}

/// What a model with these outputs says of itself.
pub(crate) fn spec(schema: Schema, outputs: Vec<Output>, link: Link) -> Spec {
    let objective = "test".to_owned();
    Spec { schema, outputs, link, objective, capabilities: CAPABILITIES, weighted: false }
}

/// A model of random trees.
pub(crate) fn model(seed: u64, features: usize, trees: usize, splits: usize, max_depth: usize) -> TreeModel {
    let mut draws = Draws::new(seed);
    let schema = schema(features);
    let trees = (0..trees).map(|_| tree(&mut draws, &schema, splits, max_depth)).collect();
    TreeModel::new("test", spec(schema, vec![Output::probability("p")], Link::Logistic), vec![-0.3], trees)
        .unwrap()
}

/// A model of three classes, with so many random trees for each.
pub(crate) fn classes(
    seed: u64,
    features: usize,
    trees: usize,
    splits: usize,
    max_depth: usize,
) -> TreeModel {
    let mut draws = Draws::new(seed);
    let schema = schema(features);
    let trees = (0..3 * trees).map(|_| tree(&mut draws, &schema, splits, max_depth)).collect();
    let outputs = ["a", "b", "c"].map(|class| Output::class_probability("y", class)).to_vec();
    TreeModel::new("test", spec(schema, outputs, Link::Softmax), vec![-0.3, 0.1, 0.2], trees).unwrap()
}

/// A row with missing values and, now and then, an unknown category.
pub(crate) fn row(draws: &mut Draws, features: usize) -> Vec<f64> {
    let value = |i: usize| match (draws.chance(0.15), i % 3) {
        (true, _) => f64::NAN,
        (false, 2) => draws.below(LEVELS + 10) as f64,
        // On the grid of the thresholds as often as not: <= is not <.
        (false, _) => draws.below(64) as f64 / 64.0,
    };
    (0..features).map(value).collect()
}
