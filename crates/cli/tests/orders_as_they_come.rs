//! Order files as users have them, through every churn command: the words of the answer, its exit code, and
//! never a panic.
// Helpers outside #[test] functions may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::LazyLock;

use common::{AS_OF, Answer, Place};
use serde_json::Value;
use tenure_features::Timestamp;

static SHOP: LazyLock<Place> = LazyLock::new(|| Place::with_shop("shop"));

/// What the commands answer about an order file, training with a learner that is quick.
struct Answers {
    train: Answer,
    evaluate: Answer,
    predict: Answer,
    explain: Answer,
}

impl Answers {
    fn each(self) -> [Answer; 4] {
        [self.train, self.evaluate, self.predict, self.explain]
    }
}

/// Asks every command about `file`; `--json` where `json` says so. Scores go to `<file>.scores.csv`.
fn ask(file: &str, customer: &str, as_of: &str, json: bool) -> Answers {
    let json = if json { "--json" } else { "" };
    let ask = |command: &str| SHOP.run(&format!("churn {command} --orders {file} {json}"));
    Answers {
        train: ask(&format!("train --backend logistic --model {file}.model")),
        evaluate: ask(&format!("evaluate --model model --as-of {as_of}")),
        predict: ask(&format!("predict --model model --as-of {as_of} --out {file}.scores.csv")),
        explain: ask(&format!("explain --model model --as-of {as_of} --customer {customer}")),
    }
}

fn every_command_refuses(file: &str, content: impl AsRef<[u8]>, code: i32, words: &str) {
    SHOP.write(file, content);
    for answer in ask(file, "C0000000", AS_OF, false).each() {
        answer.refused(code, words);
    }
    assert!(
        !SHOP.path.join(format!("{file}.model")).exists()
            && !SHOP.path.join(format!("{file}.scores.csv")).exists()
    );
}

/// Everything that the commands say about a log, without the name of its file.
fn everything(file: &str) -> ([Value; 5], Vec<u8>) {
    let Answers { train, evaluate, predict, explain } = ask(file, "C0000000", AS_OF, true);
    let mut trained = train.json();
    let (report, version) = (trained["training"].take(), trained["model_version"].take());
    let said = [report, version, evaluate.json(), predict.json(), explain.json()];
    (said, SHOP.read(&format!("{file}.scores.csv")))
}

static PLAIN: LazyLock<([Value; 5], Vec<u8>)> = LazyLock::new(|| everything("orders.csv"));

/// The same log in other clothes: every answer is the same, and what was found is said in `words`.
fn every_command_agrees(file: &str, content: impl AsRef<[u8]>, words: &[&str]) {
    SHOP.write(file, content);
    assert!(everything(file) == *PLAIN, "{file}");
    let answers = ask(file, "C0000000", AS_OF, false);
    answers.explain.text();
    for answer in [answers.train, answers.evaluate, answers.predict] {
        let said = answer.text();
        for word in words {
            assert!(said.contains(word), "{word}\n{said}");
        }
    }
}

#[test]
fn an_empty_file_is_named() {
    every_command_refuses("empty.csv", "", 3, "empty.csv: the file is empty");
}

#[test]
fn a_header_without_data_is_named() {
    let words = "header.csv: the file has a header (customer_id, date, amount) but no line of data";
    every_command_refuses("header.csv", "customer_id,date,amount\n", 3, words);
}

#[test]
fn a_byte_order_mark_does_not_matter() {
    let marked = [b"\xef\xbb\xbf".as_slice(), &SHOP.read("orders.csv")].concat();
    every_command_agrees("bom.csv", marked, &["read as UTF-8 with byte-order mark, comma"]);
}

#[test]
fn line_ends_of_other_systems_do_not_matter() {
    every_command_agrees(
        "crlf.csv",
        SHOP.read_text("orders.csv").replace('\n', "\r\n"),
        &["read as UTF-8, comma"],
    );
}

#[test]
fn semicolons_are_found() {
    let semicolons = SHOP.read_text("orders.csv").replace(',', ";");
    every_command_agrees("semicolon.csv", semicolons, &["read as UTF-8, semicolon"]);
}

