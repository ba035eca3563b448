//! Order logs: determinism, what a log may hold, and the calibration of both truths.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

use std::collections::{HashMap, HashSet};

use tenure_features::{OrderColumns, Timestamp};
use tenure_synth::orders::RETURN_DAYS;
use tenure_synth::{OrderLog, OrderParams, OrderWorld};

const DAY: i64 = 86_400;

fn world(customers: usize, change: impl FnOnce(&mut OrderParams)) -> OrderWorld {
    let mut params = OrderParams { customers, ..OrderParams::default() };
    change(&mut params);
    params.check().unwrap()
}

/// Every line as bytes, with names for codes, so that logs of other batch sizes can be compared.
fn bytes(log: &OrderLog) -> Vec<u8> {
    let c = &log.orders;
    let mut bytes = Vec::new();
    for row in 0..c.len() {
        bytes.extend_from_slice(c.customer.names[c.customer.codes[row] as usize].as_bytes());
        bytes.extend_from_slice(&c.time[row].to_le_bytes());
        bytes.extend_from_slice(&c.order.as_ref().unwrap()[row].to_le_bytes());
        for column in [Some(&c.amount), c.quantity.as_ref(), c.discount.as_ref()] {
            bytes.extend_from_slice(&column.unwrap()[row].to_bits().to_le_bytes());
        }
        for column in [&c.category, &c.channel] {
            let column = column.as_ref().unwrap();
            bytes.extend_from_slice(column.names[column.codes[row] as usize].as_bytes());
        }
    }
    bytes
}

#[test]
fn same_seed_same_bytes_on_any_threads_and_in_any_batches() {
    let world = world(20_000, |p| p.months = 8);
    let log = world.generate(42, 1).unwrap();
    for threads in [2, 5, 8] {
        let other = world.generate(42, threads).unwrap();
        assert_eq!(other.orders, log.orders);
        assert_eq!(other.truth, log.truth);
    }
    let expected = bytes(&log);
    for size in [1, 777, 1_000_000] {
        let batched: Vec<u8> = world.batches(42, size).flat_map(|b| bytes(&b)).collect();
        assert!(batched == expected, "batches of {size}");
    }
    assert_ne!(world.generate(43, 1).unwrap().orders, log.orders);
    let instants = [world.end().plus_days(-90), world.end()];
    let (one, eight) = (1, 8);
    assert_eq!(
        world.truth_rows(&log, &instants, 90, one).unwrap(),
        world.truth_rows(&log, &instants, 90, eight).unwrap()
    );
}

#[test]
fn more_customers_leave_the_first_ones_as_they_were() {
    let few = bytes(&world(100, |_| ()).generate(5, 1).unwrap());
    let many = bytes(&world(300, |_| ()).generate(5, 1).unwrap());
    assert!(many.starts_with(&few));
}

#[test]
fn lines_lie_in_the_period_in_order_and_returns_follow_their_order() {
    let world = world(5_000, |p| p.return_share = 0.3);
    let log = world.generate(1, 1).unwrap();
    let c = &log.orders;
    let orders = c.order.as_ref().unwrap();
    let mut sold: HashMap<(u32, u32), Vec<usize>> = HashMap::new();
    let mut returns = 0;
    for (row, &order) in orders.iter().enumerate() {
        assert!((world.start().seconds()..world.end().seconds()).contains(&c.time[row]));
        let cents = c.amount[row] * 100.0;
        assert!((cents - cents.round()).abs() < 1e-6 && cents != 0.0, "{}", c.amount[row]);
        if row > 0 {
            let key = |r: usize| (c.customer.codes[r], c.time[r]);
            assert!(key(row - 1) <= key(row), "rows are sorted by customer and time");
        }
        let key = (c.customer.codes[row], order);
        if c.amount[row] > 0.0 {
            sold.entry(key).or_default().push(row);
            continue;
        }
        returns += 1;
        let line = sold[&key].iter().find(|&&r| c.amount[r] == -c.amount[row]).unwrap();
        let delay = c.time[row] - c.time[*line];
        assert!((RETURN_DAYS.0 * DAY..RETURN_DAYS.1 * DAY).contains(&delay));
        assert_eq!(c.quantity.as_ref().unwrap()[row], -c.quantity.as_ref().unwrap()[*line]);
    }
    assert!(returns > 5_000);
    // The order codes count the orders of the whole log without a gap.
    let codes: HashSet<u32> = orders.iter().copied().collect();
    assert_eq!(codes.len(), *codes.iter().max().unwrap() as usize + 1);
    assert_eq!(codes.len(), sold.len());
    let everybody: HashSet<u32> = c.customer.codes.iter().copied().collect();
    assert_eq!(everybody.len(), 5_000);
    assert_eq!(c.customer.names[42], "C0000042");
}

