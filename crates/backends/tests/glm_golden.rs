//! Generalised linear models beside statsmodels and scikit-learn; `golden/glm.py` says which versions.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::any::Any;

use ndarray::Array2;
use serde::Deserialize;
use tenure_backends::glm::{self, GlmModel, GlmParams, PathParams};
use tenure_core::{Dataset, Feature, FitContext, Learner, Schema, Target};

#[derive(Deserialize)]
struct Golden {
    x: Vec<[f64; 3]>,
    weights: Vec<f64>,
    offsets: Vec<f64>,
    targets: std::collections::HashMap<String, Vec<f64>>,
    cases: Vec<Case>,
    penalised: Vec<Penalised>,
    path: GoldenPath,
}

#[derive(Deserialize)]
struct Case {
    family: String,
    link: String,
    target: String,
    weights: bool,
    offsets: bool,
    intercept: bool,
    coefficients: Vec<f64>,
    standard_errors: Vec<f64>,
    p_values: Vec<f64>,
    low: Vec<f64>,
    deviance: f64,
    null_deviance: Option<f64>,
    pearson_chi2: f64,
    dispersion: f64,
    df_residual: f64,
    log_likelihood: Option<f64>,
}

#[derive(Deserialize)]
struct Penalised {
    family: String,
    link: String,
    target: String,
    alpha: f64,
    l1_ratio: f64,
    weights: bool,
    standardise: bool,
    by: String,
    coefficients: Vec<f64>,
}

#[derive(Deserialize)]
struct GoldenPath {
    l1_ratio: f64,
    at: Vec<usize>,
    alphas: Vec<f64>,
    coefficients: Vec<Vec<f64>>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/glm.json")).unwrap()
}

impl Golden {
    fn data(&self, family: &str, target: &str, weights: bool, offsets: bool) -> Dataset {
        let schema = Schema::new(["a", "b", "c"].map(|n| Feature::numeric(n, "", "")).to_vec()).unwrap();
        let x = Array2::from_shape_fn((self.x.len(), 3), |(row, column)| self.x[row][column]);
        let y = self.targets[target].clone();
        let target = if family == "binomial" { Target::binary("y", y) } else { Target::real("y", y) };
        let mut data = Dataset::new(schema, x).unwrap().with_target(target.unwrap()).unwrap();
        if weights {
            data = data.with_weights(self.weights.clone()).unwrap();
        }
        if offsets {
            data = data.with_offsets(self.offsets.clone()).unwrap();
        }
        data
    }
}

fn fit(params: GlmParams, data: &Dataset) -> GlmModel {
    let fitted = params.check().unwrap().fit(data, None, &FitContext::new(0).with_threads(1)).unwrap();
    let model: Box<dyn Any> = fitted.model;
    *model.downcast::<GlmModel>().unwrap()
}

fn params(family: &str, link: &str) -> GlmParams {
    GlmParams { link: Some(link.parse().unwrap()), ..GlmParams::of(family.parse().unwrap()) }
}

#[track_caller]
fn close(found: f64, expected: f64, what: &str) {
    assert!(
        (found - expected).abs() <= 1e-6 * expected.abs().max(1e-4),
        "{what}: {found}, expected {expected}"
    );
}

#[test]
fn unpenalised_fits_equal_statsmodels() {
    let golden = golden();
    for case in &golden.cases {
        let name = format!("{} {} of {}, weights {}", case.family, case.link, case.target, case.weights);
        let data = golden.data(&case.family, &case.target, case.weights, case.offsets);
        let params = GlmParams { intercept: case.intercept, ..params(&case.family, &case.link) };
        let model = fit(params, &data);
        assert!(model.converged(), "{name}");
        let table = model.coefficients(0.9).unwrap();
        assert_eq!(table.coefficients.len(), case.coefficients.len());
        for (j, c) in table.coefficients.iter().enumerate() {
            let name = format!("{name}, {}", c.name);
            close(c.estimate, case.coefficients[j], &name);
            close(c.standard_error.unwrap(), case.standard_errors[j], &format!("{name}, standard error"));
            close(c.low.unwrap(), case.low[j], &format!("{name}, low"));
            let p = c.p_value.unwrap();
            assert!((p - case.p_values[j]).abs() < 1e-6 * case.p_values[j] + 1e-12, "{name}: p {p}");
        }
        close(model.deviance(), case.deviance, &format!("{name}, deviance"));
        if let Some(null) = case.null_deviance {
            close(model.null_deviance().unwrap(), null, &format!("{name}, null deviance"));
        }
        close(model.pearson_chi2(), case.pearson_chi2, &format!("{name}, chi2"));
        close(model.dispersion().unwrap(), case.dispersion, &format!("{name}, dispersion"));
        close(model.df_residual(), case.df_residual, &name);
        if let Some(expected) = case.log_likelihood {
            let found = match case.family.as_str() {
                "gamma" => model.log_likelihood_at(model.dispersion().unwrap()),
                _ => model.log_likelihood(),
            };
            close(found.unwrap(), expected, &format!("{name}, log-likelihood"));
        } else {
            assert_eq!(model.log_likelihood(), None, "{name}");
        }
    }
}

#[test]
fn penalised_fits_equal_scikit_learn() {
    let golden = golden();
    for case in &golden.penalised {
        let name =
            format!("{} {} {} {} by {}", case.family, case.alpha, case.l1_ratio, case.standardise, case.by);
        let data = golden.data(&case.family, &case.target, case.weights, false);
        let (alpha, l1_ratio, standardise) = (case.alpha, case.l1_ratio, case.standardise);
        let model =
            fit(GlmParams { alpha, l1_ratio, standardise, ..params(&case.family, &case.link) }, &data);
        let table = model.coefficients(0.95).unwrap();
        // A coefficient counts by what it moves the rows: one of a column with a spread of 0.003 may be far off.
        let spread = [1.0, 1.0, 10.0, 0.003];
        for ((c, expected), spread) in table.coefficients.iter().zip(&case.coefficients).zip(spread) {
            let gap = (c.estimate - expected).abs() * spread;
            assert!(gap < 1e-6, "{name}, {}: {}, expected {expected}", c.name, c.estimate);
            assert_eq!((c.standard_error, c.low), (None, None));
            assert_eq!(*expected == 0.0, c.estimate == 0.0, "{name}");
        }
        assert_eq!(model.aic(), None);
    }
}

#[test]
fn the_path_equals_scikit_learn() {
    let golden = golden();
    let data = golden.data("gaussian", "gaussian", false, false);
    let params = GlmParams { l1_ratio: golden.path.l1_ratio, ..GlmParams::default() };
    let path = glm::path(&params, &data, &PathParams::default(), &FitContext::new(0)).unwrap();
    assert_eq!(path.points.len(), 100);
    for (k, &at) in golden.path.at.iter().enumerate() {
        let point = &path.points[at];
        close(point.alpha, golden.path.alphas[k], "alpha");
        for (j, expected) in golden.path.coefficients[k].iter().enumerate() {
            close(point.coefficients[j + 1], *expected, &format!("point {at}, column {j}"));
        }
    }
    assert_eq!((path.points[0].nonzero, path.points[0].deviance_explained), (0, 0.0));
    let explained: Vec<f64> = path.points.iter().map(|p| p.deviance_explained).collect();
    assert!(explained.is_sorted() && explained[99] > 0.3, "{explained:?}");
}
