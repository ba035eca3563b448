//! Single-precision numbers as parts of an artifact, to the bit.

use tenure_core::{Artifact, Error, Result};

/// Adds numbers as a part: little-endian, 4 bytes each.
pub(crate) fn with_floats(artifact: Artifact, name: &str, values: &[f32]) -> Artifact {
    artifact.with_part(name, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

/// Reads a part of `count` numbers.
pub(crate) fn read_floats(artifact: &Artifact, name: &str, count: usize) -> Result<Vec<f32>> {
    let (numbers, rest) = artifact.part(name)?.as_chunks::<4>();
    if numbers.len() != count || !rest.is_empty() {
        let bytes = artifact.part(name)?.len();
        let words = format!("part `{name}` of `{}` has {bytes} bytes; expected {}", artifact.kind, 4 * count);
        return Err(Error::damaged(words));
    }
    Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}
