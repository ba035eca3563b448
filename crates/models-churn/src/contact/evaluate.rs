//! Probabilities of silence against what came true, beside what they must beat.

use serde::{Deserialize, Serialize};
use tenure_core::{Dataset, Error, Model};
use tenure_eval::metrics::BinaryReport;

use super::model::ContactChurnModel;
use super::rules;
use crate::error::Result;
use crate::evaluate::OracleFigures;

/// The figures of an evaluation: what `--json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContactFigures {
    /// Rows judged.
    pub rows: usize,
    /// Those that churned.
    pub churned: usize,
    /// Version of the model.
    pub model_version: String,
    /// The model, calibrated, at its threshold.
    pub model: BinaryReport,
    /// What the model must beat.
    pub baselines: ContactBaselines,
    /// The best attainable, where the truth is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub oracle: Option<OracleFigures>,
    /// What a reader should know, in words.
    pub notes: Vec<String>,
}

/// Simple ways to the same answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContactBaselines {
    /// The hand-set [`rules`], where the table has the features that they read.
    pub rules: Option<BinaryReport>,
    /// A logistic regression on all features.
    pub logistic: BinaryReport,
}

/// An evaluation with everything a report draws.
#[derive(Debug, Clone)]
pub struct ContactEvaluation {
    /// The figures.
    pub figures: ContactFigures,
    /// Ids of the rows judged.
    pub ids: Vec<String>,
    /// 1 where the contact churned, else 0.
    pub labels: Vec<f64>,
    /// The features.
    pub x: ndarray::Array2<f64>,
    /// The model's calibrated probabilities.
    pub model: Vec<f64>,
    /// The rules' scores, where they apply.
    pub rules: Option<Vec<f64>>,
    /// The logistic baseline's probabilities.
    pub logistic: Vec<f64>,
    /// The true probabilities, where they are known.
    pub oracle: Option<Vec<f64>>,
}

/// Judges `model` on the rows of `data` whose first target is known; `ids` has one a row, and `truth` the true
/// probability of each, where the data are synthetic.
///
/// # Errors
/// [`Error::Columns`] where the features are not the model's, [`Error::Shape`] for lists of another length, and
/// what the metrics refuse: no known row at all, all churned or none.
pub fn evaluate(
    model: &ContactChurnModel,
    data: &Dataset,
    ids: &[String],
    truth: Option<&[f64]>,
) -> Result<ContactEvaluation> {
    let names: Vec<&str> = data.schema().names().collect();
    let places = model.schema().match_columns(&names)?;
    if places.iter().enumerate().any(|(feature, &place)| feature != place) {
        return Err(Error::Data("the features are those of the model, but in another order".into()).into());
    }
    for (what, found) in [("ids", ids.len()), ("true values", truth.map_or(data.rows(), <[f64]>::len))] {
        if found != data.rows() {
            return Err(Error::Shape { what, expected: data.rows(), found }.into());
        }
    }
    let labels = data.target()?.values();
    let known: Vec<usize> = (0..data.rows()).filter(|&row| !labels[row].is_nan()).collect();
    let of = |values: &[f64]| -> Vec<f64> { known.iter().map(|&row| values[row]).collect() };
    let (labels, oracle) = (of(labels), truth.map(of));
    let x = data.select(&known).x().to_owned();

    let predicted = model.predict(x.view())?.column(0).to_vec();
    let by_rules = |row: ndarray::ArrayView1<'_, f64>| rules::score(model.schema(), &row.to_vec());
    let rules =
        rules::apply_to(model.schema()).then(|| x.rows().into_iter().map(by_rules).collect::<Vec<_>>());
    let logistic = model.predict_logistic(x.view())?;
    let threshold = model.settings().threshold;
    let figures_of = |scores: &[f64]| BinaryReport::new(&labels, scores, None, threshold);
    let own = figures_of(&predicted)?;
    let oracle_figures = match &oracle {
        None => None,
        Some(probabilities) => {
            let figures = figures_of(probabilities)?;
            let share_of_auc_lift = (own.roc_auc - 0.5) / (figures.roc_auc - 0.5);
            Some(OracleFigures { figures, share_of_auc_lift })
        }
    };
    let drift = own.base_rate - model.settings().churn_rate;
    let notes = (drift.abs() > 0.1).then(|| {
        format!(
            "the churn rate is {:.1} % here and was {:.1} % in training: probabilities lag behind such shifts",
            100.0 * own.base_rate,
            100.0 * model.settings().churn_rate
        )
    });
    let figures = ContactFigures {
        rows: known.len(),
        churned: labels.iter().filter(|label| **label > 0.0).count(),
        model_version: model.settings().version.clone(),
        baselines: ContactBaselines {
            rules: rules.as_deref().map(figures_of).transpose()?,
            logistic: figures_of(&logistic)?,
        },
        oracle: oracle_figures,
        notes: notes.into_iter().collect(),
        model: own,
    };
    let ids = known.iter().map(|&row| ids[row].clone()).collect();
    Ok(ContactEvaluation { figures, ids, labels, x, model: predicted, rules, logistic, oracle })
}
