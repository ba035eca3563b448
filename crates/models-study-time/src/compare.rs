//! Learners beside each other, on the same folds: does the more complicated one pay?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tenure_core::{FitContext, Model, Progress};
use tenure_eval::metrics::RegressionReport;
use tenure_eval::report::{
    Cell, NumberFormat, Part, PredictedModel, RegressionEvaluation, Report, Role, Section, Table, TableRow,
};

use crate::error::Result;
use crate::evaluate::TrueDurations;
use crate::params::{StudyLearner, StudyParams};
use crate::report::{ORACLE, wording};
use crate::samples::{Samples, places_of};
use crate::train::fit;

/// Two-sided 95 % of a normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Learners judged on the same rows, each by fits that had not seen the row's student.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Rows judged.
    pub rows: usize,
    /// Students (of a table: groups, or rows where it has none), which are what differences are uncertain by.
    pub groups: usize,
    /// Folds.
    pub folds: usize,
    /// The learners, the first being the one that others are compared with.
    pub learners: Vec<ComparedLearner>,
    /// The mean of the training rows.
    pub mean: RegressionReport,
    /// The best attainable, where the truth is known: MAE of the true medians, all else of the true means.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub oracle: Option<RegressionReport>,
    /// What it all comes to, in a sentence for each learner but the first.
    pub conclusions: Vec<String>,
    #[serde(skip)]
    drawn: Drawn,
}

/// What a report draws.
#[derive(Debug, Clone, Default, PartialEq)]
struct Drawn {
    actual: Vec<f64>,
    predictions: Vec<Vec<f64>>,
    mean: Vec<f64>,
    truth: Option<TrueDurations>,
    unit: String,
}

/// What one learner did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedLearner {
    /// Its name.
    pub name: String,
    /// Over all rows together.
    pub figures: RegressionReport,
    /// What it gains over the first; `None` of the first itself.
    pub gain: Option<Gain>,
}

/// A difference between two learners on the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// Mean absolute error of the first learner less that of this one: above 0 where this one is closer.
    pub mean: f64,
    /// Lower end of the 95 % interval of that.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Gain {
    /// From the absolute errors of two learners, row by row. Errors of one group lean on each other: the variance is that of
    /// the sums over groups (Liang & Zeger 1986). That fits of several folds share most of their rows is not in it.
    fn new(first: &[f64], own: &[f64], groups: &[u64]) -> Self {
        let n = own.len() as f64;
        let saved: Vec<f64> = first.iter().zip(own).map(|(a, b)| a - b).collect();
        let mean = saved.iter().sum::<f64>() / n;
        let mut sums: BTreeMap<u64, f64> = BTreeMap::new();
        saved.iter().zip(groups).for_each(|(d, group)| *sums.entry(*group).or_insert(0.0) += d - mean);
        let count = sums.len() as f64;
        let variance =
            sums.values().map(|sum| sum * sum).sum::<f64>() / (n * n) * count / (count - 1.0).max(1.0);
        let half = Z * variance.sqrt();
        Self { mean, low: mean - half, high: mean + half }
    }

    /// Whether the learner is closer beyond what chance explains.
    #[must_use]
    pub fn pays(&self) -> bool {
        self.low > 0.0
    }
}

/// Judges learners by cross-validation over `folds` folds, everything else as `params` says. `truth` is of the rows of
/// `samples`, where they are synthetic.
///
/// # Errors
/// As [`crate::train`]; [`tenure_core::Error::Parameter`] without a learner; [`tenure_core::Error::Shape`] for a truth of another length.
pub fn compare(
    samples: &Samples,
    learners: &[StudyLearner],
    folds: usize,
    params: &StudyParams,
    truth: Option<&TrueDurations>,
    context: &FitContext<'_>,
) -> Result<Comparison> {
    tenure_core::params::require("learners", learners.len(), !learners.is_empty(), "at least one")?;
    let (places, known) = samples.known()?;
    truth.map_or(Ok(()), |truth| truth.check(samples.rows()))?;
    let truth = truth.map(|truth| truth.select(&places));
    known.require_learnable()?;
    let actual = known.targets()?;
    let outer = known.folds(folds, context.seed)?;
    let silent = FitContext { progress: &(), ..context.clone() };
    let mut predictions = vec![vec![f64::NAN; known.rows()]; learners.len()];
    let mut mean = vec![f64::NAN; known.rows()];
    for (at, split) in outer.iter().enumerate() {
        let test = places_of(&places, &split.test);
        let train = samples.without(&test);
        for (learner, predicted) in learners.iter().zip(&mut predictions) {
            context.check_cancelled("comparing learners")?;
            let params = StudyParams { learner: learner.clone(), ..params.clone() };
            params.check()?;
            let model = fit(&train, &params, &silent.part(at as u64))?.model;
            let answers = model.predict(model.read(samples)?.select(&test).x())?;
            split.test.iter().zip(answers.column(0)).for_each(|(&row, &value)| predicted[row] = value);
            split.test.iter().for_each(|&row| mean[row] = model.settings().mean);
        }
        let (done, total) = (at as u64 + 1, Some(outer.len() as u64));
        context.progress.report(Progress { stage: "comparing learners", done, total, figure: None });
    }
    let encoded = known.encoded(None)?;
    let groups = match encoded.groups() {
        Some(groups) => groups.to_vec(),
        None => (0..known.rows() as u64).collect(),
    };
    let unit = encoded.target()?.unit().to_owned();
    let drawn = Drawn { actual, predictions, mean, truth, unit };
    assemble(learners, &groups, outer.len(), drawn)
}