/// Orders per day in two stretches of days, the first over the second.
fn pace(columns: &OrderColumns, start: Timestamp, first: (i64, i64), second: (i64, i64)) -> f64 {
    let mean = |(from, to): (i64, i64)| {
        let range = start.plus_days(from).seconds()..start.plus_days(to).seconds();
        columns.time.iter().filter(|t| range.contains(t)).count() as f64 / (to - from) as f64
    };
    mean(first) / mean(second)
}

#[test]
fn seasons_are_there_and_can_be_switched_off() {
    // Two stationary years: nobody cools off, so that the only trend is that of joining.
    let stationary = |p: &mut OrderParams| {
        p.return_share = 0.0;
        p.cooling_per_year = [0.0; 3];
        p.history_months = 240;
    };
    let seasonal = world(5_000, stationary);
    let flat = world(5_000, |p| {
        stationary(p);
        (p.yearly_season, p.weekly_season, p.hourly_season) = (0.0, 0.0, 0.0);
    });
    let (december, january) = ((330, 355), (375, 400));
    let pace_of =
        |world: &OrderWorld| pace(&world.generate(3, 1).unwrap().orders, world.start(), december, january);
    assert!(pace_of(&seasonal) > 1.6, "{}", pace_of(&seasonal));
    assert!((pace_of(&flat) - 1.0).abs() < 0.08, "{}", pace_of(&flat));
    let nights = |world: &OrderWorld| {
        let log = world.generate(3, 1).unwrap();
        let night = log.orders.time.iter().filter(|t| t.rem_euclid(DAY) < 6 * 3600).count();
        night as f64 / log.orders.len() as f64
    };
    assert!(nights(&seasonal) < 0.10 && (nights(&flat) - 0.25).abs() < 0.01);
}

/// Customers with an order before the instant, with what came: did they order within 90 days?
fn outcomes(world: &OrderWorld, log: &OrderLog, instants: &[Timestamp]) -> Vec<(f64, f64, f64, bool)> {
    let mut times: Vec<Vec<i64>> = vec![Vec::new(); log.orders.customer.names.len()];
    for (row, &customer) in log.orders.customer.codes.iter().enumerate() {
        if log.orders.amount[row] > 0.0 {
            times[customer as usize].push(log.orders.time[row]);
        }
    }
    let rows = world.truth_rows(log, instants, 90, 2).unwrap();
    rows.iter()
        .map(|row| {
            let window = row.instant.seconds()..row.instant.plus_days(90).seconds();
            let times = &times[row.customer as usize];
            let last = times.iter().rev().find(|&&t| t < window.start).unwrap();
            let none = !times.iter().any(|t| window.contains(t));
            (row.latent, row.attainable, (window.start - last) as f64, none)
        })
        .collect()
}

/// Observed less expected, in standard errors, in every tenth of the predictions and overall.
fn worst_deviation(mut predicted: Vec<(f64, bool)>) -> f64 {
    predicted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let deviation = |part: &[(f64, bool)]| {
        let expected: f64 = part.iter().map(|p| p.0).sum();
        let variance: f64 = part.iter().map(|p| p.0 * (1.0 - p.0)).sum();
        let observed = part.iter().filter(|p| p.1).count() as f64;
        ((observed - expected) / variance.sqrt().max(1e-9)).abs()
    };
    let tenth = predicted.len().div_ceil(10);
    predicted.chunks(tenth).map(deviation).fold(deviation(&predicted), f64::max)
}

fn auc(scored: impl Iterator<Item = (f64, bool)>) -> f64 {
    let mut scored: Vec<(f64, bool)> = scored.collect();
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut negatives, mut wins, mut positives) = (0.0, 0.0, 0.0);
    for tied in scored.chunk_by(|a, b| a.0 == b.0) {
        let here = tied.iter().filter(|p| p.1).count() as f64;
        let others = tied.len() as f64 - here;
        wins += here * (negatives + 0.5 * others);
        (positives, negatives) = (positives + here, negatives + others);
    }
    wins / (positives * negatives)
}

