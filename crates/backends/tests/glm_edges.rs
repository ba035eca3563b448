//! What a generalised linear model answers where there is no plain answer, and laws it keeps.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::any::Any;

use ndarray::{Array2, Axis, concatenate};
use proptest::prelude::*;
use tenure_backends::glm::{self, Family, GlmModel, GlmParams, Link, PathParams};
use tenure_core::seed::unit;
use tenure_core::{Dataset, Error, Feature, FitContext, FitReport, Learner, Model, Schema, Target};

fn numeric(names: &[&str], x: Array2<f64>, target: Target) -> Dataset {
    let schema = Schema::new(names.iter().map(|n| Feature::numeric(*n, "", "")).collect()).unwrap();
    Dataset::new(schema, x).unwrap().with_target(target).unwrap()
}

fn try_fit(params: GlmParams, data: &Dataset, threads: usize) -> Result<(GlmModel, FitReport), Error> {
    let fitted = params.check()?.fit(data, None, &FitContext::new(0).with_threads(threads))?;
    let model: Box<dyn Any> = fitted.model;
    Ok((*model.downcast::<GlmModel>().unwrap(), fitted.report))
}

fn fit(params: GlmParams, data: &Dataset) -> (GlmModel, FitReport) {
    try_fit(params, data, 1).unwrap()
}

fn names(model: &GlmModel) -> Vec<String> {
    model.coefficients(0.95).unwrap().coefficients.into_iter().map(|c| c.name).collect()
}

fn estimates(model: &GlmModel) -> Vec<f64> {
    model.coefficients(0.95).unwrap().coefficients.iter().map(|c| c.estimate).collect()
}

/// Columns `a`, `b` and a target that follows them, of the kind the family takes.
fn table(family: Family, rows: usize, seed: u64) -> Dataset {
    let x = Array2::from_shape_fn((rows, 2), |(row, c)| 2.0 * unit(seed + c as u64, row as u64) - 1.0);
    let y = (0..rows).map(|row| {
        let (predictor, draw) = (0.3 + 0.8 * x[[row, 0]] - 0.5 * x[[row, 1]], unit(seed + 9, row as u64));
        match family {
            Family::Binomial => f64::from(draw < 1.0 / (1.0 + (-predictor).exp())),
            Family::Gaussian => predictor + draw,
            Family::Poisson => (predictor.exp() * 2.0 * draw).round(),
            _ => predictor.exp() * (0.1 + draw),
        }
    });
    let y = y.collect();
    let target = if family == Family::Binomial { Target::binary("y", y) } else { Target::real("y", y) };
    numeric(&["a", "b"], x, target.unwrap())
}

const FAMILIES: [Family; 5] =
    [Family::Gaussian, Family::Binomial, Family::Poisson, Family::Gamma, Family::Tweedie { power: 1.5 }];

#[test]
fn separation_is_an_error_that_names_the_feature() {
    // Complete by `b`; quasi-complete: the classes meet in the value 0 alone.
    for (b, what) in
        [([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0], "complete"), ([-3.0, -1.0, 0.0, 0.0, 1.0, 3.0], "quasi")]
    {
        let repeated = |row: usize| b[row / 4];
        let x = Array2::from_shape_fn(
            (24, 2),
            |(row, c)| {
                if c == 0 { unit(3, row as u64) } else { repeated(row) }
            },
        );
        let y = (0..24).map(|row| f64::from(row >= 12)).collect();
        let data = numeric(&["a", "b"], x, Target::binary("churned", y).unwrap());
        for link in [Link::Logit, Link::ComplementaryLogLog] {
            let params = GlmParams { link: Some(link), ..GlmParams::of(Family::Binomial) };
            let words = try_fit(params.clone(), &data, 1).unwrap_err().to_string();
            assert!(words.contains("`churned` is separated by `b`"), "{what}, {link}: {words}");
            let (model, report) = fit(GlmParams { alpha: 0.01, ..params }, &data);
            assert!(model.converged(), "{what}, {link}");
            assert_eq!(report.notes, ["with a penalty there are no standard errors"]);
        }
    }
}

