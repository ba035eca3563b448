//! Searches over backends by cross-validation.

use ndarray::Array2;
use serde_json::json;
use tenure_backends::Backend;
use tenure_backends::search::{
    EarlyStopping, Found, Metric, Search, SearchLog, SearchOptions, SearchSpace, Strategy,
};
use tenure_core::{Dataset, Error, Feature, FitContext, Schema, Target, TargetKind, seed};
use tenure_eval::splits::{Split, k_fold, stratified_k_fold};

use crate::{options, space};

const ROWS: usize = 400;

fn features() -> Dataset {
    let names = ["a", "b", "c"];
    let schema = Schema::new(names.map(|n| Feature::numeric(n, "", "")).to_vec()).unwrap();
    Dataset::new(schema, Array2::from_shape_fn((ROWS, 3), |(r, c)| seed::unit(c as u64, r as u64))).unwrap()
}

fn steps(row: usize) -> f64 {
    4.0 * (seed::unit(0, row as u64) - 0.5) + if seed::unit(1, row as u64) > 0.7 { 2.0 } else { 0.0 }
}

fn binary() -> Dataset {
    let label = |row| f64::from(u8::from(steps(row) + 3.0 * seed::unit(7, row as u64) > 2.0));
    features().with_target(Target::binary("y", (0..ROWS).map(label).collect()).unwrap()).unwrap()
}

fn numeric() -> Dataset {
    let label = |row| steps(row) + seed::unit(7, row as u64);
    features().with_target(Target::real("y", (0..ROWS).map(label).collect()).unwrap()).unwrap()
}

fn splits(data: &Dataset) -> Vec<Split> {
    match data.target().unwrap().kind() {
        TargetKind::Real => k_fold(ROWS, 3, 1).unwrap(),
        _ => stratified_k_fold(data.target().unwrap().values(), 3, 1).unwrap(),
    }
}

fn backend(json: serde_json::Value) -> Backend {
    serde_json::from_value(json).unwrap()
}

fn quick() -> EarlyStopping {
    EarlyStopping { max_iterations: 60, patience: 10 }
}

#[test]
fn every_backend_has_usual_ranges_that_it_accepts() {
    for name in Backend::NAMES {
        let base = Backend::by_name(name).unwrap();
        let space = SearchSpace::usual(&base).unwrap();
        space.check(&base).unwrap();
        assert!(!space.dimensions.is_empty() && space.backend == *name);
        let text = serde_json::to_string(&space).unwrap();
        assert_eq!(serde_json::from_str::<SearchSpace>(&text).unwrap(), space);
    }
}

#[test]
fn unknown_parameters_and_values_are_named_with_the_known_ones() {
    let gbdt = Backend::default();
    let refused = |json: serde_json::Value| space(json).check(&gbdt).unwrap_err().to_string();
    let words = refused(json!({"backend": "gbdt", "learning_rat": {"log": [0.01, 0.3]}}));
    assert!(
        words.starts_with("gbdt does not support the parameter `learning_rat`; its parameters are "),
        "{words}"
    );
    assert!(
        words.contains("learning_rate") && words.contains("trees") && !words.contains("backend"),
        "{words}"
    );
    let words = refused(json!({"backend": "gbdt", "categorical.smooth": 3}));
    assert!(
        words.contains("the parameter `categorical.smooth`; there are ") && words.contains("smoothing"),
        "{words}"
    );
    let words = refused(json!({"backend": "gbdt", "leaves.x": 3}));
    assert!(words.contains("the parameter `leaves.x`"), "{words}");
    let words = refused(json!({"backend": "gbdt", "leaves": {"float": [2, 31.5]}}));
    assert!(
        words.starts_with("gbdt does not support `leaves` = 2.0") || words.contains("`leaves` = 31.5"),
        "{words}"
    );
    let words = refused(json!({"backend": "logistic", "l2": 3}));
    assert_eq!(words, "gbdt does not support a search space of `logistic`");
    let nested = space(
        json!({"backend": "gbdt", "categorical.smoothing": {"float": [1, 20]}, "depth": {"choices": [null, 4]}}),
    );
    nested.check(&gbdt).unwrap();
    let blend = Backend::by_name("blend").unwrap();
    space(json!({"backend": "blend", "members.1.learner.l2": {"log": [0.1, 10]}})).check(&blend).unwrap();
    let words =
        space(json!({"backend": "blend", "members.2.weight": 1})).check(&blend).unwrap_err().to_string();
    assert!(words.contains("the parameter `members.2.weight`"), "{words}");
}

