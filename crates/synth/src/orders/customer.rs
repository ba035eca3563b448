//! One customer's life: type, states, orders, returns, drawn from a stream of the customer's own.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp1, StandardNormal};
use rand_pcg::Pcg64Mcg;
use tenure_core::seed;
use tenure_features::time::DAY;

use super::calendar::Calendar;
use super::chain::Hazards;
use super::params::OrderParams;
use super::truth::{CustomerType, State, Truth};

/// Names of the product categories, by code.
pub const CATEGORIES: [&str; 8] =
    ["home", "garden", "kitchen", "clothing", "toys", "books", "electronics", "gifts"];
/// Names of the sales channels, by code.
pub const CHANNELS: [&str; 3] = ["web", "app", "shop"];
/// Depths of a discount in per cent, equally likely.
pub const DISCOUNT_PERCENT: [u8; 8] = [5, 10, 10, 15, 20, 20, 25, 30];
/// A return comes at least and less than so many days after its order, uniformly.
pub const RETURN_DAYS: (i64, i64) = (3, 28);

/// General taste: in how many of 256 draws each category comes up.
const CATEGORY_WEIGHTS: [u16; 8] = [58, 22, 38, 48, 26, 30, 18, 16];
const CHANNEL_WEIGHTS: [u16; 3] = [140, 84, 32];
/// Of 256 draws, how many take the personal favourite.
const FAVOURITE_CATEGORY: u64 = 140;
const FAVOURITE_CHANNEL: u64 = 190;
/// No order has more lines.
const MOST_LINES: usize = 60;
const BITS_24: f64 = (1 << 24) as f64;

/// A log in the making.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) lines: Lines,
    pub(crate) truth: Truth,
    /// Code of the next order.
    pub(crate) next_order: u32,
}

/// Lines in the making, column by column.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pub(crate) customer: Vec<u32>,
    pub(crate) time: Vec<i64>,
    pub(crate) amount: Vec<f64>,
    pub(crate) quantity: Vec<f64>,
    pub(crate) discount: Vec<f64>,
    pub(crate) order: Vec<u32>,
    pub(crate) category: Vec<u32>,
    pub(crate) channel: Vec<u32>,
    /// Returns of the current customer that have not been written yet.
    pending: Vec<Line>,
}

#[derive(Debug, Clone, Copy)]
struct Line {
    customer: u32,
    time: i64,
    amount: f64,
    quantity: f64,
    discount: f64,
    order: u32,
    category: u32,
    channel: u32,
}

impl Lines {
    pub(crate) fn reserve(&mut self, lines: usize) {
        self.customer.reserve(lines);
        self.time.reserve(lines);
        self.amount.reserve(lines);
        self.quantity.reserve(lines);
        self.discount.reserve(lines);
        self.order.reserve(lines);
        self.category.reserve(lines);
        self.channel.reserve(lines);
    }

    #[inline]
    fn push(&mut self, line: Line) {
        self.customer.push(line.customer);
        self.time.push(line.time);
        self.amount.push(line.amount);
        self.quantity.push(line.quantity);
        self.discount.push(line.discount);
        self.order.push(line.order);
        self.category.push(line.category);
        self.channel.push(line.channel);
    }

    /// Writes the pending returns that come before `before`, in order of time.
    fn write_returns(&mut self, before: i64) {
        while let Some(first) = (0..self.pending.len())
            .filter(|&i| self.pending[i].time < before)
            .min_by_key(|&i| (self.pending[i].time, self.pending[i].order))
        {
            let line = self.pending.swap_remove(first);
            self.push(line);
        }
    }
}

/// Everything about the world that drawing a customer needs, in the form in which the loop wants it.
#[derive(Debug, Clone)]
pub(crate) struct Sampler {
    /// Orders per day by state, by rate class.
    rates: [[f64; 3]; 3],
    hazards: [Hazards; 3],
    /// Cumulative shares of the classes of rate, hazard and spend.
    classes: [[f64; 3]; 3],
    /// Mean of ln gross by spend class and state.
    pub(crate) log_medians: [[f64; 2]; 3],
    noise: f64,
    /// Probabilities by state, as thresholds for 24 random bits.
    discount: [u64; 2],
    returned: [u64; 2],
    another_line: u64,
    category_table: [u8; 256],
    channel_table: [u8; 256],
    /// Operational days before and in the log.
    history: f64,
    length: f64,
    end: i64,
}

