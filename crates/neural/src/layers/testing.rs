//! Every layer's gradient against finite differences.

use serde_json::Value;

use super::{Cache, Flow, Layer, Mode, Numbers, Pass, Role, Shape, TensorSpec, normal};

/// Checks the derivatives of Σ c·y, c drawn, by inputs and parameters, in training and in evaluation. `present` as
/// in [`Pass`].
pub(crate) fn check_gradients(layer: &dyn Layer<f64>, input: Shape, rows: usize, present: Option<&[usize]>) {
    let tensors = layer.tensors();
    let count = |statistic: bool| -> usize {
        tensors.iter().filter(|t| (t.role == Role::Statistic) == statistic).map(|t| t.len()).sum()
    };
    let draws = |seed: u64, len: usize| (0..len).map(|at| normal(seed, at as u64)).collect::<Vec<f64>>();
    let (mut parameters, mut statistics) = (vec![0.0; count(false)], vec![0.0; count(true)]);
    layer.initialise(&mut parameters, &mut statistics, 3);
    parameters.iter_mut().zip(draws(4, count(false))).for_each(|(p, d)| *p += 0.3 * d);
    let mut x = draws(5, rows * input.len());
    let outputs = rows * layer.output().len();
    let coefficients = draws(6, outputs);
    for mode in [Mode::Train { seed: 9 }, Mode::Evaluate] {
        let pass = Pass { rows, mode, present };
        let value = |parameters: &[f64], x: &[f64]| -> f64 {
            let (mut y, mut cache) = (vec![0.0; outputs], Cache::new());
            layer.forward(&pass, Numbers { parameters, statistics: &statistics }, &mut cache, x, &mut y);
            y.iter().zip(&coefficients).map(|(y, c)| y * c).sum()
        };
        let (mut y, mut cache) = (vec![0.0; outputs], Cache::new());
        let numbers = Numbers { parameters: &parameters, statistics: &statistics };
        layer.forward(&pass, numbers, &mut cache, &x, &mut y);
        let (mut dy, mut gradient) = (coefficients.clone(), vec![f64::NAN; parameters.len()]);
        let mut dx = vec![f64::NAN; x.len()];
        let flow = Flow { x: &x, y: &y, dy: &mut dy, gradient: &mut gradient, dx: Some(&mut dx) };
        layer.backward(&pass, numbers, &mut cache, flow);
        let differs = |at: usize, of: &[f64], value: &dyn Fn(&[f64]) -> f64| {
            let (mut shifted, step) = (of.to_vec(), 1e-5);
            shifted[at] += step;
            let above = value(&shifted);
            shifted[at] -= 2.0 * step;
            (above - value(&shifted)) / (2.0 * step)
        };
        for (at, found) in dx.iter().enumerate() {
            let expected = differs(at, &x, &|x| value(&parameters, x));
            assert!((found - expected).abs() < 1e-6, "{layer:?}, {mode:?}: input {at}: {found}, {expected}");
        }
        let learned = if mode == Mode::Evaluate && !statistics.is_empty() { 0 } else { parameters.len() };
        for (at, found) in gradient.iter().enumerate().take(learned) {
            let expected = differs(at, &parameters, &|p| value(p, &x));
            assert!((found - expected).abs() < 1e-6, "{layer:?}, {mode:?}: number {at}: {found}, {expected}");
        }
        x.iter_mut().for_each(|x| *x *= 0.9);
    }
}

/// A file of golden values.
pub(crate) fn golden(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The numbers of a list.
pub(crate) fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
}

/// The tensors under `of` one after the other, in the order of the layer's.
fn tensors(layer: &dyn Layer<f64>, of: &Value) -> Vec<f64> {
    let tensors = layer.tensors();
    assert_eq!(tensors.len(), of.as_object().unwrap().len());
    let values = |tensor: &TensorSpec| {
        let stored = &of[tensor.name];
        let shape: Vec<usize> = serde_json::from_value(stored["shape"].clone()).unwrap();
        assert_eq!(tensor.shape, shape, "{}", tensor.name);
        numbers(&stored["values"])
    };
    tensors.iter().flat_map(values).collect()
}

/// Checks a layer's outputs and derivatives against a case of `tests/golden/torch_golden.py`.
pub(crate) fn check_golden<L: Layer<f64>>(case: &Value, make: impl Fn(Shape) -> L) {
    let size = |name: &str| case[name].as_u64().unwrap() as usize;
    let (rows, input) = (size("rows"), Shape { steps: size("steps"), width: size("width") });
    let present: Vec<usize> = serde_json::from_value(case["present"].clone()).unwrap();
    let pass = Pass { rows, mode: Mode::Evaluate, present: Some(&present) };
    let layer = make(input);
    let parameters = tensors(&layer, &case["weights"]);
    let numbers_of_layer = Numbers { parameters: &parameters, statistics: &[] };
    let (x, expected) = (numbers(&case["x"]), numbers(&case["y"]));
    let (mut y, mut cache) = (vec![f64::NAN; expected.len()], Cache::new());
    layer.forward(&pass, numbers_of_layer, &mut cache, &x, &mut y);
    assert_close(&y, &expected);
    let (mut gradient, mut dx) = (vec![f64::NAN; parameters.len()], vec![f64::NAN; x.len()]);
    let mut dy = numbers(&case["dy"]);
    let flow = Flow { x: &x, y: &y, dy: &mut dy, gradient: &mut gradient, dx: Some(&mut dx) };
    layer.backward(&pass, numbers_of_layer, &mut cache, flow);
    assert_close(&gradient, &tensors(&layer, &case["gradients"]));
    assert_close(&dx, &numbers(&case["dx"]));
}

/// Checks that numbers agree to 1e-12.
pub(crate) fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < 1e-12, "number {at}: {found}, expected {expected}");
    }
}