#[test]
fn the_best_of_a_grid_is_the_one_that_cross_validation_says() {
    let (data, base) = (binary(), Backend::by_name("logistic").unwrap());
    let space = space(json!({"backend": "logistic", "l2": {"choices": [1e6, 1.0, 1e4]}}));
    let options = options(Strategy::Grid { steps: 2 }, 1, None);
    let context = FitContext::new(3);
    let found = Search::new(&space, &options, &context).over(&base, &data, &splits(&data)).unwrap();
    assert_eq!(found.point["l2"], json!(1.0));
    assert_eq!((found.metric, found.iterations), (Metric::LogLoss, None));
    let means: Vec<f64> = found.trials.trials.iter().map(|t| t.mean().unwrap()).collect();
    assert!(means[0] > means[2] && means[2] > means[1], "{means:?}");
    // One fold by hand.
    let split = &splits(&data)[0];
    let model =
        found.backend.clone().check().unwrap().fit(&data.select(&split.train), None, &context).unwrap().model;
    let test = data.select(&split.test);
    let p = model.predict(test.x()).unwrap().column(0).to_vec();
    let loss = tenure_eval::metrics::log_loss(test.target().unwrap().values(), &p, None).unwrap();
    assert_eq!(found.trials.trials[1].folds[0].score, loss);
    let auc = Search::new(&space, &options, &context)
        .by(Metric::RocAuc)
        .over(&base, &data, &splits(&data))
        .unwrap();
    assert!(auc.trials.score > 0.7, "{}", auc.trials.score);
}

fn search_trees(
    threads: usize,
    log: &SearchLog,
    sink: &mut dyn FnMut(&str) -> tenure_core::Result<()>,
) -> Found {
    let (data, base) = (numeric(), backend(json!({"backend": "gbdt", "bins": 63})));
    let space = space(json!({
        "backend": "gbdt", "learning_rate": {"log": [0.05, 0.5]}, "leaves": {"int": [2, 8]}, "row_fraction": 0.8
    }));
    let options =
        SearchOptions { trials: 8, strategy: Strategy::Tpe { startup: 4 }, ..SearchOptions::default() };
    let context = FitContext::new(5).with_threads(threads);
    let search = Search::new(&space, &options, &context).stopping(quick()).resuming(log).with_log(sink);
    search.over(&base, &data, &splits(&data)).unwrap()
}

#[test]
fn a_search_over_trees_is_the_same_at_any_number_of_threads_and_from_any_line_of_its_log() {
    let mut lines = Vec::new();
    let found = search_trees(1, &SearchLog::default(), &mut |line| {
        lines.push(format!("{line}\n"));
        Ok(())
    });
    assert_eq!(search_trees(2, &SearchLog::default(), &mut |_| Ok(())), found);
    for kept in [1, lines.len() / 2, lines.len() - 1, lines.len()] {
        let log = SearchLog::parse(lines[..kept].concat().as_bytes()).unwrap();
        assert_eq!(search_trees(2, &log, &mut |_| Ok(())), found, "{kept} lines");
    }
    // Stopped early on training rows, and carrying the mean number of trees; the space's fixed value is in it.
    let Backend::Gbdt(params) = &found.backend else { panic!("{:?}", found.backend) };
    assert_eq!((params.bins, params.row_fraction, params.early_stopping_rounds), (63, 0.8, None));
    let best = found.trials.best_trial().unwrap();
    let trees: Vec<usize> = best.folds.iter().map(|f| f.iterations.unwrap()).collect();
    assert_eq!(params.trees as f64, (trees.iter().sum::<usize>() as f64 / 3.0).round());
    assert!(trees.iter().all(|n| (1..=60).contains(n)));
    assert!(found.trials.score < 0.5, "{}", found.trials.score);
}

