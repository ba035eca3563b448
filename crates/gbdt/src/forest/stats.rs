//! Sums over rows, and what they are worth.
//!
//! A sum of `N` numbers holds the weight in front. For a number or two classes (`N` = 2) the sum of the labels
//! follows; for several classes (`N` > 2) the weight of each class, the last of which may be unused.

use super::Criterion;

/// Most classes.
pub(super) const MOST_CLASSES: usize = 255;

/// A row as a node sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Item {
    /// How many times it counts; above 0.
    pub weight: f64,
    /// The number, or the index of the class.
    pub label: f64,
}

pub(super) type Sum<const N: usize> = [f64; N];

#[inline(always)]
pub(super) fn add_item<const N: usize>(sum: &mut Sum<N>, item: Item) {
    sum[0] += item.weight;
    if N == 2 {
        sum[1] += item.weight * item.label;
    } else if let Some(class) = sum.get_mut(1 + item.label as usize) {
        *class += item.weight;
    }
}

#[inline(always)]
pub(super) fn add<const N: usize>(sum: &mut Sum<N>, other: &Sum<N>) {
    for (sum, other) in sum.iter_mut().zip(other) {
        *sum += other;
    }
}

#[inline(always)]
pub(super) fn minus<const N: usize>(sum: &Sum<N>, other: &Sum<N>) -> Sum<N> {
    std::array::from_fn(|k| sum[k] - other[k])
}

/// What a division of a node in two is to make large: the sum of both children's scores. Parent's score
/// subtracted, it is the weight of the node times the decrease of the criterion, halved for Gini on two classes.
#[inline(always)]
pub(super) fn score<const N: usize>(criterion: Criterion, sum: &Sum<N>) -> f64 {
    match criterion {
        Criterion::Gini | Criterion::SquaredError => {
            let squares: f64 = sum[1..].iter().map(|s| s * s).sum();
            squares / sum[0]
        }
        Criterion::Entropy => {
            let other = if N == 2 { x_ln_x(sum[0] - sum[1]) } else { 0.0 };
            sum[1..].iter().map(|&s| x_ln_x(s)).sum::<f64>() + other - x_ln_x(sum[0])
        }
    }
}

fn x_ln_x(x: f64) -> f64 {
    if x > 0.0 { x * x.ln() } else { 0.0 }
}

/// What scores are multiplied by to be in the unit of the criterion.
pub(super) fn unit<const N: usize>(criterion: Criterion) -> f64 {
    if N == 2 && criterion == Criterion::Gini { 2.0 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_classes_are_worth_the_same_either_way() {
        let labels = [0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0];
        let items = labels.iter().enumerate().map(|(i, &label)| Item { weight: 1.0 + i as f64, label });
        let (mut binary, mut classes) = ([0.0; 2], [0.0; 4]);
        for item in items {
            add_item(&mut binary, item);
            add_item(&mut classes, item);
        }
        assert_eq!((binary[0], binary[1]), (classes[0], classes[2]));
        let impurity = |weight: f64, score: f64, unit: f64, pure: f64| unit * (pure - score) / weight;
        let w = binary[0];
        let gini = [
            // Σ y² − S² / W is the squared error, half of Gini.
            impurity(w, score(Criterion::Gini, &binary), unit::<2>(Criterion::Gini), binary[1]),
            impurity(w, score(Criterion::Gini, &classes), unit::<4>(Criterion::Gini), w),
        ];
        let p = binary[1] / w;
        for gini in gini {
            assert!((gini - 2.0 * p * (1.0 - p)).abs() < 1e-12);
        }
        let expected = -p * p.ln() - (1.0 - p) * (1.0 - p).ln();
        for entropy in [score(Criterion::Entropy, &binary), score(Criterion::Entropy, &classes)] {
            assert!((-entropy / w - expected).abs() < 1e-12);
        }
    }
}
