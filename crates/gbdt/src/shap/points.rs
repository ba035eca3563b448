//! Gauss-Legendre quadrature in groups of points that fill a vector register.

use std::ops::{Add, AddAssign, Mul, Sub};

/// Quadrature points that are carried through a tree together.
pub(super) const LANES: usize = 4;

/// One number for each of [`LANES`] points.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(32))]
pub(super) struct Lanes([f64; LANES]);

impl Lanes {
    #[inline(always)]
    pub(super) fn splat(value: f64) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    pub(super) fn recip(self) -> Self {
        Self(self.0.map(|x| 1.0 / x))
    }

    #[inline(always)]
    pub(super) fn sum(self) -> f64 {
        (self.0[0] + self.0[1]) + (self.0[2] + self.0[3])
    }
}

macro_rules! lane_by_lane {
    ($($trait:ident $method:ident $operator:tt),*) => {$(
        impl $trait for Lanes {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(std::array::from_fn(|k| self.0[k] $operator other.0[k]))
            }
        }
    )*};
}

lane_by_lane!(Add add +, Sub sub -, Mul mul *);

impl Mul<f64> for Lanes {
    type Output = Self;
    #[inline(always)]
    fn mul(self, factor: f64) -> Self {
        self * Self::splat(factor)
    }
}

impl AddAssign for Lanes {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Some points of a quadrature rule on [0, 1].
#[derive(Debug, Clone, Copy)]
pub(super) struct Points {
    pub t: Lanes,
    /// 1 − t.
    pub s: Lanes,
    pub weight: Lanes,
}

impl Points {
    /// The n-point rule, exact for polynomials of degree 2n − 1, where n is a multiple of [`LANES`]: roots of
    /// the Legendre polynomial by Newton's method (Press et al., Numerical Recipes, 4.6).
    pub(super) fn gauss_legendre(n: usize) -> Vec<Self> {
        let mut t = vec![0.0; n];
        let mut weight = vec![0.0; n];
        for i in 0..n {
            let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
            let mut slope = 1.0;
            // Quadratic convergence from a good start: a handful of steps reaches the last bit.
            for _ in 0..10 {
                let (mut p, mut before) = (1.0, 0.0);
                for j in 0..n {
                    let j = j as f64;
                    (p, before) = (((2.0 * j + 1.0) * x * p - j * before) / (j + 1.0), p);
                }
                slope = n as f64 * (x * p - before) / (x * x - 1.0);
                x -= p / slope;
            }
            t[i] = 0.5 * (1.0 + x);
            weight[i] = 1.0 / ((1.0 - x * x) * slope * slope);
        }
        let lanes = |values: &[f64], at: usize| Lanes(std::array::from_fn(|k| values[at + k]));
        let group = |at| {
            let t = lanes(&t, at);
            Self { t, s: Lanes::splat(1.0) - t, weight: lanes(&weight, at) }
        };
        (0..n).step_by(LANES).map(group).collect()
    }
}
