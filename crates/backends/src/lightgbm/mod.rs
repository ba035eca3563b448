//! LightGBM (Ke et al., *LightGBM: a highly efficient gradient boosting decision tree*, 2017), built from its
//! sources by `lightgbm3-sys`.
//!
//! Learns binary targets, several classes and numbers. Missing values are learned from, categories are split on as
//! such, weights and offsets are honoured, and answers are explained by LightGBM's own SHAP values. LightGBM holds
//! labels and weights in 32 bits.
//!
//! The same seed gives the same model at any number of threads: LightGBM is told to be deterministic and to build
//! histograms column by column. One fit runs at a time in a process, because LightGBM keeps its number of threads
//! for the whole of it; predictions do not wait.
//!
//! Part `model.txt` of an artifact is LightGBM's text, which any LightGBM reads. Where the training had offsets, its
//! raw scores are relative to `baseline` of the configuration; without offsets that is 0.

mod model;
mod params;
mod sys;

use tenure_core::{
    Capabilities, Dataset, Error, FitContext, Fitted, Learner, MissingPolicy, Result, TargetKind,
};

pub use model::LightGbmModel;
pub use params::LightGbmParams;

use crate::outside::rounds::Rounds;
use crate::outside::{Rows, Task, known_values};

/// Name of the backend, in errors too.
const NAME: &str = "lightgbm";

const CAPABILITIES: Capabilities = Capabilities::new(MissingPolicy::Learned)
    .with_weights()
    .with_offsets()
    .with_categories()
    .with_explanations();

/// LightGBM with checked parameters.
#[derive(Debug, Clone)]
pub struct LightGbm {
    params: LightGbmParams,
}

impl LightGbm {
    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &LightGbmParams {
        &self.params
    }
}

impl Learner for LightGbm {
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
        let threads = context.threads.or_else(|| std::thread::available_parallelism().ok());
        let threads = threads.map_or(1, usize::from);
        let translated = params.translated(schema.features(), task, context.seed, threads)?;
        // LightGBM starts from the mean by itself, but not beside offsets.
        let baseline = train.offsets().map(|_| task.baseline(&train));

        let fitting = sys::Fitting::begin(threads);
        let data = binned(&fitting, &train, &translated, baseline.as_deref(), None)?;
        let against = valid.as_ref();
        let against = against.map(|v| binned(&fitting, v, &translated, baseline.as_deref(), Some(&data)));
        let against = against.transpose()?;
        let mut trainer = sys::Trainer::new(&fitting, &data, &translated)?;
        if let Some(against) = &against {
            trainer.add_valid(against)?;
        }
        let loss = |trainer: &sys::Trainer<'_>, set, rows: &Rows<'_>| -> Result<f64> {
            let outputs = by_row(&trainer.outputs(set)?, task.width());
            Ok(task.mean_loss(&outputs, rows.labels(), rows.weights()))
        };
        let mut rounds = Rounds::new(context, task.loss_name(), params.trees, params.early_stopping_rounds);
        loop {
            let exhausted = trainer.update()?;
            let train_loss = loss(&trainer, 0, &train)?;
            let valid_loss = valid.as_ref().map(|valid| loss(&trainer, 1, valid)).transpose()?;
            if rounds.done(train_loss, valid_loss, exhausted)? {
                break;
            }
        }
        let text = without_threads(trainer.text(rounds.kept())?);
        drop(trainer);
        let baseline = baseline.unwrap_or_else(|| vec![0.0; task.width()]);
        let model = LightGbmModel::new(schema, task.outputs(target), task, baseline, text)?;
        Ok(Fitted { model: Box::new(model), report: rounds.report(train.len(), train.notes()) })
    }
}

fn binned<'a>(
    fitting: &sys::Fitting,
    rows: &Rows<'_>,
    parameters: &str,
    baseline: Option<&[f64]>,
    reference: Option<&'a sys::Data<'_>>,
) -> Result<sys::Data<'a>> {
    let data = rows.data();
    let mut x = Vec::with_capacity(data.rows() * data.schema().len());
    for row in data.x().rows() {
        x.extend(known_values(data.schema(), row.iter().copied()));
    }
    let mut binned = sys::Data::new(fitting, &x, data.schema().len(), parameters, reference)?;
    binned.set_floats("label", &rows.narrow_labels(0.0)?)?;
    if let Some(weights) = rows.narrow_weights()? {
        binned.set_floats("weight", &weights)?;
    }
    if let Some(baseline) = baseline {
        let offset = |row: usize| rows.offsets().map_or(0.0, |offsets| offsets[row]);
        let scores = baseline.iter().flat_map(|b| (0..rows.len()).map(move |row| b + offset(row)));
        binned.set_scores(&scores.collect::<Vec<_>>())?;
    }
    Ok(binned)
}

/// The text ends with the parameters of the training; the number of threads has no part in the model.
fn without_threads(mut text: String) -> String {
    const NAME: &str = "[num_threads: ";
    if let Some(start) = text.rfind(NAME).map(|at| at + NAME.len())
        && let Some(length) = text[start..].find(']')
    {
        text.replace_range(start..start + length, "0");
    }
    text
}

/// Rows × outputs from outputs × rows.
fn by_row(outputs: &[f64], width: usize) -> Vec<f64> {
    let rows = outputs.len() / width;
    (0..outputs.len()).map(|at| outputs[(at % width) * rows + at / width]).collect()
}