fn bits_24(probability: f64) -> u64 {
    (probability * BITS_24).round() as u64
}

fn table<const N: usize>(weights: &[u16; N]) -> [u8; 256] {
    let mut table = [0; 256];
    let codes = weights.iter().enumerate().flat_map(|(code, &w)| std::iter::repeat_n(code as u8, w as usize));
    table.iter_mut().zip(codes).for_each(|(cell, code)| *cell = code);
    table
}

fn cumulative(shares: [f64; 3]) -> [f64; 3] {
    let sum: f64 = shares.iter().sum();
    [shares[0] / sum, (shares[0] + shares[1]) / sum, 1.0]
}

fn class(cumulative: &[f64; 3], unit: f64) -> usize {
    cumulative.iter().position(|&c| unit < c).unwrap_or(2)
}

struct Customer {
    code: u32,
    log_medians: [f64; 2],
    category: u32,
    channel: u32,
}

impl Sampler {
    pub(crate) fn new(
        params: &OrderParams,
        rates: [[f64; 3]; 3],
        hazards: [Hazards; 3],
        history: f64,
        length: f64,
        end: i64,
    ) -> Self {
        let fall = params.cooling_amount_factor.ln();
        Self {
            rates,
            hazards,
            classes: [params.rate_shares, params.hazard_shares, params.spend_shares].map(cumulative),
            log_medians: params.median_amounts.map(|m| [m.ln(), m.ln() + fall]),
            noise: params.amount_noise,
            discount: [params.discount_share, params.cooling_discount_share].map(bits_24),
            returned: [params.return_share, params.cooling_return_share].map(bits_24),
            another_line: bits_24(params.extra_lines / (1.0 + params.extra_lines)),
            category_table: table(&CATEGORY_WEIGHTS),
            channel_table: table(&CHANNEL_WEIGHTS),
            history,
            length,
            end,
        }
    }

    /// Draws customer `index` of the log that `seed` governs, as customer `code` of these lines. Order codes
    /// count on.
    ///
    /// A life without an order in the log is drawn anew: every customer of the log has one. That changes no
    /// truth, which is about customers who have ordered already.
    pub(crate) fn draw(&self, calendar: &Calendar, seed: u64, index: u64, code: u32, draft: &mut Draft) {
        let key = seed::mix(seed, 0x6f72_6465_7273);
        let state = (u128::from(seed::mix(key, index)) << 64) | u128::from(seed::mix(!key, index));
        let mut rng = Pcg64Mcg::new(state);
        let before = draft.next_order;
        while draft.next_order == before {
            self.live(calendar, &mut rng, code, draft);
            if draft.next_order == before {
                draft.truth.forget();
            }
        }
        draft.lines.write_returns(self.end);
        draft.lines.pending.clear();
    }

    fn live(&self, calendar: &Calendar, rng: &mut Pcg64Mcg, code: u32, draft: &mut Draft) {
        let [rate, hazard, spend] = std::array::from_fn(|c| class(&self.classes[c], rng.random()));
        let tastes = rng.next_u64();
        let customer = Customer {
            code,
            log_medians: self.log_medians[spend],
            category: u32::from(self.category_table[(tastes & 0xff) as usize]),
            channel: u32::from(self.channel_table[(tastes >> 8 & 0xff) as usize]),
        };
        let (rates, hazards) = (&self.rates[rate], &self.hazards[hazard]);
        let leave = [hazards.cool, hazards.recover + hazards.lapse, hazards.revive];
        let recovers = hazards.recover / leave[1];
        let step = |state: State, rng: &mut Pcg64Mcg| match state {
            State::Active | State::Lapsed => State::Cooling,
            State::Cooling if rng.random::<f64>() < recovers => State::Active,
            State::Cooling => State::Lapsed,
        };

        let mut u = rng.random::<f64>() * (self.history + self.length) - self.history;
        let mut state = State::Active;
        let joins_in_log = u >= 0.0;
        while u < 0.0 {
            u += exponential(rng) / leave[state as usize];
            if u < 0.0 {
                state = step(state, rng);
            } else {
                u = 0.0; // without memory: from here on the loop below draws anew
                break;
            }
        }
        let since = if joins_in_log { calendar.second(u) } else { i64::MIN };
        draft.truth.begin(CustomerType { rate, hazard, spend }, since, state);
        if joins_in_log {
            self.order(&customer, state, calendar.second(u), rng, draft);
        }
        loop {
            let total = rates[state as usize] + leave[state as usize];
            u += exponential(rng) / total;
            if u >= self.length {
                return;
            }
            let second = calendar.second(u);
            if rng.random::<f64>() * total < rates[state as usize] {
                self.order(&customer, state, second, rng, draft);
            } else {
                state = step(state, rng);
                draft.truth.enter(second, state);
            }
        }
    }

