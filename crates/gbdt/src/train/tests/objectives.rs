//! Each loss finds what it is for.

use std::sync::Arc;

use ndarray::Array2;
use tenure_core::{Dataset, Error, FitContext, Learner, OutputKind, Scale, Target, TargetKind};

use super::laws::{fit, mixed, predictions};
use super::{column, draws, numeric_schema, real};
use crate::{
    CustomObjective, Derivatives, GbdtParams, GradientSampling, Link, Monotone, Objective, TreeModel,
};

/// x in 0 … 1 and, for each, noise in 0 … 1.
fn noisy(n: usize, seed: u64) -> (Vec<f64>, Vec<f64>) {
    (draws(n, seed), draws(n, seed + 1))
}

fn with(objective: Objective) -> GbdtParams {
    GbdtParams { objective: Some(objective), trees: 150, learning_rate: 0.1, ..GbdtParams::default() }
}

fn predicted(params: &GbdtParams, data: &Dataset, at: &[f64]) -> Vec<f64> {
    fit(params, data, 1).model.predict(column(at).view()).unwrap().into_raw_vec_and_offset().0
}

#[test]
fn medians_and_quantiles_are_found() {
    let (x, noise) = noisy(6000, 1);
    // Skewed noise: its median is 0.25, its mean 1/3, its 0.9-quantile 0.81.
    let y = x.iter().zip(&noise).map(|(x, e)| 3.0 * f64::from(*x > 0.5) + e * e).collect();
    let data = real(numeric_schema(1), column(&x), y);
    for (objective, expected) in [
        (Objective::AbsoluteError, 0.25),
        (Objective::Quantile { alpha: 0.9 }, 0.81),
        (Objective::Quantile { alpha: 0.1 }, 0.01),
        (Objective::SquaredError, 1.0 / 3.0),
        // Residuals are all within δ: the mean; far beyond it: the median.
        (Objective::Huber { delta: 5.0 }, 1.0 / 3.0),
        (Objective::Huber { delta: 1e-3 }, 0.25),
    ] {
        // Few leaves, so that none follows chance.
        let params = GbdtParams { leaves: 2, ..with(objective) };
        let found = predicted(&params, &data, &[0.2, 0.8]);
        for (found, expected) in found.iter().zip([expected, 3.0 + expected]) {
            // δ is also the greatest step of a tree: so far and no further go 150 of them.
            let slack = if objective == (Objective::Huber { delta: 1e-3 }) { 3.0 } else { 0.05 };
            assert!((found - expected).abs() < slack, "{objective}: {found} for {expected}");
        }
    }
}

#[test]
fn means_are_found_on_the_log_scale() {
    let (x, noise) = noisy(6000, 3);
    let mean = |x: f64| (1.0 + 2.0 * f64::from(x > 0.5)).exp();
    // Exponential noise has mean 1; made zero now and then for what allows it.
    let y: Vec<f64> = x.iter().zip(&noise).map(|(&x, e)| -(1.0 - e).ln() * mean(x) + 1e-9).collect();
    let zeros: Vec<f64> = y.iter().enumerate().map(|(i, y)| if i % 2 == 0 { 0.0 } else { *y }).collect();
    for (objective, y, share) in [
        (Objective::Poisson, &zeros, 0.5),
        (Objective::Tweedie { power: 1.5 }, &zeros, 0.5),
        (Objective::Gamma, &y, 1.0),
    ] {
        let target = Target::real("spend", y.clone()).unwrap().with_unit("EUR");
        let data = Dataset::new(numeric_schema(1), column(&x)).unwrap().with_target(target).unwrap();
        let params = GbdtParams { leaves: 2, ..with(objective) };
        let model = fit(&params, &data, 1).model;
        let output = &model.outputs()[0];
        assert_eq!(
            (output.unit.as_str(), output.scale, &output.kind),
            ("EUR", Scale::Log, &OutputKind::Value)
        );
        for (at, found) in
            [(0.2, predicted(&params, &data, &[0.2])[0]), (0.8, predicted(&params, &data, &[0.8])[0])]
        {
            let expected = share * mean(at);
            assert!((found / expected - 1.0).abs() < 0.1, "{objective}: {found} for {expected}");
        }
    }
}