#[test]
fn a_level_whose_counts_are_all_zero_is_an_error_that_names_it() {
    let schema = Schema::new(vec![Feature::categorical("plan", ["basic", "plus", "pro"], "")]).unwrap();
    let x = Array2::from_shape_fn((30, 1), |(row, _)| (row % 3) as f64);
    let y: Vec<f64> = (0..30).map(|row| if row % 3 == 1 { 0.0 } else { (1 + row % 4) as f64 }).collect();
    let data = Dataset::new(schema, x).unwrap().with_target(Target::real("visits", y).unwrap()).unwrap();
    for family in [Family::Poisson, Family::Tweedie { power: 1.5 }] {
        let words = try_fit(GlmParams::of(family), &data, 1).unwrap_err().to_string();
        assert!(words.contains("`plan[plus]`") && words.contains("`visits` is 0"), "{words}");
    }
}

#[test]
fn columns_that_others_determine_are_named_and_left_out() {
    let base = table(Family::Gaussian, 50, 1);
    let sum = base.x().column(0).to_owned() * 2.0 - base.x().column(1);
    let constant = Array2::from_elem((50, 1), 7.0);
    let x = concatenate![Axis(1), base.x(), sum.insert_axis(Axis(1)), constant];
    let data = numeric(&["a", "b", "mix", "same"], x, base.target().unwrap().clone());
    let (model, report) = fit(GlmParams::default(), &data);
    let (plain, _) = fit(GlmParams::default(), &base);
    assert_eq!(names(&model), ["(intercept)", "a", "b"]);
    assert!(report.notes.iter().any(|n| n.starts_with("`mix`") && n.contains("linear combination")));
    assert!(report.notes.iter().any(|n| n.starts_with("`same`") && n.contains("same value")));
    let (found, expected) = (model.coefficients(0.95).unwrap(), plain.coefficients(0.95).unwrap());
    for (a, b) in found.coefficients.iter().zip(&expected.coefficients) {
        assert!((a.estimate - b.estimate).abs() < 1e-10);
        assert!((a.standard_error.unwrap() - b.standard_error.unwrap()).abs() < 1e-10);
    }
    assert_eq!(model.df_residual(), plain.df_residual());
    assert!(model.to_string().contains("mix: no coefficient"));
    // With a quadratic penalty both share the effect.
    let (model, _) = fit(GlmParams { alpha: 0.1, ..GlmParams::default() }, &data);
    assert_eq!(names(&model), ["(intercept)", "a", "b", "mix"]);
}

#[test]
fn targets_outside_the_family_name_the_row() {
    let x = Array2::from_shape_fn((3, 1), |(row, _)| row as f64);
    let with = |y: Vec<f64>| numeric(&["a"], x.clone(), Target::real("amount", y).unwrap());
    let words = |family, y| try_fit(GlmParams::of(family), &with(y), 1).unwrap_err().to_string();
    assert_eq!(
        words(Family::Gamma, vec![1.0, f64::NAN, 0.0]),
        "target `amount`, row 2: 0; expected above 0 for this family"
    );
    assert!(words(Family::Poisson, vec![1.0, -1.0, 0.0]).contains("row 1: -1; expected at least 0"));
    assert!(words(Family::Tweedie { power: 1.5 }, vec![1.0, -1.0, 0.0]).contains("row 1"));
    assert!(words(Family::Tweedie { power: 2.5 }, vec![1.0, 0.0, 1.0]).contains("row 1"));
    assert!(words(Family::Poisson, vec![0.0; 3]).contains("all 3 rows of target `amount` are 0"));
    assert!(words(Family::Binomial, vec![1.0, 0.0, 1.0]).contains("it is not binary"));
    let refused = GlmParams { link: Some(Link::Logit), ..GlmParams::of(Family::Gamma) }.check().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "parameter `link` is logit; expected one of identity, log, inverse for family gamma"
    );
}

