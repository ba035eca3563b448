//! Functions of single numbers.

use super::{Cache, Flow, Layer, Numbers, Pass, Shape};
use crate::Activation;
use crate::real::{Real, vectorised};

/// An activation as a layer.
#[derive(Debug)]
pub(crate) struct ActivationLayer {
    shape: Shape,
    function: Activation,
}

impl ActivationLayer {
    pub(crate) fn new(shape: Shape, function: Activation) -> Self {
        Self { shape, function }
    }
}

impl<T: Real> Layer<T> for ActivationLayer {
    fn output(&self) -> Shape {
        self.shape
    }

    fn forward(&self, _: &Pass<'_>, _: Numbers<'_, T>, _: &mut Cache<T>, x: &[T], y: &mut [T]) {
        match self.function {
            Activation::Relu => rectify(x, y),
            function => y.iter_mut().zip(x).for_each(|(y, &x)| *y = value(function, x)),
        }
    }

    fn backward(&self, _: &Pass<'_>, _: Numbers<'_, T>, _: &mut Cache<T>, flow: Flow<'_, T>) {
        let Some(dx) = flow.dx else { return };
        match self.function {
            Activation::Relu => rectified(flow.y, flow.dy, dx),
            function => {
                for (((dx, &dy), &x), &y) in dx.iter_mut().zip(&*flow.dy).zip(flow.x).zip(flow.y) {
                    *dx = dy * slope(function, x, y);
                }
            }
        }
    }
}

/// Applies the function to every number.
pub(crate) fn activate<T: Real>(function: Activation, values: &mut [T]) {
    match function {
        Activation::Relu => rectify_in_place(values),
        function => values.iter_mut().for_each(|v| *v = value(function, *v)),
    }
}

/// Not `max`, which would make 0 of NaN: a network that diverged must show.
#[inline(always)]
fn positive<T: Real>(value: T) -> T {
    if value < T::zero() { T::zero() } else { value }
}

vectorised! {
    fn rectify<T>(x: &[T], y: &mut [T]) {
        y.iter_mut().zip(x).for_each(|(y, &x)| *y = positive(x));
    }
}

vectorised! {
    fn rectify_in_place<T>(values: &mut [T]) {
        values.iter_mut().for_each(|value| *value = positive(*value));
    }
}

vectorised! {
    fn rectified<T>(y: &[T], dy: &[T], dx: &mut [T]) {
        for ((dx, &dy), &y) in dx.iter_mut().zip(dy).zip(y) {
            *dx = if y > T::zero() { dy } else { T::zero() };
        }
    }
}

/// 1 / (1 + e⁻ˣ), without overflow.
pub(crate) fn sigmoid<T: Real>(x: T) -> T {
    let e = (-x.abs()).exp();
    (if x < T::zero() { e } else { T::one() }) / (T::one() + e)
}

fn value<T: Real>(function: Activation, x: T) -> T {
    let zero = T::zero();
    match function {
        Activation::Relu => {
            if x < zero {
                zero
            } else {
                x
            }
        }
        Activation::LeakyRelu => {
            if x < zero {
                leak(x)
            } else {
                x
            }
        }
        Activation::Elu => {
            if x < zero {
                x.exp_m1()
            } else {
                x
            }
        }
        Activation::Gelu => x * below(x),
        Activation::Silu => x * sigmoid(x),
        Activation::Tanh => x.tanh(),
        Activation::Sigmoid => sigmoid(x),
        Activation::Softplus => x.max(zero) + (-x.abs()).exp().ln_1p(),
    }
}

/// The derivative at `x`, where the function is `y`; of rectifiers at 0 that from below.
fn slope<T: Real>(function: Activation, x: T, y: T) -> T {
    let (zero, one) = (T::zero(), T::one());
    match function {
        Activation::Relu => {
            if x > zero {
                one
            } else {
                zero
            }
        }
        Activation::LeakyRelu => {
            if x > zero {
                one
            } else {
                leak(one)
            }
        }
        Activation::Elu => {
            if x > zero {
                one
            } else {
                y + one
            }
        }
        Activation::Gelu => {
            let density = (-x.wide() * x.wide() / 2.0).exp() / std::f64::consts::TAU.sqrt();
            below(x) + x * T::narrow(density)
        }
        Activation::Silu => {
            let s = sigmoid(x);
            s * (one + x * (one - s))
        }
        Activation::Tanh => one - y * y,
        Activation::Sigmoid => y * (one - y),
        Activation::Softplus => sigmoid(x),
    }
}

fn leak<T: Real>(x: T) -> T {
    x * T::narrow(0.01)
}

/// The standard normal distribution function.
fn below<T: Real>(x: T) -> T {
    T::narrow(0.5 * libm::erfc(-x.wide() * std::f64::consts::FRAC_1_SQRT_2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{assert_close, check_gradients, golden, numbers};
    use crate::layers::{Mode, Numbers};

    #[test]
    fn values_and_slopes_are_those_of_pytorch() {
        let golden = golden(include_str!("../../tests/golden/torch_activations.json"));
        let x = numbers(&golden["x"]);
        for (name, expected) in golden["functions"].as_object().unwrap() {
            let function = serde_json::from_value(name.as_str().into()).unwrap();
            let layer = ActivationLayer::new(Shape { steps: 1, width: x.len() }, function);
            let pass = Pass { rows: 1, mode: Mode::Evaluate, present: None };
            let none = Numbers { parameters: &[], statistics: &[] };
            let (mut y, mut dx, mut cache) = (vec![0.0; x.len()], vec![0.0; x.len()], Cache::new());
            layer.forward(&pass, none, &mut cache, &x, &mut y);
            let mut dy = vec![1.0; x.len()];
            let flow = Flow { x: &x, y: &y, dy: &mut dy, gradient: &mut [], dx: Some(&mut dx) };
            layer.backward(&pass, none, &mut cache, flow);
            assert_close(&y, &numbers(&expected["values"]));
            assert_close(&dx, &numbers(&expected["slopes"]));
        }
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        use Activation::{Elu, Gelu, LeakyRelu, Relu, Sigmoid, Silu, Softplus, Tanh};
        let shape = Shape { steps: 1, width: 4 };
        for function in [Relu, LeakyRelu, Elu, Gelu, Silu, Tanh, Sigmoid, Softplus] {
            check_gradients(&ActivationLayer::new(shape, function), shape, 6, None);
        }
    }

    #[test]
    fn extremes_stay_finite_and_not_a_number_shows() {
        for function in [Activation::Sigmoid, Activation::Softplus, Activation::Silu, Activation::Gelu] {
            assert!(value(function, -1e30_f32).abs() < 1e-6 && value(function, 1e30_f32).is_finite());
        }
        let mut values = [f32::NAN];
        activate(Activation::Relu, &mut values);
        assert!(values[0].is_nan());
    }
}
