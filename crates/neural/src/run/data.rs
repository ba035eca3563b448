//! Rows as training reads them.

use tenure_core::{Dataset, Error, Result};

use crate::inputs::InputScaler;
use crate::targets::Line;
use crate::{HeadSpec, NetworkSpec};

/// Rows in single precision, scaled.
#[derive(Debug)]
pub(crate) struct Rows {
    /// How many.
    pub(crate) rows: usize,
    /// Rows × inputs.
    pub(crate) x: Vec<f32>,
    /// Steps that are there; `None` for tables.
    pub(crate) present: Option<Vec<usize>>,
    /// For each head rows × targets on the learned scale; NaN where a label is not known.
    pub(crate) labels: Vec<Vec<f32>>,
    /// Weights of mean 1.
    pub(crate) weights: Option<Vec<f32>>,
}

/// The same for some rows.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) x: Vec<f32>,
    pub(crate) present: Option<Vec<usize>>,
    pub(crate) labels: Vec<Vec<f32>>,
    pub(crate) weights: Option<Vec<f32>>,
}

/// The rows that can be learned from: of a weight above 0 and with a label of some head.
pub(crate) fn known(data: &Dataset, spec: &NetworkSpec) -> Result<Dataset> {
    if data.targets().is_empty() {
        return Err(Error::NoTarget { name: None });
    }
    if data.offsets().is_some() {
        return Err(Error::unsupported("networks", "offsets"));
    }
    let targets = spec.heads.iter().map(|head| head.find(data)).collect::<Result<Vec<_>>>()?.concat();
    let weighs = |row: usize| data.weights().is_none_or(|weights| weights[row] > 0.0);
    let labelled = |row: usize| targets.iter().any(|target| !target.values()[row].is_nan());
    let rows: Vec<usize> = (0..data.rows()).filter(|&row| weighs(row) && labelled(row)).collect();
    Ok(if rows.len() == data.rows() { data.clone() } else { data.select(&rows) })
}

impl Rows {
    /// Scales rows that were found to be [`known`].
    pub(crate) fn new(
        data: &Dataset,
        scaler: &InputScaler,
        heads: &[HeadSpec],
        lines: &[Vec<Line>],
    ) -> Result<Self> {
        let (rows, width) = (data.rows(), scaler.len());
        let mut x = vec![0.0; rows * width];
        let mut present = Vec::with_capacity(rows);
        let mut values = Vec::new();
        for (row, place) in data.x().rows().into_iter().zip(x.chunks_exact_mut(width.max(1))) {
            values.clear();
            values.extend(row.iter());
            present.push(scaler.present(&values));
            scaler.apply(&values, place);
        }
        let labels = heads.iter().zip(lines).map(|(head, lines)| {
            let targets = head.find(data)?;
            let of_row = |row: usize| {
                let learned = |(target, line): (&&tenure_core::Target, &Line)| {
                    line.learned(target.values()[row]) as f32
                };
                targets.iter().zip(lines).map(learned).collect::<Vec<_>>()
            };
            Ok((0..rows).flat_map(of_row).collect())
        });
        let labels = labels.collect::<Result<_>>()?;
        let weights = data.weights().map(|weights| {
            let mean = weights.iter().sum::<f64>() / rows.max(1) as f64;
            weights.iter().map(|w| (w / mean) as f32).collect()
        });
        let present =
            (!present.iter().all(|&p| p == 1) || scaler.len() != scaler.inputs().len()).then_some(present);
        Ok(Self { rows, x, present, labels, weights })
    }

    /// Copies some rows into `batch`.
    pub(crate) fn gather(&self, rows: &[usize], batch: &mut Batch) {
        take(&self.x, self.rows, rows, &mut batch.x);
        batch.labels.resize_with(self.labels.len(), Vec::new);
        for (labels, place) in self.labels.iter().zip(&mut batch.labels) {
            take(labels, self.rows, rows, place);
        }
        batch.weights = self.weights.as_ref().map(|weights| {
            let mut place = batch.weights.take().unwrap_or_default();
            take(weights, self.rows, rows, &mut place);
            place
        });
        batch.present = self.present.as_ref().map(|present| rows.iter().map(|&row| present[row]).collect());
    }
}

fn take(values: &[f32], of: usize, rows: &[usize], place: &mut Vec<f32>) {
    let width = values.len() / of.max(1);
    place.clear();
    rows.iter().for_each(|&row| place.extend_from_slice(&values[row * width..][..width]));
}