#[test]
fn the_first_score_is_the_best_constant() {
    // Nothing to split on: the base score is all there is; offsets and weights have a part in it.
    let n = 400;
    let y: Vec<f64> = draws(n, 5).iter().map(|u| u * u * 9.0 + 0.01).collect();
    let offsets = draws(n, 6);
    let weights: Vec<f64> = draws(n, 7).iter().map(|u| u + 0.1).collect();
    for objective in [
        Objective::SquaredError,
        Objective::AbsoluteError,
        Objective::Huber { delta: 1.5 },
        Objective::Quantile { alpha: 0.7 },
        Objective::Poisson,
        Objective::Gamma,
        Objective::Tweedie { power: 1.4 },
    ] {
        let data = real(numeric_schema(1), Array2::zeros((n, 1)), y.clone());
        let data = data.with_weights(weights.clone()).unwrap().with_offsets(offsets.clone()).unwrap();
        let model = fit(&with(objective), &data, 1).model;
        let mut out = [0.0];
        model.predict_row(&[0.0], &mut out).unwrap();
        let base = model.outputs()[0].scale.from_output(out[0]);
        let loss = |base: f64| -> f64 {
            let of = |row: usize| {
                let (s, y) = (base + offsets[row], y[row]);
                weights[row]
                    * match objective {
                        Objective::SquaredError => (s - y).powi(2),
                        Objective::AbsoluteError => (s - y).abs(),
                        Objective::Huber { delta } => {
                            let r = (s - y).abs();
                            if r <= delta { r * r / 2.0 } else { delta * (r - delta / 2.0) }
                        }
                        Objective::Quantile { alpha } => ((1.0 - alpha) * (s - y)).max(alpha * (y - s)),
                        Objective::Poisson => s.exp() - y * s,
                        Objective::Gamma => y * (-s).exp() + s,
                        Objective::Tweedie { power: p } => {
                            ((2.0 - p) * s).exp() / (2.0 - p) - y * ((1.0 - p) * s).exp() / (1.0 - p)
                        }
                        _ => unreachable!(),
                    }
            };
            (0..n).map(of).sum()
        };
        for step in [-0.02, 0.02] {
            assert!(loss(base) < loss(base + step), "{objective}: {base} is not the best");
        }
    }
}

#[test]
fn labels_out_of_range_are_named_with_their_row() {
    for (objective, label, text) in [
        (Objective::Poisson, -1.0, "target `y`, row 2: -1; expected a number of at least 0"),
        (Objective::Tweedie { power: 1.5 }, -0.5, "target `y`, row 2: -0.5; expected a number of at least 0"),
        (Objective::Gamma, 0.0, "target `y`, row 2: 0; expected a number above 0"),
    ] {
        let good = real(numeric_schema(1), column(&[1.0, 2.0, 3.0]), vec![1.0, f64::NAN, 3.0]);
        let bad = real(numeric_schema(1), column(&[1.0, 2.0, 3.0]), vec![1.0, f64::NAN, label]);
        let learner = with(objective).check().unwrap();
        for (train, valid) in [(&bad, None), (&good, Some(&bad))] {
            let error = learner.fit(train, valid, &FitContext::new(1)).unwrap_err();
            assert!(error.to_string().starts_with(text), "{error}");
        }
    }
    let zeros = real(numeric_schema(1), column(&[1.0, 2.0]), vec![0.0, 0.0]);
    let error = with(Objective::Poisson).check().unwrap().fit(&zeros, None, &FitContext::new(1)).unwrap_err();
    assert!(error.to_string().contains("its labels are all 0"), "{error}");
}

#[test]
fn renewed_leaves_keep_monotone_features_so() {
    let data = mixed(1500, 11);
    let noise = draws(1500, 12);
    let y =
        (0..1500).map(|r| (data.row(r)[1] * 9.0).sin() + noise[r]).map(|v| if v.is_nan() { 0.5 } else { v });
    let data = real(data.schema().clone(), data.x().to_owned(), y.collect());
    for objective in [Objective::AbsoluteError, Objective::Quantile { alpha: 0.8 }] {
        let params = GbdtParams {
            monotone: [("f1".to_owned(), Monotone::Decreasing)].into(),
            learning_rate: 0.3,
            trees: 30,
            ..with(objective)
        };
        let model = fit(&params, &data, 1).model;
        let mut moved = 0;
        for row in data.x().rows().into_iter().take(200) {
            let mut row = row.to_vec();
            let mut last = f64::INFINITY;
            for step in 0..50 {
                row[1] = f64::from(step) / 50.0;
                let mut out = [0.0];
                model.predict_row(&row, &mut out).unwrap();
                assert!(out[0] <= last, "{objective}");
                moved += usize::from(step > 0 && out[0] < last);
                last = out[0];
            }
        }
        assert!(moved > 100, "{objective}: {moved}");
    }
}

