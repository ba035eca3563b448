//! Whole networks against PyTorch: `tests/golden/torch_golden.py`.

use ndarray::Array2;
use serde_json::Value;
use tenure_core::{Dataset, Feature, FitContext, Model, Schema, Target};

use super::*;
use crate::layers::testing::{assert_close, golden, numbers};
use crate::{NamedTensor, NetworkSpec, Optimizer};

/// Single precision, and steps of Adam that divide by small numbers.
const TOLERANCE: f64 = 1e-5;

/// A list of lists.
fn table(lists: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = lists.as_array().unwrap().iter().map(numbers).collect();
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

/// The tensors under `of`, in the order of the network's.
fn named(tensors: &[crate::graph::Tensor], of: &Value) -> Vec<NamedTensor> {
    let tensors = tensors.iter().filter(|tensor| of.get(&tensor.name).is_some());
    let named: Vec<_> = tensors
        .map(|tensor| {
            let values = numbers(&of[&tensor.name]["values"]).into_iter().map(|value| value as f32).collect();
            let shape = serde_json::from_value(of[&tensor.name]["shape"].clone()).unwrap();
            NamedTensor { name: tensor.name.clone(), shape, values }
        })
        .collect();
    assert_eq!(named.len(), of.as_object().unwrap().len());
    named
}

fn assert_near(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len());
    for (at, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let gap = f64::from(found - expected).abs();
        assert!(
            gap <= TOLERANCE * (1.0 + f64::from(expected).abs()),
            "{what}, {at}: {found}, expected {expected}"
        );
    }
}

/// The rows and labels of the network of several tasks.
fn data(golden: &Value, spec: &NetworkSpec) -> Dataset {
    let (x, labels) = (table(&golden["x"]), table(&golden["labels"]));
    let features = (0..x.ncols()).map(|at| Feature::numeric(format!("x{at}"), "", "")).collect();
    let mut data = Dataset::new(Schema::new(features).unwrap(), x).unwrap();
    let mut columns = labels.columns().into_iter().map(|column| column.to_vec());
    for head in &spec.heads {
        for name in &head.targets {
            let values = columns.next().unwrap();
            let target = match head.loss {
                crate::Loss::BinaryCrossEntropy => Target::binary(name, values),
                crate::Loss::SquaredError(_) => Target::real(name, values),
            };
            data = data.with_target(target.unwrap()).unwrap();
        }
    }
    data
}

/// A training of the network of several tasks, about to begin with the golden weights: one step an epoch. With
/// `valid`, the same rows are its validation set.
fn begun(golden: &Value, case: &Value, valid: bool) -> TrainingRun {
    let spec: NetworkSpec = serde_json::from_value(golden["spec"].clone()).unwrap();
    let data = data(golden, &spec);
    let optimizer = match case["weight_decay"].as_f64() {
        Some(weight_decay) => Optimizer::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay },
        None => Optimizer::default(),
    };
    let training = TrainingParams {
        epochs: 10,
        batch_size: data.rows(),
        learning_rate: 0.01,
        optimizer,
        l2: case["l2"].as_f64().unwrap_or(0.0),
        clip_norm: case["clip_norm"].as_f64(),
        early_stopping: None,
        ..TrainingParams::default()
    };
    let network = NetworkParams { network: spec, training, missing_indicators: false }.check().unwrap();
    let mut run = network.start(&data, valid.then_some(&data), &FitContext::new(1)).unwrap();
    let given = named(&run.shell.graph().tensors, &golden["weights"]);
    for (tensor, given) in run.shell.graph().tensors.iter().zip(&given) {
        let statistic = tensor.role == Role::Statistic;
        let all = if statistic { &mut run.weights.statistics } else { &mut run.weights.parameters };
        all[tensor.place.clone()].copy_from_slice(&given.values);
    }
    assert_eq!(run.current().weights(), given);
    run
}

fn assert_weights(run: &TrainingRun, expected: &Value) {
    let expected = named(&run.shell.graph().tensors, expected);
    for (found, expected) in run.current().weights().iter().zip(&expected) {
        assert_eq!((&found.name, &found.shape), (&expected.name, &expected.shape));
        assert_near(&found.values, &expected.values, &found.name);
    }
}

#[test]
fn predictions_losses_and_gradients_are_those_of_pytorch() {
    let golden = golden(include_str!("../../tests/golden/torch_multi_task.json"));
    let context = FitContext::new(1);
    let mut run = begun(&golden, &Value::Null, false);
    let expected = table(&golden["predictions"]);
    let found = run.current().predict(table(&golden["x"]).view()).unwrap();
    for (found, expected) in found.iter().zip(&expected) {
        assert!(
            (found - expected).abs() < TOLERANCE * (1.0 + expected.abs()),
            "{found}, expected {expected}"
        );
    }
    let record = run.next_epoch(&context).unwrap().unwrap().clone();
    let total = golden["loss"].as_f64().unwrap();
    assert!((record.train.total - total).abs() < TOLERANCE, "{} {total}", record.train.total);
    for (found, expected) in record.train.heads.iter().zip(numbers(&golden["head_losses"])) {
        assert!((found - expected).abs() < TOLERANCE, "{found}, expected {expected}");
    }
    for expected in named(&run.shell.graph().tensors, &golden["gradients"]) {
        let tensor = run.shell.graph().tensors.iter().find(|tensor| tensor.name == expected.name).unwrap();
        assert_near(&run.gradient[tensor.place.clone()], &expected.values, &expected.name);
    }
}

