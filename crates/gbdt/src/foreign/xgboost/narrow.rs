//! Thresholds in double precision for tests in single precision.

/// The greatest double whose nearest single is below `split`: rows of doubles go left by `value <= threshold` here
/// where they go left by `single(value) < split` there. `split` must be finite.
pub(super) fn threshold(split: f32) -> f64 {
    let below = match split.next_down() {
        f32::NEG_INFINITY => -TWO_POW_128,
        below => f64::from(below),
    };
    // Doubles between neighbouring singles go to the nearer one, and half way to the one with an even mantissa.
    let half_way = 0.5 * below + 0.5 * f64::from(split);
    if (half_way as f32) < split { half_way } else { half_way.next_down() }
}

/// What the singles would have next, had they more exponents: where rounding to infinity begins is half way to it.
const TWO_POW_128: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(split: f32) {
        let threshold = threshold(split);
        assert!((threshold as f32) < split, "{split}: {threshold} must go left");
        assert!(threshold.next_up() as f32 >= split, "{split}: what follows {threshold} must go right");
    }

    #[test]
    fn ends_of_the_range_separate_the_same_rows() {
        let tiny = f32::from_bits(1);
        for split in [0.0, -0.0, 1.0, tiny, -tiny, f32::MIN_POSITIVE, f32::MAX, f32::MIN, 0.1, 16_777_216.0] {
            check(split);
            check(-split);
        }
    }

    proptest! {
        #[test]
        fn every_split_separates_the_same_rows(bits: u32) {
            let split = f32::from_bits(bits);
            prop_assume!(split.is_finite());
            check(split);
        }
    }
}
