//! Customers of a marketplace: what is written is read back the same, and what is refused is named.

#![allow(clippy::unwrap_used, reason = "a test may stop at once")]

mod common;

use std::path::Path;

use common::{file, folder};
use ndarray::Array2;
use proptest::prelude::*;
use tenure_features::marketplace::{MarketplaceTable, Profile, Segment};
use tenure_io::{MarketplaceReadReport, MarketplaceWriter, ReadOptions, Result, read_marketplace};

const FILES: [&str; 5] = ["m.csv", "m.csv.gz", "m.jsonl", "m.jsonl.gz", "m.parquet"];

fn read(path: &Path, profile: Profile) -> Result<(MarketplaceTable, MarketplaceReadReport)> {
    read_marketplace(path, profile, &ReadOptions::default())
}

fn write(path: &Path, profile: Profile, tables: &[&MarketplaceTable]) {
    let mut writer = MarketplaceWriter::create(path, profile).unwrap();
    tables.iter().for_each(|table| writer.write(table).unwrap());
    assert!(!path.exists(), "a file is there before it is whole");
    writer.finish().unwrap();
}

/// NaN is not equal to itself; its debug form is.
fn text(table: &MarketplaceTable) -> String {
    let MarketplaceTable { ids, segments, data } = table;
    let targets: Vec<_> = data.targets().iter().map(|t| (t.name(), t.unit(), t.values())).collect();
    format!("{ids:?} {segments:?} {:?} {targets:?}", data.x().rows().into_iter().collect::<Vec<_>>())
}

