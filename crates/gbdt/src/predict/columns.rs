//! What the trees ask of a row, answered once for all nodes.
//!
//! A boosted forest asks the same question in many nodes: binning leaves at most a few hundred thresholds per
//! feature. So each feature is ranked once among the sorted thresholds that nodes compare it with. The rank is
//! one byte, its *code*, and a node goes right where the code is greater than the node's own: a comparison of
//! two bytes stands for the test of a number, of a missing value and of a category alike. More than
//! [`THRESHOLDS`] thresholds are spread over several codes, and a set of categories has a code of its own.
//!
//! A value's rank is found in a grid over the thresholds ([`super::grid`]).

use std::collections::HashMap;
use std::ops::Range;

use tenure_core::Schema;

use super::grid::{Grid, PLAIN_STEPS, even_cell};
use crate::tree::{Node, Rule, Tree, ZERO};

/// Thresholds that one code tells apart: ranks are 0 to 255.
const THRESHOLDS: usize = 255;
/// Bytes that the answers of all category sets may take, looked up by category; beyond, sets are asked one by
/// one.
const TABLE_BYTES: usize = 4 << 20;

/// A rank as a code: codes are signed, since processors compare signed bytes.
#[inline(always)]
const fn code(rank: usize) -> i8 {
    (rank as u8 ^ 0x80) as i8
}

/// A node's question: right where the row's code in `column` is greater than `code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Test {
    pub column: u32,
    pub code: i8,
}

impl Test {
    /// A question that every row answers by going left, in column 0, which exists.
    pub(crate) const LEFT: Self = Self { column: 0, code: code(255) };

    /// Both in four bytes: the column in the upper 24 bits.
    pub(crate) fn packed(self) -> u32 {
        debug_assert!(self.column < 1 << 24);
        self.column << 8 | u32::from(self.code as u8)
    }

    /// Whether a row with these codes goes right.
    #[inline(always)]
    pub(crate) fn goes_right(self, codes: &[i8]) -> bool {
        codes[self.column as usize] > self.code
    }
}

/// A feature ranked among the thresholds of nodes that treat missing values alike.
#[derive(Debug, Clone)]
struct Ranked {
    feature: u32,
    /// The first of its columns.
    column: u32,
    /// The rank of missing values: 0 or all.
    missing: u32,
    /// Whether not only NaN is missing.
    special: bool,
    /// Whether zero is missing too.
    zero_missing: bool,
    /// Number of categories, or infinity where the feature is numeric.
    levels: f64,
    grid: Grid,
}

/// A [`Ranked`] of the most common kind, for a single row: an even grid, its numbers beside those of the others.
#[derive(Debug, Clone)]
struct Plain {
    origin: f64,
    scale: f64,
    last: f64,
    feature: u32,
    column: u32,
    /// Where it begins in `Columns::before` and `Columns::thresholds`.
    before: u32,
    thresholds: u32,
    missing: u32,
}

/// The sets of categories that nodes look for one feature in.
#[derive(Debug, Clone)]
struct Sets {
    feature: u32,
    levels: f64,
    /// The first of its columns, one for each set.
    column: u32,
    sets: Vec<SetTest>,
    /// Codes by category, a last row for missing ones; empty where that would take too much memory.
    table: Vec<i8>,
}

#[derive(Debug, Clone)]
struct SetTest {
    missing_right: bool,
    words: Range<usize>,
}

/// All questions of a forest.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    ranked: Vec<Ranked>,
    /// The first of `ranked` once more.
    plain: Vec<Plain>,
    before: Vec<u8>,
    thresholds: Vec<f64>,
    sets: Vec<Sets>,
    words: Vec<u64>,
    columns: usize,
    features: usize,
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

/// Looks up a node's question.
pub(crate) struct TestIndex<'a>(HashMap<Key<'a>, Test>);

impl TestIndex<'_> {
    /// The node's question.
    pub(crate) fn of(&self, tree: &Tree, node: &Node) -> Test {
        self.0[&Key::of(tree, node)]
    }
}

