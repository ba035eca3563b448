//! Gauss-Legendre quadrature in groups of points that fill a vector register.

use std::ops::{Add, Mul, Sub};

/// Quadrature points that are carried through a tree together.
pub(super) const LANES: usize = 4;

/// One number for each of [`LANES`] points, in memory.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(32))]
pub(super) struct Lanes(pub [f64; LANES]);

impl Lanes {
    #[inline(always)]
    pub(super) fn sum(self) -> f64 {
        (self.0[0] + self.0[1]) + (self.0[2] + self.0[3])
    }
}

/// One number for each of [`LANES`] points, in registers. Whatever the registers, lanes have the same bits.
pub(super) trait Vector: Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> {
    fn splat(value: f64) -> Self;
    fn load(lanes: &Lanes) -> Self;
    fn store(self, lanes: &mut Lanes);
    /// 1 / x.
    fn recip(self) -> Self;
}

/// For any processor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Portable([f64; LANES]);

impl Vector for Portable {
    #[inline(always)]
    fn splat(value: f64) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    fn load(lanes: &Lanes) -> Self {
        Self(lanes.0)
    }

    #[inline(always)]
    fn store(self, lanes: &mut Lanes) {
        lanes.0 = self.0;
    }

    #[inline(always)]
    fn recip(self) -> Self {
        Self(self.0.map(|x| 1.0 / x))
    }
}

macro_rules! lane_by_lane {
    ($($trait:ident $method:ident $operator:tt),*) => {$(
        impl $trait for Portable {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(std::array::from_fn(|k| self.0[k] $operator other.0[k]))
            }
        }
    )*};
}

lane_by_lane!(Add add +, Sub sub -, Mul mul *);

#[cfg(target_arch = "x86_64")]
pub(super) mod avx {
    //! The same in one register of AVX.

    use std::arch::x86_64::{
        __m256d, _mm256_add_pd, _mm256_div_pd, _mm256_load_pd, _mm256_mul_pd, _mm256_set1_pd,
        _mm256_store_pd, _mm256_sub_pd,
    };
    use std::ops::{Add, Mul, Sub};

    use super::{Lanes, Vector};

    /// Invariant: named and used only in functions that the compiler may give AVX, and that are called only where
    /// the processor has it. Everything here is inlined into those.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Avx(__m256d);

    impl Vector for Avx {
        #[inline(always)]
        fn splat(value: f64) -> Self {
            // SAFETY: the invariant: there is AVX.
            Self(unsafe { _mm256_set1_pd(value) })
        }

        #[inline(always)]
        fn load(lanes: &Lanes) -> Self {
            // SAFETY: there is AVX; `Lanes` are 32 bytes at a multiple of 32.
            Self(unsafe { _mm256_load_pd(lanes.0.as_ptr()) })
        }

        #[inline(always)]
        fn store(self, lanes: &mut Lanes) {
            // SAFETY: there is AVX; `Lanes` are 32 bytes at a multiple of 32.
            unsafe { _mm256_store_pd(lanes.0.as_mut_ptr(), self.0) }
        }

        #[inline(always)]
        fn recip(self) -> Self {
            // SAFETY: there is AVX.
            Self(unsafe { _mm256_div_pd(_mm256_set1_pd(1.0), self.0) })
        }
    }

    macro_rules! by_instruction {
        ($($trait:ident $method:ident $instruction:ident),*) => {$(
            impl $trait for Avx {
                type Output = Self;
                #[inline(always)]
                fn $method(self, other: Self) -> Self {
                    // SAFETY: the invariant: there is AVX.
                    Self(unsafe { $instruction(self.0, other.0) })
                }
            }
        )*};
    }

    by_instruction!(Add add _mm256_add_pd, Sub sub _mm256_sub_pd, Mul mul _mm256_mul_pd);
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
            Self { t, s: Lanes(t.0.map(|t| 1.0 - t)), weight: lanes(&weight, at) }
        };
        (0..n).step_by(LANES).map(group).collect()
    }
}
