//! From the nodes of a file to ours.

use tenure_core::Result;

use super::document::{Flag, Real, Stored, StoredTree};
use super::{NAME, narrow, problem, unsupported};
use crate::foreign::assemble::Levels;
use crate::tree::{Leaf, Node, Rule, Tree};

/// What category bits may take, in bytes, beside a multiple of the file.
const LEAST_BITS: usize = 1 << 20;
const BITS_PER_BYTE: usize = 64;

/// The first `kept` trees, weighted.
pub(super) fn trees(stored: &Stored, kept: usize, levels: &[Levels], bytes: usize) -> Result<Vec<Tree>> {
    let mut room = LEAST_BITS.saturating_add(bytes.saturating_mul(BITS_PER_BYTE)) / size_of::<u64>();
    let trees = stored.model.trees.iter().enumerate().take(kept);
    trees
        .map(|(at, tree)| {
            let weight = stored.weights.get(at).map_or(1.0, |&weight| f64::from(weight));
            Converter::new(tree, at, levels)?.tree(weight, &mut room)
        })
        .collect()
}

impl StoredTree {
    /// The categories that each categorical node sends right.
    pub(super) fn sets(&self, at: usize) -> Result<impl Iterator<Item = (usize, &[i32])>> {
        let wrong =
            || problem(NAME, format!("tree {at}, `categories`"), "a segment for each node", "another number");
        let (nodes, segments, sizes) =
            (&self.categories_nodes, &self.categories_segments, &self.categories_sizes);
        if nodes.len() != segments.len() || nodes.len() != sizes.len() {
            return Err(wrong());
        }
        let mut end = 0;
        let mut sets = Vec::with_capacity(nodes.len());
        for ((&node, &start), &size) in nodes.iter().zip(segments).zip(sizes) {
            let (Ok(node), Ok(start), Ok(size)) =
                (node.try_into(), usize::try_from(start), usize::try_from(size))
            else {
                return Err(wrong());
            };
            // Segments that do not overlap are no longer than the file.
            let set = start.checked_add(size).and_then(|end| self.categories.get(start..end));
            let set = set.filter(|_| start >= end).ok_or_else(wrong)?;
            end = start + size;
            sets.push((node, set));
        }
        Ok(sets.into_iter())
    }
}

struct Converter<'a> {
    stored: &'a StoredTree,
    at: usize,
    levels: &'a [Levels],
    /// Where each stored node has gone, as children are written: to a node, or to `!leaf`.
    places: Vec<Option<i32>>,
    /// By stored node.
    sets: Vec<&'a [i32]>,
}

impl<'a> Converter<'a> {
    /// Checks that there is one of everything for each node.
    fn new(stored: &'a StoredTree, at: usize, levels: &'a [Levels]) -> Result<Self> {
        let count = stored.left_children.len();
        let lengths = [
            ("right_children", stored.right_children.len()),
            ("split_indices", stored.split_indices.len()),
            ("split_conditions", stored.split_conditions.len()),
            ("default_left", stored.default_left.len()),
            ("loss_changes", stored.loss_changes.len()),
            ("sum_hessian", stored.sum_hessian.len()),
        ];
        if let Some(width) = &stored.tree_param.size_leaf_vector
            && width.count("size_leaf_vector")? > 1
        {
            return Err(unsupported(NAME, "vector leaves (`multi_strategy=multi_output_tree`)"));
        }
        if let Some((field, found)) = lengths.iter().find(|(_, length)| *length != count) {
            return Err(problem(
                NAME,
                format!("tree {at}, `{field}`"),
                format!("{count} values"),
                found.to_string(),
            ));
        }
        let mut sets: Vec<&[i32]> = vec![&[]; if stored.categories_nodes.is_empty() { 0 } else { count }];
        for (node, set) in stored.sets(at)? {
            match sets.get_mut(node) {
                Some(place) => *place = set,
                None => {
                    let place = format!("tree {at}, `categories_nodes`");
                    return Err(problem(NAME, place, format!("nodes below {count}"), node.to_string()));
                }
            }
        }
        Ok(Self { stored, at, levels, places: vec![None; count], sets })
    }

    fn wrong(&self, node: usize, expected: &'static str, found: impl ToString) -> tenure_core::Error {
        problem(NAME, format!("tree {}, node {node}", self.at), expected, found.to_string())
    }

    fn tree(mut self, weight: f64, room: &mut usize) -> Result<Tree> {
        let (inner, leaves) = self.reached()?;
        let mut tree =
            Tree { nodes: Vec::with_capacity(inner.len()), leaves: Vec::new(), category_bits: Vec::new() };
        for node in inner {
            let node = self.node(node, &mut tree.category_bits, room)?;
            tree.nodes.push(node);
        }
        let leaf = |leaf: usize| Leaf {
            value: weight * self.stored.split_conditions[leaf].wide(),
            cover: self.stored.sum_hessian[leaf].wide(),
        };
        tree.leaves = leaves.into_iter().map(leaf).collect();
        Ok(tree)
    }

