//! Tables as users have them, through every table command: the words of the answer, its exit code, and never a
//! panic.
// Helpers outside #[test] functions may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::LazyLock;

use common::{Answer, Place};

const HEAD: &str = "age,plan,since,spend,left\n";

/// Rows in which the old on the basic plan leave.
fn rows(count: usize) -> String {
    (0..count)
        .map(|i| {
            let (age, plan, spend) =
                (20 + i * 7 % 50, ["basic", "pro", "gold"][i % 3], (i * 37 % 101) as f64 / 2.0);
            let left = if age + i * 13 % 29 + 10 * usize::from(plan == "basic") > 60 { "Yes" } else { "No" };
            format!("{age},{plan},2024-{:02}-{:02},{spend},{left}\n", i % 12 + 1, i % 28 + 1)
        })
        .collect()
}

static SHOP: LazyLock<Place> = LazyLock::new(|| {
    let shop = Place::new("tables");
    shop.write("plain.csv", HEAD.to_owned() + &rows(300));
    let out =
        shop.run("table train --data plain.csv --target left --task binary --trees 20 --model model").text();
    assert!(out.contains("left: the target: `Yes` is positive"), "{out}");
    shop
});

struct Answers {
    cv: Answer,
    train: Answer,
    predict: Answer,
    explain: Answer,
}

impl Answers {
    fn each(self) -> [Answer; 4] {
        [self.cv, self.train, self.predict, self.explain]
    }
}

fn ask(file: &str, json: bool) -> Answers {
    let json = if json { "--json" } else { "" };
    let ask = |command: &str| SHOP.run(&format!("table {command} --data {file} {json}"));
    Answers {
        cv: ask("cv --target left --task binary --trees 20"),
        train: ask(&format!("train --target left --task binary --trees 20 --model {file}.model")),
        predict: ask(&format!("predict --model model --out {file}.predictions.csv")),
        explain: ask("explain --model model --row 1"),
    }
}

fn every_command_refuses(file: &str, content: impl AsRef<[u8]>, words: &str) {
    SHOP.write(file, content);
    ask(file, false).each().into_iter().for_each(|answer| answer.refused(3, words));
    assert!(!SHOP.path.join(format!("{file}.model")).exists());
    assert!(!SHOP.path.join(format!("{file}.predictions.csv")).exists());
}

#[test]
fn empty_files_and_headers_without_data_are_named() {
    every_command_refuses("empty.csv", "", "empty.csv: the file is empty");
    let words = "header.csv: the file has a header (age, plan, since, spend, left) but no line of data";
    every_command_refuses("header.csv", HEAD, words);
}

#[test]
fn byte_order_marks_line_ends_and_separators_do_not_matter() {
    let plain = SHOP.read_text("plain.csv");
    let everything = |file: &str| {
        let answers = ask(file, true);
        let mut cv = answers.cv.json();
        answers.train.json();
        answers.predict.json();
        let parts = SHOP.model_parts(&format!("{file}.model"));
        let predictions = SHOP.read(&format!("{file}.predictions.csv"));
        (cv["metrics"].take(), parts, predictions, answers.explain.json())
    };
    let expected = everything("plain.csv");
    for (file, content, words) in [
        ("bom.csv", format!("\u{feff}{plain}"), "UTF-8 with byte-order mark, comma"),
        ("crlf.csv", plain.replace('\n', "\r\n"), "UTF-8, comma"),
        ("semicolon.csv", plain.replace(',', ";"), "UTF-8, semicolon"),
    ] {
        SHOP.write(file, content);
        assert!(everything(file) == expected, "{file}");
        let Answers { cv, train, predict, .. } = ask(file, false);
        for said in [cv, train, predict].map(Answer::text) {
            assert!(said.contains(&format!("{file}: 300 rows, 300 kept ({words})")), "{said}");
        }
    }
}

#[test]
fn a_bad_date_in_line_70_001_is_named() {
    let mut text = HEAD.to_owned() + &rows(69_999);
    text.push_str("30,pro,2024-02-30,1,No\n");
    text.push_str(&rows(1_000));
    let words = "bad-date.csv, line 70001, column `since`: `2024-02-30` is not a date";
    every_command_refuses("bad-date.csv", text, words);
}

