//! One fitted decision tree: the form in which trees are grown, stored and checked.
//!
//! Scoring and explaining compile it into layouts of their own.

use tenure_core::{FeatureKind, Schema};

/// The test of a node. Missing values do not come to it: they go by [`Node::missing_left`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rule {
    /// Goes left when value <= threshold.
    Threshold(f64),
    /// Goes left when the category's bit is set in `Tree::category_bits[start..start + words]` (bit c % 64 of
    /// word c / 64); a category beyond the words is missing.
    Categories { start: u32, words: u32 },
}

/// An inner node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Node {
    pub feature: u32,
    pub rule: Rule,
    /// Where missing values go.
    pub missing_left: bool,
    /// Whether zero is missing too; never set by our own training, but LightGBM knows such models.
    pub zero_missing: bool,
    /// Children: >= 0 is a node, < 0 is leaf `!child`.
    pub left: i32,
    pub right: i32,
    pub gain: f64,
    /// Sum of weights of the training rows that reached it.
    pub cover: f64,
}

/// What counts as zero where zero is missing: LightGBM's own constant, written there in single precision.
pub(crate) const ZERO: f64 = 1e-35_f32 as f64;

impl Node {
    /// Whether the test does not apply to the value.
    pub(crate) fn is_missing(&self, value: f64) -> bool {
        value.is_nan() || (self.zero_missing && value.abs() <= ZERO)
    }
}

/// A leaf.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Leaf {
    /// What it adds to the raw score, already shrunken.
    pub value: f64,
    /// Sum of weights of the training rows that reached it.
    pub cover: f64,
}

/// A tree; its root is `nodes[0]`, and without nodes it is a single leaf.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tree {
    pub nodes: Vec<Node>,
    pub leaves: Vec<Leaf>,
    pub category_bits: Vec<u64>,
}

impl Tree {
    /// The child at the root.
    pub(crate) fn root(&self) -> i32 {
        if self.nodes.is_empty() { !0 } else { 0 }
    }

    /// The words of a category set.
    pub(crate) fn words(&self, start: u32, words: u32) -> &[u64] {
        &self.category_bits[start as usize..(start + words) as usize]
    }

    /// Cover of a child, as the children's shares of their parent are computed from it.
    pub(crate) fn cover(&self, child: i32) -> f64 {
        if child < 0 { self.leaves[!child as usize].cover } else { self.nodes[child as usize].cover }
    }

    /// Says what is wrong with the tree for rows of this schema, if anything.
    pub(crate) fn check(&self, schema: &Schema) -> Result<(), String> {
        if self.leaves.len() != self.nodes.len() + 1 {
            return Err(format!("{} leaves under {} nodes", self.leaves.len(), self.nodes.len()));
        }
        for (at, node) in self.nodes.iter().enumerate() {
            self.check_node(node, schema).map_err(|problem| format!("node {at}: {problem}"))?;
        }
        if let Some(at) = self.leaves.iter().position(|l| !l.value.is_finite() || !is_weight(l.cover)) {
            return Err(format!("leaf {at}: value or cover is not a finite number in range"));
        }
        self.check_shape()
    }

    fn check_node(&self, node: &Node, schema: &Schema) -> Result<(), String> {
        let Some(feature) = schema.features().get(node.feature as usize) else {
            return Err(format!("feature {} of a schema of {}", node.feature, schema.len()));
        };
        match node.rule {
            Rule::Threshold(t) if !t.is_finite() => return Err(format!("threshold {t}")),
            Rule::Threshold(_) => {}
            Rule::Categories { .. } if node.zero_missing => {
                return Err("zero is missing among categories".into());
            }
            Rule::Categories { start, words } => {
                if !matches!(feature.kind, FeatureKind::Categorical { .. }) {
                    return Err(format!("categories of the numeric feature `{}`", feature.name));
                }
                if u64::from(start) + u64::from(words) > self.category_bits.len() as u64 {
                    return Err(format!("category words {start} + {words} of {}", self.category_bits.len()));
                }
            }
        }
        if !node.gain.is_finite() || !is_weight(node.cover) {
            return Err("gain or cover is not a finite number in range".into());
        }
        Ok(())
    }

    /// Each node but the root and each leaf must be the child of exactly one node that the root reaches.
    fn check_shape(&self) -> Result<(), String> {
        let mut node_seen = vec![false; self.nodes.len()];
        let mut leaf_seen = vec![false; self.leaves.len()];
        let mut open = vec![self.root()];
        while let Some(child) = open.pop() {
            let (seen, at) =
                if child < 0 { (&mut leaf_seen, !child as usize) } else { (&mut node_seen, child as usize) };
            match seen.get_mut(at) {
                None => return Err(format!("child {child} does not exist")),
                Some(true) => return Err(format!("child {child} is reached twice")),
                Some(first) => *first = true,
            }
            if child >= 0 {
                open.extend([self.nodes[at].right, self.nodes[at].left]);
            }
        }
        // Reached once each and one leaf more than nodes: what is left out would show here.
        if node_seen.contains(&false) || leaf_seen.contains(&false) {
            return Err("a node or leaf is reached from nowhere".into());
        }
        Ok(())
    }
}

fn is_weight(cover: f64) -> bool {
    cover.is_finite() && cover >= 0.0
}
