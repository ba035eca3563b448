//! Snapshots: which instants, whom, which labels, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::sync::Mutex;

use support::{DAY, Row, log, row};
use tenure_core::{CancelToken, FitContext, Progress, ProgressSink};
use tenure_features::{
    Churned, Every, FeatureSet, FutureSpend, OrderColumns, OrderLog, SnapshotPlan, Timestamp, labelled_set,
    scoring_set, training_set, training_set_with,
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn weekly(customer: &str, from: &str, weeks: i64) -> Vec<Row> {
    let from = at(from);
    (0..weeks).map(|w| row(customer, from.plus_days(7 * w).seconds(), 10.0)).collect()
}

fn instants(plan: &SnapshotPlan, log: &OrderLog, until: Option<&str>) -> Vec<String> {
    plan.instants(log, until.map(at)).unwrap().iter().map(Timestamp::to_string).collect()
}

#[test]
fn snapshots_are_counted_back_by_the_calendar() {
    let log = log(&weekly("a", "2023-01-01", 80));
    // 90 days before 2024-06-29 is 2024-03-31: February is a leap one, and the 31st comes back after it.
    let plan = SnapshotPlan { max_snapshots: Some(4), ..SnapshotPlan::default() };
    assert_eq!(
        instants(&plan, &log, Some("2024-06-29")),
        ["2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31"]
    );
    let plan = SnapshotPlan { every: Every::Days(100), ..SnapshotPlan::default() };
    assert_eq!(instants(&plan, &log, Some("2024-06-29")), ["2023-09-13", "2023-12-22", "2024-03-31"]);
    // Without `until`, the coverage ends with the last line's day: 2024-07-07.
    let plan = SnapshotPlan { max_snapshots: Some(1), ..SnapshotPlan::default() };
    assert_eq!(instants(&plan, &log, None), ["2024-04-09"]);
}

#[test]
fn no_snapshot_has_a_window_that_is_not_over() {
    let log = log(&weekly("a", "2023-01-01", 80));
    let plan = SnapshotPlan::default();
    let end = log.coverage_end(None).unwrap();
    let all = plan.instants(&log, None).unwrap();
    assert!(all.iter().all(|i| i.plus_days(90) <= end));
    assert_eq!(all.last().map(|i| i.plus_days(90)), Some(end));
    let error = labelled_set(
        &log,
        &plan,
        end.plus_days(-89),
        None,
        &FeatureSet::default(),
        &[&Churned],
        &FitContext::new(0),
    );
    assert_eq!(
        error.unwrap_err().to_string(),
        "the 90 days from 2024-04-10 are not over: the log covers events up to 2024-07-08"
    );
}

#[test]
fn label_windows_hold_their_begin_and_not_their_end() {
    let as_of = at("2024-01-01");
    let churned = |next: i64| {
        let mut rows = weekly("a", "2023-10-01", 5);
        rows.push(row("a", as_of.seconds() + next, 4.0));
        rows.push(row("z", at("2024-12-31").seconds(), 1.0)); // so that the log covers the window
        let labels: [&dyn tenure_features::FutureLabel; 2] = [&Churned, &FutureSpend];
        let (plan, set, context) = (SnapshotPlan::default(), FeatureSet::default(), FitContext::new(0));
        let table = labelled_set(&log(&rows), &plan, as_of, None, &set, &labels, &context).unwrap();
        let value = |name| table.data().target_named(name).unwrap().values()[0];
        (value("churned"), value("future_spend"))
    };
    assert_eq!(churned(0), (0.0, 4.0));
    assert_eq!(churned(90 * DAY - 1), (0.0, 4.0));
    assert_eq!(churned(90 * DAY), (1.0, 0.0));
    assert_eq!(churned(-1), (1.0, 0.0));
}

#[test]
fn the_population_has_enough_orders_and_one_of_late() {
    let t = 1000 * DAY;
    let rows = [
        row("once", t - 5 * DAY, 1.0),
        row("stale", t - 300 * DAY, 1.0),
        row("stale", t - 180 * DAY - 1, 1.0),
        row("edge", t - 300 * DAY, 1.0),
        row("edge", t - 180 * DAY, 1.0),
        row("returner", t - 9 * DAY, 1.0),
        row("returner", t - 8 * DAY, -1.0),
    ];
    let score = |min_orders| {
        let plan = SnapshotPlan { min_orders, ..SnapshotPlan::default() };
        let as_of = Timestamp::from_seconds(t);
        let set = FeatureSet::default();
        let table = scoring_set(&log(&rows), &plan, as_of, &set, &FitContext::new(0))?;
        Ok::<_, tenure_features::Error>(table.customer_ids().map(str::to_owned).collect::<Vec<_>>())
    };
    assert_eq!(score(2).unwrap(), ["edge"]);
    assert_eq!(score(1).unwrap(), ["edge", "once", "returner"]);
    assert_eq!(
        score(3).unwrap_err().to_string(),
        "no customer at 1972-09-27 has 3 orders or more in all and one within the 180 days before"
    );
}

#[test]
fn rows_are_sorted_and_equal_on_any_number_of_threads() {
    let mut rows = Vec::new();
    for c in 0..3000i64 {
        let name = format!("c{:04}", c * 7919 % 3000);
        rows.extend((0..6).map(|k| row(&name, (c % 97 + k * (40 + c % 31)) * DAY, 1.0 + (c + k) as f64)));
    }
    let log = log(&rows);
    let build = |threads| {
        let context = FitContext::new(0).with_threads(threads);
        let labels: [&dyn tenure_features::FutureLabel; 2] = [&Churned, &FutureSpend];
        training_set_with(&log, &SnapshotPlan::default(), None, &FeatureSet::default(), &labels, &context)
            .unwrap()
    };
    let (one, eight) = (build(1), build(8));
    let bits =
        |t: &tenure_features::SnapshotTable| t.data().x().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&one), bits(&eight));
    assert_eq!(one.data().targets(), eight.data().targets());
    let data = one.data();
    let keys: Vec<(i64, u64)> =
        data.times().unwrap().iter().copied().zip(data.groups().unwrap().iter().copied()).collect();
    assert!(keys.is_sorted() && keys.len() > 5000, "{}", keys.len());
    for (i, id) in one.customer_ids().enumerate() {
        assert_eq!(log.customer_index(id), Some(keys[i].1 as usize));
    }
}

