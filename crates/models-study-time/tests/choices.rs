//! Learners beside each other, grids, and outliers.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod support;

use serde_json::Value;
use support::{quick, samples, table, trees, truth, world};
use tenure_core::FitContext;
use tenure_features::augment::Augmentation;
use tenure_study_time::{
    Candidate, Comparison, GridSearch, Samples, Searched, StudyLearner, StudyParams, compare, outliers,
    search,
};

fn learners(names: &[&str]) -> Vec<StudyLearner> {
    names.iter().map(|name| StudyLearner::by_name(name).unwrap()).collect()
}

/// The published setting: 600 sessions, at the generator's usual noise. Every session is judged by a fit to 480 others, of other
/// students.
#[test]
fn six_hundred_sessions_are_enough_for_the_published_accuracy() {
    let batch = world(600, 12);
    let truth = truth(&batch);
    let found = compare(
        &samples(&batch),
        &learners(&["mlp", "gbdt"]),
        5,
        &StudyParams::default(),
        Some(&truth),
        &FitContext::new(1),
    )
    .unwrap();
    println!("{found:?}");
    let oracle = found.oracle.as_ref().unwrap();
    assert!((oracle.mae - 0.68).abs() < 0.03 && (oracle.rmse - 0.91).abs() < 0.04, "{oracle:?}");
    for learner in &found.learners {
        let figures = &learner.figures;
        assert!(
            figures.mae <= 0.99 && figures.rmse <= 1.39,
            "{}: {} {}",
            learner.name,
            figures.mae,
            figures.rmse
        );
        assert!(figures.rmse > oracle.rmse && figures.rmse < 0.8 * found.mean.rmse);
    }
}

#[test]
fn a_comparison_says_what_pays() {
    let batch = world(450, 2);
    let stump = StudyLearner::by_name("gbdt").unwrap().with("leaves", 2.into()).unwrap();
    let both = [stump, StudyLearner::by_name("glm").unwrap()];
    let same = [both[1].clone(), both[1].clone()];
    let of = |learners: &[StudyLearner]| -> Comparison {
        compare(&samples(&batch), learners, 3, &trees(), Some(&truth(&batch)), &FitContext::new(1)).unwrap()
    };
    let found = of(&same);
    let gain = found.learners[1].gain.unwrap();
    assert_eq!((gain.mean, gain.low, gain.high, gain.pays()), (0.0, 0.0, 0.0, false));
    assert!(found.conclusions[0].contains("which chance explains"), "{:?}", found.conclusions);

    let (there, back) = (of(&both), of(&[both[1].clone(), both[0].clone()]));
    let (a, b) = (there.learners[1].gain.unwrap(), back.learners[1].gain.unwrap());
    assert!((a.mean + b.mean).abs() < 1e-12 && (a.low + b.high).abs() < 1e-12);
    assert!((a.mean - (there.learners[0].figures.mae - there.learners[1].figures.mae)).abs() < 1e-12);
    assert_eq!((there.rows, there.groups, there.folds), (450, 30, 3));
    let page = there.report().unwrap().to_html();
    assert!(page.contains("Does it pay?") && page.contains("Best attainable"));
    let worse = learners(&["glm", "logistic"]);
    assert!(compare(&samples(&batch), &worse, 3, &quick(), None, &FitContext::new(1)).is_err());
}

fn grid(json: &str, name: &str) -> Candidate {
    let StudyLearner::Rows(base) = StudyLearner::by_name(name).unwrap() else { panic!() };
    Candidate { base, space: serde_json::from_str(json).unwrap() }
}

