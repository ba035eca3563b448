//! Sums of gradients and Hessians for each bin of each feature, over the rows of one node.

mod sum;

use super::quantise::Packed;
use super::split::Candidate;
use crate::binning::{BinnedFeature, BinnedMatrix};

/// Places for sums: 256 bins, and one cache line more. A stride that is a power of two would send the same bin of
/// all features to the same few sets of the cache.
const PLACES: usize = 264;

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
    /// Sums and counts over `rows` for the slots `first ..`.
    pub(super) fn build(&self, slots: &mut [Slot], first: usize, rows: &[u32]) {
        self.add_up(slots, first, rows);
        self.count_categories(slots, first, rows);
    }

    /// The sums alone.
    pub(super) fn add_up(&self, slots: &mut [Slot], first: usize, rows: &[u32]) {
        let features = &self.selected[first..first + slots.len()];
        for (slot, &feature) in slots.iter_mut().zip(features) {
            slot.sums[..self.features[feature].total()].fill(0);
        }
        sum::sum(self, slots, features, rows);
    }

    /// The counts alone.
    pub(super) fn count_categories(&self, slots: &mut [Slot], first: usize, rows: &[u32]) {
        for (slot, &feature) in slots.iter_mut().zip(&self.selected[first..]) {
            let categorical = self.features[feature].is_categorical();
            slot.counts = categorical.then(|| self.count(feature, rows));
        }
    }

    /// Adds the sums over other rows.
    pub(super) fn merge(&self, slots: &mut [Slot], others: &[Slot], first: usize) {
        for ((slot, other), &feature) in slots.iter_mut().zip(others).zip(&self.selected[first..]) {
            let total = self.features[feature].total();
            for (sum, part) in slot.sums[..total].iter_mut().zip(&other.sums[..total]) {
                *sum += part;
            }
        }
    }

    /// Rows in each bin of a feature.
    pub(super) fn count(&self, feature: usize, rows: &[u32]) -> Box<[u32; 256]> {
        let column = self.matrix.column(feature);
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