impl Columns {
    /// Collects the distinct questions of the trees.
    pub(crate) fn compile<'a>(schema: &Schema, trees: &'a [Tree]) -> (Self, TestIndex<'a>) {
        let mut columns = Self {
            ranked: Vec::new(),
            plain: Vec::new(),
            before: Vec::new(),
            thresholds: Vec::new(),
            sets: Vec::new(),
            words: Vec::new(),
            columns: 0,
            features: schema.len(),
        };
        let levels = |feature: u32| {
            schema.features()[feature as usize].levels().map_or(f64::INFINITY, |l| l.len() as f64)
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
        for run in numeric.chunk_by(|a, b| run(a) == run(b)) {
            let (feature, missing_left, zero_missing, _) = run[0];
            let first = columns.columns as u32;
            for (rank, &(.., t)) in run.iter().enumerate() {
                let test = Test { column: first + (rank / THRESHOLDS) as u32, code: code(rank % THRESHOLDS) };
                index.insert(Key::Threshold(feature, missing_left, zero_missing, t.to_bits()), test);
            }
            columns.push_ranked(
                feature,
                missing_left,
                zero_missing,
                levels(feature),
                run.iter().map(|t| t.3),
            );
        }

        columns
            .ranked
            .sort_by_key(|ranked| (ranked.special, ranked.grid.len() > THRESHOLDS, ranked.grid.kind()));

        columns.push_plain();

        let mut sets: Vec<(&Tree, &Node)> =
            nodes().filter(|(_, node)| matches!(node.rule, Rule::Categories { .. })).collect();
        sets.sort_by_key(|(_, node)| node.feature);
        for of_feature in sets.chunk_by(|a, b| a.1.feature == b.1.feature) {
            columns.push_sets(of_feature, levels(of_feature[0].1.feature), &mut index);
        }
        columns.fill_tables();
        (columns, TestIndex(index))
    }

    fn push_ranked(
        &mut self,
        feature: u32,
        missing_left: bool,
        zero_missing: bool,
        levels: f64,
        thresholds: impl Iterator<Item = f64>,
    ) {
        let grid = Grid::new(thresholds.collect());
        let count = grid.len();
        self.ranked.push(Ranked {
            feature,
            column: self.columns as u32,
            missing: if missing_left { 0 } else { count as u32 },
            special: zero_missing || levels != f64::INFINITY,
            zero_missing,
            levels,
            grid,
        });
        self.columns += count.div_ceil(THRESHOLDS);
    }

    fn push_plain(&mut self) {
        for ranked in self.ranked.iter().take_while(|ranked| ranked.is_plain()) {
            let Some(([origin, scale, last], before, thresholds)) = ranked.grid.even() else { break };
            // What does not fit the numbers stays with the others.
            let starts = (u32::try_from(self.before.len()), u32::try_from(self.thresholds.len()));
            let (Ok(before_at), Ok(thresholds_at)) = starts else { break };
            self.plain.push(Plain {
                origin,
                scale,
                last,
                feature: ranked.feature,
                column: ranked.column,
                before: before_at,
                thresholds: thresholds_at,
                missing: ranked.missing,
            });
            self.before.extend_from_slice(before);
            self.thresholds.extend_from_slice(thresholds);
        }
    }

    fn push_sets<'a>(
        &mut self,
        nodes: &[(&'a Tree, &'a Node)],
        levels: f64,
        index: &mut HashMap<Key<'a>, Test>,
    ) {
        let first = self.columns as u32;
        let mut sets = Vec::new();
        for &(tree, node) in nodes {
            let Rule::Categories { start, words } = node.rule else { continue };
            index.entry(Key::of(tree, node)).or_insert_with(|| {
                let at = self.words.len();
                self.words.extend_from_slice(tree.words(start, words));
                sets.push(SetTest { missing_right: !node.missing_left, words: at..self.words.len() });
                Test { column: first + sets.len() as u32 - 1, code: code(0) }
            });
        }
        self.columns += sets.len();
        self.sets.push(Sets { feature: nodes[0].1.feature, levels, column: first, sets, table: Vec::new() });
    }

    /// Tabulates the answers of the sets by category, as far as memory allows, the smallest tables first.
    pub(super) fn fill_tables(&mut self) {
        let mut by_size: Vec<(usize, usize)> = self
            .sets
            .iter()
            .enumerate()
            .map(|(at, sets)| (sets.sets.len().saturating_mul(sets.levels as usize + 1), at))
            .collect();
        by_size.sort_unstable();
        let mut left = TABLE_BYTES;
        for (bytes, at) in by_size {
            if bytes > left {
                break;
            }
            left -= bytes;
            let (sets, words) = (&mut self.sets[at], &self.words);
            let rows = (0..sets.levels as usize).map(Some).chain([None]);
            let tests = &sets.sets;
            sets.table =
                rows.flat_map(|category| tests.iter().map(move |set| set.code(category, words))).collect();
        }
    }

    #[cfg(test)]
    pub(super) fn forget_tables(&mut self) {
        self.sets.iter_mut().for_each(|sets| sets.table.clear());
    }

    /// Number of features of a row.
    pub(crate) fn features(&self) -> usize {
        self.features
    }

    /// Number of codes for one row; at least one.
    pub(crate) fn len(&self) -> usize {
        self.columns.max(1)
    }

    /// Writes the codes of `row` (one value per feature; [`Columns::len`] codes).
    #[inline(always)]
    pub(crate) fn encode(&self, row: &[f64], codes: &mut [i8]) {
        assert!(row.len() == self.features && codes.len() >= self.len());
        codes[0] = code(0);
        for plain in &self.plain {
            let value = row[plain.feature as usize];
            let cell = even_cell(plain.origin, plain.scale, plain.last, value);
            let mut rank = usize::from(self.before[plain.before as usize + cell]);
            for _ in 0..PLAIN_STEPS {
                rank += usize::from(value > self.thresholds[plain.thresholds as usize + rank]);
            }
            codes[plain.column as usize] = code(if value.is_nan() { plain.missing as usize } else { rank });
        }
        for ranked in &self.ranked[self.plain.len()..] {
            let codes = &mut codes[ranked.column as usize..];
            ranked.encode::<1>([row[ranked.feature as usize]].into_iter(), codes);
        }
        for sets in &self.sets {
            self.encode_sets::<1>(sets, row[sets.feature as usize], codes);
        }
    }

    /// Writes the codes of a block's rows (features side by side): a column's codes come side by side too. Column
    /// by column, so that its thresholds stay near; the same as [`Columns::encode`] row by row.
    #[inline(always)]
    pub(crate) fn encode_block<const ROWS: usize>(&self, rows: &[f64], codes: &mut [i8]) {
        assert!(codes.len() >= self.len() * ROWS && self.features > 0);
        let rows = || rows.chunks_exact(self.features).take(ROWS);
        codes[..ROWS].fill(code(0));
        for ranked in &self.ranked {
            let values = rows().map(|row| row[ranked.feature as usize]);
            ranked.encode::<ROWS>(values, &mut codes[ranked.column as usize * ROWS..]);
        }
        for sets in &self.sets {
            for (at, row) in rows().enumerate() {
                self.encode_sets::<ROWS>(sets, row[sets.feature as usize], &mut codes[at..]);
            }
        }
    }

    #[inline(always)]
    fn encode_sets<const STRIDE: usize>(&self, sets: &Sets, value: f64, codes: &mut [i8]) {
        let category = is_level(value, sets.levels).then_some(value as usize);
        let first = sets.column as usize * STRIDE;
        let count = sets.sets.len();
        let line = category.unwrap_or(sets.levels as usize) * count;
        match sets.table.get(line..line + count) {
            Some(row) if STRIDE == 1 => codes[first..first + count].copy_from_slice(row),
            Some(row) => {
                for (to, &from) in codes[first..].iter_mut().step_by(STRIDE).zip(row) {
                    *to = from;
                }
            }
            None => {
                for (to, set) in codes[first..].iter_mut().step_by(STRIDE).zip(&sets.sets) {
                    *to = set.code(category, &self.words);
                }
            }
        }
    }
}

