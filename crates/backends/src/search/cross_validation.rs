//! The objective of a search over a backend: cross-validation.

use ndarray::Array2;
use serde_json::Value;
use tenure_core::{Dataset, Error, FitContext, Result, TargetKind, seed};
use tenure_eval::splits::{self, Split};

use super::engine::{FoldScore, Objective};
use super::metric::{Goal, Metric};
use super::space::{Point, SearchSpace, name_of, to_json};
use super::{EarlyStopping, SearchOptions};
use crate::Backend;

/// One part in so many of a fold's training rows tells when to stop.
const STOPPING_PARTS: usize = 5;

/// Fits a backend on each split's training rows and scores it on the test rows.
pub(super) struct CrossValidation<'a> {
    base: &'a Backend,
    space: &'a SearchSpace,
    metric: Metric,
    stopping: Option<EarlyStopping>,
    data: &'a Dataset,
    folds: Vec<Fold>,
    context: FitContext<'a>,
}

/// Row numbers of a fold.
struct Fold {
    train: Vec<usize>,
    /// Rows of the training part that tell when to stop; none where nothing stops early.
    stop: Vec<usize>,
    test: Vec<usize>,
}

impl<'a> CrossValidation<'a> {
    pub(super) fn new(
        base: &'a Backend,
        space: &'a SearchSpace,
        metric: Metric,
        stopping: EarlyStopping,
        (data, splits): (&'a Dataset, &[Split]),
        context: &FitContext<'a>,
    ) -> Result<Self> {
        space.check(base)?;
        metric.check(data.target()?.kind())?;
        let stopping = (base.iterates() && !fixes_iterations(base, space)?).then_some(stopping);
        if splits.is_empty() {
            return Err(Error::NotEnoughRows { found: 0, needed: 1 });
        }
        let context = FitContext { progress: &(), ..context.clone() };
        let folds = splits
            .iter()
            .enumerate()
            .map(|(at, split)| Fold::new(data, split, stopping.is_some(), seed::mix(context.seed, at as u64)))
            .collect::<Result<_>>()?;
        Ok(Self { base, space, metric, stopping, data, folds, context })
    }
}

impl Objective for CrossValidation<'_> {
    fn folds(&self) -> usize {
        self.folds.len()
    }

    fn goal(&self) -> Goal {
        self.metric.goal()
    }

    fn name(&self) -> String {
        self.metric.to_string()
    }

    fn score(&mut self, point: &Point, at: usize) -> Result<FoldScore> {
        let backend = self.space.backend_at(self.base, point)?;
        let Some(fold) = self.folds.get(at) else {
            return Err(Error::Internal(format!("fold {at} of {}", self.folds.len())));
        };
        // The same draws for every trial: what differs between trials is the point.
        let context = self.context.part(at as u64);
        let train = self.data.select(&fold.train);
        let fitted = match &self.stopping {
            Some(stopping) => {
                let stop = self.data.select(&fold.stop);
                let backend = backend.iterating(stopping.max_iterations, Some(stopping.patience));
                backend.check()?.fit(&train, Some(&stop), &context)?
            }
            None => backend.check()?.fit(&train, None, &context)?,
        };
        let test = self.data.select(&fold.test);
        let mut predicted = fitted.model.predict(test.x())?;
        if let Some(offsets) = test.offsets() {
            add_offsets(fitted.model.outputs(), &mut predicted, offsets)?;
        }
        let target = test.target()?;
        let score = self.metric.score(target.kind(), target.values(), predicted.view(), test.weights())?;
        let iterations = self.stopping.as_ref().map(|_| fitted.report.iterations);
        Ok(FoldScore { score, iterations, seconds: None })
    }
}

/// Predictions are for an offset of 0; the rows judged have theirs.
fn add_offsets(outputs: &[tenure_core::Output], predicted: &mut Array2<f64>, offsets: &[f64]) -> Result<()> {
    let [output] = outputs else {
        return Err(Error::unsupported("parameter search", "offsets of a target of several classes"));
    };
    for (value, offset) in predicted.column_mut(0).iter_mut().zip(offsets) {
        *value = output.scale.to_output(output.scale.from_output(*value) + offset);
    }
    Ok(())
}

