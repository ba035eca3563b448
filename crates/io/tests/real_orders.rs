//! Real order logs: the counts that the data sets' page states.

#![allow(clippy::unwrap_used, reason = "a test or measurement may stop at once")]

mod common;

use common::data;
use tenure_io::{OrderMapping, ReadOptions, read_orders};

#[test]
fn cdnow_master_is_read_by_its_names() {
    let Some(path) = data("cdnow/CDNOW_master.txt.gz") else { return };
    let (_, report) = read_orders(&path, &OrderMapping::default(), &ReadOptions::default()).unwrap();
    assert_eq!((report.lines, report.kept, report.customers), (69_659, 69_659, 23_570));
    assert!((report.amount_sum - 2_500_315.63).abs() < 0.005, "{}", report.amount_sum);
    assert_eq!(
        (report.first.to_string(), report.last.to_string()),
        ("1997-01-01".into(), "1998-06-30".into())
    );
    assert_eq!((report.duplicate_lines.count, report.zero_lines.count), (255, 80));
    assert_eq!((report.separator.as_str(), report.time_format.as_str()), ("blanks", "YYYYMMDD"));
}

#[test]
fn cdnow_sample_is_read_by_column_numbers() {
    let Some(path) = data("cdnow/CDNOW_sample.txt") else { return };
    let column = |n: &str| Some(n.to_owned());
    let mapping = OrderMapping {
        customer: column("1"),
        time: column("3"),
        amount: column("5"),
        ..OrderMapping::default()
    };
    let (_, report) = read_orders(&path, &mapping, &ReadOptions::default()).unwrap();
    assert_eq!((report.lines, report.customers, report.header), (6919, 2357, false));
}

#[test]
fn online_retail_keeps_cancellations_and_counts_the_rest() {
    let Some(path) = data("online_retail_2009_2010/online_retail_II_2009_2010.csv.gz") else { return };
    let (columns, report) = read_orders(&path, &OrderMapping::default(), &ReadOptions::default()).unwrap();
    assert_eq!((report.lines, report.without_customer.count, report.customers), (525_461, 107_927, 4383));
    assert_eq!(report.kept, 525_461 - 107_927);
    assert_eq!(report.duplicate_lines.count, 6865);
    assert!(report.negative_lines.count > 9000, "{}", report.negative_lines.count);
    assert_eq!(columns.quantity.unwrap().len(), columns.amount.len());
}
