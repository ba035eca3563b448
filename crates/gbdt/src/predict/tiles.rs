//! One row through many trees, three levels at a step.
//!
//! A tree is cut into tiles of three levels: seven nodes, whose answers make a number that a table turns into
//! one of eight ways out (Prasad, Rajendra, Rajan and Govindarajan, "Treebeard: An Optimizing Compiler for
//! Decision Tree Based ML Inference", MICRO 2022). The row's codes fit a few vector registers, in which byte
//! shuffles look up what the nodes ask for: the tiles of four trees are answered by some twenty instructions
//! without a load from the row.
//!
//! Trees of up to six levels, the most common, are padded to two full layers of tiles, so that nothing but the
//! ways out says where to go. Others have tiles that name their children.
//!
//! Needs AVX2; [`super::walk`] gives the same bits anywhere.

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_blendv_epi8, _mm256_broadcastsi128_si256, _mm256_cmpgt_epi8,
    _mm256_movemask_epi8, _mm256_set_m128i, _mm256_shuffle_epi8, _mm256_slli_epi16, _mm256_unpackhi_epi64,
    _mm256_unpacklo_epi64,
};
use std::ops::Range;

use super::{Test, TestIndex};
use crate::tree::Tree;

/// The most columns whose codes are kept in registers: 8 of them.
const COLUMNS: usize = 128;
/// Codes of a register.
const REGISTER: usize = 16;
/// Trees that go down together.
const TREES: usize = 4;
/// Nodes of a tile; the root is node 0, the children of node i are 2i + 1 and 2i + 2.
const NODES: usize = 7;
/// Ways out of a tile.
const EXITS: usize = 8;

/// Three levels of a tree. Nodes below a leaf, and an eighth that is none, send every row left.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(16))]
struct Tile {
    columns: [u8; 8],
    codes: [i8; 8],
}

/// Trees of up to six levels: a root tile, then one for each way out. Groups of [`TREES`], the last filled up with
/// repetitions.
#[derive(Debug, Clone, Default)]
struct Six {
    /// By group: the root tiles, in one cache line.
    roots: Vec<Roots>,
    /// By tree and way out.
    next: Vec<Next>,
    /// By tree and way out of the root tile and of the next.
    values: Vec<[f64; EXITS * EXITS]>,
}

#[derive(Debug, Clone)]
#[repr(align(64))]
struct Roots([Tile; TREES]);

#[derive(Debug, Clone)]
#[repr(align(64))]
struct Next([Tile; EXITS]);

/// A tile that says where its ways out lead.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(32))]
struct Linked {
    tile: Tile,
    /// A tile of the tree by its number, or a leaf, which counts on after the tiles. A leaf that is reached
    /// before the last step is a tile that leads to itself.
    exits: [u16; EXITS],
}

/// Trees that go down together.
#[derive(Debug, Clone)]
enum Group {
    /// So many trees of [`Six`], from a group on.
    Six { first: usize, trees: usize },
    /// Linked trees. How many are real is kept beside; the others repeat the first.
    Deep {
        /// The root tiles.
        tiles: [u32; TREES],
        /// What number 0 adds.
        values: [u32; TREES],
        /// Steps from the root tile to any leaf.
        steps: u32,
        trees: usize,
    },
}

/// Trees laid out in tiles.
#[derive(Debug, Clone, Default)]
pub(super) struct Tiles {
    six: Six,
    linked: Vec<Linked>,
    /// Of linked trees, by tree and number; 0 for tiles that are no leaves.
    values: Vec<f64>,
    groups: Vec<Group>,
    columns: usize,
}

/// By the answers of a tile's nodes (bit i set: node i sends the row right), its way out.
static EXIT: [u8; 256] = exits();

const fn exits() -> [u8; 256] {
    let mut exits = [0; 256];
    let mut answers = 0;
    while answers < 256 {
        let mut node = 0;
        while node < NODES {
            node = 2 * node + 1 + (answers >> node & 1);
        }
        exits[answers] = (node - NODES) as u8;
        answers += 1;
    }
    exits
}

impl Tiles {
    /// Room for the codes that [`Tiles::score`] reads.
    pub(super) const CODES: usize = COLUMNS;

    /// For trees that ask of so many columns; nothing where they are too many, or the processor too old.
    pub(super) fn new(columns: usize) -> Option<Self> {
        let fits = columns <= COLUMNS && crate::simd::avx2();
        fits.then(|| Self { columns, ..Self::default() })
    }

