//! Scores against what came true, beside what they must beat.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use tenure_core::{Dataset, Error as CoreError, Model};
use tenure_eval::metrics::{self, BinaryReport, RegressionReport};

use crate::decision::Tier;
use crate::error::Result;
use crate::model::LeadModel;
use crate::params::{Goal, TierBounds};
use crate::rules;
use crate::train::goal_of;

/// An area under the ROC curve above which a feature most likely knows the outcome.
const SUSPICIOUS_AUC: f64 = 0.95;

/// How good predictions are, by what was predicted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "goal")]
pub enum Figures {
    /// Of scores of 0 to 100.
    Score(ScoreFigures),
    /// Of probabilities; what is warm or hot counts as positive where a decision is needed.
    Conversion(BinaryReport),
}

/// How good predicted scores are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreFigures {
    /// Spearman's rank correlation; `None` where all predictions or all scores are equal.
    pub spearman: Option<f64>,
    /// Errors and explained variance, in points.
    #[serde(flatten)]
    pub regression: RegressionReport,
}

impl Figures {
    pub(crate) fn new(goal: Goal, actual: &[f64], predicted: &[f64], bounds: TierBounds) -> Result<Self> {
        Ok(match goal {
            Goal::Conversion => {
                Self::Conversion(BinaryReport::new(actual, predicted, None, bounds.warm / 100.0)?)
            }
            Goal::Score => {
                let spearman = match metrics::spearman(actual, predicted, None) {
                    Ok(value) => Some(value),
                    Err(tenure_eval::Error::Undefined { .. }) => None,
                    Err(error) => return Err(error.into()),
                };
                Self::Score(ScoreFigures {
                    spearman,
                    regression: RegressionReport::new(actual, predicted, None)?,
                })
            }
        })
    }

    /// What the oracle's share is taken of: explained variance of scores, area above chance of conversions.
    fn lift(&self) -> f64 {
        match self {
            Self::Score(figures) => figures.regression.r2.unwrap_or(f64::NAN),
            Self::Conversion(figures) => figures.roc_auc - 0.5,
        }
    }
}

/// The figures of an evaluation: what `--json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeadFigures {
    /// Leads judged.
    pub rows: usize,
    /// Version of the model.
    pub model_version: String,
    /// The model.
    pub model: Figures,
    /// What the model must beat.
    pub baselines: Baselines,
    /// How often the ranges held; not known of conversions, where a range is one of rates among similar leads,
    /// which no single outcome shows.
    pub coverage: Option<Coverage>,
    /// The tiers, the best first; those without a lead are left out.
    pub tiers: Vec<TierFigures>,
    /// The best attainable, where the truth is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub oracle: Option<OracleFigures>,
    /// What a reader should know, in words.
    pub notes: Vec<String>,
}

/// Simple ways to the same answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baselines {
    /// The mean of the training leads for everybody.
    pub mean: Figures,
    /// The hand-set [`rules`], where the table has the features that they read.
    pub rules: Option<Figures>,
    /// A linear or logistic regression on all features; `None` where it could not be fitted.
    pub linear: Option<Figures>,
}

/// How ranges fared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Share of the ranges that should hold the truth.
    pub level: f64,
    /// Share that did.
    pub share: f64,
    /// Mean width, in points.
    pub mean_width: f64,
}

/// One tier, and what became of its leads.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TierFigures {
    /// Which.
    pub tier: Tier,
    /// Leads in it.
    pub leads: usize,
    /// Mean of their scores, 0 to 100.
    pub mean_score: f64,
    /// Mean of the scores that they were given, or 100 × the share that converted.
    pub mean_actual: f64,
    /// Mean of the stated confidence.
    pub mean_confidence: f64,
    /// Share of the leads whose given score is in the tier: what the confidence should be. Not known of
    /// conversions.
    pub share_right: Option<f64>,
}

/// What knowing the generator gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OracleFigures {
    /// The oracle's own figures.
    pub figures: Figures,
    /// Of scores the model's R² as a share of the oracle's, of conversions its AUC above 0.5.
    pub share_of_attainable: f64,
}

/// An evaluation with everything a report draws. Predictions are on the scale of the model's output.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The figures.
    pub figures: LeadFigures,
    /// Ids of the leads judged.
    pub ids: Vec<String>,
    /// What came true, one number a lead.
    pub actual: Vec<f64>,
    /// The features.
    pub x: ndarray::Array2<f64>,
    /// The model's predictions.
    pub model: Vec<f64>,
    /// The mean of the training leads.
    pub mean: Vec<f64>,
    /// The rules' predictions, where they apply.
    pub rules: Option<Vec<f64>>,
    /// The linear model's predictions, where there is one.
    pub linear: Option<Vec<f64>>,
    /// The true expected scores or probabilities, where they are known.
    pub oracle: Option<Vec<f64>>,
}

