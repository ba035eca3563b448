//! The rising factorial `p (p+1) … (p+x−1) = Γ(p+x) / Γ(p)` on the log scale, with two derivatives.

/// Steps up to which the factors are multiplied out; beyond, Stirling's series is quicker.
const DIRECT: u32 = 40;
/// From here on Stirling's series below holds to the last bit.
const LARGE: f64 = 16.0;

/// `ln Γ(p+x) − ln Γ(p)` and its first two derivatives by `p`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Rising {
    pub(crate) ln: f64,
    pub(crate) first: f64,
    pub(crate) second: f64,
}

impl Rising {
    /// For `p > 0`. Differences of two large logarithms of Γ are never formed, so that the value is exact to
    /// rounding where `p` is huge, too.
    pub(crate) fn new(p: f64, x: u32) -> Self {
        if x <= DIRECT {
            return Self::product(p, x);
        }
        let shift = if p < LARGE { (LARGE - p).ceil() as u32 } else { 0 };
        let low = Self::product(p, shift);
        // Γ(p+x)/Γ(p) = p…(p+shift−1) · Γ(p+x)/Γ(p+shift); `shift` is at most 16, `x` above 40.
        let (p, x) = (p + f64::from(shift), f64::from(x - shift));
        let y = p + x;
        let log_ratio = (x / p).ln_1p();
        let (a, b) = (Tail::new(y), Tail::new(p));
        Self {
            ln: low.ln + (y - 0.5) * log_ratio + x * p.ln() - x + (a.ln - b.ln),
            first: low.first + log_ratio + x / (2.0 * p * y) + (a.first - b.first),
            second: low.second - x / (p * y) - 0.5 * x * (p + y) / (p * p * y * y) + (a.second - b.second),
        }
    }

    fn product(p: f64, x: u32) -> Self {
        let (mut ln, mut first, mut second) = (0.0, 0.0, 0.0);
        let mut factor = 1.0;
        for i in 0..x {
            let term = p + f64::from(i);
            let inverse = 1.0 / term;
            first += inverse;
            second -= inverse * inverse;
            factor *= term;
            if !(1e-200..1e200).contains(&factor) {
                ln += factor.ln();
                factor = 1.0;
            }
        }
        Self { ln: ln + factor.ln(), first, second }
    }
}

/// What Stirling's series of `ln Γ(y)` adds to `(y − ½) ln y − y + ½ ln 2π`, with derivatives (the second
/// without `1/y + 1/(2y²)`).
struct Tail {
    ln: f64,
    first: f64,
    second: f64,
}

impl Tail {
    fn new(y: f64) -> Self {
        let u = 1.0 / y;
        let v = u * u;
        // B₂ₖ / (2k (2k−1)) y^{1−2k}
        let ln = u
            * (1.0 / 12.0
                - v * (1.0 / 360.0
                    - v * (1.0 / 1260.0
                        - v * (1.0 / 1680.0 - v * (1.0 / 1188.0 - v * (691.0 / 360_360.0 - v / 156.0))))));
        let first = -v
            * (1.0 / 12.0
                - v * (1.0 / 120.0
                    - v * (1.0 / 252.0
                        - v * (1.0 / 240.0 - v * (1.0 / 132.0 - v * (691.0 / 32_760.0 - v / 12.0))))));
        let second = u
            * v
            * (1.0 / 6.0
                - v * (1.0 / 30.0
                    - v * (1.0 / 42.0
                        - v * (1.0 / 30.0 - v * (5.0 / 66.0 - v * (691.0 / 2730.0 - v * 7.0 / 6.0))))));
        Self { ln, first, second }
    }
}

/// [`Rising`] for some `p` at each of some ascending `x`.
pub(crate) fn table(p: f64, xs: &[u32]) -> Vec<Rising> {
    xs.iter().map(|&x| Rising::new(p, x)).collect()
}

/// `ln Γ(y+1) − ln Γ(y)`-like pieces for real `y`: `ln Γ`, ψ and ψ′ of one argument above 0.
pub(crate) fn ln_gamma(y: f64) -> Rising {
    let shift = if y < LARGE { (LARGE - y).ceil() as u32 } else { 0 };
    let low = Rising::product(y, shift);
    let y = y + f64::from(shift);
    let tail = Tail::new(y);
    let half_ln_two_pi = 0.918_938_533_204_672_8;
    Rising {
        ln: (y - 0.5) * y.ln() - y + half_ln_two_pi + tail.ln - low.ln,
        first: y.ln() - 0.5 / y + tail.first - low.first,
        second: 1.0 / y + 0.5 / (y * y) + tail.second - low.second,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{a} {b}");
    }

    #[test]
    fn stirling_joins_the_product() {
        for p in [1e-3, 0.24, 1.0, 3.7, 15.9, 16.0, 240.0, 1e7] {
            for x in [41, 60, 1000] {
                let (direct, series) = (Rising::product(p, x), Rising::new(p, x));
                close(series.ln, direct.ln, 1e-13);
                close(series.first, direct.first, 1e-13);
                close(series.second, direct.second, 1e-13);
            }
        }
    }

    #[test]
    fn logarithms_of_gamma_are_those_of_tables() {
        close(ln_gamma(0.5).ln, 0.572_364_942_924_700_1, 1e-14);
        close(ln_gamma(0.5).first, -1.963_510_026_021_423_5, 1e-14);
        close(ln_gamma(0.5).second, 4.934_802_200_544_679, 1e-14);
        close(ln_gamma(100.0).ln, 359.134_205_369_575_4, 1e-14);
        close(ln_gamma(1.0).second, std::f64::consts::PI.powi(2) / 6.0, 1e-14);
        close(ln_gamma(1e-8).ln, 18.420_680_738_180_21, 1e-12);
    }
}