#[test]
fn steps_of_training_are_those_of_pytorch() {
    let golden = golden(include_str!("../../tests/golden/torch_multi_task.json"));
    for case in golden["trained"].as_array().unwrap() {
        let mut run = begun(&golden, case, false);
        let mut norm = f64::NAN;
        for _ in 0..case["steps"].as_u64().unwrap() {
            norm = run.next_epoch(&FitContext::new(1)).unwrap().unwrap().gradient_norm;
        }
        assert_weights(&run, &case["weights"]);
        if let Some(expected) = case["gradient_norm"].as_f64() {
            assert!((norm - expected).abs() < TOLERANCE * expected, "{norm}, expected {expected}");
        }
    }
}

#[test]
fn a_network_of_sequences_is_that_of_pytorch() {
    let golden = golden(include_str!("../../tests/golden/torch_sequence_network.json"));
    let spec: NetworkSpec = serde_json::from_value(golden["spec"].clone()).unwrap();
    let x = table(&golden["x"]);
    let (rows, width) = (x.nrows(), x.ncols() / spec.steps);
    let graph = Graph::<f64>::build(&spec, width).unwrap();
    let known = x.rows().into_iter().map(|row| row.iter().filter(|value| !value.is_nan()).count() / width);
    let present: Vec<usize> = known.collect();
    let x: Vec<f64> = x.iter().map(|value| if value.is_nan() { 0.0 } else { *value }).collect();
    let flat = |of: &Value| {
        let of_tensor = |tensor: &crate::graph::Tensor| numbers(&of[&tensor.name]["values"]);
        graph.tensors.iter().flat_map(of_tensor).collect::<Vec<f64>>()
    };
    let weights = Weights { parameters: flat(&golden["weights"]), statistics: Vec::new() };
    let pass = Pass { rows, mode: Mode::Train { seed: 0 }, present: Some(&present) };
    let mut space = Space::default();
    graph.forward(&pass, &weights, &mut space, &x);
    let (outputs, labels) = (table(&golden["raw_outputs"]), table(&golden["labels"]));
    let mut total = 0.0;
    for (at, head) in spec.heads.iter().enumerate() {
        assert_close(space.outputs(at), &outputs.column(at).to_vec());
        let (raw, flow) = space.outputs_and_flow(at);
        let (sum, known) = head.objective().sum(raw, &labels.column(at).to_vec(), None, 1.0, Some(flow));
        total += sum / known as f64;
    }
    assert_close(&[total], &[golden["loss"].as_f64().unwrap()]);
    let mut gradient = vec![0.0; weights.parameters.len()];
    graph.backward(&pass, &weights, &mut space, &x, &mut gradient, None);
    assert_close(&gradient, &flat(&golden["gradients"]));
}

/// A training that is told losses rather than to find them.
fn told(change: impl FnOnce(&mut TrainingParams)) -> TrainingRun {
    let golden = golden(include_str!("../../tests/golden/torch_multi_task.json"));
    let mut run = begun(&golden, &Value::Null, true);
    run.params.training.epochs = 100;
    change(&mut run.params.training);
    run
}

impl TrainingRun {
    /// The learning rate of the next epoch, which is then said to have had this loss.
    fn tell(&mut self, loss: f64) -> f64 {
        let rate = learning_rate(&self.params.training, self.history.len(), self.plateau.reductions);
        let losses = Losses { total: loss, heads: Vec::new() };
        self.history.push(EpochRecord {
            epoch: self.history.len() + 1,
            learning_rate: rate,
            gradient_norm: 0.0,
            train: losses.clone(),
            valid: Some(losses),
            best: false,
        });
        self.after(loss);
        rate
    }
}

fn rates(schedule: Schedule, losses: &[f64], epochs: usize) -> Vec<f64> {
    let mut run = told(|training| (training.schedule, training.epochs) = (schedule, epochs));
    losses.iter().map(|&loss| run.tell(loss)).collect()
}

#[test]
fn learning_rates_are_those_of_pytorch_and_keras() {
    let torch = golden(include_str!("../../tests/golden/torch_schedules.json"));
    let losses = numbers(&torch["losses"]);
    let cosine = Schedule::Cosine { min_learning_rate: 0.001 };
    assert_close(&rates(cosine, &losses, losses.len()), &numbers(&torch["cosine"]["rates"]));
    let keras = golden(include_str!("../../tests/golden/keras_callbacks.json"));
    // Keras reduces after `patience` epochs, PyTorch after one more.
    for (golden, earlier) in [(&torch, 0), (&keras, 1)] {
        let losses = numbers(&golden["losses"]);
        for case in golden["plateau"].as_array().unwrap() {
            let patience = case["patience"].as_u64().unwrap() as usize - earlier;
            let schedule = Schedule::ReduceOnPlateau { factor: 0.5, patience, min_learning_rate: 0.002 };
            let found = rates(schedule, &losses, 100);
            for (found, expected) in found.iter().zip(numbers(&case["rates"])) {
                // Keras keeps its rate in single precision.
                assert!((found - expected).abs() < 1e-8, "patience {patience}: {found}, expected {expected}");
            }
        }
    }
}

#[test]
fn trainings_stop_early_where_keras_stops_them() {
    let golden = golden(include_str!("../../tests/golden/keras_callbacks.json"));
    let losses = numbers(&golden["losses"]);
    for case in golden["stopping"].as_array().unwrap() {
        let patience = case["patience"].as_u64().unwrap() as usize;
        let min_delta = case["min_delta"].as_f64().unwrap();
        let mut run =
            told(|training| training.early_stopping = Some(crate::EarlyStopping { patience, min_delta }));
        let stopped = losses.iter().position(|&loss| {
            run.tell(loss);
            run.stopped.is_some()
        });
        assert_eq!(stopped.map(|at| at as u64 + 1), case["stopped"].as_u64(), "{case}");
        assert_eq!(Some(run.best.epoch as u64), case["best"].as_u64(), "{case}");
    }
}
