//! Tables as they come.

#![allow(clippy::unwrap_used, reason = "a test or measurement may stop at once")]

mod common;

use common::{data, file, folder, table_refusal};
use tenure_core::{FeatureKind, TargetKind};
use tenure_io::{ColumnDecision, TableOptions, TableTask, read_table};

const TEXT: &str = "id,age,plan,since,note,constant,left\n1,30,pro,2024-01-01,a,x,Yes\n2,,basic,2024-01-02,b,x,No\n\
                    3,\"31\",?,2024-01-03,b,x,No\n";

fn target(name: &str) -> TableOptions<'static> {
    TableOptions { target: Some(name.into()), ..TableOptions::default() }
}

#[test]
fn columns_are_decided_in_words() {
    let folder = folder();
    let path = file(&folder, "t.csv", TEXT);
    let options = TableOptions { missing: vec!["?".into()], drop: vec!["note".into()], ..target("left") };
    let (set, report) = read_table(&path, &options).unwrap();
    assert_eq!(set.schema().names().collect::<Vec<_>>(), ["age", "plan", "since"]);
    assert_eq!(set.target().unwrap().values(), [1.0, 0.0, 0.0]);
    assert!(set.x()[[1, 0]].is_nan() && set.x()[[2, 1]].is_nan());
    assert_eq!(set.x()[[0, 2]], 19_723.0);
    let said = report.to_string();
    for words in [
        "id: dropped: an identifier (by its name",
        "plan: categorical, 2 levels: basic, pro; 1 missing",
        "since: a date, as days since 1970-01-01",
        "note: dropped, as asked",
        "constant: dropped: `x` in every row",
        "left: the target: `Yes` is positive (the obvious one of the two), 1 of 3 rows",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    let known = TableOptions {
        schema: Some(set.schema()),
        ignore: vec!["note".into(), "id".into(), "constant".into()],
        ..target("left")
    };
    let other = file(&folder, "p.csv", "since,plan,age,id\n2024-02-01,gold,40,9\n");
    let (scored, report) = read_table(&other, &known).unwrap();
    assert_eq!(scored.x()[[0, 0]], 40.0);
    assert_eq!(scored.x()[[0, 2]], 19_754.0);
    assert!(
        report.to_string().contains("values the model has not seen, taken as missing: 1 (line 2)"),
        "{report}"
    );
    let wrong = file(&folder, "w.csv", "since,age,colour\n2024-02-01,40,red\n");
    assert_eq!(
        read_table(&wrong, &known).unwrap_err().to_string(),
        "the columns do not match the model: missing features [plan], unexpected features [colour]"
    );
}

#[test]
fn numbers_name_categories_and_weights_where_asked() {
    let folder = folder();
    let path = file(&folder, "t.csv", "region,age,times,y\n2,30,1,1\n10,31,0,0\n,32,2.5,1\n");
    let asked = TableOptions {
        categorical: vec!["region".into()],
        weight: Some("times".into()),
        task: TableTask::Regress,
        ..target("y")
    };
    let (set, report) = read_table(&path, &asked).unwrap();
    assert_eq!(set.schema().names().collect::<Vec<_>>(), ["region", "age"]);
    assert_eq!(set.schema().features()[0].levels().unwrap(), ["10", "2"]);
    assert_eq!((set.x()[[0, 0]], set.x()[[1, 0]]), (1.0, 0.0));
    assert!(set.x()[[2, 0]].is_nan());
    assert_eq!(set.weights().unwrap(), [1.0, 0.0, 2.5]);
    let said = report.to_string();
    assert!(said.contains("times: the weight of the row; no feature"), "{said}");
    let check = |text: &str, words: &str| assert_eq!(table_refusal(text, &asked), words);
    check(
        "region,times,y\n1,1,1\n2,-1,0\n",
        "t.csv, line 3, column `times`: `-1` is not a weight, at least 0",
    );
    check("region,times,y\n1,,1\n2,1,0\n", "t.csv, line 2, column `times`: `` is not a weight, at least 0");
    check("times,y\n1,1\n1,0\n", "t.csv: there is no column `region`; the columns are: times, y");
}

#[test]
fn what_cannot_be_a_table_is_named() {
    let none = TableOptions::default();
    let check = |text: &str, options: &TableOptions<'_>, expected: &str| {
        assert_eq!(table_refusal(text, options), expected)
    };
    check("", &none, "t.csv: the file is empty");
    check("a,b\n", &none, "t.csv: the file has a header (a, b) but no line of data");
    check("a,b\n1\n", &none, "t.csv, line 2: 1 fields, expected 2");
    check("a,b,a\n1,2,3\n", &none, "t.csv, column `a`: occurs twice, as columns 1 and 3; rename one");
    check("a,b\n1,2\n", &target("c"), "t.csv: there is no column `c`; the columns are: a, b");
    check(
        "a,b\n1,x\n2,y\n",
        &target("b"),
        "t.csv, column `b`: which of `x`, `y` is the positive value? name it with --positive",
    );
    check(
        "a,b\n1,x\n2,x\n",
        &target("b"),
        "one class only: all 2 rows of target `b` are `x`; two classes are needed",
    );
    check(
        "a,b\n1,x\n2,y\n3,z\n",
        &target("b"),
        "t.csv, column `b`: the target has 3 values (`x`, `y`, `z`, …); expected two classes or numbers: name the positive one with --positive, or learn them all with --task multiclass",
    );
    let mut text = "a\n".to_owned();
    (0..200).for_each(|i| text.push_str(if i == 150 { "n.k.\n" } else { "1.5\n2\n" }));
    check(
        &text,
        &none,
        "t.csv, line 302, column `a`: `n.k.` is not a number such as 1234.50 or 1,234.50 (list it with --missing if it stands for no value)",
    );
    check(
        "a,b\n1,1\n2,inf\n",
        &none,
        "t.csv, line 3, column `b`: `inf` is not a finite number (list it with --missing if it stands for no value)",
    );
}

