//! Engagement through the command line: synthetic contacts, tables of one's own, opens, and what is refused.
// Helpers outside #[test] functions may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::Write;
use std::process::Stdio;
use std::sync::LazyLock;

use common::{Place, data, number};
use serde_json::Value;
use tenure_io::{ContactWriter, FileFormat};
use tenure_synth::ContactParams;

/// Contacts with their truth, and a model of them.
static CONTACTS: LazyLock<Place> = LazyLock::new(|| {
    let place = Place::new("contacts");
    let params = ContactParams { contacts: 300, messages: Some(3_600), ..ContactParams::default() };
    let batch = params.check().unwrap().generate(1, 0).unwrap();
    let mut writer = ContactWriter::create(&place.path.join("records"), FileFormat::Csv).unwrap();
    writer.write(&batch.records).unwrap();
    writer.finish().unwrap();
    let known = batch.records.messages.iter().zip(&batch.truth.engagement).filter(|(_, p)| !p.is_nan());
    let lines: Vec<String> = known.map(|(m, p)| format!("{},{p}", m.id)).collect();
    place.write("truth.csv", format!("message_id,engagement_probability\n{}\n", lines.join("\n")));
    place.run("engagement train --records records --model model").text();
    place
});

#[test]
fn evaluate_prints_the_model_beside_baselines_and_truth() {
    let line = "engagement evaluate --records records --model model --truth truth.csv --report report.html";
    let figures = CONTACTS.run(&format!("{line} --json")).json();
    for who in ["model", "baselines/overall_rate", "baselines/own_rate", "oracle/figures"] {
        for key in ["roc_auc", "log_loss", "ece", "accuracy", "recall", "f1"] {
            assert!(number(&figures, &format!("/{who}/{key}")).is_finite());
        }
    }
    assert!(number(&figures, "/model/roc_auc") > number(&figures, "/baselines/own_rate/roc_auc"));
    let text = CONTACTS.run(line).text();
    assert!(text.contains("recipient's own rate") && text.contains("best attainable"), "{text}");
    assert!(CONTACTS.read_text("report.html").contains("Which messages will be engaged with"));
}

#[test]
fn predictions_explanations_and_plans_agree() {
    let summary =
        CONTACTS.run("engagement predict --records records --model model --out scores.csv --json").json();
    let scores = CONTACTS.read_text("scores.csv");
    assert_eq!(scores.lines().count() as f64, number(&summary, "/messages") + 1.0);
    let first: Vec<&str> = scores.lines().nth(1).unwrap().split(',').collect();
    let line = format!("engagement explain --records records --model model --message {}", first[0]);
    let decision = CONTACTS.run(&format!("{line} --utc-offset 120 --json")).json();
    assert_eq!(number(&decision, "/engagement_probability"), first[1].parse::<f64>().unwrap());
    for key in
        ["optimal_send_time", "best_day", "confidence", "recommendations", "engagement_factors/positive"]
    {
        assert!(decision.pointer(&format!("/{key}")).is_some(), "{decision:#}");
    }
    assert!(decision.pointer("/send_time/send_at/utc").unwrap().is_string());
    assert!(CONTACTS.run(&line).text().contains("send time"));

    let plan = "engagement send-times --records records --model model --quiet-hours 18-9 --out times.csv";
    let planned = CONTACTS.run(&format!("{plan} --json")).json();
    let at = planned.pointer("/common/times/0/time").unwrap().as_str().unwrap();
    let hour: u32 = at.split(' ').nth(1).unwrap()[..2].parse().unwrap();
    assert!((9..18).contains(&hour), "{at}");
    assert_eq!(CONTACTS.read_text("times.csv").lines().count(), scores.lines().count());
    assert!(CONTACTS.run(plan).text().contains("all at one time"));
}

