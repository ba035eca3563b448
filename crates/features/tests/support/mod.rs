//! Random logs, and every feature computed anew from the bare lines.

#![allow(dead_code, reason = "every test binary uses a part of it")]

use proptest::prelude::*;
use tenure_features::{OrderLine, OrderLog, OrderLogBuilder, Timestamp};

pub(crate) const DAY: i64 = 86_400;

/// A line that owns its texts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) customer: String,
    pub(crate) time: i64,
    pub(crate) amount: f64,
    pub(crate) quantity: Option<f64>,
    pub(crate) discount: Option<f64>,
    pub(crate) order: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) returned_at: Option<i64>,
}

pub(crate) fn row(customer: &str, time: i64, amount: f64) -> Row {
    Row {
        customer: customer.into(),
        time,
        amount,
        quantity: None,
        discount: None,
        order: None,
        category: None,
        channel: None,
        returned_at: None,
    }
}

pub(crate) fn log(rows: &[Row]) -> OrderLog {
    let mut builder = OrderLogBuilder::new();
    for row in rows {
        builder.push(OrderLine {
            customer: &row.customer,
            time: Timestamp::from_seconds(row.time),
            amount: row.amount,
            quantity: row.quantity,
            discount: row.discount,
            order: row.order.as_deref(),
            category: row.category.as_deref(),
            channel: row.channel.as_deref(),
            returned_at: row.returned_at.map(Timestamp::from_seconds),
        });
    }
    builder.build().unwrap()
}

fn any_row(from_day: i64, to_day: i64, customers: &'static [&'static str]) -> impl Strategy<Value = Row> {
    let amount = prop_oneof![6 => 0.01..500.0, 1 => -200.0..-0.01, 1 => Just(0.0)];
    // Whole days make ties and boundary hits likely.
    let time = prop_oneof![(from_day..to_day).prop_map(|d| d * DAY), (from_day * DAY..to_day * DAY),];
    let code = |names: &'static [&'static str]| {
        proptest::option::of(proptest::sample::select(names)).prop_map(|n| n.map(str::to_owned))
    };
    (
        proptest::sample::select(customers),
        time,
        amount,
        proptest::option::of(0.0..20.0),
        proptest::option::of(prop_oneof![Just(0.0), 0.1..9.0]),
        code(&["o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8"]),
        code(&["tea", "jam", "soap", "ink"]),
        code(&["web", "shop", "app"]),
        proptest::option::weighted(0.2, from_day * DAY..to_day * DAY),
    )
        .prop_map(
            |(customer, time, amount, quantity, discount, order, category, channel, returned_at)| Row {
                customer: customer.into(),
                time,
                amount,
                quantity,
                discount,
                order,
                category,
                channel,
                returned_at,
            },
        )
}

pub(crate) fn any_rows(from_day: i64, to_day: i64, most: usize) -> impl Strategy<Value = Vec<Row>> {
    proptest::collection::vec(any_row(from_day, to_day, &["ann", "bob", "cy", "dora"]), 1..most)
}

pub(crate) fn any_new_rows(from_day: i64, to_day: i64, most: usize) -> impl Strategy<Value = Vec<Row>> {
    proptest::collection::vec(any_row(from_day, to_day, &["aaron", "ann", "bob", "zoe"]), 0..most)
}

struct Order {
    time: i64,
    amount: f64,
    quantity: Option<f64>,
    discount: Option<f64>,
    categories: Vec<String>,
    channel: Option<String>,
}

/// Orders of one customer that a person at the instant would know, oldest first.
fn known_orders(rows: &[Row], customer: &str, instant: i64) -> Vec<Order> {
    let mut lines: Vec<&Row> =
        rows.iter().filter(|r| r.customer == customer && r.time < instant && r.amount > 0.0).collect();
    lines.sort_by_key(|r| r.time);
    let mut keys: Vec<(Option<&str>, i64)> = Vec::new();
    let mut orders: Vec<Order> = Vec::new();
    for line in lines {
        let key = (line.order.as_deref(), if line.order.is_some() { 0 } else { line.time });
        let at = keys.iter().position(|k| *k == key).unwrap_or_else(|| {
            keys.push(key);
            orders.push(Order {
                time: line.time,
                amount: 0.0,
                quantity: None,
                discount: None,
                categories: Vec::new(),
                channel: None,
            });
            orders.len() - 1
        });
        let order = &mut orders[at];
        order.amount += line.amount;
        order.quantity = line.quantity.map(|q| order.quantity.unwrap_or(0.0) + q).or(order.quantity);
        order.discount = line.discount.map(|d| order.discount.unwrap_or(0.0) + d).or(order.discount);
        order.categories.extend(line.category.clone());
        order.channel = order.channel.clone().or_else(|| line.channel.clone());
    }
    orders
}

fn returned(rows: &[Row], instant: i64) -> f64 {
    rows.iter()
        .map(|r| match r.returned_at {
            _ if r.amount < 0.0 && r.time < instant => -r.amount,
            Some(at) if r.amount > 0.0 && at.max(r.time) < instant => r.amount,
            _ => 0.0,
        })
        .sum()
}

fn distinct(mut values: Vec<&str>) -> usize {
    values.sort_unstable();
    values.dedup();
    values.len()
}

