//! What the program says about itself and about arguments that cannot be right; that it never panics, and is
//! silent on standard error unless something is wrong.
// Helpers outside #[test] functions may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod common;

use std::process::Stdio;
use std::sync::LazyLock;

use common::{AS_OF, Place};

static SHOP: LazyLock<Place> = LazyLock::new(|| Place::with_shop("shop"));

const COMMANDS: [&str; 23] = [
    "quickstart",
    "synth orders",
    "churn train",
    "churn evaluate",
    "churn predict",
    "churn explain",
    "ltv train",
    "ltv cv",
    "ltv evaluate",
    "ltv predict",
    "ltv explain",
    "lead train",
    "lead evaluate",
    "lead predict",
    "lead explain",
    "contact train",
    "contact evaluate",
    "contact predict",
    "contact explain",
    "table cv",
    "table train",
    "table predict",
    "table explain",
];

#[test]
fn every_help_text_holds_an_example_of_its_command() {
    let place = Place::new("help");
    let help = place.run("--help").text();
    assert!(
        help.contains("Examples:\n  tenure quickstart\n") && help.contains("Exit codes: 0 done"),
        "{help}"
    );
    for command in COMMANDS {
        let help = place.run(&format!("{command} --help")).text();
        let (_, examples) = help.split_once("\nExample").unwrap_or_else(|| panic!("{command}\n{help}"));
        assert!(examples.contains(&format!("\n  tenure {command} --")), "{command}\n{help}");
    }
    for group in ["synth", "churn", "ltv", "lead", "contact", "table"] {
        let help = place.run(&format!("{group} --help")).text();
        for command in COMMANDS.iter().filter_map(|command| command.strip_prefix(group)) {
            assert!(help.contains(&format!("\n {command} ")), "{help}");
        }
    }
}

#[test]
fn the_version_is_told() {
    assert_eq!(
        Place::new("version").run("--version").text(),
        format!("tenure {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn wrong_arguments_exit_with_2() {
    let place = Place::new("wrong");
    for line in [
        "",
        "churn",
        "churnn train",
        "churn train",
        "churn train --orders o.csv",
        "churn train --orders o.csv --model m --seed many",
        "churn train --orders o.csv --model m --goal luck",
        "churn train --orders o.csv --model m --price-col p",
        "churn evaluate --orders o.csv --model m",
        "table cv --data t.csv --target y",
        "table cv --data t.csv --target y --task clustering",
        "table explain --data t.csv --model m --row 0",
        "synth orders --customers 0 --out o.csv",
        "synth orders --months 241 --out o.csv",
        "quickstart --customer 5",
    ] {
        let answer = place.run(line);
        assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""), "{line}\n{}", answer.err);
        assert!(
            answer.err.contains("Usage: tenure") || answer.err.contains("--help"),
            "{line}\n{}",
            answer.err
        );
    }
    assert!(place.files(".").is_empty());
}

#[test]
fn values_out_of_range_name_the_parameter_and_the_range() {
    let train = |rest: &str| SHOP.run(&format!("churn train --orders orders.csv --model never {rest}"));
    train("--backend svm").refused(2, "parameter `backend` is svm; expected one of gbdt, forest, logistic");
    train("--success-rate 7").refused(2, "parameter `success_rate` is 7; expected above 0 to 1");
    train("--observation-days 0").refused(2, "parameter `observation_days` is 0; expected 2 to 3650");
    train("--until x").refused(2, "--until: `x` is not a date; expected e.g. 2024-03-01");
    let evaluate = "churn evaluate --orders orders.csv --model model --as-of 2024-02-30";
    SHOP.run(evaluate).refused(2, "--as-of: `2024-02-30` is not a date; expected e.g. 2024-03-01");
    assert!(!SHOP.path.join("never").exists());
}

#[test]
fn an_unknown_column_lists_the_columns_there_are() {
    let words = "orders.csv: there is no column `who` (--customer-col); the columns are: customer_id, order_id, \
                 time, amount, quantity, discount, category, channel";
    for command in [
        "train --model never".to_owned(),
        format!("evaluate --model model --as-of {AS_OF}"),
        format!("predict --model model --as-of {AS_OF} --out never.csv"),
        format!("explain --model model --as-of {AS_OF} --customer C0000001"),
    ] {
        SHOP.run(&format!("churn {command} --orders orders.csv --customer-col who")).refused(2, words);
    }
}

#[test]
fn dates_outside_the_log_say_what_there_is() {
    let ask = |rest: &str| SHOP.run(&format!("churn {rest} --orders orders.csv"));
    let words = "the 90 days from 2024-06-01 are not over: the log covers events up to 2024-07-01";
    ask("evaluate --model model --as-of 2024-06-01").refused(2, words);
    let predict = ask("predict --model model --as-of 2030-01-01 --out never.csv");
    assert!(predict.err.contains("the log reaches up to 2024-07-01"), "{}", predict.err);
    predict.refused(3, "no orders in the date range 2029-07-05 to 2030-01-01");
    let predict = ask("predict --model model --as-of 2000-01-01 --out never.csv");
    predict.refused(3, "no orders in the date range 1999-07-05 to 2000-01-01");
    ask("train --model never --until 2000-01-01").refused(3, "no orders in the date range");
    ask("train --model never --until 2023-03-01").refused(3, "not enough history");
    assert!(!SHOP.path.join("never").exists() && !SHOP.path.join("never.csv").exists());
}