fn row() -> Value {
    let text = r#"{"hour": 10, "weekday": "tuesday", "hours_since_sent": null, "content": "support",
        "campaign": false, "personalised": true, "length": 120, "sentiment": 0.1, "urgency": 0.2,
        "has_link": false, "has_media": false, "sent_night": 0, "engaged_night": 0, "sent_morning": 2,
        "engaged_morning": 2, "sent_afternoon": 0, "engaged_afternoon": 0, "sent_evening": 0,
        "engaged_evening": 0, "sent_weekend": 0, "engaged_weekend": 0, "sent_same_content": 2,
        "engaged_same_content": 2, "contact_age_days": 40, "received_30d": 1, "sent_7d": 1,
        "days_since_received": 3}"#;
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_typed_row_is_explained_and_its_faults_are_named() {
    let explain =
        |row: &str| CONTACTS.run_with(&["engagement", "explain", "--model", "model", "--json", "--row", row]);
    let decision = explain(&row().to_string()).json();
    assert!((0.0..=1.0).contains(&number(&decision, "/engagement_probability")));

    let arguments = ["engagement", "explain", "--model", "model", "--json", "--row", "-"];
    let mut child =
        CONTACTS.command(&arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(row().to_string().as_bytes()).unwrap();
    let piped: Value = serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(piped, decision);

    let mut wrong = row();
    wrong["hour"] = "ten".into();
    wrong["hours"] = 3.into();
    wrong.as_object_mut().unwrap().remove("length");
    let words = "`length` is missing; `hours` is not a field (is `hour` meant?); `hour` is \"ten\"";
    explain(&wrong.to_string()).refused(3, words);
    explain("{").refused(3, "--row is no JSON");
}

/// 600 messages at two hours; those at 18 are opened more often.
fn table() -> String {
    let mut lines = vec!["recipient,hour,day,slot,size,opened".to_owned()];
    for n in 0..600_usize {
        let hour = if n % 2 == 0 { 9 } else { 18 };
        let opened = if n % 2 == 0 { n % 5 == 0 } else { n % 5 != 1 };
        let day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][n / 2 % 7];
        let opened = if opened { "yes" } else { "no" };
        lines.push(format!(
            "r{},{hour},{day},{},{},{opened}",
            n / 6,
            if hour == 9 { "early" } else { "late" },
            n % 11
        ));
    }
    lines.join("\n") + "\n"
}

