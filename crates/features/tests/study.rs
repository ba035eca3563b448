//! Study sessions: what rows hold, what they cannot know, and noisy copies.

#![allow(clippy::unwrap_used, reason = "a test may stop at once")]

use ndarray::array;
use proptest::prelude::*;
use tenure_core::{Dataset, Feature, Schema, Target, seed};
use tenure_features::Timestamp;
use tenure_features::augment::{Augmentation, Noise, NoisyColumn, augmented};
use tenure_features::study::{
    EncoderParams, OTHER, StudyEncoder, StudySession, augmented_sessions, check_sessions,
};

fn session(id: &str, student: &str, hour: i64) -> StudySession {
    StudySession {
        session_id: id.into(),
        student_id: student.into(),
        started_at: Timestamp::from_seconds(3600 * hour),
        age: 21.0,
        education_level: "bachelor".into(),
        learning_style: "visual".into(),
        avg_focus_duration: 40.0,
        subject: "physics".into(),
        difficulty_level: 6.0,
        estimated_base_time: 3.0,
        prerequisites_count: 2.0,
        content_type: "video".into(),
        time_of_day: "evening".into(),
        study_method: "practice".into(),
        environment: "library".into(),
        energy_level: 4.0,
        distraction_level: 1.0,
        breaks_taken: 1.0,
        actual_duration: Some(2.5),
    }
}

fn encoder(sessions: &[StudySession], steps: usize) -> StudyEncoder {
    StudyEncoder::learn(sessions, EncoderParams { least_sessions: 1, steps }).unwrap()
}

#[test]
fn a_row_holds_the_facts_and_what_follows_from_them() {
    let sessions = [session("a", "ann", 0)];
    let encoder = encoder(&sessions, 1);
    let data = encoder.encode(&sessions, &[]).unwrap();
    let value = |name: &str| data.row(0)[encoder.schema().position(name).unwrap()];
    assert_eq!(encoder.schema().len(), 19);
    assert_eq!(value("difficulty_focus_ratio"), 6.0 / (40.0 / 60.0));
    assert_eq!(value("energy_distraction_diff"), 3.0);
    // 19 o'clock: sin and cos of 285 degrees.
    assert!((value("hour_sin") + 0.965_925_826_289_068).abs() < 1e-12);
    assert!((value("hour_cos") - 0.258_819_045_102_521).abs() < 1e-12);
    assert_eq!(data.target().unwrap().values(), [2.5]);
    assert_eq!(data.target().unwrap().unit(), "hours");
}

#[test]
fn levels_are_those_of_training_and_the_unheard_of_has_a_place() {
    let mut sessions: Vec<_> = (0..8).map(|i| session(&i.to_string(), "ann", i)).collect();
    sessions[7].subject = "heraldry".into();
    let encoder = StudyEncoder::learn(&sessions, EncoderParams { least_sessions: 2, steps: 1 }).unwrap();
    let levels = |name: &str| {
        let at = encoder.schema().position(name).unwrap();
        encoder.schema().features()[at].levels().unwrap().to_vec()
    };
    assert_eq!(levels("subject"), ["physics", OTHER]);
    assert_eq!(levels("environment"), ["library"]);
    let mut strange = session("s", "bob", 9);
    (strange.subject, strange.environment, strange.time_of_day) =
        ("alchemy".into(), "moon".into(), "dawn".into());
    let data = encoder.encode(&[strange], &[]).unwrap();
    let value = |name: &str| data.row(0)[encoder.schema().position(name).unwrap()];
    assert_eq!(value("subject"), 1.0);
    for unknown in ["environment", "time_of_day", "hour_sin", "hour_cos"] {
        assert!(value(unknown).is_nan(), "{unknown}");
    }
}

