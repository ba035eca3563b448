//! The exact filter over types and states, the probabilities of no order, and the spends to expect.

use tenure_features::time::DAY;

use super::chain::{Matrix, Spectral, times};
use super::customer::{DISCOUNT_PERCENT, RETURN_DAYS};
use super::history::Order;
use super::params::OrderParams;
use super::truth::{CustomerType, State};

/// Chain of one (rate class, hazard class).
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    /// Orders per day by state.
    pub(crate) rates: [f64; 3],
    /// exp((Q − Λ) x).
    pub(crate) killed: Spectral,
    /// exp(Q x).
    pub(crate) free: Spectral,
    /// ∫₀ᴬ e_active exp(Q a) da: where customers stand at the log's start who joined before it.
    pub(crate) joined_before: [f64; 3],
}

/// The filter, with everything that does not depend on the customer.
#[derive(Debug, Clone)]
pub(crate) struct Oracle {
    chains: Vec<Chain>,
    shares: [f64; CustomerType::COUNT],
    log_medians: [[f64; 2]; 3],
    /// Expected money of an order by spend class and state.
    order_values: [[f64; 2]; 3],
    noise: f64,
    discount: [f64; 2],
    returned: [f64; 2],
}

/// What the filter says of one customer at one instant; NaN before the first order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Answer {
    /// Probability of no order within the horizon.
    pub(crate) no_order: f64,
    /// Expected money of the orders within the horizon.
    pub(crate) spend: f64,
}

impl Answer {
    pub(crate) const UNKNOWN: Self = Self { no_order: f64::NAN, spend: f64::NAN };
}

/// An instant at which the oracle is asked, with what it needs to know about it.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) second: i64,
    u: f64,
    /// Probability of no order within the horizon, by chain and state.
    no_order: Vec<[f64; 3]>,
    /// Expected money of the orders within the horizon, by type and state.
    spend: Vec<[f64; 3]>,
}

impl Question {
    /// For one who knows type and state.
    pub(crate) fn latent(&self, of: CustomerType, state: State) -> Answer {
        let (index, state) = (of.index(), state as usize);
        Answer { no_order: self.no_order[index / 3][state].clamp(0.0, 1.0), spend: self.spend[index][state] }
    }
}

/// Weights over (type, state), summing to 1 once the first order is in.
#[derive(Debug, Clone)]
struct Belief {
    weights: [[f64; 3]; CustomerType::COUNT],
    u: f64,
    orders: usize,
}

impl Oracle {
    pub(crate) fn new(params: &OrderParams, chains: Vec<Chain>, log_medians: [[f64; 2]; 3]) -> Self {
        let share = |shares: &[f64; 3], class: usize| shares[class] / shares.iter().sum::<f64>();
        let shares = std::array::from_fn(|index| {
            let t = CustomerType::from_index(index);
            share(&params.rate_shares, t.rate)
                * share(&params.hazard_shares, t.hazard)
                * share(&params.spend_shares, t.spend)
        });
        let discount = [params.discount_share, params.cooling_discount_share];
        let depth = DISCOUNT_PERCENT.iter().map(|&p| f64::from(p)).sum::<f64>()
            / (100.0 * DISCOUNT_PERCENT.len() as f64);
        let line = |mean: f64| (mean + 0.5 * params.amount_noise.powi(2)).exp();
        let order_values = log_medians.map(|means| {
            std::array::from_fn(|z| (1.0 + params.extra_lines) * line(means[z]) * (1.0 - discount[z] * depth))
        });
        Self {
            chains,
            shares,
            log_medians,
            order_values,
            noise: params.amount_noise,
            discount,
            returned: [params.return_share, params.cooling_return_share],
        }
    }

    /// Prepares for instants at `second`, with `u` and `ahead` the operational time there and at the
    /// horizon's end.
    pub(crate) fn question(&self, second: i64, u: f64, ahead: f64) -> Question {
        let no_order = |chain: &Chain| chain.killed.exponential(ahead - u).map(|row| row.iter().sum());
        let spend = (0..CustomerType::COUNT).map(|index| {
            let (chain, [active, cooling]) = (&self.chains[index / 3], self.order_values[index % 3]);
            // Days of operational time in each state, from each state on.
            let days = chain.free.integral(ahead - u);
            days.map(|row| row[0] * chain.rates[0] * active + row[1] * chain.rates[1] * cooling)
        });
        let no_order = self.chains.iter().map(no_order).collect();
        Question { second, u, no_order, spend: spend.collect() }
    }

