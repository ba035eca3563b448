//! Multi-head self-attention.

use tenure_core::seed;

use super::{Cache, Dense, Flow, Layer, Numbers, Pass, Role, Shape, Start, TensorSpec, buffer};
use crate::real::{Matrix, Real, multiply_into};

/// Multi-head self-attention over the steps (Vaswani et al. 2017).
///
/// Queries, keys and values are dense in each step. Each head gives a step the mean of the values of all steps, weighed
/// by the softmax of (its query · their keys) / √`key_width`; the heads' answers together go through a dense layer.
/// Steps that are not there are not attended to and give 0.
#[derive(Debug)]
pub(crate) struct Attention {
    input: Shape,
    heads: usize,
    key_width: usize,
    /// To queries, to keys and to values: all alike.
    projection: Dense,
    /// From the heads' answers.
    out: Dense,
}

/// Places in the cache: queries, keys, values and answers are rows × steps × heads × key width.
const QUERY: usize = 0;
const KEY: usize = 1;
const VALUE: usize = 2;
const ANSWER: usize = 3;
/// rows × heads × steps × steps; of the steps that are there.
const WEIGHT: usize = 4;
/// Derivatives by the first four; then by the weights of one row and head; then by the inputs through one projection.
const BY: usize = 5;
const BY_WEIGHT: usize = 9;
const BY_INPUT: usize = 10;

impl Attention {
    pub(crate) fn new(input: Shape, heads: usize, key_width: usize) -> Self {
        let all = heads * key_width;
        let projection = Dense::new(input, all, Start::Glorot);
        let out = Dense::new(input.with_width(all), input.width, Start::Glorot);
        Self { input, heads, key_width, projection, out }
    }

    /// Numbers a step of all heads together.
    fn width(&self) -> usize {
        self.heads * self.key_width
    }

    /// Where the parameters of projection `at` lie; those of the output follow the third's.
    fn place(&self, at: usize) -> std::ops::Range<usize> {
        let len = self.width() * (self.input.width + 1);
        at * len..(at + 1) * len
    }

    fn projected<'a, T>(&self, numbers: Numbers<'a, T>, at: usize) -> Numbers<'a, T> {
        Numbers { parameters: &numbers.parameters[self.place(at)], ..numbers }
    }

    fn outward<'a, T>(&self, numbers: Numbers<'a, T>) -> Numbers<'a, T> {
        Numbers { parameters: &numbers.parameters[self.place(3).start..], ..numbers }
    }

    /// What each head sees of each row, in turn.
    fn views(&self, pass: &Pass<'_>) -> impl Iterator<Item = View> {
        let (steps, heads, width) = (self.input.steps, self.heads, self.key_width);
        let absent: Vec<usize> = (0..pass.rows).map(|row| pass.absent(row, steps)).collect();
        absent.into_iter().enumerate().flat_map(move |(row, absent)| {
            (0..heads).map(move |head| View {
                steps: steps - absent,
                width,
                stride: heads * width,
                first: (row * steps + absent) * heads * width + head * width,
                weights: (row * heads + head) * steps * steps,
            })
        })
    }

    /// Sets the steps that are not there to 0, in rows × steps × `width`.
    fn clear_absent<T: Real>(&self, pass: &Pass<'_>, values: &mut [T], width: usize) {
        for (row, values) in values.chunks_exact_mut(self.input.steps * width).enumerate() {
            values[..pass.absent(row, self.input.steps) * width].fill(T::zero());
        }
    }

    fn scale<T: Real>(&self) -> T {
        T::narrow((self.key_width as f64).sqrt().recip())
    }
}

/// The steps of one row that are there, as one head sees them.
#[derive(Clone, Copy)]
struct View {
    steps: usize,
    width: usize,
    /// From one step to the next.
    stride: usize,
    /// Of its numbers among rows × steps × heads × key width.
    first: usize,
    /// Beginning of its weights.
    weights: usize,
}

