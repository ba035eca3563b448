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
    pub(super) fn add(&self, tree: u32, codes: &[i8], sums: &mut [f64; BLOCK]) {
        let (codes, _) = codes.as_chunks::<BLOCK>();
        let ends = self.trees[tree as usize].start as usize..self.trees[tree as usize].end as usize;
        let mut start = if ends.start == 0 { 0 } else { self.ends[ends.start - 1] as usize };
        let mut leaf = [0; BLOCK];
        let mut byte = ends.len() * BYTE;
        for &end in &self.ends[ends] {
            let entries = &self.entries[start..end as usize];
            start = end as usize;
            byte -= BYTE;
            first_left(entries, codes, byte as u8, &mut leaf);
        }
        let values = &self.values[tree as usize];
        for (sum, leaf) in sums.iter_mut().zip(leaf) {
            *sum += values[usize::from(leaf) % LEAVES];
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
