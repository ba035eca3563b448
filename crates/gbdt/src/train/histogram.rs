//! Sums of gradients and Hessians for each bin of each feature, over the rows of one node.

use super::prefetch::prefetch;
use super::quantise::Packed;
use super::split::Candidate;
use crate::binning::{BinnedFeature, BinnedMatrix, STRIDE_STEP};

/// Places for sums: 256 bins, and one cache line more. A stride that is a power of two would send the same bin of
/// all features to the same few sets of the cache.
const PLACES: usize = 264;

/// Rows fetched ahead of their use.
const AHEAD: usize = 16;

/// The sums of one feature in one node, and the best split found in them.
pub(super) struct Slot {
    pub sums: [Packed; PLACES],
    /// Rows in each bin: always there for categorical features, for numeric ones only where they had to be counted.
    pub counts: Option<Box<[u32; 256]>>,
    pub best: Option<Candidate>,
}

/// One slot for each feature that the tree may use.
pub(super) type Histogram = Vec<Slot>;

/// Empty slots for these features.
pub(super) fn empty(features: usize) -> Histogram {
    (0..features).map(|_| Slot { sums: [0; PLACES], counts: None, best: None }).collect()
}

/// What histograms are built from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub features: &'a [BinnedFeature],
    pub matrix: &'a BinnedMatrix,
    /// The features that this tree may use, ascending.
    pub selected: &'a [usize],
    pub packed: &'a [Packed],
}

impl Source<'_> {
    fn all_selected(&self) -> bool {
        self.selected.len() == self.features.len()
    }

    /// Sums over `rows` for the slots `first ..`; `first` is a multiple of [`STRIDE_STEP`].
    pub(super) fn build(&self, slots: &mut [Slot], first: usize, rows: &[u32]) {
        for (slot, &feature) in slots.iter_mut().zip(&self.selected[first..]) {
            let feature_bins = &self.features[feature];
            slot.sums[..feature_bins.total()].fill(0);
            slot.counts = None;
            if feature_bins.is_categorical() {
                slot.counts = Some(self.count(feature, rows));
            }
        }
        if self.all_selected() {
            self.sum_neighbours(slots, first, rows);
        } else {
            self.sum_selected(slots, first, rows);
        }
    }

    fn sum_neighbours(&self, slots: &mut [Slot], first: usize, rows: &[u32]) {
        let BinnedMatrix { stride, by_row, .. } = self.matrix;
        let width = slots.len();
        for (at, &row) in rows.iter().enumerate() {
            if let Some(&ahead) = rows.get(at + AHEAD) {
                prefetch(by_row, ahead as usize * stride + first);
                prefetch(self.packed, ahead as usize);
            }
            let sum = self.packed[row as usize];
            let bins = &by_row[row as usize * stride + first..][..width];
            let mut eights = slots.chunks_exact_mut(STRIDE_STEP);
            let mut words = bins.chunks_exact(STRIDE_STEP);
            for (slots, word) in (&mut eights).zip(&mut words) {
                let mut word = word.iter().rev().fold(0_u64, |w, &b| w << 8 | u64::from(b));
                for slot in slots {
                    slot.sums[usize::from(word as u8)] += sum;
                    word >>= 8;
                }
            }
            for (slot, &bin) in eights.into_remainder().iter_mut().zip(words.remainder()) {
                slot.sums[usize::from(bin)] += sum;
            }
        }
    }

    fn sum_selected(&self, slots: &mut [Slot], first: usize, rows: &[u32]) {
        let BinnedMatrix { stride, by_row, .. } = self.matrix;
        for (at, &row) in rows.iter().enumerate() {
            if let Some(&ahead) = rows.get(at + AHEAD) {
                prefetch(by_row, ahead as usize * stride);
            }
            let sum = self.packed[row as usize];
            let bins = &by_row[row as usize * stride..][..*stride];
            for (slot, &feature) in slots.iter_mut().zip(&self.selected[first..]) {
                slot.sums[usize::from(bins[feature])] += sum;
            }
        }
    }

    /// Rows in each bin of a feature.
    pub(super) fn count(&self, feature: usize, rows: &[u32]) -> Box<[u32; 256]> {
        let column = &self.matrix.by_column[feature];
        let mut counts = Box::new([0; 256]);
        for &row in rows {
            counts[usize::from(column[row as usize])] += 1;
        }
        counts
    }

    /// Turns the sums of a parent, `parent`, into those of the sibling of `child`.
    pub(super) fn subtract(&self, parent: &mut [Slot], child: &[Slot], first: usize) {
        for ((parent, child), &feature) in parent.iter_mut().zip(child).zip(&self.selected[first..]) {
            let total = self.features[feature].total();
            for (sum, part) in parent.sums[..total].iter_mut().zip(&child.sums[..total]) {
                *sum -= part;
            }
            match (&mut parent.counts, &child.counts) {
                (Some(counts), Some(parts)) => {
                    for (count, part) in counts.iter_mut().zip(parts.iter()) {
                        *count -= part;
                    }
                }
                (counts, _) => *counts = None,
            }
        }
    }
}
