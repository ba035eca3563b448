//! Tables of so many rows that the solver begins with part of them: what Newton's method on all rows finds.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::any::Any;

use ndarray::{Array2, Axis};
use tenure_backends::glm::{self, Family, GlmModel, GlmParams, Link, PathParams};
use tenure_backends::logistic::LogisticParams;
use tenure_core::seed::unit;
use tenure_core::{Dataset, Error, Feature, FitContext, Learner, Model, Schema, Target};

/// One row in eight is more than the least that a start from part of the rows takes.
const ROWS: usize = 33_000;
const COLUMNS: usize = 9;
/// At most so many steps are taken by Newton's method alone.
const PLAIN: usize = 24;
const FAMILIES: [Family; 4] =
    [Family::Binomial, Family::Poisson, Family::Gamma, Family::Tweedie { power: 1.5 }];

fn names() -> Vec<Feature> {
    (0..COLUMNS).map(|c| Feature::numeric(format!("f{c}"), "", "")).collect()
}

fn value(row: usize, column: usize) -> f64 {
    let draw = |c: usize| 2.0 * unit(c as u64, row as u64) - 1.0;
    // Every third column is correlated with the one before.
    if column % 3 == 2 { 0.6 * draw(column - 1) + 0.4 * draw(column) } else { draw(column) }
}

/// A target of the family's kind that follows all columns; `columns` changes what the learner sees of a value.
fn table(family: Family, columns: impl Fn(usize, usize, f64) -> f64) -> Dataset {
    let x = Array2::from_shape_fn((ROWS, COLUMNS), |(row, c)| columns(row, c, value(row, c)));
    let y = (0..ROWS).map(|row| {
        let effect = |c: usize| value(row, c) * (0.6 - 0.13 * c as f64);
        let predictor = 0.3 + (0..COLUMNS).map(effect).sum::<f64>();
        let draw = unit(99, row as u64);
        match family {
            Family::Binomial => f64::from(draw < 1.0 / (1.0 + (-predictor).exp())),
            Family::Poisson => (predictor.exp() * 2.0 * draw).round(),
            _ => predictor.exp() * (0.1 + draw),
        }
    });
    let y = y.collect();
    let target = if family == Family::Binomial { Target::binary("y", y) } else { Target::real("y", y) };
    Dataset::new(Schema::new(names()).unwrap(), x).unwrap().with_target(target.unwrap()).unwrap()
}

fn plain(family: Family) -> Dataset {
    table(family, |_, _, value| value)
}

fn try_fit(params: &GlmParams, data: &Dataset, threads: usize) -> Result<GlmModel, Error> {
    let fitted = params.clone().check()?.fit(data, None, &FitContext::new(0).with_threads(threads))?;
    let model: Box<dyn Any> = fitted.model;
    Ok(*model.downcast::<GlmModel>().unwrap())
}

fn fit(params: &GlmParams, data: &Dataset) -> GlmModel {
    try_fit(params, data, 1).unwrap()
}

/// Coefficients, their standard errors and the deviance agree.
#[track_caller]
fn assert_same(a: &GlmModel, b: &GlmModel, what: &str) {
    assert!(a.converged() && b.converged(), "{what}");
    let (left, right) = (a.coefficients(0.95).unwrap(), b.coefficients(0.95).unwrap());
    assert_eq!(left.coefficients.len(), right.coefficients.len(), "{what}");
    for (a, b) in left.coefficients.iter().zip(&right.coefficients) {
        assert!((a.estimate - b.estimate).abs() < 1e-9 * (1.0 + b.estimate.abs()), "{what}: {a:?} {b:?}");
        match (a.standard_error, b.standard_error) {
            (Some(a), Some(b)) => assert!((a - b).abs() < 1e-8 * b, "{what}: {a} {b}"),
            (a, b) => assert_eq!(a, b, "{what}"),
        }
    }
    assert!((a.deviance() - b.deviance()).abs() < 1e-10 * b.deviance(), "{what}");
}

/// As Newton's method alone.
#[track_caller]
fn check(params: &GlmParams, data: &Dataset, what: &str) -> GlmModel {
    let model = fit(params, data);
    let newton = fit(&GlmParams { max_iterations: PLAIN, ..params.clone() }, data);
    assert_same(&model, &newton, what);
    model
}

