//! The filter against brute force: paths drawn from the prior, weighted by the likelihood of one history.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

use std::sync::Arc;

use tenure_core::seed::mix;
use tenure_features::{CodedColumn, OrderColumns};
use tenure_synth::OrderParams;
use tenure_synth::orders::RETURN_DAYS;

const DAY: f64 = 86_400.0;
const HISTORY_MONTHS: u32 = 3;
/// October to December 2022, the three months before the log.
const HISTORY_DAYS: f64 = 92.0;
const PATHS: usize = 300_000;

/// Day, amounts of the lines, discounted, day of the return.
struct Order {
    day: f64,
    amounts: Vec<f64>,
    discounted: bool,
    returned: Option<f64>,
}

fn columns(orders: &[Order]) -> OrderColumns {
    let mut columns = OrderColumns {
        customer: CodedColumn { codes: vec![], names: Arc::new(vec!["C0000000".into()]) },
        discount: Some(vec![]),
        order: Some(vec![]),
        ..OrderColumns::default()
    };
    let start = tenure_features::Timestamp::from_ymd(2023, 1, 1).unwrap().seconds();
    for (code, order) in orders.iter().enumerate() {
        let bought = order.amounts.iter().map(|&a| (order.day, a));
        let returned = order.returned.map(|day| (day, -order.amounts[0]));
        for (day, amount) in bought.chain(returned) {
            // A discounted line costs 0.90 of its gross amount.
            let off = if order.discounted && amount > 0.0 { amount / 9.0 } else { 0.0 };
            columns.customer.codes.push(0);
            columns.time.push(start + (day * DAY) as i64);
            columns.amount.push(amount);
            columns.discount.as_mut().unwrap().push(off);
            columns.order.as_mut().unwrap().push(code as u32);
        }
    }
    columns
}

struct Draws(u64);

