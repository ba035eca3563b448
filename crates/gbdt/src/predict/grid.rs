//! How many of a feature's thresholds are below a value, in a few instructions without a branch.
//!
//! A grid of cells is laid over the thresholds, even or, where they crowd at one end, with cells that grow with
//! the distance from there. A table gives the number of thresholds in all cells before the value's, and a
//! comparison or a few do the rest. Whatever the rounding, the cell does not decrease with the value, and that
//! alone makes the result exact. Where no grid fits, bisection answers.

/// The most thresholds a grid may hold: what the table's bytes can count.
const THRESHOLDS: usize = 255;
/// The most cells of a grid.
const CELLS: usize = 4096;
/// Comparisons after the cell that a plain grid needs at most.
pub(super) const PLAIN_STEPS: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Cells {
    /// Even: (value − origin) × scale.
    Even { origin: f64, scale: f64, last: f64 },
    /// The leading bits of value − origin, which must be at least `least`: a logarithm in steps.
    Growing { origin: f64, least: f64, shift: u32, first: u64, last: u64 },
    /// No grid.
    None,
}

/// Sorted thresholds of a feature.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    cells: Cells,
    /// By cell: how many thresholds are in cells before it.
    before: Vec<u8>,
    /// The most thresholds in a cell, rounded up to 1, 2 or 4.
    steps: usize,
    /// An infinity follows.
    thresholds: Vec<f64>,
}

/// The cell of an even grid.
#[inline(always)]
pub(super) fn even_cell(origin: f64, scale: f64, last: f64, value: f64) -> usize {
    /// 2^52: adding it leaves the rounded number in the low bits.
    const SHIFT: f64 = 4_503_599_627_370_496.0;
    let x = (value - origin) * scale;
    // In this form NaN ends at a bound, and each line is one instruction.
    let x = if x < last { x } else { last };
    let x = if x > 0.0 { x } else { 0.0 };
    (x + SHIFT).to_bits() as u32 as usize
}

impl Cells {
    #[inline(always)]
    fn growing(origin: f64, least: f64, shift: u32, first: u64, last: u64, value: f64) -> usize {
        let x = value - origin;
        let x = if x > least { x } else { least };
        ((x.to_bits() >> shift) - first).min(last) as usize
    }

    fn of(self, value: f64) -> usize {
        match self {
            Self::Even { origin, scale, last } => even_cell(origin, scale, last, value),
            Self::Growing { origin, least, shift, first, last } => {
                Self::growing(origin, least, shift, first, last, value)
            }
            Self::None => 0,
        }
    }

    /// Grids to try, the smallest first.
    fn candidates(sorted: &[f64]) -> (Vec<Self>, Vec<Self>) {
        let (start, end) = (sorted[0], sorted[sorted.len() - 1]);
        let mut even = Vec::new();
        let mut cells = (2 * sorted.len()).next_power_of_two();
        while cells <= CELLS {
            let last = (cells - 1) as f64;
            let scale = last / (end - start);
            // One value, or a range that is not a number's: a single cell.
            let (scale, last) = if scale.is_normal() { (scale, last) } else { (0.0, 0.0) };
            even.push(Self::Even { origin: start, scale, last });
            cells *= 2;
        }
        let mut gaps: Vec<f64> = sorted.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.retain(|gap| gap.is_normal());
        gaps.sort_unstable_by(f64::total_cmp);
        let mut growing = Vec::new();
        for shift in (46..=50).rev() {
            for quantile in [4, 20, usize::MAX] {
                let Some(gap) = gaps.get(gaps.len() / quantile) else { continue };
                let origin = start - gap;
                let least = start - origin;
                let (first, top) = (least.to_bits() >> shift, (end - origin).to_bits() >> shift);
                if least > 0.0 && top.wrapping_sub(first) < CELLS as u64 {
                    growing.push(Self::Growing { origin, least, shift, first, last: top - first });
                }
            }
        }
        (even, growing)
    }

    /// Number of cells.
    fn count(self) -> usize {
        match self {
            Self::Even { last, .. } => last as usize + 1,
            Self::Growing { last, .. } => last as usize + 1,
            Self::None => 0,
        }
    }

    /// The most thresholds in a cell.
    fn crowd(self, sorted: &[f64]) -> usize {
        sorted.chunk_by(|&a, &b| self.of(a) == self.of(b)).map(<[f64]>::len).max().unwrap_or(0)
    }
}

impl Grid {
    /// For at least one threshold, in ascending order.
    pub(super) fn new(mut sorted: Vec<f64>) -> Self {
        let (even, growing) = Cells::candidates(&sorted);
        let fits = |(crowd, few)| {
            let mut all = even.iter().chain(&growing).filter(|cells| cells.count() <= few);
            all.find(|cells| cells.crowd(&sorted) <= crowd).map(|&cells| (cells, crowd))
        };
        let small = sorted.len() <= THRESHOLDS;
        // Single rows miss caches: rather a comparison more than a much larger table.
        let tries = [(1, 16), (2, 512), (4, 1024), (2, CELLS), (4, CELLS)];
        let found = small.then(|| tries.into_iter().find_map(fits));
        let (cells, steps) = found.flatten().unwrap_or((Cells::None, 0));
        let mut before = Vec::new();
        if cells != Cells::None {
            for (rank, &threshold) in sorted.iter().enumerate() {
                before.resize(before.len().max(cells.of(threshold) + 1), rank as u8);
            }
            // Above all thresholds is their own last cell, or for even cells none.
            let last = cells.of(f64::MAX);
            before.resize(before.len().max(last + 1), sorted.len() as u8);
        }
        sorted.push(f64::INFINITY);
        Self { cells, before, steps, thresholds: sorted }
    }

