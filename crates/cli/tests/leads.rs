//! `tenure lead` and `tenure contact` on synthetic records and on tables of one's own.
// Helpers outside #[test] functions may unwrap and print as tests do.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::LazyLock;

use common::{Answer, Place, number};
use serde_json::Value;
use tenure_core::{FitContext, TypedRow};
use tenure_features::Timestamp;
use tenure_features::contacts::{ContactLog, ContactPlan, ContactRow, LeadRow, contact_set, lead_rows};
use tenure_io::{ContactWriter, FileFormat};
use tenure_synth::ContactParams;

/// Models that are quick to learn, of the records in `records`; `truth_*.csv` beside them.
static RECORDS: LazyLock<Place> = LazyLock::new(|| {
    let place = Place::new("records");
    let world = ContactParams { contacts: 1_000, ..ContactParams::default() }.check().unwrap();
    let batch = world.generate(42, 0).unwrap();
    let mut writer = ContactWriter::create(&place.path.join("records"), FileFormat::Csv).unwrap();
    writer.write(&batch.records).unwrap();
    writer.finish().unwrap();

    let mut leads = "lead_id,expected_score,conversion_probability\n".to_owned();
    for (lead, truth) in batch.records.leads.iter().zip(&batch.truth.leads) {
        writeln!(leads, "{},{},{}", lead.id, truth.expected_score, truth.conversion_probability).unwrap();
    }
    place.write("truth_leads.csv", leads);
    let plan = ContactPlan::default();
    let log = ContactLog::from_records(batch.records.clone()).unwrap();
    let table = contact_set(&log, &plan, None, &FitContext::new(0)).unwrap();
    let mut contacts = "contact_id,as_of,churn_probability\n".to_owned();
    for (id, &time) in table.contact_ids().zip(table.data().times().unwrap()) {
        let at = batch.records.contacts.iter().position(|contact| contact.id == id).unwrap();
        let as_of = Timestamp::from_seconds(time);
        let churn = batch.truth.lives[at].churn_probability(as_of, plan.prediction_days).unwrap();
        writeln!(contacts, "{id},{as_of},{churn}").unwrap();
    }
    place.write("truth_contacts.csv", contacts);
    let row = lead_rows(&log, UNTIL.parse().unwrap()).unwrap().data().row(0).to_vec();
    place.write("lead.json", LeadRow::from_values(&row).unwrap().to_json().to_string());
    let row = ContactRow::from_values(&table.data().row(0).to_vec()).unwrap();
    place.write("contact.json", row.to_json().to_string());

    let learn = |line: &str| println!("{}", place.run(&format!("{line} --until {UNTIL}")).text());
    learn("lead train --records records --target score --folds 3 --model scores");
    learn(
        "lead train --records records --target converted --backend logistic --shares 0.2 0.3 --model conversions",
    );
    learn("contact train --records records --folds 3 --model contacts");
    place
});

const UNTIL: &str = "2024-09-01";

/// A table of 300 leads: a number that decides, a text, and an outcome of either kind.
fn table(place: &Place) {
    let mut rows = "id,visits,source,Converted,points\n".to_owned();
    for row in 0..300 {
        let (visits, source) = (row % 20, ["ad", "friend", "?"][row % 3]);
        let converted = if (visits * 7 + row / 20) % 23 > 11 { "yes" } else { "no" };
        writeln!(rows, "L{row},{visits},{source},{converted},{}", 4 * visits + row % 5).unwrap();
    }
    place.write("leads.csv", rows);
}