#[test]
fn tables_of_ones_own_have_hours_or_slots() {
    let place = Place::new("tables");
    place.write("mails.csv", table());
    let read = "--data mails.csv --target opened --group recipient";
    let hours = format!("engagement train {read} --drop slot --hour hour --weekday day --model hours --json");
    let trained = place.run(&hours).json();
    let judged = place.run("engagement evaluate --data mails.csv --model hours --json").json();
    assert!(number(&judged, "/model/roc_auc") > 0.6, "{judged:#}");
    assert!(number(&trained, "/training/time_test/p_value") < 1e-6);
    let slots = format!("engagement train {read} --drop hour,day --slot slot --model slots --json");
    place.run(&slots).json();
    let ask = |model: &str, row: &str| {
        place.run_with(&["engagement", "explain", "--model", model, "--row", row, "--json"]).json()
    };
    let decision = ask("hours", r#"{"hour": 9, "day": "Mon", "size": 3}"#);
    let best: u32 = decision["optimal_send_time"].as_str().unwrap()[..2].parse().unwrap();
    assert!((17..=19).contains(&best), "{decision:#}");
    let decision = ask("slots", r#"{"slot": "early", "size": 3}"#);
    assert_eq!(
        (&decision["optimal_send_time"], &decision["send_time"]["no_difference"]),
        (&"late".into(), &false.into())
    );
    assert!(number(&decision, "/send_time/gain/low") > 0.3);
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let place = &*CONTACTS;
    place.run("engagement train --model m").refused(2, "--records or --data");
    place.run("engagement explain --model model").refused(2, "--row or --message");
    place.run("engagement explain --records records --model model --message nobody").refused(2, "`nobody`");
    place
        .run("engagement predict --records records --model absent --out o.csv")
        .refused(5, "model not found");
    place
        .run("engagement predict --records records --model model --out o.csv --horizon 0")
        .refused(2, "`horizon_hours`");
    place
        .run("engagement evaluate --records records --model model --window-hours 24")
        .refused(2, "--window-hours: 24, but the model learned who engages within 48 hours");
    place
        .run("engagement explain --records records --model model --message M --window-hours 24")
        .refused(2, "48");
    place.write("few.csv", "hour,day,opened\n9,Mon,yes\n9,Tue,no\n10,Mon,yes\n");
    let few = "engagement train --data few.csv --target opened --hour hour --weekday day --model m";
    place.run(few).refused(3, "at least 100 needed");
}

#[test]
fn opens_alone_give_hours_and_a_warning() {
    let place = Place::new("opens");
    let mut lines = vec!["recipient,time".to_owned()];
    // 2024-01-01 is a Monday.
    for n in 0..60 {
        lines.push(format!(
            "r{},2024-01-{:02} {:02}:15:00",
            n % 12,
            1 + 7 * (n % 4),
            if n % 12 == 0 { 20 } else { 9 }
        ));
    }
    place.write("opens.csv", lines.join("\n") + "\n");
    let found =
        place.run("engagement send-times --opens opens.csv --utc-offset 60 --out hours.csv --json").json();
    assert!(found["warning"].as_str().unwrap().contains("opens follow sendings"));
    assert_eq!(found.pointer("/best_hours/0/time").unwrap(), "Monday 10:00");
    let hours = place.read_text("hours.csv");
    assert!(hours.lines().any(|l| l.starts_with("r0,5,1,Monday 21:00")), "{hours}");
    place.write("other.csv", "id,time\na,3.5\na,4.5\nb,9\n");
    place.run("engagement send-times --opens other.csv").refused(3, "does not begin with a day of the week");
}

#[test]
fn the_published_peaks_of_the_open_times() {
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let files: Option<Vec<String>> =
        days.iter().map(|d| data(&format!("email_open_times/{d}.csv.gz"))).collect();
    let Some(files) = files else { return };
    let place = Place::new("published");
    let mut arguments = vec!["engagement", "send-times", "--bandwidth", "1", "--json", "--opens"];
    arguments.extend(files.iter().map(String::as_str));
    let found = place.run_with(&arguments).json();
    assert_eq!((number(&found, "/opens"), number(&found, "/opens_per_hour").round()), (85_505.0, 509.0));
    assert_eq!(found.pointer("/peaks/1/time").unwrap(), "Thursday 13:50");
}

#[test]
fn opens_that_are_passed_over_are_counted_and_one_recipient_is_a_reason() {
    let place = Place::new("opens_passed_over");
    let rows: String = (0..200).map(|i| format!("{:.2},r{}\n", f64::from(i % 24) + 0.5, i % 40)).collect();
    place.write("monday.csv", format!("time,id\n{rows}-0.5,r1\n24.25,r2\n9.5,\n"));
    let text = place.run("engagement send-times --opens monday.csv").text();
    assert!(text.starts_with("200 opens of 40 recipients"), "{text}");
    assert!(text.contains("rows without recipient or time, skipped: 1\n"), "{text}");
    assert!(text.contains("file is named after, skipped: 2\n"), "{text}");
    place.write("tuesday.csv", "time,id\n9.5,r1\n10.5,r1\n11.5,r1\n");
    place
        .run("engagement send-times --opens tuesday.csv")
        .refused(3, "column `recipient` has one value in every row: nothing can be learned of differences");
    place.write("sunday.csv", "time,who\n9.5,r1\n10.5,r2\n");
    place.run("engagement send-times --opens sunday.csv").refused(3, "column `recipient` is not there");
}
