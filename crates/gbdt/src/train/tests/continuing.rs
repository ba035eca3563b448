//! Going on from a model, and new leaf values for its trees.

use std::any::Any;

use ndarray::Array2;
use tenure_core::{Dataset, Error, FitContext, Fitted, Learner, Target};

use super::laws::{fit, mixed, predictions};
use super::{column, draws, numeric_schema, real};
use crate::{ForestParams, GbdtParams, GradientSampling, Monotone, Objective, TreeModel};

fn trees_of(fitted: &Fitted) -> &TreeModel {
    (fitted.model.as_ref() as &dyn Any).downcast_ref::<TreeModel>().unwrap()
}

/// A data set of the same rows with another target.
fn aimed(data: &Dataset, target: Target) -> Dataset {
    Dataset::new(data.schema().clone(), data.x().to_owned()).unwrap().with_target(target).unwrap()
}

fn cases() -> Vec<(GbdtParams, Dataset)> {
    let data = mixed(2000, 1);
    let u = draws(2000, 2);
    let number = aimed(&data, Target::real("y", u.iter().map(|u| u * 5.0 + 0.1).collect()).unwrap());
    let large = aimed(&data, Target::real("y", u.iter().map(|u| u * 1e140).collect()).unwrap());
    let classes = Target::classes("y", ["a", "b", "c"], u.iter().map(|u| (u * 3.0).floor()).collect());
    let base = GbdtParams { learning_rate: 0.2, ..GbdtParams::default() };
    let sampled =
        GbdtParams { row_fraction: 0.6, column_fraction: 0.7, node_column_fraction: 0.8, ..base.clone() };
    let by_gradient = GbdtParams { gradient_sampling: Some(GradientSampling::default()), ..base.clone() };
    let with = |objective| GbdtParams { objective: Some(objective), ..base.clone() };
    vec![
        (base.clone(), data.clone().with_offsets(u.clone()).unwrap()),
        (sampled.clone(), data.clone().with_weights(u.iter().map(|u| u + 0.3).collect()).unwrap()),
        (by_gradient, data.clone()),
        (with(Objective::Quantile { alpha: 0.3 }), number.clone()),
        (with(Objective::Gamma), number.with_offsets(u.clone()).unwrap()),
        (base, large),
        (sampled, aimed(&data, classes.unwrap())),
    ]
}

#[test]
fn some_trees_and_then_more_are_all_at_once() {
    for (params, data) in cases() {
        let whole = fit(&GbdtParams { trees: 12, ..params.clone() }, &data, 1);
        let first = fit(&GbdtParams { trees: 7, ..params.clone() }, &data, 1);
        let rest = GbdtParams { trees: 5, ..params }.check().unwrap();
        let context = FitContext::new(7).with_threads(1);
        let second = rest.continue_from(trees_of(&first), &data, None, &context).unwrap();
        assert_eq!(second.report.iterations, 12);
        assert_eq!(second.report.history, whole.report.history[7..]);
        assert_eq!(predictions(&second, &data), predictions(&whole, &data));
        assert_eq!(second.model.to_artifact(), whole.model.to_artifact());
    }
}

#[test]
fn more_trees_on_new_data_help_there() {
    let (old, new, valid) = (mixed(2000, 5), mixed(2000, 6), mixed(2000, 7));
    let params = GbdtParams { trees: 10, ..GbdtParams::default() };
    let first = fit(&params, &old, 1);
    let context = FitContext::new(1);
    let learner = params.check().unwrap();
    let second = learner.continue_from(trees_of(&first), &new, Some(&valid), &context).unwrap();
    let loss = |fitted: &Fitted| {
        let p = fitted.model.predict(valid.x()).unwrap();
        let y = valid.target().unwrap().values();
        p.iter().zip(y).map(|(p, y)| -(if *y == 1.0 { *p } else { 1.0 - p }).ln()).sum::<f64>() / 2000.0
    };
    assert!(loss(&second) < loss(&first));
    assert!((second.report.history.last().unwrap().valid.unwrap() - loss(&second)).abs() < 1e-9);
    // What cannot help is not kept: labels turned around.
    let wrong: Vec<f64> = new.target().unwrap().values().iter().map(|y| 1.0 - y).collect();
    let wrong = aimed(&new, Target::binary("y", wrong).unwrap());
    let third = learner.continue_from(trees_of(&second), &wrong, Some(&valid), &context).unwrap();
    assert_eq!(third.report.iterations, second.report.iterations);
    assert_eq!(predictions(&third, &valid), predictions(&second, &valid));
}

