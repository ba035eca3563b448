//! Weights as safetensors files, which PyTorch, Keras and others read and write.
//!
//! A file is the length of its header (64 bits, little-endian), the header (JSON: for each tensor its number format,
//! shape and place, and text under `__metadata__`), then all numbers without gaps. Read and written here rather than
//! by the crate `safetensors`, because that writes metadata in an order that changes from run to run and does not
//! say which tensor of a damaged file is at fault; the tests hold both against each other.
//!
//! ```
//! use tenure_neural::weights::{NamedTensor, safetensors};
//!
//! let bias = NamedTensor { name: "trunk.0.bias".into(), shape: vec![2], values: vec![0.5, -1.0] };
//! let file = safetensors::write(std::slice::from_ref(&bias), &[("format", "pt")])?;
//! assert_eq!(safetensors::read(&file)?, [bias]);
//! # Ok::<(), tenure_core::Error>(())
//! ```

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tenure_core::{Error, Result};

use super::{NamedTensor, elements};

/// The key of what is not a tensor.
const METADATA: &str = "__metadata__";
/// Longest header that the format allows, in bytes.
const LONGEST_HEADER: usize = 100_000_000;
/// Bytes of the header's length; numbers begin at a multiple of it.
const WORD: usize = 8;

/// The bytes of a file with these tensors, in this order, as 32-bit numbers. `metadata` is text under names of its
/// own; programs around PyTorch expect `("format", "pt")`.
///
/// The same tensors and metadata give the same bytes.
///
/// # Errors
/// [`Error::Data`] for a name that occurs twice or is `__metadata__`, and for values that do not fill the shape.
pub fn write(tensors: &[NamedTensor], metadata: &[(&str, &str)]) -> Result<Vec<u8>> {
    let mut header = Map::new();
    if !metadata.is_empty() {
        let text = metadata.iter().map(|&(key, text)| (key.to_owned(), text.into())).collect();
        header.insert(METADATA.into(), Value::Object(text));
    }
    let mut end = 0;
    for tensor in tensors {
        let NamedTensor { name, shape, values } = tensor;
        if !tensor.is_consistent() {
            let found = values.len();
            return Err(Error::Data(format!(
                "tensor `{name}`: {found} values do not fill the shape {shape:?}"
            )));
        }
        let start = end;
        end += size_of_val(values.as_slice());
        let entry = json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, end] });
        if name == METADATA || header.insert(name.clone(), entry).is_some() {
            return Err(Error::Data(format!("the name `{name}` is taken: names of tensors are unique")));
        }
    }
    let mut header = Value::Object(header).to_string();
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(WORD) - header.len()));
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.reserve(header.len() + end);
    file.extend_from_slice(header.as_bytes());
    file.extend(tensors.iter().flat_map(|tensor| &tensor.values).flat_map(|value| value.to_le_bytes()));
    Ok(file)
}

/// The tensors of a file, in the order in which their numbers stand in it.
///
/// Numbers of 16 bits (`F16`, `BF16`) are widened exactly. Those of 64 bits (`F64`) and integers (`I32`, `I64`, such
/// as the counters that PyTorch keeps beside batch normalisation) are rounded to the nearest of 32 bits.
///
/// # Errors
/// [`Error::ForeignModel`] naming the tensor for a damaged file, for a number of 64 bits beyond the range of 32, and
/// for other number formats.
pub fn read(file: &[u8]) -> Result<Vec<NamedTensor>> {
    let (header, data) = split(file)?;
    let mut entries = Vec::new();
    for (name, entry) in header {
        if name != METADATA {
            let found = excerpt(&entry.to_string());
            let entry: Entry = serde_json::from_value(entry)
                .map_err(|_| damaged(&name, "`dtype`, `shape` and `data_offsets`", found))?;
            entries.push((name, entry));
        }
    }
    entries.sort_by_key(|(_, entry)| entry.data_offsets);
    let mut end = 0;
    let mut tensors = Vec::with_capacity(entries.len());
    for (name, entry) in entries {
        let place = place(&name, &entry, end, data.len())?;
        end = place.end;
        let values = values(&name, &entry.dtype, &data[place])?;
        tensors.push(NamedTensor { name, shape: entry.shape, values });
    }
    if end != data.len() {
        let found = format!("{} bytes more", data.len() - end);
        return Err(problem("the end", "the end of the file after the last tensor", found));
    }
    Ok(tensors)
}

/// What the header says of a tensor.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    /// First byte and the one after the last, counted from the end of the header.
    data_offsets: (usize, usize),
}

