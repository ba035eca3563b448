//! Long short-term memory.

use tenure_core::seed;

use super::{Cache, Flow, Layer, Numbers, Pass, Role, Shape, TensorSpec, buffer, sigmoid, uniform};
use crate::layers::dense::column_sums;
use crate::real::{Matrix, Real, multiply, multiply_into};

/// Long short-term memory (Hochreiter & Schmidhuber 1997), with a forget gate.
///
/// At every step, with input x, state h and cell c of the step before (0 before the first that is there):
///
/// i, f, o = σ(W x + b + U h + d), g = tanh(W x + b + U h + d), each with rows of its own of W, b, U, d;
/// c' = f c + i g; h' = o tanh c'.
///
/// Steps that are not there leave state and cell at 0.
#[derive(Debug)]
pub(crate) struct Lstm {
    input: Shape,
    width: usize,
    /// Whether the state after every step is given, or after the last.
    sequence: bool,
}

/// Gates, in PyTorch's order: input, forget, cell, output.
const GATES: usize = 4;

/// Places in the cache, each rows × steps × width; of the gates, that four times.
const ACTIVE: usize = 0;
const CELLS: usize = 1;
/// tanh of the cells.
const BOUNDED: usize = 2;
const STATES: usize = 3;
/// What flows back to the step before by state and by cell, rows × width.
const BY_STATE: usize = 4;
const BY_CELL: usize = 5;

/// Its tensors.
struct Tensors<S> {
    of_input: S,
    of_state: S,
    input_bias: S,
    state_bias: S,
}

impl Lstm {
    pub(crate) fn new(input: Shape, width: usize, sequence: bool) -> Self {
        Self { input, width, sequence }
    }

    fn gates(&self) -> usize {
        GATES * self.width
    }

    fn split<'a, T>(&self, numbers: &'a [T]) -> Tensors<&'a [T]> {
        let (of_input, rest) = numbers.split_at(self.gates() * self.input.width);
        let (of_state, rest) = rest.split_at(self.gates() * self.width);
        let (input_bias, state_bias) = rest.split_at(self.gates());
        Tensors { of_input, of_state, input_bias, state_bias }
    }

    fn split_mut<'a, T>(&self, numbers: &'a mut [T]) -> Tensors<&'a mut [T]> {
        let (of_input, rest) = numbers.split_at_mut(self.gates() * self.input.width);
        let (of_state, rest) = rest.split_at_mut(self.gates() * self.width);
        let (input_bias, state_bias) = rest.split_at_mut(self.gates());
        Tensors { of_input, of_state, input_bias, state_bias }
    }

    /// The numbers of one step of all rows within rows × steps × `width`.
    fn step<'a, T: Real>(&self, values: &'a [T], step: usize, rows: usize, width: usize) -> Matrix<'a, T> {
        Matrix::strided(&values[step * width..], rows, width, self.input.steps * width)
    }

    /// From the sums that enter the gates of one row's step to its state; `before` is its cell a step before.
    fn advance<T: Real>(
        &self,
        gates: &mut [T],
        before: Option<&[T]>,
        cell: &mut [T],
        bounded: &mut [T],
        state: &mut [T],
    ) {
        let [input, forget, new, output] = four(gates, self.width);
        for at in 0..self.width {
            input[at] = sigmoid(input[at]);
            forget[at] = sigmoid(forget[at]);
            new[at] = new[at].tanh();
            output[at] = sigmoid(output[at]);
            let kept = before.map_or(T::zero(), |before| forget[at] * before[at]);
            cell[at] = kept + input[at] * new[at];
            bounded[at] = cell[at].tanh();
            state[at] = output[at] * bounded[at];
        }
    }

    /// From the derivative by one row's state (`by_state`) and by its cell from the step behind (`by_cell`) to those by
    /// the sums that enter its gates, which take the gates' place, and by the cell of the step before.
    fn retreat<T: Real>(
        &self,
        gates: &mut [T],
        before: Option<&[T]>,
        bounded: &[T],
        by_state: &[T],
        by_cell: &mut [T],
    ) {
        let one = T::one();
        let [input, forget, new, output] = four(gates, self.width);
        for at in 0..self.width {
            let (i, f, g, o) = (input[at], forget[at], new[at], output[at]);
            let by_this_cell = by_cell[at] + by_state[at] * o * (one - bounded[at] * bounded[at]);
            input[at] = by_this_cell * g * i * (one - i);
            forget[at] = before.map_or(T::zero(), |before| by_this_cell * before[at] * f * (one - f));
            new[at] = by_this_cell * i * (one - g * g);
            output[at] = by_state[at] * bounded[at] * o * (one - o);
            by_cell[at] = by_this_cell * f;
        }
    }
}

