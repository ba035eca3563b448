//! Training, prediction, explanation and evaluation on synthetic customers.
#![allow(clippy::unwrap_used)]

mod support;

use ndarray::s;
use serde_json::{Value, json};
use support::{GUIDE, MODEL, World, small, train, world};
use tenure_backends::conformance;
use tenure_core::{Dataset, Feature, FitContext, Metadata, Model, Schema, StopReason, Target, TypedRow};
use tenure_features::marketplace::{CHURN_RISK_30D, GuideRow, HEALTH_SCORE, Profile, SageMakerRow};
use tenure_health::alerts::{AlertLog, AlertParams, outcomes_of};
use tenure_health::{
    Architecture, Attribution, HealthModel, HealthParams, HealthRun, TaskFigures, TrueValues, evaluate,
    history_by_name, report,
};
use tenure_neural::{HeadSpec, LayerSpec, Loss, NetworkSpec, TargetScale};

fn words<T: std::fmt::Debug>(result: tenure_health::Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn it_keeps_the_contract_of_models() {
    let x = GUIDE.test.data.x();
    let load = |artifact: &tenure_core::Artifact| -> tenure_core::Result<Box<dyn Model>> {
        Ok(Box::new(HealthModel::from_artifact(artifact)?))
    };
    let failures = conformance::check_model(&MODEL.model, x, &load);
    assert!(failures.is_empty(), "{}", conformance::summary(&failures));
}

#[test]
fn every_task_beats_its_baselines_and_nothing_beats_the_oracle() {
    let World { test, truth, .. } = &*GUIDE;
    let evaluation = evaluate(&MODEL.model, test, Some(truth)).unwrap();
    let figures = &evaluation.figures;
    assert_eq!((figures.rows, figures.tasks.len(), figures.metrics.len()), (300, 5, 5));
    let oracle = figures.oracle.as_ref().unwrap();
    for (task, own) in &figures.metrics {
        let (own, best) = (own.lift().unwrap(), oracle[task].lift().unwrap());
        let mean = figures.baselines.mean[task].lift().unwrap();
        assert!(mean < own && own < best + 0.01, "{task}: {mean} {own} {best}");
        assert!(figures.share_of_attainable[task] > 0.75, "{task}: {}", figures.share_of_attainable[task]);
        assert!(figures.baselines.linear.contains_key(task));
    }
    assert_eq!(figures.segments.values().map(|of| of.rows).sum::<usize>(), 300);
    // Within the customers who do nothing there is little to rank by, and some figures have no definition.
    assert!(figures.segments["churned"].metrics.contains_key("health_score"));
    assert_eq!(figures.benchmarks.len(), 5);
    assert!(figures.benchmarks.iter().all(|line| line.oracle.is_some()));
    let json = serde_json::to_value(figures).unwrap();
    assert!(json["metrics"]["churn_risk_30d"]["auc"].as_f64().unwrap() > 0.9);
    assert!(json["oracle"]["health_score"]["mae"].as_f64().unwrap() < 6.0);
    // The error of the medians, and the variance that the expected values explain.
    let labels = test.data.target_named(HEALTH_SCORE).unwrap().values();
    let errors = labels.iter().zip(truth.medians.column(4)).map(|(label, median)| (label - median).abs());
    let TaskFigures::Number(best) = oracle[HEALTH_SCORE] else { panic!("a number") };
    assert!((best.mae - errors.sum::<f64>() / 300.0).abs() < 1e-9);
    let squares = labels.iter().zip(truth.expected.column(4)).map(|(label, mean)| (label - mean).powi(2));
    assert!((best.rmse - (squares.sum::<f64>() / 300.0).sqrt()).abs() < 1e-9);
    let short = TrueValues { medians: truth.medians.slice(s![..299, ..]).to_owned(), ..truth.clone() };
    assert_eq!(
        words(evaluate(&MODEL.model, test, Some(&short))),
        "rows of the output: expected 300, found 299"
    );

    let page = report(&MODEL.model, &evaluation).unwrap().to_html();
    for text in ["All tasks", "Against the guide", "By segment", "Churn within 30 days: ", "Health score: "] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn figures_are_those_of_the_predictions() {
    let World { test, .. } = &*GUIDE;
    let evaluation = evaluate(&MODEL.model, test, None).unwrap();
    let TaskFigures::Number(health) = evaluation.figures.metrics[HEALTH_SCORE] else { panic!("a number") };
    let labels = test.data.target_named(HEALTH_SCORE).unwrap().values();
    let decided =
        |row: usize| MODEL.model.decide(&test.data.row(row).to_vec()).unwrap().customer_health_score;
    let mae = (0..300).map(|row| (labels[row] - decided(row)).abs()).sum::<f64>() / 300.0;
    assert!((health.mae - mae).abs() < 1e-9, "{} {mae}", health.mae);
    assert!(evaluation.figures.oracle.is_none());
}

#[test]
fn rows_are_answered_in_every_form_alike() {
    let model = &MODEL.model;
    let row = GUIDE.test.data.row(0).to_vec();
    let decided = model.decide(&row).unwrap();
    let typed = GuideRow::from_values(&row).unwrap();
    assert_eq!(model.decide_row(&typed).unwrap(), decided);
    let numbers: Vec<Value> =
        row.iter().map(|v| if v.is_nan() { Value::Null } else { (*v).into() }).collect();
    for body in
        [typed.to_json(), json!({"features": typed.to_json()}), json!({"features": numbers}), json!(numbers)]
    {
        assert_eq!(model.decide_json(&body).unwrap(), decided, "{body}");
    }
    let mut out = [0.0; 5];
    model.predict_row(&row, &mut out).unwrap();
    assert_eq!([decided.first_session_success_prob, decided.churn_risk_30d], [out[0], out[3]]);
    assert_eq!((decided.customer_health_score, &decided.supply_demand_scores), (out[4], &None));
    assert!((0.0..=100.0).contains(&out[4]));

    let mut body = typed.to_json();
    body.as_object_mut().unwrap().remove("ib_call_count_14d");
    body["ib_calls"] = 2.into();
    let error = model.decide_json(&body).unwrap_err().to_string();
    assert!(error.contains("`ib_call_count_14d` is missing; `ib_calls` is not a field"), "{error}");
    let short = model.decide_json(&json!({"features": [1, 2]})).unwrap_err().to_string();
    assert_eq!(short, "features: expected 59, found 2");
    // The two profiles name how the very first session went differently.
    let wide = SageMakerRow::from_values(&[f64::NAN; 150]).unwrap();
    match model.decide_row(&wide).unwrap_err() {
        tenure_core::Error::Columns { missing, unexpected } => {
            assert!(missing.contains(&"first_session_success".to_owned()), "{missing:?}");
            assert!(unexpected.contains(&"first_session_was_success".to_owned()), "{unexpected:?}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn drivers_are_real_features_by_size_and_add_up() {
    let model = &MODEL.model;
    let row = GUIDE.test.data.row(3).to_vec();
    let named = model.decide(&row).unwrap().feature_importance;
    assert_eq!(named.len(), 10);
    assert!(named.is_sorted_by(|a, b| a.importance >= b.importance));
    assert!(named.iter().all(|driver| model.schema().position(&driver.feature).is_some()));
    let explanation = model.explain_row(&row, 3).unwrap();
    let at = |name: &str| explanation.contributions[model.schema().position(name).unwrap()].abs();
    assert!(named.iter().all(|driver| driver.importance == at(&driver.feature)));
    assert!((explanation.prediction().unwrap() - model.decide(&row).unwrap().churn_risk_30d).abs() < 1e-6);

    // A plain gradient is the slope of the log-odds by standard deviations.
    let by_slope = model.feature_importance(&row, CHURN_RISK_30D, Attribution::Gradient, 3).unwrap();
    let first = model.schema().position(&by_slope[0].feature).unwrap();
    let deviation = model.normalization().std[first];
    let log_odds = |step: f64| {
        let mut moved = row.clone();
        moved[first] += step * deviation;
        let risk = model.decide(&moved).unwrap().churn_risk_30d;
        (risk / (1.0 - risk)).ln()
    };
    let slope = ((log_odds(5e-3) - log_odds(-5e-3)) / 1e-2).abs();
    assert!(
        (slope - by_slope[0].importance).abs() < 0.05 * slope + 1e-3,
        "{slope} {}",
        by_slope[0].importance
    );

    let other = model.feature_importance(&row, HEALTH_SCORE, Attribution::default(), 59).unwrap();
    assert!(other.len() > 10);
    let error = model.feature_importance(&row, "health", Attribution::default(), 1).unwrap_err().to_string();
    assert!(error.contains("`target` is health; expected one of first_session_success, "), "{error}");
    let reasons = model.reasons(&row, HEALTH_SCORE, 3).unwrap();
    assert!(reasons.len() == 3 && reasons[0].text.contains("typical: "), "{reasons:?}");
}

#[test]
fn normalisation_is_that_of_the_training_rows() {
    let (World { train, .. }, normalization) = (&*GUIDE, MODEL.model.normalization());
    assert_eq!(normalization.features, train.data.schema().names().collect::<Vec<_>>());
    let column = train.data.x().column(3).to_vec();
    let mean = column.iter().sum::<f64>() / column.len() as f64;
    let variance = column.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / column.len() as f64;
    assert!(
        (normalization.mean[3] - mean).abs() < 1e-9 && (normalization.std[3] - variance.sqrt()).abs() < 1e-9
    );
}

#[test]
fn the_wide_profile_answers_twenty_subjects() {
    let world = world(Profile::SageMaker, 600);
    let trained = train(&world, &small());
    let row = SageMakerRow::from_values(&world.test.data.row(0).to_vec()).unwrap();
    let prediction = trained.model.decide_row(&row).unwrap();
    assert_eq!(prediction.supply_demand_scores.map(|scores| scores.len()), Some(20));
    let figures = evaluate(&trained.model, &world.test, Some(&world.truth)).unwrap().figures;
    assert_eq!(figures.tasks[4..], ["supply_demand", "health_score"]);
    let TaskFigures::Number(supply) = figures.metrics["supply_demand"] else { panic!("numbers") };
    assert_eq!(supply.labels, 20 * world.test.ids.len());
    assert!(supply.r2.unwrap() > 0.0);
    assert!(supply.mae > figures.oracle.unwrap()["supply_demand"].get("mae").unwrap());
}

#[test]
fn a_training_goes_on_to_the_same_bits() {
    let World { train: rows, valid, .. } = &*GUIDE;
    let (params, context) = (small(), FitContext::new(7));
    let start = || HealthRun::start(&params, &rows.data, Some(&valid.data), &context).unwrap();
    let mut run = start();
    for _ in 0..3 {
        run.next_epoch(&context).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    run.checkpoint().save(folder.path(), &Metadata::default()).unwrap();
    drop(run);
    let (stored, _) = tenure_core::Artifact::load(folder.path()).unwrap();
    let mut run = HealthRun::resume(&stored, &params, &rows.data, Some(&valid.data), &context).unwrap();
    assert_eq!(run.history().len(), 3);
    while run.next_epoch(&context).unwrap().is_some() {}
    let history = run.history().to_vec();
    let resumed = run.finish(&context).unwrap();
    assert_eq!(resumed.model.to_artifact(), MODEL.model.to_artifact());
    assert_eq!(resumed.last.to_artifact(), MODEL.last.to_artifact());
    assert_eq!(resumed.report, MODEL.report);
    assert_eq!(history.len(), resumed.report.epochs);

    let other = FitContext::new(8);
    let error = words(HealthRun::resume(&stored, &params, &rows.data, Some(&valid.data), &other));
    assert!(error.contains("checkpoint"), "{error}");
    let model = MODEL.model.to_artifact();
    let error = words(HealthRun::resume(&model, &params, &rows.data, Some(&valid.data), &context));
    assert_eq!(error, "the stored model is of kind `health`; expected `health-checkpoint`");
}

#[test]
fn the_history_names_figures_as_keras_does() {
    let World { train: rows, valid, .. } = &*GUIDE;
    let context = FitContext::new(7);
    let mut params = small();
    params.training.epochs = 2;
    let mut run = HealthRun::start(&params, &rows.data, Some(&valid.data), &context).unwrap();
    while run.next_epoch(&context).unwrap().is_some() {}
    let history = history_by_name(run.history(), run.tasks());
    for name in [
        "loss",
        "val_loss",
        "learning_rate",
        "churn_risk_30d_loss",
        "val_churn_risk_30d_auc",
        "val_health_score_mae",
    ] {
        assert!(history[name].len() == 2 && history[name].iter().all(Option::is_some), "{name}: {history:?}");
    }
    let report = run.finish(&context).unwrap().report;
    assert_eq!((report.epochs, report.stopped, report.validation_rows), (2, StopReason::Iterations, 300));
    let auc = report.validation["churn_risk_30d"].get("auc");
    assert_eq!(auc, history["val_churn_risk_30d_auc"][report.best_epoch - 1]);
}

/// The rows with some labels of one target unknown.
fn masked(data: &Dataset, target: &str, unknown: impl Fn(usize) -> bool) -> Dataset {
    let bare = Dataset::new(data.schema().clone(), data.x().to_owned()).unwrap();
    data.targets().iter().fold(bare, |data, of| {
        let mut values = of.values().to_vec();
        if of.name() == target {
            values
                .iter_mut()
                .enumerate()
                .filter(|(row, _)| unknown(*row))
                .for_each(|(_, value)| *value = f64::NAN);
        }
        data.with_target(Target::new(of.name(), of.kind().clone(), values).unwrap()).unwrap()
    })
}

#[test]
fn unknown_labels_are_masked_and_counted() {
    let world = world(Profile::Guide, 400);
    let params = small();
    let context = FitContext::new(7);
    let data = masked(&world.train.data, HEALTH_SCORE, |row| row % 4 == 0);
    let mut run = HealthRun::start(&params, &data, Some(&world.valid.data), &context).unwrap();
    while run.next_epoch(&context).unwrap().is_some() {}
    let trained = run.finish(&context).unwrap();
    assert_eq!(trained.report.rows, 280);
    assert_eq!(trained.report.masked_labels.iter().collect::<Vec<_>>(), [(&HEALTH_SCORE.to_owned(), &70)]);
    let known: Vec<f64> =
        data.target_named(HEALTH_SCORE).unwrap().values().iter().copied().filter(|v| !v.is_nan()).collect();
    assert_eq!(trained.model.settings().means[4], known.iter().sum::<f64>() / 210.0);

    let mut test = world.test.clone();
    test.data = masked(&test.data, CHURN_RISK_30D, |_| true);
    let figures = evaluate(&trained.model, &test, None).unwrap().figures;
    assert!(!figures.metrics.contains_key(CHURN_RISK_30D) && figures.metrics.len() == 4);
    assert_eq!(figures.masked_labels[CHURN_RISK_30D], test.ids.len());

    // A page can be made of what is left, even where all customers that are known stayed.
    let stayed = masked(&world.test.data, CHURN_RISK_30D, |row| {
        world.test.data.target_named(CHURN_RISK_30D).unwrap().values()[row] == 1.0
    });
    test.data = stayed;
    let evaluation = evaluate(&trained.model, &test, None).unwrap();
    assert_eq!(evaluation.figures.metrics[CHURN_RISK_30D].get("auc"), None);
    let page = report(&trained.model, &evaluation).unwrap().to_html();
    assert!(page.contains("Churn within 30 days: all labels are the same"));
}

#[test]
fn what_cannot_be_learned_is_said() {
    let world = world(Profile::Guide, 400);
    let (params, context) = (small(), FitContext::new(7));
    let start = |params: &HealthParams, train: &Dataset, valid: Option<&Dataset>| {
        HealthRun::start(params, train, valid, &context)
    };
    let (train, valid) = (&world.train.data, &world.valid.data);
    assert_eq!(words(start(&params, train, Some(&valid.select(&[])))), "the validation set has no rows");
    let few: Vec<usize> = (0..99).collect();
    assert_eq!(
        words(start(&params, &train.select(&few), None)),
        "not enough training data: 99 rows found, at least 100 needed"
    );
    let none = masked(train, CHURN_RISK_30D, |_| true);
    let error = words(start(&params, &none, Some(valid)));
    assert!(error.contains(CHURN_RISK_30D) || error.contains("0 rows"), "{error}");

    let mut wild = small();
    wild.training.learning_rate = 1_000.0;
    let mut run = start(&wild, train, Some(valid)).unwrap();
    let told = loop {
        match run.next_epoch(&context) {
            Ok(Some(_)) => {}
            Ok(None) => break run.finish(&context).unwrap().report.notes.join("; "),
            Err(error) => break error.to_string(),
        }
    };
    assert!(told.contains("learning rate") || told.contains("learning_rate"), "{told}");
}

#[test]
fn without_a_validation_set_a_fifth_is_held_out() {
    let world = world(Profile::Guide, 400);
    let mut params = small();
    params.training.epochs = 2;
    let trained = {
        let context = FitContext::new(7);
        let mut run = HealthRun::start(&params, &world.train.data, None, &context).unwrap();
        while run.next_epoch(&context).unwrap().is_some() {}
        run.finish(&context).unwrap()
    };
    assert_eq!((trained.report.rows, trained.report.validation_rows), (224, 56));
    assert!(trained.report.notes[0].starts_with("56 of the training rows were held out"));
    assert!(!trained.report.validation.is_empty());
}

#[test]
fn rows_of_weight_0_and_lost_subjects_do_not_disturb() {
    let world = world(Profile::SageMaker, 400);
    let subject = "supply_demand_physics";
    let mut params = small();
    params.training.epochs = 2;
    let context = FitContext::new(7);
    let train = |data: &Dataset, valid: Option<&Dataset>| {
        let mut run = HealthRun::start(&params, data, valid, &context).unwrap();
        while run.next_epoch(&context).unwrap().is_some() {}
        run.finish(&context).unwrap()
    };
    let weights = |rows: usize| (0..rows).map(|row| f64::from(u8::from(row % 3 > 0))).collect();
    let [rows, valid] = [&world.train.data, &world.valid.data]
        .map(|data| data.clone().with_weights(weights(data.rows())).unwrap());
    let told = train(&rows, Some(&valid)).report;
    assert_eq!((told.rows, told.validation_rows), (186, 40));
    // As if those rows were not there.
    let kept = |data: &Dataset| data.select(&(0..data.rows()).filter(|row| row % 3 > 0).collect::<Vec<_>>());
    assert_eq!(train(&kept(&rows), Some(&kept(&valid))).report, told);

    // One label only: it is learned from, or held out and then said to be lost.
    let one = |known| masked(&world.train.data, subject, |row| row != known);
    let outputs =
        |known| HealthRun::start(&params, &one(known), None, &context).unwrap().network().outputs().len();
    let lost = (0..40).find(|&known| outputs(known) == 24).unwrap();
    assert!((0..40).any(|known| outputs(known) == 25));
    let notes = train(&one(lost), None).report.notes;
    let note = format!("`{subject}` is not answered: all its labels were held out");
    assert!(notes.contains(&note), "{notes:?}");
}

#[test]
fn a_network_of_any_shape_learns_features_of_ones_own() {
    let n = 300;
    let features = vec![
        Feature::numeric("calls", "calls", "Calls"),
        Feature::categorical("plan", ["basic", "pro"], "Plan"),
    ];
    let x =
        ndarray::Array2::from_shape_fn((n, 2), |(i, j)| if j == 0 { (i % 7) as f64 } else { (i % 2) as f64 });
    let score: Vec<f64> = x.rows().into_iter().map(|row| 90.0 - 10.0 * row[0] + 5.0 * row[1]).collect();
    let left: Vec<f64> = score.iter().map(|s| f64::from(u8::from(*s < 50.0))).collect();
    let mut data = Dataset::new(Schema::new(features).unwrap(), x).unwrap();
    for name in ["first_session_success", "churn_risk_14d", "churn_risk_30d", "upsell"] {
        data = data.with_target(Target::binary(name, left.clone()).unwrap()).unwrap();
    }
    for (name, scale) in [("session_velocity", 0.02), ("health_score", 1.0)] {
        let values = score.iter().map(|s| s * scale).collect();
        data = data.with_target(Target::real(name, values).unwrap()).unwrap();
    }
    let head = |name: &str, loss| HeadSpec::new(name, loss);
    let spec = NetworkSpec {
        steps: 1,
        trunk: vec![LayerSpec::dense(8), LayerSpec::relu()],
        heads: vec![
            head("events", Loss::BinaryCrossEntropy).with_targets([
                "churn_risk_30d",
                "churn_risk_14d",
                "upsell",
            ]),
            head("first_session_success", Loss::BinaryCrossEntropy),
            head("session_velocity", Loss::SquaredError(TargetScale::Standardised)),
            head("health_score", Loss::SquaredError(TargetScale::Bounded { low: 0.0, high: 100.0 })),
        ],
    };
    let mut params = HealthParams { architecture: Architecture::Free(spec), ..small() };
    params.training.epochs = 40;
    params.training.learning_rate = 0.02;
    let context = FitContext::new(7);
    let mut run = HealthRun::start(&params, &data, None, &context).unwrap();
    while run.next_epoch(&context).unwrap().is_some() {}
    let trained = run.finish(&context).unwrap();
    let tasks: Vec<String> = trained.model.tasks().into_iter().map(|task| task.name).collect();
    assert_eq!(tasks[..4], ["churn_risk_30d", "churn_risk_14d", "upsell", "first_session_success"]);
    assert!(trained.report.validation["upsell"].get("auc").unwrap() > 0.95);
    assert_eq!(trained.model.settings().profile, None);
    assert_eq!(trained.model.normalization().features, ["calls", "plan=basic", "plan=pro"]);

    let prediction = trained.model.decide_json(&json!({"features": {"calls": 6, "plan": "basic"}})).unwrap();
    assert_eq!(trained.model.decide_json(&json!([6, "basic"])).unwrap(), prediction);
    assert!((prediction.customer_health_score - 30.0).abs() < 8.0, "{prediction:?}");
    assert!(prediction.churn_risk_30d > 0.9, "{prediction:?}");
    let folder = tempfile::tempdir().unwrap();
    trained.model.save(folder.path(), None, Metadata::default()).unwrap();
    let back = HealthModel::load(folder.path()).unwrap().0;
    assert_eq!(back.decide_json(&json!([6, "basic"])).unwrap(), prediction);
}

#[test]
fn alerts_of_synthetic_customers_are_judged_by_their_labels() {
    let World { test, .. } = &*GUIDE;
    let model = &MODEL.model;
    let rules = AlertParams::default().check().unwrap();
    let (mut log, at) = (AlertLog::default(), "2026-03-02".parse().unwrap());
    for (row, id) in test.ids.iter().enumerate() {
        let values = test.data.row(row).to_vec();
        let alerts = rules.route(id, &model.decide(&values).unwrap(), model.schema(), &values).unwrap();
        log.admit(&rules, alerts, at);
    }
    outcomes_of(&rules, &test.ids, &test.data).unwrap().into_iter().for_each(|outcome| {
        log.record(outcome);
    });
    let figures = log.figures(&rules);
    let churn = &figures[1];
    assert!(churn.alerts > 20 && churn.precision.unwrap().share > 0.75, "{churn:?}");
    assert!(churn.false_positive_rate.unwrap().share < 0.15, "{churn:?}");
}
