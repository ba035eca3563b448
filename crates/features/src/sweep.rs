//! What the features of one customer are computed from, for any number of instants in one pass.
//!
//! Sums over a window are differences of sums from the customer's first order on, and everything that slides
//! is a whole number. So the facts at an instant depend on the events before it alone: not on later events,
//! nor on which other instants are asked for.

use crate::columns::NO_CODE;
use crate::history::History;
use crate::log::LogFacts;
use crate::time::DAY;

/// Days of a block in the share of active months.
const MONTH_DAYS: i64 = 30;

/// One customer at one instant. Days are 24 hours; a window of `d` days is `[instant − d days, instant)`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) orders: usize,
    pub(crate) spend: f64,
    /// Days since the first and the last order, and between the first two; NaN where there are none.
    pub(crate) tenure_days: f64,
    pub(crate) recency_days: f64,
    pub(crate) second_order_days: f64,
    /// Mean and sample standard deviation of the days between orders; NaN below 1 and 2 gaps.
    pub(crate) gap_mean_days: f64,
    pub(crate) gap_sd_days: f64,
    pub(crate) orders_30: usize,
    pub(crate) orders_60: usize,
    pub(crate) orders_90: usize,
    pub(crate) spend_30: f64,
    pub(crate) spend_90: f64,
    /// The observation window and its later half.
    pub(crate) orders_window: usize,
    pub(crate) spend_window: f64,
    pub(crate) orders_late: usize,
    pub(crate) spend_late: f64,
    pub(crate) active_months_share: f64,
    /// Within the window; NaN where no order of it knows.
    pub(crate) quantity_per_order: f64,
    pub(crate) discounted_share: f64,
    pub(crate) categories: f64,
    pub(crate) channel_concentration: f64,
    /// Of all spend, at most 1; NaN where the log is not known to record returns.
    pub(crate) returned_share: f64,
    /// Days since the last order or return.
    pub(crate) quiet_days: f64,
    /// From the first order to the last; NaN where there is none.
    pub(crate) span_days: f64,
    /// The longest pause between two orders; NaN below one gap.
    pub(crate) gap_max_days: f64,
    /// Money of the last order; NaN where there is none.
    pub(crate) last_amount: f64,
    /// Per half-life of [`FADING_DAYS`]: the orders so far, each counting exp(−age / days).
    pub(crate) fading_orders: [f64; 3],
}

/// Days in which an order fades to 1/e of its weight.
pub(crate) const FADING_DAYS: [f64; 3] = [30.0, 60.0, 120.0];

/// Buffers of one thread.
#[derive(Debug, Default)]
pub(crate) struct SweepScratch {
    /// Per order, the sum of all before it; one more than there are orders.
    spend: Vec<f64>,
    quantity: Vec<(f64, u32)>,
    discount: Vec<(u32, u32)>,
    category_orders: Vec<u32>,
    channel_orders: Vec<u32>,
}

/// Pointers into one customer's history that only move forwards.
pub(crate) struct Sweep<'a> {
    history: History<'a>,
    log: &'a LogFacts,
    scratch: &'a mut SweepScratch,
    window: i64,
    /// Orders before the instant, and before the begin of each window.
    end: usize,
    start_30: usize,
    start_60: usize,
    start_90: usize,
    start: usize,
    late: usize,
    gap_squares: u128,
    gap_max: u64,
    /// As of the last order: the sums behind [`Facts::fading_orders`].
    fading: [f64; 3],
    returns: usize,
    returned: f64,
    /// Categories with an order in the window; orders with a category; squares of orders by channel.
    categories: u32,
    with_category: u32,
    channel_squares: u64,
    with_channel: u32,
}

impl<'a> Sweep<'a> {
    pub(crate) fn new(
        history: History<'a>,
        log: &'a LogFacts,
        window_days: u32,
        scratch: &'a mut SweepScratch,
    ) -> Self {
        scratch.fill(&history, log);
        Self {
            history,
            log,
            scratch,
            window: i64::from(window_days) * DAY,
            end: 0,
            start_30: 0,
            start_60: 0,
            start_90: 0,
            start: 0,
            late: 0,
            gap_squares: 0,
            gap_max: 0,
            fading: [0.0; 3],
            returns: 0,
            returned: 0.0,
            categories: 0,
            with_category: 0,
            channel_squares: 0,
            with_channel: 0,
        }
    }