/// Judges `model` on the leads of `data` whose first target is known; `ids` has one a row.
///
/// `truth` has the expected score (0 to 100) or the probability of converting of each row, where the data are
/// synthetic.
///
/// # Errors
/// [`CoreError::Columns`] where the features are not the model's, [`CoreError::Unsupported`] for a target of
/// another kind than the model learned, [`CoreError::Shape`] for lists of another length, and what the metrics
/// refuse: no known lead at all, all converted or none.
pub fn evaluate(
    model: &LeadModel,
    data: &Dataset,
    ids: &[String],
    truth: Option<&[f64]>,
) -> Result<Evaluation> {
    check(model, data, ids, truth)?;
    let goal = model.settings().goal;
    let labels = data.target()?.values();
    let known: Vec<usize> = (0..data.rows()).filter(|&row| !labels[row].is_nan()).collect();
    let of = |values: &[f64]| -> Vec<f64> { known.iter().map(|&row| values[row]).collect() };
    let (actual, oracle) = (of(labels), truth.map(of));
    let data = data.select(&known);
    let x = data.x();

    let predicted = model.predict(x)?.column(0).to_vec();
    let mean = vec![model.settings().mean; known.len()];
    let rules = rules::apply_to(model.schema()).then(|| rule_predictions(model, x));
    let linear = model.predict_linear(x)?;
    let bounds = model.settings().bounds;
    let figures_of = |predicted: &[f64]| Figures::new(goal, &actual, predicted, bounds);
    let own = figures_of(&predicted)?;
    let oracle_figures = oracle.as_deref().map(|truth| -> Result<OracleFigures> {
        let figures = figures_of(truth)?;
        let share_of_attainable = own.lift() / figures.lift();
        Ok(OracleFigures { figures, share_of_attainable })
    });
    let figures = LeadFigures {
        rows: known.len(),
        model_version: model.settings().version.clone(),
        baselines: Baselines {
            mean: figures_of(&mean)?,
            rules: rules.as_deref().map(figures_of).transpose()?,
            linear: linear.as_deref().map(figures_of).transpose()?,
        },
        coverage: coverage(model, &predicted, &actual),
        tiers: tier_figures(model, x, &actual)?,
        oracle: oracle_figures.transpose()?,
        notes: notes(&own),
        model: own,
    };
    let ids = known.iter().map(|&row| ids[row].clone()).collect();
    let x = x.to_owned();
    Ok(Evaluation { figures, ids, actual, x, model: predicted, mean, rules, linear, oracle })
}

fn check(model: &LeadModel, data: &Dataset, ids: &[String], truth: Option<&[f64]>) -> Result<()> {
    let names: Vec<&str> = data.schema().names().collect();
    let places = model.schema().match_columns(&names)?;
    if places.iter().enumerate().any(|(feature, &place)| feature != place) {
        return Err(
            CoreError::Data("the features are those of the model, but in another order".into()).into()
        );
    }
    for (what, found) in [("ids", ids.len()), ("true values", truth.map_or(data.rows(), <[f64]>::len))] {
        if found != data.rows() {
            return Err(CoreError::Shape { what, expected: data.rows(), found }.into());
        }
    }
    if goal_of(data)? == model.settings().goal {
        return Ok(());
    }
    let learned = match model.settings().goal {
        Goal::Score => "a target of two classes: it learned scores",
        Goal::Conversion => "a target of numbers: it learned whether leads convert",
    };
    Err(CoreError::unsupported("the model", learned).into())
}

fn rule_predictions(model: &LeadModel, x: ArrayView2<'_, f64>) -> Vec<f64> {
    let goal = model.settings().goal;
    x.rows().into_iter().map(|row| rules::prediction(goal, model.schema(), &row.to_vec())).collect()
}

fn coverage(model: &LeadModel, scores: &[f64], actual: &[f64]) -> Option<Coverage> {
    if model.settings().goal == Goal::Conversion {
        return None;
    }
    let ranges: Vec<_> = scores.iter().map(|&score| model.interval(score)).collect();
    let held = ranges.iter().zip(actual).filter(|(range, y)| (range.low..=range.high).contains(*y)).count();
    let n = ranges.len() as f64;
    let mean_width = ranges.iter().map(|range| range.high - range.low).sum::<f64>() / n;
    Some(Coverage { level: ranges.first()?.level, share: held as f64 / n, mean_width })
}

fn tier_figures(model: &LeadModel, x: ArrayView2<'_, f64>, actual: &[f64]) -> Result<Vec<TierFigures>> {
    let bounds = model.settings().bounds;
    let goal = model.settings().goal;
    let scores = model.scores(x)?;
    let tier = |tier: Tier| {
        let rows: Vec<usize> = (0..scores.len()).filter(|&row| bounds.tier(scores[row]) == tier).collect();
        let mean =
            |of: &dyn Fn(usize) -> f64| rows.iter().map(|&row| of(row)).sum::<f64>() / rows.len() as f64;
        let scale = if goal == Goal::Conversion { 100.0 } else { 1.0 };
        (!rows.is_empty()).then(|| TierFigures {
            tier,
            leads: rows.len(),
            mean_score: mean(&|row| scores[row]),
            mean_actual: scale * mean(&|row| actual[row]),
            mean_confidence: mean(&|row| model.confidence(scores[row], tier)),
            share_right: (goal == Goal::Score)
                .then(|| mean(&|row| f64::from(u8::from(bounds.tier(actual[row]) == tier)))),
        })
    };
    Ok(Tier::ALL.into_iter().filter_map(tier).collect())
}

fn notes(own: &Figures) -> Vec<String> {
    let mut notes = Vec::new();
    match own {
        Figures::Conversion(figures) if figures.roc_auc > SUSPICIOUS_AUC => notes.push(format!(
            "an AUC above {SUSPICIOUS_AUC} on leads is a leak until proved otherwise: is a feature filled in after \
             the contact?"
        )),
        Figures::Score(figures) if figures.spearman.is_none() => {
            notes.push("all leads have the same score: there is no order".into());
        }
        _ => {}
    }
    notes
}
