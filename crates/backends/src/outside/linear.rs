//! Logistic regressions of others: what is around the solver, and the fitted model.

use ndarray::{ArrayView2, ArrayViewMut2};
use serde::{Deserialize, Serialize};
use tenure_core::{
    Artifact, Capabilities, Dataset, Error, Explanation, Feature, FitContext, FitReport, Fitted,
    MissingPolicy, Model, Output, Progress, Result, Schema, check_batch, check_explained, check_row,
};

use super::encode::Encoder;
use super::{Rows, Task};

/// Missing numbers count as the mean.
pub(crate) const CAPABILITIES: Capabilities =
    Capabilities::new(MissingPolicy::Imputed).with_categories().with_explanations();

/// What a solver gets.
pub(crate) struct Problem<'a> {
    /// Row-major.
    pub(crate) x: Vec<f64>,
    pub(crate) columns: usize,
    /// The class of each row, counted from 0 among those that occur.
    pub(crate) labels: &'a [usize],
    pub(crate) classes: usize,
}

/// What it gives: of two classes the log-odds of the second, of more a raw score for each.
pub(crate) struct Solution {
    pub(crate) intercepts: Vec<f64>,
    /// Scores × columns.
    pub(crate) coefficients: Vec<f64>,
}

/// Raw score of a class that no row is of, beside scores around 0.
const ABSENT: f64 = -30.0;

/// Fits with a solver that does all its work at once.
pub(crate) fn fit(
    kind: &'static str,
    train: &Dataset,
    valid: Option<&Dataset>,
    context: &FitContext<'_>,
    solve: impl FnOnce(&Problem<'_>) -> Result<Solution>,
) -> Result<Fitted> {
    let target = train.target()?;
    let task = Task::of(kind, target)?;
    if task == Task::Real {
        return Err(Error::unsupported(kind, format!("the target `{}`: it is a number", target.name())));
    }
    if let Some(valid) = valid {
        valid.require_columns_of(train)?;
    }
    let rows = Rows::to_train(kind, CAPABILITIES, train, task)?;
    let stage = "fitting coefficients";
    context.check_cancelled(stage)?;

    // The libraries number classes as they meet them: they get those that occur, from 0 on.
    let most = if let Task::Classes(classes) = task { classes } else { 2 };
    let of_class = |class: &usize| rows.labels().contains(&(*class as f64));
    let present: Vec<usize> = (0..most).filter(of_class).collect();
    let place = |&label: &f64| present.iter().position(|&class| class as f64 == label).unwrap_or(0);
    let labels: Vec<usize> = rows.labels().iter().map(place).collect();
    let encoder = Encoder::learn(rows.data(), None);
    encoder.require_columns(kind)?;
    let (columns, classes) = (encoder.width(), present.len());
    let problem = Problem { x: encoder.matrix(rows.data()), columns, labels: &labels, classes };
    let solution = solve(&problem)?;
    let numbers = solution.intercepts.iter().chain(&solution.coefficients);
    let scores = if problem.classes == 2 { 1 } else { problem.classes };
    if solution.coefficients.len() != scores * columns || solution.intercepts.len() != scores {
        return Err(Error::Internal(format!("{kind}: another number of coefficients than columns")));
    }
    if !numbers.copied().all(f64::is_finite) {
        return Err(Error::Data(format!("{kind}: the solver ended with coefficients that are not finite")));
    }
    context.progress.report(Progress { stage, done: 1, total: Some(1), figure: None });
    context.check_cancelled(stage)?;

    let report = FitReport {
        rows: rows.len(),
        loss: "log_loss".into(),
        iterations: 1,
        notes: rows.notes(),
        ..FitReport::default()
    };
    let (intercepts, coefficients) = spread(task, &present, columns, solution);
    let outputs = task.outputs(target);
    let schema = train.schema().clone();
    let model = LinearModel { kind, schema, outputs, task, encoder, intercepts, coefficients };
    Ok(Fitted { model: Box::new(model), report })
}

/// From the classes that occur to all of the task.
fn spread(task: Task, present: &[usize], columns: usize, solution: Solution) -> (Vec<f64>, Vec<f64>) {
    let Task::Classes(classes) = task else { return (solution.intercepts, solution.coefficients) };
    let mut intercepts = vec![ABSENT; classes];
    let mut coefficients = vec![0.0; classes * columns];
    // Of two classes the first has a score of 0.
    let scored = if present.len() == 2 {
        intercepts[present[0]] = 0.0;
        &present[1..]
    } else {
        present
    };
    let found = solution.intercepts.iter().zip(solution.coefficients.chunks_exact(columns.max(1)));
    for (&class, (intercept, own)) in scored.iter().zip(found) {
        intercepts[class] = *intercept;
        coefficients[class * columns..(class + 1) * columns].copy_from_slice(own);
    }
    (intercepts, coefficients)
}

/// Coefficients of a logistic regression that another library fitted.
#[derive(Debug)]
pub(crate) struct LinearModel {
    kind: &'static str,
    schema: Schema,
    outputs: Vec<Output>,
    task: Task,
    encoder: Encoder,
    intercepts: Vec<f64>,
    /// Scores × columns.
    coefficients: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    features: Vec<Feature>,
    outputs: Vec<Output>,
    task: Task,
    columns: Encoder,
    intercepts: Vec<f64>,
}

impl LinearModel {
    const VERSION: u32 = 1;

    /// Restores what [`Model::to_artifact`] wrote under this kind.
    pub(crate) fn from_artifact(kind: &'static str, artifact: &Artifact) -> Result<Self> {
        artifact.expect(kind, Self::VERSION)?;
        let Config { features, outputs, task, columns: encoder, intercepts } = artifact.config()?;
        let coefficients = artifact.numbers("coefficients")?;
        let schema = Schema::new(features)?;
        encoder.require_fit(&schema)?;
        let fits = outputs.len() == task.width()
            && intercepts.len() == task.width()
            && coefficients.len() == task.width() * encoder.width()
            && coefficients.iter().chain(&intercepts).all(|c| c.is_finite());
        if !fits {
            return Err(Error::damaged(format!("{kind}: coefficients and outputs do not fit the features")));
        }
        Ok(Self { kind, schema, outputs, task, encoder, intercepts, coefficients })
    }

    /// The terms of one raw score.
    fn terms<'a>(
        &'a self,
        score: usize,
        row: impl Iterator<Item = f64> + 'a,
    ) -> impl Iterator<Item = f64> + 'a {
        let width = self.encoder.width();
        self.encoder.terms(row, &self.coefficients[score * width..(score + 1) * width])
    }

    fn answer(&self, row: impl Iterator<Item = f64> + Clone, out: &mut [f64]) {
        for (score, place) in out.iter_mut().enumerate() {
            *place = self.terms(score, row.clone()).fold(self.intercepts[score], |sum, term| sum + term);
        }
        self.task.link(out);
    }
}

