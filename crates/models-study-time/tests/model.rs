//! Models of study time: how near to the best attainable, how sure, stored and restored, and what is refused.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod support;

use std::any::Any;

use ndarray::Array2;
use support::{quick, samples, trees, truth, world};
use tenure_backends::conformance;
use tenure_core::{
    Artifact, Dataset, Error as CoreError, Feature, FitContext, Metadata, Model, Schema, Target,
};
use tenure_features::augment::Augmentation;
use tenure_features::study::StudySession;
use tenure_neural::NetworkModel;
use tenure_study_time::{
    Error, Samples, StudyLearner, StudyModel, StudyParams, Trained, TrueDurations, evaluate,
    first_layer_weights, importances, report, train,
};

fn fit(samples: &Samples, params: &StudyParams) -> Trained {
    train(samples, params, &FitContext::new(7)).unwrap()
}

#[test]
fn the_stated_share_of_new_sessions_lies_within_their_ranges() {
    let trained = fit(&samples(&world(1_500, 1)), &trees());
    let new = world(6_000, 1_000_001);
    let figures = evaluate(&trained.model, &samples(&new), Some(&truth(&new))).unwrap().figures;
    println!("{figures:?}");
    assert!((figures.coverage.share - 0.9).abs() < 0.03, "{:?}", figures.coverage);
    let oracle = figures.oracle.unwrap();
    assert!(oracle.rmse_ratio > 1.0 && oracle.rmse_ratio < 1.2, "{}", oracle.rmse_ratio);
    let estimate = figures.estimate.unwrap();
    assert!(figures.model.mae < estimate.mae && estimate.mae < figures.mean.mae);
    // Ranges grow with what is predicted.
    let width = |hours| trained.model.interval(hours).high - trained.model.interval(hours).low;
    assert!((width(6.0) / width(2.0) - 3.0).abs() < 1e-9);
    let subjects = figures.segments.iter().filter(|s| s.by == "subject");
    assert_eq!(subjects.map(|s| s.rows).sum::<usize>(), 6_000);
}

/// Ten thousand sessions leave little to be learned that the facts could tell.
#[test]
fn ten_thousand_sessions_lead_to_within_five_percent_of_the_best_attainable() {
    // Students of 15 sessions each: the last of them are new to the model, the topics are not.
    let batch = world(15_000, 1);
    let (learned, new) = batch.sessions.split_at(9_990);
    let model = fit(&Samples::Sessions(learned.to_vec()), &StudyParams::default()).model;
    let mut truth = truth(&batch);
    truth.expected.drain(..9_990);
    truth.median.drain(..9_990);
    let figures = evaluate(&model, &Samples::Sessions(new.to_vec()), Some(&truth)).unwrap().figures;
    let oracle = figures.oracle.unwrap();
    println!("MAE {:.4}, RMSE {:.4} of the oracle's", oracle.mae_ratio, oracle.rmse_ratio);
    assert!(oracle.mae_ratio <= 1.05 && oracle.rmse_ratio <= 1.05, "{oracle:?}");
}

#[test]
fn a_model_keeps_its_encoder_and_every_bit() {
    let batch = world(400, 2);
    let Trained { model, report } = fit(&samples(&batch), &quick());
    assert_eq!((report.rows, report.unknown, report.iterations.len()), (400, 0, 3));
    let folder = tempfile::tempdir().unwrap();
    model.save(folder.path(), None, Metadata::default()).unwrap();
    let (back, metadata) = StudyModel::load(folder.path()).unwrap();
    assert_eq!((metadata.rows, metadata.features.len()), (Some(400), 19));
    assert_eq!(back.settings(), model.settings());
    assert_eq!(back.encoder(), model.encoder());
    let said = |model: &StudyModel| model.predict_sessions(&batch.sessions[..5], &[]).unwrap();
    assert_eq!(said(&back), said(&model));
    assert!(said(&model).iter().all(|a| a.spread > 0.0 && a.interval.low < a.hours && !a.reasons.is_empty()));

    let data = model.read(&samples(&batch)).unwrap();
    let load = |artifact: &Artifact| -> tenure_core::Result<Box<dyn Model>> {
        Ok(Box::new(StudyModel::from_artifact(artifact)?))
    };
    let failures = conformance::check_model(&model, data.x(), &load);
    assert!(failures.is_empty(), "{}", conformance::summary(&failures));
    // The same again, to the bit, on any number of threads.
    let again = train(&samples(&batch), &quick(), &FitContext::new(7).with_threads(1)).unwrap();
    assert_eq!(again.model.to_artifact(), model.to_artifact());
    assert_eq!(again.report, report);
}