#[test]
fn long_work_reports_and_stops() {
    #[derive(Default)]
    struct Seen(Mutex<Vec<u64>>);
    impl ProgressSink for Seen {
        fn report(&self, progress: Progress<'_>) {
            assert_eq!(progress.total, Some(1));
            self.0.lock().unwrap().push(progress.done);
        }
    }
    let log = log(&weekly("a", "2023-01-01", 80));
    let (plan, set, seen) = (SnapshotPlan::default(), FeatureSet::default(), Seen::default());
    training_set(&log, &plan, None, &set, &FitContext::new(0).with_progress(&seen)).unwrap();
    assert_eq!(*seen.0.lock().unwrap(), [1]);
    let cancel = CancelToken::default();
    cancel.cancel();
    let error = training_set(&log, &plan, None, &set, &FitContext::new(0).with_cancel(cancel)).unwrap_err();
    assert_eq!(error.to_string(), "cancelled while building features");
}

#[test]
fn what_does_not_fit_is_said_in_words() {
    let short = log(&weekly("a", "2024-01-01", 20));
    let plan = SnapshotPlan::default();
    assert_eq!(
        plan.instants(&short, None).unwrap_err().to_string(),
        "not enough history: 134 days of orders up to 2024-05-14, at least 270 needed (180 before the \
         snapshot and 90 after it)"
    );
    let score = |as_of| scoring_set(&short, &plan, at(as_of), &FeatureSet::default(), &FitContext::new(0));
    assert_eq!(
        score("2026-01-01").unwrap_err().to_string(),
        "no orders in the date range 2025-07-05 to 2026-01-01"
    );
    let bad = SnapshotPlan { prediction_days: 0, ..plan };
    assert_eq!(
        bad.instants(&short, None).unwrap_err().to_string(),
        "parameter `prediction_days` is 0; expected 1 to 36500"
    );
}

#[test]
fn bad_columns_are_named_with_their_row() {
    let columns = || {
        let mut columns =
            OrderColumns { time: vec![1, 2], amount: vec![1.0, 2.0], ..OrderColumns::default() };
        columns.customer.codes = vec![0, 0];
        columns.customer.names = vec!["a".to_owned()].into();
        columns
    };
    let refused = |change: fn(&mut OrderColumns)| {
        let mut columns = columns();
        change(&mut columns);
        OrderLog::from_columns(columns).unwrap_err().to_string()
    };
    assert_eq!(OrderLog::from_columns(columns()).unwrap().orders(), 2);
    assert_eq!(refused(|c| c.amount[1] = f64::NAN), "column `amount`, row 1: NaN; expected a finite number");
    assert_eq!(refused(|c| c.amount.truncate(1)), "column `amount` has 1 values; expected 2, one a line");
    assert_eq!(
        refused(|c| c.customer.codes[1] = tenure_features::columns::NO_CODE),
        "column `customer`, row 1: no customer; every line needs one"
    );
    assert_eq!(
        refused(|c| c.customer.codes[0] = 7),
        "column `customer`, row 0: code 7 has no name; there are 1 names"
    );
    assert_eq!(
        refused(|c| c.discount = Some(vec![f64::NAN, -1.0])),
        "column `discount`, row 1: -1; expected a finite number, at least 0, or NaN where not known"
    );
    assert!(refused(|c| c.time[0] = i64::MAX).starts_with("column `time`, row 0: 9223372036854775807 s"));
}
