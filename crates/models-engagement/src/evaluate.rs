//! Predictions against what then happened, beside what they must beat.

use serde::{Deserialize, Serialize};
use tenure_core::{Dataset, Error as CoreError, Model};
use tenure_eval::metrics::BinaryReport;

use crate::error::Result;
use crate::model::EngagementModel;

/// The figures of an evaluation: what `--json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngagementFigures {
    /// Messages judged.
    pub messages: usize,
    /// Those that were engaged with.
    pub engaged: usize,
    /// Version of the model.
    pub model_version: String,
    /// The model, calibrated.
    pub model: BinaryReport,
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
    /// Everyone's rate of engagement in training, for every message.
    pub overall_rate: BinaryReport,
    /// The recipient's own rate so far, with one message more at everyone's rate; `None` for a table without a
    /// past.
    pub own_rate: Option<BinaryReport>,
}

/// What knowing the truth gives.
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
    pub figures: EngagementFigures,
    /// 1 where the message was engaged with, else 0.
    pub labels: Vec<f64>,
    /// The messages, one a row.
    pub x: ndarray::Array2<f64>,
    /// The model's probabilities.
    pub model: Vec<f64>,
    /// The recipients' own rates.
    pub own_rate: Option<Vec<f64>>,
    /// The true probabilities, where they are known.
    pub oracle: Option<Vec<f64>>,
}

/// Judges `model` on messages with a binary first target; `oracle` has the true probability of each row, where
/// they are known.
///
/// # Errors
/// Columns that are not the model's, an outcome that is not known, one class, another number of true probabilities
/// than rows.
pub fn evaluate(model: &EngagementModel, data: &Dataset, oracle: Option<&[f64]>) -> Result<Evaluation> {
    if data.schema() != model.schema() {
        let names: Vec<&str> = data.schema().names().collect();
        model.schema().match_columns(&names)?;
        return Err(
            CoreError::Data("the columns are those of the model in another order or kind".into()).into()
        );
    }
    let target = data.target()?;
    target.require_two_classes()?;
    let labels = target.values().to_vec();
    let probabilities = model.predict(data.x())?.column(0).to_vec();
    let own_rate = model.own_rates(data.x());
    let settings = model.settings();
    let figures_of = |scores: &[f64]| BinaryReport::new(&labels, scores, None, settings.threshold);
    let own = figures_of(&probabilities)?;
    let oracle_figures = match oracle {
        None => None,
        Some(truth) => {
            let figures = figures_of(truth)?;
            let share_of_auc_lift = (own.roc_auc - 0.5) / (figures.roc_auc - 0.5);
            Some(OracleFigures { figures, share_of_auc_lift })
        }
    };
    let figures = EngagementFigures {
        messages: labels.len(),
        engaged: labels.iter().filter(|l| **l > 0.0).count(),
        model_version: settings.version.clone(),
        baselines: Baselines {
            overall_rate: figures_of(&vec![settings.engagement_rate; labels.len()])?,
            own_rate: own_rate.as_deref().map(figures_of).transpose()?,
        },
        oracle: oracle_figures,
        notes: notes(model, &own),
        model: own,
    };
    let (x, oracle) = (data.x().to_owned(), oracle.map(<[f64]>::to_vec));
    Ok(Evaluation { figures, labels, x, model: probabilities, own_rate, oracle })
}

fn notes(model: &EngagementModel, own: &BinaryReport) -> Vec<String> {
    let trained = model.settings().engagement_rate;
    let mut notes = Vec::new();
    if (own.base_rate - trained).abs() > 0.1 {
        notes.push(format!(
            "{:.1} % of these messages were engaged with, and {:.1} % in training: probabilities lag behind such shifts",
            100.0 * own.base_rate,
            100.0 * trained
        ));
    }
    notes
}