#[test]
fn infinity_is_named_and_nan_is_missing() {
    let text = SHOP.read_text("plain.csv");
    for (file, value) in [("inf.csv", "inf"), ("minus-inf.csv", "-Infinity")] {
        let words = format!("{file}, line 302, column `spend`: `{value}` is not a finite number");
        every_command_refuses(file, format!("{text}30,pro,2024-01-01,{value},No\n"), &words);
    }
    SHOP.write("nan.csv", format!("{text}30,pro,2024-01-01,NaN,No\n"));
    let Answers { cv, train, predict, explain } = ask("nan.csv", false);
    explain.text();
    let known = "spend: numeric, as the model knows it; 1 missing";
    for (answer, words) in
        [(cv, "spend: numeric; 1 missing"), (train, "spend: numeric; 1 missing"), (predict, known)]
    {
        let said = answer.text();
        assert!(said.contains("nan.csv: 301 rows, 301 kept") && said.contains(words), "{said}");
    }
    let predictions = SHOP.read_text("nan.csv.predictions.csv");
    let last: f64 = predictions.lines().last().unwrap().parse().unwrap();
    assert!((0.0..=1.0).contains(&last) && predictions.lines().count() == 302);
}

#[test]
fn repeated_rows_are_counted_and_dropped_on_request() {
    let text = SHOP.read_text("plain.csv");
    let second = text.lines().nth(1).unwrap();
    SHOP.write("repeated.csv", format!("{text}{second}\n{second}\n"));
    let Answers { cv, train, predict, explain } = ask("repeated.csv", false);
    explain.text();
    for said in [cv, train, predict].map(Answer::text) {
        assert!(said.contains("repeated.csv: 302 rows, 302 kept"), "{said}");
        assert!(said.contains("exact duplicate rows: 2 (lines 302, 303)"), "{said}");
    }
    let line = "table cv --data repeated.csv --target left --task binary --trees 20 --distinct --json";
    let report = SHOP.run(line).json();
    assert_eq!((&report["rows"], &report["table"]["kept"]), (&300.into(), &300.into()));
}

#[test]
fn one_class_is_refused_where_something_is_to_be_learned() {
    SHOP.write("one-class.csv", SHOP.read_text("plain.csv").replace(",Yes\n", ",No\n"));
    let Answers { cv, train, predict, explain } = ask("one-class.csv", false);
    let words = "one class only: all 300 rows of target `left` are `No`; two classes are needed";
    cv.refused(3, words);
    train.refused(3, words);
    assert!(predict.text().contains("300 predictions written to one-class.csv.predictions.csv"));
    assert!(explain.text().starts_with("Row 1 of one-class.csv: probability 0."));
}

#[test]
fn ninety_nine_rows_are_too_few_and_a_hundred_are_not() {
    SHOP.write("99.csv", HEAD.to_owned() + &rows(99));
    let Answers { cv, train, predict, explain } = ask("99.csv", false);
    let words = "not enough training data: 99 rows found, at least 100 needed";
    cv.refused(3, words);
    train.refused(3, words);
    assert!(predict.text().contains("99 predictions written"));
    explain.text();
    SHOP.write("100.csv", HEAD.to_owned() + &rows(100));
    let Answers { cv, train, .. } = ask("100.csv", false);
    assert!(cv.text().contains("100 rows, 5 folds, task binary"));
    assert!(train.text().contains("Learned from 100 rows and 4 features"));
}

#[test]
fn a_model_trained_on_other_columns_names_them() {
    SHOP.write("other.csv", SHOP.read_text("plain.csv").replacen("plan,since", "colour,until", 1));
    let words = "the columns do not match the model: missing features [plan, since], \
                 unexpected features [colour, until]";
    let Answers { predict, explain, .. } = ask("other.csv", false);
    predict.refused(2, words);
    explain.refused(2, words);
    assert!(!SHOP.path.join("other.csv.predictions.csv").exists());
}

#[test]
fn a_model_folder_cut_short_names_the_file() {
    let train = "table train --data plain.csv --target left --task binary --trees 5 --model cut";
    let [predict, explain] = ["predict --out cut.csv", "explain --row 1"]
        .map(|command| format!("table {command} --data plain.csv --model cut"));
    SHOP.run(train).text();
    for name in SHOP.files("cut") {
        let (path, whole) = (format!("cut/{name}"), SHOP.read(&format!("cut/{name}")));
        SHOP.write(&path, &whole[..whole.len() / 2]);
        for line in [&predict, &explain] {
            SHOP.run(line).refused(5, &format!("damaged model in {path}: "));
        }
        SHOP.write(&path, whole);
    }
    SHOP.run(&predict).text();
    let words = "model not found in nowhere: train it first";
    SHOP.run("table predict --data plain.csv --model nowhere --out x.csv").refused(5, words);
    SHOP.run("table explain --data plain.csv --model nowhere --row 1").refused(5, words);
}

