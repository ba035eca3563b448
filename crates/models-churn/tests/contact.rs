//! Contact churn on synthetic contacts: how near to the oracle, in words, stored and restored, and what is refused.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking")]

use serde_json::Value;
use tenure_backends::{Backend, ForestParams, conformance};
use tenure_churn::contact::{ContactChurnModel, ContactChurnParams, ContactTrained, evaluate, report, train};
use tenure_core::{Artifact, Dataset, Error, FitContext, Metadata, Model, Result, Target, TypedRow};
use tenure_features::Timestamp;
use tenure_features::contacts::{ContactLog, ContactPlan, ContactRow, contact_set};
use tenure_synth::ContactParams;

/// Contacts at the instants of the usual plan, and the true probability of each row.
fn contacts(count: usize, seed: u64) -> (Dataset, Vec<String>, Vec<f64>) {
    let world = ContactParams { contacts: count, ..ContactParams::default() }.check().unwrap();
    let batch = world.generate(seed, 0).unwrap();
    let plan = ContactPlan::default();
    let log = ContactLog::from_records(batch.records.clone()).unwrap();
    let table = contact_set(&log, &plan, None, &FitContext::new(0)).unwrap();
    let truth = |(id, &time): (&str, &i64)| {
        let at = batch.records.contacts.iter().position(|contact| contact.id == id).unwrap();
        let life = &batch.truth.lives[at];
        life.churn_probability(Timestamp::from_seconds(time), plan.prediction_days).unwrap()
    };
    let truth = table.contact_ids().zip(table.data().times().unwrap()).map(truth).collect();
    let ids = table.contact_ids().map(str::to_owned).collect();
    (table.into_data(), ids, truth)
}

/// A learner that is quick to fit.
fn quick() -> ContactChurnParams {
    let forest = ForestParams { trees: 30, min_rows: 5, ..ForestParams::default() };
    ContactChurnParams { backend: Backend::Forest(forest), folds: 3, ..ContactChurnParams::default() }
}

fn fit(data: &Dataset, params: &ContactChurnParams) -> ContactTrained {
    train(data, params, &FitContext::new(7)).unwrap()
}

#[test]
fn the_model_comes_near_the_best_attainable_and_beats_the_rules() {
    let (data, _, _) = contacts(1_500, 1);
    let ContactTrained { model, report: trained } = fit(&data, &ContactChurnParams::default());
    let bag = trained.out_of_bag.as_ref().unwrap();
    println!(
        "{} rows of {:?} contacts; AUC out of bag {:.4}, out of fold {:.4}, held out {:.4}",
        trained.rows,
        trained.contacts,
        bag.roc_auc,
        trained.cross_validation.roc_auc,
        trained.held_out.model.roc_auc
    );
    assert!((bag.roc_auc - trained.cross_validation.roc_auc).abs() < 0.05);
    assert!(trained.held_out.rows < trained.rows / 4 && trained.rows == data.rows());

    let (new, ids, truth) = contacts(1_500, 2);
    let evaluation = evaluate(&model, &new, &ids, Some(&truth)).unwrap();
    let figures = &evaluation.figures;
    let oracle = figures.oracle.as_ref().unwrap();
    println!(
        "share {:.4}; {:?}; rules {:?}",
        oracle.share_of_auc_lift, figures.model, figures.baselines.rules
    );
    let rules = figures.baselines.rules.as_ref().unwrap();
    assert!(oracle.share_of_auc_lift > 0.85 && oracle.share_of_auc_lift < 1.0);
    assert!(figures.model.roc_auc > rules.roc_auc && figures.model.log_loss < rules.log_loss);
    assert!(figures.model.ece < 0.04, "{}", figures.model.ece);
    // The targets of the source.
    let own = &figures.model;
    assert!(
        own.accuracy > 0.75 && own.precision.unwrap() > 0.7 && own.recall > 0.75 && own.f1 > 0.72,
        "{own:?}"
    );

    let page = report(&model, &evaluation).unwrap().to_html();
    for words in
        ["risk of silence", "Logistic regression", "Rules", "Best attainable", "A few contacts, explained"]
    {
        assert!(page.contains(words), "{words}");
    }
}

fn load(artifact: &Artifact) -> Result<Box<dyn Model>> {
    Ok(Box::new(ContactChurnModel::from_artifact(artifact)?))
}

