//! The fitted model.

use std::cell::RefCell;

use ndarray::{ArrayView2, ArrayViewMut2};
use tenure_core::{
    Artifact, Capabilities, Error, Explanation, Model, Output, Result, Schema, check_batch, check_explained,
    check_row,
};

use super::sys::{Booster, Wanted};
use crate::outside::stored::Config;
use crate::outside::{Task, in_blocks, known_values};

/// A model of LightGBM.
#[derive(Debug)]
pub struct LightGbmModel {
    schema: Schema,
    outputs: Vec<Output>,
    task: Task,
    baseline: Vec<f64>,
    text: String,
    booster: Booster,
}

thread_local! {
    /// A row with unknown categories as missing.
    static ROW: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
}

impl LightGbmModel {
    /// Kind of the artifact.
    pub const KIND: &'static str = "lightgbm";
    const VERSION: u32 = 1;
    const PART: &'static str = "model.txt";

    /// Predicts through the text, so that a model predicts the same bits before and after it was stored.
    pub(super) fn new(
        schema: Schema,
        outputs: Vec<Output>,
        task: Task,
        baseline: Vec<f64>,
        text: String,
    ) -> Result<Self> {
        let booster = Booster::load(&text)?;
        if booster.columns() != schema.len() || booster.scores() != task.width() {
            return Err(Error::damaged("lightgbm: LightGBM's model has other columns or outputs"));
        }
        Ok(Self { schema, outputs, task, baseline, text, booster })
    }

    /// Restores what [`Model::to_artifact`] wrote.
    ///
    /// # Errors
    /// As [`Artifact::expect`]; [`Error::ArtifactDamaged`] where a part lacks its checksum or does not fit.
    pub fn from_artifact(artifact: &Artifact) -> Result<Self> {
        let (config, text) = Config::of(artifact, Self::KIND, Self::VERSION, Self::PART)?;
        let text = String::from_utf8(text.to_vec()).map_err(|_| Error::damaged("lightgbm: no text"))?;
        let Config { features, outputs, task, baseline, .. } = config;
        Self::new(Schema::new(features)?, outputs, task, baseline, text)
    }

    /// LightGBM's own text of the model.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is wanted of one row, unknown categories being missing.
    fn ask(&self, wanted: Wanted, row: impl Iterator<Item = f64>, out: &mut [f64]) -> Result<()> {
        ROW.with_borrow_mut(|known| {
            known.clear();
            known.extend(known_values(&self.schema, row));
            self.booster.row(wanted, known, out)
        })
    }

    fn answer(&self, row: impl Iterator<Item = f64>, out: &mut [f64]) -> Result<()> {
        self.ask(Wanted::Scores, row, out)?;
        for (score, baseline) in out.iter_mut().zip(&self.baseline) {
            *score += baseline;
        }
        self.task.link(out);
        Ok(())
    }
}

impl Model for LightGbmModel {
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
            let mut answer = vec![0.0; self.outputs.len()];
            for (row, mut place) in x.rows().into_iter().zip(out.rows_mut()) {
                self.answer(row.iter().copied(), &mut answer)?;
                place.iter_mut().zip(&answer).for_each(|(place, value)| *place = *value);
            }
            Ok(())
        })
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        check_row(&self.schema, row, self.outputs.len(), out)?;
        self.answer(row.iter().copied(), out)
    }

    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        check_explained(&self.schema, self.outputs.len(), row, output)?;
        let width = self.schema.len() + 1;
        let mut parts = vec![0.0; self.outputs.len() * width];
        self.ask(Wanted::Contributions, row.iter().copied(), &mut parts)?;
        for (parts, baseline) in parts.chunks_exact_mut(width).zip(&self.baseline) {
            parts[width - 1] += baseline;
        }
        Ok(self.task.explanation(&parts, output, self.outputs[output].scale))
    }

    fn to_artifact(&self) -> Artifact {
        let config = Config::new(&self.schema, &self.outputs, self.task, &self.baseline);
        config.artifact(Self::KIND, Self::VERSION, Self::PART, self.text.as_bytes())
    }
}
