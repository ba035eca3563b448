use std::collections::HashMap;

use proptest::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use tenure_core::ErrorKind;

use super::*;

fn tensor(name: &str, shape: &[usize], values: &[f32]) -> NamedTensor {
    NamedTensor { name: name.into(), shape: shape.into(), values: values.into() }
}

fn examples() -> Vec<NamedTensor> {
    vec![
        tensor("trunk.0.weight", &[2, 3], &[1.0, -2.5, f32::MIN_POSITIVE, f32::MAX, -0.0, 1e-40]),
        tensor("heads.churn risk \"30\".0.bias", &[], &[f32::NEG_INFINITY]),
        tensor("empty", &[0, 7], &[]),
    ]
}

/// A file of one tensor in a number format, as the reference implementation writes it.
fn reference(dtype: Dtype, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    serialize([("t", TensorView::new(dtype, shape.into(), bytes).unwrap())], None).unwrap()
}

/// A file with this header and these many bytes of numbers.
fn file(header: &str, bytes: usize) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.extend(std::iter::repeat_n(0, bytes));
    file
}

#[test]
fn what_is_written_is_read() {
    let file = write(&examples(), &[("format", "pt"), ("network", "{}")]).unwrap();
    assert_eq!(read(&file).unwrap(), examples());
}

#[test]
fn the_reference_implementation_reads_what_is_written() {
    let file = write(&examples(), &[("format", "pt"), ("network", "{}")]).unwrap();
    let theirs = SafeTensors::deserialize(&file).unwrap();
    assert_eq!(theirs.len(), 3);
    for ours in examples() {
        let tensor = theirs.tensor(&ours.name).unwrap();
        assert_eq!((tensor.dtype(), tensor.shape()), (Dtype::F32, &ours.shape[..]));
        let bytes: Vec<u8> = ours.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(tensor.data(), bytes);
    }
    let (_, metadata) = SafeTensors::read_metadata(&file).unwrap();
    let expected = HashMap::from([("format", "pt"), ("network", "{}")].map(|(k, v)| (k.into(), v.into())));
    assert_eq!(metadata.metadata().as_ref(), Some(&expected));
}

#[test]
fn numbers_of_other_widths_are_brought_to_32_bits() {
    let read =
        |dtype, bytes: &[u8], count| read(&reference(dtype, &[count], bytes)).unwrap().remove(0).values;
    // Of IEEE 754 binary16: 1, -2, the greatest, the least normal, the least subnormal, an infinity.
    let halves: [u16; 6] = [0x3c00, 0xc000, 0x7bff, 0x0400, 0x8001, 0xfc00];
    let expected = [1.0, -2.0, 65504.0, 0.5_f32.powi(14), -0.5_f32.powi(24), f32::NEG_INFINITY];
    assert_eq!(read(Dtype::F16, &halves.map(u16::to_le_bytes).concat(), 6), expected);
    assert!(read(Dtype::F16, &0x7e00_u16.to_le_bytes(), 1)[0].is_nan());
    assert_eq!(read(Dtype::BF16, &[0x80, 0x3f, 0x40, 0xc0], 2), [1.0, -3.0]);
    assert_eq!(read(Dtype::F64, &[0.1_f64, -1e-300].map(f64::to_le_bytes).concat(), 2), [0.1, -0.0]);
    assert_eq!(read(Dtype::I64, &(-7_i64).to_le_bytes(), 1), [-7.0]);
    assert_eq!(read(Dtype::I32, &9_i32.to_le_bytes(), 1), [9.0]);
}

#[test]
fn damage_is_told_with_the_name_of_the_tensor() {
    let entry = |dtype: &str, shape: &str, from: usize, to: usize| {
        format!(r#"{{"t\n1":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{from},{to}]}}}}"#)
    };
    let cases = [
        (file(&entry("F32", "[2]", 0, 8), 7), "expected 8 bytes of numbers, found 7 bytes"),
        (
            file(&entry("F32", "[2]", 0, 7), 7),
            "expected as many bytes as F32 of shape [2] need, found bytes 0 to 7",
        ),
        (file(&entry("F32", "[2]", 8, 0), 8), "expected its numbers from byte 0 on, found byte 8"),
        (file(&entry("F32", "[4294967296,4294967296]", 0, 0), 0), "found bytes 0 to 0"),
        (file(&entry("U8", "[2]", 0, 2), 2), "expected numbers in F32, F16, BF16, F64, I32 or I64, found U8"),
        (file(r#"{"t\n1":{"shape":[2]}}"#, 8), "expected `dtype`, `shape` and `data_offsets`"),
        (file(r#"{"t\n1":[]}"#, 0), "expected `dtype`, `shape` and `data_offsets`, found []"),
    ];
    for (file, said) in cases {
        let error = read(&file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Artifact);
        let error = error.to_string();
        assert!(error.contains(r"tensor `t\n1`") && error.contains(said), "{error}");
    }
    let wide = reference(Dtype::F64, &[], &1e300_f64.to_le_bytes());
    assert!(
        read(&wide).unwrap_err().to_string().contains("tensor `t`: expected numbers in the range of 32 bits")
    );
}

#[test]
fn damage_outside_of_tensors_is_told() {
    for (bytes, said) in [
        (vec![0; 7], "the header: expected a length of 8 bytes, found 7 bytes"),
        (vec![0xff; 64], "the header: expected a length within the file"),
        (file("{", 0), "the header: expected a JSON object"),
        (file("{}", 3), "the end: expected the end of the file after the last tensor, found 3 bytes more"),
    ] {
        let error = read(&bytes).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    let twice = [tensor("a", &[1], &[0.0]), tensor("a", &[1], &[0.0])];
    assert!(write(&twice, &[]).unwrap_err().to_string().contains("the name `a` is taken"));
    assert!(write(&[tensor(METADATA, &[1], &[0.0])], &[]).is_err());
    let error = write(&[tensor("a", &[2], &[0.0])], &[]).unwrap_err().to_string();
    assert!(error.contains("1 values do not fill the shape [2]"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tensors_come_back(shapes in proptest::collection::vec(proptest::collection::vec(1_usize..4, 0..4), 0..5)) {
        let tensors: Vec<_> = shapes.into_iter().enumerate().map(|(i, shape)| {
            let values = (0..elements(&shape).unwrap()).map(|v| v as f32 + i as f32).collect();
            NamedTensor { name: format!("{}", 7 * i % 5), shape, values }
        }).collect();
        prop_assert_eq!(read(&write(&tensors, &[]).unwrap()).unwrap(), tensors);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), length in 0_u64..250) {
        let _ = read(&bytes);
        let _ = read(&[&length.to_le_bytes(), &bytes[..]].concat());
    }

    #[test]
    fn no_change_of_a_sound_file_makes_it_panic(at in 0_usize..400, by in any::<u8>(), cut in 0_usize..400) {
        let mut file = write(&examples(), &[]).unwrap();
        let at = at % file.len();
        file[at] = by;
        let _ = read(&file);
        file.truncate(cut);
        let _ = read(&file);
    }

    #[test]
    fn no_header_makes_it_panic(
        dtype in "F32|F16|BF16|F64|I64|X", shape in proptest::collection::vec(0_u64..=u64::MAX, 0..3),
        from in any::<u64>(), to in any::<u64>(), bytes in 0_usize..16,
    ) {
        let entry = json!({ "dtype": dtype, "shape": shape, "data_offsets": [from, to] });
        let _ = read(&file(&json!({ "a": entry }).to_string(), bytes));
    }
}
