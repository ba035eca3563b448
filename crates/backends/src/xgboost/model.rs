//! The fitted model.

use std::cell::RefCell;

use ndarray::{ArrayView2, ArrayViewMut2, Axis};
use tenure_core::{
    Artifact, Capabilities, Error, Explanation, Model, Output, Result, Schema, check_batch, check_explained,
    check_row,
};

use super::sys::Booster;
use crate::outside::stored::Config;
use crate::outside::{Task, in_blocks};

/// A model of XGBoost.
#[derive(Debug)]
pub struct XgBoostModel {
    schema: Schema,
    outputs: Vec<Output>,
    task: Task,
    /// Added to XGBoost's raw scores.
    baseline: Vec<f64>,
    json: Vec<u8>,
    booster: Booster,
    categorical: Vec<bool>,
}

thread_local! {
    /// Rows in 32 bits.
    static ROWS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Rows that XGBoost gets at a time.
const ROWS_AT_A_TIME: usize = 512;

impl XgBoostModel {
    /// Kind of the artifact.
    pub const KIND: &'static str = "xgboost";
    const VERSION: u32 = 1;
    const PART: &'static str = "model.json";

    /// Predicts through the JSON, so that a model predicts the same bits before and after it was stored.
    pub(super) fn new(
        schema: Schema,
        outputs: Vec<Output>,
        task: Task,
        baseline: Vec<f64>,
        json: Vec<u8>,
    ) -> Result<Self> {
        let booster = Booster::load(&json)?;
        let categorical = super::categorical(&schema);
        let found = booster.margins(&vec![f32::NAN; booster.columns()], <[f32]>::len)?;
        if booster.columns() != schema.len() || found != task.width() {
            return Err(Error::damaged("xgboost: XGBoost's model has other columns or outputs"));
        }
        Ok(Self { schema, outputs, task, baseline, json, booster, categorical })
    }

    /// Restores what [`Model::to_artifact`] wrote.
    ///
    /// # Errors
    /// As [`Artifact::expect`]; [`Error::ArtifactDamaged`] where a part lacks its checksum or does not fit.
    pub fn from_artifact(artifact: &Artifact) -> Result<Self> {
        let (config, json) = Config::of(artifact, Self::KIND, Self::VERSION, Self::PART)?;
        let Config { features, outputs, task, baseline, .. } = config;
        Self::new(Schema::new(features)?, outputs, task, baseline, json.to_vec())
    }

    /// XGBoost's own JSON of the model; its raw scores are relative to [`XgBoostModel::baseline`].
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// What is added to XGBoost's raw scores, one number a score.
    #[must_use]
    pub fn baseline(&self) -> &[f64] {
        &self.baseline
    }

    /// Answers for the rows that `fill` writes, scores of a row together, through `place`.
    fn answer(
        &self,
        fill: impl FnOnce(&mut Vec<f32>),
        mut place: impl FnMut(usize, &mut dyn Iterator<Item = f64>),
    ) -> Result<()> {
        ROWS.with_borrow_mut(|rows| {
            rows.clear();
            fill(rows);
            self.booster.margins(rows, |margins| {
                for (row, margins) in margins.chunks_exact(self.task.width()).enumerate() {
                    place(row, &mut margins.iter().zip(&self.baseline).map(|(m, b)| f64::from(*m) + b));
                }
            })
        })
    }
}

impl Model for XgBoostModel {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    fn capabilities(&self) -> Capabilities {
        super::CAPABILITIES
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_batch(&self.schema, self.outputs.len(), x, out.dim())?;
        in_blocks(x, out, |x, mut out| {
            let blocks = out.axis_chunks_iter_mut(Axis(0), ROWS_AT_A_TIME);
            let mut answer = vec![0.0; self.outputs.len()];
            for (x, mut out) in x.axis_chunks_iter(Axis(0), ROWS_AT_A_TIME).zip(blocks) {
                let fill = |rows: &mut Vec<f32>| {
                    for row in x.rows() {
                        rows.extend(super::narrowed(&self.schema, row.iter().copied()));
                    }
                };
                self.answer(fill, |row, scores| {
                    answer.iter_mut().zip(scores).for_each(|(place, score)| *place = score);
                    self.task.link(&mut answer);
                    out.row_mut(row).iter_mut().zip(&answer).for_each(|(place, value)| *place = *value);
                })?;
            }
            Ok(())
        })
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        check_row(&self.schema, row, self.outputs.len(), out)?;
        let fill = |rows: &mut Vec<f32>| rows.extend(super::narrowed(&self.schema, row.iter().copied()));
        self.answer(fill, |_, scores| out.iter_mut().zip(scores).for_each(|(place, score)| *place = score))?;
        self.task.link(out);
        Ok(())
    }

    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        check_explained(&self.schema, self.outputs.len(), row, output)?;
        let row: Vec<f32> = super::narrowed(&self.schema, row.iter().copied()).collect();
        let width = self.schema.len() + 1;
        let contributions = self.booster.contributions(&row, &self.categorical)?;
        if contributions.len() != width * self.outputs.len() {
            return Err(Error::Internal("XGBoost explains another number of columns".into()));
        }
        let mut parts: Vec<f64> = contributions.into_iter().map(f64::from).collect();
        self.booster.margins(&row, |margins| {
            for ((parts, margin), baseline) in parts.chunks_exact_mut(width).zip(margins).zip(&self.baseline)
            {
                add_up(parts, f64::from(*margin));
                parts[width - 1] += baseline;
            }
        })?;
        Ok(self.task.explanation(&parts, output, self.outputs[output].scale))
    }

    fn to_artifact(&self) -> Artifact {
        let config = Config::new(&self.schema, &self.outputs, self.task, &self.baseline);
        config.artifact(Self::KIND, Self::VERSION, Self::PART, &self.json)
    }
}

/// Contributions and baseline, the last, are rounded to 32 bits; what they lack of the total goes to the largest
/// contribution, where it is the smallest change.
fn add_up(parts: &mut [f64], total: f64) {
    let lacking = total - parts.iter().sum::<f64>();
    let columns = parts.len().saturating_sub(1);
    let largest = parts[..columns].iter_mut().max_by(|a, b| a.abs().total_cmp(&b.abs()));
    if let Some(largest) = largest.filter(|largest| **largest != 0.0) {
        *largest += lacking;
    } else if let Some(baseline) = parts.last_mut() {
        *baseline += lacking;
    }
}
