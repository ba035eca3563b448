//! Single and double precision behind one name: networks are trained in `f32`, explained and checked in `f64`.

use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{AddAssign, DivAssign, MulAssign, SubAssign};

use num_traits::Float;

/// A floating-point number that matrices can be multiplied in.
pub(crate) trait Real:
    Float + AddAssign + SubAssign + MulAssign + DivAssign + Sum + Default + Debug + Send + Sync + 'static
{
    /// The nearest number of this precision.
    fn narrow(value: f64) -> Self;
    /// The same in double precision.
    fn wide(self) -> f64;
    /// The first numbers of the matrices and their strides between rows and columns, as `matrixmultiply` has them.
    ///
    /// # Safety
    /// Every element that the sizes and strides reach must lie within its slice.
    unsafe fn multiply(
        sizes: [usize; 3],
        a: (*const Self, [isize; 2]),
        b: (*const Self, [isize; 2]),
        beta: Self,
        c: (*mut Self, [isize; 2]),
    );
}

macro_rules! real {
    ($type:ty, $gemm:path) => {
        impl Real for $type {
            fn narrow(value: f64) -> Self {
                value as Self
            }

            fn wide(self) -> f64 {
                f64::from(self)
            }

            unsafe fn multiply(
                [m, k, n]: [usize; 3],
                (a, [a_row, a_column]): (*const Self, [isize; 2]),
                (b, [b_row, b_column]): (*const Self, [isize; 2]),
                beta: Self,
                (c, [c_row, c_column]): (*mut Self, [isize; 2]),
            ) {
                // SAFETY: the caller vouches for what the strides reach.
                unsafe {
                    $gemm(m, k, n, 1.0, a, a_row, a_column, b, b_row, b_column, beta, c, c_row, c_column);
                }
            }
        }
    };
}

real!(f32, matrixmultiply::sgemm);
real!(f64, matrixmultiply::dgemm);

/// A matrix within a slice: `rows × columns`, `stride` numbers from one row to the next, or that transposed.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a, T> {
    values: &'a [T],
    rows: usize,
    columns: usize,
    strides: [isize; 2],
}

impl<'a, T: Real> Matrix<'a, T> {
    /// Rows one after the other.
    pub(crate) fn new(values: &'a [T], rows: usize, columns: usize) -> Self {
        Self::strided(values, rows, columns, columns)
    }

    /// `stride` numbers from the beginning of one row to that of the next.
    pub(crate) fn strided(values: &'a [T], rows: usize, columns: usize, stride: usize) -> Self {
        assert_fits(values.len(), rows, columns, stride);
        Self { values, rows, columns, strides: [stride as isize, 1] }
    }

    /// Transposed.
    pub(crate) fn t(self) -> Self {
        let [row, column] = self.strides;
        Self { rows: self.columns, columns: self.rows, strides: [column, row], ..self }
    }
}

/// `c = a b + beta c`; `c` has a row for each of `a` and `stride` numbers from one to the next.
pub(crate) fn multiply_into<T: Real>(
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    beta: T,
    c: &mut [T],
    stride: usize,
) {
    assert_eq!(a.columns, b.rows, "matrices do not fit");
    assert_fits(c.len(), a.rows, b.columns, stride);
    let sizes = [a.rows, a.columns, b.columns];
    let (a, b) = ((a.values.as_ptr(), a.strides), (b.values.as_ptr(), b.strides));
    // SAFETY: all three were checked to hold every element that their strides reach.
    unsafe { T::multiply(sizes, a, b, beta, (c.as_mut_ptr(), [stride as isize, 1])) };
}

/// `c = a b + beta c`, the rows of `c` one after the other.
pub(crate) fn multiply<T: Real>(a: Matrix<'_, T>, b: Matrix<'_, T>, beta: T, c: &mut [T]) {
    multiply_into(a, b, beta, c, b.columns);
}

fn assert_fits(len: usize, rows: usize, columns: usize, stride: usize) {
    let reached = if rows == 0 || columns == 0 { 0 } else { (rows - 1) * stride + columns };
    assert!(
        reached <= len && columns <= stride.max(columns),
        "a matrix of {rows} × {columns} in {len} numbers"
    );
}

/// Compiles a loop over slices for AVX2 beside the portable form and takes the wide one where the processor has
/// it. Both do the same operations on the same numbers: no fused ones, no reordered sums. The bits agree.
macro_rules! vectorised {
    (
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident<T>($($argument:ident: $type:ty),* $(,)?) $body:block
    ) => {
        $(#[$attribute])*
        #[allow(clippy::too_many_arguments)]
        $visibility fn $name<T: $crate::real::Real>($($argument: $type),*) {
            #[allow(clippy::too_many_arguments)]
            #[inline(always)]
            fn portable<T: $crate::real::Real>($($argument: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            #[allow(clippy::too_many_arguments)]
            #[target_feature(enable = "avx2")]
            fn wide<T: $crate::real::Real>($($argument: $type),*) {
                portable($($argument),*);
            }

            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2.
                return unsafe { wide($($argument),*) };
            }
            portable($($argument),*);
        }
    };
}
pub(crate) use vectorised;