#[test]
fn training_beyond_the_end_of_the_log_guesses_no_labels() {
    let train = "churn train --backend logistic --orders orders.csv --model";
    SHOP.run(&format!("{train} whole")).text();
    for until in ["2024-09-15", "2031-01-01"] {
        SHOP.run(&format!("{train} beyond --until {until}")).text();
        let parts = SHOP.model_parts("whole");
        let same = |name: &str, bytes: &[u8]| parts.iter().any(|(n, b)| n == name && b == bytes);
        let latest = SHOP.read_text("beyond/CURRENT").split_once(' ').unwrap().0.to_owned();
        for (name, bytes) in SHOP.model_parts(&format!("beyond/{latest}")) {
            assert!(same(&format!("v00000001/{name}"), &bytes), "--until {until}: {name}");
        }
    }
}

#[test]
fn an_unknown_customer_is_named() {
    let line = format!("churn explain --orders orders.csv --model model --as-of {AS_OF} --customer nobody");
    SHOP.run(&line).refused(2, "--customer: `nobody` is not in orders.csv");
}

#[test]
fn files_that_cannot_be_read_or_written_are_named() {
    let ask = |rest: &str| SHOP.run(&format!("churn {rest} --as-of {AS_OF}"));
    let no_file = "No such file or directory";
    ask("evaluate --orders gone.csv --model model").refused(4, "gone.csv: ");
    ask("predict --orders orders.csv --model model --out no/such/scores.csv")
        .refused(4, "no/such/scores.csv: ");
    ask("predict --orders orders.csv --model model --out no/such/scores.csv").refused(4, no_file);
    let other = ask("predict --orders orders.csv --model model --out scores.xlsx");
    assert!(other.err.starts_with("error: scores.xlsx: unknown file type; expected .csv"), "{}", other.err);
    ask("evaluate --orders orders.csv --model model --report orders.csv/report.html")
        .refused(4, "orders.csv/report.html: ");
    SHOP.run("churn train --backend logistic --orders orders.csv --model orders.csv")
        .refused(4, "orders.csv: ");
    SHOP.run("quickstart --customers 200 --out orders.csv")
        .refused(4, "orders.csv: creating the folder failed");
    SHOP.run("synth orders --customers 5 --out no/such/orders.csv").refused(4, "no/such/orders.csv: ");
    SHOP.run("table cv --data gone.csv --target y --task binary").refused(4, "gone.csv: ");
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    LazyLock::force(&SHOP);
    let explain =
        format!("churn explain --orders orders.csv --model model --as-of {AS_OF} --customer C0000001");
    for line in [explain.as_str(), "--help", "synth orders --customers 5 --out pipe.csv --json"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let mut command = SHOP.command(&arguments);
        let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(
            !words.contains("panicked") && output.status.code().is_some_and(|code| code < 2),
            "{line}: {words}"
        );
        if line != "--help" {
            assert_eq!(output.status.code(), Some(1));
            assert!(words.starts_with("error: writing to standard output: "), "{words}");
        }
    }
}

/// The model in the folder with each of its files cut short in turn, and without one.
#[test]
fn without_a_usable_model_the_rules_answer_and_say_so() {
    let train = "churn train --backend logistic --orders orders.csv --model cut --until";
    SHOP.run(&format!("{train} {AS_OF}")).text();
    let ask = |rest: &str, model: &str| {
        SHOP.run(&format!("churn {rest} --orders orders.csv --as-of {AS_OF} --model {model}"))
    };
    let by_rules = |model: &str, reason: &str| {
        let summary = ask("predict --out cut.csv --json", model).json();
        assert_eq!(
            (&summary["model_version"], &summary["by_rules"]),
            (&"rules_v1".into(), &summary["customers"])
        );
        assert!(summary["fallback_reason"].as_str().unwrap().contains(reason), "{reason}\n{summary:#}");
        let said = ask("predict --out cut.csv", model).text();
        assert!(said.contains("warning: the rules answered (rules_v1): ") && said.contains(reason), "{said}");
        let scores = SHOP.read_text("cut.csv");
        assert!(
            scores.lines().count() > 100 && scores.lines().skip(1).all(|line| line.ends_with(",rules_v1"))
        );
        let said = ask("explain --customer C0000001", model).text();
        assert!(said.contains("(rules_v1)\n  the rules answered: ") && said.contains(reason), "{said}");
        let decision = ask("explain --customer C0000001 --json", model).json();
        assert_eq!(decision["model_version"], "rules_v1");
        assert!(decision["fallback_reason"].as_str().unwrap().contains(reason));
        ask("evaluate", model).refused(5, reason);
    };
    let mut checked = 0;
    for name in SHOP.files("cut") {
        let (path, whole) = (format!("cut/{name}"), SHOP.read(&format!("cut/{name}")));
        SHOP.write(&path, &whole[..whole.len() - 1]);
        by_rules("cut", &format!("damaged model in {path}: "));
        SHOP.write(&path, whole);
        checked += 1;
    }
    assert!(checked >= 5, "{checked}");
    by_rules("nowhere", "model not found in nowhere: train it first");

    let mut table = "a,b,y\n".to_owned();
    (0..120).for_each(|i| table += &format!("{},{},{}\n", i % 7, i % 5, i % 2));
    SHOP.write("table.csv", table);
    SHOP.run("table train --data table.csv --target y --task binary --trees 2 --model table").text();
    by_rules("table", "the stored model is of kind `table`; expected `churn`");
}
