//! The whole path on synthetic orders: how near to the oracle, the same bytes at any thread count, stored and
//! restored, in words.

#![allow(clippy::unwrap_used, reason = "a test or measurement may stop at once")]

use std::collections::HashMap;

use tenure_backends::conformance;
use tenure_churn::{ChurnModel, ChurnParams, ChurnScorer, Evaluation, Trained, evaluate, train};
use tenure_core::{Artifact, FitContext, Metadata, Model, Result};
use tenure_features::{OrderLog, Timestamp};
use tenure_synth::OrderParams;

struct World {
    log: OrderLog,
    truth: HashMap<String, f64>,
    as_of: Timestamp,
}

fn world(customers: usize) -> World {
    let world = OrderParams { customers, ..OrderParams::default() }.check().unwrap();
    let generated = world.generate(42, 0).unwrap();
    let as_of = world.end().plus_days(-90);
    let truth = world.truth_rows(&generated, &[as_of], 90, 0).unwrap();
    let names = generated.orders.customer.names.clone();
    let truth = truth.into_iter().map(|r| (names[r.customer as usize].clone(), r.attainable)).collect();
    World { log: OrderLog::from_columns(generated.orders).unwrap(), truth, as_of }
}

fn trained(world: &World, threads: usize) -> Trained {
    let context = FitContext::new(42).with_threads(threads);
    train(&world.log, &ChurnParams::default(), Some(world.as_of), &context).unwrap()
}

fn evaluated(world: &World, model: &ChurnModel) -> Evaluation {
    evaluate(model, &world.log, world.as_of, Some(&world.truth), &FitContext::new(42)).unwrap()
}

#[test]
fn the_model_comes_near_the_best_attainable_and_beats_the_baselines() {
    let world = world(6_000);
    let Trained { model, report } = trained(&world, 0);
    let figures = evaluated(&world, &model).figures;
    let oracle = figures.oracle.as_ref().unwrap();
    println!(
        "share {:.4}, AUC {:.4}, oracle {:.4}, recency {:.4}, rules {:.4}, ece {:.4} from {:.4}",
        oracle.share_of_auc_lift,
        figures.model.roc_auc,
        oracle.figures.roc_auc,
        figures.baselines.recency.roc_auc,
        figures.baselines.rules.roc_auc,
        figures.model.ece,
        figures.uncalibrated.ece
    );
    assert!(oracle.share_of_auc_lift >= 0.97);
    assert!(figures.model.roc_auc > figures.baselines.recency.roc_auc);
    assert!(figures.model.log_loss < figures.baselines.rules.log_loss);
    assert!(!report.time_series_cv.is_empty());
}

#[test]
fn the_same_seed_gives_the_same_model_at_1_and_2_threads() {
    let world = world(800);
    let (one, two) = (trained(&world, 1), trained(&world, 2));
    assert_eq!(one.model.to_artifact(), two.model.to_artifact());
    assert_eq!(one.report, two.report);
}

fn load(artifact: &Artifact) -> Result<Box<dyn Model>> {
    Ok(Box::new(ChurnModel::from_artifact(artifact)?))
}

#[test]
fn a_churn_model_keeps_the_contract_and_survives_its_folder() {
    let world = world(800);
    let model = trained(&world, 0).model;
    let evaluation = evaluated(&world, &model);
    let failures = conformance::check_model(&model, evaluation.x.view(), &load);
    assert!(failures.is_empty(), "{}", conformance::summary(&failures));

    let dir = tempfile::tempdir().unwrap();
    model.save(dir.path(), None, Metadata::default()).unwrap();
    let (back, metadata) = ChurnModel::load(dir.path()).unwrap();
    assert_eq!(back.predict(evaluation.x.view()).unwrap(), model.predict(evaluation.x.view()).unwrap());
    assert_eq!(metadata.rows, Some(model.settings().rows));
    assert_eq!(metadata.features.len(), model.schema().len());
}

#[test]
fn every_backend_of_this_workspace_serves_churn() {
    let world = world(1_500);
    for name in ["gbdt", "forest", "logistic", "glm", "blend"] {
        let backend = ChurnParams::backend_named(name).unwrap();
        let params = ChurnParams { backend, ..ChurnParams::default() };
        let context = FitContext::new(42);
        let Trained { model, report } = train(&world.log, &params, Some(world.as_of), &context).unwrap();
        let figures = evaluated(&world, &model).figures;
        println!("{name}: AUC {:.4}", figures.model.roc_auc);
        assert!(figures.oracle.unwrap().share_of_auc_lift > 0.85, "{name}");
        let told = report.notes.iter().any(|note| note.contains("takes no offsets"));
        assert_eq!(told, name == "forest", "{name}: {:?}", report.notes);
    }
}

#[test]
fn decisions_have_one_shape_whoever_makes_them() {
    let world = world(800);
    let model = trained(&world, 0).model;
    let by_model = ChurnScorer::new(model).unwrap();
    let by_rules = ChurnScorer::rules("no model yet");
    let context = FitContext::new(0);
    let (a, b) = (
        by_model.score_all(&world.log, world.as_of, &context).unwrap(),
        by_rules.score_all(&world.log, world.as_of, &context).unwrap(),
    );
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(&b) {
        assert_eq!(a.customer_id, b.customer_id);
        assert!(a.interval.low <= a.churn_probability && a.churn_probability <= a.interval.high);
        assert!(a.model_version.starts_with("churn-") && a.fallback_reason.is_none());
        assert_eq!(
            (b.model_version.as_str(), b.fallback_reason.as_deref()),
            ("rules_v1", Some("no model yet"))
        );
        assert!(!b.recommendation.is_empty() && !a.recommendation.is_empty());
    }
    let one = by_model.score(&world.log, world.as_of, &a[0].customer_id).unwrap();
    assert_eq!(one, a[0]);
}

#[test]
fn too_little_data_is_said_in_words() {
    let world = world(8);
    let error = train(&world.log, &ChurnParams::default(), None, &FitContext::new(0)).err().unwrap();
    assert!(error.to_string().starts_with("not enough training data:"), "{error}");
}