#[test]
fn trees_that_the_space_names_are_not_stopped_early() {
    let (data, base) = (numeric(), Backend::default());
    let space = space(json!({"backend": "gbdt", "trees": {"choices": [3, 40]}, "learning_rate": 0.2}));
    let options = options(Strategy::Grid { steps: 2 }, 1, None);
    let context = FitContext::new(5);
    let clock = std::cell::Cell::new(0.0);
    let tick = || {
        clock.set(clock.get() + 0.5);
        clock.get()
    };
    let search = Search::new(&space, &options, &context).by("mae".parse().unwrap()).with_clock(&tick);
    let found = search.over(&base, &data, &splits(&data)).unwrap();
    assert_eq!((found.point["trees"].clone(), found.iterations), (json!(40), None));
    assert_eq!(found.trials.trials[0].seconds(), Some(1.5));
    let Backend::Gbdt(params) = &found.backend else { panic!("{:?}", found.backend) };
    assert_eq!(params.trees, 40);
}

#[test]
fn weights_offsets_and_unknown_labels_count() {
    let (data, base) = (binary(), Backend::by_name("logistic").unwrap());
    let space = space(json!({"backend": "logistic", "l2": {"choices": [1.0, 10.0]}}));
    let options = options(Strategy::Grid { steps: 2 }, 1, None);
    let context = FitContext::new(3);
    let score = |data: &Dataset| {
        let splits = k_fold(ROWS, 3, 1).unwrap();
        Search::new(&space, &options, &context).over(&base, data, &splits).unwrap().trials.score
    };
    let plain = score(&data);
    let ones = data.clone().with_weights(vec![1.0; ROWS]).unwrap();
    assert!((score(&ones) - plain).abs() < 1e-9);
    let halves: Vec<f64> = (0..ROWS).map(|r| f64::from(u8::from(r % 2 == 0))).collect();
    assert_ne!(score(&data.clone().with_weights(halves.clone()).unwrap()), plain);
    // An offset that says what the label is makes the rows easy to judge.
    let labels = data.target().unwrap().values().to_vec();
    let telling = labels.iter().map(|y| 6.0 * (y - 0.5)).collect();
    assert!(score(&data.clone().with_offsets(telling).unwrap()) < 0.5 * plain);
    let some = (0..ROWS).map(|r| if halves[r] == 1.0 { f64::NAN } else { labels[r] }).collect();
    let half = features().with_target(Target::binary("y", some).unwrap()).unwrap();
    assert!(score(&half).is_finite());
    let error = Search::new(&space, &options, &context).by(Metric::Rmse).over(&base, &data, &splits(&data));
    assert_eq!(error.unwrap_err().to_string(), "the metric rmse does not support a binary target");
    assert!(matches!(
        Search::new(&space, &options, &context).over(&base, &data, &[]),
        Err(Error::NotEnoughRows { .. })
    ));
}

#[test]
fn metrics_have_names() {
    for name in ["log_loss", "roc_auc", "f1", "r2", "tweedie_deviance:1.5", "pinball:0.9", "huber:2"] {
        assert_eq!(name.parse::<Metric>().unwrap().to_string(), name);
    }
    let unknown = "auc".parse::<Metric>().unwrap_err().to_string();
    assert!(
        unknown.starts_with("parameter `metric` is auc; expected one of log_loss, brier, roc_auc,"),
        "{unknown}"
    );
    let metric: Metric = "pinball:1.5".parse().unwrap();
    let error = metric.check(&TargetKind::Real).unwrap_err().to_string();
    assert_eq!(error, "parameter `quantile` is 1.5; expected between 0 and 1, both excluded");
    let classes = TargetKind::Class { classes: vec!["a".into(), "b".into(), "c".into()] };
    let p = ndarray::array![[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.0, 0.5, 0.5]];
    let score = |metric: Metric| metric.score(&classes, &[0.0, 1.0, 2.0], p.view(), None).unwrap();
    assert_eq!((score(Metric::Accuracy), score(Metric::LogLoss)), (2.0 / 3.0, 2f64.ln()));
    assert!(Metric::LogLoss.score(&TargetKind::Binary, &[0.0, 1.0, 1.0], p.view(), None).is_err());
}
