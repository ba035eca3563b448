//! Trials one after another, stopped where they are not worth going on, and gone on with from a log.

use serde::{Deserialize, Serialize};
use tenure_core::params::require;
use tenure_core::{Error, ErrorKind, FitContext, Progress, Result};

use super::log::{Entry, Identity, Recorded, SearchLog, damaged};
use super::metric::Goal;
use super::space::{Point, SearchSpace};
use super::strategy::{Sampler, Strategy};

/// When a trial is given up.
///
/// After each fold but the last, a trial's mean over its folds so far is compared with the same mean of every
/// earlier trial that came as far; where it is worse than the median of these, the trial is stopped (the
/// median rule of Golovin et al., *Google Vizier*, 2017).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pruning {
    /// No trial is stopped before so many others came as far, at least 1.
    pub after_trials: usize,
    /// Folds that every trial does, at least 1.
    pub after_folds: usize,
}

impl Default for Pruning {
    fn default() -> Self {
        Self { after_trials: 5, after_folds: 1 }
    }
}

/// How to search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchOptions {
    /// How points are chosen.
    pub strategy: Strategy,
    /// Most trials, at least 1; a grid is walked whole whatever stands here.
    pub trials: usize,
    /// When a trial is given up before its last fold; `None` for never.
    pub pruning: Option<Pruning>,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self { strategy: Strategy::default(), trials: 50, pruning: Some(Pruning::default()) }
    }
}

/// How good a point is, fold by fold.
///
/// The score of a fold must depend on the point and the fold alone: an interrupted search then ends as one
/// that ran through.
pub trait Objective {
    /// Number of folds, at least 1.
    fn folds(&self) -> usize;

    /// Whether lower or higher is better.
    fn goal(&self) -> Goal;

    /// Name of the score, for progress.
    fn name(&self) -> String {
        "score".to_owned()
    }

    /// The score of a point on one fold.
    ///
    /// # Errors
    /// An error of the caller's or the data's kind (a parameter out of range, a fit without a solution) ends
    /// the trial; any other ends the search.
    fn score(&mut self, point: &Point, fold: usize) -> Result<FoldScore>;
}

/// The score of one fold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct FoldScore {
    /// The score, a finite number.
    pub score: f64,
    /// Iterations (trees) that early stopping kept, where it was used.
    pub iterations: Option<usize>,
    /// How long it took, where the search was given a clock. Not compared, and not searched by.
    pub seconds: Option<f64>,
}

impl From<f64> for FoldScore {
    fn from(score: f64) -> Self {
        Self { score, ..Self::default() }
    }
}

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TrialState {
    /// Scored on every fold.
    Complete,
    /// Given up after a fold: worse than the median.
    Pruned,
    /// A fold could not be scored.
    Failed,
}

/// One point that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Counted from 0.
    pub number: usize,
    /// Its parameters.
    pub point: Point,
    /// The folds that were scored, in order.
    pub folds: Vec<FoldScore>,
    /// How it ended.
    pub state: TrialState,
    /// Why it failed, in words.
    pub reason: Option<String>,
}

impl Trial {
    /// Mean score over the folds that were scored, each counting once; `None` where there are none.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        mean_up_to(&self.folds, self.folds.len())
    }

    /// Seconds of all folds, where the search was given a clock.
    #[must_use]
    pub fn seconds(&self) -> Option<f64> {
        self.folds.iter().map(|fold| fold.seconds).sum()
    }
}

/// Mean over the first `folds` folds; `None` where there are fewer, or none.
fn mean_up_to(scores: &[FoldScore], folds: usize) -> Option<f64> {
    let sum: f64 = scores.get(..folds)?.iter().map(|fold| fold.score).sum();
    (folds > 0).then(|| sum / folds as f64)
}

/// All trials, and the best of those that are complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trials {
    /// In the order in which they were tried.
    pub trials: Vec<Trial>,
    /// Number of the best, the first of equals.
    pub best: usize,
    /// Its mean score.
    pub score: f64,
}

impl Trials {
    /// The best trial; `None` only where `best` was changed to a number that there is not.
    #[must_use]
    pub fn best_trial(&self) -> Option<&Trial> {
        self.trials.get(self.best)
    }
}

/// Trials that all fail before the search gives up.
const FAILURES: usize = 5;

/// What a search writes its log to: one line at a time, without line feed.
pub type LogSink<'a> = &'a mut dyn FnMut(&str) -> Result<()>;

