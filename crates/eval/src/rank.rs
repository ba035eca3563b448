//! Rows in order of their scores: one sort serves every ranking metric.

use crate::Result;
use crate::check::Pairs;

/// Row numbers by falling score; equal scores by row number, so that the order is always the same.
///
/// Scores must be finite. Sorting integer keys is faster than comparing floats.
pub(crate) fn descending(scores: &[f64]) -> Vec<usize> {
    let mut keys: Vec<(u64, usize)> = scores
        .iter()
        .enumerate()
        .map(|(row, &score)| {
            let bits = (score + 0.0).to_bits(); // −0 becomes 0: they are the same score
            // Flipping makes the bit patterns rise with the number; the complement makes them fall.
            let rising = if bits >> 63 == 1 { !bits } else { bits | (1 << 63) };
            (!rising, row)
        })
        .collect();
    keys.sort_unstable();
    keys.into_iter().map(|(_, row)| row).collect()
}

/// Calls `f` with the rows of each distinct score, from the highest score down.
pub(crate) fn for_each_tie(scores: &[f64], order: &[usize], mut f: impl FnMut(f64, &[usize])) {
    for tie in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        f(scores[tie[0]], tie);
    }
}

/// What lies at or above one distinct score.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// The score.
    pub(crate) score: f64,
    /// Weight of the positives with at least this score.
    pub(crate) positives: f64,
    /// Weight of the negatives with at least this score.
    pub(crate) negatives: f64,
}

impl Step {
    pub(crate) fn weight(&self) -> f64 {
        self.positives + self.negatives
    }
}

/// The cumulated classes, one step per distinct score, from the highest down.
pub(crate) struct Ranking {
    pub(crate) steps: Vec<Step>,
    pub(crate) positives: f64,
    pub(crate) negatives: f64,
}

impl Ranking {
    /// Ranks checked labels and scores; rows of weight 0 leave no step.
    pub(crate) fn new(pairs: Pairs<'_>) -> Self {
        let order = descending(pairs.predicted);
        let mut steps: Vec<Step> = Vec::new();
        let (mut positives, mut negatives) = (0.0, 0.0);
        for_each_tie(pairs.predicted, &order, |score, rows| {
            let before = positives + negatives;
            for &row in rows {
                let weight = pairs.weight(row);
                if pairs.actual[row] == 1.0 { positives += weight } else { negatives += weight }
            }
            if positives + negatives > before {
                steps.push(Step { score, positives, negatives });
            }
        });
        Self { steps, positives, negatives }
    }

    /// Checks, ranks, and refuses a single class.
    pub(crate) fn of_two_classes(
        labels: &[f64],
        scores: &[f64],
        weights: Option<&[f64]>,
        needed_for: &'static str,
    ) -> Result<Self> {
        let pairs = Pairs::scores(labels, scores, weights)?;
        pairs.require_two_classes(needed_for)?;
        Ok(Self::new(pairs))
    }

    pub(crate) fn total(&self) -> f64 {
        self.positives + self.negatives
    }

    /// Steps with the positives and negatives strictly above each: `(positives, negatives, step)`.
    pub(crate) fn with_above(&self) -> impl Iterator<Item = (f64, f64, &Step)> {
        let above = std::iter::once((0.0, 0.0)).chain(self.steps.iter().map(|s| (s.positives, s.negatives)));
        above.zip(&self.steps).map(|((positives, negatives), step)| (positives, negatives, step))
    }

    /// Weight of the positives among the `weight` with the highest scores; within a tie they are spread
    /// evenly, which is the mean over all orders of the tied rows.
    pub(crate) fn positives_among(&self, weight: f64) -> f64 {
        let at = self.steps.partition_point(|step| step.weight() < weight);
        let above =
            at.checked_sub(1).map_or((0.0, 0.0), |i| (self.steps[i].weight(), self.steps[i].positives));
        match self.steps.get(at) {
            Some(step) => {
                let share = (weight - above.0) / (step.weight() - above.0);
                above.1 + share * (step.positives - above.1)
            }
            None => self.positives,
        }
    }
}