impl Model for LinearModel {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn predict_into(&self, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        check_batch(&self.schema, self.outputs.len(), x, out.dim())?;
        let mut answer = vec![0.0; self.outputs.len()];
        for (row, mut place) in x.rows().into_iter().zip(out.rows_mut()) {
            self.answer(row.iter().copied(), &mut answer);
            place.iter_mut().zip(&answer).for_each(|(place, value)| *place = *value);
        }
        Ok(())
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        check_row(&self.schema, row, self.outputs.len(), out)?;
        self.answer(row.iter().copied(), out);
        Ok(())
    }

    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        check_explained(&self.schema, self.outputs.len(), row, output)?;
        let scores = self.intercepts.iter().enumerate();
        let parts: Vec<f64> = scores
            .flat_map(|(score, &intercept)| self.terms(score, row.iter().copied()).chain([intercept]))
            .collect();
        Ok(self.task.explanation(&parts, output, self.outputs[output].scale))
    }

    fn to_artifact(&self) -> Artifact {
        let config = Config {
            features: self.schema.features().to_vec(),
            outputs: self.outputs.clone(),
            task: self.task,
            columns: self.encoder.clone(),
            intercepts: self.intercepts.clone(),
        };
        // Strings and finite numbers: this is JSON.
        let config = serde_json::to_value(config).unwrap_or_default();
        Artifact::from_json(self.kind, Self::VERSION, config).with_numbers("coefficients", &self.coefficients)
    }
}
