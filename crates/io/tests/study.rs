//! Study sessions: files of every format, and what is said of those that cannot be read.

#![allow(clippy::unwrap_used, reason = "a test may stop at once")]

use std::path::PathBuf;

use tenure_features::study::StudySession;
use tenure_io::{ReadOptions, StudyWriter, read_study_sessions};

fn file(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn refused(text: &str) -> String {
    let (_folder, path) = file("s.csv", text);
    let words = read_study_sessions(&path, &ReadOptions::default()).unwrap_err().to_string();
    words.replace(&path.display().to_string(), "s.csv")
}

#[test]
fn what_is_written_is_read_in_every_format() {
    let session = |at: i64| StudySession {
        session_id: format!("s{at}"),
        student_id: "ann, the \"quick\"".into(),
        started_at: "2024-03-01T18:30:00Z".parse().unwrap(),
        age: 20.5,
        subject: "physics".into(),
        energy_level: 3.0,
        actual_duration: (at > 0).then_some(1.0 / 3.0),
        ..StudySession::default()
    };
    let sessions = [session(0), session(1)];
    let folder = tempfile::tempdir().unwrap();
    for name in ["s.csv", "s.csv.gz", "s.jsonl", "s.jsonl.gz", "s.parquet"] {
        let path = folder.path().join(name);
        let mut writer = StudyWriter::create(&path).unwrap();
        writer.write(&sessions[..1]).unwrap();
        writer.write(&sessions[1..]).unwrap();
        writer.finish().unwrap();
        let (back, report) = read_study_sessions(&path, &ReadOptions::default()).unwrap();
        // A number that is not known is unlike itself.
        assert_eq!(format!("{back:?}"), format!("{sessions:?}"), "{name}");
        assert_eq!((report.rows, report.records), (2, 2));
    }
}

#[test]
fn columns_may_be_few_and_named_loosely() {
    let text =
        "Student ID;Started At;Difficulty Level;Actual Duration;mood\nann;2024-03-01 18:30;4,5;2,25;fine\n";
    let (_folder, path) = file("s.csv", text);
    let (sessions, report) = read_study_sessions(&path, &ReadOptions::default()).unwrap();
    assert_eq!((sessions[0].difficulty_level, sessions[0].actual_duration), (4.5, Some(2.25)));
    assert_eq!(sessions[0].session_id, "2");
    assert_eq!(report.ignored_columns, ["mood"]);
    assert!(report.to_string().contains("columns that are not there: session_id, age,"), "{report}");
}

#[test]
fn what_is_wrong_is_named_by_line_and_column() {
    let head = "session_id,student_id,started_at,energy_level";
    assert_eq!(
        refused(&format!("{head}\ns1,ann,2024-01-01,much\n")),
        "s.csv, line 2, column `energy_level`: `much` is not a number such as 1234.50 or 1,234.50"
    );
    assert_eq!(
        refused(&format!("{head}\ns1,ann,2024-01-01,3\ns2,ann,2024-01-02,9\n")),
        "s.csv, line 3: study session `s2`, field `energy_level`: 9; expected 1 to 5"
    );
    assert!(refused(&format!("{head}\ns1,ann,soon,3\n")).contains("line 2, column `started_at`: `soon`"));
    assert!(refused(&format!("{head}\ns1,,2024-01-01,3\n")).contains("column `student_id`"));
    assert_eq!(
        refused(&format!("{head}\ns1,ann,2024-01-01,3\ns1,bob,2024-01-02,3\n")),
        "s.csv: study session `s1` occurs twice; every study session needs an id of its own"
    );
    assert!(refused("session_id,started_at\ns1,2024-01-01\n").contains("there is no column `student_id`"));
    assert_eq!(refused(&format!("{head}\n")), "s.csv: holds no study session that can be read");
}

#[test]
fn lines_that_cannot_be_read_are_counted_where_that_was_asked_for() {
    let text = "student_id,started_at,age\nann,2024-01-01,20\nann,never,20\nann,2024-01-02,900\n";
    let (_folder, path) = file("s.csv", text);
    let options = ReadOptions { skip_bad_lines: true, ..ReadOptions::default() };
    let (sessions, report) = read_study_sessions(&path, &options).unwrap();
    assert_eq!((sessions.len(), report.bad_lines.count), (1, 2));
    assert!(report.first_bad_line.unwrap().contains("`never`"));
}
