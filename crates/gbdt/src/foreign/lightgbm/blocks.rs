//! The trees.

use tenure_core::Result;

use super::header::Header;
use super::lines::{Field, Lines};
use super::{NAME, problem, unsupported};
use crate::tree::{Leaf, Node, Rule, Tree};

/// Bits of a node's `decision_type`.
pub(super) const CATEGORICAL: u8 = 1;
pub(super) const DEFAULT_LEFT: u8 = 2;
/// The two bits above say what stands for a missing value.
pub(super) const MISSING_ZERO: u8 = 1;
pub(super) const MISSING_NAN: u8 = 2;

/// The trees of a file.
#[derive(Debug)]
pub(super) struct Blocks {
    pub trees: Vec<Tree>,
    /// For each feature, the greatest code that a split names.
    pub greatest_codes: Vec<Option<usize>>,
}

impl Blocks {
    /// Reads the trees up to `end of trees`.
    pub(super) fn read(lines: &mut Lines<'_>, header: &Header) -> Result<Self> {
        let features = header.feature_names.len();
        let mut blocks = Self { trees: Vec::new(), greatest_codes: vec![None; features] };
        let mut follows = header.tree_follows;
        while follows {
            let place = format!("tree {} (line {})", blocks.trees.len(), lines.number());
            let block;
            (block, follows) = Block::read(lines, &place)?;
            let tree = block.tree(&place, &mut blocks.greatest_codes)?;
            blocks.trees.push(tree);
        }
        match header.trees {
            Some(trees) if trees != blocks.trees.len() => {
                let expected = format!("{trees} trees, as in `tree_sizes`");
                Err(problem(NAME, "trees", expected, blocks.trees.len().to_string()))
            }
            _ => Ok(blocks),
        }
    }
}

/// The fields of one tree that matter here.
#[derive(Debug, Default)]
struct Block<'a> {
    num_leaves: Option<Field<'a>>,
    num_cat: Option<Field<'a>>,
    split_feature: Option<Field<'a>>,
    split_gain: Option<Field<'a>>,
    threshold: Option<Field<'a>>,
    decision_type: Option<Field<'a>>,
    left_child: Option<Field<'a>>,
    right_child: Option<Field<'a>>,
    leaf_value: Option<Field<'a>>,
    leaf_count: Option<Field<'a>>,
    internal_count: Option<Field<'a>>,
    cat_boundaries: Option<Field<'a>>,
    cat_threshold: Option<Field<'a>>,
    is_linear: Option<Field<'a>>,
}

impl<'a> Block<'a> {
    /// Reads to the next tree or the end of trees; says whether a tree follows.
    fn read(lines: &mut Lines<'a>, place: &str) -> Result<(Self, bool)> {
        let mut block = Self::default();
        while let Some(line) = lines.next() {
            let field = Field::of(line, lines.number());
            let kept = match field.key() {
                b"Tree" => return Ok((block, true)),
                b"end of trees" => return Ok((block, false)),
                b"num_leaves" => &mut block.num_leaves,
                b"num_cat" => &mut block.num_cat,
                b"split_feature" => &mut block.split_feature,
                b"split_gain" => &mut block.split_gain,
                b"threshold" => &mut block.threshold,
                b"decision_type" => &mut block.decision_type,
                b"left_child" => &mut block.left_child,
                b"right_child" => &mut block.right_child,
                b"leaf_value" => &mut block.leaf_value,
                b"leaf_count" => &mut block.leaf_count,
                b"internal_count" => &mut block.internal_count,
                b"cat_boundaries" => &mut block.cat_boundaries,
                b"cat_threshold" => &mut block.cat_threshold,
                b"is_linear" => &mut block.is_linear,
                _ => continue,
            };
            *kept = Some(field);
        }
        Err(problem(NAME, place, "`end of trees` after the last tree", "the end of the file"))
    }

