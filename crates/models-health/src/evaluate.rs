//! Predictions against what came true, beside what they must beat.

use std::collections::BTreeMap;

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};
use tenure_core::{Error as CoreError, Model};
use tenure_features::marketplace::{MarketplaceTable, Segment};

use crate::benchmark::{Benchmark, benchmarks};
use crate::error::Result;
use crate::figures::{TaskFigures, TaskMap, task_figures};
use crate::model::HealthModel;

/// How far below knowing nothing chance may bring even the truth.
const LUCK: f64 = 0.05;

/// The figures of an evaluation: what `--json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HealthFigures {
    /// Customers judged.
    pub rows: usize,
    /// Version of the model.
    pub model_version: String,
    /// Names of the tasks, in the order of heads.
    pub tasks: Vec<String>,
    /// The model, by task; tasks without any known label are left out.
    pub metrics: TaskMap,
    /// What the model must beat.
    pub baselines: Baselines,
    /// The model by segment of customers, where segments are known.
    pub segments: BTreeMap<String, SegmentFigures>,
    /// The best attainable, where the truth is known: see [`evaluate`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub oracle: Option<TaskMap>,
    /// How much of the oracle's lift the model reaches, by task: of the AUC above one half, of the variance explained.
    pub share_of_attainable: BTreeMap<String, f64>,
    /// The guide's expectations beside the model and the oracle.
    pub benchmarks: Vec<Benchmark>,
    /// Labels that are not known, by target: they are not judged. Targets with none are not named.
    pub masked_labels: BTreeMap<String, usize>,
    /// What a reader should know, in words.
    pub notes: Vec<String>,
}

/// Simple ways to the same answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baselines {
    /// The training customers' mean, or the share of them to whom the event happened, for everybody.
    pub mean: TaskMap,
    /// A logistic or linear regression on all features, one a target; tasks for which one could not be fitted are left
    /// out.
    pub linear: TaskMap,
}

/// How good predictions are within one segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentFigures {
    /// Customers of the segment.
    pub rows: usize,
    /// By task.
    pub metrics: TaskMap,
}

/// What is true of customers, where data are synthetic: both are rows × outputs of the model.
#[derive(Debug, Clone, PartialEq)]
pub struct TrueValues {
    /// The probability of an event, the expected value of a number.
    pub expected: Array2<f64>,
    /// The same with the median of a number in its place, where it is known: the median has the least mean absolute
    /// error, the expected value the least squared one.
    pub medians: Array2<f64>,
}

/// An evaluation with everything a report draws. Predictions are rows × outputs of the model.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The figures.
    pub figures: HealthFigures,
    /// The customers judged.
    pub table: MarketplaceTable,
    /// The model's predictions.
    pub model: Array2<f64>,
    /// The means of the training labels.
    pub mean: Array2<f64>,
    /// The linear models' predictions; NaN in the columns of outputs that have none.
    pub linear: Array2<f64>,
    /// The true probabilities and expected values, where they are known.
    pub oracle: Option<Array2<f64>>,
}

