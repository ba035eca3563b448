//! `tenure synth contacts`.
// Helpers outside #[test] functions may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Place, number};

const FILES: [&str; 5] = ["contacts", "conversations", "messages", "leads", "purchases"];

#[test]
fn the_usual_counts_come_with_the_next_step() {
    let place = Place::new("usual");
    let text = place.run("synth contacts --out shop").text();
    for line in [
        "Generated 200 contacts (",
        "\nCreated 150 conversations (",
        "\nCreated 612 messages (",
        "\nCreated 120 leads (",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(
        text.contains("\n  Churn: base rate ")
            && text.ends_with("tenure train all --records shop --models models\n")
    );
    let mut names = FILES.map(|name| format!("{name}.csv"));
    names.sort();
    assert_eq!(place.files("shop"), names, "no truth unless asked for");
    for (name, rows) in [("contacts", 200), ("conversations", 150), ("messages", 612), ("leads", 120)] {
        assert_eq!(place.read_text(&format!("shop/{name}.csv")).lines().count(), rows + 1, "{name}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_in_every_format_on_any_threads() {
    let place = Place::new("bytes");
    for format in ["csv", "jsonl", "parquet"] {
        let run = |out: &str, more: &str| {
            let line = format!(
                "synth contacts --contacts 700 --format {format} --truth --out {format}-{out} {more}"
            );
            place.run(&line).text();
        };
        run("one", "--threads 1");
        run("two", "--threads 2");
        run("other", "--seed 43");
        let files = place.files(&format!("{format}-one"));
        assert_eq!(files.len(), 8, "{files:?}");
        for file in files {
            let of = |run: &str| place.read(&format!("{format}-{run}/{file}"));
            assert!(of("one") == of("two"), "{file}");
            assert!(of("one") != of("other"), "{file}");
        }
    }
    for truth in ["truth_leads.csv", "truth_messages.csv", "truth_contacts.csv"] {
        assert!(place.read(&format!("csv-one/{truth}")) == place.read(&format!("parquet-one/{truth}")));
    }
}

#[test]
fn the_truth_speaks_of_the_records_written() {
    let place = Place::new("truth");
    let line = "synth contacts --contacts 90 --conversations 200 --messages 800 --leads 30 --truth --out shop --json";
    let summary = place.run(line).json();
    assert_eq!(number(&summary, "/messages"), 800.0);
    let oracle = |of: &str| number(&summary, &format!("/oracle/{of}"));
    assert!(oracle("score/r2") > 0.9 && oracle("engagement/auc") > 0.8 && oracle("churn/accuracy") > 0.8);
    let column = |file: &str, at: usize| -> Vec<String> {
        let text = place.read_text(&format!("shop/{file}.csv"));
        text.lines().skip(1).map(|line| line.split(',').nth(at).unwrap().to_owned()).collect()
    };
    assert_eq!(column("truth_leads", 0), column("leads", 0));
    let ours: Vec<String> = column("messages", 0)
        .into_iter()
        .zip(column("messages", 3))
        .filter_map(|(id, direction)| (direction == "outbound").then_some(id))
        .collect();
    assert_eq!(column("truth_messages", 0), ours);
    assert_eq!(number(&summary, "/outbound"), ours.len() as f64);
    // Monthly, back from 60 days before the end of 2024.
    let mut instants = column("truth_contacts", 1);
    instants.sort();
    instants.dedup();
    assert_eq!(
        (instants.len(), instants[0].as_str(), instants[9].as_str()),
        (10, "2024-02-02", "2024-11-02")
    );
    for (file, at) in [("truth_leads", 2), ("truth_messages", 1), ("truth_contacts", 2)] {
        let values = column(file, at);
        assert!(values.iter().all(|p| (0.0..=1.0).contains(&p.parse::<f64>().unwrap())), "{file}");
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let place = Place::new("refused");
    for (arguments, words) in [
        ("--contacts 0", "parameter `contacts` is 0; expected 1 to 100000000"),
        ("--conversations 100", "parameter `conversations` is 100; expected at least one a lead (120)"),
        ("--messages 149", "parameter `messages` is 149; expected 1 to 1000 a conversation"),
        ("--months 2", "parameter `months` is 2; expected 3 to 240"),
    ] {
        place.run(&format!("synth contacts --out shop {arguments}")).refused(2, words);
    }
    assert!(!place.path.join("shop").exists(), "nothing is begun that cannot be done");
    let answer = place.run("synth contacts --out shop --format xml");
    assert!(answer.code == Some(2) && answer.err.contains("csv, jsonl, parquet"), "{answer:?}");
    place.write("file", "");
    place.run("synth contacts --out file").refused(4, "file");
}