impl View {
    fn of<'a, T: Real>(&self, values: &'a [T]) -> Matrix<'a, T> {
        Matrix::strided(self.rest(values), self.steps, self.width, self.stride)
    }

    /// `values` from the first number on; empty where there is no step.
    fn rest<'a, T>(&self, values: &'a [T]) -> &'a [T] {
        &values[if self.steps == 0 { values.len() } else { self.first }..]
    }

    /// Puts a product into its numbers.
    fn put<T: Real>(&self, a: Matrix<'_, T>, b: Matrix<'_, T>, values: &mut [T]) {
        if self.steps > 0 {
            multiply_into(a, b, T::zero(), &mut values[self.first..], self.stride);
        }
    }

    fn square<'a, T: Real>(&self, weights: &'a [T]) -> Matrix<'a, T> {
        Matrix::new(weights, self.steps, self.steps)
    }

    fn weights(&self) -> std::ops::Range<usize> {
        self.weights..self.weights + self.steps * self.steps
    }
}

impl<T: Real> Layer<T> for Attention {
    fn output(&self) -> Shape {
        self.input
    }

    fn tensors(&self) -> Vec<TensorSpec> {
        let (all, width) = (self.width(), self.input.width);
        let pair = |weight, bias, shape: [usize; 2]| {
            [TensorSpec::new(weight, shape, Role::Weight), TensorSpec::new(bias, [shape[0]], Role::Free)]
        };
        [
            pair("q_proj.weight", "q_proj.bias", [all, width]),
            pair("k_proj.weight", "k_proj.bias", [all, width]),
            pair("v_proj.weight", "v_proj.bias", [all, width]),
            pair("out_proj.weight", "out_proj.bias", [width, all]),
        ]
        .concat()
    }

    fn initialise(&self, parameters: &mut [T], _: &mut [T], draws: u64) {
        let own = |at: u64| seed::mix(draws, at);
        for at in 0..3 {
            self.projection.initialise(&mut parameters[self.place(at)], &mut [], own(at as u64));
        }
        self.out.initialise(&mut parameters[self.place(3).start..], &mut [], own(3));
    }

    fn forward(&self, pass: &Pass<'_>, numbers: Numbers<'_, T>, cache: &mut Cache<T>, x: &[T], y: &mut [T]) {
        let len = pass.rows * self.input.steps * self.width();
        for at in [QUERY, KEY, VALUE] {
            let place = buffer(cache, at, len);
            self.projection.forward(pass, self.projected(numbers, at), &mut Cache::new(), x, place);
        }
        buffer(cache, ANSWER, len).fill(T::zero());
        buffer(cache, WEIGHT, pass.rows * self.heads * self.input.steps.pow(2));
        let [query, key, value, answer, weight, ..] = &mut cache[..] else { return };
        for view in self.views(pass) {
            let weight = &mut weight[view.weights()];
            multiply_into(view.of(query), view.of(key).t(), T::zero(), weight, view.steps);
            weight.chunks_exact_mut(view.steps.max(1)).for_each(|row| soften(row, self.scale()));
            view.put(view.square(weight), view.of(value), answer);
        }
        self.out.forward(pass, self.outward(numbers), &mut Cache::new(), answer, y);
        self.clear_absent(pass, y, self.input.width);
    }

