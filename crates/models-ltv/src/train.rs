//! From an order log to a customer-value model.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use tenure_backends::glm::Link;
use tenure_backends::tune::{self, TuneOptions};
use tenure_backends::{Backend, Objective};
use tenure_core::{Dataset, Error, FitContext, Progress, Result as CoreResult, seed};
use tenure_eval::calibration::{Calibrator, Method};
use tenure_eval::splits::{self, Split};
use tenure_features::{FeatureSet, OrderFeatures, OrderLog, Timestamp};

use crate::decision::Segment;
use crate::error::Result;
use crate::evaluate::ValueFigures;
use crate::intervals::{Coverage, CoveredRow, Intervals};
use crate::model::{LtvModel, LtvSettings, SpendingCurve};
use crate::params::{Family, LtvParams};
use crate::parts::{self, Part, PartFit, Pieces};
use crate::rhythm::Rhythm;
use crate::table;
use crate::value_model::{Anchor, TwoParts, ValueModel};

/// Fewest rows (customers × snapshots) to learn from.
pub const LEAST_ROWS: usize = 100;

/// Rows up to which learners that draw at random are fitted three times and averaged.
const FEW_ROWS: usize = 50_000;

/// A fitted model and how its training went.
#[derive(Debug)]
pub struct Trained {
    /// The model.
    pub model: LtvModel,
    /// How it went.
    pub report: TrainReport,
}

/// How a training went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainReport {
    /// Name of the family.
    pub family: String,
    /// Customers × snapshots learned from.
    pub rows: usize,
    /// Different customers among them.
    pub customers: usize,
    /// Columns the learners saw.
    pub features: usize,
    /// Share of the rows with any spend.
    pub spending_rate: f64,
    /// Mean spend of a row.
    pub mean_spend: f64,
    /// The snapshots, oldest first.
    pub snapshots: Vec<SnapshotReport>,
    /// What held-out predictions were multiplied by so that their sum is that of the spends.
    pub bias_factor: f64,
    /// Figures out of fold, with whole customers held out.
    pub held_out: ValueFigures,
    /// How often intervals held the spend: those of one half of the customers, calibrated on the other half.
    pub coverage: Option<Coverage>,
    /// Predicted values from which the segment is medium, high and vip.
    pub segment_bounds: [f64; 3],
    /// Decisions taken on the way, in words.
    pub notes: Vec<String>,
}

/// One snapshot of the training set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotReport {
    /// Features are as of this instant.
    pub as_of: Timestamp,
    /// Customers in it.
    pub rows: usize,
    /// Share with any spend.
    pub spending_rate: f64,
    /// Mean spend.
    pub mean_spend: f64,
}

/// Trains on every order before `until` (the whole log without it).
///
/// # Errors
/// Where no snapshot fits in the log, fewer than [`LEAST_ROWS`] rows result, nobody spends anything, a spend does
/// not fit the family, a parameter is out of range, or the work is cancelled.
pub fn train(
    log: &OrderLog,
    params: &LtvParams,
    until: Option<Timestamp>,
    context: &FitContext<'_>,
) -> Result<Trained> {
    train_with(log, params, &params.features()?, until, context)
}

/// As [`train`], with features of one's own beside the built-in ones; [`evaluate_with`],
/// [`LtvModel::predict_all_with`] and [`LtvModel::predict_customer_with`] then need the same.
///
/// [`evaluate_with`]: crate::evaluate_with
///
/// # Errors
/// As [`train`].
pub fn train_with(
    log: &OrderLog,
    params: &LtvParams,
    features: &FeatureSet,
    until: Option<Timestamp>,
    context: &FitContext<'_>,
) -> Result<Trained> {
    params.check()?;
    let rows = table::training(log, features, params, until, context)?;
    let until = log.coverage_end(until).unwrap_or_default();
    fit_table(params, &rows.data, rows.rhythm, until, context)
}