#[test]
fn a_choice_is_made_within_and_judged_without() {
    let batch = world(450, 3);
    let plan = GridSearch {
        candidates: vec![
            grid(r#"{"backend": "glm", "alpha": {"choices": [1000.0, 0.001]}}"#, "glm"),
            grid(r#"{"backend": "gbdt", "leaves": {"choices": [2, 6]}}"#, "gbdt"),
        ],
        outer_folds: 3,
        inner_folds: 3,
    };
    let found = |samples: &Samples| search(samples, &plan, &trees(), &FitContext::new(1)).unwrap();
    let whole: Searched = found(&samples(&batch));
    assert_eq!(whole.folds.len(), 3);
    // Not the penalty that leaves the mean alone.
    assert_ne!(whole.chosen.point.get("alpha"), Some(&Value::from(1000.0)));
    assert!(whole.figures.rmse < 0.85 * whole.mean.rmse);
    let mean = whole.folds.iter().map(|fold| fold.rmse).sum::<f64>() / 3.0;
    assert_eq!(whole.mean_fold_rmse, mean);

    // Whatever the durations of a fold are, its choice is the same.
    let fold = &samples(&batch).folds(3, 1).unwrap()[0];
    let mut other = batch.sessions.clone();
    fold.test.iter().for_each(|&row| other[row].actual_duration = Some(1.0 + (row % 7) as f64));
    let rewritten = found(&Samples::Sessions(other));
    assert_eq!(rewritten.folds[0].point, whole.folds[0].point);
    assert_eq!(rewritten.folds[0].inner_rmse, whole.folds[0].inner_rmse);
    assert_ne!(rewritten.folds[0].rmse, whole.folds[0].rmse);
    // A candidate is scored as it will be fitted: from noisy copies too.
    let copies = StudyParams { augmentation: Some(Augmentation::default()), ..trees() };
    let copied = search(&samples(&batch), &plan, &copies, &FitContext::new(1)).unwrap();
    assert_ne!(copied.folds[0].inner_rmse, whole.folds[0].inner_rmse);
    let words = GridSearch::of(&["lstm"]).unwrap_err().to_string();
    assert!(words.contains("learners of single rows"), "{words}");
}

/// Beside a random forest of scikit-learn on the same folds (`golden/forest.py`): mean RMSE of ten folds.
#[test]
fn a_search_is_no_worse_than_a_random_forest_on_public_tables() {
    let golden: Value = serde_json::from_str(include_str!("golden/forest.json")).unwrap();
    let grades = "student_mat/student-mat.csv";
    let tables = [
        ("all", grades, "G3", vec![]),
        ("without_g2", grades, "G3", vec!["G2"]),
        ("without_g1_g2", grades, "G3", vec!["G1", "G2"]),
        ("study_hours", "gpa_study_hours/gpa_study_hours.csv", "study_hours", vec![]),
    ];
    let plan = GridSearch::of(&["gbdt", "forest", "glm"]).unwrap();
    // On tables as small as these, each member learns from nine tenths.
    let params = StudyParams { ensemble: 10, ..StudyParams::default() };
    for (name, file, target, drop) in tables {
        let forest = golden["mean_fold_rmse"][name].as_f64().unwrap();
        let Some(data) = table(file, target, &drop) else { return };
        let found = search(&Samples::Table(data), &plan, &params, &FitContext::new(42)).unwrap();
        let names: Vec<&str> = found.folds.iter().map(|fold| fold.name.as_str()).collect();
        let ratio = found.mean_fold_rmse / forest;
        println!("{name}: {} ({ratio:.3} of the forest's), {names:?}", found.mean_fold_rmse);
        assert!(ratio <= 1.03, "{name}: {ratio}");
    }
}

#[test]
fn outliers_are_those_that_pandas_finds() {
    let Some(data) = table("student_mat/student-mat.csv", "G3", &[]) else { return };
    let golden: Value = serde_json::from_str(include_str!("golden/outliers.json")).unwrap();
    let found = outliers(&data);
    assert_eq!(found[0].column, "G3");
    for (name, wanted) in golden["columns"].as_object().unwrap() {
        let column = found.iter().find(|c| c.column == *name).unwrap();
        for (own, key) in [(column.q1, "q1"), (column.q3, "q3"), (column.low, "low"), (column.high, "high")] {
            assert_eq!(own, wanted[key].as_f64().unwrap(), "{name} {key}");
        }
        let mut rows: Vec<u64> = column.outliers.iter().map(|&row| row as u64).collect();
        rows.sort_unstable();
        let wanted: Vec<u64> =
            wanted["rows"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap()).collect();
        assert_eq!(rows, wanted, "{name}");
    }
    let absences = found.iter().find(|c| c.column == "absences").unwrap();
    // The farthest first: 75 days.
    assert_eq!(data.row(absences.outliers[0])[data.schema().position("absences").unwrap()], 75.0);
}
