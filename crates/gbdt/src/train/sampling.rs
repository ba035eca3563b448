//! The rows and features that a tree may use, drawn by counters: each draw follows from the seed, the number of
//! the iteration and the number of the row alone.

use tenure_core::seed;

use super::rows::LabelledRows;
use crate::GradientSampling;
use crate::objective::Gradient;

/// Rows drawn for a tree, each with probability `fraction`, ascending.
pub(super) fn rows(n: usize, fraction: f64, seed: u64, out: &mut Vec<u32>) {
    out.clear();
    if fraction >= 1.0 {
        out.extend(0..n as u32);
    } else {
        out.extend((0..n as u32).filter(|&row| seed::unit(seed, u64::from(row)) < fraction));
    }
}

/// Gradient-based one-side sampling (Ke et al., *LightGBM*, 2017): the rows with the greatest `Σ |g h|` are kept, of
/// the others a share is drawn that stands for all of them. Fills `out` with the rows, ascending, multiplies the
/// gradients of those that stand for others, and sets their weight in `weights`.
pub(super) fn by_gradient(
    sampling: GradientSampling,
    data: &LabelledRows,
    gradients: &mut [Vec<Gradient>],
    seed: u64,
    out: &mut Vec<u32>,
    weights: &mut Vec<f64>,
) {
    let n = data.rows.len();
    let importance: Vec<f64> =
        (0..n).map(|row| gradients.iter().map(|of| (of[row].g * of[row].h).abs()).sum()).collect();
    let top = ((n as f64 * sampling.top).ceil() as usize).clamp(1, n);
    let mut sorted = importance.clone();
    let (greater, &mut least, _) = sorted.select_nth_unstable_by(top - 1, |a, b| b.total_cmp(a));
    // Of those that are just at the border as many are kept as there is room for, by lot: a loss may give all rows
    // the same.
    let room = top - greater.iter().filter(|&&v| v > least).count();
    let equal = importance.iter().filter(|&&v| v == least).count();
    let kept_of_equal = room as f64 / equal.max(1) as f64;
    let share = sampling.other / (1.0 - sampling.top);
    let (lot_top, lot_other) = (seed::mix(seed, 0), seed::mix(seed, 1));
    out.clear();
    weights.clear();
    weights.extend((0..n).map(|row| data.weights.as_ref().map_or(1.0, |w| w[row])));
    for row in 0..n {
        let value = importance[row];
        if value > least || (value == least && seed::unit(lot_top, row as u64) < kept_of_equal) {
            out.push(row as u32);
        } else if seed::unit(lot_other, row as u64) < share {
            out.push(row as u32);
            weights[row] /= share;
            for of in gradients.iter_mut() {
                of[row].g /= share;
                of[row].h /= share;
            }
        }
    }
}

/// Features drawn for a tree: the given share of them, rounded up, ascending.
pub(super) fn columns(n: usize, fraction: f64, seed: u64) -> Vec<usize> {
    let take = ((n as f64 * fraction).ceil() as usize).min(n);
    if take == n {
        return (0..n).collect();
    }
    let mut drawn = seed::permutation(n, seed);
    drawn.truncate(take);
    drawn.sort_unstable();
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_kept() {
        let mut drawn = Vec::new();
        rows(100_000, 0.3, 5, &mut drawn);
        assert!((drawn.len() as f64 - 30_000.0).abs() < 600.0);
        assert!(drawn.is_sorted());
        rows(10, 1.0, 5, &mut drawn);
        assert_eq!(drawn.len(), 10);
        assert_eq!(columns(10, 0.25, 1).len(), 3);
        assert_eq!(columns(10, 1.0, 1), (0..10).collect::<Vec<_>>());
        assert_ne!(columns(50, 0.5, 1), columns(50, 0.5, 2));
    }

    #[test]
    fn rows_of_great_gradients_stay_and_the_rest_stand_for_each_other() {
        let n = 50_000;
        let data = LabelledRows::of((0..n).map(|i| f64::from(i % 2)).collect());
        for equal in [false, true] {
            let g = |row: i32| if equal { 1.0 } else { f64::from(row * 7919 % 50_021) };
            let mut gradients = vec![(0..n).map(|row| Gradient { g: g(row), h: 1.0 }).collect::<Vec<_>>()];
            let before: f64 = gradients[0].iter().map(|g| g.g).sum();
            let (mut drawn, mut weights) = (Vec::new(), Vec::new());
            let sampling = GradientSampling { top: 0.2, other: 0.1 };
            by_gradient(sampling, &data, &mut gradients, 3, &mut drawn, &mut weights);
            assert!((drawn.len() as f64 - 15_000.0).abs() < 400.0, "{}", drawn.len());
            assert!(drawn.is_sorted());
            let after: f64 = drawn.iter().map(|&row| gradients[0][row as usize].g).sum();
            assert!((after / before - 1.0).abs() < 0.02, "{after} for {before}");
            let weight: f64 = drawn.iter().map(|&row| weights[row as usize]).sum();
            assert!((weight / f64::from(n) - 1.0).abs() < 0.02);
            if !equal {
                let least = 0.8 * 50_021.0 + 200.0;
                let kept = |row: &u32| weights[*row as usize] == 1.0;
                let great = (0..n).filter(|&row| g(row) > least).count();
                let found = drawn.iter().filter(|row| kept(row) && g(**row as i32) > least).count();
                assert_eq!(found, great);
            }
        }
    }
}
