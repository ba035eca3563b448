//! Leaves of a tree for a block of rows, without walking.
//!
//! A node that sends a row right takes the leaves of its left subtree away from it; what is left over when all
//! nodes have done so, and comes first from the left, is the row's leaf (Lucchese et al., "QuickScorer", SIGIR
//! 2015; for vectors of rows "V-QuickScorer", SIGIR 2016). Leaves are kept in bytes, eight to each, and a node
//! only touches the bytes its left subtree reaches into, mostly one (Ye et al., "RapidScorer", KDD 2018). Trees
//! go one by one, and a byte stays in registers while the nodes that touch it go by.

use std::ops::Range;

use super::{BLOCK, Test, TestIndex};
use crate::tree::Tree;

/// The largest tree that is scored this way; beyond, walking it is quicker.
const LEAVES: usize = 64;
/// Leaves of a byte.
const BYTE: usize = 8;

/// What a node takes away in one byte.
#[derive(Debug, Clone, Copy)]
struct Entry {
    test: Test,
    leaves: u8,
}

/// Trees laid out for scoring by masks.
#[derive(Debug, Clone, Default)]
pub(super) struct Masks {
    /// By byte.
    entries: Vec<Entry>,
    /// By tree, from right to left: where a byte's entries end.
    ends: Vec<u32>,
    /// By tree: the leaves' values from left to right, filled up.
    values: Vec<[f64; LEAVES]>,
    /// By tree: its places among `ends`.
    trees: Vec<Range<u32>>,
}

impl Masks {
    /// Adds a checked tree; returns its number, or nothing if the tree is too large.
    pub(super) fn push(&mut self, tree: &Tree, index: &TestIndex<'_>) -> Option<u32> {
        if tree.leaves.len() > LEAVES {
            return None;
        }
        let (leaves, taken) = in_order(tree);
        let first = self.ends.len() as u32;
        for byte in (0..leaves.len().div_ceil(BYTE)).rev() {
            for (node, left) in &taken {
                let bits = (0..BYTE).filter(|bit| left.contains(&(byte * BYTE + bit)));
                let leaves = bits.fold(0, |leaves, bit| leaves | 1 << bit);
                if leaves != 0 {
                    self.entries.push(Entry { test: index.of(tree, &tree.nodes[*node]), leaves });
                }
            }
            self.ends.push(self.entries.len() as u32);
        }
        let mut values = [0.0; LEAVES];
        for (value, &leaf) in values.iter_mut().zip(&leaves) {
            *value = tree.leaves[leaf].value;
        }
        self.values.push(values);
        self.trees.push(first..self.ends.len() as u32);
        Some(self.trees.len() as u32 - 1)
    }

    /// Adds a tree's leaves to the sums of a block's rows; a column's codes are side by side.
    #[inline(always)]
    pub(super) fn add(&self, tree: u32, codes: &[[i8; BLOCK]], sums: &mut [f64; BLOCK]) {
        let mut leaf = [0; BLOCK];
        self.bytes(tree, |byte, entries| first_left(entries, codes, byte, &mut leaf));
        let values = &self.values[tree as usize];
        for (sum, leaf) in sums.iter_mut().zip(leaf) {
            *sum += values[usize::from(leaf) % LEAVES];
        }
    }

    /// [`Masks::add`] by AVX2; the same bits.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    pub(super) fn add_avx2(&self, tree: u32, codes: &[[i8; BLOCK]], sums: &mut [f64; BLOCK]) {
        let mut leaf = avx2::Leaf::zero();
        self.bytes(tree, |byte, entries| leaf.first_left(entries, codes, byte));
        let values = &self.values[tree as usize];
        for (sum, leaf) in sums.iter_mut().zip(leaf.numbers()) {
            *sum += values[usize::from(leaf) % LEAVES];
        }
    }

    /// Hands out the bytes of a tree from right to left: the number of the first leaf, and the entries.
    #[inline(always)]
    fn bytes(&self, tree: u32, mut each: impl FnMut(u8, &[Entry])) {
        let ends = self.trees[tree as usize].start as usize..self.trees[tree as usize].end as usize;
        let mut start = if ends.start == 0 { 0 } else { self.ends[ends.start - 1] as usize };
        let mut byte = ends.len() * BYTE;
        for &end in &self.ends[ends] {
            byte -= BYTE;
            each(byte as u8, &self.entries[start..end as usize]);
            start = end as usize;
        }
    }
}

