use ndarray::Array2;
use tenure_core::{Artifact, CancelToken, Dataset, Feature, FitContext, Model, Schema, Target, seed};

use super::*;
use crate::{EarlyStopping, HeadSpec, LayerSpec, Loss, Network, NetworkSpec, TargetScale};

fn draw(row: usize, column: u64) -> f64 {
    seed::unit(column, row as u64)
}

/// Three columns; a class, a number and a bounded number that follow them, each unknown in some rows.
fn table(rows: usize) -> Dataset {
    let features = ["a", "b", "c"].map(|name| Feature::numeric(name, "", "")).to_vec();
    let x = Array2::from_shape_fn((rows, 3), |(row, column)| 4.0 * draw(row, column as u64) - 2.0);
    let signal = |row: usize| x[[row, 0]] * x[[row, 1]] + x[[row, 2]];
    let known = |row: usize, part: u64, value: f64| if draw(row, part) < 0.1 { f64::NAN } else { value };
    let class = (0..rows).map(|row| known(row, 11, f64::from(u8::from(signal(row) + draw(row, 7) > 0.5))));
    let number = (0..rows).map(|row| known(row, 12, 100.0 + 10.0 * signal(row)));
    let share = (0..rows).map(|row| known(row, 13, (50.0 + 8.0 * signal(row)).clamp(0.0, 100.0)));
    let (class, number, share) = (class.collect(), number.collect(), share.collect());
    Dataset::new(Schema::new(features).unwrap(), x.clone())
        .and_then(|data| data.with_target(Target::binary("class", class)?))
        .and_then(|data| data.with_target(Target::real("number", number)?))
        .and_then(|data| data.with_target(Target::real("share", share)?))
        .unwrap()
}

fn spec() -> NetworkSpec {
    let bounded = TargetScale::Bounded { low: 0.0, high: 100.0 };
    NetworkSpec {
        steps: 1,
        trunk: vec![
            LayerSpec::dense(24),
            LayerSpec::relu(),
            LayerSpec::batch_norm(),
            LayerSpec::dropout(0.1),
            LayerSpec::dense(12),
            LayerSpec::relu(),
        ],
        heads: vec![
            HeadSpec::new("class", Loss::BinaryCrossEntropy).with_weight(2.0),
            HeadSpec::new("number", Loss::SquaredError(TargetScale::Standardised))
                .with_layers(vec![LayerSpec::dense(6), LayerSpec::relu()]),
            HeadSpec::new("share", Loss::SquaredError(bounded)),
        ],
    }
}

fn network(change: impl FnOnce(&mut NetworkParams)) -> Network {
    let training = TrainingParams { epochs: 12, learning_rate: 5e-3, ..TrainingParams::default() };
    let mut params = NetworkParams { network: spec(), training, missing_indicators: false };
    change(&mut params);
    params.check().unwrap()
}

#[test]
fn all_tasks_are_learned_beside_unknown_labels() {
    let (train, valid) = (table(3000), table(3300).select(&(3000..3300).collect::<Vec<_>>()));
    let fit = network(|p| p.training.epochs = 40).train(&train, Some(&valid), &FitContext::new(1)).unwrap();
    let out = fit.model.predict(valid.x()).unwrap();
    let signal = |row: usize| {
        let x = valid.row(row);
        x[0] * x[1] + x[2]
    };
    let mean = |error: &dyn Fn(usize) -> f64| (0..300).map(error).sum::<f64>() / 300.0;
    let number = mean(&|row| (out[[row, 1]] - 100.0 - 10.0 * signal(row)).abs());
    let share = mean(&|row| (out[[row, 2]] - (50.0 + 8.0 * signal(row)).clamp(0.0, 100.0)).abs());
    let wrong = mean(&|row| f64::from(u8::from((out[[row, 0]] > 0.5) != (signal(row) > 0.0))));
    assert!(number < 3.0 && share < 3.0 && wrong < 0.08, "{number} {share} {wrong}");
}

