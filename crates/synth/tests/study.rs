//! Study sessions: the stated means and medians are those of the durations, and the oracle is where it should be.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

use std::collections::HashMap;

use tenure_features::study::check_sessions;
use tenure_synth::study::{StudySummary, StudyTruth};
use tenure_synth::{StudyBatch, StudyParams};

fn batch(sessions: usize, change: impl FnOnce(&mut StudyParams)) -> StudyBatch {
    let mut params = StudyParams { sessions, ..StudyParams::default() };
    change(&mut params);
    params.check().unwrap().generate(7)
}

fn hours(batch: &StudyBatch) -> Vec<f64> {
    batch.sessions.iter().map(|s| s.actual_duration.unwrap()).collect()
}

#[test]
fn the_usual_sessions_are_as_hard_to_foretell_as_intended() {
    // Sixty topics move the figures by a twentieth, from one catalogue to the next.
    let batch = batch(60_000, |p| p.topics = 10_000);
    check_sessions(&batch.sessions).unwrap();
    let durations = hours(&batch);
    let mean = durations.iter().sum::<f64>() / durations.len() as f64;
    assert!((3.0..4.0).contains(&mean), "{mean}");
    let oracle = batch.oracle().unwrap();
    assert!((oracle.features.mae - 0.71).abs() < 0.03, "{oracle}");
    assert!((oracle.features.rmse - 0.98).abs() < 0.04, "{oracle}");
    let ratio = oracle.features.rmse / oracle.features.mae;
    assert!((1.37..1.44).contains(&ratio), "{ratio}: normal errors have 1.25");
    assert!(
        oracle.student.mae < 0.9 * oracle.features.mae && oracle.student.rmse < 0.9 * oracle.features.rmse
    );
}

/// With many students of one session each, durations are independent given the facts.
#[test]
fn stated_means_and_medians_are_those_of_the_durations() {
    let batch = batch(100_000, |p| p.students = Some(100_000));
    let durations = hours(&batch);
    let check = |mean: fn(&StudyTruth) -> f64, median: fn(&StudyTruth) -> f64| {
        let mut order: Vec<usize> = (0..durations.len()).collect();
        order.sort_by(|&a, &b| mean(&batch.truth[a]).total_cmp(&mean(&batch.truth[b])));
        for tenth in order.chunks(10_000) {
            let n = tenth.len() as f64;
            let errors: Vec<f64> = tenth.iter().map(|&i| durations[i] - mean(&batch.truth[i])).collect();
            let bias = errors.iter().sum::<f64>() / n;
            let deviation = (errors.iter().map(|e| e * e).sum::<f64>() / n).sqrt();
            assert!(bias.abs() < 4.0 * deviation / n.sqrt(), "{bias} {deviation}");
            let below = tenth.iter().filter(|&&i| durations[i] < median(&batch.truth[i])).count() as f64 / n;
            assert!((below - 0.5).abs() < 0.02, "{below}");
        }
    };
    check(|t| t.expected, |t| t.median);
    check(|t| t.expected_given_student, |t| t.median_given_student);
}

#[test]
fn without_noise_the_truth_is_the_duration() {
    let batch = batch(500, |p| (p.student_noise, p.session_noise) = (0.0, 0.0));
    for (hours, truth) in hours(&batch).iter().zip(&batch.truth) {
        assert!((hours - truth.expected).abs() <= 1e-4 && truth.expected == truth.median);
    }
    let oracle = batch.oracle().unwrap();
    assert!(oracle.features.rmse < 1e-4 && oracle.student.rmse < 1e-4);
}

#[test]
fn batches_are_the_whole_and_students_keep_their_order() {
    let world =
        StudyParams { sessions: 1_003, students: Some(70), ..StudyParams::default() }.check().unwrap();
    let whole = world.generate(3);
    let mut joined = StudyBatch::default();
    let mut summary = StudySummary::default();
    for batch in world.batches(3, 11) {
        summary.add(&batch);
        joined.sessions.extend(batch.sessions);
        joined.truth.extend(batch.truth);
    }
    assert_eq!(joined, whole);
    assert_ne!(world.generate(4), whole);
    assert_eq!((summary.sessions, summary.students), (1_003, 70));
    let mut last: HashMap<&str, i64> = HashMap::new();
    for session in &whole.sessions {
        let at = session.started_at.seconds();
        assert!(last.insert(&session.student_id, at).is_none_or(|before| before < at));
    }
    let per_student = whole.sessions.iter().fold(HashMap::new(), |mut counts, s| {
        *counts.entry(&s.student_id).or_insert(0) += 1;
        counts
    });
    assert!(per_student.values().all(|n| (14..=15).contains(n)));
}

#[test]
fn refusals_name_parameter_value_and_range() {
    let words = |change: fn(&mut StudyParams)| {
        let mut params = StudyParams::default();
        change(&mut params);
        params.check().unwrap_err().to_string()
    };
    assert_eq!(words(|p| p.sessions = 0), "parameter `sessions` is 0; expected 1 to 100000000");
    assert_eq!(
        words(|p| p.students = Some(601)),
        "parameter `students` is 601; expected 1 to 600, the number of sessions"
    );
    assert!(words(|p| p.session_noise = f64::NAN).contains("`session_noise` is NaN; expected 0 to 1"));
    assert!(words(|p| p.start = "soon".into()).contains("`start` is soon"));
}
