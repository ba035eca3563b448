//! Files exchanged with programs in Python: theirs are read here; ours are left in `target/tmp/neural` for
//! `tests/python/check.py` to read.
#![cfg(all(feature = "safetensors", feature = "tensorboard"))]
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use tenure_neural::NamedTensor;

/// Where files for Python go.
fn for_python(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("neural");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

mod safetensors {
    use super::*;
    use tenure_neural::weights::safetensors::{read, write};

    #[derive(Deserialize)]
    struct Golden {
        tensors: BTreeMap<String, Tensor>,
    }

    #[derive(Deserialize)]
    struct Tensor {
        shape: Vec<usize>,
        values: Vec<f32>,
    }

    #[test]
    fn tensors_of_pytorch_are_read() {
        let golden: Golden = serde_json::from_str(include_str!("golden/python_safetensors.json")).unwrap();
        let mut read = read(include_bytes!("golden/python.safetensors")).unwrap();
        read.sort_by(|a, b| a.name.cmp(&b.name));
        let expected = golden.tensors.into_iter();
        let expected: Vec<_> =
            expected.map(|(name, Tensor { shape, values })| NamedTensor { name, shape, values }).collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn tensors_for_pytorch_are_written() {
        let tensor = |name: &str, shape: &[usize], values: &[f32]| NamedTensor {
            name: name.into(),
            shape: shape.into(),
            values: values.into(),
        };
        let tensors = [
            tensor("trunk.0.weight", &[2, 3], &[1.0, -2.5, 3e-39, 0.1, 5.0, 1e30]),
            tensor("trunk.0.bias", &[2], &[0.5, -0.25]),
            tensor("one", &[], &[7.0]),
        ];
        let file = write(&tensors, &[("format", "pt"), ("origin", "tenure")]).unwrap();
        assert_eq!(read(&file).unwrap(), tensors);
        std::fs::write(for_python("written.safetensors"), file).unwrap();
    }
}

mod tensorboard {
    use super::*;
    use tenure_neural::tensorboard::{EventWriter, file_name};

    const START: f64 = 1_700_000_000.25;
    const TEXT: &str = "| layer | width |\n|---|---|\n| dense, größer | 128 |";

    /// What `golden/events.py` writes with TensorBoard's own protocol buffers.
    fn log() -> std::io::Result<Vec<u8>> {
        let ends =
            [0.0, -0.0, 1e-30, 1e-12, -1e-12, 0.5, -0.5, 1.0, 1.0, 3.25, -2.0, 1e19, 1e20, 1e30, -1e30];
        let values: Vec<f32> =
            ends.into_iter().chain((0..100).map(|i| (0.01 * f64::from(i)) as f32)).collect();
        let mut file = Vec::new();
        let mut log = EventWriter::new(&mut file, START)?;
        log.text("network", 0, TEXT, START)?;
        for step in [1_u16, 2, 300] {
            let time = START + f64::from(step);
            let values: Vec<f32> = values.iter().map(|value| value * f32::from(step)).collect();
            log.scalar("loss/train", step.into(), 1.0 / f64::from(step), time)?;
            log.histogram("trunk.0.weight", step.into(), &values, time)?;
        }
        log.scalar("loss/valid", 2, 0.0, START + 2.0)?;
        log.scalar("loss/valid", 2, f64::NAN, START + 2.0)?;
        log.histogram("empty", 2, &[f32::NAN, f32::INFINITY], START + 2.0)?;
        log.flush()?;
        Ok(file)
    }

    #[test]
    fn a_log_is_the_bytes_that_tensorboard_writes() {
        let log = log().unwrap();
        let golden = include_bytes!("golden/events.tfevents");
        let differs = log.iter().zip(golden).position(|(ours, theirs)| ours != theirs);
        assert_eq!((differs, log.len()), (None, golden.len()));
    }

    #[test]
    fn a_log_for_tensorboard_is_written() {
        let name = file_name(START);
        assert_eq!(name, "events.out.tfevents.1700000000.tenure");
        std::fs::write(for_python(&name), log().unwrap()).unwrap();
    }
}

mod models {
    use super::*;
    use ndarray::Array2;
    use serde_json::json;
    use tenure_core::{Dataset, Feature, FitContext, Metadata, Model, Schema, Target};
    use tenure_neural::tensorboard::{EventWriter, file_name};
    use tenure_neural::weights::safetensors;
    use tenure_neural::{
        Activation, HeadSpec, LayerSpec, Loss, NetworkModel, NetworkParams, NetworkSpec, TargetScale,
        TrainingParams,
    };

    const ROWS: usize = 200;

    /// Numbers that look drawn; every seventh is missing.
    fn number(row: usize, column: usize) -> f64 {
        let value = ((row * 37 + column * 61 + row * row * (column + 3)) % 101) as f64 / 25.0 - 2.0;
        if (row + 3 * column).is_multiple_of(7) { f64::NAN } else { value }
    }

    /// Three numbers and a category a step; the first steps of some rows are not there.
    fn data(steps: usize) -> Dataset {
        let features = (0..steps).flat_map(|step| {
            let number = move |at: usize| Feature::numeric(format!("x{at}_{step}"), "", "");
            let category = Feature::categorical(format!("c_{step}"), ["a", "b", "c"], "");
            (0..3).map(number).chain([category]).collect::<Vec<_>>()
        });
        let x = Array2::from_shape_fn((ROWS, 4 * steps), |(row, column)| match column % 4 {
            _ if column / 4 < row % steps => f64::NAN,
            3 => ((row + column) % 4) as f64 % 3.0,
            _ => number(row, column),
        });
        let known = |value: f64| if value.is_nan() { 0.0 } else { value };
        let sums: Vec<f64> =
            (0..ROWS).map(|row| x.row(row).iter().map(|value| known(*value)).sum()).collect();
        let of = |f: &dyn Fn(f64) -> f64| sums.iter().map(|sum| f(*sum)).collect::<Vec<f64>>();
        Dataset::new(Schema::new(features.collect()).unwrap(), x)
            .and_then(|data| {
                data.with_target(Target::binary("class", of(&|sum| f64::from(u8::from(sum > 1.0))))?)
            })
            .and_then(|data| data.with_target(Target::real("number", of(&|sum| 100.0 + 20.0 * sum))?))
            .and_then(|data| {
                data.with_target(Target::real("share", of(&|sum| (50.0 + sum).clamp(0.0, 100.0)))?)
            })
            .unwrap()
    }

    fn heads() -> Vec<HeadSpec> {
        let bounded = TargetScale::Bounded { low: 0.0, high: 100.0 };
        vec![
            HeadSpec::new("class", Loss::BinaryCrossEntropy)
                .with_layers(vec![LayerSpec::dense(4), LayerSpec::relu()]),
            HeadSpec::new("number", Loss::SquaredError(TargetScale::Standardised)),
            HeadSpec::new("share", Loss::SquaredError(bounded)),
        ]
    }

    fn activation(function: Activation) -> LayerSpec {
        LayerSpec::Activation { function }
    }

    /// Every layer and every activation occurs in one of them.
    fn networks() -> [(&'static str, NetworkSpec); 3] {
        use Activation::{Elu, Gelu, LeakyRelu, Sigmoid, Silu, Softplus, Tanh};
        let table = vec![
            LayerSpec::dense(12),
            LayerSpec::relu(),
            LayerSpec::batch_norm(),
            LayerSpec::dropout(0.2),
            LayerSpec::dense(9),
            LayerSpec::batch_norm(),
            activation(LeakyRelu),
            LayerSpec::dense(8),
            activation(Gelu),
            LayerSpec::dense(7),
            activation(Silu),
            LayerSpec::dense(7),
            activation(Elu),
            LayerSpec::dense(6),
            activation(Softplus),
        ];
        let sequence = vec![
            LayerSpec::dense(6),
            activation(Tanh),
            LayerSpec::Attention { heads: 2, key_width: 4 },
            LayerSpec::Lstm { width: 5, sequence: true },
            LayerSpec::Attention { heads: 1, key_width: 3 },
            LayerSpec::MeanSteps,
            activation(Sigmoid),
        ];
        let mut apart = heads();
        apart[0].layers = vec![LayerSpec::Lstm { width: 3, sequence: false }];
        apart[1].layers = vec![LayerSpec::LastStep];
        apart[2].layers = vec![LayerSpec::MeanSteps];
        [
            ("table", NetworkSpec { steps: 1, trunk: table, heads: heads() }),
            ("sequence", NetworkSpec { steps: 4, trunk: sequence, heads: heads() }),
            ("heads_of_sequences", NetworkSpec { steps: 3, trunk: vec![LayerSpec::dense(5)], heads: apart }),
        ]
    }

    fn trained(network: NetworkSpec) -> (NetworkModel, Dataset) {
        let data = data(network.steps);
        let training = TrainingParams { epochs: 8, early_stopping: None, ..TrainingParams::default() };
        let params = NetworkParams { network, training, missing_indicators: true };
        let fit = params.check().unwrap().train(&data, None, &FitContext::new(3)).unwrap();
        (fit.model, data)
    }

    #[test]
    fn layers_are_listed_with_what_they_give_and_have_learned() {
        let (model, _) = trained(networks()[1].1.clone());
        let table = model.layers_table();
        let rows: Vec<&str> = table.lines().collect();
        assert_eq!(rows[2], "| trunk.0 | dense | 4 × 6 | 60 |");
        assert_eq!(rows[4], "| trunk.2 | attention, 2 heads of 4 | 4 × 6 | 222 |");
        assert_eq!(rows[7], "| trunk.5 | mean over steps | 5 | 0 |");
        assert_eq!(rows[9], "| heads.class.0 | dense | 4 | 24 |");
        assert_eq!(rows.last().unwrap(), &format!("| | all | | {} |", model.parameters()));
    }

    #[test]
    fn models_for_pytorch_and_keras_are_written() {
        for (name, spec) in networks() {
            let (model, data) = trained(spec);
            let folder = for_python(name);
            model.to_artifact().save(&folder.join("model"), &Metadata::default()).unwrap();
            let weights = safetensors::write(&model.weights(), &[("format", "pt")]).unwrap();
            std::fs::write(folder.join("weights.safetensors"), weights).unwrap();
            let mut log = Vec::new();
            let mut writer = EventWriter::new(&mut log, 1.0).unwrap();
            writer.layers(&model, 1.0).and_then(|()| writer.weights(&model, 8, 2.0)).unwrap();
            std::fs::write(folder.join(file_name(1.0)), log).unwrap();
            let rows = |values: ndarray::ArrayView2<'_, f64>| {
                let row = |row: ndarray::ArrayView1<'_, f64>| {
                    row.iter().map(|v| (!v.is_nan()).then_some(*v)).collect()
                };
                values.rows().into_iter().map(row).collect::<Vec<Vec<Option<f64>>>>()
            };
            let predictions = model.predict(data.x()).unwrap();
            let written = json!({ "x": rows(data.x()), "predictions": rows(predictions.view()) });
            std::fs::write(folder.join("predictions.json"), written.to_string()).unwrap();
        }
    }
}