    fn backward(&self, pass: &Pass<'_>, numbers: Numbers<'_, T>, cache: &mut Cache<T>, flow: Flow<'_, T>) {
        let Flow { x, dy, gradient, mut dx, .. } = flow;
        self.clear_absent(pass, dy, self.input.width);
        let len = pass.rows * self.input.steps * self.width();
        for at in [QUERY, KEY, VALUE, ANSWER] {
            buffer(cache, BY + at, len).fill(T::zero());
        }
        buffer(cache, BY_WEIGHT, self.input.steps.pow(2));
        buffer(cache, BY_INPUT, x.len());
        let [query, key, value, answer, weight, by_query, by_key, by_value, by_answer, by_weight, by_input] =
            &mut cache[..]
        else {
            return;
        };
        let (inward, outward) = gradient.split_at_mut(self.place(3).start);
        let out = Flow { x: &*answer, y: &[], dy, gradient: outward, dx: Some(by_answer) };
        self.out.backward(pass, self.outward(numbers), &mut Cache::new(), out);
        for view in self.views(pass) {
            let weight = &weight[view.weights()];
            let by_weight = &mut by_weight[..weight.len()];
            view.put(view.square(weight).t(), view.of(by_answer), by_value);
            multiply_into(view.of(by_answer), view.of(value).t(), T::zero(), by_weight, view.steps);
            for (by, weight) in
                by_weight.chunks_exact_mut(view.steps.max(1)).zip(weight.chunks_exact(view.steps.max(1)))
            {
                harden(by, weight, self.scale());
            }
            view.put(view.square(by_weight), view.of(key), by_query);
            view.put(view.square(by_weight).t(), view.of(query), by_key);
        }
        if let Some(dx) = &mut dx {
            dx.fill(T::zero());
        }
        for (at, by) in [by_query, by_key, by_value].into_iter().enumerate() {
            let gradient = &mut inward[self.place(at)];
            let flow = Flow { x, y: &[], dy: by, gradient, dx: dx.is_some().then_some(&mut by_input[..]) };
            self.projection.backward(pass, self.projected(numbers, at), &mut Cache::new(), flow);
            if let Some(dx) = &mut dx {
                dx.iter_mut().zip(&*by_input).for_each(|(sum, &part)| *sum += part);
            }
        }
    }
}

/// The softmax of `scale` times the scores.
fn soften<T: Real>(scores: &mut [T], scale: T) {
    let greatest = scores.iter().copied().fold(T::neg_infinity(), T::max);
    scores.iter_mut().for_each(|score| *score = (scale * (*score - greatest)).exp());
    let sum: T = scores.iter().copied().sum();
    scores.iter_mut().for_each(|score| *score /= sum);
}

/// From the derivative by the weights of a softmax to that by the scores.
fn harden<T: Real>(by: &mut [T], weights: &[T], scale: T) {
    let mean: T = by.iter().zip(weights).map(|(&by, &weight)| by * weight).sum();
    by.iter_mut().zip(weights).for_each(|(by, &weight)| *by = scale * weight * (*by - mean));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::MeanSteps;
    use crate::layers::testing::{check_golden, check_gradients, golden};

    #[test]
    fn gradients_agree_with_finite_differences() {
        let input = Shape { steps: 4, width: 3 };
        check_gradients(&Attention::new(input, 2, 3), input, 4, Some(&[4, 1, 0, 3]));
        check_gradients(&Attention::new(input, 1, 2), input, 2, None);
    }

    #[test]
    fn outputs_and_gradients_are_those_of_pytorch() {
        let golden = golden(include_str!("../../tests/golden/torch_attention.json"));
        for case in golden["cases"].as_array().unwrap() {
            let size = |name: &str| case[name].as_u64().unwrap() as usize;
            check_golden(case, |input| Attention::new(input, size("heads"), size("key_width")));
        }
        check_golden(&golden["mean"], MeanSteps::new);
    }
    #[test]
    fn too_many_steps_are_refused() {
        use crate::graph::Graph;
        use crate::{HeadSpec, LayerSpec, Loss, NetworkSpec};
        let trunk = vec![LayerSpec::Attention { heads: 1, key_width: 2 }, LayerSpec::LastStep];
        let heads = vec![HeadSpec::new("class", Loss::BinaryCrossEntropy)];
        let network = |steps| NetworkSpec { steps, trunk: trunk.clone(), heads: heads.clone() };
        assert!(Graph::<f32>::build(&network(1_024), 3).is_ok());
        let error = Graph::<f32>::build(&network(1_025), 3).unwrap_err().to_string();
        assert_eq!(error, "parameter `attention` is on 1025 steps; expected at most 1024");
    }
}