#[test]
fn the_minimum_is_that_of_newtons_method() {
    for family in FAMILIES {
        let data = plain(family);
        let params = GlmParams::of(family);
        let model = check(&params, &data, &format!("{family}"));
        let known = |m: &GlmModel| m.coefficients(0.95).unwrap().coefficients[1].standard_error.is_some();
        assert!(known(&model));
        // Not the same way: fewer steps need a Hessian, so their numbers differ in the last digits.
        let newton = fit(&GlmParams { max_iterations: PLAIN, ..params.clone() }, &data);
        assert_ne!(model.to_artifact(), newton.to_artifact());
        let weights = (0..ROWS).map(|row| 0.5 + (row % 5) as f64).collect();
        let offsets = (0..ROWS).map(|row| unit(7, row as u64) - 0.3).collect();
        let data = data.with_weights(weights).unwrap().with_offsets(offsets).unwrap();
        check(&params, &data, &format!("{family} with weights and offsets"));
        check(
            &GlmParams { intercept: false, ..params.clone() },
            &data,
            &format!("{family} without intercept"),
        );
        let ridge = GlmParams { alpha: 0.05, ..params };
        assert!(!known(&check(&ridge, &data, &format!("{family} with a penalty"))));
        check(&GlmParams { standardise: false, ..ridge }, &data, &format!("{family}, columns as they come"));
    }
    let line = GlmParams::of(Family::Gaussian);
    check(&line, &plain(Family::Gamma), "gaussian");
    let inverse = GlmParams { link: Some(Link::ComplementaryLogLog), ..GlmParams::of(Family::Binomial) };
    check(&inverse, &plain(Family::Binomial), "cloglog");
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    for family in FAMILIES {
        // As they come, and with missing values: without and with stored blocks.
        let holes = |row: usize, _: usize, value: f64| if row % 7 == 3 { f64::NAN } else { value };
        for data in [plain(family), table(family, holes)] {
            let [one, two, eight] =
                [1, 2, 8].map(|t| try_fit(&GlmParams::of(family), &data, t).unwrap().to_artifact());
            assert!(one == two && one == eight, "{family}");
        }
    }
}

#[test]
fn columns_of_any_scale_have_the_same_fit() {
    for family in [Family::Binomial, Family::Gamma] {
        let params = GlmParams::of(family);
        let reference = fit(&params, &plain(family)).coefficients(0.95).unwrap().coefficients;
        let scale = |c: usize| [1e-200, 1e200, 1e-40, 1e40, 1e307, 1.0, 1e-290, 1e3, 1.0][c];
        // A mean 500 and 100,000 times the spread: sums of the column as it is, and scaled first.
        let far = |c: usize| [0.0, 0.0, 0.0, 0.0, 0.0, 500.0, 0.0, 0.0, 1e5][c];
        for far_column in [5, 8] {
            let shift = |c: usize| if c == far_column { far(c) } else { 0.0 };
            for scaled in [false, true] {
                let scale = |c: usize| if scaled { scale(c) } else { 1.0 };
                let data = table(family, |_, c, value| (value + shift(c)) * scale(c));
                let model = fit(&params, &data);
                assert!(model.converged());
                let found = model.coefficients(0.95).unwrap().coefficients;
                for (c, (a, b)) in found[1..].iter().zip(&reference[1..]).enumerate() {
                    assert!((a.estimate * scale(c) - b.estimate).abs() < 1e-8, "{family} {c}: {a:?} {b:?}");
                    // Variances are squares: beyond this they leave double precision.
                    if !(1e-150..1e150).contains(&scale(c)) {
                        continue;
                    }
                    let (a, b) = (a.standard_error.unwrap() * scale(c), b.standard_error.unwrap());
                    assert!((a - b).abs() < 1e-7 * b, "{family} {c}: {a} {b}");
                }
            }
        }
    }
}

#[test]
fn columns_that_determine_each_other_are_left_out() {
    let twice = |row: usize, c: usize, v: f64| if c == 4 { 2.0 * value(row, 0) - value(row, 1) } else { v };
    let model = check(&GlmParams::of(Family::Binomial), &table(Family::Binomial, twice), "sum of others");
    assert!(model.to_string().contains("f4: no coefficient"));
    // Another value in a single row that the part does not have.
    let single = |row: usize, c: usize, v: f64| if c == 4 { f64::from(row == 200) } else { v };
    check(&GlmParams::of(Family::Gamma), &table(Family::Gamma, single), "one row of its own");
}