/// One run over the trials.
pub(super) struct Engine<'a, 'b> {
    pub(super) space: &'a SearchSpace,
    pub(super) options: &'a SearchOptions,
    pub(super) context: &'a FitContext<'b>,
    pub(super) identity: Identity,
    pub(super) resume: Option<&'a SearchLog>,
    pub(super) log: Option<LogSink<'a>>,
    pub(super) clock: Option<&'a dyn Fn() -> f64>,
}

impl Engine<'_, '_> {
    pub(super) fn run(mut self, objective: &mut dyn Objective) -> Result<Trials> {
        require("folds", objective.folds(), objective.folds() >= 1, "at least 1")?;
        if let Some(pruning) = &self.options.pruning {
            require("after_trials", pruning.after_trials, pruning.after_trials >= 1, "at least 1")?;
            require("after_folds", pruning.after_folds, pruning.after_folds >= 1, "at least 1")?;
        }
        let mut sampler =
            Sampler::new(self.space, &self.options.strategy, self.options.trials, self.context.seed)?;
        let begun = self.resume.map_or(Ok(false), |log| log.belongs_to(&self.identity))?;
        if !begun {
            self.write(&Entry::Search(self.identity.clone()))?;
        }
        let goal = objective.goal();
        let mut trials: Vec<Trial> = Vec::new();
        while let Some(drawn) = sampler.next()? {
            let trial = self.trial(&drawn.point, &trials, sampler.trials(), objective)?;
            sampler.tell(&drawn, told_loss(&trial, &trials, goal))?;
            trials.push(trial);
            if trials.len() == FAILURES && trials.iter().all(|t| t.state == TrialState::Failed) {
                return Err(all_failed(&trials));
            }
        }
        if let Some(extra) = self.resume.and_then(|log| log.trial(trials.len())) {
            let problem =
                format!("trial {} is beyond the {} trials of this search", trials.len(), trials.len());
            return Err(damaged(extra.line, &problem));
        }
        let best = best_of(&trials, goal).ok_or_else(|| all_failed(&trials))?;
        let score = trials[best].mean().unwrap_or(f64::NAN);
        Ok(Trials { trials, best, score })
    }

    fn write(&mut self, entry: &Entry) -> Result<()> {
        match &mut self.log {
            Some(sink) => sink(&entry.line()?),
            None => Ok(()),
        }
    }

    fn trial(
        &mut self,
        point: &Point,
        earlier: &[Trial],
        planned: usize,
        objective: &mut dyn Objective,
    ) -> Result<Trial> {
        let number = earlier.len();
        let recorded = self.resume.and_then(|log| log.trial(number)).cloned();
        match &recorded {
            Some(recorded) if recorded.point != *point => {
                let problem = format!("trial {number} has another point than this program draws");
                return Err(damaged(recorded.line, &problem));
            }
            Some(_) => {}
            None => self.write(&Entry::Trial { trial: number, point: point.clone() })?,
        }
        let mut trial = Trial {
            number,
            point: point.clone(),
            folds: Vec::new(),
            state: TrialState::Complete,
            reason: None,
        };
        for fold in 0..objective.folds() {
            match self.fold(point, number, fold, recorded.as_ref(), objective)? {
                Ok(score) => trial.folds.push(score),
                Err(reason) => {
                    (trial.state, trial.reason) = (TrialState::Failed, Some(reason));
                    break;
                }
            }
            self.report(&trial, earlier, planned, objective);
            let more = fold + 1 < objective.folds();
            if more
                && self.options.pruning.as_ref().is_some_and(|p| p.stops(&trial, earlier, objective.goal()))
            {
                trial.state = TrialState::Pruned;
                break;
            }
        }
        self.finish(&trial, recorded)?;
        Ok(trial)
    }

