//! XGBoost 1.6 (Chen and Guestrin, *XGBoost: a scalable tree boosting system*, 2016), built from its sources by
//! `xgboost-rs-sys`.
//!
//! Learns binary targets, several classes and numbers, by histograms. Missing values are learned from, categories
//! are split on as such, weights and offsets are honoured, and answers are explained by XGBoost's own SHAP values.
//! XGBoost computes in 32 bits; the baseline, the link and the labels of a numeric target, which are taken relative
//! to the baseline, are in 64.
//!
//! Training runs on one thread: XGBoost adds up gradients thread by thread, and another number of threads would
//! give another model.
//!
//! Part `model.json` of an artifact is XGBoost's JSON, which any later XGBoost reads; its raw scores are relative to
//! `baseline` of the configuration.

mod model;
mod params;
mod sys;

use tenure_core::{
    Capabilities, Dataset, Error, FeatureKind, FitContext, Fitted, Learner, MissingPolicy, Result, Schema,
    TargetKind,
};

pub use model::XgBoostModel;
pub use params::XgBoostParams;

use crate::outside::rounds::Rounds;
use crate::outside::{Rows, Task, known_values};

/// Name of the backend, in errors too.
const NAME: &str = "xgboost";

const CAPABILITIES: Capabilities = Capabilities::new(MissingPolicy::Learned)
    .with_weights()
    .with_offsets()
    .with_categories()
    .with_explanations();

/// XGBoost with checked parameters.
#[derive(Debug, Clone)]
pub struct XgBoost {
    params: XgBoostParams,
}

impl XgBoost {
    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &XgBoostParams {
        &self.params
    }
}

impl Learner for XgBoost {
    fn name(&self) -> &str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn fit(&self, train: &Dataset, valid: Option<&Dataset>, context: &FitContext<'_>) -> Result<Fitted> {
        let params = &self.params;
        let target = train.target()?;
        let task = Task::of(NAME, target)?;
        if !params.monotone.is_empty() && matches!(target.kind(), TargetKind::Class { .. }) {
            return Err(Error::unsupported(NAME, "monotone constraints for several classes"));
        }
        if let Some(valid) = valid {
            valid.require_columns_of(train)?;
        }
        let train = Rows::to_train(NAME, CAPABILITIES, train, task)?;
        let valid = valid.map(|valid| Rows::of(NAME, CAPABILITIES, valid)).transpose()?;
        let valid = valid.filter(|valid| valid.len() > 0);

        let schema = train.data().schema().clone();
        let baseline = task.baseline(&train);
        let data = matrix(&train, task, &baseline)?;
        let against = valid.as_ref().map(|valid| matrix(valid, task, &baseline)).transpose()?;
        let translated = params.translated(schema.features(), task, context.seed)?;
        let mut trainer = sys::Trainer::new(&data, against.as_ref(), &translated)?;
        let loss = |trainer: &sys::Trainer<'_>, matrix: &sys::Matrix, rows: &Rows<'_>| -> Result<f64> {
            // A numeric label is relative to the baseline.
            let centre = if task == Task::Real { baseline[0] } else { 0.0 };
            let mut outputs: Vec<f64> =
                trainer.margins(matrix)?.into_iter().map(|m| f64::from(m) + centre).collect();
            outputs.chunks_exact_mut(task.width()).for_each(|scores| task.link(scores));
            Ok(task.mean_loss(&outputs, rows.labels(), rows.weights()))
        };
        let mut rounds = Rounds::new(context, task.loss_name(), params.trees, params.early_stopping_rounds);
        loop {
            trainer.update()?;
            let train_loss = loss(&trainer, &data, &train)?;
            let valid_loss = valid.as_ref().zip(against.as_ref());
            let valid_loss = valid_loss.map(|(valid, matrix)| loss(&trainer, matrix, valid)).transpose()?;
            if rounds.done(train_loss, valid_loss, false)? {
                break;
            }
        }
        let json = trainer.json(rounds.kept())?;
        let model = XgBoostModel::new(schema, task.outputs(target), task, baseline, json)?;
        Ok(Fitted { model: Box::new(model), report: rounds.report(train.len(), train.notes()) })
    }
}

fn matrix(rows: &Rows<'_>, task: Task, baseline: &[f64]) -> Result<sys::Matrix> {
    let data = rows.data();
    let mut x = Vec::with_capacity(data.rows() * data.schema().len());
    for row in data.x().rows() {
        x.extend(narrowed(data.schema(), row.iter().copied()));
    }
    let mut matrix = sys::Matrix::new(&x, &categorical(data.schema()))?;
    let centre = if task == Task::Real { baseline[0] } else { 0.0 };
    matrix.set("label", &rows.narrow_labels(centre)?)?;
    if let Some(weights) = rows.narrow_weights()? {
        matrix.set("weight", &weights)?;
    }
    let offset = |row: usize| rows.offsets().map_or(0.0, |offsets| offsets[row]);
    let margins = (0..rows.len()).flat_map(|row| {
        let offset = offset(row);
        baseline.iter().map(move |b| (b - centre + offset) as f32)
    });
    matrix.set("base_margin", &margins.collect::<Vec<_>>())?;
    Ok(matrix)
}

/// A row as XGBoost takes it: unknown categories missing, numbers beyond 32 bits at their end.
fn narrowed<'r>(schema: &'r Schema, row: impl Iterator<Item = f64> + 'r) -> impl Iterator<Item = f32> + 'r {
    known_values(schema, row).map(|value| (value as f32).clamp(f32::MIN, f32::MAX))
}

fn categorical(schema: &Schema) -> Vec<bool> {
    schema.features().iter().map(|f| matches!(f.kind, FeatureKind::Categorical { .. })).collect()
}