fn classes_of(name: &str) -> TableOptions<'static> {
    TableOptions { task: TableTask::Classes, ..target(name) }
}

#[test]
fn several_classes_are_read_in_a_stated_order() {
    let folder = folder();
    let read = |text: &str| {
        let (set, report) = read_table(&file(&folder, "c.csv", text), &classes_of("y")).unwrap();
        let TargetKind::Class { classes } = set.target().unwrap().kind() else { panic!("no classes") };
        let words = report.columns.iter().find(|c| c.decision == ColumnDecision::Target).unwrap();
        let (classes, words) = (classes.join("|"), words.words.clone());
        (classes, set.target().unwrap().values().to_vec(), words, report.without_target)
    };
    let (classes, values, words, without) = read("x,y\n1,pro\n2,basic\n3,\n4,pro\n5,trial\n");
    assert_eq!(classes, "basic|pro|trial");
    assert_eq!(values[..2], [1.0, 0.0]);
    assert!(values[2].is_nan());
    assert_eq!(values[3..], [1.0, 2.0]);
    assert_eq!(words, "the target, 3 classes: `basic` (1), `pro` (2), `trial` (1)");
    assert_eq!((without.count, without.examples.as_slice()), (1, &[4][..]));
    // Numbers as numbers: 10 after 9, and 2.0 is 2.
    assert_eq!(read("x,y\n1,10\n2,9\n3,2.0\n4,2\n5,-1\n").0, "-1|2|9|10");
    assert_eq!(read("x,y\n1,10\n2,9\n3,2.0\n4,2\n5,-1\n").1, [3.0, 2.0, 1.0, 1.0, 0.0]);
    // One that is no number makes all of them texts; a decimal comma is a number's.
    assert_eq!(read("x,y\n1,10\n2,9\n3,nine\n").0, "10|9|nine");
    assert_eq!(read("x;y\n1;10,5\n2;9,5\n3;9,5\n").0, "9,5|10,5");
    // Two classes are classes too.
    assert_eq!(read("x,y\n1,b\n2,a\n").0, "a|b");
}

#[test]
fn the_classes_of_a_model_stay_as_it_knows_them() {
    let folder = folder();
    let (set, _) = read_table(&file(&folder, "c.csv", "x,y\n1,3\n2,1\n3,2\n"), &classes_of("y")).unwrap();
    let TargetKind::Class { classes } = set.target().unwrap().kind() else { panic!("no classes") };
    let known = TableOptions { schema: Some(set.schema()), classes: Some(classes), ..classes_of("y") };
    // One class only, in a file to be judged on: still the second of the model's three.
    let (judged, _) = read_table(&file(&folder, "j.csv", "y,x\n2,5\n2.0,6\nNA,7\n"), &known).unwrap();
    assert_eq!(judged.target().unwrap().kind(), set.target().unwrap().kind());
    assert_eq!(judged.target().unwrap().values()[..2], [1.0, 1.0]);
    let error = read_table(&file(&folder, "k.csv", "y,x\n2,5\n7,6\n"), &known).unwrap_err().to_string();
    assert!(
        error.ends_with("line 3, column `y`: `7` is not one of the classes the model knows: `1`, `2`, `3`"),
        "{error}"
    );
    // Rows to predict need no target.
    let (rows, _) = read_table(&file(&folder, "p.csv", "x\n5\n"), &known).unwrap();
    assert!(rows.targets().is_empty());
}