#[test]
fn other_models_are_not_continued() {
    let data = mixed(500, 8);
    let params = GbdtParams { trees: 3, ..GbdtParams::default() };
    let first = fit(&params, &data, 1);
    let context = FitContext::new(1);
    let learner = params.clone().check().unwrap();
    let narrow = real(numeric_schema(1), column(&[1.0, 2.0]), vec![0.0, 1.0]);
    let binary = aimed(&narrow, Target::binary("y", vec![0.0, 1.0]).unwrap());
    let error = learner.continue_from(trees_of(&first), &binary, None, &context).unwrap_err();
    assert!(matches!(error, Error::Columns { .. }), "{error}");
    let squared = GbdtParams { objective: Some(Objective::SquaredError), ..params }.check().unwrap();
    let error = squared.continue_from(trees_of(&first), &data, None, &context).unwrap_err();
    assert!(error.to_string().contains("`squared_error` for a model that was trained for `binary_log_loss`"));
    let of = |classes: [&str; 2]| {
        aimed(&data, Target::classes("y", classes, data.target().unwrap().values().to_vec()).unwrap())
    };
    let ab = learner.fit(&of(["a", "b"]), None, &context).unwrap();
    let error = learner.continue_from(trees_of(&ab), &of(["a", "c"]), None, &context).unwrap_err();
    assert!(error.to_string().contains("other classes"), "{error}");
}

#[test]
fn a_model_that_another_library_stored_is_continued() {
    let x = Array2::from_shape_vec((1000, 3), draws(3000, 40)).unwrap();
    let y = x.rows().into_iter().map(|r| f64::from(r[0] + r[1] * r[2] > 0.8)).collect();
    let data =
        Dataset::new(numeric_schema(3), x).unwrap().with_target(Target::binary("y", y).unwrap()).unwrap();
    let params = GbdtParams { trees: 5, ..GbdtParams::default() };
    let first = fit(&params, &data, 1);
    let text = crate::foreign::lightgbm::write(trees_of(&first)).unwrap();
    let stored = crate::foreign::read(text.as_bytes()).unwrap();
    assert!(stored.objective().starts_with("binary "), "{}", stored.objective());
    let learner = params.clone().check().unwrap();
    let context = FitContext::new(7).with_threads(1);
    let more = learner.continue_from(&stored, &data, None, &context).unwrap();
    let whole = fit(&GbdtParams { trees: 10, ..params }, &data, 1);
    // The base score is stored as a tree.
    assert_eq!(more.report.iterations, 11);
    let (a, b) = (more.report.history.last().unwrap().train, whole.report.history.last().unwrap().train);
    assert!((a / b - 1.0).abs() < 1e-3, "{a} {b}");
    let refitted = learner.refit(&stored, &data, 0.5, &context).unwrap();
    assert_eq!(refitted.n_trees(), stored.n_trees());
}

#[test]
fn refitting_on_the_same_data_changes_nothing() {
    for (params, data) in cases() {
        // With all rows in each tree, training's leaf values are what refitting finds again.
        let params =
            GbdtParams { trees: 6, row_fraction: 1.0, gradient_sampling: None, l1: 0.1, l2: 0.5, ..params };
        let fitted = fit(&params, &data, 1);
        let learner = params.check().unwrap();
        for decay in [0.0, 0.4, 1.0] {
            let again = learner.refit(trees_of(&fitted), &data, decay, &FitContext::new(1)).unwrap();
            let mut a = Array2::zeros((data.rows(), fitted.model.outputs().len()));
            let mut b = a.clone();
            trees_of(&fitted).raw_into(data.x(), a.view_mut()).unwrap();
            again.raw_into(data.x(), b.view_mut()).unwrap();
            let apart = a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= 1e-9 * a.abs().max(1.0));
            assert!(apart, "{} with decay {decay}", trees_of(&fitted).objective());
        }
    }
}