/// A row's gates one by one.
fn four<T>(gates: &mut [T], width: usize) -> [&mut [T]; GATES] {
    let (first, second) = gates.split_at_mut(2 * width);
    let ((input, forget), (new, output)) = (first.split_at_mut(width), second.split_at_mut(width));
    [input, forget, new, output]
}

impl<T: Real> Layer<T> for Lstm {
    fn output(&self) -> Shape {
        Shape { steps: if self.sequence { self.input.steps } else { 1 }, width: self.width }
    }

    fn tensors(&self) -> Vec<TensorSpec> {
        let gates = self.gates();
        vec![
            TensorSpec::new("weight_ih_l0", [gates, self.input.width], Role::Weight),
            TensorSpec::new("weight_hh_l0", [gates, self.width], Role::Weight),
            TensorSpec::new("bias_ih_l0", [gates], Role::Free),
            TensorSpec::new("bias_hh_l0", [gates], Role::Free),
        ]
    }

    fn initialise(&self, parameters: &mut [T], _: &mut [T], draws: u64) {
        let (inputs, width) = (self.input.width as f64, self.width as f64);
        let gates = self.width..2 * self.width;
        let Tensors { of_input, of_state, input_bias, state_bias } = self.split_mut(parameters);
        uniform(of_input, (6.0 / (inputs + width)).sqrt(), seed::mix(draws, 0));
        uniform(of_state, width.sqrt().recip(), seed::mix(draws, 1));
        state_bias.fill(T::zero());
        input_bias.fill(T::zero());
        // Remembers to begin with (Jozefowicz et al. 2015).
        input_bias[gates].fill(T::one());
    }

    fn forward(&self, pass: &Pass<'_>, numbers: Numbers<'_, T>, cache: &mut Cache<T>, x: &[T], y: &mut [T]) {
        let (rows, steps, width, gates) = (pass.rows, self.input.steps, self.width, self.gates());
        let tensors = self.split(numbers.parameters);
        buffer(cache, ACTIVE, rows * steps * gates);
        for at in [CELLS, BOUNDED, STATES] {
            buffer(cache, at, rows * steps * width).fill(T::zero());
        }
        let [active, cells, bounded, states, ..] = &mut cache[..] else { return };
        let bias: Vec<T> = tensors.input_bias.iter().zip(tensors.state_bias).map(|(&a, &b)| a + b).collect();
        active.chunks_exact_mut(gates).for_each(|row| row.copy_from_slice(&bias));
        let (of_input, of_state) = (
            Matrix::new(tensors.of_input, gates, self.input.width),
            Matrix::new(tensors.of_state, gates, width),
        );
        multiply(Matrix::new(x, rows * steps, self.input.width), of_input.t(), T::one(), active);
        for step in 0..steps {
            if step > 0 {
                let before = self.step(states, step - 1, rows, width);
                multiply_into(before, of_state.t(), T::one(), &mut active[step * gates..], steps * gates);
            }
            for row in (0..rows).filter(|&row| step >= pass.absent(row, steps)) {
                let at = row * steps + step;
                let (earlier, cell) = cells.split_at_mut(at * width);
                let before = (step > 0).then(|| &earlier[(at - 1) * width..]);
                let (here, gates) = (at * width..(at + 1) * width, at * gates..(at + 1) * gates);
                let (bounded, state) = (&mut bounded[here.clone()], &mut states[here]);
                self.advance(&mut active[gates], before, &mut cell[..width], bounded, state);
            }
        }
        if self.sequence {
            y.copy_from_slice(states);
        } else {
            for (y, states) in y.chunks_exact_mut(width).zip(states.chunks_exact(steps * width)) {
                y.copy_from_slice(&states[(steps - 1) * width..]);
            }
        }
    }