#[test]
fn what_is_no_class_is_named() {
    let check = |text: &str, options: &TableOptions<'_>, expected: &str| {
        assert_eq!(table_refusal(text, options), expected)
    };
    let column = |values: &mut dyn Iterator<Item = String>| {
        values.fold("x,y\n".to_owned(), |text, value| format!("{text}1,{value}\n"))
    };
    let y = classes_of("y");
    check(
        "x,y\n1,a\n2,a\n3,\n",
        &y,
        "one class only: all 3 rows of target `y` are `a`; two classes are needed",
    );
    check(
        "x,y\n1,1\n2,1.0\n",
        &y,
        "one class only: all 2 rows of target `y` are `1`; two classes are needed",
    );
    check("x,y\n1,\n2,\n", &y, "t.csv, column `y`: the target has no value at all");
    let fractions = column(&mut (0..50).map(|i| format!("{}.5", i % 25)));
    assert!(
        table_refusal(&fractions, &y).starts_with(
            "t.csv, column `y`: the target looks continuous: 25 different numbers (`0.5`, `1.5`, `10.5`"
        ),
        "{}",
        table_refusal(&fractions, &y)
    );
    let whole = column(&mut (0..101).map(|i| i.to_string()));
    assert!(table_refusal(&whole, &y).contains("looks continuous: 101 different numbers"));
    let texts = column(&mut (0..101).map(|i| format!("k{i}")));
    let refusal = table_refusal(&texts, &y);
    assert!(refusal.contains("the target has 101 different values (`k0`, `k1`, `k10`"), "{refusal}");
    assert!(refusal.ends_with(", …); at most 100 classes are learned"), "{refusal}");
    let positive = TableOptions { positive: Some("a".into()), ..classes_of("y") };
    check(
        "x,y\n1,a\n2,b\n",
        &positive,
        "t.csv, column `y`: the positive value `a` is given, which only two classes have; the task is several classes",
    );
}

#[test]
fn real_tables_are_read_as_described() {
    if let Some(path) = data("telco_churn/Telco-Customer-Churn.csv") {
        let (set, report) = read_table(&path, &target("Churn")).unwrap();
        assert_eq!((set.rows(), set.schema().len()), (7043, 19));
        assert_eq!(set.target().unwrap().values().iter().sum::<f64>(), 1869.0);
        assert_eq!(set.target().unwrap().kind(), &TargetKind::Binary);
        let charges = report.columns.iter().find(|c| c.name == "TotalCharges").unwrap();
        assert_eq!((charges.decision, charges.missing), (ColumnDecision::Numeric, 11));
    }
    if let Some(path) = data("iranian_churn/Customer_Churn.csv") {
        let (set, report) = read_table(&path, &target("Churn")).unwrap();
        assert_eq!((set.rows(), set.schema().len(), report.duplicate_rows.count), (3150, 13, 300));
        let (set, _) = read_table(&path, &TableOptions { distinct: true, ..target("Churn") }).unwrap();
        assert_eq!(set.rows(), 2850);
    }
    if let Some(path) = data("x_education_leads/Leads.csv.gz") {
        let options = TableOptions {
            missing: vec!["Select".into()],
            order_by: Some("Lead Number".into()),
            ..target("Converted")
        };
        let (set, report) = read_table(&path, &options).unwrap();
        assert_eq!((set.rows(), set.target().unwrap().values().iter().sum::<f64>()), (9240, 3561.0));
        let prospect = report.columns.iter().find(|c| c.name == "Prospect ID").unwrap();
        assert_eq!(prospect.decision, ColumnDecision::DroppedIdentifier);
        let column = set.schema().position("Specialization").unwrap();
        let FeatureKind::Categorical { levels } = &set.schema().features()[column].kind else {
            panic!("not categorical")
        };
        assert!(!levels.contains(&"Select".to_owned()));
    }
}
