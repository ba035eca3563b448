//! From contacts of whom it is known whether they fell silent to a contact churn model.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use tenure_backends::LogisticParams;
use tenure_backends::calibrated::{self, CalibratedFit, CalibrationOptions};
use tenure_backends::tune::TuneOptions;
use tenure_core::{Dataset, Error, FitContext, Learner, TargetKind};
use tenure_eval::metrics::BinaryReport;
use tenure_eval::{splits, threshold};

use super::evaluate::{ContactFigures, evaluate};
use super::model::{ContactChurnModel, ContactSettings};
use super::params::ContactChurnParams;
use crate::error::Result;

/// Fewest rows (contacts × instants) to learn from.
pub const LEAST_ROWS: usize = 100;

/// Rows up to which boosted trees are fitted three times and averaged.
const FEW_ROWS: usize = 50_000;

/// A fitted model and how its training went.
#[derive(Debug)]
pub struct ContactTrained {
    /// The model, learned from all rows.
    pub model: ContactChurnModel,
    /// How it went.
    pub report: ContactTraining,
}

/// How a training went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContactTraining {
    /// Rows (contacts × instants) learned from.
    pub rows: usize,
    /// Rows whose outcome is not known, which were left out.
    pub unknown: usize,
    /// Different contacts among them, where the rows have groups.
    pub contacts: Option<usize>,
    /// Columns.
    pub features: usize,
    /// Share of the rows that churned.
    pub churn_rate: f64,
    /// Figures on contacts held out. They are those of a model that was fitted to the others, not of the one
    /// that is delivered, which has learned from all.
    pub held_out: ContactFigures,
    /// Out of fold, with whole contacts held out, calibrated. Calibration and threshold were learned on these
    /// rows.
    pub cross_validation: BinaryReport,
    /// Each row by the trees of a random forest that did not draw it, before calibration. Trees that did not draw
    /// a row may have drawn the same contact at another instant: with several instants this is the optimistic
    /// figure. `None` for other learners.
    pub out_of_bag: Option<BinaryReport>,
    /// Number of iterations (trees) chosen, for learners that iterate.
    pub iterations: Option<usize>,
    /// Probability from which a contact is at risk.
    pub threshold: f64,
    /// Decisions taken on the way, in words.
    pub notes: Vec<String>,
}

/// Trains on the rows of `data` whose first target is known: rows of
/// [`ContactRow`](tenure_features::contacts::ContactRow) or of any other table, 1 for who churned. Rows of one
/// group (contact) stay on one side of every split.
///
/// # Errors
/// [`Error::NotEnoughRows`] for fewer than [`LEAST_ROWS`] known rows, [`Error::OneClass`], [`Error::Unsupported`]
/// for a target that is not binary, the errors of splits for a class too rare to be in every fold, a parameter out
/// of range, or the work is cancelled.
pub fn train(
    data: &Dataset,
    params: &ContactChurnParams,
    context: &FitContext<'_>,
) -> Result<ContactTrained> {
    params.check()?;
    let labels = data.target()?.values();
    let known: Vec<usize> = (0..data.rows()).filter(|&row| !labels[row].is_nan()).collect();
    let unknown = data.rows() - known.len();
    let data = &data.select(&known);
    if data.rows() < LEAST_ROWS {
        return Err(Error::NotEnoughRows { found: data.rows(), needed: LEAST_ROWS }.into());
    }
    let target = data.target()?;
    if *target.kind() != TargetKind::Binary {
        return Err(Error::unsupported(
            "contact churn",
            format!("target `{}`: it needs two classes", target.name()),
        )
        .into());
    }
    target.require_two_classes()?;

    let split = splits::hold_out_of(data, params.test_share, context.seed)?;
    let judged = fit(&data.select(&split.train), params, &context.part(1))?.model;
    let ids: Vec<String> = split.test.iter().map(|row| format!("row {row}")).collect();
    let held_out = evaluate(&judged, &data.select(&split.test), &ids, None)?.figures;

    let fitted = fit(data, params, &context.part(2))?;
    let settings = fitted.model.settings();
    let report = ContactTraining {
        rows: data.rows(),
        unknown,
        contacts: data.groups().map(|groups| groups.iter().collect::<HashSet<_>>().len()),
        features: data.schema().len(),
        churn_rate: settings.churn_rate,
        held_out,
        cross_validation: BinaryReport::new(
            target.values(),
            &fitted.probabilities,
            None,
            settings.threshold,
        )?,
        out_of_bag: fitted.out_of_bag.map(|votes| out_of_bag(target.values(), &votes)).transpose()?,
        iterations: fitted.iterations,
        threshold: settings.threshold,
        notes: fitted.notes,
    };
    Ok(ContactTrained { model: fitted.model, report })
}

/// What a fit leaves beside its model.
struct Fit {
    model: ContactChurnModel,
    /// Calibrated, out of fold.
    probabilities: Vec<f64>,
    out_of_bag: Option<Vec<f64>>,
    iterations: Option<usize>,
    notes: Vec<String>,
}

fn fit(data: &Dataset, params: &ContactChurnParams, context: &FitContext<'_>) -> Result<Fit> {
    let (target, labels) = (data.target()?, data.target()?.values());
    let folds = splits::k_fold_of(data, params.folds, context.seed)?;
    let options = CalibrationOptions {
        tune: TuneOptions { refits: if data.rows() <= FEW_ROWS { 3 } else { 1 }, ..TuneOptions::default() },
        level: params.interval_level,
        one_row_a_group: true,
        ..CalibrationOptions::default()
    };
    let CalibratedFit { model, calibrated, out_of_bag, iterations, notes, .. } =
        calibrated::fit(&params.backend, &options, data, &folds, context)?;
    let settings = ContactSettings {
        params: params.clone(),
        target: target.name().to_owned(),
        threshold: threshold::best_f1(labels, &calibrated, None)?.threshold,
        version: data.model_version(ContactChurnModel::KIND, params, context.seed),
        rows: data.rows(),
        churn_rate: labels.iter().sum::<f64>() / data.rows() as f64,
    };
    let silent = FitContext { progress: &(), ..context.clone() };
    let logistic = LogisticParams::default().check()?.fit(data, None, &silent)?.model;
    let model = ContactChurnModel::new(model, logistic, data.medians(), settings)?;
    Ok(Fit { model, probabilities: calibrated, out_of_bag, iterations, notes })
}

/// Figures of the rows that some tree did not draw.
fn out_of_bag(labels: &[f64], votes: &[f64]) -> Result<BinaryReport> {
    let (labels, votes): (Vec<f64>, Vec<f64>) =
        labels.iter().zip(votes).filter(|(_, vote)| !vote.is_nan()).unzip();
    Ok(BinaryReport::new(&labels, &votes, None, threshold::best_f1(&labels, &votes, None)?.threshold)?)
}
