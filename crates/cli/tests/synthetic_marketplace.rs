//! `tenure synth marketplace`.
// Helpers outside #[test] functions may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Place, number};

#[test]
fn the_usual_files_hold_the_usual_rows() {
    let place = Place::new("usual");
    let text = place.run("synth marketplace --out data").text();
    for line in [
        "=== Dataset Statistics ===\n\nSegment Distribution:\n  thriving: 3",
        "\nFeature Ranges:\n  Session Frequency: 0.00 - ",
        "\nLabel Statistics:\n  First Session Success Rate: 6",
        "\nThe oracle, who knows what follows from the features, on the test set:\n  first_session_success: base rate",
        "\n  health_score: MAE 3.",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let parts = ["test", "train", "validation"].map(|part| [format!("{part}.csv"), format!("{part}.jsonl")]);
    let mut names =
        [vec!["full_dataset.jsonl".to_owned()], parts.concat(), vec!["truth.csv".to_owned()]].concat();
    names.sort();
    assert_eq!(place.files("data"), names);
    let lines = |file: &str| place.read_text(&format!("data/{file}")).lines().count();
    for (part, rows) in [("train", 7000), ("validation", 1500), ("test", 1500)] {
        assert_eq!(
            (lines(&format!("{part}.jsonl")), lines(&format!("{part}.csv"))),
            (rows, rows + 1),
            "{part}"
        );
    }
    assert_eq!((lines("full_dataset.jsonl"), lines("truth.csv")), (10_000, 10_001));
    // `cut -d, -f2 train.csv | sort | uniq -c` shows the segments.
    let train = place.read_text("data/train.csv");
    let thriving = train.lines().filter(|line| line.split(',').nth(1) == Some("thriving")).count();
    assert!((1950..2250).contains(&thriving), "{thriving}");
    let first: serde_json::Value =
        serde_json::from_str(place.read_text("data/train.jsonl").lines().next().unwrap()).unwrap();
    assert_eq!(first.as_object().unwrap().len(), 2 + 59 + 5);
    assert!(first["label_churn_risk_30d"].is_number() && first["ib_call_count_14d"].is_number());
}

#[test]
fn the_same_seed_gives_the_same_bytes_in_every_format_on_any_threads() {
    let place = Place::new("bytes");
    let run = |out: &str, more: &str| {
        let line = format!("synth marketplace --customers 700 --format csv,jsonl,parquet --out {out} {more}");
        place.run(&line).text();
    };
    run("one", "--threads 1");
    run("two", "--threads 2");
    run("other", "--seed 43");
    let files = place.files("one");
    assert_eq!(files.len(), 11, "{files:?}");
    for file in files {
        let of = |run: &str| place.read(&format!("{run}/{file}"));
        assert!(of("one") == of("two"), "{file}");
        assert!(of("one") != of("other"), "{file}");
    }
}

#[test]
fn the_truth_speaks_of_the_customers_written() {
    let place = Place::new("truth");
    let line = "synth marketplace --customers 2000 --profile sagemaker --segments 0.25,0.25,0.25,0.25 --out data --json";
    let summary = place.run(line).json();
    assert_eq!((summary["profile"].as_str(), number(&summary, "/customers")), (Some("sagemaker"), 2000.0));
    let segments =
        ["thriving", "healthy", "at_risk", "churned"].map(|of| number(&summary, &format!("/segments/{of}")));
    assert!(segments.iter().all(|count| (400.0..600.0).contains(count)), "{segments:?}");
    assert_eq!(number(&summary, "/oracle/churn_risk_30d/rows"), 300.0);
    assert!(number(&summary, "/oracle/churn_risk_30d/auc") > 0.9);
    assert_eq!(number(&summary, "/oracle/supply_demand/rows"), 6000.0);
    let truth = place.read_text("data/truth.csv");
    let header: Vec<&str> = truth.lines().next().unwrap().split(',').collect();
    assert_eq!((header.len(), header[0], header[10]), (28, "customer_id", "truth_supply_demand_ap_calculus"));
    let full = place.read_text("data/full_dataset.jsonl");
    for (truth, customer) in truth.lines().skip(1).zip(full.lines()) {
        let customer: serde_json::Value = serde_json::from_str(customer).unwrap();
        let values: Vec<&str> = truth.split(',').collect();
        assert_eq!(customer["customer_id"], values[0]);
        for (name, value) in header.iter().zip(&values).skip(1) {
            let label = customer[name.replace("truth_median_", "truth_").replace("truth_", "label_")]
                .as_f64()
                .unwrap();
            let truth: f64 = value.parse().unwrap();
            // 30 points, 3 sessions or 3 units beside the truth would be many deviations.
            let far = if name.ends_with("health_score") { 30.0 } else { 3.0 };
            assert!((label - truth).abs() < far, "{name}: {label}, expected {truth}");
        }
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let place = Place::new("refused");
    for (arguments, words) in [
        ("--customers 0", "parameter `customers` is 0; expected 1 to 100000000"),
        ("--noise 0", "parameter `noise` is 0; expected 0.05 to 5"),
        (
            "--segments 0.5,0.4,0.2,0.1",
            "parameter `segments` is 0.5,0.4,0.2,0.1; expected four shares of at least 0",
        ),
        ("--segments 0.5,0.5", "--segments: 2 shares; expected four"),
    ] {
        place.run(&format!("synth marketplace --out data {arguments}")).refused(2, words);
    }
    let answer = place.run("synth marketplace --out data --profile tiny");
    let words = "`tiny` is not one of guide, sagemaker";
    assert!(answer.code == Some(2) && answer.err.contains(words), "{answer:?}");
    assert!(!place.path.join("data").exists(), "nothing is begun that cannot be done");
    place.write("file", "");
    place.run("synth marketplace --out file").refused(4, "file");
}
