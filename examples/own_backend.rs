//! A learner of one's own: naive Bayes, held to the same contract as the learners that come with tenure.
//!
//! `cargo run --release -p tenure-examples --example own_backend`
//!
//! Runs the conformance suite, then learns churn from monthly snapshots beside a backend of the library.
//! Prints:
//!
//! ```text
//! conformance: 0 failures
//! naive_bayes: AUC 0.810 on later snapshots
//! logistic: AUC 0.829 on later snapshots
//! ```

use std::error::Error as StdError;

use tenure::backends::conformance::{self, Subject, Task};
use tenure::backends::{Backend, LogisticParams};
use tenure::churn::ChurnParams;
use tenure::eval::metrics::roc_auc;
use tenure::eval::splits::time_series;
use tenure::features::{OrderLog, training_set};
use tenure::ndarray::{ArrayView2, ArrayViewMut2};
use tenure::synth::OrderParams;
use tenure::{
    Artifact, Capabilities, Dataset, Error, Explanation, FitContext, FitReport, Fitted, Learner,
    MissingPolicy, Model, Output, Progress, Result, Scale, Schema, check_batch, check_explained, check_row,
};

/// A missing value says nothing; weights and offsets are refused.
const CAPABILITIES: Capabilities = Capabilities::new(MissingPolicy::Imputed).with_explanations();

/// Gaussian naive Bayes: log-odds = prior + Σ ln N(x | class 1) − ln N(x | class 0).
#[derive(Debug)]
struct NaiveBayes;

impl Learner for NaiveBayes {
    fn name(&self) -> &str {
        "naive_bayes"
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn fit(&self, train: &Dataset, valid: Option<&Dataset>, context: &FitContext<'_>) -> Result<Fitted> {
        if let Some(valid) = valid {
            valid.require_columns_of(train)?;
        }
        train.target()?.require_two_classes()?;
        if train.weights().is_some() || train.offsets().is_some() {
            return Err(Error::unsupported(self.name(), "weights and offsets"));
        }
        let labels = train.target()?.values();
        let of_class =
            |class: f64| labels.iter().enumerate().filter(move |(_, l)| **l == class).map(|(row, _)| row);
        let mut moments = Vec::new(); // mean and standard deviation of class 0, then of class 1, by feature
        for column in 0..train.schema().len() {
            context.progress.report(Progress {
                stage: "fitting",
                done: column as u64,
                total: None,
                figure: None,
            });
            context.check_cancelled("fitting")?;
            for class in [0.0, 1.0] {
                moments.extend(mean_and_deviation(of_class(class).map(|row| train.x()[[row, column]])));
            }
        }
        let counts = [0.0, 1.0].map(|class| of_class(class).count());
        let prior = (counts[1] as f64 / counts[0] as f64).ln();
        let outputs = [Output::probability(train.target()?.name())];
        let model = NaiveBayesModel { schema: train.schema().clone(), outputs, prior, moments };
        let report = FitReport { rows: counts[0] + counts[1], ..FitReport::default() };
        Ok(Fitted { model: Box::new(model), report })
    }
}

/// Of the known values; a class without any, or a constant, gets a deviation that keeps densities finite.
fn mean_and_deviation(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let known: Vec<f64> = values.filter(|v| !v.is_nan()).collect();
    let n = known.len().max(1) as f64;
    let mean = known.iter().sum::<f64>() / n;
    let variance = known.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    [mean, variance.sqrt().max(1e-3)]
}

#[derive(Debug)]
struct NaiveBayesModel {
    schema: Schema,
    outputs: [Output; 1],
    prior: f64,
    moments: Vec<f64>,
}

impl NaiveBayesModel {
    fn terms(&self, row: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
        let log_density = |x: f64, mean: f64, sd: f64| -0.5 * ((x - mean) / sd).powi(2) - sd.ln();
        // Far from both classes the terms would drown all others: no feature says more than ±3.
        row.zip(self.moments.as_chunks::<4>().0).map(move |(x, &[mean0, sd0, mean1, sd1])| {
            if x.is_nan() {
                0.0
            } else {
                (log_density(x, mean1, sd1) - log_density(x, mean0, sd0)).clamp(-3.0, 3.0)
            }
        })
    }

    fn load(artifact: &Artifact) -> Result<Box<dyn Model>> {
        artifact.expect("naive_bayes", 1)?;
        let (schema, outputs, prior): (Schema, _, _) = artifact.config()?;
        let moments = artifact.numbers("moments.f64")?;
        if moments.len() != 4 * schema.len() {
            return Err(Error::damaged("naive_bayes: not four moments a feature"));
        }
        Ok(Box::new(Self { schema, outputs, prior, moments }))
    }
}

impl Model for NaiveBayesModel {
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
        check_batch(&self.schema, 1, x, out.dim())?;
        for (row, place) in x.rows().into_iter().zip(&mut out) {
            *place = Scale::LogOdds.to_output(self.prior + self.terms(row.iter().copied()).sum::<f64>());
        }
        Ok(())
    }

    fn predict_row(&self, row: &[f64], out: &mut [f64]) -> Result<()> {
        check_row(&self.schema, row, 1, out)?;
        out[0] = Scale::LogOdds.to_output(self.prior + self.terms(row.iter().copied()).sum::<f64>());
        Ok(())
    }

    fn explain_row(&self, row: &[f64], output: usize) -> Result<Explanation> {
        check_explained(&self.schema, 1, row, output)?;
        let contributions = self.terms(row.iter().copied()).collect();
        Ok(Explanation { output, scale: Scale::LogOdds, baseline: self.prior, contributions })
    }

    fn to_artifact(&self) -> Artifact {
        let config = serde_json::json!([self.schema, self.outputs, self.prior]);
        Artifact::from_json("naive_bayes", 1, config).with_numbers("moments.f64", &self.moments)
    }
}

fn main() -> Result<(), Box<dyn StdError>> {
    let subject = Subject { learner: &NaiveBayes, load: &NaiveBayesModel::load, tasks: &[Task::Binary] };
    let failures = conformance::check(&subject);
    println!("conformance: {} failures", failures.len());
    failures.iter().for_each(|failure| println!("  {failure}"));

    let world = OrderParams { customers: 4_000, ..OrderParams::default() }.check()?;
    let log = OrderLog::from_columns(world.generate(42, 0)?.orders)?;
    let (context, params) = (FitContext::new(42), ChurnParams::default());
    let data = training_set(&log, &params.plan(), None, &params.features()?, &context)?.into_data();
    // The gap keeps the labels of the training rows out of the time judged.
    let gap_seconds = i64::from(params.prediction_days) * 86_400;
    let split = time_series(data.times().unwrap_or_default(), 2, gap_seconds)?.remove(1);
    let (train, test) = (data.select(&split.train), data.select(&split.test));
    let logistic = Backend::Logistic(LogisticParams::default()).check()?;
    for learner in [&NaiveBayes as &dyn Learner, logistic.as_ref()] {
        let model = learner.fit(&train, None, &context)?.model;
        let scores = model.predict(test.x())?.column(0).to_vec();
        println!(
            "{}: AUC {:.3} on later snapshots",
            learner.name(),
            roc_auc(test.target()?.values(), &scores, None)?
        );
    }
    Ok(())
}