    /// What to expect given the orders before each instant; unknown where there is none yet. Questions are sorted by time. `None` where the history cannot come from this world.
    pub(crate) fn answer(&self, orders: &[Order], questions: &[Question], out: &mut [Answer]) -> Option<()> {
        // Orders whose return can no longer come have their final likelihood and are taken up once.
        let mut settled = Belief { weights: [[0.0; 3]; CustomerType::COUNT], u: 0.0, orders: 0 };
        for (question, answer) in questions.iter().zip(out) {
            let seen = orders.partition_point(|o| o.second < question.second);
            if seen == 0 {
                *answer = Answer::UNKNOWN;
                continue;
            }
            let last_settled = question.second - RETURN_DAYS.1 * DAY;
            while settled.orders < seen && orders[settled.orders].second <= last_settled {
                self.absorb(&mut settled, orders, question.second)?;
            }
            let mut belief = settled.clone();
            while belief.orders < seen {
                self.absorb(&mut belief, orders, question.second)?;
            }
            *answer = self.predict(&belief, question);
        }
        Some(())
    }

    /// One step of the filter: to the next order and through it, with its return as known at `now`.
    fn absorb(&self, belief: &mut Belief, orders: &[Order], now: i64) -> Option<()> {
        let order = &orders[belief.orders];
        let marks = self.marks(order, now);
        let gap = (order.u - belief.u).max(0.0);
        let mut total = 0.0;
        for (c, chain) in self.chains.iter().enumerate() {
            let moved: Matrix = chain.killed.exponential(gap);
            for (spend, marks) in marks.iter().enumerate() {
                let index = c * 3 + spend;
                let weight = &mut belief.weights[index];
                let (v, joins) = if belief.orders == 0 {
                    let share = self.shares[index];
                    (chain.joined_before.map(|w| share * w), share)
                } else {
                    (*weight, 0.0)
                };
                let v = times(v, &moved);
                *weight = [(v[0] * chain.rates[0] + joins) * marks[0], v[1] * chain.rates[1] * marks[1], 0.0];
                total += weight[0] + weight[1];
            }
        }
        let scale = 1.0 / total;
        belief.weights.iter_mut().flatten().for_each(|w| *w *= scale);
        belief.u = order.u;
        belief.orders += 1;
        (total > 0.0).then_some(())
    }

    /// Likelihood of an order's marks by spend class and state, up to a common factor.
    fn marks(&self, order: &Order, now: i64) -> [[f64; 2]; 3] {
        let log_likelihood = self.log_medians.map(|by_state| {
            by_state.map(|mean| {
                let squares = order.squares - 2.0 * mean * order.sum + order.lines * mean * mean;
                -0.5 * squares / (self.noise * self.noise)
            })
        });
        let highest = log_likelihood.as_flattened().iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let event = |p: f64, happened: bool| if happened { p } else { 1.0 - p };
        let back = order.returned < now;
        let elapsed = (now - order.second - RETURN_DAYS.0 * DAY) as f64;
        let due = (elapsed / ((RETURN_DAYS.1 - RETURN_DAYS.0) * DAY) as f64).clamp(0.0, 1.0);
        log_likelihood.map(|by_state| {
            std::array::from_fn(|state| {
                let sent_back = if back { self.returned[state] } else { 1.0 - self.returned[state] * due };
                (by_state[state] - highest).exp() * event(self.discount[state], order.discounted) * sent_back
            })
        })
    }

    fn predict(&self, belief: &Belief, question: &Question) -> Answer {
        let (mut none, mut spend, mut total) = (0.0, 0.0, 0.0);
        for (c, chain) in self.chains.iter().enumerate() {
            let moved = chain.killed.exponential((question.u - belief.u).max(0.0));
            let no_order = &question.no_order[c];
            for index in c * 3..c * 3 + 3 {
                let v = times(belief.weights[index], &moved);
                none += v[0] * no_order[0] + v[1] * no_order[1] + v[2] * no_order[2];
                let worth = &question.spend[index];
                spend += v[0] * worth[0] + v[1] * worth[1] + v[2] * worth[2];
                total += v[0] + v[1] + v[2];
            }
        }
        Answer { no_order: (none / total).clamp(0.0, 1.0), spend: spend / total }
    }
}