/// Trains on a table that is there.
pub(crate) fn fit_table(
    params: &LtvParams,
    data: &Dataset,
    rhythm: Rhythm,
    until: Timestamp,
    context: &FitContext<'_>,
) -> Result<Trained> {
    if data.rows() < LEAST_ROWS {
        return Err(Error::NotEnoughRows { found: data.rows(), needed: LEAST_ROWS }.into());
    }
    let typical = data.medians();
    // A Tweedie loss is not one of ratios: its model is not anchored.
    let anchored = !matches!(params.family, Family::Gbdt { .. });
    let anchor = Anchor::of(data.schema(), &typical).filter(|_| anchored);
    let rows = parts::Rows::new(data, anchor)?;
    let spend = &rows.spend;
    let snapshots = snapshot_reports(data, spend);
    let splits = customer_splits(data, spend, params.folds, context.seed)?;
    let mut notes = Vec::new();
    let pieces = parts::fit(&params.family, &rows, &mut |part, backend, data| {
        let offsets = Offsets { part, family: &params.family, snapshots: &snapshots };
        tuned(part, backend, offsets.set(backend, data)?, &splits, context, &mut notes)
    })?;

    let labels: Vec<f64> = spend.iter().map(|y| f64::from(u8::from(*y > 0.0))).collect();
    let Held { calibrator, factor, parts } = Held::new(&pieces, spend, &labels)?;
    let values: Vec<f64> = parts.iter().map(|p| p.value()).collect();
    let bounds = bounds(&values, params);
    let curve = spending_curve(&params.family, &values, &labels)?;
    let any = pieces.any.map(|part| part.model);
    let value = ValueModel::new(any, pieces.size, rows.logged, rows.anchor, calibrator, factor)?;
    let settings = LtvSettings {
        params: params.clone(),
        features_version: OrderFeatures::VERSION,
        version: data.model_version("ltv", params, context.seed),
        until,
        snapshots: snapshots.iter().map(|s| s.as_of).collect(),
        rows: data.rows(),
        mean_spend: mean(spend),
        spending_rate: mean(&labels),
    };
    let intervals = Intervals { level: params.interval_level, ratios: Vec::new(), sizes: [1.0; 4] };
    let mut model = LtvModel { value, curve, intervals, bounds, typical, rhythm, settings };

    let predicted: Vec<_> = parts.iter().map(|p| model.predicted(*p)).collect();
    let of: Vec<TwoParts> = predicted.iter().map(|p| p.parts).collect();
    let segments: Vec<Segment> = predicted.iter().map(|p| p.segment).collect();
    model.intervals = Intervals::fit(params.interval_level, &of, &segments, spend)?;
    let groups = data.groups().unwrap_or_default();
    let coverage = cross_coverage(params.interval_level, &of, &segments, spend, groups, context.seed)?;
    if let Some(coverage) = &coverage {
        notes.extend(coverage.notes(|segment| zeros(&segments, spend, segment)));
    }
    let report = TrainReport {
        family: params.family.name().to_owned(),
        rows: data.rows(),
        customers: groups.iter().collect::<HashSet<_>>().len(),
        features: data.schema().len(),
        spending_rate: model.settings.spending_rate,
        mean_spend: model.settings.mean_spend,
        snapshots,
        bias_factor: factor,
        held_out: ValueFigures::new(spend, &values)?,
        coverage,
        segment_bounds: bounds,
        notes,
    };
    Ok(Trained { model, report })
}

/// A part tuned over the splits.
fn tuned(
    part: Part,
    backend: &Backend,
    data: Dataset,
    splits: &[Split],
    context: &FitContext<'_>,
    notes: &mut Vec<String>,
) -> CoreResult<PartFit> {
    let refits = if data.rows() <= FEW_ROWS { 3 } else { 1 };
    let options = TuneOptions { refits, ..TuneOptions::default() };
    let tuned = tune::fit(backend, &options, &data, splits, &context.part(part as u64))?;
    let name = match part {
        Part::Any => "probability of any spend",
        Part::Size => "size of a spend",
        Part::Spread => "spread of a spend",
    };
    // That a part learns from spenders alone is no news.
    let told = tuned.notes.iter().filter(|note| part == Part::Any || !note.contains("label"));
    notes.extend(told.map(|note| format!("{name}: {note}")));
    context.progress.report(Progress { stage: name, done: 1, total: Some(1), figure: None });
    let answers = tuned.out_of_fold.column(0).to_vec();
    Ok(PartFit { model: tuned.model, answers })
}

