//! The features: by hand, against the naive oracle, and blind to the future.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::collections::BTreeMap;

use proptest::prelude::*;
use support::{DAY, Row, any_new_rows, any_rows, log, oracle, row};
use tenure_core::FitContext;
use tenure_features::{
    AsOf, AsOfFeature, Churned, FeatureSet, OrderFeatures, OrderLog, OrderLogBuilder, SnapshotPlan,
    Timestamp, labelled_set, scoring_set, training_set,
};

fn features(log: &OrderLog, customer: &str, instant: i64) -> BTreeMap<String, f64> {
    let set = FeatureSet::default();
    let values = set.row(log, customer, Timestamp::from_seconds(instant)).unwrap();
    set.schema().names().map(str::to_owned).zip(values).collect()
}

#[test]
fn a_short_history_by_hand() {
    let t = 1000 * DAY;
    let mut rows = vec![
        row("ann", t - 200 * DAY, 10.0),
        row("ann", t - 100 * DAY, 20.0),
        row("ann", t - 100 * DAY, 5.0), // the same instant: the same order
        row("ann", t - 20 * DAY, 25.0),
        row("ann", t - 10 * DAY, -15.0), // a return
        row("bob", t - 1, 1.0),
    ];
    rows[2].quantity = Some(3.0);
    rows[3].quantity = Some(1.0);
    rows[1].category = Some("tea".into());
    rows[2].category = Some("jam".into());
    rows[3].category = Some("tea".into());
    let log = log(&rows);
    assert_eq!((log.lines(), log.orders(), log.customers()), (6, 4, 2));
    let f = features(&log, "ann", t);
    let is = |name: &str, value: f64| assert!((f[name] - value).abs() < 1e-12, "{name}: {}", f[name]);
    is("recency_days", 20.0);
    is("orders_window", 2.0);
    is("spend_window", 50.0);
    is("average_order_value", 25.0);
    is("orders_lifetime", 3.0);
    is("spend_lifetime", 60.0);
    is("gap_mean_days", 90.0);
    is("gap_sd_days", 200.0f64.sqrt());
    is("gap_regularity", 90.0 / (90.0 + 200.0f64.sqrt()));
    is("spend_trend", 0.0);
    is("active_months_share", 2.0 / 6.0);
    is("tenure_days", 200.0);
    is("days_to_second_order", 100.0);
    is("category_variety", 2.0);
    is("basket_size", 2.0);
    is("return_rate", 0.25);
    assert!(f["discount_affinity"].is_nan() && f["channel_concentration"].is_nan());
    // Before the only return of the log, nobody could know that it records any.
    assert!(features(&log, "ann", t - 10 * DAY)["return_rate"].is_nan());
    assert_eq!(features(&log, "bob", t)["return_rate"], 0.0);
}

#[test]
fn an_order_at_the_instant_is_the_future_and_one_second_before_is_not() {
    let log = log(&[row("ann", 99 * DAY, 1.0), row("ann", 100 * DAY, 2.0)]);
    assert_eq!(features(&log, "ann", 100 * DAY)["orders_lifetime"], 1.0);
    let f = features(&log, "ann", 100 * DAY + 1);
    assert_eq!((f["orders_lifetime"], f["recency_days"]), (2.0, 1.0 / DAY as f64));
    // The window begins with its first instant.
    assert_eq!(features(&log, "ann", 130 * DAY)["orders_30d"], 1.0);
    assert_eq!(features(&log, "ann", 130 * DAY + 1)["orders_30d"], 0.0);
}

#[test]
fn an_order_under_way_is_seen_as_far_as_it_got() {
    let line = |time: i64, amount: f64| Row { order: Some("o".into()), ..row("ann", time, amount) };
    let log = log(&[line(10 * DAY, 5.0), line(12 * DAY, 7.0), row("ann", 11 * DAY, 1.0)]);
    assert_eq!(log.orders(), 2);
    assert_eq!(features(&log, "ann", 12 * DAY)["spend_lifetime"], 6.0);
    let f = features(&log, "ann", 12 * DAY + 1);
    assert_eq!(
        (f["spend_lifetime"], f["orders_lifetime"], f["recency_days"]),
        (13.0, 2.0, 1.0 + 1.0 / DAY as f64)
    );
}