    /// Adds checked trees that are to be summed up in this order; returns their groups, or nothing if a tree is
    /// too large.
    pub(super) fn push(&mut self, trees: &[&Tree], index: &TestIndex<'_>) -> Option<Range<usize>> {
        let start = self.groups.len();
        for trees in trees.chunks(TREES) {
            let depth = trees.iter().filter_map(|tree| super::breadth_first(tree).last().map(|c| c.1)).max();
            let steps = depth.unwrap_or(0).div_ceil(3);
            let group = if steps <= 2 {
                let first = self.six.push(trees, index);
                match self.groups[start..].last_mut() {
                    // The one before is full, or nothing would follow.
                    Some(Group::Six { trees: before, .. }) => {
                        *before += trees.len();
                        continue;
                    }
                    _ => Group::Six { first, trees: trees.len() },
                }
            } else {
                let (mut tiles, mut values) = ([0; TREES], [0; TREES]);
                for (at, tree) in trees.iter().enumerate() {
                    (tiles[at], values[at]) = self.push_tree(tree, steps, index)?;
                }
                for at in trees.len()..TREES {
                    (tiles[at], values[at]) = (tiles[0], values[0]);
                }
                Group::Deep { tiles, values, steps, trees: trees.len() }
            };
            self.groups.push(group);
        }
        Some(start..self.groups.len())
    }

    fn push_tree(&mut self, tree: &Tree, steps: u32, index: &TestIndex<'_>) -> Option<(u32, u32)> {
        let first = (self.linked.len() as u32, self.values.len() as u32);
        // The roots of tiles, each with the steps before it. A leaf of the last step is not among them.
        let mut roots = vec![(tree.root(), 0)];
        let mut leaves = Vec::new();
        let mut at = 0;
        while let Some(&(root, before)) = roots.get(at) {
            let mut linked = Linked { tile: Tile::LEFT, exits: [at as u16; EXITS] };
            self.values.push(if root < 0 { tree.leaves[!root as usize].value } else { 0.0 });
            if root >= 0 && before < steps {
                for (exit, child) in linked.tile.fill(tree, root, index) {
                    if before + 1 < steps {
                        linked.exits[exit] = u16::try_from(roots.len()).ok()?;
                        roots.push((child, before + 1));
                    } else {
                        leaves.push((self.linked.len(), exit, child));
                    }
                }
            }
            self.linked.push(linked);
            at += 1;
        }
        for (number, (tile, exit, leaf)) in leaves.into_iter().enumerate() {
            self.linked[tile].exits[exit] = u16::try_from(at + number).ok()?;
            self.values.push(tree.leaves[!leaf as usize].value);
        }
        Some(first)
    }

    /// `base` and the leaves of some groups, one tree after another, for a row's codes.
    ///
    #[target_feature(enable = "avx2")]
    pub(super) fn score(&self, groups: Range<usize>, codes: &[i8; COLUMNS], base: f64) -> f64 {
        let groups = &self.groups[groups];
        match self.columns.div_ceil(REGISTER) {
            0..=4 => self.score_groups::<4>(groups, codes, base),
            5 => self.score_groups::<5>(groups, codes, base),
            _ => self.score_groups::<8>(groups, codes, base),
        }
    }

    #[target_feature(enable = "avx2")]
    fn score_groups<const REGISTERS: usize>(
        &self,
        groups: &[Group],
        codes: &[i8; COLUMNS],
        base: f64,
    ) -> f64 {
        let mut registers = [[0i8; REGISTER]; REGISTERS];
        registers.iter_mut().zip(codes.as_chunks().0).for_each(|(register, codes)| *register = *codes);
        // SAFETY: each load reads 16 bytes of an array of 16.
        let registers = registers
            .map(|codes| unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(codes.as_ptr().cast())) });
        let mut sum = base;
        for group in groups {
            match group {
                Group::Six { first, trees } => sum = self.six.add(*first, *trees, &registers, sum),
                Group::Deep { tiles, values, steps, trees } => {
                    let numbers = self.deep(tiles, *steps, &registers);
                    for (values, number) in values.iter().zip(numbers).take(*trees) {
                        sum += self.values[(values + number) as usize];
                    }
                }
            }
        }
        sum
    }

    /// The numbers of the leaves under some root tiles.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn deep<const REGISTERS: usize>(
        &self,
        roots: &[u32; TREES],
        steps: u32,
        registers: &[__m256i; REGISTERS],
    ) -> [u32; TREES] {
        let mut numbers = [0u32; TREES];
        for _ in 0..steps {
            let tiles: [&Linked; TREES] = std::array::from_fn(|tree| {
                let at = (roots[tree] + numbers[tree]) as usize;
                debug_assert!(at < self.linked.len());
                // SAFETY: before the last step, a root tile or what a tile leads to: `push_tree` gives every tile
                // but those of the last step nothing but tiles of its tree to lead to.
                unsafe { self.linked.get_unchecked(at) }
            });
            let answers = answers(tiles.map(|linked| &linked.tile), registers).to_le_bytes();
            for (tree, number) in numbers.iter_mut().enumerate() {
                *number = u32::from(tiles[tree].exits[exit(answers[tree])]);
            }
        }
        numbers
    }
}

/// The way out by the answers of a tile's nodes.
#[inline(always)]
fn exit(answers: u8) -> usize {
    let exit = usize::from(EXIT[usize::from(answers)]);
    // SAFETY: `exits` counts nodes from 7 to 14, less 7.
    unsafe { std::hint::assert_unchecked(exit < EXITS) };
    exit
}

