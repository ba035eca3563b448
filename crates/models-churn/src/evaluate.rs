//! Predictions as of an instant against what then happened, beside what they must beat.

use std::collections::HashMap;

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use tenure_core::{Error as CoreError, FitContext, Model};
use tenure_eval::metrics::BinaryReport;
use tenure_features::{Churned, FeatureSet, OrderLog, Timestamp, labelled_set};

use crate::error::Result;
use crate::model::ChurnModel;
use crate::rules;

/// The figures of an evaluation: what `--json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChurnFigures {
    /// Features are as of this instant.
    pub as_of: Timestamp,
    /// A customer without purchase from `as_of` to here has churned.
    pub window_end: Timestamp,
    /// Customers judged.
    pub customers: usize,
    /// Those who churned.
    pub churned: usize,
    /// Version of the model.
    pub model_version: String,
    /// The model, calibrated.
    pub model: BinaryReport,
    /// The same model before calibration.
    pub uncalibrated: BinaryReport,
    /// What the model must beat.
    pub baselines: Baselines,
    /// The best attainable, where the truth is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub oracle: Option<OracleFigures>,
    /// What a reader should know, in words.
    pub notes: Vec<String>,
}

/// Simple ways to the same answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baselines {
    /// The hand-set rules.
    pub rules: BinaryReport,
    /// A logistic regression on the days since the last order.
    pub recency: BinaryReport,
}

/// What knowing the generator gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OracleFigures {
    /// The oracle's own figures.
    pub figures: BinaryReport,
    /// The model's AUC above 0.5 as a share of the oracle's.
    pub share_of_auc_lift: f64,
}

/// An evaluation with everything a report draws.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The figures.
    pub figures: ChurnFigures,
    /// Ids of the customers judged.
    pub customers: Vec<String>,
    /// 1 where the customer churned, else 0.
    pub labels: Vec<f64>,
    /// The order features, one row a customer.
    pub x: ndarray::Array2<f64>,
    /// The model's calibrated probabilities.
    pub model: Vec<f64>,
    /// The rules' scores.
    pub rules: Vec<f64>,
    /// The recency baseline's probabilities.
    pub recency: Vec<f64>,
    /// The true probabilities, where they are known.
    pub oracle: Option<Vec<f64>>,
}

/// Judges `model` on the customers of `log` as of an instant whose label window the log covers.
///
/// `truth` holds true churn probabilities by customer id, where the data are synthetic.
///
/// # Errors
/// Where the window is not over in the log, no customer qualifies, all or none churned, or `truth` lacks a
/// customer.
pub fn evaluate(
    model: &ChurnModel,
    log: &OrderLog,
    as_of: Timestamp,
    truth: Option<&HashMap<String, f64>>,
    context: &FitContext<'_>,
) -> Result<Evaluation> {
    let features = model.settings().params.features()?;
    evaluate_with(model, log, &features, as_of, truth, context)
}

/// As [`evaluate`], for a model trained with features of one's own.
///
/// # Errors
/// As [`evaluate`]; [`CoreError::Columns`] where the features are not the model's.
pub fn evaluate_with(
    model: &ChurnModel,
    log: &OrderLog,
    features: &FeatureSet,
    as_of: Timestamp,
    truth: Option<&HashMap<String, f64>>,
    context: &FitContext<'_>,
) -> Result<Evaluation> {
    model.require_features(features)?;
    let params = &model.settings().params;
    let table = labelled_set(log, &params.plan(), as_of, None, features, &[&Churned], context)?;
    let data = table.data();
    let labels = data.target()?.values().to_vec();
    data.target()?.require_two_classes()?;
    let customers: Vec<String> = table.customer_ids().map(str::to_owned).collect();

    let calibrated = model.predict(data.x())?.column(0).to_vec();
    let uncalibrated = model.predict_uncalibrated(data.x())?;
    let recency = model.predict_recency(data.x())?;
    let rule_scores = rule_scores(model, data.x());
    let oracle = truth.map(|truth| look_up(truth, &customers)).transpose()?;

    let threshold = model.settings().threshold;
    let figures_of = |scores: &[f64]| BinaryReport::new(&labels, scores, None, threshold);
    let own = figures_of(&calibrated)?;
    let oracle_figures = match &oracle {
        None => None,
        Some(probabilities) => {
            let figures = figures_of(probabilities)?;
            let share_of_auc_lift = (own.roc_auc - 0.5) / (figures.roc_auc - 0.5);
            Some(OracleFigures { figures, share_of_auc_lift })
        }
    };
    let figures = ChurnFigures {
        as_of,
        window_end: as_of.plus_days(i64::from(params.prediction_days)),
        customers: labels.len(),
        churned: labels.iter().filter(|l| **l > 0.0).count(),
        model_version: model.settings().version.clone(),
        uncalibrated: figures_of(&uncalibrated)?,
        baselines: Baselines { rules: figures_of(&rule_scores)?, recency: figures_of(&recency)? },
        oracle: oracle_figures,
        notes: notes(model, as_of, &own),
        model: own,
    };
    let x = data.x().to_owned();
    Ok(Evaluation { figures, customers, labels, x, model: calibrated, rules: rule_scores, recency, oracle })
}

fn rule_scores(model: &ChurnModel, x: ArrayView2<'_, f64>) -> Vec<f64> {
    x.rows().into_iter().map(|row| rules::score(model.schema(), &row.to_vec())).collect()
}

fn look_up(truth: &HashMap<String, f64>, customers: &[String]) -> Result<Vec<f64>> {
    let known = |id: &String| {
        let absent = || CoreError::Data(format!("the truth does not know customer `{id}` at this date"));
        truth.get(id).copied().ok_or_else(absent)
    };
    Ok(customers.iter().map(known).collect::<std::result::Result<_, _>>()?)
}

fn notes(model: &ChurnModel, as_of: Timestamp, own: &BinaryReport) -> Vec<String> {
    let mut notes = Vec::new();
    let settings = model.settings();
    if as_of < settings.until {
        notes.push(format!(
            "the model was trained on orders up to {}: figures as of {as_of} are not those of new data",
            settings.until
        ));
    }
    if own.roc_auc > 0.90 {
        notes.push("an AUC this high on an order log is a leak until proved otherwise".into());
    }
    let drift = own.base_rate - settings.churn_rate;
    if drift.abs() > 0.1 {
        notes.push(format!(
            "the churn rate is {:.1} % here and was {:.1} % in training: probabilities lag behind such shifts",
            100.0 * own.base_rate,
            100.0 * settings.churn_rate
        ));
    }
    notes
}