#[test]
fn a_regular_customer_has_a_deviation_of_exactly_zero() {
    let rows: Vec<Row> = (0..50).map(|i| row("ann", i * 1_234_567, 3.3)).collect();
    let f = features(&log(&rows), "ann", 100_000_000);
    assert_eq!((f["gap_sd_days"], f["gap_regularity"]), (0.0, 1.0));
}

#[test]
fn views_narrow_and_name_what_they_hold() {
    struct Texts;
    impl AsOfFeature for Texts {
        fn feature(&self) -> tenure_core::Feature {
            tenure_core::Feature::numeric("texts", "", "")
        }
        fn compute(&self, view: &AsOf<'_>) -> f64 {
            assert_eq!(view.purchases().len(), 2);
            assert_eq!(view.purchases().next_back().unwrap().time(), view.last_purchase().unwrap().time());
            assert_eq!(view.window(15).purchases().len(), 1);
            assert_eq!(view.returns().len(), 1);
            let last = view.last_purchase().unwrap();
            assert_eq!(last.channel(), Some("web"));
            assert_eq!(last.categories().collect::<Vec<_>>(), ["tea"]);
            assert_eq!((last.quantity(), last.discount(), last.lines()), (None, Some(1.5), 1));
            view.spend()
        }
    }
    let mut rows =
        vec![row("a", 0, 1.0), row("a", 10 * DAY, 2.0), row("a", 11 * DAY, -1.0), row("a", 20 * DAY, 9.0)];
    rows[1].channel = Some("web".into());
    rows[1].category = Some("tea".into());
    rows[1].discount = Some(1.5);
    let set = FeatureSet::default().with(Texts).unwrap();
    let values = set.row(&log(&rows), "a", Timestamp::from_seconds(20 * DAY)).unwrap();
    assert_eq!(values.last(), Some(&3.0));
    assert!(set.with(Texts).unwrap_err().to_string().contains("`texts` occurs twice"));
}

#[test]
fn extreme_instants_and_amounts_do_not_panic() {
    let log = log(&[row("a", 0, f64::MAX), row("a", 5, f64::MIN_POSITIVE), row("a", 6, f64::MAX)]);
    for instant in [i64::MIN, -1, 0, 1, 6, 7, i64::MAX] {
        assert_eq!(features(&log, "a", instant).len(), OrderFeatures::width());
    }
    let empty = OrderLogBuilder::new().build().unwrap();
    assert!(FeatureSet::default().row(&empty, "a", Timestamp::default()).is_err());
}

/// Bits, so that NaN equals itself and -0 does not equal 0.
fn bits(values: impl IntoIterator<Item = f64>) -> Vec<u64> {
    values.into_iter().map(f64::to_bits).collect()
}