#[test]
fn a_resumed_training_ends_in_the_same_bits() {
    let (train, context) = (table(500), FitContext::new(3));
    let schedule = Schedule::ReduceOnPlateau { factor: 0.5, patience: 1, min_learning_rate: 1e-5 };
    let network = network(|p| p.training.schedule = schedule);
    let whole = network.train(&train, None, &context).unwrap();
    for stop in [1, 5, 11] {
        let mut run = network.start(&train, None, &context).unwrap();
        for _ in 0..stop {
            run.next_epoch(&context).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        run.checkpoint().save(folder.path(), &tenure_core::Metadata::default()).unwrap();
        let (checkpoint, _) = Artifact::load(folder.path()).unwrap();
        let mut run = network.resume(&checkpoint, &train, None, &context).unwrap();
        while run.next_epoch(&context).unwrap().is_some() {}
        let resumed = run.finish().unwrap();
        assert_eq!(resumed.history, whole.history);
        assert_eq!(resumed.model.to_artifact(), whole.model.to_artifact());
        assert_eq!(resumed.last.to_artifact(), whole.last.to_artifact());
    }
}

#[test]
fn a_checkpoint_of_something_else_is_refused() {
    let (train, context) = (table(300), FitContext::new(3));
    let mut run = network(|_| {}).start(&train, None, &context).unwrap();
    run.next_epoch(&context).unwrap();
    let checkpoint = run.checkpoint();
    let words = |network: Network, train: &Dataset, seed: u64| {
        network.resume(&checkpoint, train, None, &FitContext::new(seed)).unwrap_err().to_string()
    };
    assert!(words(network(|_| {}), &table(301), 3).contains("other data"));
    assert!(words(network(|_| {}), &train, 4).contains("another seed (3)"));
    assert!(words(network(|p| p.training.l2 = 0.1), &train, 3).contains("other parameters"));
    assert!(network(|p| p.training.epochs = 30).resume(&checkpoint, &train, None, &context).is_ok());
    let mut damaged = checkpoint.clone();
    damaged.parts.get_mut("best_parameters").unwrap().pop();
    let error = network(|_| {}).resume(&damaged, &train, None, &context).unwrap_err().to_string();
    assert!(error.contains("part `best_parameters`"), "{error}");
}

#[test]
fn the_best_weights_are_restored() {
    let stopping = Some(EarlyStopping { patience: 3, min_delta: 0.0 });
    let network = network(|p| {
        p.training.epochs = 200;
        p.training.learning_rate = 0.05;
        p.training.early_stopping = stopping;
    });
    let (train, context) = (table(200), FitContext::new(5));
    let mut run = network.start(&train, None, &context).unwrap();
    let mut best = (f64::INFINITY, None);
    while let Some(epoch) = run.next_epoch(&context).unwrap().cloned() {
        assert_eq!(epoch.best, epoch.watched() < best.0);
        if epoch.best {
            best = (epoch.watched(), Some(run.current().to_artifact()));
        }
    }
    assert_eq!(run.stopped(), Some(StopReason::EarlyStopping));
    let fit = run.finish().unwrap();
    assert_eq!(fit.history.len(), fit.report.iterations + 3);
    assert_eq!(Some(fit.model.to_artifact()), best.1);
}

#[test]
fn a_learning_rate_that_diverges_is_named() {
    for rate in [1e3, 1e300] {
        let error =
            network(|p| p.training.learning_rate = rate).train(&table(300), None, &FitContext::new(1));
        let words = error.unwrap_err().to_string();
        assert!(
            words.starts_with("parameter `learning_rate` is 1") && words.contains("a lower one"),
            "{words}"
        );
    }
}

#[test]
fn what_cannot_be_learned_from_is_said() {
    let context = FitContext::new(1);
    let words = |train: &Dataset, valid: Option<&Dataset>| {
        network(|_| {}).train(train, valid, &context).map(|_| ()).unwrap_err().to_string()
    };
    let good = table(300);
    assert_eq!(words(&good, Some(&table(0))), "the validation set has no row with a known label");
    let bare = Dataset::new(good.schema().clone(), good.x().to_owned()).unwrap();
    assert_eq!(words(&bare, None), "the data set has no target");
    let other = bare.clone().with_target(Target::real("class", vec![0.0; 300]).unwrap()).unwrap();
    assert!(words(&other, None).contains("target `class`, which is not of zeros and ones"));
    let mut beyond = good.targets()[2].values().to_vec();
    beyond[7] = 101.0;
    let beyond = bare
        .with_target(good.targets()[0].clone())
        .and_then(|d| d.with_target(good.targets()[1].clone()))
        .and_then(|d| d.with_target(Target::real("share", beyond)?))
        .unwrap();
    assert_eq!(words(&beyond, None), "target `share`, row 7: 101; expected 0 to 100");
    let cancel = CancelToken::default();
    cancel.cancel();
    let cancelled = network(|_| {}).train(&good, None, &context.clone().with_cancel(cancel)).unwrap_err();
    assert!(matches!(cancelled, Error::Cancelled { .. }));
}

#[test]
fn explanations_add_up_and_are_exact_where_the_network_is_piecewise_linear() {
    let train = table(600);
    let relu = network(|_| {}).train(&train, None, &FitContext::new(2)).unwrap().model;
    let smooth =
        network(|p| p.network.trunk[1] = LayerSpec::Activation { function: crate::Activation::Tanh });
    let smooth = smooth.train(&train, None, &FitContext::new(2)).unwrap().model;
    for model in [relu, smooth] {
        for row in 0..20 {
            let values = train.row(row).to_vec();
            let mut out = [0.0; 3];
            model.predict_row(&values, &mut out).unwrap();
            for (output, expected) in out.iter().enumerate() {
                let explanation = model.explain_row(&values, output).unwrap();
                let found = explanation.prediction().unwrap();
                assert!((found - expected).abs() < 1e-6 * (1.0 + expected.abs()), "{found} {expected}");
            }
        }
    }
}

#[test]
fn gradients_are_those_of_the_predictions() {
    let train = table(600);
    let model = network(|_| {}).train(&train, None, &FitContext::new(2)).unwrap().model;
    let row = train.row(4).to_vec();
    let deviations: Vec<f64> = model.scaler().inputs().iter().map(|input| input.deviation).collect();
    for output in [1, 2] {
        let gradient = model.gradient(&row, output).unwrap();
        for column in 0..3 {
            let at = |step: f64| {
                let (mut row, mut out) = (row.clone(), [0.0; 3]);
                row[column] += step * deviations[column];
                model.predict_row(&row, &mut out).unwrap();
                out[output]
            };
            let expected = (at(0.01) - at(-0.01)) / 0.02;
            assert!(
                (gradient[column] - expected).abs() < 0.02 * (1.0 + expected.abs()),
                "{gradient:?} {expected}"
            );
        }
    }
}

#[test]
fn layers_over_steps_may_follow_one_that_gives_a_single_step() {
    let train = table(120);
    // Three features as three steps of one; the first is not there in every third row.
    let x = Array2::from_shape_fn((120, 3), |(row, step)| {
        if step == 0 && row % 3 == 0 { f64::NAN } else { train.x()[[row, step]] }
    });
    let data = Dataset::new(train.schema().clone(), x)
        .and_then(|d| d.with_target(train.targets()[1].clone()))
        .unwrap();
    let lstm = LayerSpec::Lstm { width: 4, sequence: false };
    for behind in [
        lstm.clone(),
        LayerSpec::Attention { heads: 2, key_width: 3 },
        LayerSpec::MeanSteps,
        LayerSpec::LastStep,
    ] {
        let network = network(|p| {
            let head = HeadSpec::new("number", Loss::SquaredError(TargetScale::Standardised));
            p.network =
                NetworkSpec { steps: 3, trunk: vec![lstm.clone(), behind.clone()], heads: vec![head] };
            p.training.epochs = 2;
        });
        let model = network.train(&data, None, &FitContext::new(1)).unwrap().model;
        assert!(model.predict(data.x()).unwrap().iter().all(|v| v.is_finite()), "{behind:?}");
        assert_eq!(model.explain_row(&data.row(0).to_vec(), 0).unwrap().contributions.len(), 3);
    }
}

#[test]
fn a_batch_of_one_row_cannot_be_normalised_and_no_network_is_too_large_for_memory() {
    let words = |change: &dyn Fn(&mut NetworkParams)| {
        let mut params =
            NetworkParams { network: spec(), training: TrainingParams::default(), missing_indicators: false };
        change(&mut params);
        params.check().unwrap_err().to_string()
    };
    let one = words(&|p| p.training.batch_size = 1);
    assert_eq!(one, "parameter `batch_size` is 1; expected at least 2, for batch normalisation");
    let large = words(&|p| p.network.trunk = vec![LayerSpec::dense(65_536), LayerSpec::dense(65_536)]);
    assert!(large.starts_with("parameter `network` is of 4295"), "{large}");
}

#[test]
fn stored_networks_that_do_not_hang_together_are_refused() {
    let model = network(|_| {}).train(&table(200), None, &FitContext::new(1)).unwrap().model;
    let stored = model.to_artifact();
    assert!(NetworkModel::from_artifact(&stored).is_ok());
    for (path, value) in [
        ("/scaler/steps", serde_json::json!(2)),
        ("/network/steps", serde_json::json!(3)),
        ("/scaler/inputs/0/deviation", serde_json::json!(0.0)),
        ("/scaler/inputs", serde_json::json!([])),
        ("/lines/1/0/factor", serde_json::json!(0.0)),
        ("/outputs", serde_json::json!([])),
        ("/network/trunk/0/width", serde_json::json!(65_536)),
    ] {
        let mut damaged = stored.clone();
        *damaged.config.pointer_mut(path).unwrap() = value;
        let error = NetworkModel::from_artifact(&damaged).unwrap_err();
        assert!(matches!(error, Error::ArtifactDamaged { .. }), "{path}: {error}");
    }
    let mut damaged = stored.clone();
    damaged.parts.get_mut("parameters").unwrap()[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(NetworkModel::from_artifact(&damaged).unwrap_err().to_string().contains("not finite"));
}