/// The level of each snapshot relative to the latest, as a term known beforehand: otherwise the season of a
/// snapshot leaks into features that correlate with calendar time.
struct Offsets<'a> {
    part: Part,
    family: &'a Family,
    snapshots: &'a [SnapshotReport],
}

impl Offsets<'_> {
    fn set(&self, backend: &Backend, data: &Dataset) -> CoreResult<Dataset> {
        let takes = backend.clone().check()?.capabilities().offsets;
        if !takes || self.snapshots.len() < 2 {
            return Ok(data.clone());
        }
        let log_link = adds_up_as(backend) == Some(Link::Log);
        let level: &dyn Fn(&SnapshotReport) -> Option<f64> = match (self.part, self.family) {
            (Part::Any, _) => &|s| {
                let spending = s.spending_rate * s.rows as f64;
                Some(((spending + 0.5) / (s.rows as f64 - spending + 0.5)).ln())
            },
            (Part::Size, Family::TwoPart { .. } | Family::Gamma { .. }) if log_link => {
                &|s| (s.spending_rate > 0.0).then(|| (s.mean_spend / s.spending_rate).ln())
            }
            (Part::Size, Family::Gbdt { .. }) if log_link => {
                &|s| (s.mean_spend > 0.0).then(|| s.mean_spend.ln())
            }
            _ => return Ok(data.clone()),
        };
        let latest = self.snapshots.last().and_then(level).unwrap_or(0.0);
        let of = |s: &SnapshotReport| level(s).map_or(0.0, |l| l - latest);
        let offsets = self.snapshots.iter().flat_map(|s| std::iter::repeat_n(of(s), s.rows));
        data.clone().with_offsets(offsets.take(data.rows()).collect())
    }
}

/// The scale on which a learner of amounts adds up, where that is known.
fn adds_up_as(backend: &Backend) -> Option<Link> {
    match backend {
        Backend::Glm(params) => Some(params.link()),
        Backend::Gbdt(params) => match params.objective {
            Some(Objective::Gamma | Objective::Poisson | Objective::Tweedie { .. }) => Some(Link::Log),
            _ => None,
        },
        Backend::Blend(blend) => {
            let mut links = blend.members.iter().map(|m| adds_up_as(&m.learner));
            let first = links.next()?;
            if links.all(|link| link == first) { first } else { None }
        }
        _ => None,
    }
}

/// What is learned from predictions for customers that a fit has not seen.
struct Held {
    calibrator: Calibrator,
    factor: f64,
    parts: Vec<TwoParts>,
}

impl Held {
    fn new(pieces: &Pieces, spend: &[f64], labels: &[f64]) -> Result<Self> {
        let (calibrator, any) = match &pieces.any {
            Some(part) => {
                let calibrator = Calibrator::fit(Method::Platt, &part.answers, labels, None)?;
                let any = calibrator.apply_all(&part.answers);
                (calibrator, any)
            }
            None => (Calibrator::identity(), vec![1.0; spend.len()]),
        };
        let predicted: f64 = any.iter().zip(&pieces.sizes).map(|(p, m)| p * m).sum();
        let factor = spend.iter().sum::<f64>() / predicted;
        if !(factor.is_finite() && factor > 0.0) {
            return Err(
                Error::Data(format!("held-out predictions sum to {predicted}: nothing was learned")).into()
            );
        }
        let both = any.iter().zip(&pieces.sizes);
        let parts = both.map(|(&any, size)| TwoParts { any, size: factor * size }).collect();
        Ok(Self { calibrator, factor, parts })
    }
}

/// Where one model gives the value, the probability of any spend is a rising function of it.
fn spending_curve(family: &Family, values: &[f64], labels: &[f64]) -> Result<Option<SpendingCurve>> {
    let one_model = matches!(family, Family::Gbdt { .. });
    if !one_model || labels.iter().all(|l| *l > 0.0) {
        return Ok(None);
    }
    let middle = quantile(values, 0.5).max(f64::MIN_POSITIVE);
    let places: Vec<f64> = values.iter().map(|v| SpendingCurve::place(*v, middle)).collect();
    let calibrator = Calibrator::fit(Method::Isotonic, &places, labels, None)?;
    Ok(Some(SpendingCurve { calibrator, middle }))
}

