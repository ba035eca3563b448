//! Reading columns of a row-major matrix, and sorting them.
//!
//! A value is 8 bytes of a cache line of 64: columns are read eight at a time, and whether values are missing is found
//! in one pass over the rows. Reading each column by itself took more time than binning.

use ndarray::ArrayView2;
use rayon::prelude::*;
use tenure_core::seed;

use super::TrainingRows;

/// Rows looked at to find the bounds of numeric bins.
const SAMPLE: usize = 200_000;

/// Columns read at a time.
pub(super) const COLUMNS: usize = 8;

/// Rows that one thread looks at at a time.
const CHUNK: usize = 4096;

/// Positions among the training rows: all of them, or one drawn from each of `SAMPLE` equal stretches.
pub(super) fn sample(n: usize, seed: u64) -> Vec<usize> {
    if n <= SAMPLE {
        return (0..n).collect();
    }
    let stretch = n as f64 / SAMPLE as f64;
    (0..SAMPLE).map(|i| (((i as f64 + seed::unit(seed, i as u64)) * stretch) as usize).min(n - 1)).collect()
}

/// For each column, whether any of the rows lacks its value.
pub(super) fn missing(data: TrainingRows<'_>, parallel: bool) -> Vec<bool> {
    let width = data.x.ncols();
    let none = || vec![false; width];
    let look = |mut missing: Vec<bool>, rows: &[u32]| {
        for &row in rows {
            for (missing, value) in missing.iter_mut().zip(data.x.row(row as usize)) {
                *missing |= value.is_nan();
            }
        }
        missing
    };
    if !parallel {
        return look(none(), data.rows);
    }
    let either = |mut a: Vec<bool>, b: Vec<bool>| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a |= b);
        a
    };
    data.rows.par_chunks(CHUNK).fold(none, look).reduce(none, either)
}

/// The values of up to [`COLUMNS`] columns from `first` on in the sampled rows.
pub(super) fn gather(x: ArrayView2<'_, f64>, rows: &[u32], sample: &[usize], first: usize) -> Vec<Vec<f64>> {
    let columns = x.ncols().saturating_sub(first).min(COLUMNS);
    let mut out: Vec<Vec<f64>> = (0..columns).map(|_| Vec::with_capacity(sample.len())).collect();
    for &at in sample {
        let row = x.row(rows[at] as usize);
        for (offset, out) in out.iter_mut().enumerate() {
            out.push(row[first + offset]);
        }
    }
    out
}

/// Bits of a key sorted in one pass.
const DIGIT: usize = 11;
const PASSES: usize = 64_usize.div_ceil(DIGIT);

/// Below this, counting digits takes longer than comparing.
const FEW: usize = 4096;

/// Sorts in the order of [`f64::total_cmp`]: by digits of their bits, which for 100,000 numbers is several times
/// faster than by comparisons.
pub(super) fn sort(values: &mut [f64]) {
    if values.len() < FEW {
        return values.sort_unstable_by(f64::total_cmp);
    }
    let mut keys: Vec<u64> = values.iter().map(|v| key(v.to_bits())).collect();
    let mut counts = vec![[0_u32; 1 << DIGIT]; PASSES];
    for &key in &keys {
        for (pass, counts) in counts.iter_mut().enumerate() {
            counts[digit(key, pass)] += 1;
        }
    }
    let mut spare = vec![0; keys.len()];
    for (pass, places) in counts.iter_mut().enumerate() {
        // Numbers that are few or whole share most of their digits.
        if places[digit(keys[0], pass)] as usize == keys.len() {
            continue;
        }
        let mut start = 0;
        for place in places.iter_mut() {
            start += std::mem::replace(place, start);
        }
        for &key in &keys {
            let place = &mut places[digit(key, pass)];
            spare[*place as usize] = key;
            *place += 1;
        }
        std::mem::swap(&mut keys, &mut spare);
    }
    for (value, key) in values.iter_mut().zip(keys) {
        *value = f64::from_bits(unkey(key));
    }
}

const SIGN: u64 = 1 << 63;

/// Bits whose order as a whole number is that of the numbers.
fn key(bits: u64) -> u64 {
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

fn unkey(key: u64) -> u64 {
    if key & SIGN == 0 { !key } else { key & !SIGN }
}

fn digit(key: u64, pass: usize) -> usize {
    (key >> (pass * DIGIT)) as usize & ((1 << DIGIT) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn digits_sort_as_comparisons_do() {
        let odd =
            [0.0, -0.0, 5e-324, -5e-324, f64::MAX, f64::MIN, f64::INFINITY, f64::NEG_INFINITY, 1.0, -1.0];
        for n in [0, 1, FEW, 3 * FEW] {
            let drawn = (0..n as u64).map(|i| match i % 3 {
                0 => (seed::unit(1, i) - 0.5) * 1e3,
                1 => (seed::unit(2, i) * 40.0).floor() - 20.0,
                _ => odd[i as usize / 3 % odd.len()] * (1.0 + f64::from(u8::from(i % 2 == 0))),
            });
            let mut sorted: Vec<f64> = drawn.collect();
            let mut expected = sorted.clone();
            sort(&mut sorted);
            expected.sort_by(f64::total_cmp);
            let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&sorted), bits(&expected));
        }
    }

    #[test]
    fn columns_and_missing_values_are_those_of_the_rows() {
        let x = array![[1.0, f64::NAN, 3.0], [4.0, 5.0, f64::NAN], [7.0, 8.0, 9.0]];
        let data = TrainingRows { x: x.view(), rows: &[0, 2], weights: None };
        for parallel in [false, true] {
            assert_eq!(missing(data, parallel), [false, true, false]);
        }
        assert_eq!(gather(x.view(), data.rows, &[1, 0], 2), [[9.0, 3.0]]);
        assert!(gather(x.view(), data.rows, &[1, 0], 3).is_empty());
    }
}
