//! Every distinct test of a forest, answered for one row in one sweep.
//!
//! A boosted forest asks the same question in many nodes: binning leaves at most a few hundred thresholds per
//! feature. Each distinct (feature, threshold, side of missing values) is answered once, by a loop over
//! consecutive thresholds that the compiler turns into vector instructions; walking a tree then reads bytes.
//! The answer is 0 for left and 1 for right, so that with siblings side by side the next node is
//! `left + answer`.

use std::collections::HashMap;
use std::ops::Range;

use tenure_core::Schema;

use crate::tree::{Node, Rule, Tree, ZERO};

/// Consecutive thresholds of one feature that send missing values to the same side.
#[derive(Debug, Clone)]
struct Run {
    feature: u32,
    missing_right: u8,
    /// Whether zero is missing too.
    zero_missing: bool,
    /// Their places among the thresholds; their answers begin one further, after [`Decisions::ALWAYS_LEFT`].
    thresholds: Range<usize>,
}

/// A test for membership in a set of categories.
#[derive(Debug, Clone)]
struct SetTest {
    feature: u32,
    missing_right: u8,
    words: Range<usize>,
}

/// The distinct tests of a forest.
#[derive(Debug, Clone)]
pub(crate) struct Decisions {
    /// Per feature, the number of categories, or infinity where it is numeric.
    levels: Vec<f64>,
    thresholds: Vec<f64>,
    runs: Vec<Run>,
    sets: Vec<SetTest>,
    words: Vec<u64>,
}

/// What makes two nodes ask the same.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Threshold(u32, bool, bool, u64),
    Categories(u32, bool, &'a [u64]),
}

impl<'a> Key<'a> {
    fn of(tree: &'a Tree, node: &Node) -> Self {
        match node.rule {
            Rule::Threshold(t) => {
                Self::Threshold(node.feature, node.missing_left, node.zero_missing, t.to_bits())
            }
            Rule::Categories { start, words } => {
                Self::Categories(node.feature, node.missing_left, tree.words(start, words))
            }
        }
    }
}

/// Looks up which answer belongs to a node.
pub(crate) struct TestIndex<'a>(HashMap<Key<'a>, u32>);

impl TestIndex<'_> {
    /// The place of the node's answer.
    pub(crate) fn of(&self, tree: &Tree, node: &Node) -> u32 {
        self.0[&Key::of(tree, node)]
    }
}

impl Decisions {
    /// The place of an answer that is always 0: what leaves ask, so that they lead to themselves.
    pub(crate) const ALWAYS_LEFT: u32 = 0;

    /// Collects the distinct tests of the trees.
    pub(crate) fn compile<'a>(schema: &Schema, trees: &'a [Tree]) -> (Self, TestIndex<'a>) {
        let levels = schema.features().iter().map(|f| f.levels().map_or(f64::INFINITY, |l| l.len() as f64));
        let mut decisions = Self {
            levels: levels.collect(),
            thresholds: Vec::new(),
            runs: Vec::new(),
            sets: Vec::new(),
            words: Vec::new(),
        };
        let nodes = || trees.iter().flat_map(|tree| tree.nodes.iter().map(move |node| (tree, node)));
        let mut index = HashMap::new();

        let mut numeric: Vec<(u32, bool, bool, f64)> = nodes()
            .filter_map(|(_, node)| match node.rule {
                Rule::Threshold(t) => Some((node.feature, node.missing_left, node.zero_missing, t)),
                Rule::Categories { .. } => None,
            })
            .collect();
        let run = |test: &(u32, bool, bool, f64)| (test.0, test.1, test.2);
        numeric.sort_unstable_by(|a, b| run(a).cmp(&run(b)).then(a.3.total_cmp(&b.3)));
        numeric.dedup_by_key(|test| (run(test), test.3.to_bits()));
        for (feature, missing_left, zero_missing, t) in numeric {
            let key = Key::Threshold(feature, missing_left, zero_missing, t.to_bits());
            index.insert(key, decisions.len() as u32);
            decisions.push_threshold(feature, missing_left, zero_missing, t);
        }
        for (tree, node) in nodes() {
            if let Rule::Categories { start, words } = node.rule {
                let next = decisions.len() as u32;
                index.entry(Key::of(tree, node)).or_insert_with(|| {
                    decisions.push_set(node, tree.words(start, words));
                    next
                });
            }
        }
        (decisions, TestIndex(index))
    }

    fn push_threshold(&mut self, feature: u32, missing_left: bool, zero_missing: bool, threshold: f64) {
        let at = self.thresholds.len();
        self.thresholds.push(threshold);
        let missing_right = u8::from(!missing_left);
        match self.runs.last_mut() {
            Some(run)
                if (run.feature, run.missing_right, run.zero_missing)
                    == (feature, missing_right, zero_missing) =>
            {
                run.thresholds.end = at + 1;
            }
            _ => self.runs.push(Run { feature, missing_right, zero_missing, thresholds: at..at + 1 }),
        }
    }

    fn push_set(&mut self, node: &Node, words: &[u64]) {
        let start = self.words.len();
        self.words.extend_from_slice(words);
        let (feature, missing_right) = (node.feature, u8::from(!node.missing_left));
        self.sets.push(SetTest { feature, missing_right, words: start..self.words.len() });
    }

    /// Number of answers for one row.
    pub(crate) fn len(&self) -> usize {
        1 + self.thresholds.len() + self.sets.len()
    }

    /// Answers every test for `row` (one value per feature) into `answers` ([`Decisions::len`] bytes).
    #[inline(always)]
    pub(crate) fn answer(&self, row: &[f64], answers: &mut [u8]) {
        answers[Self::ALWAYS_LEFT as usize] = 0;
        let (numeric, sets) = answers[1..].split_at_mut(self.thresholds.len());
        for run in &self.runs {
            let value = self.known(row, run.feature);
            let answers = &mut numeric[run.thresholds.clone()];
            if value.is_nan() || (run.zero_missing && value.abs() <= ZERO) {
                answers.fill(run.missing_right);
            } else {
                for (answer, &threshold) in answers.iter_mut().zip(&self.thresholds[run.thresholds.clone()]) {
                    *answer = u8::from(value > threshold);
                }
            }
        }
        for (answer, set) in sets.iter_mut().zip(&self.sets) {
            *answer = match self.category(self.known(row, set.feature), &set.words) {
                Some(member) => u8::from(!member),
                None => set.missing_right,
            };
        }
    }

    /// The value, or NaN for one that is no level's index: an unknown category is missing.
    #[inline(always)]
    fn known(&self, row: &[f64], feature: u32) -> f64 {
        let (value, levels) = (row[feature as usize], self.levels[feature as usize]);
        let is_level = levels == f64::INFINITY || (value >= 0.0 && value < levels && value.fract() == 0.0);
        if is_level { value } else { f64::NAN }
    }

    /// Whether the category is in the set; `None` for missing.
    #[inline(always)]
    fn category(&self, value: f64, words: &Range<usize>) -> Option<bool> {
        if value.is_nan() {
            return None;
        }
        let category = value as usize;
        let word = self.words[words.clone()].get(category / 64)?;
        Some(word >> (category % 64) & 1 == 1)
    }
}