    #[inline]
    fn order(&self, customer: &Customer, state: State, time: i64, rng: &mut Pcg64Mcg, draft: &mut Draft) {
        let order = draft.next_order;
        draft.next_order = order.wrapping_add(1);
        let lines = &mut draft.lines;
        if !lines.pending.is_empty() {
            lines.write_returns(time);
        }
        let cooling = usize::from(state != State::Active);
        let bits = rng.next_u64();
        let low = |shift: u32| bits >> shift & 0xff_ffff;
        let percent = i64::from(DISCOUNT_PERCENT[(bits >> 48 & 7) as usize]);
        let percent = if low(0) < self.discount[cooling] { percent } else { 0 };
        let sent_back = low(24) < self.returned[cooling];
        let first = lines.time.len();
        let mut bits = rng.next_u64();
        let channel = self.channel(customer, bits >> 24);
        for _ in 0..MOST_LINES {
            let z: f64 = StandardNormal.sample(rng);
            let gross = (customer.log_medians[cooling] + self.noise * z).exp();
            let gross = ((gross * 100.0 + 0.5) as i64).max(2);
            let off = if percent > 0 { ((gross * percent + 50) / 100).clamp(1, gross - 1) } else { 0 };
            lines.push(Line {
                customer: customer.code,
                time,
                amount: (gross - off) as f64 / 100.0,
                quantity: quantity(bits & 0xff),
                discount: off as f64 / 100.0,
                order,
                category: self.category(customer, bits >> 8),
                channel,
            });
            if bits >> 40 >= self.another_line {
                break;
            }
            bits = rng.next_u64();
        }
        if sent_back {
            self.send_back(first, time, rng, lines);
        }
    }

    #[cold]
    fn send_back(&self, first: usize, time: i64, rng: &mut Pcg64Mcg, lines: &mut Lines) {
        let line = rng.random_range(first..lines.time.len());
        let delay = rng.random_range(RETURN_DAYS.0 * DAY..RETURN_DAYS.1 * DAY);
        lines.pending.push(Line {
            customer: lines.customer[line],
            time: time + delay,
            amount: -lines.amount[line],
            quantity: -lines.quantity[line],
            discount: 0.0,
            order: lines.order[line],
            category: lines.category[line],
            channel: lines.channel[line],
        });
    }

    fn category(&self, customer: &Customer, bits: u64) -> u32 {
        let general = u32::from(self.category_table[(bits >> 8 & 0xff) as usize]);
        if bits & 0xff < FAVOURITE_CATEGORY { customer.category } else { general }
    }

    fn channel(&self, customer: &Customer, bits: u64) -> u32 {
        let general = u32::from(self.channel_table[(bits >> 8 & 0xff) as usize]);
        if bits & 0xff < FAVOURITE_CHANNEL { customer.channel } else { general }
    }
}

fn exponential(rng: &mut Pcg64Mcg) -> f64 {
    Exp1.sample(rng)
}

/// One piece in seven lines of ten, else two or three.
fn quantity(byte: u64) -> f64 {
    1.0 + f64::from(u8::from(byte >= 179)) + f64::from(u8::from(byte >= 230))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_hold_every_code_with_its_weight() {
        let (categories, channels) = (table(&CATEGORY_WEIGHTS), table(&CHANNEL_WEIGHTS));
        for (code, &weight) in CATEGORY_WEIGHTS.iter().enumerate() {
            assert_eq!(categories.iter().filter(|&&c| usize::from(c) == code).count(), usize::from(weight));
        }
        for (code, &weight) in CHANNEL_WEIGHTS.iter().enumerate() {
            assert_eq!(channels.iter().filter(|&&c| usize::from(c) == code).count(), usize::from(weight));
        }
    }
}