    /// The facts at an instant, which is not before the one of the last call.
    pub(crate) fn at(&mut self, instant: i64) -> Facts {
        self.advance(instant);
        let (times, end) = (self.history.times, self.end);
        let days = |seconds: i64| seconds as f64 / DAY as f64;
        let since = |order: Option<&i64>| order.map_or(f64::NAN, |&t| days(instant.saturating_sub(t)));
        let known = &times[..end];
        let (gap_mean_days, gap_sd_days) = self.gaps();
        let spend = &self.scratch.spend;
        Facts {
            orders: end,
            spend: spend[end],
            tenure_days: since(known.first()),
            recency_days: since(known.last()),
            second_order_days: if end > 1 { days(times[1] - times[0]) } else { f64::NAN },
            gap_mean_days,
            gap_sd_days,
            orders_30: end - self.start_30,
            orders_60: end - self.start_60,
            orders_90: end - self.start_90,
            spend_30: spend[end] - spend[self.start_30],
            spend_90: spend[end] - spend[self.start_90],
            orders_window: end - self.start,
            spend_window: spend[end] - spend[self.start],
            orders_late: end - self.late,
            spend_late: spend[end] - spend[self.late],
            active_months_share: self.active_months_share(instant),
            quantity_per_order: self.scratch.quantity_per_order(self.start, end),
            discounted_share: self.scratch.discounted_share(self.start, end),
            categories: if self.with_category > 0 { f64::from(self.categories) } else { f64::NAN },
            channel_concentration: self.channel_squares as f64 / f64::from(self.with_channel).powi(2),
            returned_share: match self.log.returns_known(instant) && end > 0 {
                true => (self.returned / spend[end]).min(1.0),
                false => f64::NAN,
            },
            quiet_days: since(known.last()).min(since(self.history.returns.times[..self.returns].last())),
            span_days: since(known.first()) - since(known.last()),
            gap_max_days: if end > 1 { days(self.gap_max as i64) } else { f64::NAN },
            last_amount: end.checked_sub(1).map_or(f64::NAN, |last| self.history.amounts[last]),
            fading_orders: self.faded(since(known.last())),
        }
    }

    /// The sums as of the last order, faded by the days since.
    fn faded(&self, recency_days: f64) -> [f64; 3] {
        if self.end == 0 {
            return [0.0; 3];
        }
        std::array::from_fn(|i| self.fading[i] * (-recency_days / FADING_DAYS[i]).exp())
    }

    fn advance(&mut self, instant: i64) {
        let times = self.history.times;
        while self.end < times.len() && times[self.end] < instant {
            if self.end > 0 {
                let gap = times[self.end].abs_diff(times[self.end - 1]);
                self.gap_squares += u128::from(gap).pow(2);
                self.gap_max = self.gap_max.max(gap);
                let days = gap as f64 / DAY as f64;
                self.fading.iter_mut().zip(FADING_DAYS).for_each(|(sum, fade)| *sum *= (-days / fade).exp());
            }
            self.fading.iter_mut().for_each(|sum| *sum += 1.0);
            self.enter(self.end);
            self.end += 1;
        }
        let begin = instant.saturating_sub(self.window);
        while self.start < self.end && times[self.start] < begin {
            self.leave(self.start);
            self.start += 1;
        }
        let end = self.end;
        let forward = |pointer: &mut usize, seconds: i64| {
            while *pointer < end && times[*pointer] < instant.saturating_sub(seconds) {
                *pointer += 1;
            }
        };
        forward(&mut self.start_30, 30 * DAY);
        forward(&mut self.start_60, 60 * DAY);
        forward(&mut self.start_90, 90 * DAY);
        forward(&mut self.late, self.window / 2);
        let returns = self.history.returns;
        while self.returns < returns.times.len() && returns.times[self.returns] < instant {
            self.returned += returns.amounts[self.returns];
            self.returns += 1;
        }
    }