/// Where a byte has leaves left over, makes the first of them the row's leaf.
#[inline(always)]
fn first_left(entries: &[Entry], codes: &[[i8; BLOCK]], byte: u8, leaf: &mut [u8; BLOCK]) {
    let mut taken = [0u8; BLOCK];
    for entry in entries {
        let codes = &codes[entry.test.column as usize];
        for (taken, &code) in taken.iter_mut().zip(codes) {
            *taken |= if code > entry.test.code { entry.leaves } else { 0 };
        }
    }
    for (leaf, taken) in leaf.iter_mut().zip(taken) {
        *leaf = if taken == u8::MAX { *leaf } else { byte + taken.trailing_ones() as u8 };
    }
}

/// The leaves from left to right, and each node with the places of its left subtree's leaves among them.
fn in_order(tree: &Tree) -> (Vec<usize>, Vec<(usize, Range<usize>)>) {
    /// What is still to be done, the last first.
    enum Open {
        Child(i32),
        /// The left subtree of a node is done; it began at this leaf.
        Left(usize, usize),
    }
    let (mut leaves, mut taken) = (Vec::new(), Vec::new());
    let mut open = vec![Open::Child(tree.root())];
    while let Some(next) = open.pop() {
        match next {
            Open::Child(child) if child < 0 => leaves.push(!child as usize),
            Open::Child(child) => {
                let node = &tree.nodes[child as usize];
                open.extend([
                    Open::Child(node.right),
                    Open::Left(child as usize, leaves.len()),
                    Open::Child(node.left),
                ]);
            }
            Open::Left(node, start) => taken.push((node, start..leaves.len())),
        }
    }
    (leaves, taken)
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    //! [`super::first_left`] in two registers of 32 rows each.

    use std::arch::x86_64::{
        __m256i, _mm_setr_epi8, _mm256_add_epi8, _mm256_and_si256, _mm256_blendv_epi8,
        _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_loadu_si256,
        _mm256_min_epu8, _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
        _mm256_srli_epi16, _mm256_storeu_si256,
    };

    use super::{BLOCK, Entry};

    const REGISTER: usize = 32;
    const REGISTERS: usize = BLOCK / REGISTER;

    /// The rows' leaves.
    pub(super) struct Leaf([__m256i; REGISTERS]);

    impl Leaf {
        #[inline]
        #[target_feature(enable = "avx2")]
        pub(super) fn zero() -> Self {
            Self([_mm256_setzero_si256(); REGISTERS])
        }

        #[inline]
        #[target_feature(enable = "avx2")]
        pub(super) fn first_left(&mut self, entries: &[Entry], codes: &[[i8; BLOCK]], byte: u8) {
            let mut taken = [_mm256_setzero_si256(); REGISTERS];
            for entry in entries {
                let codes = codes[entry.test.column as usize].as_chunks::<REGISTER>().0;
                let code = _mm256_set1_epi8(entry.test.code);
                let leaves = _mm256_set1_epi8(entry.leaves as i8);
                for (taken, codes) in taken.iter_mut().zip(codes) {
                    // SAFETY: reads 32 bytes of an array of 32.
                    let codes = unsafe { _mm256_loadu_si256(codes.as_ptr().cast()) };
                    *taken =
                        _mm256_or_si256(*taken, _mm256_and_si256(_mm256_cmpgt_epi8(codes, code), leaves));
                }
            }
            let (all, low) = (_mm256_set1_epi8(-1), _mm256_set1_epi8(15));
            // Trailing ones of the low four bits, far too many where they are all ones, and of the high four
            // bits, four more: the smaller of the two is that of the byte.
            let of_low = _mm_setr_epi8(0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0, 99);
            let of_high = _mm_setr_epi8(4, 5, 4, 6, 4, 5, 4, 7, 4, 5, 4, 6, 4, 5, 4, 8);
            let of_low = _mm256_broadcastsi128_si256(of_low);
            let of_high = _mm256_broadcastsi128_si256(of_high);
            for (leaf, taken) in self.0.iter_mut().zip(taken) {
                let high = _mm256_and_si256(_mm256_srli_epi16::<4>(taken), low);
                let high = _mm256_shuffle_epi8(of_high, high);
                let low = _mm256_shuffle_epi8(of_low, _mm256_and_si256(taken, low));
                let first = _mm256_add_epi8(_mm256_min_epu8(low, high), _mm256_set1_epi8(byte as i8));
                *leaf = _mm256_blendv_epi8(first, *leaf, _mm256_cmpeq_epi8(taken, all));
            }
        }

        #[inline]
        #[target_feature(enable = "avx2")]
        pub(super) fn numbers(&self) -> [u8; BLOCK] {
            let mut numbers = [0; BLOCK];
            for (numbers, leaf) in numbers.as_chunks_mut::<REGISTER>().0.iter_mut().zip(self.0) {
                // SAFETY: writes 32 bytes into an array of 32.
                unsafe { _mm256_storeu_si256(numbers.as_mut_ptr().cast(), leaf) };
            }
            numbers
        }
    }
}
