//! Texts to codes, in order of first appearance.

use std::hash::Hasher;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

/// A 64-bit hash of some bytes.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

/// Names with their codes; the names lie in one piece of memory.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    table: HashTable<u32>,
    arena: Vec<u8>,
    ends: Vec<usize>,
    hashes: Vec<u64>,
    last: Option<u32>,
}

impl Codes {
    fn name(&self, code: u32) -> &[u8] {
        name_of(&self.arena, &self.ends, code)
    }

    /// The code of a name, a new one for a new name; lines of one customer often follow each other.
    pub(crate) fn code(&mut self, name: &[u8]) -> u32 {
        if let Some(last) = self.last
            && self.name(last) == name
        {
            return last;
        }
        let code = self.code_hashed(name, hash(name));
        self.last = Some(code);
        code
    }

    fn code_hashed(&mut self, name: &[u8], hash: u64) -> u32 {
        let Self { table, arena, ends, hashes, .. } = self;
        let found = table.find(hash, |&c| hashes[c as usize] == hash && name_of(arena, ends, c) == name);
        if let Some(&code) = found {
            return code;
        }
        let code = ends.len() as u32;
        arena.extend_from_slice(name);
        ends.push(arena.len());
        hashes.push(hash);
        table.insert_unique(hash, code, |&c| hashes[c as usize]);
        code
    }

    /// Takes up the names of a later part of the file and returns their codes here.
    pub(crate) fn absorb(&mut self, part: &Self) -> Vec<u32> {
        (0..part.len()).map(|c| self.code_hashed(part.name(c as u32), part.hashes[c])).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The names as text, by code, and whether any had to be taken as windows-1252.
    pub(crate) fn into_names(self) -> (Vec<String>, bool) {
        let mut legacy = false;
        let names = (0..self.len())
            .map(|code| {
                let (text, was_legacy) = crate::text::encoding::decode(self.name(code as u32));
                legacy |= was_legacy;
                text.into_owned()
            })
            .collect();
        (names, legacy)
    }
}

fn name_of<'a>(arena: &'a [u8], ends: &[usize], code: u32) -> &'a [u8] {
    let code = code as usize;
    &arena[if code == 0 { 0 } else { ends[code - 1] }..ends[code]]
}

/// Order numbers to codes: only their hashes are kept, since the numbers themselves are not needed. Two of ten
/// million share a hash with a probability below 1 in 100,000, and matter only with the same customer.
#[derive(Debug, Default)]
pub(crate) struct HashCodes {
    table: HashTable<(u64, u32)>,
}

impl HashCodes {
    pub(crate) fn code(&mut self, hash: u64) -> u32 {
        let next = self.table.len() as u32;
        self.table.entry(hash, |(h, _)| *h == hash, |(h, _)| *h).or_insert((hash, next)).get().1
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }
}
