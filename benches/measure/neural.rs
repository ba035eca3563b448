//! Networks of several tasks, beside `peers/neural.py`.

use std::error::Error;

use ndarray::Array2;
use serde_json::json;
use tenure_core::{Dataset, Feature, FitContext, Model, Schema, Target, seed};
use tenure_neural::{HeadSpec, LayerSpec, Loss, NetworkParams, NetworkSpec, TargetScale, TrainingParams};

use crate::timing::{median, p50_microseconds, seconds};
use crate::{Outcome, process};

const ROWS: usize = 7_000;
const EPOCHS: usize = 6;
const CALLS: usize = 20_000;
/// Name, outputs, whether it is a probability, weight.
const TASKS: [(&str, usize, bool, f64); 6] = [
    ("first_session_success", 1, true, 1.0),
    ("session_velocity", 1, false, 0.5),
    ("churn_risk_14d", 1, true, 2.0),
    ("churn_risk_30d", 1, true, 2.0),
    ("supply_demand", 20, false, 1.0),
    ("health_score", 1, false, 1.5),
];

/// One epoch at batch 64 of the network of a profile (the median of five), and one row's prediction.
pub(crate) fn train(profile: &str, threads: usize) -> Outcome {
    let (inputs, network) = network(profile)?;
    let data = data(inputs, &network)?;
    let training = TrainingParams {
        epochs: EPOCHS,
        early_stopping: None,
        validation_share: 0.0,
        ..TrainingParams::default()
    };
    let learner = NetworkParams { network, training, missing_indicators: false }.check()?;
    let context = FitContext::new(42).with_threads(threads);
    let mut run = learner.start(&data, None, &context)?;
    run.next_epoch(&context)?;
    let (mut times, mut cpus) = (Vec::new(), Vec::new());
    for _ in 1..EPOCHS {
        let before = process::cpu_seconds();
        let (_, time) = seconds(|| run.next_epoch(&context).map(|_| ()))?;
        times.push(time);
        cpus.extend(process::cpu_seconds().zip(before).map(|(end, start)| end - start));
    }
    let fit = run.finish()?;
    let rows: Vec<Vec<f64>> = data.x().rows().into_iter().map(|row| row.to_vec()).collect();
    let mut out = vec![0.0; fit.model.outputs().len()];
    let one_row_us = p50_microseconds(CALLS, |call| fit.model.predict_row(&rows[call % ROWS], &mut out))?;
    let (_, batch) = seconds(|| fit.model.predict(data.x()))?;
    Ok(json!({
        "seconds": median(times),
        "cpu_s": median(cpus),
        "loss": fit.history.last().map(|epoch| epoch.train.total),
        "one_row_us": one_row_us,
        "batch_rows_s": ROWS as f64 / batch,
        "parameters": fit.model.parameters(),
    }))
}

fn network(profile: &str) -> Result<(usize, NetworkSpec), Box<dyn Error>> {
    let (inputs, widths, hidden) = match profile {
        "guide" => (59, [128, 64, 32], false),
        "sagemaker" => (150, [256, 128, 64], true),
        _ => return Err(format!("`{profile}` is neither guide nor sagemaker").into()),
    };
    let mut trunk = Vec::new();
    for (width, dropout) in widths.into_iter().zip([0.3, 0.2]) {
        let layers = [
            LayerSpec::dense(width),
            LayerSpec::relu(),
            LayerSpec::batch_norm(),
            LayerSpec::dropout(dropout),
        ];
        trunk.extend(layers);
    }
    trunk.extend([LayerSpec::dense(widths[2]), LayerSpec::relu()]);
    let tasks = TASKS.into_iter().filter(|(_, outputs, ..)| hidden || *outputs == 1);
    let heads = tasks.map(|(name, outputs, probability, weight)| {
        let loss = match name {
            "health_score" => Loss::SquaredError(TargetScale::Bounded { low: 0.0, high: 1.0 }),
            _ if probability => Loss::BinaryCrossEntropy,
            _ => Loss::SquaredError(TargetScale::Raw),
        };
        let targets = (0..outputs).map(|at| format!("{name}_{at}"));
        let width = if outputs > 1 { 64 } else { 32 };
        let own = if hidden { vec![LayerSpec::dense(width), LayerSpec::relu()] } else { Vec::new() };
        HeadSpec::new(name, loss).with_targets(targets).with_layers(own).with_weight(weight)
    });
    Ok((inputs, NetworkSpec { steps: 1, trunk, heads: heads.collect() }))
}

/// Drawn rows: times hardly depend on them.
fn data(inputs: usize, network: &NetworkSpec) -> Result<Dataset, Box<dyn Error>> {
    let draw = |row: usize, column: usize| 4.0 * seed::unit(column as u64, row as u64) - 2.0;
    let features = (0..inputs).map(|i| Feature::numeric(format!("f{i}"), "", "")).collect();
    let x = Array2::from_shape_fn((ROWS, inputs), |(row, column)| draw(row, column));
    let signal = |row: usize| (0..5).map(|column| x[[row, column]]).sum::<f64>();
    let mut data = Dataset::new(Schema::new(features)?, x.clone())?;
    for (at, (head, name)) in
        network.heads.iter().flat_map(|head| head.targets.iter().map(move |name| (head, name))).enumerate()
    {
        let noisy = |row: usize| signal(row) + draw(row, 1_000 + at);
        data = data.with_target(match head.loss {
            Loss::BinaryCrossEntropy => {
                Target::binary(name, (0..ROWS).map(|row| f64::from(u8::from(noisy(row) > 0.0))).collect())?
            }
            _ => Target::real(name, (0..ROWS).map(|row| 1.0 / (1.0 + (-noisy(row)).exp())).collect())?,
        })?;
    }
    Ok(data)
}