/// Header and numbers.
fn split(file: &[u8]) -> Result<(Map<String, Value>, &[u8])> {
    let header_problem = |expected: &'static str, found: String| problem("the header", expected, found);
    let Some((length, rest)) = file.split_first_chunk::<WORD>() else {
        return Err(header_problem("a length of 8 bytes", format!("{} bytes", file.len())));
    };
    let length = u64::from_le_bytes(*length);
    let fits = usize::try_from(length).ok().filter(|&length| length <= LONGEST_HEADER.min(rest.len()));
    let Some((header, data)) = fits.and_then(|length| rest.split_at_checked(length)) else {
        return Err(header_problem("a length within the file and at most 100,000,000", length.to_string()));
    };
    let header = serde_json::from_slice(header)
        .map_err(|error| header_problem("a JSON object", excerpt(&error.to_string())))?;
    Ok((header, data))
}

/// Where the bytes of a tensor stand, if they follow those of the tensor before (`previous_end`), are as many as
/// shape and number format say, and lie within the file.
fn place(name: &str, entry: &Entry, previous_end: usize, available: usize) -> Result<Range<usize>> {
    let width = match entry.dtype.as_str() {
        "F16" | "BF16" => 2,
        "F32" | "I32" => 4,
        "F64" | "I64" => 8,
        other => return Err(damaged(name, "numbers in F32, F16, BF16, F64, I32 or I64", excerpt(other))),
    };
    let (start, end) = entry.data_offsets;
    if start != previous_end {
        return Err(damaged(
            name,
            format!("its numbers from byte {previous_end} on"),
            format!("byte {start}"),
        ));
    }
    let expected = elements(&entry.shape).and_then(|count| count.checked_mul(width));
    let found = end.checked_sub(start);
    if expected.is_none() || found != expected {
        let expected = format!("as many bytes as {} of shape {:?} need", entry.dtype, entry.shape);
        return Err(damaged(name, expected, format!("bytes {start} to {end}")));
    }
    if end > available {
        return Err(damaged(name, format!("{end} bytes of numbers"), format!("{available} bytes")));
    }
    Ok(start..end)
}

/// The numbers in `bytes`, whose format and length [`place`] has checked.
fn values(name: &str, dtype: &str, bytes: &[u8]) -> Result<Vec<f32>> {
    Ok(match dtype {
        "F16" => words(bytes).map(|word| half(u16::from_le_bytes(word))).collect(),
        "BF16" => {
            words(bytes).map(|word| f32::from_bits(u32::from(u16::from_le_bytes(word)) << 16)).collect()
        }
        "I32" => words(bytes).map(|word| i32::from_le_bytes(word) as f32).collect(),
        "I64" => words(bytes).map(|word| i64::from_le_bytes(word) as f32).collect(),
        "F64" => words(bytes).map(|word| narrowed(name, f64::from_le_bytes(word))).collect::<Result<_>>()?,
        _ => words(bytes).map(f32::from_le_bytes).collect(),
    })
}

/// Each `N` bytes.
fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.as_chunks().0.iter().copied()
}

/// The number that 16 bits stand for (IEEE 754 binary16).
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (u32::from(bits >> 10 & 0x1f), u32::from(bits & 0x3ff));
    match exponent {
        // Subnormal: multiples of 2⁻²⁴.
        0 => sign * fraction as f32 / (1 << 24) as f32,
        0x1f => f32::from_bits(u32::from(bits >> 15) << 31 | 0xff << 23 | fraction << 13),
        // The bias of the exponent is 15 there and 127 here.
        _ => sign * f32::from_bits((exponent + 127 - 15) << 23 | fraction << 13),
    }
}

/// The nearest number of 32 bits.
fn narrowed(name: &str, wide: f64) -> Result<f32> {
    let narrow = wide as f32;
    if wide.is_finite() && !narrow.is_finite() {
        return Err(damaged(name, "numbers in the range of 32 bits", wide.to_string()));
    }
    Ok(narrow)
}

fn problem(place: impl Into<String>, expected: impl Into<Cow<'static, str>>, found: String) -> Error {
    Error::ForeignModel { format: "safetensors", place: place.into(), expected: expected.into(), found }
}

fn damaged(name: &str, expected: impl Into<Cow<'static, str>>, found: String) -> Error {
    problem(format!("tensor `{}`", excerpt(name)), expected, found)
}

/// The beginning of what a file holds, without what controls a terminal.
fn excerpt(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests;
