//! Gradients and Hessians as integers, both in one 64-bit number: gradient in the high half, Hessian in the low.
//!
//! The scales are chosen so that the sum of all absolute gradients, and the sum of all Hessians, stay below 2^31:
//! no sum over any set of rows overflows its half, and because Hessians are positive nothing is carried from the
//! low half into the high one. Sums and differences of packed numbers are therefore exact. One outlier cannot
//! crush the other rows to zero, as it would if the scale followed the largest gradient.

use rayon::prelude::*;

use super::CHUNK;
use crate::objective::{Gradient, Totals};

/// Σ g in the high, Σ h in the low 32 bits.
pub(super) type Packed = i64;

/// Scaled sum of gradients.
#[inline(always)]
pub(super) fn gradient_of(sum: Packed) -> i32 {
    (sum >> 32) as i32
}

/// Scaled sum of Hessians, below 2^31.
#[inline(always)]
pub(super) fn hessian_of(sum: Packed) -> i32 {
    sum as i32
}

/// Factors from gradients and Hessians to integers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scales {
    pub g: f64,
    pub h: f64,
    /// Least and greatest integer Hessian of any row.
    pub h_min: f64,
    pub h_max: f64,
}

/// Adding it leaves the nearest whole number in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// Most rows for which half a unit of rounding a row still leaves room.
pub(super) const MOST_ROWS: usize = 1 << 30;

impl Scales {
    /// `None` where there is nothing to learn: all gradients or all Hessians are zero.
    pub(super) fn new(totals: &Totals, rows: usize) -> Option<Self> {
        // Below this, the scale itself would overflow.
        const NOTHING: f64 = 1e-290;
        if !(totals.g_abs > NOTHING && totals.h > NOTHING) {
            return None;
        }
        // Rounding, and the least Hessian of 1, add at most 1 a row.
        let room = (1_u64 << 31) as f64 - 2.0 - rows as f64;
        let h = room / totals.h;
        let bound = |v: f64| f64::from(integer(v * h).max(1));
        Some(Self { g: room / totals.g_abs, h, h_min: bound(totals.h_min), h_max: bound(totals.h_max) })
    }

    /// A Hessian is at least 1, so that an empty bin is one whose sum is 0.
    #[inline(always)]
    fn pack(&self, gradient: Gradient) -> Packed {
        let g = integer(gradient.g * self.g);
        let h = integer(gradient.h * self.h).max(1);
        (i64::from(g) << 32) + i64::from(h)
    }

    /// Packs all rows.
    pub(super) fn pack_all(&self, gradients: &[Gradient], out: &mut [Packed], parallel: bool) {
        let chunk = |(out, gradients): (&mut [Packed], &[Gradient])| {
            for (out, &gradient) in out.iter_mut().zip(gradients) {
                *out = self.pack(gradient);
            }
        };
        if parallel {
            out.par_chunks_mut(CHUNK).zip(gradients.par_chunks(CHUNK)).for_each(chunk);
        } else {
            chunk((out, gradients));
        }
    }
}

/// The nearest integer of a number below 2^31.
#[inline(always)]
fn integer(value: f64) -> i32 {
    (value + ROUND).to_bits() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact_and_never_overflow() {
        let gradients: Vec<Gradient> = (0..1000)
            .map(|i| Gradient { g: if i == 0 { 1e12 } else { -f64::from(i) }, h: f64::from(i % 5) })
            .collect();
        let totals = gradients.iter().fold(Totals::EMPTY, |t, x| {
            t.add(Totals { loss: 0.0, g_abs: x.g.abs(), h: x.h, h_min: x.h, h_max: x.h })
        });
        let scales = Scales::new(&totals, 1000).unwrap();
        let mut packed = vec![0; 1000];
        scales.pack_all(&gradients, &mut packed, false);
        let sum: Packed = packed.iter().sum();
        let g: i64 = packed.iter().map(|&p| i64::from(gradient_of(p))).sum();
        let h: i64 = packed.iter().map(|&p| i64::from(hessian_of(p))).sum();
        assert_eq!((i64::from(gradient_of(sum)), i64::from(hessian_of(sum))), (g, h));
        assert!(packed.iter().all(|&p| hessian_of(p) >= 1));
        assert!((f64::from(gradient_of(packed[0])) / scales.g / 1e12 - 1.0).abs() < 1e-8);
        let part: Packed = packed[..300].iter().sum();
        assert_eq!(sum - part, packed[300..].iter().sum::<Packed>());
    }

    #[test]
    fn nothing_to_learn_is_said() {
        assert_eq!(Scales::new(&Totals::EMPTY, 3), None);
    }
}
