//! One model's figures and curves on the rows judged.

use super::{BinaryEvaluation, ProfitAssumptions, ScoredModel};
use crate::Result;
use crate::check::Pairs;
use crate::metrics::{
    BinaryReport, Bins, GainsRow, ReliabilityBin, gains, precision_recall_curve, reliability_curve, roc_curve,
};
use crate::rank::Ranking;
use crate::report::model::{Point, Tone};
use crate::report::shared::Role;

/// No curve is drawn with more points than this.
pub(super) const CURVE_POINTS: usize = 200;

/// A model, ranked and measured.
pub(super) struct Judged<'a> {
    pub(super) model: &'a ScoredModel,
    pub(super) figures: BinaryReport,
    pub(super) deciles: Vec<GainsRow>,
    pub(super) reliability: Vec<ReliabilityBin>,
    pub(super) roc: Vec<Point>,
    pub(super) precision_recall: Vec<Point>,
    ranking: Ranking,
}

impl<'a> Judged<'a> {
    pub(super) fn new(evaluation: &'a BinaryEvaluation, model: &'a ScoredModel) -> Result<Self> {
        let (labels, p) = (&evaluation.labels[..], &model.probabilities[..]);
        let weights = evaluation.weights.as_deref();
        let roc = roc_curve(labels, p, weights)?;
        let roc = roc.iter().map(|r| Point::new(r.false_positive_rate, r.true_positive_rate)).collect();
        let ranking = Ranking::new(Pairs::probabilities(labels, p, weights)?);
        Ok(Self {
            model,
            figures: BinaryReport::new(labels, p, weights, evaluation.threshold)?,
            deciles: gains(labels, p, weights, labels.len().min(10))?,
            reliability: reliability_curve(labels, p, weights, Bins::default())?,
            roc: thinned(roc),
            precision_recall: thinned(drawn_precision_recall(labels, p, weights, &ranking)?),
            ranking,
        })
    }

    pub(super) fn tone(&self) -> Tone {
        self.model.role.into()
    }

    pub(super) fn is(&self, role: Role) -> bool {
        self.model.role == role
    }

    /// Weight of all rows.
    pub(super) fn total(&self) -> f64 {
        self.ranking.total()
    }

    /// Weight of the positives.
    pub(super) fn positives(&self) -> f64 {
        self.ranking.positives
    }

    /// Positives among the `weight` ranked highest.
    pub(super) fn found(&self, weight: f64) -> f64 {
        self.ranking.positives_among(weight)
    }

    /// Whether every row has the same score.
    pub(super) fn is_constant(&self) -> bool {
        self.ranking.steps.len() == 1
    }

    /// Share of the positives found by the share of rows looked at.
    pub(super) fn gains_curve(&self) -> Vec<Point> {
        let (total, positives) = (self.total(), self.positives());
        self.curve(|weight, found| Point::new(weight / total, found / positives))
    }

    /// Profit by the share of rows contacted.
    pub(super) fn profit_curve(&self, assumptions: &ProfitAssumptions) -> Vec<Point> {
        let total = self.total();
        self.curve(|weight, found| Point::new(weight / total, assumptions.profit(weight, found)))
    }

    /// The share of rows whose contacting brings the most, and the profit; (0, 0) where nobody is worth it.
    pub(super) fn best_profit(&self, assumptions: &ProfitAssumptions) -> Point {
        let nobody = Point::new(0.0, 0.0);
        self.ranking.steps.iter().fold(nobody, |best, step| {
            let profit = assumptions.profit(step.weight(), step.positives);
            if profit > best.y { Point::new(step.weight() / self.total(), profit) } else { best }
        })
    }

    fn curve(&self, point: impl Fn(f64, f64) -> Point) -> Vec<Point> {
        let steps = self.ranking.steps.iter().map(|step| point(step.weight(), step.positives));
        thinned(std::iter::once(point(0.0, 0.0)).chain(steps).collect())
    }
}

