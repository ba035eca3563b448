//! Matrices that `peers/boosting.py` writes: little-endian `f64`s, row by row.

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Features, row by row, and one label a row.
pub(crate) struct Matrix {
    pub x: Vec<f64>,
    pub y: Vec<f64>,
}

impl Matrix {
    /// Reads `x_PART.f64` and `y_PART.f64`.
    pub(crate) fn read(folder: &Path, part: &str) -> Result<Self, Box<dyn Error>> {
        let x = numbers(&folder.join(format!("x_{part}.f64")))?;
        let y = numbers(&folder.join(format!("y_{part}.f64")))?;
        if y.is_empty() || !x.len().is_multiple_of(y.len()) {
            return Err(format!("{} values for {} rows", x.len(), y.len()).into());
        }
        Ok(Self { x, y })
    }
}

/// Read without a second copy, which would blur the memory figures.
pub(crate) fn numbers(path: &Path) -> Result<Vec<f64>, Box<dyn Error>> {
    let file = File::open(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let length = usize::try_from(file.metadata()?.len())? / 8;
    let mut reader = BufReader::new(file);
    let mut values = Vec::with_capacity(length);
    let mut bytes = [0; 8];
    for _ in 0..length {
        reader.read_exact(&mut bytes)?;
        values.push(f64::from_le_bytes(bytes));
    }
    Ok(values)
}
