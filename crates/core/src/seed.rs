//! Seeds that follow from seeds, so that parallel work draws the same numbers in any order.

/// A seed for part `part` of the work that `seed` governs (the finaliser of SplitMix64, Steele et al. 2014).
#[must_use]
pub fn mix(seed: u64, part: u64) -> u64 {
    let mut z = seed ^ part.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number in [0, 1) that depends on `seed` and `index` alone: a counter-based draw.
#[must_use]
pub fn unit(seed: u64, index: u64) -> f64 {
    (mix(seed, index) >> 11) as f64 / (1u64 << 53) as f64
}

/// The numbers 0 … n−1 in an order drawn from `seed` (Fisher–Yates).
#[must_use]
pub fn permutation(n: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        // The bias of the multiply-shift reduction is below n / 2^64.
        let pick = (u128::from(mix(seed, last as u64)) * (last as u128 + 1)) >> 64;
        order.swap(last, pick as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_uniform_and_fixed() {
        let mean = (0..100_000).map(|i| unit(7, i)).sum::<f64>() / 1e5;
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        assert_eq!(mix(42, 0), mix(42, 0));
        assert_ne!(mix(42, 0), mix(42, 1));
        let order = permutation(1000, 3);
        assert_eq!(order, permutation(1000, 3));
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
        assert_ne!(order, sorted);
    }
}