impl Ranked {
    /// Writes the codes of up to `ROWS` values; a column's come side by side.
    #[inline(always)]
    fn encode<const ROWS: usize>(&self, values: impl Iterator<Item = f64>, codes: &mut [i8]) {
        if self.is_plain() {
            let (codes, missing) = (&mut codes[..ROWS], self.missing as usize);
            self.grid.ranks(values, |at, value, rank| {
                codes[at] = code(if value.is_nan() { missing } else { rank });
            });
        } else {
            self.grid.ranks(values, |at, value, rank| {
                let rank = if self.is_known(value) { rank } else { self.missing as usize };
                for part in 0..self.grid.len().div_ceil(THRESHOLDS) {
                    codes[part * ROWS + at] = code(rank.saturating_sub(part * THRESHOLDS).min(THRESHOLDS));
                }
            });
        }
    }

    /// Whether it has one code, and nothing but NaN is missing.
    #[inline(always)]
    fn is_plain(&self) -> bool {
        !self.special && self.grid.len() <= THRESHOLDS
    }

    fn is_known(&self, value: f64) -> bool {
        let is_number =
            if self.levels == f64::INFINITY { !value.is_nan() } else { is_level(value, self.levels) };
        is_number && !(self.zero_missing && value.abs() <= ZERO)
    }
}

/// Whether the value is a known category's index; NaN is not.
#[inline(always)]
fn is_level(value: f64, levels: f64) -> bool {
    value >= 0.0 && value < levels && value.fract() == 0.0
}

impl SetTest {
    /// The code of a known category, or of a missing one.
    fn code(&self, category: Option<usize>, words: &[u64]) -> i8 {
        let words = &words[self.words.clone()];
        let word = category.and_then(|category| Some((words.get(category / 64)?, category % 64)));
        let right = word.map_or(self.missing_right, |(word, bit)| word >> bit & 1 == 0);
        code(usize::from(right))
    }
}