/// With a text on standard input.
fn with_input(line: &str, input: &[u8]) -> Answer {
    let arguments: Vec<&str> = line.split_whitespace().collect();
    let mut command = RECORDS.command(&arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Answer { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn scores_are_judged_beside_baselines_and_the_best_attainable() {
    let line =
        format!("lead evaluate --records records --model scores --since {UNTIL} --truth truth_leads.csv");
    let figures = RECORDS.run(&format!("{line} --report scores.html --json")).json();
    println!("{figures:#}");
    assert_eq!(figures["model"]["goal"], "score");
    let mae = |path: &str| number(&figures, &format!("{path}/mae"));
    assert!(mae("/oracle/figures") < mae("/model") && mae("/model") < mae("/baselines/rules"));
    assert!(mae("/model") < 10.0 && number(&figures, "/model/r2") > 0.8);
    assert!(number(&figures, "/oracle/share_of_attainable") > 0.85);
    assert_eq!(figures["notes"], Value::Array(Vec::new()));
    assert!(RECORDS.read_text("scores.html").contains("Best attainable"));

    let text = RECORDS.run(&line).text();
    assert!(text.contains("of the R² that is attainable") && text.contains("linear model"), "{text}");
    let seen = RECORDS.run("lead evaluate --records records --model scores").text();
    assert!(seen.contains("note: the model was trained on records up to 2024-09-01"), "{seen}");
}

#[test]
fn conversions_are_judged_and_ranked() {
    let truth = format!("--model conversions --since {UNTIL} --truth truth_leads.csv --json");
    let figures = RECORDS.run(&format!("lead evaluate --records records {truth}")).json();
    println!("{figures:#}");
    assert_eq!(figures["model"]["goal"], "conversion");
    assert!(number(&figures, "/oracle/share_of_attainable") > 0.7);

    let predict = "lead predict --records records --as-of 2024-10-01 --model conversions --out ranked";
    let text = RECORDS.run(&format!("{predict}.csv")).text();
    assert!(text.contains("conversions are to be expected") && text.contains("of all, so far"), "{text}");
    let lines = RECORDS.read_text("ranked.csv");
    assert!(
        lines.starts_with("rank,lead_id,score,conversion_probability,quality_tier,confidence"),
        "{lines}"
    );
    let summary = RECORDS.run(&format!("{predict}.jsonl --json")).json();
    let leads = summary["leads"].as_u64().unwrap();
    assert_eq!(leads as usize, lines.lines().count() - 1);
    let ranked: Vec<Value> =
        RECORDS.read_text("ranked.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let scores: Vec<f64> = ranked.iter().map(|lead| lead["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b));
    assert_eq!(summary["tiers"][0]["tier"], "hot");

    let id = ranked[0]["lead_id"].as_str().unwrap();
    let explain = format!("lead explain --records records --as-of 2024-10-01 --model conversions --id {id}");
    let lead = RECORDS.run(&format!("{explain} --json")).json();
    assert_eq!(lead["score"], ranked[0]["score"]);
    let words = RECORDS.run(&explain).text();
    assert!(words.contains("speaks for it") && words.contains("the odds"), "{words}");
}

#[test]
fn one_row_is_scored_from_an_argument_or_from_standard_input() {
    let row = RECORDS.read_text("lead.json");
    let given = RECORDS.run_with(&["lead", "predict", "--row", &row, "--model", "scores", "--json"]).json();
    let piped = with_input("lead predict --row - --model scores --json", row.as_bytes()).json();
    assert_eq!(given, piped);
    assert!(given["factors"]["positive"].is_array() && given["quality_tier"].is_string());
    let words = with_input("lead explain --row - --model scores", row.as_bytes()).text();
    assert!(words.starts_with("Lead given row (lead-") && words.contains("recommendation"), "{words}");

    let refused = |change: &dyn Fn(&mut Value), words: &str| {
        let mut row: Value = serde_json::from_str(&row).unwrap();
        change(&mut row);
        with_input("lead predict --row - --model scores", row.to_string().as_bytes()).refused(3, words);
    };
    refused(&|row| drop(row.as_object_mut().unwrap().remove("reply_rate")), "`reply_rate` is missing");
    refused(&|row| row["colour"] = 1.into(), "`colour` is not a field");
    refused(&|row| row["reply_rate"] = 7.into(), "`reply_rate` is 7; expected a number from 0 to 1");
    refused(&|row| row["opted_in"] = "yes".into(), "`opted_in` is \"yes\"; expected true or false");
    with_input("lead predict --row - --model scores", b"{").refused(3, "--row is no JSON");
}

#[test]
fn contacts_are_judged_scored_and_explained() {
    let line = format!(
        "contact evaluate --records records --model contacts --since {UNTIL} --truth truth_contacts.csv"
    );
    let figures = RECORDS.run(&format!("{line} --report contacts.html --json")).json();
    println!("{figures:#}");
    let auc = |path: &str| number(&figures, &format!("{path}/roc_auc"));
    assert!(auc("/oracle/figures") > auc("/model") && auc("/model") > auc("/baselines/rules"));
    assert!(number(&figures, "/oracle/share_of_auc_lift") > 0.75);
    let alone = "contact evaluate --records records --model contacts --as-of 2024-10-01 --json";
    assert!(RECORDS.run(alone).json()["rows"].as_u64() < figures["rows"].as_u64());
    RECORDS.run(&alone.replace("2024-10", "2024-12")).refused(2, "the 60 days from 2024-12-01 are not over");
    let text = RECORDS.run(&line).text();
    assert!(text.contains("At the threshold") && text.contains("best attainable"), "{text}");
    assert!(RECORDS.read_text("contacts.html").contains("risk of silence"));

    let predict =
        "contact predict --records records --as-of 2024-10-01 --model contacts --out contacts.jsonl";
    let summary = RECORDS.run(&format!("{predict} --json")).json();
    let lines = RECORDS.read_text("contacts.jsonl");
    assert_eq!(summary["contacts"].as_u64().unwrap() as usize, lines.lines().count());
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let id = first["contact_id"].as_str().unwrap();
    let explain = format!("contact explain --records records --as-of 2024-10-01 --model contacts --id {id}");
    let decision = RECORDS.run(&format!("{explain} --json")).json();
    assert_eq!(decision["churn_probability"], first["churn_probability"]);
    let words = RECORDS.run(&explain).text();
    assert!(words.contains("probability of silence") && words.contains("what to do"), "{words}");
    let row = RECORDS.read("contact.json");
    let decision = with_input("contact predict --row - --model contacts --json", &row).json();
    assert!(decision["recommendations"].is_array(), "{decision:#}");
}

#[test]
fn tables_of_ones_own_are_learned_by_their_target() {
    let place = Place::new("table");
    table(&place);
    let train = "lead train --data leads.csv --drop id,points --missing ? --target Converted --backend gbdt --model m";
    let report = place.run(&format!("{train} --json")).json();
    assert_eq!(
        (&report["training"]["goal"], &report["training"]["rows"]),
        (&"conversion".into(), &300.into())
    );
    assert_eq!(report["training"]["features"], 2);
    let figures = place.run("lead evaluate --data leads.csv --model m --json").json();
    assert_eq!(figures["rows"], 300);
    assert!(figures["baselines"]["rules"].is_null(), "{figures:#}");
    place.run("lead predict --data leads.csv --model m --out ranked.csv").text();
    assert_eq!(place.read_text("ranked.csv").lines().count(), 301);
    let words = place.run("lead explain --data leads.csv --model m --id 7").text();
    assert!(words.starts_with("Lead 7 ("), "{words}");
    let row = r#"{"visits": 19, "source": "ad"}"#;
    let lead = place.run_with(&["lead", "predict", "--row", row, "--model", "m", "--json"]).json();
    assert!(lead["conversion_probability"].is_number());

    let scores =
        "lead train --data leads.csv --drop id,Converted --target points --backend glm --model p --json";
    let report = place.run(scores).json();
    assert_eq!(report["training"]["goal"], "score");
    assert!(number(&report, "/training/held_out/model/mae") < 5.0, "{report:#}");

    place
        .run(
            "contact train --data leads.csv --drop id,points --target Converted --backend logistic --model c",
        )
        .text();
    place.run("contact predict --data leads.csv --model c --out c.csv").text();
    place.run("contact train --data leads.csv --target points --model c").refused(3, "two classes");

    let other = "the model was trained on a table";
    RECORDS
        .run(&format!("lead evaluate --records records --model {}", place.path.join("m").display()))
        .refused(2, other);
    let other = "the model was trained on record files";
    let data = place.path.join("leads.csv");
    RECORDS.run(&format!("lead evaluate --data {} --model scores", data.display())).refused(2, other);
}

#[test]
fn wrong_arguments_and_unusable_data_are_told_by_exit_code() {
    let place = Place::new("wrong");
    table(&place);
    for line in [
        "lead",
        "lead train --target score --model m",
        "lead train --records r --data d --target score --model m",
        "lead train --records r --target score --drop x --model m",
        "lead predict --records r --model m --out o.csv",
        "lead predict --data d --model m",
        "lead predict --row {} --model m --out o.csv",
        "lead explain --data d --model m",
        "contact train --data d --model m",
        "contact evaluate --data d --model m --since 2024-01-01",
    ] {
        let answer = place.run(line);
        assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""), "{line}\n{}", answer.err);
    }
    let train =
        |rest: &str| place.run(&format!("lead train --data leads.csv --target Converted --model m {rest}"));
    train("--hot 40")
        .refused(2, "parameter `tiers` is hot 40, warm 50; expected 0 < warm < hot, at most 100");
    train("--test-share 1").refused(2, "parameter `test_share` is 1");
    train("--backend svm").refused(2, "parameter `backend` is svm; expected one of");
    place
        .run("lead train --records nowhere --target price --model m")
        .refused(2, "`price` is not one of score, converted");
    place
        .run("lead train --records nowhere --target score --model m")
        .refused(3, "none of the files contacts.csv");
    place
        .run("lead predict --data leads.csv --model nowhere --out o.csv")
        .refused(5, "model not found in nowhere");
    place.write("few.csv", "visits,Converted\n1,yes\n2,no\n");
    place
        .run("lead train --data few.csv --target Converted --model m")
        .refused(3, "2 rows found, at least 100 needed");
    let high: String = (0..120).fold("visits,points\n".into(), |all, row| format!("{all}{row},{row}\n"));
    place.write("high.csv", high);
    let words = "target `points`, row 101: 101; expected a score from 0 to 100";
    place.run("lead train --data high.csv --target points --model m").refused(3, words);
    assert!(!place.path.join("m").exists());

    let evaluate =
        |rest: &str| RECORDS.run(&format!("lead evaluate --records records --model scores {rest}"));
    evaluate("--since 2030-01-01")
        .refused(3, "--since: no row whose outcome is known is as of 2030-01-01 or later");
    evaluate("--truth truth_contacts.csv").refused(3, "no column `lead_id`");
    RECORDS
        .run("contact evaluate --records records --model scores")
        .refused(5, "`lead`; expected `contact-churn`");
    let explain = "lead explain --records records --as-of 2024-10-01 --model scores --id nobody";
    RECORDS.run(explain).refused(2, "--id: `nobody` is not among the");
}
