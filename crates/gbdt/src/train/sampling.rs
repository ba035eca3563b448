//! The rows and features that a tree may use, drawn by counters: each draw follows from the seed, the number of
//! the tree and the number of the row alone.

use tenure_core::seed;

/// Rows drawn for a tree, each with probability `fraction`, ascending.
pub(super) fn rows(n: usize, fraction: f64, seed: u64, out: &mut Vec<u32>) {
    out.clear();
    if fraction >= 1.0 {
        out.extend(0..n as u32);
    } else {
        out.extend((0..n as u32).filter(|&row| seed::unit(seed, u64::from(row)) < fraction));
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
}