/// Every built-in feature by its name, from the lines, with no shortcut.
pub(crate) fn oracle(
    rows: &[Row],
    customer: &str,
    instant: i64,
    window_days: i64,
) -> Vec<(&'static str, f64)> {
    let orders = known_orders(rows, customer, instant);
    let days = |s: i64| s as f64 / DAY as f64;
    let since = |d: i64| orders.iter().filter(move |o| o.time >= instant - d * DAY);
    let count = |d: i64| since(d).count() as f64;
    let spend = |d: i64| since(d).map(|o| o.amount).sum::<f64>();
    let window: Vec<&Order> = since(window_days).collect();
    let late: Vec<&&Order> = window.iter().filter(|o| o.time >= instant - window_days * DAY / 2).collect();
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;

    let gaps: Vec<f64> = orders.windows(2).map(|o| days(o[1].time - o[0].time)).collect();
    let gap = mean(&gaps);
    let sd = match gaps.len() {
        0 | 1 => f64::NAN,
        n => (gaps.iter().map(|g| (g - gap).powi(2)).sum::<f64>() / (n - 1) as f64).sqrt(),
    };
    let recency = orders.last().map_or(f64::NAN, |o| days(instant - o.time));
    let nan_unless = |known: bool, value: f64| if known { value } else { f64::NAN };
    let spend_window = spend(window_days);
    let spend_late: f64 = late.iter().map(|o| o.amount).sum();
    let (n, n_late) = (window.len() as f64, late.len() as f64);

    let quantities: Vec<f64> = window.iter().filter_map(|o| o.quantity).collect();
    let discounts: Vec<f64> =
        window.iter().filter_map(|o| o.discount).map(|d| f64::from(u8::from(d > 0.0))).collect();
    let categories: Vec<&str> = window.iter().flat_map(|o| o.categories.iter().map(String::as_str)).collect();
    let channels: Vec<&str> = window.iter().filter_map(|o| o.channel.as_deref()).collect();
    let squares: usize = channels.iter().map(|a| channels.iter().filter(|b| a == *b).count()).sum();
    let blocks = (0..(window_days + 29) / 30)
        .filter(|b| {
            let (from, to) = (instant - (b + 1) * 30 * DAY, instant - b * 30 * DAY);
            window.iter().any(|o| from <= o.time && o.time < to)
        })
        .count();
    let own: Vec<Row> = rows.iter().filter(|r| r.customer == customer).cloned().collect();
    let spent: f64 = orders.iter().map(|o| o.amount).sum();
    let returns_known = returned(rows, instant) > 0.0;
    let last_return = own
        .iter()
        .filter_map(|r| match r.returned_at {
            _ if r.amount < 0.0 => Some(r.time),
            Some(at) if r.amount > 0.0 => Some(at.max(r.time)),
            _ => None,
        })
        .filter(|&time| time < instant)
        .max();
    let quiet = last_return.map_or(recency, |time| recency.min(days(instant - time)));
    let tenure = orders.first().map_or(f64::NAN, |o| days(instant - o.time));
    let span: f64 = gaps.iter().sum();
    let gap_max = nan_unless(!gaps.is_empty(), gaps.iter().copied().fold(0.0, f64::max));
    let all = orders.len() as f64;
    let fading = |fade: f64| orders.iter().map(|o| (-days(instant - o.time) / fade).exp()).sum::<f64>();
    let silence = (tenure + 60.0) / (span + 60.0);
    let last_amount = orders.last().map_or(f64::NAN, |o| o.amount);

    vec![
        ("recency_days", recency),
        ("orders_window", n),
        ("spend_window", spend_window),
        ("average_order_value", spend_window / n),
        ("orders_lifetime", orders.len() as f64),
        ("spend_lifetime", spent),
        ("gap_mean_days", gap),
        ("gap_sd_days", sd),
        ("gap_regularity", nan_unless(gap > 0.0, 1.0 / (1.0 + sd / gap))),
        ("recency_per_gap", if gap < 1.0 { recency } else { recency / gap }),
        ("orders_30d", count(30)),
        ("orders_60d", count(60)),
        ("orders_90d", count(90)),
        ("spend_30d", spend(30)),
        ("spend_90d", spend(90)),
        ("spend_trend", (2.0 * spend_late - spend_window) / spend_window),
        ("frequency_trend", (2.0 * n_late - n) / n),
        ("active_months_share", blocks as f64 / ((window_days + 29) / 30) as f64),
        ("tenure_days", orders.first().map_or(f64::NAN, |o| days(instant - o.time))),
        ("is_one_time_buyer", f64::from(u8::from(orders.len() == 1))),
        ("days_to_second_order", gaps.first().copied().unwrap_or(f64::NAN)),
        ("category_variety", nan_unless(!categories.is_empty(), distinct(categories.clone()) as f64)),
        ("basket_size", mean(&quantities)),
        ("discount_affinity", mean(&discounts)),
        ("return_rate", nan_unless(returns_known && spent > 0.0, (returned(&own, instant) / spent).min(1.0))),
        ("channel_concentration", squares as f64 / (channels.len() as f64).powi(2)),
        ("return_after_order_days", recency - quiet),
        ("gap_max_days", gap_max),
        ("recency_per_gap_max", if gap_max < 1.0 { recency } else { recency / gap_max }),
        ("expected_orders", 90.0 * all / (tenure + 60.0)),
        ("silence_chance", (-recency * all / (span + 60.0)).exp()),
        ("alive_chance", nan_unless(all > 0.0, 1.0 / (1.0 + silence.powf(all) / (all + 1.0)))),
        ("fading_orders_30d", fading(30.0)),
        ("fading_orders_60d", fading(60.0)),
        ("fading_orders_120d", fading(120.0)),
        ("last_order_ratio", ((last_amount + 1.0) / (spent / all + 1.0)).ln()),
        ("orders_window_share", n / all),
        ("active_share", nan_unless(tenure > 0.0, span / tenure)),
    ]
}