/// Judges `model` on the customers of `table`, beside the best attainable where the truth is known: its mean absolute
/// errors are those of the medians, all its other figures those of the probabilities and expected values.
///
/// # Errors
/// [`CoreError::Columns`] where the features are not the model's, [`CoreError::NoTarget`] for a target that the table
/// lacks, [`CoreError::Shape`] for a truth of another size, [`CoreError::Data`] where no label is known at all.
pub fn evaluate(
    model: &HealthModel,
    table: &MarketplaceTable,
    truth: Option<&TrueValues>,
) -> Result<Evaluation> {
    let data = &table.data;
    check_columns(model, table)?;
    let (tasks, outputs) = (model.tasks(), model.outputs());
    let predicted = model.predict(data.x())?;
    let means = &model.settings().means;
    let mean = Array2::from_shape_fn(predicted.dim(), |(_, output)| means[output]);
    let linear = model.predict_linear(data.x())?;
    let figures_of = |predicted: ArrayView2<'_, f64>| task_figures(&tasks, outputs, data, predicted);

    let metrics = figures_of(predicted.view())?;
    if metrics.is_empty() {
        return Err(
            CoreError::Data("no label of any task is known: there is nothing to judge by".into()).into()
        );
    }
    let with_linear: Vec<_> = tasks
        .iter()
        .filter(|task| task.outputs.iter().all(|&at| !linear.column(at).iter().any(|v| v.is_nan())))
        .cloned()
        .collect();
    let oracle = truth.map(|truth| {
        let (mut best, medians) = (figures_of(truth.expected.view())?, figures_of(truth.medians.view())?);
        for (task, figures) in &mut best {
            if let (TaskFigures::Number(best), Some(TaskFigures::Number(median))) =
                (figures, medians.get(task))
            {
                best.mae = median.mae;
            }
        }
        Ok::<_, crate::Error>(best)
    });
    let oracle = oracle.transpose()?;
    // Nobody who knows the truth does worse than somebody who knows nothing.
    if let Some(lost) = oracle.iter().flatten().find(|(_, best)| best.lift().is_some_and(|lift| lift < -LUCK))
    {
        let words = format!(
            "the true values of {} foretell it worse than its mean: they are of other customers",
            lost.0
        );
        return Err(CoreError::Data(words).into());
    }
    let share = |(task, figures): (&String, &TaskFigures)| {
        let best = oracle.as_ref()?.get(task)?.lift().filter(|best| *best > 0.0)?;
        Some((task.clone(), figures.lift()? / best))
    };
    let masked = outputs.iter().map(|output| {
        let labels = data.target_named(&output.target)?.values();
        Ok((output.target.clone(), labels.iter().filter(|label| label.is_nan()).count()))
    });
    let masked: BTreeMap<String, usize> = masked.collect::<Result<_>>()?;
    let figures = HealthFigures {
        rows: data.rows(),
        model_version: model.settings().version.clone(),
        tasks: tasks.iter().map(|task| task.name.clone()).collect(),
        baselines: Baselines {
            mean: figures_of(mean.view())?,
            linear: task_figures(&with_linear, outputs, data, linear.view())?,
        },
        segments: segments(model, table, &predicted)?,
        share_of_attainable: metrics.iter().filter_map(share).collect(),
        benchmarks: benchmarks(&metrics, oracle.as_ref()),
        masked_labels: masked.into_iter().filter(|(_, count)| *count > 0).collect(),
        notes: notes(&metrics),
        oracle,
        metrics,
    };
    let oracle = truth.map(|truth| truth.expected.clone());
    Ok(Evaluation { figures, table: table.clone(), model: predicted, mean, linear, oracle })
}

fn check_columns(model: &HealthModel, table: &MarketplaceTable) -> Result<()> {
    let names: Vec<&str> = table.data.schema().names().collect();
    let places = model.schema().match_columns(&names)?;
    if places.iter().enumerate().any(|(feature, &place)| feature != place) {
        return Err(
            CoreError::Data("the features are those of the model, but in another order".into()).into()
        );
    }
    Ok(())
}

fn segments(
    model: &HealthModel,
    table: &MarketplaceTable,
    predicted: &Array2<f64>,
) -> Result<BTreeMap<String, SegmentFigures>> {
    let mut figures = BTreeMap::new();
    for &segment in Segment::ALL {
        let rows: Vec<usize> =
            (0..table.segments.len()).filter(|&row| table.segments[row] == Some(segment)).collect();
        if !rows.is_empty() {
            let predicted = predicted.select(ndarray::Axis(0), &rows);
            let data = table.data.select(&rows);
            let metrics = task_figures(&model.tasks(), model.outputs(), &data, predicted.view())?;
            figures.insert(segment.to_string(), SegmentFigures { rows: rows.len(), metrics });
        }
    }
    Ok(figures)
}

fn notes(metrics: &TaskMap) -> Vec<String> {
    let useless = metrics.iter().filter(|(_, figures)| figures.lift().is_some_and(|lift| lift <= 0.0));
    let known = useless.map(|(task, _)| format!("`{task}`: no better than the same answer for everybody"));
    known.collect()
}
