//! Leaf values that are a quantile of what is left to explain: for losses whose gradient says nothing of how far
//! away a label is.

use super::finish::Context;
use super::grow::{Grown, GrownLeaf};
use super::split::Cut;
use crate::Monotone;

/// What leaves are renewed from.
#[derive(Clone, Copy)]
pub(super) struct Renewal<'a> {
    pub alpha: f64,
    pub labels: &'a [f64],
    /// Raw scores before the tree.
    pub scores: &'a [f64],
}

/// The least value below or at which a share `alpha` of the weight lies; in the middle between it and the next where
/// the share is met exactly (the usual median). Weight two is the row twice. 0 for no rows.
pub(super) fn quantile(
    rows: &[u32],
    value: impl Fn(usize) -> f64,
    weights: Option<&[f64]>,
    alpha: f64,
) -> f64 {
    let Some(weights) = weights else {
        let mut values: Vec<f64> = rows.iter().map(|&row| value(row as usize)).collect();
        if values.is_empty() {
            return 0.0;
        }
        let place = alpha * values.len() as f64;
        let at = (place.ceil() as usize).clamp(1, values.len()) - 1;
        let exact = place == place.floor() && at + 1 < values.len();
        let (_, found, above) = values.select_nth_unstable_by(at, f64::total_cmp);
        let found = *found;
        return if exact {
            middle(found, above.iter().copied().fold(f64::INFINITY, f64::min))
        } else {
            found
        };
    };
    let mut pairs: Vec<(f64, f64)> =
        rows.iter().map(|&row| (value(row as usize), weights[row as usize])).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let need = alpha * pairs.iter().map(|p| p.1).sum::<f64>();
    let mut sum = 0.0;
    for (at, &(value, weight)) in pairs.iter().enumerate() {
        sum += weight;
        if sum >= need {
            return match pairs.get(at + 1) {
                Some(next) if sum == need => middle(value, next.0),
                _ => value,
            };
        }
    }
    pairs.last().map_or(0.0, |p| p.0)
}

fn middle(a: f64, b: f64) -> f64 {
    a / 2.0 + b / 2.0
}

impl Context<'_> {
    /// The quantile of what is left to explain in these rows.
    pub(super) fn renewed(&self, renewal: Renewal<'_>, rows: &[u32]) -> f64 {
        let left = |row: usize| renewal.labels[row] - renewal.scores[row];
        quantile(rows, left, self.weights, renewal.alpha)
    }

    /// Bounds on renewed leaves that keep monotone features so: as while growing, but from the quantiles of the nodes.
    pub(super) fn renewed_bounds(
        &self,
        renewal: Renewal<'_>,
        grown: &Grown,
        index: &[u32],
    ) -> Vec<(f64, f64)> {
        let mut bounds = vec![(f64::NEG_INFINITY, f64::INFINITY); grown.leaves.len()];
        let Some(constraints) = self.constraints.filter(|c| c.is_monotone()) else { return bounds };
        // The rows under a node lie together, left before right; children come after their parents.
        let mut spans = vec![GrownLeaf { start: 0, len: 0 }; grown.nodes.len()];
        let of = |child: i32, spans: &[GrownLeaf]| {
            if child < 0 { grown.leaves[!child as usize] } else { spans[child as usize] }
        };
        for at in (0..grown.nodes.len()).rev() {
            let [left, right] = grown.nodes[at].children.map(|child| of(child, &spans));
            spans[at] = GrownLeaf { start: left.start, len: left.len + right.len };
        }
        let mut of_nodes = vec![(f64::NEG_INFINITY, f64::INFINITY); grown.nodes.len()];
        for (at, node) in grown.nodes.iter().enumerate() {
            let (low, high) = of_nodes[at];
            let mut sides = [(low, high); 2];
            if let Cut::Threshold { bin, .. } = node.cut
                && let known = self.features[node.feature].known
                && let Some(direction) = constraints.direction(node.feature, known, usize::from(bin))
            {
                let value = |child| {
                    let GrownLeaf { start, len } = of(child, &spans);
                    self.renewed(renewal, &index[start..start + len]).max(low).min(high)
                };
                let between = middle(value(node.children[0]), value(node.children[1]));
                let lower = usize::from(direction == Monotone::Decreasing);
                sides[lower].1 = between;
                sides[1 - lower].0 = between;
            }
            for (child, side) in node.children.into_iter().zip(sides) {
                if child < 0 {
                    bounds[!child as usize] = side;
                } else {
                    of_nodes[child as usize] = side;
                }
            }
        }
        bounds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_the_usual_ones_and_weights_are_repetitions() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0, 9.0];
        let of = |rows: &[u32], alpha| quantile(rows, |r| values[r], None, alpha);
        assert_eq!(of(&[0, 1, 2], 0.5), 4.0);
        assert_eq!(of(&[0, 1, 2, 3], 0.5), 3.0);
        assert_eq!(of(&[0, 1, 2, 3, 4, 5], 0.9), 9.0);
        assert_eq!(of(&[0, 1, 2, 3, 4, 5], 0.01), 1.0);
        assert_eq!(of(&[], 0.5), 0.0);
        let weights = [2.0, 1.0, 1.0, 3.0, 1.0, 1.0];
        let twice = [0, 0, 1, 2, 3, 3, 3, 4, 5];
        for at in 1..20 {
            let alpha = f64::from(at) / 20.0;
            let weighted = quantile(&[0, 1, 2, 3, 4, 5], |r| values[r], Some(&weights), alpha);
            assert_eq!(weighted, of(&twice, alpha), "{alpha}");
        }
    }
}
