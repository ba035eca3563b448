//! What the trees that did not learn from a row say of it.

use super::Criterion;

/// Sums over trees, by training row and output.
pub(super) struct OutOfBag {
    outputs: usize,
    sums: Vec<f64>,
    trees: Vec<u32>,
}

impl OutOfBag {
    pub(super) fn new(rows: usize, outputs: usize) -> Self {
        Self { outputs, sums: vec![0.0; rows * outputs], trees: vec![0; rows] }
    }

    /// Adds a tree: `rows` and the leaf of each, and the values of each leaf, output by output.
    pub(super) fn add(&mut self, rows: &[(u32, u32)], values: &[f64]) {
        for &(row, leaf) in rows {
            let (row, leaf) = (row as usize * self.outputs, leaf as usize * self.outputs);
            let values = &values[leaf..leaf + self.outputs];
            self.trees[row / self.outputs] += 1;
            self.sums[row..row + self.outputs].iter_mut().zip(values).for_each(|(sum, v)| *sum += v);
        }
    }

    /// The mean over trees, NaN where there is none.
    pub(super) fn means(&self) -> impl Iterator<Item = (usize, Vec<f64>)> {
        self.sums.chunks(self.outputs).zip(&self.trees).enumerate().map(|(row, (sums, &trees))| {
            let mean = |&sum: &f64| if trees > 0 { sum / f64::from(trees) } else { f64::NAN };
            (row, sums.iter().map(mean).collect())
        })
    }

    /// Rows that some tree did not learn from.
    pub(super) fn covered(&self) -> usize {
        self.trees.iter().filter(|&&trees| trees > 0).count()
    }

    /// The mean loss over these rows.
    pub(super) fn loss(&self, loss: Loss, labels: &[f64], weights: Option<&[f64]>) -> Option<f64> {
        let (mut sum, mut weight) = (0.0, 0.0);
        for (row, (sums, &trees)) in self.sums.chunks(self.outputs).zip(&self.trees).enumerate() {
            if trees > 0 {
                let w = weights.map_or(1.0, |w| w[row]);
                sum += w * loss.of(sums, f64::from(trees), labels[row]);
                weight += w;
            }
        }
        (weight > 0.0).then(|| sum / weight)
    }
}

/// How out-of-bag predictions are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// −ln of the share of the row's class, shares below 1e-15 counting as that.
    Log,
    Squared,
}

impl Loss {
    pub(super) fn of_criterion(criterion: Criterion) -> Self {
        if criterion == Criterion::SquaredError { Self::Squared } else { Self::Log }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Log => "out_of_bag_log_loss",
            Self::Squared => "out_of_bag_squared_error",
        }
    }

    fn of(self, sums: &[f64], trees: f64, label: f64) -> f64 {
        match self {
            Self::Squared => (sums[0] / trees - label).powi(2),
            Self::Log => {
                let share = if sums.len() > 1 {
                    sums[label as usize]
                } else if label == 1.0 {
                    sums[0]
                } else {
                    trees - sums[0]
                };
                -(share / trees).max(1e-15).ln()
            }
        }
    }
}
