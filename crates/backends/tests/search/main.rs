//! Parameter search: over functions whose best is known, with logs cut at every place, and over backends.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod over_backends;
mod resumed;

use serde_json::{Value, json};
use tenure_backends::search::{
    FoldScore, Goal, Objective, Point, Pruning, Search, SearchOptions, SearchSpace, Strategy, TrialState,
    Trials,
};
use tenure_core::{Error, FitContext, Result};

/// A function of a point and a fold, lower being better.
pub(crate) struct Function<F> {
    pub(crate) folds: usize,
    pub(crate) goal: Goal,
    pub(crate) score: F,
    pub(crate) calls: usize,
}

pub(crate) fn function<F: FnMut(&Point, usize) -> Result<f64>>(folds: usize, score: F) -> Function<F> {
    Function { folds, goal: Goal::Minimise, score, calls: 0 }
}

impl<F: FnMut(&Point, usize) -> Result<f64>> Objective for Function<F> {
    fn folds(&self) -> usize {
        self.folds
    }

    fn goal(&self) -> Goal {
        self.goal
    }

    fn score(&mut self, point: &Point, fold: usize) -> Result<FoldScore> {
        self.calls += 1;
        (self.score)(point, fold).map(FoldScore::from)
    }
}

pub(crate) fn space(json: Value) -> SearchSpace {
    serde_json::from_value(json).unwrap()
}

pub(crate) fn options(strategy: Strategy, trials: usize, pruning: Option<Pruning>) -> SearchOptions {
    SearchOptions { strategy, trials, pruning }
}

fn number(point: &Point, name: &str) -> f64 {
    point[name].as_f64().unwrap()
}

fn run(
    space: &SearchSpace,
    options: &SearchOptions,
    seed: u64,
    objective: &mut dyn Objective,
) -> Result<Trials> {
    Search::new(space, options, &FitContext::new(seed)).run(objective, "a function")
}

#[test]
fn a_grid_is_walked_whole_and_its_best_is_found() {
    let space = space(json!({
        "backend": "", "a": {"int": [0, 4]}, "b": {"choices": ["x", "y"]}, "c": {"float": [0, 1]}, "d": 7,
        "e": {"log": [0.01, 100]}
    }));
    let mut seen = Vec::new();
    let mut objective = function(1, |point, _| {
        seen.push(point.clone());
        let far = if point["b"] == "y" { 0.0 } else { 10.0 };
        Ok(far
            + (number(point, "a") - 3.0).powi(2)
            + (number(point, "c") - 0.5).abs()
            + number(point, "e").ln().abs())
    });
    let trials = run(&space, &options(Strategy::Grid { steps: 5 }, 1, None), 0, &mut objective).unwrap();
    let best = trials.best_trial().unwrap();
    assert_eq!(json!(best.point), json!({"a": 3, "b": "y", "c": 0.5, "d": 7, "e": 1.0}));
    assert_eq!((trials.score, trials.trials.len()), (0.0, 5 * 2 * 5 * 5));
    let distinct: std::collections::HashSet<String> = seen.iter().map(|p| json!(p).to_string()).collect();
    assert_eq!(distinct.len(), 250);
    // The ends are on the grid, and a range of few whole numbers has no value twice.
    assert!(seen.iter().any(|p| number(p, "e") == 0.01) && seen.iter().any(|p| number(p, "e") == 100.0));
    let few = self::space(json!({"backend": "", "a": {"log_int": [1, 3]}}));
    let trials =
        run(&few, &options(Strategy::Grid { steps: 9 }, 1, None), 0, &mut function(1, |_, _| Ok(1.0)));
    assert_eq!(trials.unwrap().trials.len(), 3);
}

/// A bowl in three parameters of different kinds, its bottom of 0 at 0.05, 20 and `b`.
fn bowl(point: &Point) -> f64 {
    let rate = (number(point, "rate") / 0.05).log10();
    let leaves = (number(point, "leaves") / 20.0).log2();
    let kind = if point["kind"] == "b" { 0.0 } else { 0.5 };
    rate * rate + 0.1 * leaves * leaves + kind
}

