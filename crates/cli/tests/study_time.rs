//! `tenure study-time` on synthetic sessions and on a table of one's own.
// Helpers outside #[test] functions may unwrap and print as tests do.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::fmt::Write as _;
use std::sync::LazyLock;

use common::Place;
use serde_json::Value;

/// Sessions with their truth, and a model of them that is quick to learn.
static STUDY: LazyLock<Place> = LazyLock::new(|| {
    let place = Place::new("study");
    println!("{}", place.run("synth study --sessions 450 --out study").text());
    println!(
        "{}",
        place
            .run("study-time train --sessions study/sessions.csv --learner gbdt --ensemble 3 --model trees")
            .text()
    );
    place
});

fn json(line: &str) -> Value {
    STUDY.run(&format!("{line} --json")).json()
}

#[test]
fn sessions_are_the_same_bytes_in_every_run() {
    let place = Place::new("same-study");
    for (name, threads) in [("one", 1), ("two", 2)] {
        place.run(&format!("synth study --sessions 300 --threads {threads} --out {name}")).text();
    }
    for file in ["sessions.csv", "truth.csv"] {
        assert!(place.read(&format!("one/{file}")) == place.read(&format!("two/{file}")), "{file}");
    }
    place.run("synth study --sessions 300 --seed 43 --out other").text();
    assert!(place.read("other/sessions.csv") != place.read("one/sessions.csv"));
}

#[test]
fn a_model_is_judged_beside_the_best_attainable() {
    let found = json(
        "study-time evaluate --sessions study/sessions.csv --truth study/truth.csv --model trees --report s.html",
    );
    assert_eq!(found["rows"], 450);
    assert!(found["model"]["mae"].as_f64().unwrap() < found["mean"]["mae"].as_f64().unwrap());
    assert!(found["oracle"]["rmse_ratio"].as_f64().is_some());
    let page = STUDY.read_text("s.html");
    assert!(page.contains("Predicted and actual") && page.contains("For whom does it work?"));
}

#[test]
fn every_session_gets_hours_with_a_range_and_reasons() {
    STUDY.run("study-time predict --sessions study/sessions.csv --model trees --out hours.csv").text();
    let text = STUDY.read_text("hours.csv");
    let mut lines = text.lines();
    assert_eq!(
        lines.next().unwrap(),
        "session_id,hours,interval_low,interval_high,spread,reasons,model_version"
    );
    assert_eq!(lines.clone().count(), 450);
    let first: Vec<&str> = lines.next().unwrap().splitn(5, ',').collect();
    let number = |at: usize| first[at].parse::<f64>().unwrap();
    assert!(number(2) < number(1) && number(1) < number(3));

    let one = json("study-time explain --sessions study/sessions.csv --id S0000001 --model trees");
    assert_eq!(one["hours"].as_f64().unwrap(), number(1));
    assert!(!one["reasons"].as_array().unwrap().is_empty());
    let all = json("study-time explain --sessions study/sessions.csv --model trees");
    assert_eq!(all[0]["feature"], "estimated_base_time");

    STUDY
        .run("study-time predict --row {} --model trees")
        .refused(3, "--row is no study session: missing field `session_id`");
}

#[test]
fn learners_are_compared_and_searched() {
    let found = json(
        "study-time compare --sessions study/sessions.csv --learners glm,gbdt --folds 3 --ensemble 2 --report c.html",
    );
    assert!(found["conclusions"][0].as_str().unwrap().starts_with("gbdt "));
    assert_eq!(found["learners"].as_array().unwrap().len(), 2);
    let text = STUDY.run("study-time search --sessions study/sessions.csv --learners glm --folds 3 --ensemble 2 --model best").text();
    assert!(text.contains("Over all rows the choice is glm") && text.contains("is in best"), "{text}");
    let outliers = json("study-time outliers --sessions study/sessions.csv");
    assert_eq!(outliers[0]["column"], "actual_duration");
    assert!(outliers[0]["outliers"][0].as_str().unwrap().starts_with('S'));
}

#[test]
fn a_table_of_ones_own_goes_the_same_way() {
    let place = Place::new("study-table");
    let mut table = "kind,size,cost,note\n".to_owned();
    for i in 0..200 {
        let (kind, size) = (["a", "b"][i % 2], i * 37 % 50);
        writeln!(table, "{kind},{size},{},n{i}", 3 * size + 40 * (i % 2) + i % 5).unwrap();
    }
    place.write("t.csv", table);
    let text =
        place.run("study-time train --data t.csv --target cost --learner glm --augment 0.5 --model m").text();
    assert!(text.contains("Learned from 200 rows and 2 features by 5 × glm"), "{text}");
    place.run("study-time predict --data t.csv --model m --out p.csv").text();
    let text = place.read_text("p.csv");
    assert!(text.starts_with("row,cost,interval_low,"), "{text}");
    place
        .run("study-time predict --sessions t.csv --model m --out p.csv")
        .refused(2, "the model was trained on a table; give --data");
    place
        .run("study-time train --data t.csv --target cost --learner lstm --model l")
        .refused(2, "a table does not support a network over sessions");
    place.run("study-time train --data t.csv --target kind --model l").refused(3, "column `kind`");
}