#[test]
fn a_bad_date_in_line_70_001_is_named() {
    let mut text = "customer_id,date,amount\n".to_owned();
    for line in 2..=80_000 {
        let day = if line == 70_001 { "30" } else { "28" };
        text.push_str(&format!("C{:07},2024-02-{day},3\n", line % 500));
    }
    let words = "line 70001, column `date`: `2024-02-30` is not a date like the others of this column";
    every_command_refuses("bad-date.csv", text, 3, words);
}

#[test]
fn amounts_that_are_no_number_are_skipped_and_counted() {
    let text = SHOP.read_text("orders.csv");
    let first = text.lines().count() + 1;
    let line = |amount: &str| format!("C0000000,x{amount},2024-03-01T00:00:00Z,{amount},1,0,home,web\n");
    let strange = ["NaN", "inf", "-Infinity"].map(line).concat();
    every_command_agrees(
        "not-finite.csv",
        text + &strange,
        &[&format!(
            "lines with an amount that is not finite, skipped: 3 (lines {first}, {}, {})",
            first + 1,
            first + 2
        )],
    );
}

#[test]
fn a_date_that_is_no_number_is_named() {
    let text = SHOP.read_text("orders.csv");
    let line = text.lines().count() + 1;
    for date in ["NaN", "inf"] {
        let words =
            format!("line {line}, column `time`: `{date}` is not a date like the others of this column");
        let text = format!("{text}C0000000,x,{date},5,1,0,home,web\n");
        every_command_refuses("no-date.csv", text, 3, &words);
    }
}

#[test]
fn repeated_lines_are_kept_and_counted() {
    let text = SHOP.read_text("orders.csv");
    let lines: Vec<&str> = text.lines().collect();
    let next = lines.len() + 1;
    SHOP.write("repeated.csv", format!("{text}{}\n{}\n{}\n", lines[1], lines[1], lines[50]));
    let words = format!(
        "lines exact duplicates of an earlier line, kept: 3 (lines {next}, {}, {})",
        next + 1,
        next + 2
    );
    let answers = ask("repeated.csv", "C0000000", AS_OF, false);
    answers.explain.text();
    for answer in [answers.train, answers.evaluate, answers.predict] {
        let said = answer.text();
        assert!(said.contains(&words), "{words}\n{said}");
    }
}

/// `customers` who order every ten days, every `leaver`th of them for the first 85 days only.
fn steady(customers: usize, days: usize, leaver: usize) -> String {
    let first: Timestamp = "2024-01-01".parse().unwrap();
    let mut text = "customer_id,date,amount\n".to_owned();
    for customer in 0..customers {
        let end = if leaver > 0 && customer % leaver == 0 { 85 } else { days };
        for day in (customer % 10..end).step_by(10) {
            text.push_str(&format!("K{customer},{},{}.5\n", first.plus_days(day as i64), 10 + customer % 7));
        }
    }
    text
}

#[test]
fn customers_who_all_stay_are_one_class() {
    SHOP.write("one-class.csv", steady(150, 300, 0));
    let answers = ask("one-class.csv", "K1", "2024-05-01", false);
    let words = "rows of target `churned` are `0`; two classes are needed";
    answers.train.refused(3, &format!("one class only: all 600 {words}"));
    answers.evaluate.refused(3, &format!("one class only: all 150 {words}"));
    let said = answers.predict.text();
    assert!(said.contains("150 customers as of 2024-05-01"), "{said}");
    assert!(answers.explain.text().starts_with("Customer K1 as of 2024-05-01 (churn-"));
}

#[test]
fn ninety_nine_rows_are_too_few_and_a_hundred_are_not() {
    SHOP.write("99.csv", steady(99, 180, 2));
    let answers = ask("99.csv", "K1", "2024-03-20", false);
    answers.train.refused(3, "not enough training data: 99 rows found, at least 100 needed");
    for answer in [answers.evaluate, answers.predict] {
        let said = answer.text();
        assert!(said.contains("99 customers as of 2024-03-20"), "{said}");
    }
    answers.explain.text();
    SHOP.write("100.csv", steady(100, 180, 2));
    let said = ask("100.csv", "K1", "2024-03-20", false).train.text();
    assert!(said.contains("Learned from 100 rows: 100 customers at 1 monthly snapshots"), "{said}");
}