    /// The inner nodes and the leaves that the root reaches, each once; others were pruned.
    fn reached(&mut self) -> Result<(Vec<usize>, Vec<usize>)> {
        let (mut inner, mut leaves) = (Vec::new(), Vec::new());
        let mut open = vec![0];
        while let Some(node) = open.pop() {
            match self.places.get(node) {
                None => return Err(self.wrong(node, "a node below their number", self.places.len())),
                Some(Some(_)) => return Err(self.wrong(node, "one parent", "two, or a ring")),
                Some(None) => {}
            }
            let too_many = |_| problem(NAME, format!("tree {}", self.at), "fewer than 2³¹ nodes", "more");
            match (self.stored.left_children[node], self.stored.right_children[node]) {
                (-1, -1) => {
                    self.places[node] = Some(!i32::try_from(leaves.len()).map_err(too_many)?);
                    leaves.push(node);
                }
                (left, right) => {
                    let child =
                        |child: i32| usize::try_from(child).map_err(|_| self.wrong(node, "a child", child));
                    open.extend([child(right)?, child(left)?]);
                    self.places[node] = Some(i32::try_from(inner.len()).map_err(too_many)?);
                    inner.push(node);
                }
            }
        }
        Ok((inner, leaves))
    }

    /// Where a child of a reached node has gone, which then was reached too.
    fn child(&self, at: usize, child: i32) -> Result<i32> {
        let place = usize::try_from(child).ok().and_then(|child| *self.places.get(child)?);
        place.ok_or_else(|| self.wrong(at, "a child", child))
    }

    fn node(&self, at: usize, bits: &mut Vec<u64>, room: &mut usize) -> Result<Node> {
        let stored = self.stored;
        let feature = stored.split_indices[at];
        let Some(levels) = self.levels.get(feature as usize) else {
            return Err(self.wrong(at, "a feature of the model", feature));
        };
        let left = self.child(at, stored.left_children[at])?;
        let right = self.child(at, stored.right_children[at])?;
        let Flag(default_left) = stored.default_left[at];
        let gain = stored.loss_changes[at].wide();
        // Of a gain that is no number nothing is known.
        let gain = if gain.is_finite() { gain } else { 0.0 };
        let cover = stored.sum_hessian[at].wide();
        let node = |rule, missing_left, left, right| {
            Ok(Node { feature, rule, missing_left, zero_missing: false, left, right, gain, cover })
        };
        if stored.split_type.get(at).is_some_and(|&kind| kind == 1) {
            let set = self.sets.get(at).copied().unwrap_or_default();
            let rule = self.set(at, set, levels, !default_left, bits, room)?;
            // A listed category goes right there; our lists go left.
            return node(rule, !default_left, right, left);
        }
        let Real(condition) = stored.split_conditions[at];
        if !condition.is_finite() {
            return Err(self.wrong(at, "a finite split condition", condition));
        }
        node(Rule::Threshold(narrow::threshold(condition)), default_left, left, right)
    }

    /// Bits of the categories. Codes beyond the words are missing: where those go to the side of the set, the
    /// words reach to the last level, which is not in the set.
    fn set(
        &self,
        at: usize,
        set: &[i32],
        levels: &Levels,
        missing_in_set: bool,
        bits: &mut Vec<u64>,
        room: &mut usize,
    ) -> Result<Rule> {
        let levels = match levels {
            Levels::Numeric => return Err(self.wrong(at, "a categorical feature", "a number")),
            Levels::Codes(codes) => *codes,
            Levels::Names(names) => names.len(),
        };
        let greatest = set.iter().max().map_or(0, |&code| usize::try_from(code).unwrap_or(0) + 1);
        // What is no level cannot occur.
        let codes = if missing_in_set { levels } else { greatest.min(levels) };
        let words = codes.div_ceil(64);
        *room = room.checked_sub(words).ok_or_else(|| {
            unsupported(NAME, format!("so many splits on {levels} categories in a file of this size"))
        })?;
        let start = bits.len();
        bits.resize(start + words, 0);
        for &code in set {
            let code = usize::try_from(code).map_err(|_| self.wrong(at, "category codes from 0 on", code))?;
            if let Some(word) = bits[start..].get_mut(code / 64) {
                *word |= 1 << (code % 64);
            }
        }
        let too_many = |_| self.wrong(at, "fewer than 2³² words of categories", "more");
        Ok(Rule::Categories {
            start: start.try_into().map_err(too_many)?,
            words: words.try_into().map_err(too_many)?,
        })
    }
}