impl Draws {
    fn unit(&mut self) -> f64 {
        self.0 += 1;
        ((mix(20_231, self.0) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn exponential(&mut self, rate: f64) -> f64 {
        -self.unit().ln() / rate
    }

    fn class(&mut self, shares: &[f64; 3]) -> usize {
        let mut left = self.unit() * shares.iter().sum::<f64>();
        for (class, share) in shares.iter().enumerate() {
            left -= share;
            if left < 0.0 {
                return class;
            }
        }
        2
    }
}

/// When each state was entered, from `from` in state active to `until`; states are 0, 1, 2.
fn path(params: &OrderParams, hazard: usize, from: f64, until: f64, draws: &mut Draws) -> Vec<(f64, usize)> {
    let daily = |v: f64| (v / 365.25).max(1e-12);
    let (recover, lapse) = (daily(params.recovery_per_year), daily(params.lapse_per_year));
    let out =
        [daily(params.cooling_per_year[hazard]), recover + lapse, daily(params.return_to_shop_per_year)];
    let (mut path, mut u, mut state) = (vec![(from, 0)], from, 0);
    loop {
        u += draws.exponential(out[state]);
        if u > until {
            return path;
        }
        state = match state {
            1 if draws.unit() < recover / out[1] => 0,
            1 => 2,
            _ => 1,
        };
        path.push((u, state));
    }
}

fn state_at(path: &[(f64, usize)], u: f64) -> usize {
    path[path.partition_point(|p| p.0 <= u) - 1].1
}

fn integral(path: &[(f64, usize)], rates: &[f64; 3], from: f64, to: f64) -> f64 {
    let ends = path.iter().skip(1).map(|p| p.0).chain([f64::INFINITY]);
    path.iter()
        .zip(ends)
        .map(|(&(begin, state), end)| (end.min(to) - begin.max(from)).max(0.0) * rates[state])
        .sum()
}

fn marks(params: &OrderParams, order: &Order, now: f64, spend: usize, state: usize) -> f64 {
    if state == 2 {
        return 0.0;
    }
    let cooling = state == 1;
    let pick = |active: f64, when_cooling: f64| if cooling { when_cooling } else { active };
    let median = params.median_amounts[spend] * pick(1.0, params.cooling_amount_factor);
    let gross = |amount: f64| if order.discounted { amount / 0.9 } else { amount };
    let density = |amount: f64| {
        let z = (gross(amount) / median).ln() / params.amount_noise;
        (-0.5 * z * z).exp()
    };
    let discount = pick(params.discount_share, params.cooling_discount_share);
    let back = pick(params.return_share, params.cooling_return_share);
    let (first, end) = (RETURN_DAYS.0 as f64, RETURN_DAYS.1 as f64);
    let due = ((now - order.day - first) / (end - first)).clamp(0.0, 1.0);
    let seen = order.returned.is_some_and(|day| day < now);
    order.amounts.iter().map(|&a| density(a)).product::<f64>()
        * if order.discounted { discount } else { 1.0 - discount }
        * if seen { back } else { 1.0 - back * due }
}

/// Expected money of an order: lines, their lognormal gross amounts, less the mean discount.
fn order_value(params: &OrderParams, spend: usize, cooling: bool) -> f64 {
    let median = params.median_amounts[spend] * if cooling { params.cooling_amount_factor } else { 1.0 };
    let discounted = if cooling { params.cooling_discount_share } else { params.discount_share };
    let depth = [0.05, 0.1, 0.1, 0.15, 0.2, 0.2, 0.25, 0.3].iter().sum::<f64>() / 8.0;
    let gross = median * (params.amount_noise * params.amount_noise / 2.0).exp();
    (1.0 + params.extra_lines) * gross * (1.0 - discounted * depth)
}

/// The probability of no order and the spend to expect in the 90 days from `now`, by importance sampling.
fn brute_force(params: &OrderParams, orders: &[Order], now: f64) -> (f64, f64) {
    let known: Vec<&Order> = orders.iter().filter(|o| o.day < now).collect();
    let mut draws = Draws(0);
    let (mut none, mut money, mut all) = (0.0, 0.0, 0.0);
    for n in 0..PATHS {
        let (rate, hazard) = (draws.class(&params.rate_shares), draws.class(&params.hazard_shares));
        let spend = draws.class(&params.spend_shares);
        let gap = params.gap_days[rate];
        let rates = [1.0 / gap, 1.0 / (gap * params.cooling_slowdown), 0.0];
        // Every other path joined before the log: those have the weight of the days before the log.
        let joined_before = n % 2 == 0;
        let first = known[0].day;
        let joined = if joined_before { -draws.unit() * HISTORY_DAYS } else { first };
        let path = path(params, hazard, joined, now + 90.0, &mut draws);
        let mut weight = if joined_before { HISTORY_DAYS } else { 1.0 };
        weight *= (-integral(&path, &rates, 0.0, now)).exp();
        for (i, order) in known.iter().enumerate() {
            let state = state_at(&path, order.day);
            weight *= marks(params, order, now, spend, state);
            weight *= if i == 0 && !joined_before { 1.0 } else { rates[state] };
        }
        all += weight;
        none += weight * (-integral(&path, &rates, now, now + 90.0)).exp();
        let worth = |state| rates[state] * order_value(params, spend, state == 1);
        money += weight * integral(&path, &[worth(0), worth(1), 0.0], now, now + 90.0);
    }
    (none / all, money / all)
}

#[test]
fn the_filter_agrees_with_weighted_paths() {
    let params = OrderParams {
        customers: 1,
        months: 4,
        history_months: HISTORY_MONTHS,
        yearly_season: 0.0,
        weekly_season: 0.0,
        hourly_season: 0.0,
        cooling_per_year: [2.0, 6.0, 15.0],
        recovery_per_year: 4.0,
        return_to_shop_per_year: 2.0,
        return_share: 0.1,
        cooling_return_share: 0.6,
        ..OrderParams::default()
    };
    let world = params.clone().check().unwrap();
    let order = |day, amounts: &[f64], discounted, returned| Order {
        day,
        amounts: amounts.to_vec(),
        discounted,
        returned,
    };
    let histories = [
        vec![order(6.0, &[20.0, 35.0], false, None)],
        vec![
            order(3.0, &[30.0], false, None),
            order(10.0, &[25.0, 20.0], false, Some(20.0)),
            order(41.0, &[12.0], true, Some(60.0)),
            order(70.0, &[9.0], true, None),
        ],
        vec![order(30.0, &[80.0], true, None), order(95.0, &[40.0], false, Some(110.0))],
    ];
    let mut seen = Vec::new();
    for history in &histories {
        let days = [7.0, 50.0, 75.0, 115.0];
        let instants: Vec<_> = days.map(|d| world.start().plus_days(d as i64)).to_vec();
        let found = world.attainable(&columns(history), &instants, 90, 1).unwrap();
        let spends = world.attainable_spend(&columns(history), &instants, 90, 1).unwrap();
        for (column, &day) in days.iter().enumerate().filter(|(_, d)| history[0].day < **d) {
            let (expected, spend) = brute_force(&params, history, day);
            let (found, money) = (found[[0, column]], spends[[0, column]]);
            assert!((found - expected).abs() < 0.006, "day {day}: filter {found}, paths {expected}");
            assert!((money / spend - 1.0).abs() < 0.015, "day {day}: filter {money}, paths {spend}");
            seen.push(found);
        }
    }
    assert!(
        seen.iter().fold(1.0, |a: f64, &b| a.min(b)) + 0.3 < seen.iter().fold(0.0, |a: f64, &b| a.max(b))
    );
}