fn plan() -> SnapshotPlan {
    SnapshotPlan { min_history_days: Some(30), ..SnapshotPlan::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Features over random logs equal those computed from the bare lines, alone and in a training set.
    #[test]
    fn features_equal_the_naive_ones(rows in any_rows(0, 700, 80), extra in 0i64..DAY) {
        let log = log(&rows);
        for customer in log.customer_ids() {
            for instant in [250 * DAY, 400 * DAY + extra, 700 * DAY] {
                let found = features(&log, customer, instant);
                let naive = oracle(&rows, customer, instant, 180);
                prop_assert_eq!(naive.len(), OrderFeatures::width(), "the oracle lacks a feature");
                for (name, expected) in naive {
                    let value = found[name];
                    let same = (value.is_nan() && expected.is_nan())
                        || (value - expected).abs() <= 1e-9 * expected.abs().max(1.0);
                    prop_assert!(same, "{customer} {instant} {name}: {value}, expected {expected}");
                }
            }
        }
        let until = Some(Timestamp::from_seconds(700 * DAY));
        if let Ok(table) = training_set(&log, &plan(), until, &FeatureSet::default(), &FitContext::new(0)) {
            let times = table.data().times().unwrap();
            for (i, customer) in table.customer_ids().enumerate() {
                let alone = FeatureSet::default().row(&log, customer, Timestamp::from_seconds(times[i])).unwrap();
                prop_assert_eq!(bits(alone), bits(table.data().row(i).iter().copied()));
            }
        }
    }

    /// Whatever happens to the events at or after the instant, no feature changes by a single bit.
    #[test]
    fn the_future_changes_no_feature(
        past in any_rows(0, 400, 60),
        future in any_rows(400, 700, 40),
        other in any_new_rows(400, 700, 40),
        // The future of one log begins at the instant itself.
        at_instant in any_new_rows(400, 401, 3),
    ) {
        let instant = 400 * DAY;
        let mut past = past;
        let mut changed = past.clone();
        for (row, other) in past.iter_mut().zip(&mut changed) {
            // What was returned later: an event of the future, too.
            if row.returned_at.is_some_and(|at| at >= instant) {
                other.returned_at = None;
            } else if row.amount > 0.0 && row.returned_at.is_none() {
                other.returned_at = Some(instant);
            }
        }
        let now = log(&[past.clone(), future].concat());
        let then = log(&[
            other,
            changed,
            at_instant.into_iter().map(|r| Row { time: instant, ..r }).collect(),
        ].concat());
        let set = FeatureSet::default();
        let as_of = Timestamp::from_seconds(instant);
        for customer in past.iter().map(|r| r.customer.as_str()) {
            let (a, b) = (set.row(&now, customer, as_of).unwrap(), set.row(&then, customer, as_of).unwrap());
            prop_assert_eq!(bits(a), bits(b), "{}", customer);
        }
        let score = |log: &OrderLog| scoring_set(log, &plan(), as_of, &set, &FitContext::new(0));
        match (score(&now), score(&then)) {
            (Ok(a), Ok(b)) => {
                prop_assert_eq!(bits(a.data().x().iter().copied()), bits(b.data().x().iter().copied()));
                prop_assert!(a.customer_ids().eq(b.customer_ids()));
            }
            (Err(a), Err(b)) => prop_assert_eq!(a.to_string(), b.to_string()),
            _ => prop_assert!(false, "the population changed"),
        }
    }

    /// The order of input does not matter where instants differ.
    #[test]
    fn the_order_of_input_does_not_matter(rows in any_rows(0, 400, 60), seed in any::<u64>()) {
        let mut rows = rows;
        for (i, row) in rows.iter_mut().enumerate() {
            row.time += i as i64; // ties would keep the order of input, as documented
        }
        rows.sort_by_key(|r| r.time);
        rows.dedup_by_key(|r| r.time);
        let order = tenure_core::seed::permutation(rows.len(), seed);
        let shuffled: Vec<Row> = order.into_iter().map(|i| rows[i].clone()).collect();
        let (a, b) = (log(&rows), log(&shuffled));
        prop_assert_eq!(a.customer_ids(), b.customer_ids());
        for customer in a.customer_ids() {
            let instant = Timestamp::from_seconds(400 * DAY);
            let set = FeatureSet::default();
            let (a, b) = (set.row(&a, customer, instant).unwrap(), set.row(&b, customer, instant).unwrap());
            prop_assert_eq!(bits(a), bits(b));
        }
    }
}

#[test]
fn the_future_changes_the_label() {
    let mut rows = vec![row("ann", 0, 1.0), row("ann", 100 * DAY, 1.0), row("bob", 300 * DAY, 1.0)];
    let as_of = Timestamp::from_seconds(120 * DAY);
    let label = |rows: &[Row]| {
        let (set, context) = (FeatureSet::default(), FitContext::new(0));
        let table = labelled_set(&log(rows), &plan(), as_of, None, &set, &[&Churned], &context).unwrap();
        table.data().target().unwrap().values().to_vec()
    };
    assert_eq!(label(&rows), [1.0]);
    rows.push(row("ann", 120 * DAY, 1.0));
    assert_eq!(label(&rows), [0.0]);
}
