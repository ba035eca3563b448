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
