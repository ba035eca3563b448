//! Cholesky factors of small symmetric matrices.

/// `A = L Lᵀ` over the columns of `A` that are linearly independent of those before them.
#[derive(Debug)]
pub struct Factor {
    columns: usize,
    kept: Vec<usize>,
    /// Row `i` holds `i + 1` numbers.
    lower: Vec<Vec<f64>>,
}

impl Factor {
    /// Takes the columns of the full symmetric `a` (`columns × columns`) that `wanted` names, in order, and
    /// leaves out each whose pivot is not above `tolerance` times its diagonal: with a diagonal of variances
    /// the quotient is `1 − R²` of the column on those before it.
    #[must_use]
    pub fn new(a: &[f64], columns: usize, wanted: &[bool], tolerance: f64) -> Self {
        let mut kept: Vec<usize> = Vec::new();
        let mut lower: Vec<Vec<f64>> = Vec::new();
        for j in (0..columns).filter(|&j| wanted[j]) {
            let mut row = Vec::with_capacity(kept.len() + 1);
            for (k, l) in kept.iter().zip(&lower) {
                let dot = dot(&row, l);
                row.push((a[j * columns + k] - dot) / l[row.len()]);
            }
            let diagonal = a[j * columns + j];
            let pivot = diagonal - dot(&row, &row);
            if pivot > tolerance * diagonal && pivot.is_finite() {
                row.push(pivot.sqrt());
                kept.push(j);
                lower.push(row);
            }
        }
        Self { columns, kept, lower }
    }

    /// The columns that were not left out.
    #[must_use]
    pub fn kept(&self) -> &[usize] {
        &self.kept
    }

    /// `A x = b`, with 0 for the columns left out.
    #[must_use]
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut half = self.half_solve(b);
        for i in (0..half.len()).rev() {
            half[i] /= self.lower[i][i];
            let (head, solved) = half.split_at_mut(i);
            for (value, l) in head.iter_mut().zip(&self.lower[i]) {
                *value -= l * solved[0];
            }
        }
        let mut x = vec![0.0; self.columns];
        for (&k, value) in self.kept.iter().zip(half) {
            x[k] = value;
        }
        x
    }

    /// `bᵀ A⁻¹ b` over the kept columns.
    #[must_use]
    pub fn quadratic(&self, b: &[f64]) -> f64 {
        self.half_solve(b).iter().map(|v| v * v).sum()
    }

    /// `L v = b`
    fn half_solve(&self, b: &[f64]) -> Vec<f64> {
        let mut v: Vec<f64> = Vec::with_capacity(self.kept.len());
        for (&k, l) in self.kept.iter().zip(&self.lower) {
            let dot = dot(&v, l);
            v.push((b[k] - dot) / l[v.len()]);
        }
        v
    }
}

/// Over the length of the first; four chains of additions.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let b = &b[..a.len()];
    let mut sums = [0.0; 4];
    let (a4, a_rest) = a.as_chunks::<4>();
    let (b4, b_rest) = b.as_chunks::<4>();
    for (a, b) in a4.iter().zip(b4) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_and_names_what_depends_on_others() {
        // Columns 0, 1 and 3 of a Gram matrix are independent; column 2 is the sum of the first two.
        let rows = [[1.0, 2.0, 3.0, 0.5], [0.0, 1.0, 1.0, -1.0], [2.0, -1.0, 1.0, 4.0], [1.0, 1.0, 2.0, 0.0]];
        let mut a = vec![0.0; 16];
        for row in rows {
            for i in 0..4 {
                for j in 0..4 {
                    a[4 * i + j] += row[i] * row[j];
                }
            }
        }
        let factor = Factor::new(&a, 4, &[true; 4], 1e-11);
        assert_eq!(factor.kept(), [0, 1, 3]);
        let b = [1.0, -2.0, 0.0, 0.5];
        let x = factor.solve(&b);
        for i in [0, 1, 3] {
            let product: f64 = (0..4).map(|j| a[4 * i + j] * x[j]).sum();
            assert!((product - b[i]).abs() < 1e-12);
        }
        let quadratic: f64 = x.iter().zip(b).map(|(x, b)| x * b).sum();
        assert!((factor.quadratic(&b) - quadratic).abs() < 1e-12);
        assert_eq!(Factor::new(&a, 4, &[false, true, true, false], 1e-11).kept(), [1, 2]);
    }
}
