//! Exponentials of a three-state birth-death chain that is killed at a state-dependent rate.
//!
//! For the tridiagonal D = Q − Λ there is a diagonal T with T⁻¹ D T = S symmetric, so that with S = V diag(e) Vᵀ
//! exp(D x) = Σ_m exp(e_m x) W_m, where W_m = T v_m v_mᵀ T⁻¹.

/// A 3 × 3 matrix, by rows.
pub(crate) type Matrix = [[f64; 3]; 3];

/// No hazard is smaller, so that the symmetric form exists: one transition in a million customers and years
/// is far below what any log could show.
pub(crate) const LEAST_HAZARD: f64 = 1e-9;

/// Hazards per day of the moves along active ⇄ cooling ⇄ lapsed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Hazards {
    pub(crate) cool: f64,
    pub(crate) recover: f64,
    pub(crate) lapse: f64,
    pub(crate) revive: f64,
}

impl Hazards {
    /// From events per year.
    pub(crate) fn per_year(cool: f64, recover: f64, lapse: f64, revive: f64) -> Self {
        let daily = |v: f64| (v / 365.25).max(LEAST_HAZARD);
        Self { cool: daily(cool), recover: daily(recover), lapse: daily(lapse), revive: daily(revive) }
    }

    /// Q − diag(`killing`).
    pub(crate) fn generator(&self, killing: [f64; 3]) -> Matrix {
        let Self { cool, recover, lapse, revive } = *self;
        [
            [-cool - killing[0], cool, 0.0],
            [recover, -recover - lapse - killing[1], lapse],
            [0.0, revive, -revive - killing[2]],
        ]
    }
}

/// exp(D x) as a sum of three exponentials.
#[derive(Debug, Clone)]
pub(crate) struct Spectral {
    rates: [f64; 3],
    weights: [Matrix; 3],
}

impl Spectral {
    /// Of a tridiagonal matrix with positive off-diagonals.
    pub(crate) fn new(d: &Matrix) -> Self {
        let t1 = (d[1][0] / d[0][1]).sqrt();
        let t = [1.0, t1, t1 * (d[2][1] / d[1][2]).sqrt()];
        let (a, b) = ((d[0][1] * d[1][0]).sqrt(), (d[1][2] * d[2][1]).sqrt());
        let (rates, v) = jacobi([[d[0][0], a, 0.0], [a, d[1][1], b], [0.0, b, d[2][2]]]);
        let mut weights = [[[0.0; 3]; 3]; 3];
        for (m, weight) in weights.iter_mut().enumerate() {
            for i in 0..3 {
                for j in 0..3 {
                    weight[i][j] = t[i] / t[j] * v[i][m] * v[j][m];
                }
            }
        }
        Self { rates, weights }
    }

    /// exp(D x).
    pub(crate) fn exponential(&self, x: f64) -> Matrix {
        self.combine(self.rates.map(|e| (e * x).exp()))
    }

    /// ∫₀ˣ exp(D a) da.
    pub(crate) fn integral(&self, x: f64) -> Matrix {
        self.combine(self.rates.map(|e| if (e * x).abs() < 1e-12 { x } else { (e * x).exp_m1() / e }))
    }

    fn combine(&self, factors: [f64; 3]) -> Matrix {
        let mut sum = [[0.0; 3]; 3];
        for (factor, weight) in factors.iter().zip(&self.weights) {
            for i in 0..3 {
                for j in 0..3 {
                    sum[i][j] += factor * weight[i][j];
                }
            }
        }
        // Every entry is a probability or an integral of one; cancellation must not make it negative.
        sum.map(|row| row.map(|v| v.max(0.0)))
    }
}

/// The row vector `v` times the matrix.
#[inline]
pub(crate) fn times(v: [f64; 3], m: &Matrix) -> [f64; 3] {
    std::array::from_fn(|j| v[0] * m[0][j] + v[1] * m[1][j] + v[2] * m[2][j])
}

/// Eigenvalues and the matrix of eigenvectors (columns) of a symmetric matrix, by cyclic Jacobi rotations
/// (Golub and Van Loan, Matrix Computations, section 8.5).
fn jacobi(mut a: Matrix) -> ([f64; 3], Matrix) {
    let mut v = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for _sweep in 0..30 {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            if a[p][q] == 0.0 {
                continue;
            }
            let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
            let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
            let (c, s) = (1.0 / tangent.hypot(1.0), tangent / tangent.hypot(1.0));
            for row in &mut a {
                (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
            }
            let (upper, lower) = (a[p], a[q]);
            a[p] = std::array::from_fn(|j| c * upper[j] - s * lower[j]);
            a[q] = std::array::from_fn(|j| s * upper[j] + c * lower[j]);
            for row in &mut v {
                (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
            }
        }
    }
    ([a[0][0], a[1][1], a[2][2]], v)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(a: &Matrix, b: &Matrix) -> Matrix {
        a.map(|row| times(row, b))
    }

    /// Taylor series of exp(D x / 2²⁰), squared twenty times.
    fn by_squaring(d: &Matrix, x: f64) -> Matrix {
        let step = d.map(|row| row.map(|v| v * x / f64::from(1 << 20)));
        let mut result: Matrix =
            std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j))));
        let mut term = result;
        for n in 1..8 {
            term = product(&term, &step).map(|row| row.map(|v| v / f64::from(n)));
            for i in 0..3 {
                for j in 0..3 {
                    result[i][j] += term[i][j];
                }
            }
        }
        (0..20).for_each(|_| result = product(&result, &result));
        result
    }

    #[test]
    fn exponentials_agree_with_scaling_and_squaring() {
        for (hazards, killing, tolerance) in [
            (Hazards::per_year(1.5, 1.5, 6.0, 0.15), [0.04, 0.01, 0.0], 1e-9),
            (Hazards::per_year(1.5, 0.0, 6.0, 0.0), [0.04, 0.01, 0.0], 1e-8),
            (Hazards::per_year(0.0, 0.0, 0.0, 0.0), [0.04, 0.04, 0.0], 1e-8),
        ] {
            let d = hazards.generator(killing);
            let spectral = Spectral::new(&d);
            for x in [0.0, 0.3, 7.0, 90.0, 700.0] {
                let (found, expected) = (spectral.exponential(x), by_squaring(&d, x));
                for (f, e) in found.as_flattened().iter().zip(expected.as_flattened()) {
                    assert!((f - e).abs() < tolerance, "{x}: {found:?} {expected:?}");
                }
            }
        }
    }

    #[test]
    fn integrals_agree_with_the_midpoint_rule() {
        let spectral = Spectral::new(&Hazards::per_year(1.5, 1.5, 6.0, 0.15).generator([0.0; 3]));
        let found = spectral.integral(365.0);
        for (i, row) in found.iter().enumerate() {
            for (j, found) in row.iter().enumerate() {
                let sum: f64 =
                    (0..3650).map(|k| spectral.exponential((f64::from(k) + 0.5) / 10.0)[i][j]).sum();
                assert!((found - sum / 10.0).abs() < 1e-4, "{i} {j}");
            }
        }
    }
}
