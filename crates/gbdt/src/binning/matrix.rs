//! The binned training rows, twice: row-major for histograms, column-major for partitioning.

use rayon::prelude::*;

use super::{BinnedFeature, Bins, TrainingRows, zeroed};

/// A row's bins are padded to a multiple of this, so that eight can be read at once.
const STRIDE_STEP: usize = 8;

/// Rows binned at a time: their values stay in the second-level cache.
const TILE: usize = 512;

/// Bins of `rows × features`.
pub(crate) struct BinnedMatrix {
    /// Bytes from one row to the next in `by_row`.
    pub stride: usize,
    pub by_row: Vec<u8>,
    by_column: Vec<u8>,
    rows: usize,
}

impl BinnedMatrix {
    pub(crate) fn new(features: &[BinnedFeature], data: TrainingRows<'_>, parallel: bool) -> Self {
        let n = data.rows.len();
        let stride = features.len().div_ceil(STRIDE_STEP) * STRIDE_STEP;
        let mut by_row = zeroed(n * stride);
        let lookups: Vec<Lookup<'_>> = features.iter().map(Lookup::new).collect();
        let fill = |(tile, out): (usize, &mut [u8])| {
            let rows = &data.rows[tile * TILE..(tile * TILE + TILE).min(n)];
            for (at, (feature, lookup)) in features.iter().zip(&lookups).enumerate() {
                let mut values = [0.0; TILE];
                let mut bins = [0; TILE];
                for (value, &row) in values.iter_mut().zip(rows) {
                    *value = data.x[[row as usize, feature.column]];
                }
                lookup.bins(&values, &mut bins);
                for (row, bin) in out.chunks_exact_mut(stride).zip(bins) {
                    row[at] = bin;
                }
            }
        };
        if stride > 0 && parallel {
            by_row.par_chunks_mut(TILE * stride).enumerate().for_each(fill);
        } else if stride > 0 {
            by_row.chunks_mut(TILE * stride).enumerate().for_each(fill);
        }
        let by_column = transpose(&by_row, n, stride, features.len());
        Self { stride, by_row, by_column, rows: n }
    }

    /// The bins of one feature.
    pub(crate) fn column(&self, feature: usize) -> &[u8] {
        &self.by_column[feature * self.rows..][..self.rows]
    }
}

/// Columns of a row-major byte matrix, eight at a time so that each row is read as few times as possible.
fn transpose(by_row: &[u8], rows: usize, stride: usize, columns: usize) -> Vec<u8> {
    let mut out = zeroed(columns * rows);
    if rows == 0 {
        return out;
    }
    for (group, out) in out.chunks_mut(STRIDE_STEP * rows).enumerate() {
        let at = group * STRIDE_STEP;
        for tile in (0..rows).step_by(TILE) {
            let end = (tile + TILE).min(rows);
            for (offset, column) in out.chunks_mut(rows).enumerate() {
                for (row, bin) in (tile..end).zip(&mut column[tile..end]) {
                    *bin = by_row[row * stride + at + offset];
                }
            }
        }
    }
    out
}

/// Bounds padded to a power of two for a search without branches, or a table of levels.
enum Lookup<'a> {
    Numeric { bounds: Box<[f64; 256]>, missing: u8 },
    Categorical { of_level: &'a [Option<u8>], missing: u8 },
}

impl<'a> Lookup<'a> {
    fn new(feature: &'a BinnedFeature) -> Self {
        let missing = if feature.missing { feature.known as u8 } else { 0 };
        match &feature.bins {
            Bins::Numeric { bounds } => {
                let mut padded = Box::new([f64::INFINITY; 256]);
                padded[..bounds.len()].copy_from_slice(bounds);
                Self::Numeric { bounds: padded, missing }
            }
            Bins::Categorical { of_level } => Self::Categorical { of_level, missing },
        }
    }

    fn bins(&self, values: &[f64; TILE], out: &mut [u8; TILE]) {
        match self {
            Self::Numeric { bounds, missing } => {
                for (values, out) in values.chunks_exact(16).zip(out.chunks_exact_mut(16)) {
                    // Sixteen searches in lockstep hide each other's latency.
                    let mut found = [0_usize; 16];
                    for step in [128, 64, 32, 16, 8, 4, 2, 1] {
                        for (at, value) in found.iter_mut().zip(values) {
                            *at += if bounds[(*at + step - 1) & 255] < *value { step } else { 0 };
                        }
                    }
                    for ((out, at), value) in out.iter_mut().zip(found).zip(values) {
                        *out = if value.is_nan() { *missing } else { at as u8 };
                    }
                }
            }
            Self::Categorical { of_level, missing } => {
                for (out, &value) in out.iter_mut().zip(values) {
                    *out =
                        if value.is_nan() { *missing } else { of_level[value as usize].unwrap_or(*missing) };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::find_bins;
    use super::*;
    use ndarray::array;
    use tenure_core::{Feature, Schema};

    #[test]
    fn both_copies_hold_the_bins_of_the_chosen_rows() {
        let schema = Schema::new(vec![
            Feature::numeric("constant", "", ""),
            Feature::numeric("a", "", ""),
            Feature::categorical("c", ["x", "y", "z"], ""),
        ])
        .unwrap();
        let x = array![[1.0, 5.0, 2.0], [1.0, 9.0, 0.0], [1.0, f64::NAN, 2.0], [1.0, -3.0, f64::NAN]];
        let data = TrainingRows { x: x.view(), rows: &[0, 2, 3], weights: None };
        let features = find_bins(&schema, data, 255, 0, true);
        assert_eq!(features.iter().map(|f| f.column).collect::<Vec<_>>(), [1, 2]);
        for parallel in [false, true] {
            let m = BinnedMatrix::new(&features, data, parallel);
            assert_eq!((m.column(0), m.column(1)), (&[1, 2, 0][..], &[0, 0, 1][..]));
            assert_eq!((m.stride, &m.by_row[..2], &m.by_row[8..10]), (8, &[1, 0][..], &[2, 0][..]));
        }
    }
}
