//! The distribution function of the Beta distribution, for parameters up to many millions.

use super::rising::{Rising, ln_gamma};

/// `I_z(a, b)`, for `a, b > 0` and `z` within 0 and 1.
///
/// By Lentz's method on the continued fraction (DiDonato & Morris 1992; NIST DLMF 8.17.22). The fraction needs
/// about √max(a, b) steps; `statrs` stops after 140, which is too few for frequent buyers.
pub(crate) fn beta_cdf(a: f64, b: f64, z: f64) -> f64 {
    Beta::new(a, b, 1e-15).cdf(z)
}

/// A Beta distribution whose distribution function is wanted at many places.
pub(crate) struct Beta {
    a: f64,
    b: f64,
    ln_beta: f64,
    tolerance: f64,
}

impl Beta {
    /// `tolerance` is relative.
    pub(crate) fn new(a: f64, b: f64, tolerance: f64) -> Self {
        Self { a, b, ln_beta: ln_beta(a, b), tolerance }
    }

    pub(crate) fn cdf(&self, z: f64) -> f64 {
        let &Self { a, b, ln_beta, tolerance } = self;
        if z <= 0.0 {
            return 0.0;
        }
        if z >= 1.0 {
            return 1.0;
        }
        let front = (a * z.ln() + b * (-z).ln_1p() - ln_beta).exp();
        if z < (a + 1.0) / (a + b + 2.0) {
            (front / a / fraction(a, b, z, tolerance)).clamp(0.0, 1.0)
        } else {
            (1.0 - front / b / fraction(b, a, 1.0 - z, tolerance)).clamp(0.0, 1.0)
        }
    }
}

/// `ln B(a, b)`
pub(crate) fn ln_beta(a: f64, b: f64) -> f64 {
    // For a whole number the difference of two logarithms is formed at once, without their rounding.
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == low.trunc() && low < 1e9 {
        ln_gamma(low).ln - Rising::new(high, low as u32).ln
    } else {
        ln_gamma(low).ln + ln_gamma(high).ln - ln_gamma(low + high).ln
    }
}

/// The continued fraction, as what the front factor is divided by.
fn fraction(a: f64, b: f64, z: f64, tolerance: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |v: f64| if v.abs() < TINY { TINY } else { v };
    let (mut c, mut d) = (1.0, 1.0 / away(1.0 - (a + b) * z / (a + 1.0)));
    let mut value = d;
    for m in 1..100_000 {
        let m = f64::from(m);
        let even = m * (b - m) * z / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * z / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        let change = d * c;
        value *= change;
        if (change - 1.0).abs() < tolerance {
            break;
        }
    }
    1.0 / value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_closed_forms() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-13, "{a} {b}");
        close(beta_cdf(1.0, 3.5, 0.2), 1.0 - 0.8_f64.powf(3.5));
        close(beta_cdf(2.7, 1.0, 0.9), 0.9_f64.powf(2.7));
        close(beta_cdf(0.5, 0.5, 0.3), 2.0 / std::f64::consts::PI * 0.3_f64.sqrt().asin());
        close(beta_cdf(40.0, 40.0, 0.5), 0.5);
        assert!((beta_cdf(3e6, 3e6, 0.5) - 0.5).abs() < 1e-7);
        assert!((beta_cdf(2.5, 7.0, 0.3) - statrs::function::beta::beta_reg(2.5, 7.0, 0.3)).abs() < 1e-12);
    }
}
