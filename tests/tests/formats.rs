//! Generated orders in every file format, read back as the same log.

use tenure_churn::{ChurnParams, train};
use tenure_core::{FitContext, Model};
use tenure_features::{CodedColumn, OrderColumns, OrderLog};
use tenure_io::{OrderMapping, OrderWriter, ReadOptions, read_orders};
use tenure_tests::{SEED, orders, world};

const CUSTOMERS: usize = 400;

/// The column's texts; codes count differently where a file names the levels in another order.
fn texts(column: &CodedColumn) -> Vec<Option<&str>> {
    column.codes.iter().map(|&code| column.names.get(code as usize).map(String::as_str)).collect()
}

#[track_caller]
fn assert_same(found: &OrderColumns, expected: &OrderColumns) {
    assert_eq!(found.time, expected.time);
    assert_eq!(found.amount, expected.amount);
    assert_eq!(found.quantity, expected.quantity);
    assert_eq!(found.discount, expected.discount);
    assert_eq!(found.order, expected.order);
    assert_eq!(found.returned_at, expected.returned_at);
    assert_eq!(texts(&found.customer), texts(&expected.customer));
    assert_eq!(found.category.as_ref().map(texts), expected.category.as_ref().map(texts));
    assert_eq!(found.channel.as_ref().map(texts), expected.channel.as_ref().map(texts));
}

#[test]
fn every_format_written_in_batches_holds_the_generated_orders() {
    let generated = orders(CUSTOMERS).unwrap();
    let end = world(CUSTOMERS).unwrap().end();
    let folder = tempfile::tempdir().unwrap();
    let params =
        ChurnParams { backend: ChurnParams::backend_named("logistic").unwrap(), ..ChurnParams::default() };
    let learned = |orders: OrderColumns, threads: usize| {
        let log = OrderLog::from_columns(orders).unwrap();
        let context = FitContext::new(SEED).with_threads(threads);
        train(&log, &params, Some(end.plus_days(-1)), &context).unwrap().model.to_artifact()
    };
    let mut seen: Option<(OrderColumns, tenure_core::Artifact)> = None;
    for name in ["o.csv", "o.csv.gz", "o.jsonl", "o.jsonl.gz", "o.parquet"] {
        let path = folder.path().join(name);
        let mut writer = OrderWriter::create(&path).unwrap();
        for batch in world(CUSTOMERS).unwrap().batches(SEED, 150) {
            writer.write(&batch.orders).unwrap();
        }
        writer.finish().unwrap();
        let (found, report) = read_orders(&path, &OrderMapping::default(), &ReadOptions::default()).unwrap();
        assert_eq!((report.kept, report.customers), (generated.len() as u64, 400), "{name}");
        assert_same(&found, &generated);
        match &seen {
            None => seen = Some((found.clone(), learned(found, 1))),
            Some((columns, model)) => {
                assert!(found == *columns, "{name}");
                assert!(learned(found, 2) == *model, "{name}");
            }
        }
    }
}