#[test]
fn contact_models_keep_the_contract_speak_and_survive_their_folder() {
    let (data, ids, _) = contacts(300, 1);
    let model = fit(&data, &quick()).model;
    let failures = conformance::check_model(&model, data.x(), &load);
    assert!(failures.is_empty(), "{}", conformance::summary(&failures));

    let dir = tempfile::tempdir().unwrap();
    model.save(&dir.path().join("model"), None, Metadata::default()).unwrap();
    let (back, metadata) = ContactChurnModel::load(&dir.path().join("model")).unwrap();
    assert_eq!((back.to_artifact(), metadata.features.len()), (model.to_artifact(), 32));

    let predicted = model.predict(data.x()).unwrap();
    let riskiest = (0..data.rows()).max_by(|&a, &b| predicted[[a, 0]].total_cmp(&predicted[[b, 0]])).unwrap();
    let decision = model.decide(&ids[riskiest], &data.row(riskiest).to_vec()).unwrap();
    assert!(decision.is_at_risk && decision.churn_probability >= model.settings().threshold);
    assert!(
        decision.interval.low <= decision.churn_probability
            && decision.churn_probability <= decision.interval.high
    );
    assert!(decision.recommendations.len() > 1, "{:?}", decision.recommendations);
    assert!(decision.risk_factors[0].text.contains("the risk"), "{:?}", decision.risk_factors);
    let json = serde_json::to_value(&decision).unwrap();
    assert!(
        json["recommendations"].is_array()
            && json["risk_level"].is_string()
            && json["confidence"].as_f64().is_some_and(|c| (0.5..=1.0).contains(&c))
    );
    let row = ContactRow::from_values(&data.row(riskiest).to_vec()).unwrap();
    assert_eq!(back.score(&ids[riskiest], &row).unwrap(), decision);
    assert_eq!(back.score_json(&ids[riskiest], &row.to_json()).unwrap(), decision);
}

#[test]
fn a_stored_model_that_was_edited_is_damaged() {
    let (data, _, _) = contacts(300, 1);
    let sound = fit(&data, &quick()).model.to_artifact();
    let damaged = |change: fn(&mut Artifact)| {
        let mut artifact = sound.clone();
        change(&mut artifact);
        let error = ContactChurnModel::from_artifact(&artifact).unwrap_err();
        assert!(matches!(error, Error::ArtifactDamaged { .. }), "{error}");
    };
    damaged(|a| *a = a.clone().with_numbers("typical.f64", &[0.0; 3]));
    damaged(|a| a.config["params"]["risk_bounds"]["high"] = 7.into());
    damaged(|a| a.config["params"]["interval_level"] = 1.into());
}

#[test]
fn the_same_seed_gives_the_same_model_at_1_and_2_threads() {
    let (data, _, _) = contacts(300, 3);
    let at = |threads| train(&data, &quick(), &FitContext::new(3).with_threads(threads)).unwrap();
    let (one, two) = (at(1), at(2));
    assert_eq!(one.model.to_artifact(), two.model.to_artifact());
    assert_eq!(one.report, two.report);
}

#[test]
fn what_cannot_be_learned_or_read_is_refused_by_name() {
    let (data, ids, _) = contacts(300, 1);
    let labelled = |rows: usize, target: Target| {
        let rows: Vec<usize> = (0..rows).collect();
        let x = data.select(&rows).x().to_owned();
        let data = Dataset::new(data.schema().clone(), x).unwrap().with_target(target).unwrap();
        train(&data, &quick(), &FitContext::new(1)).unwrap_err().to_string()
    };
    let few = labelled(99, Target::binary("churned", vec![1.0; 99]).unwrap());
    assert_eq!(few, "not enough training data: 99 rows found, at least 100 needed");
    let none = labelled(120, Target::binary("churned", vec![0.0; 120]).unwrap());
    assert_eq!(none, "one class only: all 120 rows of target `churned` are `0`; two classes are needed");
    let real = labelled(120, Target::real("score", vec![0.5; 120]).unwrap());
    assert_eq!(real, "contact churn does not support target `score`: it needs two classes");
    let wrong = ContactChurnParams { test_share: 0.0, ..quick() };
    let words = train(&data, &wrong, &FitContext::new(1)).unwrap_err().to_string();
    assert_eq!(words, "parameter `test_share` is 0; expected above 0, below 1");

    let model = fit(&data, &quick()).model;
    let good = ContactRow::from_values(&data.row(0).to_vec()).unwrap().to_json();
    let words = |change: fn(&mut Value)| {
        let mut row = good.clone();
        change(&mut row);
        model.score_json("K0", &row).unwrap_err().to_string()
    };
    assert!(
        words(|row| drop(row.as_object_mut().unwrap().remove("tickets"))).contains("`tickets` is missing")
    );
    assert!(words(|row| row["ticket"] = 1.into()).contains("`ticket` is not a field (is `tickets` meant?)"));
    assert!(
        words(|row| row["open_rate_90d"] = 2.into())
            .contains("`open_rate_90d` is 2; expected a number from 0 to 1")
    );
    assert!(
        words(|row| row["unsubscribed"] = 1.into()).contains("`unsubscribed` is 1; expected true or false")
    );
    let short = evaluate(&model, &data, &ids[..2], None).unwrap_err().to_string();
    assert!(short.starts_with("ids: expected"), "{short}");
}