/// Three classes by thirds of f0, with some noise; a fourth that nobody is in.
fn classes(n: usize, seed: u64) -> Dataset {
    let (x, noise) = noisy(n, seed);
    let y = x.iter().zip(&noise).map(|(x, e)| if *e < 0.1 { (e * 30.0).floor() } else { (x * 3.0).floor() });
    let target = Target::classes("tier", ["a", "b", "c", "d"], y.collect()).unwrap();
    Dataset::new(numeric_schema(1), column(&x)).unwrap().with_target(target).unwrap()
}

#[test]
fn classes_are_told_apart_and_absent_ones_are_rare() {
    let data = classes(3000, 21);
    let params = GbdtParams { trees: 60, learning_rate: 0.1, ..GbdtParams::default() };
    let fitted =
        params.clone().check().unwrap().fit(&data, Some(&classes(1000, 31)), &FitContext::new(3)).unwrap();
    assert_eq!(fitted.report.loss, "multi_log_loss");
    assert!(fitted.report.notes.contains(&"1 classes have no rows and are all but impossible".to_owned()));
    let names: Vec<&str> = fitted.model.outputs().iter().map(|o| o.name.as_str()).collect();
    assert_eq!(names, ["tier_a", "tier_b", "tier_c", "tier_d"]);
    let out = fitted.model.predict(column(&[0.1, 0.5, 0.9]).view()).unwrap();
    for (row, p) in out.rows().into_iter().enumerate() {
        assert!((p.sum() - 1.0).abs() < 1e-12 && p[row] > 0.88 && p[3] < 1e-10, "{p}");
    }
    // The loss reported is that of the model.
    let valid = classes(1000, 31);
    let p = fitted.model.predict(valid.x()).unwrap();
    let y = valid.target().unwrap().values();
    let loss: f64 = y.iter().enumerate().map(|(row, &y)| -p[[row, y as usize]].ln()).sum();
    let best = fitted.report.history[fitted.report.iterations - 1].valid.unwrap();
    assert!((loss / 1000.0 - best).abs() < 1e-9);

    let learner = params.check().unwrap();
    let one = classes(50, 1).select(&[0, 0]);
    assert!(matches!(learner.fit(&one, None, &FitContext::new(1)), Err(Error::OneClass { .. })));
    let offsets = data.clone().with_offsets(vec![0.1; 3000]).unwrap();
    assert!(matches!(learner.fit(&offsets, None, &FitContext::new(1)), Err(Error::Unsupported { .. })));
}

#[test]
fn two_classes_are_a_binary_target() {
    let data = mixed(3000, 41);
    let y = data.target().unwrap().values().to_vec();
    let classes = Target::classes("y", ["no", "yes"], y).unwrap();
    let several =
        Dataset::new(data.schema().clone(), data.x().to_owned()).unwrap().with_target(classes).unwrap();
    // Each of two softmax scores takes half of the way with twice the curvature.
    let params = GbdtParams { trees: 40, ..GbdtParams::default() };
    let (binary, softmax) = (fit(&params, &data, 1), fit(&params, &several, 1));
    let loss = |fitted: &tenure_core::Fitted| fitted.report.history.last().unwrap().train;
    assert!((loss(&binary) / loss(&softmax) - 1.0).abs() < 0.02, "{} {}", loss(&binary), loss(&softmax));
}

#[test]
fn threads_change_no_bit_of_any_objective() {
    let data = mixed(70_000, 51);
    let y: Vec<f64> = draws(70_000, 52).iter().map(|u| u * 3.0 + 0.1).collect();
    let number = real(data.schema().clone(), data.x().to_owned(), y.clone());
    let several =
        Target::classes("y", ["a", "b", "c"], y.iter().map(|y| y.floor().min(2.0)).collect()).unwrap();
    let several =
        Dataset::new(data.schema().clone(), data.x().to_owned()).unwrap().with_target(several).unwrap();
    let sampling = Some(GradientSampling::default());
    for (objective, data, gradient_sampling) in [
        (Objective::AbsoluteError, &number, None),
        (Objective::Huber { delta: 0.3 }, &number, sampling),
        (Objective::Gamma, &number, None),
        (Objective::Softmax, &several, sampling),
    ] {
        let params = GbdtParams { trees: 4, learning_rate: 0.5, gradient_sampling, ..with(objective) };
        let one = fit(&params, data, 1);
        for threads in [2, 8] {
            let many = fit(&params, data, threads);
            assert_eq!(one.report, many.report);
            assert_eq!(predictions(&one, data), predictions(&many, data), "{objective}");
        }
    }
}