impl Fold {
    fn new(data: &Dataset, split: &Split, stops: bool, seed: u64) -> Result<Self> {
        let labels = data.target()?.values();
        if let Some(row) = split.train.iter().chain(&split.test).find(|&&row| row >= data.rows()) {
            return Err(Error::Shape { what: "rows that a split takes", expected: data.rows(), found: *row });
        }
        let known = |rows: &[usize]| -> Vec<usize> {
            rows.iter().copied().filter(|&row| !labels[row].is_nan()).collect()
        };
        let (train, test) = (known(&split.train), known(&split.test));
        if train.is_empty() || test.is_empty() {
            return Err(Error::NotEnoughRows { found: 0, needed: 1 });
        }
        if !stops {
            return Ok(Self { train, stop: Vec::new(), test });
        }
        let parts = stopping_part(&data.select(&train), seed)?;
        let rows = |places: &[usize]| places.iter().map(|&place| train[place]).collect();
        Ok(Self { train: rows(&parts.train), stop: rows(&parts.test), test })
    }
}

/// A fifth of the rows to tell when to stop: whole groups where there are any, the latest rows where they
/// have times, else drawn class by class.
fn stopping_part(train: &Dataset, seed: u64) -> Result<Split> {
    let labels = train.target()?.values();
    let classes = *train.target()?.kind() != TargetKind::Real;
    let all = match (train.groups(), train.times()) {
        (Some(groups), _) if classes => splits::stratified_group_k_fold(labels, groups, STOPPING_PARTS, seed)
            .or_else(|_| splits::group_k_fold(groups, STOPPING_PARTS, seed)),
        (Some(groups), _) => splits::group_k_fold(groups, STOPPING_PARTS, seed),
        (None, Some(times)) => splits::time_series(times, STOPPING_PARTS - 1, 0),
        (None, None) if classes => splits::stratified_k_fold(labels, STOPPING_PARTS, seed)
            .or_else(|_| splits::k_fold(train.rows(), STOPPING_PARTS, seed)),
        (None, None) => splits::k_fold(train.rows(), STOPPING_PARTS, seed),
    }?;
    // The last of a time series is the one that learns from all rows before.
    all.into_iter().next_back().ok_or(Error::NotEnoughRows { found: train.rows(), needed: STOPPING_PARTS })
}

/// Whether the space names the parameter that holds the number of iterations, whatever it is called.
fn fixes_iterations(base: &Backend, space: &SearchSpace) -> Result<bool> {
    let (one, two) = (to_json(&base.iterating(1, None))?, to_json(&base.iterating(2, None))?);
    let mut names = Vec::new();
    differing(&one, &two, "", &mut names);
    Ok(names.iter().any(|name| space.dimensions.contains_key(name)))
}

/// The paths at which two values of one shape differ.
fn differing(a: &Value, b: &Value, path: &str, names: &mut Vec<String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            for (name, value) in a {
                differing(value, b.get(name).unwrap_or(&Value::Null), &below(name), names);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                differing(a, b, &below(&at.to_string()), names);
            }
        }
        _ if a != b => names.push(path.to_owned()),
        _ => {}
    }
}

/// A number that changes with the rows, the columns and the splits.
pub(super) fn data_fingerprint(data: &Dataset, splits: &[Split]) -> u64 {
    let mut hash = seed::mix(data.fingerprint(), splits.len() as u64);
    for name in data.schema().names() {
        hash = text_fingerprint(name, hash);
    }
    for split in splits {
        for rows in [&split.train, &split.test] {
            hash = rows
                .iter()
                .fold(seed::mix(hash, rows.len() as u64), |hash, &row| seed::mix(hash, row as u64));
        }
    }
    hash
}

pub(super) fn text_fingerprint(text: &str, hash: u64) -> u64 {
    text.bytes().fold(seed::mix(hash, text.len() as u64), |hash, byte| seed::mix(hash, u64::from(byte)))
}

/// A number that changes with the space, the backend it begins from, and every option but the number of
/// trials.
pub(super) fn settings_fingerprint(
    base: Option<&Backend>,
    space: &SearchSpace,
    options: &SearchOptions,
    more: &str,
) -> Result<u64> {
    let options = SearchOptions { trials: 1, ..options.clone() };
    let base = base.map(to_json).transpose()?;
    let json = serde_json::to_string(&(name_of(base.as_ref().unwrap_or(&Value::Null)), base, space, options));
    let json = json.map_err(|e| Error::Internal(format!("a search as JSON: {e}")))?;
    Ok(text_fingerprint(more, text_fingerprint(&json, 0)))
}
