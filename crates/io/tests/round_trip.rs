//! What is written is read back the same, and a file is there whole or not at all.

#![allow(clippy::unwrap_used, reason = "a test or measurement may stop at once")]

mod common;

use std::sync::Arc;

use common::folder;
use tenure_features::{CodedColumn, OrderColumns};
use tenure_io::{
    ColumnValues, OrderMapping, OrderWriter, ReadOptions, TableWriter, read_orders, write_orders,
};

fn coded(codes: Vec<u32>, names: &[&str]) -> CodedColumn {
    CodedColumn { codes, names: Arc::new(names.iter().map(ToString::to_string).collect()) }
}

fn orders() -> OrderColumns {
    OrderColumns {
        customer: coded(vec![0, 1, 0, 2], &["a,\"b\"", "Zoë", "x\ny"]),
        time: vec![1_704_067_200, 1_704_067_201, -5, 1_709_251_199],
        amount: vec![1.1, -0.30000000000000004, 0.0, 1e21],
        quantity: Some(vec![1.0, -2.0, 3.0, 4.5]),
        discount: Some(vec![0.0, 0.5, 0.25, 7.0]),
        order: Some(vec![0, 1, 2, 2]),
        category: Some(coded(vec![0, u32::MAX, 0, 1], &["toys", "books"])),
        channel: Some(coded(vec![0, 0, 1, 1], &["web", "shop"])),
        returned_at: Some(vec![i64::MAX, 1_704_100_000, i64::MAX, 1_709_300_000]),
    }
}

#[test]
fn every_format_reads_back_identical_columns() {
    let folder = folder();
    for name in ["o.csv", "o.csv.gz", "o.jsonl", "o.jsonl.gz", "o.parquet"] {
        let path = folder.path().join(name);
        write_orders(&path, [Ok::<_, tenure_io::Error>(orders())]).unwrap();
        let (back, report) = read_orders(&path, &OrderMapping::default(), &ReadOptions::default()).unwrap();
        assert_eq!(back, orders(), "{name}");
        assert_eq!(report.gzip, name.ends_with(".gz"));
    }
}

#[test]
fn batches_follow_each_other_and_unfinished_files_leave_nothing() {
    let folder = folder();
    for name in ["o.csv", "o.jsonl.gz", "o.parquet"] {
        let path = folder.path().join(name);
        let mut writer = OrderWriter::create(&path).unwrap();
        writer.write(&orders()).unwrap();
        drop(writer);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        write_orders(&path, [Ok::<_, tenure_io::Error>(orders()), Ok(orders())]).unwrap();
        let (back, report) = read_orders(&path, &OrderMapping::default(), &ReadOptions::default()).unwrap();
        assert_eq!((back.len(), report.duplicate_lines.count), (8, 4));
        std::fs::remove_file(&path).unwrap();
    }
    let mut short = orders();
    short.amount.pop();
    let error = write_orders(&folder.path().join("o.csv"), [Ok::<_, tenure_io::Error>(short)]).unwrap_err();
    assert_eq!(error.to_string(), "values in a column of orders: expected 4, found 3");
}

#[test]
fn tables_are_written_as_said() {
    let folder = folder();
    let texts = ["a,b".to_owned(), String::new()];
    let columns = [
        ColumnValues::Texts(&texts),
        ColumnValues::Numbers(&[0.1, f64::NAN]),
        ColumnValues::Flags(&[true, false]),
        ColumnValues::Instants(&[0, i64::MAX]),
        ColumnValues::Integers(&[-1, 2]),
    ];
    let written = |name: &str| {
        let path = folder.path().join(name);
        let mut writer = TableWriter::create(&path, &["id", "p", "risk", "at", "n"]).unwrap();
        writer.write(&columns).unwrap();
        assert!(
            writer
                .write(&columns[1..])
                .unwrap_err()
                .to_string()
                .contains("columns to write: expected 5, found 4")
        );
        writer.finish().unwrap();
        std::fs::read_to_string(path).unwrap()
    };
    assert_eq!(written("t.csv"), "id,p,risk,at,n\n\"a,b\",0.1,true,1970-01-01T00:00:00Z,-1\n,,false,,2\n");
    assert_eq!(
        written("t.jsonl"),
        "{\"id\":\"a,b\",\"p\":0.1,\"risk\":true,\"at\":\"1970-01-01T00:00:00Z\",\"n\":-1}\n\
         {\"id\":null,\"p\":null,\"risk\":false,\"at\":null,\"n\":2}\n"
    );
}

#[test]
fn tables_in_parquet_read_back_with_their_types() {
    let folder = folder();
    let path = folder.path().join("t.parquet");
    let texts = ["a,b".to_owned(), String::new()];
    let mut writer = TableWriter::create(&path, &["id", "p", "risk", "at", "n"]).unwrap();
    let batch = [
        ColumnValues::Texts(&texts),
        ColumnValues::Numbers(&[0.1, f64::NAN]),
        ColumnValues::Flags(&[true, false]),
        ColumnValues::Instants(&[86_400, i64::MAX]),
        ColumnValues::Integers(&[-1, 2]),
    ];
    writer.write(&batch).unwrap();
    writer.write(&batch).unwrap();
    assert!(!path.exists());
    writer.finish().unwrap();
    let (data, report) = tenure_io::read_table(&path, &tenure_io::TableOptions::default()).unwrap();
    assert_eq!((data.rows(), report.layout.as_str()), (4, "Parquet"));
    let column = |name: &str| {
        let at = data.schema().names().position(|n| n == name).unwrap();
        data.x().column(at).iter().take(2).copied().collect::<Vec<_>>()
    };
    assert_eq!(column("n"), [-1.0, 2.0]);
    assert_eq!(column("risk"), [1.0, 0.0]); // the levels `false` and `true`
    assert!(
        column("p")[0] == 0.1
            && column("p")[1].is_nan()
            && column("id")[1].is_nan()
            && column("at")[1].is_nan()
    );

    let unknown = TableWriter::create(&folder.path().join("none.parquet"), &["id"]).unwrap();
    assert!(unknown.finish().unwrap_err().to_string().ends_with("none.parquet: not a batch was written"));
}