#[test]
fn both_truths_are_calibrated_at_every_instant() {
    // Strong marks and many returns, so that a filter that misread them would be found out.
    let worlds = [
        world(40_000, |_| ()),
        world(40_000, |p| {
            (p.return_share, p.cooling_return_share) = (0.1, 0.7);
            (p.discount_share, p.cooling_discount_share) = (0.6, 0.1);
            p.cooling_amount_factor = 0.5;
            p.history_months = 3;
        }),
    ];
    for world in &worlds {
        let logs = [1, 2, 3].map(|seed| world.generate(seed, 2).unwrap());
        let mut all = Vec::new();
        // 2 days after the start only those who ordered at once are known: the log's start must be modelled.
        for day in [2, 20, 100, 340, 500, 640] {
            let instant = [world.start().plus_days(day)];
            let found: Vec<_> = logs.iter().flat_map(|log| outcomes(world, log, &instant)).collect();
            for (name, pick) in [("latent", 0), ("attainable", 1)] {
                let predicted = found.iter().map(|&(l, a, _, none)| ([l, a][pick], none)).collect();
                let worst = worst_deviation(predicted);
                assert!(worst < 4.2, "{name} on day {day}: {worst} standard errors, {} rows", found.len());
            }
            all = found;
        }
        let by = |score: fn(&(f64, f64, f64, bool)) -> f64| auc(all.iter().map(|r| (score(r), r.3)));
        let (latent, attainable, recency) = (by(|r| r.0), by(|r| r.1), by(|r| r.2));
        assert!(latent > attainable && attainable > recency + 0.005, "{latent} {attainable} {recency}");
    }
}

#[test]
fn the_default_world_is_neither_trivial_nor_hopeless() {
    let world = world(20_000, |_| ());
    let log = world.generate(42, 2).unwrap();
    let summary = world.summary(&log, 2).unwrap();
    let churn = summary.churn.clone().unwrap();
    let (attainable, latent) = (churn.attainable_auc.unwrap(), churn.latent_auc.unwrap());
    assert!((0.25..0.45).contains(&churn.churned), "{}", churn.churned);
    assert!((0.78..0.86).contains(&attainable) && latent > attainable, "{attainable} {latent}");
    let each = summary.orders as f64 / summary.customers as f64;
    assert!((8.0..12.0).contains(&each), "{each}");
    let text = summary.to_string();
    assert!(text.contains("Customers: 20000") && text.contains("(the oracle)"), "{text}");
}

#[test]
fn extremes_work() {
    let tiny = world(1, |p| p.months = 1);
    let log = tiny.generate(9, 8).unwrap();
    assert!(!log.orders.is_empty() && log.truth.len() == 1);
    assert!(tiny.summary(&log, 1).unwrap().to_string().contains("too short"));
    assert!(tiny.attainable(&log.orders, &[tiny.end()], 90, 1).unwrap()[[0, 0]] < 1.0);
    assert!(tiny.attainable(&log.orders, &[tiny.start()], 90, 1).unwrap()[[0, 0]].is_nan());

    let still = world(500, |p| {
        p.history_months = 0;
        p.cooling_per_year = [0.0; 3];
        (p.return_share, p.cooling_return_share) = (0.0, 0.0);
        (p.lapse_per_year, p.recovery_per_year, p.return_to_shop_per_year) = (0.0, 0.0, 0.0);
        (p.yearly_season, p.weekly_season, p.hourly_season) = (0.0, 0.0, 0.0);
        (p.gap_days, p.extra_lines) = ([30.0; 3], 0.0);
    });
    let log = still.generate(1, 1).unwrap();
    assert!(log.orders.amount.iter().all(|&a| a > 0.0));
    // Poisson orders at one known rate: none in 90 days has probability e⁻³ for everybody, but for the hazard
    // of 1e-9 a day that stands for 0.
    for row in still.truth_rows(&log, &[still.end()], 90, 1).unwrap() {
        for p in [row.latent, row.attainable] {
            assert!((p - (-3.0_f64).exp()).abs() < 1e-4, "{p}");
        }
    }
}