fn bounds(values: &[f64], params: &LtvParams) -> [f64; 3] {
    let s = params.segments;
    [s.medium, s.high, s.vip].map(|q| quantile(values, q))
}

/// The value below which about this share of the numbers lies.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    let at = ((share * sorted.len() as f64) as usize).min(sorted.len().saturating_sub(1));
    if sorted.is_empty() { 0.0 } else { *sorted.select_nth_unstable_by(at, f64::total_cmp).1 }
}

/// Intervals of each half of the customers, calibrated on the other half.
fn cross_coverage(
    level: f64,
    of: &[TwoParts],
    segments: &[Segment],
    spend: &[f64],
    groups: &[u64],
    training_seed: u64,
) -> Result<Option<Coverage>> {
    let half = |row: usize| seed::mix(training_seed, groups.get(row).copied().unwrap_or(row as u64)) & 1;
    let mut judged = Vec::with_capacity(of.len());
    for side in [0, 1] {
        let (learn, judge): (Vec<usize>, Vec<usize>) = (0..of.len()).partition(|&row| half(row) != side);
        if learn.is_empty() || judge.is_empty() {
            return Ok(None);
        }
        let take = |rows: &[usize]| -> (Vec<TwoParts>, Vec<Segment>, Vec<f64>) {
            (
                rows.iter().map(|&r| of[r]).collect(),
                rows.iter().map(|&r| segments[r]).collect(),
                rows.iter().map(|&r| spend[r]).collect(),
            )
        };
        let (a, b, c) = take(&learn);
        let intervals = Intervals::fit(level, &a, &b, &c)?;
        judged.extend(judge.into_iter().map(|row| {
            let (low, high) = intervals.range(of[row], segments[row]);
            CoveredRow { segment: segments[row], predicted: of[row].value(), actual: spend[row], low, high }
        }));
    }
    Ok(Coverage::new(level, &judged))
}

/// Share of a segment's rows without any spend.
pub(crate) fn zeros(segments: &[Segment], spend: &[f64], of: Segment) -> f64 {
    let rows = segments.iter().zip(spend).filter(|(s, _)| **s == of);
    let (n, none) =
        rows.fold((0.0, 0.0), |(n, none), (_, y)| (n + 1.0, none + f64::from(u8::from(*y <= 0.0))));
    if n > 0.0 { none / n } else { 0.0 }
}

fn snapshot_reports(data: &Dataset, spend: &[f64]) -> Vec<SnapshotReport> {
    let mut reports: Vec<SnapshotReport> = Vec::new();
    for (&time, &y) in data.times().unwrap_or_default().iter().zip(spend) {
        let as_of = Timestamp::from_seconds(time);
        if reports.last().is_none_or(|r| r.as_of != as_of) {
            reports.push(SnapshotReport { as_of, rows: 0, spending_rate: 0.0, mean_spend: 0.0 });
        }
        if let Some(report) = reports.last_mut() {
            report.rows += 1;
            report.spending_rate += f64::from(u8::from(y > 0.0));
            report.mean_spend += y;
        }
    }
    for report in &mut reports {
        report.spending_rate /= report.rows as f64;
        report.mean_spend /= report.rows as f64;
    }
    reports
}

/// Splits that keep all rows of a customer together, and spenders in about the same shares where they are enough.
pub(crate) fn customer_splits(
    data: &Dataset,
    spend: &[f64],
    folds: usize,
    training_seed: u64,
) -> Result<Vec<Split>> {
    let groups = data.groups().unwrap_or_default();
    let labels: Vec<f64> = spend.iter().map(|y| f64::from(u8::from(*y > 0.0))).collect();
    match splits::stratified_group_k_fold(&labels, groups, folds, training_seed) {
        Err(tenure_eval::Error::RareClass { .. }) => Ok(splits::group_k_fold(groups, folds, training_seed)?),
        made => Ok(made?),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