#[test]
fn small_tables_have_answers() {
    for family in FAMILIES.into_iter().filter(|f| *f != Family::Binomial) {
        let x = Array2::from_shape_fn((3, 5), |(row, c)| unit(c as u64, row as u64));
        let names = ["a", "b", "c", "d", "e"];
        let y = vec![2.0, 3.0, 5.0];
        let one = numeric(&names, x.select(Axis(0), &[0]), Target::real("y", vec![2.0]).unwrap());
        let (model, _) = fit(GlmParams::of(family), &one);
        assert!((model.predict(one.x()).unwrap()[[0, 0]] - 2.0).abs() < 1e-8, "{family}");
        assert_eq!((model.parameters(), model.df_residual()), (1, 0.0));

        // More columns than rows: as many coefficients as rows, and nothing said about their errors.
        let wide = numeric(&names, x.clone(), Target::real("y", y.clone()).unwrap());
        let (model, report) = fit(GlmParams::of(family), &wide);
        assert_eq!((model.parameters(), model.df_residual()), (3, 0.0), "{family}");
        let fitted = model.predict(wide.x()).unwrap();
        assert!(fitted.iter().zip(&y).all(|(a, b)| (a - b).abs() < 1e-5), "{family}: {fitted}");
        if family.estimates_dispersion() {
            assert_eq!(model.dispersion(), None);
            assert!(
                model.coefficients(0.95).unwrap().coefficients.iter().all(|c| c.standard_error.is_none())
            );
            assert!(report.notes.iter().any(|n| n.contains("as many coefficients as rows")));
        }

        let constant = numeric(
            &["a"],
            x.column(0).to_owned().insert_axis(Axis(1)),
            Target::real("y", vec![4.0; 3]).unwrap(),
        );
        let (model, _) = fit(GlmParams::of(family), &constant);
        assert!(estimates(&model)[1].abs() < 1e-8 && model.deviance() < 1e-12, "{family}");
    }
}

#[test]
fn missing_values_and_levels_have_columns_of_their_own() {
    let schema =
        vec![Feature::numeric("a", "", ""), Feature::categorical("plan", ["x", "basic", "plus"], "")];
    let x = Array2::from_shape_fn((60, 2), |(row, c)| match (c, row % 6) {
        (0, 0) => f64::NAN,
        (0, _) => unit(1, row as u64),
        (_, 5) => f64::NAN,
        (_, k) => (1 + k % 2) as f64,
    });
    let y = (0..60).map(|row| unit(2, row) + f64::from(u8::from(row % 6 == 0))).collect();
    let data = Dataset::new(Schema::new(schema).unwrap(), x).unwrap();
    let data = data.with_target(Target::real("y", y).unwrap()).unwrap();
    let (model, _) = fit(GlmParams::default(), &data);
    assert_eq!(names(&model), ["(intercept)", "a", "a[missing]", "plan[plus]", "plan[missing]"]);
    // The plain sum of coefficients and columns is what the model predicts.
    let b = estimates(&model);
    let expected = b[0] + b[1] * 0.25 + b[3];
    assert!((model.predict(ndarray::array![[0.25, 2.0]].view()).unwrap()[[0, 0]] - expected).abs() < 1e-12);
    // A level without rows is an unknown one, which is a missing one.
    let answer = |level: f64| model.predict(ndarray::array![[0.25, level]].view()).unwrap()[[0, 0]];
    assert_eq!(answer(0.0), answer(f64::NAN));
    assert_ne!(answer(1.0), answer(f64::NAN));
}