#[test]
fn a_weight_counts_rows_and_numbers_may_name_categories() {
    let body: String = rows(300).lines().enumerate().map(|(i, row)| format!("{row},{},2\n", i % 4)).collect();
    SHOP.write("weighted.csv", format!("age,plan,since,spend,left,region,times\n{body}"));
    let command = |rest: &str| {
        format!(
            "table {rest} --data weighted.csv --target left --task binary --trees 20 --categorical region"
        )
    };
    let plain = SHOP.run(&command("cv --json --drop times")).json();
    let weighted = SHOP.run(&command("cv --json --weight times")).json();
    assert_eq!(weighted["rows"], 300);
    let column = |answer: &serde_json::Value, name: &str| {
        let columns = answer["table"]["columns"].as_array().unwrap();
        columns.iter().find(|c| c["name"] == name).unwrap()["decision"].clone()
    };
    assert_eq!(column(&weighted, "region"), "categorical");
    assert_eq!(
        (column(&plain, "times"), column(&weighted, "times")),
        ("dropped_as_asked".into(), "weight".into())
    );
    assert!(weighted["metrics"]["roc_auc"]["mean"].as_f64().unwrap() > 0.7);
    SHOP.run(&command("train --weight times --model weighted")).text();
    SHOP.run("table predict --data weighted.csv --model weighted --out weighted.out.csv").text();
}

#[test]
fn nothing_that_is_read_is_written_over() {
    LazyLock::force(&SHOP);
    let before = SHOP.read("plain.csv");
    SHOP.run("table predict --data plain.csv --model model --out ./plain.csv")
        .refused(2, "--out: ./plain.csv is read by this command");
    assert_eq!(SHOP.read("plain.csv"), before);
}

#[test]
fn losses_fit_the_task_and_families_go_by_their_names() {
    LazyLock::force(&SHOP);
    SHOP.run(
        "table train --data plain.csv --target left --task binary --set objective=squared_error --model x",
    )
    .refused(2, "gbdt does not support this loss for classes: it predicts numbers, not probabilities");
    let tweedie =
        "table train --data plain.csv --target spend --task regression --backend glm --model t --json";
    let power = |family: &str| SHOP.run(&format!("{tweedie} {family}")).json()["glm"]["family"].clone();
    assert_eq!(power("--family tweedie --link log")["tweedie"]["power"], 1.5);
    assert_eq!(power("--set family=tweedie:1.7")["tweedie"]["power"], 1.7);
    SHOP.run(
        "table train --data plain.csv --target left --task binary --backend glm --link cloglog --model l",
    )
    .text();
}

#[test]
fn what_a_fold_lacks_is_said_of_the_fold() {
    let sorted: String = (0..200).map(|i| format!("{i},{},{}\n", i % 7, u8::from(i > 150))).collect();
    SHOP.write("sorted.csv", "when,x,y\n".to_owned() + &sorted);
    SHOP.run("table cv --data sorted.csv --target y --task binary --order-by when")
        .refused(3, "in fold 1 of 5: one class only: all ");
    SHOP.run("table cv --data plain.csv --target left --task binary --trees 3 --set trees=4")
        .refused(2, "--set trees: it is given twice");
}

#[test]
fn a_search_of_linear_models_tries_penalties() {
    LazyLock::force(&SHOP);
    let search = "table search --data plain.csv --target spend --task regression --backend glm --strategy grid \
                  --trials 4 --folds 3 --json";
    let found = SHOP.run(search).json();
    assert!(found.to_string().contains("\"alpha\":"), "{found}");
}

#[test]
fn wrong_choices_are_explained() {
    LazyLock::force(&SHOP);
    let cv = |rest: &str| SHOP.run(&format!("table cv --data plain.csv --task binary {rest}"));
    let columns = "the columns are: age, plan, since, spend, left";
    cv("--target gone").refused(2, &format!("plain.csv: there is no column `gone`; {columns}"));
    cv("--target left --drop nope").refused(2, &format!("plain.csv: there is no column `nope`; {columns}"));
    cv("--target left --group nope").refused(2, &format!("plain.csv: there is no column `nope`; {columns}"));
    cv("--target left --folds 1").refused(2, "parameter `folds` is 1; expected at least 2");
    cv("--target left --backend svm")
        .refused(2, "parameter `backend` is svm; expected one of gbdt, forest, logistic");
    cv("--target left --positive maybe")
        .refused(3, "no row holds the positive value `maybe`; there are `No`, `Yes`");
    cv("--target plan").refused(3, "the target has 3 values (`basic`, `gold`, `pro`); expected two classes");
    SHOP.run("table explain --data plain.csv --model model --row 301")
        .refused(2, "--row: 301 is beyond the 300 rows of plain.csv");
}