impl ProfitAssumptions {
    pub(super) fn profit(&self, contacted: f64, positives: f64) -> f64 {
        positives * self.success_rate * self.saved_value - contacted * self.contact_cost
    }
}

/// The curve without its first per cent of rows, where precision is that of a handful; begins at recall 0 with
/// the first precision that is left.
fn drawn_precision_recall(
    labels: &[f64],
    probabilities: &[f64],
    weights: Option<&[f64]>,
    ranking: &Ranking,
) -> Result<Vec<Point>> {
    let curve = precision_recall_curve(labels, probabilities, weights)?;
    let enough = 0.01 * ranking.total();
    let mut points: Vec<Point> = curve
        .iter()
        .zip(&ranking.steps)
        .filter(|(_, step)| step.weight() >= enough)
        .map(|(p, _)| Point::new(p.recall, p.precision))
        .collect();
    if let Some(first) = points.first().copied() {
        points.insert(0, Point::new(0.0, first.y));
    }
    Ok(points)
}

/// At most [`CURVE_POINTS`] of the points, evenly along the curve as it is drawn; the ends stay.
fn thinned(points: Vec<Point>) -> Vec<Point> {
    if points.len() <= CURVE_POINTS {
        return points;
    }
    let range = |of: fn(&Point) -> f64| {
        let (low, high) = points.iter().map(of).fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
        if high > low { high - low } else { 1.0 }
    };
    let (width, height) = (range(|p| p.x), range(|p| p.y));
    let length = |a: &Point, b: &Point| (b.x - a.x).abs() / width + (b.y - a.y).abs() / height;
    let total: f64 = points.windows(2).map(|pair| length(&pair[0], &pair[1])).sum();
    // Each point kept between the ends uses up a stride, so that they cannot be more than two fewer.
    let stride = total / (CURVE_POINTS - 2) as f64;
    let mut kept = vec![points[0]];
    let mut gone = 0.0;
    for pair in points.windows(2) {
        gone += length(&pair[0], &pair[1]);
        if gone >= stride * (1.0 + 1e-9) {
            kept.push(pair[1]);
            gone = 0.0;
        }
    }
    let last = points[points.len() - 1];
    if kept.last() != Some(&last) {
        kept.push(last);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_ends_shape_and_limit() {
        let points: Vec<Point> =
            (0..=50_000).map(|i| Point::new(f64::from(i) / 5e4, (f64::from(i) / 5e4).sqrt())).collect();
        let thin = thinned(points.clone());
        assert!(thin.len() <= CURVE_POINTS && thin.len() > CURVE_POINTS / 2, "{}", thin.len());
        assert_eq!((thin[0], thin[thin.len() - 1]), (points[0], points[50_000]));
        for pair in thin.windows(2) {
            let middle = 0.5 * (pair[0].x + pair[1].x);
            assert!((0.5 * (pair[0].y + pair[1].y) - middle.sqrt()).abs() < 0.01);
        }
    }

    #[test]
    fn profit_is_what_is_won_less_what_is_spent() {
        let labels = vec![1.0, 0.0, 1.0, 0.0];
        let model = ScoredModel { probabilities: vec![0.9, 0.8, 0.7, 0.1], ..ScoredModel::default() };
        let evaluation = BinaryEvaluation { labels, threshold: 0.5, ..BinaryEvaluation::default() };
        let judged = Judged::new(&evaluation, &model).unwrap();
        let assumptions = ProfitAssumptions {
            contact_cost: 2.0,
            saved_value: 10.0,
            success_rate: 0.5,
            currency: "€".into(),
        };
        let profits: Vec<f64> = judged.profit_curve(&assumptions).iter().map(|p| p.y).collect();
        assert_eq!(profits, [0.0, 3.0, 1.0, 4.0, 2.0]);
        assert_eq!(judged.best_profit(&assumptions), Point::new(0.75, 4.0));
    }
}