#[test]
fn refitting_follows_new_data() {
    let x = draws(3000, 20);
    let label = |shift: f64| x.iter().map(|x| shift + 2.0 * f64::from(*x > 0.4)).collect();
    let (old, new) = (label(0.0), label(10.0));
    let data = |y| real(numeric_schema(1), column(&x), y);
    let params = GbdtParams { trees: 40, learning_rate: 0.2, ..GbdtParams::default() };
    let fitted = fit(&params, &data(old), 1);
    let learner = params.clone().check().unwrap();
    let at = |decay: f64| {
        let model = learner.refit(trees_of(&fitted), &data(new.clone()), decay, &FitContext::new(1)).unwrap();
        assert_eq!(model.n_trees(), trees_of(&fitted).n_trees());
        tenure_core::Model::predict(&model, column(&[0.1, 0.9]).view()).unwrap()
    };
    let (none, half, all) = (at(1.0), at(0.5), at(0.0));
    assert!((none[[0, 0]] - 0.0).abs() < 0.01 && (none[[1, 0]] - 2.0).abs() < 0.01);
    assert!((all[[0, 0]] - 10.0).abs() < 0.01 && (all[[1, 0]] - 12.0).abs() < 0.01);
    assert!(half[[0, 0]] > 5.0 && half[[0, 0]] < 10.0);
    let refused = learner.refit(trees_of(&fitted), &data(new.clone()), 1.5, &FitContext::new(1));
    assert!(matches!(refused, Err(Error::Parameter { name: "decay", .. })));
    let monotone = GbdtParams { monotone: [("f0".to_owned(), Monotone::Increasing)].into(), ..params };
    let refused =
        monotone.check().unwrap().refit(trees_of(&fitted), &data(new.clone()), 0.5, &FitContext::new(1));
    assert!(matches!(refused, Err(Error::Unsupported { .. })));
}

#[test]
fn a_forest_is_nothing_to_go_on_from() {
    let data = mixed(300, 1);
    let number = aimed(&data, Target::real("y", draws(300, 2)).unwrap());
    let learner = GbdtParams { trees: 2, ..GbdtParams::default() }.check().unwrap();
    let forest = ForestParams { trees: 2, ..ForestParams::default() }.check().unwrap();
    for (data, objective) in [(data, "gini"), (number, "variance")] {
        let context = FitContext::new(1);
        let fitted = forest.fit(&data, None, &context).unwrap();
        let model = trees_of(&fitted);
        assert_eq!(model.objective(), objective);
        let continued = learner.continue_from(model, &data, None, &context).map(|_| ());
        let refitted = learner.refit(model, &data, 0.5, &context).map(|_| ());
        for refused in [continued, refitted] {
            let message = refused.unwrap_err().to_string();
            let expected = format!("gbdt does not support going on from a forest (`{objective}`)");
            assert!(message.starts_with(&expected), "{message}");
        }
    }
}

#[test]
fn importance_by_contributions_is_their_mean_size() {
    let data = mixed(2000, 30);
    let fitted = fit(&GbdtParams { trees: 10, ..GbdtParams::default() }, &data, 1);
    let model = trees_of(&fitted);
    let found = model.importance_shap(data.x(), 0).unwrap();
    let mut sums = vec![0.0; found.len()];
    for row in data.x().rows() {
        let explained = fitted.model.explain_row(row.as_slice().unwrap(), 0).unwrap();
        sums.iter_mut().zip(&explained.contributions).for_each(|(sum, c)| *sum += c.abs() / 2000.0);
    }
    assert!(found.iter().zip(&sums).all(|(a, b)| (a - b).abs() < 1e-12));
    assert!(found[1] > 0.05 && found[9] > 0.02);
    assert!(matches!(model.importance_shap(data.x(), 1), Err(Error::NoOutput { .. })));
    assert_eq!(model.importance_shap(Array2::zeros((0, 10)).view(), 0).unwrap(), vec![0.0; 10]);
}