#[test]
fn the_same_bits_on_one_thread_and_on_eight() {
    for family in [Family::Binomial, Family::Gamma] {
        let base = table(family, 9_000, 5);
        let more = Array2::from_shape_fn((9_000, 40), |(row, c)| unit(50 + c as u64, row as u64));
        let names: Vec<String> = (0..42).map(|i| format!("f{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let data = numeric(&names, concatenate![Axis(1), base.x(), more], base.target().unwrap().clone());
        let [one, eight] = [1, 8].map(|t| try_fit(GlmParams::of(family), &data, t).unwrap().0.to_artifact());
        assert_eq!(one, eight);
    }
}

#[test]
fn a_penalty_is_chosen_by_splits() {
    let base = table(Family::Poisson, 200, 3);
    let noise = Array2::from_shape_fn((200, 10), |(row, c)| unit(70 + c as u64, row as u64));
    let names: Vec<String> = (0..12).map(|i| format!("f{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let data = numeric(&names, concatenate![Axis(1), base.x(), noise], base.target().unwrap().clone());
    let fold = |k: usize, inside: bool| (0..200).filter(|row| (row % 5 == k) == inside).collect::<Vec<_>>();
    let splits: Vec<_> = (0..5).map(|k| (fold(k, false), fold(k, true))).collect();
    let params = GlmParams { l1_ratio: 1.0, ..GlmParams::of(Family::Poisson) };
    let along = PathParams { count: 30, ..PathParams::default() };
    let context = FitContext::new(0);
    let choice = glm::choose_penalty(&params, &data, &along, &splits, &context).unwrap();
    assert!(choice.best > 0 && choice.one_standard_error <= choice.best);
    assert!(choice.deviance[choice.best] < choice.deviance[0]);
    let path = glm::path(&params, &data, &along, &context).unwrap();
    let alphas: Vec<f64> = path.points.iter().map(|p| p.alpha).collect();
    assert_eq!(alphas, choice.alphas);
    // A fit from the start ends where the path passes.
    let (model, _) = fit(choice.best(&params), &data);
    for (a, b) in estimates(&model).iter().zip(&path.points[choice.best].coefficients) {
        assert!((a - b).abs() < 1e-7, "{a} {b}");
    }
    let foreign = [(vec![0, 999], vec![1]), (vec![0], vec![1])];
    assert!(glm::choose_penalty(&params, &data, &along, &foreign, &context).is_err());
}

#[test]
fn without_a_mean_there_is_an_error_in_words() {
    let x = ndarray::array![[1.0], [2.0], [3.0], [4.0]];
    let data = numeric(&["a"], x, Target::real("y", vec![1.0, 0.5, 0.33, 0.26]).unwrap());
    let params = GlmParams { link: Some(Link::Inverse), ..GlmParams::of(Family::Gamma) };
    let (model, _) = fit(params, &data);
    let words = model.predict(ndarray::array![[1.0], [-9.0]].view()).unwrap_err().to_string();
    assert!(words.starts_with("row 1: the linear predictor is -") && words.contains("no mean"), "{words}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn laws(seed in 0u64..1_000_000, family in 0usize..5) {
        let params = GlmParams::of(FAMILIES[family]);
        let data = table(params.family, 60, seed);
        let Ok((plain, _)) = try_fit(params.clone(), &data, 1) else { return Ok(()) };
        let same = |a: &GlmModel, b: &GlmModel, shift: f64| {
            let (a, b) = (a.coefficients(0.95).unwrap(), b.coefficients(0.95).unwrap());
            a.coefficients.iter().zip(&b.coefficients).enumerate().all(|(j, (a, b))| {
                let shift = if j == 0 { shift } else { 0.0 };
                (a.estimate - b.estimate - shift).abs() < 1e-7
                    && (a.standard_error.unwrap() - b.standard_error.unwrap()).abs() < 1e-7
            })
        };
        // Weights are numbers of rows, standard errors included.
        let counts: Vec<usize> = (0..60).map(|row| 1 + (seed as usize + row) % 3).collect();
        let rows: Vec<usize> = counts.iter().enumerate().flat_map(|(r, &n)| vec![r; n]).collect();
        let weighted = data.clone().with_weights(counts.iter().map(|&n| n as f64).collect()).unwrap();
        let (weighted, _) = fit(params.clone(), &weighted);
        let (repeated, _) = fit(params.clone(), &data.select(&rows));
        prop_assert!(same(&weighted, &repeated, 0.0));
        prop_assert!((weighted.deviance() - repeated.deviance()).abs() < 1e-7);
        prop_assert_eq!(weighted.df_residual(), repeated.df_residual());
        // A constant offset moves the intercept by as much.
        let (moved, _) = fit(params.clone(), &data.clone().with_offsets(vec![0.7; 60]).unwrap());
        prop_assert!(same(&plain, &moved, 0.7));
        // The order of the rows is of no account.
        let back: Vec<usize> = (0..60).rev().collect();
        let (turned, _) = fit(params, &data.select(&back));
        prop_assert!(same(&plain, &turned, 0.0));
    }
}