#[test]
fn gradient_sampling_learns_what_all_rows_teach() {
    let (train, valid) = (mixed(8000, 61), mixed(8000, 62));
    let all =
        GbdtParams { trees: 60, learning_rate: 0.2, early_stopping_rounds: None, ..GbdtParams::default() };
    let sampled = GbdtParams { gradient_sampling: Some(GradientSampling::default()), ..all.clone() };
    let loss = |params: GbdtParams| {
        let fitted = params.check().unwrap().fit(&train, Some(&valid), &FitContext::new(1)).unwrap();
        fitted.report.history.iter().map(|i| i.valid.unwrap()).fold(f64::INFINITY, f64::min)
    };
    let (all, sampled) = (loss(all), loss(sampled));
    assert!(sampled < all * 1.02, "{sampled} for {all}");
}

/// Squared error of the user's own, and what may go wrong with one.
#[derive(Debug)]
struct Own {
    hessian: f64,
    bad_label: f64,
}

impl CustomObjective for Own {
    fn name(&self) -> &str {
        "own"
    }
    fn link(&self) -> Link {
        Link::Identity
    }
    fn at(&self, score: f64, label: f64) -> Derivatives {
        let gradient = if label == self.bad_label { f64::NAN } else { score - label };
        // On every other row as given.
        let hessian = if label.to_bits().is_multiple_of(2) { 1.0 } else { self.hessian };
        Derivatives { loss: gradient * gradient, gradient, hessian }
    }
    fn refuses(&self, label: f64) -> Option<&'static str> {
        (label < -99.0).then_some("a number of at least -99")
    }
}

#[test]
fn a_loss_of_ones_own_is_as_good_as_a_known_one() {
    let (x, noise) = noisy(4000, 71);
    let y: Vec<f64> = x.iter().zip(&noise).map(|(x, e)| (x * 7.0).sin() + e).collect();
    let data = real(numeric_schema(1), column(&x), y.clone());
    let params = GbdtParams { trees: 50, ..GbdtParams::default() };
    let own = |hessian, bad_label| {
        let learner = params.clone().check().unwrap().with_objective(Arc::new(Own { hessian, bad_label }));
        move |data: &Dataset| learner.fit(data, None, &FitContext::new(1))
    };
    let known = fit(&params, &data, 1);
    let fitted = own(1.0, f64::NAN)(&data).unwrap();
    let (a, b) = (known.report.history.last().unwrap(), fitted.report.history.last().unwrap());
    assert!((a.train / b.train - 1.0).abs() < 1e-3, "{} {}", a.train, b.train);
    let model = (fitted.model.as_ref() as &dyn std::any::Any).downcast_ref::<TreeModel>().unwrap();
    assert_eq!(
        (model.objective(), model.link(), fitted.report.loss.as_str()),
        ("own", Link::Identity, "own")
    );

    // Hessians below 0 count as 0 and the fit goes on.
    let negative = own(-3.0, f64::NAN)(&data).unwrap();
    assert!(negative.report.history.last().unwrap().train < a.train * 2.0);
    // But one must be above 0.
    let odd: Vec<f64> = y.iter().map(|y| f64::from_bits(y.to_bits() | 1)).collect();
    let error = own(-1.0, f64::NAN)(&real(numeric_schema(1), column(&x), odd)).unwrap_err().to_string();
    assert!(error.contains("no row has a Hessian above 0"), "{error}");
    let error = own(1.0, y[17])(&data).unwrap_err().to_string();
    assert!(error.contains("objective `own`"), "{error}");
    let low = real(numeric_schema(1), column(&[1.0, 2.0]), vec![1.0, -100.0]);
    let error = own(1.0, f64::NAN)(&low).unwrap_err().to_string();
    assert!(error.starts_with("target `y`, row 1: -100; expected a number of at least -99"), "{error}");
    let several = classes(50, 1);
    assert!(matches!(own(1.0, f64::NAN)(&several), Err(Error::Unsupported { .. })));
}

#[test]
fn objectives_and_targets_must_fit() {
    let number = real(numeric_schema(1), column(&[1.0, 2.0]), vec![0.5, 3.0]);
    let several = classes(50, 1);
    assert!(matches!(several.target().unwrap().kind(), TargetKind::Class { .. }));
    for (objective, data) in [
        (Objective::Softmax, &number),
        (Objective::BinaryLogLoss, &number),
        (Objective::SquaredError, &several),
        (Objective::BinaryLogLoss, &several),
    ] {
        let error = with(objective).check().unwrap().fit(data, None, &FitContext::new(1)).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    }
    let monotone =
        GbdtParams { monotone: [("f0".to_owned(), Monotone::Increasing)].into(), ..GbdtParams::default() };
    let error = monotone.check().unwrap().fit(&several, None, &FitContext::new(1)).unwrap_err();
    assert!(error.to_string().contains("monotone constraints for several classes"), "{error}");
}