    fn enter(&mut self, order: usize) {
        let categories = self.history.categories(order);
        self.with_category += u32::from(!categories.is_empty());
        for &category in categories {
            let orders = &mut self.scratch.category_orders[category as usize];
            self.categories += u32::from(*orders == 0);
            *orders += 1;
        }
        if let Some(&channel) = self.history.channels.get(order).filter(|c| **c != NO_CODE) {
            let orders = &mut self.scratch.channel_orders[channel as usize];
            self.channel_squares += 2 * u64::from(*orders) + 1;
            *orders += 1;
            self.with_channel += 1;
        }
    }

    fn leave(&mut self, order: usize) {
        let categories = self.history.categories(order);
        self.with_category -= u32::from(!categories.is_empty());
        for &category in categories {
            let orders = &mut self.scratch.category_orders[category as usize];
            *orders -= 1;
            self.categories -= u32::from(*orders == 0);
        }
        if let Some(&channel) = self.history.channels.get(order).filter(|c| **c != NO_CODE) {
            let orders = &mut self.scratch.channel_orders[channel as usize];
            *orders -= 1;
            self.channel_squares -= 2 * u64::from(*orders) + 1;
            self.with_channel -= 1;
        }
    }

    /// Sums of squares are whole seconds: a customer who comes like clockwork has a deviation of exactly 0.
    fn gaps(&self) -> (f64, f64) {
        if self.end < 2 {
            return (f64::NAN, f64::NAN);
        }
        let gaps = self.end as u128 - 1;
        let sum = u128::from(self.history.times[self.end - 1].abs_diff(self.history.times[0]));
        let mean = sum as f64 / (gaps as f64 * DAY as f64);
        if gaps < 2 {
            return (mean, f64::NAN);
        }
        let spread = gaps * self.gap_squares - sum * sum; // at least 0 (Cauchy–Schwarz)
        (mean, (spread as f64 / (gaps * (gaps - 1)) as f64).sqrt() / DAY as f64)
    }

    fn active_months_share(&self, instant: i64) -> f64 {
        let block = MONTH_DAYS * DAY;
        let blocks = (self.window + block - 1) / block;
        let mut last = -1;
        let mut active = 0;
        for &time in &self.history.times[self.start..self.end] {
            let back = instant.saturating_sub(time).saturating_sub(1) / block;
            active += i32::from(back != last);
            last = back;
        }
        f64::from(active) / blocks as f64
    }
}

/// The counts of the window go back to 0 for the next customer.
impl Drop for Sweep<'_> {
    fn drop(&mut self) {
        for order in self.start..self.end {
            self.leave(order);
        }
    }
}

impl SweepScratch {
    fn fill(&mut self, history: &History<'_>, log: &LogFacts) {
        self.category_orders.resize(log.categories.len(), 0);
        self.channel_orders.resize(log.channels.len(), 0);
        running_sums(&mut self.spend, history.amounts, 0.0, |sum, amount| sum + amount);
        running_sums(&mut self.quantity, history.quantities, (0.0, 0), |(sum, known), value| {
            if value.is_nan() { (sum, known) } else { (sum + value, known + 1) }
        });
        running_sums(&mut self.discount, history.discounts, (0, 0), |(off, known), value| {
            if value.is_nan() { (off, known) } else { (off + u32::from(value > 0.0), known + 1) }
        });
    }

    fn quantity_per_order(&self, start: usize, end: usize) -> f64 {
        let (Some(a), Some(b)) = (self.quantity.get(start), self.quantity.get(end)) else { return f64::NAN };
        if b.1 == a.1 { f64::NAN } else { (b.0 - a.0) / f64::from(b.1 - a.1) }
    }

    fn discounted_share(&self, start: usize, end: usize) -> f64 {
        let (Some(a), Some(b)) = (self.discount.get(start), self.discount.get(end)) else { return f64::NAN };
        f64::from(b.0 - a.0) / f64::from(b.1 - a.1)
    }
}

/// `into[i]` is the sum of the first `i` values; empty where the log lacks the column.
fn running_sums<T: Copy>(into: &mut Vec<T>, values: &[f64], zero: T, add: impl Fn(T, f64) -> T) {
    into.clear();
    into.push(zero);
    let mut sum = zero;
    into.extend(values.iter().map(|&value| {
        sum = add(sum, value);
        sum
    }));
}