fn table() -> impl Strategy<Value = (Profile, MarketplaceTable)> {
    (prop_oneof![Just(Profile::Guide), Just(Profile::SageMaker)], 1..6usize).prop_flat_map(
        |(profile, rows)| {
            let (width, targets) = (profile.fields().len(), profile.labels().len());
            // 0 and 1 are within the range of every field but ratings.
            let number = prop_oneof![Just(1.0), Just(f64::NAN), Just(1.0)];
            let label = prop_oneof![Just(0.0), Just(1.0), Just(f64::NAN)];
            let segment = prop_oneof![Just(None), Just(Some(Segment::AtRisk)), Just(Some(Segment::Thriving))];
            let id = "[a-z,\"漢-]{1,6}";
            (
                prop::collection::vec(id, rows),
                prop::collection::vec(segment, rows),
                prop::collection::vec((0.0..1e6f64, number), rows * width),
                prop::collection::vec(label, rows * targets),
            )
                .prop_map(move |(ids, segments, x, y)| {
                    let free = |at: usize| profile.fields()[at % width].range.end().is_infinite();
                    let coded = |at: usize| profile.fields()[at % width].unit.is_empty();
                    let values = x.into_iter().enumerate().map(|(at, (any, number))| {
                        if free(at) && !coded(at) && number == 1.0 { any } else { number }
                    });
                    let x = Array2::from_shape_vec((rows, width), values.collect()).unwrap();
                    let y = Array2::from_shape_vec((rows, targets), y).unwrap();
                    (profile, MarketplaceTable::new(profile, ids, segments, x, &y).unwrap())
                })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_format_gives_back_what_was_written((profile, table) in table()) {
        let folder = folder();
        for name in FILES {
            let path = folder.path().join(name);
            write(&path, profile, &[&table]);
            let (back, report) = read(&path, profile).unwrap();
            prop_assert_eq!(text(&back), text(&table), "{}", name);
            prop_assert_eq!(report.customers, table.ids.len() as u64);
            let missing = table.data.x().iter().filter(|v| v.is_nan()).count() as u64;
            prop_assert_eq!(report.missing_values, missing);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_in_a_field_makes_a_panic(
        at in 0..62usize,
        texts in prop::collection::vec("[0-9a-z€,.;:eE+\\-\"\\[{ ]{0,12}|-?[0-9]{1,4}[.,]?[0-9]{0,3}|true|premium", 1..8),
    ) {
        let folder = folder();
        let rows = csv(&[("ann", "healthy")]);
        let (head, line) = rows.trim_end().split_once('\n').unwrap();
        let mut text = format!("{head}\n");
        for field in &texts {
            let mut fields: Vec<String> = line.split(',').map(str::to_owned).collect();
            fields[at] = format!("\"{}\"", field.replace('"', "\"\""));
            text += &format!("{}\n", fields.join(","));
        }
        let path = file(&folder, "m.csv", text);
        for skip_bad_lines in [false, true] {
            let options = ReadOptions { skip_bad_lines, ..ReadOptions::default() };
            if let Ok((table, report)) = read_marketplace(&path, Profile::Guide, &options) {
                prop_assert_eq!(report.customers + report.bad_lines.count, texts.len() as u64);
                prop_assert_eq!(table.data.rows() as u64, report.customers);
            }
        }
    }
}

/// A table of the narrow profile as CSV: every feature 1, the label of health 50, and no other label.
fn csv(rows: &[(&str, &str)]) -> String {
    let names: Vec<&str> = Profile::Guide.fields().iter().map(|field| field.name).collect();
    let mut text = format!("customer_id,segment,{},label_health_score\n", names.join(","));
    for (id, segment) in rows {
        text += &format!("{id},{segment}{},50\n", ",1".repeat(names.len()));
    }
    text
}

/// What is said about a file, without its folder.
fn refusal(name: &str, content: impl AsRef<[u8]>) -> String {
    let folder = folder();
    let error = read(&file(&folder, name, content), Profile::Guide).unwrap_err().to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn what_a_file_lacks_is_unknown_and_what_it_has_beside_is_counted() {
    let folder = folder();
    let text = csv(&[("ann", "healthy"), ("bob", ""), ("ann", "at_risk")]).replace("segment,", "Segment ,");
    let crlf = format!("\u{feff}{}", text.replace('\n', "\r\n").replace("customer_id,", "note,Customer ID,"));
    let crlf = crlf.replace("\r\nann", "\r\nx,ann").replace("\r\nbob", "\r\nx,bob");
    let (table, report) = read(&file(&folder, "m.csv", crlf), Profile::Guide).unwrap();
    assert_eq!(table.ids, ["ann", "bob", "ann"]);
    assert_eq!(table.segments, [Some(Segment::Healthy), None, Some(Segment::AtRisk)]);
    assert_eq!(table.data.target_named("health_score").unwrap().values(), [50.0; 3]);
    assert!(table.data.target_named("churn_risk_14d").unwrap().values().iter().all(|v| v.is_nan()));
    assert_eq!(report.ignored_columns, ["note"]);
    let absent = ["first_session_success", "session_velocity", "churn_risk_14d", "churn_risk_30d"];
    assert_eq!(report.absent_labels, absent);
    assert_eq!((report.rows, report.customers, report.repeated_ids.count), (3, 3, 1));
    let words = report.to_string();
    assert!(words.contains("rows with the id of an earlier one, kept: 1"), "{words}");
}

#[test]
fn choices_are_read_by_number_and_by_name() {
    let folder = folder();
    let at = |name| Profile::Guide.schema().position(name).unwrap();
    let line = |tier: &str, subject: &str, first: &str| {
        let fields = Profile::Guide.fields().iter().map(|field| match field.name {
            "subscription_tier" => format!("\"subscription_tier\": {tier}"),
            "primary_subject" => format!("\"primary_subject\": {subject}"),
            "first_session_success" => format!("\"first_session_success\": {first}"),
            name => format!("\"{name}\": null"),
        });
        format!("{{\"customer_id\": 7, {}}}\n", fields.collect::<Vec<_>>().join(", "))
    };
    let text =
        line("\"premium\"", "\"ap_calculus\"", "true") + &line("2", "5", "0") + &line("2.0", "5", "null");
    let (table, _) = read(&file(&folder, "m.jsonl", text), Profile::Guide).unwrap();
    let column = |name| table.data.x().column(at(name)).to_vec();
    assert_eq!((column("subscription_tier"), column("primary_subject")), (vec![2.0; 3], vec![5.0; 3]));
    let first = column("first_session_success");
    assert!(first[0] == 1.0 && first[1] == 0.0 && first[2].is_nan(), "{first:?}");
    let wrong = refusal("m.jsonl", line("\"gold\"", "5", "1"));
    assert_eq!(
        wrong,
        "m.jsonl, line 1, column `subscription_tier`: `gold` is not \"budget\", \"standard\", \"premium\", or one \
         of the whole numbers 0 to 2, or null"
    );
}

#[test]
fn what_cannot_be_is_refused_with_file_line_and_column() {
    let text = csv(&[("ann", "healthy"), ("bob", "")]);
    let names: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let with = |column: &str, value: &str| {
        let at = names.iter().position(|name| *name == column).unwrap();
        let mut fields: Vec<&str> = text.lines().nth(2).unwrap().split(',').collect();
        fields[at] = value;
        let head: Vec<&str> = text.lines().take(2).collect();
        refusal("m.csv", format!("{}\n{}\n", head.join("\n"), fields.join(",")))
    };
    let line = |column: &str| format!("m.csv, line 3, column `{column}`: ");
    for (column, value, expected) in [
        ("avg_rating_7d", "6", "`6` is not a number, or null (1 to 5)"),
        ("session_count_7d", "-1", "`-1` is not a number, or null (at least 0)"),
        ("login_count_7d", "many", "`many` is not a number, or null (at least 0)"),
        ("rating_trend", "inf", "`inf` is not a number, or null (-4 to 4)"),
        ("label_health_score", "101", "`101` is not a number from 0 to 100"),
        ("customer_id", "", "`` is not an id"),
        ("segment", "fine", "`fine` is not one of thriving, healthy, at_risk, churned"),
    ] {
        assert_eq!(with(column, value), line(column) + expected);
    }
    let churn = text.replace("label_health_score", "label_churn_risk_30d").replace(",50\n", ",0.7\n");
    assert_eq!(
        refusal("m.csv", churn),
        "m.csv, line 2, column `label_churn_risk_30d`: `0.7` is not 0 or 1: whether it happened, not how likely \
         it was"
    );
}

#[test]
fn all_missing_columns_are_named_at_once_and_empty_files_are_no_tables() {
    let text = csv(&[("ann", "healthy")]);
    let lacking =
        text.replace("customer_id", "who").replace("login_count_7d", "x").replace("refunds_30d", "y");
    let words = refusal("m.csv", lacking);
    let missing = "m.csv: missing features of the profile `guide`: [customer_id, login_count_7d, refunds_30d]; the columns are: who, ";
    assert!(words.starts_with(missing), "{words}");
    assert_eq!(refusal("m.csv", ""), "m.csv: the file is empty");
    assert_eq!(refusal("m.jsonl", "\n"), "m.jsonl: the file is empty");
    assert!(refusal("m.csv", text.lines().next().unwrap()).contains("but no line of data"));
    assert!(refusal("m.jsonl", "[1, 2]\n").starts_with("m.jsonl, line 1: is not one JSON object"));
}

#[test]
fn lines_that_cannot_be_read_are_left_out_only_when_asked_for() {
    let folder = folder();
    let text = csv(&[("ann", "healthy"), ("bob", "odd"), ("cid", "churned")]);
    let path = file(&folder, "m.csv", text);
    let options = ReadOptions { skip_bad_lines: true, ..ReadOptions::default() };
    let (table, report) = read_marketplace(&path, Profile::Guide, &options).unwrap();
    assert_eq!(table.ids, ["ann", "cid"]);
    assert_eq!((report.rows, report.customers, report.bad_lines.count), (3, 2, 1));
    assert!(report.first_bad_line.unwrap().contains("line 3, column `segment`"));
    let path = file(&folder, "none.csv", csv(&[("bob", "odd")]));
    let error = read_marketplace(&path, Profile::Guide, &options).unwrap_err().to_string();
    assert!(error.starts_with("no line can be read; the first: "), "{error}");
}

#[test]
fn what_would_be_lost_is_not_written() {
    let folder = folder();
    let path = folder.path().join("m.csv");
    let table = |id: &str| {
        let (x, y) = (Array2::ones((1, 59)), Array2::zeros((1, 5)));
        MarketplaceTable::new(Profile::Guide, vec![id.into()], vec![None], x, &y).unwrap()
    };
    for id in ["", " ann"] {
        let error = MarketplaceWriter::create(&path, Profile::Guide).unwrap().write(&table(id)).unwrap_err();
        assert!(error.to_string().contains("would not be read back"), "{error}");
    }
    let error =
        MarketplaceWriter::create(&path, Profile::SageMaker).unwrap().write(&table("ann")).unwrap_err();
    assert!(error.to_string().contains("first_session_was_success"), "{error}");
    assert!(!path.exists());
}