fn bowl_space() -> SearchSpace {
    space(json!({
        "backend": "", "rate": {"log": [0.001, 1]}, "leaves": {"log_int": [2, 200]},
        "kind": {"choices": ["a", "b", "c"]}
    }))
}

#[test]
fn draws_come_near_the_bottom_of_a_bowl_and_the_estimator_nearer() {
    let mean_of_best = |strategy: Strategy| -> f64 {
        let best = |seed| {
            let options = options(strategy.clone(), 60, None);
            run(&bowl_space(), &options, seed, &mut function(1, |p, _| Ok(bowl(p)))).unwrap().score
        };
        (0..20).map(best).sum::<f64>() / 20.0
    };
    let (random, tpe) = (mean_of_best(Strategy::Random), mean_of_best(Strategy::default()));
    assert!(random < 0.1, "{random}");
    assert!(tpe < 0.02 && tpe < 0.25 * random, "random {random}, estimator {tpe}");
}

#[test]
fn the_seed_decides_and_a_goal_is_turned_round() {
    for strategy in [Strategy::Random, Strategy::default()] {
        let options = options(strategy, 25, Some(Pruning::default()));
        let trials = |seed| run(&bowl_space(), &options, seed, &mut function(3, |p, _| Ok(bowl(p)))).unwrap();
        assert_eq!(trials(1), trials(1));
        assert_ne!(trials(1).trials[0].point, trials(2).trials[0].point);
        let mut high = Function { goal: Goal::Maximise, ..function(3, |p: &Point, _| Ok(-bowl(p))) };
        let high = run(&bowl_space(), &options, 1, &mut high).unwrap();
        assert_eq!((high.best, high.score), (trials(1).best, -trials(1).score));
    }
}

#[test]
fn no_point_is_tried_twice_and_an_exhausted_space_ends_the_search() {
    let small = space(json!({"backend": "", "a": {"int": [1, 3]}, "b": {"choices": [true, null]}}));
    for strategy in [Strategy::Random, Strategy::Tpe { startup: 2 }] {
        let options = options(strategy, 100, None);
        let trials = run(&small, &options, 3, &mut function(1, |p, _| Ok(number(p, "a")))).unwrap();
        assert_eq!((trials.trials.len(), trials.score), (6, 1.0));
    }
}

#[test]
fn pruning_saves_folds_and_never_the_best() {
    // Folds differ much, trials little, and in the same way on every fold: the best is below every median.
    let fold_effect = [5.0, -3.0, 1.0, 0.0, 9.0];
    let score = |p: &Point, fold: usize| Ok(number(p, "a") + fold_effect[fold]);
    let line = space(json!({"backend": "", "a": {"float": [0, 1]}}));
    for seed in 0..10 {
        let all = options(Strategy::Random, 60, None);
        let some = SearchOptions { pruning: Some(Pruning::default()), ..all.clone() };
        let (mut full, mut pruned) = (function(5, score), function(5, score));
        let unpruned = run(&line, &all, seed, &mut full).unwrap();
        let found = run(&line, &some, seed, &mut pruned).unwrap();
        assert_eq!((found.best, found.score), (unpruned.best, unpruned.score));
        assert_eq!(full.calls, 300);
        assert!(pruned.calls < 200, "{} of {} folds", pruned.calls, full.calls);
        let state = |s: TrialState| found.trials.iter().filter(|t| t.state == s).count();
        assert_eq!(state(TrialState::Complete) + state(TrialState::Pruned), 60);
        assert!(found.trials[..5].iter().all(|t| t.state == TrialState::Complete));
    }
    // A trial as good as the median goes on, and so does every one while its first folds are its due.
    let equal = run(
        &line,
        &options(Strategy::Random, 20, Some(Pruning::default())),
        0,
        &mut function(4, |_, f| Ok(fold_effect[f])),
    );
    assert!(equal.unwrap().trials.iter().all(|t| t.state == TrialState::Complete));
    let late = Pruning { after_folds: 3, ..Pruning::default() };
    let trials = run(&line, &options(Strategy::Random, 40, Some(late)), 0, &mut function(5, score)).unwrap();
    assert!(trials.trials.iter().all(|t| t.folds.len() >= 3));
    assert!(trials.trials.iter().any(|t| t.state == TrialState::Pruned));
}

