//! The same seed gives the same bytes, on any number of threads; and what happens later changes nothing that
//! was learned or said before.
// Helpers outside #[test] functions may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;

use common::{AS_OF, Place};

#[test]
fn quickstart_gives_the_same_bytes_at_any_thread_count() {
    let place = Place::new("quickstart");
    let runs = [("first", ""), ("second", ""), ("one", "--threads 1"), ("two", "--threads 2")];
    for (out, threads) in runs {
        place.run(&format!("quickstart --customers 1500 --out {out} {threads}")).text();
    }
    let parts = place.model_parts("first/model");
    assert!(parts.len() > 10, "{}", parts.len());
    for (out, _) in &runs[1..] {
        for file in ["predictions.csv", "report.html", "metrics.json"] {
            assert!(
                place.read(&format!("{out}/{file}")) == place.read(&format!("first/{file}")),
                "{out}/{file}"
            );
        }
        assert!(place.model_parts(&format!("{out}/model")) == parts, "{out}/model");
    }
    place.run("quickstart --customers 1500 --seed 43 --out other").text();
    assert!(place.read("other/predictions.csv") != place.read("first/predictions.csv"));
}

#[test]
fn synthetic_orders_are_the_same_log_in_every_format() {
    let place = Place::new("synth");
    let mut versions = BTreeSet::new();
    for format in ["csv", "csv.gz", "jsonl", "jsonl.gz", "parquet"] {
        for (name, threads) in [("one", 1), ("two", 2)] {
            let synth = format!("synth orders --customers 300 --months 12 --out {name}.{format}");
            place.run(&format!("{synth} --truth {name}.truth --threads {threads}")).text();
        }
        assert!(place.read(&format!("one.{format}")) == place.read(&format!("two.{format}")), "{format}");
        assert!(place.read("one.truth") == place.read("two.truth"));
        let train =
            format!("churn train --backend logistic --orders one.{format} --model {format}-model --json");
        let mut report = place.run(&train).json();
        // The version is a checksum of every feature and label.
        versions.insert((report["model_version"].to_string(), report["training"].take().to_string()));
        let parts = place.model_parts(&format!("{format}-model"));
        assert!(parts == place.model_parts("csv-model"), "{format}");
    }
    assert_eq!(versions.len(), 1);
}

/// The log with every order at or after an instant turned into something else.
struct Rewriting {
    /// Other amounts, quantities, categories; three more lines for each; a new customer.
    other_values: String,
    /// None of them is left but the new customer's.
    cut: String,
}

/// The line of a customer who was not there before.
fn stranger(name: &str, instant: &str) -> String {
    format!("{name},s-{name},{instant}T00:00:00Z,1e9,1,0,home,web\n")
}

fn rewritten(text: &str, instant: &str) -> Rewriting {
    let (header, lines) = text.split_once('\n').unwrap();
    let (mut other_values, mut cut) = (format!("{header}\n"), format!("{header}\n"));
    let mut changed = 0;
    for line in lines.lines() {
        let fields: Vec<&str> = line.split(',').collect();
        let [customer, order, time, amount, ..] = fields[..] else { panic!("{line}") };
        if time < instant {
            other_values += &format!("{line}\n");
            cut += &format!("{line}\n");
            continue;
        }
        changed += 1;
        let amount: f64 = amount.parse().unwrap();
        other_values +=
            &format!("{customer},{order},{time},{},9,0.5,toys-of-tomorrow,kiosk\n", 1000.0 - 7.0 * amount);
        for extra in 0..3 {
            other_values +=
                &format!("{customer},{order}-{extra},{instant}T00:00:00Z,{amount},1,0,home,web\n");
        }
    }
    assert!(changed > 100, "{changed}");
    other_values += &stranger("Z", instant);
    cut += &stranger("Z", instant);
    Rewriting { other_values, cut }
}

#[test]
fn orders_after_training_leave_the_model_as_it_is() {
    let place = Place::with_shop("train");
    let parts = place.model_parts("model");
    place.write("later.csv", rewritten(&place.read_text("orders.csv"), AS_OF).other_values);
    place.run(&format!("churn train --orders later.csv --model later --until {AS_OF}")).text();
    for (expected, found) in parts.iter().zip(place.model_parts("later")) {
        assert!(*expected == found, "{}", found.0);
    }
    assert_eq!(place.files("later"), place.files("model"));
}

#[test]
fn orders_after_the_date_leave_predictions_as_they_are() {
    let place = Place::with_shop("predict");
    let as_of = "2024-02-20";
    let Rewriting { other_values, cut } = rewritten(&place.read_text("orders.csv"), as_of);
    place.write("other-values.csv", &other_values);
    place.write("cut.csv", cut);
    let (header, lines) = other_values.split_once('\n').unwrap();
    place.write("stranger-first.csv", format!("{header}\n{}{lines}", stranger("A", as_of)));
    let scores = |name: &str| {
        let predict = format!(
            "churn predict --orders {name}.csv --model model --as-of {as_of} --out {name}.scores.csv"
        );
        place.run(&predict).text();
        let explain =
            format!("churn explain --orders {name}.csv --model model --as-of {as_of} --customer C0000001");
        (place.read(&format!("{name}.scores.csv")), place.run(&explain).text())
    };
    let plain = scores("orders");
    assert!(plain.0.len() > 10_000);
    assert!(scores("other-values") == plain);
    assert!(scores("cut") == plain);
    assert!(scores("stranger-first") == plain);
    let earlier = place.read_text("orders.csv").replacen(",1,0,", ",7,3,", 1);
    place.write("earlier.csv", earlier);
    assert!(scores("earlier") != plain, "a change before the date must show");
}
#[test]
fn customers_who_come_or_go_after_training_leave_the_model_as_it_is() {
    let place = Place::with_shop("strangers");
    let parts = place.model_parts("model");
    let Rewriting { other_values, cut } = rewritten(&place.read_text("orders.csv"), AS_OF);
    let (header, lines) = other_values.split_once('\n').unwrap();
    let first = format!("{header}\n{}{lines}", stranger("A", AS_OF));
    for (name, text) in [("first", first), ("cut", cut)] {
        place.write(&format!("{name}.csv"), text);
        place.run(&format!("churn train --orders {name}.csv --model {name} --until {AS_OF}")).text();
        for (expected, found) in parts.iter().zip(place.model_parts(name)) {
            assert!(*expected == found, "{name}: {}", found.0);
        }
        assert_eq!(place.files(name), place.files("model"));
    }
}