    /// The score of a fold, from the log where it is there; the inner error is why the trial fails.
    fn fold(
        &mut self,
        point: &Point,
        trial: usize,
        fold: usize,
        recorded: Option<&Recorded>,
        objective: &mut dyn Objective,
    ) -> Result<Result<FoldScore, String>> {
        match recorded {
            Some(Recorded { folds, .. }) if fold < folds.len() => return Ok(Ok(folds[fold])),
            Some(Recorded { end: Some((TrialState::Failed, reason)), .. }) => {
                return Ok(Err(reason.clone().unwrap_or_default()));
            }
            Some(Recorded { end: Some(_), line, .. }) => {
                return Err(damaged(*line, &format!("trial {trial} ends before its fold {fold}")));
            }
            _ => {}
        }
        self.context.check_cancelled("searching")?;
        let start = self.clock.map(|clock| clock());
        let mut score = match objective.score(point, fold) {
            Ok(score) if score.score.is_finite() => score,
            Ok(score) => return Ok(Err(format!("fold {fold}: the score is {}", score.score))),
            Err(error) if matches!(error.kind(), ErrorKind::Caller | ErrorKind::Data) => {
                return Ok(Err(format!("fold {fold}: {error}")));
            }
            Err(error) => return Err(error),
        };
        if let (Some(clock), Some(start)) = (self.clock, start) {
            score.seconds = Some(clock() - start).filter(|seconds| seconds.is_finite());
        }
        let FoldScore { score: value, iterations, seconds } = score;
        self.write(&Entry::Fold { trial, fold, score: value, iterations, seconds })?;
        Ok(Ok(score))
    }

    /// Writes the end of a trial, or compares it with the one in the log.
    fn finish(&mut self, trial: &Trial, recorded: Option<Recorded>) -> Result<()> {
        if let Some(Recorded { line, folds, end, .. }) = recorded {
            if folds.len() > trial.folds.len() {
                return Err(damaged(line, &format!("trial {} has more folds than it should", trial.number)));
            }
            match end {
                Some((state, _)) if state != trial.state => {
                    let problem = format!("trial {} ended otherwise than its folds tell", trial.number);
                    return Err(damaged(line, &problem));
                }
                Some(_) => return Ok(()),
                None => {}
            }
        }
        let Trial { number, state, reason, .. } = trial;
        self.write(&Entry::End { trial: *number, state: *state, reason: reason.clone() })
    }

    fn report(&self, trial: &Trial, earlier: &[Trial], planned: usize, objective: &dyn Objective) {
        let (name, folds, goal) = (objective.name(), objective.folds() as u64, objective.goal());
        let best = best_of(earlier, goal).and_then(|best| earlier[best].mean());
        self.context.progress.report(Progress {
            stage: "searching",
            done: earlier.len() as u64 * folds + trial.folds.len() as u64,
            total: Some(planned as u64 * folds),
            figure: best.or(trial.mean()).map(|score| (name.as_str(), score)),
        });
    }
}

impl Pruning {
    /// Whether a trial is worse than the median of those that came as far.
    fn stops(&self, trial: &Trial, earlier: &[Trial], goal: Goal) -> bool {
        let folds = trial.folds.len();
        let Some(own) = trial.mean().filter(|_| folds >= self.after_folds) else { return false };
        let mut others: Vec<f64> = earlier
            .iter()
            .filter_map(|t| mean_up_to(&t.folds, folds))
            .map(|score| goal.loss(score))
            .collect();
        others.len() >= self.after_trials && goal.loss(own) > median(&mut others)
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

/// The complete trial with the lowest loss, the first of equals.
fn best_of(trials: &[Trial], goal: Goal) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for trial in trials.iter().filter(|t| t.state == TrialState::Complete) {
        let loss = goal.loss(trial.mean()?);
        if best.is_none_or(|(_, lowest)| loss < lowest) {
            best = Some((trial.number, loss));
        }
    }
    best.map(|(number, _)| number)
}

/// The loss that a strategy learns from. A trial that was given up counts as no better than the median of the
/// complete ones, however easy its folds were; one that failed as the worst of all.
fn told_loss(trial: &Trial, earlier: &[Trial], goal: Goal) -> f64 {
    let complete = earlier.iter().filter(|t| t.state == TrialState::Complete);
    let mut losses: Vec<f64> = complete.filter_map(Trial::mean).map(|score| goal.loss(score)).collect();
    let own = trial.mean().map_or(f64::MIN, |score| goal.loss(score));
    match trial.state {
        TrialState::Complete => own,
        TrialState::Pruned if losses.is_empty() => own,
        TrialState::Pruned => own.max(median(&mut losses)),
        TrialState::Failed => f64::MAX,
    }
}

fn all_failed(trials: &[Trial]) -> Error {
    let reason = trials.iter().find_map(|t| t.reason.as_deref()).unwrap_or("there was none");
    Error::Data(format!("no trial of the search could be completed; the first: {reason}"))
}