#[test]
fn failed_trials_are_kept_with_their_reason_and_are_never_the_best() {
    let line = space(json!({"backend": "", "a": {"float": [0, 1]}}));
    let mut objective = function(2, |p, fold| match number(p, "a") {
        a if a < 0.3 && fold == 1 => Err(Error::Data("no solution".into())),
        a if a < 0.5 => Ok(f64::NAN),
        a => Ok(a),
    });
    let trials = run(&line, &options(Strategy::default(), 40, None), 5, &mut objective).unwrap();
    let failed: Vec<_> = trials.trials.iter().filter(|t| t.state == TrialState::Failed).collect();
    assert!(failed.len() > 3 && trials.score >= 0.5);
    assert!(failed.iter().all(|t| t.reason.as_deref() == Some("fold 0: the score is NaN")), "{failed:?}");
    let mut hopeless = function(1, |_, _| Err(Error::Data("no solution".into())));
    let error = run(&line, &options(Strategy::Random, 40, None), 5, &mut hopeless).unwrap_err().to_string();
    assert_eq!(error, "no trial of the search could be completed; the first: fold 0: no solution");
    assert_eq!(hopeless.calls, 5);
}

#[test]
fn what_cannot_be_searched_is_named() {
    let refused = |json: Value, options: &SearchOptions| {
        run(&space(json), options, 0, &mut function(1, |_, _| Ok(0.0))).unwrap_err().to_string()
    };
    let random = options(Strategy::Random, 3, None);
    let check = |found: String, words: &str| assert_eq!(found, words);
    check(
        refused(json!({"backend": "", "a": {"log": [0, 1]}}), &random),
        "parameter `space` is a: {\"log\":[0.0,1.0]}; expected two finite numbers above 0, the lower first",
    );
    check(
        refused(json!({"backend": "", "a": {"int": [3, 1]}}), &random),
        "parameter `space` is a: {\"int\":[3,1]}; expected two finite numbers, the lower first",
    );
    check(
        refused(json!({"backend": "", "a": {"choices": []}}), &random),
        "parameter `space` is a: {\"choices\":[]}; expected at least one value",
    );
    check(
        refused(json!({"backend": "", "a": {"int": [0, 5]}}), &options(Strategy::Random, 0, None)),
        "parameter `trials` is 0; expected at least 1",
    );
    let grid = options(Strategy::Grid { steps: 200 }, 3, None);
    let wide = json!({"backend": "", "a": {"float": [0, 5]}, "b": {"float": [0, 5]}});
    assert!(
        refused(wide, &grid)
            .starts_with("parameter `grid` is 40000 points; expected a grid of at most 10000")
    );
    let parse = |text: &str| serde_json::from_str::<SearchSpace>(text).unwrap_err().to_string();
    let unknown = parse(r#"{"backend": "gbdt", "leaves": {"integer": [1, 2]}}"#);
    assert!(unknown.contains("`integer`: expected one of float, log, int, log_int and choices"), "{unknown}");
    let fraction = parse(r#"{"backend": "gbdt", "leaves": {"int": [1.5, 2]}}"#);
    assert!(fraction.contains("int: ") && fraction.contains("the lowest and the highest"), "{fraction}");
    let text = r#"{"backend":"gbdt","a":{"log_int":[1,9]},"b":{"choices":[null,2.5]},"c":"fixed","d":{"float":[0.0,1.0]}}"#;
    assert_eq!(serde_json::to_string(&serde_json::from_str::<SearchSpace>(text).unwrap()).unwrap(), text);
}