/// A byte of answers for each of the tiles.
#[inline]
#[target_feature(enable = "avx2")]
fn answers<const REGISTERS: usize>(tiles: [&Tile; TREES], registers: &[__m256i; REGISTERS]) -> u32 {
    // SAFETY: each load reads a tile, which is 16 bytes.
    let [a, b, c, d] = tiles.map(|tile| unsafe { _mm_loadu_si128(std::ptr::from_ref(tile).cast()) });
    let (ac, bd) = (_mm256_set_m128i(c, a), _mm256_set_m128i(d, b));
    let columns = _mm256_unpacklo_epi64(ac, bd);
    let codes = _mm256_unpackhi_epi64(ac, bd);
    // Each shuffle looks up the columns' low four bits in a register; the next bits choose among registers. A
    // shift brings the bit to where a blend looks for it.
    let in_register = |at: usize| _mm256_shuffle_epi8(registers[at], columns);
    let of_two =
        |at| _mm256_blendv_epi8(in_register(at), in_register(at + 1), _mm256_slli_epi16::<3>(columns));
    let of_four = |at| _mm256_blendv_epi8(of_two(at), of_two(at + 2), _mm256_slli_epi16::<2>(columns));
    let of_more = |more| _mm256_blendv_epi8(of_four(0), more, _mm256_slli_epi16::<1>(columns));
    let row = match REGISTERS {
        4 => of_four(0),
        5 => of_more(in_register(4)),
        _ => of_more(of_four(4)),
    };
    _mm256_movemask_epi8(_mm256_cmpgt_epi8(row, codes)) as u32
}

impl Six {
    /// Adds a group of trees; returns its number.
    fn push(&mut self, trees: &[&Tree], index: &TestIndex<'_>) -> usize {
        let mut roots = Roots([Tile::LEFT; TREES]);
        for (at, root) in roots.0.iter_mut().enumerate() {
            let tree = trees.get(at).unwrap_or(&trees[0]);
            let (mut next, mut values) = (Next([Tile::LEFT; EXITS]), [0.0; EXITS * EXITS]);
            for (first, child) in root.fill(tree, tree.root(), index) {
                for (second, leaf) in next.0[first].fill(tree, child, index) {
                    values[first * EXITS + second] = tree.leaves[!leaf as usize].value;
                }
            }
            self.next.push(next);
            self.values.push(values);
        }
        self.roots.push(roots);
        self.roots.len() - 1
    }

    /// Adds the leaves of so many trees from a group on. A layer is asked of many trees before the next, so
    /// that no tree waits for its own.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn add<const REGISTERS: usize>(
        &self,
        first: usize,
        trees: usize,
        registers: &[__m256i; REGISTERS],
        mut sum: f64,
    ) -> f64 {
        /// Groups that go layer by layer.
        const GROUPS: usize = 32;
        let groups = first..first + trees.div_ceil(TREES);
        let of_trees = first * TREES..groups.end * TREES;
        let roots = self.roots[groups].chunks(GROUPS);
        let next = self.next[of_trees.clone()].as_chunks::<TREES>().0.chunks(GROUPS);
        let values = self.values[of_trees].as_chunks::<TREES>().0.chunks(GROUPS);
        let mut left = trees;
        for ((roots, next), values) in roots.zip(next).zip(values) {
            let mut ways = [[0usize; TREES]; GROUPS];
            for (ways, roots) in ways.iter_mut().zip(roots) {
                let answers = answers(std::array::from_fn(|tree| &roots.0[tree]), registers);
                *ways = answers.to_le_bytes().map(exit);
            }
            for (ways, next) in ways.iter_mut().zip(next) {
                let tiles = std::array::from_fn(|tree| &next[tree].0[ways[tree] % EXITS]);
                let answers = answers(tiles, registers).to_le_bytes();
                for (way, answers) in ways.iter_mut().zip(answers) {
                    *way = *way * EXITS + exit(answers);
                }
            }
            for (values, way) in values.as_flattened().iter().zip(ways.as_flattened()).take(left) {
                sum += values[way % (EXITS * EXITS)];
            }
            left = left.saturating_sub(GROUPS * TREES);
        }
        sum
    }
}

impl Tile {
    const LEFT: Self = Self { columns: [Test::LEFT.column as u8; 8], codes: [Test::LEFT.code; 8] };

    /// Sets the nodes from `root` on; returns the ways out, each with the node or leaf it leads to.
    fn fill(&mut self, tree: &Tree, root: i32, index: &TestIndex<'_>) -> Vec<(usize, i32)> {
        let mut children = [None; NODES + EXITS];
        children[0] = Some(root);
        for at in 0..NODES {
            match children[at] {
                Some(child) if child >= 0 => {
                    let node = &tree.nodes[child as usize];
                    let test = index.of(tree, node);
                    (self.columns[at], self.codes[at]) = (test.column as u8, test.code);
                    children[2 * at + 1] = Some(node.left);
                    children[2 * at + 2] = Some(node.right);
                }
                // A leaf stays on the left, down to the way out.
                leaf => children[2 * at + 1] = leaf,
            }
        }
        let exits = children[NODES..].iter().enumerate();
        exits.filter_map(|(exit, child)| child.map(|child| (exit, child))).collect()
    }
}
