//! Files exchanged with programs in Python: theirs are read here; ours are left in `target/tmp/neural` for
//! `tests/python/check.py` to read.
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

#[cfg(feature = "safetensors")]
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