#[test]
fn an_encoder_is_plain_data() {
    let encoder = encoder(&[session("a", "ann", 0)], 3);
    let text = serde_json::to_string(&encoder).unwrap();
    assert_eq!(serde_json::from_str::<StudyEncoder>(&text).unwrap(), encoder);
    let words =
        serde_json::from_str::<StudyEncoder>(r#"{"steps": 1, "levels": {}}"#).unwrap_err().to_string();
    assert!(words.contains("no levels of `education_level`"), "{words}");
    assert!(serde_json::from_str::<StudyEncoder>(&text.replace(r#""steps":3"#, r#""steps":0"#)).is_err());
}

#[test]
fn steps_are_the_sessions_before_the_present_one_last() {
    let mut sessions: Vec<_> = (0..4).map(|i| session(&i.to_string(), "ann", 10 * i)).collect();
    // The third is under way when the fourth begins.
    sessions[2].actual_duration = Some(10.5);
    sessions.push(session("b", "bob", 25));
    let encoder = encoder(&sessions, 3);
    let data = encoder.encode(&sessions, &sessions).unwrap();
    let width = encoder.width();
    assert_eq!((width, encoder.schema().len()), (20, 60));
    assert_eq!(encoder.schema().position("energy_level_1_back"), Some(width + 5));
    let durations = |row: usize| [1, 2, 3].map(|step| data.row(row)[step * width - 1]);
    let there = |row: usize| [0, 1, 2].map(|step| !data.row(row)[step * width].is_nan());
    assert_eq!(there(0), [false, false, true]);
    assert_eq!(there(1), [false, true, true]);
    assert_eq!(there(3), [true, true, true]);
    assert_eq!(there(4), [false, false, true]);
    assert_eq!(durations(2)[..2], [2.5, 2.5]);
    assert!(durations(3)[0] == 2.5 && durations(3)[1].is_nan() && durations(3)[2].is_nan());
}

fn drawn(count: u64, part: u64) -> Vec<StudySession> {
    let of = |i: u64, k: u64, n: u64| seed::mix(seed::mix(part, i), k) % n;
    (0..count)
        .map(|i| StudySession {
            energy_level: 1.0 + of(i, 2, 5) as f64,
            subject: ["physics", "history", ""][of(i, 3, 3) as usize].into(),
            actual_duration: (of(i, 4, 4) > 0).then(|| 0.5 + of(i, 5, 20) as f64),
            ..session(&format!("{part}-{i}"), ["ann", "bob"][of(i, 0, 2) as usize], of(i, 1, 60) as i64)
        })
        .collect()
}

proptest! {
    /// Whatever happens at or after a session's begin, and however it and those under way end: its row stays the same.
    #[test]
    fn no_row_sees_what_is_not_over(part in 0_u64..10_000, count in 1_u64..30, other in 0_u64..10_000) {
        let sessions = drawn(count, part);
        let encoder = encoder(&sessions, 4);
        let rows = encoder.encode(&sessions, &sessions).unwrap();
        for (at, judged) in sessions.iter().enumerate() {
            let over = |s: &StudySession, hours: f64| {
                s.started_at.seconds() as f64 + 3600.0 * hours <= judged.started_at.seconds() as f64
            };
            let mut rewritten = sessions.clone();
            rewritten.retain(|s| s.started_at < judged.started_at);
            for s in &mut rewritten {
                if s.actual_duration.is_some_and(|hours| !over(s, hours)) {
                    s.actual_duration = None;
                }
            }
            rewritten.extend(drawn(20, other).into_iter().filter(|s| s.started_at >= judged.started_at));
            let blind = StudySession { actual_duration: Some(999.0), ..judged.clone() };
            let alone = encoder.encode(&[blind], &rewritten).unwrap();
            let bits = |row: ndarray::ArrayView1<'_, f64>| -> Vec<u64> { row.iter().map(|v| v.to_bits()).collect() };
            prop_assert_eq!(bits(alone.row(0)), bits(rows.row(at)));
        }
    }
}

#[test]
fn what_cannot_be_is_named() {
    let words = |change: fn(&mut StudySession)| {
        let mut wrong = session("s7", "ann", 0);
        change(&mut wrong);
        check_sessions(&[wrong]).unwrap_err().to_string()
    };
    assert_eq!(
        words(|s| s.energy_level = 7.0),
        "study session `s7`, field `energy_level`: 7; expected 1 to 5"
    );
    assert_eq!(
        words(|s| s.actual_duration = Some(0.0)),
        "study session `s7`, field `actual_duration`: 0; expected hours above 0, at most 1000"
    );
    assert!(words(|s| s.age = f64::INFINITY).contains("`age`: inf"));
    assert!(words(|s| s.student_id.clear()).contains("`student_id`: blank; expected an id"));
    let twice = [session("a", "ann", 0), session("a", "bob", 1)];
    assert!(check_sessions(&twice).unwrap_err().to_string().contains("`a` occurs twice"));
    let unknown = StudySession { age: f64::NAN, actual_duration: None, ..session("a", "ann", 0) };
    let back: StudySession = serde_json::from_str(&serde_json::to_string(&unknown).unwrap()).unwrap();
    assert!(back.age.is_nan() && back.actual_duration.is_none());
}

#[test]
fn copies_of_sessions_are_noisy_within_their_ranges() {
    let sessions: Vec<_> = (0..2_000).map(|i| session(&i.to_string(), "ann", i)).collect();
    let augmentation = Augmentation { factor: 5.0, ..Augmentation::default() };
    let copies = augmented_sessions(&sessions, &augmentation, 3).unwrap();
    assert_eq!(copies, augmented_sessions(&sessions, &augmentation, 3).unwrap());
    assert_ne!(copies, augmented_sessions(&sessions, &augmentation, 4).unwrap());
    assert_eq!(copies.len(), 10_000);
    let all: Vec<_> = sessions.iter().chain(&copies).cloned().collect();
    check_sessions(&all).unwrap();
    let spread = |of: &dyn Fn(&StudySession) -> f64| {
        let mean = copies.iter().map(of).sum::<f64>() / 1e4;
        (mean, (copies.iter().map(|s| (of(s) - mean).powi(2)).sum::<f64>() / 1e4).sqrt())
    };
    let (mean, deviation) = spread(&|s| s.actual_duration.unwrap());
    assert!((mean - 2.5).abs() < 0.01 && (deviation - 0.25).abs() < 0.01, "{mean} {deviation}");
    let (mean, deviation) = spread(&|s| s.energy_level);
    // 0.5 less what is cut at 5, two deviations up.
    assert!((mean - 4.0).abs() < 0.02 && (0.46..0.5).contains(&deviation), "{mean} {deviation}");
    assert!(copies.iter().all(|s| (1.0..=5.0).contains(&s.distraction_level) && s.age == 21.0));
}

#[test]
fn rare_draws_leave_a_copy_a_duration() {
    let sessions: Vec<_> = (0..2_000).map(|i| session(&i.to_string(), "ann", i)).collect();
    let augmentation = Augmentation { factor: 10.0, target_noise: 0.3, ..Augmentation::default() };
    let hours = |sessions: &[StudySession]| -> Vec<f64> {
        let copies = augmented_sessions(sessions, &augmentation, 3).unwrap();
        copies.iter().map(|s| s.actual_duration.unwrap()).collect()
    };
    // One draw in 740 is more than three deviations down.
    let shortest = hours(&sessions).into_iter().fold(f64::INFINITY, f64::min);
    assert_eq!(shortest, 0.1 * 2.5);
    let long = |s: &StudySession| StudySession { actual_duration: Some(990.0), ..s.clone() };
    let long: Vec<_> = sessions.iter().map(long).collect();
    assert_eq!(hours(&long).into_iter().fold(0.0, f64::max), 1000.0);
}

#[test]
fn copies_of_a_table_follow_its_rows() {
    let schema = Schema::new(vec![
        Feature::numeric("x", "", ""),
        Feature::categorical("c", ["p", "q"], ""),
        Feature::numeric("z", "", ""),
    ]);
    let data = Dataset::new(schema.unwrap(), array![[0.0, 1.0, f64::NAN], [10.0, 0.0, 5.0]])
        .unwrap()
        .with_target(Target::binary("yes", vec![1.0, 0.0]).unwrap())
        .unwrap()
        .with_target(Target::real("y", vec![-4.0, 8.0]).unwrap())
        .unwrap()
        .with_groups(vec![7, 9])
        .unwrap();
    let noise = Noise::EveryNumber(0.5);
    let augmentation = Augmentation { factor: 2.0, target_noise: 0.1, noise };
    let more = augmented(&data, &augmentation, 1).unwrap();
    assert_eq!(more.rows(), 6);
    assert_eq!(more.x().slice(ndarray::s![..2, ..2]), data.x().slice(ndarray::s![.., ..2]));
    for row in 2..6 {
        let of = usize::from(more.groups().unwrap()[row] == 9);
        assert_eq!(more.row(row)[1], data.row(of)[1]);
        assert!((0.0..=10.0).contains(&more.row(row)[0]));
        // A column of one known value has no spread to move by.
        assert_eq!(more.row(row)[2].to_bits(), data.row(of)[2].to_bits());
        let moved = more.targets()[1].values()[row] / data.targets()[1].values()[of];
        assert!(moved != 1.0 && (0.5..1.5).contains(&moved));
        assert_eq!(more.targets()[0].values()[row], data.targets()[0].values()[of]);
    }
    let column = NoisyColumn { name: "c".into(), deviation: 1.0, low: 0.0, high: 1.0 };
    let wrong = Augmentation { noise: Noise::Columns(vec![column]), ..augmentation };
    let words = augmented(&data, &wrong, 1).unwrap_err().to_string();
    assert_eq!(words, "parameter `columns` is c; expected a column of numbers: one of x, z");
}