#[test]
fn separated_classes_are_named() {
    let data = plain(Family::Binomial);
    let y = data.target().unwrap().values().to_vec();
    let apart = |row: usize, c: usize, value: f64| match c {
        3 if row % 40 == 5 => 2.0 * y[row],
        3 => y[row] - 1.0,
        _ => value,
    };
    let words = try_fit(&GlmParams::of(Family::Binomial), &table(Family::Binomial, apart), 1).unwrap_err();
    assert!(words.to_string().contains("`y` is separated by `f3`"), "{words}");
    // A column whose few rows, none of them in the part, are of one class.
    let level = |row: usize, c: usize, value: f64| match c {
        3 => f64::from(y[row] == 1.0 && row % 1024 == 300),
        _ => value,
    };
    let words = try_fit(&GlmParams::of(Family::Binomial), &table(Family::Binomial, level), 1).unwrap_err();
    assert!(words.to_string().contains("`y` is separated by `f3`"), "{words}");
    let penalised = GlmParams { alpha: 0.01, ..GlmParams::of(Family::Binomial) };
    check(&penalised, &table(Family::Binomial, level), "with a penalty");
}

#[test]
fn an_absolute_penalty_takes_newtons_method() {
    let data = plain(Family::Binomial);
    let params = GlmParams { alpha: 0.02, l1_ratio: 0.5, ..GlmParams::of(Family::Binomial) };
    let newton = GlmParams { max_iterations: PLAIN, ..params.clone() };
    assert_eq!(fit(&params, &data).to_artifact(), fit(&newton, &data).to_artifact());
    // A path of quadratic penalties ends where a single fit does.
    let ridge = GlmParams { l1_ratio: 0.0, ..params };
    let along = PathParams { alphas: vec![0.5, 0.1, 0.02], ..PathParams::default() };
    let path = glm::path(&ridge, &data, &along, &FitContext::new(0)).unwrap();
    let expected = fit(&ridge, &data).coefficients(0.95).unwrap().coefficients;
    for (found, expected) in path.points[2].coefficients.iter().zip(expected) {
        assert!((found - expected.estimate).abs() < 1e-9);
    }
}

#[test]
fn few_steps_are_honoured() {
    for most in [1, 3] {
        let params = GlmParams { max_iterations: most, tolerance: 1e-15, ..GlmParams::of(Family::Gamma) };
        let context = FitContext::new(0);
        let fitted = params.check().unwrap().fit(&plain(Family::Gamma), None, &context).unwrap();
        assert_eq!(fitted.report.iterations, most);
    }
    // What cannot be reached ends after the steps that were asked for, or where nothing moves any more.
    let params = GlmParams { max_iterations: 30, tolerance: 1e-300, ..GlmParams::of(Family::Gamma) };
    let context = FitContext::new(0);
    let fitted = params.check().unwrap().fit(&plain(Family::Gamma), None, &context).unwrap();
    assert!(fitted.report.iterations <= 30);
}

#[test]
fn a_table_without_columns_has_the_mean() {
    let y = plain(Family::Gamma).target().unwrap().values().to_vec();
    let mean = y.iter().sum::<f64>() / ROWS as f64;
    let data = Dataset::new(Schema::new(vec![]).unwrap(), Array2::zeros((ROWS, 0))).unwrap();
    let data = data.with_target(Target::real("y", y).unwrap()).unwrap();
    let model = fit(&GlmParams::of(Family::Gamma), &data);
    let estimate = model.coefficients(0.95).unwrap().coefficients[0].estimate;
    assert!((estimate - mean.ln()).abs() < 1e-9, "{estimate}");
}

#[test]
fn the_logistic_backend_agrees_with_newtons_method_too() {
    let data = plain(Family::Binomial);
    let answers = |max_iterations: usize, threads: usize| {
        let params = LogisticParams { max_iterations, ..LogisticParams::default() };
        let context = FitContext::new(0).with_threads(threads);
        let fitted = params.check().unwrap().fit(&data, None, &context).unwrap();
        fitted.model.predict(data.x().select(Axis(0), &[0, 5, 77, 4000]).view()).unwrap()
    };
    let (found, newton) = (answers(100, 1), answers(PLAIN, 1));
    assert!(found.iter().zip(&newton).all(|(a, b)| (a - b).abs() < 1e-9), "{found} {newton}");
    assert_ne!(found, newton);
    assert_eq!(found, answers(100, 8));
}
