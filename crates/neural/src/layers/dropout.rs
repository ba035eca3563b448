//! Dropout.

use super::{Cache, Flow, Layer, Mode, Numbers, Pass, Shape, buffer};
use crate::real::{Real, vectorised};

/// Dropout as a layer. A number is dropped where a draw of 32 bits lies below the rate; what is kept is divided by
/// the share that is.
#[derive(Debug)]
pub(crate) struct Dropout {
    shape: Shape,
    rate: f64,
}

impl Dropout {
    pub(crate) fn new(shape: Shape, rate: f64) -> Self {
        Self { shape, rate }
    }
}

impl<T: Real> Layer<T> for Dropout {
    fn output(&self) -> Shape {
        self.shape
    }

    fn forward(&self, pass: &Pass<'_>, _: Numbers<'_, T>, cache: &mut Cache<T>, x: &[T], y: &mut [T]) {
        let Mode::Train { seed } = pass.mode else {
            return y.copy_from_slice(x);
        };
        let mask = buffer(cache, 0, x.len());
        draw(seed, (self.rate * 2.0_f64.powi(32)) as u32, T::narrow(1.0 / (1.0 - self.rate)), mask);
        products(x, mask, y);
    }

    fn backward(&self, pass: &Pass<'_>, _: Numbers<'_, T>, cache: &mut Cache<T>, flow: Flow<'_, T>) {
        let Some(dx) = flow.dx else { return };
        match pass.mode {
            Mode::Train { .. } => products(flow.dy, &cache[0], dx),
            Mode::Evaluate => dx.copy_from_slice(flow.dy),
        }
    }
}

vectorised! {
    /// 0 where a draw lies below `limit`, `factor` elsewhere. A draw is a hash of its place in 32 bits, which
    /// processors do for many places at once: the finaliser of MurmurHash3 (Appleby 2011) over a Weyl sequence.
    fn draw<T>(seed: u64, limit: u32, factor: T, mask: &mut [T]) {
        let (start, key) = (seed as u32, (seed >> 32) as u32);
        for (at, keep) in mask.iter_mut().enumerate() {
            let mut hash = start.wrapping_add((at as u32).wrapping_mul(0x9e37_79b9)) ^ key;
            hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
            hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
            *keep = if hash ^ (hash >> 16) < limit { T::zero() } else { factor };
        }
    }
}

vectorised! {
    fn products<T>(a: &[T], b: &[T], out: &mut [T]) {
        for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
            *out = a * b;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::check_gradients;

    #[test]
    fn gradients_agree_with_finite_differences() {
        let shape = Shape { steps: 1, width: 6 };
        check_gradients(&Dropout::new(shape, 0.3), shape, 5, None);
    }

    #[test]
    fn the_rate_is_met_and_the_mean_kept() {
        let shape = Shape { steps: 1, width: 1000 };
        let layer = Dropout::new(shape, 0.3);
        let x = vec![1.0_f64; 100_000];
        let mut y = vec![0.0; x.len()];
        let numbers = Numbers { parameters: &[], statistics: &[] };
        let pass = Pass { rows: 100, mode: Mode::Train { seed: 5 }, present: None };
        layer.forward(&pass, numbers, &mut Cache::new(), &x, &mut y);
        let dropped = y.iter().filter(|v| **v == 0.0).count();
        assert!((dropped as f64 / 1e5 - 0.3).abs() < 0.005, "{dropped}");
        assert!((y.iter().sum::<f64>() / 1e5 - 1.0).abs() < 0.01);
        let pass = Pass { mode: Mode::Evaluate, ..pass };
        layer.forward(&pass, numbers, &mut Cache::new(), &x, &mut y);
        assert_eq!(x, y);
    }
}