    /// Origin, scale and last cell of an even grid, the thresholds before each cell, and the thresholds with an
    /// infinity after them; only where [`PLAIN_STEPS`] comparisons do.
    pub(super) fn even(&self) -> Option<([f64; 3], &[u8], &[f64])> {
        match self.cells {
            Cells::Even { origin, scale, last } if self.steps <= PLAIN_STEPS => {
                Some(([origin, scale, last], &self.before, &self.thresholds))
            }
            _ => None,
        }
    }

    /// Which code ranks values: grids of the same kind side by side spare the processor wrong guesses.
    pub(super) fn kind(&self) -> (u8, usize) {
        let cells = match self.cells {
            Cells::Even { .. } => 0,
            Cells::Growing { .. } => 1,
            Cells::None => 2,
        };
        (cells, self.steps)
    }

    /// Number of thresholds.
    pub(super) fn len(&self) -> usize {
        self.thresholds.len() - 1
    }

    /// Hands each of the values, with its number, on with how many thresholds are below it; for NaN that is
    /// anything.
    #[inline(always)]
    pub(super) fn ranks(&self, values: impl Iterator<Item = f64>, put: impl FnMut(usize, f64, usize)) {
        match self.cells {
            Cells::Even { origin, scale, last } => {
                self.by_cell(values, put, |value| even_cell(origin, scale, last, value));
            }
            Cells::Growing { origin, least, shift, first, last } => {
                self.by_cell(values, put, |value| Cells::growing(origin, least, shift, first, last, value));
            }
            Cells::None => {
                let mut put = put;
                let sorted = &self.thresholds[..self.len()];
                for (at, value) in values.enumerate() {
                    put(at, value, sorted.partition_point(|&t| value > t));
                }
            }
        }
    }

    #[inline(always)]
    fn by_cell(
        &self,
        values: impl Iterator<Item = f64>,
        put: impl FnMut(usize, f64, usize),
        cell: impl Fn(f64) -> usize,
    ) {
        match self.steps {
            1 => self.by_steps::<1>(values, put, cell),
            2 => self.by_steps::<2>(values, put, cell),
            _ => self.by_steps::<4>(values, put, cell),
        }
    }

    #[inline(always)]
    fn by_steps<const STEPS: usize>(
        &self,
        values: impl Iterator<Item = f64>,
        mut put: impl FnMut(usize, f64, usize),
        cell: impl Fn(f64) -> usize,
    ) {
        let (before, thresholds) = (&self.before[..], &self.thresholds[..]);
        for (at, value) in values.enumerate() {
            let mut rank = usize::from(before[cell(value)]);
            for _ in 0..STEPS {
                rank += usize::from(value > thresholds[rank]);
            }
            put(at, value, rank);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::Draws;

    fn check(sorted: Vec<f64>, what: &str) -> Grid {
        let grid = Grid::new(sorted.clone());
        let beside = |&t: &f64| [t, t.next_up(), t.next_down(), -t, t * 1.01, t + 0.1];
        let mut values: Vec<f64> = sorted.iter().flat_map(beside).collect();
        values.extend([0.0, -0.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 1e-320, 1e300]);
        values.retain(|v| v.is_finite());
        let mut found = Vec::new();
        grid.ranks(values.iter().copied(), |_, _, rank| found.push(rank));
        for (value, found) in values.iter().zip(found) {
            let expected = sorted.iter().filter(|&t| value > t).count();
            assert_eq!(found, expected, "{what}: {value} among {sorted:?}");
        }
        grid.ranks([f64::NAN].into_iter(), |_, _, rank| assert!(rank <= sorted.len()));
        grid
    }

    #[test]
    fn ranks_are_those_of_counting() {
        let mut draws = Draws::new(3);
        let mut sorted = |count: usize, of: &dyn Fn(f64) -> f64| {
            let mut all: Vec<f64> = (0..count).map(|_| of(draws.unit())).collect();
            all.sort_unstable_by(f64::total_cmp);
            all.dedup();
            all
        };
        for count in [1, 2, 5, 8, 9, 68, 255, 256, 700] {
            check(sorted(count, &|u| u), "uniform");
            check(sorted(count, &|u| (20.0 * u).exp()), "orders of magnitude");
            check(sorted(count, &|u| -(20.0 * u).exp()), "negative");
            check(sorted(count, &|u| (40.0 * u).floor()), "whole numbers");
            check(sorted(count, &|u| (u - 0.5) * 1e308), "huge");
            check(sorted(count, &|u| u * 1e-310), "subnormal");
            check(sorted(count, &|u| if u < 0.9 { u * 1e-3 } else { u * 1e9 }), "outliers");
        }
        check(vec![f64::MIN, -0.0, 0.0, f64::MAX], "the whole range");
        check(vec![1.0, 1.0f64.next_up(), 2.0], "neighbours");
    }

    #[test]
    fn usual_features_have_a_grid() {
        let spend: Vec<f64> = (0..200).map(|i| (0.04 * f64::from(i)).exp()).collect();
        assert!(matches!(check(spend, "spend").cells, Cells::Even { .. } | Cells::Growing { .. }));
        let days: Vec<f64> = (0..90).map(|i| f64::from(i) + 0.5).collect();
        assert!(matches!(check(days, "days").cells, Cells::Even { .. }));
    }
}
