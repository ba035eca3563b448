//! Trees as bytes.
//!
//! Little-endian; counts, features and children are LEB128 varints (children zigzag), and each `f64` keeps
//! every bit. A tree is
//!
//! ```text
//! nodes, words                                     counts; leaves are one more than nodes
//! per node: feature, flags, rule, left, right, gain, cover
//! per leaf: value, cover
//! words × 8 bytes of category bits
//! ```
//!
//! where bit 0 of the flags says that missing goes left, bit 1 that the rule is a set of categories (first
//! word, number of words) and not a threshold, bit 2 that zero is missing too. The format is versioned by its artifact.

use tenure_core::{Error, Result, Schema};

use crate::tree::{Leaf, Node, Rule, Tree};

const MISSING_LEFT: u8 = 1;
const CATEGORIES: u8 = 2;
const ZERO_MISSING: u8 = 4;
/// The fewest bytes a node, a leaf and a tree take: they bound what a count may claim.
const NODE_BYTES: usize = 1 + 1 + 2 + 1 + 1 + 8 + 8;
const LEAF_BYTES: usize = 16;
const TREE_BYTES: usize = 2 + LEAF_BYTES;

/// Writes trees one after another.
pub(crate) fn encode(trees: &[Tree]) -> Vec<u8> {
    let mut out = Vec::new();
    for tree in trees {
        put_varint(&mut out, tree.nodes.len() as u64);
        put_varint(&mut out, tree.category_bits.len() as u64);
        for node in &tree.nodes {
            put_node(&mut out, node);
        }
        for leaf in &tree.leaves {
            put_f64(&mut out, leaf.value);
            put_f64(&mut out, leaf.cover);
        }
        for word in &tree.category_bits {
            out.extend(word.to_le_bytes());
        }
    }
    out
}

fn put_node(out: &mut Vec<u8>, node: &Node) {
    put_varint(out, u64::from(node.feature));
    let flag = |is: bool, bit: u8| if is { bit } else { 0 };
    let missing = flag(node.missing_left, MISSING_LEFT) | flag(node.zero_missing, ZERO_MISSING);
    match node.rule {
        Rule::Threshold(threshold) => {
            out.push(missing);
            put_f64(out, threshold);
        }
        Rule::Categories { start, words } => {
            out.push(missing | CATEGORIES);
            put_varint(out, u64::from(start));
            put_varint(out, u64::from(words));
        }
    }
    for child in [node.left, node.right] {
        put_varint(out, u64::from(((child << 1) ^ (child >> 31)) as u32));
    }
    put_f64(out, node.gain);
    put_f64(out, node.cover);
}

fn put_f64(out: &mut Vec<u8>, value: f64) {
    out.extend(value.to_le_bytes());
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads `count` trees and checks them against the schema.
///
/// # Errors
/// [`Error::ArtifactDamaged`] saying which tree does not fit, and how.
pub(crate) fn decode(bytes: &[u8], count: usize, schema: &Schema) -> Result<Vec<Tree>> {
    let mut input = Input { bytes };
    input.room_for(count as u64, TREE_BYTES).map_err(|problem| damaged("count of trees", &problem))?;
    let mut trees = Vec::with_capacity(count);
    for at in 0..count {
        let tree = input.tree().and_then(|tree| tree.check(schema).map(|()| tree));
        trees.push(tree.map_err(|problem| damaged(&format!("tree {at}"), &problem))?);
    }
    match input.bytes.len() {
        0 => Ok(trees),
        rest => Err(damaged("after the last tree", &format!("{rest} bytes are left over"))),
    }
}

fn damaged(at: &str, problem: &str) -> Error {
    Error::damaged(format!("part `trees` of `trees`, {at}: {problem}"))
}

/// What is still to be read.
struct Input<'a> {
    bytes: &'a [u8],
}

impl Input<'_> {
    fn tree(&mut self) -> Result<Tree, String> {
        let (nodes, words) = (self.varint()?, self.varint()?);
        self.room_for(nodes, NODE_BYTES + LEAF_BYTES)?;
        self.room_for(words, 8)?;
        let nodes = (0..nodes).map(|_| self.node()).collect::<Result<Vec<_>, _>>()?;
        let leaves = (0..=nodes.len())
            .map(|_| Ok(Leaf { value: self.f64()?, cover: self.f64()? }))
            .collect::<Result<Vec<_>, String>>()?;
        let words = (0..words).map(|_| Ok(u64::from_le_bytes(self.take()?)));
        let category_bits = words.collect::<Result<Vec<_>, String>>()?;
        Ok(Tree { nodes, leaves, category_bits })
    }

    fn node(&mut self) -> Result<Node, String> {
        let feature = self.varint_u32()?;
        let [flags] = self.take()?;
        if flags & !(MISSING_LEFT | CATEGORIES | ZERO_MISSING) != 0 {
            return Err(format!("unknown flags {flags:#04x}"));
        }
        let rule = if flags & CATEGORIES == 0 {
            Rule::Threshold(self.f64()?)
        } else {
            Rule::Categories { start: self.varint_u32()?, words: self.varint_u32()? }
        };
        let (missing_left, zero_missing) = (flags & MISSING_LEFT != 0, flags & ZERO_MISSING != 0);
        let (left, right) = (self.child()?, self.child()?);
        let (gain, cover) = (self.f64()?, self.f64()?);
        Ok(Node { feature, rule, missing_left, zero_missing, left, right, gain, cover })
    }

    fn child(&mut self) -> Result<i32, String> {
        let zigzag = self.varint_u32()?;
        Ok((zigzag >> 1) as i32 ^ -((zigzag & 1) as i32))
    }

    fn f64(&mut self) -> Result<f64, String> {
        Ok(f64::from_le_bytes(self.take()?))
    }

    fn varint_u32(&mut self) -> Result<u32, String> {
        let value = self.varint()?;
        u32::try_from(value).map_err(|_| format!("{value} does not fit 32 bits"))
    }

    fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let [byte] = self.take()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err("a number does not end".into())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or("the bytes end too early")?;
        self.bytes = rest;
        Ok(*taken)
    }

    /// Refuses a count of items that the bytes left cannot hold.
    fn room_for(&self, count: u64, item_bytes: usize) -> Result<(), String> {
        if count > (self.bytes.len() / item_bytes) as u64 {
            return Err(format!(
                "{count} items of at least {item_bytes} bytes in {} bytes",
                self.bytes.len()
            ));
        }
        Ok(())
    }
}
