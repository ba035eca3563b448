//! Every layer's gradient against finite differences.

use super::{Cache, Flow, Layer, Mode, Numbers, Pass, Role, Shape, normal};

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
