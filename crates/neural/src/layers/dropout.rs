//! Dropout.

use tenure_core::seed;

use super::{Cache, Flow, Layer, Mode, Numbers, Pass, Shape, buffer};
use crate::real::{Real, vectorised};

/// Numbers that one 64-bit draw decides, 16 bits each.
const A_DRAW: usize = 4;

/// Dropout as a layer. A number is dropped where a draw of 16 bits lies below the rate, so that the rate is met to
/// 1 / 65,536; what is kept is divided by the exact share that is.
#[derive(Debug)]
pub(crate) struct Dropout {
    shape: Shape,
    /// Draws below it drop.
    limit: u16,
}

impl Dropout {
    pub(crate) fn new(shape: Shape, rate: f64) -> Self {
        Self { shape, limit: (rate * 65_536.0).round().min(65_535.0) as u16 }
    }

    fn factor<T: Real>(&self) -> T {
        T::narrow(1.0 / (1.0 - f64::from(self.limit) / 65_536.0))
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
        let (mask, factor) = (buffer(cache, 0, x.len()), self.factor::<T>());
        let keeps = |draw: u64| if (draw & 0xffff) as u16 >= self.limit { factor } else { T::zero() };
        for (at, four) in mask.chunks_mut(A_DRAW).enumerate() {
            let mut draw = seed::mix(seed, at as u64);
            for keep in four {
                *keep = keeps(draw);
                draw >>= 16;
            }
        }
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