    fn backward(&self, pass: &Pass<'_>, numbers: Numbers<'_, T>, cache: &mut Cache<T>, flow: Flow<'_, T>) {
        let (rows, steps, width, gates) = (pass.rows, self.input.steps, self.width, self.gates());
        let tensors = self.split(numbers.parameters);
        let by = self.split_mut(flow.gradient);
        for at in [BY_STATE, BY_CELL] {
            buffer(cache, at, rows * width).fill(T::zero());
        }
        let [active, cells, bounded, states, by_state, by_cell, ..] = &mut cache[..] else { return };
        by.of_state.fill(T::zero());
        let of_state = Matrix::new(tensors.of_state, gates, width);
        for step in (0..steps).rev() {
            for row in 0..rows {
                let at = row * steps + step;
                let by_row = row * width..(row + 1) * width;
                let gates = &mut active[at * gates..(at + 1) * gates];
                if step < pass.absent(row, steps) {
                    gates.fill(T::zero());
                    continue;
                }
                let by_state = &mut by_state[by_row.clone()];
                let given = if self.sequence { Some(at) } else { (step + 1 == steps).then_some(row) };
                if let Some(place) = given {
                    let dy = &flow.dy[place * width..(place + 1) * width];
                    by_state.iter_mut().zip(dy).for_each(|(sum, &dy)| *sum += dy);
                }
                let before = (step > 0).then(|| &cells[(at - 1) * width..at * width]);
                let bounded = &bounded[at * width..(at + 1) * width];
                self.retreat(gates, before, bounded, by_state, &mut by_cell[by_row]);
            }
            if step > 0 {
                let by_gates = self.step(active, step, rows, gates);
                multiply(by_gates, of_state, T::zero(), by_state);
                multiply(by_gates.t(), self.step(states, step - 1, rows, width), T::one(), by.of_state);
            }
        }
        let by_gates = Matrix::new(active, rows * steps, gates);
        multiply(by_gates.t(), Matrix::new(flow.x, rows * steps, self.input.width), T::zero(), by.of_input);
        column_sums(active, by.input_bias);
        by.state_bias.copy_from_slice(by.input_bias);
        if let Some(dx) = flow.dx {
            multiply(by_gates, Matrix::new(tensors.of_input, gates, self.input.width), T::zero(), dx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{check_golden, check_gradients, golden};

    #[test]
    fn gradients_agree_with_finite_differences() {
        let input = Shape { steps: 4, width: 3 };
        for sequence in [true, false] {
            check_gradients(&Lstm::new(input, 2, sequence), input, 4, Some(&[4, 1, 0, 3]));
            check_gradients(&Lstm::new(input, 5, sequence), input, 2, None);
        }
        let input = Shape { steps: 1, width: 3 };
        check_gradients(&Lstm::new(input, 2, true), input, 3, None);
    }

    #[test]
    fn outputs_and_gradients_are_those_of_pytorch() {
        let cases = golden(include_str!("../../tests/golden/torch_lstm.json"));
        for case in cases["cases"].as_array().unwrap() {
            let width = case["weights"]["weight_hh_l0"]["shape"][1].as_u64().unwrap() as usize;
            check_golden(case, |input| Lstm::new(input, width, case["sequence"] == true));
        }
    }
}
