//! Exponential and logarithm as plain arithmetic: the compiler vectorises them, and unlike a system's mathematics
//! library they give the same bits on every machine.

/// `e^x`, to about 1 unit in the last place, for `−708 ≤ x ≤ 708`; beyond as at the end.
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    /// Adding and subtracting it rounds to a whole number.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let x = if x < 708.0 { x } else { 708.0 };
    let x = if x > -708.0 { x } else { -708.0 };
    let n = x * std::f64::consts::LOG2_E + ROUND;
    let bits = n.to_bits();
    let n = n - ROUND;
    let r = x - n * 6.931_471_803_691_238e-1 - n * 1.908_214_929_270_587_7e-10;
    let mut sum = 1.0 / 479_001_600.0;
    for factor in [
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        sum = sum * r + factor;
    }
    // The low bits of `bits` hold n: shifted into the exponent they are 2^n.
    sum * f64::from_bits(bits.wrapping_add(1023) << 52)
}

/// `ln x` for a finite `x ≥ 1`, to 1e-14: the exponent, and the same series for what is left.
#[inline(always)]
pub(super) fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    // Biased by half a power of two, so that what is left is between 0.71 and 1.42.
    let shifted = bits.wrapping_sub(0x3fe6_a09e_667f_3bcd);
    // An exponent is below 2048: in the low bits of a number near 2^52 it is exact.
    let n = f64::from_bits(0x4330_0000_0000_0000 | (shifted >> 52)) - 4_503_599_627_370_496.0;
    let m = f64::from_bits((shifted & 0x000f_ffff_ffff_ffff).wrapping_add(0x3fe6_a09e_667f_3bcd));
    let z = (m - 1.0) / (m + 1.0);
    let z2 = z * z;
    let mut sum = 0.0;
    for k in [19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        sum = sum * z2 + 1.0 / k;
    }
    n * std::f64::consts::LN_2 + 2.0 * z * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_agree_with_the_mathematics_library() {
        for i in -70_000..70_000 {
            let x = f64::from(i) * 0.01;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-15 * (4.0 + x.abs() / 100.0), "{x}");
            let y = 1.0 + f64::from(i + 70_000) * 0.37;
            assert!((ln(y) - y.ln()).abs() < 1e-14 * (1.0 + y.ln()), "{y}");
        }
        assert!([f64::MAX, 1e300, 709.0].map(exp).iter().all(|e| e.is_finite() && *e > 1e307));
        assert!([-f64::MAX, -1e300, -709.0].map(exp).iter().all(|e| *e >= 0.0 && *e < 1e-306));
        assert!((ln(f64::MAX) - f64::MAX.ln()).abs() < 1e-12);
    }
}