    fn tree(&self, place: &str, greatest_codes: &mut [Option<usize>]) -> Result<Tree> {
        let required = |field: Option<Field<'a>>, key: &'static str| {
            field.ok_or_else(|| problem(NAME, place, format!("`{key}`"), ""))
        };
        if self.is_linear.is_some_and(|field| field.value().trim_ascii() != b"0") {
            return Err(unsupported(NAME, format!("linear trees ({place} has a linear model in each leaf)")));
        }
        let num_leaves = required(self.num_leaves, "num_leaves")?;
        let leaves = num_leaves.number::<usize>("a number of leaves")?;
        let leaf_value = required(self.leaf_value, "leaf_value")?;
        let values = leaf_value.numbers::<f64>(leaves, "a number")?;
        if leaves == 0 {
            return Err(num_leaves.problem("1 leaf at least", num_leaves.value()));
        }
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(leaf_value.problem("finite numbers", value.to_string().as_bytes()));
        }
        if leaves == 1 {
            let leaves = vec![Leaf { value: values[0], cover: 0.0 }];
            return Ok(Tree { nodes: Vec::new(), leaves, category_bits: Vec::new() });
        }
        let covers = required(self.leaf_count, "leaf_count")?.numbers::<f64>(leaves, "a count")?;
        let sets = Sets::read(self, &required)?;
        let nodes = self.nodes(leaves - 1, &sets, greatest_codes, &required)?;
        let leaves = values.into_iter().zip(covers).map(|(value, cover)| Leaf { value, cover }).collect();
        Ok(Tree { nodes, leaves, category_bits: sets.bits })
    }

    fn nodes(
        &self,
        count: usize,
        sets: &Sets,
        greatest_codes: &mut [Option<usize>],
        required: &impl Fn(Option<Field<'a>>, &'static str) -> Result<Field<'a>>,
    ) -> Result<Vec<Node>> {
        let split_feature = required(self.split_feature, "split_feature")?;
        let features = split_feature.numbers::<u32>(count, "the number of a feature")?;
        let threshold = required(self.threshold, "threshold")?;
        let thresholds = threshold.numbers::<f64>(count, "a number")?;
        let decision_type = required(self.decision_type, "decision_type")?;
        let decisions = decision_type.numbers::<u8>(count, "a decision type")?;
        let lefts = required(self.left_child, "left_child")?.numbers::<i32>(count, "a child")?;
        let rights = required(self.right_child, "right_child")?.numbers::<i32>(count, "a child")?;
        let counts = required(self.internal_count, "internal_count")?.numbers::<f64>(count, "a count")?;
        let gains = match &self.split_gain {
            Some(field) => field.numbers::<f64>(count, "a number")?,
            None => vec![0.0; count],
        };
        let mut nodes = Vec::with_capacity(count);
        for at in 0..count {
            let feature = features[at];
            let Some(greatest_code) = greatest_codes.get_mut(feature as usize) else {
                let expected = format!("features below {}", greatest_codes.len());
                return Err(split_feature.problem(expected, feature.to_string().as_bytes()));
            };
            let test = match decisions[at] & CATEGORICAL {
                0 => Test::numeric(thresholds[at], decisions[at])
                    .map_err(|expected| decision_or_threshold(&threshold, expected, thresholds[at]))?,
                _ => {
                    let set = sets.of(thresholds[at]).ok_or_else(|| {
                        let expected = format!("the number of one of {} sets", sets.spans.len());
                        decision_or_threshold(&threshold, expected, thresholds[at])
                    })?;
                    *greatest_code = (*greatest_code).max(set.greatest);
                    Test::categories(set)
                }
            };
            let Test { rule, missing_left, zero_missing } = test;
            let (left, right, cover) = (lefts[at], rights[at], counts[at]);
            // Of a gain that is no number nothing is known.
            let gain = if gains[at].is_finite() { gains[at] } else { 0.0 };
            nodes.push(Node { feature, rule, missing_left, zero_missing, left, right, gain, cover });
        }
        Ok(nodes)
    }
}

fn decision_or_threshold(
    field: &Field<'_>,
    expected: impl Into<std::borrow::Cow<'static, str>>,
    found: f64,
) -> tenure_core::Error {
    field.problem(expected, found.to_string().as_bytes())
}

/// How a node decides.
struct Test {
    rule: Rule,
    missing_left: bool,
    zero_missing: bool,
}

impl Test {
    fn numeric(threshold: f64, decision: u8) -> Result<Self, &'static str> {
        if threshold.is_nan() {
            return Err("a threshold");
        }
        // No value that a row may hold lies beyond.
        let threshold = threshold.clamp(f64::MIN, f64::MAX);
        let default_left = decision & DEFAULT_LEFT != 0;
        let (missing_left, zero_missing) = match decision >> 2 & 3 {
            MISSING_NAN => (default_left, false),
            MISSING_ZERO => (default_left, true),
            // Where training saw no missing value, one stands for 0.
            _ => (0.0 <= threshold, false),
        };
        Ok(Self { rule: Rule::Threshold(threshold), missing_left, zero_missing })
    }

    fn categories(set: &Span) -> Self {
        let rule = Rule::Categories { start: set.start, words: set.words };
        Self { rule, missing_left: false, zero_missing: false }
    }
}

/// The sets of categories of a tree.
#[derive(Debug, Default)]
struct Sets {
    spans: Vec<Span>,
    bits: Vec<u64>,
}

#[derive(Debug)]
struct Span {
    start: u32,
    words: u32,
    /// The greatest code in the set.
    greatest: Option<usize>,
}

impl Sets {
    /// Reads `cat_boundaries` and `cat_threshold`: words of 32 bits, those of set s between boundaries s and
    /// s + 1.
    fn read<'a>(
        block: &Block<'a>,
        required: &impl Fn(Option<Field<'a>>, &'static str) -> Result<Field<'a>>,
    ) -> Result<Self> {
        let count = match &block.num_cat {
            Some(field) => field.number::<usize>("a number of sets")?,
            None => 0,
        };
        let mut sets = Self::default();
        if count == 0 {
            return Ok(sets);
        }
        let field = required(block.cat_boundaries, "cat_boundaries")?;
        let boundaries = field.numbers::<usize>(count.saturating_add(1), "a boundary")?;
        let words = required(block.cat_threshold, "cat_threshold")?;
        let words = words.numbers::<u32>(boundaries[count], "a word of 32 bits")?;
        for pair in boundaries.windows(2) {
            let Some(set) = words.get(pair[0]..pair[1]) else {
                return Err(
                    field.problem("growing boundaries", format!("{} {}", pair[0], pair[1]).as_bytes())
                );
            };
            let top = set.iter().rposition(|&word| word != 0);
            let greatest = top.map(|at| 32 * at + 31 - set[at].leading_zeros() as usize);
            let start = sets.bits.len();
            sets.bits.extend(
                set.chunks(2)
                    .map(|pair| u64::from(pair[0]) | pair.get(1).map_or(0, |&high| u64::from(high) << 32)),
            );
            let too_long = |_| field.problem("fewer than 2³² words", b"more");
            sets.spans.push(Span {
                start: start.try_into().map_err(too_long)?,
                words: (sets.bits.len() - start).try_into().map_err(too_long)?,
                greatest,
            });
        }
        Ok(sets)
    }

    /// The set that a node's threshold names.
    fn of(&self, threshold: f64) -> Option<&Span> {
        let at = threshold as usize;
        if at as f64 == threshold { self.spans.get(at) } else { None }
    }
}
