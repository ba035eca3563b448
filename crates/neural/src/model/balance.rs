//! Predictions that are right on average.

use tenure_core::{Dataset, Result};

use super::NetworkModel;
use crate::layers::sigmoid;
use crate::loss::Objective;

/// Newton steps; the equation is smooth and has one root, a handful does.
const STEPS: usize = 50;

impl NetworkModel {
    /// The same network with its last biases moved so that over the rows given predictions are right on average
    /// (weighted where the rows are): training that stops early leaves a bias (Wüthrich, *Bias regularization in neural
    /// network models for general insurance pricing*, 2020). Heads of bounded values stay as they are.
    ///
    /// # Errors
    /// As prediction; [`tenure_core::Error::NoTarget`] where a target is missing.
    pub fn balanced(&self, data: &Dataset) -> Result<Self> {
        self.shell.spec.heads.iter().try_for_each(|head| head.find(data).map(|_| ()))?;
        tenure_core::check_input(&self.shell.schema, data.x())?;
        let outputs = self.shell.outputs.len();
        let mut raw = vec![0.0; data.rows() * outputs];
        let rows: Vec<Vec<f64>> = data.x().rows().into_iter().map(|row| row.to_vec()).collect();
        self.raw_rows(rows.iter().map(Vec::as_slice), |row, output, value| {
            raw[row * outputs + output] = f64::from(value);
        });
        let mut weights = self.weights.clone();
        let mut output = 0;
        for (at, head) in self.shell.spec.heads.iter().enumerate() {
            let targets = head.find(data)?;
            let biases = self.shell.graph.last_biases(at, &mut weights);
            for ((bias, target), line) in biases.iter_mut().zip(targets).zip(&self.shell.lines[at]) {
                let known = |(row, &label): (usize, &f64)| {
                    let weight = data.weights().map_or(1.0, |weights| weights[row]);
                    (!label.is_nan()).then(|| (raw[row * outputs + output], line.learned(label), weight))
                };
                let known: Vec<_> = target.values().iter().enumerate().filter_map(known).collect();
                *bias = (f64::from(*bias) + shift(head.objective(), &known)) as f32;
                output += 1;
            }
        }
        Ok(Self::new(std::sync::Arc::clone(&self.shell), weights))
    }
}

/// By how much raw outputs must rise for the mean prediction to be the mean label; rows of (raw, label, weight).
fn shift(objective: Objective, rows: &[(f64, f64, f64)]) -> f64 {
    let mean = |of: &dyn Fn(f64, f64) -> f64| {
        let (sum, total) =
            rows.iter().fold((0.0, 0.0), |(s, t), &(raw, label, w)| (s + w * of(raw, label), t + w));
        if total > 0.0 { sum / total } else { 0.0 }
    };
    match objective {
        Objective::Squared => mean(&|raw, label| label - raw),
        Objective::SquaredSigmoid => 0.0,
        Objective::CrossEntropy => {
            let mut shift = 0.0;
            for _ in 0..STEPS {
                let gap = mean(&|raw, label| label - sigmoid(raw + shift));
                let slope = mean(&|raw, _| {
                    let p = sigmoid(raw + shift);
                    p * (1.0 - p)
                });
                // A step of more than 1 would overshoot where almost all are sure.
                let step = (gap / slope.max(1e-12)).clamp(-1.0, 1.0);
                shift += step;
                if step.abs() < 1e-12 {
                    break;
                }
            }
            shift
        }
    }
}