#[test]
fn questions_that_make_no_sense_are_answered_with_words() {
    let world = world(50, |_| ());
    let log = world.generate(1, 1).unwrap();
    let ask = |orders: &OrderColumns, instant, days| {
        world.attainable(orders, &[instant], days, 1).unwrap_err().to_string()
    };
    let late = world.end().plus_days(1);
    assert_eq!(
        ask(&log.orders, late, 90),
        "parameter `instant` is 2025-01-02; expected an instant within the log"
    );
    assert!(ask(&log.orders, world.end(), 0).contains("expected 1 to 366"));
    let mut damaged = log.orders.clone();
    damaged.order = None;
    assert!(ask(&damaged, world.end(), 90).contains("order codes"));
    let mut damaged = log.orders.clone();
    damaged.amount[3] = f64::NAN;
    assert!(ask(&damaged, world.end(), 90).starts_with("line 3: amount NaN"));
    let mut damaged = log.orders.clone();
    damaged.customer.codes[0] = 50;
    assert!(ask(&damaged, world.end(), 90).contains("customer code 50 has no name"));
}

#[test]
fn rows_in_any_order_get_the_same_answers() {
    let world = world(200, |_| ());
    let log = world.generate(1, 1).unwrap();
    let mut back = log.orders.clone();
    back.customer.codes.reverse();
    back.time.reverse();
    back.amount.reverse();
    back.discount.as_mut().unwrap().reverse();
    back.order.as_mut().unwrap().reverse();
    let instants = [world.end(), world.end().plus_days(-200)];
    let (a, b) = (
        world.attainable(&log.orders, &instants, 90, 1).unwrap(),
        world.attainable(&back, &instants, 90, 1).unwrap(),
    );
    for (a, b) in a.iter().zip(&b) {
        assert!(a.is_nan() && b.is_nan() || (a - b).abs() < 1e-9, "{a} {b}");
    }
    // What comes after an instant cannot matter.
    let mut cut = log.orders.clone();
    let until = instants[1].seconds();
    let keep: Vec<usize> = (0..cut.len()).filter(|&r| cut.time[r] < until).collect();
    cut.customer.codes = keep.iter().map(|&r| cut.customer.codes[r]).collect();
    cut.time = keep.iter().map(|&r| cut.time[r]).collect();
    cut.amount = keep.iter().map(|&r| cut.amount[r]).collect();
    cut.discount = cut.discount.map(|d| keep.iter().map(|&r| d[r]).collect());
    cut.order = cut.order.map(|o| keep.iter().map(|&r| o[r]).collect());
    let c = world.attainable(&cut, &instants[1..], 90, 1).unwrap();
    for (a, c) in a.column(1).iter().zip(&c) {
        assert!(a.to_bits() == c.to_bits() || a.is_nan() && c.is_nan());
    }
}

#[test]
fn expected_spends_are_what_is_spent_on_average() {
    let world = world(40_000, |_| ());
    let log = world.generate(5, 2).unwrap();
    let instant = world.start().plus_days(365);
    let days = 180;
    let window = instant.seconds()..instant.plus_days(days).seconds();
    let mut spent = vec![0.0; log.truth.len()];
    let lines = log.orders.customer.codes.iter().zip(&log.orders.time).zip(&log.orders.amount);
    for ((&customer, time), &amount) in
        lines.filter(|((_, time), amount)| window.contains(time) && **amount > 0.0)
    {
        spent[customer as usize] += amount;
        assert!(*time < window.end);
    }
    let mut rows = world.truth_rows(&log, &[instant], days as u32, 2).unwrap();
    for (name, expected) in [
        ("latent", (|r| r.latent_spend) as fn(&tenure_synth::orders::TruthRow) -> f64),
        ("attainable", |r| r.attainable_spend),
    ] {
        rows.sort_by(|a, b| expected(a).total_cmp(&expected(b)));
        for (part, rows) in rows.chunks(rows.len().div_ceil(5)).enumerate() {
            let off: Vec<f64> = rows.iter().map(|r| spent[r.customer as usize] - expected(r)).collect();
            let spread = off.iter().map(|v| v * v).sum::<f64>().sqrt();
            let z = off.iter().sum::<f64>() / spread;
            assert!(z.abs() < 4.0, "{name}, fifth {part}: {z} standard errors");
            let foretold: f64 = rows.iter().map(expected).sum();
            assert!(part < 2 || spread < 0.03 * foretold, "the test is too weak: {spread} of {foretold}");
        }
    }
    let error = |expected: fn(&tenure_synth::orders::TruthRow) -> f64| {
        rows.iter().map(|r| (expected(r) - spent[r.customer as usize]).powi(2)).sum::<f64>()
    };
    assert!(error(|r| r.latent_spend) < error(|r| r.attainable_spend));
}