fn assemble(learners: &[StudyLearner], groups: &[u64], folds: usize, drawn: Drawn) -> Result<Comparison> {
    let Drawn { actual, predictions, mean, truth, unit } = &drawn;
    let errors = |predicted: &[f64]| -> Vec<f64> {
        predicted.iter().zip(actual).map(|(p, y)| (p - y).abs()).collect()
    };
    let report = |predicted: &[f64]| RegressionReport::new(actual, predicted, None);
    let first = errors(&predictions[0]);
    let mut compared = Vec::new();
    for (at, (learner, predicted)) in learners.iter().zip(predictions).enumerate() {
        let gain = (at > 0).then(|| Gain::new(&first, &errors(predicted), groups));
        compared.push(ComparedLearner { name: learner.name(), figures: report(predicted)?, gain });
    }
    let reference = compared[0].name.clone();
    let conclusion =
        |learner: &ComparedLearner| learner.gain.map(|gain| words(&learner.name, &reference, gain, unit));
    let mut different = groups.to_vec();
    different.sort_unstable();
    different.dedup();
    Ok(Comparison {
        rows: actual.len(),
        groups: different.len(),
        folds,
        mean: report(mean)?,
        oracle: truth.as_ref().map(|truth| truth.figures(actual)).transpose()?,
        conclusions: compared.iter().filter_map(conclusion).collect(),
        learners: compared,
        drawn,
    })
}

/// Whether it pays, in words.
fn words(name: &str, reference: &str, gain: Gain, unit: &str) -> String {
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    let Gain { mean, low, high } = gain;
    let size = format!("{:.3}{unit}", mean.abs());
    if gain.pays() {
        format!("{name} pays: {size} closer than {reference} on average (95 %: {low:.3} to {high:.3})")
    } else if high < 0.0 {
        let (low, high) = (-high, -low);
        format!("{name} does not pay: {size} farther off than {reference} (95 %: {low:.3} to {high:.3})")
    } else {
        let side = if mean >= 0.0 { "closer" } else { "farther off" };
        format!(
            "{name} does not pay: {size} {side} than {reference} on average, which chance explains (95 %: {low:.3} to \
             {high:.3} closer)"
        )
    }
}

impl Comparison {
    /// The comparison as a report; its `to_html` makes the file.
    ///
    /// # Errors
    /// What the metrics refuse.
    pub fn report(&self) -> Result<Report> {
        let named = |name: &str, role, predictions: &[f64]| PredictedModel {
            name: name.into(),
            role,
            predictions: predictions.to_vec(),
        };
        let drawn = &self.drawn;
        let mut models = Vec::new();
        for (at, (learner, predicted)) in self.learners.iter().zip(&drawn.predictions).enumerate() {
            let role = if at == 0 { Role::Model } else { Role::Baseline };
            models.push(named(&learner.name, role, predicted));
        }
        models.push(named("Mean", Role::Baseline, &drawn.mean));
        models.extend(drawn.truth.as_ref().map(|truth| named(ORACLE, Role::Oracle, &truth.expected)));
        let evaluation = RegressionEvaluation {
            title: "Study time: which learner".into(),
            subject: format!("{} rows, {} folds", self.rows, self.folds),
            wording: wording(&drawn.unit),
            format: NumberFormat::Number { decimals: 2 },
            models,
            actual: drawn.actual.clone(),
            ..RegressionEvaluation::default()
        };
        let mut report = evaluation.report()?;
        report.sections.insert(0, self.section());
        Ok(report)
    }

    fn section(&self) -> Section {
        let cell = |value: f64, note: String| Cell {
            text: format!("{value:.3}"),
            note,
            value: Some(value),
            strong: false,
        };
        let row = |learner: &ComparedLearner| {
            let gain = learner.gain.map_or_else(Cell::default, |gain| {
                cell(gain.mean, format!("{:.3} to {:.3}", gain.low, gain.high))
            });
            let figures = [learner.figures.mae, learner.figures.rmse].map(|v| cell(v, String::new()));
            TableRow {
                label: learner.name.clone(),
                cells: figures.into_iter().chain([gain]).collect(),
                ..TableRow::default()
            }
        };
        let columns = ["Learner", "MAE", "RMSE", "Closer by"].map(str::to_owned).to_vec();
        Section {
            title: "Does it pay?".into(),
            lead: self.conclusions.join(". ") + if self.conclusions.is_empty() { "" } else { "." },
            parts: vec![Part::Table(Table {
                title: String::new(),
                caption: format!(
                    "Each row was judged by fits that had not seen its student. The last column is the mean absolute error \
                     saved beside {}, with its 95 % interval over {} students.",
                    self.learners[0].name, self.groups
                ),
                columns,
                rows: self.learners.iter().map(row).collect(),
            })],
        }
    }
}