#[test]
fn texts_that_training_never_saw_are_answered() {
    let Trained { model, .. } = fit(&samples(&world(400, 2)), &quick());
    let known = world(400, 2).sessions[0].clone();
    let strange = StudySession {
        subject: "alchemy".into(),
        time_of_day: "dawn".into(),
        environment: String::new(),
        age: f64::NAN,
        ..known.clone()
    };
    let answers = model.predict_sessions(&[known, strange], &[]).unwrap();
    assert!(answers.iter().all(|a| a.hours.is_finite() && a.hours > 0.0));
    assert_ne!(answers[0].hours, answers[1].hours);
    let wrong = StudySession { energy_level: 9.0, ..world(1, 2).sessions[0].clone() };
    let words = model.predict_sessions(&[wrong], &[]).unwrap_err().to_string();
    assert_eq!(words, "study session `S0000001`, field `energy_level`: 9; expected 1 to 5");
}

#[test]
fn what_decides_is_found_in_all_three_ways() {
    let batch = world(1_000, 3);
    let Trained { model, .. } = fit(&samples(&batch), &quick());
    let new = samples(&world(300, 4));
    let evaluation = evaluate(&model, &new, None).unwrap();
    let found = importances(&model, &evaluation.data, 3, 1).unwrap();
    assert_eq!(found[0].feature, "estimated_base_time");
    let largest = |of: &dyn Fn(&tenure_study_time::FeatureImportance) -> f64| {
        found.iter().max_by(|a, b| of(a).total_cmp(&of(b))).unwrap().feature.clone()
    };
    assert_eq!(largest(&|f| f.contribution.unwrap()), "estimated_base_time");
    assert_eq!(first_layer_weights(&model).unwrap().len(), 19);
    let weight = |name: &str| found.iter().find(|f| f.feature == name).unwrap().first_layer.unwrap();
    assert!(weight("estimated_base_time") > weight("prerequisites_count"));
    assert!(first_layer_weights(&fit(&samples(&batch), &trees()).model).is_none());
    // The mean over all weights of a text's inputs, so that many levels alone do not make it heavy.
    let mut wanted = Vec::new();
    for member in model.members() {
        let network = (member as &dyn Any).downcast_ref::<NetworkModel>().unwrap();
        let weights = network.weights();
        let first = weights.iter().find(|tensor| tensor.name == "trunk.0.weight").unwrap();
        let inputs = network.scaler().inputs();
        let of_subject = (0..first.values.len()).filter(|at| inputs[at % inputs.len()].feature == "subject");
        let sizes: Vec<f64> = of_subject.map(|at| f64::from(first.values[at].abs())).collect();
        wanted.push(sizes.iter().sum::<f64>() / sizes.len() as f64);
    }
    assert!((weight("subject") - wanted.iter().sum::<f64>() / 3.0).abs() < 1e-6);

    let page = report(&model, &evaluation).unwrap().to_html();
    for words in
        ["Predicted and actual", "Residuals over predictions", "For whom does it work?", "subject: physics"]
    {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn copies_are_learned_from_and_never_judged_on() {
    let batch = world(400, 5);
    let plain = fit(&samples(&batch), &quick());
    let augmentation = Some(Augmentation::default());
    let more = fit(&samples(&batch), &StudyParams { augmentation, ..quick() });
    assert_ne!(more.model.to_artifact(), plain.model.to_artifact());
    // The same rows are held out, and the same number is judged.
    assert_eq!(more.report.held_out.mean, plain.report.held_out.mean);
    assert_eq!(more.report.out_of_fold.rows, 400);
    let wrong = Augmentation { factor: 0.0, ..Augmentation::default() };
    let words = StudyParams { augmentation: Some(wrong), ..quick() }.check().unwrap_err().to_string();
    assert_eq!(words, "parameter `factor` is 0; expected above 0, at most 100");
}

#[test]
fn networks_over_sessions_learn_how_fast_a_student_is() {
    let batch = world(450, 6);
    for name in StudyLearner::SEQUENCES {
        let StudyLearner::Sequence(mut params) = StudyLearner::by_name(name).unwrap() else { panic!() };
        (params.training.epochs, params.steps) = (3, 4);
        let params = StudyParams { learner: StudyLearner::Sequence(params), ensemble: 2, ..quick() };
        let Trained { model, .. } = fit(&samples(&batch), &params);
        let (past, present) = batch.sessions.split_at(14);
        let said = |past: &[StudySession]| model.predict_sessions(&present[..1], past).unwrap()[0].hours;
        // A student of other durations before is foretold another one; what comes later changes nothing.
        let slower: Vec<_> = past
            .iter()
            .map(|s| StudySession { actual_duration: s.actual_duration.map(|h| 3.0 * h), ..s.clone() })
            .collect();
        assert_ne!(said(past), said(&slower), "{name}");
        assert_eq!(said(past), said(&batch.sessions[..60]), "{name}");
        let back = StudyModel::from_artifact(&model.to_artifact()).unwrap();
        assert_eq!(back.predict_sessions(&present[..1], past).unwrap()[0].hours, said(past));
        let table = Samples::Table(model.read(&samples(&batch)).unwrap());
        let refused = train(&table, &params, &FitContext::new(1)).unwrap_err().to_string();
        assert!(refused.contains("a table does not support a network over sessions"), "{refused}");
    }
}

#[test]
fn what_cannot_be_learned_is_said() {
    let refused = |samples: &Samples| train(samples, &trees(), &FitContext::new(1)).unwrap_err();
    let few = world(60, 7);
    let words = refused(&samples(&few)).to_string();
    assert_eq!(words, "not enough training data: 60 rows found, at least 100 needed");
    let mut equal = world(200, 7).sessions;
    equal.iter_mut().for_each(|s| s.actual_duration = Some(2.0));
    assert!(matches!(refused(&Samples::Sessions(equal)), Error::EqualTargets { value: 2.0, rows: 200, .. }));
    let mut unknown = world(200, 7).sessions;
    unknown.iter_mut().take(110).for_each(|s| s.actual_duration = None);
    let words = refused(&Samples::Sessions(unknown)).to_string();
    assert!(words.contains("90 rows found"), "{words}");
    let cancelled = FitContext::new(1);
    cancelled.cancel.cancel();
    let error = train(&samples(&world(200, 7)), &trees(), &cancelled).unwrap_err();
    assert!(matches!(error, Error::Core(CoreError::Cancelled { .. })), "{error}");

    let words = |learner: &str| StudyLearner::by_name(learner).unwrap_err().to_string();
    assert!(
        words("svm").starts_with("parameter `learner` is svm; expected one of gbdt, forest"),
        "{}",
        words("svm")
    );
    assert!(words("svm").ends_with("lstm, attention"));
    let lstm = StudyLearner::by_name("lstm").unwrap();
    let error = lstm.with("width", 3.into()).unwrap_err().to_string();
    assert!(error.contains("`width`: it has no such parameter"), "{error}");
    assert_eq!(lstm.with("steps", 5.into()).unwrap().steps(), 5);
    let text = serde_json::to_string(&StudyParams::default()).unwrap();
    assert_eq!(serde_json::from_str::<StudyParams>(&text).unwrap(), StudyParams::default());
}

#[test]
fn one_students_sessions_can_be_learned_from() {
    let mut sessions = world(300, 8).sessions;
    sessions.iter_mut().for_each(|s| s.student_id = "me".into());
    let Trained { report, .. } = fit(&Samples::Sessions(sessions), &trees());
    assert!(report.notes.iter().any(|note| note.contains("too few students")), "{:?}", report.notes);
    assert!(report.held_out.model.rmse < report.held_out.mean.rmse);
}

/// Sessions without a known duration belong to the past of their students, in training as in use.
#[test]
fn sessions_of_unknown_duration_are_past_and_nothing_else() {
    let batch = world(300, 9);
    let unknown = batch.sessions.iter().map(|s| StudySession {
        session_id: format!("{} planned", s.session_id),
        started_at: s.started_at.plus_days(-1),
        actual_duration: None,
        ..s.clone()
    });
    let more = Samples::Sessions(batch.sessions.iter().cloned().chain(unknown).collect());
    let StudyLearner::Sequence(mut network) = StudyLearner::by_name("attention").unwrap() else { panic!() };
    (network.training.epochs, network.steps) = (1, 3);
    let learner = StudyLearner::Sequence(network);
    for (params, alike) in [(trees(), true), (StudyParams { learner, ..quick() }, false)] {
        let (without, with) = (fit(&samples(&batch), &params).report, fit(&more, &params).report);
        assert_eq!((without.rows, without.unknown, with.rows, with.unknown), (300, 0, 300, 300));
        assert_eq!(with.held_out.mean, without.held_out.mean);
        assert_eq!(with.held_out.model == without.held_out.model, alike);
        assert_eq!(with.out_of_fold == without.out_of_fold, alike);
    }
}

#[test]
fn the_best_attainable_is_the_median_in_mae_and_the_mean_in_rmse() {
    let batch = world(3_000, 10);
    let model = fit(&samples(&batch), &trees()).model;
    let found = evaluate(&model, &samples(&batch), Some(&truth(&batch))).unwrap();
    let (oracle, known) = (found.figures.oracle.unwrap(), batch.oracle().unwrap().features);
    assert!((oracle.figures.mae - known.mae).abs() < 1e-12);
    assert!((oracle.figures.rmse - known.rmse).abs() < 1e-12);
    assert_eq!(oracle.mae_ratio, found.figures.model.mae / oracle.figures.mae);
    // A mean of skewed durations lies above their median, and is off by more.
    let truth = truth(&batch);
    let of_mean: f64 =
        truth.expected.iter().zip(found.data.target().unwrap().values()).map(|(p, y)| (p - y).abs()).sum();
    assert!(oracle.figures.mae < of_mean / 3e3);
    let short = TrueDurations { median: vec![1.0], ..truth };
    let words = evaluate(&model, &samples(&batch), Some(&short)).unwrap_err().to_string();
    assert!(words.contains("true values") && words.contains("3000"), "{words}");
}

#[test]
fn a_table_is_read_by_the_columns_that_were_learned() {
    let table = |columns: [&str; 2], levels: [&str; 2]| {
        let feature = |name: &str| match name {
            "kind" => Feature::categorical("kind", levels, ""),
            name => Feature::numeric(name, "", ""),
        };
        let value = |row: usize, name: &str| if name == "kind" { row % 2 } else { row * 37 % 50 } as f64;
        let x = Array2::from_shape_fn((200, 2), |(row, column)| value(row, columns[column]));
        let y = (0..200).map(|row| 3.0 * value(row, "size") + 40.0 * value(row, "kind")).collect();
        let data = Dataset::new(Schema::new(columns.map(feature).to_vec()).unwrap(), x).unwrap();
        Samples::Table(data.with_target(Target::real("y", y).unwrap()).unwrap())
    };
    let own = table(["kind", "size"], ["a", "b"]);
    let model = fit(&own, &trees()).model;
    assert_eq!(model.read(&own).unwrap().rows(), 200);
    let refused = |samples: &Samples| model.read(samples).unwrap_err().to_string();
    let words = refused(&table(["size", "kind"], ["a", "b"]));
    assert!(words.contains("in another order: `size` where it has `kind`"), "{words}");
    let words = refused(&table(["kind", "size"], ["b", "a"]));
    assert!(words.contains("column `kind` is of another kind, or has other levels"), "{words}");
    assert!(refused(&table(["kind", "weight"], ["a", "b"])).contains("weight"));
}

#[test]
fn an_artifact_whose_ranges_would_be_no_numbers_is_refused() {
    let artifact = fit(&samples(&world(200, 11)), &trees()).model.to_artifact();
    let config: serde_json::Value = artifact.config().unwrap();
    assert_eq!(config["interval"]["relative"], true);
    for (place, value) in [
        ("/interval/conformal/margin", -0.5),
        ("/interval/conformal/level", 1.5),
        ("/settings/range/0", -1.0),
        ("/settings/range/1", -1.0),
    ] {
        let mut changed = config.clone();
        *changed.pointer_mut(place).unwrap() = value.into();
        let damaged = Artifact::from_json(StudyModel::KIND, 1, changed)
            .with_numbers("typical.f64", &artifact.numbers("typical.f64").unwrap())
            .with_child("ensemble", artifact.child("ensemble").unwrap().clone());
        let error = StudyModel::from_artifact(&damaged).unwrap_err();
        assert!(matches!(error, CoreError::ArtifactDamaged { .. }), "{place}: {error}");
    }
}
